#include "apiserver/http/internal.h"

/*
 * An upgraded connection: bytes both ways. One portion at a time goes up (http_pipe_resume asks for the
 * next), so that a slow reader behind us slows the client down.
 */
struct http_pipe {
    struct conn *conn;
    struct http_pipe_handler handler;
    struct outq out;
    bool paused, delivering, ended, waiting_drain;
};

static void deliver(struct conn *conn)
{
    struct http_pipe *pipe = conn->state;
    if (pipe->delivering)
        return;
    pipe->delivering = true;
    while (!pipe->paused && conn->sock->input->size) {
        size_t n = conn->sock->input->size;
        pipe->paused = true;
        conn_read(conn, false); /* the bytes stay where they are during the call */
        pipe->handler.on_data(pipe->handler.arg, slice_make(conn->sock->input->bytes, n));
        h2o_buffer_consume(&conn->sock->input, n);
    }
    pipe->delivering = false;
    if (pipe->paused)
        return;
    if (conn->eof)
        conn_close(conn);
    else
        conn_read(conn, true);
}

void http_pipe_resume(struct http_pipe *pipe)
{
    pipe->paused = false;
    if (!pipe->delivering)
        conn_mark_dirty(pipe->conn); /* fill delivers what is there already */
}

size_t http_pipe_write(struct http_pipe *pipe, struct blob *bytes)
{
    if (pipe->ended) {
        blob_unref(bytes);
        return 0;
    }
    outq_push(&pipe->out, bytes);
    conn_mark_dirty(pipe->conn);
    return pipe->out.bytes;
}

void http_pipe_close(struct http_pipe *pipe)
{
    pipe->ended = true;
    conn_mark_dirty(pipe->conn);
}

static void fill(struct conn *conn, struct wbuf *w)
{
    struct http_pipe *pipe = conn->state;
    deliver(conn);
    if (conn->closed)
        return;
    if (wbuf_take(w, &pipe->out, SIZE_MAX, true))
        pipe->waiting_drain = true;
    if (pipe->ended && pipe->out.bytes == 0)
        conn->close_when_sent = true;
}

static void on_sent(struct conn *conn)
{
    struct http_pipe *pipe = conn->state;
    if (!pipe->waiting_drain || pipe->out.bytes || pipe->ended)
        return;
    pipe->waiting_drain = false;
    if (pipe->handler.on_drain)
        pipe->handler.on_drain(pipe->handler.arg);
}

static int64_t on_tick(struct conn *conn, int64_t now)
{
    return 0;
}

/* A running session ends with its owner, or when the server's grace is over. */
static void on_shutdown(struct conn *conn)
{
}

static void detach(struct conn *conn)
{
    struct http_pipe *pipe = conn->state;
    conn->state = NULL;
    outq_clear(&pipe->out);
    if (pipe->handler.on_close)
        pipe->handler.on_close(pipe->handler.arg);
    free(pipe);
}

struct http_pipe *pipe_start(struct conn *conn, const struct http_pipe_handler *handler, struct buf *head)
{
    struct http_pipe *pipe = xcalloc(1, sizeof *pipe);
    *pipe = (struct http_pipe){.conn = conn, .handler = *handler};
    outq_init(&pipe->out);
    outq_push(&pipe->out, blob_from_buf(head));
    conn->state = pipe;
    conn->engine = &pipe_engine;
    conn_set_idle(conn, false);
    conn_mark_dirty(conn);
    return pipe;
}

const struct engine pipe_engine = {
    .name = "pipe",
    .on_input = deliver,
    .fill = fill,
    .on_sent = on_sent,
    .on_tick = on_tick,
    .shutdown = on_shutdown,
    .detach = detach,
};
