/*
 * pod_resources: lists of amounts by resource name, and what a pod asks for in all: the sum of its
 * containers, the largest need of its init containers, sidecars beside them, pod-level amounts over all,
 * overhead on top. Quotas, limit ranges and the scheduler count with the same numbers. Pure; texts and lists
 * live in the arena. Source: KEP-753 (sidecars), KEP-2837 (pod-level resources), KEP-688 (overhead).
 */
#ifndef OPENAPI_POD_RESOURCES_H
#define OPENAPI_POD_RESOURCES_H

#include "openapi/quantity.h"
#include "openapi/value.h"

struct resource_amount {
    struct slice name;
    struct quantity amount;
};

struct resource_list {
    struct arena *arena;
    struct resource_amount *items; /* in the order they came, names once */
    size_t count, capacity;
};

/* NULL if it has none of the name. */
const struct quantity *resource_list_get(const struct resource_list *list, struct slice name);
void resource_list_set(struct resource_list *list, struct slice name, struct quantity amount);
void resource_list_add(struct resource_list *list, struct slice name, struct quantity amount);
/* A map<Quantity> of a tree. */
void resource_list_add_map(struct resource_list *list, const struct value *map);
/* What is larger, of every name of `other`. */
void resource_list_raise(struct resource_list *list, const struct resource_list *other);

/* What a name of a compute resource means. */
bool resource_is_native(struct slice name);    /* of Kubernetes itself: "cpu", "kubernetes.io/x" */
bool resource_is_hugepages(struct slice name); /* "hugepages-2Mi" */
bool resource_is_pod_level(struct slice name); /* cpu, memory, hugepages-* */

enum pod_resources_part { POD_REQUESTS, POD_LIMITS };
/* Of the containers alone, without amounts of the pod and overhead. spec: a core_v1_PodSpec. */
void pod_resources_of_containers(struct resource_list *ret, const struct value *spec,
                                 enum pod_resources_part part);
/* Overhead counts to limits only where there is a limit of that name. */
void pod_resources(struct resource_list *ret, const struct value *spec, enum pod_resources_part part,
                   bool with_overhead);

#endif
