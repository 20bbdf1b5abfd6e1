#include "launcher/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/arena.h"
#include "launcher/certs.h"

enum { NAMES_MAX = 64, NETWORKS_MAX = 2 };

static bool parse_port(const char *text, uint16_t *ret)
{
    unsigned port = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 5)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        port = port * 10 + (unsigned)(*text - '0');
    }
    *ret = (uint16_t)port;
    return port <= 65535;
}

bool address_parse(const char *text, struct address *ret_address, struct error *err)
{
    struct address a = {0};
    const char *colon = strrchr(text, ':');
    if (!colon || !parse_port(colon + 1, &a.port))
        return error_set(err, REASON_BAD_REQUEST,
                         "\"%s\" is not an address: write HOST:PORT, such as 127.0.0.1:6443", text);
    struct slice host = slice_make(text, (size_t)(colon - text));
    bool bracketed = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed)
        host = slice_make(host.ptr + 1, host.len - 2);
    else if (slice_find(host, ':') >= 0)
        return error_set(err, REASON_BAD_REQUEST,
                         "\"%s\" is not an address: write an IPv6 address as [::1]:6443", text);
    if (host.len >= sizeof a.host)
        return error_set(err, REASON_BAD_REQUEST, "the host in \"%s\" is too long", text);
    memcpy(a.host, host.ptr, host.len);
    *ret_address = a;
    return true;
}

static bool is_any(const char *host)
{
    return !*host || !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
}

char *address_url(const struct address *address, struct arena *arena)
{
    const char *host = address->host;
    if (is_any(host))
        host = !strcmp(host, "::") ? "::1" : "127.0.0.1";
    bool v6 = strchr(host, ':') != NULL;
    return arena_printf(arena, "https://%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", address->port);
}

/* The descriptor, or -1 with errno and, when the host is not known, *ret_unknown as getaddrinfo says it. */
static int open_listener(const struct address *address, int *ret_unknown)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *to = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    errno = EADDRNOTAVAIL;
    *ret_unknown = getaddrinfo(*address->host ? address->host : NULL, port, &hints, &to);
    if (*ret_unknown)
        return -1;
    int on = 1, fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, to->ai_protocol);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
                    bind(fd, to->ai_addr, to->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0)) {
        int why = errno;
        close(fd);
        fd = -1;
        errno = why;
    }
    freeaddrinfo(to);
    return fd;
}

int address_listen(const struct address *address)
{
    int unknown;
    return open_listener(address, &unknown);
}

bool address_check_free(const struct address *address, struct error *err)
{
    int unknown;
    cleanup_fd int fd = open_listener(address, &unknown);
    int why = errno;
    if (unknown)
        return error_set(err, REASON_BAD_REQUEST, "cannot find the host \"%s\" of --listen: %s",
                         address->host, gai_strerror(unknown));
    if (fd >= 0)
        return true;
    if (why == EADDRINUSE)
        return error_set(err, REASON_CONFLICT, "port %u is in use", address->port);
    if (why == EACCES)
        return error_set(err, REASON_FORBIDDEN, "port %u needs root: choose one above 1023 with --listen",
                         address->port);
    return error_set(err, REASON_BAD_REQUEST,
                     "cannot listen on %s:%u: %s; choose another address with --listen", address->host,
                     address->port, strerror(why));
}

int address_connect(const struct address *address, int seconds)
{
    const struct timeval wait = {.tv_sec = seconds};
    const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    errno = EHOSTUNREACH;
    if (getaddrinfo(address->host, port, &hints, &found) != 0)
        return -1;
    int fd = -1;
    for (const struct addrinfo *to = found; to && fd < 0; to = to->ai_next) {
        fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, to->ai_protocol);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
        if (connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
            int why = errno;
            close(fd);
            fd = -1;
            errno = why;
        }
    }
    freeaddrinfo(found);
    return fd;
}

/* Host bits all zero but the last: the network's first usable address. */
static bool first_of_network(const char *network, struct arena *arena, const char **ret_text)
{
    unsigned char address[16];
    char text[INET6_ADDRSTRLEN];
    int len;
    uint16_t prefix;
    const char *slash = strchr(network, '/');
    if (!slash || !parse_port(slash + 1, &prefix))
        return false;
    if (!certs_parse_address(arena_strdup(arena, slice_make(network, (size_t)(slash - network))), address,
                             &len))
        return false;
    if (prefix > len * 8 - 3) /* a handful of services is the least that makes sense */
        return false;
    for (int bit = prefix; bit < len * 8; bit++)
        address[bit / 8] &= (unsigned char)~(0x80u >> (bit % 8));
    address[len - 1] |= 1;
    if (!inet_ntop(len == 4 ? AF_INET : AF_INET6, address, text, sizeof text))
        return false;
    *ret_text = arena_strdup(arena, slice_str(text));
    return true;
}

bool address_first_of_networks(const char *networks, struct arena *arena, const char **ret_texts, size_t max,
                               size_t *ret_count, struct error *err)
{
    struct slice rest = slice_str(networks), part;
    size_t count = 0;
    while (slice_split(&rest, ',', &part)) {
        char *network = arena_strdup(arena, part);
        if (count == max || !first_of_network(network, arena, &ret_texts[count]))
            return error_set(
                err, REASON_BAD_REQUEST,
                "--service-cluster-ip-range is a network such as 10.96.0.0/16 (or an IPv4 and an IPv6 one, "
                "with a comma), not \"%s\"",
                networks);
        count++;
    }
    *ret_count = count;
    return true;
}

struct names {
    const char **texts;
    size_t count;
};

static void add_name(struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!strcmp(names->texts[i], text))
            return;
    }
    if (names->count < NAMES_MAX)
        names->texts[names->count++] = text;
}

/* What every address of the machine means when the server listens on all of them; link-local ones need a
 * zone: left out. */
static void add_interfaces(struct names *names, struct arena *arena)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        char text[INET6_ADDRSTRLEN];
        const void *bytes = NULL;
        if (!i->ifa_addr)
            continue;
        if (i->ifa_addr->sa_family == AF_INET)
            bytes = &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
        else if (i->ifa_addr->sa_family == AF_INET6 &&
                 !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr))
            bytes = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
        if (bytes && inet_ntop(i->ifa_addr->sa_family, bytes, text, sizeof text))
            add_name(names, arena_strdup(arena, slice_str(text)));
    }
    freeifaddrs(all);
}

bool address_server_names(const struct address *listen, const char *host_name, const char *service_networks,
                          struct arena *arena, const char *const **ret_names, struct error *err)
{
    static const char *const fixed[] = {"localhost",
                                        "kubernetes",
                                        "kubernetes.default",
                                        "kubernetes.default.svc",
                                        "kubernetes.default.svc.cluster.local",
                                        "127.0.0.1",
                                        "::1"};
    const char *services[NETWORKS_MAX];
    size_t service_count;
    if (!address_first_of_networks(service_networks, arena, services, NETWORKS_MAX, &service_count, err))
        return false;
    struct names names = {arena_zalloc(arena, (NAMES_MAX + 1) * sizeof(char *)), 0};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        add_name(&names, fixed[i]);
    if (*host_name)
        add_name(&names, arena_strdup(arena, slice_str(host_name)));
    for (size_t i = 0; i < service_count; i++)
        add_name(&names, services[i]);
    if (is_any(listen->host))
        add_interfaces(&names, arena);
    else
        add_name(&names, arena_strdup(arena, slice_str(listen->host)));
    *ret_names = names.texts;
    return true;
}
