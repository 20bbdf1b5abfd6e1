/* The spec of a job, wherever it stands. Rules: validateJobSpec in pkg/apis/batch/validation. */
#include "apiserver/kinds/batch.h"
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/batch_v1.h"
#include "openapi/gen/core_v1.h"

enum {
    MAX_INDEXED_PARALLELISM = 100000,
    MAX_FAILED_INDEXES = 100000,
    MANY_COMPLETIONS = 100000, /* above it, with a backoff limit per index: */
    MANY_MAX_PARALLELISM = 10000,
    MANY_MAX_FAILED_INDEXES = 10000,
    MAX_FAILURE_RULES = 20,
    MAX_EXIT_CODES = 255,
    MAX_CONDITION_PATTERNS = 20,
    MAX_MANAGED_BY = 63,
    MAX_SUCCESS_RULES = 20,
    MAX_SUCCEEDED_INDEXES_TEXT = 64 * 1024,
};

static bool is_indexed(const struct value *spec)
{
    return value_is(value_at(spec, batch_v1_JobSpec_completionMode), "Indexed");
}

static void invalid_int(struct causes *c, const struct path *at, const char *name, const struct value *v,
                        const char *detail)
{
    causes_invalid_int(c, PATH(at, name), value_int(v, 0), "%s", detail);
}

/* Very large indexed jobs with a backoff limit per index: their status must stay small enough to store. */
static void check_many(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *parallelism = value_at(spec, batch_v1_JobSpec_parallelism);
    const struct value *failed = value_at(spec, batch_v1_JobSpec_maxFailedIndexes);
    if (value_int(value_at(spec, batch_v1_JobSpec_completions), 0) <= MANY_COMPLETIONS ||
        !value_is_set(value_at(spec, batch_v1_JobSpec_backoffLimitPerIndex)))
        return;
    if (!value_is_set(failed))
        causes_required(c, PATH(at, "maxFailedIndexes"), "must be specified when completions is above %d",
                        MANY_COMPLETIONS);
    if (value_int(parallelism, 0) > MANY_MAX_PARALLELISM)
        causes_invalid_int(c, PATH(at, "parallelism"), parallelism->i,
                           "must be less than or equal to %d when completions are above %d and used with "
                           "backoff limit per index",
                           MANY_MAX_PARALLELISM, MANY_COMPLETIONS);
    if (value_int(failed, 0) > MANY_MAX_FAILED_INDEXES)
        causes_invalid_int(c, PATH(at, "maxFailedIndexes"), failed->i,
                           "must be less than or equal to %d when completions are above %d and used with "
                           "backoff limit per index",
                           MANY_MAX_FAILED_INDEXES, MANY_COMPLETIONS);
}

static void check_indexed(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *completions = value_at(spec, batch_v1_JobSpec_completions);
    const struct value *parallelism = value_at(spec, batch_v1_JobSpec_parallelism);
    const struct value *failed = value_at(spec, batch_v1_JobSpec_maxFailedIndexes);
    if (!value_is_set(completions))
        causes_required(c, PATH(at, "completions"), "when completion mode is Indexed");
    if (value_int(parallelism, 0) > MAX_INDEXED_PARALLELISM)
        causes_invalid_int(c, PATH(at, "parallelism"), parallelism->i,
                           "must be less than or equal to %d when completion mode is Indexed",
                           MAX_INDEXED_PARALLELISM);
    if (value_is_set(completions) && value_is_set(failed) && failed->i > completions->i)
        invalid_int(c, at, "maxFailedIndexes", failed, "must be less than or equal to completions");
    if (value_int(failed, 0) > MAX_FAILED_INDEXES)
        causes_invalid_int(c, PATH(at, "maxFailedIndexes"), failed->i, "must be less than or equal to %d",
                           MAX_FAILED_INDEXES);
    check_many(c, at, spec);
}

static void check_completion_mode(struct causes *c, const struct path *at, const struct value *spec)
{
    static const char *const modes[] = {"NonIndexed", "Indexed", NULL};
    const struct value *mode = value_at(spec, batch_v1_JobSpec_completionMode);
    const struct value *per_index = value_at(spec, batch_v1_JobSpec_backoffLimitPerIndex);
    const struct value *failed = value_at(spec, batch_v1_JobSpec_maxFailedIndexes);
    bool plain = !value_is_set(mode) || value_is(mode, "NonIndexed");
    if (!plain && !is_indexed(spec))
        causes_not_supported(c, PATH(at, "completionMode"), value_text(mode), modes);
    if (is_indexed(spec))
        check_indexed(c, at, spec);
    if (plain && value_is_set(per_index))
        invalid_int(c, at, "backoffLimitPerIndex", per_index, "requires indexed completion mode");
    if (plain && value_is_set(failed))
        invalid_int(c, at, "maxFailedIndexes", failed, "requires indexed completion mode");
}

static bool has_container(const struct value *spec, struct slice name)
{
    const struct value *pod =
        value_at(value_at(spec, batch_v1_JobSpec_template), core_v1_PodTemplateSpec_spec);
    for (VALUE_EACH(container, value_at(pod, core_v1_PodSpec_containers)))
        if (slice_eq(value_text(value_at(container, core_v1_Container_name)), name))
            return true;
    for (VALUE_EACH(container, value_at(pod, core_v1_PodSpec_initContainers)))
        if (slice_eq(value_text(value_at(container, core_v1_Container_name)), name))
            return true;
    return false;
}

static bool seen_before(const struct value *values, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (value_item(values, j)->i == value_item(values, i)->i)
            return true;
    return false;
}

static void check_exit_code_values(struct causes *c, const struct path *at, const struct value *values,
                                   bool in)
{
    size_t n = value_count(values);
    bool ordered = true;
    if (n == 0)
        causes_invalid(c, at, values, "at least one value is required");
    else if (n > MAX_EXIT_CODES)
        causes_too_many(c, at, (int64_t)n, MAX_EXIT_CODES);
    for (size_t i = 0; i < n; i++) {
        int64_t code = value_int(value_item(values, i), 0);
        struct path item = path_index(at, i);
        if (in && code == 0)
            causes_invalid_int(c, &item, code, "must not be 0 for the In operator");
        if (seen_before(values, i))
            causes_duplicate_shown(c, &item, arena_printf(c->arena, "%lld", (long long)code));
        ordered = ordered && (i == 0 || value_int(value_item(values, i - 1), 0) <= code);
    }
    if (!ordered)
        causes_invalid(c, at, values, "must be ordered");
}

static void check_exit_codes(struct causes *c, const struct path *at, const struct value *codes,
                             const struct value *spec)
{
    static const char *const operators[] = {"In", "NotIn", NULL};
    const struct value *op = value_at(codes, batch_v1_PodFailurePolicyOnExitCodesRequirement_operator);
    const struct value *container =
        value_at(codes, batch_v1_PodFailurePolicyOnExitCodesRequirement_containerName);
    if (value_text(op).len == 0)
        causes_required(c, PATH(at, "operator"), "valid values: [\"In\" \"NotIn\"]");
    else if (!value_is(op, "In") && !value_is(op, "NotIn"))
        causes_not_supported(c, PATH(at, "operator"), value_text(op), operators);
    if (value_is_set(container) && !has_container(spec, value_text(container)))
        causes_invalid_text(c, PATH(at, "containerName"), value_text(container),
                            "must be the name of a container in the pod template");
    check_exit_code_values(c, PATH(at, "values"),
                           value_at(codes, batch_v1_PodFailurePolicyOnExitCodesRequirement_values),
                           value_is(op, "In"));
}

static void check_pod_conditions(struct causes *c, const struct path *at, const struct value *patterns)
{
    static const char *const statuses[] = {"False", "True", "Unknown", NULL};
    if (value_count(patterns) > MAX_CONDITION_PATTERNS)
        causes_too_many(c, at, (int64_t)value_count(patterns), MAX_CONDITION_PATTERNS);
    for (size_t i = 0; i < value_count(patterns); i++) {
        const struct value *pattern = value_item(patterns, i);
        const struct value *status =
            value_at(pattern, batch_v1_PodFailurePolicyOnPodConditionsPattern_status);
        struct path item = path_index(at, i);
        check_name(c, PATH(&item, "type"),
                   value_text(value_at(pattern, batch_v1_PodFailurePolicyOnPodConditionsPattern_type)),
                   name_check_qualified);
        if (value_text(status).len == 0)
            causes_required(c, PATH(&item, "status"), "valid values: [\"False\" \"True\" \"Unknown\"]");
        else
            check_enum(c, PATH(&item, "status"), status, statuses, true);
    }
}

static void check_failure_rule(struct causes *c, const struct path *at, const struct value *rule,
                               const struct value *spec)
{
    static const char *const actions[] = {"Count", "FailIndex", "FailJob", "Ignore", NULL};
    const struct value *action = value_at(rule, batch_v1_PodFailurePolicyRule_action);
    const struct value *codes = value_at(rule, batch_v1_PodFailurePolicyRule_onExitCodes);
    const struct value *conditions = value_at(rule, batch_v1_PodFailurePolicyRule_onPodConditions);
    struct path action_at = path_field(at, "action");
    if (value_text(action).len == 0)
        causes_required(c, &action_at, "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
    else if (!value_is(action, "FailIndex"))
        check_enum(c, &action_at, action, actions, true);
    else if (!value_is_set(value_at(spec, batch_v1_JobSpec_backoffLimitPerIndex)))
        causes_invalid(c, &action_at, action, "requires the backoffLimitPerIndex to be set");
    if (value_is_set(codes))
        check_exit_codes(c, PATH(at, "onExitCodes"), codes, spec);
    check_pod_conditions(c, PATH(at, "onPodConditions"), conditions);
    if (value_is_set(codes) && value_count(conditions))
        causes_invalid_bare(c, at, "specifying both OnExitCodes and OnPodConditions is not supported");
    if (!value_is_set(codes) && !value_count(conditions))
        causes_invalid_bare(c, at, "specifying one of OnExitCodes and OnPodConditions is required");
}

static void check_failure_policy(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *rules =
        value_at(value_at(spec, batch_v1_JobSpec_podFailurePolicy), batch_v1_PodFailurePolicy_rules);
    struct path rules_at = path_field(at, "rules");
    if (value_count(rules) > MAX_FAILURE_RULES)
        causes_too_many(c, &rules_at, (int64_t)value_count(rules), MAX_FAILURE_RULES);
    for (size_t i = 0; i < value_count(rules); i++)
        check_failure_rule(c, PATH_I(&rules_at, i), value_item(rules, i), spec);
}

static void check_success_rule(struct causes *c, const struct path *at, const struct value *rule,
                               int64_t completions)
{
    const struct value *indexes = value_at(rule, batch_v1_SuccessPolicyRule_succeededIndexes);
    const struct value *count = value_at(rule, batch_v1_SuccessPolicyRule_succeededCount);
    struct path indexes_at = path_field(at, "succeededIndexes"), count_at = path_field(at, "succeededCount");
    int64_t total = 0;
    if (!value_is_set(indexes) && !value_is_set(count))
        causes_required(c, at, "at least one of succeededCount or succeededIndexes must be specified");
    if (value_is_set(indexes)) {
        if (value_text(indexes).len > MAX_SUCCEEDED_INDEXES_TEXT)
            causes_too_long(c, &indexes_at, MAX_SUCCEEDED_INDEXES_TEXT);
        const char *why = job_indexes_check(c->arena, value_text(indexes), completions, &total);
        if (why)
            causes_invalid(c, &indexes_at, indexes, "error parsing succeededIndexes: %s", why);
    }
    if (!value_is_set(count))
        return;
    check_non_negative(c, &count_at, count->i);
    if (count->i > completions)
        causes_invalid_int(c, &count_at, count->i,
                           "must be less than or equal to %lld (the number of specified completions)",
                           (long long)completions);
    if (value_is_set(indexes) && count->i > total)
        causes_invalid_int(c, &count_at, count->i,
                           "must be less than or equal to %lld (the number of indexes in the specified "
                           "succeededIndexes field)",
                           (long long)total);
}

static void check_success_policy(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *policy = value_at(spec, batch_v1_JobSpec_successPolicy);
    const struct value *rules = value_at(policy, batch_v1_SuccessPolicy_rules);
    struct path rules_at = path_field(at, "rules");
    if (!value_is_set(policy))
        return;
    if (!is_indexed(spec)) {
        causes_invalid_shown(c, at, shown_record(c->arena, policy), "requires indexed completion mode");
        return;
    }
    if (value_count(rules) == 0)
        causes_required(c, &rules_at,
                        "at least one rules must be specified when the successPolicy is specified");
    if (value_count(rules) > MAX_SUCCESS_RULES)
        causes_too_many(c, &rules_at, (int64_t)value_count(rules), MAX_SUCCESS_RULES);
    for (size_t i = 0; i < value_count(rules); i++)
        check_success_rule(c, PATH_I(&rules_at, i), value_item(rules, i),
                           value_int(value_at(spec, batch_v1_JobSpec_completions), 0));
}

static void check_replacement(struct causes *c, const struct path *at, const struct value *spec)
{
    static const char *const both[] = {"Failed", "TerminatingOrFailed", NULL}, *const failed[] = {"Failed",
                                                                                                  NULL};
    bool has_policy = value_is_set(value_at(spec, batch_v1_JobSpec_podFailurePolicy));
    check_enum(c, at, value_at(spec, batch_v1_JobSpec_podReplacementPolicy), has_policy ? failed : both,
               false);
}

static void check_restart_policy(struct causes *c, const struct path *at, const struct value *spec)
{
    static const char *const policies[] = {"OnFailure", "Never", NULL};
    const struct value *pod =
        value_at(value_at(spec, batch_v1_JobSpec_template), core_v1_PodTemplateSpec_spec);
    const struct value *policy = value_at(pod, core_v1_PodSpec_restartPolicy);
    struct path template = path_field(at, "template"), pod_at = path_field(&template, "spec");
    struct path policy_at = path_field(&pod_at, "restartPolicy");
    if (value_text(policy).len == 0 || value_is(policy, "Always"))
        causes_required(c, &policy_at, "valid values: \"OnFailure\", \"Never\"");
    else if (!value_is(policy, "OnFailure") && !value_is(policy, "Never"))
        causes_not_supported(c, &policy_at, value_text(policy), policies);
    else if (value_is_set(value_at(spec, batch_v1_JobSpec_podFailurePolicy)) && !value_is(policy, "Never"))
        causes_invalid(c, &policy_at, policy,
                       "only \"Never\" is supported when podFailurePolicy is specified");
}

/* Who works on the job: "domain/path". */
static void check_managed_by(struct causes *c, const struct path *at, const struct value *managed_by)
{
    if (!value_is_set(managed_by))
        return;
    check_domain_prefixed_path(c, at, value_text(managed_by));
    if (value_text(managed_by).len > MAX_MANAGED_BY)
        causes_too_long(c, at, MAX_MANAGED_BY);
}

void check_job_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                    const struct value *old)
{
    static const unsigned counts[] = {batch_v1_JobSpec_parallelism,
                                      batch_v1_JobSpec_completions,
                                      batch_v1_JobSpec_activeDeadlineSeconds,
                                      batch_v1_JobSpec_backoffLimit,
                                      batch_v1_JobSpec_ttlSecondsAfterFinished,
                                      batch_v1_JobSpec_backoffLimitPerIndex,
                                      batch_v1_JobSpec_maxFailedIndexes};
    struct causes *c = req->causes;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_count(c, at, spec, counts[i]);
    if (value_is_set(value_at(spec, batch_v1_JobSpec_maxFailedIndexes)) &&
        !value_is_set(value_at(spec, batch_v1_JobSpec_backoffLimitPerIndex)))
        causes_required(c, PATH(at, "backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    check_managed_by(c, PATH(at, "managedBy"), value_at(spec, batch_v1_JobSpec_managedBy));
    check_completion_mode(c, at, spec);
    check_failure_policy(c, PATH(at, "podFailurePolicy"), spec);
    check_success_policy(c, PATH(at, "successPolicy"), spec);
    check_replacement(c, PATH(at, "podReplacementPolicy"), spec);
    check_pod_template_spec(req, PATH(at, "template"), value_at(spec, batch_v1_JobSpec_template),
                            old ? value_at(old, batch_v1_JobSpec_template) : NULL);
    check_restart_policy(c, at, spec);
}

void warn_job_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                   const struct value *old)
{
    if (is_indexed(spec) && value_int(value_at(spec, batch_v1_JobSpec_completions), 0) > MANY_COMPLETIONS &&
        value_int(value_at(spec, batch_v1_JobSpec_parallelism), 0) > MANY_MAX_PARALLELISM) {
        cleanup_buf struct buf text = BUF_INIT(4096);
        path_print(&text, at);
        kind_warn(req,
                  "%s: with more than 10^5 completions and a parallelism above 10^4 completedIndexes may not "
                  "be tracked "
                  "when many indexes fail",
                  buf_cstr(&text));
    }
    pod_template_warn(req, PATH(at, "template"), value_at(spec, batch_v1_JobSpec_template),
                      old ? value_at(old, batch_v1_JobSpec_template) : NULL);
}
