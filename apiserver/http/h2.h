/* h2: the state of an HTTP/2 connection, shared by its reading (h2.c) and its writing half (h2_out.c). */
#ifndef APISERVER_HTTP_H2_H
#define APISERVER_HTTP_H2_H

#include <nghttp2/nghttp2.h>

#include "apiserver/http/internal.h"

struct h2 {
    nghttp2_session *session;
    struct http_exchange *exchanges; /* of open streams */
    struct http_exchange *drained;   /* to be told when the write has left */
    size_t body_bytes;               /* of unfinished bodies */
    struct bucket resets;            /* streams reset unanswered, by the client or provoked by it */
    struct bucket noise;             /* frames that do nothing */
    struct wbuf *w;                  /* being filled */
    int64_t now;                     /* milliseconds, of the last read or fill */
    bool broken;                     /* send what is queued (a GOAWAY), then close */
    bool shutdown;
};

void h2_fill(struct conn *conn, struct wbuf *w);
void h2_respond(struct http_exchange *ex);
void h2_stream_start(struct http_exchange *ex);
void h2_more(struct http_exchange *ex);
void h2_abort(struct http_exchange *ex);
void h2_on_sent(struct conn *conn);
int h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *framehd, size_t length,
                 nghttp2_data_source *source, void *user_data);

#endif
