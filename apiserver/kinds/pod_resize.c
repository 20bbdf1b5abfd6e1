#include "apiserver/kinds/pod_parts.h"

/* Of a running pod's containers, cpu and memory may change, and how a change is carried out. */

static bool same_names(struct pod_check *p, const struct path *at, const char *name, const struct value *now,
                       const struct value *old)
{
    size_t before = p->c->count;
    const struct path *list = PATH(at, name);
    if (value_count(now) != value_count(old)) {
        causes_forbidden(p->c, list, "%s may not be added or removed on resize", name);
        return false;
    }
    for (size_t i = 0; i < value_count(now); i++) {
        if (!value_equal(AT(value_item(now, i), Container, name), AT(value_item(old, i), Container, name)))
            causes_forbidden(p->c, PATH(PATH_I(list, i), "name"),
                             "%s may not be renamed or reordered on resize", name);
    }
    return p->c->count == before;
}

static bool lost(const struct value *now, const struct value *old)
{
    for (VALUE_EACH_ENTRY(entry, old)) {
        if (!value_is_set(value_get(now, entry->key)))
            return true;
    }
    return false;
}

static void check_lost(struct pod_check *p, const struct path *at, const struct value *now,
                       const struct value *old)
{
    if (lost(AT(now, ResourceRequirements, requests), AT(old, ResourceRequirements, requests)))
        causes_forbidden(p->c, PATH(at, "requests"), "resource requests cannot be removed");
    if (lost(AT(now, ResourceRequirements, limits), AT(old, ResourceRequirements, limits)))
        causes_forbidden(p->c, PATH(at, "limits"), "resource limits cannot be removed");
}

static void undo_map(struct arena *arena, struct value *map, const struct value *old)
{
    static const char *const names[] = {"cpu", "memory"};
    for (size_t i = 0; i < 2; i++) {
        const struct value *was = value_get(old, slice_str(names[i]));
        if (value_is_set(was))
            *value_put(arena, map, slice_str(names[i])) = *was;
        else if (map->kind == VALUE_MAP)
            value_remove(map, slice_str(names[i]));
    }
    if (!value_count(map))
        *map = value_absent;
}

/* Takes changes of cpu and memory back. */
static void undo(struct arena *arena, struct value *resources, const struct value *old)
{
    if (resources->kind != VALUE_RECORD)
        return;
    undo_map(arena, value_mut(resources, core_v1_ResourceRequirements_requests),
             AT(old, ResourceRequirements, requests));
    undo_map(arena, value_mut(resources, core_v1_ResourceRequirements_limits),
             AT(old, ResourceRequirements, limits));
}

/* The container with its cpu and memory of before. */
static struct value undone(struct arena *arena, const struct value *container, const struct value *old)
{
    struct value copy = value_copy(arena, container, false);
    struct value *resources = value_ensure_record(arena, &copy, core_v1_Container_resources);
    undo(arena, resources, AT(old, Container, resources));
    return copy;
}

static void check_regular(struct pod_check *p, const struct path *at, const struct value *now,
                          const struct value *old)
{
    for (size_t i = 0; i < value_count(old); i++) {
        struct value copy = undone(p->arena, value_item(now, i), value_item(old, i));
        if (!value_equal(&copy, value_item(old, i)))
            causes_forbidden(p->c, at, "only cpu and memory resources are mutable");
    }
}

static void check_init(struct pod_check *p, const struct path *at, const struct value *now,
                       const struct value *old)
{
    for (size_t i = 0; i < value_count(old); i++) {
        const struct value *container = value_item(now, i);
        const struct path *item = PATH_I(PATH(at, "initContainers"), i);
        struct value copy = undone(p->arena, container, value_item(old, i));
        if (!value_equal(&copy, value_item(old, i)))
            causes_forbidden(p->c, item,
                             "only cpu and memory resources for init or sidecar containers are mutable");
        if (is_sidecar(container) || value_equal(container, value_item(old, i)))
            continue;
        for (VALUE_EACH(policy, AT(container, Container, resizePolicy))) {
            if (value_is(AT(policy, ContainerResizePolicy, restartPolicy), "RestartContainer"))
                causes_forbidden(p->c, item, "an init container that is to be restarted cannot be resized");
        }
    }
}

static bool has_any(const struct value *resources)
{
    return value_count(AT(resources, ResourceRequirements, requests)) ||
           value_count(AT(resources, ResourceRequirements, limits));
}

/* Resources of the pod as a whole. */
static void check_whole(struct pod_check *p, const struct path *at, struct value *spec,
                        const struct value *old)
{
    struct value *now = value_mut(spec, core_v1_PodSpec_resources);
    const struct value *was = AT(old, PodSpec, resources);
    if (!has_any(now) && !has_any(was))
        return;
    if (value_is_set(was) && !value_is_set(now)) {
        causes_forbidden(p->c, PATH(at, "resources"), "pod-level resources cannot be removed");
        return;
    }
    check_lost(p, PATH(at, "resources"), now, was);
    undo(p->arena, now, was);
    if (!value_equal(now, was))
        causes_forbidden(p->c, at, "only cpu and memory resources are mutable at pod-level");
    *now = *was;
}

/* A node that cannot resize does not report the resources of running containers. */
static bool node_can_resize(const struct value *old)
{
    for (VALUE_EACH(status, AT(AT(old, Pod, status), PodStatus, containerStatuses))) {
        if (value_is_set(AT(AT(status, ContainerStatus, state), ContainerState, running)))
            return value_is_set(AT(status, ContainerStatus, resources));
    }
    return true;
}

static bool refuse(struct pod_check *p, size_t before, bool when, const char *why)
{
    if (!when)
        return false;
    p->c->count = before; /* nothing else matters */
    causes_forbidden(p->c, WHOLE, "%s", why);
    return true;
}

static void check_spec_of(struct pod_check *p, const struct path *at, struct value *spec,
                          const struct value *old)
{
    const struct value *init = AT(p->spec, PodSpec, initContainers),
                       *old_init = AT(old, PodSpec, initContainers);
    const struct value *now = AT(p->spec, PodSpec, containers), *was = AT(old, PodSpec, containers);
    check_whole(p, at, spec, old);
    bool good = same_names(p, at, "containers", now, was);
    if (!same_names(p, at, "initContainers", init, old_init) || !good)
        return;
    for (size_t i = 0; i < value_count(init); i++)
        check_lost(p, PATH(PATH_I(PATH(at, "initContainers"), i), "resources"),
                   AT(value_item(init, i), Container, resources),
                   AT(value_item(old_init, i), Container, resources));
    for (size_t i = 0; i < value_count(now); i++)
        check_lost(p, PATH(PATH_I(PATH(at, "containers"), i), "resources"),
                   AT(value_item(now, i), Container, resources),
                   AT(value_item(was, i), Container, resources));
    check_regular(p, at, now, was);
    check_init(p, at, init, old_init);
}

void check_pod_resize(struct pod_check *p, const struct value *pod, const struct value *old_pod)
{
    const struct path *at = PATH(NULL, "spec");
    const struct value *old = AT(old_pod, Pod, spec), *meta = AT(old_pod, Pod, metadata);
    struct slice qos = TEXT(AT(old_pod, Pod, status), PodStatus, qosClass);
    size_t before = p->c->count;
    check_pod_object(p, pod);
    if (refuse(p, before, value_is_set(annotation_of(meta, "kubernetes.io/config.mirror")),
               "static pods cannot be resized") ||
        refuse(p, before, value_is(AT(AT(old, PodSpec, os), PodOS, name), "windows"),
               "windows pods cannot be resized"))
        return;
    if (!slice_is(qos.len ? qos : slice_str(pod_qos(old_pod)), pod_qos(pod)))
        causes_invalid_text(p->c, at, TEXT(AT(pod, Pod, status), PodStatus, qosClass),
                            "Pod QOS Class may not change as a result of resizing");
    if (!node_can_resize(old_pod))
        causes_forbidden(p->c, at, "Pod running on node without support for resize");
    struct value spec = value_copy(p->arena, p->spec, false);
    check_spec_of(p, at, &spec, old);
    if (!value_equal(AT(p->spec, PodSpec, volumes), AT(old, PodSpec, volumes)))
        causes_forbidden(p->c, PATH(at, "volumes"), "volumes are immutable on resize");
    if (p->c->count > before)
        return;
    *value_mut(&spec, core_v1_PodSpec_containers) = *AT(old, PodSpec, containers);
    *value_mut(&spec, core_v1_PodSpec_initContainers) = *AT(old, PodSpec, initContainers);
    if (!value_equal(&spec, old))
        causes_forbidden(p->c, at, "only cpu and memory resources are mutable");
}
