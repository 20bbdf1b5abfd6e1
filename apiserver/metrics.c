#include "apiserver/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apiserver/object.h"
#include "apiserver/request.h"
#include "base/alloc.h"
#include "base/clock.h"

enum { TABLE_SIZE = 4096, BUCKETS = 18 };

static const double bucket_bounds[BUCKETS] = {0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1,
                                              1.25,  1.5,   2,    3,   4,   5,   6,   8,   10};

/* One combination of labels. Series of code 0 hold what has no label `code`: latency, watches, events. */
struct series {
    struct series *next;
    /* Whose it is, if built in; those of custom resources come and go, so that only the names below tell
     * them. */
    const struct schema_resource *resource;
    const struct schema_subresource *subresource;
    bool has_resource, custom;
    const char *group, *version, *name, *subname; /* a custom resource's are the series' own */
    const char *verb, *scope;
    int code;
    bool dry_run;
    uint64_t count, bytes, bucket[BUCKETS + 1];
    double seconds;
    /* Counted without the lock: */
    _Atomic uint64_t events;
    _Atomic int64_t watches;
};

struct metrics {
    pthread_mutex_t lock;
    struct series *table[TABLE_SIZE];
    int64_t started;
    _Atomic int64_t in_flight[REQUEST_KINDS];
};

struct metrics *metrics_new(void)
{
    struct metrics *m = xcalloc(1, sizeof *m);
    pthread_mutex_init(&m->lock, NULL);
    m->started = clock_now_seconds();
    return m;
}

static void free_series(struct series *s)
{
    if (s->custom) {
        free((char *)s->group);
        free((char *)s->version);
        free((char *)s->name);
        free((char *)s->subname);
    }
    free(s);
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        while (m->table[i]) {
            struct series *s = m->table[i];
            m->table[i] = s->next;
            free_series(s);
        }
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* Only words of our own become labels: a client must not be able to make new series. */
/* Upstream's label is the method, but for lists, watches and applies. */
static const char *verb_label(const struct request *req)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};
    const char *verb = req->info.verb ? req->info.verb : "";
    if (strcmp(verb, "list") == 0)
        return "LIST";
    if (strcmp(verb, "watch") == 0)
        return "WATCH";
    if (strcmp(verb, "patch") == 0 &&
        slice_starts(http_header_get(req->http, "content-type"), SLICE("application/apply-patch+")))
        return "APPLY";
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (slice_is(req->http->method, methods[i]))
            return methods[i];
    return "OTHER";
}

static const char *scope_label(const struct request *req)
{
    if (!req->resource)
        return "";
    bool one = req->info.name.len || slice_is(req->http->method, "POST");
    return one ? "resource" : req->info.namespace.len ? "namespace" : "cluster";
}

static uintptr_t hash_of(const struct request *req)
{
    const struct schema_resource *r = req->resource;
    if (!r || !r->custom)
        return ((uintptr_t)r >> 4) * 31 + ((uintptr_t)req->subresource >> 4) * 17;
    return schema_resource_hash(slice_str(r->group), slice_str(r->version), slice_str(r->name));
}

static bool is_of(const struct series *s, const struct request *req)
{
    const struct schema_resource *r = req->resource;
    if (!r || !r->custom)
        return !s->custom && s->resource == r && s->subresource == req->subresource;
    return s->custom && strcmp(s->name, r->name) == 0 && strcmp(s->group, r->group) == 0 &&
           strcmp(s->version, r->version) == 0 &&
           strcmp(s->subname, req->subresource ? req->subresource->name : "") == 0;
}

static void set_names(struct series *s, const struct request *req)
{
    const struct schema_resource *r = req->resource;
    const char *subname = req->subresource ? req->subresource->name : "";
    s->has_resource = r != NULL;
    s->custom = r && r->custom;
    s->resource = s->custom ? NULL : r;
    s->subresource = s->custom ? NULL : req->subresource;
    s->group = s->custom ? xstrdup(r->group) : r ? r->group : "";
    s->version = s->custom ? xstrdup(r->version) : r ? r->version : "";
    s->name = s->custom ? xstrdup(r->name) : r ? r->name : "";
    s->subname = s->custom ? xstrdup(subname) : subname;
}

/* With the lock held. */
static struct series *find(struct metrics *m, const struct request *req, int code)
{
    const char *verb = verb_label(req), *scope = scope_label(req);
    uintptr_t hash = hash_of(req) + (uintptr_t)verb * 7 + (uintptr_t)scope * 3 + (uintptr_t)code;
    struct series **slot = &m->table[hash % TABLE_SIZE];
    for (struct series *s = *slot; s; s = s->next)
        if (s->verb == verb && s->scope == scope && s->code == code && s->dry_run == req->write.dry_run &&
            is_of(s, req))
            return s;
    struct series *s = xcalloc(1, sizeof *s);
    *s = (struct series){
        .next = *slot, .verb = verb, .scope = scope, .code = code, .dry_run = req->write.dry_run};
    set_names(s, req);
    return *slot = s;
}

void metrics_begin(struct metrics *m, struct request *req)
{
    bool reads = slice_is(req->http->method, "GET") || slice_is(req->http->method, "HEAD");
    req->in_flight = reads ? REQUEST_READ_ONLY : REQUEST_MUTATING;
    atomic_fetch_add_explicit(&m->in_flight[req->in_flight], 1, memory_order_relaxed);
}

static void leave(struct metrics *m, struct request *req)
{
    if (req->in_flight == REQUEST_NOT_COUNTED)
        return;
    atomic_fetch_sub_explicit(&m->in_flight[req->in_flight], 1, memory_order_relaxed);
    req->in_flight = REQUEST_NOT_COUNTED;
}

void metrics_count_request(struct metrics *m, struct request *req, int code, int64_t nanos, size_t bytes)
{
    double seconds = (double)nanos / 1e9;
    int bucket = 0;
    while (bucket < BUCKETS && seconds > bucket_bounds[bucket])
        bucket++;
    leave(m, req);
    pthread_mutex_lock(&m->lock);
    find(m, req, code)->count++;
    if (!req->answered_stream) {
        struct series *s = find(m, req, 0);
        s->bytes += bytes;
        s->seconds += seconds;
        s->bucket[bucket]++;
    }
    pthread_mutex_unlock(&m->lock);
}

struct series *metrics_watch_begin(struct metrics *m, struct request *req)
{
    leave(m, req);
    pthread_mutex_lock(&m->lock);
    struct series *s = find(m, req, 0);
    pthread_mutex_unlock(&m->lock);
    atomic_fetch_add_explicit(&s->watches, 1, memory_order_relaxed);
    return s;
}

void metrics_watch_events(struct series *s, uint64_t events)
{
    atomic_fetch_add_explicit(&s->events, events, memory_order_relaxed);
}

void metrics_watch_end(struct series *s)
{
    atomic_fetch_sub_explicit(&s->watches, 1, memory_order_relaxed);
}

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void labels(struct buf *out, const struct series *s)
{
    buf_printf(
        out,
        "component=\"apiserver\",group=\"%s\",resource=\"%s\",scope=\"%s\",subresource=\"%s\",verb=\"%s\","
        "version=\"%s\"",
        s->group, s->name, s->scope, s->subname, s->verb, s->version);
}

static void each(struct metrics *m, struct buf *out, void (*put)(struct buf *out, const struct series *s))
{
    for (size_t i = 0; i < TABLE_SIZE; i++)
        for (const struct series *s = m->table[i]; s; s = s->next)
            put(out, s);
}

static void put_total(struct buf *out, const struct series *s)
{
    if (!s->count)
        return;
    buf_printf(out, "apiserver_request_total{code=\"%d\",dry_run=\"%s\",", s->code, s->dry_run ? "All" : "");
    labels(out, s);
    buf_printf(out, "} %llu\n", (unsigned long long)s->count);
}

static void put_duration(struct buf *out, const struct series *s)
{
    uint64_t sum = 0;
    bool any = false;
    for (int i = 0; i <= BUCKETS; i++)
        any |= s->bucket[i] > 0;
    if (!any)
        return;
    for (int i = 0; i <= BUCKETS; i++) {
        sum += s->bucket[i];
        buf_puts(out, "apiserver_request_duration_seconds_bucket{");
        labels(out, s);
        if (i < BUCKETS)
            buf_printf(out, ",le=\"%g\"} %llu\n", bucket_bounds[i], (unsigned long long)sum);
        else
            buf_printf(out, ",le=\"+Inf\"} %llu\n", (unsigned long long)sum);
    }
    buf_puts(out, "apiserver_request_duration_seconds_sum{");
    labels(out, s);
    buf_printf(out, "} %.9g\napiserver_request_duration_seconds_count{", s->seconds);
    labels(out, s);
    buf_printf(out, "} %llu\n", (unsigned long long)sum);
}

static void put_watchers(struct buf *out, const struct series *s)
{
    if (!s->has_resource || s->code || strcmp(s->verb, "WATCH") != 0)
        return;
    buf_printf(out, "apiserver_longrunning_requests{");
    labels(out, s);
    buf_printf(out, "} %lld\n", (long long)atomic_load_explicit(&s->watches, memory_order_relaxed));
}

static void put_events(struct buf *out, const struct series *s)
{
    uint64_t events = atomic_load_explicit(&s->events, memory_order_relaxed);
    if (events)
        buf_printf(out, "apiserver_watch_events_total{group=\"%s\",resource=\"%s\",version=\"%s\"} %llu\n",
                   s->group, s->name, s->version, (unsigned long long)events);
}

static void put_in_flight(struct buf *out, struct metrics *m)
{
    static const char *const kinds[REQUEST_KINDS] = {
        [REQUEST_READ_ONLY] = "readOnly", [REQUEST_MUTATING] = "mutating"};
    head(out, "apiserver_current_inflight_requests", "gauge",
         "Requests that are not answered yet, without watches.");
    for (int i = REQUEST_READ_ONLY; i < REQUEST_KINDS; i++)
        buf_printf(out, "apiserver_current_inflight_requests{request_kind=\"%s\"} %lld\n", kinds[i],
                   (long long)atomic_load_explicit(&m->in_flight[i], memory_order_relaxed));
}

/* Under the name of today and under the one that dashboards have had for long. */
static void put_objects(struct buf *out, struct buf *old, struct server *server)
{
    struct catalogue *catalogue = catalogues_pin(server->catalogues);
    struct discovery_list list = catalogue_list(catalogue);
    cleanup_arena struct arena *arena = arena_new();
    for (size_t g = 0; g < list.count; g++) {
        for (unsigned r = 0; r < list.items[g]->resource_count; r++) {
            const struct schema_resource *res = list.items[g]->resources[r];
            if (!(res->verbs & VERB_LIST) || (res->storage && res->storage != res))
                continue;
            uint64_t count = store_count(server->store, object_prefix(arena, res, slice_make("", 0)));
            buf_printf(out, "apiserver_resource_objects{group=\"%s\",resource=\"%s\"} %llu\n", res->group,
                       res->name, (unsigned long long)count);
            buf_printf(old, "apiserver_storage_objects{resource=\"%s%s%s\"} %llu\n", res->name,
                       *res->group ? "." : "", res->group, (unsigned long long)count);
        }
    }
    catalogue_unref(catalogue);
}

static void put_process(struct metrics *m, struct buf *out)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    unsigned long size = 0, resident = 0;
    cleanup_file FILE *statm = fopen("/proc/self/statm", "r");
    if (statm && fscanf(statm, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    head(out, "process_cpu_seconds_total", "counter", "CPU time used, user and system, in seconds.");
    buf_printf(out, "process_cpu_seconds_total %.2f\n", cpu);
    head(out, "process_resident_memory_bytes", "gauge", "Resident memory in bytes.");
    buf_printf(out, "process_resident_memory_bytes %lu\n", resident * (unsigned long)sysconf(_SC_PAGESIZE));
    head(out, "process_start_time_seconds", "gauge", "Start of the process, seconds since the epoch.");
    buf_printf(out, "process_start_time_seconds %lld\n", (long long)m->started);
}

static void put_http_and_store(struct buf *out, struct server *server)
{
    struct http_stats http;
    struct store_stats store;
    http_server_stats(server->http, &http);
    store_stats(server->store, &store);
    head(out, "apiserver_registered_watchers", "gauge", "Open watches.");
    buf_printf(out, "apiserver_registered_watchers %llu\n", (unsigned long long)hub_watch_count(server->hub));
    head(out, "coxswain_http_connections", "gauge", "Open client connections.");
    buf_printf(out, "coxswain_http_connections %llu\n", (unsigned long long)http.connections);
    head(out, "apiserver_storage_size_bytes", "gauge", "Size of the store's file in bytes.");
    buf_printf(out, "apiserver_storage_size_bytes{storage_cluster_id=\"lmdb\"} %llu\n",
               (unsigned long long)store.file_bytes);
    head(out, "coxswain_store_commits_total", "counter",
         "Durable commits; each holds one or more transactions.");
    buf_printf(out, "coxswain_store_commits_total %llu\n", (unsigned long long)store.commits);
    head(out, "coxswain_store_transactions_total", "counter", "Transactions committed.");
    buf_printf(out, "coxswain_store_transactions_total %llu\n", (unsigned long long)store.txns);
}

void metrics_write(struct metrics *m, struct server *server, struct buf *out)
{
    pthread_mutex_lock(&m->lock);
    head(out, "apiserver_request_total", "counter", "Requests by verb, resource and code.");
    each(m, out, put_total);
    head(out, "apiserver_request_duration_seconds", "histogram", "Time to answer, in seconds.");
    each(m, out, put_duration);
    head(out, "apiserver_longrunning_requests", "gauge", "Open watches by resource.");
    each(m, out, put_watchers);
    head(out, "apiserver_watch_events_total", "counter", "Events sent to watchers.");
    each(m, out, put_events);
    pthread_mutex_unlock(&m->lock);
    put_in_flight(out, m);
    cleanup_buf struct buf old = BUF_INIT(BUF_UNLIMITED);
    head(&old, "apiserver_storage_objects", "gauge", "Objects stored, by resource.");
    head(out, "apiserver_resource_objects", "gauge", "Objects stored, by group and resource.");
    put_objects(out, &old, server);
    buf_put_slice(out, buf_slice(&old));
    put_http_and_store(out, server);
    put_process(m, out);
}
