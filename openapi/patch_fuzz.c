/* All three patch formats: the input is a format byte, a document, a zero byte and a patch. What comes out
 * must be a tree that is the same tree when it was written and read (numbers and broken UTF-8 settle in the
 * first round), and the document given must not change. */
#include <stdlib.h>
#include "openapi/patch.h"
#include "openapi/patch_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct value reread(struct arena *arena, const struct value *tree)
{
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    struct value again;

    encode_json(&text, &patch_any, tree);
    if (!decode_json_node(arena, &patch_any, arena_dup(arena, buf_slice(&text)), &again, NULL, NULL))
        abort();
    return again;
}

static void check_result(struct arena *arena, const struct value *tree)
{
    struct value first = reread(arena, tree), second = reread(arena, &first);

    if (!patch_equal(&first, &second))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"io.k8s.api.apps.v1.Deployment", "io.k8s.api.core.v1.Service",
                                        "io.k8s.api.core.v1.ConfigMap", "io.k8s.api.core.v1.Pod"};
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    struct decode_findings findings = {.arena = arena};
    struct slice text = slice_make((const char *)data + 1, size ? size - 1 : 0), doc_text;
    struct value doc, before, got;

    if (!size || !slice_split(&text, '\0', &doc_text) || !text.ptr)
        return 0;
    arena_set_limit(arena, 64 << 20);
    if (!decode_json_node(arena, &patch_any, doc_text, &doc, NULL, NULL) || doc.kind != VALUE_MAP)
        return 0;
    before = value_copy(arena, &doc, false);
    if (patch_apply_strict(arena, data[0] % 3, schema_find_type(types[data[0] / 3 % 4]), &doc, text, &got,
                           &findings, &err))
        check_result(arena, &got);
    else if (!error_is_set(&err))
        abort();
    if (!patch_equal(&doc, &before))
        abort();
    return 0;
}
