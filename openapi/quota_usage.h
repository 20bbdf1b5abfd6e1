/*
 * quota_usage: what an object counts against ResourceQuotas, and which quotas look at it. Admission charges
 * new objects with it, the quota controller counts present ones with it, so both always agree. Pure; lists
 * live in the arena. Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/.
 */
#ifndef OPENAPI_QUOTA_USAGE_H
#define OPENAPI_QUOTA_USAGE_H

#include "openapi/pod_resources.h"
#include "openapi/schema.h"

/* What the object counts, by the names that stand in quotas: "pods", "requests.cpu",
 * "count/deployments.apps", ... A pod that has ended, or whose grace is over, counts as an object only. `now`
 * in seconds. */
void quota_usage(struct resource_list *ret, const struct schema_resource *resource,
                 const struct value *object, int64_t now);
/* May an object of the resource count under this name? */
bool quota_counts(const struct schema_resource *resource, struct slice name);
/* Do the quota's scopes take the object in? quota: a core_v1_ResourceQuota. */
bool quota_scopes_match(struct arena *arena, const struct value *quota,
                        const struct schema_resource *resource, const struct value *object);
/* A pod whose own deadline ends it, as the scope Terminating means. */
bool quota_pod_is_terminating(const struct value *pod);
/* The requests and limits as quotas name them; also of one container. */
void quota_add_compute(struct resource_list *ret, const struct resource_list *requests,
                       const struct resource_list *limits);

/* The storage class that a claim names, in the old annotation or in its spec; empty: none. */
struct slice quota_storage_class(const struct value *claim);

#endif
