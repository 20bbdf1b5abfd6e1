#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/decode.h"

static const struct schema any = {.kind = SCHEMA_ANY};

struct row {
    const char *text, *want;
};

/* As JSON with sorted keys, or "!" and the error. */
static const char *to_json(struct arena *arena, struct slice yaml)
{
    cleanup_error struct error err = {.arena = arena};
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct slice json;
    struct value tree;
    if (!decode_yaml_to_json(arena, yaml, &json, &err) ||
        !decode_json_node(arena, &any, json, &tree, NULL, &err))
        return arena_printf(arena, "!%s", err.message);
    encode_json(&out, &any, &tree);
    return arena_strdup(arena, buf_slice(&out));
}

static void no_text_is_an_empty_document(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    (void)state;
    assert_string_equal(to_json(arena, (struct slice){0}), "null");
}

static void documents_read_as_upstream_reads_them(void **state)
{
    static const struct row rows[] = {
        {"", "null"},
        {"a: b", "{\"a\":\"b\"}"},
        {"a: [unclosed", "!yaml: line 1: did not find expected ',' or ']'"},
        {"{not", "!yaml: line 1: did not find expected ',' or '}'"},
        {"a: yes\nb: no\nc: on\nd: off\ny: n\n",
         "{\"a\":true,\"b\":false,\"c\":true,\"d\":false,\"true\":false}"},
        {"a: 0x1F\nb: 0o17\nc: 017\nd: 08\ne: 0b11\nf: -0b11\ng: 1_000\nh: +12\ni: 1e3\nj: .5\nk: 1.\nl: "
         ".\nm: ~\nn: null\no: Null\np: nULL\nq: -0x10\n",
         "{\"a\":31,\"b\":15,\"c\":15,\"d\":8,\"e\":3,\"f\":-3,\"false\":null,\"g\":1000,\"h\":12,\"i\":1000,"
         "\"j\":0.5,\"k\":1,\"l\":\".\",\"m\":null,\"o\":null,\"p\":\"nULL\",\"q\":-16}"},
        {"a: 2020-01-01\nb: 2020-01-01T00:00:00Z\nc: 12:30:45\nd: 1:2",
         "{\"a\":\"2020-01-01\",\"b\":\"2020-01-01T00:00:00Z\",\"c\":\"12:30:45\",\"d\":\"1:2\"}"},
        {"1: a\n2.5: b\ntrue: c\n\"q\": d\n", "{\"1\":\"a\",\"2.5\":\"b\",\"q\":\"d\",\"true\":\"c\"}"},
        {"a: &x {k: 1, l: [1,2]}\nb: *x\nc: *x\n",
         "{\"a\":{\"k\":1,\"l\":[1,2]},\"b\":{\"k\":1,\"l\":[1,2]},\"c\":{\"k\":1,\"l\":[1,2]}}"},
        {"a: &x\n  k: 1\nb:\n  <<: *x\n  m: 2\n", "{\"a\":{\"k\":1},\"b\":{\"k\":1,\"m\":2}}"},
        {"a: &x {k: 1}\nc: &y {k: 2, z: 3}\nb:\n  k: 0\n  <<: [*x, *y]\n",
         "{\"a\":{\"k\":1},\"b\":{\"k\":1,\"z\":3},\"c\":{\"k\":2,\"z\":3}}"},
        {"b:\n  <<: 5\n", "!yaml: map merge requires map or sequence of maps as the value"},
        {"a: *nope", "!yaml: unknown anchor 'nope' referenced"},
        {"a: &a [*a]", "!yaml: anchor 'a' value contains itself"},
        {"a: !!str 5\nb: !!int \"7\"\nc: !!float 3\nd: !!binary aGk=\ne: !foo 5\nf: ! 12\n",
         "{\"a\":\"5\",\"b\":7,\"c\":3,\"d\":\"hi\",\"e\":\"5\",\"f\":\"12\"}"},
        {"a: !!int abc", "!yaml: cannot decode !!str `abc` as a !!int"},
        {"- a\n- - b\n  - c\n- {d: e}\n", "[\"a\",[\"b\",\"c\"],{\"d\":\"e\"}]"},
        {"apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: tab\n",
         "!yaml: line 4: found character that cannot start any token"},
        {"a: .inf", "!json: unsupported value: +Inf"},
        {"a: .nan", "!json: unsupported value: NaN"},
        {"a: 1e999", "{\"a\":\"1e999\"}"},
        {"--- \na: b\n...\n", "{\"a\":\"b\"}"},
        {"# only comment\n", "null"},
        {"a: b: c", "!yaml: mapping values are not allowed in this context"},
        {"%YAML 1.1\n---\na: 1", "{\"a\":1}"},
        {"key with spaces: v\n\"quoted: key\": 1", "{\"key with spaces\":\"v\",\"quoted: key\":1}"},
        {"a: \"unterminated", "!yaml: found unexpected end of stream"},
        {"[1, 2", "!yaml: line 1: did not find expected ',' or ']'"},
        {"- [a, [b, {c: d}]]", "[[\"a\",[\"b\",{\"c\":\"d\"}]]]"},
        {"a: <<", "{\"a\":\"\\u003c\\u003c\"}"},
        {"<<: {a: 1}\nb: 2", "{\"a\":1,\"b\":2}"},
        {"a: 0.1\nb: 123456789.5\nc: 1.0\nd: 1e21\n", "{\"a\":0.1,\"b\":123456789.5,\"c\":1,\"d\":1e+21}"},
        {"a: 'no'\nb: \"1\"\n", "{\"a\":\"no\",\"b\":\"1\"}"},
        {"a: @x", "!yaml: found character that cannot start any token"},
        {"a: `x", "!yaml: found character that cannot start any token"},
        {"a: %x", "!yaml: found character that cannot start any token"},
        {"a: b\n c: d\n  e: f", "!yaml: line 2: mapping values are not allowed in this context"},
        {"a:   \n", "{\"a\":null}"},
        {"0o8: x", "{\"0o8\":\"x\"}"},
        {"08: y", "{\"8\":true}"},
        {"0x: z", "{\"0x\":\"z\"}"},
        {"a: 1__0\nb: _1\nc: 1_", "{\"a\":10,\"b\":\"_1\",\"c\":1}"},
        {"a: 0b2\nb: 0xg", "{\"a\":\"0b2\",\"b\":\"0xg\"}"},
        {"a: +.5\nb: -.5\nc: +\nd: -\ne: ..\nf: .e5\ng: 5.e3",
         "!yaml: line 4: block sequence entries are not allowed in this context"},
        {"a: TRUE\nb: tRUE\nc: Y", "{\"a\":true,\"b\":\"tRUE\",\"c\":true}"},
        {"null: x", "!yaml: unsupported map key of type: null"},
        {"? [a]\n: b", "!yaml: invalid map key"},
        {"a: 1\n---\nb: 2\n", "!yaml: one document was expected, there is another"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const char *got = to_json(arena, slice_str(rows[i].text));
        if (strcmp(got, rows[i].want))
            print_error("row %zu: %s\n", i, rows[i].text);
        assert_string_equal(got, rows[i].want);
    }
}

static void trees_are_written_as_upstream_writes_them(void **state)
{
    static const struct row rows[] = {
        {"{\"b\": [1, \"x\", {\"c\": null}], \"a\": {\"k\": true, \"e\": {}, \"l\": []}}",
         "a:\n  e: {}\n  k: true\n  l: []\nb:\n- 1\n- x\n- c: null\n"},
        {"{\"k10\": 1, \"k9\": 2, \"k09\": 3, \"a-b\": 4, \"a.b\": 5, \"aB\": 6, \"a1\": 8, \"a\": 11, "
         "\"A\": 12, \"10\": 13, \"9\": 14}",
         "\"9\": 14\n\"10\": 13\nA: 12\na: 11\na-b: 4\na.b: 5\na1: 8\naB: 6\nk9: 2\nk09: 3\nk10: 1\n"},
        {"{\"s\": [\"\", \"a\", \"yes\", \"1\", \"1.5\", \"0x1\", \"~\", \"null\", \"2020-01-01\", "
         "\"2020-01-01T00:00:00Z\", \"12:30\", \"a: b\", \"#c\", \"'q'\", \"multi\\nline\", \"trail\\n\", "
         "\"two\\n\\n\", \" sp\", \"tab\\t\", \"[a]\", \"*a\", \"a:\", \"-\", \"---\", \"<<\", \"a,b\", "
         "\"e1\", \"1e3\"]}",
         "s:\n- \"\"\n- a\n- \"yes\"\n- \"1\"\n- \"1.5\"\n- \"0x1\"\n- \"~\"\n- \"null\"\n- "
         "\"2020-01-01\"\n- \"2020-01-01T00:00:00Z\"\n- \"12:30\"\n- 'a: b'\n- '#c'\n- '''q'''\n- |-\n  "
         "multi\n  line\n- |\n  trail\n- |+\n  two\n\n- ' sp'\n- \"tab\\t\"\n- '[a]'\n- '*a'\n- 'a:'\n- "
         "'-'\n- '---'\n- <<\n- a,b\n- e1\n- \"1e3\"\n"},
        {"{\"<<\": \"<<\", \"a\\nb\": 1, \"\\u0007\": 2}", "\"\\a\": 2\n\"<<\": <<\n? |-\n  a\n  b\n: 1\n"},
        {"{\"n\": [1.5, 1e+21, 1234567.5, 1e-05, 0.0001, 1e-07]}",
         "\"n\":\n- 1.5\n- 1e+21\n- 1.2345675e+06\n- 1e-05\n- 0.0001\n- 1e-07\n"},
        {"{\"long\": \"word word word word word word word word word word word word word word word word word "
         "word word word word word word word word word word word word word \"}",
         "long: 'word word word word word word word word word word word word word word word\n  word word "
         "word word word word word word word word word word word word word '\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
        encode_yaml(&out, slice_str(rows[i].text));
        assert_string_equal(buf_cstr(&out), rows[i].want);
    }
}

static void duplicate_keys_reach_the_decoder(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct decode_findings findings = {.arena = arena};
    struct slice json;
    struct value tree;
    assert_true(decode_yaml_to_json(arena, SLICE("a:\n  b: 1\n  c: 2\n  b: 3\n"), &json, NULL));
    assert_true(decode_json_node(arena, &any, json, &tree, &findings, NULL));
    assert_int_equal(value_int(value_path(&tree, "a.b"), 0), 3);
    assert_int_equal(findings.count, 1);
    assert_string_equal(findings.items[0], "duplicate field \"a.b\"");
}

static void aliases_cannot_stand_for_gigabytes(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    buf_puts(&yaml, "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (int i = 1; i < 12; i++) {
        buf_printf(&yaml, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++)
            buf_printf(&yaml, "%s*a%d", j ? ", " : "", i - 1);
        buf_puts(&yaml, "]\n");
    }
    assert_string_equal(to_json(arena, buf_slice(&yaml)), "!yaml: document contains excessive aliasing");
}

static void many_anchors_and_deep_nesting_end_in_time(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf anchors = BUF_INIT(BUF_UNLIMITED), deep = BUF_INIT(BUF_UNLIMITED);
    struct slice json;
    for (int i = 0; i < 20000; i++)
        buf_printf(&anchors, "k%d: &n%d v\nr%d: *n%d\n", i, i, i, i);
    assert_true(decode_yaml_to_json(arena, buf_slice(&anchors), &json, NULL));
    for (int i = 0; i < 1001; i++)
        buf_putc(&deep, '[');
    for (int i = 0; i < 1001; i++)
        buf_putc(&deep, ']');
    assert_string_equal(to_json(arena, buf_slice(&deep)), "!invalid character '[' exceeded max depth");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_text_is_an_empty_document),
        cmocka_unit_test(documents_read_as_upstream_reads_them),
        cmocka_unit_test(trees_are_written_as_upstream_writes_them),
        cmocka_unit_test(duplicate_keys_reach_the_decoder),
        cmocka_unit_test(aliases_cannot_stand_for_gigabytes),
        cmocka_unit_test(many_anchors_and_deep_nesting_end_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
