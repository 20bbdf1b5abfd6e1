#include <arpa/inet.h>

#include "base/buf.h"
#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/types.h"

/* IP addresses and CIDR blocks. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

struct address {
    struct cel_opaque head;
    uint8_t size; /* bytes: 4 or 16 */
    uint8_t bits; /* CIDR: of the prefix */
    uint8_t bytes[16];
};

static const struct address *of(const struct cel_value *v)
{
    return (const struct address *)v->opaque;
}

static bool same_address(const struct cel_opaque *a, const struct cel_opaque *b)
{
    const struct address *x = (const struct address *)a, *y = (const struct address *)b;
    return x->size == y->size && x->bits == y->bits && memcmp(x->bytes, y->bytes, x->size) == 0;
}

/* The longest run of two or more zero groups is left out (RFC 5952). */
static void put_v6(struct buf *out, const uint8_t *bytes)
{
    unsigned groups[8], best = 8, best_len = 1;
    for (unsigned i = 0; i < 8; i++)
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    for (unsigned i = 0, len; i < 8; i += len ? len : 1) {
        for (len = 0; i + len < 8 && groups[i + len] == 0;)
            len++;
        if (len > best_len) {
            best = i;
            best_len = len;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i == best) {
            buf_puts(out, "::");
            i += best_len - 1;
            continue;
        }
        buf_printf(out, "%s%x", i && i != best + best_len ? ":" : "", groups[i]);
    }
}

static struct slice print_address(struct arena *arena, const struct address *a, bool prefix)
{
    cleanup_buf struct buf out = BUF_INIT(64);
    if (a->size == 4)
        buf_printf(&out, "%u.%u.%u.%u", a->bytes[0], a->bytes[1], a->bytes[2], a->bytes[3]);
    else
        put_v6(&out, a->bytes);
    if (prefix)
        buf_printf(&out, "/%u", a->bits);
    return arena_dup(arena, buf_slice(&out));
}

static struct slice print_ip(struct arena *arena, const struct cel_opaque *v)
{
    return print_address(arena, (const struct address *)v, false);
}

static struct slice print_cidr(struct arena *arena, const struct cel_opaque *v)
{
    return print_address(arena, (const struct address *)v, true);
}

static uint32_t ip_size(const struct cel_opaque *v)
{
    return ((const struct address *)v)->size;
}

static uint32_t cidr_size(const struct cel_opaque *v)
{
    return (((const struct address *)v)->bits + 7u) / 8;
}

static const struct cel_opaque_type ip_type = {&cel_type_ip, same_address, print_ip, ip_size};
static const struct cel_opaque_type cidr_type = {&cel_type_cidr, same_address, print_cidr, cidr_size};

/* ---- reading ---- */

/* Go's reason, or NULL. */
static const char *read_address(struct slice text, struct address *ret)
{
    char copy[INET6_ADDRSTRLEN + 8];
    if (text.len == 0)
        return "unable to parse IP";
    if (slice_find(text, '%') >= 0 && slice_find(text, ':') >= 0)
        return "zone";
    if (text.len >= sizeof copy || memchr(text.ptr, 0, text.len))
        return "unable to parse IP";
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    ret->size = slice_find(text, ':') >= 0 ? 16 : 4;
    return inet_pton(ret->size == 4 ? AF_INET : AF_INET6, copy, ret->bytes) == 1 ? NULL
                                                                                 : "unable to parse IP";
}

static bool is_mapped(const struct address *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return a->size == 16 && memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

static bool parse_ip(struct arena *arena, struct slice text, struct address *ret, struct cel_value *ret_error)
{
    const char *fault = read_address(text, ret);
    if (fault && strcmp(fault, "zone") == 0)
        *ret_error = cel_error(arena, "IP address \"%.*s\" with zone value is not allowed", SLICE_ARG(text));
    else if (fault)
        *ret_error = cel_error(
            arena, "IP Address \"%.*s\" parse error during conversion from string: ParseAddr(\"%.*s\"): %s",
            SLICE_ARG(text), SLICE_ARG(text), fault);
    else if (is_mapped(ret))
        *ret_error = cel_error(arena, "IPv4-mapped IPv6 address \"%.*s\" is not allowed", SLICE_ARG(text));
    else
        return true;
    return false;
}

static bool read_bits(struct slice text, unsigned most, uint8_t *ret)
{
    unsigned n = 0;
    if (text.len == 0 || text.len > 3 || (text.len > 1 && text.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        n = n * 10 + (unsigned)(text.ptr[i] - '0');
    }
    *ret = (uint8_t)n;
    return n <= most;
}

static bool parse_cidr(struct arena *arena, struct slice text, struct address *ret,
                       struct cel_value *ret_error)
{
    long slash = -1;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '/')
            slash = (long)i;
    struct slice left = slice_make(text.ptr, slash < 0 ? 0 : (size_t)slash);
    if (slash >= 0 && !read_address(left, ret) &&
        read_bits(slice_from(text, (size_t)slash + 1), ret->size * 8u, &ret->bits)) {
        if (!is_mapped(ret))
            return true;
        *ret_error = cel_error(arena,
                               "network address parse error during conversion from string: IPv4-mapped IPv6 "
                               "address \"%.*s\" is not "
                               "allowed",
                               SLICE_ARG(text));
        return false;
    }
    *ret_error = cel_error(arena,
                           "network address parse error during conversion from string: network address parse "
                           "error during conversion "
                           "from string: netip.ParsePrefix(\"%.*s\"): %s",
                           SLICE_ARG(text), slash < 0 ? "no '/'" : "unable to parse IP");
    return false;
}

static struct cel_value new_address(struct cel_eval *e, const struct cel_opaque_type *type,
                                    const struct address *a)
{
    struct address *copy = arena_alloc(e->arena, sizeof *copy);
    *copy = *a;
    copy->head.type = type;
    if (type == &ip_type)
        copy->bits = 0;
    return cel_opaque_value(&copy->head);
}

FN(to_ip)
{
    struct address a = {0};
    struct cel_value error;
    return parse_ip(e->arena, cel_text(&args[0]), &a, &error) ? new_address(e, &ip_type, &a) : error;
}

FN(is_ip)
{
    struct address a = {0};
    struct cel_value error;
    return cel_bool(parse_ip(e->arena, cel_text(&args[0]), &a, &error));
}

FN(is_canonical)
{
    struct address a = {0};
    struct cel_value error;
    if (!parse_ip(e->arena, cel_text(&args[0]), &a, &error))
        return error;
    return cel_bool(slice_eq(print_address(e->arena, &a, false), cel_text(&args[0])));
}

FN(to_text)
{
    return cel_string(args[0].opaque->type->print(e->arena, args[0].opaque));
}

FN(family)
{
    return cel_int(of(&args[0])->size == 4 ? 4 : 6);
}

/* ---- kinds of addresses ---- */

static bool all_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i])
            return false;
    return true;
}

static bool unspecified(const struct address *a)
{
    return all_zero(a->bytes, a->size);
}

static bool loopback(const struct address *a)
{
    return a->size == 4 ? a->bytes[0] == 127 : all_zero(a->bytes, 15) && a->bytes[15] == 1;
}

static bool multicast(const struct address *a)
{
    return a->size == 4 ? (a->bytes[0] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

static bool link_local_multicast(const struct address *a)
{
    return a->size == 4 ? a->bytes[0] == 224 && a->bytes[1] == 0 && a->bytes[2] == 0
                        : a->bytes[0] == 0xff && (a->bytes[1] & 0x0f) == 2;
}

static bool link_local_unicast(const struct address *a)
{
    return a->size == 4 ? a->bytes[0] == 169 && a->bytes[1] == 254
                        : a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static bool global_unicast(const struct address *a)
{
    bool broadcast =
        a->size == 4 && a->bytes[0] == 255 && a->bytes[1] == 255 && a->bytes[2] == 255 && a->bytes[3] == 255;
    return !broadcast && !unspecified(a) && !loopback(a) && !multicast(a) && !link_local_unicast(a);
}

#define IS(name, test)                                                                                       \
    FN(name)                                                                                                 \
    {                                                                                                        \
        return cel_bool(test(of(&args[0])));                                                                 \
    }
IS(is_unspecified, unspecified)
IS(is_loopback, loopback)
IS(is_link_local_multicast, link_local_multicast)
IS(is_link_local_unicast, link_local_unicast)
IS(is_global_unicast, global_unicast)

/* ---- blocks ---- */

static void mask(struct address *a)
{
    for (unsigned i = 0; i < a->size; i++) {
        int left = (int)a->bits - (int)i * 8;
        a->bytes[i] &= left >= 8 ? 0xff : left <= 0 ? 0 : (uint8_t)(0xff << (8 - left));
    }
}

/* Are the first bits of both the same? */
static bool agree(const struct address *a, const struct address *b, uint8_t bits)
{
    struct address x = *a, y = *b;
    x.bits = y.bits = bits;
    mask(&x);
    mask(&y);
    return x.size == y.size && memcmp(x.bytes, y.bytes, x.size) == 0;
}

FN(to_cidr)
{
    struct address a = {0};
    struct cel_value error;
    return parse_cidr(e->arena, cel_text(&args[0]), &a, &error) ? new_address(e, &cidr_type, &a) : error;
}

FN(is_cidr)
{
    struct address a = {0};
    struct cel_value error;
    return cel_bool(parse_cidr(e->arena, cel_text(&args[0]), &a, &error));
}

FN(contains_ip)
{
    return cel_bool(agree(of(&args[0]), of(&args[1]), of(&args[0])->bits));
}

FN(contains_ip_text)
{
    struct cel_value ip = to_ip(e, &args[1], 1);
    return cel_is_error(&ip) ? ip : cel_bool(agree(of(&args[0]), of(&ip), of(&args[0])->bits));
}

static struct cel_value contains_block(const struct address *a, const struct address *b)
{
    return cel_bool(a->bits <= b->bits && agree(a, b, a->bits));
}

FN(contains_cidr)
{
    return contains_block(of(&args[0]), of(&args[1]));
}

FN(contains_cidr_text)
{
    struct cel_value cidr = to_cidr(e, &args[1], 1);
    return cel_is_error(&cidr) ? cidr : contains_block(of(&args[0]), of(&cidr));
}

FN(cidr_ip)
{
    return new_address(e, &ip_type, of(&args[0]));
}

FN(prefix_length)
{
    return cel_int(of(&args[0])->bits);
}

FN(masked)
{
    struct address a = *of(&args[0]);
    mask(&a);
    return new_address(e, &cidr_type, &a);
}

static const struct cel_row rows[] = {
    {"ip", "string_to_ip", "(string): net.IP", to_ip, CEL_COST_TEXT_ONLY},
    {"isIP", "is_ip", "(string): bool", is_ip, CEL_COST_TEXT_ONLY},
    {"ip.isCanonical", "ip_is_canonical", "(string): bool", is_canonical, CEL_COST_TWICE},
    {"string", "ip_to_string", "(net.IP): string", to_text, CEL_COST_ONE},
    {"family", "ip_family", "net.IP.(): int", family, CEL_COST_ONE},
    {"isUnspecified", "ip_is_unspecified", "net.IP.(): bool", is_unspecified, CEL_COST_ONE},
    {"isLoopback", "ip_is_loopback", "net.IP.(): bool", is_loopback, CEL_COST_ONE},
    {"isLinkLocalMulticast", "ip_is_link_local_multicast", "net.IP.(): bool", is_link_local_multicast,
     CEL_COST_ONE},
    {"isLinkLocalUnicast", "ip_is_link_local_unicast", "net.IP.(): bool", is_link_local_unicast,
     CEL_COST_ONE},
    {"isGlobalUnicast", "ip_is_global_unicast", "net.IP.(): bool", is_global_unicast, CEL_COST_ONE},
    {"cidr", "string_to_cidr", "(string): net.CIDR", to_cidr, CEL_COST_TEXT_ONLY},
    {"isCIDR", "is_cidr", "(string): bool", is_cidr, CEL_COST_TEXT_ONLY},
    {"string", "cidr_to_string", "(net.CIDR): string", to_text, CEL_COST_ONE},
    {"containsIP", "cidr_contains_ip_string", "net.CIDR.(string): bool", contains_ip_text,
     CEL_COST_CONTAINS_IP_TEXT},
    {"containsIP", "cidr_contains_ip_ip", "net.CIDR.(net.IP): bool", contains_ip, CEL_COST_CONTAINS_IP},
    {"containsCIDR", "cidr_contains_cidr_string", "net.CIDR.(string): bool", contains_cidr_text,
     CEL_COST_CONTAINS_CIDR_TEXT},
    {"containsCIDR", "cidr_contains_cidr", "net.CIDR.(net.CIDR): bool", contains_cidr,
     CEL_COST_CONTAINS_CIDR},
    {"ip", "cidr_ip", "net.CIDR.(): net.IP", cidr_ip, CEL_COST_ONE},
    {"prefixLength", "cidr_prefix_length", "net.CIDR.(): int", prefix_length, CEL_COST_ONE},
    {"masked", "cidr_masked", "net.CIDR.(): net.CIDR", masked, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_network, rows);
