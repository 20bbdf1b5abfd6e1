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

static const struct {
    const char *name;
    unsigned where;
    bool (*check)(struct server *server);
} checks[] = {
    {"ping", EVERYWHERE, check_ping},
    {"log", EVERYWHERE, check_ping},
    {"etcd", EVERYWHERE, health_store_answers},
    {"etcd-readiness", ENDPOINT_READYZ, health_store_answers},
    {"informer-sync", ENDPOINT_READYZ, bootstrap_is_done},
    {"poststarthook/start-system-namespaces-controller", EVERYWHERE, bootstrap_is_done},
    {"poststarthook/rbac/bootstrap-roles", EVERYWHERE, bootstrap_is_done},
    {"poststarthook/scheduling/bootstrap-system-priority-classes", EVERYWHERE, bootstrap_is_done},
    {"poststarthook/priority-and-fairness-config-producer", EVERYWHERE, bootstrap_is_done},
    {"shutdown", ENDPOINT_READYZ, check_not_stopping},
};

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
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
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
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
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
    static const char *const endpoints[] = {"healthz", "livez", "readyz"};
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
