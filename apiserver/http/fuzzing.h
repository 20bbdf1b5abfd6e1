/*
 * fuzzing: one server in this process; the input goes to it over a loopback connection whose other half then
 * closes, and the run ends when the server has closed too. The handler answers at once, streams, upgrades or
 * echoes by the path's first letter.
 */
#ifndef APISERVER_HTTP_FUZZING_H
#define APISERVER_HTTP_FUZZING_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "apiserver/http/http.h"

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

static inline void fuzz_send(const void *prefix, size_t prefix_size, const uint8_t *data, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_server_port(fuzz_server))};
    struct linger reset = {1, 0}; /* no TIME_WAIT: there would soon be no ports left */
    char bytes[4096];
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        abort(); /* the server has gone */
    send(fd, prefix, prefix_size, MSG_NOSIGNAL);
    send(fd, data, size, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

#endif
