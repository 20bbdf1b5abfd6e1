/*
 * resource_name: what the name of a compute resource ("cpu", "hugepages-2Mi", "example.com/gpu",
 * "requests.storage") means and where it may stand: containers, pods, quotas, limit ranges. Source:
 * pkg/apis/core/helper and ValidateResourceRequirements upstream (behaviour). Pure; any thread.
 */
#ifndef APISERVER_KINDS_RESOURCE_NAME_H
#define APISERVER_KINDS_RESOURCE_NAME_H

#include "openapi/causes.h"
#include "openapi/pod_resources.h" /* resource_is_native, _hugepages, _pod_level */
#include "openapi/quantity.h"

bool resource_is_standard(struct slice name);
bool resource_is_standard_for_containers(struct slice name);
bool resource_is_standard_for_quotas(struct slice name);
/* A multiple of the page size in the name? */
bool hugepages_are_whole(struct slice name, const struct value *quantity);
bool resource_is_extended(struct slice name);
bool resource_allows_overcommit(struct slice name);

/* Each adds causes and returns true when it added none. */
bool check_resource_name(struct causes *c, const struct path *at, struct slice name);
bool check_container_resource_name(struct causes *c, const struct path *at, struct slice name);
bool check_pod_resource_name(struct causes *c, const struct path *at, struct slice name);
bool check_quota_resource_name(struct causes *c, const struct path *at, struct slice name);
/* Not negative; whole where the resource is counted. */
void check_resource_quantity(struct causes *c, const struct path *at, struct slice name,
                             const struct value *quantity);

/* requests and limits are maps of quantities. */
struct resource_rules {
    bool (*name)(struct causes *c, const struct path *at, struct slice name);
    bool any_hugepages; /* amounts that are no multiple of the page size are let be */
};
void check_requests_and_limits(struct causes *c, const struct path *at, const struct value *requests,
                               const struct value *limits, const struct resource_rules *rules);

#endif
