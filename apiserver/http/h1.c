#include "apiserver/http/h1.h"

#include <ctype.h>

/*
 * The reading half of HTTP/1.1. The tokenizer is libh2o's (it exports its picohttpparser, without a header);
 * which bytes are the request is decided by framing.c.
 */
struct phr_header {
    const char *name; /* NULL: a folded line */
    size_t name_len;
    const char *value;
    size_t value_len;
};
int phr_parse_request(const char *buf, size_t len, const char **method, size_t *method_len, const char **path,
                      size_t *path_len, int *minor_version, struct phr_header *headers, size_t *num_headers,
                      size_t last_len);

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct head {
    const char *method, *target;
    size_t method_len, target_len, header_count;
    int minor_version;
    struct phr_header headers[MAX_HEADERS];
};

static void refuse(struct conn *conn, int status, const char *why)
{
    struct h1 *h1 = conn->state;
    if (!h1->ex) {
        h1->ex = exchange_new(conn);
        h1->framing = (struct framing){0};
    }
    h1->state = H1_BUSY;
    h1->close = h1->refused = true;
    conn_set_idle(conn, false);
    exchange_refuse(h1->ex, status, why);
}

/* ---- the head ---- */

static bool method_ok(struct slice method)
{
    for (size_t i = 0; i < method.len; i++)
        if (!isupper((unsigned char)method.ptr[i]) && method.ptr[i] != '-')
            return false;
    return method.len > 0 && method.len <= 32;
}

/* "/path?query" or "http://authority/path?query". */
static bool set_target(struct http_request *r, struct slice target)
{
    static const struct slice schemes[] = {SLICE("http://"), SLICE("https://")};
    for (size_t i = 0; i < 2; i++) {
        if (!slice_starts(target, schemes[i]))
            continue;
        struct slice rest = slice_from(target, schemes[i].len);
        long slash = slice_find(rest, '/');
        if (slash <= 0)
            return false;
        r->authority = slice_make(rest.ptr, (size_t)slash);
        target = slice_from(rest, (size_t)slash);
    }
    if (target.len == 0 || target.ptr[0] != '/')
        return false;
    long mark = slice_find(target, '?');
    r->raw_path = mark < 0 ? target : slice_make(target.ptr, (size_t)mark);
    r->raw_query = mark < 0 ? slice_make(target.ptr + target.len, 0) : slice_from(target, (size_t)mark + 1);
    return true;
}

static struct slice lower_in_place(const char *at, size_t len)
{
    char *name = (char *)at; /* in our copy of the head */
    for (size_t i = 0; i < len; i++)
        name[i] = (char)tolower((unsigned char)name[i]);
    return slice_make(name, len);
}

/* Moves the head into the exchange and sets the request from it. Returns 0 or the status to refuse with. */
static int take_head(struct conn *conn, const struct head *head, size_t len, const char **ret_why)
{
    struct h1 *h1 = conn->state;
    struct http_exchange *ex = h1->ex = exchange_new(conn);
    struct http_request *r = &ex->request;
    const char *from = conn->sock->input->bytes;
    struct slice copy = arena_dup(ex->arena, slice_make(from, len));
    h2o_buffer_consume(&conn->sock->input, len);
    r->version = 11;
    ex->http10 = head->minor_version < 1;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct phr_header *h = &head->headers[i];
        struct slice name = {0}, value = slice_make(copy.ptr + (h->value - from), h->value_len);
        while (value.len && strchr(" \t", value.ptr[value.len - 1]))
            value.len--;
        if (h->name)
            name = lower_in_place(copy.ptr + (h->name - from), h->name_len);
        exchange_add_header(ex, name, value);
    }
    int status = framing_check(copy, head->minor_version, r->headers, r->header_count, &h1->framing, ret_why);
    if (status)
        return status;
    r->method = slice_make(copy.ptr + (head->method - from), head->method_len);
    r->authority = h1->framing.host;
    *ret_why = "malformed request line";
    if (!method_ok(r->method) ||
        !set_target(r, slice_make(copy.ptr + (head->target - from), head->target_len)))
        return 400;
    struct slice token = h1->framing.upgrade_token;
    if (token.len) {
        token = lower_in_place(arena_strdup(ex->arena, token), token.len);
        ex->upgrade_token = slice_is(token, "h2c") ? (struct slice){0} : token;
    }
    return 0;
}

/* HTTP/2 with prior knowledge, on plain connections only. 1: switched, 0: not that, -1: not known yet. */
static int try_preface(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    h2o_buffer_t *input = conn->sock->input;
    if (conn->tls || h1->served || conn->loop->server->config.http1_only)
        return 0;
    size_t n = input->size < sizeof PREFACE - 1 ? input->size : sizeof PREFACE - 1;
    if (memcmp(input->bytes, PREFACE, n) != 0)
        return 0;
    if (n < sizeof PREFACE - 1)
        return -1;
    h1_engine.detach(conn);
    h2_start(conn);
    if (!conn->closed)
        conn->engine->on_input(conn);
    return 1;
}

static void begin_body_or_dispatch(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    const struct http_config *config = &conn->loop->server->config;
    if (h1->framing.has_length && h1->framing.length > config->max_body) {
        refuse(conn, 413, "the request body is larger than the limit");
        return;
    }
    if (!h1->framing.chunked && h1->framing.length == 0) {
        h1->state = H1_BUSY;
        exchange_dispatch(h1->ex);
        return;
    }
    h1->state = H1_BODY;
    h1->chunked = (struct chunked){0};
    h1->since = now_millis();
    conn_tick_by(conn, h1->since + config->head_seconds * 1000);
    if (h1->framing.expect_continue && conn->sock->input->size == 0) {
        buf_puts(&h1->out, "HTTP/1.1 100 Continue\r\n\r\n");
        conn_mark_dirty(conn);
    }
}

/* False: there is not enough input. */
static bool read_head(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    h2o_buffer_t *input = conn->sock->input;
    const struct http_config *config = &conn->loop->server->config;
    struct head head;
    if (input->size == 0)
        return false;
    int preface = try_preface(conn);
    if (preface != 0)
        return preface > 0;
    head.header_count = MAX_HEADERS;
    int n =
        phr_parse_request(input->bytes, input->size, &head.method, &head.method_len, &head.target,
                          &head.target_len, &head.minor_version, head.headers, &head.header_count, h1->seen);
    if (n == -2 && input->size <= config->max_head) {
        if (h1->seen == 0) {
            h1->since = now_millis();
            conn_set_idle(conn, false);
            conn_tick_by(conn, h1->since + config->head_seconds * 1000);
        }
        h1->seen = input->size;
        return false;
    }
    h1->seen = 0;
    h1->served = true;
    conn_set_idle(conn, false);
    if (n == -2 || n > (int64_t)config->max_head || (n == -1 && head.header_count == MAX_HEADERS)) {
        refuse(conn, 431, "the request's header fields are larger than the limit");
        return true;
    }
    const char *why = "malformed request";
    int status = n < 0 ? 400 : take_head(conn, &head, (size_t)n, &why);
    if (status)
        refuse(conn, status, why);
    else
        begin_body_or_dispatch(conn);
    return true;
}

/* ---- the body ---- */

/* False: there is not enough input. */
static bool read_body(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    struct http_exchange *ex = h1->ex;
    h2o_buffer_t *input = conn->sock->input;
    enum chunked_result result = CHUNKED_MORE;
    struct slice bytes = slice_make(input->bytes, input->size);
    if (bytes.len == 0)
        return false;
    if (h1->framing.chunked) {
        result = chunked_feed(&h1->chunked, &bytes, &ex->body);
    } else {
        size_t left = (size_t)h1->framing.length - ex->body.len;
        size_t n = bytes.len < left ? bytes.len : left;
        buf_put(&ex->body, bytes.ptr, n);
        bytes = slice_from(bytes, n);
        if (ex->body.len == h1->framing.length)
            result = CHUNKED_COMPLETE;
    }
    h2o_buffer_consume(&conn->sock->input, input->size - bytes.len);
    if (result == CHUNKED_COMPLETE) {
        ex->request.body = buf_slice(&ex->body);
        h1->state = H1_BUSY;
        exchange_dispatch(ex);
    } else if (result == CHUNKED_BAD) {
        refuse(conn, 400, "malformed chunked body");
    } else if (result == CHUNKED_TOO_LARGE) {
        refuse(conn, 413, "the request body is larger than the limit");
    }
    return result != CHUNKED_MORE;
}

/* ---- the order of things ---- */

/* The client has closed its side. It may still want the answer that is due, though most have gone for good.
 */
static void on_eof(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    if (h1->state != H1_BUSY) {
        h1->close = true;
        conn->close_when_sent = true;
        conn_mark_dirty(conn);
        return;
    }
    atomic_store_explicit(&h1->ex->gone, true, memory_order_release);
    h1->close = true;
    if (h1->ex->streaming)
        conn_abort(conn);
}

/* A pipelining client that does not read first takes what it asked for. */
static bool out_is_full(const struct h1 *h1)
{
    return h1->out.len - h1->out_at > WBUF_SIZE;
}

static bool proceed_once(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    if (out_is_full(h1))
        return false;
    switch (h1->state) {
    case H1_HEAD:
        return !h1->close && !h1->shutdown && read_head(conn);
    case H1_BODY:
        return read_body(conn);
    case H1_BUSY:
        break;
    }
    return false;
}

void h1_proceed(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    if (h1->proceeding)
        return;
    h1->proceeding = true;
    while (proceed_once(conn))
        if (conn->closed || conn->engine != &h1_engine)
            return; /* h1 is gone */
    h1->proceeding = false;
    /* What we do not look at now may pile up a little, so that a client's leaving is still noticed. */
    bool waits = h1->state == H1_BUSY || h1->close || h1->shutdown || out_is_full(h1);
    if (conn->eof)
        on_eof(conn);
    else
        conn_read(conn, !waits || conn->sock->input->size <= UNREAD_WHILE_BUSY);
}

void h1_answered(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    struct http_exchange *ex = h1->ex;
    h1->ex = NULL;
    h1->state = H1_HEAD;
    exchange_finish(ex, false);
    conn_mark_dirty(conn);
    if (h1->refused)
        conn->linger_when_sent = true;
    else if (h1->close || h1->shutdown)
        conn->close_when_sent = true;
    else if (conn->sock->input->size == 0)
        conn_set_idle(conn, true);
}

static void on_sent(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    if (h1->ex)
        exchange_drained(h1->ex);
    if (!conn->closed && conn->engine == &h1_engine)
        h1_proceed(conn);
}

static int64_t on_tick(struct conn *conn, int64_t now)
{
    struct h1 *h1 = conn->state;
    int64_t deadline = h1->since + conn->loop->server->config.head_seconds * 1000;
    if (h1->state == H1_BODY)
        deadline += (int64_t)h1->ex->body.len * 1000 / MIN_BODY_RATE;
    else if (h1->state == H1_BUSY || h1->seen == 0)
        return 0;
    if (now < deadline)
        return deadline;
    refuse(conn, 408, "the request did not arrive in time");
    return 0;
}

static void on_shutdown(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    h1->shutdown = true;
    if (h1->state == H1_BUSY)
        return; /* h1_answered closes */
    conn->close_when_sent = true;
    conn_mark_dirty(conn);
}

static void detach(struct conn *conn)
{
    struct h1 *h1 = conn->state;
    conn->state = NULL;
    if (h1->ex)
        exchange_finish(h1->ex, true);
    buf_release(&h1->out);
    free(h1);
}

void h1_start(struct conn *conn)
{
    struct h1 *h1 = xcalloc(1, sizeof *h1);
    h1->out = BUF_INIT(BUF_UNLIMITED);
    conn->state = h1;
    conn->engine = &h1_engine;
    conn_read(conn, true);
}

struct http_pipe *h1_upgrade(struct http_exchange *ex, const struct http_pipe_handler *handler)
{
    struct conn *conn = ex->conn;
    struct h1 *h1 = conn->state;
    struct buf head = h1->out; /* with what earlier answers left there */
    h1->out = BUF_INIT(BUF_UNLIMITED);
    if (h1->out_at) {
        memmove(head.data, head.data + h1->out_at, head.len - h1->out_at);
        head.len -= h1->out_at;
    }
    bool has_upgrade = exchange_response_has(ex, "upgrade");
    if (has_upgrade) {
        h1_append_head(&head, ex, "connection: Upgrade\r\n");
    } else {
        const char *line =
            arena_printf(ex->arena, "connection: Upgrade\r\nupgrade: %.*s\r\n", SLICE_ARG(ex->upgrade_token));
        h1_append_head(&head, ex, line);
    }
    h1->ex = NULL;
    exchange_finish(ex, false);
    detach(conn);
    struct http_pipe *pipe = pipe_start(conn, handler, &head);
    buf_release(&head);
    return pipe;
}

const struct engine h1_engine = {
    .name = "http/1.1",
    .on_input = h1_proceed,
    .fill = h1_fill,
    .on_sent = on_sent,
    .on_tick = on_tick,
    .shutdown = on_shutdown,
    .detach = detach,
    .respond = h1_respond,
    .start = h1_stream_start,
    .more = h1_more,
    .abort = h1_abort,
};
