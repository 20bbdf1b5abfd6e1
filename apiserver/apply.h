/*
 * apply: server-side apply, the fourth kind of patch: the body says which fields its sender wants and how;
 * openapi/managed.h decides what becomes of the object. Runs as commit.h says. Source:
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
#ifndef APISERVER_APPLY_H
#define APISERVER_APPLY_H

#include "apiserver/managed_fields.h"

/* Is the body of media type application/apply-patch+yaml? JSON is YAML too. */
bool apply_is_asked(struct request *req);

/* The body as a free tree, which must be of the kind. Duplicate keys are treated as fieldValidation says. */
struct apply_config {
    struct value tree;
    const char *api_version, *kind;
};
bool apply_read_body(struct request *req, const char *api_version, const char *kind,
                     struct apply_config *ret);

/* The body laid over `live`, a typed tree of managed_req->type (NULL: there is none yet), with defaults; its
 * managedFields are set from those of `live`. */
bool apply_to(struct request *req, const struct managed_request *managed_req,
              const struct apply_config *config, const struct value *live, struct value *ret);

/* For the verb: reads the options and the body of a PATCH of an object, which is created if it is not there;
 * then apply_change is a write_change with the configuration for its argument. */
bool apply_begin(struct request *req, struct apply_config *ret);
bool apply_change(struct request *req, const struct value *current, struct value *ret_new, void *arg);

#endif
