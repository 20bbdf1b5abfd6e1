/* Webhooks and policies against a request, with a webhook that is a function. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "admission/hooks.h"
#include "admission/policy.h"
#include "admission/review.h"
#include "openapi/decode.h"
#include "openapi/gen/admission_v1.h"
#include "openapi/gen/admissionregistration_v1.h"
#include "openapi/gen/authentication_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/scalar.h"

struct fixture {
    struct arena *arena;
    struct admission_hooks *hooks;
    struct admission_policies *policies;
    const char *answers[4]; /* of the calls, in their order; %s stands for the uid. NULL: the call fails */
    size_t calls;
    struct admission_services services;
    struct admission_lookup lookup;
    struct decode_findings warnings;
    struct value object, old;
    struct admission_request req;
    struct error err;
};

static const struct schema_resource *config_maps(void)
{
    return schema_find_resource(SLICE(""), SLICE("v1"), SLICE("configmaps"));
}

static struct value tree_of(struct arena *arena, const struct schema_type *type, const char *json)
{
    struct error err = ERROR_INIT;
    struct value v;
    if (!decode_json(arena, type, slice_str(json), &v, NULL, &err))
        fail_msg("%s: %s", json, err.message);
    return v;
}

static const struct schema_resource *no_equivalent(void *arg, const struct schema_resource *resource,
                                                   size_t i)
{
    (void)arg;
    (void)resource;
    (void)i;
    return NULL;
}

static bool same(void *arg, struct arena *arena, const struct value *object,
                 const struct schema_resource *from, const struct schema_resource *to, struct value *ret,
                 struct error *err)
{
    (void)arg;
    (void)arena;
    (void)err;
    assert_ptr_equal(from, to);
    *ret = *object;
    return true;
}

static struct value user_info(void *arg, struct arena *arena)
{
    (void)arg;
    struct value info = value_new_record(arena, &authentication_v1_UserInfo);
    *value_mut(&info, authentication_v1_UserInfo_username) = value_of_cstr("ann");
    return info;
}

static struct slice options(void *arg, struct arena *arena, enum admission_operation operation)
{
    (void)arg;
    (void)arena;
    (void)operation;
    return SLICE("{\"kind\":\"CreateOptions\",\"apiVersion\":\"meta.k8s.io/v1\"}");
}

static void call(void *arg, struct arena *arena, struct admission_call *calls, size_t count)
{
    struct fixture *f = arg;
    for (size_t i = 0; i < count; i++) {
        const char *answer = f->answers[f->calls++];
        struct value review =
            tree_of(arena, &admission_v1_AdmissionReview, arena_strdup(arena, calls[i].body));
        struct slice uid = value_text(value_path(&review, "request.uid"));
        assert_int_equal(uid.len, UUID_TEXT - 1);
        if (!answer) {
            error_set(&calls[i].err, REASON_SERVICE_UNAVAILABLE, "Post \"https://hook\": nobody is there");
            continue;
        }
        const char *at = strstr(answer, "%s");
        calls[i].answer =
            at ? arena_slicef(arena, "%.*s%.*s%s", (int)(at - answer), answer, SLICE_ARG(uid), at + 2)
               : slice_str(answer);
    }
}

static bool get(void *arg, struct arena *arena, const struct schema_resource *resource,
                struct slice namespace, struct slice name, struct value *ret)
{
    (void)arg;
    (void)namespace;
    if (strcmp(resource->name, "namespaces") != 0)
        return false;
    *ret = tree_of(arena, &core_v1_Namespace,
                   arena_printf(arena, "{\"metadata\":{\"name\":\"%.*s\",\"labels\":{\"team\":\"a\"}}}",
                                SLICE_ARG(name)));
    return true;
}

static void list(void *arg, struct arena *arena, const struct schema_resource *resource,
                 struct slice namespace, bool (*each)(void *each_arg, const struct value *object),
                 void *each_arg)
{
    (void)arg;
    (void)resource;
    (void)namespace;
    struct value object =
        tree_of(arena, &core_v1_ConfigMap, "{\"metadata\":{\"name\":\"limits\"},\"data\":{\"max\":\"2\"}}");
    each(each_arg, &object);
}

static const struct schema_resource *find_kind(void *arg, struct slice api_version, struct slice kind)
{
    (void)arg;
    return slice_is(api_version, "v1") ? schema_find_kind(SLICE(""), SLICE("v1"), kind) : NULL;
}

static void setup(struct fixture *f, const char *object)
{
    *f = (struct fixture){
        .arena = arena_new(), .hooks = admission_hooks_new(), .policies = admission_policies_new()};
    f->services = (struct admission_services){.hooks = f->hooks,
                                              .policies = f->policies,
                                              .equivalent = no_equivalent,
                                              .convert = same,
                                              .user_info = user_info,
                                              .options = options,
                                              .call = call,
                                              .find_kind = find_kind,
                                              .arg = f};
    f->lookup = (struct admission_lookup){.get = get, .list = list, .arg = f};
    f->warnings.arena = f->arena;
    f->object = tree_of(f->arena, &core_v1_ConfigMap, object);
    error_init(&f->err, f->arena);
    f->req = (struct admission_request){.arena = f->arena,
                                        .operation = ADMISSION_CREATE,
                                        .resource = config_maps(),
                                        .asked = config_maps(),
                                        .namespace = SLICE("n"),
                                        .name = SLICE("m"),
                                        .object = &f->object,
                                        .lookup = &f->lookup,
                                        .services = &f->services,
                                        .warnings = &f->warnings};
}

static void teardown(struct fixture *f)
{
    admission_hooks_unref(f->hooks);
    admission_policies_unref(f->policies);
    arena_free(f->arena);
}

/* ---- webhooks ---- */

#define RULES                                                                                                \
    "\"rules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"CREATE\"],\"resources\":["  \
    "\"configmaps\"]}]"
#define HOOK(name, more)                                                                                     \
    "{\"name\":\"" name                                                                                      \
    "\",\"admissionReviewVersions\":[\"v1\"],\"sideEffects\":\"None\",\"clientConfig\":{\"url\":"            \
    "\"https://hook\"}," RULES more "}"
#define MAP "{\"metadata\":{\"name\":\"m\",\"uid\":\"u\"},\"data\":{\"a\":\"1\"}}"
#define ANSWER(rest)                                                                                         \
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/"                                       \
    "v1\",\"response\":{\"uid\":\"%s\"," rest "}}"

static void add_hooks(struct fixture *f, bool mutating, const char *webhooks)
{
    struct value configuration =
        tree_of(f->arena,
                mutating ? &admissionregistration_v1_MutatingWebhookConfiguration
                         : &admissionregistration_v1_ValidatingWebhookConfiguration,
                arena_printf(f->arena, "{\"metadata\":{\"name\":\"c\"},\"webhooks\":[%s]}", webhooks));
    admission_hooks_add(f->hooks, mutating, &configuration);
}

static const struct {
    const char *claim, *hook, *answer, *refusal; /* refusal NULL: it passes */
    int code;
    const char *warning;
    size_t calls;
} validating[] = {
    {"allowed, with a warning", HOOK("h", ""), ANSWER("\"allowed\":true,\"warnings\":[\"careful\"]"), NULL, 0,
     "careful", 1},
    {"denied with a status", HOOK("h", ""),
     ANSWER("\"allowed\":false,\"status\":{\"message\":\"no\",\"code\":403,\"reason\":\"Forbidden\"}"),
     "admission webhook \"h\" denied the request: no", 403, NULL, 1},
    {"denied without a word", HOOK("h", ""), ANSWER("\"allowed\":false"),
     "admission webhook \"h\" denied the request without explanation", 400, NULL, 1},
    {"nobody is there", HOOK("h", ""), NULL,
     "Internal error occurred: failed calling webhook \"h\": failed to call webhook: Post \"https://hook\": "
     "nobody is there",
     500, NULL, 1},
    {"nobody is there, and that is all right", HOOK("h", ",\"failurePolicy\":\"Ignore\""), NULL, NULL, 0,
     NULL, 1},
    {"the answer to another question", HOOK("h", ""),
     "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/"
     "v1\",\"response\":{\"uid\":\"x\",\"allowed\":true}}",
     NULL, 500, NULL, 1},
    {"no answer at all", HOOK("h", ""),
     "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}",
     "Internal error occurred: failed calling webhook \"h\": received invalid webhook response: webhook "
     "response was absent",
     500, NULL, 1},
    {"a validating webhook that patches", HOOK("h", ""),
     ANSWER("\"allowed\":true,\"patchType\":\"JSONPatch\",\"patch\":\"W10=\""),
     "Internal error occurred: failed calling webhook \"h\": received invalid webhook response: validating "
     "webhook may not "
     "return response.patch",
     500, NULL, 1},
    {"objects that the selector leaves out", HOOK("h", ",\"objectSelector\":{\"matchLabels\":{\"a\":\"b\"}}"),
     NULL, NULL, 0, NULL, 0},
    {"namespaces that the selector leaves out",
     HOOK("h", ",\"namespaceSelector\":{\"matchLabels\":{\"team\":\"b\"}}"), NULL, NULL, 0, NULL, 0},
    {"a condition that does not hold",
     HOOK("h", ",\"matchConditions\":[{\"name\":\"c\",\"expression\":\"object.metadata.name != 'm'\"}]"),
     NULL, NULL, 0, NULL, 0},
    {"one that does",
     HOOK("h", ",\"matchConditions\":[{\"name\":\"c\",\"expression\":\"request.operation == 'CREATE'\"}]"),
     ANSWER("\"allowed\":true"), NULL, 0, NULL, 1},
    {"one that cannot be told",
     HOOK("h", ",\"matchConditions\":[{\"name\":\"c\",\"expression\":\"object.data.none == 'a'\"}]"), NULL,
     "configmaps \"m\" is forbidden: expression 'object.data.none == 'a'' resulted in error: no such key: "
     "none",
     403, NULL, 0},
    {"namespaces that it takes in", HOOK("h", ",\"namespaceSelector\":{\"matchLabels\":{\"team\":\"a\"}}"),
     ANSWER("\"allowed\":true"), NULL, 0, NULL, 1},
};

static void test_validating(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof validating / sizeof *validating; i++) {
        struct fixture f;
        setup(&f, MAP);
        add_hooks(&f, false, validating[i].hook);
        f.answers[0] = validating[i].answer;
        print_message("%s\n", validating[i].claim);
        bool ok = admission_hooks_validate(&f.req, &f.err);
        assert_int_equal(ok, validating[i].code == 0);
        if (validating[i].refusal)
            assert_string_equal(f.err.message, validating[i].refusal);
        if (validating[i].code)
            assert_int_equal(error_code(&f.err), validating[i].code);
        if (validating[i].warning)
            assert_string_equal(f.warnings.items[0], validating[i].warning);
        assert_int_equal(f.calls, validating[i].calls);
        teardown(&f);
    }
}

static const char *patched(struct arena *arena, const char *patch)
{
    struct slice text = scalar_base64_encode(arena, slice_str(patch));
    return arena_printf(arena, ANSWER("\"allowed\":true,\"patchType\":\"JSONPatch\",\"patch\":\"%.*s\""),
                        "%s", SLICE_ARG(text));
}

/* The second webhook changes what the first saw: it is asked again, for it wants to be. */
static void test_reinvocation(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, MAP);
    add_hooks(&f, true, HOOK("first", ",\"reinvocationPolicy\":\"IfNeeded\"") "," HOOK("second", ""));
    f.answers[0] = patched(f.arena, "[{\"op\":\"add\",\"path\":\"/data/first\",\"value\":\"1\"}]");
    f.answers[1] = patched(f.arena, "[{\"op\":\"add\",\"path\":\"/data/second\",\"value\":\"1\"},"
                                    "{\"op\":\"add\",\"path\":\"/metadata/uid\",\"value\":\"forged\"}]");
    f.answers[2] = ANSWER("\"allowed\":true");
    assert_true(admission_mutate(&f.req, &f.err));
    assert_int_equal(f.calls, 3);
    assert_int_equal(value_count(value_at(&f.object, core_v1_ConfigMap_data)), 3);
    assert_true(value_is(value_path(&f.object, "metadata.uid"), "u")); /* which is the server's to say */
    teardown(&f);
}

static void test_bad_patch(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, MAP);
    add_hooks(&f, true, HOOK("h", ""));
    f.answers[0] = patched(f.arena, "[{\"op\":\"remove\",\"path\":\"/data/none\"}]");
    assert_false(admission_mutate(&f.req, &f.err));
    assert_int_equal(error_code(&f.err), 500);
    teardown(&f);
}

static void test_dry_run(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, MAP);
    f.req.dry_run = true;
    add_hooks(&f, false,
              "{\"name\":\"h\",\"admissionReviewVersions\":[\"v1\"],\"sideEffects\":\"Some\","
              "\"clientConfig\":{\"url\":"
              "\"https://hook\"}," RULES "}");
    assert_false(admission_hooks_validate(&f.req, &f.err));
    assert_string_equal(f.err.message, "admission webhook \"h\" does not support dry run");
    assert_int_equal(f.calls, 0);
    teardown(&f);
}

/* ---- policies ---- */

#define MATCH                                                                                                \
    "\"matchConstraints\":{\"resourceRules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],"               \
    "\"operations\":[\"*\"],\"resources\":[\"configmaps\"]}]}"
#define DENIED "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "

static const struct {
    const char *claim, *spec, *binding; /* more fields of both */
    const char *refusal;                /* behind DENIED; NULL: it passes */
    int code;
    const char *warning;
} policies[] = {
    {"a rule that holds", "\"validations\":[{\"expression\":\"object.data.a == '1'\"}]", "", NULL, 0, NULL},
    {"a rule that does not", "\"validations\":[{\"expression\":\"object.data.a == '2'\"}]", "",
     "failed expression: object.data.a == '2'", 422, NULL},
    {"its message",
     "\"validations\":[{\"expression\":\"false\",\"message\":\" not so \",\"reason\":\"Forbidden\"}]", "",
     "not so", 403, NULL},
    {"its made message",
     "\"validations\":[{\"expression\":\"false\",\"messageExpression\":\"object.metadata.name + ' in ' + "
     "namespaceObject.metadata.name + ' by ' + request.userInfo.username\"}]",
     "", "m in n by ann", 422, NULL},
    {"variables, of each other too",
     "\"variables\":[{\"name\":\"n\",\"expression\":\"object.data.size()\"},{\"name\":\"twice\","
     "\"expression\":"
     "\"variables.n * 2\"}],\"validations\":[{\"expression\":\"variables.twice == 2\"}]",
     "", NULL, 0, NULL},
    {"a variable that fails where nobody needs it",
     "\"variables\":[{\"name\":\"bad\",\"expression\":\"1 / 0\"}],\"validations\":[{\"expression\":\"true || "
     "variables.bad == 1\"}]",
     "", NULL, 0, NULL},
    {"a condition that is not met",
     "\"matchConditions\":[{\"name\":\"c\",\"expression\":\"object.metadata.name != "
     "'m'\"}],\"validations\":[{\"expression\":"
     "\"false\"}]",
     "", NULL, 0, NULL},
    {"an error is a refusal", "\"validations\":[{\"expression\":\"object.data.missing == '1'\"}]", "",
     "expression 'object.data.missing == '1'' resulted in error: no such key: missing", 422, NULL},
    {"unless it is to be ignored",
     "\"failurePolicy\":\"Ignore\",\"validations\":[{\"expression\":\"object.data.missing == '1'\"}]", "",
     NULL, 0, NULL},
    {"old objects are null on creation", "\"validations\":[{\"expression\":\"oldObject == null\"}]", "", NULL,
     0, NULL},
    {"only a warning", "\"validations\":[{\"expression\":\"false\",\"message\":\"hm\"}]",
     ",\"validationActions\":[\"Warn\"]", NULL, 0,
     "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': hm"},
    {"parameters",
     "\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"},\"validations\":[{\"expression\":\"object."
     "data.size() > "
     "int(params.data.max)\",\"message\":\"few\"}]",
     ",\"validationActions\":[\"Deny\"],\"paramRef\":{\"selector\":{},\"parameterNotFoundAction\":\"Deny\"}",
     "few", 422, NULL},
    {"parameters that are not there",
     "\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"},\"validations\":[{\"expression\":\"true\"}"
     "]",
     ",\"validationActions\":[\"Deny\"],\"paramRef\":{\"name\":\"none\",\"parameterNotFoundAction\":"
     "\"Deny\"}",
     "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
     422, NULL},
    {"a binding for other namespaces", "\"validations\":[{\"expression\":\"false\"}]",
     ",\"validationActions\":[\"Deny\"],\"matchResources\":{\"namespaceSelector\":{\"matchLabels\":{\"team\":"
     "\"b\"}}}",
     NULL, 0, NULL},
    {"excluded resources", "\"validations\":[{\"expression\":\"false\"}]",
     ",\"validationActions\":[\"Deny\"],\"matchResources\":{\"excludeResourceRules\":[{\"apiGroups\":[\"*\"],"
     "\"apiVersions\":[\"*\"],"
     "\"operations\":[\"*\"],\"resources\":[\"*\"]}]}",
     NULL, 0, NULL},
};

static void test_policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct fixture f;
        setup(&f, MAP);
        struct value policy =
            tree_of(f.arena, &admissionregistration_v1_ValidatingAdmissionPolicy,
                    arena_printf(f.arena, "{\"metadata\":{\"name\":\"p\"},\"spec\":{" MATCH ",%s}}",
                                 policies[i].spec));
        struct value binding = tree_of(
            f.arena, &admissionregistration_v1_ValidatingAdmissionPolicyBinding,
            arena_printf(f.arena, "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"policyName\":\"p\"%s}}",
                         *policies[i].binding ? policies[i].binding : ",\"validationActions\":[\"Deny\"]"));
        admission_policies_add(f.policies, &policy);
        admission_policies_bind(f.policies, &binding);
        print_message("%s\n", policies[i].claim);
        bool ok = admission_policies_validate(&f.req, &f.err);
        if (policies[i].refusal) {
            assert_false(ok);
            assert_string_equal(
                f.err.message,
                arena_printf(f.arena, "configmaps \"m\" is forbidden: " DENIED "%s", policies[i].refusal));
            assert_int_equal(error_code(&f.err), policies[i].code);
        } else if (!ok) {
            fail_msg("refused: %s", f.err.message);
        }
        if (policies[i].warning)
            assert_string_equal(f.warnings.items[0], policies[i].warning);
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validating), cmocka_unit_test(test_reinvocation),
        cmocka_unit_test(test_bad_patch),  cmocka_unit_test(test_dry_run),
        cmocka_unit_test(test_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
