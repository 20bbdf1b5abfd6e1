#include "base/alloc.h"
#include "openapi/decode.h"

/* Any bytes as YAML: what converts is JSON, and its tree survives being written as YAML and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool to_text(struct arena *arena, struct slice json, struct buf *out)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    struct value tree;
    if (!decode_json_node(arena, &any, json, &tree, NULL, NULL))
        return false;
    encode_json(out, &any, &tree);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf first = BUF_INIT(BUF_UNLIMITED), second = BUF_INIT(BUF_UNLIMITED),
                           yaml = BUF_INIT(64 << 20);
    struct slice json, again;
    arena_set_limit(arena, 64 << 20);
    if (!decode_yaml_to_json(arena, slice_make((const char *)data, size), &json, NULL))
        return 0;
    if (!to_text(arena, json, &first))
        return 0; /* too deep, too large or a number out of range */
    encode_yaml(&yaml, buf_slice(&first));
    if (yaml.failed)
        return 0;
    if (!decode_yaml_to_json(arena, buf_slice(&yaml), &again, NULL) || !to_text(arena, again, &second) ||
        !slice_eq(buf_slice(&first), buf_slice(&second))) {
        fprintf(stderr, "first:  %s\nyaml: %s\nsecond: %s\n", buf_cstr(&first), buf_cstr(&yaml),
                buf_cstr(&second));
        abort();
    }
    return 0;
}
