/*
 * managed_fields: metadata.managedFields of what a request writes: whose fields they are from now on.
 * openapi/managed.h decides; here is what it has to know of the request: who asks, in which version, through
 * which subresource, and which fields that cannot change. One thread at a time.
 */
#ifndef APISERVER_MANAGED_FIELDS_H
#define APISERVER_MANAGED_FIELDS_H

#include "apiserver/request.h"
#include "openapi/managed.h"

/* ?fieldManager, or the name of the client's program from User-Agent, or "unknown". */
struct slice managed_fields_manager(struct request *req);
/* Whether a write through the request's subresource leaves the metadata as they are. */
bool managed_fields_resets_metadata(const struct request *req);
/* What openapi/managed.h asks, for the request's resource and subresource. */
struct managed_request managed_fields_request(struct request *req);

/* Sets the object's list for a creation (old NULL) or an update of the stored object `old`. Trees are of the
 * stored version, defaults are set, nothing of the server's own is in yet. Objects that cannot be compared
 * keep the list they had. */
void managed_fields_track(struct request *req, const struct value *old, struct value *object);
/* The same for an object that a subresource makes and nobody stores, of a type of its own. */
void managed_fields_track_new(struct request *req, const struct schema_type *type, const char *api_version,
                              struct value *object);
/* Does nothing differ but when somebody last set what he has set already? Then the object is as it was. */
void managed_fields_keep_times(struct value *object, const struct value *old);

/* The list of the entries that own what a Scale shows of the object, and back after a write of the Scale. */
struct value managed_fields_to_scale(struct request *req, const struct value *object);
void managed_fields_from_scale(struct request *req, const struct value *scale_list, struct value *object);

#endif
