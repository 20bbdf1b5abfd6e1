/*
 * RuntimeClass: a pod that names a runtime class takes over its overhead and its scheduling; it cannot have
 * another overhead. Source: KEP-585, KEP-688.
 */
#include "admission/admission.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/node_v1.h"

/* ret: absent when the pod names none. */
static bool class_of(struct admission_request *req, struct value *ret, struct error *err)
{
    const struct schema_resource *classes =
        schema_find_resource(SLICE("node.k8s.io"), SLICE("v1"), SLICE("runtimeclasses"));
    const struct value *name =
        value_at(value_at(req->object, core_v1_Pod_spec), core_v1_PodSpec_runtimeClassName);
    *ret = value_absent;
    if (!value_is_set(name) ||
        req->lookup->get(req->lookup->arg, req->arena, classes, SLICE(""), value_text(name), ret))
        return true;
    return admission_forbid(req, err, "pod rejected: RuntimeClass \"%.*s\" not found",
                            SLICE_ARG(value_text(name)));
}

static bool refuse_overhead(struct admission_request *req, struct error *err)
{
    return admission_forbid(req, err,
                            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
}

static const struct value *overhead_of(const struct value *class)
{
    return value_at(value_at(class, node_v1_RuntimeClass_overhead), node_v1_Overhead_podFixed);
}

static bool merge_selector(struct admission_request *req, struct value *spec, const struct value *more,
                           struct error *err)
{
    struct value *selector = value_mut(spec, core_v1_PodSpec_nodeSelector);
    for (VALUE_EACH_ENTRY(entry, more)) {
        const struct value *own = value_get(selector, entry->key);
        if (value_is_set(own) && !value_equal(own, &entry->value))
            return admission_forbid(req, err,
                                    "conflict: runtimeClass.scheduling.nodeSelector[%.*s] = %.*s; "
                                    "pod.spec.nodeSelector[%.*s] = %.*s",
                                    SLICE_ARG(entry->key), SLICE_ARG(value_text(&entry->value)),
                                    SLICE_ARG(entry->key), SLICE_ARG(value_text(own)));
        *value_put(req->arena, selector, entry->key) = entry->value;
    }
    return true;
}

static void merge_tolerations(struct admission_request *req, struct value *spec, const struct value *more)
{
    struct value *tolerations = value_mut(spec, core_v1_PodSpec_tolerations);
    for (VALUE_EACH(toleration, more)) {
        bool known = false;
        for (VALUE_EACH(own, tolerations))
            known |= value_equal(own, toleration);
        if (!known)
            *value_append(req->arena, tolerations) = *toleration;
    }
}

static bool mutate(struct admission_request *req, struct error *err)
{
    struct value class;
    if (req->subresource.len)
        return true;
    if (!class_of(req, &class, err))
        return false;
    struct value *spec = value_ensure_record(req->arena, req->object, core_v1_Pod_spec);
    struct value *overhead = value_mut(spec, core_v1_PodSpec_overhead);
    if (value_is_set(value_at(&class, node_v1_RuntimeClass_overhead))) {
        if (value_count(overhead) && !value_equal(overhead, overhead_of(&class)))
            return refuse_overhead(req, err);
        *overhead = *overhead_of(&class);
    }
    const struct value *scheduling = value_at(&class, node_v1_RuntimeClass_scheduling);
    if (!merge_selector(req, spec, value_at(scheduling, node_v1_Scheduling_nodeSelector), err))
        return false;
    merge_tolerations(req, spec, value_at(scheduling, node_v1_Scheduling_tolerations));
    return true;
}

static bool validate(struct admission_request *req, struct error *err)
{
    struct value class;
    if (req->subresource.len)
        return true;
    if (!class_of(req, &class, err))
        return false;
    const struct value *overhead =
        value_at(value_at(req->object, core_v1_Pod_spec), core_v1_PodSpec_overhead);
    if (value_is_set(value_at(&class, node_v1_RuntimeClass_overhead)))
        return value_equal(overhead, overhead_of(&class)) || refuse_overhead(req, err);
    return !value_is_set(overhead) ||
           admission_forbid(
               req, err,
               "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
}

const struct admission_plugin admission_runtime_class = {
    .name = "RuntimeClass",
    .operations = ADMISSION_CREATE,
    .group = "",
    .resource = "pods",
    .mutate = mutate,
    .validate = validate,
    .quick = true,
};
