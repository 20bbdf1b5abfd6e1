/*
 * addresses: "HOST:PORT" texts, whether a port is free, and the names that the API server's certificate must
 * hold. Errors: one sentence. Any thread.
 */
#ifndef LAUNCHER_ADDRESSES_H
#define LAUNCHER_ADDRESSES_H

#include <stdint.h>
#include "base/error.h"

struct address {
    char host[256]; /* without brackets; "" means every address of the machine */
    uint16_t port;  /* 0: any free one */
};

/* "127.0.0.1:6443", "[::1]:6443", "localhost:0", ":6443". */
bool address_parse(const char *text, struct address *ret_address, struct error *err);
/* The https URL at which a client on this machine reaches it: an address of all interfaces becomes the
 * loopback one. */
char *address_url(const struct address *address, struct arena *arena);
/* Tries to listen there. A port that is taken: REASON_CONFLICT. */
bool address_check_free(const struct address *address, struct error *err);

/* A socket that listens there, in blocking mode; -1 with errno. */
int address_listen(const struct address *address);
/* A connected TCP socket whose connect, reads and writes end after that many seconds; -1 with errno. */
int address_connect(const struct address *address, int seconds);

/* The first address of each of the comma-separated networks, which the `kubernetes` Service gets:
 * "10.96.0.0/16" gives "10.96.0.1". Appends at most max of them; false with an error when one is not a
 * network with room for services. */
bool address_first_of_networks(const char *networks, struct arena *arena, const char **ret_texts, size_t max,
                               size_t *ret_count, struct error *err);
/* Every name and address that clients may reach the API server by, each once; ends with NULL. */
bool address_server_names(const struct address *listen, const char *host_name, const char *service_networks,
                          struct arena *arena, const char *const **ret_names, struct error *err);

/* Who listens on the port, as far as this user may know: "coxswain-apiserver (process 17)" on the arena, or
 * NULL. */
char *address_port_owner(uint16_t port, struct arena *arena);

#endif
