/* Any bytes as any of a few types: refused or a tree that encodes. */
#include <stdlib.h>
#include "openapi/gen/core_v1.h"
#include "openapi/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct schema_type *const types[] = {&core_v1_Pod, &core_v1_Service, &core_v1_Secret, &core_v1_Event};
    struct slice bytes = slice_make((const char *)data, size), version, kind, message;
    cleanup_arena struct arena *arena = arena_new();
    struct error err;
    struct value v;
    error_init(&err, arena);
    if (!protobuf_is_envelope(bytes))
        message = bytes;
    else if (!protobuf_open_envelope(bytes, &version, &kind, &message, &err))
        return 0;
    const struct schema_type *type = types[size % 4];
    if (decode_protobuf(arena, type, message, &v, &err)) {
        struct buf out = BUF_INIT(BUF_UNLIMITED);
        encode_json_type(&out, type, &v);
        buf_release(&out);
    } else if (!error_is_set(&err)) {
        abort();
    }
    return 0;
}
