/*
 * document: the OpenAPI documents of the served API, made from the schema: v3 as one document per path prefix
 * with an index (KEP-2896), and v2 (Swagger) as one for everything, in JSON and in the protobuf form that
 * older clients ask for. `kubectl explain` and client-side validation live on them.
 *
 * Built-in and custom group-versions join in one list (openapi/discovery.h). Documents are made anew by each
 * call, in milliseconds; the caller keeps them as long as the list stays the same. A blob is the caller's.
 * Pure; any thread.
 */
#ifndef OPENAPI_DOCUMENT_H
#define OPENAPI_DOCUMENT_H

#include "base/blob.h"
#include "base/error.h"
#include "openapi/discovery.h"

/* The document under /openapi/v3/<key>: "api/v1", "apis/apps/v1", "apis/apps", "api", "apis", "version", ...
 * NULL: there is none. */
struct blob *document_v3(struct discovery_list list, struct slice key);
enum { DOCUMENT_HASH_SIZE = 128 + 1 };
/* The hash in the index, and the ETag without its quotes: hexadecimal SHA-512, NUL-terminated. */
void document_hash(struct slice document, char ret_hash[DOCUMENT_HASH_SIZE]);

/* /openapi/v3: every key with the address of its document and the hash of its content, which hash_of gives
 * (the caller has most documents already). */
struct blob *
document_v3_index(struct discovery_list list,
                  void (*hash_of)(void *arg, struct slice key, char ret_hash[DOCUMENT_HASH_SIZE]), void *arg);
/* /openapi/v2. */
struct blob *document_v2(struct discovery_list list);
/* A v2 document from JSON to the protobuf message openapi.v2.Document (gnostic). Clients ask for it as
 * application/com.github.proto-openapi.spec.v2@v1.0+protobuf; the answer's Content-Type must say
 * ...spec.v2.v1.0+protobuf, as they cannot parse the @. NULL and *err if the text is no such document. */
struct blob *document_v2_protobuf(struct slice json, struct error *err);

#endif
