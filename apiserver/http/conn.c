#include "apiserver/http/internal.h"

#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* ---- lists ---- */

static void link_conn(struct conn *conn)
{
    struct loop *loop = conn->loop;
    conn->next = loop->conns;
    if (conn->next)
        conn->next->prev = conn;
    loop->conns = conn;
}

static void unlink_conn(struct conn *conn)
{
    *(conn->prev ? &conn->prev->next : &conn->loop->conns) = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
}

void conn_set_idle(struct conn *conn, bool idle)
{
    struct loop *loop = conn->loop;
    if (conn->in_idle) {
        *(conn->idle_prev ? &conn->idle_prev->idle_next : &loop->idle_head) = conn->idle_next;
        *(conn->idle_next ? &conn->idle_next->idle_prev : &loop->idle_tail) = conn->idle_prev;
        conn->in_idle = false;
        conn->idle_since = 0;
    }
    if (!idle || conn->closed)
        return;
    conn->in_idle = true;
    conn->idle_since = now_millis();
    conn->idle_next = NULL;
    conn->idle_prev = loop->idle_tail;
    *(loop->idle_tail ? &loop->idle_tail->idle_next : &loop->idle_head) = conn;
    loop->idle_tail = conn;
    conn_tick_by(conn, conn->idle_since + loop->server->config.idle_seconds * 1000);
}

/* Room for new connections: those idle longest go, if they have idled for a second. */
void conn_evict_idle(struct loop *loop)
{
    int64_t now = now_millis();
    struct conn *conn = loop->idle_head;
    for (int i = 0; i < 16 && conn && now - conn->idle_since >= 1000; i++) {
        struct conn *next = conn->idle_next;
        conn->engine->shutdown(conn);
        conn = next;
    }
}

/* ---- closing ---- */

void conn_mark_dirty(struct conn *conn)
{
    if (conn->dirty || conn->closed)
        return;
    conn->dirty = true;
    conn->dirty_next = conn->loop->dirty;
    conn->loop->dirty = conn;
}

static void release_wbuf(struct loop *loop, struct wbuf *w)
{
    for (unsigned i = 0; i < w->held_count; i++)
        blob_unref(w->held[i]);
    if (loop->wbuf_count >= 4) {
        free(w);
        return;
    }
    w->next = loop->wbufs;
    loop->wbufs = w;
    loop->wbuf_count++;
}

static struct wbuf *take_wbuf(struct loop *loop)
{
    struct wbuf *w = loop->wbufs;
    if (w) {
        loop->wbufs = w->next;
        loop->wbuf_count--;
    } else {
        w = xmalloc(sizeof *w);
    }
    w->total = w->used = 0;
    w->iov_count = w->held_count = 0;
    return w;
}

void conn_close(struct conn *conn)
{
    if (conn->closed)
        return;
    conn_set_idle(conn, false);
    conn->closed = true;
    conn_read(conn, false);
    timer_disarm(&conn->timer);
    if (conn->engine) {
        conn->engine->detach(conn);
        conn->engine = NULL;
    }
    conn->dead_next = conn->loop->dead;
    conn->loop->dead = conn;
}

void conn_abort(struct conn *conn)
{
    conn->abortive = true;
    conn_close(conn);
}

/* A handshake and its buffers take some 40 KB in small pieces: after a crowd has left, the heap is worth
 * trimming. */
static void connection_gone(struct loop *loop)
{
    unsigned left = atomic_fetch_sub(&loop->conn_count, 1) - 1;
    if (loop->conn_peak < MANY_CONNECTIONS || left > loop->conn_peak / 4)
        return;
    loop->conn_peak = left;
    malloc_trim(0);
}

/* h2o has let go of the socket. */
static void on_disposed(void *data)
{
    struct conn *conn = data;
    struct loop *loop = conn->loop;
    timer_disarm(&conn->timer);
    if (conn->in_flight)
        release_wbuf(loop, conn->in_flight);
    unlink_conn(conn);
    peer_unref(conn->peer);
    tls_unref(conn->tls);
    atomic_fetch_sub(&loop->server->connections, 1);
    free(conn);
    connection_gone(loop);
}

static void force_close(void *arg)
{
    struct conn *conn = arg;
    shutdown(h2o_socket_get_fd(conn->sock), SHUT_RDWR);
}

void conn_destroy_dead(struct loop *loop)
{
    struct conn *conn;
    while ((conn = loop->dead)) {
        loop->dead = conn->dead_next;
        loop->touched = true;
        if (conn->abortive)
            shutdown(h2o_socket_get_fd(conn->sock), SHUT_RDWR);
        /* With TLS, h2o sends a close_notify first, and would wait without end for a peer that takes nothing.
         */
        conn->timer.fn = force_close;
        timer_arm(&conn->timer, now_millis() + 1000);
        conn->sock->on_close.cb = on_disposed;
        conn->sock->on_close.data = conn;
        h2o_socket_close(conn->sock);
    }
}

void conn_linger(struct conn *conn)
{
    if (conn->closed || conn->lingering)
        return;
    if (conn->eof) {
        conn_close(conn);
        return;
    }
    conn->lingering = true;
    conn_set_idle(conn, false);
    shutdown(h2o_socket_get_fd(conn->sock), SHUT_WR);
    h2o_buffer_consume(&conn->sock->input, conn->sock->input->size);
    conn_tick_by(conn, now_millis() + LINGER_MILLIS);
    conn_read(conn, true);
}

void conn_stop(struct conn *conn)
{
    if (conn->closed)
        return;
    if (conn->engine)
        conn->engine->shutdown(conn);
    else
        conn_close(conn);
}

/* ---- reading ---- */

static void on_read(h2o_socket_t *sock, const char *err)
{
    struct conn *conn = sock->data;
    struct loop *loop = conn->loop;
    if (conn->lingering) {
        conn->lingered += sock->input->size;
        h2o_buffer_consume(&sock->input, sock->input->size);
        if (err || conn->lingered > 16 * 1024 * 1024)
            conn_close(conn);
    } else {
        if (err) {
            conn->eof = true;
            conn_read(conn, false);
        }
        conn->engine->on_input(conn);
    }
    loop_end_turn(loop);
}

void conn_read(struct conn *conn, bool on)
{
    bool reading = h2o_socket_is_reading(conn->sock);
    if (on && !reading && !conn->eof && !conn->closed)
        h2o_socket_read_start(conn->sock, on_read);
    else if (!on && reading)
        h2o_socket_read_stop(conn->sock);
}

/* ---- writing ---- */

static uint64_t acked_by_peer(struct conn *conn)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    getsockopt(h2o_socket_get_fd(conn->sock), IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_bytes_acked;
}

static void on_written(h2o_socket_t *sock, const char *err)
{
    struct conn *conn = sock->data;
    struct loop *loop = conn->loop;
    conn->writing = false;
    if (conn->in_flight) {
        release_wbuf(loop, conn->in_flight);
        conn->in_flight = NULL;
    }
    if (err) {
        conn_abort(conn);
    } else if (!conn->closed) {
        conn->engine->on_sent(conn);
        conn_mark_dirty(conn);
    }
    loop_end_turn(loop);
}

static void nothing_to_send(struct conn *conn)
{
    if (conn->linger_when_sent)
        conn_linger(conn);
    else if (conn->close_when_sent)
        conn_close(conn);
}

void conn_flush(struct conn *conn)
{
    if (conn->closed || conn->writing || conn->lingering || !conn->engine)
        return;
    struct loop *loop = conn->loop;
    struct wbuf *w = take_wbuf(loop);
    conn->engine->fill(conn, w);
    if (conn->closed || w->total == 0) {
        release_wbuf(loop, w);
        if (!conn->closed)
            nothing_to_send(conn);
        return;
    }
    conn->writing = true;
    conn->write_since = now_millis();
    conn->acked_known = false;
    loop->touched = true;
    if (conn->sock->ssl) {
        /* Full records from the start: h2o would cut the first 200 KB of a connection into packets. */
        conn->sock->_latency_optimization.state = H2O_SOCKET_LATENCY_OPTIMIZATION_STATE_DETERMINED;
        conn->sock->_latency_optimization.suggested_tls_payload_size = 16384;
    }
    h2o_socket_write(conn->sock, w->iov, w->iov_count, on_written);
    if (conn->sock->ssl)
        release_wbuf(loop, w); /* encrypted already */
    else
        conn->in_flight = w;
    conn_tick_by(conn, conn->write_since + loop->server->config.send_seconds * 1000 / 2);
}

/* ---- deadlines ---- */

/* A client that takes nothing; returns when to look again. */
static int64_t check_write(struct conn *conn, int64_t now)
{
    int64_t send_millis = conn->loop->server->config.send_seconds * 1000;
    if (!conn->writing)
        return 0;
    /* h2o tells of a write when all of it has left; how far a slow client has got, the kernel knows. */
    uint64_t acked = acked_by_peer(conn);
    if (conn->acked_known && acked != conn->acked)
        conn->write_since = now;
    conn->acked = acked;
    conn->acked_known = true;
    if (now >= conn->write_since + send_millis) {
        conn_abort(conn);
        return 0;
    }
    int64_t end = conn->write_since + send_millis, half = now + send_millis / 2;
    return end < half ? end : half;
}

static void on_tick(void *arg)
{
    struct conn *conn = arg;
    int64_t now = now_millis();
    if (conn->lingering || !conn->engine) {
        conn_close(conn);
        return;
    }
    int64_t next = check_write(conn, now);
    if (conn->closed)
        return;
    int64_t idle = conn->idle_since ? conn->idle_since + conn->loop->server->config.idle_seconds * 1000 : 0;
    if (idle && now >= idle) {
        conn->engine->shutdown(conn);
        idle = now + LINGER_MILLIS;
    }
    if (conn->closed)
        return;
    int64_t own = conn->engine->on_tick(conn, now);
    if (conn->closed)
        return;
    if (idle && (!next || idle < next))
        next = idle;
    if (own && (!next || own < next))
        next = own;
    if (next)
        conn_tick_by(conn, next);
}

void conn_tick_by(struct conn *conn, int64_t at)
{
    if (conn->closed || (conn->timer.index && conn->timer.at <= at))
        return;
    timer_arm(&conn->timer, at);
}

/* ---- beginning ---- */

static void begin(struct conn *conn, bool h2)
{
    timer_disarm(&conn->timer);
    if (h2)
        h2_start(conn);
    else
        h1_start(conn);
    conn_set_idle(conn, true);
}

static void on_handshake(h2o_socket_t *sock, const char *err)
{
    struct conn *conn = sock->data;
    struct loop *loop = conn->loop;
    if (err || !conn->ssl) {
        conn_abort(conn);
    } else {
        peer_read_certificate(conn->peer, conn->ssl);
        h2o_iovec_t protocol = h2o_socket_ssl_get_selected_protocol(sock);
        begin(conn, slice_is(slice_make(protocol.base, protocol.len), "h2"));
        if (!conn->closed && sock->input->size)
            conn->engine->on_input(conn);
    }
    loop_end_turn(loop);
}

static void set_options(struct loop *loop, int fd)
{
    int on = 1, idle = 30, interval = 10, probes = 3;
    unsigned timeout = (unsigned)loop->server->config.send_seconds * 1000;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* A peer that vanished without a FIN: noticed by probes when idle, by unacknowledged data when not. */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

/* The server has counted the connection already. */
void conn_new(struct loop *loop, int fd)
{
    struct conn *conn = xcalloc(1, sizeof *conn);
    set_options(loop, fd);
    conn->loop = loop;
    conn->sock = h2o_evloop_socket_create(loop->ev, fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    conn->sock->data = conn;
    conn->timer = (struct http_timer){.loop = loop, .fn = on_tick, .arg = conn};
    conn->peer = peer_new(conn->sock);
    link_conn(conn);
    unsigned count = atomic_load(&loop->conn_count);
    loop->conn_peak = count > loop->conn_peak ? count : loop->conn_peak;
    atomic_fetch_add_explicit(&loop->accepted, 1, memory_order_relaxed);
    if (loop->stopping) {
        conn_close(conn);
        return;
    }
    conn->tls = server_tls(loop->server);
    if (conn->tls) {
        conn_tick_by(conn, now_millis() + 10 * 1000);
        h2o_socket_ssl_handshake(conn->sock, conn->tls->ctx, NULL, on_handshake);
    } else {
        begin(conn, false);
    }
}
