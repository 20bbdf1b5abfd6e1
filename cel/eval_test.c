#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "cel/cel.h"

/* Expressions without variables and what they are. */

static struct slice evaluated(struct arena *arena, const char *text, unsigned flags)
{
    cleanup_error struct error err = ERROR_INIT;
    struct cel_source source = {.text = slice_str(text), .flags = flags};
    const struct cel_program *program = cel_compile(arena, cel_env_kubernetes(), &source, &err);
    if (!program)
        return arena_dup(arena, slice_str(err.message));
    struct cel_run run = {.arena = arena, .cost_limit = CEL_PER_CALL_LIMIT};
    struct cel_value v = cel_evaluate(program, &run);
    return cel_print(arena, &v);
}

struct row {
    const char *text, *want;
};

static void check_rows(const struct row *rows, size_t count, unsigned flags)
{
    for (size_t i = 0; i < count; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct slice have = evaluated(arena, rows[i].text, flags);
        if (!slice_is(have, rows[i].want))
            fail_msg("%s\n gives %.*s\n  not  %s", rows[i].text, SLICE_ARG(have), rows[i].want);
    }
}
#define CHECK(rows, flags) check_rows(rows, sizeof(rows) / sizeof *(rows), flags)

static void literals_are_themselves(void **state)
{
    static const struct row rows[] = {
        {"1", "1"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"0x1F", "31"},
        {"7u", "7u"},
        {"1.5e3", "1500.0"},
        {".5", "0.5"},
        {"-0.0", "-0.0"},
        {"true", "true"},
        {"null", "null"},
        {"'a\\u00e4\\n'", "\"a\xc3\xa4\\n\""},
        {"r'\\d'", "\"\\\\d\""},
        {"'''it's'''", "\"it's\""},
        {"b'\\xff\\101'", "b\"\\xffA\""},
        {"[1, 2,]", "[1, 2]"},
        {"{'a': 1, 'b': 2}", "{\"a\": 1, \"b\": 2}"},
        {"int", "int"},
        {"type(1.0)", "double"},
        {"type(timestamp('2020-01-01T00:00:00Z'))", "google.protobuf.Timestamp"},
        {"1 // one", "1"},
    };
    CHECK(rows, 0);
}

static void operators_compute(void **state)
{
    static const struct row rows[] = {
        {"1 + 2 * 3 - 4 / 2 % 2", "7"},
        {"-(3)", "-3"},
        {"!!true", "true"},
        {"9223372036854775807 + 1", "error(integer overflow)"},
        {"0u - 1u", "error(unsigned integer overflow)"},
        {"1 / 0", "error(division by zero)"},
        {"1 % 0", "error(modulus by zero)"},
        {"1.0 / 0.0", "+Inf"},
        {"'a' + 'b'", "\"ab\""},
        {"[1] + [2]", "[1, 2]"},
        {"1 < 2 && 2u <= 2u && 'a' < 'b' && b'a' >= b'a'", "true"},
        {"1 == 1 && 1 != 2", "true"},
        {"dyn(1) == 1.0 && dyn(1u) == 1", "true"},
        {"1 < 1.5 && 2u > 1", "true"},
        {"{'a': [1]} == {'a': [1]}", "true"},
        {"true ? 1 : 2", "1"},
        {"2 in [1, 2] && 'a' in {'a': 1}", "true"},
        {"[1, 2][1]", "2"},
        {"[1][1]", "error(index out of bounds: 1)"},
        {"{'a': 1}.a + {'b': 2}['b']", "3"},
        {"{'a': 1}.b", "error(no such key: b)"},
        {"timestamp('2026-01-01T00:00:00Z') + duration('1h30m')", "timestamp(\"2026-01-01T01:30:00Z\")"},
        {"timestamp('2026-01-01T00:00:00Z') - timestamp('2025-12-31T00:00:00Z')", "duration(\"86400s\")"},
    };
    CHECK(rows, 0);
}

static void errors_are_absorbed(void **state)
{
    static const struct row rows[] = {
        {"1 / 0 == 1 || true", "true"},           {"true || 1 / 0 == 1", "true"},
        {"1 / 0 == 1 && false", "false"},         {"1 / 0 == 1 || false", "error(division by zero)"},
        {"[0, 1].exists(x, 1 / x == 1)", "true"}, {"[1, 0].all(x, 1 / x == 1)", "error(division by zero)"},
        {"[0, 2].all(x, 1 / x == 1)", "false"},   {"true ? 1 : 1 / 0", "1"},
    };
    CHECK(rows, 0);
}

static void macros_expand(void **state)
{
    static const struct row rows[] = {
        {"has({'a': 1}.a) && !has({'a': 1}.b)", "true"},
        {"[1, 2, 3].map(x, x * 2)", "[2, 4, 6]"},
        {"[1, 2, 3].map(x, x > 1, x * 2)", "[4, 6]"},
        {"[1, 2, 3].filter(x, x % 2 == 1)", "[1, 3]"},
        {"{'a': 1, 'b': 2}.filter(k, k > 'a')", "[\"b\"]"},
        {"[1, 2, 2].exists_one(x, x == 1) && ![2, 2].existsOne(x, x == 2)", "true"},
        {"[5, 6].all(i, v, v == i + 5)", "true"},
        {"{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true"},
        {"[5, 6].transformList(i, v, i * v)", "[0, 6]"},
        {"[5, 6].transformMap(i, v, i > 0, v * 2)", "{1: 12}"},
        {"{'a': 'x'}.transformMapEntry(k, v, {v: k})", "{\"x\": \"a\"}"},
        {"[[1, 2], [3]].map(l, l.map(x, x + size(l)))", "[[3, 4], [4]]"},
        {"[1].map(x, [2].map(x, x))", "[[2]]"},
    };
    CHECK(rows, 0);
}

static void optionals_may_be_missing(void **state)
{
    static const struct row rows[] = {
        {"{'a': 1}.?a", "optional.of(1)"},
        {"{'a': {'b': 1}}.?c.b", "optional.none()"},
        {"[1][?0].value() + [1][?4].orValue(7)", "8"},
        {"optional.none().or(optional.of(1))", "optional.of(1)"},
        {"optional.of(1).or(optional.of(1 / 0))", "optional.of(1)"},
        {"optional.none().value()", "error(optional.none() dereference)"},
        {"{?'a': optional.none(), 'b': 1}", "{\"b\": 1}"},
        {"[?optional.of(1), ?optional.none()]", "[1]"},
        {"optional.of(2).optMap(x, x + 1)", "optional.of(3)"},
        {"optional.of(2).optFlatMap(x, optional.none())", "optional.none()"},
        {"has({'a': {'b': 1}}.?a.b)", "true"},
        {"optional.ofNonZeroValue('')", "optional.none()"},
        {"optional.unwrap([optional.of(1), optional.none()])", "[1]"},
    };
    CHECK(rows, 0);
}

static void conversions_convert(void **state)
{
    static const struct row rows[] = {
        {"int('-12') + int(3u) + int(2.9)", "-7"},
        {"uint(3) + uint('4')", "7u"},
        {"double('1.5') + double(1)", "2.5"},
        {"string(1.5) + string(true) + string(b'x') + string(1u)", "\"1.5truex1\""},
        {"string(duration('90m'))", "\"5400s\""},
        {"string(timestamp('2026-11-28T12:00:00.250+01:00'))", "\"2026-11-28T11:00:00.25Z\""},
        {"bytes('\xc3\xa4').size()", "2"},
        {"size('\xc3\xa4\xe2\x82\xac') + size([1]) + {'a': 1}.size()", "4"},
        {"int(1e19)", "error(integer overflow)"},
        {"bool('True')", "true"},
        {"string(b'\\xff')", "error(invalid UTF-8 in bytes, cannot convert to string)"},
        {"string(1e23) + string(1e20) + string(1e-7)", "\"1e+231000000000000000000001e-07\""},
        {"timestamp('2024-02-29T23:59:59Z').getDayOfYear()", "59"},
        {"timestamp('2024-03-01T00:30:00Z').getHours('-01:00')", "23"},
        {"timestamp('2026-07-01T00:00:00Z').getHours('Europe/Berlin')", "2"},
        {"timestamp('2046-07-01T00:00:00Z').getHours('Europe/Berlin')", "2"},
        {"timestamp('2026-07-01T00:00:00Z').getDayOfWeek()", "3"},
        {"duration('3h5m').getMinutes()", "185"},
        {"'abc'.startsWith('a') && 'abc'.endsWith('bc') && 'abc'.contains('b')", "true"},
        {"'abc'.matches('^a.c$')", "true"},
    };
    CHECK(rows, 0);
}

static void budgets_end_evaluations(void **state)
{
    static const struct row rows[] = {
        {"[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, "
         "[1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, "
         "true))))))",
         "error(operation cancelled: actual cost limit exceeded)"},
        {"[1,2,3,4,5,6,7,8,9,10].exists(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, "
         "[1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a < "
         "0)))))) || true",
         "true"},
        {"[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, "
         "[1,2,3,4,5,6,7,8,9,10].all(d, "
         "[1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, true)))))) || true",
         "error(operation cancelled: actual cost limit exceeded)"},
    };
    CHECK(rows, 0);
}

/* `part` so many times behind `start`, then `end` so many times. */
static struct slice repeated(struct arena *arena, const char *start, const char *part, const char *end,
                             int times)
{
    cleanup_buf struct buf text = BUF_INIT(1 << 20);
    for (int i = 0; i < times; i++)
        buf_puts(&text, part);
    buf_puts(&text, start);
    for (int i = 0; i < times; i++)
        buf_puts(&text, end);
    buf_putc(&text, 0);
    return arena_dup(arena, buf_slice(&text));
}

static void large_expressions_have_bounds(void **state)
{
    static const struct {
        const char *start, *part, *end, *want;
        int times;
    } rows[] = {
        {"true", "true && ", "", "true", 5000},
        {"1", "(", ")", "1", 200},
        {"1", "(", ")", "expression recursion limit exceeded: 250", 300},
        {"1", "[", "]", "expression recursion limit exceeded: 250", 5000},
        {"1", "1 + ", "", "expression recursion limit exceeded: 250", 300},
        {"optional.of(1)", "", ".optMap(x, x)", "", 60}, /* doubles with every step: the budget ends it */
        {"[1]", "", ".map(x, x)", "[1]", 100},
        {"'", "'", "", "", 60000},
        {"1", "          ", "", "expression code point size exceeds limit", 20000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct slice have =
            evaluated(arena, repeated(arena, rows[i].start, rows[i].part, rows[i].end, rows[i].times).ptr, 0);
        if (!strstr(have.ptr, rows[i].want))
            fail_msg("%zu gives %.200s", i, have.ptr);
    }
}

static void unchecked_expressions_decide_when_they_run(void **state)
{
    static const struct row rows[] = {
        {"[1, 'a'][1] + 'b'", "\"ab\""},
        {"1 + 'a'", "error(no such overload)"},
        {"x || true", "true"},
        {"f(1)", "error(no such overload)"},
    };
    CHECK(rows, CEL_UNCHECKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_themselves),
        cmocka_unit_test(operators_compute),
        cmocka_unit_test(errors_are_absorbed),
        cmocka_unit_test(macros_expand),
        cmocka_unit_test(optionals_may_be_missing),
        cmocka_unit_test(conversions_convert),
        cmocka_unit_test(budgets_end_evaluations),
        cmocka_unit_test(large_expressions_have_bounds),
        cmocka_unit_test(unchecked_expressions_decide_when_they_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
