/* rbac_bench: how long a decision takes among many bindings. Prints one line per question; exit code 1 over 5
 * µs. */
#include <stdio.h>

#include "apiserver/authz/rbac.h"
#include "base/clock.h"
#include "openapi/decode.h"
#include "openapi/gen/rbac_v1.h"

enum { BINDINGS = 10000, NAMESPACES = 500, ROUNDS = 200000, LIMIT_NANOS = 5000 };

static void put(struct rbac *rbac, struct arena *arena, enum rbac_kind kind, const char *ns, const char *name,
                const char *json)
{
    static const struct schema_type *const types[RBAC_KINDS] = {
        &rbac_v1_Role, &rbac_v1_ClusterRole, &rbac_v1_RoleBinding, &rbac_v1_ClusterRoleBinding};
    struct value object;
    if (decode_json(arena, types[kind], slice_str(json), &object, NULL, NULL))
        rbac_put(rbac, kind, slice_str(ns), slice_str(name), &object);
    arena_reset(arena);
}

/* Half of the bindings in namespaces (users, a group, a service account each), half for the cluster. */
static void fill(struct rbac *rbac)
{
    cleanup_arena struct arena *arena = arena_new();
    char name[64], ns[64], json[1024], rules[8192];
    size_t n = 0;
    for (int i = 0; i < 20; i++)
        n += (size_t)snprintf(rules + n, sizeof rules - n,
                              "%s{\"verbs\":[\"get\",\"list\",\"watch\"],\"apiGroups\":[\"g%d\"],"
                              "\"resources\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}",
                              i ? "," : "", i);
    for (int i = 0; i < 100; i++) {
        char role[8300];
        snprintf(name, sizeof name, "role-%d", i);
        snprintf(role, sizeof role, "{\"rules\":[%s]}", rules);
        put(rbac, arena, RBAC_CLUSTER_ROLE, "", name, role);
    }
    for (int i = 0; i < BINDINGS; i++) {
        bool cluster = i % 2;
        snprintf(name, sizeof name, "binding-%d", i);
        snprintf(ns, sizeof ns, "ns-%d", i % NAMESPACES);
        snprintf(json, sizeof json,
                 "{\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"role-%d\"},\"subjects\":[{\"kind\":"
                 "\"User\",\"name\":\"user-%d\"},"
                 "{\"kind\":\"Group\",\"name\":\"team-%d\"},{\"kind\":\"ServiceAccount\",\"namespace\":\"%"
                 "s\",\"name\":\"robot-%d\"}]}",
                 i % 100, i % 2000, i % 1000, ns, i);
        put(rbac, arena, cluster ? RBAC_CLUSTER_BINDING : RBAC_BINDING, cluster ? "" : ns, name, json);
    }
}

static bool ask(struct rbac *rbac, const char *what, const char *user, const char *group,
                const char *api_group)
{
    struct slice groups[] = {SLICE("system:authenticated"), slice_str(group)};
    struct user who = {.name = slice_str(user), .groups = groups, .group_count = 2};
    struct authz_attributes a = {.user = &who,
                                 .verb = "list",
                                 .is_resource = true,
                                 .group = slice_str(api_group),
                                 .version = SLICE("v1"),
                                 .resource = SLICE("f"),
                                 .namespace = SLICE("ns-4"),
                                 .name = SLICE("")};
    int64_t start = clock_mono_nanos();
    unsigned allowed = 0;
    for (int i = 0; i < ROUNDS; i++)
        allowed += rbac_decide(rbac, &a, NULL).decision == AUTHZ_ALLOW;
    double nanos = (double)(clock_mono_nanos() - start) / ROUNDS;
    printf("%-46s %7.0f ns  %s\n", what, nanos, allowed ? "allowed" : "refused");
    return nanos <= LIMIT_NANOS;
}

int main(void)
{
    struct rbac *rbac = rbac_new();
    int64_t start = clock_mono_nanos();
    fill(rbac);
    printf("%d bindings indexed in %.1f ms\n", BINDINGS, (double)(clock_mono_nanos() - start) / 1e6);
    bool ok = ask(rbac, "a user with 5 bindings, the last rule", "user-4", "nobody", "g19");
    ok &= ask(rbac, "the same, nothing allows", "user-4", "nobody", "none");
    ok &= ask(rbac, "a member of a team with 10 bindings, none allows", "user-5", "team-5", "none");
    ok &= ask(rbac, "a service account, the last rule", "system:serviceaccount:ns-4:robot-4", "x", "g19");
    ok &= ask(rbac, "somebody without a binding", "nobody", "nobody", "none");
    rbac_free(rbac);
    return !ok;
}
