#include "apiserver/aggregate/internal.h"

#include "apiserver/catalogue.h"
#include "apiserver/object.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "openapi/gen/apiregistration_v1.h"
#include "openapi/scalar.h"
#include "storage/header.h"

enum { AGAIN_MILLIS = 30000, FIRST_RETRY_MILLIS = 100, FILE_MAX = 1 << 20, MAX_SERVICES = 10000 };
enum { APISERVICES, SERVICES, SLICES };

static const struct schema_resource *resource_of(const char *group, const char *name)
{
    return schema_find_resource(slice_str(group), SLICE("v1"), slice_str(name));
}

/* ---- which Services matter ---- */

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static bool is_of_interest(struct aggregator *a, struct slice namespace, struct slice name)
{
    char text[STORE_MAX_KEY];
    int len = snprintf(text, sizeof text, "%.*s/%.*s", SLICE_ARG(namespace), SLICE_ARG(name));
    struct slice key = slice_make(text, (size_t)len);
    return bsearch(&key, a->interest, a->interest_count, sizeof key, by_text) != NULL;
}

static bool concerns(void *arg, unsigned prefix, const struct store_event *event)
{
    struct aggregator *a = arg;
    struct slice name;
    if (prefix == APISERVICES || a->interest_count == 0)
        return prefix == APISERVICES;
    struct slice rest = event->key, part[5];
    for (size_t i = 0; i < 5; i++) /* "", registry, resource, namespace, name */
        if (!slice_split(&rest, '/', &part[i]))
            return true;
    if (prefix == SERVICES)
        return is_of_interest(a, part[3], part[4]);
    return header_label(event->header, SLICE("kubernetes.io/service-name"), &name) &&
           is_of_interest(a, part[3], name);
}

static void forget_interest(struct aggregator *a)
{
    for (size_t i = 0; i < a->interest_count; i++)
        free((char *)a->interest[i].ptr);
    free(a->interest);
    a->interest = NULL;
    a->interest_count = 0;
}

static void set_interest(struct aggregator *a)
{
    size_t count = 0;
    forget_interest(a);
    for (struct member *m = a->members; m; m = m->next)
        count++;
    a->interest = xcalloc(count + 1, sizeof *a->interest);
    for (struct member *m = a->members; m; m = m->next) {
        char *text =
            xasprintf("%.*s/%.*s", SLICE_ARG(value_text(value_path(&m->object, "spec.service.namespace"))),
                      SLICE_ARG(value_text(value_path(&m->object, "spec.service.name"))));
        a->interest[a->interest_count++] = slice_str(text);
    }
    qsort(a->interest, a->interest_count, sizeof *a->interest, by_text);
}

/* ---- one run ---- */

struct run {
    struct aggregator *aggregator;
    struct arena *arena;
    struct store_read *read;
    struct value *all; /* every APIService */
    uint64_t *revisions;
    size_t count, capacity, revision_count, revision_capacity;
    struct value *slices; /* of the Service that is looked at */
    size_t slice_count, slice_capacity;
    struct slice service;
};

static bool decode_record(struct run *run, const char *group, const char *name,
                          const struct store_record *record, struct value *ret)
{
    cleanup_error struct error err = ERROR_INIT;
    if (object_decode(run->arena, resource_of(group, name), record->value, true, ret, &err))
        return true;
    log_error("an object in the store cannot be read", LOG_V("key", record->key),
              LOG_S("error", err.message));
    return false;
}

static bool add_apiservice(void *arg, const struct store_record *record)
{
    struct run *run = arg;
    struct value object;
    if (!decode_record(run, "apiregistration.k8s.io", "apiservices", record, &object))
        return true;
    *(struct value *)arena_push(run->arena, &run->all, &run->count, &run->capacity, sizeof object) = object;
    *(uint64_t *)arena_push(run->arena, &run->revisions, &run->revision_count, &run->revision_capacity,
                            sizeof(uint64_t)) = record->revision;
    return run->count < MAX_SERVICES;
}

static bool wants_slice(void *arg, const struct store_record *record)
{
    struct run *run = arg;
    struct slice name;
    return header_label(record->header, SLICE("kubernetes.io/service-name"), &name) &&
           slice_eq(name, run->service);
}

static bool add_slice(void *arg, const struct store_record *record)
{
    struct run *run = arg;
    struct value object;
    if (decode_record(run, "discovery.k8s.io", "endpointslices", record, &object))
        *(struct value *)arena_push(run->arena, &run->slices, &run->slice_count, &run->slice_capacity,
                                    sizeof object) = object;
    return true;
}

static void judge(struct run *run, struct member *m)
{
    const struct value *reference = value_path(&m->object, "spec.service");
    struct availability_question q = {
        .namespace = value_text(value_path(reference, "namespace")),
        .name = value_text(value_path(reference, "name")),
        .port = value_int(value_path(reference, "port"), 443),
    };
    struct store_record record;
    struct value service;
    if (store_get(run->read, object_key(run->arena, resource_of("", "services"), q.namespace, q.name),
                  &record) &&
        decode_record(run, "", "services", &record, &service))
        q.service = &service;
    run->service = q.name;
    run->slices = NULL;
    run->slice_count = run->slice_capacity = 0;
    const struct store_range range = {
        .prefix = object_prefix(run->arena, resource_of("discovery.k8s.io", "endpointslices"), q.namespace),
        .want = wants_slice,
        .each = add_slice,
        .arg = run};
    store_range(run->read, &range);
    q.slices = run->slices;
    q.slice_count = run->slice_count;
    availability_judge(run->arena, &q, &m->verdict);
    m->origin = arena_printf(run->arena, "https://%.*s.%.*s.svc:%lld", SLICE_ARG(q.name),
                             SLICE_ARG(q.namespace), (long long)q.port);
}

static struct member *member_of(struct aggregator *a, struct slice name)
{
    struct member **at = &a->members;
    while (*at && !slice_is(name, (*at)->name))
        at = &(*at)->next;
    if (!*at) {
        *at = xcalloc(1, sizeof **at);
        (*at)->name = slice_strdup(name);
    }
    return *at;
}

static void set_tls(struct run *run, struct member *m)
{
    const struct value *spec = value_at(&m->object, apiregistration_v1_APIService_spec);
    struct slice encoded = value_text(value_at(spec, apiregistration_v1_APIServiceSpec_caBundle)), ca;
    m->tls = (struct outgoing_tls){
        .insecure = value_bool(value_at(spec, apiregistration_v1_APIServiceSpec_insecureSkipTLSVerify)),
        .cert = buf_slice(&run->aggregator->cert),
        .key = buf_slice(&run->aggregator->key)};
    const char *fault;
    if (encoded.len && scalar_base64_decode(run->arena, encoded, &ca, &fault))
        m->tls.ca = ca;
}

/* What a probe's answer depends on: another target makes it worthless. */
static uint64_t target_of(struct run *run, const struct member *m)
{
    const char *text =
        arena_printf(run->arena, "%s %s/%s %d", m->origin, m->group, m->version, m->tls.insecure);
    for (size_t i = 0; i < m->verdict.place_count; i++)
        text = arena_printf(run->arena, "%s %s", text, m->verdict.places[i]);
    return ((uint64_t)schema_hash(text, strlen(text)) << 32) ^ schema_hash(m->tls.ca.ptr, m->tls.ca.len) ^
           m->verdict.place_count;
}

static void look_at(struct run *run, size_t i)
{
    const struct value *spec = value_at(&run->all[i], apiregistration_v1_APIService_spec);
    struct member *m = member_of(run->aggregator, object_text(&run->all[i], meta_v1_ObjectMeta_name));
    m->seen = true;
    m->object = run->all[i];
    m->revision = run->revisions[i];
    m->group = arena_strdup(run->arena, value_text(value_at(spec, apiregistration_v1_APIServiceSpec_group)));
    m->version =
        arena_strdup(run->arena, value_text(value_at(spec, apiregistration_v1_APIServiceSpec_version)));
    judge(run, m);
    set_tls(run, m);
    uint64_t target = target_of(run, m);
    if (target != m->target) {
        m->target = target;
        m->asked = false;
        m->failures = 0;
        m->next_probe = 0;
    }
}

/* Says what is known, and asks again when it is time. Until the first answer the stored condition counts. */
static void decide(struct run *run, struct member *m, int64_t now)
{
    struct aggregator *a = run->aggregator;
    if (m->verdict.reason) {
        m->available = false;
        condition_write(a, run->arena, &m->object, m->revision, "False", m->verdict.reason,
                        m->verdict.message);
        return;
    }
    if (m->asked && m->answer.passed)
        condition_write(a, run->arena, &m->object, m->revision, "True", "Passed", "all checks passed");
    else if (m->asked)
        condition_write(a, run->arena, &m->object, m->revision, "False", "FailedDiscoveryCheck",
                        m->answer.message);
    m->available = m->asked ? m->answer.passed : condition_is_true(&m->object);
    if (m->probing || now < m->next_probe || !probe_start(a, m))
        return;
    int64_t wait = AGAIN_MILLIS;
    if (!m->asked || !m->answer.passed)
        wait = (int64_t)FIRST_RETRY_MILLIS << (m->failures < 9 ? m->failures : 9);
    m->next_probe = now + (wait < AGAIN_MILLIS ? wait : AGAIN_MILLIS) * 1000000;
}

static void drop_unseen(struct aggregator *a)
{
    struct member **at = &a->members;
    while (*at) {
        struct member *m = *at;
        if (m->seen) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        probe_answer_release(&m->answer);
        free(m->name);
        free(m);
    }
}

static bool read_all(struct run *run)
{
    cleanup_error struct error err = ERROR_INIT;
    struct aggregator *a = run->aggregator;
    run->read = store_read_begin(a->server->store, 0, &err);
    if (!run->read) {
        log_error("APIServices cannot be read", LOG_S("error", err.message));
        return false;
    }
    const struct store_range range = {
        .prefix = object_prefix(run->arena, resource_of("apiregistration.k8s.io", "apiservices"), SLICE("")),
        .each = add_apiservice,
        .arg = run};
    store_range(run->read, &range);
    for (struct member *m = a->members; m; m = m->next)
        m->seen = false;
    for (size_t i = 0; i < run->count; i++)
        if (value_is_set(value_path(&run->all[i], "spec.service")))
            look_at(run, i);
    store_read_end(run->read);
    drop_unseen(a);
    return true;
}

static int64_t run_once(void *arg)
{
    struct aggregator *a = arg;
    cleanup_arena struct arena *arena = arena_new();
    struct run run = {.aggregator = a, .arena = arena};
    int64_t now = clock_mono_nanos(), soonest = INT64_MAX;
    probe_collect(a);
    if (!read_all(&run))
        return FIRST_RETRY_MILLIS;
    set_interest(a);
    for (struct member *m = a->members; m; m = m->next) {
        decide(&run, m, now);
        if (!m->verdict.reason && !m->probing && m->next_probe < soonest)
            soonest = m->next_probe;
    }
    publish_members(a);
    register_custom(a, arena, run.all, run.count);
    for (struct member *m = a->members; m; m = m->next)
        if (!m->verdict.reason && m->next_probe < soonest)
            soonest = m->next_probe;
    if (soonest == INT64_MAX)
        return -1;
    return soonest > now ? (soonest - now) / 1000000 + 1 : FIRST_RETRY_MILLIS;
}

/* ---- life ---- */

static bool read_file(const char *path, struct buf *ret, struct error *err)
{
    cleanup_file FILE *in = path ? fopen(path, "re") : NULL;
    if (!path)
        return true;
    if (!in)
        return error_errno(err, "cannot read %s", path);
    ret->max = FILE_MAX;
    for (;;) {
        char *to = buf_reserve(ret, 4096);
        size_t n = to ? fread(to, 1, 4096, in) : 0;
        if (n == 0)
            return !ret->failed || error_set(err, REASON_INTERNAL, "%s is too large", path);
        ret->len += n;
    }
}

/* Another source of the catalogue has changed: custom resources have come or gone. */
static void look_again(void *arg)
{
    observer_kick(((struct aggregator *)arg)->observer);
}

struct aggregator *aggregator_new(struct server *server, struct error *err)
{
    const struct slice prefixes[] = {SLICE("/registry/apiservices.apiregistration.k8s.io/"),
                                     SLICE("/registry/services/"),
                                     SLICE("/registry/endpointslices.discovery.k8s.io/")};
    struct aggregator *a = xcalloc(1, sizeof *a);
    a->server = server;
    a->published = BUF_INIT(BUF_UNLIMITED);
    pthread_mutex_init(&a->lock, NULL);
    if (!read_file(server->config.proxy_client_cert_file, &a->cert, err) ||
        !read_file(server->config.proxy_client_key_file, &a->key, err)) {
        aggregator_free(a);
        return NULL;
    }
    const struct observer_config config = {.name = "aggregator",
                                           .prefixes = prefixes,
                                           .count = sizeof prefixes / sizeof *prefixes,
                                           .concerns = concerns,
                                           .run = run_once,
                                           .arg = a};
    a->observer = observer_new(server->store, server->hub, &config);
    catalogues_on_publish(server->catalogues, look_again, a);
    return a;
}

void aggregator_stop(struct aggregator *a)
{
    if (!a)
        return;
    catalogues_on_publish(a->server->catalogues, NULL, NULL);
    observer_stop(a->observer);
}

void aggregator_free(struct aggregator *a)
{
    if (!a)
        return;
    probe_collect(a);
    for (struct member *m = a->members; m; m = m->next)
        m->seen = false;
    drop_unseen(a);
    forget_interest(a);
    observer_free(a->observer);
    if (a->key.data)
        explicit_bzero(a->key.data, a->key.len);
    buf_release(&a->cert);
    buf_release(&a->key);
    buf_release(&a->published);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
