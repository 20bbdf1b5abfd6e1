#include "openapi/quota_usage.h"

#include "base/clock.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/gen/resource_v1.h"

#define CLASS_OF_STORAGE ".storageclass.storage.k8s.io/"
#define CLASS_OF_DEVICES ".deviceclass.resource.k8s.io/devices"
#define DEVICE_REQUESTS  "requests.deviceclass.resource.kubernetes.io/"
enum { MAX_DEVICES = 32 }; /* the most that one claim may get, for requests of all devices */

/* How one resource is counted; resources without a row count as objects only. */
struct counter {
    const char *group, *resource;
    const char *alias; /* an older name of the count of objects */
    void (*usage)(struct resource_list *ret, const struct value *object, int64_t now);
    bool (*counts)(struct slice name); /* names beside the counts */
    bool (*scope)(struct arena *arena, const struct value *requirement, const struct value *object);
};

static void add_int(struct resource_list *list, struct slice name, int64_t n)
{
    resource_list_add(list, name, quantity_of_int(n, QUANTITY_DECIMAL_SI));
}

/* ---- scopes: `name operator values`, where an object has some values of that name ---- */

static bool requirement_holds(const struct value *requirement, const struct slice *own, size_t count)
{
    const struct value *values = value_at(requirement, core_v1_ScopedResourceSelectorRequirement_values);
    struct slice op = value_text(value_at(requirement, core_v1_ScopedResourceSelectorRequirement_operator));
    bool in = false;
    if (slice_is(op, "Exists"))
        return count > 0;
    if (slice_is(op, "DoesNotExist"))
        return count == 0;
    for (VALUE_EACH(value, values))
        for (size_t i = 0; i < count; i++)
            in |= slice_eq(value_text(value), own[i]);
    return slice_is(op, "NotIn") ? !in : in;
}

/* ---- pods ---- */

bool quota_pod_is_terminating(const struct value *pod)
{
    const struct value *deadline =
        value_at(value_at(pod, core_v1_Pod_spec), core_v1_PodSpec_activeDeadlineSeconds);
    return value_is_set(deadline) && value_int(deadline, -1) >= 0;
}

static bool has_ended(const struct value *pod, int64_t now)
{
    const struct value *phase = value_at(value_at(pod, core_v1_Pod_status), core_v1_PodStatus_phase);
    const struct value *metadata = value_at(pod, core_v1_Pod_metadata);
    const struct value *grace = value_at(metadata, meta_v1_ObjectMeta_deletionGracePeriodSeconds);
    struct slice deleted = value_text(value_at(metadata, meta_v1_ObjectMeta_deletionTimestamp));
    if (value_is(phase, "Failed") || value_is(phase, "Succeeded"))
        return true;
    if (!deleted.len || !value_is_set(grace))
        return false;
    char text[CLOCK_TEXT]; /* RFC 3339 in UTC sorts as text */
    return slice_cmp(deleted, clock_format_seconds(now - value_int(grace, 0), text)) < 0;
}

static const char *const basic[] = {"cpu", "memory", "ephemeral-storage"};

void quota_add_compute(struct resource_list *ret, const struct resource_list *requests,
                       const struct resource_list *limits)
{
    for (size_t i = 0; i < sizeof basic / sizeof *basic; i++) {
        struct slice name = slice_str(basic[i]);
        const struct quantity *request = resource_list_get(requests, name),
                              *limit = resource_list_get(limits, name);
        if (request) {
            resource_list_add(ret, name, *request);
            resource_list_add(ret, arena_slicef(ret->arena, "requests.%s", basic[i]), *request);
        }
        if (limit)
            resource_list_add(ret, arena_slicef(ret->arena, "limits.%s", basic[i]), *limit);
    }
    for (size_t i = 0; i < requests->count; i++) {
        struct slice name = requests->items[i].name;
        bool huge = resource_is_hugepages(name);
        if (huge)
            resource_list_add(ret, name, requests->items[i].amount);
        if (huge || !resource_is_native(name) ||
            slice_starts(name, SLICE("deviceclass.resource.kubernetes.io/")))
            resource_list_add(ret, arena_slicef(ret->arena, "requests.%.*s", SLICE_ARG(name)),
                              requests->items[i].amount);
    }
}

static void pod_usage(struct resource_list *ret, const struct value *pod, int64_t now)
{
    struct resource_list requests = {.arena = ret->arena}, limits = {.arena = ret->arena};
    if (has_ended(pod, now))
        return;
    pod_resources(&requests, value_at(pod, core_v1_Pod_spec), POD_REQUESTS, true);
    pod_resources(&limits, value_at(pod, core_v1_Pod_spec), POD_LIMITS, true);
    add_int(ret, SLICE("pods"), 1);
    quota_add_compute(ret, &requests, &limits);
}

static bool pod_counts(struct slice name)
{
    struct slice plain = name;
    if (slice_starts(name, SLICE("requests.")))
        plain = slice_from(name, strlen("requests."));
    else if (slice_starts(name, SLICE("limits.")))
        plain = slice_from(name, strlen("limits."));
    for (size_t i = 0; i < sizeof basic / sizeof *basic; i++)
        if (slice_is(plain, basic[i]))
            return true;
    return slice_is(name, "pods") || resource_is_hugepages(name) ||
           slice_starts(name, SLICE("requests.hugepages-")) || slice_starts(name, SLICE(DEVICE_REQUESTS)) ||
           (slice_starts(name, SLICE("requests.")) && !resource_is_native(name));
}

static bool crosses_namespaces(const struct value *terms, bool weighted)
{
    for (VALUE_EACH(item, terms)) {
        const struct value *term =
            weighted ? value_at(item, core_v1_WeightedPodAffinityTerm_podAffinityTerm) : item;
        if (value_count(value_at(term, core_v1_PodAffinityTerm_namespaces)) ||
            value_is_set(value_at(term, core_v1_PodAffinityTerm_namespaceSelector)))
            return true;
    }
    return false;
}

static bool uses_cross_namespace_affinity(const struct value *pod)
{
    static const char *const fields[] = {"podAffinity", "podAntiAffinity"};
    const struct value *affinity = value_at(value_at(pod, core_v1_Pod_spec), core_v1_PodSpec_affinity);
    for (size_t i = 0; i < 2; i++) {
        const struct value *side = value_get(affinity, slice_str(fields[i]));
        if (crosses_namespaces(value_get(side, SLICE("requiredDuringSchedulingIgnoredDuringExecution")),
                               false) ||
            crosses_namespaces(value_get(side, SLICE("preferredDuringSchedulingIgnoredDuringExecution")),
                               true))
            return true;
    }
    return false;
}

/* No container asks for cpu or memory, nor does the pod. */
static bool is_best_effort(struct arena *arena, const struct value *pod)
{
    for (int part = POD_REQUESTS; part <= POD_LIMITS; part++) {
        struct resource_list list = {.arena = arena};
        pod_resources(&list, value_at(pod, core_v1_Pod_spec), part, false);
        for (size_t i = 0; i < list.count; i++)
            if ((slice_is(list.items[i].name, "cpu") || slice_is(list.items[i].name, "memory")) &&
                quantity_sign(&list.items[i].amount) > 0)
                return false;
    }
    return true;
}

static bool pod_scope(struct arena *arena, const struct value *requirement, const struct value *pod)
{
    struct slice scope =
        value_text(value_at(requirement, core_v1_ScopedResourceSelectorRequirement_scopeName));
    struct slice class =
        value_text(value_at(value_at(pod, core_v1_Pod_spec), core_v1_PodSpec_priorityClassName));
    if (slice_is(scope, "Terminating"))
        return quota_pod_is_terminating(pod);
    if (slice_is(scope, "NotTerminating"))
        return !quota_pod_is_terminating(pod);
    if (slice_is(scope, "BestEffort"))
        return is_best_effort(arena, pod);
    if (slice_is(scope, "NotBestEffort"))
        return !is_best_effort(arena, pod);
    if (slice_is(scope, "PriorityClass"))
        return requirement_holds(requirement, &class, class.len ? 1 : 0);
    return slice_is(scope, "CrossNamespacePodAffinity") && uses_cross_namespace_affinity(pod);
}

/* ---- services ---- */

static void service_usage(struct resource_list *ret, const struct value *service, int64_t now)
{
    (void)now;
    const struct value *spec = value_at(service, core_v1_Service_spec),
                       *ports = value_at(spec, core_v1_ServiceSpec_ports);
    const struct value *allocate = value_at(spec, core_v1_ServiceSpec_allocateLoadBalancerNodePorts);
    bool balanced = value_is(value_at(spec, core_v1_ServiceSpec_type), "LoadBalancer");
    int64_t node_ports = 0;
    if (balanced && value_is_set(allocate) && !value_bool(allocate)) {
        for (VALUE_EACH(port, ports))
            node_ports += value_int(value_at(port, core_v1_ServicePort_nodePort), 0) != 0;
    } else if (balanced || value_is(value_at(spec, core_v1_ServiceSpec_type), "NodePort")) {
        node_ports = (int64_t)value_count(ports);
    }
    add_int(ret, SLICE("services.loadbalancers"), balanced);
    add_int(ret, SLICE("services.nodeports"), node_ports);
}

static bool service_counts(struct slice name)
{
    return slice_is(name, "services.loadbalancers") || slice_is(name, "services.nodeports");
}

/* ---- claims of volumes ---- */

struct slice quota_storage_class(const struct value *claim)
{
    const struct value *annotations =
        value_at(value_at(claim, core_v1_PersistentVolumeClaim_metadata), meta_v1_ObjectMeta_annotations);
    const struct value *beta = value_get(annotations, SLICE("volume.beta.kubernetes.io/storage-class"));
    return value_text(value_is_set(beta) ? beta
                                         : value_at(value_at(claim, core_v1_PersistentVolumeClaim_spec),
                                                    core_v1_PersistentVolumeClaimSpec_storageClassName));
}

/* Bytes are whole; what was allocated already counts where it is more than what is asked for. */
static bool storage_of(const struct value *claim, struct quantity *ret)
{
    const struct value *requests = value_at(value_at(value_at(claim, core_v1_PersistentVolumeClaim_spec),
                                                     core_v1_PersistentVolumeClaimSpec_resources),
                                            core_v1_VolumeResourceRequirements_requests);
    const struct value *allocated = value_at(value_at(claim, core_v1_PersistentVolumeClaim_status),
                                             core_v1_PersistentVolumeClaimStatus_allocatedResources);
    const struct value *asked = value_get(requests, SLICE("storage")),
                       *has = value_get(allocated, SLICE("storage"));
    if (!value_is_set(asked))
        return false;
    *ret = quantity_of(value_text(asked));
    struct quantity more = quantity_of(value_text(has));
    if (quantity_cmp(&more, ret) > 0)
        *ret = more;
    if (ret->scale < 0)
        *ret = quantity_of_int(quantity_int(ret), ret->format);
    return true;
}

static void claim_usage(struct resource_list *ret, const struct value *claim, int64_t now)
{
    (void)now;
    struct slice class = quota_storage_class(claim);
    struct quantity storage;
    bool asks = storage_of(claim, &storage);
    if (asks)
        resource_list_add(ret, SLICE("requests.storage"), storage);
    if (!class.len)
        return;
    add_int(ret, arena_slicef(ret->arena, "%.*s" CLASS_OF_STORAGE "persistentvolumeclaims", SLICE_ARG(class)),
            1);
    if (asks)
        resource_list_add(
            ret, arena_slicef(ret->arena, "%.*s" CLASS_OF_STORAGE "requests.storage", SLICE_ARG(class)),
            storage);
}

static bool claim_counts(struct slice name)
{
    return slice_is(name, "requests.storage") ||
           slice_ends(name, SLICE(CLASS_OF_STORAGE "persistentvolumeclaims")) ||
           slice_ends(name, SLICE(CLASS_OF_STORAGE "requests.storage"));
}

static bool claim_scope(struct arena *arena, const struct value *requirement, const struct value *claim)
{
    (void)arena;
    const struct value *status = value_at(claim, core_v1_PersistentVolumeClaim_status);
    struct slice all[] = {
        value_text(value_path(claim, "spec.volumeAttributesClassName")),
        value_text(value_at(status, core_v1_PersistentVolumeClaimStatus_currentVolumeAttributesClassName)),
        value_text(value_path(status, "modifyVolumeStatus.targetVolumeAttributesClassName")),
    };
    size_t count = 0;
    for (size_t i = 0; i < 3; i++)
        if (all[i].len)
            all[count++] = all[i];
    return value_is(value_at(requirement, core_v1_ScopedResourceSelectorRequirement_scopeName),
                    "VolumeAttributesClass") &&
           requirement_holds(requirement, all, count);
}

/* ---- claims of devices ---- */

static int64_t devices_of(const struct value *request)
{
    struct slice mode = value_text(value_get(request, SLICE("allocationMode")));
    return slice_is(mode, "All")          ? MAX_DEVICES
           : slice_is(mode, "ExactCount") ? value_int(value_get(request, SLICE("count")), 0)
                                          : 0;
}

static struct slice device_name(struct arena *arena, const struct value *request)
{
    return arena_slicef(arena, "%.*s" CLASS_OF_DEVICES,
                        SLICE_ARG(value_text(value_get(request, SLICE("deviceClassName")))));
}

static void device_usage(struct resource_list *ret, const struct value *claim, int64_t now)
{
    (void)now;
    const struct value *devices = value_path(claim, "spec.devices.requests");
    for (VALUE_EACH(request, devices)) {
        const struct value *exactly = value_at(request, resource_v1_DeviceRequest_exactly);
        struct resource_list most = {.arena = ret->arena}; /* of alternatives, the worst case of each class */
        for (VALUE_EACH(alternative, value_at(request, resource_v1_DeviceRequest_firstAvailable))) {
            struct resource_list one = {.arena = ret->arena};
            add_int(&one, device_name(ret->arena, alternative), devices_of(alternative));
            resource_list_raise(&most, &one);
        }
        for (size_t i = 0; i < most.count; i++)
            resource_list_add(ret, most.items[i].name, most.items[i].amount);
        if (!most.count && value_is_set(exactly))
            add_int(ret, device_name(ret->arena, exactly), devices_of(exactly));
    }
}

static bool device_counts(struct slice name)
{
    return slice_ends(name, SLICE(CLASS_OF_DEVICES));
}

/* ---- all ---- */

static const struct counter counters[] = {
    {"", "pods", NULL, pod_usage, pod_counts, pod_scope},
    {"", "services", "services", service_usage, service_counts, NULL},
    {"", "persistentvolumeclaims", "persistentvolumeclaims", claim_usage, claim_counts, claim_scope},
    {"", "configmaps", "configmaps", NULL, NULL, NULL},
    {"", "secrets", "secrets", NULL, NULL, NULL},
    {"", "resourcequotas", "resourcequotas", NULL, NULL, NULL},
    {"", "replicationcontrollers", "replicationcontrollers", NULL, NULL, NULL},
    {"resource.k8s.io", "resourceclaims", NULL, device_usage, device_counts, NULL},
};

static const struct counter *counter_of(const struct schema_resource *resource)
{
    static const struct counter plain = {0};
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        if (strcmp(counters[i].resource, resource->name) == 0 &&
            strcmp(counters[i].group, resource->group) == 0)
            return &counters[i];
    return &plain;
}

/* "count/pods", "count/deployments.apps" */
static bool is_object_count(const struct schema_resource *resource, struct slice name)
{
    size_t len = strlen(resource->name);
    struct slice rest = slice_from(name, strlen("count/"));
    if (!slice_starts(name, SLICE("count/")) || !slice_starts(rest, slice_str(resource->name)))
        return false;
    rest = slice_from(rest, len);
    return *resource->group ? rest.len && *rest.ptr == '.' && slice_is(slice_from(rest, 1), resource->group)
                            : !rest.len;
}

void quota_usage(struct resource_list *ret, const struct schema_resource *resource,
                 const struct value *object, int64_t now)
{
    const struct counter *counter = counter_of(resource);
    add_int(ret,
            arena_slicef(ret->arena, "count/%s%s%s", resource->name, *resource->group ? "." : "",
                         resource->group),
            1);
    if (counter->alias)
        add_int(ret, slice_str(counter->alias), 1);
    if (counter->usage)
        counter->usage(ret, object, now);
}

bool quota_counts(const struct schema_resource *resource, struct slice name)
{
    const struct counter *counter = counter_of(resource);
    return is_object_count(resource, name) || (counter->alias && slice_is(name, counter->alias)) ||
           (counter->counts && counter->counts(name));
}

/* Scopes of the plain form mean that they exist. */
static struct value requirement_of(struct arena *arena, const struct value *scope)
{
    struct value requirement = value_new_record(arena, &core_v1_ScopedResourceSelectorRequirement);
    *value_mut(&requirement, core_v1_ScopedResourceSelectorRequirement_scopeName) = *scope;
    *value_mut(&requirement, core_v1_ScopedResourceSelectorRequirement_operator) = value_of_cstr("Exists");
    return requirement;
}

bool quota_scopes_match(struct arena *arena, const struct value *quota,
                        const struct schema_resource *resource, const struct value *object)
{
    const struct value *spec = value_at(quota, core_v1_ResourceQuota_spec);
    const struct value *selector = value_at(spec, core_v1_ResourceQuotaSpec_scopeSelector);
    const struct counter *counter = counter_of(resource);
    for (VALUE_EACH(scope, value_at(spec, core_v1_ResourceQuotaSpec_scopes))) {
        struct value requirement = requirement_of(arena, scope);
        if (!counter->scope || !counter->scope(arena, &requirement, object))
            return false;
    }
    for (VALUE_EACH(requirement, value_at(selector, core_v1_ScopeSelector_matchExpressions)))
        if (!counter->scope || !counter->scope(arena, requirement, object))
            return false;
    return true;
}
