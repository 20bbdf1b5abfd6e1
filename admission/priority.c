/* Priority: a pod's priority number and preemption policy come from its PriorityClass, the default class, or
 * are 0. */
#include "admission/admission.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/scheduling_v1.h"

struct best_class {
    const struct value *found;
    struct arena *arena;
};

static bool look_for_default(void *arg, const struct value *class)
{
    struct best_class *best = arg;
    if (!value_bool(value_at(class, scheduling_v1_PriorityClass_globalDefault)))
        return true;
    /* Of several default classes the one with the lowest value counts, so that nothing rises by accident. */
    if (!best->found || value_int(value_at(class, scheduling_v1_PriorityClass_value), 0) <
                            value_int(value_at(best->found, scheduling_v1_PriorityClass_value), 0)) {
        struct value *copy = arena_alloc(best->arena, sizeof *copy);
        *copy = *class;
        best->found = copy;
    }
    return true;
}

static bool mutate(struct admission_request *req, struct error *err)
{
    if (req->subresource.len)
        return true;
    const struct schema_resource *classes =
        schema_find_resource(SLICE("scheduling.k8s.io"), SLICE("v1"), SLICE("priorityclasses"));
    struct value *spec = value_ensure_record(req->arena, req->object, core_v1_Pod_spec), class = value_absent;
    struct value *name = value_mut(spec, core_v1_PodSpec_priorityClassName);
    struct value *priority = value_mut(spec, core_v1_PodSpec_priority);
    struct value *policy = value_mut(spec, core_v1_PodSpec_preemptionPolicy);
    struct slice asked = value_text(name);
    if (asked.len && !req->lookup->get(req->lookup->arg, req->arena, classes, SLICE(""), asked, &class))
        return admission_forbid(req, err, "no PriorityClass with name %.*s was found", SLICE_ARG(asked));
    if (!asked.len) {
        struct best_class best = {.arena = req->arena};
        req->lookup->list(req->lookup->arg, req->arena, classes, SLICE(""), look_for_default, &best);
        if (best.found) {
            class = *best.found;
            *name = *value_path(&class, "metadata.name");
        }
    }
    int64_t n = value_int(value_at(&class, scheduling_v1_PriorityClass_value), 0);
    if (value_is_set(priority) && value_int(priority, 0) != n)
        return admission_forbid(
            req, err,
            "the integer value of priority (%lld) must not be provided in pod spec; priority "
            "admission controller computed %lld from the given PriorityClass name",
            (long long)value_int(priority, 0), (long long)n);
    struct slice class_policy = value_text(value_at(&class, scheduling_v1_PriorityClass_preemptionPolicy));
    struct slice wanted = class_policy.len ? class_policy : SLICE("PreemptLowerPriority");
    if (value_is_set(policy) && !slice_eq(value_text(policy), wanted))
        return admission_forbid(
            req, err,
            "the string value of PreemptionPolicy (%.*s) must not be provided in pod spec; priority "
            "admission controller computed %.*s from the given PriorityClass name",
            SLICE_ARG(value_text(policy)), SLICE_ARG(wanted));
    *priority = value_of_int(n);
    *policy = value_of_string(wanted);
    return true;
}

const struct admission_plugin admission_priority = {
    .name = "Priority",
    .operations = ADMISSION_CREATE,
    .group = "",
    .resource = "pods",
    .mutate = mutate,
    .quick = true,
};

/* The classes that the cluster's own pods run with stay. */
static bool keep_system_classes(struct admission_request *req, struct error *err)
{
    if (slice_is(req->name, "system-node-critical") || slice_is(req->name, "system-cluster-critical"))
        return admission_forbid(req, err, "this is a system priority class and cannot be deleted");
    return true;
}

const struct admission_plugin admission_system_priority_classes = {
    .name = "Priority",
    .operations = ADMISSION_DELETE,
    .group = "scheduling.k8s.io",
    .resource = "priorityclasses",
    .validate = keep_system_classes,
    .quick = true,
};
