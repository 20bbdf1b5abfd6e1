#include <jansson.h>

#include "apiserver/aggregate/internal.h"
#include "base/alloc.h"

enum { PROBE_MILLIS = 5000, DOCUMENT_MAX = 8 << 20, SMALL_MAX = 1 << 20 };

static const char discovery_type[] =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/"
    "json;g=apidiscovery.k8s.io;v=v2beta1;as="
    "APIGroupDiscoveryList";

void probe_answer_release(struct probe_answer *answer)
{
    free(answer->message);
    free(answer->discovery);
    free(answer->openapi_hash);
    *answer = (struct probe_answer){0};
}

/* ---- what a server says of itself ---- */

static char *dump(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    char *copy = text ? xstrdup(text) : NULL;
    free(text);
    return copy;
}

char *probe_find_discovery(struct slice document, const char *group, const char *version)
{
    json_t *root = json_loadb(document.ptr, document.len, 0, NULL), *item, *entry;
    size_t i, j;
    char *found = NULL;
    json_array_foreach(json_object_get(root, "items"), i, item)
    {
        const char *name = json_string_value(json_object_get(json_object_get(item, "metadata"), "name"));
        if (!name || strcmp(name, group) != 0)
            continue;
        json_array_foreach(json_object_get(item, "versions"), j, entry)
        {
            const char *text = json_string_value(json_object_get(entry, "version"));
            if (found || !text || strcmp(text, version) != 0)
                continue;
            json_object_del(entry, "freshness");
            found = dump(entry);
        }
    }
    json_decref(root);
    return found;
}

char *probe_find_openapi(struct slice index, const char *group, const char *version)
{
    cleanup_free char *key = xasprintf("apis/%s/%s", group, version);
    json_t *root = json_loadb(index.ptr, index.len, 0, NULL);
    const char *url = json_string_value(
        json_object_get(json_object_get(json_object_get(root, "paths"), key), "serverRelativeURL"));
    const char *hash = url ? strstr(url, "?hash=") : NULL;
    size_t len = hash ? strspn(hash + 6, "0123456789ABCDEFabcdef") : 0;
    char *copy = len > 0 && len <= 128 ? xstrndup(hash + 6, len) : NULL;
    json_decref(root);
    return copy;
}

/* ---- asking ---- */

/* The aggregator itself asks: as a member of system:masters it may read discovery everywhere. */
static bool ask(struct probe *p, const char *path, const char *accept, size_t limit,
                struct outgoing_answer *ret, struct error *err)
{
    const struct http_header headers[] = {
        {SLICE("accept"), slice_str(accept)},
        {SLICE("user-agent"), SLICE("coxswain-apiserver/" COXSWAIN_VERSION)},
        {SLICE("x-remote-user"), SLICE("system:kube-aggregator")},
        {SLICE("x-remote-group"), SLICE("system:masters")},
    };
    const struct outgoing_request request = {
        .method = "GET",
        .url = arena_printf(p->arena, "%s%s", p->origin, path),
        .connect_to = p->place,
        .tls = p->tls,
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
        .connect_millis = PROBE_MILLIS,
        .total_millis = PROBE_MILLIS,
    };
    return outgoing_call(p->aggregator->server->outgoing, &request, limit, p->arena, ret, err);
}

static void check(struct probe *p)
{
    cleanup_error struct error err = ERROR_INIT;
    struct outgoing_answer answer;
    const char *path = arena_printf(p->arena, "/apis/%s/%s", p->group, p->version);
    if (!ask(p, path, "application/json", SMALL_MAX, &answer, &err))
        p->answer.message =
            xasprintf("failing or missing response from https://%s%s: %s", p->place, path, err.message);
    else if (answer.status < 200 || answer.status > 299)
        p->answer.message =
            xasprintf("failing or missing response from https://%s%s: bad status from https://%s%s: %d",
                      p->place, path, p->place, path, answer.status);
    else
        p->answer.passed = true;
}

/* What else it offers; none of it decides about availability. */
static void read_documents(struct probe *p)
{
    struct outgoing_answer answer;
    if (ask(p, "/apis", discovery_type, DOCUMENT_MAX, &answer, NULL) && answer.status == 200)
        p->answer.discovery = probe_find_discovery(answer.body, p->group, p->version);
    if (ask(p, "/openapi/v3", "application/json", SMALL_MAX, &answer, NULL) && answer.status == 200)
        p->answer.openapi_hash = probe_find_openapi(answer.body, p->group, p->version);
}

static void run(void *arg)
{
    struct probe *p = arg;
    struct aggregator *a = p->aggregator;
    check(p);
    if (p->answer.passed)
        read_documents(p);
    pthread_mutex_lock(&a->lock);
    p->next = a->probes;
    a->probes = p;
    pthread_mutex_unlock(&a->lock);
    observer_kick(a->observer);
}

static void probe_free(struct probe *p)
{
    probe_answer_release(&p->answer);
    arena_free(p->arena);
}

bool probe_start(struct aggregator *a, struct member *m)
{
    struct arena *arena = arena_new();
    struct probe *p = arena_zalloc(arena, sizeof *p);
    *p = (struct probe){
        .aggregator = a,
        .arena = arena,
        .name = arena_strdup(arena, slice_str(m->name)),
        .group = arena_strdup(arena, slice_str(m->group)),
        .version = arena_strdup(arena, slice_str(m->version)),
        .origin = arena_strdup(arena, slice_str(m->origin)),
        .place = arena_strdup(arena, slice_str(m->verdict.places[m->failures % (int)m->verdict.place_count])),
        .tls = {.ca = arena_dup(arena, m->tls.ca),
                .insecure = m->tls.insecure,
                .cert = m->tls.cert,
                .key = m->tls.key},
        .target = m->target,
    };
    m->probing = pool_submit(a->server->workers, run, p);
    if (!m->probing)
        probe_free(p);
    return m->probing;
}

static struct member *find_member(struct aggregator *a, const char *name)
{
    struct member *m = a->members;
    while (m && strcmp(m->name, name) != 0)
        m = m->next;
    return m;
}

void probe_collect(struct aggregator *a)
{
    pthread_mutex_lock(&a->lock);
    struct probe *p = a->probes;
    a->probes = NULL;
    pthread_mutex_unlock(&a->lock);
    for (struct probe *next; p; p = next) {
        struct member *m = find_member(a, p->name);
        next = p->next;
        if (m)
            m->probing = false;
        if (m && m->target == p->target) {
            /* a server that cannot be reached keeps what it last said of itself */
            if (!p->answer.passed) {
                p->answer.discovery = steal(&m->answer.discovery);
                p->answer.openapi_hash = steal(&m->answer.openapi_hash);
            }
            probe_answer_release(&m->answer);
            m->answer = p->answer;
            p->answer = (struct probe_answer){0};
            m->asked = true;
            m->failures = m->answer.passed ? 0 : m->failures + 1;
        }
        probe_free(p);
    }
}
