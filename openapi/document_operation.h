/* document_operation: one operation of a path in an OpenAPI document, in both forms. Internal to
 * openapi/document*.c. */
#ifndef OPENAPI_DOCUMENT_OPERATION_H
#define OPENAPI_DOCUMENT_OPERATION_H

#include "openapi/document_writer.h"

enum parameters {
    PARAMETERS_NONE,
    PARAMETERS_GET, /* of custom resources: resourceVersion */
    PARAMETERS_LIST,
    PARAMETERS_WRITE, /* create and update */
    PARAMETERS_PATCH,
    PARAMETERS_DELETE,
    PARAMETERS_DELETE_COLLECTION,
};

struct operation {
    const char *method, *action, *id, *tag, *description;
    const char *group, *version, *kind; /* x-kubernetes-group-version-kind; kind NULL: none */
    enum parameters parameters;
    const struct schema_type *body;   /* of the request, or NULL */
    const struct schema_type *answer; /* of 200 and the like; NULL: a text */
    bool body_required;
    bool creates;       /* 200, 201, 202 */
    bool creates_maybe; /* 200, 201 */
    bool accepts;       /* 202 too */
    bool streams;       /* may answer as a watch */
    bool text;          /* answers with text (a log) */
    bool connects;      /* any media type, a text */
    bool custom;        /* JSON and YAML only */
    const char *json;   /* the only media type, of fixed paths; or NULL */
};

enum { PATH_NAMESPACE = 1, PATH_NAME = 2, PATH_PRETTY = 4, PATH_PATH = 8 };

void document_put_operation(struct document_writer *w, const struct operation *op);
/* Closes what document_open_path opened, with the parameters that all operations share: PATH_ flags, and the
 * fields of `options` as query parameters. name_kind: whose name {name} is. */
void document_close_path(struct document_writer *w, unsigned flags, const char *name_kind,
                         const struct schema_type *options);

/* "RbacAuthorization" (or "rbacAuthorization") of "rbac.authorization.k8s.io". */
const char *document_group_id(struct arena *arena, const char *group, bool capital);

#endif
