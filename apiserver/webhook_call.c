#include "apiserver/webhook_call.h"

#include <pthread.h>

#include "apiserver/aggregate/availability.h"
#include "apiserver/object.h"
#include "apiserver/outgoing/outgoing.h"
#include "base/random.h"
#include "openapi/gen/admissionregistration_v1.h"
#include "openapi/scalar.h"

enum { HTTPS_PORT = 443, MAX_SLICES = 64 };

/* ---- where it leads ---- */

struct place {
    const char *url;        /* with the timeout as a parameter */
    const char *connect_to; /* NULL: where the URL says */
};

struct slices {
    struct arena *arena;
    const struct schema_resource *resource;
    struct slice service;
    struct value items[MAX_SLICES];
    size_t count;
};

static bool take_slice(void *arg, const struct store_record *record)
{
    struct slices *s = arg;
    struct value slice;
    if (s->count < MAX_SLICES && object_decode(s->arena, s->resource, record->value, true, &slice, NULL)) {
        const struct value *labels = value_at(object_meta(&slice), meta_v1_ObjectMeta_labels);
        if (slice_eq(value_text(value_get(labels, SLICE("kubernetes.io/service-name"))), s->service))
            s->items[s->count++] = slice;
    }
    return true;
}

/* The service, and the slices that carry its endpoints, as they are now. */
static bool find_service(struct server *server, struct arena *arena, struct availability_question *q)
{
    const struct schema_resource *services = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("services"));
    struct slices *slices = arena_zalloc(arena, sizeof *slices);
    struct value *service = arena_alloc(arena, sizeof *service);
    struct store_record record;
    cleanup_store_read struct store_read *read = store_read_begin(server->store, 0, NULL);
    if (!read || !store_get(read, object_key(arena, services, q->namespace, q->name), &record) ||
        !object_decode(arena, services, record.value, true, service, NULL))
        return false;
    slices->arena = arena;
    slices->service = q->name;
    slices->resource = schema_find_resource(SLICE("discovery.k8s.io"), SLICE("v1"), SLICE("endpointslices"));
    struct slice prefix = object_prefix(arena, slices->resource, q->namespace);
    store_range(read, &(struct store_range){.prefix = prefix, .each = take_slice, .arg = slices});
    q->service = service;
    q->slices = slices->items;
    q->slice_count = slices->count;
    return true;
}

static bool find_place(struct server *server, struct arena *arena, struct admission_call *call,
                       struct place *ret, struct error *err)
{
    const struct value *config = call->client_config;
    const struct value *service = value_at(config, admissionregistration_v1_WebhookClientConfig_service);
    struct slice url = value_text(value_at(config, admissionregistration_v1_WebhookClientConfig_url));
    if (!value_is_set(service)) {
        ret->url = arena_printf(arena, "%.*s%ctimeout=%llds", SLICE_ARG(url),
                                slice_find(url, '?') < 0 ? '?' : '&', (long long)call->timeout_seconds);
        return true;
    }
    struct availability_question q = {
        .namespace = value_text(value_at(service, admissionregistration_v1_ServiceReference_namespace)),
        .name = value_text(value_at(service, admissionregistration_v1_ServiceReference_name)),
        .port = value_int(value_at(service, admissionregistration_v1_ServiceReference_port), HTTPS_PORT),
    };
    struct slice path = value_text(value_at(service, admissionregistration_v1_ServiceReference_path));
    struct availability_verdict verdict;
    ret->url =
        arena_printf(arena, "https://%.*s.%.*s.svc:%lld%s%.*s?timeout=%llds", SLICE_ARG(q.name),
                     SLICE_ARG(q.namespace), (long long)q.port, path.len && *path.ptr == '/' ? "" : "/",
                     SLICE_ARG(path), (long long)call->timeout_seconds);
    if (!find_service(server, arena, &q))
        return error_set(err, REASON_SERVICE_UNAVAILABLE, "service \"%.*s\" not found", SLICE_ARG(q.name));
    availability_judge(arena, &q, &verdict);
    if (!verdict.place_count)
        return error_set(err, REASON_SERVICE_UNAVAILABLE, "no endpoints available for service \"%.*s\"",
                         SLICE_ARG(q.name));
    ret->connect_to = verdict.places[random_below((uint32_t)verdict.place_count)];
    return true;
}

/* ---- the calls ---- */

struct batch {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    size_t running;
};

struct flight {
    struct batch *batch;
    struct arena *arena; /* of the waiting thread; used under the lock */
    struct admission_call *call;
    struct outgoing_transfer *transfer;
    const char *url;
    struct buf body;
    int status;
};

static void on_head(void *arg, const struct outgoing_head *head)
{
    struct flight *flight = arg;
    flight->status = head->status;
}

static void on_data(void *arg, struct blob *bytes)
{
    struct flight *flight = arg;
    pthread_mutex_lock(&flight->batch->lock); /* the transfer is known once outgoing_start has returned */
    buf_put_slice(&flight->body, blob_slice(bytes));
    if (flight->body.failed)
        outgoing_cancel(flight->transfer);
    outgoing_consumed(flight->transfer, bytes->len);
    pthread_mutex_unlock(&flight->batch->lock);
    blob_unref(bytes);
}

static void fail(struct flight *flight, const char *why)
{
    error_set(&flight->call->err, REASON_SERVICE_UNAVAILABLE, "Post \"%s\": %s", flight->url, why);
}

static void on_end(void *arg, const struct error *err)
{
    struct flight *flight = arg;
    pthread_mutex_lock(&flight->batch->lock);
    if (flight->body.failed)
        fail(flight, "the answer is longer than 64 MiB");
    else if (err && err->reason == REASON_TIMEOUT)
        fail(flight, "context deadline exceeded");
    else if (err)
        fail(flight, err->message);
    else if (flight->status < 200 || flight->status > 299)
        error_set(&flight->call->err, REASON_SERVICE_UNAVAILABLE, "the webhook answered with status %d",
                  flight->status);
    else
        flight->call->answer = arena_dup(flight->arena, buf_slice(&flight->body));
    flight->batch->running--;
    pthread_cond_signal(&flight->batch->ended);
    pthread_mutex_unlock(&flight->batch->lock);
}

static struct slice authority_of(struct arena *arena, const struct value *config)
{
    struct slice pem = SLICE("");
    struct slice text = value_text(value_at(config, admissionregistration_v1_WebhookClientConfig_caBundle));
    const char *fault;
    return text.len && scalar_base64_decode(arena, text, &pem, &fault) ? pem : SLICE("");
}

/* Under the batch's lock. */
static void start(struct server *server, struct flight *flight)
{
    static const struct http_header headers[] = {{{"content-type", 12}, {"application/json", 16}},
                                                 {{"accept", 6}, {"application/json, */*", 21}}};
    struct error err;
    struct place place = {0};
    error_init(&err, flight->arena);
    bool found = find_place(server, flight->arena, flight->call, &place, &err);
    flight->url = place.url;
    if (!found) {
        fail(flight, err.message);
        return;
    }
    int64_t millis = flight->call->timeout_seconds * 1000;
    struct outgoing_request request = {
        .method = "POST",
        .url = place.url,
        .connect_to = place.connect_to,
        .tls = {.ca = authority_of(flight->arena, flight->call->client_config)},
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
        .body = flight->call->body,
        .connect_millis = millis,
        .total_millis = millis,
    };
    const struct outgoing_handler handler = {
        .on_head = on_head, .on_data = on_data, .on_end = on_end, .arg = flight};
    flight->transfer = outgoing_start(server->outgoing, &request, &handler, &err);
    if (flight->transfer)
        flight->batch->running++;
    else
        fail(flight, err.message);
}

void webhook_call_all(struct server *server, struct arena *arena, struct admission_call *calls, size_t count)
{
    struct batch batch = {.running = 0};
    struct flight *flights = arena_zalloc(arena, (count + 1) * sizeof *flights);
    pthread_mutex_init(&batch.lock, NULL);
    pthread_cond_init(&batch.ended, NULL);
    pthread_mutex_lock(&batch.lock);
    for (size_t i = 0; i < count; i++) {
        flights[i] = (struct flight){
            .batch = &batch, .arena = arena, .call = &calls[i], .body = BUF_INIT(WEBHOOK_MAX_ANSWER)};
        start(server, &flights[i]);
    }
    while (batch.running)
        pthread_cond_wait(&batch.ended, &batch.lock);
    pthread_mutex_unlock(&batch.lock);
    for (size_t i = 0; i < count; i++) {
        if (flights[i].transfer)
            outgoing_release(flights[i].transfer);
        buf_release(&flights[i].body);
    }
    pthread_cond_destroy(&batch.ended);
    pthread_mutex_destroy(&batch.lock);
}
