#include "openapi/decode.h"
#include "openapi/default.h"
#include "openapi/gen/autoscaling_v2.h"
#include "openapi/gen/hooks.h"

static const char cpu_at_80_percent[] = "{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{"
                                        "\"type\":\"Utilization\",\"averageUtilization\":80}}}";

static void append_policy(struct value *policies, const char *type, int64_t value, struct arena *arena)
{
    enum { QUARTER_MINUTE = 15 };
    struct value *policy = value_append(arena, policies);
    *policy = value_new_record(arena, &autoscaling_v2_HPAScalingPolicy);
    default_text(policy, autoscaling_v2_HPAScalingPolicy_type, type);
    default_int(policy, autoscaling_v2_HPAScalingPolicy_value, value);
    default_int(policy, autoscaling_v2_HPAScalingPolicy_periodSeconds, QUARTER_MINUTE);
}

/* Up: the larger of four pods and doubling, at once. Down: all that is too much. */
static void default_rules(struct value *behavior, unsigned field, bool up, struct arena *arena)
{
    struct value *rules = value_ensure_record(arena, behavior, field);
    struct value *policies = value_mut(rules, autoscaling_v2_HPAScalingRules_policies);
    default_text(rules, autoscaling_v2_HPAScalingRules_selectPolicy, "Max");
    if (up)
        default_int(rules, autoscaling_v2_HPAScalingRules_stabilizationWindowSeconds, 0);
    if (value_is_set(policies))
        return;
    if (up)
        append_policy(policies, "Pods", 4, arena);
    append_policy(policies, "Percent", 100, arena);
}

void default_hook_autoscaling_v2_HorizontalPodAutoscaler(struct value *record, struct arena *arena)
{
    struct value *spec = value_ensure_record(arena, record, autoscaling_v2_HorizontalPodAutoscaler_spec);
    struct value *metrics = value_mut(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_metrics);
    if (!value_is_set(metrics))
        decode_json(arena, &autoscaling_v2_MetricSpec, slice_str(cpu_at_80_percent),
                    value_append(arena, metrics), NULL, NULL);
    struct value *behavior = value_mut(spec, autoscaling_v2_HorizontalPodAutoscalerSpec_behavior);
    if (!value_is_set(behavior))
        return;
    default_rules(behavior, autoscaling_v2_HorizontalPodAutoscalerBehavior_scaleUp, true, arena);
    default_rules(behavior, autoscaling_v2_HorizontalPodAutoscalerBehavior_scaleDown, false, arena);
}
