#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cel/cel.h"

/* Messages, costs and estimates that cel-go with Kubernetes' libraries (v0.37.2) gives for the same
 * expressions. */

static const struct cel_program *compiled(struct arena *arena, const char *text, struct error *err)
{
    struct cel_source source = {.text = slice_str(text)};
    return cel_compile(arena, cel_env_kubernetes(), &source, err);
}

static void messages_are_the_same(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"[1,[2,[3]]].flatten(2)", "ERROR: <input>:1:4: expected type 'int' but found 'list(dyn)'\n | "
                                   "[1,[2,[3]]].flatten(2)\n | ...^\nERROR: <input>:1:7: expected type 'int' "
                                   "but found 'list(int)'\n | [1,[2,[3]]].flatten(2)\n | ......^"},
        {"quantity('-1').sign()",
         "ERROR: <input>:1:20: found no matching overload for 'sign' applied to 'kubernetes.Quantity.()'\n | "
         "quantity('-1').sign()\n | ...................^"},
        {"math.max(1,2)", "ERROR: <input>:1:1: undeclared reference to 'math' (in container '')\n | "
                          "math.max(1,2)\n | ^\nERROR: <input>:1:9: found no matching overload for 'max' "
                          "applied to '!error!.(int, int)'\n | math.max(1,2)\n | ........^"},
        {"base64.encode(b'x')", "ERROR: <input>:1:1: undeclared reference to 'base64' (in container '')\n | "
                                "base64.encode(b'x')\n | ^\nERROR: <input>:1:14: undeclared reference to "
                                "'encode' (in container '')\n | base64.encode(b'x')\n | .............^"},
        {"jsonpatch.escapeKey('a/b~c')",
         "ERROR: <input>:1:1: undeclared reference to 'jsonpatch' (in container '')\n | "
         "jsonpatch.escapeKey('a/b~c')\n | ^\nERROR: <input>:1:20: undeclared reference to 'escapeKey' (in "
         "container '')\n | jsonpatch.escapeKey('a/b~c')\n | ...................^"},
        {"'abc'.reverse()", "ERROR: <input>:1:14: found no matching overload for 'reverse' applied to "
                            "'string.()'\n | 'abc'.reverse()\n | .............^"},
        {"cel.bind(x,1,x)",
         "ERROR: <input>:1:1: undeclared reference to 'cel' (in container '')\n | cel.bind(x,1,x)\n | "
         "^\nERROR: <input>:1:9: undeclared reference to 'bind' (in container '')\n | cel.bind(x,1,x)\n | "
         "........^\nERROR: <input>:1:10: undeclared reference to 'x' (in container '')\n | "
         "cel.bind(x,1,x)\n | .........^\nERROR: <input>:1:14: undeclared reference to 'x' (in container "
         "'')\n | cel.bind(x,1,x)\n | .............^"},
        {"'ab'.matches('(a')",
         "ERROR: <input>:1:14: invalid matches argument\n | 'ab'.matches('(a')\n | .............^"},
        {"timestamp('x')",
         "ERROR: <input>:1:11: invalid timestamp argument\n | timestamp('x')\n | ..........^"},
        {"duration('1d')",
         "ERROR: <input>:1:10: invalid duration argument\n | duration('1d')\n | .........^"},
        {"{1:2}[1.0]", "ERROR: <input>:1:6: found no matching overload for '_[_]' applied to '(map(int, "
                       "int), double)'\n | {1:2}[1.0]\n | .....^"},
        {"true && 'a'",
         "ERROR: <input>:1:9: expected type 'bool' but found 'string'\n | true && 'a'\n | ........^"},
        {"'a' < 1", "ERROR: <input>:1:5: found no matching overload for '_<_' applied to '(string, int)'\n | "
                    "'a' < 1\n | ....^"},
        {"b'abc'[0]", "ERROR: <input>:1:7: found no matching overload for '_[_]' applied to '(bytes, int)'\n "
                      "| b'abc'[0]\n | ......^"},
        {"size(5)", "ERROR: <input>:1:5: found no matching overload for 'size' applied to '(int)'\n | "
                    "size(5)\n | ....^"},
        {"-'a'",
         "ERROR: <input>:1:1: found no matching overload for '-_' applied to '(string)'\n | -'a'\n | ^"},
        {"[1][true]", "ERROR: <input>:1:4: found no matching overload for '_[_]' applied to '(list(int), "
                      "bool)'\n | [1][true]\n | ...^"},
        {"[1, 2u]", "ERROR: <input>:1:5: expected type 'int' but found 'uint'\n | [1, 2u]\n | ....^"},
        {"{'a':1, 2:3}",
         "ERROR: <input>:1:9: expected type 'string' but found 'int'\n | {'a':1, 2:3}\n | ........^"},
        {"1 ? 2 : 3", "ERROR: <input>:1:3: found no matching overload for '_?_:_' applied to '(int, int, "
                      "int)'\n | 1 ? 2 : 3\n | ..^"},
        {"true ? 1 : 'a'", "ERROR: <input>:1:6: found no matching overload for '_?_:_' applied to '(bool, "
                           "int, string)'\n | true ? 1 : 'a'\n | .....^"},
        {"x.y.z", "ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n | x.y.z\n | ^"},
        {"a.b()", "ERROR: <input>:1:1: undeclared reference to 'a' (in container '')\n | a.b()\n | ^\nERROR: "
                  "<input>:1:4: undeclared reference to 'b' (in container '')\n | a.b()\n | ...^"},
        {"has(a)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(a)\n | ....^"},
        {"has(a.b)",
         "ERROR: <input>:1:5: undeclared reference to 'a' (in container '')\n | has(a.b)\n | ....^"},
        {"1 == 'a'", "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'\n "
                     "| 1 == 'a'\n | ..^"},
        {"[1].exists(x, y)", "ERROR: <input>:1:15: undeclared reference to 'y' (in container '')\n | "
                             "[1].exists(x, y)\n | ..............^"},
        {"'a'.b", "ERROR: <input>:1:4: type 'string' does not support field selection\n | 'a'.b\n | ...^"},
        {"null == 1", "ERROR: <input>:1:6: found no matching overload for '_==_' applied to '(null, int)'\n "
                      "| null == 1\n | .....^"},
        {"null + 1", "ERROR: <input>:1:6: found no matching overload for '_+_' applied to '(null, int)'\n | "
                     "null + 1\n | .....^"},
        {"(1", "ERROR: <input>:1:3: Syntax error: missing ')' at '<EOF>'\n | (1\n | ..^"},
        {"1)", "ERROR: <input>:1:2: Syntax error: extraneous input ')' expecting <EOF>\n | 1)\n | .^"},
        {"[1",
         "ERROR: <input>:1:3: Syntax error: mismatched input '<EOF>' expecting {']', ','}\n | [1\n | ..^"},
        {"a.", "ERROR: <input>:1:3: Syntax error: no viable alternative at input '.'\n | a.\n | ..^"},
        {"a..b", "ERROR: <input>:1:3: Syntax error: no viable alternative at input '..'\n | a..b\n | ..^"},
        {"'a",
         "ERROR: <input>:1:1: Syntax error: token recognition error at: ''a'\n | 'a\n | ^\nERROR: "
         "<input>:1:3: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', "
         "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 'a\n | ..^"},
        {"\"\\z\"", "ERROR: <input>:1:1: Syntax error: token recognition error at: '\"\\z'\n | \"\\z\"\n | "
                    "^\nERROR: <input>:1:4: Syntax error: token recognition error at: '\"'\n | \"\\z\"\n | "
                    "...^\nERROR: <input>:1:5: Syntax error: mismatched input '<EOF>' expecting {'[', '{', "
                    "'(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, "
                    "BYTES, IDENTIFIER}\n | \"\\z\"\n | ....^"},
        {"1 = 2",
         "ERROR: <input>:1:3: Syntax error: token recognition error at: '= '\n | 1 = 2\n | ..^\nERROR: "
         "<input>:1:5: Syntax error: extraneous input '2' expecting <EOF>\n | 1 = 2\n | ....^"},
        {"a & b",
         "ERROR: <input>:1:3: Syntax error: token recognition error at: '& '\n | a & b\n | ..^\nERROR: "
         "<input>:1:5: Syntax error: extraneous input 'b' expecting <EOF>\n | a & b\n | ....^"},
        {"@",
         "ERROR: <input>:1:1: Syntax error: token recognition error at: '@'\n | @\n | ^\nERROR: <input>:1:2: "
         "Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', "
         "'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | @\n | .^"},
        {"`a`",
         "ERROR: <input>:1:1: Syntax error: mismatched input '`a`' expecting {'[', '{', '(', '.', '-', '!', "
         "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | `a`\n | ^"},
        {"a.`b-c`", "ERROR: <input>:1:1: undeclared reference to 'a' (in container '')\n | a.`b-c`\n | ^"},
        {"1..2", "ERROR: <input>:1:3: Syntax error: no viable alternative at input '..2'\n | 1..2\n | ..^"},
        {"1.", "ERROR: <input>:1:3: Syntax error: no viable alternative at input '.'\n | 1.\n | ..^"},
        {"1e", "ERROR: <input>:1:2: Syntax error: extraneous input 'e' expecting <EOF>\n | 1e\n | .^"},
        {"0x", "ERROR: <input>:1:2: Syntax error: extraneous input 'x' expecting <EOF>\n | 0x\n | .^"},
        {"1u2", "ERROR: <input>:1:3: Syntax error: extraneous input '2' expecting <EOF>\n | 1u2\n | ..^"},
        {"if", "ERROR: <input>:1:1: reserved identifier: if\n | if\n | ^"},
        {"x.if", "ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n | x.if\n | ^"},
        {"{a:1}", "ERROR: <input>:1:2: undeclared reference to 'a' (in container '')\n | {a:1}\n | .^"},
        {"a ? b",
         "ERROR: <input>:1:6: Syntax error: mismatched input '<EOF>' expecting ':'\n | a ? b\n | .....^"},
        {"?a",
         "ERROR: <input>:1:1: Syntax error: extraneous input '?' expecting {'[', '{', '(', '.', '-', '!', "
         "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | ?a\n | ^"},
        {"9223372036854775808", "ERROR: <input>:1:1: invalid int literal\n | 9223372036854775808\n | ^"},
        {"18446744073709551616u", "ERROR: <input>:1:1: invalid uint literal\n | 18446744073709551616u\n | ^"},
        {"1e1000", "ERROR: <input>:1:1: invalid double literal\n | 1e1000\n | ^"},
        {"'\\ud800'", "ERROR: <input>:1:1: invalid unicode code point\n | '\\ud800'\n | ^"},
        {"b'\\u0041'", "ERROR: <input>:1:1: unable to unescape string\n | b'\\u0041'\n | ^"},
        {"// c", "ERROR: <input>:1:5: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', "
                 "'-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, "
                 "IDENTIFIER}\n | // c\n | ....^"},
        {"", "ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', "
             "'!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"},
        {"  ", "ERROR: <input>:1:3: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', "
               "'-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, "
               "IDENTIFIER}\n |   \n | ..^"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        assert_null(compiled(arena, rows[i].text, &err));
        assert_string_equal(err.message, rows[i].want);
    }
}

static void costs_are_the_same(void **state)
{
    static const struct {
        const char *text;
        uint64_t cost, estimate;
    } rows[] = {
        {"'%f'.format([12345.678])", 1u, 11ull},
        {"'%e'.format([12345.678])", 1u, 11ull},
        {"'%.2e'.format([0.00012345])", 1u, 11ull},
        {"'%.3f'.format([-1234567.5])", 1u, 11ull},
        {"'%e'.format([1e100])", 1u, 11ull},
        {"'%s'.format([{'a':1.5,'b':[1,'x',b'y']}])", 1u, 51ull},
        {"'%s'.format([timestamp('2020-01-01T00:00:00Z')])", 1u, 12ull},
        {"'%s'.format([[timestamp('2020-01-01T00:00:00Z'),duration('1s')]])", 1u, 23ull},
        {"'%x'.format([-5])", 1u, 11ull},
        {"'%X'.format(['abz'])", 1u, 11ull},
        {"'%b'.format([true])", 1u, 11ull},
        {"'%o'.format([8u])", 1u, 11ull},
        {"'%d %%'.format([3])", 1u, 11ull},
        {"'%s'.format([null])", 1u, 11ull},
        {"'%s'.format([int])", 1u, 12ull},
        {"'%s'.format([1.0])", 1u, 11ull},
        {"'%s'.format([[1.0, 0.1]])", 1u, 21ull},
        {"'%f'.format(['NaN'])", 1u, 11ull},
        {"'%s'.format([[double('NaN')]])", 1u, 22ull},
        {"'%e'.format([0.0])", 1u, 11ull},
        {"'%s'.format([dyn(1)/0])", 12u, 13ull},
        {"'a'.charAt(1)", 1u, 1ull},
        {"'abc'.charAt(9)", 1u, 1ull},
        {"'abc'.substring(1,9)", 1u, 1ull},
        {"'abc'.substring(2,1)", 1u, 1ull},
        {"'tacocat'.indexOf('ac', 2)", 0u, 1ull},
        {"'tacocat'.lastIndexOf('ac', 2)", 0u, 1ull},
        {"'a,b,c'.split(',', 2)", 1u, 1ull},
        {"'a,b,c'.split(',', 0)", 1u, 1ull},
        {"'abc'.split('')", 1u, 1ull},
        {"'hello hello'.replace('he','we',1)", 3u, 3ull},
        {"'abc'.replace('','_')", 1u, 1ull},
        {"strings.quote('a\\n\"b')", 1u, 1ull},
        {"['a','b'].join('-')", 1u, 1844674407370955274ull},
        {"[1,2].sum()", 2u, 12ull},
        {"[].max()", 0u, 10ull},
        {"[3,1].isSorted()", 2u, 12ull},
        {"[1,2,3,2].lastIndexOf(2)", 4u, 14ull},
        {"[1,2].includes(2)", 2u, 12ull},
        {"'x'.includes('x')", 0u, 1ull},
        {"[3,1,2].sort()", 29u, 39ull},
        {"[[3,1],[2]].flatten()", 13u, 43ull},
        {"lists.range(3)", 14u, 14ull},
        {"[1,1,2].distinct()", 29u, 39ull},
        {"[1,2,3].slice(1,3)", 13u, 23ull},
        {"[1,2,3].slice(2,9)", 12u, 28ull},
        {"[1,2,3].reverse()", 14u, 24ull},
        {"['bb','a'].sortBy(x, x.size())", 50u, 80ull},
        {"sets.contains([1,2],[1])", 3u, 23ull},
        {"sets.equivalent([1,1],[1])", 5u, 25ull},
        {"sets.intersects([1],[2])", 2u, 22ull},
        {"'abc 123 def 456'.findAll('[0-9]+')", 4u, 4ull},
        {"'abc 123 def 456'.findAll('[0-9]+',1)", 4u, 4ull},
        {"'abc'.find('[0-9]+')", 2u, 2ull},
        {"url('https://user:pass@example.com:80/a%20b/c?x=1&y=2&x=3').getQuery()", 7u, 7ull},
        {"url('https://example.com:80/p').getHost()", 4u, 4ull},
        {"url('https://[::1]:80/p').getHostname()", 3u, 3ull},
        {"url('https://example.com/path with spaces/').getEscapedPath()", 5u, 5ull},
        {"isURL('../x')", 1u, 1ull},
        {"isURL('/x')", 1u, 1ull},
        {"url('x')", 1u, 1ull},
        {"ip('127.0.0.1').isLoopback()", 2u, 2ull},
        {"ip('::1')==ip('0:0::1')", 3u, 3ull},
        {"string(ip('2001:db8::0:1'))", 3u, 3ull},
        {"ip('1.2.3')", 1u, 1ull},
        {"ip.isCanonical('2001:DB8::1')", 3u, 3ull},
        {"isIP('fe80::1%eth0')", 2u, 2ull},
        {"cidr('10.1.2.3/8').masked()==cidr('10.0.0.0/8')", 4u, 4ull},
        {"string(cidr('10.1.2.3/8'))", 2u, 2ull},
        {"cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", 6u, 10ull},
        {"cidr('10.0.0.0/8').prefixLength()", 2u, 2ull},
        {"quantity('1.5Gi').add(quantity('1Mi'))", 3u, 3ull},
        {"quantity('1k').asInteger()", 2u, 2ull},
        {"quantity('1500m').isInteger()", 2u, 2ull},
        {"quantity('1500m').asApproximateFloat()", 2u, 2ull},
        {"sign(quantity('-1'))", 2u, 2ull},
        {"quantity('2').sub(1)==quantity('1')", 4u, 4ull},
        {"semver('1.2.3-alpha.1+b').major()", 3u, 3ull},
        {"semver('v1.2',true)==semver('1.2.0')", 3u, 3ull},
        {"semver('1.2')", 1u, 1ull},
        {"isSemver('01.2.3')", 1u, 1ull},
        {"semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))", 3u, 3ull},
        {"format.dns1123Label().validate('Abc')", 9u, 33ull},
        {"format.named('uuid')", 1u, 1ull},
        {"format.named('nope')", 1u, 1ull},
        {"format.named('dns1035Label').value().validate('1-')", 10u, 34ull},
        {"[1,2].first()", 1u, 11ull},
        {"1.0 == dyn('a')", 1u, 2ull},
        {"type(quantity('1'))", 2u, 2ull},
        {"[1,2,3].all(x, x > 1 || x / 0 == 1)", 19u, 35ull},
        {"{'a':1}.map(k, k)", 14u, 54ull},
        {"type(1) == int", 1u, 1844674407370955266ull},
        {"dyn([1,2])[1.0]", 2u, 12ull},
        {"'ab'.size() + [1].size()", 3u, 13ull},
        {"1 in {1: 2}", 1u, 31ull},
        {"[] == [1]", 0u, 20ull},
        {"double('NaN') == double('NaN')", 1u, 3ull},
        {"{}.a", 2u, 31ull},
        {"{'b-c': 1}.`b-c`", 2u, 31ull},
        {"07", 0u, 0ull},
        {"--1", 0u, 0ull},
        {"!!true", 0u, 0ull},
        {"- 1", 0u, 0ull},
        {"-(1)", 1u, 1ull},
        {"-9223372036854775808", 0u, 0ull},
        {"'\\u0041'", 0u, 0ull},
        {"r'\\n'", 0u, 0ull},
        {"'''a\nb'''", 0u, 0ull},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        const struct cel_program *program = compiled(arena, rows[i].text, &err);
        if (!program)
            fail_msg("%s: %s", rows[i].text, err.message);
        struct cel_run run = {.arena = arena, .cost_limit = CEL_PER_CALL_LIMIT};
        cel_evaluate(program, &run);
        if (run.cost != rows[i].cost || cel_program_cost(program) != rows[i].estimate)
            fail_msg("%s cost %llu, not %llu; estimated %llu, not %llu", rows[i].text,
                     (unsigned long long)run.cost, (unsigned long long)rows[i].cost,
                     (unsigned long long)cel_program_cost(program), (unsigned long long)rows[i].estimate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_the_same),
        cmocka_unit_test(costs_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
