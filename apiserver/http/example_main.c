/*
 * A server to try and to measure the HTTP seam with: http_example ADDRESS [CERT KEY [CLIENT_CA]].
 * /hello answers 1 KB on the loop, /slow the same from another thread, /big 10 MiB, /stream a line a second,
 * /echo the body; an upgrade echoes bytes.
 */
#include <pthread.h>
#include <signal.h>

#include "apiserver/http/http.h"
#include "base/alloc.h"
#include "base/pool.h"

static struct blob *hello, *big;
static struct pool *pool;

struct ticker {
    struct http_exchange *ex;
    struct http_timer *timer;
};

static void reply(struct http_exchange *ex, int status, struct blob *body)
{
    http_respond(ex, &(struct http_response){.status = status, .content_type = SLICE("application/json")},
                 body);
}

static void run_slow(void *arg)
{
    struct http_exchange *ex = arg;
    reply(ex, 200, blob_ref(hello));
    http_unref(ex);
}

static void on_second(void *arg)
{
    struct ticker *ticker = arg;
    http_stream_write(ticker->ex, blob_static(SLICE("{\"type\":\"TICK\"}\n")));
    struct http_exchange *ex = ticker->ex;
    ticker->timer =
        http_timer_start(http_exchange_server(ex), http_exchange_request(ex)->loop, 1000, on_second, ticker);
}

static void on_stream_close(void *arg)
{
    struct ticker *ticker = arg;
    http_timer_cancel(ticker->timer);
    http_unref(ticker->ex);
    free(ticker);
}

static void start_stream(struct http_exchange *ex)
{
    struct ticker *ticker = xcalloc(1, sizeof *ticker);
    ticker->ex = http_ref(ex);
    http_stream_start(ex, &(struct http_response){.status = 200, .content_type = SLICE("application/json")},
                      &(struct http_stream_handler){.on_close = on_stream_close, .arg = ticker});
    on_second(ticker);
}

struct echo {
    struct http_pipe *pipe;
};

static void on_data(void *arg, struct slice bytes)
{
    struct echo *echo = arg;
    http_pipe_write(echo->pipe, blob_copy(bytes));
}

static void on_drain(void *arg)
{
    struct echo *echo = arg;
    http_pipe_resume(echo->pipe);
}

static void start_echo(struct http_exchange *ex)
{
    struct echo *echo = xcalloc(1, sizeof *echo);
    echo->pipe = http_upgrade(ex, &(struct http_response){0},
                              &(struct http_pipe_handler){on_data, on_drain, free, echo});
    http_pipe_resume(echo->pipe);
}

static void on_request(void *arg, struct http_exchange *ex)
{
    const struct http_request *r = http_exchange_request(ex);
    if (http_upgrade_token(r).len)
        start_echo(ex);
    else if (slice_is(r->raw_path, "/hello"))
        reply(ex, 200, blob_ref(hello));
    else if (slice_is(r->raw_path, "/big"))
        reply(ex, 200, blob_ref(big));
    else if (slice_is(r->raw_path, "/echo"))
        reply(ex, 200, blob_copy(r->body));
    else if (slice_is(r->raw_path, "/stream"))
        start_stream(ex);
    else if (!slice_is(r->raw_path, "/slow"))
        reply(ex, 404, NULL);
    else if (!pool_submit(pool, run_slow, http_ref(ex))) {
        http_unref(ex);
        reply(ex, 429, NULL);
    }
}

int main(int argc, char **argv)
{
    cleanup_error struct error err = ERROR_INIT;
    struct http_config config = {.address = argc > 1 ? argv[1] : "127.0.0.1:8080"};
    if (argc > 3)
        config.cert_file = argv[2], config.key_file = argv[3];
    config.client_ca_file = argc > 4 ? argv[4] : NULL;
    struct buf bytes = BUF_INIT(BUF_UNLIMITED);
    memset(buf_reserve(&bytes, 10 << 20), 'x', 10 << 20);
    hello = blob_copy(slice_make(bytes.data, 1024));
    big = blob_copy(slice_make(bytes.data, 10 << 20));
    buf_release(&bytes);
    pool = pool_new("slow", 8, 10000);
    struct http_server *server =
        http_server_new(&config, &(struct http_handler){.on_request = on_request}, &err);
    if (!server) {
        fprintf(stderr, "http_example: %s\n", err.message);
        return 1;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    http_server_start(server);
    fprintf(stderr, "listening on port %u\n", http_server_port(server));
    int signal_number;
    sigwait(&signals, &signal_number);
    http_server_stop(server, 2);
    pool_free(pool);
    http_server_free(server);
    blob_unref(hello);
    blob_unref(big);
    return 0;
}
