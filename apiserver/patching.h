/* patching: applying a request's patch to an object or to a subresource that looks like one (Scale). Worker
 * thread. */
#ifndef APISERVER_PATCHING_H
#define APISERVER_PATCHING_H

#include "apiserver/request.h"
#include "openapi/patch.h"

/* The patch type of the request's Content-Type; false: 415. */
bool patch_type_of(struct request *req, enum patch_type *ret);
/* current is a tree of the type; so is the result, with defaults. */
bool patch_object(struct request *req, const struct schema_type *type, enum patch_type patch,
                  const struct value *current, struct value *ret);

#endif
