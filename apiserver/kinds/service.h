/*
 * service: what the allocator of addresses and the rules of services both need to know of a service.
 * Pure; any thread.
 */
#ifndef APISERVER_KINDS_SERVICE_H
#define APISERVER_KINDS_SERVICE_H

#include "apiserver/kinds/kind.h"
#include "openapi/gen/core_v1.h"

static inline const struct value *service_spec(const struct value *service)
{
    return value_at(service, core_v1_Service_spec);
}

static inline const struct value *service_field(const struct value *service, unsigned field)
{
    return value_at(service_spec(service), field);
}

bool service_is_type(const struct value *service, const char *type);
bool service_is_headless(const struct value *service); /* clusterIPs: [None] */
bool service_is_external(const struct value *service); /* reachable from outside by its type or externalIPs */
bool service_takes_node_ports(const struct value *service);
bool service_needs_health_port(const struct value *service);
bool service_same(const struct value *a, const struct value *b, unsigned spec_field);

/* clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy among themselves. old may be NULL. */
void check_service_cluster_ips(struct causes *c, const struct value *service, const struct value *old);
/* The whole of a service; service_check.c. */
void check_service(struct kind_request *req, const struct value *service, const struct value *old);
/* What the update of a service may not change; service_update.c. */
void check_service_update(struct causes *c, const struct value *service, const struct value *old);
void check_load_balancer_class(struct causes *c, const struct value *service, const struct value *old);
void check_load_balancer_status(struct causes *c, const struct value *service, const struct value *old);
void warn_service(struct kind_request *req, const struct value *service);

extern const struct kind kind_services, kind_endpoints, kind_endpointslices, kind_ingresses,
    kind_ingressclasses, kind_networkpolicies, kind_ipaddresses, kind_servicecidrs, kind_leases;

#endif
