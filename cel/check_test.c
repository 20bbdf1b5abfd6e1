#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cel/cel.h"

/* What does not compile, and what is said about it. */

static void findings_are_upstreams(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"x", "ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n | x\n | ^"},
        {"1 + x", "ERROR: <input>:1:5: undeclared reference to 'x' (in container '')\n | 1 + x\n | ....^"},
        {"1 + 'a'", "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | "
                    "1 + 'a'\n | ..^"},
        {"'a'.size(1)", "ERROR: <input>:1:9: found no matching overload for 'size' applied to "
                        "'string.(int)'\n | 'a'.size(1)\n | ........^"},
        {"f()", "ERROR: <input>:1:2: undeclared reference to 'f' (in container '')\n | f()\n | .^"},
        {"[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"},
        {"1.all(x, true)", "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension "
                           "(must be list, map, or "
                           "dynamic)\n | 1.all(x, true)\n | ^"},
        {"'a'.b", "ERROR: <input>:1:4: type 'string' does not support field selection\n | 'a'.b\n | ...^"},
        {"1 && true", "ERROR: <input>:1:1: expected type 'bool' but found 'int'\n | 1 && true\n | ^"},
        {"1 +", "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', "
                "'-', '!', 'true', 'false', "
                "'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^"},
        {"1 2", "ERROR: <input>:1:3: Syntax error: extraneous input '2' expecting <EOF>\n | 1 2\n | ..^"},
        {"1 + $",
         "ERROR: <input>:1:5: Syntax error: token recognition error at: '$'\n | 1 + $\n | ....^\n"
         "ERROR: <input>:1:6: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', "
         "'!', 'true', "
         "'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 + $\n | .....^"},
        {"has(1)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(1)\n | ....^"},
        {"[1].map(a.b, 1)",
         "ERROR: <input>:1:10: argument is not an identifier\n | [1].map(a.b, 1)\n | .........^"},
        {"for", "ERROR: <input>:1:1: reserved identifier: for\n | for\n | ^"},
        {"99999999999999999999", "ERROR: <input>:1:1: invalid int literal\n | 99999999999999999999\n | ^"},
        {"duration('1x') > duration('1s')",
         "ERROR: <input>:1:10: invalid duration argument\n | duration('1x') > duration('1s')\n | "
         ".........^"},
        {"'a'.matches('(')",
         "ERROR: <input>:1:13: invalid matches argument\n | 'a'.matches('(')\n | ............^"},
        {"\xe4\xb8\x96 + 1\n", "ERROR: <input>:1:1: Syntax error: token recognition error at: "
                               "'\xe4\xb8\x96'\n | \xe4\xb8\x96 + 1\n | \xef\xbc\xbe\n"
                               "ERROR: <input>:1:3: Syntax error: extraneous input '+' expecting {'[', '{', "
                               "'(', '.', '-', '!', 'true', 'false', "
                               "'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | "
                               "\xe4\xb8\x96 + 1\n | \xef\xbc\x8e.^"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct cel_source source = {.text = slice_str(rows[i].text)};
        assert_null(cel_compile(arena, cel_env_kubernetes(), &source, &err));
        assert_string_equal(err.message, rows[i].want);
    }
}

static void types_are_found(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"1", "int"},
        {"[]", "list(dyn)"},
        {"[[1]]", "list(list(int))"},
        {"{'a': [1u]}", "map(string, list(uint))"},
        {"[1].map(x, string(x))", "list(string)"},
        {"true ? 1 : dyn('a')", "dyn"},
        {"type(1)", "type(int)"},
        {"optional.of([1])[?0]", "optional_type(int)"},
        {"{'a': 1}.?a", "optional_type(int)"},
        {"[1].transformMap(i, v, string(v))", "map(int, string)"},
        {"timestamp('2020-01-01T00:00:00Z') - duration('1s')", "timestamp"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct cel_source source = {.text = slice_str(rows[i].text)};
        const struct cel_program *program = cel_compile(arena, cel_env_kubernetes(), &source, &err);
        if (!program)
            fail_msg("%s: %s", rows[i].text, err.message);
        assert_string_equal(cel_type_print(arena, cel_program_type(program)).ptr, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_upstreams),
        cmocka_unit_test(types_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
