#include "apiserver/http/h2.h"

#include "apiserver/http/framing.h"
#include "base/log.h"

/*
 * The reading half of HTTP/2: nghttp2 takes frames apart and keeps the protocol's rules; what a client may
 * cost is decided here.
 */

enum {
    WINDOW_STREAM = 256 * 1024,
    WINDOW_CONNECTION = 1024 * 1024,
    RESETS_AT_ONCE = 200, /* of unanswered requests */
    RESETS_PER_SECOND = 20,
    NOISE_AT_ONCE = 2000,
    NOISE_PER_SECOND = 200,
    DECODED_TIMES = 16, /* a header list this many times over the limit is an attack */
};

/* ---- exchanges of the connection ---- */

static void link_exchange(struct h2 *h2, struct http_exchange *ex)
{
    ex->next = h2->exchanges;
    if (ex->next)
        ex->next->prev = ex;
    h2->exchanges = ex;
}

static void upload_done(struct h2 *h2, struct http_exchange *ex)
{
    if (!ex->upload_open)
        return;
    ex->upload_open = false;
    h2->body_bytes -= ex->body.len;
}

static void finish(struct h2 *h2, struct http_exchange *ex, bool gone)
{
    *(ex->prev ? &ex->prev->next : &h2->exchanges) = ex->next;
    if (ex->next)
        ex->next->prev = ex->prev;
    for (struct http_exchange **at = &h2->drained; *at && ex->in_drained; at = &(*at)->drained_next)
        if (*at == ex) {
            *at = ex->drained_next;
            ex->in_drained = false;
            break;
        }
    upload_done(h2, ex);
    exchange_finish(ex, gone);
}

/* ---- limits ---- */

static int cut(struct conn *conn, const char *why)
{
    struct h2 *h2 = conn->state;
    log_info("connection cut", LOG_S("why", why), LOG_V("client", conn->peer->info.address));
    nghttp2_session_terminate_session(h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
    h2->broken = true;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int count_reset(struct conn *conn)
{
    struct h2 *h2 = conn->state;
    atomic_fetch_add_explicit(&conn->loop->resets, 1, memory_order_relaxed);
    if (h2->broken || bucket_take(&h2->resets, RESETS_AT_ONCE, RESETS_PER_SECOND, h2->now))
        return 0;
    return cut(conn, "too many reset streams");
}

static int count_noise(struct conn *conn)
{
    struct h2 *h2 = conn->state;
    if (bucket_take(&h2->noise, NOISE_AT_ONCE, NOISE_PER_SECOND, h2->now))
        return 0;
    return cut(conn, "too many frames that do nothing");
}

static void refuse(struct http_exchange *ex, int status, const char *why)
{
    if (ex->started)
        return;
    upload_done(ex->conn->state, ex);
    exchange_refuse(ex, status, why);
}

/* ---- the head ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct conn *conn = user_data;
    struct h2 *h2 = conn->state;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct http_exchange *ex = exchange_new(conn);
    ex->stream_id = frame->hd.stream_id;
    ex->request.version = 20;
    ex->since = h2->now;
    if (!h2->exchanges)
        conn_set_idle(conn, false);
    link_exchange(h2, ex);
    nghttp2_session_set_stream_user_data(session, ex->stream_id, ex);
    /* Streams share the connection in turns, whatever priorities the client would like. */
    nghttp2_extpri fair = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
    nghttp2_session_change_extpri_stream_priority(session, ex->stream_id, &fair, 1);
    return 0;
}

static void set_path(struct http_request *r, struct slice path)
{
    long mark = slice_find(path, '?');
    r->raw_path = mark < 0 ? path : slice_make(path.ptr, (size_t)mark);
    r->raw_query = mark < 0 ? slice_make(path.ptr + path.len, 0) : slice_from(path, (size_t)mark + 1);
}

static void take_header(struct http_exchange *ex, struct slice name, struct slice value)
{
    struct http_request *r = &ex->request;
    value = arena_dup(ex->arena, value);
    if (slice_is(name, ":method"))
        r->method = value;
    else if (slice_is(name, ":path"))
        set_path(r, value);
    else if (slice_is(name, ":authority"))
        r->authority = value;
    else if (name.ptr[0] != ':')
        exchange_add_header(ex, arena_dup(ex->arena, name), value);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user_data)
{
    struct conn *conn = user_data;
    struct http_exchange *ex = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!ex)
        return 0;
    size_t max = conn->loop->server->config.max_head;
    ex->header_bytes += name_len + value_len + 32; /* as RFC 9113 counts a header list */
    if (ex->header_bytes > DECODED_TIMES * max)
        return cut(conn, "header bomb");
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* trailers mean nothing here */
    if (ex->header_bytes > max || ex->request.header_count >= MAX_HEADERS) {
        ex->refused = 431;
        ex->refused_why = "the request's header fields are larger than the limit";
    } else {
        take_header(ex, slice_make((const char *)name, name_len), slice_make((const char *)value, value_len));
    }
    return 0;
}

static void send_continue(struct http_exchange *ex)
{
    struct h2 *h2 = ex->conn->state;
    nghttp2_nv status = {(uint8_t *)":status", (uint8_t *)"100", 7, 3, 0};
    nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, ex->stream_id, NULL, &status, 1, NULL);
}

static bool length_over(const struct http_exchange *ex, size_t max)
{
    struct slice length = http_header_get(&ex->request, "content-length");
    uint64_t n = 0;
    for (size_t i = 0; i < length.len && length.len < 19;
         i++) /* nghttp2 has seen to it that these are digits */
        n = n * 10 + (uint64_t)(length.ptr[i] - '0');
    return n > max || length.len >= 19;
}

static void head_done(struct http_exchange *ex, bool end)
{
    struct http_request *r = &ex->request;
    size_t max = ex->conn->loop->server->config.max_body;
    ex->head_only = slice_is(r->method, "HEAD");
    ex->end_of_request = end;
    if (ex->started)
        return; /* 408: the head was too late */
    if (!r->authority.ptr)
        r->authority = http_header_get(r, "host");
    if (ex->refused)
        refuse(ex, ex->refused, ex->refused_why);
    else if (r->raw_path.len == 0 || r->raw_path.ptr[0] != '/')
        refuse(ex, 400, "malformed :path");
    else if (length_over(ex, max))
        refuse(ex, 413, "the request body is larger than the limit");
    else if (end)
        exchange_dispatch(ex);
    else {
        ex->upload_open = true;
        if (slice_is(http_header_get(r, "expect"), "100-continue"))
            send_continue(ex);
    }
}

/* ---- the body ---- */

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
                         size_t len, void *user_data)
{
    struct conn *conn = user_data;
    struct h2 *h2 = conn->state;
    struct http_exchange *ex = nghttp2_session_get_stream_user_data(session, stream_id);
    if (!ex)
        return 0;
    if (!ex->upload_open) { /* refused; see linger_stream */
        ex->discarded += len;
        if (ex->sent_end && ex->discarded > 4 * conn->loop->server->config.max_body)
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_NO_ERROR);
        return 0;
    }
    if (h2->body_bytes + len > conn->loop->server->config.max_body_bytes_per_connection) {
        refuse(ex, 503, "too many unfinished request bodies on this connection");
        return 0;
    }
    size_t before = ex->body.len;
    buf_put(&ex->body, data, len);
    h2->body_bytes += ex->body.len - before;
    if (ex->body.failed)
        refuse(ex, 413, "the request body is larger than the limit");
    return 0;
}

static void request_done(struct h2 *h2, struct http_exchange *ex)
{
    ex->end_of_request = true;
    if (!ex->upload_open)
        return; /* refused before */
    upload_done(h2, ex);
    ex->request.body = buf_slice(&ex->body);
    exchange_dispatch(ex);
}

/* ---- frames ---- */

/* nghttp2 drops these without a word: PRIORITY, and types it does not know. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user_data)
{
    return hd->type == NGHTTP2_PRIORITY || hd->type > NGHTTP2_CONTINUATION ? count_noise(user_data) : 0;
}

/* A stream that the client breaks so that it is reset costs as much as one that it resets itself. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user_data)
{
    return count_reset(user_data);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct conn *conn = user_data;
    struct h2 *h2 = conn->state;
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct http_exchange *ex =
        frame->hd.stream_id ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) : NULL;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (ex && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            head_done(ex, end);
        else if (ex && end)
            request_done(h2, ex);
        return 0;
    case NGHTTP2_DATA:
        if (ex && end)
            request_done(h2, ex);
        return !end && frame->hd.length == 0 ? count_noise(conn) : 0;
    case NGHTTP2_RST_STREAM:
        /* Ending a watch is how one ends; dropping a request that cost us work is not. */
        return ex && (ex->streaming || ex->sent_end) ? 0 : count_reset(conn);
    case NGHTTP2_WINDOW_UPDATE:
        return 0;
    default:
        return count_noise(conn);
    }
}

/* The answer (a 413) is out before the upload is in. A reset at once would make some clients (curl 7.88) drop
 * the answer: so the rest is read and thrown away for a while. */
static void linger_stream(struct http_exchange *ex)
{
    struct h2 *h2 = ex->conn->state;
    ex->since = h2->now;
    conn_tick_by(ex->conn, h2->now + LINGER_MILLIS);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct conn *conn = user_data;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        /* Not every provoked reset comes by on_invalid_frame. */
        uint32_t code = frame->rst_stream.error_code;
        if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL)
            count_reset(conn);
        return 0;
    }
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    struct http_exchange *ex = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!ex)
        return 0;
    ex->sent_end = true;
    if (!ex->end_of_request)
        linger_stream(ex);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t code, void *user_data)
{
    struct conn *conn = user_data;
    struct h2 *h2 = conn->state;
    struct http_exchange *ex = nghttp2_session_get_stream_user_data(session, stream_id);
    if (!ex)
        return 0;
    nghttp2_session_set_stream_user_data(session, stream_id, NULL);
    finish(h2, ex, !ex->sent_end);
    if (!h2->exchanges)
        conn_set_idle(conn, true);
    return 0;
}

/* ---- the connection ---- */

static void on_input(struct conn *conn)
{
    struct h2 *h2 = conn->state;
    h2o_buffer_t *input = conn->sock->input;
    h2->now = now_millis();
    if (input->size && !h2->broken) {
        ssize_t n = nghttp2_session_mem_recv(h2->session, (const uint8_t *)input->bytes, input->size);
        if (n < 0) {
            if (!h2->broken)
                nghttp2_session_terminate_session(h2->session, NGHTTP2_PROTOCOL_ERROR);
            h2->broken = true;
        }
        /* Thousands of frames waiting to go out to somebody who does not read them. */
        if (!h2->broken && nghttp2_session_get_outbound_queue_size(h2->session) >
                               4 * (size_t)conn->loop->server->config.max_streams + 1000)
            cut(conn, "too much queued");
    }
    h2o_buffer_consume(&conn->sock->input, conn->sock->input->size);
    if (conn->eof) {
        conn_close(conn);
        return;
    }
    if (h2->broken)
        conn->linger_when_sent = true;
    conn_mark_dirty(conn);
}

/* Returns when to look again at one exchange; resets or refuses it when it is late. */
static void check_exchange(struct http_exchange *ex, const struct http_config *config, int64_t now)
{
    struct h2 *h2 = ex->conn->state;
    if (!ex->started && !ex->dispatched) {
        int64_t due = ex->since + config->head_seconds * 1000 + (int64_t)ex->body.len * 1000 / MIN_BODY_RATE;
        if (now >= due)
            refuse(ex, 408, "the request did not arrive in time");
    } else if (ex->sent_end && now >= ex->since + LINGER_MILLIS) {
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, ex->stream_id, NGHTTP2_NO_ERROR);
    } else if (ex->started && ex->out.bytes && now >= ex->since + config->send_seconds * 1000) {
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, ex->stream_id, NGHTTP2_CANCEL);
    }
}

static int64_t on_tick(struct conn *conn, int64_t now)
{
    struct h2 *h2 = conn->state;
    const struct http_config *config = &conn->loop->server->config;
    for (struct http_exchange *ex = h2->exchanges, *next; ex; ex = next) {
        next = ex->next;
        check_exchange(ex, config, now);
    }
    conn_mark_dirty(conn);
    int64_t seconds =
        config->head_seconds < config->send_seconds ? config->head_seconds : config->send_seconds;
    int64_t step = seconds * 500 < LINGER_MILLIS ? seconds * 500 : LINGER_MILLIS;
    return h2->exchanges ? now + step : 0;
}

static void on_shutdown(struct conn *conn)
{
    struct h2 *h2 = conn->state;
    if (h2->shutdown)
        return;
    h2->shutdown = true;
    if (h2->exchanges)
        nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(h2->session), NGHTTP2_NO_ERROR, NULL,
                              0);
    else
        nghttp2_session_terminate_session(h2->session, NGHTTP2_NO_ERROR);
    conn_mark_dirty(conn);
}

static void detach(struct conn *conn)
{
    struct h2 *h2 = conn->state;
    while (h2->exchanges)
        finish(h2, h2->exchanges, !h2->exchanges->sent_end);
    conn->state = NULL;
    nghttp2_session_del(h2->session);
    free(h2);
}

static nghttp2_session_callbacks *callbacks;
static nghttp2_option *option;

static void make_callbacks(void)
{
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, h2_send_data);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, 200);
    nghttp2_option_set_max_settings(option, 32);
    nghttp2_option_set_max_continuations(option, 8);
    nghttp2_option_set_stream_reset_rate_limit(option, 4000, 500); /* of any kind; the tighter one is ours */
}

void h2_start(struct conn *conn)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct http_config *config = &conn->loop->server->config;
    struct h2 *h2 = xcalloc(1, sizeof *h2);
    pthread_once(&once, make_callbacks);
    h2->now = now_millis();
    conn->state = h2;
    conn->engine = &h2_engine;
    if (nghttp2_session_server_new2(&h2->session, callbacks, conn, option) != 0)
        abort(); /* out of memory: base/alloc.h */
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config->max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_STREAM},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)config->max_head},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings);
    nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, WINDOW_CONNECTION);
    conn_read(conn, true);
    conn_mark_dirty(conn);
}

const struct engine h2_engine = {
    .name = "h2",
    .on_input = on_input,
    .fill = h2_fill,
    .on_sent = h2_on_sent,
    .on_tick = on_tick,
    .shutdown = on_shutdown,
    .detach = detach,
    .respond = h2_respond,
    .start = h2_stream_start,
    .more = h2_more,
    .abort = h2_abort,
};
