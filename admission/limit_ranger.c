/*
 * LimitRanger: the LimitRanges of a namespace give containers default requests and limits, and bound what
 * containers, pods and claims may ask for. Source: https://kubernetes.io/docs/concepts/policy/limit-range/.
 */
#include "admission/admission.h"
#include "admission/texts.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/pod_resources.h"

/* What one thing (a container, a pod, a claim) asks for. */
struct usage {
    struct resource_list requests, limits;
    bool ignores_limits; /* claims have only requests */
};

struct ranging {
    struct admission_request *req;
    struct texts faults; /* of one LimitRange */
    const char *type;    /* "Container", "Pod", "PersistentVolumeClaim" */
};

static struct slice shown(struct arena *arena, const struct quantity *q)
{
    char text[QUANTITY_TEXT];
    return arena_dup(arena, quantity_print(q, text));
}

static bool fits_milli(const struct quantity *q)
{
    return !q || quantity_int(q) <= INT64_MAX / 1000;
}

/* Compared in milli where all fit, else in whole units, as upstream does; an absent amount is 0. */
static int64_t comparable(const struct quantity *q, bool milli)
{
    return q ? quantity_scaled(q, milli ? -3 : 0) : 0;
}

static void fault(struct ranging *r, struct slice text)
{
    for (size_t i = 0; i < r->faults.count; i++)
        if (slice_eq(r->faults.items[i], text))
            return;
    texts_add(r->req->arena, &r->faults, text);
}

static void complain(struct ranging *r, const char *bound, struct slice name, struct slice enforced,
                     const char *what, const struct quantity *got)
{
    struct arena *arena = r->req->arena;
    if (!got)
        fault(r, arena_slicef(arena, "%s %.*s usage per %s is %.*s.  No %s is specified", bound,
                              SLICE_ARG(name), r->type, SLICE_ARG(enforced), what));
    else
        fault(r, arena_slicef(arena, "%s %.*s usage per %s is %.*s, but %s is %.*s", bound, SLICE_ARG(name),
                              r->type, SLICE_ARG(enforced), what, SLICE_ARG(shown(arena, got))));
}

static void check_min(struct ranging *r, const struct usage *usage, struct slice name, struct slice enforced)
{
    const struct quantity *request = resource_list_get(&usage->requests, name);
    const struct quantity *limit = resource_list_get(&usage->limits, name), min = quantity_of(enforced);
    bool milli = fits_milli(request) && fits_milli(limit) && fits_milli(&min);
    int64_t least = comparable(&min, milli);
    if (!request || comparable(request, milli) < least)
        complain(r, "minimum", name, enforced, "request", request);
    else if (limit && comparable(limit, milli) < least)
        complain(r, "minimum", name, enforced, "limit", limit);
}

static void check_max(struct ranging *r, const struct usage *usage, struct slice name, struct slice enforced)
{
    const struct quantity *request = resource_list_get(&usage->requests, name);
    const struct quantity *limit = resource_list_get(&usage->limits, name), max = quantity_of(enforced);
    bool milli = fits_milli(request) && fits_milli(limit) && fits_milli(&max);
    int64_t most = comparable(&max, milli);
    if (!usage->ignores_limits && (!limit || comparable(limit, milli) > most))
        complain(r, "maximum", name, enforced, "limit", limit);
    else if (usage->ignores_limits ? !request || comparable(request, milli) > most
                                   : request && comparable(request, milli) > most)
        complain(r, "maximum", name, enforced, "request", request);
}

static void check_ratio(struct ranging *r, const struct usage *usage, struct slice name,
                        struct slice enforced)
{
    const struct quantity *request = resource_list_get(&usage->requests, name);
    const struct quantity *limit = resource_list_get(&usage->limits, name), max = quantity_of(enforced);
    bool milli = fits_milli(request) && fits_milli(limit) && fits_milli(&max);
    int64_t from = comparable(request, milli), to = comparable(limit, milli);
    struct arena *arena = r->req->arena;
    const char *head = arena_printf(arena, "%.*s max limit to request ratio per %s is %.*s", SLICE_ARG(name),
                                    r->type, SLICE_ARG(enforced));
    if (!from || !to) {
        const char *what = from ? "limit" : "request";
        fault(r, arena_slicef(arena, "%s, but no %s is specified or %s is 0", head, what, what));
        return;
    }
    double ratio = (double)to / (double)from, bound = (double)quantity_int(&max), observed = ratio;
    if (fits_milli(&max)) {
        observed *= 1000;
        bound = (double)quantity_scaled(&max, -3);
    }
    if (observed > bound)
        fault(r, arena_slicef(arena, "%s, but provided ratio is %f", head, ratio));
}

static void check_bounds(struct ranging *r, const struct value *limits, const struct usage *usage)
{
    static const struct {
        unsigned field;
        void (*check)(struct ranging *, const struct usage *, struct slice, struct slice);
    } bounds[] = {
        {core_v1_LimitRangeItem_min, check_min},
        {core_v1_LimitRangeItem_max, check_max},
        {core_v1_LimitRangeItem_maxLimitRequestRatio, check_ratio},
    };
    for (size_t i = 0; i < (usage->ignores_limits ? 2 : sizeof bounds / sizeof *bounds); i++)
        for (VALUE_EACH_ENTRY(entry, value_at(limits, bounds[i].field)))
            bounds[i].check(r, usage, entry->key, value_text(&entry->value));
}

static struct usage usage_of(struct arena *arena, const struct value *resources)
{
    struct usage usage = {.requests = {.arena = arena}, .limits = {.arena = arena}};
    resource_list_add_map(&usage.requests, value_at(resources, core_v1_ResourceRequirements_requests));
    resource_list_add_map(&usage.limits, value_at(resources, core_v1_ResourceRequirements_limits));
    return usage;
}

/* ---- pods and claims against one LimitRange ---- */

static void check_containers(struct ranging *r, const struct value *limits, const struct value *containers)
{
    for (VALUE_EACH(container, containers)) {
        struct usage usage = usage_of(r->req->arena, value_at(container, core_v1_Container_resources));
        check_bounds(r, limits, &usage);
    }
}

static void check_pod(struct ranging *r, const struct value *limits)
{
    const struct value *spec = value_at(r->req->object, core_v1_Pod_spec);
    if (strcmp(r->type, "Container") == 0) {
        check_containers(r, limits, value_at(spec, core_v1_PodSpec_containers));
        check_containers(r, limits, value_at(spec, core_v1_PodSpec_initContainers));
    } else if (strcmp(r->type, "Pod") == 0) {
        struct usage usage = {.requests = {.arena = r->req->arena}, .limits = {.arena = r->req->arena}};
        pod_resources(&usage.requests, spec, POD_REQUESTS, false);
        pod_resources(&usage.limits, spec, POD_LIMITS, false);
        check_bounds(r, limits, &usage);
    }
}

static void check_claim(struct ranging *r, const struct value *limits)
{
    const struct value *spec = value_at(r->req->object, core_v1_PersistentVolumeClaim_spec);
    struct usage usage = {.requests = {.arena = r->req->arena}, .ignores_limits = true};
    if (strcmp(r->type, "PersistentVolumeClaim") != 0)
        return;
    resource_list_add_map(&usage.requests,
                          value_at(value_at(spec, core_v1_PersistentVolumeClaimSpec_resources),
                                   core_v1_VolumeResourceRequirements_requests));
    check_bounds(r, limits, &usage);
}

static bool is_pod(const struct admission_request *req)
{
    return strcmp(req->resource->name, "pods") == 0;
}

static bool check_range(void *arg, const struct value *range)
{
    struct ranging *r = arg;
    for (VALUE_EACH(limits,
                    value_at(value_at(range, core_v1_LimitRange_spec), core_v1_LimitRangeSpec_limits))) {
        r->type = arena_strdup(r->req->arena, value_text(value_at(limits, core_v1_LimitRangeItem_type)));
        if (is_pod(r->req))
            check_pod(r, limits);
        else
            check_claim(r, limits);
    }
    return r->faults.count == 0; /* the first LimitRange that refuses speaks alone */
}

/* ---- which requests are looked at ---- */

static bool is_concerned(const struct admission_request *req)
{
    bool claim = strcmp(req->resource->name, "persistentvolumeclaims") == 0;
    if (*req->resource->group || !(is_pod(req) || claim))
        return false;
    const struct value *old_meta = req->old ? value_get(req->old, SLICE("metadata")) : &value_absent;
    if (value_is_set(value_at(old_meta, meta_v1_ObjectMeta_deletionTimestamp)))
        return false;
    if (req->subresource.len)
        return is_pod(req) && slice_is(req->subresource, "resize");
    return claim || req->operation == ADMISSION_CREATE; /* what a pod asks for changes through resize alone */
}

static void each_range(struct admission_request *req, bool (*each)(void *arg, const struct value *range),
                       void *arg)
{
    const struct schema_resource *ranges = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("limitranges"));
    req->lookup->list(req->lookup->arg, req->arena, ranges, req->namespace, each, arg);
}

static bool validate(struct admission_request *req, struct error *err)
{
    struct ranging r = {.req = req};
    if (!is_concerned(req))
        return true;
    each_range(req, check_range, &r);
    if (!r.faults.count)
        return true;
    struct slice all = texts_join(req->arena, &r.faults, ", ");
    return r.faults.count == 1 ? admission_forbid(req, err, "%.*s", SLICE_ARG(all))
                               : admission_forbid(req, err, "[%.*s]", SLICE_ARG(all));
}

/* ---- defaults ---- */

struct defaulting {
    struct admission_request *req;
    struct texts notes;
    const struct value *range;
};

/* Sets what is missing in `resources` from one map of the range's container limits. */
static void default_amounts(struct defaulting *d, struct value *container, unsigned part, unsigned source,
                            const char *what, const char *role)
{
    struct arena *arena = d->req->arena;
    struct texts set = {0};
    for (VALUE_EACH(limits,
                    value_at(value_at(d->range, core_v1_LimitRange_spec), core_v1_LimitRangeSpec_limits))) {
        if (!value_is(value_at(limits, core_v1_LimitRangeItem_type), "Container"))
            continue;
        for (VALUE_EACH_ENTRY(entry, value_at(limits, source))) {
            struct value *resources = value_ensure_record(arena, container, core_v1_Container_resources);
            struct value *amount = value_put(arena, value_mut(resources, part), entry->key);
            if (value_is_set(amount))
                continue;
            *amount = entry->value;
            texts_insert(arena, &set, entry->key);
        }
    }
    if (set.count)
        texts_add(arena, &d->notes,
                  arena_slicef(arena, "%.*s %s for %s %.*s", SLICE_ARG(texts_join(arena, &set, ", ")), what,
                               role, SLICE_ARG(value_text(value_at(container, core_v1_Container_name)))));
}

static void default_containers(struct defaulting *d, struct value *containers, const char *role)
{
    for (size_t i = 0; i < value_count(containers); i++) {
        struct value *container = &containers->list->items[i];
        default_amounts(d, container, core_v1_ResourceRequirements_requests,
                        core_v1_LimitRangeItem_defaultRequest, "request", role);
        default_amounts(d, container, core_v1_ResourceRequirements_limits, core_v1_LimitRangeItem_default,
                        "limit", role);
    }
}

static bool default_from_range(void *arg, const struct value *range)
{
    struct defaulting *d = arg;
    struct arena *arena = d->req->arena;
    struct value *spec = value_ensure_record(arena, d->req->object, core_v1_Pod_spec);
    d->range = range;
    d->notes = (struct texts){0};
    default_containers(d, value_mut(spec, core_v1_PodSpec_containers), "container");
    default_containers(d, value_mut(spec, core_v1_PodSpec_initContainers), "init container");
    if (!d->notes.count)
        return true;
    struct value *metadata = value_ensure_record(arena, d->req->object, core_v1_Pod_metadata);
    *value_put(arena, value_mut(metadata, meta_v1_ObjectMeta_annotations),
               SLICE("kubernetes.io/limit-ranger")) =
        value_of_string(arena_slicef(arena, "LimitRanger plugin set: %.*s",
                                     SLICE_ARG(texts_join(arena, &d->notes, "; "))));
    return true;
}

static bool mutate(struct admission_request *req, struct error *err)
{
    (void)err;
    struct defaulting d = {.req = req};
    if (is_concerned(req) && is_pod(req))
        each_range(req, default_from_range, &d);
    return true;
}

const struct admission_plugin admission_limit_ranger = {
    .name = "LimitRanger",
    .operations = ADMISSION_CREATE | ADMISSION_UPDATE,
    .mutate = mutate,
    .validate = validate,
    .quick = true,
};
