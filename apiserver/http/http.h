/*
 * http: the one seam over HTTP. Behind it libh2o accepts, does TLS and speaks HTTP/1.1, and nghttp2 speaks
 * HTTP/2 on the same loops and sockets; no type of either leaves this folder. A handler sees a request, and
 * answers with a whole response, a stream, or (HTTP/1.1 only) an upgraded byte pipe.
 *
 * Threads. A server has N loops, one thread each. on_request runs on the request's loop and must not block;
 * it answers at once, or hands the exchange to another thread (http_ref) and answers later. http_respond and
 * the stream calls may be made from any thread: off the loop they post themselves to it. Memory the request
 * points to lives until the last http_unref.
 *
 * What this folder owns (design): one parse of the raw path, limits on heads and bodies with a 413 on both
 * protocols, strict HTTP/1.1 framing, send and idle timers, reset and request rates, jobs in flight per
 * connection and in all, connection caps, vanished HTTP/1.1 clients, early flush of heads, no body on HEAD,
 * certificate re-checks on resumption. Requests broken at this level never reach on_request.
 */
#ifndef APISERVER_HTTP_HTTP_H
#define APISERVER_HTTP_HTTP_H

#include "base/blob.h"
#include "base/error.h"

struct http_server;
struct http_exchange; /* one request and its answer */

struct http_header {
    struct slice name; /* lower case */
    struct slice value;
};

/* Who is on the other side, from the TLS handshake. */
struct http_peer {
    bool has_cert;       /* sent a client certificate */
    bool verified;       /* which chains to the client CA, is in its validity period now, and allows client
                            authentication */
    bool proxy_verified; /* the same for the CA of proxies, which say in headers who a request is from */
    struct slice common_name;
    const struct slice *organizations;
    size_t organization_count;
    struct slice cert_der_sha256; /* 32 bytes: identity of the credential */
    struct slice address;         /* "127.0.0.1:51234" */
};

struct http_request {
    int version;            /* 11 or 20 */
    struct slice method;    /* "GET" */
    struct slice raw_path;  /* as sent, without the query: never decoded, starts with '/' */
    struct slice raw_query; /* without '?' */
    /* The path decoded once, segment by segment; a segment may hold any byte but NUL. "/a//b/" =
     * "a","","b","". Requests whose path has "." or ".." segments (also percent-encoded), a bad escape or %00
     * have path_ok false. */
    const struct slice *segments;
    size_t segment_count;
    bool path_ok;
    struct slice authority; /* Host or :authority */
    const struct http_header *headers;
    size_t header_count;
    struct slice body; /* complete, not over the limit */
    const struct http_peer *peer;
    unsigned loop; /* index */
};

/* The first header of that (lower-case) name; an empty slice with ptr NULL if there is none. */
struct slice http_header_get(const struct http_request *request, const char *name);

struct http_response {
    int status;
    struct slice content_type;
    const struct http_header *headers; /* further ones; copied */
    size_t header_count;
};

struct http_handler {
    void (*on_request)(void *arg, struct http_exchange *exchange);
    /* The answer to a request refused at this level (400, 408, 413, 431, 503, ...) as a body; NULL: an empty
     * one. */
    struct blob *(*on_refused)(void *arg, int status, const char *message, struct slice *ret_content_type);
    void *arg;
};

struct http_config {
    const char *address;                  /* "127.0.0.1:6443", "[::1]:0"; port 0: any (http_server_port) */
    unsigned loops;                       /* 0: one per core */
    const char *cert_file, *key_file;     /* server certificate (PEM); NULL: plain HTTP, for tests */
    const char *client_ca_file;           /* NULL: no client certificates */
    const char *proxy_ca_file;            /* of certificates that only proxies have; NULL: none */
    size_t max_body;                      /* bytes; 0: 3 MiB */
    size_t max_head;                      /* bytes of all header fields; 0: 64 KiB; larger: 431 */
    unsigned max_connections;             /* 0: 20,000 (and what RLIMIT_NOFILE allows) */
    unsigned max_streams;                 /* per HTTP/2 connection; 0: 1,000 */
    unsigned max_jobs_per_connection;     /* answered later, of one connection; 0: 1,000 */
    size_t max_body_bytes_per_connection; /* unfinished bodies together; 0: 16 MiB */
    int64_t idle_seconds;                 /* a connection without a request; 0: 300 */
    int64_t
        head_seconds; /* from the first byte of a request to the end of its body must make progress; 0: 30 */
    int64_t send_seconds; /* a client that takes nothing; 0: 60 */
    bool http1_only;      /* no h2 in ALPN */
};

/* Errors: busy port ("address 127.0.0.1:6443 is in use; ..."), unreadable or expired certificate, key
 * mismatch. */
struct http_server *http_server_new(const struct http_config *config, const struct http_handler *handler,
                                    struct error *err);
unsigned http_server_port(const struct http_server *server);
unsigned http_server_loops(const struct http_server *server);
/* Starts the loop threads; returns at once. */
void http_server_start(struct http_server *server);
/* Stops listening, lets running requests finish up to grace_seconds (streams must be ended by their owners:
 * they see on_close), joins the loops. */
void http_server_stop(struct http_server *server, int64_t grace_seconds);
void http_server_free(struct http_server *server);
/* Reads certificate, key and CA again; what is running keeps the old ones. */
bool http_server_reload(struct http_server *server, struct error *err);

/* Runs fn(arg) on a loop's thread, soon, in order of posting. Any thread. */
void http_post(struct http_server *server, unsigned loop, void (*fn)(void *arg), void *arg);

/* A timer on a loop. Loop thread only. */
struct http_timer;
struct http_timer *http_timer_start(struct http_server *server, unsigned loop, int64_t millis,
                                    void (*fn)(void *arg), void *arg);
void http_timer_cancel(struct http_timer *timer); /* before it has fired; NULL is allowed */

/* ---- an exchange ---- */

struct http_server *http_exchange_server(struct http_exchange *exchange);
const struct http_request *http_exchange_request(const struct http_exchange *exchange);
struct http_exchange *http_ref(struct http_exchange *exchange); /* any thread */
void http_unref(struct http_exchange *exchange);                /* any thread */
/* An arena that lives as long as the exchange: the handler's. One thread at a time, as it is handed on. */
struct arena *http_arena(struct http_exchange *exchange);
bool http_gone(const struct http_exchange
                   *exchange); /* the client has left: answering is harmless but useless. Any thread */

/* The whole answer, exactly once per exchange. Takes over the body reference (NULL: none). Any thread.
 * Content-Length is set; a HEAD's body is not sent. */
void http_respond(struct http_exchange *exchange, const struct http_response *response, struct blob *body);

struct http_stream_handler {
    /* All that was written has left for the kernel: write more. Loop thread. */
    void (*on_drain)(void *arg);
    /* The stream is over, for whatever reason (client gone, ended, server stopping); called exactly once,
     * last. Loop thread. */
    void (*on_close)(void *arg);
    void *arg;
};

/* Begins a streamed answer; the head leaves at once. Then http_stream_write / _end. Loop thread only
 * (http_post to it). */
void http_stream_start(struct http_exchange *exchange, const struct http_response *response,
                       const struct http_stream_handler *handler);
/* Queues a reference (taken over). Returns the bytes now queued, so that the writer can bound itself and wait
 * for on_drain. */
size_t http_stream_write(struct http_exchange *exchange, struct blob *chunk);
void http_stream_end(struct http_exchange *exchange);
/* Cuts it off: RST_STREAM, or closes the connection. */
void http_stream_abort(struct http_exchange *exchange);

/* ---- upgrade (HTTP/1.1 only) ---- */

struct http_pipe;
struct http_pipe_handler {
    void (*on_data)(void *arg, struct slice bytes); /* call http_pipe_resume to get more */
    void (*on_drain)(void *arg);
    void (*on_close)(void *arg); /* once, last */
    void *arg;
};
/* The lower-cased Upgrade token ("websocket", "spdy/3.1"), or empty. Never set on HTTP/2. */
struct slice http_upgrade_token(const struct http_request *request);
/* Answers 101 with the response's headers and turns the connection into bytes. Loop thread. NULL: not
 * possible. */
struct http_pipe *http_upgrade(struct http_exchange *exchange, const struct http_response *response,
                               const struct http_pipe_handler *handler);
size_t http_pipe_write(struct http_pipe *pipe, struct blob *bytes);
void http_pipe_resume(struct http_pipe *pipe);
void http_pipe_close(struct http_pipe *pipe); /* after what is queued was sent */

struct http_stats {
    uint64_t connections, connections_total, requests_total, refused_total, resets_total, streams_open;
};
void http_server_stats(struct http_server *server, struct http_stats *ret);

#endif
