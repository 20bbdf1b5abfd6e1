/* The rules of one service. Rules: validateService in pkg/apis/core/validation. */
#include "apiserver/kinds/ip.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/meta_v1.h"

enum { MAX_AFFINITY_SECONDS = 86400 };

#define TOPOLOGY_HINTS "service.kubernetes.io/topology-aware-hints" /* deprecated name of the next */
#define TOPOLOGY_MODE  "service.kubernetes.io/topology-mode"
#define SOURCE_RANGES  "service.beta.kubernetes.io/load-balancer-source-ranges"

static const char *const protocols[] = {"SCTP", "TCP", "UDP", NULL};
static const char only_balancer[] = "may only be used when `type` is 'LoadBalancer'";

static const struct value *annotation(const struct value *service, const char *key)
{
    return value_get(value_at(object_metadata(service), meta_v1_ObjectMeta_annotations), slice_str(key));
}

static void check_topology(struct causes *c, const struct value *service)
{
    const struct value *hints = annotation(service, TOPOLOGY_HINTS),
                       *mode = annotation(service, TOPOLOGY_MODE);
    struct path metadata = path_field(NULL, "metadata"), annotations = path_field(&metadata, "annotations");
    if (value_is_set(hints) && value_is_set(mode) && !value_equal(hints, mode))
        causes_invalid(c, PATH_K(&annotations, slice_str(TOPOLOGY_MODE)), mode,
                       "must match annotations[%s] when both are specified", TOPOLOGY_HINTS);
}

static void check_external_name(struct causes *c, const struct path *at, const struct value *service)
{
    struct slice name = value_text(service_field(service, core_v1_ServiceSpec_externalName));
    const char *never = "may not be set for ExternalName services";
    if (value_count(service_field(service, core_v1_ServiceSpec_clusterIPs)))
        causes_forbidden(c, PATH(at, "clusterIPs"), "%s", never);
    if (value_count(service_field(service, core_v1_ServiceSpec_ipFamilies)))
        causes_forbidden(c, PATH(at, "ipFamilies"), "%s", never);
    if (value_is_set(service_field(service, core_v1_ServiceSpec_ipFamilyPolicy)))
        causes_forbidden(c, PATH(at, "ipFamilyPolicy"), "%s", never);
    if (slice_ends(name, SLICE(".")))
        name.len--;
    if (name.len)
        check_name(c, PATH(at, "externalName"), name, name_check_subdomain);
    else
        causes_required(c, PATH(at, "externalName"), "%s", "");
}

static void check_type_needs(struct causes *c, const struct path *at, const struct value *service)
{
    const struct value *type = service_field(service, core_v1_ServiceSpec_type);
    struct path ips = path_field(at, "clusterIPs");
    if (!value_count(service_field(service, core_v1_ServiceSpec_ports)) && !service_is_headless(service) &&
        !value_is(type, "ExternalName"))
        causes_required(c, PATH(at, "ports"), "%s", "");
    if (value_is(type, "ExternalName"))
        check_external_name(c, at, service);
    else if ((value_is(type, "LoadBalancer") || value_is(type, "NodePort")) && service_is_headless(service))
        causes_invalid_text(c, PATH_I(&ips, 0), SLICE("None"), "may not be set to 'None' for %.*s services",
                            SLICE_ARG(value_text(type)));
}

static bool named_before(const struct value *ports, size_t i, struct slice name)
{
    for (size_t j = 0; j < i; j++)
        if (slice_eq(value_text(value_at(value_item(ports, j), core_v1_ServicePort_name)), name))
            return true;
    return false;
}

static void check_service_port(struct causes *c, const struct path *at, const struct value *ports, size_t i)
{
    const struct value *port = value_item(ports, i), *app = value_at(port, core_v1_ServicePort_appProtocol);
    const struct value *target = value_at(port, core_v1_ServicePort_targetPort);
    struct slice name = value_text(value_at(port, core_v1_ServicePort_name));
    struct value zero = value_of_int(0);
    if (name.len == 0 && value_count(ports) > 1)
        causes_required(c, PATH(at, "name"), "%s", "");
    if (name.len)
        check_name(c, PATH(at, "name"), name, name_check_label);
    if (name.len && named_before(ports, i, name))
        causes_duplicate(c, PATH(at, "name"), name);
    check_port(c, PATH(at, "port"), value_int(value_at(port, core_v1_ServicePort_port), 0));
    check_enum(c, PATH(at, "protocol"), value_at(port, core_v1_ServicePort_protocol), protocols, true);
    check_port_or_name(c, PATH(at, "targetPort"), value_is_set(target) ? target : &zero);
    if (value_is_set(app))
        check_name(c, PATH(at, "appProtocol"), value_text(app), name_check_qualified);
}

static void check_affinity(struct causes *c, const struct path *at, const struct value *service)
{
    static const char *const kinds[] = {"ClientIP", "None", NULL};
    const struct value *affinity = service_field(service, core_v1_ServiceSpec_sessionAffinity);
    const struct value *config = service_field(service, core_v1_ServiceSpec_sessionAffinityConfig);
    const struct value *client = value_at(config, core_v1_SessionAffinityConfig_clientIP);
    const struct value *timeout = value_at(client, core_v1_ClientIPConfig_timeoutSeconds);
    struct path config_at = path_field(at, "sessionAffinityConfig"),
                client_at = path_field(&config_at, "clientIP");
    struct path timeout_at = path_field(&client_at, "timeoutSeconds");
    check_enum(c, PATH(at, "sessionAffinity"), affinity, kinds, true);
    if (value_is(affinity, "None") && value_is_set(config))
        causes_forbidden(c, &config_at, "must not be set when session affinity is None");
    if (!value_is(affinity, "ClientIP"))
        return;
    if (!value_is_set(timeout))
        causes_required(c,
                        !value_is_set(config)   ? &config_at
                        : !value_is_set(client) ? &client_at
                                                : &timeout_at,
                        "when session affinity type is ClientIP");
    else if (timeout->i <= 0 || timeout->i > MAX_AFFINITY_SECONDS)
        causes_invalid_int(c, &timeout_at, timeout->i, "must be greater than 0 and less than %d",
                           MAX_AFFINITY_SECONDS);
}

static void check_external_ips(struct causes *c, const struct path *at, const struct value *service,
                               const struct value *old)
{
    const struct value *ips = service_field(service, core_v1_ServiceSpec_externalIPs);
    const struct value *existing = old ? service_field(old, core_v1_ServiceSpec_externalIPs) : NULL;
    for (size_t i = 0; i < value_count(ips); i++) {
        struct slice ip = value_text(value_item(ips, i));
        struct path item = path_index(at, i);
        if (check_ip_legacy(c, &item, ip, existing))
            check_endpoint_ip(c, &item, ip);
    }
}

static void check_node_ports(struct causes *c, const struct path *at, const struct value *service)
{
    const struct value *ports = service_field(service, core_v1_ServiceSpec_ports);
    for (size_t i = 0; i < value_count(ports) && service_is_type(service, "ClusterIP"); i++)
        if (value_int(value_at(value_item(ports, i), core_v1_ServicePort_nodePort), 0))
            causes_forbidden(c, PATH(PATH_I(at, i), "nodePort"),
                             "may not be used when `type` is 'ClusterIP'");
    for (size_t i = 0; i < value_count(ports); i++) {
        int64_t port = value_int(value_at(value_item(ports, i), core_v1_ServicePort_nodePort), 0);
        for (size_t j = 0; j < i && port; j++)
            if (value_int(value_at(value_item(ports, j), core_v1_ServicePort_nodePort), 0) == port &&
                value_equal(value_at(value_item(ports, i), core_v1_ServicePort_protocol),
                            value_at(value_item(ports, j), core_v1_ServicePort_protocol))) {
                causes_duplicate_shown(c, PATH(PATH_I(at, i), "nodePort"),
                                       arena_printf(c->arena, "%lld", (long long)port));
                break;
            }
    }
}

/* One port number and protocol can be there once. The key prints as a port of which nothing else is set. */
static void check_same_ports(struct causes *c, const struct path *at, const struct value *ports)
{
    for (size_t i = 0; i < value_count(ports); i++) {
        const struct value *port = value_item(ports, i);
        for (size_t j = 0; j < i; j++) {
            const struct value *other = value_item(ports, j);
            if (!value_equal(value_at(port, core_v1_ServicePort_port),
                             value_at(other, core_v1_ServicePort_port)) ||
                !value_equal(value_at(port, core_v1_ServicePort_protocol),
                             value_at(other, core_v1_ServicePort_protocol)))
                continue;
            struct value key = value_new_record(c->arena, port->record->type);
            *value_mut(&key, core_v1_ServicePort_port) = *value_at(port, core_v1_ServicePort_port);
            *value_mut(&key, core_v1_ServicePort_protocol) = *value_at(port, core_v1_ServicePort_protocol);
            causes_duplicate_shown(c, PATH_I(at, i), shown_record(c->arena, &key));
            break;
        }
    }
}

static struct slice trimmed(struct slice s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t' || s.ptr[0] == '\n'))
        s = slice_from(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\n'))
        s.len--;
    return s;
}

static void check_ranges_annotation(struct causes *c, const struct value *service, const struct value *old)
{
    const struct value *now = annotation(service, SOURCE_RANGES);
    struct path metadata = path_field(NULL, "metadata"), annotations = path_field(&metadata, "annotations");
    struct path at = path_key(&annotations, slice_str(SOURCE_RANGES));
    if (!value_is_set(now))
        return;
    if (!service_is_type(service, "LoadBalancer"))
        causes_forbidden(c, &at, "%s", only_balancer);
    if (old && value_equal(now, annotation(old, SOURCE_RANGES)))
        return;
    struct slice rest = trimmed(value_text(now)), part;
    while (rest.len && slice_split(&rest, ',', &part))
        check_cidr_legacy(c, &at, trimmed(part), NULL);
}

static void check_source_ranges(struct causes *c, const struct path *spec_at, const struct value *service,
                                const struct value *old)
{
    const struct value *ranges = service_field(service, core_v1_ServiceSpec_loadBalancerSourceRanges);
    struct path at = path_field(spec_at, "LoadBalancerSourceRanges");
    struct value existing = value_absent;
    if (!value_count(ranges)) {
        check_ranges_annotation(c, service, old);
        return;
    }
    if (!service_is_type(service, "LoadBalancer"))
        causes_forbidden(c, &at, "%s", only_balancer);
    if (old)
        for (VALUE_EACH(range, service_field(old, core_v1_ServiceSpec_loadBalancerSourceRanges)))
            *value_append(c->arena, &existing) = value_of_string(trimmed(value_text(range)));
    for (size_t i = 0; i < value_count(ranges); i++)
        check_cidr_legacy(c, PATH_I(&at, i), trimmed(value_text(value_item(ranges, i))), &existing);
}

static void check_balancer(struct causes *c, const struct path *at, const struct value *service)
{
    const struct value *allocate = service_field(service, core_v1_ServiceSpec_allocateLoadBalancerNodePorts);
    bool balances = service_is_type(service, "LoadBalancer");
    if (value_is_set(allocate) && !balances)
        causes_forbidden(c, PATH(at, "allocateLoadBalancerNodePorts"), "%s", only_balancer);
    if (!value_is_set(allocate) && balances)
        causes_required(c, PATH(NULL, "allocateLoadBalancerNodePorts"), "%s", "");
    check_load_balancer_class(c, service, NULL);
}

static void check_traffic(struct causes *c, const struct path *at, const struct value *service)
{
    static const char *const policies[] = {"Cluster", "Local", NULL};
    static const char *const distributions[] = {"PreferClose", "PreferSameZone", "PreferSameNode", NULL};
    const struct value *external = service_field(service, core_v1_ServiceSpec_externalTrafficPolicy);
    const struct value *internal = service_field(service, core_v1_ServiceSpec_internalTrafficPolicy);
    int64_t health = value_int(service_field(service, core_v1_ServiceSpec_healthCheckNodePort), 0);
    bool has_traffic = service_is_type(service, "ClusterIP") || service_is_type(service, "NodePort") ||
                       service_is_type(service, "LoadBalancer");
    if (service_is_external(service))
        check_enum(c, PATH(at, "externalTrafficPolicy"), external, policies, true);
    else if (value_is_set(external))
        causes_invalid(c, PATH(at, "externalTrafficPolicy"), external,
                       "may only be set for externally-accessible services");
    if (!service_needs_health_port(service)) {
        if (health)
            causes_invalid_int(
                c, PATH(at, "healthCheckNodePort"), health,
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    } else if (!health) {
        causes_required(c, PATH(at, "healthCheckNodePort"), "%s", "");
    } else {
        check_port(c, PATH(at, "healthCheckNodePort"), health);
    }
    check_enum(c, PATH(at, "internalTrafficPolicy"), internal, policies, has_traffic);
    check_enum(c, PATH(at, "trafficDistribution"),
               service_field(service, core_v1_ServiceSpec_trafficDistribution), distributions, false);
}

void check_service(struct kind_request *req, const struct value *service, const struct value *old)
{
    static const char *const types[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort", NULL};
    const struct value *ports = service_field(service, core_v1_ServiceSpec_ports);
    struct path at = path_field(NULL, "spec"), ports_at = path_field(&at, "ports");
    struct causes *c = req->causes;
    check_topology(c, service);
    check_type_needs(c, &at, service);
    for (size_t i = 0; i < value_count(ports); i++)
        check_service_port(c, PATH_I(&ports_at, i), ports, i);
    check_labels(c, PATH(&at, "selector"), service_field(service, core_v1_ServiceSpec_selector));
    check_affinity(c, &at, service);
    check_service_cluster_ips(c, service, old);
    check_external_ips(c, PATH(&at, "externalIPs"), service, old);
    check_enum(c, PATH(&at, "type"), service_field(service, core_v1_ServiceSpec_type), types, true);
    check_node_ports(c, &ports_at, service);
    check_same_ports(c, &ports_at, ports);
    check_source_ranges(c, &at, service, old);
    check_balancer(c, &at, service);
    check_traffic(c, &at, service);
}

static void warn_each(struct kind_request *req, const struct value *service, unsigned field, const char *name,
                      void (*warn)(struct kind_request *, const struct path *, struct slice))
{
    const struct value *list = service_field(service, field);
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, name);
    for (size_t i = 0; i < value_count(list); i++)
        warn(req, PATH_I(&at, i), value_text(value_item(list, i)));
}

static void warn_headless(struct kind_request *req, const struct value *service)
{
    if (value_text(service_field(service, core_v1_ServiceSpec_loadBalancerIP)).len)
        kind_warn(req, "spec.loadBalancerIP is ignored for headless services");
    if (value_count(service_field(service, core_v1_ServiceSpec_externalIPs)))
        kind_warn(req, "spec.externalIPs is ignored for headless services");
    if (!value_is(service_field(service, core_v1_ServiceSpec_sessionAffinity), "None"))
        kind_warn(req, "spec.SessionAffinity is ignored for headless services");
}

void warn_service(struct kind_request *req, const struct value *service)
{
    struct slice balancer_ip = value_text(service_field(service, core_v1_ServiceSpec_loadBalancerIP));
    bool named = service_is_type(service, "ExternalName"),
         external_ips = value_count(service_field(service, core_v1_ServiceSpec_externalIPs));
    bool headless = service_is_type(service, "ClusterIP") &&
                    value_is(service_field(service, core_v1_ServiceSpec_clusterIP), "None");
    struct path spec = path_field(NULL, "spec");
    if (value_is_set(annotation(service, TOPOLOGY_HINTS)))
        kind_warn(req, "annotation %s is deprecated, please use %s instead", TOPOLOGY_HINTS, TOPOLOGY_MODE);
    if (!headless)
        warn_each(req, service, core_v1_ServiceSpec_clusterIPs, "clusterIPs", warn_ip);
    else
        warn_headless(req, service);
    warn_each(req, service, core_v1_ServiceSpec_externalIPs, "externalIPs", warn_ip);
    if (external_ips && !headless && !named)
        kind_warn(req, "spec.externalIPs is deprecated and may no longer be implemented in some clusters");
    if (balancer_ip.len)
        warn_ip(req, PATH(&spec, "loadBalancerIP"), balancer_ip);
    warn_each(req, service, core_v1_ServiceSpec_loadBalancerSourceRanges, "loadBalancerSourceRanges",
              warn_cidr);
    if (named && external_ips)
        kind_warn(req, "spec.externalIPs is ignored when spec.type is \"ExternalName\"");
    if (!named && value_text(service_field(service, core_v1_ServiceSpec_externalName)).len)
        kind_warn(req, "spec.externalName is ignored when spec.type is not \"ExternalName\"");
    if (value_is(service_field(service, core_v1_ServiceSpec_trafficDistribution), "PreferClose"))
        kind_warn(req, "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"");
}
