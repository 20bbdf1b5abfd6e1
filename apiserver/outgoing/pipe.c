/* An upgrade: libcurl connects and does TLS, the bytes are ours. */
#include "apiserver/outgoing/internal.h"

#include "base/alloc.h"
#include "base/clock.h"

enum { READ_BYTES = 16 << 10, HEAD_SECONDS = 30 };

/* The head and the body of the request, as the first bytes to send. */
bool pipe_prepare(struct outgoing_transfer *t, const struct outgoing_request *request, struct error *err)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    const char *host = strstr(request->url, "://") + 3, *path = strchr(host, '/');
    buf_printf(&out, "%s %s HTTP/1.1\r\nHost: %.*s\r\nConnection: Upgrade\r\nUpgrade: %.*s\r\n",
               request->method, path ? path : "/", path ? (int)(path - host) : (int)strlen(host), host,
               SLICE_ARG(request->upgrade));
    for (size_t i = 0; i < request->header_count; i++)
        buf_printf(&out, "%.*s: %.*s\r\n", SLICE_ARG(request->headers[i].name),
                   SLICE_ARG(request->headers[i].value));
    if (request->body.len)
        buf_printf(&out, "Content-Length: %zu\r\n", request->body.len);
    buf_puts(&out, "\r\n");
    buf_put_slice(&out, request->body);
    struct chunk *chunk = xcalloc(1, sizeof *chunk);
    chunk->bytes = blob_from_buf(&out);
    *t->out_end = chunk;
    t->out_end = &chunk->next;
    t->shared.unsent += chunk->bytes->len;
    t->pipe = PIPE_CONNECTING;
    lib.curl_easy_setopt(t->easy, CURLOPT_CONNECT_ONLY, 1L);
    lib.curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    lib.curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, 0L);
    return transfer_check_headers(request, err);
}

static void fail(struct outgoing_transfer *t, const char *why)
{
    cleanup_error struct error err = ERROR_INIT;
    error_set(&err, REASON_SERVICE_UNAVAILABLE, "%s", why);
    engine_end(t, &err);
}

void pipe_connected(struct outgoing_transfer *t)
{
    if (lib.curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &t->socket) != CURLE_OK ||
        t->socket == CURL_SOCKET_BAD) {
        fail(t, "the connection was lost");
        return;
    }
    t->pipe = PIPE_SENDING;
    if (!t->head_deadline)
        t->head_deadline = clock_mono_nanos() + HEAD_SECONDS * INT64_C(1000000000);
}

short pipe_events(const struct outgoing_transfer *t)
{
    short events = 0;
    if (t->pipe < PIPE_SENDING)
        return 0;
    if (!t->paused)
        events |= CURL_WAIT_POLLIN;
    if (t->out)
        events |= CURL_WAIT_POLLOUT;
    return events;
}

/* ---- out ---- */

static bool send_out(struct outgoing_transfer *t)
{
    while (t->out) {
        struct chunk *chunk = t->out;
        size_t sent = 0;
        CURLcode code = chunk->sent < chunk->bytes->len
                            ? lib.curl_easy_send(t->easy, chunk->bytes->data + chunk->sent,
                                                 chunk->bytes->len - chunk->sent, &sent)
                            : CURLE_OK;
        if (code == CURLE_AGAIN)
            return true;
        if (code != CURLE_OK)
            return false;
        chunk->sent += sent;
        pthread_mutex_lock(&t->engine->lock);
        t->shared.unsent -= sent;
        bool drained = t->shared.full && t->shared.unsent == 0;
        t->shared.full &= !drained;
        pthread_mutex_unlock(&t->engine->lock);
        if (drained)
            engine_tell_drained(t);
        if (chunk->sent < chunk->bytes->len)
            continue;
        t->out = chunk->next;
        if (!t->out)
            t->out_end = &t->out;
        blob_unref(chunk->bytes);
        free(chunk);
    }
    if (t->pipe == PIPE_SENDING)
        t->pipe = PIPE_HEAD;
    return true;
}

/* ---- in ---- */

static void take_body(struct outgoing_transfer *t, struct slice bytes)
{
    if (t->body_left >= 0 && (int64_t)bytes.len > t->body_left)
        bytes.len = (size_t)t->body_left;
    if (t->body_left >= 0)
        t->body_left -= (int64_t)bytes.len;
    if (bytes.len && engine_tell_data(t, bytes) >= OUTGOING_WINDOW)
        t->paused = true;
    if (t->body_left == 0)
        engine_end(t, NULL);
}

static bool head_says(const struct outgoing_transfer *t, const char *name, const char *value)
{
    for (size_t i = 0; i < t->head.header_count; i++)
        if (slice_is(t->head.headers[i].name, name) && slice_is(t->head.headers[i].value, value))
            return true;
    return false;
}

/* The lines up to the empty one; what follows them is the body or the pipe's first bytes. */
static void take_head(struct outgoing_transfer *t)
{
    struct slice all = buf_slice(&t->input);
    const char *end = memmem(all.ptr, all.len, "\r\n\r\n", 4);
    if (!end) {
        if (all.len >= OUTGOING_MAX_HEAD)
            fail(t, "the head of the answer is too long");
        return;
    }
    struct slice lines = slice_make(all.ptr, (size_t)(end - all.ptr)), line;
    struct slice rest = slice_from(all, lines.len + 4);
    bool first = true;
    while (slice_split(&lines, '\n', &line)) {
        if (first != slice_starts(line, SLICE("HTTP/")) || !transfer_head_line(t, line)) {
            fail(t, "the head of the answer cannot be understood");
            return;
        }
        first = false;
    }
    bool open = t->head.status == 101;
    if ((t->head.status < 200 && !open) || head_says(t, "transfer-encoding", "chunked")) {
        fail(t, "the upgrade was answered in a way that cannot be passed on");
        return;
    }
    t->pipe = open ? PIPE_OPEN : PIPE_BODY;
    bool empty = t->head.status == 204 || t->head.status == 304;
    t->body_left = open ? -1 : empty ? 0 : t->head.content_length;
    engine_tell_head(t);
    take_body(t, rest);
    buf_release(&t->input);
}

/* False: nothing more for now. */
static bool receive(struct outgoing_transfer *t)
{
    char bytes[READ_BYTES];
    size_t got = 0;
    CURLcode code = lib.curl_easy_recv(t->easy, bytes, sizeof bytes, &got);
    if (code == CURLE_AGAIN)
        return false;
    if (code != CURLE_OK || got == 0) {
        if (t->pipe == PIPE_OPEN || (t->pipe == PIPE_BODY && t->body_left < 0 && code == CURLE_OK))
            engine_end(t, NULL);
        else
            fail(t, "the other side closed before its answer was complete");
    } else if (t->pipe >= PIPE_BODY) {
        take_body(t, slice_make(bytes, got));
    } else {
        buf_put(&t->input, bytes, got);
        if (t->input.failed)
            fail(t, "the head of the answer is too long");
        else
            take_head(t);
    }
    return true;
}

void pipe_run(struct outgoing_transfer *t)
{
    if (t->paused && engine_has_room(t))
        t->paused = false;
    if (!send_out(t)) {
        fail(t, "the other side takes no more");
        return;
    }
    /* to the end: what TLS has taken from the socket wakes nobody up */
    while (!t->paused && !t->ended && receive(t))
        ;
}
