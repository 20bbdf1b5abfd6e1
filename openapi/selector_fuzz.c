/* Selectors: any text is read or refused with a reason; what was read can be asked. The first byte says
 * labels or fields. */
#include <stdint.h>
#include <stdlib.h>
#include "openapi/selector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    const struct schema_resource *pods = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("pods"));
    struct value pod = value_new_record(arena, pods->type);
    struct selector selector = {0};
    bool ok;

    if (!size)
        return 0;
    struct slice text = slice_make((const char *)data + 1, size - 1);
    ok = data[0] & 1 ? selector_parse_labels(arena, text, &selector, &err)
                     : selector_parse_fields(arena, pods, text, &selector, &err);
    if (ok == error_is_set(&err))
        abort();
    if (ok)
        selector_matches_value(&selector, pods, &pod);
    return 0;
}
