#include "apiserver/kinds/eviction.h"
#include "openapi/label_selector.h"
#include "apiserver/kinds/workload.h"
#include "base/clock.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/gen/policy_v1.h"

enum { MAX_DISRUPTED_PODS = 2000, RETRY_SECONDS = 10 };

static const char cause_type[] = "DisruptionBudget";
static const char would_violate[] = "Cannot evict pod as it would violate the pod's disruption budget.";

bool eviction_check_body(struct arena *arena, const struct value *eviction, struct slice pod_name,
                         struct error *err)
{
    const struct value *options = value_at(eviction, policy_v1_Eviction_deleteOptions);
    struct path at = path_field(NULL, "deleteOptions");
    if (!slice_eq(object_name(eviction), pod_name))
        return error_set(err, REASON_BAD_REQUEST, "name in URL does not match name in Eviction object");
    if (value_bool(
            value_at(options, meta_v1_DeleteOptions_ignoreStoreReadErrorWithClusterBreakingPotential))) {
        struct causes causes = {.arena = arena};
        causes_invalid_shown(&causes, PATH(&at, "ignoreStoreReadErrorWithClusterBreakingPotential"), "true",
                             "can not be set for pod eviction, try after removing the option");
        return causes_to_error(&causes, "policy", "Eviction", pod_name, err);
    }
    return true;
}

bool eviction_needs_budget(const struct value *pod)
{
    const struct value *phase = value_at(value_at(pod, core_v1_Pod_status), core_v1_PodStatus_phase);
    return !value_is(phase, "Succeeded") && !value_is(phase, "Failed") && !value_is(phase, "Pending") &&
           !value_is_set(value_at(object_metadata(pod), meta_v1_ObjectMeta_deletionTimestamp));
}

bool budget_covers(const struct value *budget, const struct value *pod)
{
    const struct value *selector = value_at(value_at(budget, policy_v1_PodDisruptionBudget_spec),
                                            policy_v1_PodDisruptionBudgetSpec_selector);
    return value_equal(value_at(object_metadata(budget), meta_v1_ObjectMeta_namespace),
                       value_at(object_metadata(pod), meta_v1_ObjectMeta_namespace)) &&
           label_selector_valid(selector) &&
           label_selector_matches(selector, value_at(object_metadata(pod), meta_v1_ObjectMeta_labels));
}

static bool is_ready(const struct value *pod)
{
    for (VALUE_EACH(condition, value_at(value_at(pod, core_v1_Pod_status), core_v1_PodStatus_conditions)))
        if (value_is(value_at(condition, core_v1_PodCondition_type), "Ready"))
            return value_is(value_at(condition, core_v1_PodCondition_status), "True");
    return false;
}

static int64_t number(const struct value *budget, unsigned status_field)
{
    return value_int(value_at(value_at(budget, policy_v1_PodDisruptionBudget_status), status_field), 0);
}

/* ---- spending ---- */

static bool refuse(struct error *err, int retry_after, const char *why)
{
    error_set(err, REASON_TOO_MANY_REQUESTS, "%s", would_violate);
    err->retry_after_seconds = retry_after;
    error_add_cause(err, cause_type, "", why);
    return false;
}

static bool forbid(struct error *err, struct slice name, const char *why, const char *cause)
{
    error_set(err, REASON_FORBIDDEN, "poddisruptionbudget.policy \"%.*s\" is forbidden: %s", SLICE_ARG(name),
              why);
    error_about(err, SLICE("policy"), SLICE("poddisruptionbudget"), name);
    error_add_cause(err, cause_type, "", cause);
    return false;
}

static struct value *find_condition(struct value *list)
{
    for (size_t i = 0; i < value_count(list); i++)
        if (value_is(value_at(value_item(list, i), meta_v1_Condition_type), "DisruptionAllowed"))
            return &list->list->items[i];
    return NULL;
}

static const char *exhausted(struct arena *arena, struct value *budget)
{
    struct slice name = object_name(budget);
    struct value *list = value_mut(value_mut(budget, policy_v1_PodDisruptionBudget_status),
                                   policy_v1_PodDisruptionBudgetStatus_conditions);
    const struct value *condition = find_condition(list) ? find_condition(list) : &value_absent;
    struct slice message = value_text(value_at(condition, meta_v1_Condition_message));
    struct slice reason = value_text(value_at(condition, meta_v1_Condition_reason));
    bool explained = value_is(value_at(condition, meta_v1_Condition_status), "False") && message.len;
    int64_t healthy = number(budget, policy_v1_PodDisruptionBudgetStatus_currentHealthy);
    int64_t desired = number(budget, policy_v1_PodDisruptionBudgetStatus_desiredHealthy);
    if (explained && slice_is(reason, "SyncFailed"))
        return arena_printf(
            arena,
            "The disruption budget %.*s does not allow evicting pods currently because it failed sync: %.*s",
            SLICE_ARG(name), SLICE_ARG(message));
    if (healthy <= desired)
        return arena_printf(arena,
                            "The disruption budget %.*s needs %lld healthy pods and has %lld currently",
                            SLICE_ARG(name), (long long)desired, (long long)healthy);
    if (explained)
        return arena_printf(arena,
                            "The disruption budget %.*s does not allow evicting pods currently (%.*s): %.*s",
                            SLICE_ARG(name), SLICE_ARG(reason), SLICE_ARG(message));
    return arena_printf(arena, "The disruption budget %.*s does not allow evicting pods currently",
                        SLICE_ARG(name));
}

static struct value time_text(struct arena *arena, int64_t now)
{
    char text[CLOCK_TEXT];
    return value_of_string(arena_dup(arena, clock_format_seconds(now, text)));
}

/* The last disruption is spent: say so, as the controller would. */
static void set_condition(struct arena *arena, struct value *status, int64_t now)
{
    struct value *list = value_mut(status, policy_v1_PodDisruptionBudgetStatus_conditions),
                 *condition = find_condition(list);
    if (!condition) {
        const struct schema *schema =
            &status->record->type->fields[policy_v1_PodDisruptionBudgetStatus_conditions].schema;
        condition = value_append(arena, list);
        *condition = value_new_record(arena, schema->elem->type);
        *value_mut(condition, meta_v1_Condition_type) = value_of_cstr("DisruptionAllowed");
    }
    if (!value_is(value_at(condition, meta_v1_Condition_status), "False"))
        *value_mut(condition, meta_v1_Condition_lastTransitionTime) = time_text(arena, now);
    *value_mut(condition, meta_v1_Condition_status) = value_of_cstr("False");
    *value_mut(condition, meta_v1_Condition_reason) = value_of_cstr("InsufficientPods");
    *value_mut(condition, meta_v1_Condition_message) = value_absent;
    *value_mut(condition, meta_v1_Condition_observedGeneration) =
        *value_at(status, policy_v1_PodDisruptionBudgetStatus_observedGeneration);
}

static bool check_budget(struct arena *arena, struct value *budget, struct error *err)
{
    struct slice name = object_name(budget);
    const struct value *status = value_at(budget, policy_v1_PodDisruptionBudget_status);
    int64_t generation = value_int(value_at(object_metadata(budget), meta_v1_ObjectMeta_generation), 0);
    int64_t allowed = number(budget, policy_v1_PodDisruptionBudgetStatus_disruptionsAllowed);
    if (status->kind != VALUE_RECORD ||
        number(budget, policy_v1_PodDisruptionBudgetStatus_observedGeneration) < generation)
        return refuse(err, RETRY_SECONDS,
                      arena_printf(arena,
                                   "The disruption budget %.*s is still being processed by the server.",
                                   SLICE_ARG(name)));
    if (allowed < 0)
        return forbid(err, name, "pdb disruptions allowed is negative",
                      arena_printf(arena,
                                   "The disruption budget %.*s does not allow evicting pods currently: pdb "
                                   "disruptions allowed is negative",
                                   SLICE_ARG(name)));
    if (value_count(value_at(status, policy_v1_PodDisruptionBudgetStatus_disruptedPods)) > MAX_DISRUPTED_PODS)
        return forbid(err, name,
                      "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
                      arena_printf(arena,
                                   "The disruption budget %.*s does not allow evicting pods currently: too "
                                   "many pending evictions not "
                                   "confirmed by PDB controller",
                                   SLICE_ARG(name)));
    return allowed > 0 || refuse(err, 0, exhausted(arena, budget));
}

bool budget_spend(struct arena *arena, struct value *budget, struct slice pod_name, int64_t now,
                  struct error *err)
{
    if (!check_budget(arena, budget, err))
        return false;
    int64_t left = number(budget, policy_v1_PodDisruptionBudgetStatus_disruptionsAllowed) - 1;
    struct value *status = value_mut(budget, policy_v1_PodDisruptionBudget_status);
    *value_mut(status, policy_v1_PodDisruptionBudgetStatus_disruptionsAllowed) =
        left ? value_of_int(left) : value_absent;
    if (left == 0)
        set_condition(arena, status, now);
    *value_put(arena, value_mut(status, policy_v1_PodDisruptionBudgetStatus_disruptedPods), pod_name) =
        time_text(arena, now);
    return true;
}

/* ---- the decision ---- */

static bool unready_may_go(const struct value *budget)
{
    const struct value *policy = value_at(value_at(budget, policy_v1_PodDisruptionBudget_spec),
                                          policy_v1_PodDisruptionBudgetSpec_unhealthyPodEvictionPolicy);
    int64_t desired = number(budget, policy_v1_PodDisruptionBudgetStatus_desiredHealthy);
    return value_is(policy, "AlwaysAllow") ||
           (desired > 0 && number(budget, policy_v1_PodDisruptionBudgetStatus_currentHealthy) >= desired);
}

enum eviction eviction_decide(struct arena *arena, const struct value *pod, const struct value *budgets,
                              size_t count, int64_t now, struct value *ret_budget, struct error *err)
{
    const struct value *budget = NULL;
    if (!eviction_needs_budget(pod))
        return EVICTION_FREE;
    for (size_t i = 0; i < count; i++) {
        if (!budget_covers(&budgets[i], pod))
            continue;
        if (budget) {
            error_set(err, REASON_UNKNOWN,
                      "This pod has more than one PodDisruptionBudget, which the eviction subresource does "
                      "not support.");
            err->code = 500;
            return EVICTION_REFUSED;
        }
        budget = &budgets[i];
    }
    if (!budget)
        return EVICTION_FREE;
    if (!is_ready(pod) && unready_may_go(budget))
        return EVICTION_UNHEALTHY;
    struct value changed = value_copy(arena, budget, false);
    if (!budget_spend(arena, &changed, object_name(pod), now, err))
        return EVICTION_REFUSED;
    *ret_budget = changed;
    return EVICTION_SPEND;
}

void eviction_mark_pod(struct arena *arena, struct value *pod, int64_t now)
{
    struct value *status = value_ensure_record(arena, pod, core_v1_Pod_status), *condition = NULL;
    struct value *list = value_mut(status, core_v1_PodStatus_conditions);
    for (size_t i = 0; i < value_count(list); i++)
        if (value_is(value_at(value_item(list, i), core_v1_PodCondition_type), "DisruptionTarget"))
            condition = &list->list->items[i];
    if (!condition) {
        const struct schema *schema = &status->record->type->fields[core_v1_PodStatus_conditions].schema;
        condition = value_append(arena, list);
        *condition = value_new_record(arena, schema->elem->type);
        *value_mut(condition, core_v1_PodCondition_type) = value_of_cstr("DisruptionTarget");
    }
    if (!value_is(value_at(condition, core_v1_PodCondition_status), "True"))
        *value_mut(condition, core_v1_PodCondition_lastTransitionTime) = time_text(arena, now);
    *value_mut(condition, core_v1_PodCondition_status) = value_of_cstr("True");
    *value_mut(condition, core_v1_PodCondition_reason) = value_of_cstr("EvictionByEvictionAPI");
    *value_mut(condition, core_v1_PodCondition_message) = value_of_cstr("Eviction API: evicting");
}
