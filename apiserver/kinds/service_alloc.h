/*
 * service_alloc: which cluster IP and node ports a service gets, keeps or gives back. Pure: what is in use is
 * asked of a `struct service_pool`; the caller holds a lock over the question and the write, and keeps the
 * books from `struct service_claims`.
 *
 * Order of a write, as upstream's: mutating admission, service_allocate, the kind's prepare_*, validation.
 * Allocation changes the service (clusterIP(s), ipFamilies, ipFamilyPolicy, nodePorts, healthCheckNodePort),
 * so validation sees what will be stored. Nothing is taken when a later step fails or for a dry run: the
 * claims are only words until the caller acts on them.
 *
 * The low end of each range is left to those who ask for a value of their own and used for others only when
 * the rest is full (KEP-3070). Errors: REASON_INVALID with causes on spec.clusterIPs, spec.ports[i].nodePort,
 * spec.ipFamilies, ...; REASON_INTERNAL when a range is full. One thread at a time per call.
 */
#ifndef APISERVER_KINDS_SERVICE_ALLOC_H
#define APISERVER_KINDS_SERVICE_ALLOC_H

#include "apiserver/kinds/kind.h"

struct service_pool {
    struct slice cidr;                   /* IPv4: "10.96.0.0/16" */
    int node_port_first, node_port_last; /* 30000, 32767 */
    bool (*ip_used)(void *ctx, uint32_t ip);
    bool (*port_used)(void *ctx, int port); /* node ports of all protocols together */
    uint32_t (*random_below)(void *ctx, uint32_t bound);
    void *ctx;
    bool dry_run; /* requested values are not checked against those in use as strictly, as upstream */
};

struct service_claims {
    uint32_t take_ip, release_ip; /* 0: none */
    int *take_ports, *release_ports;
    size_t take_count, release_count, take_capacity, release_capacity;
};

/* service is changed in place; old is NULL on create. The claims' arrays live in the arena. */
bool service_allocate(struct arena *arena, const struct service_pool *pool, struct value *service,
                      const struct value *old, struct service_claims *ret_claims, struct error *err);
/* What a stored service holds: for filling the books at start, and for giving all of it back on delete. Held
 * things are in take_*. */
void service_holdings(struct arena *arena, const struct value *service, struct service_claims *ret_claims);

/* The size of the low band of a range of `size` values: min(max(16, size / step), max), 0 for small ranges.
 */
uint32_t service_band(uint32_t size, uint32_t step, uint32_t max);

#endif
