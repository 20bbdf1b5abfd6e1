#include "apiserver/kinds/pod_parts.h"

/* Sums over a pod's containers, resources of the pod as a whole, and the class of service that follows from
 * both. */

static const struct value *list_of(const struct value *container, bool limits)
{
    const struct value *resources = AT(container, Container, resources);
    return limits ? AT(resources, ResourceRequirements, limits)
                  : AT(resources, ResourceRequirements, requests);
}

static void put_quantity(struct arena *arena, struct value *map, struct slice name, const struct quantity *q)
{
    char text[QUANTITY_TEXT];
    *value_put(arena, map, name) = value_of_string(arena_dup(arena, quantity_print(q, text)));
}

/* The sums of what runs at once, as a map of quantities. */
struct value aggregate_resources(struct arena *arena, const struct value *spec, bool limits)
{
    struct resource_list sums = {.arena = arena};
    struct value result = value_absent;
    pod_resources_of_containers(&sums, spec, limits ? POD_LIMITS : POD_REQUESTS);
    for (size_t i = 0; i < sums.count; i++)
        put_quantity(arena, &result, sums.items[i].name, &sums.items[i].amount);
    return result;
}

/* ---- the class of service ---- */

enum qos { QOS_NONE, QOS_BEST_EFFORT, QOS_BURSTABLE, QOS_GUARANTEED };

static enum qos qos_of_resource(const struct value *requests, const struct value *limits, struct slice name)
{
    struct quantity asked = quantity_of(value_text(value_get(requests, name)));
    struct quantity most = quantity_of(value_text(value_get(limits, name)));
    if (quantity_cmp(&asked, &most) != 0)
        return QOS_BURSTABLE;
    return quantity_sign(&asked) == 0 ? QOS_BEST_EFFORT : QOS_GUARANTEED;
}

static enum qos qos_of(const struct value *resources)
{
    const struct value *requests = AT(resources, ResourceRequirements, requests);
    const struct value *limits = AT(resources, ResourceRequirements, limits);
    enum qos cpu = qos_of_resource(requests, limits, SLICE("cpu"));
    enum qos memory = qos_of_resource(requests, limits, SLICE("memory"));
    if (!value_count(requests) && !value_count(limits))
        return QOS_BEST_EFFORT;
    return cpu == memory ? cpu : QOS_BURSTABLE;
}

static bool has_pod_level(const struct value *resources)
{
    for (VALUE_EACH_ENTRY(request, AT(resources, ResourceRequirements, requests))) {
        if (resource_is_pod_level(request->key))
            return true;
    }
    for (VALUE_EACH_ENTRY(limit, AT(resources, ResourceRequirements, limits))) {
        if (resource_is_pod_level(limit->key))
            return true;
    }
    return false;
}

static enum qos join_qos(enum qos sum, const struct value *containers)
{
    for (VALUE_EACH(container, containers)) {
        enum qos own = qos_of(AT(container, Container, resources));
        sum = sum == QOS_NONE || sum == own ? own : QOS_BURSTABLE;
    }
    return sum;
}

const char *pod_qos(const struct value *pod)
{
    static const char *const names[] = {"BestEffort", "BestEffort", "Burstable", "Guaranteed"};
    const struct value *spec = AT(pod, Pod, spec), *whole = AT(spec, PodSpec, resources);
    if (has_pod_level(whole))
        return names[qos_of(whole)];
    return names[join_qos(join_qos(QOS_NONE, AT(spec, PodSpec, initContainers)),
                          AT(spec, PodSpec, containers))];
}

/* ---- resources of the pod as a whole ---- */

static void default_hugepage_limits(struct arena *arena, struct value *resources, const struct value *sums)
{
    for (VALUE_EACH_ENTRY(sum, sums)) {
        struct value *limits = value_mut(resources, core_v1_ResourceRequirements_limits);
        if (resource_is_hugepages(sum->key) && !value_is_set(value_get(limits, sum->key)) &&
            !value_is_set(value_get(AT(resources, ResourceRequirements, requests), sum->key)))
            *value_put(arena, limits, sum->key) = sum->value;
    }
}

static void default_requests(struct arena *arena, struct value *resources, const struct value *sums)
{
    struct value *requests = value_mut(resources, core_v1_ResourceRequirements_requests);
    for (VALUE_EACH_ENTRY(sum, sums)) {
        if ((slice_is(sum->key, "cpu") || slice_is(sum->key, "memory")) &&
            !value_is_set(value_get(requests, sum->key)))
            *value_put(arena, requests, sum->key) = sum->value;
    }
    for (VALUE_EACH_ENTRY(limit, AT(resources, ResourceRequirements, limits))) {
        if (resource_is_pod_level(limit->key) && !value_is_set(value_get(requests, limit->key)))
            *value_put(arena, requests, limit->key) = limit->value;
    }
}

static bool all_have_limit(const struct value *containers, struct slice name)
{
    for (VALUE_EACH(container, containers)) {
        if (!value_is_set(value_get(list_of(container, true), name)))
            return false;
    }
    return true;
}

static void default_limits(struct arena *arena, struct value *resources, const struct value *spec,
                           const struct value *sums)
{
    struct value *limits = value_mut(resources, core_v1_ResourceRequirements_limits);
    for (VALUE_EACH_ENTRY(request, AT(resources, ResourceRequirements, requests))) {
        const struct value *sum = value_get(sums, request->key);
        struct quantity asked = quantity_of(value_text(&request->value)), most = quantity_of(value_text(sum));
        if (!resource_is_pod_level(request->key) || value_is_set(value_get(limits, request->key)) ||
            !value_is_set(sum) || !all_have_limit(AT(spec, PodSpec, initContainers), request->key) ||
            !all_have_limit(AT(spec, PodSpec, containers), request->key) ||
            value_count(AT(spec, PodSpec, ephemeralContainers)))
            continue;
        *value_put(arena, limits, request->key) = quantity_cmp(&asked, &most) > 0 ? request->value : *sum;
    }
}

void default_pod_level_resources(struct arena *arena, struct value *pod)
{
    struct value *spec = value_mut(pod, core_v1_Pod_spec);
    if (spec->kind != VALUE_RECORD)
        return;
    struct value *resources = value_mut(spec, core_v1_PodSpec_resources);
    if (!value_count(AT(resources, ResourceRequirements, requests)) &&
        !value_count(AT(resources, ResourceRequirements, limits)))
        return;
    struct value requests = aggregate_resources(arena, spec, false),
                 limits = aggregate_resources(arena, spec, true);
    default_hugepage_limits(arena, resources, &limits);
    default_requests(arena, resources, &requests);
    default_limits(arena, resources, spec, &limits);
}

static void check_sums(struct pod_check *p, const struct path *at, const struct value *resources)
{
    const struct value *requests = AT(resources, ResourceRequirements, requests);
    const struct value *limits = AT(resources, ResourceRequirements, limits);
    struct value asked = aggregate_resources(p->arena, p->spec, false),
                 most = aggregate_resources(p->arena, p->spec, true);
    for (VALUE_EACH_ENTRY(sum, &asked)) {
        const struct value *whole = value_get(requests, sum->key);
        struct quantity a = quantity_of(value_text(&sum->value)), b = quantity_of(value_text(whole));
        if (value_is_set(whole) && quantity_cmp(&a, &b) > 0)
            causes_invalid_text(p->c, PATH_K(PATH(at, "requests"), sum->key), value_text(whole),
                                "must be greater than or equal to aggregate container requests of %.*s",
                                SLICE_ARG(value_text(&sum->value)));
    }
    for (VALUE_EACH_ENTRY(huge, &most)) {
        const struct value *whole = value_get(limits, huge->key);
        struct quantity a = quantity_of(value_text(&huge->value)), b = quantity_of(value_text(whole));
        if (resource_is_hugepages(huge->key) && value_is_set(whole) && quantity_cmp(&a, &b) > 0)
            causes_invalid_text(p->c, PATH_K(PATH(at, "limits"), huge->key), value_text(whole),
                                "must be greater than or equal to aggregate container limits of %.*s",
                                SLICE_ARG(value_text(&huge->value)));
    }
}

static void check_container_limits(struct pod_check *p, const struct path *at, const struct value *limits)
{
    const struct value *containers = AT(p->spec, PodSpec, containers);
    for (size_t i = 0; i < value_count(containers); i++) {
        for (VALUE_EACH_ENTRY(limit, list_of(value_item(containers, i), true))) {
            const struct value *whole = value_get(limits, limit->key);
            struct quantity a = quantity_of(value_text(&limit->value)), b = quantity_of(value_text(whole));
            if (value_is_set(whole) && quantity_cmp(&a, &b) > 0)
                causes_invalid_text(
                    p->c, PATH(PATH_K(PATH_I(PATH(at, "containers"), i), limit->key), "limits"),
                    value_text(&limit->value), "must be less than or equal to pod limits of %.*s",
                    SLICE_ARG(value_text(whole)));
        }
    }
}

void check_pod_level_resources(struct pod_check *p, const struct path *spec_at)
{
    const struct value *resources = AT(p->spec, PodSpec, resources);
    const struct path *at = PATH(spec_at, "resources");
    struct resource_rules rules = {check_pod_resource_name, p->any_hugepages};
    if (!value_is_set(resources))
        return;
    if (value_is(AT(AT(p->spec, PodSpec, os), PodOS, name), "windows")) {
        causes_forbidden(p->c, at, "may not be set for a windows pod");
        return;
    }
    if (value_is_set(AT(resources, ResourceRequirements, claims)))
        causes_forbidden(p->c, PATH(at, "claims"), "a pod as a whole has no claims");
    check_requests_and_limits(p->c, at, AT(resources, ResourceRequirements, requests),
                              AT(resources, ResourceRequirements, limits), &rules);
    check_sums(p, at, resources);
    check_container_limits(p, at, AT(resources, ResourceRequirements, limits));
}
