#include "openapi/pod_resources.h"

#include "openapi/gen/core_v1.h"

static struct resource_amount *find(const struct resource_list *list, struct slice name)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_eq(list->items[i].name, name))
            return &list->items[i];
    return NULL;
}

const struct quantity *resource_list_get(const struct resource_list *list, struct slice name)
{
    struct resource_amount *found = find(list, name);
    return found ? &found->amount : NULL;
}

void resource_list_set(struct resource_list *list, struct slice name, struct quantity amount)
{
    struct resource_amount *found = find(list, name);
    if (!found) {
        found = arena_push(list->arena, &list->items, &list->count, &list->capacity, sizeof *found);
        found->name = name;
    }
    found->amount = amount;
}

void resource_list_add(struct resource_list *list, struct slice name, struct quantity amount)
{
    struct resource_amount *found = find(list, name);
    if (found)
        quantity_add(&found->amount, &amount);
    else
        resource_list_set(list, name, amount);
}

void resource_list_add_map(struct resource_list *list, const struct value *map)
{
    for (VALUE_EACH_ENTRY(entry, map))
        resource_list_add(list, entry->key, quantity_of(value_text(&entry->value)));
}

void resource_list_raise(struct resource_list *list, const struct resource_list *other)
{
    for (size_t i = 0; i < other->count; i++) {
        const struct quantity *own = resource_list_get(list, other->items[i].name);
        if (!own || quantity_cmp(&other->items[i].amount, own) > 0)
            resource_list_set(list, other->items[i].name, other->items[i].amount);
    }
}

static const struct value *amounts_of(const struct value *resources, enum pod_resources_part part)
{
    return value_at(resources, part == POD_REQUESTS ? core_v1_ResourceRequirements_requests
                                                    : core_v1_ResourceRequirements_limits);
}

/* An init container runs while the sidecars before it run; a sidecar goes on with the ordinary containers. */
static void count_init(struct resource_list *total, const struct value *containers,
                       enum pod_resources_part part)
{
    struct resource_list sidecars = {.arena = total->arena}, most = {.arena = total->arena};
    for (VALUE_EACH(container, containers)) {
        const struct value *own = amounts_of(value_at(container, core_v1_Container_resources), part);
        if (value_is(value_at(container, core_v1_Container_restartPolicy), "Always")) {
            resource_list_add_map(total, own);
            resource_list_add_map(&sidecars, own);
            resource_list_raise(&most, &sidecars);
        } else {
            struct resource_list together = {.arena = total->arena};
            resource_list_add_map(&together, own);
            for (size_t i = 0; i < sidecars.count; i++)
                resource_list_add(&together, sidecars.items[i].name, sidecars.items[i].amount);
            resource_list_raise(&most, &together);
        }
    }
    resource_list_raise(total, &most);
}

static bool contains(struct slice s, struct slice part)
{
    return s.len >= part.len && memmem(s.ptr, s.len, part.ptr, part.len);
}

bool resource_is_native(struct slice name)
{
    return slice_find(name, '/') < 0 || contains(name, SLICE("kubernetes.io/"));
}

bool resource_is_hugepages(struct slice name)
{
    return slice_starts(name, SLICE("hugepages-"));
}

bool resource_is_pod_level(struct slice name)
{
    return slice_is(name, "cpu") || slice_is(name, "memory") || resource_is_hugepages(name);
}

void pod_resources_of_containers(struct resource_list *ret, const struct value *spec,
                                 enum pod_resources_part part)
{
    for (VALUE_EACH(container, value_at(spec, core_v1_PodSpec_containers)))
        resource_list_add_map(ret, amounts_of(value_at(container, core_v1_Container_resources), part));
    count_init(ret, value_at(spec, core_v1_PodSpec_initContainers), part);
}

void pod_resources(struct resource_list *ret, const struct value *spec, enum pod_resources_part part,
                   bool with_overhead)
{
    pod_resources_of_containers(ret, spec, part);
    for (VALUE_EACH_ENTRY(entry, amounts_of(value_at(spec, core_v1_PodSpec_resources), part)))
        if (resource_is_pod_level(entry->key))
            resource_list_set(ret, entry->key, quantity_of(value_text(&entry->value)));
    for (VALUE_EACH_ENTRY(entry, value_at(spec, core_v1_PodSpec_overhead))) {
        bool counts = with_overhead && (part == POD_REQUESTS || find(ret, entry->key));
        if (counts)
            resource_list_add(ret, entry->key, quantity_of(value_text(&entry->value)));
    }
}
