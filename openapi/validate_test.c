#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/validate.h"

#define NAME(n) .name = n, .name_len = sizeof(n) - 1

static const char *const colours[] = {"Blue", "Red", NULL};
static const struct schema_rules colour = {.enums = colours, .min_length = -1, .max_length = -1};
static const struct schema_rules few = {.has_min = true,
                                        .has_max = true,
                                        .min = 1,
                                        .max = 2.5,
                                        .exclusive_max = true,
                                        .min_length = -1,
                                        .max_length = -1};
static const struct schema_rules word = {.pattern = "^\\w+(?:-\\w+)*$", .min_length = 2, .max_length = 4};
static const struct schema_rules pair = {.enums = colours, .min_length = 2, .max_length = 3};
static const struct schema of_string = {.kind = SCHEMA_STRING};
static const struct schema_type box;
static const struct schema of_box = {.kind = SCHEMA_RECORD, .type = &box};
enum { NAME_, COLOUR, COUNT, PAIR, BOXES, INNER };
static const struct schema_field fields[] = {
    {NAME("name"), .flags = FIELD_REQUIRED, .schema = {.kind = SCHEMA_STRING, .rules = &word}},
    {NAME("colour"), .schema = {.kind = SCHEMA_STRING, .rules = &colour}},
    {NAME("count"), .flags = FIELD_REQUIRED, .schema = {.kind = SCHEMA_INT32, .rules = &few}},
    {NAME("pair"), .schema = {.kind = SCHEMA_LIST, .elem = &of_string, .rules = &pair}},
    {NAME("boxes"), .schema = {.kind = SCHEMA_MAP, .elem = &of_box}},
    {NAME("inner"), .flags = FIELD_REQUIRED | FIELD_POINTER, .schema = {.kind = SCHEMA_RECORD, .type = &box}},
};
static const struct schema_type box = {
    .name = "Box", .fields = fields, .field_count = sizeof fields / sizeof *fields};

static struct value make_box(struct arena *arena, const char *name)
{
    struct value v = value_new_record(arena, &box);
    *value_mut(&v, NAME_) = value_of_cstr(name);
    return v;
}

static void findings_come_in_field_order(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct causes c = {.arena = arena};
    struct value v = value_new_record(arena, &box), inner = make_box(arena, "a-b");
    *value_mut(&inner, INNER) = make_box(arena, "ab");
    *value_mut(value_mut(&inner, INNER), INNER) = make_box(arena, "-");
    *value_mut(&v, INNER) = inner;
    *value_mut(&v, COLOUR) = value_of_cstr("Green");
    *value_mut(&v, COUNT) = value_of_int(3);
    *value_append(arena, value_mut(&v, PAIR)) = value_of_cstr("Pink");
    *value_put(arena, value_mut(&v, BOXES), SLICE("k")) =
        make_box(arena, "\xc3\xa9\xc3\xa9-\xc3\xa9\xc3\xa9");
    validate_schema(&c, PATH(NULL, "spec"), &box, &v);
    static const char *const want[][2] = {
        {"spec.name", "Required value"},
        {"spec.colour", "Unsupported value: \"Green\": supported values: \"Blue\", \"Red\""},
        {"spec.count", "Invalid value: 3: must be less than 2.5"},
        {"spec.pair", "Invalid value: [\"Pink\"]: must have at least 2 items"},
        {"spec.pair[0]", "Unsupported value: \"Pink\": supported values: \"Blue\", \"Red\""},
        {"spec.boxes[k].name", "Too long: may not be more than 4 bytes"},
        {"spec.boxes[k].name",
         "Invalid value: \"\xc3\xa9\xc3\xa9-\xc3\xa9\xc3\xa9\": must match '^\\w+(?:-\\w+)*$'"},
        {"spec.boxes[k].inner", "Required value"},
        {"spec.inner.inner.inner.name", "Invalid value: \"-\": must be at least 2 characters long"},
        {"spec.inner.inner.inner.name", "Invalid value: \"-\": must match '^\\w+(?:-\\w+)*$'"},
        {"spec.inner.inner.inner.inner", "Required value"},
    };
    for (size_t i = 0; i < c.count && i < sizeof want / sizeof *want; i++) {
        assert_string_equal(c.items[i].field, want[i][0]);
        assert_string_equal(c.items[i].message, want[i][1]);
    }
    assert_int_equal(c.count, sizeof want / sizeof *want);
}

static void patterns_as_go_reads_them(void **state)
{
    static const struct {
        const char *pattern, *text;
        enum validate_match want;
    } rows[] = {
        {"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a-b", VALIDATE_MATCHES},
        {"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a-", VALIDATE_DIFFERS},
        {"b", "abc", VALIDATE_MATCHES},
        {"^\\d{3}$", "123", VALIDATE_MATCHES},
        {"^\\d{3}$", "12a", VALIDATE_DIFFERS},
        {"^[\\w.]+$", "a.b_1", VALIDATE_MATCHES},
        {"^a\\.b$", "axb", VALIDATE_DIFFERS},
        {"^(?:a|b)$", "b", VALIDATE_MATCHES},
        {"^[^]]$", "]", VALIDATE_DIFFERS},
        {"^\\S+$", "a b", VALIDATE_DIFFERS},
        {"^((a{9}){9}){9}$", "a", VALIDATE_DIFFERS},
        {"((a{999}){999}){999}", "a", VALIDATE_NOT_CHECKED},
        {"a+?", "a", VALIDATE_NOT_CHECKED},
        {"(?i)a", "A", VALIDATE_NOT_CHECKED},
        {"\\bx", "x", VALIDATE_NOT_CHECKED},
        {"[", "x", VALIDATE_NOT_CHECKED},
        {"a\\", "x", VALIDATE_NOT_CHECKED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        enum validate_match got = validate_pattern(arena, rows[i].pattern, slice_str(rows[i].text));
        if (got != rows[i].want)
            print_error("%s on %s\n", rows[i].pattern, rows[i].text);
        assert_int_equal(got, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_come_in_field_order),
        cmocka_unit_test(patterns_as_go_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
