#include "openapi/decode.h"

/*
 * Through the text: a tree that came from somewhere else is written and read again, so that one decoder has
 * all the rules. A patched object pays a few microseconds for it.
 */
bool decode_value(struct arena *arena, const struct schema *schema, const struct value *tree,
                  struct value *ret_value, struct decode_findings *findings, struct error *err)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    struct schema record = {.kind = SCHEMA_RECORD};
    if (tree->kind == VALUE_RECORD)
        record.type = tree->record->type;
    encode_json(&text, tree->kind == VALUE_RECORD ? &record : &any, tree);
    return decode_json_node(arena, schema, arena_dup(arena, buf_slice(&text)), ret_value, findings, err);
}
