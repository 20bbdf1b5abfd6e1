/* Any path on one document: parsing and evaluation end, within their bounds. */
#include "openapi/decode.h"
#include "openapi/jsonpath.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char document[] =
        "{\"a\":[{\"b\":1},{\"b\":\"x\",\"c\":[[1,2],[3]]}],\"d\":{\"e\":null,\"f\":true}}";
    static const struct schema any = {.kind = SCHEMA_ANY};
    cleanup_arena struct arena *arena = arena_new();
    struct value root;
    struct jsonpath_results found = {0};
    if (!decode_json_node(arena, &any, slice_str(document), &root, NULL, NULL))
        __builtin_trap();
    const struct jsonpath *path = jsonpath_parse(arena, slice_make((const char *)data, size), NULL);
    if (path)
        jsonpath_find(arena, path, &root, &found);
    return 0;
}
