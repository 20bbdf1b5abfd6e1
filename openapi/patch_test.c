/* Patches: the documents of the three RFC-like formats, case by case. Each case names a document, a patch and
 * what must come out: a document, or the code and the start of the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/random.h"
#include "openapi/patch.h"
#include "openapi/patch_parts.h"

struct patch_case {
    const char *doc, *patch, *want; /* want NULL: refused */
    int code;
    const char *message;
};

#define REFUSED 422, "the server rejected our request due to an error in our request"

static struct value parse(struct arena *arena, const char *text)
{
    struct value v;
    cleanup_error struct error err = ERROR_INIT;

    if (!decode_json_node(arena, &patch_any, slice_str(text), &v, NULL, &err))
        fail_msg("the test's own document does not parse: %s: %s", text, err.message);
    return v;
}

static const char *shown(struct arena *arena, const struct value *v)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);

    encode_json(&out, &patch_any, v);
    return arena_strdup(arena, buf_slice(&out));
}

static void check_case(enum patch_type type, const struct schema_type *schema, const struct patch_case *c)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    struct value doc = parse(arena, c->doc), before = parse(arena, c->doc), got, want;
    bool ok = patch_apply(arena, type, schema, &doc, slice_str(c->patch), &got, &err);

    if (!patch_equal(&doc, &before))
        fail_msg("%s changed the document it was given: %s is now %s", c->patch, c->doc, shown(arena, &doc));
    if (ok != (c->want != NULL))
        fail_msg("%s on %s: got %s, want %s", c->patch, c->doc, ok ? shown(arena, &got) : err.message,
                 c->want ? c->want : c->message);
    if (!ok) {
        if (err.has_details != (c->code == 422))
            fail_msg("%s on %s: the error has %s details", c->patch, c->doc,
                     err.has_details ? "empty" : "no");
        if (error_code(&err) != c->code || strncmp(err.message, c->message, strlen(c->message)) != 0)
            fail_msg("%s on %s: got %d %s, want %d %s", c->patch, c->doc, error_code(&err), err.message,
                     c->code, c->message);
        return;
    }
    want = parse(arena, c->want);
    if (!patch_equal(&got, &want))
        fail_msg("%s on %s: got %s, want %s", c->patch, c->doc, shown(arena, &got), c->want);
}

static void check_cases(enum patch_type type, const struct schema_type *schema,
                        const struct patch_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_case(type, schema, &cases[i]);
}

#define CHECK_CASES(type, schema, cases) check_cases(type, schema, cases, sizeof(cases) / sizeof *(cases))

/* ---- JSON patch ---- */

static void json_patch_applies(void **state)
{
    static const struct patch_case cases[] = {
        {"{\"a\":1}", "[]", "{\"a\":1}"},
        {"{\"a\":1}", "null", "{\"a\":1}"},
        {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":{\"c\":[1]}}]",
         "{\"a\":1,\"b\":{\"c\":[1]}}"},
        {"{\"a\":[1,3]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":2}]", "{\"a\":[1,2,3]}"},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-\",\"value\":2}]", "{\"a\":[1,2]}"},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-1\",\"value\":2}]", "{\"a\":[1,2]}"},
        {"{\"a\":[1,2]}", "[{\"op\":\"remove\",\"path\":\"/a/-1\"}]", "{\"a\":[1]}"},
        {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\"}]", "{\"a\":1,\"b\":null}"},
        {"{\"a\":{\"b\":1}}", "[{\"op\":\"remove\",\"path\":\"/a/b\"}]", "{\"a\":{}}"},
        {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":\"x\"}]", "{\"a\":\"x\"}"},
        {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":2}]", "{\"a\":1,\"b\":2}"},
        {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"z\":1}}]", "{\"z\":1}"},
        {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"}]", "{\"b\":1}"},
        {"{\"a\":{\"b\":1}}",
         "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"},{\"op\":\"add\",\"path\":\"/c/d\",\"value\":2}]",
         "{\"a\":{\"b\":1},\"c\":{\"b\":1,\"d\":2}}"},
        {"{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"/none\",\"path\":\"/c\"}]", "{\"a\":1,\"c\":null}"},
        {"{\"a/b\":{\"m~n\":1}}", "[{\"op\":\"replace\",\"path\":\"/a~1b/m~0n\",\"value\":2}]",
         "{\"a/b\":{\"m~n\":2}}"},
        {"{\"~1\":1}", "[{\"op\":\"remove\",\"path\":\"/~01\"}]", "{}"},
        {"{\"a\":{\"b\":[1,{\"c\":null}]}}",
         "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"b\":[1,{\"c\":null}]}},{\"op\":\"add\",\"path\":\"/"
         "ok\",\"value\":true}]",
         "{\"a\":{\"b\":[1,{\"c\":null}]},\"ok\":true}"},
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/none\",\"value\":null}]", "{\"a\":1}"},
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"\",\"value\":{\"a\":1}}]", "{\"a\":1}"},
        {"{\"\":1}", "[{\"op\":\"replace\",\"path\":\"/\",\"value\":2}]", "{\"\":2}"},
    };
    CHECK_CASES(PATCH_JSON, NULL, cases);
}

static void json_patch_refuses(void **state)
{
    static const struct patch_case cases[] = {
        {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", NULL, REFUSED},
        {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":{}}]", NULL, REFUSED},
        {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", NULL, REFUSED},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":1}]", NULL, REFUSED},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-3\",\"value\":1}]", NULL, REFUSED},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/x\",\"value\":1}]", NULL, REFUSED},
        {"{\"a\":[1]}", "[{\"op\":\"replace\",\"path\":\"/a/1\",\"value\":1}]", NULL, REFUSED},
        {"{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/-\"}]", NULL, REFUSED},
        {"{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/99999999999999999999\"}]", NULL, REFUSED},
        {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/b\",\"path\":\"/c\"}]", NULL, REFUSED},
        {"{\"a\":{}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", NULL, REFUSED},
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":2}]", NULL, REFUSED},
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"1\"}]", NULL, REFUSED},
        {"{\"a\":[]}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{}}]", NULL, REFUSED},
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/none\",\"value\":1}]", NULL, REFUSED},
        {"{\"a\":1}", "[{\"op\":\"fly\",\"path\":\"/a\"}]", NULL, REFUSED},
        {"{\"a\":1}", "[{}]", NULL, REFUSED},
        {"{\"a\":1}", "[null]", NULL, REFUSED},
        {"{\"a\":1}", "[{\"op\":\"add\",\"value\":1}]", NULL, REFUSED},
        {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":3}]", NULL, REFUSED},
        {"{}", "{}", NULL, 400,
         "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"},
        {"{}", "[1]", NULL, 400,
         "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"},
        {"{}", "[{\"op\":1}]", NULL, 400,
         "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type "
         "string"},
        {"{}", "[", NULL, 400, "invalid JSON patch"},
        {"{}", "", NULL, 400, "invalid JSON patch"},
    };
    CHECK_CASES(PATCH_JSON, NULL, cases);
}

static void json_patch_counts_operations(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value doc = parse(arena, "{\"a\":1}"), got;

    for (int extra = 0; extra <= 1; extra++) {
        cleanup_buf struct buf patch = BUF_INIT(BUF_UNLIMITED);
        cleanup_error struct error err = ERROR_INIT;
        for (int i = 0; i < PATCH_MAX_OPERATIONS + extra; i++)
            buf_puts(&patch, i ? ",{\"op\":\"test\",\"path\":\"/a\",\"value\":1}"
                               : "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1}");
        buf_putc(&patch, ']');
        assert_int_equal(patch_apply(arena, PATCH_JSON, NULL, &doc, buf_slice(&patch), &got, &err), !extra);
        if (!extra)
            continue;
        assert_int_equal(error_code(&err), 413);
        assert_string_equal(err.message,
                            "The allowed maximum operations in a JSON patch is 10000, got 10001");
    }
}

/* Copying a thing into itself doubles it each time: bytes and depth must both be held. */
static void json_patch_holds_growth(void **state)
{
    static const struct {
        const char *patch;
        int times;
    } cases[] = {
        {"{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/-\"}", 40},
        {"{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/0\"}", 2000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf patch = BUF_INIT(BUF_UNLIMITED);
        cleanup_error struct error err = ERROR_INIT;
        struct value doc = parse(arena, "{\"a\":[\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]}"), got;
        for (int k = 0; k < cases[i].times; k++) {
            buf_putc(&patch, k ? ',' : '[');
            buf_puts(&patch, cases[i].patch);
        }
        buf_putc(&patch, ']');
        assert_false(patch_apply(arena, PATCH_JSON, NULL, &doc, buf_slice(&patch), &got, &err));
        assert_int_equal(error_code(&err), 422);
        assert_true(arena_used(arena) < 512u << 20);
    }
}

static void json_patch_holds_depth(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf patch = BUF_INIT(BUF_UNLIMITED), path = BUF_INIT(BUF_UNLIMITED);
    cleanup_error struct error err = ERROR_INIT;
    struct value doc = parse(arena, "{\"a\":{}}"), got;

    buf_puts(&path, "/a");
    for (int i = 0; i < DECODE_MAX_DEPTH + 1; i++) {
        buf_puts(&path, "/b");
        buf_printf(&patch, "%s{\"op\":\"add\",\"path\":\"%s\",\"value\":{}}", i ? "," : "[", buf_cstr(&path));
    }
    buf_putc(&patch, ']');
    assert_false(patch_apply(arena, PATCH_JSON, NULL, &doc, buf_slice(&patch), &got, &err));
    assert_int_equal(error_code(&err), 422);
}

static void json_patch_reports_unknown_fields(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    struct decode_findings findings = {.arena = arena};
    struct value doc = parse(arena, "{\"a\":1}"), got;

    assert_true(patch_apply_strict(arena, PATCH_JSON, NULL, &doc,
                                   SLICE("[{\"op\":\"test\",\"path\":\"/a\",\"value\":1,\"foo\":2}]"), &got,
                                   &findings, &err));
    assert_int_equal(findings.count, 1);
    assert_string_equal(findings.items[0], "json patch unknown field \"[0].foo\"");
}

/* ---- merge patch ---- */

/* The examples of RFC 7386's appendix, and where Kubernetes' library is its own. */
static void merge_patch_applies(void **state)
{
    static const struct patch_case cases[] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"{\"a\":\"foo\"}", "{\"b\":{\"c\":null,\"d\":1}}", "{\"a\":\"foo\",\"b\":{\"d\":1}}"},
        {"{\"e\":null}", "{\"a\":1}", "{\"a\":1,\"e\":null}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
        {"{}", "{\"a\":[{\"b\":null,\"c\":[null]}]}", "{\"a\":[{\"c\":[null]}]}"},
        {"{\"a\":{}}", "{\"a\":[{\"b\":null}]}", "{\"a\":[{\"b\":null}]}"},
        {"{\"a\":1}", "{}", "{\"a\":1}"},
        {"{\"a\":1}", "[1]", NULL, 400,
         "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"},
        {"{\"a\":1}", "null", NULL, 400, "Invalid JSON Patch"},
        {"{\"a\":1}", "nope", NULL, 400, "invalid JSON patch"},
        {"{\"a\":1}", "{\"a\":1}{", NULL, 400, "invalid JSON patch"},
    };
    CHECK_CASES(PATCH_MERGE_JSON, NULL, cases);
}

static void put_random(struct buf *out, int depth)
{
    static const char *const scalars[] = {"1", "true", "\"x\"", "2.5", "\"y\"", "{}", "[]"};
    uint32_t pick = random_below(depth ? 4 : 2), n = random_below(4);

    if (pick < 2) {
        buf_puts(out, scalars[random_below(sizeof scalars / sizeof *scalars)]);
    } else if (pick == 2) {
        for (uint32_t i = 0; i <= n; i++) {
            buf_putc(out, i ? ',' : '[');
            put_random(out, depth - 1);
        }
        buf_putc(out, ']');
    } else {
        for (uint32_t i = 0; i <= n; i++) {
            buf_printf(out, "%c\"%c\":", i ? ',' : '{', 'a' + (int)(i * 2 + random_below(2)));
            put_random(out, depth - 1);
        }
        buf_putc(out, '}');
    }
}

/* The merge patch from a to b: what b has differently, null for what it lacks. */
static void put_difference(struct buf *out, const struct value *a, const struct value *b)
{
    const char *comma = "";

    buf_putc(out, '{');
    for (VALUE_EACH_ENTRY(entry, a)) {
        if (value_is_set(value_get(b, entry->key)))
            continue;
        buf_printf(out, "%s\"%.*s\":null", comma, SLICE_ARG(entry->key));
        comma = ",";
    }
    for (VALUE_EACH_ENTRY(entry, b)) {
        const struct value *old = value_get(a, entry->key);
        if (patch_equal(old, &entry->value))
            continue;
        buf_printf(out, "%s\"%.*s\":", comma, SLICE_ARG(entry->key));
        comma = ",";
        if (old->kind == VALUE_MAP && entry->value.kind == VALUE_MAP)
            put_difference(out, old, &entry->value);
        else
            encode_json(out, &patch_any, &entry->value);
    }
    buf_putc(out, '}');
}

static void merge_patch_of_a_difference_gives_the_other(void **state)
{
    for (int round = 0; round < 2000; round++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf text_a = BUF_INIT(BUF_UNLIMITED), text_b = BUF_INIT(BUF_UNLIMITED),
                               patch = BUF_INIT(BUF_UNLIMITED), test = BUF_INIT(BUF_UNLIMITED);
        cleanup_error struct error err = ERROR_INIT;
        struct value a, b, got;

        buf_puts(&text_a, "{\"m\":");
        buf_puts(&text_b, "{\"m\":");
        put_random(&text_a, 4);
        put_random(&text_b, 4);
        buf_putc(&text_a, '}');
        buf_putc(&text_b, '}');
        a = parse(arena, buf_cstr(&text_a));
        b = parse(arena, buf_cstr(&text_b));
        put_difference(&patch, &a, &b);
        assert_true(patch_apply(arena, PATCH_MERGE_JSON, NULL, &a, buf_slice(&patch), &got, &err));
        if (!patch_equal(&got, &b))
            fail_msg("%s patched with %s: got %s, want %s", buf_cstr(&text_a), buf_cstr(&patch),
                     shown(arena, &got), buf_cstr(&text_b));
        /* and a JSON patch that tests for the result holds, and changes nothing */
        buf_printf(&test, "[{\"op\":\"test\",\"path\":\"\",\"value\":%s}]", buf_cstr(&text_b));
        assert_true(patch_apply(arena, PATCH_JSON, NULL, &got, buf_slice(&test), &a, &err));
        assert_true(patch_equal(&a, &b));
    }
}

/* ---- what a refused result looks like ---- */

static void rejection_shows_the_patch_or_the_result(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    static const struct {
        enum patch_type type;
        const char *message;
    } cases[] = {
        {PATCH_MERGE_JSON, " \"\" is invalid: patch: Invalid value: \"{\\\"data\\\":{\\\"x\\\":1}}\": why"},
        {PATCH_STRATEGIC, " \"\" is invalid: patch: Invalid value: \"map[spec:map[a:<nil> l:[1 x]]]\": why"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_error struct error err = ERROR_INIT;
        struct value result = parse(arena, "{\"data\":{\"x\":1}}");
        assert_false(patch_reject(arena, cases[i].type, &result,
                                  SLICE("{\"spec\":{\"l\":[1,\"x\"],\"a\":null}}"), "why", &err));
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(error_code(&err), 422);
        assert_int_equal(err.cause_count, 1);
        assert_string_equal(err.causes[0].field, "patch");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_patch_applies),
        cmocka_unit_test(json_patch_refuses),
        cmocka_unit_test(json_patch_counts_operations),
        cmocka_unit_test(json_patch_holds_growth),
        cmocka_unit_test(json_patch_holds_depth),
        cmocka_unit_test(json_patch_reports_unknown_fields),
        cmocka_unit_test(merge_patch_applies),
        cmocka_unit_test(merge_patch_of_a_difference_gives_the_other),
        cmocka_unit_test(rejection_shows_the_patch_or_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
