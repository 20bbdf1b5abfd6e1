/* Roles and bindings, certificates, flow control, admission, API services, custom resources, devices: causes,
 * what a write sets, cells. Documents are written with ' for ". */
#include "apiserver/kinds/access.h"
#include "apiserver/kinds/crd.h"
#include "apiserver/kinds/rule_cases.h"
#include "apiserver/user.h"
#include "base/buf.h"

#define NOW      1700000000 /* 2023-11-14T22:13:20Z */
#define RBAC     "rbac.authorization.k8s.io"
#define ROLE(r)  "{'metadata':{'name':'r'},'rules':[{" r "}]}"
#define BIND(b)  "{'metadata':{'name':'b'}," b "}"
#define LEVEL(s) "{'metadata':{'name':'l'},'spec':{" s "}}"
#define FLOW(s)  "{'metadata':{'name':'f'},'spec':{'priorityLevelConfiguration':{'name':'l'}," s "}}"
#define CRD(s)                                                                                               \
    "{'metadata':{'name':'as.g.test.io'},'spec':{'group':'g.test.io','names':{'plural':'as','kind':'A'},'"   \
    "scope':'Cluster'," s "}}"
#define SCHEMA(s)                                                                                            \
    CRD("'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':" s "}}]")
#define HOOK(h)                                                                                              \
    "{'metadata':{'name':'h'},'webhooks':[{'name':'a.b.c','sideEffects':'None','admissionReviewVersions':['" \
    "v1']," h "}]}"
#define SERVICE "'clientConfig':{'service':{'name':'s','namespace':'n'}}"
#define POLICY(s)                                                                                            \
    "{'metadata':{'name':'p.test.io'},'spec':{'matchConstraints':{'resourceRules':[{'operations':['CREATE']" \
    ",'apiGroups':[''],'apiVersions':['v1'],'resources':['pods']}]}," s "}}"
#define CLAIM(s) "{'metadata':{'name':'c'},'spec':{'devices':{" s "}}}"
#define SLICE_OF(s)                                                                                          \
    "{'metadata':{'name':'s'},'spec':{'driver':'d.test.io','pool':{'name':'p','generation':1,'"              \
    "resourceSliceCount':1}," s "}}"

static const struct rule_case access_cases[] = {
    {"no verbs come last",
     RBAC "/v1/roles",
     "",
     ROLE("'resources':['pods']"),
     NULL,
     {"rules[0].apiGroups: Required value", "rules[0].verbs: Required value"}},
    {"URLs in a namespace",
     RBAC "/v1/roles",
     "",
     ROLE("'nonResourceURLs':['/x'],'resources':['a'],'verbs':['get']"),
     NULL,
     {"rules[0].nonResourceURLs: Invalid value: [\"/x\"]",
      "rules[0].nonResourceURLs: Invalid value: [\"/x\"]"}},
    {"URLs in the cluster",
     RBAC "/v1/clusterroles",
     "",
     ROLE("'nonResourceURLs':['/x'],'verbs':['get']"),
     NULL,
     {NULL}},
    {"aggregation of nothing",
     RBAC "/v1/clusterroles",
     "",
     "{'metadata':{'name':'r'},'aggregationRule':{}}",
     NULL,
     {"aggregationRule.clusterRoleSelectors: Required value"}},
    {"bad subjects",
     RBAC "/v1/rolebindings",
     "",
     BIND("'roleRef':{'kind':'Role'},'subjects':[{'kind':'Robot','name':'x'},{'kind':'User'}]"),
     NULL,
     {"subjects[0].kind: Unsupported value: \"Robot\"", "subjects[1].name: Required value",
      "roleRef.name: Required value"}},
    {"an account needs a namespace in the cluster",
     RBAC "/v1/clusterrolebindings",
     "",
     BIND("'roleRef':{'kind':'ClusterRole','name':'x'},'subjects':[{'kind':'ServiceAccount','name':'x'}]"),
     NULL,
     {"subjects[0].namespace: Required value"}},
    {"a role binds no cluster",
     RBAC "/v1/clusterrolebindings",
     "",
     BIND("'roleRef':{'kind':'Role','name':'x'}"),
     NULL,
     {"roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\""}},
    {"the role stays",
     RBAC "/v1/rolebindings",
     "",
     BIND("'roleRef':{'kind':'Role','name':'y'}"),
     BIND("'roleRef':{'kind':'Role','name':'x'}"),
     {"roleRef: Invalid value: "
      "{\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"Role\",\"Name\":\"y\"}: field is immutable"}},
    {"no request in the request",
     "certificates.k8s.io/v1/certificatesigningrequests",
     "",
     "{'spec':{'request':'AAAA','signerName':'a','usages':['client auth','client "
     "auth'],'expirationSeconds':5}}",
     NULL,
     {"spec.request: Invalid value: \"AAAA\"", "spec.usages[1]: Duplicate value: \"client auth\"",
      "spec.signerName: Invalid value: \"a\"", "spec.expirationSeconds: Invalid value: 5"}},
    {"a bundle's name begins with its signer",
     "certificates.k8s.io/v1/clustertrustbundles",
     "",
     "{'metadata':{'name':'x'},'spec':{'signerName':'a.b/c','trustBundle':'no'}}",
     NULL,
     {"metadata.name: Invalid value: \"x\"", "spec.trustBundle: Invalid value: \"<value omitted>\""}},
    {"limited levels say how",
     "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
     "",
     LEVEL("'type':'Limited'"),
     NULL,
     {"spec.limited: Required value"}},
    {"only one is exempt",
     "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
     "",
     LEVEL("'type':'Exempt'"),
     NULL,
     {"spec.type: Invalid value: \"Exempt\""}},
    {"hands are dealt from enough queues",
     "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
     "",
     LEVEL("'type':'Limited','limited':{'limitResponse':{'type':'Queue','queuing':{'queues':64,'handSize':11}"
           "}}"),
     NULL,
     {"spec.limited.limitResponse.queuing.handSize: Invalid value: 11"}},
    {"a fixed level",
     "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
     "",
     "{'metadata':{'name':'exempt'},'spec':{'type':'Exempt','exempt':{'nominalConcurrencyShares':10}}}",
     NULL,
     {NULL}},
    {"rules of flows",
     "flowcontrol.apiserver.k8s.io/v1/flowschemas",
     "",
     FLOW("'matchingPrecedence':1,'rules':[{'subjects':[{'kind':'User','group':{'name':'g'}}],'"
          "nonResourceRules':[{'verbs':['walk'],'nonResourceURLs':['a']}]}]"),
     NULL,
     {"spec.matchingPrecedence: Invalid value: 1", "spec.rules[0].subjects[0].user: Required value",
      "spec.rules[0].subjects[0].group: Forbidden",
      "spec.rules[0].nonResourceRules[0].verbs: Unsupported value: [\"walk\"]",
      "spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: \"a\": must start with slash"}},
    {"a fixed schema",
     "flowcontrol.apiserver.k8s.io/v1/flowschemas",
     "",
     "{'metadata':{'name':'catch-all'},'spec':{'priorityLevelConfiguration':{'name':'x'},'rules':[]}}",
     NULL,
     {"spec: Invalid value: {\"PriorityLevelConfiguration\":"}},
};

static const struct rule_case extension_cases[] = {
    {"good hook",
     "admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
     "",
     HOOK(SERVICE),
     NULL,
     {NULL}},
    {"hook nowhere",
     "admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
     "",
     HOOK("'timeoutSeconds':31"),
     NULL,
     {"webhooks[0].timeoutSeconds: Invalid value: 31", "webhooks[0].clientConfig: Required value"}},
    {"plain HTTP",
     "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
     "",
     HOOK("'clientConfig':{'url':'http://u@h/p?q#f'}"),
     NULL,
     {"webhooks[0].clientConfig.url: Invalid value: \"http\"",
      "webhooks[0].clientConfig.url: Invalid value: \"u\"",
      "webhooks[0].clientConfig.url: Invalid value: \"f\"",
      "webhooks[0].clientConfig.url: Invalid value: \"q\""}},
    {"stars stand alone",
     "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
     "",
     HOOK(SERVICE ",'rules':[{'operations':['*','CREATE'],'apiGroups':[''],'apiVersions':['v1'],'resources':["
                  "'*/*','pods']}]"),
     NULL,
     {"webhooks[0].rules[0].operations: Invalid value: [\"*\",\"CREATE\"]",
      "webhooks[0].rules[0].resources: Invalid value: [\"*/*\",\"pods\"]"}},
    {"policy of nothing",
     "admissionregistration.k8s.io/v1/validatingadmissionpolicies",
     "",
     POLICY("'variables':[{'name':'in','expression':' '}]"),
     NULL,
     {"spec.variables[0].name: Invalid value: \"in\"", "spec.variables[0].expression: Required value",
      "spec.validations: Required value", "spec.auditAnnotations: Required value"}},
    {"binding",
     "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
     "",
     "{'spec':{'paramRef':{'name':'a','selector':{}}}}",
     NULL,
     {"spec.paramRef.name: Forbidden", "spec.paramRef.selector: Forbidden",
      "spec.paramRef.parameterNotFoundAction: Required value", "spec.policyName: Required value",
      "spec.validationActions: Required value"}},
    {"mutation",
     "admissionregistration.k8s.io/v1/mutatingadmissionpolicies",
     "",
     POLICY("'reinvocationPolicy':'Never','mutations':[{'patchType':'JSONPatch','applyConfiguration':{'"
            "expression':'x'}}]"),
     NULL,
     {"spec.mutations[0].jsonPatch: Required value",
      "spec.mutations[0].applyConfiguration: Invalid value: \"{applyConfiguration}\""}},
    {"API service",
     "apiregistration.k8s.io/v1/apiservices",
     "",
     "{'metadata':{'name':'x'},'spec':{'group':'g.io','version':'v1','insecureSkipTLSVerify':true,'"
     "groupPriorityMinimum':1}}",
     NULL,
     {"metadata.name: Invalid value: \"x\"", "spec.versionPriority: Invalid value: 0",
      "spec.insecureSkipTLSVerify: Invalid value: true"}},
    {"good definition",
     "apiextensions.k8s.io/v1/customresourcedefinitions",
     "",
     SCHEMA("{'type':'object'}"),
     NULL,
     {NULL}},
    {"no version is stored",
     "apiextensions.k8s.io/v1/customresourcedefinitions",
     "",
     CRD("'versions':[{'name':'v1','schema':{'openAPIV3Schema':{'type':'object'}}}]"),
     NULL,
     {"spec.versions: Invalid value: "
      "[{\"Name\":\"v1\",\"Served\":false,\"Storage\":false,\"Deprecated\":false,\"DeprecationWarning\":null,"
      "\"Schema\":null",
      "status.storedVersions: Invalid value: null"}},
    {"structural",
     "apiextensions.k8s.io/v1/customresourcedefinitions",
     "",
     SCHEMA("{'type':'object','properties':{'z':{},'a':{'type':'array'}},'anyOf':[{'type':'object'}]}"),
     NULL,
     {"spec.validation.openAPIV3Schema.anyOf[0].type: Forbidden",
      "spec.validation.openAPIV3Schema.properties[a].items: Required value",
      "spec.validation.openAPIV3Schema.properties[z].type: Required value"}},
    {"defaults fit, keys are there",
     "apiextensions.k8s.io/v1/customresourcedefinitions",
     "",
     SCHEMA("{'type':'object','properties':{'a':{'type':'string','default':5},'l':{'type':'array','x-"
            "kubernetes-list-type':'map',"
            "'x-kubernetes-list-map-keys':['k'],'items':{'type':'object','properties':{'k':{'type':'string'}}"
            "}}}}"),
     NULL,
     {"spec.validation.openAPIV3Schema.properties[a].default: Invalid value: \"integer\"",
      "spec.validation.openAPIV3Schema.properties[l].items.properties[k].default: Required value"}},
    {"a claim asks for something",
     "resource.k8s.io/v1/resourceclaims",
     "",
     CLAIM("'requests':[{'name':'a'},{'name':'a','exactly':{'allocationMode':'All','count':2}}],'constraints'"
           ":[{'requests':['b']}]"),
     NULL,
     {"spec.devices.requests[0]: Required value",
      "spec.devices.requests[1].exactly.deviceClassName: Required value",
      "spec.devices.requests[1].exactly.count: Invalid value: 2",
      "spec.devices.requests[1]: Duplicate value: \"a\"",
      "spec.devices.constraints[0].requests[0]: Invalid value: \"b\"",
      "spec.devices.constraints[0]: Required value"}},
    {"a claim stays",
     "resource.k8s.io/v1/resourceclaims",
     "",
     CLAIM(""),
     CLAIM("'requests':[{'name':'a'}]"),
     {"spec: Invalid value: null: field is immutable"}},
    {"a slice is somewhere",
     "resource.k8s.io/v1/resourceslices",
     "",
     SLICE_OF("'nodeName':'n','allNodes':true,'devices':[{'name':'a','attributes':{'x':{'string':'a','int':1}"
              "}},{'name':'a'}]"),
     NULL,
     {"spec: Invalid value: \"{`nodeName`, `allNodes`}\"", "spec.devices[0].attributes[x]: Invalid value: {",
      "spec.devices[1]: Duplicate value: \"a\""}},
    {"taint",
     "resource.k8s.io/v1/devicetaintrules",
     "",
     "{'spec':{'taint':{'key':'a b','effect':'Some'}}}",
     NULL,
     {"spec.taint.key: Invalid value: \"a b\"", "spec.taint.effect: Unsupported value: \"Some\""}},
};

static const char *quoted(struct arena *arena, const char *text)
{
    char *copy = text ? arena_strdup(arena, slice_str(text)) : NULL;

    for (char *p = copy; p && *p; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}

static void check_all(const struct kind *const *group, const struct rule_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct rule_case c = cases[i];
        c.object = quoted(arena, c.object);
        c.old = quoted(arena, c.old);
        rule_check(group, &c);
    }
}

static void access_is_validated(void **state)
{
    check_all(kinds_access, access_cases, sizeof access_cases / sizeof *access_cases);
}

static void extensions_are_validated(void **state)
{
    check_all(kinds_extension, extension_cases, sizeof extension_cases / sizeof *extension_cases);
}

#define CSR "certificates.k8s.io/v1/certificatesigningrequests"

static struct value run(struct arena *arena, const struct kind *const *group, const char *path,
                        const char *subresource, const char *object, const char *old)
{
    struct value result;
    struct rule_case c = {.resource = path,
                          .subresource = subresource,
                          .object = quoted(arena, object),
                          .old = quoted(arena, old)};

    rule_run(arena, group, &c, &result, NULL);
    return result;
}

static void hands_of_a_signing_request_are_kept_apart(void **state)
{
    static const char old[] = "{'spec':{'username':'me','signerName':'a.b/"
                              "c'},'status':{'conditions':[{'type':'Approved','status':'True',"
                              "'reason':'Old','lastTransitionTime':'2020-01-01T00:00:00Z'}]}}";
    cleanup_arena struct arena *arena = arena_new();
    struct value v;

    v = run(arena, kinds_access, CSR, "", "{'spec':{'username':'you'},'status':{'certificate':'AAAA'}}", old);
    assert_true(value_is(value_path(&v, "spec.username"), "me"));
    assert_false(value_is_set(value_path(&v, "status.certificate")));
    v = run(
        arena, kinds_access, CSR, "approval",
        "{'status':{'certificate':'AAAA','conditions':[{'type':'Approved','status':'True','reason':'New'}]}}",
        old);
    assert_false(value_is_set(value_path(&v, "status.certificate")));
    const struct value *condition = value_item(value_path(&v, "status.conditions"), 0);
    assert_true(value_is(field_of(condition, "reason"), "New"));
    assert_true(value_is(field_of(condition, "lastTransitionTime"), "2020-01-01T00:00:00Z"));
    assert_true(value_is(field_of(condition, "lastUpdateTime"), "2023-11-14T22:13:20Z"));
    v = run(
        arena, kinds_access, CSR, "status",
        "{'status':{'certificate':'AAAA','conditions':[{'type':'Approved','status':'True','reason':'New'}]}}",
        old);
    assert_true(value_is(field_of(value_item(value_path(&v, "status.conditions"), 0), "reason"), "Old"));
    assert_true(value_is(value_path(&v, "status.certificate"), "AAAA"));
}

static void a_signing_request_knows_who_asks(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct slice groups[] = {SLICE("g1"), SLICE("g2")};
    const struct slice values[] = {SLICE("v")};
    const struct user_extra extra[] = {{SLICE("k"), values, 1}};
    struct user user = {.name = SLICE("me"),
                        .uid = SLICE("7"),
                        .groups = groups,
                        .group_count = 2,
                        .extra = extra,
                        .extra_count = 1,
                        .credential_id = SLICE("X509SHA256=00")};
    struct kind_request req = {
        .arena = arena, .resource = rule_resource(CSR), .user = user.name, .requester = &user, .now = NOW};
    struct value v = rule_decode(
        arena, req.resource,
        quoted(arena, "{'spec':{'username':'you','groups':['system:masters'],'extra':{'x':['y']}}}"));

    kind_certificatesigningrequests.prepare_create(&req, &v);
    assert_true(value_is(value_path(&v, "spec.username"), "me"));
    assert_true(value_is(value_path(&v, "spec.uid"), "7"));
    assert_int_equal(value_count(value_path(&v, "spec.groups")), 2);
    assert_int_equal(value_count(value_path(&v, "spec.extra")), 2);
    assert_true(value_is_set(value_path(&v, "spec.extra.k")));
}

static void versions_that_were_stored_are_remembered(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value v =
        run(arena, kinds_extension, "apiextensions.k8s.io/v1/customresourcedefinitions", "",
            CRD("'versions':[{'name':'v1'},{'name':'v2','storage':true}]"),
            "{'spec':{'versions':[{'name':'v1','storage':true}]},'status':{'storedVersions':['v1']}}");
    const struct value *stored = value_path(&v, "status.storedVersions");

    assert_int_equal(value_count(stored), 2);
    assert_true(value_is(value_item(stored, 1), "v2"));
}

static void suspicious_schemas_are_warned_of(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct decode_findings warnings = {.arena = arena};
    struct value v;
    struct rule_case c = {
        .resource = "apiextensions.k8s.io/v1/customresourcedefinitions",
        .object = quoted(arena, SCHEMA("{'type':'object','properties':{'a':{'type':'string','format':'odd'},"
                                       "'b':{'type':'string','format':'date-time'}}}"))};

    rule_run(arena, kinds_extension, &c, &v, &warnings);
    assert_int_equal(warnings.count, 1);
    assert_string_equal(warnings.items[0], "unrecognized format \"odd\"");
}

static void rows_are_filled(void **state)
{
    static const struct {
        const struct kind *const *group;
        const char *resource, *object, *cells; /* '-' stands for what the row leaves alone */
    } cases[] = {
        {kinds_access, RBAC "/v1/rolebindings",
         BIND("'roleRef':{'kind':'Role','name':'x'},'subjects':[{'kind':'User','name':'a'},{'kind':'User','"
              "name':'b'},"
              "{'kind':'ServiceAccount','name':'c','namespace':'n'}]"),
         "Role/x|-|a, b||n/c|"},
        {kinds_access, CSR,
         "{'spec':{'expirationSeconds':3600},'status':{'certificate':'AAAA','conditions':[{'type':'Approved'}"
         "]}}",
         "-|-|-|60m|Approved,Issued|"},
        {kinds_access, "flowcontrol.apiserver.k8s.io/v1/flowschemas",
         "{'status':{'conditions':[{'type':'Dangling','status':'True'}]}}", "-|-|<none>|-|True|"},
        {kinds_access, "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
         LEVEL("'type':'Exempt'"), "-|<none>|<none>|<none>|<none>|-|"},
        {kinds_extension, "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
         "{'spec':{'paramRef':{'selector':{'matchLabels':{'a':'b'}}}}}",
         "-|&LabelSelector{MatchLabels:map[string]string{a: "
         "b,},MatchExpressions:[]LabelSelectorRequirement{},}|-|"},
        {kinds_extension, "apiregistration.k8s.io/v1/apiservices",
         "{'spec':{'service':{'name':'s','namespace':'n'}},'status':{'conditions':[{'type':'Available','"
         "status':'False','reason':'Gone'}]}}",
         "n/s|False (Gone)|-|"},
        {kinds_extension, "resource.k8s.io/v1/resourceclaims", "{'status':{'allocation':{}}}",
         "allocated|-|"},
        {kinds_extension, "apiextensions.k8s.io/v1/customresourcedefinitions",
         CRD("'versions':[{'name':'v2','served':true},{'name':'v1','served':true,'storage':true}]"),
         "-|v1(storage),v2|-|-|-||false|"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf got = BUF_INIT(BUF_UNLIMITED);
        const struct schema_resource *resource = rule_resource(cases[i].resource);
        struct value object = rule_decode(arena, resource, quoted(arena, cases[i].object));
        struct value *cells = arena_zalloc(arena, resource->column_count * sizeof *cells);
        rule_kind(cases[i].group, resource)->row(arena, &object, NOW, cells);
        for (unsigned k = 1; k < resource->column_count; k++) {
            if (cells[k].kind == VALUE_BOOL)
                buf_puts(&got, cells[k].b ? "true" : "false");
            else if (cells[k].kind == VALUE_INT)
                buf_put_int(&got, cells[k].i);
            else
                buf_put_slice(&got, value_is_set(&cells[k]) ? value_text(&cells[k]) : SLICE("-"));
            buf_putc(&got, '|');
        }
        assert_string_equal(buf_cstr(&got), cases[i].cells);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_is_validated),
        cmocka_unit_test(extensions_are_validated),
        cmocka_unit_test(hands_of_a_signing_request_are_kept_apart),
        cmocka_unit_test(a_signing_request_knows_who_asks),
        cmocka_unit_test(versions_that_were_stored_are_remembered),
        cmocka_unit_test(suspicious_schemas_are_warned_of),
        cmocka_unit_test(rows_are_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
