#include "apiserver/kinds/rule_cases.h"

#define META "\"metadata\":{\"name\":\"o\",\"namespace\":\"n\"}"

static const struct rule_case cases[] = {
    {"a namespace",
     "v1/namespaces",
     "",
     "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"finalizers\":[\"odd\",\"a.b/c\"]}}",
     NULL,
     {"spec.finalizers: Invalid value: \"odd\""},
     NULL},
    {"a phase against the deletion",
     "v1/namespaces",
     "status",
     "{\"metadata\":{\"name\":\"a\"},\"status\":{\"phase\":\"Terminating\"}}",
     "{\"metadata\":{\"name\":\"a\"}}",
     {"status.Phase: Invalid value: \"Terminating\""},
     NULL},
    {"finalizing",
     "v1/namespaces",
     "finalize",
     "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"finalizers\":[\"a.b/c\",\"odd\"]}}",
     "{\"metadata\":{\"name\":\"a\"}}",
     {"spec.finalizers[1]: Invalid value: \"odd\""},
     NULL},
    {"keys of a config map",
     "v1/configmaps",
     "",
     "{" META ",\"data\":{\"a b\":\"\",\"k\":\"v\"},\"binaryData\":{\"k\":\"AA==\"}}",
     NULL,
     {"data[a b]: Invalid value: \"a b\"", "data[k]: Invalid value: \"k\""},
     NULL},
    {"an immutable config map",
     "v1/configmaps",
     "",
     "{" META ",\"data\":{\"k\":\"w\"}}",
     "{" META ",\"immutable\":true,\"data\":{\"k\":\"v\"}}",
     {"immutable: Forbidden", "data: Forbidden"},
     NULL},
    {"a secret for TLS",
     "v1/secrets",
     "",
     "{" META ",\"type\":\"kubernetes.io/tls\",\"stringData\":{\"tls.crt\":\"c\"}}",
     NULL,
     {"data[tls.key]: Required value"},
     NULL},
    {"a registry's secret",
     "v1/secrets",
     "",
     "{" META ",\"type\":\"kubernetes.io/dockerconfigjson\",\"stringData\":{\".dockerconfigjson\":\"{\"}}",
     NULL,
     {"data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\""},
     NULL},
    {"a login",
     "v1/secrets",
     "",
     "{" META ",\"type\":\"kubernetes.io/basic-auth\"}",
     NULL,
     {"data[username]: Required value", "data[password]: Required value"},
     NULL},
    {"a token's secret",
     "v1/secrets",
     "",
     "{" META ",\"type\":\"kubernetes.io/service-account-token\"}",
     NULL,
     {"metadata.annotations[kubernetes.io/service-account.name]: Required value"},
     NULL},
    {"a secret of no known type",
     "v1/secrets",
     "",
     "{" META ",\"type\":\"my/type\",\"data\":{\"a\":\"AA==\"}}",
     NULL,
     {NULL},
     NULL},
    {"the type stays",
     "v1/secrets",
     "",
     "{" META ",\"type\":\"a/b\"}",
     "{" META ",\"type\":\"a/c\"}",
     {"type: Invalid value: \"a/b\": field is immutable"},
     NULL},
    {"and may be left out", "v1/secrets", "", "{" META "}", "{" META ",\"type\":\"Opaque\"}", {NULL}, NULL},
    {"limits",
     "v1/limitranges",
     "",
     "{" META ",\"spec\":{\"limits\":[{\"type\":\"Container\",\"min\":{\"cpu\":\"2\"},\"max\":{\"cpu\":\"1\"}"
     "},{\"type\":\"Container\"},{\"type\":\"odd\"}]}}",
     NULL,
     {"spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1",
      "spec.limits[0].defaultRequest[cpu]: Invalid value: \"1\"",
      "spec.limits[0].default[cpu]: Invalid value: \"2\": min value 2 is greater than default value 1",
      "spec.limits[1].type: Duplicate value: \"Container\"", "spec.limits[2].type: Invalid value: \"odd\""},
     NULL},
    {"limits of pods have no defaults",
     "v1/limitranges",
     "",
     "{" META ",\"spec\":{\"limits\":[{\"type\":\"Pod\",\"default\":{\"cpu\":\"1\"}}]}}",
     NULL,
     {"spec.limits[0].default: Forbidden"},
     NULL},
    {"a ratio",
     "v1/limitranges",
     "",
     "{" META ",\"spec\":{\"limits\":[{\"type\":\"Pod\",\"min\":{\"cpu\":\"1\"},\"max\":{\"cpu\":\"2\"},"
     "\"maxLimitRequestRatio\":{\"cpu\":\"3\"}}]}}",
     NULL,
     {"spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"3\""},
     NULL},
    {"claims need a size",
     "v1/limitranges",
     "",
     "{" META ",\"spec\":{\"limits\":[{\"type\":\"PersistentVolumeClaim\"}]}}",
     NULL,
     {"spec.limits[0].limits: Required value"},
     NULL},
    {"a quota",
     "v1/resourcequotas",
     "",
     "{" META
     ",\"spec\":{\"hard\":{\"odd\":\"1\",\"pods\":\"1.5\",\"services\":\"-1\"},\"scopes\":[\"Odd\"]}}",
     NULL,
     {"spec.hard[odd]: Invalid value: \"odd\"", "spec.hard[odd]: Invalid value: \"odd\"",
      "spec.hard[pods]: Invalid value: \"1500m\": must be an integer",
      "spec.hard[services]: Invalid value: \"-1\"", "spec.scopes: Invalid value: [\"Odd\"]"},
     NULL},
    {"scopes that exclude each other",
     "v1/resourcequotas",
     "",
     "{" META ",\"spec\":{\"hard\":{\"pods\":\"1\"},\"scopes\":[\"BestEffort\",\"NotBestEffort\"]}}",
     NULL,
     {"spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: conflicting scopes"},
     NULL},
    {"scopes stay",
     "v1/resourcequotas",
     "",
     "{" META ",\"spec\":{\"scopes\":[\"BestEffort\"]}}",
     "{" META "}",
     {"spec.scopes: Invalid value: [\"BestEffort\"]: field is immutable"},
     NULL},
    {"an event of another namespace",
     "v1/events",
     "",
     "{" META ",\"involvedObject\":{\"namespace\":\"m\"}}",
     NULL,
     {"involvedObject.namespace: Invalid value: \"m\""},
     NULL},
    {"a newer event",
     "v1/events",
     "",
     "{" META ",\"involvedObject\":{\"namespace\":\"n\"},\"eventTime\":\"2023-11-14T22:12:20.000000Z\","
     "\"action\":\"a\",\"reason\":\"r\"}",
     NULL,
     {"reportingComponent: Required value", "reportingComponent: Invalid value: \"\"",
      "reportingComponent: Invalid value: \"\"", "reportingInstance: Required value"},
     NULL},
    {"the strict group",
     "events.k8s.io/v1/events",
     "",
     "{" META ",\"regarding\":{\"namespace\":\"n\"},\"type\":\"Odd\",\"deprecatedCount\":3}",
     NULL,
     {"eventTime: Required value", "type: Invalid value: \"\"", "count: Invalid value: \"\""},
     NULL},
};

static void test_rules(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        rule_check(kinds_core, &cases[i]);
}

static const struct kind *namespaces(void)
{
    return rule_kind(kinds_core, rule_resource("v1/namespaces"));
}

static void test_the_life_of_a_namespace(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct rule_case create = {
        "",   "v1/namespaces", "",  "{\"metadata\":{\"name\":\"a\"},\"status\":{\"phase\":\"Terminating\"}}",
        NULL, {NULL},          NULL};
    struct rule_case empty = {"",
                              "v1/namespaces",
                              "finalize",
                              "{\"metadata\":{\"name\":\"a\"}}",
                              "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"finalizers\":[\"kubernetes\"]},"
                              "\"status\":{\"phase\":\"Terminating\"}}",
                              {NULL},
                              NULL};
    struct rule_case update = {"",        "v1/namespaces", "",  "{\"metadata\":{\"name\":\"a\"}}",
                               empty.old, {NULL},          NULL};
    struct kind_request req = {.arena = arena};
    struct value object;
    rule_run(arena, kinds_core, &create, &object, NULL);
    assert_true(value_is(value_path(&object, "status.phase"), "Active"));
    assert_int_equal(value_count(value_path(&object, "spec.finalizers")), 1);
    assert_false(namespaces()->may_vanish(&object));
    namespaces()->prepare_delete(&req, &object);
    assert_true(value_is(value_path(&object, "status.phase"), "Terminating"));
    rule_run(arena, kinds_core, &update, &object, NULL); /* only finalize may empty it */
    assert_false(namespaces()->may_vanish(&object));
    rule_run(arena, kinds_core, &empty, &object, NULL);
    assert_true(namespaces()->may_vanish(&object));
    assert_true(value_is(value_path(&object, "status.phase"), "Terminating"));
}

static void test_an_account_keeps_names_of_secrets(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct rule_case c = {"",   "v1/serviceaccounts",
                          "",   "{" META ",\"secrets\":[{\"name\":\"s\",\"namespace\":\"m\"}]}",
                          NULL, {NULL},
                          NULL};
    struct value object;
    rule_run(arena, kinds_core, &c, &object, NULL);
    const struct value *secret = value_item(value_path(&object, "secrets"), 0);
    assert_true(value_is(value_path(secret, "name"), "s"));
    assert_false(value_is_set(value_path(secret, "namespace")));
}

static void test_rows(void **state)
{
    static const struct {
        const char *resource, *object;
        unsigned cell;
        const char *text; /* or NULL: the number */
        int64_t number;
    } rows[] = {
        {"v1/configmaps", "{\"data\":{\"a\":\"\",\"b\":\"\"},\"binaryData\":{\"c\":\"AA==\"}}", 1, NULL, 3},
        {"v1/secrets", "{\"data\":{\"a\":\"AA==\"}}", 2, NULL, 1},
        {"v1/resourcequotas",
         "{\"status\":{\"hard\":{\"cpu\":\"2\",\"limits.cpu\":\"4\",\"pods\":\"10\"},\"used\":{\"pods\":"
         "\"1\"}}}",
         1, "cpu: 0/2, pods: 1/10", 0},
        {"v1/resourcequotas",
         "{\"status\":{\"hard\":{\"limits.cpu\":\"4\"},\"used\":{\"limits.cpu\":\"1\"}}}", 2,
         "limits.cpu: 1/4", 0},
        {"v1/events",
         "{\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"P\"},\"lastTimestamp\":\"2023-11-14T22:13:15Z\"}",
         0, "5s", 0},
        {"v1/events", "{\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"P\"}}", 3, "pod/P", 0},
        {"v1/events", "{\"source\":{\"component\":\"a\",\"host\":\"b\"}}", 5, "a, b", 0},
        {"v1/events", "{\"message\":\" m \"}", 6, "m", 0},
        {"v1/events", "{\"series\":{\"count\":4}}", 8, NULL, 4},
        {"v1/events", "{}", 8, NULL, 1},
        {"events.k8s.io/v1/events", "{\"note\":\"m\",\"regarding\":{\"kind\":\"Node\",\"name\":\"x\"}}", 3,
         "node/x", 0},
        {"v1/componentstatuses",
         "{\"conditions\":[{\"type\":\"Healthy\",\"status\":\"True\",\"message\":\"ok\"}]}", 1, "Healthy", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const struct schema_resource *resource = rule_resource(rows[i].resource);
        struct value object = rule_decode(arena, resource, rows[i].object), cells[12] = {{0}};
        rule_kind(kinds_core, resource)->row(arena, &object, 1700000000, cells);
        const struct value *cell = &cells[rows[i].cell];
        if (rows[i].text ? !value_is(cell, rows[i].text) : value_int(cell, -1) != rows[i].number)
            fail_msg("case %zu: want %s%lld, have %.*s%lld", i, rows[i].text ? rows[i].text : "",
                     (long long)rows[i].number, SLICE_ARG(value_text(cell)), (long long)value_int(cell, -1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_the_life_of_a_namespace),
        cmocka_unit_test(test_an_account_keeps_names_of_secrets),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
