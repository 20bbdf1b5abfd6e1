/* h1: the state of an HTTP/1.1 connection, shared by its reading (h1.c) and its writing half (h1_out.c). */
#ifndef APISERVER_HTTP_H1_H
#define APISERVER_HTTP_H1_H

#include "apiserver/http/framing.h"
#include "apiserver/http/internal.h"

enum h1_state {
    H1_HEAD, /* waiting for a head, or in one */
    H1_BODY,
    H1_BUSY, /* the answer is due, or being sent */
};

struct h1 {
    enum h1_state state;
    struct http_exchange *ex; /* in H1_BODY and H1_BUSY */
    struct framing framing;   /* of that request */
    struct chunked chunked;
    size_t seen;    /* bytes of an unfinished head looked at before */
    int64_t since;  /* of the head, then of the body; milliseconds */
    struct buf out; /* heads and small bodies; goes before ex->out */
    size_t out_at;
    bool served;   /* a request has been read */
    bool close;    /* after this answer */
    bool refused;  /* what follows in the input is not understood: linger */
    bool shutdown; /* no further requests */
    bool answer_chunked;
    bool proceeding; /* h1_proceed is running */
};

/* Reads on: as many requests as are complete, one at a time. */
void h1_proceed(struct conn *conn);
/* The answer is wholly on its way. */
void h1_answered(struct conn *conn);

void h1_fill(struct conn *conn, struct wbuf *w);
void h1_respond(struct http_exchange *ex);
void h1_stream_start(struct http_exchange *ex);
void h1_more(struct http_exchange *ex);
void h1_abort(struct http_exchange *ex);

#endif
