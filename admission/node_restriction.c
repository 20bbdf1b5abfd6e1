/*
 * NodeRestriction: what a node (system:node:NAME of system:nodes) writes is about itself: its own Node,
 * without the labels and taints that steer pods, mirror pods that name nothing else, status and eviction of
 * pods that run on it, its lease and CSI node, and requests for a certificate of its own name. Off unless it
 * is switched on, as upstream. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
#include "admission/certificate_subject.h"
#include "admission/pod_references.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

static const char own_lease[] = "can only access node lease with the same name as the requesting node";
static const char own_csi[] = "can only access CSINode with the same name as the requesting node";

/* One check: what the node called `node` asks. */
struct check {
    struct admission_request *req;
    struct slice node;
    struct error *err;
};

#define REFUSE(c, ...) admission_forbid((c)->req, (c)->err, __VA_ARGS__)

static const struct value *meta_of(const struct value *object)
{
    return object ? value_get(object, SLICE("metadata")) : &value_absent;
}

static struct slice name_of(const struct value *object)
{
    return value_text(value_at(meta_of(object), meta_v1_ObjectMeta_name));
}

static bool runs_here(const struct check *c, const struct value *pod)
{
    return slice_eq(value_text(value_at(value_at(pod, core_v1_Pod_spec), core_v1_PodSpec_nodeName)), c->node);
}

/* ---- pods ---- */

static bool note_reference(void *arg, const struct pod_reference *ref)
{
    static const char *const resources[] = {[POD_SECRET] = "secrets",
                                            [POD_CONFIG_MAP] = "configmaps",
                                            [POD_CLAIM] = "persistentvolumeclaims",
                                            [POD_ACCOUNT] = "serviceaccounts",
                                            [POD_RESOURCE_CLAIM] = "resourceclaims"};
    *(const char **)arg = ref->kind == POD_OTHER ? ref->where : resources[ref->kind];
    return false;
}

static bool check_owner(const struct check *c, const struct value *pod)
{
    const struct value *owners = value_at(meta_of(pod), meta_v1_ObjectMeta_ownerReferences);
    const struct schema_resource *nodes = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("nodes"));
    struct value node;
    if (value_count(owners) > 1)
        return REFUSE(c, "node \"%.*s\" can only create pods with a single owner reference set to itself",
                      SLICE_ARG(c->node));
    if (value_count(owners) == 0)
        return REFUSE(c, "node \"%.*s\" can only create pods with an owner reference set to itself",
                      SLICE_ARG(c->node));
    const struct value *owner = value_item(owners, 0);
    if (!value_is(value_at(owner, meta_v1_OwnerReference_apiVersion), "v1") ||
        !value_is(value_at(owner, meta_v1_OwnerReference_kind), "Node") ||
        !slice_eq(value_text(value_at(owner, meta_v1_OwnerReference_name)), c->node))
        return REFUSE(c, "node \"%.*s\" can only create pods with an owner reference set to itself",
                      SLICE_ARG(c->node));
    if (!value_bool(value_at(owner, meta_v1_OwnerReference_controller)))
        return REFUSE(c, "node \"%.*s\" can only create pods with a controller owner reference set to itself",
                      SLICE_ARG(c->node));
    if (value_bool(value_at(owner, meta_v1_OwnerReference_blockOwnerDeletion)))
        return REFUSE(c, "node \"%.*s\" must not set blockOwnerDeletion on an owner reference",
                      SLICE_ARG(c->node));
    if (!c->req->lookup->get(c->req->lookup->arg, c->req->arena, nodes, SLICE(""), c->node, &node)) {
        error_set(c->err, REASON_NOT_FOUND, "nodes \"%.*s\" not found", SLICE_ARG(c->node));
        return error_about(c->err, SLICE(""), SLICE("nodes"), c->node);
    }
    struct slice uid = value_text(value_at(owner, meta_v1_OwnerReference_uid));
    struct slice present = value_text(value_at(meta_of(&node), meta_v1_ObjectMeta_uid));
    return slice_eq(uid, present) || REFUSE(c, "node %.*s UID mismatch: expected %.*s got %.*s",
                                            SLICE_ARG(c->node), SLICE_ARG(uid), SLICE_ARG(present));
}

static bool check_new_pod(const struct check *c)
{
    const struct value *pod = c->req->object;
    const struct value *annotations = value_at(meta_of(pod), meta_v1_ObjectMeta_annotations);
    const char *names = NULL;
    if (!value_is_set(value_get(annotations, SLICE("kubernetes.io/config.mirror"))))
        return REFUSE(c,
                      "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"%.*s\" can only "
                      "create mirror pods",
                      SLICE_ARG(c->node));
    if (!runs_here(c, pod))
        return REFUSE(c, "node \"%.*s\" can only create pods with spec.nodeName set to itself",
                      SLICE_ARG(c->node));
    if (!check_owner(c, pod))
        return false;
    pod_references(c->req->arena, pod, note_reference, &names);
    return !names ||
           REFUSE(c, "node \"%.*s\" can not create pods that reference %s", SLICE_ARG(c->node), names);
}

static bool check_pod_status(const struct check *c)
{
    static const char *const claims[][2] = {
        {"status.resourceClaimStatuses", "resource claim statues"},
        {"status.extendedResourceClaimStatus", "extended resource claim status"},
        {"status.nodeAllocatableResourceClaimStatuses", "node allocatable resource claim statuses"},
    };
    const struct value *pod = c->req->object, *old = c->req->old;
    if (c->req->operation != ADMISSION_UPDATE)
        return REFUSE(c, "unexpected operation");
    if (!runs_here(c, old))
        return REFUSE(c, "node \"%.*s\" can only update pod status for pods with spec.nodeName set to itself",
                      SLICE_ARG(c->node));
    if (!value_equal(value_at(meta_of(pod), meta_v1_ObjectMeta_labels),
                     value_at(meta_of(old), meta_v1_ObjectMeta_labels)))
        return REFUSE(c, "node \"%.*s\" cannot update labels through pod status", SLICE_ARG(c->node));
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        if (!value_equal(value_path(pod, claims[i][0]), value_path(old, claims[i][0])))
            return REFUSE(c, "node \"%.*s\" cannot update %s", SLICE_ARG(c->node), claims[i][1]);
    return true;
}

static bool check_pod(const struct check *c)
{
    struct slice sub = c->req->subresource;
    if (slice_is(sub, "status"))
        return check_pod_status(c);
    if (slice_is(sub, "eviction"))
        return !c->req->old || runs_here(c, c->req->old) ||
               REFUSE(c, "node %.*s can only evict pods with spec.nodeName set to itself",
                      SLICE_ARG(c->node));
    if (sub.len)
        return REFUSE(c, "unexpected pod subresource \"%.*s\", only 'status' and 'eviction' are allowed",
                      SLICE_ARG(sub));
    if (c->req->operation == ADMISSION_CREATE)
        return check_new_pod(c);
    if (c->req->operation == ADMISSION_DELETE)
        return runs_here(c, c->req->old) ||
               REFUSE(c, "node \"%.*s\" can only delete pods with spec.nodeName set to itself",
                      SLICE_ARG(c->node));
    return REFUSE(c, "unexpected operation \"UPDATE\", node \"%.*s\" can only create and delete mirror pods",
                  SLICE_ARG(c->node));
}

/* ---- the node ---- */

static bool is_below(struct slice namespace, const char *domain)
{
    struct slice d = slice_str(domain);
    return slice_eq(namespace, d) || (slice_ends(namespace, d) && namespace.len > d.len &&
                                      namespace.ptr[namespace.len - d.len - 1] == '.');
}

/* Labels of Kubernetes' own that a node may give itself. */
static bool is_kubelet_label(struct slice key, struct slice namespace)
{
    static const char *const allowed[] = {"kubernetes.io/hostname",
                                          "topology.kubernetes.io/zone",
                                          "topology.kubernetes.io/region",
                                          "failure-domain.beta.kubernetes.io/zone",
                                          "failure-domain.beta.kubernetes.io/region",
                                          "beta.kubernetes.io/instance-type",
                                          "node.kubernetes.io/instance-type",
                                          "kubernetes.io/os",
                                          "kubernetes.io/arch",
                                          "beta.kubernetes.io/os",
                                          "beta.kubernetes.io/arch"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (slice_is(key, allowed[i]))
            return true;
    return is_below(namespace, "kubelet.kubernetes.io") || is_below(namespace, "node.kubernetes.io");
}

static bool is_forbidden_label(struct slice key)
{
    long slash = slice_find(key, '/');
    struct slice namespace = slash < 0 ? SLICE("") : slice_make(key.ptr, (size_t)slash);
    if (is_below(namespace, "node-restriction.kubernetes.io"))
        return true;
    return (is_below(namespace, "kubernetes.io") || is_below(namespace, "k8s.io")) &&
           !is_kubelet_label(key, namespace);
}

/* The forbidden ones among the labels that are in `a` and not the same in `b`, added to the list. */
static const char *add_forbidden(struct arena *arena, const char *list, const struct value *a,
                                 const struct value *b, bool only_missing)
{
    for (VALUE_EACH_ENTRY(entry, a)) {
        const struct value *other = value_get(b, entry->key);
        bool changed =
            only_missing ? !value_is_set(other) : !value_is_set(other) || !value_equal(&entry->value, other);
        if (changed && is_forbidden_label(entry->key))
            list = list ? arena_printf(arena, "%s, %.*s", list, SLICE_ARG(entry->key))
                        : arena_strdup(arena, entry->key);
    }
    return list;
}

static const char *forbidden_labels(const struct check *c)
{
    const struct value *labels = value_at(meta_of(c->req->object), meta_v1_ObjectMeta_labels);
    const struct value *old = value_at(meta_of(c->req->old), meta_v1_ObjectMeta_labels);
    const char *list = add_forbidden(c->req->arena, NULL, labels, old, false);
    return add_forbidden(c->req->arena, list, old, labels, true);
}

static bool check_node(const struct check *c)
{
    const struct value *node = c->req->object, *old = c->req->old;
    struct slice name = c->req->name.len ? c->req->name : name_of(node);
    if (!slice_eq(name, c->node))
        return REFUSE(c, "node \"%.*s\" is not allowed to modify node \"%.*s\"", SLICE_ARG(c->node),
                      SLICE_ARG(name));
    if (c->req->operation == ADMISSION_DELETE)
        return true;
    const struct value *source = value_path(node, "spec.configSource");
    if (value_is_set(source) && (!old || !value_equal(source, value_path(old, "spec.configSource"))))
        return REFUSE(c, "node \"%.*s\" is not allowed to update configSource to a new non-nil configSource",
                      SLICE_ARG(c->node));
    if (old && !value_equal(value_path(node, "spec.taints"), value_path(old, "spec.taints")))
        return REFUSE(c, "node \"%.*s\" is not allowed to modify taints", SLICE_ARG(c->node));
    if (old && !value_equal(value_at(meta_of(node), meta_v1_ObjectMeta_ownerReferences),
                            value_at(meta_of(old), meta_v1_ObjectMeta_ownerReferences)))
        return REFUSE(c, "node \"%.*s\" is not allowed to modify ownerReferences", SLICE_ARG(c->node));
    const char *labels = forbidden_labels(c);
    if (labels && old)
        return REFUSE(c, "is not allowed to modify labels: %s", labels);
    return !labels || REFUSE(c, "node \"%.*s\" is not allowed to set the following labels: %s",
                             SLICE_ARG(c->node), labels);
}

/* ---- the rest ---- */

static bool check_claim(const struct check *c)
{
    static const char *const allowed[] = {"capacity", "conditions", "allocatedResourceStatuses",
                                          "allocatedResources"};
    if (!slice_is(c->req->subresource, "status"))
        return REFUSE(c, "may only update PVC status");
    struct value a = value_copy(c->req->arena, c->req->object, false),
                 b = value_copy(c->req->arena, c->req->old, false);
    struct value *both[] = {&a, &b};
    for (size_t i = 0; i < 2; i++) {
        struct value *status = value_get_mut(both[i], SLICE("status")),
                     *meta = value_get_mut(both[i], SLICE("metadata"));
        for (size_t f = 0; value_is_set(status) && f < sizeof allowed / sizeof *allowed; f++)
            *value_get_mut(status, slice_str(allowed[f])) = value_absent;
        *value_mut(meta, meta_v1_ObjectMeta_resourceVersion) = value_absent;
        *value_mut(meta, meta_v1_ObjectMeta_managedFields) = value_absent;
    }
    return value_equal(&a, &b) || REFUSE(c,
                                         "node \"%.*s\" is not allowed to update fields other than "
                                         "status.quantity and status.conditions",
                                         SLICE_ARG(c->node));
}

static bool is_own(const struct check *c)
{
    return slice_eq(c->req->operation == ADMISSION_CREATE ? name_of(c->req->object) : c->req->name, c->node);
}

static bool check_lease(const struct check *c)
{
    if (!slice_is(c->req->namespace, "kube-node-lease"))
        return REFUSE(c, "can only access leases in the \"kube-node-lease\" system namespace");
    return is_own(c) || REFUSE(c, "%s", own_lease);
}

static bool check_csi_node(const struct check *c)
{
    return is_own(c) || REFUSE(c, "%s", own_csi);
}

static bool check_slice(const struct check *c)
{
    bool creates = c->req->operation == ADMISSION_CREATE;
    const struct value *slice = creates ? c->req->object : c->req->old;
    if (c->req->operation == ADMISSION_UPDATE ||
        slice_eq(value_text(value_path(slice, "spec.nodeName")), c->node))
        return true;
    return REFUSE(c, "can only %s ResourceSlice with the same NodeName as the requesting node",
                  creates ? "create" : "delete");
}

static bool check_signing(const struct check *c)
{
    const struct value *spec = value_get(c->req->object, SLICE("spec"));
    struct slice signer = value_text(value_get(spec, SLICE("signerName"))), subject;
    if (c->req->operation != ADMISSION_CREATE ||
        (!slice_is(signer, "kubernetes.io/kubelet-serving") &&
         !slice_is(signer, "kubernetes.io/kube-apiserver-client-kubelet")))
        return true;
    if (!certificate_common_name(c->req->arena, value_text(value_get(spec, SLICE("request"))), &subject))
        return REFUSE(c, "unable to parse csr");
    struct slice wanted = arena_slicef(c->req->arena, "system:node:%.*s", SLICE_ARG(c->node));
    return slice_eq(subject, wanted) ||
           REFUSE(c, "can only create a node CSR with CN=%.*s", SLICE_ARG(wanted));
}

static const struct {
    const char *group, *resource;
    bool (*check)(const struct check *c);
} rows[] = {
    {"", "pods", check_pod},
    {"", "nodes", check_node},
    {"", "persistentvolumeclaims", check_claim},
    {"coordination.k8s.io", "leases", check_lease},
    {"storage.k8s.io", "csinodes", check_csi_node},
    {"resource.k8s.io", "resourceslices", check_slice},
    {"certificates.k8s.io", "certificatesigningrequests", check_signing},
};

static bool mutate(struct admission_request *req, struct error *err)
{
    struct slice prefix = SLICE("system:node:");
    struct check c = {req, slice_from(req->user, prefix.len), err};
    bool member = false;
    for (size_t i = 0; i < req->group_count; i++)
        member |= slice_is(req->groups[i], "system:nodes");
    if (!member || !slice_starts(req->user, prefix))
        return true;
    if (!c.node.len)
        return REFUSE(&c, "could not determine node from user \"%.*s\"", SLICE_ARG(req->user));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(req->resource->name, rows[i].resource) == 0 &&
            strcmp(req->resource->group, rows[i].group) == 0)
            return rows[i].check(&c);
    return true;
}

const struct admission_plugin admission_node_restriction = {
    .name = "NodeRestriction",
    .operations = ADMISSION_CREATE | ADMISSION_UPDATE | ADMISSION_DELETE,
    .mutate = mutate,
    .off_by_default = true,
    .quick = true,
};
