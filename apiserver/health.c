#include "apiserver/health.h"

#include "apiserver/bootstrap.h"
#include "storage/store.h"

enum { ENDPOINT_HEALTHZ = 1, ENDPOINT_LIVEZ = 2, ENDPOINT_READYZ = 4, EVERYWHERE = 7 };

static bool check_ping(struct server *server)
{
    return server != NULL;
}

/* The store answers a read. Upstream's name for it is what monitoring looks for. */
bool health_store_answers(struct server *server)
{
    struct store_read *read = store_read_begin(server->store, 0, NULL);
    if (read)
        store_read_end(read);
    return read != NULL;
}

static bool check_not_stopping(struct server *server)
{
    return !atomic_load(&server->stopping);
}

/*
 * Upstream's checks in its order, for clients wait for single ones by name. What it does in hooks after its
 * start is done here before the port opens or needs no hook: all of these say whether that is done.
 */
#define HOOK(name)                                                                                           \
    {                                                                                                        \
        "poststarthook/" name, EVERYWHERE, bootstrap_is_done                                                 \
    }

static const struct {
    const char *name;
    unsigned where;
    bool (*check)(struct server *server);
} checks[] = {
    {"ping", EVERYWHERE, check_ping},
    {"log", EVERYWHERE, check_ping},
    {"loopback-serving-certificate", ENDPOINT_HEALTHZ | ENDPOINT_LIVEZ, check_ping},
    {"etcd", EVERYWHERE, health_store_answers},
    {"etcd-readiness", ENDPOINT_READYZ, health_store_answers},
    {"informer-sync", ENDPOINT_READYZ, bootstrap_is_done},
    HOOK("start-apiserver-admission-initializer"),
    HOOK("generic-apiserver-start-informers"),
    HOOK("priority-and-fairness-config-consumer"),
    HOOK("priority-and-fairness-filter"),
    HOOK("storage-object-count-tracker-hook"),
    HOOK("start-apiextensions-informers"),
    HOOK("start-apiextensions-controllers"),
    HOOK("crd-informer-synced"),
    HOOK("start-system-namespaces-controller"),
    HOOK("peer-endpoint-reconciler-controller"),
    HOOK("start-cluster-authentication-info-controller"),
    HOOK("start-kube-apiserver-identity-lease-controller"),
    HOOK("start-kube-apiserver-identity-lease-garbage-collector"),
    HOOK("storage-readiness"),
    HOOK("start-legacy-token-tracking-controller"),
    HOOK("start-service-ip-repair-controllers"),
    HOOK("rbac/bootstrap-roles"),
    HOOK("scheduling/bootstrap-system-priority-classes"),
    HOOK("priority-and-fairness-config-producer"),
    HOOK("bootstrap-controller"),
    HOOK("start-kubernetes-service-cidr-controller"),
    HOOK("start-kube-aggregator-informers"),
    HOOK("apiservice-status-local-available-controller"),
    HOOK("apiservice-status-remote-available-controller"),
    HOOK("apiservice-registration-controller"),
    HOOK("apiservice-discovery-controller"),
    HOOK("kube-apiserver-autoregistration"),
    {"autoregister-completion", EVERYWHERE, bootstrap_is_done},
    HOOK("apiservice-openapi-controller"),
    HOOK("apiservice-openapiv3-controller"),
    {"shutdown", ENDPOINT_READYZ, check_not_stopping},
};

enum { CHECK_COUNT = sizeof checks / sizeof *checks };

static const char *const endpoints[] = {"healthz", "livez", "readyz"};

size_t health_paths(const char *paths[HEALTH_MAX_PATHS], struct arena *arena)
{
    size_t count = 0;
    for (unsigned e = 0; e < sizeof endpoints / sizeof *endpoints; e++) {
        paths[count++] = arena_printf(arena, "/%s", endpoints[e]);
        for (size_t i = 0; i < CHECK_COUNT; i++)
            if (checks[i].where & 1u << e)
                paths[count++] = arena_printf(arena, "/%s/%s", endpoints[e], checks[i].name);
    }
    return count;
}

static bool is_excluded(const struct request *req, const char *name)
{
    for (size_t i = 0; i < req->query.count; i++)
        if (slice_is(req->query.pairs[i].key, "exclude") && slice_is(req->query.pairs[i].value, name))
            return true;
    return false;
}

static void send(struct request *req, int code, struct buf *out)
{
    request_send_text(req, code, "text/plain; charset=utf-8", blob_from_buf(out));
}

static void serve_all(struct request *req, const char *endpoint, unsigned where)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    bool ok = true;
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        if (!(checks[i].where & where))
            continue;
        if (is_excluded(req, checks[i].name)) {
            buf_printf(&out, "[+]%s excluded: ok\n", checks[i].name);
        } else if (checks[i].check(req->server)) {
            buf_printf(&out, "[+]%s ok\n", checks[i].name);
        } else {
            buf_printf(&out, "[-]%s failed: reason withheld\n", checks[i].name);
            ok = false;
        }
    }
    if (!ok) {
        buf_printf(&out, "%s check failed\n", endpoint);
    } else if (query_get(&req->query, "verbose").ptr) {
        buf_printf(&out, "%s check passed\n", endpoint);
    } else {
        buf_clear(&out);
        buf_puts(&out, "ok");
    }
    send(req, ok ? 200 : 500, &out);
}

static bool serve_one(struct request *req, const char *endpoint, unsigned where, struct slice name)
{
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        if (!(checks[i].where & where) || !slice_is(name, checks[i].name))
            continue;
        struct buf out = BUF_INIT(BUF_UNLIMITED);
        bool ok = checks[i].check(req->server);
        if (ok)
            buf_puts(&out, "ok");
        else
            buf_printf(&out, "%s check \"%s\" failed\n", endpoint, checks[i].name);
        send(req, ok ? 200 : 500, &out);
        return true;
    }
    return false;
}

bool health_serve(struct request *req)
{
    for (unsigned i = 0; i < 3; i++) {
        if (!slice_is(req->http->segments[0], endpoints[i]))
            continue;
        struct slice rest = slice_from(req->info.path, strlen(endpoints[i]) + 1);
        while (rest.len && *rest.ptr == '/')
            rest = slice_from(rest, 1);
        if (rest.len)
            return serve_one(req, endpoints[i], 1u << i, rest);
        serve_all(req, endpoints[i], 1u << i);
        return true;
    }
    return false;
}
