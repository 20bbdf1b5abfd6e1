/*
 * ip: addresses and CIDRs as the API reads them. Objects written long ago may hold IPv4 octets with leading
 * zeros, so reading is lenient
 * ("sloppy", as in k8s.io/utils/net) and strictness is a second question; canonical texts are those of RFC
 * 5952.
 *
 * Pure; any thread. ip_check_* return NULL or an explanation (a static string, or one in the arena).
 */
#ifndef APISERVER_KINDS_IP_H
#define APISERVER_KINDS_IP_H

#include "base/arena.h"
#include "openapi/causes.h"

struct ip { /* IPv4 addresses are kept in their IPv4-mapped form, so that one comparison does for both */
    uint8_t bytes[16];
    bool v6; /* false also for the text of an IPv4-mapped IPv6 address, as in Go's net.IP */
};

struct cidr {
    struct ip address; /* as written */
    struct ip network; /* masked */
    unsigned prefix;   /* 0..32 or 0..128 */
};

bool ip_parse(struct slice text, struct ip *ret);
bool cidr_parse(struct slice text, struct cidr *ret);
bool cidr_contains(const struct cidr *cidr, const struct ip *ip);
struct slice ip_print(struct arena *arena, const struct ip *ip);
/* The masked network: "10.96.0.0/16". */
struct slice cidr_print(struct arena *arena, const struct cidr *cidr);
/* "IPv4" or "IPv6". */
const char *ip_family(const struct ip *ip);

static inline uint32_t ip_v4(const struct ip *ip)
{
    return (uint32_t)ip->bytes[12] << 24 | (uint32_t)ip->bytes[13] << 16 | (uint32_t)ip->bytes[14] << 8 |
           ip->bytes[15];
}
struct ip ip_from_v4(uint32_t n);

/* Strict, but not necessarily canonical: fields that are older than the strict rule. Values in `existing` (a
 * list of strings, or NULL) are left alone. */
bool check_ip_legacy(struct causes *c, const struct path *at, struct slice text,
                     const struct value *existing);
bool check_cidr_legacy(struct causes *c, const struct path *at, struct slice text,
                       const struct value *existing);
/* Strict and canonical. */
bool check_ip_strict(struct causes *c, const struct path *at, struct slice text);
bool check_cidr_strict(struct causes *c, const struct path *at, struct slice text);
/* Addresses that can be no endpoint: unspecified, loopback, link-local. */
void check_endpoint_ip(struct causes *c, const struct path *at, struct slice text);

struct kind_request;
/* Warnings for stored addresses that newer rules would refuse or write otherwise. */
void warn_ip(struct kind_request *req, const struct path *at, struct slice text);
void warn_cidr(struct kind_request *req, const struct path *at, struct slice text);

#endif
