/*
 * Autoscalers: v1 knows one metric, the use of CPU. What it cannot say travels in annotations, so that a v1
 * client that reads, changes and writes loses nothing: metrics and their values in the shape of
 * autoscaling/v1's own metric types, the behavior as JSON of the internal type.
 */
#include <strings.h>
#include "apiserver/kinds/convert_parts.h"
#include "apiserver/kinds/shown.h"
#include "base/buf.h"
#include "openapi/decode.h"
#include "openapi/gen/autoscaling_v1.h"
#include "openapi/gen/autoscaling_v2.h"
#include "openapi/gen/meta_v1.h"

#define PREFIX "autoscaling.alpha.kubernetes.io/"
#define V1(x)  autoscaling_v1_HorizontalPodAutoscaler##x
#define V2(x)  autoscaling_v2_HorizontalPodAutoscaler##x

enum { DEFAULT_CPU = 80, TEXT_MAX = 1 << 20 };

static const char *const annotations_of_ours[] = {
    PREFIX "metrics",         PREFIX "behavior",  PREFIX "scale-down-tolerance", PREFIX "scale-up-tolerance",
    PREFIX "current-metrics", PREFIX "conditions"};

static void drop_annotations(struct value *object)
{
    struct value *annotations =
        value_mut(value_get_mut(object, SLICE("metadata")), meta_v1_ObjectMeta_annotations);
    for (size_t i = 0; i < sizeof annotations_of_ours / sizeof *annotations_of_ours; i++)
        value_remove(annotations, slice_str(annotations_of_ours[i]));
    if (annotations->kind == VALUE_MAP && annotations->map->count == 0)
        *annotations = value_absent;
}

static void copy(struct arena *arena, const struct value *from, unsigned from_field, struct value *to,
                 unsigned to_field)
{
    *value_mut(to, to_field) =
        convert_as(arena, &to->record->type->fields[to_field].schema, value_at(from, from_field));
}

static const struct value *cpu_target(const struct value *metric)
{
    const struct value *source = value_at(metric, autoscaling_v2_MetricSpec_resource);
    const struct value *target = value_at(source, autoscaling_v2_ResourceMetricSource_target);
    bool cpu = value_is(value_at(metric, autoscaling_v2_MetricSpec_type), "Resource") &&
               value_is(value_at(source, autoscaling_v2_ResourceMetricSource_name), "cpu");
    return cpu ? value_at(target, autoscaling_v2_MetricTarget_averageUtilization) : &value_absent;
}

/* ---- v2 to v1: metrics as text ---- */

/* One member of a source or status in v1: where its value stands in v2 (a path), its JSON name, and whether
 * it is always written. */
struct member {
    const char *path, *name;
    enum { TEXT, AMOUNT, NUMBER, SELECTOR, REFERENCE } what;
    bool always;
};

static const struct shape {
    const char *type, *field;
    struct member spec[6], status[6];
} shapes[] = {
    {"Object",
     "object",
     {{"describedObject", "target", REFERENCE, true},
      {"metric.name", "metricName", TEXT, true},
      {"target.value", "targetValue", AMOUNT, true},
      {"metric.selector", "selector", SELECTOR, false},
      {"target.averageValue", "averageValue", AMOUNT, false}},
     {{"describedObject", "target", REFERENCE, true},
      {"metric.name", "metricName", TEXT, true},
      {"current.value", "currentValue", AMOUNT, true},
      {"metric.selector", "selector", SELECTOR, false},
      {"current.averageValue", "averageValue", AMOUNT, false}}},
    {"Pods",
     "pods",
     {{"metric.name", "metricName", TEXT, true},
      {"target.averageValue", "targetAverageValue", AMOUNT, true},
      {"metric.selector", "selector", SELECTOR, false}},
     {{"metric.name", "metricName", TEXT, true},
      {"current.averageValue", "currentAverageValue", AMOUNT, true},
      {"metric.selector", "selector", SELECTOR, false}}},
    {"Resource",
     "resource",
     {{"name", "name", TEXT, true},
      {"target.averageUtilization", "targetAverageUtilization", NUMBER, false},
      {"target.averageValue", "targetAverageValue", AMOUNT, false}},
     {{"name", "name", TEXT, true},
      {"current.averageUtilization", "currentAverageUtilization", NUMBER, false},
      {"current.averageValue", "currentAverageValue", AMOUNT, true}}},
    {"ContainerResource",
     "containerResource",
     {{"name", "name", TEXT, true},
      {"target.averageUtilization", "targetAverageUtilization", NUMBER, false},
      {"target.averageValue", "targetAverageValue", AMOUNT, false},
      {"container", "container", TEXT, true}},
     {{"name", "name", TEXT, true},
      {"current.averageUtilization", "currentAverageUtilization", NUMBER, false},
      {"current.averageValue", "currentAverageValue", AMOUNT, true},
      {"container", "container", TEXT, true}}},
    {"External",
     "external",
     {{"metric.name", "metricName", TEXT, true},
      {"metric.selector", "metricSelector", SELECTOR, false},
      {"target.value", "targetValue", AMOUNT, false},
      {"target.averageValue", "targetAverageValue", AMOUNT, false}},
     {{"metric.name", "metricName", TEXT, true},
      {"metric.selector", "metricSelector", SELECTOR, false},
      {"current.value", "currentValue", AMOUNT, true},
      {"current.averageValue", "currentAverageValue", AMOUNT, false}}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void put_reference(struct buf *out, const struct value *ref)
{
    struct slice version = value_text(value_at(ref, autoscaling_v2_CrossVersionObjectReference_apiVersion));
    buf_puts(out, "{\"kind\":");
    buf_put_json_string(out, value_text(value_at(ref, autoscaling_v2_CrossVersionObjectReference_kind)));
    buf_puts(out, ",\"name\":");
    buf_put_json_string(out, value_text(value_at(ref, autoscaling_v2_CrossVersionObjectReference_name)));
    if (version.len) {
        buf_puts(out, ",\"apiVersion\":");
        buf_put_json_string(out, version);
    }
    buf_putc(out, '}');
}

static void put_member(struct buf *out, const struct member *m, const struct value *v)
{
    switch (m->what) {
    case TEXT:
        buf_put_json_string(out, value_text(v));
        return;
    case AMOUNT:
        buf_put_json_string(out, value_is_set(v) ? value_text(v) : SLICE("0"));
        return;
    case NUMBER:
        buf_put_int(out, value_int(v, 0));
        return;
    case SELECTOR:
        encode_json_type(out, v->record->type, v);
        return;
    case REFERENCE:
        put_reference(out, v);
        return;
    }
}

static void put_source(struct buf *out, const struct member *members, const struct value *source)
{
    bool any = false;
    buf_putc(out, '{');
    for (const struct member *m = members; m->path; m++) {
        const struct value *v = value_path(source, m->path);
        if (!m->always && !value_is_set(v))
            continue;
        buf_printf(out, "%s\"%s\":", any ? "," : "", m->name);
        put_member(out, m, v);
        any = true;
    }
    buf_putc(out, '}');
}

static void put_metric(struct buf *out, const struct value *metric, bool is_status)
{
    buf_puts(out, out->len > 1 ? ",{\"type\":" : "{\"type\":");
    buf_put_json_string(out, value_text(value_get(metric, SLICE("type"))));
    for (size_t i = 0; i < SHAPES; i++) {
        const struct value *source = value_get(metric, slice_str(shapes[i].field));
        if (!value_is_set(source))
            continue;
        buf_printf(out, ",\"%s\":", shapes[i].field);
        put_source(out, is_status ? shapes[i].status : shapes[i].spec, source);
    }
    buf_putc(out, '}');
}

static void annotate(struct arena *arena, struct value *object, const char *key, struct buf *text)
{
    struct value *annotations =
        value_mut(value_get_mut(object, SLICE("metadata")), meta_v1_ObjectMeta_annotations);
    *value_put(arena, annotations, slice_str(key)) = value_of_string(arena_dup(arena, buf_slice(text)));
}

static void annotate_metrics(struct arena *arena, struct value *out, const struct value *metrics,
                             bool is_status)
{
    cleanup_buf struct buf text = BUF_INIT(TEXT_MAX);
    buf_putc(&text, '[');
    for (VALUE_EACH(metric, metrics))
        if (is_status || !value_is_set(cpu_target(metric)))
            put_metric(&text, metric, is_status);
    buf_putc(&text, ']');
    if (text.len > 2)
        annotate(arena, out, is_status ? PREFIX "current-metrics" : PREFIX "metrics", &text);
}

static void annotate_rest(struct arena *arena, struct value *out, const struct value *behavior,
                          const struct value *conditions)
{
    cleanup_buf struct buf text = BUF_INIT(TEXT_MAX);
    if (value_is_set(behavior)) {
        buf_puts(&text, shown_record(arena, behavior));
        annotate(arena, out, PREFIX "behavior", &text);
    }
    if (!value_count(conditions))
        return;
    buf_clear(&text);
    for (VALUE_EACH(condition, conditions)) {
        buf_putc(&text, text.len ? ',' : '[');
        encode_json_type(&text, condition->record->type, condition);
    }
    buf_putc(&text, ']');
    annotate(arena, out, PREFIX "conditions", &text);
}

static void status_to_v1(struct arena *arena, const struct value *in, struct value *out)
{
    copy(arena, in, V2(Status_observedGeneration), out, V1(Status_observedGeneration));
    copy(arena, in, V2(Status_lastScaleTime), out, V1(Status_lastScaleTime));
    copy(arena, in, V2(Status_currentReplicas), out, V1(Status_currentReplicas));
    copy(arena, in, V2(Status_desiredReplicas), out, V1(Status_desiredReplicas));
    for (VALUE_EACH(metric, value_at(in, V2(Status_currentMetrics)))) {
        const struct value *seen = value_at(metric, autoscaling_v2_MetricStatus_resource);
        const struct value *used = value_path(seen, "current.averageUtilization");
        if (value_is(value_at(metric, autoscaling_v2_MetricStatus_type), "Resource") &&
            value_is(value_get(seen, SLICE("name")), "cpu") && value_is_set(used))
            *value_mut(out, V1(Status_currentCPUUtilizationPercentage)) = *used;
    }
}

void convert_hpa_to_v1(struct arena *arena, const struct value *in, struct value *out)
{
    const struct value *spec = value_at(in, V2(_spec)), *status = value_at(in, V2(_status));
    struct value *out_spec = value_ensure_record(arena, out, V1(_spec));
    copy(arena, spec, V2(Spec_scaleTargetRef), out_spec, V1(Spec_scaleTargetRef));
    copy(arena, spec, V2(Spec_minReplicas), out_spec, V1(Spec_minReplicas));
    copy(arena, spec, V2(Spec_maxReplicas), out_spec, V1(Spec_maxReplicas));
    for (VALUE_EACH(metric, value_at(spec, V2(Spec_metrics)))) {
        if (!value_is_set(cpu_target(metric)))
            continue;
        *value_mut(out_spec, V1(Spec_targetCPUUtilizationPercentage)) = *cpu_target(metric);
        break;
    }
    if (value_is_set(status))
        status_to_v1(arena, status, value_ensure_record(arena, out, V1(_status)));
    drop_annotations(out);
    annotate_metrics(arena, out, value_at(spec, V2(Spec_metrics)), false);
    annotate_metrics(arena, out, value_at(status, V2(Status_currentMetrics)), true);
    annotate_rest(arena, out, value_at(spec, V2(Spec_behavior)), value_at(status, V2(Status_conditions)));
}

/* ---- v1 to v2: text as metrics ---- */

/* A key of a free tree, in any case of letters: as Go's JSON reads. */
static const struct value *key_of(const struct value *tree, const char *key)
{
    for (VALUE_EACH_ENTRY(entry, tree))
        if (entry->key.len == strlen(key) && strncasecmp(entry->key.ptr, key, entry->key.len) == 0)
            return &entry->value;
    return &value_absent;
}

static bool parse(struct arena *arena, const struct value *object, const char *key, struct value *ret)
{
    const struct value *metadata = value_get(object, SLICE("metadata"));
    const struct value *text = value_get(value_at(metadata, meta_v1_ObjectMeta_annotations), slice_str(key));
    static const struct schema any = {.kind = SCHEMA_ANY};
    struct error err;
    error_init(&err, arena);
    return value_is_set(text) && decode_json_node(arena, &any, value_text(text), ret, NULL, &err);
}

/* Puts what a free tree says into a field, in the field's canonical form; what does not fit is left out. */
static void put_field(struct arena *arena, struct value *record, unsigned field, const struct value *tree)
{
    struct value v;
    struct error err;
    error_init(&err, arena);
    if (value_is_set(tree) && tree->kind != VALUE_NULL &&
        decode_value(arena, &record->record->type->fields[field].schema, tree, &v, NULL, &err))
        *value_mut(record, field) = v;
}

/* "current.averageValue" of a record; the records on the way are made. */
static void put_path(struct arena *arena, struct value *record, const char *dotted, const struct value *tree)
{
    struct slice rest = slice_str(dotted), part;
    while (slice_split(&rest, '.', &part)) {
        int field = schema_find_field(record->record->type, part.ptr, part.len);
        if (field < 0)
            return;
        if (!rest.ptr)
            put_field(arena, record, (unsigned)field, tree);
        else
            record = value_ensure_record(arena, record, (unsigned)field);
    }
}

static void read_source(struct arena *arena, struct value *source, const struct member *members,
                        const struct value *tree)
{
    struct value zero = value_of_cstr("0");
    for (const struct member *m = members; m->path; m++) {
        const struct value *v = key_of(tree, m->name);
        if (m->what == AMOUNT && m->always && !value_is_set(v))
            v = &zero;
        put_path(arena, source, m->path, v);
    }
}

/* v1 tells the type of a target by what is there. */
static void set_target_type(struct arena *arena, struct value *source, const char *shape)
{
    struct value *target =
        value_ensure_record(arena, source, (unsigned)schema_find_field(source->record->type, "target", 6));
    bool value = value_is_set(value_at(target, autoscaling_v2_MetricTarget_value));
    bool average = value_is_set(value_at(target, autoscaling_v2_MetricTarget_averageValue));
    const char *type = "AverageValue";
    if (strcmp(shape, "Object") == 0 && average &&
        value_is(value_at(target, autoscaling_v2_MetricTarget_value), "0"))
        *value_mut(target, autoscaling_v2_MetricTarget_value) = value_absent;
    if ((strcmp(shape, "Object") == 0 && !average) || (strcmp(shape, "External") == 0 && value))
        type = "Value";
    else if (value_is_set(value_at(target, autoscaling_v2_MetricTarget_averageUtilization)))
        type = "Utilization";
    *value_mut(target, autoscaling_v2_MetricTarget_type) = value_of_cstr(type);
}

static void read_metric(struct arena *arena, struct value *metric, const struct value *tree, bool is_status)
{
    put_path(arena, metric, "type", key_of(tree, "type"));
    for (size_t i = 0; i < SHAPES; i++) {
        const struct value *from = key_of(tree, shapes[i].field);
        int field = schema_find_field(metric->record->type, shapes[i].field, strlen(shapes[i].field));
        if (from->kind != VALUE_MAP || field < 0)
            continue;
        struct value *source = value_ensure_record(arena, metric, (unsigned)field);
        read_source(arena, source, is_status ? shapes[i].status : shapes[i].spec, from);
        if (!is_status)
            set_target_type(arena, source, shapes[i].type);
    }
}

static struct value *append_metric(struct arena *arena, struct value *owner, unsigned list)
{
    struct value *item = value_append(arena, value_mut(owner, list));
    *item = value_new_record(arena, owner->record->type->fields[list].schema.elem->type);
    return item;
}

static void read_metrics(struct arena *arena, const struct value *tree, struct value *owner, unsigned list,
                         bool is_status)
{
    for (VALUE_EACH(item, tree))
        read_metric(arena, append_metric(arena, owner, list), item, is_status);
}

static void append_cpu(struct arena *arena, struct value *spec, int64_t percentage)
{
    struct value *metric = append_metric(arena, spec, V2(Spec_metrics));
    *value_mut(metric, autoscaling_v2_MetricSpec_type) = value_of_cstr("Resource");
    struct value *source = value_ensure_record(arena, metric, autoscaling_v2_MetricSpec_resource);
    *value_mut(source, autoscaling_v2_ResourceMetricSource_name) = value_of_cstr("cpu");
    struct value *target = value_ensure_record(arena, source, autoscaling_v2_ResourceMetricSource_target);
    *value_mut(target, autoscaling_v2_MetricTarget_type) = value_of_cstr("Utilization");
    *value_mut(target, autoscaling_v2_MetricTarget_averageUtilization) = value_of_int(percentage);
}

static void read_rules(struct arena *arena, struct value *behavior, unsigned field, const struct value *tree)
{
    if (tree->kind != VALUE_MAP)
        return;
    struct value *rules = value_ensure_record(arena, behavior, field);
    put_path(arena, rules, "stabilizationWindowSeconds", key_of(tree, "StabilizationWindowSeconds"));
    put_path(arena, rules, "selectPolicy", key_of(tree, "SelectPolicy"));
    put_path(arena, rules, "tolerance", key_of(tree, "Tolerance"));
    for (VALUE_EACH(policy, key_of(tree, "Policies"))) {
        struct value *item = append_metric(arena, rules, autoscaling_v2_HPAScalingRules_policies);
        put_path(arena, item, "type", key_of(policy, "Type"));
        put_path(arena, item, "value", key_of(policy, "Value"));
        put_path(arena, item, "periodSeconds", key_of(policy, "PeriodSeconds"));
    }
}

static void read_behavior(struct arena *arena, const struct value *in, struct value *spec)
{
    struct value tree;
    if (!parse(arena, in, PREFIX "behavior", &tree))
        return;
    const struct value *up = key_of(&tree, "ScaleUp"), *down = key_of(&tree, "ScaleDown");
    if (up->kind != VALUE_MAP && down->kind != VALUE_MAP)
        return;
    struct value *behavior = value_ensure_record(arena, spec, V2(Spec_behavior));
    read_rules(arena, behavior, autoscaling_v2_HorizontalPodAutoscalerBehavior_scaleUp, up);
    read_rules(arena, behavior, autoscaling_v2_HorizontalPodAutoscalerBehavior_scaleDown, down);
}

static void status_to_v2(struct arena *arena, const struct value *in, const struct value *status,
                         struct value *out)
{
    const struct value *used = value_at(status, V1(Status_currentCPUUtilizationPercentage));
    struct value tree;
    copy(arena, status, V1(Status_observedGeneration), out, V2(Status_observedGeneration));
    copy(arena, status, V1(Status_lastScaleTime), out, V2(Status_lastScaleTime));
    copy(arena, status, V1(Status_currentReplicas), out, V2(Status_currentReplicas));
    copy(arena, status, V1(Status_desiredReplicas), out, V2(Status_desiredReplicas));
    if (parse(arena, in, PREFIX "current-metrics", &tree)) {
        read_metrics(arena, &tree, out, V2(Status_currentMetrics), true);
    } else if (value_is_set(used)) {
        struct value *metric = append_metric(arena, out, V2(Status_currentMetrics));
        *value_mut(metric, autoscaling_v2_MetricStatus_type) = value_of_cstr("Resource");
        struct value *source = value_ensure_record(arena, metric, autoscaling_v2_MetricStatus_resource);
        *value_mut(source, autoscaling_v2_ResourceMetricStatus_name) = value_of_cstr("cpu");
        struct value *current =
            value_ensure_record(arena, source, autoscaling_v2_ResourceMetricStatus_current);
        *value_mut(current, autoscaling_v2_MetricValueStatus_averageUtilization) = *used;
    }
    if (parse(arena, in, PREFIX "conditions", &tree))
        put_field(arena, out, V2(Status_conditions), &tree);
}

void convert_hpa_to_v2(struct arena *arena, const struct value *in, struct value *out)
{
    const struct value *spec = value_at(in, V1(_spec)),
                       *cpu = value_at(spec, V1(Spec_targetCPUUtilizationPercentage));
    struct value *out_spec = value_ensure_record(arena, out, V2(_spec)), tree;
    copy(arena, spec, V1(Spec_scaleTargetRef), out_spec, V2(Spec_scaleTargetRef));
    copy(arena, spec, V1(Spec_minReplicas), out_spec, V2(Spec_minReplicas));
    copy(arena, spec, V1(Spec_maxReplicas), out_spec, V2(Spec_maxReplicas));
    if (parse(arena, in, PREFIX "metrics", &tree))
        read_metrics(arena, &tree, out_spec, V2(Spec_metrics), false);
    if (value_is_set(cpu))
        append_cpu(arena, out_spec, cpu->i);
    if (!value_count(value_at(out_spec, V2(Spec_metrics))))
        append_cpu(arena, out_spec, DEFAULT_CPU);
    read_behavior(arena, in, out_spec);
    status_to_v2(arena, in, value_at(in, V1(_status)), value_ensure_record(arena, out, V2(_status)));
    drop_annotations(out);
}
