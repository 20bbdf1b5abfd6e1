/*
 * eviction: may this pod be evicted, as far as disruption budgets go? Upstream:
 * pkg/registry/core/pod/storage/eviction.go.
 *
 * A pod that is done with, has not started or is already going needs no budget. Of the budgets of its
 * namespace that select it there may be one. A pod that is not ready may go when its budget says so, or when
 * enough others are healthy; else one disruption is spent: the budget's status is changed here and the caller
 * writes it (again from a fresh read on a conflict), then deletes the pod.
 *
 * Pure; any thread. Errors are ready for the wire: REASON_TOO_MANY_REQUESTS or REASON_FORBIDDEN with a cause
 * of type DisruptionBudget, REASON_UNKNOWN with code 500 for two budgets.
 */
#ifndef APISERVER_KINDS_EVICTION_H
#define APISERVER_KINDS_EVICTION_H

#include "base/error.h"
#include "openapi/value.h"

enum eviction {
    EVICTION_REFUSED,   /* *err is set */
    EVICTION_FREE,      /* delete the pod */
    EVICTION_UNHEALTHY, /* delete it if it is still the version that was looked at (its resourceVersion as
                           precondition) */
    EVICTION_SPEND,     /* write the changed budget's status, then delete the pod */
};

/* The body of POST .../pods/NAME/eviction (policy/v1 Eviction). */
bool eviction_check_body(struct arena *arena, const struct value *eviction, struct slice pod_name,
                         struct error *err);

bool eviction_needs_budget(const struct value *pod);
/* A budget of the pod's namespace that selects the pod. */
bool budget_covers(const struct value *budget, const struct value *pod);

/* budgets: those of the pod's namespace (others and those that do not cover it are passed over). With
 * EVICTION_SPEND *ret_budget is a changed copy of the one that covers it. */
enum eviction eviction_decide(struct arena *arena, const struct value *pod, const struct value *budgets,
                              size_t count, int64_t now, struct value *ret_budget, struct error *err);
/* Spends one disruption of the budget for the pod; for a new try after a conflict. False: refused. */
bool budget_spend(struct arena *arena, struct value *budget, struct slice pod_name, int64_t now,
                  struct error *err);

/* Adds the condition DisruptionTarget to the pod's status, to be written before it is deleted (not on a dry
 * run). */
void eviction_mark_pod(struct arena *arena, struct value *pod, int64_t now);

#endif
