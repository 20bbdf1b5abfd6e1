#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "admission/admission.h"

#define MIRROR(more, spec)                                                                                   \
    "{'metadata':{'name':'p','annotations':{'kubernetes.io/config.mirror':'x'}" more "},'spec':{" spec "}}"
#define OWNED                                                                                                \
    ",'ownerReferences':[{'apiVersion':'v1','kind':'Node','name':'n1','uid':'u1','controller':true}]"
#define LABELLED(labels) "{'metadata':{'name':'n1','labels':{" labels "}}}"

static const struct {
    const char *user, *resource, *subresource, *name, *object, *old, *refusal; /* refusal NULL: allowed */
} cases[] = {
    {"system:node:n1", "pods", "", "p", MIRROR(OWNED, "'nodeName':'n1'"), NULL, NULL},
    {"somebody", "pods", "", "p", MIRROR("", "'nodeName':'n2'"), NULL, NULL},
    {"system:node:", "pods", "", "p", MIRROR("", ""), NULL,
     "could not determine node from user \"system:node:\""},
    {"system:node:n1", "pods", "", "p", "{'metadata':{'name':'p'},'spec':{'nodeName':'n1'}}", NULL,
     "can only create mirror pods"},
    {"system:node:n1", "pods", "", "p", MIRROR(OWNED, "'nodeName':'n2'"), NULL,
     "with spec.nodeName set to itself"},
    {"system:node:n1", "pods", "", "p", MIRROR("", "'nodeName':'n1'"), NULL,
     "with an owner reference set to itself"},
    {"system:node:n1", "pods", "", "p",
     MIRROR(",'ownerReferences':[{'apiVersion':'v1','kind':'Node','name':'n1','uid':'u2','controller':true}]",
            "'nodeName':'n1'"),
     NULL, "UID mismatch"},
    {"system:node:n1", "pods", "", "p",
     MIRROR(OWNED, "'nodeName':'n1','volumes':[{'name':'v','secret':{'secretName':'s'}}]"), NULL,
     "can not create pods that reference secrets"},
    {"system:node:n1", "pods", "", "p", MIRROR(OWNED, "'nodeName':'n1','serviceAccountName':'a'"), NULL,
     "can not create pods that reference serviceaccounts"},
    {"system:node:n1", "pods", "status", "p", "{'metadata':{'name':'p'}}",
     "{'metadata':{'name':'p'},'spec':{'nodeName':'n2'}}",
     "can only update pod status for pods with spec.nodeName set to itself"},
    {"system:node:n1", "pods", "status", "p", "{'metadata':{'name':'p','labels':{'a':'b'}}}",
     "{'metadata':{'name':'p'},'spec':{'nodeName':'n1'}}", "cannot update labels through pod status"},
    {"system:node:n1", "pods", "status", "p", "{'metadata':{'name':'p'}}",
     "{'metadata':{'name':'p'},'spec':{'nodeName':'n1'}}", NULL},
    {"system:node:n1", "pods", "", "p", "{'metadata':{'name':'p'}}", "{'metadata':{'name':'p'}}",
     "can only create and delete mirror pods"},
    {"system:node:n1", "nodes", "", "n2", "{'metadata':{'name':'n2'}}", NULL,
     "is not allowed to modify node \"n2\""},
    {"system:node:n1", "nodes", "", "n1",
     LABELLED("'kubernetes.io/hostname':'h','mine':'x','a.node.kubernetes.io/b':'c'"), NULL, NULL},
    {"system:node:n1", "nodes", "", "n1", LABELLED("'node-restriction.kubernetes.io/x':'y'"), NULL,
     "is not allowed to set the following labels: node-restriction.kubernetes.io/x"},
    {"system:node:n1", "nodes", "", "n1", LABELLED("'a.k8s.io/x':'y'"), NULL, "following labels: a.k8s.io/x"},
    {"system:node:n1", "nodes", "", "n1", LABELLED(""), LABELLED("'a.node-restriction.kubernetes.io/x':'y'"),
     "is not allowed to modify labels: a.node-restriction.kubernetes.io/x"},
    {"system:node:n1", "nodes", "", "n1", "{'metadata':{'name':'n1'},'spec':{}}",
     "{'metadata':{'name':'n1'},'spec':{'taints':[{'key':'k','effect':'NoSchedule'}]}}",
     "is not allowed to modify taints"},
    {"system:node:n1", "leases", "", "n2", "{'metadata':{'name':'n2'}}", NULL,
     "only access leases in the \"kube-node-lease\""},
    {"system:node:n1", "csinodes", "", "n2", "{'metadata':{'name':'n2'}}", NULL,
     "can only access CSINode with the same name"},
    {"system:node:n1", "resourceslices", "", "s", "{'metadata':{'name':'s'},'spec':{'nodeName':'n2'}}", NULL,
     "can only create ResourceSlice with the same NodeName"},
    {"system:node:n1", "configmaps", "", "c", "{'metadata':{'name':'c'}}", NULL, NULL},
};

static struct value read_one(struct arena *arena, const struct schema_resource *resource, const char *json)
{
    char *text = arena_strdup(arena, slice_str(json));
    struct value object;
    struct error err;
    error_init(&err, arena);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    if (!decode_json(arena, resource->type, slice_str(text), &object, NULL, &err))
        fail_msg("%s: %s", json, err.message);
    return object;
}

/* The cluster has the node n1, of uid u1. */
static bool get(void *arg, struct arena *arena, const struct schema_resource *resource,
                struct slice namespace, struct slice name, struct value *ret)
{
    (void)arg;
    (void)namespace;
    if (strcmp(resource->name, "nodes") != 0 || !slice_is(name, "n1"))
        return false;
    *ret = read_one(arena, resource, "{'metadata':{'name':'n1','uid':'u1'}}");
    return true;
}

static const struct schema_resource *resource_of(const char *name)
{
    static const char *const groups[][2] = {
        {"", "v1"}, {"coordination.k8s.io", "v1"}, {"storage.k8s.io", "v1"}, {"resource.k8s.io", "v1"}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        const struct schema_resource *found =
            schema_find_resource(slice_str(groups[i][0]), slice_str(groups[i][1]), slice_str(name));
        if (found)
            return found;
    }
    fail_msg("no resource %s", name);
    return NULL;
}

static void nodes_write_about_themselves(void **state)
{
    const struct slice groups[] = {SLICE("system:nodes"), SLICE("system:authenticated")};
    const struct admission_lookup lookup = {.get = get};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const struct schema_resource *resource = resource_of(cases[i].resource);
        struct value object = read_one(arena, resource, cases[i].object), old;
        if (cases[i].old)
            old = read_one(arena, resource, cases[i].old);
        struct admission_request req = {.arena = arena,
                                        .operation = cases[i].old ? ADMISSION_UPDATE : ADMISSION_CREATE,
                                        .resource = resource,
                                        .subresource = slice_str(cases[i].subresource),
                                        .namespace = SLICE("default"),
                                        .name = slice_str(cases[i].name),
                                        .object = &object,
                                        .old = cases[i].old ? &old : NULL,
                                        .user = slice_str(cases[i].user),
                                        .groups = groups,
                                        .group_count = 2,
                                        .lookup = &lookup};
        struct error err;
        error_init(&err, arena);
        bool ok = admission_node_restriction.mutate(&req, &err);
        if (ok != !cases[i].refusal || (!ok && !strstr(err.message, cases[i].refusal)))
            fail_msg("case %zu (%s %s): given %s", i, cases[i].resource, cases[i].object,
                     ok ? "yes" : err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nodes_write_about_themselves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
