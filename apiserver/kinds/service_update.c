/* Cluster IPs and IP families of a service, and what of them an update may change. Rules:
 * pkg/apis/core/validation. */
#include "apiserver/kinds/ip.h"
#include "openapi/names.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"

static const char *family_of_text(struct slice text)
{
    struct ip ip;
    return ip_parse(text, &ip) ? ip_family(&ip) : "";
}

static void check_first_ip(struct causes *c, const struct path *at, const struct value *ip,
                           const struct value *ips)
{
    if (value_text(ip).len == 0) {
        if (value_count(ips))
            causes_invalid_shown(c, at, shown_list(c->arena, ips),
                                 "must be empty when `clusterIP` is not specified");
    } else if (value_count(ips) == 0) {
        causes_required(c, at, "%s", "");
    } else if (!slice_eq(value_text(value_item(ips, 0)), value_text(ip))) {
        causes_invalid_shown(c, at, shown_list(c->arena, ips), "first value must match `clusterIP`");
    }
}

static void check_families(struct causes *c, const struct path *at, const struct value *families)
{
    static const char *const known[] = {"IPv4", "IPv6", NULL};
    for (size_t i = 0; i < value_count(families); i++) {
        const struct value *family = value_item(families, i);
        struct path item = path_index(at, i);
        if (!value_is(family, "IPv4") && !value_is(family, "IPv6"))
            causes_not_supported(c, &item, value_text(family), known);
        for (size_t j = 0; j < i; j++)
            if (value_equal(value_item(families, j), family)) {
                causes_duplicate(c, &item, value_text(family));
                break;
            }
    }
}

static bool check_each_ip(struct causes *c, const struct path *at, const struct value *ips,
                          const struct value *existing)
{
    bool good = true;
    for (size_t i = 0; i < value_count(ips); i++) {
        const struct value *ip = value_item(ips, i);
        if (i > 0 || !value_is(ip, "None")) {
            good = check_ip_legacy(c, PATH_I(at, i), value_text(ip), existing) && good;
        } else if (value_count(ips) > 1) {
            causes_invalid_shown(c, at, shown_list(c->arena, ips), "'None' must be the first and only value");
            good = false;
        }
    }
    if (value_count(ips) > 2)
        causes_invalid_shown(c, at, shown_list(c->arena, ips), "may only hold up to 2 values");
    return good;
}

static bool has_both_families(const struct value *ips)
{
    bool v4 = false, v6 = false;
    for (VALUE_EACH(ip, ips)) {
        v4 = v4 || strcmp(family_of_text(value_text(ip)), "IPv4") == 0;
        v6 = v6 || strcmp(family_of_text(value_text(ip)), "IPv6") == 0;
    }
    return v4 && v6;
}

static void check_ips_against_families(struct causes *c, const struct path *at, const struct value *ips,
                                       const struct value *families)
{
    for (size_t i = 0; i < value_count(ips) && i < value_count(families); i++) {
        bool v6 = strcmp(family_of_text(value_text(value_item(ips, i))), "IPv6") == 0;
        if (value_is(value_item(families, i), "IPv4") && v6)
            causes_invalid_text(c, PATH_I(at, i), value_text(value_item(ips, i)),
                                "expected an IPv4 value as indicated by `ipFamilies[%zu]`", i);
        if (value_is(value_item(families, i), "IPv6") && !v6)
            causes_invalid_text(c, PATH_I(at, i), value_text(value_item(ips, i)),
                                "expected an IPv6 value as indicated by `ipFamilies[%zu]`", i);
    }
}

void check_service_cluster_ips(struct causes *c, const struct value *service, const struct value *old)
{
    static const char *const policies[] = {"PreferDualStack", "RequireDualStack", "SingleStack", NULL};
    const struct value *ips = service_field(service, core_v1_ServiceSpec_clusterIPs);
    const struct value *families = service_field(service, core_v1_ServiceSpec_ipFamilies);
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "clusterIPs");
    if (service_is_type(service, "ExternalName"))
        return;
    check_first_ip(c, &at, service_field(service, core_v1_ServiceSpec_clusterIP), ips);
    check_families(c, PATH(&spec, "ipFamilies"), families);
    check_enum(c, PATH(&spec, "ipFamilyPolicy"), service_field(service, core_v1_ServiceSpec_ipFamilyPolicy),
               policies, false);
    if (!check_each_ip(c, &at, ips, old ? service_field(old, core_v1_ServiceSpec_clusterIPs) : NULL))
        return;
    if (value_count(ips) > 1 && !has_both_families(ips))
        causes_invalid_shown(c, &at, shown_list(c->arena, ips),
                             "may specify no more than one IP for each IP family");
    if (!service_is_headless(service))
        check_ips_against_families(c, &at, ips, families);
}

/* ---- updates ---- */

static void changed(struct causes *c, const char *field, size_t i, const struct value *list, const char *why)
{
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, field);
    causes_invalid_shown(c, PATH_I(&at, i), shown_list(c->arena, list), "%s", why);
}

static bool first_differs(const struct value *a, const struct value *b)
{
    return value_count(a) && value_count(b) && !value_equal(value_item(a, 0), value_item(b, 0));
}

static void check_released(struct causes *c, const struct value *service, const char *what)
{
    const struct value *policy = service_field(service, core_v1_ServiceSpec_ipFamilyPolicy);
    struct path spec = path_field(NULL, "spec");
    if (!value_is(policy, "SingleStack"))
        causes_invalid(c, PATH(&spec, "ipFamilyPolicy"), policy,
                       "must be set to 'SingleStack' when releasing the secondary %s", what);
}

static void check_ip_changes(struct causes *c, const struct value *service, const struct value *old)
{
    const struct value *now = service_field(service, core_v1_ServiceSpec_clusterIPs);
    const struct value *before = service_field(old, core_v1_ServiceSpec_clusterIPs);
    if (service_is_headless(service) && service_is_headless(old))
        return;
    if (value_count(before) == value_count(now)) {
        for (size_t i = 0; i < value_count(now); i++)
            if (!value_equal(value_item(before, i), value_item(now, i)))
                changed(c, "clusterIPs", i, now, "may not change once set");
        return;
    }
    if (value_count(now) == 0)
        changed(c, "clusterIPs", 0, now, "primary clusterIP can not be unset");
    if (first_differs(now, before))
        changed(c, "clusterIPs", 0, now, "may not change once set");
    if (value_count(now) == 1 && value_count(before) > 1)
        check_released(c, service, "clusterIP");
}

static void check_family_changes(struct causes *c, const struct value *service, const struct value *old)
{
    const struct value *now = service_field(service, core_v1_ServiceSpec_ipFamilies);
    const struct value *before = service_field(old, core_v1_ServiceSpec_ipFamilies);
    const struct value *ips = service_field(service, core_v1_ServiceSpec_clusterIPs);
    if (service_is_headless(service) || service_is_headless(old))
        return;
    if (value_count(before) == value_count(now)) {
        for (size_t i = 0; i < value_count(now); i++)
            if (!value_equal(value_item(before, i), value_item(now, i)))
                changed(c, "ipFamilies", 0, now, "may not change once set");
        return;
    }
    if (value_count(before) > value_count(now) && value_count(ips) == 0)
        changed(c, "ipFamilies", 0, now, "primary ipFamily can not be unset");
    if (first_differs(now, before))
        changed(c, "ipFamilies", 0, ips, "may not change once set");
    if (value_count(now) == 1 && value_count(before) > 1)
        check_released(c, service, "ipFamily");
}

void check_load_balancer_class(struct causes *c, const struct value *service, const struct value *old)
{
    const struct value *class = service_field(service, core_v1_ServiceSpec_loadBalancerClass);
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "loadBalancerClass");
    bool balances = service_is_type(service, "LoadBalancer");
    if (old && balances && service_is_type(old, "LoadBalancer") &&
        !service_same(service, old, core_v1_ServiceSpec_loadBalancerClass))
        causes_invalid(c, &at, class, "may not change once set");
    if (!value_is_set(class))
        return;
    if (balances)
        check_name(c, &at, value_text(class), name_check_qualified);
    else
        causes_forbidden(c, &at, "may only be used when `type` is 'LoadBalancer'");
}

void check_service_update(struct causes *c, const struct value *service, const struct value *old)
{
    struct path spec = path_field(NULL, "spec");
    if (!service_is_type(service, "ExternalName") && !service_is_type(old, "ExternalName")) {
        check_ip_changes(c, service, old);
        check_family_changes(c, service, old);
    }
    check_load_balancer_class(c, service, old);
    if (service_needs_health_port(service) && service_needs_health_port(old) &&
        !service_same(service, old, core_v1_ServiceSpec_healthCheckNodePort))
        causes_forbidden(c, PATH(&spec, "healthCheckNodePort"), "field is immutable");
}

void check_load_balancer_status(struct causes *c, const struct value *service, const struct value *old)
{
    static const char *const modes[] = {"Proxy", "VIP", NULL};
    const struct value *list =
        value_at(value_at(value_at(service, core_v1_Service_status), core_v1_ServiceStatus_loadBalancer),
                 core_v1_LoadBalancerStatus_ingress);
    const struct value *before =
        value_at(value_at(value_at(old, core_v1_Service_status), core_v1_ServiceStatus_loadBalancer),
                 core_v1_LoadBalancerStatus_ingress);
    struct path status = path_field(NULL, "status"), balancer = path_field(&status, "loadBalancer"),
                at = path_field(&balancer, "ingress");
    struct value known = value_absent;
    if (value_count(list) && !service_is_type(service, "LoadBalancer")) {
        causes_forbidden(c, &at, "may only be used when `spec.type` is 'LoadBalancer'");
        return;
    }
    for (VALUE_EACH(ingress, before))
        *value_append(c->arena, &known) = *value_at(ingress, core_v1_LoadBalancerIngress_ip);
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *ingress = value_item(list, i),
                           *mode = value_at(ingress, core_v1_LoadBalancerIngress_ipMode);
        struct slice ip = value_text(value_at(ingress, core_v1_LoadBalancerIngress_ip));
        struct slice host = value_text(value_at(ingress, core_v1_LoadBalancerIngress_hostname));
        struct path item = path_index(&at, i);
        struct ip parsed;
        if (ip.len)
            check_ip_legacy(c, PATH(&item, "ip"), ip, &known);
        if (ip.len && !value_is_set(mode))
            causes_required(c, PATH(&item, "ipMode"), "must be specified when `ip` is set");
        else if (!ip.len && value_is_set(mode))
            causes_forbidden(c, PATH(&item, "ipMode"), "may not be specified when `ip` is not set");
        else
            check_enum(c, PATH(&item, "ipMode"), mode, modes, false);
        if (host.len)
            check_name(c, PATH(&item, "hostname"), host, name_check_subdomain);
        if (host.len && ip_parse(host, &parsed))
            causes_invalid_text(c, PATH(&item, "hostname"), host, "must be a DNS name, not an IP address");
    }
}
