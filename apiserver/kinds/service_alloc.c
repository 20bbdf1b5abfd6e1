#include "apiserver/kinds/service_alloc.h"
#include "apiserver/kinds/ip.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"

enum { BAND_MIN = 16, IP_STEP = 16, IP_BAND_MAX = 256, PORT_STEP = 32, PORT_BAND_MAX = 128 };

struct allocation {
    struct arena *arena;
    const struct service_pool *pool;
    struct value *service;
    const struct value *old; /* or NULL */
    struct service_claims *claims;
    struct error *err;
};

uint32_t service_band(uint32_t size, uint32_t step, uint32_t max)
{
    uint32_t band = size / step;
    if (size <= BAND_MIN)
        return 0;
    return band < BAND_MIN ? BAND_MIN : band > max ? max : band;
}

static struct value *spec_field(struct allocation *a, unsigned field)
{
    return value_mut(value_mut(a->service, core_v1_Service_spec), field);
}

static const struct value *now_field(const struct allocation *a, unsigned field)
{
    return service_field(a->service, field);
}

static bool fail_with(struct allocation *a, const struct causes *causes)
{
    return causes_to_error(causes, "", "Service", object_name(a->service), a->err);
}

/* ---- books ---- */

static bool among(const int *ports, size_t n, int port)
{
    for (size_t i = 0; i < n; i++)
        if (ports[i] == port)
            return true;
    return false;
}

static void take_port(struct allocation *a, int port)
{
    struct service_claims *c = a->claims;
    *(int *)arena_push(a->arena, &c->take_ports, &c->take_count, &c->take_capacity, sizeof port) = port;
}

static void release_port(struct allocation *a, int port)
{
    struct service_claims *c = a->claims;
    if (port && !among(c->release_ports, c->release_count, port))
        *(int *)arena_push(a->arena, &c->release_ports, &c->release_count, &c->release_capacity,
                           sizeof port) = port;
}

/* ---- normal forms: clusterIP and clusterIPs say the same ---- */

static bool same_list(const struct allocation *a, unsigned field)
{
    return value_equal(now_field(a, field), service_field(a->old, field));
}

static void set_ips(struct allocation *a, struct value first)
{
    struct value list = value_new_list(a->arena, 1);
    *value_append(a->arena, &list) = first;
    *spec_field(a, core_v1_ServiceSpec_clusterIPs) = list;
}

/* An old client knows clusterIP alone: what it says there, or that it says nothing, goes for the list. */
static void normalize_ips(struct allocation *a)
{
    const struct value *ip = now_field(a, core_v1_ServiceSpec_clusterIP),
                       *ips = now_field(a, core_v1_ServiceSpec_clusterIPs);
    if (!a->old) {
        if (value_text(ip).len && !value_count(ips))
            set_ips(a, *ip);
        return;
    }
    const struct value *old_ip = service_field(a->old, core_v1_ServiceSpec_clusterIP);
    const struct value *old_ips = service_field(a->old, core_v1_ServiceSpec_clusterIPs);
    bool same_ip = slice_eq(value_text(ip), value_text(old_ip));
    if (value_count(old_ips) && !value_count(ips) && same_ip)
        *spec_field(a, core_v1_ServiceSpec_clusterIPs) = value_copy(a->arena, old_ips, false);
    if (same_ip || !same_list(a, core_v1_ServiceSpec_clusterIPs))
        return;
    if (value_text(ip).len == 0)
        *spec_field(a, core_v1_ServiceSpec_clusterIPs) = value_absent;
    else
        set_ips(a, *ip);
}

static bool wants_node_ports(const struct value *service)
{
    const struct value *allocate = service_field(service, core_v1_ServiceSpec_allocateLoadBalancerNodePorts);
    return service_is_type(service, "NodePort") ||
           (service_is_type(service, "LoadBalancer") && (!value_is_set(allocate) || value_bool(allocate)));
}

static int node_port(const struct value *port)
{
    return (int)value_int(value_at(port, core_v1_ServicePort_nodePort), 0);
}

static bool uses_node_port(const struct value *service, int port)
{
    for (VALUE_EACH(p, service_field(service, core_v1_ServiceSpec_ports)))
        if (node_port(p) == port)
            return true;
    return false;
}

/* A client that replaces a service without saying the values it was given keeps them: ports by their names.
 */
static void keep_node_ports(struct allocation *a)
{
    struct value *ports = spec_field(a, core_v1_ServiceSpec_ports);
    const struct value *old_ports = service_field(a->old, core_v1_ServiceSpec_ports);
    struct value asked = value_copy(a->arena, a->service, false);
    for (size_t i = 0; i < value_count(ports); i++) {
        struct value *port = &ports->list->items[i];
        int before = 0;
        if (node_port(port))
            continue;
        for (VALUE_EACH(old_port, old_ports))
            if (value_equal(value_at(old_port, core_v1_ServicePort_name),
                            value_at(port, core_v1_ServicePort_name)))
                before = node_port(old_port);
        if (before && !uses_node_port(&asked, before))
            *value_mut(port, core_v1_ServicePort_nodePort) = value_of_int(before);
    }
}

static void keep_allocated(struct allocation *a)
{
    if (!service_is_type(a->old, "ExternalName") && !service_is_type(a->service, "ExternalName")) {
        if (!value_is_set(now_field(a, core_v1_ServiceSpec_clusterIP)))
            *spec_field(a, core_v1_ServiceSpec_clusterIP) =
                *service_field(a->old, core_v1_ServiceSpec_clusterIP);
        if (!value_count(now_field(a, core_v1_ServiceSpec_clusterIPs)))
            *spec_field(a, core_v1_ServiceSpec_clusterIPs) =
                value_copy(a->arena, service_field(a->old, core_v1_ServiceSpec_clusterIPs), false);
    }
    if (wants_node_ports(a->old) && wants_node_ports(a->service))
        keep_node_ports(a);
    if (service_needs_health_port(a->old) && service_needs_health_port(a->service) &&
        !value_is_set(now_field(a, core_v1_ServiceSpec_healthCheckNodePort)))
        *spec_field(a, core_v1_ServiceSpec_healthCheckNodePort) =
            *service_field(a->old, core_v1_ServiceSpec_healthCheckNodePort);
}

/* ---- IP families of a cluster that has IPv4 ---- */

static bool is_policy(const struct allocation *a, const char *policy)
{
    return value_is(now_field(a, core_v1_ServiceSpec_ipFamilyPolicy), policy);
}

/* Headless and without a selector: the endpoints are the user's own, of any family. */
static bool is_free_headless(const struct allocation *a)
{
    return value_is(now_field(a, core_v1_ServiceSpec_clusterIP), "None") &&
           !value_count(now_field(a, core_v1_ServiceSpec_selector));
}

static bool is_settled_dual(const struct allocation *a)
{
    const struct value *before =
        a->old ? service_field(a->old, core_v1_ServiceSpec_ipFamilyPolicy) : &value_absent;
    return a->old && is_policy(a, "PreferDualStack") && !service_is_type(a->service, "ExternalName") &&
           service_same(a->service, a->old, core_v1_ServiceSpec_type) &&
           (!value_is_set(before) || value_is(before, "PreferDualStack")) &&
           same_list(a, core_v1_ServiceSpec_clusterIPs) && same_list(a, core_v1_ServiceSpec_ipFamilies);
}

static void default_policy(struct allocation *a)
{
    struct value *policy = spec_field(a, core_v1_ServiceSpec_ipFamilyPolicy);
    const struct value *before =
        a->old ? service_field(a->old, core_v1_ServiceSpec_ipFamilyPolicy) : &value_absent;
    if (value_is_set(policy))
        return;
    *policy = value_is_set(before) ? *before
                                   : value_of_cstr(is_free_headless(a) ? "RequireDualStack" : "SingleStack");
}

static void bad_policy(struct allocation *a, struct causes *c, const char *why)
{
    struct path spec = path_field(NULL, "spec");
    causes_invalid(c, PATH(&spec, "ipFamilyPolicy"), now_field(a, core_v1_ServiceSpec_ipFamilyPolicy), "%s",
                   why);
}

static void keep_one(struct allocation *a, unsigned field)
{
    struct value *list = spec_field(a, field);
    if (!same_list(a, field) || value_count(list) < 2)
        return;
    *list = value_copy(a->arena, list, false);
    value_remove_item(list, 1);
}

static bool reduced(const struct allocation *a, unsigned field)
{
    size_t n = value_count(now_field(a, field));
    return n && n < value_count(service_field(a->old, field));
}

static void fit_to_policy(struct allocation *a, struct causes *c)
{
    bool single = is_policy(a, "SingleStack");
    if (a->old && single) {
        keep_one(a, core_v1_ServiceSpec_clusterIPs);
        keep_one(a, core_v1_ServiceSpec_ipFamilies);
    } else if (a->old) {
        if (reduced(a, core_v1_ServiceSpec_clusterIPs))
            bad_policy(a, c, "must be 'SingleStack' to release the secondary cluster IP");
        if (reduced(a, core_v1_ServiceSpec_ipFamilies))
            bad_policy(a, c, "must be 'SingleStack' to release the secondary IP family");
    }
    if (single && value_count(now_field(a, core_v1_ServiceSpec_clusterIPs)) == 2)
        bad_policy(a, c,
                   "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified");
    if (single && value_count(now_field(a, core_v1_ServiceSpec_ipFamilies)) == 2)
        bad_policy(a, c,
                   "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified");
}

static void add_family(struct allocation *a, const char *family)
{
    struct value *families = spec_field(a, core_v1_ServiceSpec_ipFamilies);
    *families = value_copy(a->arena, families, false);
    *value_append(a->arena, families) = value_of_cstr(family);
}

/* Requested addresses tell their families. */
static void families_of_ips(struct allocation *a, struct causes *c)
{
    const struct value *ips = now_field(a, core_v1_ServiceSpec_clusterIPs);
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "clusterIPs");
    for (size_t i = 0; i < value_count(ips); i++) {
        struct ip ip;
        if (!ip_parse(value_text(value_item(ips, i)), &ip))
            return;
        if (i < value_count(now_field(a, core_v1_ServiceSpec_ipFamilies)))
            continue;
        if (ip.v6)
            causes_invalid_shown(c, PATH_I(&at, i), shown_list(a->arena, ips),
                                 "IPv6 is not configured on this cluster");
        else
            add_family(a, "IPv4");
    }
}

static void settle_free_headless(struct allocation *a)
{
    if (!value_count(now_field(a, core_v1_ServiceSpec_ipFamilies)))
        add_family(a, "IPv4");
    const struct value *families = now_field(a, core_v1_ServiceSpec_ipFamilies);
    if (value_count(families) < 2 && !is_policy(a, "SingleStack"))
        add_family(a, value_is(value_item(families, 0), "IPv4") ? "IPv6" : "IPv4");
}

static void check_configured(struct allocation *a, struct causes *c)
{
    const struct value *families = now_field(a, core_v1_ServiceSpec_ipFamilies);
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "ipFamilies");
    if (is_policy(a, "RequireDualStack"))
        bad_policy(a, c, "this cluster is not configured for dual-stack services");
    for (size_t i = 0; i < value_count(families); i++)
        if (!value_is(value_item(families, i), "IPv4"))
            causes_invalid_text(c, PATH_I(&at, i), value_text(value_item(families, i)),
                                "not configured on this cluster");
}

static bool settle_families(struct allocation *a)
{
    struct causes c = {.arena = a->arena};
    if (service_is_type(a->service, "ExternalName") || is_settled_dual(a))
        return true;
    default_policy(a);
    check_service_cluster_ips(&c, a->service, a->old);
    if (c.count)
        return fail_with(a, &c);
    fit_to_policy(a, &c);
    families_of_ips(a, &c);
    if (c.count)
        return fail_with(a, &c);
    if (is_free_headless(a)) {
        settle_free_headless(a);
        return true;
    }
    check_configured(a, &c);
    if (c.count)
        return fail_with(a, &c);
    if (!value_count(now_field(a, core_v1_ServiceSpec_ipFamilies)))
        add_family(a, "IPv4");
    return true;
}

/* ---- the cluster IP ---- */

struct range { /* of values: [first, first + size) */
    uint32_t first, size;
};

static bool find_free(const struct service_pool *pool, struct range r,
                      bool (*used)(const struct service_pool *, uint32_t), uint32_t *ret)
{
    if (r.size == 0)
        return false;
    uint32_t start = pool->random_below(pool->ctx, r.size);
    for (uint32_t i = 0; i < r.size; i++) {
        uint32_t candidate = r.first + (start + i) % r.size;
        if (!used(pool, candidate)) {
            *ret = candidate;
            return true;
        }
    }
    return false;
}

/* From the upper part first. */
static bool find_in_bands(const struct service_pool *pool, struct range all, uint32_t band,
                          bool (*used)(const struct service_pool *, uint32_t), uint32_t *ret)
{
    struct range high = {all.first + band, all.size - band}, low = {all.first, band};
    return find_free(pool, high, used, ret) || find_free(pool, low, used, ret);
}

static bool is_ip_used(const struct service_pool *pool, uint32_t ip)
{
    return pool->ip_used(pool->ctx, ip);
}

/* Without the network's own address and the broadcast address. */
static struct range usable(const struct cidr *cidr)
{
    uint64_t size = 1ull << (32 - cidr->prefix);
    return (struct range){ip_v4(&cidr->network) + 1, size > 2 ? (uint32_t)(size - 2) : 0};
}

static bool bad_ip(struct allocation *a, struct slice text, const char *why)
{
    struct causes c = {.arena = a->arena};
    struct path spec = path_field(NULL, "spec");
    causes_invalid_shown(&c, PATH(&spec, "clusterIPs"),
                         shown_list(a->arena, now_field(a, core_v1_ServiceSpec_clusterIPs)),
                         "failed to allocate IP %.*s: %s", SLICE_ARG(text), why);
    return fail_with(a, &c);
}

static bool take_requested_ip(struct allocation *a, const struct cidr *cidr, struct slice text)
{
    struct range r = usable(cidr);
    struct ip ip;
    if (!ip_parse(text, &ip))
        return error_set(a->err, REASON_INTERNAL, "failed to parse service IP \"%.*s\"", SLICE_ARG(text));
    uint32_t n = ip_v4(&ip);
    if (ip.v6 || n < r.first || n - r.first >= r.size)
        return bad_ip(
            a, text,
            arena_printf(a->arena,
                         "the provided IP (%.*s) is not in the valid range. The range of valid IPs is %.*s",
                         SLICE_ARG(ip_print(a->arena, &ip)), SLICE_ARG(cidr_print(a->arena, cidr))));
    if (!a->pool->dry_run && is_ip_used(a->pool, n))
        return bad_ip(a, text, "provided IP is already allocated");
    a->claims->take_ip = n;
    return true;
}

static bool allocate_ip(struct allocation *a)
{
    const struct value *ips = now_field(a, core_v1_ServiceSpec_clusterIPs);
    struct cidr cidr;
    uint32_t found;
    if (service_is_type(a->service, "ExternalName") ||
        (value_count(ips) && value_is(value_item(ips, 0), "None")))
        return true;
    if (!cidr_parse(a->pool->cidr, &cidr) || cidr.network.v6)
        return error_set(a->err, REASON_INTERNAL, "the range of service addresses is not an IPv4 CIDR");
    if (value_count(ips))
        return take_requested_ip(a, &cidr, value_text(value_item(ips, 0)));
    struct range r = usable(&cidr);
    uint32_t band = service_band(r.size + 2, IP_STEP, IP_BAND_MAX);
    if (!find_in_bands(a->pool, r, band < r.size ? band : 0, is_ip_used, &found))
        return error_set(a->err, REASON_INTERNAL,
                         "failed to allocate a serviceIP for Service \"%.*s\": range is full",
                         SLICE_ARG(object_name(a->service)));
    struct ip ip = ip_from_v4(found);
    struct value text = value_of_string(ip_print(a->arena, &ip));
    *spec_field(a, core_v1_ServiceSpec_clusterIP) = text;
    set_ips(a, text);
    a->claims->take_ip = found;
    return true;
}

static uint32_t held_ip(const struct value *service)
{
    const struct value *ips = service_field(service, core_v1_ServiceSpec_clusterIPs);
    const struct value *first =
        value_count(ips) ? value_item(ips, 0) : service_field(service, core_v1_ServiceSpec_clusterIP);
    struct ip ip;
    return !service_is_type(service, "ExternalName") && ip_parse(value_text(first), &ip) && !ip.v6
               ? ip_v4(&ip)
               : 0;
}

static bool update_ip(struct allocation *a)
{
    if (is_settled_dual(a))
        return true;
    if (service_is_type(a->old, "ExternalName"))
        return allocate_ip(a);
    if (service_is_type(a->service, "ExternalName"))
        a->claims->release_ip = held_ip(a->old);
    return true;
}

/* ---- node ports ---- */

static bool is_port_used(const struct service_pool *pool, uint32_t port)
{
    return pool->port_used(pool->ctx, (int)port);
}

static const char *claim_port(struct allocation *a, int port)
{
    const struct service_pool *pool = a->pool;
    if (!pool->dry_run && (port < pool->node_port_first || port > pool->node_port_last))
        return arena_printf(a->arena,
                            "provided port is not in the valid range. The range of valid ports is %d-%d",
                            pool->node_port_first, pool->node_port_last);
    if (is_port_used(pool, (uint32_t)port) || among(a->claims->take_ports, a->claims->take_count, port))
        return "provided port is already allocated";
    take_port(a, port);
    return NULL;
}

static bool next_port(struct allocation *a, int *ret)
{
    struct range r = {(uint32_t)a->pool->node_port_first,
                      (uint32_t)(a->pool->node_port_last - a->pool->node_port_first + 1)};
    uint32_t band = service_band(r.size, PORT_STEP, PORT_BAND_MAX), found;
    /* Those this service just took are not in the books yet: try again past them. */
    for (size_t tries = 0; tries <= a->claims->take_count; tries++) {
        if (!find_in_bands(a->pool, r, band, is_port_used, &found))
            break;
        if (!among(a->claims->take_ports, a->claims->take_count, (int)found)) {
            take_port(a, (int)found);
            *ret = (int)found;
            return true;
        }
    }
    for (uint32_t port = r.first; port < r.first + r.size; port++)
        if (!claim_port(a, (int)port)) {
            *ret = (int)port;
            return true;
        }
    return error_set(a->err, REASON_INTERNAL, "failed to allocate a nodePort: range is full");
}

static bool bad_port(struct allocation *a, size_t i, int port, const char *why)
{
    struct causes c = {.arena = a->arena};
    struct path spec = path_field(NULL, "spec"), ports = path_field(&spec, "ports"),
                item = path_index(&ports, i);
    causes_invalid_int(&c, PATH(&item, "nodePort"), port, "%s", why);
    return fail_with(a, &c);
}

/* The node port that an earlier port of the same number (another protocol) got, or one that any of them asks
 * for. */
static int shared_port(const struct value *ports, size_t before, int64_t number)
{
    for (size_t i = 0; i < before; i++)
        if (value_int(value_at(value_item(ports, i), core_v1_ServicePort_port), 0) == number &&
            node_port(value_item(ports, i)))
            return node_port(value_item(ports, i));
    return 0;
}

static bool give_new_port(struct allocation *a, struct value *ports, size_t i)
{
    struct value *port = &ports->list->items[i];
    int64_t number = value_int(value_at(port, core_v1_ServicePort_port), 0);
    int have = shared_port(ports, i, number), asked = node_port(port), chosen = asked;
    const char *why = NULL;
    if (have && !asked)
        chosen = have;
    else if (!have && !asked)
        chosen = shared_port(ports, value_count(ports), number);
    if (chosen && chosen != have && (why = claim_port(a, chosen)))
        return bad_port(a, i, chosen, why);
    if (!chosen && !next_port(a, &chosen))
        return false;
    *value_mut(port, core_v1_ServicePort_nodePort) = value_of_int(chosen);
    return true;
}

static bool give_updated_port(struct allocation *a, struct value *ports, size_t i)
{
    struct value *port = &ports->list->items[i];
    int chosen = node_port(port);
    const char *why;
    if (!chosen) {
        if (!next_port(a, &chosen))
            return false;
        *value_mut(port, core_v1_ServicePort_nodePort) = value_of_int(chosen);
        return true;
    }
    if (uses_node_port(a->old, chosen) || among(a->claims->take_ports, a->claims->take_count, chosen))
        return true;
    return (why = claim_port(a, chosen)) ? bad_port(a, i, chosen, why) : true;
}

static bool give_node_ports(struct allocation *a)
{
    struct value *ports = spec_field(a, core_v1_ServiceSpec_ports);
    if (!service_takes_node_ports(a->service))
        return true;
    for (size_t i = 0; i < value_count(ports); i++) {
        if (!node_port(value_item(ports, i)) && !wants_node_ports(a->service))
            continue;
        if (a->old ? !give_updated_port(a, ports, i) : !give_new_port(a, ports, i))
            return false;
    }
    return true;
}

static void release_node_ports(struct allocation *a)
{
    bool keeps = service_takes_node_ports(a->service);
    if (!service_takes_node_ports(a->old))
        return;
    for (VALUE_EACH(port, service_field(a->old, core_v1_ServiceSpec_ports)))
        if (!keeps || !uses_node_port(a->service, node_port(port)))
            release_port(a, node_port(port));
}

static bool give_health_port(struct allocation *a)
{
    int port = (int)value_int(now_field(a, core_v1_ServiceSpec_healthCheckNodePort), 0);
    const char *why;
    if (!service_needs_health_port(a->service) || (a->old && service_needs_health_port(a->old)))
        return true;
    if (port && (why = claim_port(a, port)))
        return error_set(a->err, REASON_INTERNAL, "failed to allocate requested HealthCheck NodePort %d: %s",
                         port, why);
    if (!port && !next_port(a, &port))
        return false;
    *spec_field(a, core_v1_ServiceSpec_healthCheckNodePort) = value_of_int(port);
    return true;
}

bool service_allocate(struct arena *arena, const struct service_pool *pool, struct value *service,
                      const struct value *old, struct service_claims *ret_claims, struct error *err)
{
    struct service_claims claims = {0};
    struct allocation a = {arena, pool, service, old, &claims, err};
    if (service_spec(service)->kind != VALUE_RECORD) {
        *ret_claims = claims;
        return true;
    }
    if (old)
        keep_allocated(&a);
    normalize_ips(&a);
    if (!settle_families(&a) || !(old ? update_ip(&a) : allocate_ip(&a)) || !give_node_ports(&a) ||
        !give_health_port(&a))
        return false;
    if (old) {
        release_node_ports(&a);
        if (service_needs_health_port(old) && !service_needs_health_port(service))
            release_port(&a, (int)value_int(service_field(old, core_v1_ServiceSpec_healthCheckNodePort), 0));
    }
    *ret_claims = claims;
    return true;
}

void service_holdings(struct arena *arena, const struct value *service, struct service_claims *ret_claims)
{
    struct service_claims claims = {.take_ip = held_ip(service)};
    struct allocation a = {.arena = arena, .claims = &claims};
    for (VALUE_EACH(port, service_field(service, core_v1_ServiceSpec_ports)))
        if (node_port(port) && !among(claims.take_ports, claims.take_count, node_port(port)))
            take_port(&a, node_port(port));
    if (service_needs_health_port(service) &&
        value_int(service_field(service, core_v1_ServiceSpec_healthCheckNodePort), 0))
        take_port(&a, (int)value_int(service_field(service, core_v1_ServiceSpec_healthCheckNodePort), 0));
    *ret_claims = claims;
}
