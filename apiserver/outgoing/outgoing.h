/*
 * outgoing: HTTP requests that the API server makes: to extension servers, to what `proxy` subresources
 * reach, to webhooks. The one seam over libcurl; no type of it leaves this folder.
 *
 * One thread (the engine's) drives all transfers; connections are kept and used again. A transfer streams:
 * its answer comes as a head, pieces of the body, and an end. A reader that is slow says what it has dealt
 * with (outgoing_consumed), and no more than OUTGOING_WINDOW bytes are read ahead of that. Answers go to
 * HTTP/1.1 servers, with or without TLS; redirects are never followed, proxies of the environment never used,
 * bodies never decoded.
 *
 * An upgrade (outgoing_request.upgrade) that is answered 101 becomes a pair of byte streams: what arrives
 * comes as on_data, what is to be sent is given to outgoing_write.
 *
 * Threads. outgoing_start and the calls on a transfer: any. The handler's callbacks are run by its `post`
 * (say, on an event loop), in order, on_end exactly once and last; without `post` on the engine's thread,
 * where they must not block.
 *
 * Ownership. outgoing_start gives a reference, returned with outgoing_release, from any thread, also before
 * the end. The request's strings are copied; its body and the handler's arg must live until on_end.
 *
 * Errors of a transfer: REASON_SERVICE_UNAVAILABLE (not reachable, TLS refused, broken or cut answer),
 * REASON_TIMEOUT (one of the limits of time), REASON_BAD_REQUEST (a header or URL that cannot be sent; from
 * outgoing_start), REASON_UNKNOWN (cancelled).
 */
#ifndef APISERVER_OUTGOING_OUTGOING_H
#define APISERVER_OUTGOING_OUTGOING_H

#include "apiserver/http/http.h"
#include "base/buf.h"

enum { OUTGOING_WINDOW = 256 << 10, OUTGOING_MAX_HEAD = 64 << 10 };

struct outgoing;
struct outgoing_transfer;

struct outgoing *outgoing_new(void);
/* Ends what still runs (their on_end is run), joins the thread, and lets nothing start any more. */
void outgoing_stop(struct outgoing *outgoing);
/* Stops if that has not been done. All transfers must have been released. NULL is allowed. */
void outgoing_free(struct outgoing *outgoing);

struct outgoing_tls {
    struct slice ca;        /* PEM; empty: the authorities that the machine trusts */
    bool insecure;          /* believe any certificate */
    struct slice cert, key; /* PEM; what we show; empty: nothing */
};

struct outgoing_request {
    const char *method;     /* "GET" */
    const char *url;        /* absolute, http or https; its host is what the certificate must be for */
    const char *connect_to; /* "10.0.0.1:8443" to connect there instead; NULL: the URL's host and port */
    struct outgoing_tls tls;
    const struct http_header *headers; /* Host and Content-Length come by themselves */
    size_t header_count;
    struct slice body;
    /* Limits of time, 0: none. For the connection with its handshake; for the head of the answer; for all. */
    int64_t connect_millis, head_millis, total_millis;
    struct slice upgrade; /* the token ("websocket"); empty: an ordinary request */
};

struct outgoing_head {
    int status;                        /* 101 only for an upgrade */
    const struct http_header *headers; /* names in lower case; live until on_end */
    size_t header_count;
    int64_t content_length; /* -1: not said */
};

struct outgoing_handler {
    void (*on_head)(void *arg, const struct outgoing_head *head);
    /* Takes over the reference. outgoing_consumed(transfer, bytes->len) when it has been dealt with. */
    void (*on_data)(void *arg, struct blob *bytes);
    /* NULL: the answer was complete (or the other side closed the pipe). */
    void (*on_end)(void *arg, const struct error *err);
    /* Pipes: all is sent after outgoing_write had said OUTGOING_WINDOW or more. May be NULL. */
    void (*on_drain)(void *arg);
    void *arg;
    void (*post)(void *post_arg, void (*fn)(void *arg), void *fn_arg);
    void *post_arg;
};

/* NULL: err is set and no callback will run. */
struct outgoing_transfer *outgoing_start(struct outgoing *outgoing, const struct outgoing_request *request,
                                         const struct outgoing_handler *handler, struct error *err);
void outgoing_consumed(struct outgoing_transfer *transfer, size_t bytes);
/* Pipes: queues a reference (taken over). Returns how many bytes wait to be sent. */
size_t outgoing_write(struct outgoing_transfer *transfer, struct blob *bytes);
/* Ends it soon. */
void outgoing_cancel(struct outgoing_transfer *transfer);
void outgoing_release(struct outgoing_transfer *transfer);

/* A whole answer, waited for: straight-line code on a worker. */
struct outgoing_answer {
    int status;
    const struct http_header *headers; /* in the arena, as is the body */
    size_t header_count;
    struct slice body;
};
/* False: no whole answer, or one longer than max_body (REASON_SERVICE_UNAVAILABLE). */
bool outgoing_call(struct outgoing *outgoing, const struct outgoing_request *request, size_t max_body,
                   struct arena *arena, struct outgoing_answer *ret, struct error *err);

#endif
