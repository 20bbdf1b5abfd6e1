/* Any bytes as any of a few types: refused, or a tree that is written as JSON and from there as a message
 * that reads the same again. */
#include <stdio.h>
#include <stdlib.h>
#include "openapi/gen/apiextensions_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(struct arena *arena, const struct schema_type *type, const struct value *first)
{
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED), message = BUF_INIT(BUF_UNLIMITED);
    cleanup_buf struct buf again = BUF_INIT(BUF_UNLIMITED);
    struct value second;
    encode_json_type(&json, type, first);
    if (!encode_protobuf(&message, arena, type, buf_slice(&json), NULL) ||
        !decode_protobuf(arena, type, buf_slice(&message), &second, NULL))
        abort();
    encode_json_type(&again, type, &second);
    if (!slice_eq(buf_slice(&json), buf_slice(&again))) {
        fprintf(stderr, "first:  %s\nsecond: %s\n", buf_cstr(&json), buf_cstr(&again));
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct schema_type *const types[] = {&core_v1_Pod, &core_v1_Service, &core_v1_Secret,
                                                      &core_v1_Event,
                                                      &apiextensions_v1_CustomResourceDefinition};
    struct slice bytes = slice_make((const char *)data, size), version, kind, message;
    cleanup_arena struct arena *arena = arena_new();
    struct error err;
    struct value v;
    error_init(&err, arena);
    if (!protobuf_is_envelope(bytes))
        message = bytes;
    else if (!protobuf_open_envelope(bytes, &version, &kind, &message, &err))
        return 0;
    const struct schema_type *type = types[size % 5];
    if (decode_protobuf(arena, type, message, &v, &err))
        check_round_trip(arena, type, &v);
    else if (!error_is_set(&err))
        abort();
    return 0;
}
