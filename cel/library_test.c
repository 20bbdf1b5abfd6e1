#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cel/cel.h"

/* The libraries of Kubernetes. Values and messages are those that upstream's library gives for the same
 * expressions. */

static struct slice evaluated(struct arena *arena, const char *text)
{
    cleanup_error struct error err = ERROR_INIT;
    struct cel_source source = {.text = slice_str(text)};
    const struct cel_program *program = cel_compile(arena, cel_env_kubernetes(), &source, &err);
    if (!program)
        return arena_dup(arena, slice_str(err.message));
    struct cel_run run = {.arena = arena, .cost_limit = CEL_PER_CALL_LIMIT};
    struct cel_value v = cel_evaluate(program, &run);
    return cel_print(arena, &v);
}

static void functions_give_upstreams_values(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"'%f'.format([12345.678])", "\"12,345.678000\""},
        {"'%e'.format([12345.678])", "\"1.234568\xc3"
                                     "\x97"
                                     "10\xe2"
                                     "\x81"
                                     "\xb0"
                                     "\xe2"
                                     "\x81"
                                     "\xb4"
                                     "\""},
        {"'%.2e'.format([0.00012345])", "\"1.234500\xc3"
                                        "\x97"
                                        "10\xe2"
                                        "\x81"
                                        "\xbb"
                                        "\xe2"
                                        "\x81"
                                        "\xb0"
                                        "\xe2"
                                        "\x81"
                                        "\xb4"
                                        "\""},
        {"'%.3f'.format([-1234567.5])", "\"-1,234,567.500\""},
        {"'%e'.format([1e100])", "\"1.000000\xc3"
                                 "\x97"
                                 "10\xc2"
                                 "\xb9"
                                 "\xe2"
                                 "\x81"
                                 "\xb0"
                                 "\xe2"
                                 "\x81"
                                 "\xb0"
                                 "\""},
        {"'%s'.format([{'a':1.5,'b':[1,'x',b'y']}])",
         "\"{\\\"a\\\":1.500000, \\\"b\\\":[1, \\\"x\\\", b\\\"y\\\"]}\""},
        {"'%s'.format([timestamp('2020-01-01T00:00:00Z')])", "\"2020-01-01T00:00:00Z\""},
        {"'%s'.format([[timestamp('2020-01-01T00:00:00Z'),duration('1s')]])",
         "\"[timestamp(\\\"2020-01-01T00:00:00Z\\\"), duration(\\\"1s\\\")]\""},
        {"'%x'.format([-5])", "\"-5\""},
        {"'%X'.format(['abz'])", "\"61627A\""},
        {"'%b'.format([true])", "\"1\""},
        {"'%o'.format([8u])", "\"10\""},
        {"'%d %%'.format([3])", "\"3 %\""},
        {"'%s'.format([null])", "\"null\""},
        {"'%s'.format([int])", "\"int\""},
        {"'%s'.format([1.0])", "\"1\""},
        {"'%s'.format([[1.0, 0.1]])", "\"[1.000000, 0.100000]\""},
        {"'%f'.format(['NaN'])", "\"NaN\""},
        {"'%s'.format([[double('NaN')]])", "\"[\\\"NaN\\\"]\""},
        {"'%e'.format([0.0])", "\"0.000000\xc3"
                               "\x97"
                               "10\xe2"
                               "\x81"
                               "\xb0"
                               "\xe2"
                               "\x81"
                               "\xb0"
                               "\""},
        {"'%s'.format([dyn(1)/0])", "error(division by zero)"},
        {"'a'.charAt(1)", "\"\""},
        {"'abc'.charAt(9)", "error(index out of range: 9)"},
        {"'abc'.substring(1,9)", "error(index out of range: 9)"},
        {"'abc'.substring(2,1)", "error(invalid substring range. start: 2, end: 1)"},
        {"'tacocat'.indexOf('ac', 2)", "-1"},
        {"'tacocat'.lastIndexOf('ac', 2)", "1"},
        {"'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]"},
        {"'a,b,c'.split(',', 0)", "[]"},
        {"'abc'.split('')", "[\"a\", \"b\", \"c\"]"},
        {"'hello hello'.replace('he','we',1)", "\"wello hello\""},
        {"'abc'.replace('','_')", "\"_a_b_c_\""},
        {"strings.quote('a\\n\"b')", "\"\\\"a\\\\n\\\\\\\"b\\\"\""},
        {"['a','b'].join('-')", "\"a-b\""},
        {"[1,2].sum()", "3"},
        {"[].max()", "error(max called on empty list)"},
        {"[3,1].isSorted()", "false"},
        {"[1,2,3,2].lastIndexOf(2)", "3"},
        {"[1,2].includes(2)", "true"},
        {"'x'.includes('x')", "true"},
        {"[3,1,2].sort()", "[1, 2, 3]"},
        {"[[3,1],[2]].flatten()", "[3, 1, 2]"},
        {"lists.range(3)", "[0, 1, 2]"},
        {"[1,1,2].distinct()", "[1, 2]"},
        {"[1,2,3].slice(1,3)", "[2, 3]"},
        {"[1,2,3].slice(2,9)", "error(cannot slice(2, 9), list is length 3)"},
        {"[1,2,3].reverse()", "[3, 2, 1]"},
        {"['bb','a'].sortBy(x, x.size())", "[\"a\", \"bb\"]"},
        {"sets.contains([1,2],[1])", "true"},
        {"sets.equivalent([1,1],[1])", "true"},
        {"sets.intersects([1],[2])", "false"},
        {"'abc 123 def 456'.findAll('[0-9]+')", "[\"123\", \"456\"]"},
        {"'abc 123 def 456'.findAll('[0-9]+',1)", "[\"123\"]"},
        {"'abc'.find('[0-9]+')", "\"\""},
        {"url('https://user:pass@example.com:80/a%20b/c?x=1&y=2&x=3').getQuery()",
         "{\"x\": [\"1\", \"3\"], \"y\": [\"2\"]}"},
        {"url('https://example.com:80/p').getHost()", "\"example.com:80\""},
        {"url('https://[::1]:80/p').getHostname()", "\"::1\""},
        {"url('https://example.com/path with spaces/').getEscapedPath()", "\"/path%20with%20spaces/\""},
        {"isURL('../x')", "false"},
        {"isURL('/x')", "true"},
        {"url('x')",
         "error(URL parse error during conversion from string: parse \"x\": invalid URI for request)"},
        {"ip('127.0.0.1').isLoopback()", "true"},
        {"ip('::1')==ip('0:0::1')", "true"},
        {"string(ip('2001:db8::0:1'))", "\"2001:db8::1\""},
        {"ip.isCanonical('2001:DB8::1')", "false"},
        {"isIP('fe80::1%eth0')", "false"},
        {"cidr('10.1.2.3/8').masked()==cidr('10.0.0.0/8')", "true"},
        {"string(cidr('10.1.2.3/8'))", "\"10.1.2.3/8\""},
        {"cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", "true"},
        {"cidr('10.0.0.0/8').prefixLength()", "8"},
        {"quantity('1.5Gi').add(quantity('1Mi'))", "1537Mi"},
        {"quantity('1k').asInteger()", "1000"},
        {"quantity('1500m').isInteger()", "false"},
        {"quantity('1500m').asApproximateFloat()", "1.5"},
        {"sign(quantity('-1'))", "-1"},
        {"quantity('2').sub(1)==quantity('1')", "true"},
        {"semver('1.2.3-alpha.1+b').major()", "1"},
        {"semver('v1.2',true)==semver('1.2.0')", "true"},
        {"semver('1.2')", "error(No Major.Minor.Patch elements found)"},
        {"isSemver('01.2.3')", "false"},
        {"semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))", "true"},
        {"[1,2].first()", "optional.of(1)"},
        {"1.0 == dyn('a')", "false"},
        {"type(quantity('1'))", "kubernetes.Quantity"},
        {"[1,2,3].all(x, x > 1 || x / 0 == 1)", "error(division by zero)"},
        {"{'a':1}.map(k, k)", "[\"a\"]"},
        {"type(1) == int", "true"},
        {"dyn([1,2])[1.0]", "2"},
        {"'ab'.size() + [1].size()", "3"},
        {"1 in {1: 2}", "true"},
        {"[] == [1]", "false"},
        {"double('NaN') == double('NaN')", "false"},
        {"{}.a", "error(no such key: a)"},
        {"{'b-c': 1}.`b-c`", "1"},
        {"07", "7"},
        {"--1", "1"},
        {"!!true", "true"},
        {"- 1", "-1"},
        {"-(1)", "-1"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"'\\u0041'", "\"A\""},
        {"r'\\n'", "\"\\\\n\""},
        {"'''a\nb'''", "\"a\\nb\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct slice have = evaluated(arena, rows[i].text);
        if (!slice_is(have, rows[i].want))
            fail_msg("%s\n gives %.*s\n  not  %s", rows[i].text, SLICE_ARG(have), rows[i].want);
    }
}

static void formats_name_faults(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"format.dns1123Label().validate('abc').hasValue()", "false"},
        {"format.dns1123Label().validate('Abc').value().size()", "1"},
        {"format.named('dns1035Label').value().validate('1-').hasValue()", "true"},
        {"format.dns1123LabelPrefix().validate('a-').hasValue()", "false"},
        {"format.named('nope').hasValue()", "false"},
        {"format.uuid().validate('123e4567-e89b-12d3-a456-426614174000')", "optional.none()"},
        {"format.uuid().validate('x')", "optional.of([\"does not match the UUID format\"])"},
        {"format.byte().validate('aGVsbG8=')", "optional.none()"},
        {"format.date().validate('2021-13-01')", "optional.of([\"invalid date\"])"},
        {"format.datetime().validate('2021-01-01T00:00:00Z')", "optional.none()"},
        {"format.uri().validate('x')", "optional.of([\"parse \\\"x\\\": invalid URI for request\"])"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct slice have = evaluated(arena, rows[i].text);
        if (!slice_is(have, rows[i].want))
            fail_msg("%s\n gives %.*s\n  not  %s", rows[i].text, SLICE_ARG(have), rows[i].want);
    }
}

/* ---- the authorizer ---- */

static struct cel_decision decide(void *context, const struct cel_check *check)
{
    struct cel_decision d = {.allowed = check->is_resource ? slice_is(check->resource, "pods") &&
                                                                 slice_is(check->verb, "get") &&
                                                                 slice_is(check->namespace, "default")
                                                           : slice_is(check->path, "/healthz"),
                             .reason = slice_str(context)};
    if (slice_is(check->service_account_name, "broken"))
        d.error = SLICE("no such account");
    return d;
}

static void checks_ask_the_authorizer(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"authorizer.group('').resource('pods').namespace('default').check('get').allowed()", "true"},
        {"authorizer.group('').resource('pods').namespace('other').check('get').allowed()", "false"},
        {"authorizer.path('/healthz').check('get').reason()", "\"because\""},
        {"authorizer.serviceAccount('ns', 'broken').path('/x').check('get').error()", "\"no such account\""},
        {"authorizer.group('').resource('').check('get').allowed()", "error(resource must not be empty)"},
        {"[1, 2, 3].all(i, authorizer.path('/healthz').check('get').allowed())",
         "error(operation cancelled: actual cost limit exceeded)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct cel_variable variable = {"authorizer", &cel_type_authorizer, NULL};
        struct cel_source source = {
            .text = slice_str(rows[i].text), .variables = &variable, .variable_count = 1};
        const struct cel_program *program = cel_compile(arena, cel_env_kubernetes(), &source, &err);
        if (!program)
            fail_msg("%s", err.message);
        static const struct cel_authorizer authorizer = {decide};
        struct cel_value value = cel_authorizer_value();
        struct cel_run run = {.arena = arena,
                              .variables = &value,
                              .cost_limit = CEL_PER_CALL_LIMIT,
                              .authorizer = &authorizer,
                              .authorizer_context = (void *)"because"};
        struct cel_value v = cel_evaluate(program, &run);
        assert_string_equal(cel_print(arena, &v).ptr, rows[i].want);
    }
}

static void bombs_fizzle(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"'a'.matches('((a{1000}){1000}){1000}')", NULL},
        {"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('(a*)*c')", "false"},
        {"lists.range(1000).map(x, 'aaaaaaaaaaaaaaaaaaaa'.replace('a', "
         "'bbbbbbbbbbbbbbbbbbbb')).join(',').replace(',', "
         "'cccccccccccccccccccc').replace('c', 'dddddddddddddddddddddddddddddddddddddd').replace('d', "
         "'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee').size() == "
         "1",
         NULL},
        {"lists.range(100000).map(x, lists.range(100000)).size() == 1",
         "error(operation cancelled: actual cost limit exceeded)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct slice have = evaluated(arena, rows[i].text);
        if (rows[i].want ? !slice_is(have, rows[i].want) : slice_is(have, "true"))
            fail_msg("%s\n gives %.*s", rows[i].text, SLICE_ARG(have));
        assert_true(arena_used(arena) < 256u << 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_give_upstreams_values),
        cmocka_unit_test(formats_name_faults),
        cmocka_unit_test(checks_ask_the_authorizer),
        cmocka_unit_test(bombs_fizzle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
