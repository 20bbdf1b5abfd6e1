/*
 * request_info: what a method and a path ask for, in API terms; the one reading of the path that
 * authorization, audit, metrics and the verbs share. Pure.
 *
 *     GET    /api/v1/namespaces/a/pods/p/log        get pods/log, namespace a, name p
 *     GET    /apis/apps/v1/deployments?watch=true   watch deployments, all namespaces
 *     PUT    /api/v1/namespaces/a/finalize          update namespaces/finalize, name a
 *     DELETE /api/v1/namespaces/a/pods              deletecollection pods
 *     GET    /api/v1/watch/namespaces/a/pods        watch pods (the old form)
 *     GET    /version                               non-resource path, verb "get"
 */
#ifndef APISERVER_REQUEST_INFO_H
#define APISERVER_REQUEST_INFO_H

#include "apiserver/query.h"
#include "openapi/schema.h"

struct request_info {
    bool is_resource;
    const char *verb; /* "get", "list", ...; of a non-resource: the method in lower case */
    struct slice path;
    struct slice api_prefix, group, version; /* "api"/"" or "apis"/group */
    struct slice namespace, resource, subresource, name;
    const struct slice *rest; /* segments after the subresource (proxy paths) */
    size_t rest_count;
};

/* segments as http_request has them: decoded, without the leading slash. */
void request_info_parse(struct arena *arena, struct slice method, struct slice path,
                        const struct slice *segments, size_t count, const struct query *query,
                        struct request_info *ret);
/* The verb's bit, 0 for others ("proxy", "put" on non-resources, ...). */
unsigned request_verb_bit(const char *verb);

#endif
