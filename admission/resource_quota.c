/*
 * ResourceQuota: what is new in a namespace is charged to every quota that looks at it, in the transaction
 * that stores it, so that a quota holds however many write at once. A quota whose usage nobody has counted
 * yet admits nothing that it limits. Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/.
 */
#include "admission/admission.h"
#include "admission/texts.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/quota_usage.h"

struct charging {
    struct admission_request *req;
    struct error *err;
    struct resource_list usage, delta; /* of the object; what it is more than before */
    bool measured, refused;
};

/* ---- printing ---- */

static struct texts sorted_names(struct arena *arena, const struct resource_list *list)
{
    struct texts names = {0};
    for (size_t i = 0; i < list->count; i++)
        texts_insert(arena, &names, list->items[i].name);
    return names;
}

/* cpu=1,pods=2 */
static struct slice print_amounts(struct arena *arena, const struct resource_list *list)
{
    struct texts names = sorted_names(arena, list), parts = {0};
    for (size_t i = 0; i < names.count; i++) {
        char text[QUANTITY_TEXT];
        struct slice amount = quantity_print(resource_list_get(list, names.items[i]), text);
        texts_add(arena, &parts,
                  arena_slicef(arena, "%.*s=%.*s", SLICE_ARG(names.items[i]), SLICE_ARG(amount)));
    }
    return texts_join(arena, &parts, ",");
}

static struct slice print_names(struct arena *arena, const struct resource_list *list)
{
    struct texts names = sorted_names(arena, list);
    return texts_join(arena, &names, ",");
}

/* ---- one quota ---- */

static const struct value *hard_of(const struct value *quota)
{
    return value_at(value_at(quota, core_v1_ResourceQuota_status), core_v1_ResourceQuotaStatus_hard);
}

static const struct value *used_of(const struct value *quota)
{
    return value_at(value_at(quota, core_v1_ResourceQuota_status), core_v1_ResourceQuotaStatus_used);
}

/* The quota's limits that objects of the resource count against. */
static struct resource_list limits_of(struct admission_request *req, const struct value *quota)
{
    struct resource_list limits = {.arena = req->arena};
    for (VALUE_EACH_ENTRY(entry, hard_of(quota)))
        if (quota_counts(req->resource, entry->key))
            resource_list_set(&limits, entry->key, quantity_of(value_text(&entry->value)));
    return limits;
}

/* Quotas on cpu and memory want every container to say what it needs of them. */
static bool is_demanded(struct slice name)
{
    static const char *const names[] = {"cpu",        "memory",       "requests.cpu", "requests.memory",
                                        "limits.cpu", "limits.memory"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(name, names[i]))
            return true;
    return false;
}

static void look_for_missing(struct arena *arena, const struct value *containers, struct slice name,
                             struct texts *ret)
{
    for (VALUE_EACH(container, containers)) {
        struct resource_list requests = {.arena = arena}, limits = {.arena = arena}, has = {.arena = arena};
        const struct value *resources = value_at(container, core_v1_Container_resources);
        resource_list_add_map(&requests, value_at(resources, core_v1_ResourceRequirements_requests));
        resource_list_add_map(&limits, value_at(resources, core_v1_ResourceRequirements_limits));
        quota_add_compute(&has, &requests, &limits);
        if (!resource_list_get(&has, name))
            texts_insert(arena, ret, value_text(value_at(container, core_v1_Container_name)));
    }
}

static bool has_pod_level(const struct value *spec)
{
    const struct value *resources = value_at(spec, core_v1_PodSpec_resources);
    return value_count(value_at(resources, core_v1_ResourceRequirements_requests)) ||
           value_count(value_at(resources, core_v1_ResourceRequirements_limits));
}

static bool check_demands(struct charging *c, struct slice quota, const struct resource_list *limits)
{
    struct arena *arena = c->req->arena;
    const struct value *spec = value_at(c->req->object, core_v1_Pod_spec);
    struct texts names = sorted_names(arena, limits), faults = {0};
    if (strcmp(c->req->resource->name, "pods") != 0 || *c->req->resource->group || has_pod_level(spec))
        return true;
    for (size_t i = 0; i < names.count; i++) {
        struct texts without = {0};
        if (!is_demanded(names.items[i]))
            continue;
        look_for_missing(arena, value_at(spec, core_v1_PodSpec_containers), names.items[i], &without);
        look_for_missing(arena, value_at(spec, core_v1_PodSpec_initContainers), names.items[i], &without);
        if (without.count)
            texts_add(arena, &faults,
                      arena_slicef(arena, "%.*s for: %.*s", SLICE_ARG(names.items[i]),
                                   SLICE_ARG(texts_join(arena, &without, ","))));
    }
    return !faults.count || admission_forbid(c->req, c->err, "failed quota: %.*s: must specify %.*s",
                                             SLICE_ARG(quota), SLICE_ARG(texts_join(arena, &faults, "; ")));
}

static bool is_counted(const struct value *quota, const struct resource_list *limits)
{
    for (size_t i = 0; i < limits->count; i++)
        if (!value_is_set(value_get(used_of(quota), limits->items[i].name)))
            return false;
    return true;
}

/* ---- what the object costs ---- */

static void measure(struct charging *c)
{
    struct admission_request *req = c->req;
    if (c->measured)
        return;
    c->measured = true;
    c->usage.arena = c->delta.arena = req->arena;
    quota_usage(&c->usage, req->resource, req->object, req->now);
    struct resource_list before = {.arena = req->arena};
    if (req->old)
        quota_usage(&before, req->resource, req->old, req->now);
    for (size_t i = 0; i < c->usage.count; i++) {
        struct quantity amount = c->usage.items[i].amount;
        const struct quantity *was = resource_list_get(&before, c->usage.items[i].name);
        if (was)
            quantity_sub(&amount, was);
        if (quantity_sign(&amount) > 0) /* what is given back, the quota controller finds */
            resource_list_set(&c->delta, c->usage.items[i].name, amount);
    }
}

static void mask(struct resource_list *ret, const struct resource_list *amounts, const struct value *hard)
{
    for (size_t i = 0; i < amounts->count; i++)
        if (value_is_set(value_get(hard, amounts->items[i].name)) &&
            quantity_sign(&amounts->items[i].amount) != 0)
            resource_list_set(ret, amounts->items[i].name, amounts->items[i].amount);
}

/* What would be too much, with what was used and the limit, for the message. */
static bool check_room(struct charging *c, struct slice name, const struct value *quota,
                       const struct resource_list *more)
{
    struct arena *arena = c->req->arena;
    struct resource_list requested = {.arena = arena}, used = {.arena = arena}, limited = {.arena = arena};
    for (size_t i = 0; i < more->count; i++) {
        struct slice what = more->items[i].name;
        struct quantity hard = quantity_of(value_text(value_get(hard_of(quota), what)));
        struct quantity was = quantity_of(value_text(value_get(used_of(quota), what))), total = was;
        quantity_add(&total, &more->items[i].amount);
        if (quantity_cmp(&total, &hard) <= 0)
            continue;
        resource_list_set(&requested, what, more->items[i].amount);
        resource_list_set(&used, what, was);
        resource_list_set(&limited, what, hard);
    }
    return !requested.count ||
           admission_forbid(
               c->req, c->err, "exceeded quota: %.*s, requested: %.*s, used: %.*s, limited: %.*s",
               SLICE_ARG(name), SLICE_ARG(print_amounts(arena, &requested)),
               SLICE_ARG(print_amounts(arena, &used)), SLICE_ARG(print_amounts(arena, &limited)));
}

static void charge(struct charging *c, const struct value *quota, const struct resource_list *more)
{
    struct arena *arena = c->req->arena;
    struct value charged = value_copy(arena, quota, true);
    struct value *status = value_ensure_record(arena, &charged, core_v1_ResourceQuota_status);
    struct value *used = value_mut(status, core_v1_ResourceQuotaStatus_used);
    for (size_t i = 0; i < more->count; i++) {
        struct value *amount = value_put(arena, used, arena_dup(arena, more->items[i].name));
        struct quantity total = quantity_of(value_text(amount));
        char text[QUANTITY_TEXT];
        quantity_add(&total, &more->items[i].amount);
        *amount = value_of_string(arena_dup(arena, quantity_print(&total, text)));
    }
    struct admission_charges *charges = c->req->charges;
    struct admission_charge *item =
        arena_push(arena, &charges->items, &charges->count, &charges->capacity, sizeof *item);
    *item = (struct admission_charge){
        .resource = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("resourcequotas")), .object = charged};
}

static bool look_at_quota(void *arg, const struct value *quota)
{
    struct charging *c = arg;
    struct admission_request *req = c->req;
    struct slice name =
        value_text(value_at(value_at(quota, core_v1_ResourceQuota_metadata), meta_v1_ObjectMeta_name));
    struct resource_list limits = limits_of(req, quota), more = {.arena = req->arena};
    if (!limits.count || !quota_scopes_match(req->arena, quota, req->resource, req->object))
        return true;
    if (!check_demands(c, name, &limits)) {
        c->refused = true;
        return false;
    }
    if (!is_counted(quota, &limits)) {
        c->refused = true;
        return admission_forbid(req, c->err, "status unknown for quota: %.*s, resources: %.*s",
                                SLICE_ARG(name), SLICE_ARG(print_names(req->arena, &limits)));
    }
    measure(c);
    bool was_in_scope = req->old && quota_scopes_match(req->arena, quota, req->resource, req->old);
    mask(&more, was_in_scope ? &c->delta : &c->usage, hard_of(quota));
    if (!more.count)
        return true;
    c->refused = !slice_is(req->subresource, "status") && !check_room(c, name, quota, &more);
    if (!c->refused)
        charge(c, quota, &more);
    return !c->refused;
}

/* ---- which requests count ---- */

static bool is_claim(const struct admission_request *req)
{
    return (!*req->resource->group && strcmp(req->resource->name, "persistentvolumeclaims") == 0) ||
           (strcmp(req->resource->group, "resource.k8s.io") == 0 &&
            strcmp(req->resource->name, "resourceclaims") == 0);
}

static bool is_concerned(const struct admission_request *req)
{
    bool core = !*req->resource->group, update = req->operation == ADMISSION_UPDATE;
    bool pod = core && strcmp(req->resource->name, "pods") == 0;
    if (!req->resource->namespaced)
        return false;
    if (req->subresource.len)
        return update && ((pod && slice_is(req->subresource, "resize")) ||
                          (is_claim(req) && core && slice_is(req->subresource, "status")));
    if (!update)
        return true;
    if (pod) /* its own deadline moves a pod to other quotas */
        return quota_pod_is_terminating(req->object) != quota_pod_is_terminating(req->old);
    return is_claim(req) || (core && strcmp(req->resource->name, "services") == 0);
}

static bool charge_quotas(struct admission_request *req, struct error *err)
{
    const struct schema_resource *quotas =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("resourcequotas"));
    struct charging c = {.req = req, .err = err};
    if (is_concerned(req))
        req->lookup->list(req->lookup->arg, req->arena, quotas, req->namespace, look_at_quota, &c);
    return !c.refused;
}

const struct admission_plugin admission_resource_quota = {
    .name = "ResourceQuota",
    .operations = ADMISSION_CREATE | ADMISSION_UPDATE,
    .charge = charge_quotas,
    .quick = true, /* charges are made where waiting is allowed */
};
