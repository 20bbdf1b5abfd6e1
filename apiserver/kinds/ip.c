#include <arpa/inet.h>
#include "apiserver/kinds/ip.h"
#include "apiserver/kinds/kind.h"

struct ip ip_from_v4(uint32_t n)
{
    struct ip ip = {.bytes = {[10] = 0xff, [11] = 0xff}};
    for (int i = 0; i < 4; i++)
        ip.bytes[12 + i] = (uint8_t)(n >> (24 - 8 * i));
    return ip;
}

/* Four decimal octets; leading zeros are read over and remembered in *strict. */
static bool parse_v4(struct slice text, uint32_t *ret, bool *strict)
{
    uint32_t address = 0;
    struct slice rest = text, part;
    int octets = 0;
    while (slice_split(&rest, '.', &part)) {
        uint32_t octet = 0;
        if (part.len == 0 || part.len > 8 || ++octets > 4)
            return false;
        if (part.len > 1 && part.ptr[0] == '0')
            *strict = false;
        for (size_t i = 0; i < part.len; i++) {
            if (part.ptr[i] < '0' || part.ptr[i] > '9')
                return false;
            octet = octet * 10 + (uint32_t)(part.ptr[i] - '0');
        }
        if (octet > 255)
            return false;
        address = address << 8 | octet;
    }
    *ret = address;
    return octets == 4;
}

static bool parse_ip(struct slice text, struct ip *ret, bool *strict)
{
    char copy[INET6_ADDRSTRLEN + 1];
    uint32_t v4;
    *strict = true;
    if (slice_find(text, ':') < 0) {
        if (!parse_v4(text, &v4, strict))
            return false;
        *ret = ip_from_v4(v4);
        return true;
    }
    if (text.len >= sizeof copy || memchr(text.ptr, 0, text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    struct ip ip = {.v6 = true};
    if (inet_pton(AF_INET6, copy, ip.bytes) != 1)
        return false;
    if (memcmp(ip.bytes, ip_from_v4(0).bytes, 12) == 0)
        ip.v6 = false;
    *ret = ip;
    return true;
}

bool ip_parse(struct slice text, struct ip *ret)
{
    bool strict;
    return parse_ip(text, ret, &strict);
}

static void mask(struct ip *ip, unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits > i * 8 ? bits - i * 8 : 0;
        if (kept < 8)
            ip->bytes[i] &= (uint8_t)(0xff00u >> kept);
    }
}

static bool parse_cidr(struct slice text, struct cidr *ret, bool *strict)
{
    long slash = slice_find(text, '/');
    if (slash < 0)
        return false;
    struct slice host = slice_make(text.ptr, (size_t)slash), length = slice_from(text, (size_t)slash + 1);
    if (!parse_ip(host, &ret->address, strict) || length.len == 0 || length.len > 3)
        return false;
    bool written_v6 = slice_find(host, ':') >= 0;
    ret->prefix = 0;
    for (size_t i = 0; i < length.len; i++) {
        if (length.ptr[i] < '0' || length.ptr[i] > '9')
            return false;
        ret->prefix = ret->prefix * 10 + (unsigned)(length.ptr[i] - '0');
    }
    if (length.len > 1 && length.ptr[0] == '0')
        *strict = false;
    if (ret->prefix > (written_v6 ? 128u : 32u))
        return false;
    ret->network = ret->address;
    mask(&ret->network, written_v6 ? ret->prefix : ret->prefix + 96);
    return true;
}

bool cidr_parse(struct slice text, struct cidr *ret)
{
    bool strict;
    return parse_cidr(text, ret, &strict);
}

bool cidr_contains(const struct cidr *cidr, const struct ip *ip)
{
    struct ip masked = *ip;
    if (cidr->network.v6 != ip->v6)
        return false;
    mask(&masked, cidr->network.v6 ? cidr->prefix : cidr->prefix + 96);
    return memcmp(masked.bytes, cidr->network.bytes, 16) == 0;
}

const char *ip_family(const struct ip *ip)
{
    return ip->v6 ? "IPv6" : "IPv4";
}

struct slice ip_print(struct arena *arena, const struct ip *ip)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->v6 ? ip->bytes : ip->bytes + 12, text, sizeof text);
    return arena_dup(arena, slice_str(text));
}

struct slice cidr_print(struct arena *arena, const struct cidr *cidr)
{
    return arena_slicef(arena, "%.*s/%u", SLICE_ARG(ip_print(arena, &cidr->network)), cidr->prefix);
}

static bool listed(struct slice text, const struct value *existing)
{
    if (existing) {
        for (VALUE_EACH(item, existing))
            if (slice_eq(value_text(item), text))
                return true;
    }
    return false;
}

static bool is_mapped(struct slice text, const struct ip *ip)
{
    return !ip->v6 && slice_find(text, ':') >= 0;
}

bool check_ip_legacy(struct causes *c, const struct path *at, struct slice text, const struct value *existing)
{
    struct ip ip;
    bool strict;
    size_t before = c->count;
    if (listed(text, existing))
        return true;
    if (!parse_ip(text, &ip, &strict))
        causes_invalid_text(c, at, text, "must be a valid IP address, such as 192.0.2.7 or 2001:db8::7");
    else if (!strict)
        causes_invalid_text(c, at, text, "must not have leading 0s");
    else if (is_mapped(text, &ip))
        causes_invalid_text(c, at, text, "must not be an IPv4 address mapped into IPv6");
    return c->count == before;
}

bool check_ip_strict(struct causes *c, const struct path *at, struct slice text)
{
    struct ip ip;
    if (!check_ip_legacy(c, at, text, NULL) || !ip_parse(text, &ip))
        return false;
    struct slice canonical = ip_print(c->arena, &ip);
    if (slice_eq(canonical, text))
        return true;
    causes_invalid_text(c, at, text, "must be in canonical form (\"%.*s\")", SLICE_ARG(canonical));
    return false;
}

bool check_cidr_legacy(struct causes *c, const struct path *at, struct slice text,
                       const struct value *existing)
{
    struct cidr cidr;
    bool strict;
    size_t before = c->count;
    if (listed(text, existing))
        return true;
    if (!parse_cidr(text, &cidr, &strict))
        causes_invalid_text(c, at, text, "must be a valid CIDR value, such as 192.0.2.0/24 or 2001:db8::/64");
    else if (!strict)
        causes_invalid_text(c, at, text, "must not have leading 0s in IP or prefix length");
    else if (is_mapped(slice_make(text.ptr, (size_t)slice_find(text, '/')), &cidr.address))
        causes_invalid_text(c, at, text, "must not have an IPv4 address mapped into IPv6");
    else if (memcmp(cidr.address.bytes, cidr.network.bytes, 16) != 0)
        causes_invalid_text(c, at, text, "must not have bits set beyond the prefix length");
    return c->count == before;
}

bool check_cidr_strict(struct causes *c, const struct path *at, struct slice text)
{
    struct cidr cidr;
    if (!check_cidr_legacy(c, at, text, NULL) || !cidr_parse(text, &cidr))
        return false;
    struct slice canonical = cidr_print(c->arena, &cidr);
    if (slice_eq(canonical, text))
        return true;
    causes_invalid_text(c, at, text, "must be in canonical form (\"%.*s\")", SLICE_ARG(canonical));
    return false;
}

static bool in_range(const struct ip *ip, const char *cidr_text)
{
    struct cidr cidr;
    return cidr_parse(slice_str(cidr_text), &cidr) && cidr_contains(&cidr, ip);
}

void check_endpoint_ip(struct causes *c, const struct path *at, struct slice text)
{
    struct ip ip;
    if (!ip_parse(text, &ip)) {
        causes_invalid_text(c, at, text, "must be a valid IP address");
        return;
    }
    if (in_range(&ip, "0.0.0.0/32") || in_range(&ip, "::/128"))
        causes_invalid_text(c, at, text, "may not be unspecified (%.*s)", SLICE_ARG(text));
    if (in_range(&ip, "127.0.0.0/8") || in_range(&ip, "::1/128"))
        causes_invalid_text(c, at, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    if (in_range(&ip, "169.254.0.0/16") || in_range(&ip, "fe80::/10"))
        causes_invalid_text(c, at, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    if (in_range(&ip, "224.0.0.0/24") || in_range(&ip, "ff02::/16"))
        causes_invalid_text(c, at, text,
                            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/16)");
}

static const char *shown(struct kind_request *req, const struct path *at)
{
    cleanup_buf struct buf b = BUF_INIT(4096);
    path_print(&b, at);
    return arena_strdup(req->arena, buf_slice(&b));
}

void warn_ip(struct kind_request *req, const struct path *at, struct slice text)
{
    struct ip ip;
    bool strict;
    if (!parse_ip(text, &ip, &strict))
        return;
    struct slice canonical = ip_print(req->arena, &ip);
    if (!strict || is_mapped(text, &ip))
        kind_warn(req, "%s: non-standard IP address \"%.*s\" is invalid: use \"%.*s\"", shown(req, at),
                  SLICE_ARG(text), SLICE_ARG(canonical));
    else if (ip.v6 && !slice_eq(canonical, text))
        kind_warn(req, "%s: IPv6 address \"%.*s\" should be in RFC 5952 canonical format (\"%.*s\")",
                  shown(req, at), SLICE_ARG(text), SLICE_ARG(canonical));
}

void warn_cidr(struct kind_request *req, const struct path *at, struct slice text)
{
    struct cidr cidr;
    bool strict, warned = false;
    if (!parse_cidr(text, &cidr, &strict))
        return;
    struct slice network = cidr_print(req->arena, &cidr);
    if (memcmp(cidr.address.bytes, cidr.network.bytes, 16) != 0) {
        kind_warn(req,
                  "%s: CIDR value \"%.*s\" is ambiguous in this context (should be \"%.*s\" or \"%.*s/%u\"?)",
                  shown(req, at), SLICE_ARG(text), SLICE_ARG(network),
                  SLICE_ARG(ip_print(req->arena, &cidr.address)), cidr.address.v6 ? 128 : 32);
        warned = true;
    }
    if (!strict || is_mapped(slice_make(text.ptr, (size_t)slice_find(text, '/')), &cidr.address)) {
        kind_warn(req, "%s: non-standard CIDR value \"%.*s\" is invalid: use \"%.*s\"", shown(req, at),
                  SLICE_ARG(text), SLICE_ARG(network));
        warned = true;
    }
    if (!warned && cidr.address.v6 && !slice_eq(network, text))
        kind_warn(req, "%s: IPv6 CIDR value \"%.*s\" should be in RFC 5952 canonical format (\"%.*s\")",
                  shown(req, at), SLICE_ARG(text), SLICE_ARG(network));
}
