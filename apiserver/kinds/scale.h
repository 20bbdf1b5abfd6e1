/*
 * scale: the subresource `scale` (autoscaling/v1) of deployments, replicasets, statefulsets and
 * replicationcontrollers: a view of spec.replicas, status.replicas and the selector, and the way back.
 *
 * The caller reads the object, shows scale_from() of it, lets the request change that (PUT body or patch),
 * and gives the result to scale_apply() with the object. What then goes to the store is the object, as an
 * ordinary update. Pure; any thread. Results live in the arena; strings may be those of the object given.
 */
#ifndef APISERVER_KINDS_SCALE_H
#define APISERVER_KINDS_SCALE_H

#include "base/error.h"
#include "openapi/value.h"

/* Errors: REASON_BAD_REQUEST when the object's selector is none. */
bool scale_from(struct arena *arena, const struct schema_resource *resource, const struct value *object,
                struct value *ret_scale, struct error *err);
/* Changes spec.replicas and metadata.resourceVersion of the object. Errors: REASON_INVALID (negative
 * replicas), REASON_CONFLICT (another uid). */
bool scale_apply(struct arena *arena, const struct schema_resource *resource, const struct value *scale,
                 struct value *object, struct error *err);

#endif
