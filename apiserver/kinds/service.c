/* services: core/v1. Rules: pkg/registry/core/service, pkg/printers. Addresses and node ports are
 * service_alloc.c's. */
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/ip.h"
#include "openapi/label_selector.h"
#include "apiserver/kinds/workload.h"
#include "base/buf.h"
#include "openapi/gen/meta_v1.h"

bool service_is_type(const struct value *service, const char *type)
{
    return value_is(service_field(service, core_v1_ServiceSpec_type), type);
}

bool service_is_headless(const struct value *service)
{
    const struct value *ips = service_field(service, core_v1_ServiceSpec_clusterIPs);
    return value_count(ips) == 1 && value_is(value_item(ips, 0), "None");
}

bool service_is_external(const struct value *service)
{
    return service_is_type(service, "LoadBalancer") || service_is_type(service, "NodePort") ||
           (service_is_type(service, "ClusterIP") &&
            value_count(service_field(service, core_v1_ServiceSpec_externalIPs)));
}

bool service_takes_node_ports(const struct value *service)
{
    return service_is_type(service, "NodePort") || service_is_type(service, "LoadBalancer");
}

bool service_needs_health_port(const struct value *service)
{
    return service_is_type(service, "LoadBalancer") &&
           value_is(service_field(service, core_v1_ServiceSpec_externalTrafficPolicy), "Local");
}

bool service_same(const struct value *a, const struct value *b, unsigned spec_field)
{
    return value_equal(service_field(a, spec_field), service_field(b, spec_field));
}

static bool has_node_port(const struct value *service, int64_t port)
{
    for (VALUE_EACH(p, service_field(service, core_v1_ServiceSpec_ports)))
        if (value_int(value_at(p, core_v1_ServicePort_nodePort), 0) == port)
            return true;
    return false;
}

static bool has_all_node_ports(const struct value *old, const struct value *now)
{
    for (VALUE_EACH(p, service_field(now, core_v1_ServiceSpec_ports))) {
        int64_t port = value_int(value_at(p, core_v1_ServicePort_nodePort), 0);
        if (port && !has_node_port(old, port))
            return false;
    }
    return true;
}

static void clear_node_ports(struct value *spec)
{
    struct value *ports = value_mut(spec, core_v1_ServiceSpec_ports);
    for (size_t i = 0; i < value_count(ports); i++)
        *value_mut(&ports->list->items[i], core_v1_ServicePort_nodePort) = value_absent;
}

/* A type that uses a field gives way to one that does not: what the client did not touch goes with it. */
static void drop_type_dependent(struct value *object, const struct value *old)
{
    struct value *spec = value_mut(object, core_v1_Service_spec);
    bool was_balancer = service_is_type(old, "LoadBalancer"),
         is_balancer = service_is_type(object, "LoadBalancer");
    if (!service_is_type(old, "ExternalName") && service_is_type(object, "ExternalName")) {
        if (service_same(object, old, core_v1_ServiceSpec_clusterIP) &&
            service_same(object, old, core_v1_ServiceSpec_clusterIPs))
            *value_mut(spec, core_v1_ServiceSpec_clusterIP) =
                *value_mut(spec, core_v1_ServiceSpec_clusterIPs) = value_absent;
        if (service_same(object, old, core_v1_ServiceSpec_ipFamilies))
            *value_mut(spec, core_v1_ServiceSpec_ipFamilies) = value_absent;
        if (service_same(object, old, core_v1_ServiceSpec_ipFamilyPolicy))
            *value_mut(spec, core_v1_ServiceSpec_ipFamilyPolicy) = value_absent;
    }
    if (service_takes_node_ports(old) && !service_takes_node_ports(object) && has_all_node_ports(old, object))
        clear_node_ports(spec);
    if (service_needs_health_port(old) && !service_needs_health_port(object) &&
        service_same(object, old, core_v1_ServiceSpec_healthCheckNodePort))
        *value_mut(spec, core_v1_ServiceSpec_healthCheckNodePort) = value_absent;
    if (was_balancer && !is_balancer &&
        service_same(object, old, core_v1_ServiceSpec_allocateLoadBalancerNodePorts))
        *value_mut(spec, core_v1_ServiceSpec_allocateLoadBalancerNodePorts) = value_absent;
    if (was_balancer && !is_balancer && service_same(object, old, core_v1_ServiceSpec_loadBalancerClass))
        *value_mut(spec, core_v1_ServiceSpec_loadBalancerClass) = value_absent;
    if (service_is_external(old) && !service_is_external(object) &&
        service_same(object, old, core_v1_ServiceSpec_externalTrafficPolicy))
        *value_mut(spec, core_v1_ServiceSpec_externalTrafficPolicy) = value_absent;
}

/* No pod stands behind a name elsewhere, so there is no policy for reaching it. */
static void drop_internal_policy(struct value *object)
{
    struct value *spec = value_mut(object, core_v1_Service_spec);
    if (spec->kind == VALUE_RECORD && service_is_type(object, "ExternalName"))
        *value_mut(spec, core_v1_ServiceSpec_internalTrafficPolicy) = value_absent;
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    drop_internal_policy(object);
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    struct value *status = value_mut(object, core_v1_Service_status);
    if (req->subresource.len || value_at(object, core_v1_Service_spec)->kind != VALUE_RECORD)
        return;
    drop_type_dependent(object, old);
    drop_internal_policy(object);
    if (!service_is_type(object, "LoadBalancer") && status->kind == VALUE_RECORD)
        *value_mut(status, core_v1_ServiceStatus_loadBalancer) = value_absent;
}

static void warn_status(struct kind_request *req, const struct value *object)
{
    const struct value *balancer =
        value_at(value_at(object, core_v1_Service_status), core_v1_ServiceStatus_loadBalancer);
    const struct value *list = value_at(balancer, core_v1_LoadBalancerStatus_ingress);
    struct path status = path_field(NULL, "status"), load_balancer = path_field(&status, "loadBalancer");
    struct path at = path_field(&load_balancer, "ingress");
    for (size_t i = 0; i < value_count(list); i++)
        warn_ip(req, PATH_I(&at, i),
                value_text(value_at(value_item(list, i), core_v1_LoadBalancerIngress_ip)));
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    if (slice_is(req->subresource, "status")) {
        check_load_balancer_status(req->causes, object, old);
        warn_status(req, object);
        return;
    }
    if (old)
        check_service_update(req->causes, object, old);
    check_service(req, object, old);
    warn_service(req, object);
}

/* ---- table ---- */

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The addresses of a load balancer, sorted, each once. */
static struct slice balancer_addresses(struct arena *arena, const struct value *service)
{
    const struct value *balancer =
        value_at(value_at(service, core_v1_Service_status), core_v1_ServiceStatus_loadBalancer);
    const struct value *list = value_at(balancer, core_v1_LoadBalancerStatus_ingress);
    struct slice *found = arena_alloc(arena, (value_count(list) + 1) * sizeof *found);
    size_t n = 0;
    for (VALUE_EACH(ingress, list)) {
        struct slice ip = value_text(value_at(ingress, core_v1_LoadBalancerIngress_ip));
        struct slice text = ip.len ? ip : value_text(value_at(ingress, core_v1_LoadBalancerIngress_hostname));
        if (text.len)
            found[n++] = text;
    }
    qsort(found, n, sizeof *found, by_text);
    struct value texts = value_absent;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !slice_eq(found[i], found[i - 1]))
            *value_append(arena, &texts) = value_of_string(found[i]);
    return join_strings(arena, &texts);
}

static struct slice external_ip(struct arena *arena, const struct value *service)
{
    struct slice ips = join_strings(arena, service_field(service, core_v1_ServiceSpec_externalIPs));
    if (service_is_type(service, "ExternalName"))
        return value_text(service_field(service, core_v1_ServiceSpec_externalName));
    if (service_is_type(service, "ClusterIP") || service_is_type(service, "NodePort"))
        return ips.len ? ips : SLICE("<none>");
    if (!service_is_type(service, "LoadBalancer"))
        return SLICE("<unknown>");
    struct slice balancer = balancer_addresses(arena, service);
    if (ips.len && balancer.len)
        return arena_slicef(arena, "%.*s,%.*s", SLICE_ARG(balancer), SLICE_ARG(ips));
    return ips.len ? ips : balancer.len ? balancer : SLICE("<pending>");
}

static struct slice ports_text(struct arena *arena, const struct value *ports)
{
    cleanup_buf struct buf out = BUF_INIT(1 << 20);
    for (VALUE_EACH(port, ports)) {
        int64_t node = value_int(value_at(port, core_v1_ServicePort_nodePort), 0);
        if (out.len)
            buf_putc(&out, ',');
        buf_put_int(&out, value_int(value_at(port, core_v1_ServicePort_port), 0));
        if (node > 0)
            buf_printf(&out, ":%lld", (long long)node);
        buf_putc(&out, '/');
        buf_put_slice(&out, value_text(value_at(port, core_v1_ServicePort_protocol)));
    }
    return out.len ? arena_dup(arena, buf_slice(&out)) : SLICE("<none>");
}

/* Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *ips = service_field(object, core_v1_ServiceSpec_clusterIPs);
    cells[1] = cell_text(value_text(service_field(object, core_v1_ServiceSpec_type)));
    cells[2] = value_count(ips) ? cell_text(value_text(value_item(ips, 0))) : cell_cstr("<none>");
    cells[3] = cell_text(external_ip(arena, object));
    cells[4] = cell_text(ports_text(arena, service_field(object, core_v1_ServiceSpec_ports)));
    cells[5] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
    cells[6] = cell_text(labels_cell(arena, service_field(object, core_v1_ServiceSpec_selector)));
}

const struct kind kind_services = {
    .group = "",
    .resource = "services",
    .returns_deleted = true,
    .name_rule = NAME_LABEL,
    .creates_on_update = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
