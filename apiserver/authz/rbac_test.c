#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "apiserver/authz/rbac.h"
#include "base/clock.h"
#include "openapi/decode.h"
#include "openapi/gen/rbac_v1.h"

struct fixture {
    struct arena *arena;
    struct rbac *rbac;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    f->rbac = rbac_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    rbac_free(f->rbac);
    arena_free(f->arena);
    free(f);
    return 0;
}

static void put(struct fixture *f, enum rbac_kind kind, const char *namespace, const char *name,
                const char *json)
{
    static const struct schema_type *const types[RBAC_KINDS] = {
        &rbac_v1_Role, &rbac_v1_ClusterRole, &rbac_v1_RoleBinding, &rbac_v1_ClusterRoleBinding};
    struct value object;
    struct error err;
    error_init(&err, f->arena);
    if (!decode_json(f->arena, types[kind], slice_str(json), &object, NULL, &err))
        fail_msg("%s: %s", json, err.message);
    rbac_put(f->rbac, kind, slice_str(namespace), slice_str(name), &object);
}

static void remove_one(struct fixture *f, enum rbac_kind kind, const char *namespace, const char *name)
{
    rbac_remove(f->rbac, kind, slice_str(namespace), slice_str(name));
}

/* "get pods/log in shop named a", or "get /path". */
static struct authz_attributes parse(struct fixture *f, const struct user *user, const char *verb,
                                     const char *what, const char *namespace, const char *name)
{
    struct authz_attributes a = {.user = user, .verb = verb};
    struct slice rest = slice_str(what), part;
    if (*what == '/') {
        a.path = rest;
        return a;
    }
    a.is_resource = true;
    slice_split(&rest, '/', &part);
    if (rest.ptr)
        a.subresource = rest;
    else
        a.subresource = SLICE("");
    long dot = slice_find(part, '.');
    a.resource = dot < 0 ? part : slice_make(part.ptr, (size_t)dot);
    a.group = dot < 0 ? SLICE("") : slice_from(part, (size_t)dot + 1);
    a.namespace = slice_str(namespace);
    a.name = slice_str(name);
    (void)f;
    return a;
}

static bool may(struct fixture *f, const char *name, const char *group, const char *verb, const char *what,
                const char *namespace, const char *object, const char **ret_why)
{
    struct slice groups[] = {slice_str(group)};
    struct user user = {.name = slice_str(name), .groups = groups, .group_count = *group ? 1 : 0};
    struct authz_attributes a = parse(f, &user, verb, what, namespace, object);
    struct authz_answer answer = rbac_decide(f->rbac, &a, f->arena);
    struct authz_answer quick = rbac_decide(f->rbac, &a, NULL);
    assert_int_equal(answer.decision, quick.decision);
    if (ret_why)
        *ret_why = answer.reason;
    return answer.decision == AUTHZ_ALLOW;
}

/* ---- rules ---- */

static void rules_match_as_upstream(void **state)
{
    struct fixture *f = *state;
    put(f, RBAC_CLUSTER_BINDING, "", "b",
        "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":"
        "\"u\"}]}");
    static const struct {
        const char *rules, *verb, *what, *namespace, *name;
        bool want;
    } cases[] = {
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}", "get", "pods", "a", "x",
         true},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}", "list", "pods", "a", "",
         false},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}", "get", "pods/log", "a", "x",
         false},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}", "get", "pods.apps", "a", "x",
         false},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods/log\"]}", "get", "pods/log", "a",
         "x", true},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods/log\"]}", "get", "pods", "a", "x",
         false},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"*\"],\"resources\":[\"*/scale\"]}", "get",
         "deployments.apps/scale", "a", "x", true},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"*\"],\"resources\":[\"*/scale\"]}", "get", "deployments.apps",
         "a", "x", false},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"*\"],\"resources\":[\"pods/*\"]}", "get", "pods/log", "a",
         "x", false},
        {"{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}", "impersonate", "users/x", "", "x",
         true},
        {"{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}", "get", "/metrics", "", "", false},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"resourceNames\":[\"one\"]}",
         "get", "secrets", "a", "one", true},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"resourceNames\":[\"one\"]}",
         "get", "secrets", "a", "two", false},
        {"{\"verbs\":[\"list\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"resourceNames\":[\"one\"]"
         "}",
         "list", "secrets", "a", "", false},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"resourceNames\":[\"*\"]}",
         "get", "secrets", "a", "two", false},
        {"{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/healthz/*\"]}", "get", "/healthz/etcd", "", "", true},
        {"{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/healthz/*\"]}", "get", "/healthz", "", "", false},
        {"{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/healthz\"]}", "get", "/healthz/etcd", "", "", false},
        {"{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"*\"]}", "post", "/x", "", "", false},
        {"{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}", "post", "/x", "", "", true},
        {"{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}", "get", "pods", "", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(f, RBAC_CLUSTER_ROLE, "", "r", arena_printf(f->arena, "{\"rules\":[%s]}", cases[i].rules));
        if (may(f, "u", "", cases[i].verb, cases[i].what, cases[i].namespace, cases[i].name, NULL) !=
            cases[i].want)
            fail_msg("case %zu: %s %s under %s: wanted %d", i, cases[i].verb, cases[i].what, cases[i].rules,
                     cases[i].want);
    }
}

/* ---- bindings ---- */

static const char pod_reader[] =
    "{\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}";

/* The example of rbac_internal.h. */
static void worked_example(void **state)
{
    struct fixture *f = *state;
    const char *why;
    put(f, RBAC_ROLE, "shop", "r", pod_reader);
    put(f, RBAC_BINDING, "shop", "rb",
        "{\"roleRef\":{\"kind\":\"Role\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"Group\",\"name\":"
        "\"staff\"},"
        "{\"kind\":\"ServiceAccount\",\"name\":\"robot\"},{\"kind\":\"User\",\"name\":\"bob\"}]}");
    assert_true(may(f, "ann", "staff", "get", "pods", "shop", "x", &why));
    assert_string_equal(why, "RBAC: allowed by RoleBinding \"rb/shop\" of Role \"r\" to Group \"staff\"");
    assert_true(may(f, "system:serviceaccount:shop:robot", "", "get", "pods", "shop", "x", &why));
    assert_string_equal(
        why, "RBAC: allowed by RoleBinding \"rb/shop\" of Role \"r\" to ServiceAccount \"robot/shop\"");
    assert_true(
        may(f, "bob", "staff", "get", "pods", "shop", "x", &why)); /* the first subject that fits is told */
    assert_string_equal(why, "RBAC: allowed by RoleBinding \"rb/shop\" of Role \"r\" to Group \"staff\"");
    assert_false(may(f, "ann", "", "get", "pods", "shop", "x", NULL));
    assert_false(may(f, "ann", "staff", "get", "pods", "other", "x", NULL));
    assert_false(may(f, "ann", "staff", "get", "pods", "", "", NULL));
    assert_false(may(f, "staff", "", "get", "pods", "shop", "x", NULL)); /* a user called like the group */
    assert_false(may(f, "system:serviceaccount:other:robot", "", "get", "pods", "shop", "x", NULL));
}

static void changes_are_followed(void **state)
{
    struct fixture *f = *state;
    const char *why;
    put(f, RBAC_CLUSTER_BINDING, "", "b",
        "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":"
        "\"u\"}]}");
    assert_false(may(f, "u", "", "get", "pods", "a", "x", &why));
    assert_string_equal(why, "RBAC: clusterrole.rbac.authorization.k8s.io \"r\" not found");
    put(f, RBAC_CLUSTER_ROLE, "", "r", pod_reader);
    assert_true(may(f, "u", "", "get", "pods", "a", "x", &why));
    assert_string_equal(why, "RBAC: allowed by ClusterRoleBinding \"b\" of ClusterRole \"r\" to User \"u\"");
    put(f, RBAC_CLUSTER_BINDING, "", "b",
        "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":"
        "\"v\"}]}");
    assert_false(may(f, "u", "", "get", "pods", "a", "x", &why));
    assert_null(why);
    assert_true(may(f, "v", "", "get", "pods", "a", "x", NULL));
    remove_one(f, RBAC_CLUSTER_BINDING, "", "b");
    assert_false(may(f, "v", "", "get", "pods", "a", "x", NULL));
    put(f, RBAC_BINDING, "a", "b",
        "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":"
        "\"v\"},{\"kind\":\"User\",\"name\":\"v\"}]}");
    assert_true(may(f, "v", "", "get", "pods", "a", "x", NULL));
    remove_one(f, RBAC_CLUSTER_ROLE, "", "r");
    assert_false(may(f, "v", "", "get", "pods", "a", "x", NULL));
    put(f, RBAC_CLUSTER_ROLE, "", "r", "{\"rules\":null}");
    assert_false(may(f, "v", "", "get", "pods", "a", "x", NULL));
    rbac_clear(f->rbac);
    assert_false(may(f, "v", "", "get", "pods", "a", "x", &why));
    assert_null(why);
}

static void roles_aggregate(void **state)
{
    struct fixture *f = *state;
    put(f, RBAC_CLUSTER_BINDING, "", "b",
        "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"admin\"},\"subjects\":[{\"kind\":\"User\","
        "\"name\":\"u\"}]}");
    put(f, RBAC_CLUSTER_ROLE, "", "admin",
        "{\"rules\":null,\"aggregationRule\":{\"clusterRoleSelectors\":[{\"matchLabels\":{\"to-admin\":"
        "\"true\"}}]}}");
    put(f, RBAC_CLUSTER_ROLE, "", "edit",
        "{\"metadata\":{\"labels\":{\"to-admin\":\"true\"}},\"rules\":null,"
        "\"aggregationRule\":{\"clusterRoleSelectors\":[{\"matchLabels\":{\"to-edit\":\"true\"}}]}}");
    assert_false(may(f, "u", "", "get", "pods", "a", "x", NULL));
    put(f, RBAC_CLUSTER_ROLE, "", "more",
        "{\"metadata\":{\"labels\":{\"to-edit\":\"true\"}},\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":["
        "\"\"],\"resources\":[\"pods\"]}]}");
    assert_true(may(f, "u", "", "get", "pods", "a", "x", NULL));
    /* A circle ends. */
    put(f, RBAC_CLUSTER_ROLE, "", "edit",
        "{\"metadata\":{\"labels\":{\"to-admin\":\"true\"}},\"rules\":null,"
        "\"aggregationRule\":{\"clusterRoleSelectors\":[{\"matchLabels\":{\"to-edit\":\"true\"}},{}]}}");
    assert_true(may(f, "u", "", "get", "pods", "a", "x", NULL));
    remove_one(f, RBAC_CLUSTER_ROLE, "", "more");
    assert_false(may(f, "u", "", "get", "pods", "a", "x", NULL));
}

/* ---- escalation ---- */

static struct rbac_rule_list rules_of(struct fixture *f, const char *name, const char *rules)
{
    struct rbac_rule_list list;
    put(f, RBAC_CLUSTER_ROLE, "", name, arena_printf(f->arena, "{\"rules\":[%s]}", rules));
    assert_true(rbac_rules_of_role(f->rbac, f->arena, true, SLICE(""), slice_str(name), &list));
    return list;
}

static void nobody_gives_what_they_lack(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *held, *wanted, *missing; /* "": covered */
    } cases[] = {
        {"", "", ""},
        {"{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}",
         "{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\",\"pods/log\"]}", ""},
        {"{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}",
         "{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/x\"]}", "{NonResourceURLs:[\"/x\"], Verbs:[\"get\"]}"},
        /* two held rules together */
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]},{\"verbs\":[\"list\"],"
         "\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}",
         "{\"verbs\":[\"get\",\"list\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}", ""},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}",
         "{\"verbs\":[\"get\",\"list\",\"watch\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}",
         "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\" \"watch\"]}"},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}",
         "{\"verbs\":[\"*\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}",
         "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"*\"]}"},
        /* the right to some names is not the right to all */
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"resourceNames\":[\"a\","
         "\"b\"]}",
         "{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"resourceNames\":[\"b\"]}",
         ""},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"resourceNames\":[\"a\"]}",
         "{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"]}",
         "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}"},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"*\"],\"resources\":[\"*/scale\"]}",
         "{\"verbs\":[\"get\"],\"apiGroups\":[\"apps\"],\"resources\":[\"deployments/scale\"]}", ""},
        {"{\"verbs\":[\"get\"],\"apiGroups\":[\"*\"],\"resources\":[\"pods\"]}",
         "{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods/log\"]}",
         "{APIGroups:[\"\"], Resources:[\"pods/log\"], Verbs:[\"get\"]}"},
        {"{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/a*\"]}",
         "{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/a/b\",\"/a/*\",\"/b\"]}",
         "{NonResourceURLs:[\"/b\"], Verbs:[\"get\"]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rbac_rule_list held = rules_of(f, "held", cases[i].held),
                              wanted = rules_of(f, "wanted", cases[i].wanted), missing;
        bool too_many, covered = rbac_rules_cover(f->arena, &held, &wanted, &missing, &too_many);
        struct buf out = BUF_INIT(10000);
        for (size_t m = 0; m < missing.count; m++)
            rbac_rule_print(&out, missing.items[m]);
        if (covered != !*cases[i].missing || strcmp(buf_cstr(&out), cases[i].missing) != 0 || too_many)
            fail_msg("case %zu: given %s, wanted %s", i, buf_cstr(&out), cases[i].missing);
        buf_release(&out);
    }
}

/* A role that would take forever to look at is refused in bounded time. */
static void cover_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct buf many = BUF_INIT(1 << 20);
    for (int i = 0; i < 600; i++)
        buf_printf(&many, "%s\"x%d\"", i ? "," : "", i);
    const char *list = arena_strdup(f->arena, buf_slice(&many));
    buf_release(&many);
    struct rbac_rule_list held = rules_of(f, "held", ""), missing;
    struct rbac_rule_list wanted = rules_of(
        f, "wanted",
        arena_printf(f->arena, "{\"verbs\":[%s],\"apiGroups\":[%s],\"resources\":[%s]}", list, list, list));
    bool too_many;
    int64_t start = clock_mono_nanos();
    assert_false(rbac_rules_cover(f->arena, &held, &wanted, &missing, &too_many));
    assert_true(too_many);
    assert_true(clock_mono_nanos() - start < 20 * 1000000000LL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rules_match_as_upstream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(worked_example, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_are_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roles_aggregate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_gives_what_they_lack, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cover_is_bounded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
