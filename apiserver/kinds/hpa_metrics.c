/* What an autoscaler looks at: five kinds of metrics of one shape. */
#include "apiserver/kinds/hpa.h"
#include "openapi/names.h"
#include "apiserver/kinds/workload.h"
#include "base/buf.h"
#include "openapi/gen/autoscaling_v2.h"

enum { SHOWN_MAX = 2 };

#define S(type) autoscaling_v2_##type

/* In the order in which they are looked for. */
static const struct source {
    const char *type, *field_name;
    unsigned field, status_field;
    unsigned target, current; /* within the source, within its status */
} sources[] = {
    {"Object", "object", S(MetricSpec_object), S(MetricStatus_object), S(ObjectMetricSource_target),
     S(ObjectMetricStatus_current)},
    {"External", "external", S(MetricSpec_external), S(MetricStatus_external), S(ExternalMetricSource_target),
     S(ExternalMetricStatus_current)},
    {"Pods", "pods", S(MetricSpec_pods), S(MetricStatus_pods), S(PodsMetricSource_target),
     S(PodsMetricStatus_current)},
    {"Resource", "resource", S(MetricSpec_resource), S(MetricStatus_resource), S(ResourceMetricSource_target),
     S(ResourceMetricStatus_current)},
    {"ContainerResource", "containerResource", S(MetricSpec_containerResource),
     S(MetricStatus_containerResource), S(ContainerResourceMetricSource_target),
     S(ContainerResourceMetricStatus_current)},
};
enum { OBJECT, EXTERNAL, PODS, RESOURCE, CONTAINER, SOURCES };

static int source_of_type(const struct value *type)
{
    for (int i = 0; i < SOURCES; i++)
        if (value_is(type, sources[i].type))
            return i;
    return -1;
}

/* Of canonical text: below, at or above zero. */
static int sign(const struct value *quantity)
{
    struct slice s = value_text(quantity);
    if (s.len && s.ptr[0] == '-')
        return -1;
    return !value_is_set(quantity) || slice_is(s, "0") ? 0 : 1;
}

static void check_positive_quantity(struct causes *c, const struct path *at, const struct value *quantity)
{
    if (value_is_set(quantity) && sign(quantity) != 1)
        causes_invalid(c, at, quantity, "must be positive");
}

static void check_metric_target(struct causes *c, const struct path *at, const struct value *target)
{
    struct slice type = value_text(value_at(target, S(MetricTarget_type)));
    const struct value *utilization = value_at(target, S(MetricTarget_averageUtilization));
    if (type.len == 0)
        causes_required(c, PATH(at, "type"), "must specify a metric target type");
    if (!slice_is(type, "Utilization") && !slice_is(type, "Value") && !slice_is(type, "AverageValue"))
        causes_invalid_text(c, PATH(at, "type"), type, "must be either Utilization, Value, or AverageValue");
    check_positive_quantity(c, PATH(at, "value"), value_at(target, S(MetricTarget_value)));
    check_positive_quantity(c, PATH(at, "averageValue"), value_at(target, S(MetricTarget_averageValue)));
    if (value_is_set(utilization) && utilization->i < 1)
        causes_invalid_int(c, PATH(at, "averageUtilization"), utilization->i, "must be greater than 0");
}

static void check_identifier(struct causes *c, const struct path *at, const struct value *metric)
{
    struct slice name = value_text(value_at(metric, S(MetricIdentifier_name)));
    if (name.len == 0)
        causes_required(c, PATH(at, "name"), "must specify a metric name");
    else
        check_name(c, PATH(at, "name"), name, name_check_path_segment);
}

static void check_utilization(struct causes *c, const struct path *at, const struct value *target)
{
    bool utilization = value_is_set(value_at(target, S(MetricTarget_averageUtilization)));
    bool average = value_is_set(value_at(target, S(MetricTarget_averageValue)));
    if (!utilization && !average)
        causes_required(c, PATH(at, "averageUtilization"),
                        "must set either a target raw value or a target utilization");
    if (utilization && average)
        causes_forbidden(c, PATH(at, "averageValue"),
                         "may not set both a target raw value and a target utilization");
}

static void check_container_resource_name(struct causes *c, const struct path *at, struct slice name)
{
    bool standard = slice_is(name, "cpu") || slice_is(name, "memory") ||
                    slice_is(name, "ephemeral-storage") || slice_starts(name, SLICE("hugepages-"));
    check_name(c, at, name, name_check_qualified);
    if (slice_find(name, '/') < 0 && !standard)
        causes_invalid_text(c, at, name, "must be a standard resource for containers");
}

static void check_container_source(struct causes *c, const struct path *at, const struct value *source)
{
    struct slice name = value_text(value_at(source, S(ContainerResourceMetricSource_name)));
    struct slice container = value_text(value_at(source, S(ContainerResourceMetricSource_container)));
    if (name.len == 0)
        causes_required(c, PATH(at, "name"), "must specify a resource name");
    else
        check_container_resource_name(c, PATH(at, "name"), name);
    if (container.len == 0)
        causes_required(c, PATH(at, "container"), "must specify a container");
    else
        check_name(c, PATH(at, "container"), container, name_check_label);
}

static void check_source_head(struct causes *c, const struct path *at, int which, const struct value *source,
                              bool allow_any_version)
{
    switch (which) {
    case OBJECT:
        check_hpa_reference(c, PATH(at, "describedObject"),
                            value_at(source, S(ObjectMetricSource_describedObject)), allow_any_version, true);
        check_identifier(c, PATH(at, "metric"), value_at(source, S(ObjectMetricSource_metric)));
        return;
    case EXTERNAL:
        check_identifier(c, PATH(at, "metric"), value_at(source, S(ExternalMetricSource_metric)));
        return;
    case PODS:
        check_identifier(c, PATH(at, "metric"), value_at(source, S(PodsMetricSource_metric)));
        return;
    case RESOURCE:
        if (!value_text(value_at(source, S(ResourceMetricSource_name))).len)
            causes_required(c, PATH(at, "name"), "must specify a resource name");
        return;
    default:
        check_container_source(c, at, source);
        return;
    }
}

static void check_source(struct causes *c, const struct path *at, int which, const struct value *source,
                         bool allow_any_version)
{
    const struct value *target = value_at(source, sources[which].target);
    bool value = value_is_set(value_at(target, S(MetricTarget_value))),
         average = value_is_set(value_at(target, S(MetricTarget_averageValue)));
    struct path target_at = path_field(at, "target");
    check_source_head(c, at, which, source, allow_any_version);
    check_metric_target(c, &target_at, target);
    if (which == RESOURCE || which == CONTAINER)
        check_utilization(c, &target_at, target);
    else if (!average && (which == PODS || !value))
        causes_required(c, PATH(&target_at, "averageValue"),
                        which == PODS ? "must specify a positive target averageValue"
                                      : "must set either a target value or averageValue");
    if (which == EXTERNAL && value && average)
        causes_forbidden(c, PATH(&target_at, "value"),
                         "may not set both a target value for metric and a per-pod target");
}

static void check_metric(struct causes *c, const struct path *at, const struct value *metric,
                         bool allow_any_version)
{
    static const char *const types[] = {"ContainerResource", "External", "Object", "Pods", "Resource", NULL};
    const struct value *type = value_at(metric, S(MetricSpec_type));
    int wanted = source_of_type(type), present = 0;
    if (!value_text(type).len)
        causes_required(c, PATH(at, "type"), "must specify a metric source type");
    if (wanted < 0)
        causes_not_supported(c, PATH(at, "type"), value_text(type), types);
    for (int i = 0; i < SOURCES; i++) {
        const struct value *source = value_at(metric, sources[i].field);
        if (value_is_set(source) && present++ == 0)
            check_source(c, PATH(at, sources[i].field_name), i, source, allow_any_version);
    }
    if (wanted >= 0 && !value_is_set(value_at(metric, sources[wanted].field)))
        causes_required(c, PATH(at, sources[wanted].field_name),
                        "must populate information for the given metric source");
    for (int i = 0; i < SOURCES && present != 1; i++)
        if (i != wanted && value_is_set(value_at(metric, sources[i].field)))
            causes_forbidden(c, PATH(at, sources[i].field_name),
                             "must populate the given metric source only");
}

static bool has_odd_object(const struct value *old_spec)
{
    for (VALUE_EACH(metric, value_at(old_spec, S(HorizontalPodAutoscalerSpec_metrics)))) {
        const struct value *object = value_at(metric, S(MetricSpec_object));
        if (value_is(value_at(metric, S(MetricSpec_type)), "Object") && value_is_set(object) &&
            !hpa_api_version_good(value_at(object, S(ObjectMetricSource_describedObject)), true))
            return true;
    }
    return false;
}

void check_hpa_metrics(struct causes *c, const struct path *at, const struct value *spec,
                       const struct value *old_spec)
{
    const struct value *metrics = value_at(spec, S(HorizontalPodAutoscalerSpec_metrics));
    const struct value *min = value_at(spec, S(HorizontalPodAutoscalerSpec_minReplicas));
    bool odd = old_spec && has_odd_object(old_spec), outside = false;
    for (size_t i = 0; i < value_count(metrics); i++) {
        const struct value *type = value_at(value_item(metrics, i), S(MetricSpec_type));
        check_metric(c, PATH_I(at, i), value_item(metrics, i), odd);
        outside = outside || value_is(type, "Object") || value_is(type, "External");
    }
    if (min->kind == VALUE_INT && min->i == 0 && !outside)
        causes_forbidden(
            c, at, "must specify at least one Object or External metric to support scaling to zero replicas");
}

/* ---- table ---- */

static struct slice percent(struct arena *arena, const struct value *v, const char *otherwise)
{
    return value_is_set(v) ? arena_slicef(arena, "%lld%%", (long long)v->i) : slice_str(otherwise);
}

static struct slice quantity_or(const struct value *v, const char *otherwise)
{
    return value_is_set(v) ? value_text(v) : slice_str(otherwise);
}

static struct slice metric_text(struct arena *arena, const struct value *metric, const struct value *status)
{
    int which = source_of_type(value_at(metric, S(MetricSpec_type)));
    if (which < 0)
        return SLICE("<unknown type>");
    const struct value *source = value_at(metric, sources[which].field),
                       *target = value_at(source, sources[which].target);
    const struct value *seen = value_at(status, sources[which].status_field),
                       *current = value_at(seen, sources[which].current);
    const struct value *average = value_at(target, S(MetricTarget_averageValue));
    const struct value *current_average = value_at(current, S(MetricValueStatus_averageValue));
    const char *unknown = value_is_set(seen) && which >= PODS ? "0" : "<unknown>";
    if (which >= RESOURCE) {
        struct slice name = value_text(value_get(source, SLICE("name")));
        if (value_is_set(average))
            return arena_slicef(arena, "%.*s: %.*s/%.*s", SLICE_ARG(name),
                                SLICE_ARG(quantity_or(current_average, unknown)),
                                SLICE_ARG(value_text(average)));
        return arena_slicef(
            arena, "%.*s: %.*s/%.*s", SLICE_ARG(name),
            SLICE_ARG(
                percent(arena, value_at(current, S(MetricValueStatus_averageUtilization)), "<unknown>")),
            SLICE_ARG(percent(arena, value_at(target, S(MetricTarget_averageUtilization)), "<auto>")));
    }
    if (which == PODS)
        return arena_slicef(arena, "%.*s/%.*s", SLICE_ARG(quantity_or(current_average, unknown)),
                            SLICE_ARG(quantity_or(average, "0")));
    if (value_is_set(average))
        return arena_slicef(arena, "%.*s/%.*s (avg)", SLICE_ARG(quantity_or(current_average, "<unknown>")),
                            SLICE_ARG(value_text(average)));
    return arena_slicef(arena, "%.*s/%.*s",
                        SLICE_ARG(quantity_or(value_at(current, S(MetricValueStatus_value)),
                                              value_is_set(seen) ? "0" : "<unknown>")),
                        SLICE_ARG(quantity_or(value_at(target, S(MetricTarget_value)), "0")));
}

struct slice hpa_metrics_text(struct arena *arena, const struct value *spec, const struct value *status)
{
    const struct value *metrics = value_at(spec, S(HorizontalPodAutoscalerSpec_metrics));
    const struct value *statuses = value_at(status, S(HorizontalPodAutoscalerStatus_currentMetrics));
    cleanup_buf struct buf out = BUF_INIT(1 << 16);
    size_t n = value_count(metrics);
    if (n == 0)
        return SLICE("<none>");
    for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
        if (i)
            buf_puts(&out, ", ");
        buf_put_slice(&out, metric_text(arena, value_item(metrics, i),
                                        i < value_count(statuses) ? value_item(statuses, i) : &value_absent));
    }
    if (n > SHOWN_MAX)
        buf_printf(&out, " + %zu more...", n - SHOWN_MAX);
    return arena_dup(arena, buf_slice(&out));
}
