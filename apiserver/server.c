#include "apiserver/server.h"

#include <signal.h>
#include <string.h>

#include "admission/admission.h"
#include "apiserver/aggregate/aggregate.h"
#include "apiserver/allocate.h"
#include "apiserver/auth_config.h"
#include "apiserver/authn.h"
#include "apiserver/charge.h"
#include "apiserver/authz.h"
#include "apiserver/bootstrap.h"
#include "apiserver/catalogue.h"
#include "apiserver/custom_controller.h"
#include "apiserver/custom_registry.h"
#include "apiserver/documents.h"
#include "apiserver/ipaddress.h"
#include "apiserver/metrics.h"
#include "apiserver/outgoing/outgoing.h"
#include "apiserver/request.h"
#include "apiserver/status.h"
#include "apiserver/dynamic_admission.h"
#include "base/alloc.h"
#include "base/log.h"

enum { WINDOW_EVENTS = 20000, MAX_QUEUED_JOBS = 20000, DEFAULT_WORKERS = 64 };

struct loop_target {
    struct server *server;
    unsigned loop;
};

static void post_to_loop(void *arg, void (*fn)(void *arg), void *fn_arg)
{
    const struct loop_target *target = arg;
    http_post(target->server->http, target->loop, fn, fn_arg);
}

/* Refusals below the API (broken framing, limits) still speak Status. */
static struct blob *refused(void *arg, int status, const char *message, struct slice *ret_content_type)
{
    (void)arg;
    static const struct {
        int code;
        enum reason reason;
    } reasons[] = {
        {400, REASON_BAD_REQUEST},         {408, REASON_TIMEOUT},
        {413, REASON_TOO_LARGE},           {429, REASON_TOO_MANY_REQUESTS},
        {503, REASON_SERVICE_UNAVAILABLE},
    };
    struct error err = ERROR_INIT;
    enum reason reason = REASON_UNKNOWN;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == status)
            reason = reasons[i].reason;
    error_set(&err, reason, "%s", message);
    err.code = status;
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    status_encode(&out, &err);
    error_release(&err);
    *ret_content_type = SLICE("application/json");
    return blob_from_buf(&out);
}

static bool open_store(struct server *server, struct error *err)
{
    struct store_lmdb_options options = {
        .dir = server->config.data_dir,
        .keep_seconds = server->config.history_seconds,
        .no_sync = server->config.no_sync,
    };
    server->store = store_lmdb_open(&options, err);
    if (!server->store)
        return false;
    server->hub = hub_new(server->store, WINDOW_EVENTS);
    return true;
}

static bool open_http(struct server *server, struct error *err)
{
    struct http_config config = {
        .address = server->config.listen,
        .loops = server->config.loops,
        .cert_file = server->config.cert_file,
        .key_file = server->config.key_file,
        .client_ca_file = server->config.client_ca_file,
        .proxy_ca_file = server->config.auth->proxy_ca_file,
    };
    struct http_handler handler = {.on_request = request_serve, .on_refused = refused, .arg = server};
    server->http = http_server_new(&config, &handler, err);
    if (!server->http)
        return false;
    unsigned loops = http_server_loops(server->http);
    server->hub_loops = xcalloc(loops, sizeof *server->hub_loops);
    server->loop_targets = xcalloc(loops, sizeof *server->loop_targets);
    for (unsigned i = 0; i < loops; i++) {
        server->loop_targets[i] = (struct loop_target){server, i};
        server->hub_loops[i] = hub_add_loop(server->hub, post_to_loop, &server->loop_targets[i]);
    }
    return true;
}

struct server *server_new(const struct server_config *config, struct error *err)
{
    struct server *server = xcalloc(1, sizeof *server);
    server->config = *config;
    server->metrics = metrics_new();
    server->catalogues = catalogues_new();
    server->documents = documents_new();
    server->outgoing = outgoing_new();
    server->workers =
        pool_new("worker", config->workers ? config->workers : DEFAULT_WORKERS, MAX_QUEUED_JOBS);
    /* The store before the port: a cluster whose store cannot be read must not seem to be there. */
    if (admission_configure(config->auth->enable_plugins, config->auth->disable_plugins, err) &&
        open_store(server, err) && bootstrap_run(server, err) && ipaddress_repair(server, err) &&
        (server->allocator = allocator_new(server, err)) && (server->charge_locks = charge_locks_new()) &&
        (server->custom = custom_registry_new(server, err)) &&
        (server->dynamic_admission = dynamic_admission_new(server, err)) &&
        (server->authn = authn_new(server, config->auth, err)) &&
        (server->authz = authz_new(server, config->auth->authorization_modes, err)) &&
        open_http(server, err) && aggregate_write_authentication(server, err) &&
        (server->aggregator = aggregator_new(server, err)))
        return server;
    server_free(server);
    return NULL;
}

/*
 * The end, in this order: no new connections and readyz says no; watches end, so that clients go elsewhere;
 * requests that run finish and their writes are made durable; then the loops, then the store.
 */
void server_run(struct server *server)
{
    sigset_t signals;
    int signal;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    http_server_start(server->http);
    server->custom_controller = custom_controller_new(server);
    if (server->config.on_ready)
        server->config.on_ready(http_server_port(server->http), server->config.on_ready_arg);
    while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
        struct error err = ERROR_INIT;
        if (http_server_reload(server->http, &err))
            log_info("certificates read again");
        else
            log_error("certificates not read, the old ones stay", LOG_S("error", err.message));
        error_release(&err);
    }
    log_info("stopping", LOG_S("signal", strsignal(signal)));
    atomic_store(&server->stopping, true);
    custom_controller_stop(server->custom_controller);
    hub_shutdown(server->hub);
    aggregator_stop(server->aggregator);
    outgoing_stop(server->outgoing); /* before the loops, which are told of each end */
    http_server_stop(server->http, server->config.shutdown_seconds);
    /* Writes that loops have submitted come back before this does: from here on nobody posts to the loops. */
    store_txn(server->store, NULL, 0, NULL, NULL, NULL);
    pool_free(server->workers);
    server->workers = NULL;
    log_info("stopped");
}

void server_free(struct server *server)
{
    if (!server)
        return;
    aggregator_stop(server->aggregator);
    outgoing_stop(server->outgoing);
    pool_free(server->workers);
    if (server->http)
        http_server_free(server->http);
    authz_stop(server->authz);
    custom_controller_stop(server->custom_controller);
    if (server->custom)
        custom_registry_stop(server->custom);
    dynamic_admission_stop(server->dynamic_admission);
    if (server->hub)
        hub_free(server->hub);
    authz_free(server->authz);
    authn_free(server->authn);
    aggregator_free(server->aggregator);
    outgoing_free(server->outgoing);
    custom_controller_free(server->custom_controller);
    custom_registry_free(server->custom);
    dynamic_admission_free(server->dynamic_admission);
    if (server->allocator)
        allocator_free(server->allocator);
    charge_locks_free(server->charge_locks);
    if (server->store)
        store_close(server->store);
    documents_free(server->documents);
    catalogues_free(server->catalogues);
    metrics_free(server->metrics);
    free(server->hub_loops);
    free(server->loop_targets);
    free(server);
}
