/* deployments: apps/v1. Rules: pkg/apis/apps/validation, pkg/registry/apps/deployment. */
#include "apiserver/kinds/apps.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, apps_v1_Deployment_spec);
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    struct value *spec = value_mut(object, apps_v1_Deployment_spec);
    set_generation(object, NULL, true);
    if (spec->kind == VALUE_RECORD)
        pod_template_drop_disabled(value_mut(spec, apps_v1_DeploymentSpec_template), NULL);
}

/* Annotations count too: the controller copies them to replica sets. */
static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    struct value *spec = value_mut(object, apps_v1_Deployment_spec);
    if (slice_is(req->subresource, "status")) { /* labels are not status */
        *value_mut(value_mut(object, apps_v1_Deployment_metadata), meta_v1_ObjectMeta_labels) =
            *value_at(object_metadata(old), meta_v1_ObjectMeta_labels);
        set_generation(object, old, false);
        return;
    }
    if (spec->kind == VALUE_RECORD)
        pod_template_drop_disabled(value_mut(spec, apps_v1_DeploymentSpec_template),
                                   value_at(spec_of(old), apps_v1_DeploymentSpec_template));
    bool same = value_equal(spec, spec_of(old)) &&
                value_equal(value_at(object_metadata(object), meta_v1_ObjectMeta_annotations),
                            value_at(object_metadata(old), meta_v1_ObjectMeta_annotations));
    set_generation(object, old, !same);
}

static void check_rolling_update(struct causes *c, const struct path *at, const struct value *rolling)
{
    const struct value *unavailable = value_at(rolling, apps_v1_RollingUpdateDeployment_maxUnavailable);
    const struct value *surge = value_at(rolling, apps_v1_RollingUpdateDeployment_maxSurge);
    struct path unavailable_at = path_field(at, "maxUnavailable");
    check_int_or_percent(c, &unavailable_at, unavailable);
    check_int_or_percent(c, PATH(at, "maxSurge"), surge);
    if (int_or_percent(unavailable) == 0 && int_or_percent(surge) == 0)
        causes_invalid(c, &unavailable_at, unavailable, "may not be 0 when `maxSurge` is 0");
    check_at_most_100_percent(c, &unavailable_at, unavailable);
}

static void check_strategy(struct causes *c, const struct path *at, const struct value *strategy)
{
    static const char *const types[] = {"Recreate", "RollingUpdate", NULL};
    const struct value *type = value_at(strategy, apps_v1_DeploymentStrategy_type);
    const struct value *rolling = value_at(strategy, apps_v1_DeploymentStrategy_rollingUpdate);
    struct path rolling_at = path_field(at, "rollingUpdate");
    if (value_is(type, "Recreate")) {
        if (value_is_set(rolling))
            causes_forbidden(c, &rolling_at, "may not be specified when strategy `type` is 'Recreate'");
    } else if (value_is(type, "RollingUpdate")) {
        if (value_is_set(rolling))
            check_rolling_update(c, &rolling_at, rolling);
        else
            causes_required(c, &rolling_at, "a rolling update needs its parameters");
    } else {
        causes_not_supported_shown(c, at, shown_record(c->arena, strategy), types);
    }
}

static void check_deadline(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *deadline = value_at(spec, apps_v1_DeploymentSpec_progressDeadlineSeconds);
    check_count(c, at, spec, apps_v1_DeploymentSpec_minReadySeconds);
    check_count(c, at, spec, apps_v1_DeploymentSpec_revisionHistoryLimit);
    check_count(c, at, spec, apps_v1_DeploymentSpec_progressDeadlineSeconds);
    if (value_is_set(deadline) &&
        deadline->i <= value_int(value_at(spec, apps_v1_DeploymentSpec_minReadySeconds), 0))
        causes_invalid_int(c, PATH(at, "progressDeadlineSeconds"), deadline->i,
                           "must be greater than minReadySeconds");
}

void check_replica_selector(struct kind_request *req, const struct path *spec_at,
                            const struct value *selector, const struct value *template,
                            const struct value *old_template)
{
    struct causes *c = req->causes;
    struct path at = path_field(spec_at, "selector"), template_at = path_field(spec_at, "template");
    if (!value_is_set(selector)) {
        causes_required(c, &at, "%s", "");
    } else {
        check_label_selector(c, &at, selector);
        if (label_selector_empty(selector))
            causes_invalid(c, &at, selector, "empty selector is invalid for deployment");
    }
    if (!label_selector_valid(selector)) {
        causes_invalid(c, &at, selector, "invalid label selector");
        return;
    }
    check_selects_template(c, &template_at, selector, template);
    check_pod_template_spec(req, &template_at, template, old_template);
    check_template_runs_always(c, &template_at, template, "ReplicaSet");
}

static void check_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                       const struct value *old)
{
    const struct value *template = value_at(spec, apps_v1_DeploymentSpec_template);
    check_count(req->causes, at, spec, apps_v1_DeploymentSpec_replicas);
    check_replica_selector(req, at, value_at(spec, apps_v1_DeploymentSpec_selector), template,
                           old ? value_at(old, apps_v1_DeploymentSpec_template) : NULL);
    check_strategy(req->causes, PATH(at, "strategy"), value_at(spec, apps_v1_DeploymentSpec_strategy));
    check_deadline(req->causes, at, spec);
}

static void check_status(struct causes *c, const struct value *status, const struct value *old)
{
    static const unsigned counts[] = {
        apps_v1_DeploymentStatus_observedGeneration,  apps_v1_DeploymentStatus_replicas,
        apps_v1_DeploymentStatus_updatedReplicas,     apps_v1_DeploymentStatus_readyReplicas,
        apps_v1_DeploymentStatus_availableReplicas,   apps_v1_DeploymentStatus_unavailableReplicas,
        apps_v1_DeploymentStatus_terminatingReplicas, apps_v1_DeploymentStatus_collisionCount};
    struct path at = path_field(NULL, "status");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_count(c, &at, status, counts[i]);
    int64_t replicas = value_int(value_at(status, apps_v1_DeploymentStatus_replicas), 0);
    int64_t ready = value_int(value_at(status, apps_v1_DeploymentStatus_readyReplicas), 0);
    const char *over = "cannot be greater than status.replicas";
    check_count_at_most(c, &at, status, apps_v1_DeploymentStatus_updatedReplicas, replicas, over);
    check_count_at_most(c, &at, status, apps_v1_DeploymentStatus_readyReplicas, replicas, over);
    check_count_at_most(c, &at, status, apps_v1_DeploymentStatus_availableReplicas, replicas, over);
    check_count_at_most(c, &at, status, apps_v1_DeploymentStatus_availableReplicas, ready,
                        "cannot be greater than readyReplicas");
    check_not_decremented(c, &at, status, old, apps_v1_DeploymentStatus_collisionCount);
}

static void warn(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "template");
    const struct value *template = value_at(spec_of(object), apps_v1_DeploymentSpec_template);
    if (!old) {
        warn_name_not_label(req, object);
        pod_template_warn(req, &at, template, NULL);
    } else if (value_int(value_at(object_metadata(object), meta_v1_ObjectMeta_generation), 0) !=
               value_int(value_at(object_metadata(old), meta_v1_ObjectMeta_generation), 0)) {
        pod_template_warn(req, &at, template, value_at(spec_of(old), apps_v1_DeploymentSpec_template));
    }
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    if (slice_is(req->subresource, "status")) {
        check_status(req->causes, value_at(object, apps_v1_Deployment_status),
                     value_at(old, apps_v1_Deployment_status));
        return;
    }
    check_spec(req, &at, spec_of(object), old ? spec_of(old) : NULL);
    if (old)
        check_immutable(req->causes, PATH(&at, "selector"),
                        value_at(spec_of(object), apps_v1_DeploymentSpec_selector),
                        value_at(spec_of(old), apps_v1_DeploymentSpec_selector));
    warn(req, object, old);
}

/* Name, Ready, Up-to-date, Available, Age, Containers, Images, Selector. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object), *status = value_at(object, apps_v1_Deployment_status);
    const struct value *pod =
        value_at(value_at(spec, apps_v1_DeploymentSpec_template), core_v1_PodTemplateSpec_spec);
    const struct value *selector = value_at(spec, apps_v1_DeploymentSpec_selector);
    cells[1] = cell_format(arena, "%lld/%lld",
                           (long long)value_int(value_at(status, apps_v1_DeploymentStatus_readyReplicas), 0),
                           (long long)value_int(value_at(spec, apps_v1_DeploymentSpec_replicas), 0));
    cells[2] = value_of_int(value_int(value_at(status, apps_v1_DeploymentStatus_updatedReplicas), 0));
    cells[3] = value_of_int(value_int(value_at(status, apps_v1_DeploymentStatus_availableReplicas), 0));
    cells[4] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
    cells[5] = cell_container_names(arena, pod);
    cells[6] = cell_container_images(arena, pod);
    cells[7] = cell_text(label_selector_valid(selector) ? label_selector_print(arena, selector)
                                                        : SLICE("<invalid>"));
}

const struct kind kind_deployments = {
    .group = "apps",
    .resource = "deployments",
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
