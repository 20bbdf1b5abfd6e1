/*
 * subresource: the subresources that are more than a view of a part of the object. A table by name; those
 * that are not here (status, finalize, approval, ephemeralcontainers, resize) are ordinary reads and writes
 * of the object, whose kind keeps the other parts as they were.
 */
#include "apiserver/subresource.h"

#include "apiserver/status.h"

static bool not_here(struct request *req)
{
    error_set(&req->err, REASON_METHOD_NOT_ALLOWED, "%s/%s is not supported by this server yet",
              req->resource->name, req->subresource->name);
    request_fail(req);
    return true;
}

static const struct {
    const char *resource; /* NULL: any */
    const char *name;
    bool (*serve)(struct request *req);
} rows[] = {
    {NULL, "scale", subresource_scale},
    {"pods", "binding", subresource_binding},
    {"pods", "eviction", subresource_eviction},
    {"pods", "log", subresource_log},
    {"pods", "exec", subresource_connect},
    {"pods", "attach", subresource_connect},
    {"pods", "portforward", subresource_connect},
    {"serviceaccounts", "token", subresource_token},
    {NULL, "proxy", not_here},
};

bool subresource_serve(struct request *req)
{
    if (req->info.is_resource && strcmp(req->resource->name, "bindings") == 0 && req->verb == VERB_CREATE)
        return subresource_binding(req);
    if (component_status_serve(req))
        return true;
    for (size_t i = 0; req->subresource && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, req->subresource->name) == 0 &&
            (!rows[i].resource || strcmp(rows[i].resource, req->resource->name) == 0))
            return rows[i].serve(req);
    return false;
}
