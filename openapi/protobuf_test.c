#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/gen/core_v1.h"
#include "openapi/protobuf.h"

/* Bytes as Go's generated code writes them, and the JSON that the object is. */
static const struct {
    const char *name;
    const struct schema_type *type;
    const char *bytes;
    size_t len;
    const char *json; /* NULL: refused */
} cases[] = {
#define CASE(name, type, bytes, json) {name, &type, bytes, sizeof(bytes) - 1, json}
    CASE("config map", core_v1_ConfigMap, "\x0a\x05\x0a\x01" "a\x12\x00\x12\x08\x0a\x01k\x12\x03v\xc3\xa4",
         "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\xc3\xa4\"}}"),
    CASE("map entry without a value", core_v1_ConfigMap, "\x12\x03\x0a\x01k", "{\"metadata\":{},\"data\":{\"k\":\"\"}}"),
    CASE("bytes become base64", core_v1_Secret, "\x12\x08\x0a\x01k\x12\x03\x01\x02\x03",
         "{\"metadata\":{},\"data\":{\"k\":\"AQID\"}}"),
    CASE("inlined struct is a message of its own", core_v1_Volume, "\x0a\x01v\x12\x04\x12\x02\x0a\x00",
         "{\"name\":\"v\",\"emptyDir\":{}}"),
    CASE("int or string", core_v1_ServicePort, "\x18\x50\x22\x06\x08\x01\x1a\x02hi", "{\"port\":80,\"targetPort\":\"hi\"}"),
    CASE("unknown fields are passed over", core_v1_Volume, "\x0a\x01v\xf8\x07\x05", "{\"name\":\"v\"}"),
    CASE("truncated", core_v1_Volume, "\x0a\x05v", NULL),
    CASE("length that lies", core_v1_Volume, "\x0a\xff\xff\xff\xff\x0fv", NULL),
    CASE("wrong wire type", core_v1_Volume, "\x08\x05", NULL),
    CASE("group wire type", core_v1_Volume, "\x0b", NULL),
    CASE("bad UTF-8", core_v1_Volume, "\x0a\x01\xff", NULL),
    CASE("endless varint", core_v1_Volume, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", NULL),
};

static void decodes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct error err;
        struct value v;
        error_init(&err, arena);
        bool ok = decode_protobuf(arena, cases[i].type, slice_make(cases[i].bytes, cases[i].len), &v, &err);
        if (ok != (cases[i].json != NULL))
            fail_msg("%s: %s", cases[i].name, ok ? "was read" : err.message);
        if (!ok)
            continue;
        struct buf out = BUF_INIT(BUF_UNLIMITED);
        encode_json_type(&out, cases[i].type, &v);
        if (!slice_is(buf_slice(&out), cases[i].json))
            fail_msg("%s: want %s, got %s", cases[i].name, cases[i].json, buf_cstr(&out));
        buf_release(&out);
    }
}

static void opens_envelope(void **state)
{
    (void)state;
    static const char bytes[] = "k8s\0\x0a\x0f\x0a\x02v1\x12\x09" "ConfigMap\x12\x02\x0a\x00\x1a\x00\x22\x00";
    struct slice version, kind, message;
    struct error err = ERROR_INIT;
    assert_true(protobuf_open_envelope(slice_make(bytes, sizeof bytes - 1), &version, &kind, &message, &err));
    assert_true(slice_is(version, "v1"));
    assert_true(slice_is(kind, "ConfigMap"));
    assert_int_equal(message.len, 2);
    assert_false(protobuf_open_envelope(SLICE("{}"), &version, &kind, &message, &err));
    assert_int_equal(err.reason, REASON_BAD_REQUEST);
    error_release(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(decodes), cmocka_unit_test(opens_envelope)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
