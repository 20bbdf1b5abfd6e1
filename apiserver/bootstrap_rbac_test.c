#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "apiserver/bootstrap_rbac.h"
#include "openapi/decode.h"

static struct value read_one(struct arena *arena, const struct schema_resource *resource, const char *json)
{
    struct value object;
    struct error err;
    error_init(&err, arena);
    if (!decode_json(arena, resource->type, slice_str(json), &object, NULL, &err))
        fail_msg("%s: %s", json, err.message);
    return object;
}

static void roles_and_bindings_are_brought_up_to_date(void **state)
{
    static const struct {
        const char *resource, *present, *expected, *want; /* want NULL: unchanged */
    } cases[] = {
        {"clusterroles", "{\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}",
         "{\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}", NULL},
        {"clusterroles", "{\"rules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}]}",
         "{\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}", NULL},
        {"clusterroles", "{\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}",
         "{\"rules\":[{\"verbs\":[\"get\",\"list\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}",
         "{\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]},{\"verbs\":["
         "\"list\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}"},
        {"clusterroles",
         "{\"metadata\":{\"annotations\":{\"rbac.authorization.kubernetes.io/"
         "autoupdate\":\"false\"}},\"rules\":null}",
         "{\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}", NULL},
        {"clusterroles", "{\"metadata\":{\"labels\":{\"mine\":\"x\"}},\"rules\":null}",
         "{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"rules\":null}",
         "{\"metadata\":{\"labels\":{\"a\":\"b\",\"mine\":\"x\"}},\"rules\":null}"},
        {"clusterrolebindings",
         "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":"
         "\"mine\"}]}",
         "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"Group\",\"name\":"
         "\"g\"}]}",
         "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":"
         "\"mine\"},{\"kind\":\"Group\",\"name\":\"g\"}]}"},
        {"clusterrolebindings",
         "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"other\"},\"subjects\":[{\"kind\":\"User\","
         "\"name\":\"mine\"}]}",
         "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"Group\",\"name\":"
         "\"g\"}]}",
         "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"Group\",\"name\":"
         "\"g\"}]}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const struct schema_resource *resource = schema_find_resource(
            SLICE("rbac.authorization.k8s.io"), SLICE("v1"), slice_str(cases[i].resource));
        struct value present = read_one(arena, resource, cases[i].present);
        struct value expected = read_one(arena, resource, cases[i].expected);
        struct value want = read_one(arena, resource, cases[i].want ? cases[i].want : cases[i].present);
        bool changed = bootstrap_reconcile(arena, resource, &expected, &present);
        if (changed != (cases[i].want != NULL) || !value_equal(&present, &want))
            fail_msg("case %zu: changed %d", i, changed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(roles_and_bindings_are_brought_up_to_date)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
