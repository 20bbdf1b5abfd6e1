/*
 * documents: discovery and OpenAPI as bytes, made from a snapshot of the catalogue when first asked for, and
 * kept until a newer snapshot is asked about. The v3 documents of built-in group-versions depend on no other
 * and are kept for good. Any thread.
 */
#ifndef APISERVER_DOCUMENTS_H
#define APISERVER_DOCUMENTS_H

#include "apiserver/catalogue.h"
#include "apiserver/server.h"

enum document {
    DOCUMENT_API,            /* /api */
    DOCUMENT_APIS,           /* /apis */
    DOCUMENT_API_AGGREGATED, /* /api, aggregated */
    DOCUMENT_APIS_AGGREGATED,
    DOCUMENT_OPENAPI_INDEX, /* /openapi/v3 */
    DOCUMENT_OPENAPI_V2,    /* /openapi/v2, JSON */
    DOCUMENT_OPENAPI_V2_PROTOBUF,
    DOCUMENT_COUNT
};

struct api_documents *documents_new(void);
void documents_free(struct api_documents *documents);
/* A reference that the caller gives back; so with all of these. */
struct blob *documents_get(struct server *server, const struct catalogue *catalogue, enum document which);
/* /openapi/v3/<path>; path as in the index: "api/v1", "apis/apps/v1". NULL: there is none. */
struct blob *documents_openapi_v3(struct server *server, const struct catalogue *catalogue,
                                  struct slice path);
/* Quoted strong ETag of a document, in the arena. */
struct slice documents_etag(struct arena *arena, const struct blob *document);

#endif
