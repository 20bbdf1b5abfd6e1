/*
 * documents: discovery and OpenAPI as bytes, each made when first asked for and kept as long as the set of API types is the same.
 * Any thread.
 */
#ifndef APISERVER_DOCUMENTS_H
#define APISERVER_DOCUMENTS_H

#include "apiserver/server.h"

enum document {
    DOCUMENT_API,            /* /api */
    DOCUMENT_APIS,           /* /apis */
    DOCUMENT_API_AGGREGATED, /* /api, aggregated */
    DOCUMENT_APIS_AGGREGATED,
    DOCUMENT_OPENAPI_INDEX,  /* /openapi/v3 */
    DOCUMENT_OPENAPI_V2,     /* /openapi/v2, JSON */
    DOCUMENT_OPENAPI_V2_PROTOBUF,
    DOCUMENT_COUNT
};

struct api_documents *documents_new(void);
void documents_free(struct api_documents *documents);
/* A reference that the caller gives back. */
struct blob *documents_get(struct server *server, enum document which);
/* /apis/<group>; NULL: there is no such group. */
struct blob *documents_group(struct server *server, struct slice group);
/* /api/v1, /apis/<group>/<version>. */
struct blob *documents_group_version(struct server *server, struct slice group, struct slice version);
/* /openapi/v3/<path>; path as in the index: "api/v1", "apis/apps/v1". */
struct blob *documents_openapi_v3(struct server *server, struct slice path);
/* Quoted strong ETag of a document, in the arena. */
struct slice documents_etag(struct arena *arena, const struct blob *document);
bool documents_has_group(struct slice group);

#endif
