/* daemonsets: apps/v1. Rules: pkg/apis/apps/validation, pkg/registry/apps/daemonset. */
#include "apiserver/kinds/apps.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

/* How often the template changed; apps/v1 keeps it in an annotation that the server owns. */
static const char template_generation[] = "deprecated.daemonset.template.generation";

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, apps_v1_DaemonSet_spec);
}

static const struct value *template_of(const struct value *object)
{
    return value_at(spec_of(object), apps_v1_DaemonSetSpec_template);
}

static int64_t generation_of(const struct value *object)
{
    const struct value *annotations = value_at(object_metadata(object), meta_v1_ObjectMeta_annotations);
    const struct value *text = value_get(annotations, slice_str(template_generation));
    return int_or_percent(text);
}

static void set_template_generation(struct arena *arena, struct value *object, int64_t n)
{
    set_annotation(arena, object, template_generation, arena_slicef(arena, "%lld", (long long)n));
}

static void drop_disabled(struct value *object, const struct value *old_template)
{
    struct value *spec = value_mut(object, apps_v1_DaemonSet_spec);
    if (spec->kind == VALUE_RECORD)
        pod_template_drop_disabled(value_mut(spec, apps_v1_DaemonSetSpec_template), old_template);
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    int64_t asked = generation_of(object);
    set_template_generation(req->arena, object, asked < 1 ? 1 : asked);
    drop_disabled(object, NULL);
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    bool changed = false;
    if (!req->subresource.len) {
        drop_disabled(object, template_of(old));
        changed = !value_equal(template_of(object), template_of(old));
    }
    set_template_generation(req->arena, object, generation_of(old) + changed);
}

static void check_rolling_update(struct causes *c, const struct path *at, const struct value *rolling)
{
    const struct value *unavailable = value_at(rolling, apps_v1_RollingUpdateDaemonSet_maxUnavailable);
    const struct value *surge = value_at(rolling, apps_v1_RollingUpdateDaemonSet_maxSurge);
    struct path unavailable_at = path_field(at, "maxUnavailable"), surge_at = path_field(at, "maxSurge");
    check_int_or_percent(c, &unavailable_at, unavailable);
    check_int_or_percent(c, &surge_at, surge);
    check_at_most_100_percent(c, &unavailable_at, unavailable);
    check_at_most_100_percent(c, &surge_at, surge);
    if (int_or_percent(unavailable) && int_or_percent(surge))
        causes_invalid(c, &surge_at, surge, "may not be set when maxUnavailable is non-zero");
    else if (!int_or_percent(unavailable) && !int_or_percent(surge))
        causes_required(c, &unavailable_at, "cannot be 0 when maxSurge is 0");
}

static void check_strategy(struct causes *c, const struct path *at, const struct value *strategy)
{
    static const char *const types[] = {"RollingUpdate", "OnDelete", NULL};
    const struct value *type = value_at(strategy, apps_v1_DaemonSetUpdateStrategy_type);
    const struct value *rolling = value_at(strategy, apps_v1_DaemonSetUpdateStrategy_rollingUpdate);
    struct path rolling_at = path_field(at, "rollingUpdate");
    if (value_is(type, "OnDelete"))
        return;
    if (!value_is(type, "RollingUpdate"))
        causes_not_supported_shown(c, at, shown_record(c->arena, strategy), types);
    else if (!value_is_set(rolling))
        causes_required(c, &rolling_at, "%s", "");
    else
        check_rolling_update(c, &rolling_at, rolling);
}

static void check_spec(struct kind_request *req, const struct path *at, const struct value *object,
                       const struct value *old)
{
    const struct value *spec = spec_of(object), *selector = value_at(spec, apps_v1_DaemonSetSpec_selector);
    struct path selector_at = path_field(at, "selector"), template_at = path_field(at, "template");
    struct causes *c = req->causes;
    check_label_selector(c, &selector_at, selector);
    if (label_selector_valid(selector))
        check_selects_template(c, &template_at, selector, template_of(object));
    if (label_selector_empty(selector))
        causes_invalid(c, &selector_at, selector, "empty selector is invalid for daemonset");
    check_pod_template_spec(req, &template_at, template_of(object), old ? template_of(old) : NULL);
    check_template_runs_always(c, &template_at, template_of(object), "DaemonSet");
    check_count(c, at, spec, apps_v1_DaemonSetSpec_minReadySeconds);
    check_strategy(c, PATH(at, "updateStrategy"), value_at(spec, apps_v1_DaemonSetSpec_updateStrategy));
    check_count(c, at, spec, apps_v1_DaemonSetSpec_revisionHistoryLimit);
}

static void check_status(struct causes *c, const struct value *status, const struct value *old)
{
    static const unsigned counts[] = {
        apps_v1_DaemonSetStatus_currentNumberScheduled, apps_v1_DaemonSetStatus_numberMisscheduled,
        apps_v1_DaemonSetStatus_desiredNumberScheduled, apps_v1_DaemonSetStatus_numberReady,
        apps_v1_DaemonSetStatus_observedGeneration,     apps_v1_DaemonSetStatus_updatedNumberScheduled,
        apps_v1_DaemonSetStatus_numberAvailable,        apps_v1_DaemonSetStatus_numberUnavailable,
        apps_v1_DaemonSetStatus_collisionCount};
    struct path at = path_field(NULL, "status");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_count(c, &at, status, counts[i]);
    check_not_decremented(c, &at, status, old, apps_v1_DaemonSetStatus_collisionCount);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    if (slice_is(req->subresource, "status")) {
        check_status(req->causes, value_at(object, apps_v1_DaemonSet_status),
                     value_at(old, apps_v1_DaemonSet_status));
        return;
    }
    if (old)
        check_immutable(req->causes, PATH(&at, "selector"),
                        value_at(spec_of(object), apps_v1_DaemonSetSpec_selector),
                        value_at(spec_of(old), apps_v1_DaemonSetSpec_selector));
    check_spec(req, &at, object, old);
    if (!old || !value_equal(template_of(object), template_of(old)))
        pod_template_warn(req, PATH(&at, "template"), template_of(object), old ? template_of(old) : NULL);
}

/* Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age, Containers, Images, Selector. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    static const unsigned counts[] = {
        apps_v1_DaemonSetStatus_desiredNumberScheduled, apps_v1_DaemonSetStatus_currentNumberScheduled,
        apps_v1_DaemonSetStatus_numberReady, apps_v1_DaemonSetStatus_updatedNumberScheduled,
        apps_v1_DaemonSetStatus_numberAvailable};
    const struct value *status = value_at(object, apps_v1_DaemonSet_status);
    const struct value *pod = value_at(template_of(object), core_v1_PodTemplateSpec_spec);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        cells[1 + i] = value_of_int(value_int(value_at(status, counts[i]), 0));
    cells[6] = cell_text(labels_cell(arena, value_at(pod, core_v1_PodSpec_nodeSelector)));
    cells[7] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
    cells[8] = cell_container_names(arena, pod);
    cells[9] = cell_container_images(arena, pod);
    cells[10] =
        cell_text(label_selector_cell(arena, value_at(spec_of(object), apps_v1_DaemonSetSpec_selector)));
}

const struct kind kind_daemonsets = {
    .group = "apps",
    .resource = "daemonsets",
    .counts_generation = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
