#include "apiserver/forward.h"

#include "base/log.h"

enum {
    WHOLE_MAX = 4 << 20, /* an answer of a known length up to this is sent in one piece */
    UNSENT_MAX = 256 << 10,
    CONNECT_MILLIS = 30000,
};

/* One request on its way; all on the exchange's loop. It ends when both sides have: the transfer, and the
 * client's stream or pipe if there is one. */
struct forward {
    struct request *req;
    struct forward_target target;
    struct outgoing_transfer *transfer;
    int status;
    size_t bytes;
    bool answered;  /* nothing but what is open below can be sent any more */
    bool gathering; /* the body goes into `whole` until it is complete */
    bool stream_open, transfer_open;
    struct http_pipe *pipe;
    struct buf whole;
    const struct http_header *headers;
    size_t header_count;
    struct slice content_type;
    size_t unconsumed; /* given to the client's stream, which has not sent it */
};

static void post(void *arg, void (*fn)(void *arg), void *fn_arg)
{
    struct forward *f = arg;
    http_post(f->req->server->http, f->req->http->loop, fn, fn_arg);
}

static void end_if_over(struct forward *f)
{
    if (f->transfer_open || f->stream_open || !f->answered)
        return;
    struct http_exchange *exchange = f->req->exchange;
    request_done(f->req, f->status, f->bytes);
    outgoing_release(f->transfer);
    buf_release(&f->whole);
    http_unref(exchange);
}

/* ---- to the client ---- */

static void answer_text(struct forward *f, int status, const char *text)
{
    struct buf body = BUF_INIT(BUF_UNLIMITED);
    size_t count;
    struct http_header *headers = (struct http_header *)request_headers(f->req, &count);
    buf_printf(&body, "%s\n", text);
    headers[count++] = (struct http_header){SLICE("x-content-type-options"), SLICE("nosniff")};
    struct http_response response = {status, SLICE("text/plain; charset=utf-8"), headers, count};
    f->status = status;
    f->bytes = body.len;
    f->answered = true;
    http_respond(f->req->exchange, &response, blob_from_buf(&body));
}

static void client_gone(void *arg)
{
    struct forward *f = arg;
    f->stream_open = false;
    f->pipe = NULL;
    if (f->transfer_open)
        outgoing_cancel(f->transfer);
    end_if_over(f);
}

static void client_drained(void *arg)
{
    struct forward *f = arg;
    size_t bytes = f->unconsumed;
    f->unconsumed = 0;
    if (bytes)
        outgoing_consumed(f->transfer, bytes);
}

static void pipe_data(void *arg, struct slice bytes)
{
    struct forward *f = arg;
    if (f->transfer_open && outgoing_write(f->transfer, blob_copy(bytes)) >= OUTGOING_WINDOW)
        return; /* on_drain goes on */
    http_pipe_resume(f->pipe);
}

static bool open_pipe(struct forward *f, const struct http_response *response)
{
    const struct http_pipe_handler handler = {
        .on_data = pipe_data, .on_drain = client_drained, .on_close = client_gone, .arg = f};
    f->pipe = http_upgrade(f->req->exchange, response, &handler);
    f->stream_open = f->pipe != NULL;
    return f->pipe != NULL;
}

/* ---- from the other server ---- */

static bool is_redirect(const struct outgoing_head *head)
{
    for (size_t i = 0; head->status >= 300 && head->status <= 399 && i < head->header_count; i++)
        if (slice_is(head->headers[i].name, "location"))
            return true;
    return false;
}

static void take_headers(struct forward *f, const struct outgoing_head *head)
{
    struct arena *arena = f->req->arena;
    size_t count;
    const struct http_header *theirs =
        forward_answer_headers(arena, head->headers, head->header_count, &count, &f->content_type);
    struct http_header *all = arena_alloc(arena, (count + 1) * sizeof *all);
    all[0] = (struct http_header){SLICE("audit-id"), request_audit_id(f->req)};
    if (count)
        memcpy(all + 1, theirs, count * sizeof *all);
    f->headers = all;
    f->header_count = count + 1;
    f->status = head->status;
}

static void on_head(void *arg, const struct outgoing_head *head)
{
    struct forward *f = arg;
    if (f->target.refuses_redirects && is_redirect(head)) {
        answer_text(f, 502, "the backend attempted to redirect this request, which is not permitted");
        outgoing_cancel(f->transfer);
        return;
    }
    take_headers(f, head);
    struct http_response response = {f->status, f->content_type, f->headers, f->header_count};
    bool bodiless = slice_is(f->req->http->method, "HEAD") || head->status == 204 || head->status == 304;
    if (head->status != 101 &&
        (bodiless || (head->content_length >= 0 && head->content_length <= WHOLE_MAX))) {
        f->gathering = true;
        return;
    }
    f->answered = true;
    if (head->status != 101) {
        const struct http_stream_handler handler = {
            .on_drain = client_drained, .on_close = client_gone, .arg = f};
        f->stream_open = true;
        f->req->answered_stream = true;
        http_stream_start(f->req->exchange, &response, &handler);
    } else if (!open_pipe(f, &response)) {
        outgoing_cancel(f->transfer); /* the client has left meanwhile */
    }
}

static void on_data(void *arg, struct blob *bytes)
{
    struct forward *f = arg;
    size_t len = bytes->len, queued = 0;
    f->bytes += len;
    if (f->gathering)
        buf_put_slice(&f->whole, blob_slice(bytes));
    if (!f->gathering && f->stream_open)
        queued = f->pipe ? http_pipe_write(f->pipe, bytes) : http_stream_write(f->req->exchange, bytes);
    else
        blob_unref(bytes);
    f->unconsumed += len;
    if (queued < UNSENT_MAX)
        client_drained(f);
}

static void answer_whole(struct forward *f)
{
    struct http_response response = {f->status, f->content_type, f->headers, f->header_count};
    f->answered = true;
    http_respond(f->req->exchange, &response, f->whole.len ? blob_from_buf(&f->whole) : NULL);
}

static void on_end(void *arg, const struct error *err)
{
    struct forward *f = arg;
    f->transfer_open = false;
    if (err)
        log_info("request handed on failed", LOG_S("to", f->target.origin),
                 LOG_V("path", f->req->http->raw_path), LOG_S("error", err->message));
    if (!f->answered && err)
        answer_text(f, 503, arena_printf(f->req->arena, "error trying to reach service: %s", err->message));
    else if (!f->answered)
        answer_whole(f);
    else if (f->pipe)
        http_pipe_close(f->pipe);
    else if (f->stream_open && err)
        http_stream_abort(f->req->exchange);
    else if (f->stream_open)
        http_stream_end(f->req->exchange);
    end_if_over(f);
}

static void on_drain(void *arg)
{
    struct forward *f = arg;
    if (f->pipe)
        http_pipe_resume(f->pipe);
}

void forward_request(struct request *req, const struct forward_target *target)
{
    struct arena *arena = req->arena;
    const char *path;
    struct forward *f = arena_zalloc(arena, sizeof *f);
    f->target = *target;
    f->req = req;
    f->whole = BUF_INIT(WHOLE_MAX);
    http_ref(req->exchange);
    if (!forward_path(arena, target->segments, target->segment_count, &req->query, &path)) {
        answer_text(f, 400, "a segment of the path holds an encoded slash");
        end_if_over(f);
        return;
    }
    struct outgoing_request out = {
        .method = arena_strdup(arena, req->http->method),
        .url = arena_printf(arena, "%s%s", target->origin, path),
        .connect_to = target->connect_to,
        .tls = target->tls,
        .body = req->http->body,
        .connect_millis = CONNECT_MILLIS,
        .head_millis = target->head_millis,
        .total_millis = target->total_millis,
        .upgrade = http_upgrade_token(req->http),
    };
    out.headers = forward_headers(arena, req->http, target->tells_user ? &req->user : NULL,
                                  request_audit_id(req), &out.header_count);
    const struct outgoing_handler handler = {.on_head = on_head,
                                             .on_data = on_data,
                                             .on_end = on_end,
                                             .on_drain = on_drain,
                                             .arg = f,
                                             .post = post,
                                             .post_arg = f};
    f->transfer_open = true;
    f->transfer = outgoing_start(req->server->outgoing, &out, &handler, &req->err);
    if (f->transfer)
        return;
    f->transfer_open = false;
    answer_text(f, 503, arena_printf(arena, "error trying to reach service: %s", req->err.message));
    end_if_over(f);
}
