#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/decode.h"
#include "openapi/gen/core_v1.h"

/*
 * A small type with one field of each sort, in upstream's manner:
 *
 *     type Part struct {
 *         Name  string          `json:"name"`
 *         Count *int32          `json:"count,omitempty"`
 *         Limits ResourceList   `json:"limits,omitempty"`
 *         ... }
 */
#define NAME(n) .name = n, .name_len = sizeof(n) - 1
#define OE      FIELD_OMIT_EMPTY

static const struct schema of_string = {.kind = SCHEMA_STRING}, of_quantity = {.kind = SCHEMA_QUANTITY};
static const struct schema_type part_type;
static const struct schema of_part = {.kind = SCHEMA_RECORD, .type = &part_type};
enum {
    NAME_,
    COUNT,
    WIDE,
    RATIO,
    ON,
    DATA,
    SINCE,
    EXACT,
    WAIT,
    SIZE,
    PORT,
    RAW,
    ANY,
    TAGS,
    LABELS,
    LIMITS,
    INNER,
    OPTION,
    PARTS
};
static const struct schema_field part_fields[] = {
    {NAME("name"), .flags = OE, .schema = {.kind = SCHEMA_STRING}},
    {NAME("count"), .flags = OE | FIELD_POINTER, .schema = {.kind = SCHEMA_INT32}},
    {NAME("wide"), .flags = OE, .schema = {.kind = SCHEMA_INT64}},
    {NAME("ratio"), .flags = OE, .schema = {.kind = SCHEMA_FLOAT64}},
    {NAME("on"), .flags = OE, .schema = {.kind = SCHEMA_BOOL}},
    {NAME("data"), .flags = OE, .schema = {.kind = SCHEMA_BYTES}},
    {NAME("since"), .flags = OE | FIELD_POINTER, .schema = {.kind = SCHEMA_TIME}},
    {NAME("exact"), .flags = OE | FIELD_POINTER, .schema = {.kind = SCHEMA_MICRO_TIME}},
    {NAME("wait"), .flags = OE | FIELD_POINTER, .schema = {.kind = SCHEMA_DURATION}},
    {NAME("size"), .flags = OE | FIELD_POINTER, .schema = {.kind = SCHEMA_QUANTITY}},
    {NAME("port"), .flags = OE | FIELD_POINTER, .schema = {.kind = SCHEMA_INT_OR_STRING}},
    {NAME("raw"), .flags = OE | FIELD_POINTER, .schema = {.kind = SCHEMA_RAW}},
    {NAME("any"), .flags = OE | FIELD_POINTER, .schema = {.kind = SCHEMA_ANY}},
    {NAME("tags"), .flags = OE, .schema = {.kind = SCHEMA_LIST, .elem = &of_string}},
    {NAME("labels"), .flags = OE, .schema = {.kind = SCHEMA_MAP, .elem = &of_string}},
    {NAME("limits"), .flags = OE, .schema = {.kind = SCHEMA_MAP, .elem = &of_quantity}},
    {NAME("inner"), .flags = OE | FIELD_OMIT_ZERO, .schema = {.kind = SCHEMA_RECORD, .type = &part_type}},
    {NAME("option"), .flags = OE | FIELD_POINTER, .schema = {.kind = SCHEMA_RECORD, .type = &part_type}},
    {NAME("parts"), .flags = OE, .schema = {.kind = SCHEMA_LIST, .elem = &of_part}},
};
static uint16_t part_slots[64];
static const struct schema_type part_type = {.name = "Part",
                                             .package = "test_v1",
                                             .fields = part_fields,
                                             .field_count = sizeof part_fields / sizeof *part_fields,
                                             .slots = part_slots,
                                             .slot_mask = 63};

static int fill_slots(void **state)
{
    for (uint16_t i = 0; i < part_type.field_count; i++) {
        uint32_t at = schema_hash(part_fields[i].name, part_fields[i].name_len) & 63;
        while (part_slots[at])
            at = (at + 1) & 63;
        part_slots[at] = i + 1;
    }
    return 0;
}

/* What comes back for a text: the text of the tree, or "!" and the error. Findings follow after " ? ". */
static const char *through(struct arena *arena, const struct schema *schema, const char *text)
{
    struct value v;
    struct decode_findings findings = {.arena = arena};
    cleanup_error struct error err = {.arena = arena};
    /* On the heap, so that reading past the end is seen. */
    size_t n = strlen(text);
    char *copy = malloc(n + 1);
    memcpy(copy, text, n);
    char *exact = realloc(copy, n ? n : 1);
    if (!decode_json_node(arena, schema, slice_make(exact, n), &v, &findings, &err)) {
        free(exact);
        return arena_printf(arena, "!%s", err.message);
    }
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    encode_json(&out, schema, &v);
    for (size_t i = 0; i < findings.count; i++)
        buf_printf(&out, "%s%s", i ? ", " : " ? ", findings.items[i]);
    free(exact);
    return arena_strdup(arena, buf_slice(&out));
}

struct row {
    const char *text, *want;
};

static void check(const struct schema *schema, const struct row *rows, size_t n)
{
    cleanup_arena struct arena *arena = arena_new();
    for (size_t i = 0; i < n; i++) {
        const char *got = through(arena, schema, rows[i].text);
        if (strcmp(got, rows[i].want))
            print_error("row %zu: %s\n", i, rows[i].text);
        assert_string_equal(got, rows[i].want);
    }
}
#define CHECK(schema, rows) check(schema, rows, sizeof rows / sizeof *rows)

static void typed_values_become_canonical(void **state)
{
    static const struct row rows[] = {
        {"{}", "{}"},
        {" { \"name\" : \"a\" } ", "{\"name\":\"a\"}"},
        {"{\"on\":false,\"wide\":0,\"name\":\"\",\"tags\":[],\"labels\":{},\"ratio\":0}", "{}"},
        {"{\"name\":null,\"count\":null,\"labels\":null,\"option\":null}", "{}"},
        {"{\"count\":0,\"option\":{},\"inner\":{\"inner\":{\"name\":\"\"}}}", "{\"count\":0,\"option\":{}}"},
        {"{\"wide\":9223372036854775807,\"count\":-2147483648}",
         "{\"count\":-2147483648,\"wide\":9223372036854775807}"},
        {"{\"ratio\":1e21}", "{\"ratio\":1e+21}"},
        {"{\"ratio\":5}", "{\"ratio\":5}"},
        {"{\"data\":\"aGk\\n=\"}", "{\"data\":\"aGk=\"}"},
        {"{\"since\":\"2020-01-01T02:00:00.7+02:00\"}", "{\"since\":\"2020-01-01T00:00:00Z\"}"},
        {"{\"exact\":\"2020-01-01T02:00:00.000007+02:00\"}", "{\"exact\":\"2020-01-01T00:00:00.000007Z\"}"},
        {"{\"wait\":\"90m\"}", "{\"wait\":\"1h30m0s\"}"},
        {"{\"size\":0.5,\"limits\":{\"cpu\":1,\"memory\":\" 1024Ki \"}}",
         "{\"size\":\"500m\",\"limits\":{\"cpu\":\"1\",\"memory\":\"1Mi\"}}"},
        {"{\"port\":80,\"inner\":{\"port\":\"http\"}}", "{\"port\":80,\"inner\":{\"port\":\"http\"}}"},
        {"{\"raw\":{ \"b\" : [1, 2.50],\"a\":\"<x> y\"}}",
         "{\"raw\":{\"b\":[1,2.50],\"a\":\"\\u003cx\\u003e y\"}}"},
        {"{\"any\":{\"b\":1.0,\"a\":[null,true,1e3,-7,\"x\"]}}",
         "{\"any\":{\"a\":[null,true,1000,-7,\"x\"],\"b\":1}}"},
        {"{\"labels\":{\"b\":\"1\",\"a\":null,\"ab\":\"3\"}}",
         "{\"labels\":{\"a\":\"\",\"ab\":\"3\",\"b\":\"1\"}}"},
        {"{\"parts\":[{},null,{\"name\":\"x\"}],\"tags\":[null,\"\"]}",
         "{\"tags\":[\"\",\"\"],\"parts\":[{},{},{\"name\":\"x\"}]}"},
        {"null", "{}"},
    };
    CHECK(&of_part, rows);
}

static void strings_read_as_go_reads_them(void **state)
{
    static const struct row rows[] = {
        {"\"plain\"", "\"plain\""},
        {"\"\\u0041\\n\\/\\\"\\\\\\b\\f\\r\\t\"", "\"A\\n/\\\"\\\\\\b\\f\\r\\t\""},
        {"\"<>&\"", "\"\\u003c\\u003e\\u0026\""},
        {"\"\\u003c\"", "\"\\u003c\""},
        {"\"\xe2\x80\xa8\"", "\"\\u2028\""},
        {"\"\xf0\x9f\x9a\xa3 \xc3\xa9\"", "\"\xf0\x9f\x9a\xa3 \xc3\xa9\""},
        {"\"\\ud83d\\udea3\"", "\"\xf0\x9f\x9a\xa3\""},
        {"\"\\ud83dx\"", "\"\xef\xbf\xbdx\""},
        {"\"\\udea3\\ud83d\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\"a\xff\xc0\x80z\"", "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\""},
        {"\"\xed\xa0\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\"\xe2\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\"\x7f\"", "\"\x7f\""},
    };
    CHECK(&of_string, rows);
}

static void faults_of_syntax_are_worded_as_go_does(void **state)
{
    static const struct row rows[] = {
        {"", "!unexpected end of JSON input"},
        {"  ", "!unexpected end of JSON input"},
        {"{", "!unexpected end of JSON input"},
        {"{\"a\"", "!unexpected end of JSON input"},
        {"\"abc", "!unexpected end of JSON input"},
        {"\"\\u00", "!unexpected end of JSON input"},
        {"tru", "!unexpected end of JSON input"},
        {"-", "!unexpected end of JSON input"},
        {"1.", "!unexpected end of JSON input"},
        {"not", "!invalid character 'o' in literal null (expecting 'u')"},
        {"{nope", "!invalid character 'n' looking for beginning of object key string"},
        {"{} t", "!invalid character 't' after top-level value"},
        {"{\"a\" 1}", "!invalid character '1' after object key"},
        {"{\"a\":1 \"b\"}", "!invalid character '\"' after object key:value pair"},
        {"{\"a\":1,}", "!invalid character '}' looking for beginning of object key string"},
        {"[1,]", "!invalid character ']' looking for beginning of value"},
        {"[1 2]", "!invalid character '2' after array element"},
        {"\"a\nb\"", "!invalid character '\\n' in string literal"},
        {"\"\\x\"", "!invalid character 'x' in string escape code"},
        {"\"\\u00g0\"", "!invalid character 'g' in \\u hexadecimal character escape"},
        {"-a", "!invalid character 'a' in numeric literal"},
        {"1.x", "!invalid character 'x' after decimal point in numeric literal"},
        {"1ex", "!invalid character 'x' in exponent of numeric literal"},
        {"01", "!invalid character '1' after top-level value"},
        {"'a'", "!invalid character '\\'' looking for beginning of value"},
        {"\xff", "!invalid character '\xc3\xbf' looking for beginning of value"},
        {"\x01", "!invalid character '\\x01' looking for beginning of value"},
        /* the fault of syntax outweighs an earlier one of type */
        {"{\"count\":\"x\"", "!unexpected end of JSON input"},
        {"{\"size\":\"x\",\"zzz\":[1 2]}", "!invalid character '2' after array element"},
    };
    CHECK(&of_part, rows);
}

static void wrong_kinds_name_the_field(void **state)
{
    static const struct row rows[] = {
        {"[]", "!json: cannot unmarshal array into Go value of type v1.Part"},
        {"5", "!json: cannot unmarshal number into Go value of type v1.Part"},
        {"{\"name\":5}", "!json: cannot unmarshal number into Go struct field Part.name of type string"},
        {"{\"count\":1.5}",
         "!json: cannot unmarshal number 1.5 into Go struct field Part.count of type int32"},
        {"{\"count\":2147483648}",
         "!json: cannot unmarshal number 2147483648 into Go struct field Part.count of type int32"},
        {"{\"count\":1e3}",
         "!json: cannot unmarshal number 1e3 into Go struct field Part.count of type int32"},
        {"{\"wide\":9223372036854775808}",
         "!json: cannot unmarshal number 9223372036854775808 into Go struct field Part.wide of type int64"},
        {"{\"labels\":[]}",
         "!json: cannot unmarshal array into Go struct field Part.labels of type map[string]string"},
        {"{\"limits\":5}",
         "!json: cannot unmarshal number into Go struct field Part.limits of type v1.ResourceList"},
        {"{\"parts\":[{\"inner\":{\"on\":\"x\"}}]}",
         "!json: cannot unmarshal string into Go struct field Part.parts.inner.on of type bool"},
        {"{\"parts\":{}}",
         "!json: cannot unmarshal object into Go struct field Part.parts of type []v1.Part"},
        {"{\"labels\":{\"a\":5}}",
         "!json: cannot unmarshal number into Go struct field Part.labels of type string"},
        {"{\"port\":true}", "!json: cannot unmarshal bool into Go struct field Part.port of type int32"},
        {"{\"since\":5}", "!json: cannot unmarshal number into Go struct field Part.since of type string"},
        {"{\"ratio\":1e999}",
         "!json: cannot unmarshal number 1e999 into Go struct field Part.ratio of type float64"},
        {"{\"data\":\"not base64!\"}", "!illegal base64 data at input byte 3"},
        {"{\"size\":\"1x\"}", "!quantities must match the regular expression "
                              "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
        {"{\"size\":{}}", "!quantities must match the regular expression "
                          "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
        /* of two the first; but a value that its own type refuses outweighs */
        {"{\"name\":5,\"count\":\"x\"}",
         "!json: cannot unmarshal number into Go struct field Part.name of type string"},
        {"{\"name\":5,\"wait\":\"1x\"}", "!time: unknown unit \"x\" in duration \"1x\""},
    };
    CHECK(&of_part, rows);
}

static void unknown_and_duplicate_fields_are_found(void **state)
{
    static const struct row rows[] = {
        {"{\"x\":{\"y\":[1]},\"name\":\"a\",\"Name\":\"b\"}",
         "{\"name\":\"a\"} ? unknown field \"x\", unknown field \"Name\""},
        {"{\"name\":\"a\",\"name\":\"b\",\"name\":\"c\"}", "{\"name\":\"c\"} ? duplicate field \"name\""},
        {"{\"parts\":[{},{\"zip\":1,\"inner\":{\"zap\":1}}]}",
         "{\"parts\":[{},{}]} ? unknown field \"parts[1].zip\", unknown field \"parts[1].inner.zap\""},
        {"{\"name\":\"a\",\"name\":null}", "{\"name\":\"a\"} ? duplicate field \"name\""},
        {"{\"count\":1,\"count\":null}", "{} ? duplicate field \"count\""},
        {"{\"labels\":{\"a\":\"1\",\"b\":\"2\",\"a\":\"3\"}}",
         "{\"labels\":{\"a\":\"3\",\"b\":\"2\"}} ? duplicate field \"labels.a\""},
        {"{\"any\":{\"a\":{\"k\":1,\"k\":2}}}", "{\"any\":{\"a\":{\"k\":2}}} ? duplicate field \"any.a.k\""},
        /* keys that are no UTF-8 are read as strings are: each bad byte as U+FFFD, and may so become the same
         */
        {"{\"labels\":{\"\xff\":\"1\",\"\xfe\":\"2\"}}",
         "{\"labels\":{\"\xef\xbf\xbd\":\"2\"}} ? duplicate field \"labels.\xef\xbf\xbd\""},
    };
    CHECK(&of_part, rows);
}

static void findings_stop_at_a_hundred(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    for (int i = 0; i < 150; i++)
        buf_printf(&text, "%c\"u%d\":1", i ? ',' : '{', i);
    buf_putc(&text, '}');
    struct value v;
    struct decode_findings findings = {.arena = arena};
    assert_true(decode_json(arena, &part_type, buf_slice(&text), &v, &findings, NULL));
    assert_int_equal(findings.count, 100);
    assert_string_equal(findings.items[99], "unknown field \"u99\"");
}

static void depth_is_limited(void **state)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    static const struct {
        int depth;
        const struct schema *schema;
        bool ok;
    } rows[] = {{1000, &any, true}, {1001, &any, false}, {100000, &any, false}, {100000, &of_part, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
        cleanup_error struct error err = {.arena = arena};
        for (int j = 0; j < rows[i].depth; j++)
            buf_putc(&text, '[');
        for (int j = 0; j < rows[i].depth; j++)
            buf_putc(&text, ']');
        struct value v;
        assert_int_equal(decode_json_node(arena, rows[i].schema, buf_slice(&text), &v, NULL, &err),
                         rows[i].ok);
        if (!rows[i].ok)
            assert_string_equal(err.message, "invalid character '[' exceeded max depth");
    }
}

static void memory_is_limited(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    cleanup_error struct error err = {.arena = arena};
    struct value v;
    buf_puts(&text, "{\"parts\":[{}");
    for (int i = 0; i < 100000; i++)
        buf_puts(&text, ",{}");
    buf_puts(&text, "]}");
    arena_set_limit(arena, 1 << 20);
    assert_false(decode_json(arena, &part_type, buf_slice(&text), &v, NULL, &err));
    assert_int_equal(err.reason, REASON_TOO_LARGE);
}

static void many_keys_in_any_order(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    struct value v;
    for (int i = 9999; i >= 0; i--) /* reversed, and with one more of each hundredth */
        buf_printf(&text, "%s\"k%04d\":\"%d\"%s", i == 9999 ? "{\"labels\":{" : ",", i, i, "");
    for (int i = 0; i < 10000; i += 100)
        buf_printf(&text, ",\"k%04d\":\"again\"", i);
    buf_puts(&text, "}}");
    assert_true(decode_json(arena, &part_type, buf_slice(&text), &v, NULL, NULL));
    const struct value *labels = value_at(&v, LABELS);
    assert_int_equal(value_count(labels), 10000);
    for (int i = 0; i < 10000; i++)
        assert_true(slice_is(value_entry(labels, (size_t)i)->key, arena_printf(arena, "k%04d", i)));
    assert_true(value_is(value_get(labels, SLICE("k0100")), "again"));
    assert_true(value_is(value_get(labels, SLICE("k0101")), "101"));
    assert_false(value_is_set(value_get(labels, SLICE("k10000"))));
}

static void type_meta_without_the_rest(void **state)
{
    static const char prefix[] = "couldn't get version/kind; json parse error: ";
    static const struct {
        const char *text, *version, *kind, *fault;
    } rows[] = {
        {"{\"kind\":\"Pod\",\"x\":[{}],\"apiVersion\":\"v1\"}", "v1", "Pod", NULL},
        {"{}", "", "", NULL},
        {"null", "", "", NULL},
        {"{\"kind\":null}", "", "", NULL},
        {"", NULL, NULL, "unexpected end of JSON input"},
        {"{\"kind\":\"Pod\"} x", NULL, NULL, "invalid character 'x' after top-level value"},
        {"{\"apiVersion\":1}", NULL, NULL,
         "json: cannot unmarshal number into Go struct field .apiVersion of type string"},
        {"[]", NULL, NULL,
         "json: cannot unmarshal array into Go value of type struct { APIVersion string "
         "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = {.arena = arena};
        struct slice version, kind;
        bool ok = decode_type_meta(arena, slice_str(rows[i].text), &version, &kind, &err);
        assert_int_equal(ok, !rows[i].fault);
        if (ok) {
            assert_string_equal(arena_strdup(arena, version), rows[i].version);
            assert_string_equal(arena_strdup(arena, kind), rows[i].kind);
        } else {
            assert_string_equal(err.message, arena_printf(arena, "%s%s", prefix, rows[i].fault));
        }
    }
}

static void free_trees_meet_the_schema(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = {.arena = arena};
    static const struct schema any = {.kind = SCHEMA_ANY};
    struct value tree, typed, again;
    struct slice text = SLICE("{\"count\":0,\"inner\":{\"name\":\"x\"},\"labels\":{\"b\":\"<\"}}");
    assert_true(decode_json_node(arena, &any, text, &tree, NULL, &err));
    assert_true(decode_value(arena, &of_part, &tree, &typed, NULL, &err));
    assert_true(value_is(value_path(&typed, "inner.name"), "x"));
    assert_int_equal(value_int(value_at(&typed, COUNT), -1), 0);
    assert_true(decode_value(arena, &any, &typed, &again, NULL, &err));
    assert_true(value_equal(&tree, &again));
}

static void the_names_of_a_kind_are_in_a_struct_of_their_own(void **state)
{
    static const struct schema pod = {.kind = SCHEMA_RECORD, .type = &core_v1_Pod};
    static const struct row rows[] = {
        {"{\"kind\":1}",
         "!json: cannot unmarshal number into Go struct field Pod.TypeMeta.kind of type string"},
        {"{\"metadata\":{\"ownerReferences\":[{\"kind\":1}]}}",
         "!json: cannot unmarshal number into Go struct field OwnerReference.metadata.ownerReferences.kind "
         "of type string"},
        {"{\"metadata\":{\"labels\":[]}}", "!json: cannot unmarshal array into Go struct field "
                                           "ObjectMeta.metadata.labels of type map[string]string"},
    };
    CHECK(&pod, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_values_become_canonical),
        cmocka_unit_test(strings_read_as_go_reads_them),
        cmocka_unit_test(faults_of_syntax_are_worded_as_go_does),
        cmocka_unit_test(wrong_kinds_name_the_field),
        cmocka_unit_test(the_names_of_a_kind_are_in_a_struct_of_their_own),
        cmocka_unit_test(unknown_and_duplicate_fields_are_found),
        cmocka_unit_test(findings_stop_at_a_hundred),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(many_keys_in_any_order),
        cmocka_unit_test(type_meta_without_the_rest),
        cmocka_unit_test(free_trees_meet_the_schema),
    };
    return cmocka_run_group_tests(tests, fill_slots, NULL);
}
