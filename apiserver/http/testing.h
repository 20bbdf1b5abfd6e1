/*
 * testing: a server in this process and a client that can send any bytes, for the tests of this folder.
 *
 * The handler answers: /hello "hello"; /big?N N bytes; /echo the body; /hold nothing until the test releases
 * it (hold_release, from the test's own thread); /stream?N N bytes in chunks of 1,000 and then the end;
 * /watch an open stream; /who the peer. An upgrade echoes.
 */
#ifndef APISERVER_HTTP_TESTING_H
#define APISERVER_HTTP_TESTING_H

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "apiserver/http/http.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"

struct test_server {
    struct http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_exchange *held[4096];
    unsigned held_count;
    unsigned handled, closed, pipes_closed;
};

static struct test_server T;

static void count(unsigned *counter)
{
    pthread_mutex_lock(&T.lock);
    ++*counter;
    pthread_cond_broadcast(&T.changed);
    pthread_mutex_unlock(&T.lock);
}

/* Waits until the counter has reached n; fails after ten seconds. */
static inline void wait_for(unsigned *counter, unsigned n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&T.lock);
    while (*counter < n)
        if (pthread_cond_timedwait(&T.changed, &T.lock, &until) != 0)
            fail_msg("waited in vain: %u of %u", *counter, n);
    pthread_mutex_unlock(&T.lock);
}

static void reply(struct http_exchange *ex, int status, struct blob *body)
{
    http_respond(ex, &(struct http_response){.status = status, .content_type = SLICE("text/plain")}, body);
}

static struct blob *filler(size_t len)
{
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    if (len)
        memset(buf_reserve(&b, len), 'x', len);
    b.len = len;
    return blob_from_buf(&b);
}

struct streamer {
    struct http_exchange *ex;
    size_t left;
};

static void stream_more(void *arg)
{
    struct streamer *s = arg;
    while (s->left) {
        size_t n = s->left < 1000 ? s->left : 1000;
        s->left -= n;
        if (http_stream_write(s->ex, filler(n)) > 100 * 1000)
            return;
    }
    http_stream_end(s->ex);
}

static void stream_closed(void *arg)
{
    struct streamer *s = arg;
    http_unref(s->ex);
    free(s);
    count(&T.closed);
}

static void start_stream(struct http_exchange *ex, size_t len, bool end)
{
    struct streamer *s = xcalloc(1, sizeof *s);
    *s = (struct streamer){http_ref(ex), len};
    http_stream_start(ex, &(struct http_response){.status = 200, .content_type = SLICE("text/plain")},
                      &(struct http_stream_handler){end ? stream_more : NULL, stream_closed, s});
    if (end)
        stream_more(s);
}

struct echo {
    struct http_pipe *pipe;
};

static void echo_data(void *arg, struct slice bytes)
{
    struct echo *echo = arg;
    http_pipe_write(echo->pipe, blob_copy(bytes));
    if (slice_ends(bytes, SLICE("bye")))
        http_pipe_close(echo->pipe);
}

static void echo_drain(void *arg)
{
    struct echo *echo = arg;
    http_pipe_resume(echo->pipe);
}

static void echo_close(void *arg)
{
    free(arg);
    count(&T.pipes_closed);
}

static void start_echo(struct http_exchange *ex)
{
    struct echo *echo = xcalloc(1, sizeof *echo);
    echo->pipe = http_upgrade(ex, &(struct http_response){0},
                              &(struct http_pipe_handler){echo_data, echo_drain, echo_close, echo});
    assert(echo->pipe);
    http_pipe_resume(echo->pipe);
}

static void say_who(struct http_exchange *ex)
{
    const struct http_peer *p = http_exchange_request(ex)->peer;
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    buf_printf(&b, "cert=%d verified=%d cn=%.*s", p->has_cert, p->verified, SLICE_ARG(p->common_name));
    for (size_t i = 0; i < p->organization_count; i++)
        buf_printf(&b, " o=%.*s", SLICE_ARG(p->organizations[i]));
    reply(ex, 200, blob_from_buf(&b));
}

static void hold(struct http_exchange *ex)
{
    pthread_mutex_lock(&T.lock);
    assert(T.held_count < sizeof T.held / sizeof *T.held);
    T.held[T.held_count++] = http_ref(ex);
    pthread_cond_broadcast(&T.changed);
    pthread_mutex_unlock(&T.lock);
}

static inline void hold_release(void)
{
    pthread_mutex_lock(&T.lock);
    unsigned n = T.held_count;
    T.held_count = 0;
    for (unsigned i = 0; i < n; i++) {
        reply(T.held[i], 200, blob_static(SLICE("held")));
        http_unref(T.held[i]);
    }
    pthread_mutex_unlock(&T.lock);
}

static void test_on_request(void *arg, struct http_exchange *ex)
{
    const struct http_request *r = http_exchange_request(ex);
    size_t n = (size_t)strtoul(r->raw_query.len ? r->raw_query.ptr : "0", NULL, 10);
    count(&T.handled);
    if (http_upgrade_token(r).len)
        start_echo(ex);
    else if (slice_is(r->raw_path, "/hello"))
        reply(ex, 200, blob_static(SLICE("hello")));
    else if (slice_is(r->raw_path, "/big"))
        reply(ex, 200, filler(n));
    else if (slice_is(r->raw_path, "/echo"))
        reply(ex, 200, blob_copy(r->body));
    else if (slice_is(r->raw_path, "/hold"))
        hold(ex);
    else if (slice_is(r->raw_path, "/stream"))
        start_stream(ex, n, true);
    else if (slice_is(r->raw_path, "/watch"))
        start_stream(ex, 0, false);
    else if (slice_is(r->raw_path, "/who"))
        say_who(ex);
    else if (!slice_is(r->raw_path, "/nothing")) /* which answers nothing at all */
        reply(ex, 404, blob_static(SLICE("no such path")));
}

static struct blob *test_on_refused(void *arg, int status, const char *message, struct slice *ret_type)
{
    struct buf b = BUF_INIT(BUF_UNLIMITED);
    buf_printf(&b, "refused %d: %s", status, message);
    return blob_from_buf(&b);
}

static inline void server_up(struct http_config config)
{
    cleanup_error struct error err = ERROR_INIT;
    if (!config.address)
        config.address = "127.0.0.1:0";
    if (!config.loops)
        config.loops = 2;
    memset(&T, 0, sizeof T);
    pthread_mutex_init(&T.lock, NULL);
    pthread_cond_init(&T.changed, NULL);
    struct http_handler handler = {.on_request = test_on_request, .on_refused = test_on_refused};
    T.server = http_server_new(&config, &handler, &err);
    if (!T.server)
        fail_msg("%s", err.message);
    http_server_start(T.server);
}

static inline void server_down(void)
{
    hold_release();
    http_server_stop(T.server, 0);
    http_server_free(T.server);
}

/* ---- a client ---- */

struct client {
    int fd;
    SSL *ssl;
    struct buf in; /* read so far */
};

/* Over a socket that the caller has made already. */
static inline int dial_on(int fd)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(T.server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail_msg("connect: %s", strerror(errno));
    return fd;
}

static inline int dial(void)
{
    return dial_on(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static inline struct client client_open(void)
{
    return (struct client){.fd = dial(), .in = BUF_INIT(BUF_UNLIMITED)};
}

static inline void client_close(struct client *c)
{
    SSL_free(c->ssl);
    close(c->fd);
    buf_release(&c->in);
}

/* False when the other side has closed. */
static inline bool client_send(struct client *c, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = c->ssl ? SSL_write(c->ssl, at, (int)len) : send(c->fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n, len -= (size_t)n;
    }
    return true;
}

static inline bool client_puts(struct client *c, const char *text)
{
    return client_send(c, text, strlen(text));
}

/* Reads some more; false at the end (or after ten seconds of silence). */
static inline bool client_read(struct client *c)
{
    char bytes[65536];
    ssize_t n = c->ssl ? SSL_read(c->ssl, bytes, sizeof bytes) : recv(c->fd, bytes, sizeof bytes, 0);
    if (n <= 0)
        return false;
    buf_put(&c->in, bytes, (size_t)n);
    return true;
}

static inline const char *client_text(struct client *c)
{
    return c->in.len ? buf_cstr(&c->in) : "";
}

/* Reads until the text has come; fails at the end of the connection. */
static inline void client_expect(struct client *c, const char *text)
{
    while (!strstr(client_text(c), text))
        if (!client_read(c))
            fail_msg("\"%s\" did not come; got \"%.300s\"", text, client_text(c));
}

/* Reads to the end of the connection. */
static inline const char *client_rest(struct client *c)
{
    while (client_read(c))
        ;
    return client_text(c);
}

/* Sends on a new connection, which must be closed by the server, and must have begun its answer so. */
static inline void exchange_expect(const char *bytes, size_t len, const char *answer)
{
    struct client c = client_open();
    client_send(&c, bytes, len);
    const char *text = client_rest(&c);
    if (strncmp(text, answer, strlen(answer)) != 0)
        fail_msg("for \"%.60s\" expected \"%s\", got \"%.100s\"", bytes, answer, text);
    client_close(&c);
}

static inline void still_serves(void)
{
    struct client c = client_open();
    client_puts(&c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&c, "\r\n\r\nhello");
    client_close(&c);
}

#endif
