/*
 * discovery: which group-versions and resources there are, as the documents clients ask for: the legacy ones
 * (/api, /apis, /apis/<group>, /api/v1, /apis/<group>/<version>) and the aggregated one
 * (apidiscovery.k8s.io/v2, KEP-3352). All are made from a list of group-versions, so that custom ones join
 * the built-in ones: built-in ones stand in schema_group_versions, those of a custom resource have `package`
 * NULL. Groups come in the order of the list; the versions of a group stand beside each other.
 *
 * Each function makes a new document in JSON; the caller keeps it as long as the list stays the same. The
 * blob is the caller's. Pure; any thread.
 */
#ifndef OPENAPI_DISCOVERY_H
#define OPENAPI_DISCOVERY_H

#include "base/blob.h"
#include "openapi/schema.h"

struct discovery_list {
    const struct schema_group_version *const *items;
    size_t count;
};

/* /api: APIVersions. server_address ("10.0.0.1:6443") is where clients in any network reach us. */
struct blob *discovery_core_versions(struct slice server_address);
/* /apis: APIGroupList, without the core group. */
struct blob *discovery_groups(struct discovery_list list);
/* /apis/<group>: APIGroup; NULL if there is no such group (the core group has none). */
struct blob *discovery_group(struct discovery_list list, struct slice group);
/* /api/v1 and /apis/<group>/<version>: APIResourceList. */
struct blob *discovery_resources(const struct schema_group_version *group_version);
/* APIGroupDiscoveryList of /api (core: the core group) or of /apis (the others). */
struct blob *discovery_aggregated(struct discovery_list list, bool core);

enum { DISCOVERY_ETAG_SIZE = 2 + 128 + 1 };
/* A strong ETag of a document: quoted hexadecimal SHA-512 of its bytes, NUL-terminated. */
void discovery_etag(struct slice document, char ret_etag[DISCOVERY_ETAG_SIZE]);
/* The hash in `storageVersionHash`: equal hashes mean the same stored kind. 12 characters and NUL. */
void discovery_storage_hash(const struct schema_resource *resource, char ret_hash[13]);

#endif
