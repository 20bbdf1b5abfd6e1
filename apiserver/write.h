/*
 * write: the one way in which an object comes to be, changes and goes. The verbs decide what the new object
 * is; here are the stages every write passes: metadata, the kind's own preparation, admission, defaults,
 * validation, store. Runs on a worker.
 */
#ifndef APISERVER_WRITE_H
#define APISERVER_WRITE_H

#include "apiserver/kinds/kind.h"
#include "apiserver/object.h"
#include "apiserver/request.h"

/*
 * All of a write works on the stored version of the kind, as upstream works on its internal one: bodies are
 * converted to it when they are read, answers back from it when they are sent.
 */

/* What a write left behind. */
struct written {
    struct value object; /* of the stored version; resourceVersion set, except after a dry run that created */
    uint64_t revision;   /* 0: dry run */
    bool created;        /* an update that created */
    struct stored stored;
    bool has_stored; /* stored and revision give the answer's bytes */
};

/* The body as an object of `type`, known to clients as kind and api_version. Unknown and duplicate fields are
 * treated as fieldValidation says. Defaults are applied. */
bool write_decode_body(struct request *req, const struct schema_type *type, const char *kind,
                       const char *api_version, struct value *ret);
/* The same, of the request's resource and converted to the stored version. */
bool write_decode_object(struct request *req, struct value *ret);
/* From the version asked for to the stored one, with that one's defaults, and back. */
bool write_to_stored(struct request *req, struct value *object);
bool write_from_stored(struct request *req, const struct value *stored, struct value *ret);
/* What strict decoding found: an error, warnings, or nothing, as fieldValidation says. `prefix` begins the
 * error. */
bool write_report_findings(struct request *req, const struct decode_findings *findings, const char *prefix);

bool write_create(struct request *req, struct value *object, struct written *ret);

/* The name and namespace in the body, if any, are those of the URL. */
bool write_check_identity(struct request *req, const struct value *object);

/* Makes the new object from the current one. May be called again when somebody else wrote in between. current
 * is NULL when there is no such object and the kind allows creation by update; false with err unset: there is
 * nothing to create. */
typedef bool (*write_change)(struct request *req, const struct value *current, struct value *ret_new,
                             void *arg);
bool write_update(struct request *req, write_change change, void *arg, struct written *ret);

/* The object of the request's name as it is now. False: not found. */
bool write_load(struct request *req, struct value *ret, uint64_t *ret_revision);
/* Stores the new state of an object whose present revision is `revision`, or deletes it with `object` as its
 * last state. */
enum store_outcome write_store(struct request *req, struct value *object, uint64_t expect, bool delete,
                               struct written *ret);

/* The same for a deletion or the mark of one: admission and what is given back are seen to. */
enum store_outcome write_delete(struct request *req, struct value *object, uint64_t expect, bool gone,
                                struct written *ret);

struct admission_lookup;
struct kind_request write_kind_request(struct request *req, struct causes *causes);
/* How plugins and the verbs look at other objects. */
const struct admission_lookup *write_lookup(struct request *req);
bool write_get_other(struct server *server, struct arena *arena, const struct schema_resource *resource,
                     struct slice namespace, struct slice name, struct value *ret, uint64_t *ret_revision);

#endif
