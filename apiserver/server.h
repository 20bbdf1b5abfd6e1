/*
 * server: what all requests share. Made once by server_new, read-only after but for the parts that guard
 * themselves (store, hub, metrics, allocators).
 */
#ifndef APISERVER_SERVER_H
#define APISERVER_SERVER_H

#include <stdatomic.h>
#include "apiserver/http/http.h"
#include "base/pool.h"
#include "storage/hub.h"

struct metrics;
struct api_documents;
struct catalogues;
struct charge_locks;
struct custom_registry;
struct custom_controller;
struct dynamic_admission;
struct service_allocator;
struct auth_config;
struct authn;
struct authz;
struct loop_target;
struct outgoing;
struct aggregator;

struct server_config {
    const char *data_dir, *listen;
    const char *cert_file, *key_file, *client_ca_file;
    const char *service_range; /* "10.96.0.0/16" */
    unsigned node_port_low, node_port_high;
    /* Aggregation: what we show to extension servers; NULL: nothing. */
    const char *proxy_client_cert_file, *proxy_client_key_file;
    unsigned loops;                 /* 0: one per core */
    unsigned workers;               /* threads for what may block */
    const struct auth_config *auth; /* who is believed, who decides */
    bool no_sync;
    uint64_t history_seconds;
    int64_t shutdown_seconds;
    /* Called once, when requests are served. */
    void (*on_ready)(unsigned port, void *arg);
    void *on_ready_arg;
};

struct server {
    struct server_config config;
    struct http_server *http;
    struct store *store;
    struct hub *hub;
    struct hub_loop **hub_loops; /* one per HTTP loop */
    struct loop_target *loop_targets;
    struct pool *workers;
    struct outgoing *outgoing; /* requests that we make */
    struct metrics *metrics;
    struct catalogues *catalogues;
    struct custom_registry *custom;
    struct custom_controller *custom_controller;
    struct api_documents *documents;
    struct service_allocator *allocator;
    struct charge_locks *charge_locks; /* charge.h */
    struct authn *authn;
    struct dynamic_admission *dynamic_admission;
    struct authz *authz;
    struct aggregator *aggregator;
    atomic_bool has_extension_servers; /* some group-version is served by another server */
    atomic_bool stopping, bootstrapped;
    atomic_uint_fast64_t audit_ids;
};

struct server *server_new(const struct server_config *config, struct error *err);
/* Serves until SIGTERM or SIGINT (which the caller has blocked in all threads); SIGHUP reads the certificates
 * again. Returns after a clean end: watches ended, requests finished, all written. */
void server_run(struct server *server);
void server_free(struct server *server);

#endif
