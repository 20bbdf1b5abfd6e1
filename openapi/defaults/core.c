#include "openapi/default.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/hooks.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/scalar.h"

/* ---- services ---- */

static void default_affinity(struct value *spec, struct arena *arena)
{
    enum { THREE_HOURS = 10800 };
    const struct value *affinity = value_at(spec, core_v1_ServiceSpec_sessionAffinity);
    struct value *config = value_mut(spec, core_v1_ServiceSpec_sessionAffinityConfig);
    if (value_is(affinity, "None"))
        *config = value_absent;
    if (!value_is(affinity, "ClientIP") || value_is_set(value_path(config, "clientIP.timeoutSeconds")))
        return;
    *config = value_new_record(arena, &core_v1_SessionAffinityConfig);
    struct value *client_ip = value_ensure_record(arena, config, core_v1_SessionAffinityConfig_clientIP);
    default_int(client_ip, core_v1_ClientIPConfig_timeoutSeconds, THREE_HOURS);
}

static void default_ports(struct value *ports)
{
    for (size_t i = 0; i < value_count(ports); i++) {
        struct value *port = &ports->list->items[i];
        struct value *target = value_mut(port, core_v1_ServicePort_targetPort);
        bool unset = target->kind == VALUE_STRING ? target->len == 0 : value_int(target, 0) == 0;
        if (unset)
            *target = *value_at(port, core_v1_ServicePort_port);
    }
}

void default_hook_core_v1_Service(struct value *record, struct arena *arena)
{
    struct value *spec = value_ensure_record(arena, record, core_v1_Service_spec);
    /* The static defaults of the spec come after this; the type is looked at here. */
    default_text(spec, core_v1_ServiceSpec_sessionAffinity, "None");
    default_text(spec, core_v1_ServiceSpec_type, "ClusterIP");
    default_affinity(spec, arena);
    default_ports(value_mut(spec, core_v1_ServiceSpec_ports));
    const struct value *type = value_at(spec, core_v1_ServiceSpec_type);
    bool balanced = value_is(type, "LoadBalancer"), node_port = value_is(type, "NodePort");
    bool cluster_ip = value_is(type, "ClusterIP");
    bool outside = balanced || node_port ||
                   (cluster_ip && value_count(value_at(spec, core_v1_ServiceSpec_externalIPs)) > 0);
    if (outside)
        default_text(spec, core_v1_ServiceSpec_externalTrafficPolicy, "Cluster");
    if (balanced || node_port || cluster_ip)
        default_text(spec, core_v1_ServiceSpec_internalTrafficPolicy, "Cluster");
    if (!balanced)
        return;
    default_bool(spec, core_v1_ServiceSpec_allocateLoadBalancerNodePorts, true);
    struct value *ingress = (struct value *)value_path(record, "status.loadBalancer.ingress");
    for (size_t i = 0; i < value_count(ingress); i++) {
        struct value *item = &ingress->list->items[i];
        if (value_is_set(value_at(item, core_v1_LoadBalancerIngress_ip)))
            default_text(item, core_v1_LoadBalancerIngress_ipMode, "VIP");
    }
}

/* ---- controllers ---- */

void default_hook_core_v1_ReplicationController(struct value *record, struct arena *arena)
{
    const struct value *labels = value_path(record, "spec.template.metadata.labels");
    if (!value_is_set(labels))
        return;
    struct value *selector = value_mut(value_mut(record, core_v1_ReplicationController_spec),
                                       core_v1_ReplicationControllerSpec_selector);
    if (!value_is_set(selector))
        *selector = value_copy(arena, labels, false);
    struct value *metadata = value_ensure_record(arena, record, core_v1_ReplicationController_metadata);
    if (!value_is_set(value_at(metadata, meta_v1_ObjectMeta_labels)))
        *value_mut(metadata, meta_v1_ObjectMeta_labels) = value_copy(arena, labels, false);
}

/* ---- cluster ---- */

void default_hook_core_v1_Namespace(struct value *record, struct arena *arena)
{
    const struct value *name = value_path(record, "metadata.name");
    if (!value_is_set(name))
        return;
    struct value *metadata = value_mut(record, core_v1_Namespace_metadata);
    *value_put(arena, value_mut(metadata, meta_v1_ObjectMeta_labels), SLICE("kubernetes.io/metadata.name")) =
        *name;
}

/* One address range under two names: the first of the list is the single one, which wins. */
void default_hook_core_v1_NodeSpec(struct value *record, struct arena *arena)
{
    struct value *one = value_mut(record, core_v1_NodeSpec_podCIDR),
                 *list = value_mut(record, core_v1_NodeSpec_podCIDRs);
    if (!value_is_set(one)) {
        if (value_count(list))
            *one = *value_item(list, 0);
        return;
    }
    if (value_count(list) && slice_eq(value_text(value_item(list, 0)), value_text(one)))
        return;
    *list = value_new_list(arena, 1);
    *value_append(arena, list) = *one;
}

void default_hook_core_v1_NodeStatus(struct value *record, struct arena *arena)
{
    const struct value *capacity = value_at(record, core_v1_NodeStatus_capacity);
    struct value *allocatable = value_mut(record, core_v1_NodeStatus_allocatable);
    if (!value_is_set(allocatable) && value_is_set(capacity))
        *allocatable = value_copy(arena, capacity, false);
}

void default_hook_core_v1_LimitRangeItem(struct value *record, struct arena *arena)
{
    if (!value_is(value_at(record, core_v1_LimitRangeItem_type), "Container"))
        return;
    struct value *limit = value_mut(record, core_v1_LimitRangeItem_default);
    struct value *request = value_mut(record, core_v1_LimitRangeItem_defaultRequest);
    default_entries(arena, limit, value_at(record, core_v1_LimitRangeItem_max));
    default_entries(arena, request, limit);
    default_entries(arena, request, value_at(record, core_v1_LimitRangeItem_min));
}

/* stringData is for writing only: it goes into data, over what is there. */
void default_hook_core_v1_Secret(struct value *record, struct arena *arena)
{
    struct value *texts = value_mut(record, core_v1_Secret_stringData);
    for (VALUE_EACH_ENTRY(entry, texts))
        *value_put(arena, value_mut(record, core_v1_Secret_data), entry->key) =
            value_of_string(scalar_base64_encode(arena, value_text(&entry->value)));
    *texts = value_absent;
}
