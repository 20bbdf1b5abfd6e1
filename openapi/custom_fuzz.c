/* Any schema, then an object: compiling, decoding, defaults and validation end. The input is a schema, a zero
 * byte, an object. */
#include "openapi/custom.h"

#include "openapi/decode.h"
#include "openapi/default.h"
#include "openapi/gen/apiextensions_v1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = memchr(data, 0, size);
    size_t first = zero ? (size_t)(zero - data) : size;
    struct slice text = slice_make((const char *)data, first);
    struct slice object = zero ? slice_make((const char *)zero + 1, size - first - 1) : SLICE("{}");
    cleanup_arena struct arena *arena = arena_new();
    struct value schema, v;
    if (!decode_json(arena, &apiextensions_v1_JSONSchemaProps, text, &schema, NULL, NULL))
        return 0;
    const struct schema *root = custom_compile(arena, &schema, "Thing");
    if (!decode_json(arena, root->type, object, &v, NULL, NULL))
        return 0;
    default_object(arena, &v);
    struct causes causes = {.arena = arena};
    custom_validate(&causes, NULL, root, &v, NULL);
    custom_validate_lists(&causes, NULL, root, &v);
    custom_validate_embedded(&causes, NULL, root, &v);
    return 0;
}
