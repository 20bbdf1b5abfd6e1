#include "apiserver/http/h2.h"

/* The writing half of HTTP/2. */

static nghttp2_nv make_nv(struct slice name, struct slice value)
{
    return (nghttp2_nv){(uint8_t *)name.ptr, (uint8_t *)value.ptr, name.len, value.len, NGHTTP2_NV_FLAG_NONE};
}

/* HTTP/2 has no connection-level fields. */
static bool is_forbidden(struct slice name)
{
    static const char *const names[] = {"connection", "keep-alive",       "transfer-encoding",
                                        "upgrade",    "proxy-connection", "content-length"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(name, names[i]))
            return true;
    return false;
}

static ssize_t read_data(nghttp2_session *session, int32_t stream_id, uint8_t *buf, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct http_exchange *ex = source->ptr;
    size_t n = ex->out.bytes < length ? ex->out.bytes : length;
    if (n == 0 && !ex->ended)
        return NGHTTP2_ERR_DEFERRED; /* h2_more resumes */
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (ex->ended && n == ex->out.bytes)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

int h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *framehd, size_t length,
                 nghttp2_data_source *source, void *user_data)
{
    enum { FRAME_HEAD = 9 };
    struct conn *conn = user_data;
    struct h2 *h2 = conn->state;
    struct http_exchange *ex = source->ptr;
    if (wbuf_room(h2->w) < FRAME_HEAD + length)
        return NGHTTP2_ERR_WOULDBLOCK; /* the frame waits for the next write */
    wbuf_put(h2->w, framehd, FRAME_HEAD);
    wbuf_take(h2->w, &ex->out, length, false);
    ex->since = h2->now;
    if (length && ex->out.bytes == 0 && ex->streaming) {
        ex->waiting_drain = true;
        if (!ex->in_drained) {
            ex->in_drained = true;
            ex->drained_next = h2->drained;
            h2->drained = ex;
        }
    }
    return 0;
}

void h2_fill(struct conn *conn, struct wbuf *w)
{
    enum { LARGEST_FRAME = 16384 + 9 };
    struct h2 *h2 = conn->state;
    const struct http_config *config = &conn->loop->server->config;
    const uint8_t *bytes;
    ssize_t n = 1;
    h2->w = w;
    h2->now = now_millis();
    while (wbuf_room(w) >= LARGEST_FRAME && (n = nghttp2_session_mem_send(h2->session, &bytes)) > 0)
        wbuf_put(w, bytes, (size_t)n);
    h2->w = NULL;
    if (n < 0 || (!nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session)))
        conn->close_when_sent = true;
    if (h2->broken)
        conn->linger_when_sent = true;
    if (h2->exchanges) {
        int64_t seconds =
            config->head_seconds < config->send_seconds ? config->head_seconds : config->send_seconds;
        conn_tick_by(conn, h2->now + seconds * 1000);
    }
}

void h2_on_sent(struct conn *conn)
{
    struct h2 *h2 = conn->state;
    struct http_exchange *ex;
    while ((ex = h2->drained)) {
        h2->drained = ex->drained_next;
        ex->in_drained = false;
        exchange_drained(ex);
    }
}

static void submit(struct http_exchange *ex, struct slice length, bool body)
{
    struct h2 *h2 = ex->conn->state;
    const struct http_response *r = &ex->response;
    nghttp2_nv *nv = arena_alloc(ex->arena, (r->header_count + 4) * sizeof *nv);
    size_t n = 0;
    nv[n++] = make_nv(SLICE(":status"), arena_slicef(ex->arena, "%d", r->status));
    nv[n++] = make_nv(SLICE("date"), loop_date(ex->loop));
    if (r->content_type.len)
        nv[n++] = make_nv(SLICE("content-type"), r->content_type);
    if (length.len)
        nv[n++] = make_nv(SLICE("content-length"), length);
    for (size_t i = 0; i < r->header_count; i++)
        if (!is_forbidden(r->headers[i].name))
            nv[n++] = make_nv(r->headers[i].name, r->headers[i].value);
    nghttp2_data_provider provider = {.source.ptr = ex, .read_callback = read_data};
    if (nghttp2_submit_response(h2->session, ex->stream_id, nv, n, body ? &provider : NULL) != 0)
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, ex->stream_id, NGHTTP2_INTERNAL_ERROR);
    conn_mark_dirty(ex->conn);
}

void h2_respond(struct http_exchange *ex)
{
    struct blob *body = ex->response_body;
    size_t len = body ? body->len : 0;
    bool bodiless = ex->response.status == 204 || ex->response.status == 304;
    struct slice length = {0};
    if (!bodiless)
        length = arena_slicef(ex->arena, "%zu", len);
    bool sends = len && !ex->head_only && !bodiless;
    if (sends) {
        ex->since = now_millis();
        outq_push(&ex->out, steal(&ex->response_body));
    }
    submit(ex, length, sends);
}

void h2_stream_start(struct http_exchange *ex)
{
    ex->since = now_millis();
    if (ex->head_only)
        ex->ended = true;
    submit(ex, (struct slice){0}, !ex->head_only);
}

void h2_more(struct http_exchange *ex)
{
    struct h2 *h2 = ex->conn->state;
    nghttp2_session_resume_data(h2->session,
                                ex->stream_id); /* an error: it is not waiting, which is as well */
    conn_mark_dirty(ex->conn);
}

void h2_abort(struct http_exchange *ex)
{
    struct h2 *h2 = ex->conn->state;
    nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, ex->stream_id, NGHTTP2_CANCEL);
    conn_mark_dirty(ex->conn);
}
