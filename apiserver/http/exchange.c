#include "apiserver/http/internal.h"

#include <assert.h>
#include <ctype.h>

#include "apiserver/http/path.h"
#include "base/log.h"

/* ---- lifetime ---- */

struct http_exchange *exchange_new(struct conn *conn)
{
    struct loop *loop = conn->loop;
    struct arena *arena = loop->spare_count ? loop->spare[--loop->spare_count] : arena_new();
    struct http_exchange *ex = arena_zalloc(arena, sizeof *ex);
    atomic_init(&ex->refs, 1); /* the engine's */
    ex->loop = loop;
    ex->conn = conn;
    ex->arena = arena;
    ex->peer = conn->peer;
    atomic_fetch_add_explicit(&ex->peer->refs, 1, memory_order_relaxed);
    ex->body = BUF_INIT(loop->server->config.max_body);
    ex->request.loop = loop->index;
    ex->request.peer = &ex->peer_info;
    outq_init(&ex->out);
    return ex;
}

static void free_exchange(struct http_exchange *ex)
{
    struct loop *loop = ex->loop;
    struct arena *arena = ex->arena;
    exchange_job_done(ex);
    buf_release(&ex->body);
    blob_unref(ex->response_body);
    outq_clear(&ex->out);
    peer_unref(ex->peer);
    if (current_loop == loop && loop->spare_count < SPARE_ARENAS) {
        arena_reset(arena);
        loop->spare[loop->spare_count++] = arena;
    } else {
        arena_free(arena);
    }
}

struct http_exchange *http_ref(struct http_exchange *ex)
{
    atomic_fetch_add_explicit(&ex->refs, 1, memory_order_relaxed);
    return ex;
}

void http_unref(struct http_exchange *ex)
{
    if (ex && atomic_fetch_sub_explicit(&ex->refs, 1, memory_order_acq_rel) == 1)
        free_exchange(ex);
}

/* ---- accessors ---- */

struct http_server *http_exchange_server(struct http_exchange *ex)
{
    return ex->loop->server;
}

const struct http_request *http_exchange_request(const struct http_exchange *ex)
{
    return &ex->request;
}

struct arena *http_arena(struct http_exchange *ex)
{
    return ex->arena;
}

bool http_gone(const struct http_exchange *ex)
{
    return atomic_load_explicit(&ex->gone, memory_order_acquire);
}

struct slice http_header_get(const struct http_request *request, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *h = &request->headers[i];
        if (h->name.len == len && memcmp(h->name.ptr, name, len) == 0)
            return h->value;
    }
    return (struct slice){0};
}

struct slice http_upgrade_token(const struct http_request *request)
{
    const struct http_exchange *ex =
        (const struct http_exchange *)((const char *)request - offsetof(struct http_exchange, request));
    return ex->upgrade_token;
}

/* ---- from head to handler ---- */

void exchange_add_header(struct http_exchange *ex, struct slice name, struct slice value)
{
    struct http_request *r = &ex->request;
    struct http_header *headers = (struct http_header *)r->headers; /* const to all but here */
    struct http_header *header =
        arena_push(ex->arena, &headers, &r->header_count, &ex->header_capacity, sizeof *header);
    *header = (struct http_header){name, value};
    r->headers = headers;
}

void exchange_job_done(struct http_exchange *ex)
{
    if (!ex->is_job)
        return;
    ex->is_job = false;
    atomic_fetch_sub_explicit(&ex->peer->jobs, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&ex->loop->server->jobs, 1, memory_order_relaxed);
}

/* Counts it among the jobs; false: there are too many. */
static bool take_job(struct http_exchange *ex)
{
    struct http_server *server = ex->loop->server;
    ex->is_job = true;
    unsigned own = atomic_fetch_add_explicit(&ex->peer->jobs, 1, memory_order_relaxed);
    unsigned all = atomic_fetch_add_explicit(&server->jobs, 1, memory_order_relaxed);
    return own < server->config.max_jobs_per_connection && all < server->job_limit;
}

void exchange_dispatch(struct http_exchange *ex)
{
    struct http_request *r = &ex->request;
    struct http_server *server = ex->loop->server;
    ex->dispatched = true;
    atomic_fetch_add_explicit(&ex->loop->requests, 1, memory_order_relaxed);
    r->path_ok = path_parse(ex->arena, r->raw_path, &r->segments, &r->segment_count);
    ex->peer_info = ex->peer->info;
    ex->peer_info.verified = ex->peer_info.verified && peer_valid_now(ex->peer);
    ex->peer_info.proxy_verified = ex->peer_info.proxy_verified && peer_proxy_valid_now(ex->peer);
    ex->head_only = slice_is(r->method, "HEAD");
    if (!take_job(ex)) {
        exchange_refuse(ex, 429, "too many requests of this connection are in flight");
        return;
    }
    http_ref(ex);
    server->handler.on_request(server->handler.arg, ex);
    /* Nobody has it and nobody answered: a bug above, which must not leave the client waiting. */
    if (atomic_load(&ex->refs) <= 2 && !atomic_load(&ex->answered))
        exchange_refuse(ex, 500, "the request was not answered");
    http_unref(ex);
}

/* ---- answers ---- */

static struct slice clean_value(struct arena *arena, struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c >= ' ' ? c != 0x7f : c == '\t')
            continue;
        /* A line's end in a value would let text from an object forge a header. */
        char *copy = arena_strdup(arena, value);
        for (; i < value.len; i++)
            if (((unsigned char)copy[i] < ' ' && copy[i] != '\t') || copy[i] == 0x7f)
                copy[i] = ' ';
        return slice_make(copy, value.len);
    }
    return arena_dup(arena, value);
}

static struct slice lower_name(struct arena *arena, struct slice name)
{
    char *copy = arena_strdup(arena, name);
    for (size_t i = 0; i < name.len; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return slice_make(copy, name.len);
}

static void copy_response(struct http_exchange *ex, const struct http_response *from)
{
    struct http_response *to = &ex->response;
    to->status = from->status;
    to->content_type = clean_value(ex->arena, from->content_type);
    to->header_count = from->header_count;
    struct http_header *headers = arena_alloc(ex->arena, (from->header_count + 1) * sizeof *headers);
    for (size_t i = 0; i < from->header_count; i++) {
        headers[i].name = lower_name(ex->arena, from->headers[i].name);
        headers[i].value = clean_value(ex->arena, from->headers[i].value);
    }
    to->headers = headers;
}

bool exchange_response_has(const struct http_exchange *ex, const char *name)
{
    for (size_t i = 0; i < ex->response.header_count; i++)
        if (slice_is(ex->response.headers[i].name, name))
            return true;
    return false;
}

static void mark_answered(struct http_exchange *ex)
{
    bool before = atomic_exchange(&ex->answered, true);
    assert(!before && "an exchange is answered once");
    (void)before;
}

static void respond_on_loop(struct http_exchange *ex)
{
    exchange_job_done(ex);
    if (!ex->conn)
        return; /* gone: the body goes with the exchange */
    ex->started = ex->ended = true;
    ex->conn->engine->respond(ex);
}

static void on_respond_post(void *arg)
{
    struct http_exchange *ex = arg;
    respond_on_loop(ex);
    http_unref(ex);
}

void http_respond(struct http_exchange *ex, const struct http_response *response, struct blob *body)
{
    copy_response(ex, response);
    ex->response_body = body;
    mark_answered(ex);
    if (current_loop == ex->loop) {
        respond_on_loop(ex);
        return;
    }
    http_ref(ex);
    ex->post = (struct post){.fn = on_respond_post, .arg = ex};
    loop_post(ex->loop, &ex->post);
}

void exchange_refuse(struct http_exchange *ex, int status, const char *why)
{
    struct http_server *server = ex->loop->server;
    struct slice type = SLICE("text/plain");
    struct blob *body = NULL;
    atomic_fetch_add_explicit(&ex->loop->refused, 1, memory_order_relaxed);
    if (server->handler.on_refused)
        body = server->handler.on_refused(server->handler.arg, status, why, &type);
    log_debug("request refused", LOG_N("code", status), LOG_S("why", why),
              LOG_V("client", ex->peer->info.address));
    http_respond(
        ex, &(struct http_response){.status = status, .content_type = body ? type : (struct slice){0}}, body);
}

/* ---- streams ---- */

static void close_later(struct http_exchange *ex)
{
    ex->closing = true;
    ex->closing_next = ex->loop->closing;
    ex->loop->closing = ex;
}

void exchange_finish(struct http_exchange *ex, bool gone)
{
    assert(!ex->finished);
    ex->finished = true;
    ex->conn = NULL;
    if (gone)
        atomic_store_explicit(&ex->gone, true, memory_order_release);
    outq_clear(&ex->out);
    if (!ex->streaming) {
        http_unref(ex);
        return;
    }
    atomic_fetch_sub_explicit(&ex->loop->streams, 1, memory_order_relaxed);
    close_later(ex); /* keeps the engine's reference */
}

void exchange_deliver_closes(struct loop *loop)
{
    struct http_exchange *ex;
    while ((ex = loop->closing)) {
        loop->closing = ex->closing_next;
        if (ex->stream.on_close)
            ex->stream.on_close(ex->stream.arg);
        http_unref(ex);
    }
}

void exchange_drained(struct http_exchange *ex)
{
    bool due = ex->waiting_drain && ex->out.bytes == 0 && !ex->finished && !ex->ended;
    ex->waiting_drain = false;
    if (due && ex->streaming && ex->stream.on_drain)
        ex->stream.on_drain(ex->stream.arg);
}

void http_stream_start(struct http_exchange *ex, const struct http_response *response,
                       const struct http_stream_handler *handler)
{
    assert(current_loop == ex->loop);
    copy_response(ex, response);
    mark_answered(ex);
    exchange_job_done(ex);
    ex->stream = *handler;
    ex->streaming = ex->started = true;
    if (!ex->conn) { /* the client has left: the owner still hears of the end */
        http_ref(ex);
        close_later(ex);
        return;
    }
    atomic_fetch_add_explicit(&ex->loop->streams, 1, memory_order_relaxed);
    ex->conn->engine->start(ex);
}

size_t http_stream_write(struct http_exchange *ex, struct blob *chunk)
{
    assert(current_loop == ex->loop);
    if (!ex->conn || ex->ended || ex->aborted || ex->head_only) {
        blob_unref(chunk);
        return 0;
    }
    if (ex->out.bytes == 0)
        ex->since = now_millis();
    outq_push(&ex->out, chunk);
    ex->conn->engine->more(ex);
    return ex->out.bytes;
}

void http_stream_end(struct http_exchange *ex)
{
    assert(current_loop == ex->loop);
    if (!ex->conn || ex->ended || ex->aborted)
        return;
    ex->ended = true;
    ex->conn->engine->more(ex);
}

void http_stream_abort(struct http_exchange *ex)
{
    assert(current_loop == ex->loop);
    if (!ex->conn || ex->aborted)
        return;
    ex->aborted = true;
    ex->conn->engine->abort(ex);
}

/* ---- upgrade ---- */

struct http_pipe *http_upgrade(struct http_exchange *ex, const struct http_response *response,
                               const struct http_pipe_handler *handler)
{
    assert(current_loop == ex->loop);
    if (!ex->conn || ex->conn->engine != &h1_engine || ex->upgrade_token.len == 0 ||
        atomic_load(&ex->answered))
        return NULL;
    copy_response(ex, response);
    ex->response.status = 101;
    mark_answered(ex);
    exchange_job_done(ex);
    return h1_upgrade(ex, handler);
}
