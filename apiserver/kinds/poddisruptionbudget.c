/* poddisruptionbudgets: policy/v1. Rules: pkg/apis/policy/validation,
 * pkg/registry/policy/poddisruptionbudget. */
#include "apiserver/kinds/apps.h"
#include "openapi/names.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/gen/policy_v1.h"

enum { MAX_REASON = 1024, MAX_MESSAGE = 32768 };

/* How the internal form told the selectors of policy/v1beta1 from those of v1. It means something only alone.
 */
static const char marker[] = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, policy_v1_PodDisruptionBudget_spec);
}

static const struct value *selector_of(const struct value *object)
{
    return value_at(spec_of(object), policy_v1_PodDisruptionBudgetSpec_selector);
}

static bool is_marker(const struct value *expression)
{
    return value_is(value_at(expression, meta_v1_LabelSelectorRequirement_key), marker);
}

static void strip_marker(struct value *object)
{
    struct value *spec = value_mut(object, policy_v1_PodDisruptionBudget_spec);
    struct value *selector =
        spec->kind == VALUE_RECORD ? value_mut(spec, policy_v1_PodDisruptionBudgetSpec_selector) : NULL;
    if (!selector || selector->kind != VALUE_RECORD)
        return;
    struct value *list = value_mut(selector, meta_v1_LabelSelector_matchExpressions);
    bool alone =
        value_count(list) == 1 && !value_count(value_at(selector, meta_v1_LabelSelector_matchLabels));
    if (alone && value_is(value_at(value_item(list, 0), meta_v1_LabelSelectorRequirement_operator), "Exists"))
        return;
    for (size_t i = value_count(list); i-- > 0;)
        if (is_marker(value_item(list, i)))
            value_remove_item(list, i);
    if (list->kind == VALUE_LIST && list->list->count == 0)
        *list = value_absent;
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    strip_marker(object);
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    if (!req->subresource.len && !value_equal(selector_of(object), selector_of(old)))
        strip_marker(object);
}

static void check_amount(struct causes *c, const struct path *at, const struct value *spec, unsigned field)
{
    const struct value *amount = value_at(spec, field);
    if (!value_is_set(amount))
        return;
    check_int_or_percent(c, PATH(at, field_name(spec, field)), amount);
    check_at_most_100_percent(c, PATH(at, field_name(spec, field)), amount);
}

static void check_spec(struct causes *c, const struct path *at, const struct value *spec)
{
    static const char *const policies[] = {"AlwaysAllow", "IfHealthyBudget", NULL};
    if (value_is_set(value_at(spec, policy_v1_PodDisruptionBudgetSpec_minAvailable)) &&
        value_is_set(value_at(spec, policy_v1_PodDisruptionBudgetSpec_maxUnavailable)))
        causes_invalid_shown(c, at, shown_record(c->arena, spec),
                             "minAvailable and maxUnavailable cannot be both set");
    check_amount(c, at, spec, policy_v1_PodDisruptionBudgetSpec_minAvailable);
    check_amount(c, at, spec, policy_v1_PodDisruptionBudgetSpec_maxUnavailable);
    check_label_selector(c, PATH(at, "selector"), value_at(spec, policy_v1_PodDisruptionBudgetSpec_selector));
    check_enum(c, PATH(at, "unhealthyPodEvictionPolicy"),
               value_at(spec, policy_v1_PodDisruptionBudgetSpec_unhealthyPodEvictionPolicy), policies, false);
}

static bool is_reason(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'),
             digit = (ch >= '0' && ch <= '9') || ch == '_';
        bool inner = ch == ',' || ch == ':';
        if (!letter && !(i > 0 && digit) && !(i > 0 && i + 1 < s.len && inner))
            return false;
    }
    return s.len > 0;
}

static void check_condition(struct causes *c, const struct path *at, const struct value *list, size_t i)
{
    static const char *const statuses[] = {"False", "True", "Unknown", NULL};
    const struct value *condition = value_item(list, i);
    struct slice type = value_text(value_at(condition, meta_v1_Condition_type));
    struct slice reason = value_text(value_at(condition, meta_v1_Condition_reason));
    for (size_t j = 0; j < i; j++)
        if (slice_eq(value_text(value_at(value_item(list, j), meta_v1_Condition_type)), type)) {
            causes_duplicate(c, at, type);
            break;
        }
    if (type.len == 0)
        causes_required(c, PATH(at, "type"), "is required");
    else
        check_name(c, PATH(at, "type"), type, name_check_qualified);
    check_enum(c, PATH(at, "status"), value_at(condition, meta_v1_Condition_status), statuses, true);
    if (value_int(value_at(condition, meta_v1_Condition_observedGeneration), 0) < 0)
        causes_invalid(c, PATH(at, "observedGeneration"),
                       value_at(condition, meta_v1_Condition_observedGeneration),
                       "must be greater than or equal to zero");
    if (!value_is_set(value_at(condition, meta_v1_Condition_lastTransitionTime)))
        causes_required(c, PATH(at, "lastTransitionTime"), "%s", "");
    if (reason.len == 0)
        causes_required(c, PATH(at, "reason"), "%s", "");
    else if (!is_reason(reason))
        causes_invalid_text(c, PATH(at, "reason"), reason,
                            "must start with a letter, followed by letters, digits, ',', ':' or '_' "
                            "(regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')");
    if (reason.len > MAX_REASON)
        causes_too_long(c, PATH(at, "reason"), MAX_REASON);
    if (value_text(value_at(condition, meta_v1_Condition_message)).len > MAX_MESSAGE)
        causes_too_long(c, PATH(at, "message"), MAX_MESSAGE);
}

static void check_status(struct causes *c, const struct value *status)
{
    static const unsigned counts[] = {policy_v1_PodDisruptionBudgetStatus_disruptionsAllowed,
                                      policy_v1_PodDisruptionBudgetStatus_currentHealthy,
                                      policy_v1_PodDisruptionBudgetStatus_desiredHealthy,
                                      policy_v1_PodDisruptionBudgetStatus_expectedPods};
    const struct value *conditions = value_at(status, policy_v1_PodDisruptionBudgetStatus_conditions);
    struct path at = path_field(NULL, "status"), conditions_at = path_field(&at, "conditions");
    for (size_t i = 0; i < value_count(conditions); i++)
        check_condition(c, PATH_I(&conditions_at, i), conditions, i);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_count(c, &at, status, counts[i]);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    if (slice_is(req->subresource, "status"))
        check_status(req->causes, value_at(object, policy_v1_PodDisruptionBudget_status));
    else
        check_spec(req->causes, &at, spec_of(object));
}

static struct value amount_cell(struct arena *arena, const struct value *amount)
{
    if (amount->kind == VALUE_INT)
        return cell_format(arena, "%lld", (long long)amount->i);
    return value_is_set(amount) ? cell_text(value_text(amount)) : cell_cstr("N/A");
}

/* Name, Min Available, Max Unavailable, Allowed Disruptions, Age. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object),
                       *status = value_at(object, policy_v1_PodDisruptionBudget_status);
    cells[1] = amount_cell(arena, value_at(spec, policy_v1_PodDisruptionBudgetSpec_minAvailable));
    cells[2] = amount_cell(arena, value_at(spec, policy_v1_PodDisruptionBudgetSpec_maxUnavailable));
    cells[3] =
        value_of_int(value_int(value_at(status, policy_v1_PodDisruptionBudgetStatus_disruptionsAllowed), 0));
    cells[4] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_poddisruptionbudgets = {
    .group = "policy",
    .resource = "poddisruptionbudgets",
    .counts_generation = true,
    .requires_version_on_update = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
