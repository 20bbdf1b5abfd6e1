/*
 * fuzzing: one server in this process; the input goes to it over a pair of sockets whose other half then
 * closes, and the run ends when the server has closed too. The handler answers at once, streams, upgrades or
 * echoes by the path's first letter.
 *
 * A pair, not a connection on loopback: who closes first leaves a port in TIME_WAIT for a minute, whatever
 * SO_LINGER says by then, and two fuzzers at some hundred runs a second use up all ports there are.
 */
#ifndef APISERVER_HTTP_FUZZING_H
#define APISERVER_HTTP_FUZZING_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "apiserver/http/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_server *fuzz_server;

static void fuzz_on_data(void *arg, struct slice bytes)
{
    struct http_pipe **pipe = arg;
    http_pipe_write(*pipe, blob_copy(bytes));
    http_pipe_resume(*pipe);
}

static void fuzz_on_close(void *arg)
{
    http_unref(arg);
}

static void fuzz_on_request(void *arg, struct http_exchange *ex)
{
    const struct http_request *r = http_exchange_request(ex);
    struct http_response response = {.status = 200, .content_type = SLICE("text/plain")};
    if (http_upgrade_token(r).len) {
        struct http_pipe **pipe = malloc(sizeof *pipe);
        *pipe = http_upgrade(ex, &response, &(struct http_pipe_handler){fuzz_on_data, NULL, free, pipe});
        http_pipe_resume(*pipe);
    } else if (slice_starts(r->raw_path, SLICE("/s"))) {
        http_stream_start(ex, &response, &(struct http_stream_handler){NULL, fuzz_on_close, http_ref(ex)});
        http_stream_write(ex, blob_copy(r->raw_path));
        http_stream_write(ex, blob_copy(r->raw_query));
        slice_starts(r->raw_path, SLICE("/sa")) ? http_stream_abort(ex) : http_stream_end(ex);
    } else {
        http_respond(ex, &response, blob_copy(r->body));
    }
}

static inline void fuzz_start(void)
{
    struct http_config config = {.address = "127.0.0.1:0",
                                 .loops = 1,
                                 .head_seconds = 1,
                                 .idle_seconds = 1,
                                 .send_seconds = 1,
                                 .max_body = 10000,
                                 .max_head = 4000};
    struct http_handler handler = {.on_request = fuzz_on_request};
    fuzz_server = http_server_new(&config, &handler, NULL);
    if (!fuzz_server)
        abort();
    http_server_start(fuzz_server);
}

/* On the loop, with the server's end: what accepting does. */
static void fuzz_take(void *arg)
{
    struct loop *loop = &fuzz_server->loops[0];
    atomic_fetch_add(&fuzz_server->connections, 1);
    atomic_fetch_add(&loop->conn_count, 1);
    conn_new(loop, (int)(intptr_t)arg);
}

static inline void fuzz_send(const void *prefix, size_t prefix_size, const uint8_t *data, size_t size)
{
    char bytes[4096];
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        abort(); /* descriptors have leaked */
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    http_post(fuzz_server, 0, fuzz_take, (void *)(intptr_t)ends[1]);
    send(ends[0], prefix, prefix_size, MSG_NOSIGNAL);
    send(ends[0], data, size, MSG_NOSIGNAL);
    shutdown(ends[0], SHUT_WR);
    while (recv(ends[0], bytes, sizeof bytes, 0) > 0)
        ;
    close(ends[0]);
}

#endif
