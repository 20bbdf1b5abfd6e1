/*
 * internal: what the files of this folder share. Nothing here is seen outside it.
 *
 * A server has loops; a loop (one thread, one h2o evloop) has connections; a connection has one h2o socket
 * and one engine (h1, h2 or pipe); an engine has exchanges. Everything below is touched on the loop's thread
 * only, but for what is atomic or says otherwise.
 *
 * A turn: h2o calls conn's read or write callback, or the posts are run, or timers; all of these end in
 * loop_end_turn, which writes what the connections have to send (one write per connection), delivers closes
 * and destroys what has died. So engine and handler code never sees an object vanish below it: conn_close and
 * the end of an exchange only mark.
 */
#ifndef APISERVER_HTTP_INTERNAL_H
#define APISERVER_HTTP_INTERNAL_H

#define H2O_USE_LIBUV 0
#include <h2o/socket.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "apiserver/http/http.h"
#include "base/alloc.h"

enum {
    WBUF_SIZE = 4 * (16384 + 9),   /* plain bytes handed to the socket at once: four full DATA frames */
    COPY_BELOW = 8 * 1024,         /* larger pieces are written from where they are */
    SPARE_ARENAS = 64,             /* kept per loop */
    MAX_HEADERS = 256,             /* fields of one request */
    UNREAD_WHILE_BUSY = 64 * 1024, /* pipelined bytes taken while an answer is due */
    MANY_CONNECTIONS = 100,        /* whose end is worth giving memory back */
    LINGER_MILLIS = 2000,          /* reading on after a refusal, so that it is not lost to a reset */
    MIN_BODY_RATE = 1024,          /* bytes per second a request body must reach in the long run */
};

/* ---- loop.c ---- */

struct post {
    struct post *next;
    void (*fn)(void *arg);
    void *arg;
    bool allocated;
};

struct http_timer {
    struct loop *loop;
    int64_t at;   /* monotonic milliseconds */
    size_t index; /* in the heap, from 1; 0: not armed */
    void (*fn)(void *arg);
    void *arg;
    bool allocated;
};

struct loop {
    struct http_server *server;
    unsigned index;
    pthread_t thread;
    h2o_evloop_t *ev;
    int wake_fd;
    h2o_socket_t *wake_sock;
    pthread_mutex_t post_lock; /* guards the two below */
    struct post *posts, **posts_tail;
    struct http_timer **heap; /* by at; heap[0] unused */
    size_t heap_count, heap_cap;
    struct conn *conns;                 /* all */
    struct conn *idle_head, *idle_tail; /* those without a request, longest first */
    atomic_uint conn_count;
    unsigned conn_peak; /* since memory was last given back */
    struct conn *dirty, *dead;
    struct http_exchange *closing; /* whose on_close is due */
    struct wbuf *wbufs;
    unsigned wbuf_count;
    struct arena *spare[SPARE_ARENAS];
    unsigned spare_count;
    bool touched; /* wrote or closed since the last run of the evloop */
    bool stopping, done;
    char date[32];
    int64_t date_second;
    h2o_socket_t *listener; /* loop 0 */
    struct http_timer listener_timer;
    struct http_timer stop_timer;
    _Atomic uint64_t requests, refused, resets, accepted;
    _Atomic uint64_t streams;
};

extern __thread struct loop *current_loop;

bool loop_init(struct loop *loop, struct http_server *server, unsigned index, struct error *err);
void loop_release(struct loop *loop);
void loop_start(struct loop *loop);
void loop_post(struct loop *loop, struct post *post);
void loop_post_fn(struct loop *loop, void (*fn)(void *arg), void *arg);
void loop_run_posts(struct loop *loop);
void loop_end_turn(struct loop *loop);
struct slice loop_date(struct loop *loop); /* of now, for the Date header */

/* ---- timer.c ---- */

int64_t now_millis(void);
void timer_arm(struct http_timer *timer, int64_t at);
void timer_disarm(struct http_timer *timer);
int timer_wait(struct loop *loop); /* milliseconds to the next one, bounded */
void timer_run(struct loop *loop);

/* A leaky bucket: `size` at once, `per_second` in the long run. */
struct bucket {
    double level;
    int64_t last; /* milliseconds */
};
bool bucket_take(struct bucket *bucket, double size, double per_second, int64_t now);

/* ---- tls.c ---- */

struct tls {
    atomic_int refs;
    SSL_CTX *ctx;
    X509_STORE *proxy_ca; /* or NULL */
};
struct tls *tls_new(const struct http_config *config, struct error *err);
struct tls *tls_ref(struct tls *tls);
void tls_unref(struct tls *tls);

/* The other side, shared by a connection and its exchanges (which may outlive it). */
struct peer {
    atomic_int refs;
    atomic_uint jobs; /* of this connection: handed on and not answered */
    struct http_peer info;
    int64_t not_before, not_after; /* of the verified chain, seconds */
    int64_t proxy_not_before, proxy_not_after;
    struct arena *arena; /* NULL without a certificate */
    char address[72];    /* "[IPv6%scope]:port" */
};
struct peer *peer_new(h2o_socket_t *sock);
void peer_read_certificate(struct peer *peer, SSL *ssl);
void peer_unref(struct peer *peer);
bool peer_valid_now(const struct peer *peer);
bool peer_proxy_valid_now(const struct peer *peer);

/* ---- outq.c ---- */

/* References waiting to be sent, in order. */
struct piece {
    struct piece *next;
    struct blob *blob;
    size_t at;
};
struct outq {
    struct piece *head, **tail;
    size_t bytes;
};
void outq_init(struct outq *q);
void outq_push(struct outq *q, struct blob *blob); /* takes the reference over */
void outq_clear(struct outq *q);

/* What goes to the socket in one write. */
struct wbuf {
    struct wbuf *next;
    size_t total, used; /* in all; in data */
    unsigned iov_count, held_count;
    h2o_iovec_t iov[24];
    struct blob *held[8];
    char data[WBUF_SIZE];
};
static inline size_t wbuf_room(const struct wbuf *w)
{
    return WBUF_SIZE - w->total;
}
void wbuf_put(struct wbuf *w, const void *bytes, size_t len); /* len <= wbuf_room */
/* Moves up to max bytes of the queue; large pieces by reference if `by_reference`. Returns how many. */
size_t wbuf_take(struct wbuf *w, struct outq *q, size_t max, bool by_reference);

/* ---- conn.c ---- */

struct engine {
    const char *name;
    void (*on_input)(struct conn *conn); /* sock->input has bytes, or conn->eof was set */
    void (*fill)(struct conn *conn, struct wbuf *w);
    void (*on_sent)(struct conn *conn);                 /* the last write has left for the kernel */
    int64_t (*on_tick)(struct conn *conn, int64_t now); /* enforces deadlines; returns the next one, or 0 */
    void (*shutdown)(struct conn *conn);                /* no further requests; closes once idle */
    void (*detach)(struct conn *conn); /* the connection is over: let go of exchanges and of own memory */
    /* Of an exchange on this connection: */
    void (*respond)(struct http_exchange *ex);
    void (*start)(struct http_exchange *ex);
    void (*more)(struct http_exchange *ex); /* outq has grown, or ended was set */
    void (*abort)(struct http_exchange *ex);
};
extern const struct engine h1_engine, h2_engine, pipe_engine;

struct conn {
    struct loop *loop;
    h2o_socket_t *sock;
    SSL *ssl;                    /* after the handshake; owned by sock */
    struct tls *tls;             /* NULL: plain */
    const struct engine *engine; /* NULL until the protocol is known */
    void *state;                 /* the engine's */
    struct peer *peer;
    struct conn *next, *prev;           /* loop->conns */
    struct conn *idle_next, *idle_prev; /* loop->idle_* */
    struct conn *dirty_next, *dead_next;
    struct wbuf *in_flight; /* plain connections only */
    struct http_timer timer;
    int64_t idle_since;  /* 0: busy */
    int64_t write_since; /* last progress of the write in flight */
    uint64_t acked;      /* by the peer's kernel, when last looked at */
    bool acked_known;
    size_t lingered;
    bool dirty, closed, writing, eof, read_stopped, in_idle;
    bool close_when_sent, linger_when_sent, lingering, abortive;
    bool counted;
};

void conn_new(struct loop *loop, int fd);
void conn_mark_dirty(struct conn *conn);
void conn_flush(struct conn *conn);
void conn_close(struct conn *conn); /* at the end of the turn */
void conn_abort(struct conn *conn); /* at once, without waiting for what is queued */
void conn_destroy_dead(struct loop *loop);
void conn_linger(struct conn *conn); /* half-close and read on for a while */
void conn_set_idle(struct conn *conn, bool idle);
void conn_tick_by(struct conn *conn, int64_t at); /* on_tick no later than that */
void conn_read(struct conn *conn, bool on);
void conn_evict_idle(struct loop *loop);
void conn_stop(struct conn *conn); /* server stops */

/* ---- exchange.c ---- */

enum body_kind { BODY_NONE, BODY_WHOLE, BODY_STREAM };

struct http_exchange {
    atomic_int refs;
    atomic_bool gone, answered;
    struct loop *loop;
    struct conn *conn; /* NULL once the connection or stream is over */
    struct arena *arena;
    struct peer *peer;
    struct http_peer peer_info;
    struct http_request request;
    struct http_exchange *next, *prev; /* of the connection (h2) */
    struct http_exchange *closing_next, *drained_next;
    struct buf body;
    struct post post; /* of the one answer made off the loop */
    struct http_response response;
    struct blob *response_body;
    struct http_stream_handler stream;
    struct outq out;
    struct slice upgrade_token;
    int64_t since; /* the first byte of the request; then: of the last send progress. milliseconds */
    size_t header_bytes, header_capacity;
    size_t discarded;  /* of a body that was refused */
    int32_t stream_id; /* h2 */
    int refused;       /* status to refuse with once the head is in */
    const char *refused_why;
    bool head_only; /* HEAD */
    bool http10;
    bool is_job, dispatched, started, streaming, ended, aborted, waiting_drain, in_drained, closing, finished;
    bool upload_open; /* counted among unfinished bodies */
    bool end_of_request, sent_end;
};

struct http_exchange *exchange_new(struct conn *conn);
/* Parses what the handler sees and calls it. */
void exchange_dispatch(struct http_exchange *ex);
/* Answers in the handler's place. */
void exchange_refuse(struct http_exchange *ex, int status, const char *why);
/* The engine's last word: nothing more will be sent. gone: the client has left before the end. */
void exchange_finish(struct http_exchange *ex, bool gone);
void exchange_deliver_closes(struct loop *loop);
void exchange_drained(struct http_exchange *ex);
void exchange_add_header(struct http_exchange *ex, struct slice name, struct slice value);
bool exchange_response_has(const struct http_exchange *ex, const char *name);
void exchange_job_done(struct http_exchange *ex);

/* ---- the protocol engines ---- */

void h1_start(struct conn *conn);
void h2_start(struct conn *conn);
void h1_append_head(struct buf *out, struct http_exchange *ex, const char *framing_headers);
/* h1.c: takes the connection from its exchange for a pipe. */
struct http_pipe *pipe_start(struct conn *conn, const struct http_pipe_handler *handler, struct buf *head);
struct http_pipe *h1_upgrade(struct http_exchange *ex, const struct http_pipe_handler *handler);

/* ---- server.c ---- */

struct http_server {
    struct http_config config; /* strings copied, defaults filled in */
    struct http_handler handler;
    struct loop *loops;
    unsigned loop_count;
    unsigned connection_limit, job_limit;
    int listen_fd;
    unsigned port;
    pthread_mutex_t tls_lock;
    struct tls *tls; /* NULL: plain */
    atomic_uint connections, jobs;
    bool started, listener_taken;
    sem_t ready; /* posted by each loop that runs */
    int64_t grace_millis;
};
struct tls *server_tls(struct http_server *server); /* a reference */
void server_listen(struct loop *loop);
void server_unlisten(struct loop *loop);
void server_resume_accept(struct loop *loop);

#endif
