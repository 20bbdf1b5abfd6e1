/*
 * request: one API request on its way through the stages. It lives in its exchange's arena and is passed from
 * stage to stage; at any time one thread has it. The stages, in order, are the list in request.c; each either
 * goes on or sets req->err, and request_fail() turns that into the answer. A verb answers exactly once with
 * one of the request_send functions.
 */
#ifndef APISERVER_REQUEST_H
#define APISERVER_REQUEST_H

#include "apiserver/catalogue.h"
#include "apiserver/negotiate.h"
#include "apiserver/options.h"
#include "apiserver/request_info.h"
#include "apiserver/server.h"
#include "apiserver/user.h"
#include "openapi/decode.h"

struct allocation;
struct charge;
struct kind;
struct commit;

struct request {
    struct server *server;
    struct http_exchange *exchange;
    const struct http_request *http;
    struct arena *arena;
    struct error err;
    int64_t started; /* clock_mono_nanos */

    struct catalogue *catalogue; /* what is served, pinned; NULL until request_catalogue() is asked */
    struct query query;
    struct request_info info;
    struct user user, real_user; /* real_user: before impersonation */
    struct accept accept;

    /* Of resource requests. */
    const struct schema_resource *resource;       /* as asked for, e.g. autoscaling/v1 */
    const struct schema_resource *storage;        /* as stored */
    const struct schema_subresource *subresource; /* or NULL */
    const struct kind *kind;
    unsigned verb; /* enum verb */

    struct write_options write;
    const struct charge *charge;         /* of the write that is being stored (charge.h), or NULL */
    const struct allocation *allocation; /* the same (allocate.h) */
    struct decode_findings warnings;     /* texts for Warning headers */
    bool never_zip;
    struct slice audit_id;            /* request_audit_id() */
    struct slice etag;                /* of the answer, or empty */
    bool answered_stream;             /* the answer is a watch: latency is not counted */
    unsigned char in_flight;          /* enum request_kind (metrics.h) */
    void (*run)(struct request *req); /* what the worker runs */

    /* Writes: see commit.h. */
    bool custom;            /* the resource is a cluster's own, not built in */
    bool on_loop;           /* nothing may wait */
    bool leaves_loop;       /* and must run again where it may */
    size_t warnings_before; /* it started */
    struct commit *commit;  /* submitted */
};

/* The entry: http_handler.on_request. */
void request_serve(void *server, struct http_exchange *exchange);

/* A request of the server's own (user system:apiserver), for write_update() and deletion_run() on any thread
 * but a loop. Lives in the arena; error_release(&req->err) at the end. resource must outlive it. */
struct request *request_internal(struct server *server, struct arena *arena,
                                 const struct schema_resource *resource, struct slice namespace,
                                 struct slice name, const char *subresource);
/* What is served, the same for all of the request's life. */
const struct catalogue *request_catalogue(struct request *req);
/* Hands the request to a worker thread, which runs run(req). The calling stage must do nothing after. */
void request_to_worker(struct request *req, void (*run)(struct request *req));

/* ---- answers: exactly one, from any thread ---- */

/* req->err as a Status. */
void request_fail(struct request *req);
/* A whole JSON document; converted to YAML or prettied as asked. Takes the blob over. */
void request_send_json(struct request *req, int code, struct blob *json);
/* The same for the JSON of an object that is the caller's. */
void request_send_object(struct request *req, int code, struct slice json);
/* Bytes of another type. */
void request_send_text(struct request *req, int code, const char *content_type, struct blob *body);
/* Counts and logs; every way of answering ends here, streams when they close. */
void request_done(struct request *req, int code, size_t bytes);

void request_warn(struct request *req, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The request's identity in audit logs, the client's own if it sent one; goes on to servers that it is handed
 * to. */
struct slice request_audit_id(struct request *req);
/* The headers that every answer has (Audit-Id, Cache-Control, Warning, ...), into the arena. */
const struct http_header *request_headers(struct request *req, size_t *ret_count);

/* May the user do `verb` to what the request is about? False: req->err is set. */
bool request_authorize(struct request *req, const char *verb);

/* ---- the stages, one file each; false: req->err is set ---- */
bool stage_authenticate(struct request *req);
bool stage_impersonate(struct request *req);
bool stage_authorize(struct request *req);
bool stage_route(struct request *req);

/* ---- the verbs, each in verb_<name>.c; they answer ---- */
void verb_get(struct request *req);
void verb_list(struct request *req);
void verb_watch(struct request *req);
void verb_create(struct request *req);
void verb_update(struct request *req);
void verb_patch(struct request *req);
void verb_delete(struct request *req);
void verb_delete_collection(struct request *req);

/* Paths that are no resources: health, version, discovery, OpenAPI, metrics (nonresource.c). Answers. */
void nonresource_serve(struct request *req);
/* "404 page not found", for paths that nobody knows. */
void nonresource_send_404(struct request *req);
/* Subresources that are no plain read or write of a part: scale, binding, eviction, ... (subresource.c).
 * True: it has answered or taken over. */
bool subresource_serve(struct request *req);
/* Kinds that are questions, not objects: access reviews (reviews.c). True: answered. */
bool review_serve(struct request *req);

#endif
