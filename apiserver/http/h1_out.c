#include "apiserver/http/h1.h"

/* The writing half of HTTP/1.1. */

enum { SMALL_BODY = 16 * 1024 }; /* goes into the same write, and the same TLS record, as its head */

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } known[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Request Entity Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Entity"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].phrase;
    return "status";
}

static void put_header(struct buf *out, struct slice name, struct slice value)
{
    buf_put_slice(out, name);
    buf_puts(out, ": ");
    buf_put_slice(out, value);
    buf_puts(out, "\r\n");
}

/* The fields that say how the message is cut are ours alone. */
static bool is_ours(struct slice name)
{
    return slice_is(name, "content-length") || slice_is(name, "transfer-encoding");
}

void h1_append_head(struct buf *out, struct http_exchange *ex, const char *framing_headers)
{
    const struct http_response *r = &ex->response;
    buf_puts(out, "HTTP/1.1 ");
    buf_put_int(out, r->status);
    buf_putc(out, ' ');
    buf_puts(out, reason_phrase(r->status));
    buf_puts(out, "\r\n");
    put_header(out, SLICE("date"), loop_date(ex->loop));
    if (r->content_type.len)
        put_header(out, SLICE("content-type"), r->content_type);
    for (size_t i = 0; i < r->header_count; i++)
        if (!is_ours(r->headers[i].name))
            put_header(out, r->headers[i].name, r->headers[i].value);
    buf_puts(out, framing_headers);
    buf_puts(out, "\r\n");
}

static const char *connection_header(struct h1 *h1, struct http_exchange *ex)
{
    if (!h1->framing.keep_alive || ex->loop->stopping)
        h1->close = true;
    return h1->close ? "connection: close\r\n" : ex->http10 ? "connection: keep-alive\r\n" : "";
}

static bool bodiless(const struct http_exchange *ex)
{
    return ex->response.status == 204 || ex->response.status == 304;
}

void h1_respond(struct http_exchange *ex)
{
    struct conn *conn = ex->conn;
    struct h1 *h1 = conn->state;
    struct blob *body = ex->response_body;
    size_t len = body ? body->len : 0;
    char framing[96];
    const char *connection = connection_header(h1, ex);
    if (bodiless(ex))
        snprintf(framing, sizeof framing, "%s", connection);
    else
        snprintf(framing, sizeof framing, "content-length: %zu\r\n%s", len, connection);
    h1_append_head(&h1->out, ex, framing);
    conn_mark_dirty(conn);
    if (len && !ex->head_only && !bodiless(ex)) {
        if (len > SMALL_BODY) {
            outq_push(&ex->out, steal(&ex->response_body));
            return; /* h1_fill ends it */
        }
        buf_put_slice(&h1->out, blob_slice(body));
    }
    h1_answered(conn);
    h1_proceed(conn);
}

void h1_stream_start(struct http_exchange *ex)
{
    struct conn *conn = ex->conn;
    struct h1 *h1 = conn->state;
    h1->answer_chunked = !ex->http10;
    if (ex->http10)
        h1->framing.keep_alive = false; /* the end of the connection is the end of the body */
    const char *connection = connection_header(h1, ex);
    char framing[96];
    snprintf(framing, sizeof framing, "%s%s", h1->answer_chunked ? "transfer-encoding: chunked\r\n" : "",
             connection);
    h1_append_head(&h1->out, ex, framing);
    conn_mark_dirty(conn);
    if (ex->head_only) {
        ex->ended = true;
        h1_answered(conn);
        h1_proceed(conn);
    }
}

void h1_more(struct http_exchange *ex)
{
    conn_mark_dirty(ex->conn);
}

void h1_abort(struct http_exchange *ex)
{
    conn_abort(ex->conn);
}

static void fill_body(struct h1 *h1, struct http_exchange *ex, struct wbuf *w)
{
    enum { CHUNK_FRAME = 32, LAST_CHUNK = 5 };
    bool chunked = ex->streaming && h1->answer_chunked;
    if (!chunked) {
        wbuf_take(w, &ex->out, SIZE_MAX, true);
        return;
    }
    if (ex->out.bytes && wbuf_room(w) > CHUNK_FRAME + LAST_CHUNK) {
        size_t room = wbuf_room(w) - CHUNK_FRAME - LAST_CHUNK;
        size_t n = ex->out.bytes < room ? ex->out.bytes : room;
        char size[24];
        wbuf_put(w, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", n));
        wbuf_take(w, &ex->out, n, true);
        wbuf_put(w, "\r\n", 2);
    }
}

void h1_fill(struct conn *conn, struct wbuf *w)
{
    struct h1 *h1 = conn->state;
    size_t n = h1->out.len - h1->out_at;
    if (n > wbuf_room(w))
        n = wbuf_room(w);
    if (n) {
        wbuf_put(w, h1->out.data + h1->out_at, n);
        h1->out_at += n;
    }
    if (h1->out_at < h1->out.len)
        return;
    buf_release(&h1->out);
    h1->out = BUF_INIT(BUF_UNLIMITED);
    h1->out_at = 0;
    struct http_exchange *ex = h1->ex;
    if (!ex || !ex->started)
        return;
    bool had = ex->out.bytes > 0;
    fill_body(h1, ex, w);
    if (ex->out.bytes)
        return;
    ex->waiting_drain |= had;
    if (!ex->ended)
        return;
    if (ex->streaming && h1->answer_chunked) {
        if (wbuf_room(w) < 5)
            return;
        wbuf_put(w, "0\r\n\r\n", 5);
    }
    h1_answered(conn); /* reads on in on_sent */
}
