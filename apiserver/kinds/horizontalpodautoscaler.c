/* horizontalpodautoscalers: autoscaling/v2 (v1 is converted). Rules: pkg/apis/autoscaling/validation.
 * Metrics: hpa_metrics.c. */
#include "apiserver/kinds/apps.h"
#include "apiserver/kinds/hpa.h"
#include "openapi/names.h"
#include "apiserver/kinds/workload.h"
#include "base/buf.h"
#include "openapi/gen/autoscaling_v2.h"
#include "openapi/gen/meta_v1.h"

enum { MAX_PERIOD = 1800, MAX_STABILIZATION = 3600 };

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, autoscaling_v2_HorizontalPodAutoscaler_spec);
}

static bool has_group(struct slice api_version)
{
    return slice_find(api_version, '/') > 0;
}

/* Of "a/b/c" nothing can be said. */
static bool parses(struct slice api_version)
{
    long slash = slice_find(api_version, '/');
    return slash < 0 || slice_find(slice_from(api_version, (size_t)slash + 1), '/') < 0;
}

static void check_segment(struct causes *c, const struct path *at, const struct value *v)
{
    if (value_text(v).len == 0)
        causes_required(c, at, "%s", "");
    else
        check_name(c, at, value_text(v), name_check_path_segment);
}

bool hpa_api_version_good(const struct value *ref, bool allow_no_group)
{
    struct slice version = value_text(value_at(ref, autoscaling_v2_CrossVersionObjectReference_apiVersion));
    return parses(version) && (allow_no_group || has_group(version));
}

void check_hpa_reference(struct causes *c, const struct path *at, const struct value *ref,
                         bool allow_any_version, bool allow_no_group)
{
    struct slice version = value_text(value_at(ref, autoscaling_v2_CrossVersionObjectReference_apiVersion));
    check_segment(c, PATH(at, "kind"), value_at(ref, autoscaling_v2_CrossVersionObjectReference_kind));
    check_segment(c, PATH(at, "name"), value_at(ref, autoscaling_v2_CrossVersionObjectReference_name));
    if (allow_any_version || hpa_api_version_good(ref, allow_no_group))
        return;
    if (parses(version))
        causes_invalid_text(c, PATH(at, "apiVersion"), version, "apiVersion must specify API group");
    else
        causes_invalid_text(c, PATH(at, "apiVersion"), version, "unexpected GroupVersion string: %.*s",
                            SLICE_ARG(version));
}

static void check_target(struct causes *c, const struct path *at, const struct value *object,
                         const struct value *old)
{
    const struct value *ref =
        value_at(spec_of(object), autoscaling_v2_HorizontalPodAutoscalerSpec_scaleTargetRef);
    const struct value *before =
        old ? value_at(spec_of(old), autoscaling_v2_HorizontalPodAutoscalerSpec_scaleTargetRef)
            : &value_absent;
    bool same = old &&
                value_equal(value_at(ref, autoscaling_v2_CrossVersionObjectReference_apiVersion),
                            value_at(before, autoscaling_v2_CrossVersionObjectReference_apiVersion)) &&
                value_equal(value_at(ref, autoscaling_v2_CrossVersionObjectReference_kind),
                            value_at(before, autoscaling_v2_CrossVersionObjectReference_kind));
    bool core =
        value_is(value_at(ref, autoscaling_v2_CrossVersionObjectReference_kind), "ReplicationController");
    check_hpa_reference(c, PATH(at, "scaleTargetRef"), ref, same, core);
}

static void check_policy(struct causes *c, const struct path *at, const struct value *policy)
{
    static const char *const types[] = {"Percent", "Pods", NULL};
    const struct value *type = value_at(policy, autoscaling_v2_HPAScalingPolicy_type);
    int64_t value = value_int(value_at(policy, autoscaling_v2_HPAScalingPolicy_value), 0);
    int64_t period = value_int(value_at(policy, autoscaling_v2_HPAScalingPolicy_periodSeconds), 0);
    if (!value_is(type, "Percent") && !value_is(type, "Pods"))
        causes_not_supported(c, PATH(at, "type"), value_text(type), types);
    if (value <= 0)
        causes_invalid_int(c, PATH(at, "value"), value, "must be greater than zero");
    if (period <= 0)
        causes_invalid_int(c, PATH(at, "periodSeconds"), period, "must be greater than zero");
    if (period > MAX_PERIOD)
        causes_invalid_int(c, PATH(at, "periodSeconds"), period, "must be less than or equal to %d",
                           MAX_PERIOD);
}

static void check_scaling_rules(struct causes *c, const struct path *at, const struct value *rules)
{
    static const char *const selects[] = {"Disabled", "Max", "Min", NULL};
    const struct value *window = value_at(rules, autoscaling_v2_HPAScalingRules_stabilizationWindowSeconds);
    const struct value *policies = value_at(rules, autoscaling_v2_HPAScalingRules_policies);
    const struct value *tolerance = value_at(rules, autoscaling_v2_HPAScalingRules_tolerance);
    struct path window_at = path_field(at, "stabilizationWindowSeconds"),
                policies_at = path_field(at, "policies");
    if (!value_is_set(rules))
        return;
    if (value_int(window, 0) < 0)
        causes_invalid_int(c, &window_at, window->i, "must be greater than or equal to zero");
    if (value_int(window, 0) > MAX_STABILIZATION)
        causes_invalid_int(c, &window_at, window->i, "must be less than or equal to %d", MAX_STABILIZATION);
    check_enum(c, PATH(at, "selectPolicy"), value_at(rules, autoscaling_v2_HPAScalingRules_selectPolicy),
               selects, false);
    if (!value_count(policies))
        causes_required(c, &policies_at, "must specify at least one Policy");
    for (size_t i = 0; i < value_count(policies); i++)
        check_policy(c, PATH_I(&policies_at, i), value_item(policies, i));
    if (value_is_set(tolerance))
        check_quantity_non_negative(c, PATH(at, "tolerance"), tolerance);
}

/* The two bounds by themselves come from the schema upstream, after all else. */
static void check_bounds(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *min = value_at(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_minReplicas);
    int64_t max = value_int(value_at(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_maxReplicas), 0);
    if (value_int(min, 0) < 0)
        causes_invalid_int(c, PATH(at, "minReplicas"), min->i, "must be greater than or equal to 0");
    if (max == 0)
        causes_required(c, PATH(at, "maxReplicas"), "%s", "");
    else if (max < 0)
        causes_invalid_int(c, PATH(at, "maxReplicas"), max, "must be greater than or equal to 1");
}

static void check_spec(struct causes *c, const struct path *at, const struct value *object,
                       const struct value *old)
{
    const struct value *spec = spec_of(object),
                       *behavior = value_at(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_behavior);
    const struct value *min = value_at(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_minReplicas);
    int64_t max = value_int(value_at(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_maxReplicas), 0);
    struct path behavior_at = path_field(at, "behavior");
    if (value_is_set(min) && max < min->i)
        causes_invalid_int(c, PATH(at, "maxReplicas"), max, "must be greater than or equal to `minReplicas`");
    check_target(c, at, object, old);
    check_hpa_metrics(c, PATH(at, "metrics"), spec, old ? spec_of(old) : NULL);
    check_scaling_rules(c, PATH(&behavior_at, "scaleUp"),
                        value_at(behavior, autoscaling_v2_HorizontalPodAutoscalerBehavior_scaleUp));
    check_scaling_rules(c, PATH(&behavior_at, "scaleDown"),
                        value_at(behavior, autoscaling_v2_HorizontalPodAutoscalerBehavior_scaleDown));
    check_bounds(c, at, spec);
}

static void check_status(struct causes *c, const struct value *status)
{
    struct path at = path_field(NULL, "status");
    check_count(c, &at, status, autoscaling_v2_HorizontalPodAutoscalerStatus_currentReplicas);
    check_count(c, &at, status, autoscaling_v2_HorizontalPodAutoscalerStatus_desiredReplicas);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    if (slice_is(req->subresource, "status"))
        check_status(req->causes, value_at(object, autoscaling_v2_HorizontalPodAutoscaler_status));
    else
        check_spec(req->causes, &at, object, old);
}

/* Name, Reference, Targets, MinPods, MaxPods, Replicas, Age. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object),
                       *status = value_at(object, autoscaling_v2_HorizontalPodAutoscaler_status);
    const struct value *ref = value_at(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_scaleTargetRef);
    const struct value *min = value_at(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_minReplicas);
    cells[1] =
        cell_format(arena, "%.*s/%.*s",
                    SLICE_ARG(value_text(value_at(ref, autoscaling_v2_CrossVersionObjectReference_kind))),
                    SLICE_ARG(value_text(value_at(ref, autoscaling_v2_CrossVersionObjectReference_name))));
    cells[2] = cell_text(hpa_metrics_text(arena, spec, status));
    cells[3] = value_is_set(min) ? cell_format(arena, "%lld", (long long)min->i) : cell_cstr("<unset>");
    cells[4] =
        value_of_int(value_int(value_at(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_maxReplicas), 0));
    cells[5] = value_of_int(
        value_int(value_at(status, autoscaling_v2_HorizontalPodAutoscalerStatus_currentReplicas), 0));
    cells[6] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_horizontalpodautoscalers = {
    .group = "autoscaling",
    .resource = "horizontalpodautoscalers",
    .counts_generation = true,
    .validate = validate,
    .row = row,
};
