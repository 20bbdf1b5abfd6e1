#include "apiserver/allocate.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>

#include "apiserver/ipaddress.h"
#include "apiserver/object.h"
#include "base/alloc.h"
#include "base/random.h"

enum { PORTS = 65536, MIN_PREFIX = 8, MAX_PREFIX = 28 };

struct service_allocator {
    pthread_mutex_t lock;
    struct store *store;
    uint32_t base, size;   /* of the range of addresses */
    uint64_t *ips, *ports; /* bit sets: address - base; port */
    char *cidr;
    unsigned port_low, port_high;
};

static bool bit(const uint64_t *set, uint32_t i)
{
    return set[i / 64] >> i % 64 & 1;
}

static void set_bit(uint64_t *set, uint32_t i, bool value)
{
    if (value)
        set[i / 64] |= 1ull << i % 64;
    else
        set[i / 64] &= ~(1ull << i % 64);
}

static bool parse_range(const char *range, uint32_t *ret_base, uint32_t *ret_size)
{
    char address[64];
    unsigned prefix;
    struct in_addr in;
    if (sscanf(range, "%63[0-9.]/%u", address, &prefix) != 2 || inet_pton(AF_INET, address, &in) != 1 ||
        prefix < MIN_PREFIX || prefix > MAX_PREFIX)
        return false;
    *ret_size = 1u << (32 - prefix);
    *ret_base = ntohl(in.s_addr) & ~(*ret_size - 1);
    return true;
}

struct slice allocator_first_ip(struct arena *arena, const char *range)
{
    uint32_t base = 0, size;
    parse_range(range, &base, &size);
    base++;
    return arena_slicef(arena, "%u.%u.%u.%u", base >> 24, base >> 16 & 255, base >> 8 & 255, base & 255);
}

static void mark_ip(struct service_allocator *a, uint32_t ip, bool used)
{
    if (ip >= a->base && ip - a->base < a->size)
        set_bit(a->ips, ip - a->base, used);
}

static void mark(struct service_allocator *a, uint32_t ip, const int *ports, size_t count, bool used)
{
    if (ip)
        mark_ip(a, ip, used);
    for (size_t i = 0; i < count; i++)
        if (ports[i] > 0 && ports[i] < PORTS)
            set_bit(a->ports, (uint32_t)ports[i], used);
}

struct fill {
    struct service_allocator *allocator;
    const struct schema_resource *services;
};

static bool fill_one(void *arg, const struct store_record *record)
{
    struct fill *fill = arg;
    cleanup_arena struct arena *arena = arena_new();
    struct value service;
    struct service_claims held = {0};
    if (object_decode(arena, fill->services, record->value, false, &service, NULL)) {
        service_holdings(arena, &service, &held);
        mark(fill->allocator, held.take_ip, held.take_ports, held.take_count, true);
    }
    return true;
}

struct service_allocator *allocator_new(struct server *server, struct error *err)
{
    uint32_t base, size;
    if (!parse_range(server->config.service_range, &base, &size)) {
        error_set(err, REASON_BAD_REQUEST,
                  "--service-cluster-ip-range: %s is no IPv4 range between /%d and /%d, as in 10.96.0.0/16",
                  server->config.service_range, MIN_PREFIX, MAX_PREFIX);
        return NULL;
    }
    cleanup_arena struct arena *arena = arena_new();
    cleanup_store_read struct store_read *read = store_read_begin(server->store, 0, err);
    if (!read)
        return NULL;
    struct service_allocator *a = xcalloc(1, sizeof *a);
    pthread_mutex_init(&a->lock, NULL);
    a->store = server->store;
    a->base = base;
    a->size = size;
    a->ips = xcalloc(size / 64 + 1, sizeof *a->ips);
    a->ports = xcalloc(PORTS / 64, sizeof *a->ports);
    a->cidr = xstrdup(server->config.service_range);
    a->port_low = server->config.node_port_low;
    a->port_high = server->config.node_port_high;
    struct fill fill = {a, schema_find_resource(SLICE(""), SLICE("v1"), SLICE("services"))};
    struct slice prefix = object_prefix(arena, fill.services, SLICE(""));
    store_range(read, &(struct store_range){.prefix = prefix, .each = fill_one, .arg = &fill});
    return a;
}

void allocator_free(struct service_allocator *a)
{
    pthread_mutex_destroy(&a->lock);
    free(a->ips);
    free(a->ports);
    free(a->cidr);
    free(a);
}

static bool ip_used(void *ctx, uint32_t ip)
{
    struct service_allocator *a = ctx;
    return ip < a->base || ip - a->base >= a->size || bit(a->ips, ip - a->base) ||
           ipaddress_exists(a->store, ip);
}

static bool port_used(void *ctx, int port)
{
    return port < 0 || port >= PORTS || bit(((struct service_allocator *)ctx)->ports, (uint32_t)port);
}

static uint32_t below(void *ctx, uint32_t bound)
{
    (void)ctx;
    return random_below(bound);
}

bool allocate_concerns(const struct schema_resource *resource)
{
    return !*resource->group && strcmp(resource->name, "services") == 0;
}

bool allocate_begin(struct service_allocator *a, struct arena *arena, const struct schema_resource *resource,
                    struct value *object, const struct value *old, bool dry_run,
                    struct allocation *allocation, struct error *err)
{
    if (!a || !allocate_concerns(resource))
        return true;
    struct service_pool pool = {
        slice_str(a->cidr), (int)a->port_low, (int)a->port_high, ip_used, port_used, below, a, dry_run};
    struct service_claims claims = {0}, held = {0};
    pthread_mutex_lock(&a->lock);
    bool ok = true;
    if (object) {
        ok = service_allocate(arena, &pool, object, old, &claims, err);
    } else {
        service_holdings(arena, old, &held);
        claims = (struct service_claims){
            .release_ip = held.take_ip, .release_ports = held.take_ports, .release_count = held.take_count};
    }
    if (ok && !dry_run) {
        mark(a, claims.take_ip, claims.take_ports, claims.take_count, true);
        *allocation = (struct allocation){true, claims};
    }
    pthread_mutex_unlock(&a->lock);
    return ok;
}

void allocate_end(struct service_allocator *a, struct allocation *allocation, bool committed)
{
    const struct service_claims *c = &allocation->claims;
    if (!allocation->active)
        return;
    pthread_mutex_lock(&a->lock);
    if (committed)
        mark(a, c->release_ip, c->release_ports, c->release_count, false);
    else
        mark(a, c->take_ip, c->take_ports, c->take_count, false);
    pthread_mutex_unlock(&a->lock);
    *allocation = (struct allocation){0};
}

bool allocate_ops(struct service_allocator *a, struct arena *arena, const struct allocation *allocation,
                  const struct value *service, struct store_op ops[ALLOCATE_MAX_OPS], size_t *ret_count,
                  struct error *err)
{
    *ret_count = 0;
    if (!allocation || !allocation->active)
        return true;
    const struct service_claims *c = &allocation->claims;
    if (c->take_ip && !ipaddress_take(arena, c->take_ip, service, &ops[(*ret_count)++], err))
        return false;
    if (c->release_ip && ipaddress_release(a->store, arena, c->release_ip, &ops[*ret_count]))
        ++*ret_count;
    return true;
}
