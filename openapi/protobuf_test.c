#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "openapi/gen/apiextensions_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/protobuf.h"

/* Bytes as Go's generated code writes them, and the JSON that the object is. */
static const struct {
    const char *name;
    const struct schema_type *type;
    const char *bytes;
    size_t len;
    const char *json; /* NULL: refused */
} cases[] = {
#define CASE(name, type, bytes, json)                                                                        \
    {                                                                                                        \
        name, &type, bytes, sizeof(bytes) - 1, json                                                          \
    }
    CASE("config map", core_v1_ConfigMap,
         "\x0a\x05\x0a\x01"
         "a\x12\x00\x12\x08\x0a\x01k\x12\x03v\xc3\xa4",
         "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\xc3\xa4\"}}"),
    CASE("map entry without a value", core_v1_ConfigMap, "\x12\x03\x0a\x01k",
         "{\"metadata\":{},\"data\":{\"k\":\"\"}}"),
    CASE("bytes become base64", core_v1_Secret, "\x12\x08\x0a\x01k\x12\x03\x01\x02\x03",
         "{\"metadata\":{},\"data\":{\"k\":\"AQID\"}}"),
    CASE("inlined struct is a message of its own", core_v1_Volume, "\x0a\x01v\x12\x04\x12\x02\x0a\x00",
         "{\"name\":\"v\",\"emptyDir\":{}}"),
    CASE("int or string", core_v1_ServicePort, "\x18\x50\x22\x06\x08\x01\x1a\x02hi",
         "{\"port\":80,\"targetPort\":\"hi\"}"),
    CASE("the epoch is a time", core_v1_ContainerStateRunning, "\x0a\x04\x08\0\x10\0",
         "{\"startedAt\":\"1970-01-01T00:00:00Z\"}"),
    CASE("an empty time is none", core_v1_ContainerStateRunning, "\x0a\0", "{\"startedAt\":null}"),
    CASE("unknown fields are passed over", core_v1_Volume, "\x0a\x01v\xf8\x07\x05", "{\"name\":\"v\"}"),
    CASE("truncated", core_v1_Volume, "\x0a\x05v", NULL),
    CASE("length that lies", core_v1_Volume, "\x0a\xff\xff\xff\xff\x0fv", NULL),
    CASE("wrong wire type", core_v1_Volume, "\x08\x05", NULL),
    CASE("group wire type", core_v1_Volume, "\x0b", NULL),
    CASE("bad UTF-8", core_v1_Volume, "\x0a\x01\xff", NULL),
    CASE("beyond Unicode", core_v1_Volume, "\x0a\x04\xf4\x9e\x8f\x8f", NULL),
    CASE("half a surrogate", core_v1_Volume, "\x0a\x03\xed\xa0\x80", NULL),
    CASE("an overlong encoding", core_v1_Volume, "\x0a\x03\xe0\x80\xaf", NULL),
    CASE("overlong UTF-8", core_v1_Volume, "\x0a\x03\xe0\x9f\x99", NULL),
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
    static const char bytes[] = "k8s\0\x0a\x0f\x0a\x02v1\x12\x09"
                                "ConfigMap\x12\x02\x0a\x00\x1a\x00\x22\x00";
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

static const char *hex(struct arena *arena, struct slice bytes)
{
    char *text = arena_bytes(arena, 2 * bytes.len + 1);
    for (size_t i = 0; i < bytes.len; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned char)bytes.ptr[i]);
    return text;
}

/* JSON and the bytes that Go's generated code writes for it. */
static const struct {
    const char *name;
    const struct schema_type *type;
    const char *json, *bytes;
    size_t len;
} written[] = {
#define WRITES(name, type, json, bytes)                                                                      \
    {                                                                                                        \
        name, &type, json, bytes, sizeof(bytes) - 1                                                          \
    }
    WRITES("what is no pointer is always there", core_v1_ServicePort, "{\"port\":80}",
           "\x0a\0\x12\0\x18\x50\x22\x06\x08\0\x10\0\x1a\0\x28\0"),
    WRITES("fields in another order than on the wire", core_v1_ContainerPort,
           "{\"hostIP\":\"h\",\"name\":\"n\",\"containerPort\":1}", "\x0a\x01n\x10\0\x18\x01\x22\0\x2a\x01h"),
    WRITES("a key given twice", core_v1_ContainerPort, "{\"name\":\"a\",\"name\":\"b\"}",
           "\x0a\x01"
           "b\x10\0\x18\0\x22\0\x2a\0"),
    WRITES("maps by key", core_v1_Secret, "{\"data\":{\"b\":\"AQID\",\"a\":\"\"}}",
           "\x0a\x10\x0a\0\x12\0\x1a\0\x22\0\x2a\0\x32\0\x38\0\x42\0\x12\x05\x0a\x01"
           "a\x12\0\x12\x08\x0a\x01"
           "b\x12\x03\x01\x02\x03\x1a\0"),
    WRITES("a struct inside of another is a message", core_v1_Volume, "{\"name\":\"v\",\"emptyDir\":{}}",
           "\x0a\x01v\x12\x04\x12\x02\x0a\0"),
    WRITES("amounts and times", core_v1_ContainerStateRunning, "{\"startedAt\":\"1970-01-01T00:00:05Z\"}",
           "\x0a\x04\x08\x05\x10\0"),
    WRITES("escapes", core_v1_LocalObjectReference, "{\"name\":\"\\u003c\\n\"}", "\x0a\x02<\n"),
    WRITES("null and unknown keys are nothing", core_v1_LocalObjectReference, "{\"x\":[{}],\"name\":null}",
           "\x0a\0"),
    WRITES("negative numbers take ten bytes", core_v1_PodCondition, "{\"observedGeneration\":-1}",
           "\x0a\0\x12\0\x1a\0\x22\0\x2a\0\x32\0\x38\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
};

static void encodes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
        struct error err;
        error_init(&err, arena);
        if (!encode_protobuf(&out, arena, written[i].type, slice_str(written[i].json), &err))
            fail_msg("%s: %s", written[i].name, err.message);
        if (out.len != written[i].len || memcmp(out.data, written[i].bytes, out.len) != 0)
            fail_msg("%s: %zu bytes want, %zu given: %s", written[i].name, written[i].len, out.len,
                     hex(arena, buf_slice(&out)));
    }
}

/* What is no JSON of the type is refused and leaves nothing behind. */
static void refuses(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "{\"name\":5}", "{\"name\":\"a\"", "{\"name\" \"a\"}", "{} {}", "null"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
        struct error err;
        error_init(&err, arena);
        if (encode_protobuf(&out, arena, &core_v1_LocalObjectReference, slice_str(texts[i]), &err))
            fail_msg("%s was written as %s", texts[i], hex(arena, buf_slice(&out)));
        assert_int_equal(err.reason, REASON_INTERNAL);
        assert_int_equal(out.len, 0);
    }
}

/* A schema in a definition is one of several shapes: there and back. */
static void shapes(void **state)
{
    static const char text[] = "{\"items\":{\"type\":\"string\"},\"additionalProperties\":false,"
                               "\"dependencies\":{\"a\":[\"b\",\"c\"],\"d\":{\"title\":\"t\"}}}";
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED), json = BUF_INIT(BUF_UNLIMITED);
    struct error err;
    struct value v;
    (void)state;
    error_init(&err, arena);
    assert_true(encode_protobuf(&out, arena, &apiextensions_v1_JSONSchemaProps, slice_str(text), &err));
    assert_true(decode_protobuf(arena, &apiextensions_v1_JSONSchemaProps, buf_slice(&out), &v, &err));
    encode_json_type(&json, &apiextensions_v1_JSONSchemaProps, &v);
    assert_string_equal(buf_cstr(&json), text);
}

static void envelopes(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct slice version, kind, message;
    struct error err;
    (void)state;
    error_init(&err, arena);
    assert_true(encode_protobuf_object(
        &out, arena, &core_v1_ConfigMap, SLICE("v1"), SLICE("ConfigMap"),
        SLICE("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}"), &err));
    assert_true(slice_ends(buf_slice(&out), slice_make("\x1a\0\x22\0", 4)));
    assert_true(protobuf_open_envelope(buf_slice(&out), &version, &kind, &message, &err));
    assert_true(slice_is(version, "v1") && slice_is(kind, "ConfigMap"));
    assert_true(protobuf_has_form(&core_v1_ConfigMap));
    assert_false(protobuf_has_form(&meta_v1_Table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(decodes), cmocka_unit_test(opens_envelope),
                                       cmocka_unit_test(encodes), cmocka_unit_test(refuses),
                                       cmocka_unit_test(shapes),  cmocka_unit_test(envelopes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
