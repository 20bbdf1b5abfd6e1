#include "apiserver/authz_node.h"

#include <stdlib.h>

#include "admission/pod_references.h"
#include "apiserver/authz/rbac_rule.h"
#include "apiserver/bootstrap_data.h"
#include "apiserver/object.h"
#include "apiserver/server.h"
#include "base/alloc.h"
#include "openapi/gen/core_v1.h"
#include "storage/header.h"

#define NODE_PREFIX "system:node:"
#define NODE_GROUP  "system:nodes"

struct node_authorizer {
    struct server *server;
    struct rbac_rules *rules;
    const struct schema_resource *pods;
    unsigned node_field; /* of a pod's header */
};

/* One question: may `node` do `a`. */
struct asking {
    struct node_authorizer *self;
    const struct authz_attributes *a;
    struct slice node;
    struct arena *why; /* or NULL */
};

bool node_name_of(const struct user *user, struct slice *ret_name)
{
    if (!slice_starts(user->name, SLICE(NODE_PREFIX)) || !user_in_group(user, NODE_GROUP))
        return false;
    *ret_name = slice_from(user->name, strlen(NODE_PREFIX));
    return true;
}

/* ---- life ---- */

/* The rules that come with the server: whoever changes the role in the cluster does not change what nodes may
 * do. */
static struct rbac_rules *read_rules(struct error *err)
{
    const struct schema_resource *roles =
        schema_find_resource(SLICE("rbac.authorization.k8s.io"), SLICE("v1"), SLICE("clusterroles"));
    cleanup_arena struct arena *arena = arena_new();
    struct slice rest = slice_make(bootstrap_json, (size_t)(bootstrap_json_end - bootstrap_json)), line;
    static const char start[] = "\"kind\":\"ClusterRole\",\"metadata\":{\"name\":\"system:node\"";
    while (slice_split(&rest, '\n', &line)) {
        struct value role;
        if (!memmem(line.ptr, line.len, start, sizeof start - 1))
            continue;
        if (line.ptr[line.len - 1] == ',')
            line.len--;
        return decode_json(arena, roles->type, line, &role, NULL, err)
                   ? rbac_rules_compile(value_get(&role, SLICE("rules")))
                   : NULL;
    }
    error_set(err, REASON_INTERNAL, "bootstrap.json has no role system:node");
    return NULL;
}

struct node_authorizer *node_authorizer_new(struct server *server, struct error *err)
{
    struct node_authorizer *self = xcalloc(1, sizeof *self);
    self->server = server;
    self->pods = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("pods"));
    while (self->pods->selectable[self->node_field] &&
           strcmp(self->pods->selectable[self->node_field], "spec.nodeName") != 0)
        self->node_field++;
    self->rules = read_rules(err);
    if (self->rules)
        return self;
    node_authorizer_free(self);
    return NULL;
}

void node_authorizer_free(struct node_authorizer *self)
{
    if (!self)
        return;
    free(self->rules);
    free(self);
}

/* ---- answers ---- */

static struct authz_answer allow(void)
{
    return (struct authz_answer){AUTHZ_ALLOW, NULL};
}

static struct authz_answer no(const struct asking *q, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static struct authz_answer no(const struct asking *q, const char *fmt, ...)
{
    struct authz_answer answer = {AUTHZ_NO_OPINION, NULL};
    if (!q->why || !*fmt)
        return answer;
    va_list args;
    va_start(args, fmt);
    answer.reason = arena_vprintf(q->why, fmt, args);
    va_end(args);
    return answer;
}

static bool is_one_of(const char *verb, const char *verbs)
{
    struct slice rest = slice_str(verbs), part;
    while (slice_split(&rest, ' ', &part))
        if (slice_is(part, verb))
            return true;
    return false;
}

/* ---- what the node's pods name ---- */

struct search {
    const struct asking *q;
    struct arena *arena;
    enum pod_reference_kind kind;
    struct slice name;
    bool found;
};

static bool is_on_node(void *arg, const struct store_record *record)
{
    const struct search *s = arg;
    return slice_eq(header_field(record->header, s->q->self->node_field), s->q->node);
}

static bool is_it(void *arg, const struct pod_reference *ref)
{
    struct search *s = arg;
    return !(ref->kind == s->kind && slice_eq(ref->name, s->name));
}

static bool look_at_pod(void *arg, const struct store_record *record)
{
    struct search *s = arg;
    struct value pod;
    if (object_decode(s->arena, s->q->self->pods, record->value, false, &pod, NULL)) {
        const struct value *annotations = value_at(object_meta(&pod), meta_v1_ObjectMeta_annotations);
        bool mirror = value_is_set(value_get(annotations, SLICE("kubernetes.io/config.mirror")));
        s->found = !mirror && pod_references(s->arena, &pod, is_it, s);
    }
    arena_reset(s->arena);
    return !s->found;
}

/* Does a pod of the namespace that is on the node name the object? */
static bool is_named(const struct asking *q, enum pod_reference_kind kind, struct slice namespace,
                     struct slice name)
{
    cleanup_arena struct arena *arena = arena_new(), *key = NULL;
    struct search s = {.q = q, .arena = arena, .kind = kind, .name = name};
    key = arena_new();
    struct slice prefix = object_prefix(key, q->self->pods, namespace);
    cleanup_store_read struct store_read *read = store_read_begin(q->self->server->store, 0, NULL);
    if (read && namespace.len)
        store_range(read, &(struct store_range){
                              .prefix = prefix, .want = is_on_node, .each = look_at_pod, .arg = &s});
    return s.found;
}

static bool get(const struct asking *q, struct arena *arena, const char *group, const char *resource,
                struct slice namespace, struct slice name, struct value *ret)
{
    const struct schema_resource *r =
        schema_find_resource(slice_str(group), SLICE("v1"), slice_str(resource));
    struct store_record record;
    cleanup_store_read struct store_read *read = store_read_begin(q->self->server->store, 0, NULL);
    return read && store_get(read, object_key(arena, r, namespace, name), &record) &&
           object_decode(arena, r, record.value, true, ret, NULL);
}

/* A volume is the node's if the claim that it is bound to is. */
static bool has_volume(const struct asking *q, struct slice name)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value volume;
    if (!get(q, arena, "", "persistentvolumes", SLICE(""), name, &volume))
        return false;
    struct slice namespace = value_text(value_path(&volume, "spec.claimRef.namespace"));
    return is_named(q, POD_CLAIM, namespace, value_text(value_path(&volume, "spec.claimRef.name")));
}

static bool is_attached(const struct asking *q, struct slice name)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value attachment;
    return get(q, arena, "storage.k8s.io", "volumeattachments", SLICE(""), name, &attachment) &&
           slice_eq(value_text(value_path(&attachment, "spec.nodeName")), q->node);
}

static bool has_slice(const struct asking *q, struct slice name)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value slice;
    return get(q, arena, "resource.k8s.io", "resourceslices", SLICE(""), name, &slice) &&
           slice_eq(value_text(value_path(&slice, "spec.nodeName")), q->node);
}

static bool has_pod(const struct asking *q)
{
    cleanup_arena struct arena *arena = arena_new();
    struct store_record record;
    cleanup_store_read struct store_read *read = store_read_begin(q->self->server->store, 0, NULL);
    return read && store_get(read, object_key(arena, q->self->pods, q->a->namespace, q->a->name), &record) &&
           slice_eq(header_field(record.header, q->self->node_field), q->node);
}

static struct authz_answer related(const struct asking *q, bool is_related)
{
    if (!q->a->name.len)
        return no(q, "No Object name found");
    return is_related
               ? allow()
               : no(q, "no relationship found between node '%.*s' and this object", SLICE_ARG(q->node));
}

/* fieldSelector=spec.nodeName=NAME among what must hold. */
static bool selects_own(const struct asking *q)
{
    struct slice rest = q->a->field_selector, part, prefix = SLICE("spec.nodeName=");
    while (rest.len && slice_split(&rest, ',', &part)) {
        struct slice value = slice_from(part, prefix.len);
        if (slice_starts(part, prefix) &&
            (slice_eq(value, q->node) ||
             (value.len && *value.ptr == '=' && slice_eq(slice_from(value, 1), q->node))))
            return true;
    }
    return false;
}

/* ---- resource by resource ---- */

static struct authz_answer ask_named(const struct asking *q, enum pod_reference_kind kind)
{
    if (!is_one_of(q->a->verb, "get list watch"))
        return no(q, "can only read resources of this type");
    if (q->a->subresource.len)
        return no(q, "cannot read subresource");
    if (!q->a->namespace.len)
        return no(q, "can only read namespaced object of this type");
    return related(q, q->a->name.len && is_named(q, kind, q->a->namespace, q->a->name));
}

static struct authz_answer ask_secret(const struct asking *q)
{
    return ask_named(q, POD_SECRET);
}

static struct authz_answer ask_config_map(const struct asking *q)
{
    return ask_named(q, POD_CONFIG_MAP);
}

static struct authz_answer ask_get(const struct asking *q,
                                   bool (*is_related)(const struct asking *q, struct slice name))
{
    if (strcmp(q->a->verb, "get") != 0)
        return no(q, "can only get individual resources of this type");
    if (q->a->subresource.len)
        return no(q, "cannot get subresource");
    return related(q, q->a->name.len && is_related(q, q->a->name));
}

static bool has_claim(const struct asking *q, struct slice name)
{
    return is_named(q, POD_CLAIM, q->a->namespace, name);
}

static bool has_resource_claim(const struct asking *q, struct slice name)
{
    return is_named(q, POD_RESOURCE_CLAIM, q->a->namespace, name);
}

static struct authz_answer ask_claim(const struct asking *q)
{
    if (!slice_is(q->a->subresource, "status"))
        return ask_get(q, has_claim);
    if (!is_one_of(q->a->verb, "update patch"))
        return no(q, "can only get/update/patch this type");
    return related(q, q->a->name.len && has_claim(q, q->a->name));
}

static struct authz_answer ask_volume(const struct asking *q)
{
    return ask_get(q, has_volume);
}

static struct authz_answer ask_resource_claim(const struct asking *q)
{
    return ask_get(q, has_resource_claim);
}

static struct authz_answer ask_attachment(const struct asking *q)
{
    return ask_get(q, is_attached);
}

static struct authz_answer ask_account(const struct asking *q)
{
    if (strcmp(q->a->verb, "get") == 0 && !q->a->subresource.len)
        return ask_named(q, POD_ACCOUNT);
    if (strcmp(q->a->verb, "create") != 0 || !q->a->name.len)
        return no(q, "can only create tokens for individual service accounts");
    if (!slice_is(q->a->subresource, "token"))
        return no(q, "can only create token subresource of serviceaccount");
    return related(q, is_named(q, POD_ACCOUNT, q->a->namespace, q->a->name));
}

static struct authz_answer ask_lease(const struct asking *q)
{
    if (!is_one_of(q->a->verb, "get create update patch delete"))
        return no(q, "can only get, create, update, patch, or delete a node lease");
    if (!slice_is(q->a->namespace, "kube-node-lease"))
        return no(q, "can only access leases in the \"kube-node-lease\" system namespace");
    if (strcmp(q->a->verb, "create") != 0 && !slice_eq(q->a->name, q->node))
        return no(q, "can only access node lease with the same name as the requesting node");
    return allow();
}

static struct authz_answer ask_csi_node(const struct asking *q)
{
    if (q->a->subresource.len)
        return no(q, "cannot authorize CSINode subresources");
    if (!is_one_of(q->a->verb, "get create update patch delete"))
        return no(q, "can only get, create, update, patch, or delete a CSINode");
    if (strcmp(q->a->verb, "create") != 0 && !slice_eq(q->a->name, q->node))
        return no(q, "can only access CSINode with the same name as the requesting node");
    return allow();
}

static struct authz_answer ask_slice(const struct asking *q)
{
    if (q->a->subresource.len)
        return no(q, "cannot authorize ResourceSlice subresources");
    if (strcmp(q->a->verb, "create") == 0)
        return allow(); /* NodeRestriction looks at it */
    if (is_one_of(q->a->verb, "get update patch delete"))
        return related(q, q->a->name.len && has_slice(q, q->a->name));
    if (is_one_of(q->a->verb, "watch list deletecollection"))
        return selects_own(q)
                   ? allow()
                   : no(q,
                        "can only list/watch/deletecollection resourceslices with nodeName field selector");
    return no(q, "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, "
                 "update, patch, delete, "
                 "deletecollection");
}

static struct authz_answer ask_node(const struct asking *q)
{
    const char *verb = q->a->verb;
    bool writes = is_one_of(verb, "update patch");
    if (!q->a->subresource.len && (writes || strcmp(verb, "create") == 0))
        return allow(); /* NodeRestriction looks at it */
    if (slice_is(q->a->subresource, "status") && writes)
        return allow();
    if (q->a->subresource.len || !is_one_of(verb, "get list watch"))
        return no(q, "");
    if (slice_eq(q->a->name, q->node))
        return allow();
    return q->a->name.len
               ? no(q, "node '%.*s' cannot read '%.*s', only its own Node object", SLICE_ARG(q->node),
                    SLICE_ARG(q->a->name))
               : no(q, "node '%.*s' cannot read all nodes, only its own Node object", SLICE_ARG(q->node));
}

static struct authz_answer ask_pod(const struct asking *q)
{
    const char *verb = q->a->verb;
    struct slice sub = q->a->subresource;
    if (!sub.len && strcmp(verb, "get") == 0)
        return related(q, has_pod(q));
    if (!sub.len && is_one_of(verb, "list watch")) {
        if (selects_own(q))
            return allow();
        return q->a->name.len ? related(q, has_pod(q))
                              : no(q, "can only list/watch pods with spec.nodeName field selector");
    }
    /* NodeRestriction looks at what is written. */
    if ((!sub.len && is_one_of(verb, "create delete")) ||
        (slice_is(sub, "status") && is_one_of(verb, "update patch")) ||
        (slice_is(sub, "eviction") && strcmp(verb, "create") == 0))
        return allow();
    return no(q, "");
}

static const struct {
    const char *group, *resource;
    struct authz_answer (*ask)(const struct asking *q);
} rows[] = {
    {"", "secrets", ask_secret},
    {"", "configmaps", ask_config_map},
    {"", "persistentvolumeclaims", ask_claim},
    {"", "persistentvolumes", ask_volume},
    {"", "serviceaccounts", ask_account},
    {"", "nodes", ask_node},
    {"", "pods", ask_pod},
    {"coordination.k8s.io", "leases", ask_lease},
    {"resource.k8s.io", "resourceclaims", ask_resource_claim},
    {"resource.k8s.io", "resourceslices", ask_slice},
    {"storage.k8s.io", "csinodes", ask_csi_node},
    {"storage.k8s.io", "volumeattachments", ask_attachment},
};

struct authz_answer node_authorizer_decide(struct node_authorizer *self, const struct authz_attributes *a,
                                           struct arena *why)
{
    struct asking q = {self, a, SLICE(""), why};
    struct rbac_question question;
    if (!node_name_of(a->user, &q.node))
        return (struct authz_answer){AUTHZ_NO_OPINION, NULL};
    if (!q.node.len)
        return no(&q, "unknown node for user \"%.*s\"", SLICE_ARG(a->user->name));
    for (size_t i = 0; a->is_resource && i < sizeof rows / sizeof *rows; i++)
        if (slice_is(a->resource, rows[i].resource) && slice_is(a->group, rows[i].group))
            return rows[i].ask(&q);
    rbac_question_init(&question, a);
    return rbac_rules_allow(self->rules, &question) ? allow() : no(&q, "");
}
