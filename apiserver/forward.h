/*
 * forward: hands a request on to another HTTP server and its answer back, as it comes: whole answers whole,
 * streams as streams, upgrades as a pair of pipes. For extension servers (aggregation) and the `proxy`
 * subresources. By then the request has passed authentication and authorization; what goes out is made anew
 * from what was judged, never copied blindly:
 *
 * - the path from the decoded segments, so that nothing reads as one path here and as another there (a
 * segment with an encoded slash is refused with 400);
 * - the headers without hop-by-hop ones, credentials, impersonation, and every X-Remote-*, under whatever
 * spelling (forward_headers);
 * - who asks as X-Remote-User, -Group, -Uid, -Extra-* for servers that know us by our client certificate.
 *
 * Memory is bounded: a body has the server's own limit, an answer is read no faster than the client takes it.
 * An answer that ends early is cut off for the client too, or, while nothing of it was sent, a 503.
 *
 * Loop thread. Source: https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
 */
#ifndef APISERVER_FORWARD_H
#define APISERVER_FORWARD_H

#include "apiserver/outgoing/outgoing.h"
#include "apiserver/request.h"

struct forward_target {
    const char *origin;     /* "https://name.namespace.svc:443": whom the certificate must name */
    const char *connect_to; /* see outgoing_request */
    struct outgoing_tls tls;
    const struct slice *segments; /* of the path */
    size_t segment_count;
    bool tells_user;        /* X-Remote-* headers of req->user */
    bool refuses_redirects; /* 502 instead of a redirect, which would lead the client elsewhere */
    int64_t total_millis;   /* 0: no limit for the whole */
    int64_t head_millis;    /* until the head of the answer */
};

/* Answers the request, now or later. All strings of the target are copied or live as long as the request. */
void forward_request(struct request *req, const struct forward_target *target);

/* ---- the pure part (forward_headers.c) ---- */

/* The headers to send, in the arena. audit_id: see request_audit_id. user NULL: no X-Remote-* headers. */
const struct http_header *forward_headers(struct arena *arena, const struct http_request *http,
                                          const struct user *user, struct slice audit_id, size_t *ret_count);
/* The headers of the answer that go back to the client; Content-Type apart, "" if there is none. */
const struct http_header *forward_answer_headers(struct arena *arena, const struct http_header *headers,
                                                 size_t count, size_t *ret_count,
                                                 struct slice *ret_content_type);
/* "/a/b%20c?x=1": false if a segment holds a slash. */
bool forward_path(struct arena *arena, const struct slice *segments, size_t count, const struct query *query,
                  const char **ret_path);

#endif
