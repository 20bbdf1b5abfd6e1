/*
 * status: the one edge where an error becomes an API Status on the wire, and the shapes of Status that are no
 * error. Pure. Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
#ifndef APISERVER_STATUS_H
#define APISERVER_STATUS_H

#include "base/buf.h"
#include "base/error.h"

/* {"kind":"Status",...,"status":"Failure"} */
void status_encode(struct buf *out, const struct error *err);
/* The answer to a deletion: "Success" with what was deleted; kind is the resource's plural name, as upstream
 * has it. */
void status_encode_deleted(struct buf *out, struct slice group, struct slice resource, struct slice name,
                           struct slice uid);
/* {"status":"Success","code":201}: bindings, evictions. */
void status_encode_success(struct buf *out, int code);

/* The errors that many places give, each with upstream's wording. All return false. */
bool status_not_found(struct error *err, struct slice group, struct slice resource, struct slice name);
bool status_already_exists(struct error *err, struct slice group, struct slice resource, struct slice name);
bool status_conflict(struct error *err, struct slice group, struct slice resource, struct slice name,
                     const char *why);
bool status_modified(struct error *err, struct slice group, struct slice resource, struct slice name);
bool status_forbidden(struct error *err, struct slice group, struct slice resource, struct slice name,
                      const char *why);
bool status_no_such_resource(struct error *err); /* "the server could not find the requested resource" */
bool status_method_not_allowed(struct error *err);
bool status_version_too_large(struct error *err, uint64_t asked, uint64_t current);

#endif
