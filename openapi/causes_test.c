#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/causes.h"
#include "openapi/decode.h"

static void paths_print_as_upstream_does(void **state)
{
    struct path spec = path_field(NULL, "spec"), ports = path_field(&spec, "ports"),
                port = path_index(&ports, 3);
    struct path labels = path_field(PATH(NULL, "metadata"), "labels"),
                label = path_key(&labels, SLICE("a.b/c"));
    const struct {
        const struct path *path;
        const char *want;
    } rows[] = {
        {NULL, ""},
        {&spec, "spec"},
        {PATH(&port, "name"), "spec.ports[3].name"},
        {&label, "metadata.labels[a.b/c]"},
        {PATH_I(NULL, 0), "[0]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
        path_print(&out, rows[i].path);
        assert_string_equal(buf_cstr(&out), rows[i].want);
    }
}

static void each_cause_has_its_formula(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct causes c = {.arena = arena};
    const struct path *at = PATH(NULL, "a");
    static const char *const supported[] = {"Always", "Never", NULL};
    struct value tree, flag = value_of_bool(true), text = value_of_cstr("x\"y");
    static const struct schema any = {.kind = SCHEMA_ANY};
    assert_true(decode_json_node(arena, &any, SLICE("{\"b\":[1,\"<\"],\"a\":null}"), &tree, NULL, NULL));
    causes_required(&c, at, "");
    causes_required(&c, at, "because %d", 7);
    causes_invalid(&c, at, &text, "no");
    causes_invalid(&c, at, &flag, "no");
    causes_invalid(&c, at, &tree, "no");
    causes_invalid(&c, at, &value_absent, "no");
    causes_invalid_text(&c, at, SLICE("a\nb"), "%s", "100% no");
    causes_invalid_int(&c, at, -5, "must be greater than %d", 0);
    causes_invalid_shown(&c, at, "[1 2]", "no");
    causes_not_supported(&c, at, SLICE("Maybe"), supported);
    causes_duplicate(&c, at, SLICE("x"));
    causes_duplicate_shown(&c, at, "{\"a\":1}");
    causes_forbidden(&c, at, "not now");
    causes_not_found(&c, at, SLICE("x"));
    causes_too_long(&c, at, 63);
    causes_too_long(&c, at, 1);
    causes_too_many(&c, at, 9, 8);
    causes_type_invalid(&c, at, "\"string\"", "must be of type integer");
    static const char *const want[][2] = {
        {"FieldValueRequired", "Required value"},
        {"FieldValueRequired", "Required value: because 7"},
        {"FieldValueInvalid", "Invalid value: \"x\\\"y\": no"},
        {"FieldValueInvalid", "Invalid value: true: no"},
        {"FieldValueInvalid", "Invalid value: {\"a\":null,\"b\":[1,\"\\u003c\"]}: no"},
        {"FieldValueInvalid", "Invalid value: null: no"},
        {"FieldValueInvalid", "Invalid value: \"a\\nb\": 100% no"},
        {"FieldValueInvalid", "Invalid value: -5: must be greater than 0"},
        {"FieldValueInvalid", "Invalid value: [1 2]: no"},
        {"FieldValueNotSupported", "Unsupported value: \"Maybe\": supported values: \"Always\", \"Never\""},
        {"FieldValueDuplicate", "Duplicate value: \"x\""},
        {"FieldValueDuplicate", "Duplicate value: {\"a\":1}"},
        {"FieldValueForbidden", "Forbidden: not now"},
        {"FieldValueNotFound", "Not found: \"x\""},
        {"FieldValueTooLong", "Too long: may not be more than 63 bytes"},
        {"FieldValueTooLong", "Too long: may not be more than 1 byte"},
        {"FieldValueTooMany", "Too many: 9: must have at most 8 items"},
        {"FieldValueTypeInvalid", "Invalid value: \"string\": must be of type integer"},
    };
    assert_int_equal(c.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < c.count; i++) {
        assert_string_equal(c.items[i].reason, want[i][0]);
        assert_string_equal(c.items[i].message, want[i][1]);
        assert_string_equal(c.items[i].field, "a");
    }
}

static void findings_make_one_error(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = {.arena = arena}, one = {.arena = arena};
    struct causes c = {.arena = arena};
    assert_true(causes_to_error(&c, "apps", "Deployment", SLICE("web"), &err));
    assert_false(error_is_set(&err));
    causes_required(&c, PATH(NULL, "spec"), "");
    assert_false(causes_to_error(&c, "", "Pod", SLICE("a\"b"), &one));
    assert_string_equal(one.message, "Pod \"a\\\"b\" is invalid: spec: Required value");
    causes_invalid_int(&c, PATH(NULL, "x"), 0, "no");
    causes_required(&c, PATH(NULL, "spec"), "");
    assert_false(causes_to_error(&c, "apps", "Deployment", SLICE("web"), &err));
    /* said twice is written once, but counted as a cause each time */
    assert_string_equal(
        err.message, "Deployment.apps \"web\" is invalid: [spec: Required value, x: Invalid value: 0: no]");
    assert_int_equal(err.reason, REASON_INVALID);
    assert_int_equal(err.cause_count, 3);
    assert_string_equal(err.group, "apps");
    assert_string_equal(err.kind, "Deployment");
    assert_string_equal(err.name, "web");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_print_as_upstream_does),
        cmocka_unit_test(each_cause_has_its_formula),
        cmocka_unit_test(findings_make_one_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
