/* replicationcontrollers: core/v1. Rules: pkg/apis/core/validation, pkg/registry/core/replicationcontroller.
 */
#include "apiserver/kinds/apps.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, core_v1_ReplicationController_spec);
}

static const struct value *template_of(const struct value *object)
{
    return value_at(spec_of(object), core_v1_ReplicationControllerSpec_template);
}

static void drop_disabled(struct value *object, const struct value *old_template)
{
    struct value *spec = value_mut(object, core_v1_ReplicationController_spec);
    if (spec->kind == VALUE_RECORD)
        pod_template_drop_disabled(value_mut(spec, core_v1_ReplicationControllerSpec_template), old_template);
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    drop_disabled(object, NULL);
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    if (!req->subresource.len)
        drop_disabled(object, template_of(old));
}

static void check_status(struct causes *c, const struct value *status)
{
    static const unsigned counts[] = {core_v1_ReplicationControllerStatus_replicas,
                                      core_v1_ReplicationControllerStatus_fullyLabeledReplicas,
                                      core_v1_ReplicationControllerStatus_readyReplicas,
                                      core_v1_ReplicationControllerStatus_availableReplicas,
                                      core_v1_ReplicationControllerStatus_observedGeneration};
    struct path at = path_field(NULL, "status");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_count(c, &at, status, counts[i]);
    int64_t replicas = value_int(value_at(status, core_v1_ReplicationControllerStatus_replicas), 0);
    int64_t ready = value_int(value_at(status, core_v1_ReplicationControllerStatus_readyReplicas), 0);
    const char *over = "cannot be greater than status.replicas";
    check_count_at_most(c, &at, status, core_v1_ReplicationControllerStatus_fullyLabeledReplicas, replicas,
                        over);
    check_count_at_most(c, &at, status, core_v1_ReplicationControllerStatus_readyReplicas, replicas, over);
    check_count_at_most(c, &at, status, core_v1_ReplicationControllerStatus_availableReplicas, replicas,
                        over);
    check_count_at_most(c, &at, status, core_v1_ReplicationControllerStatus_availableReplicas, ready,
                        "cannot be greater than readyReplicas");
}

static void check_template(struct kind_request *req, const struct path *at, const struct value *object,
                           const struct value *old)
{
    const struct value *selector = value_at(spec_of(object), core_v1_ReplicationControllerSpec_selector);
    const struct value *template = template_of(object);
    const struct value *labels =
        value_at(value_at(template, core_v1_PodTemplateSpec_metadata), meta_v1_ObjectMeta_labels);
    struct path template_at = path_field(at, "template"), metadata = path_field(&template_at, "metadata");
    if (!value_is_set(template)) {
        causes_required(req->causes, &template_at, "%s", "");
        return;
    }
    if (!labels_contain(labels, selector))
        causes_invalid(req->causes, PATH(&metadata, "labels"), labels,
                       "`selector` does not match template `labels`");
    check_pod_template_spec(req, &template_at, template, old ? template_of(old) : NULL);
    check_template_runs_always(req->causes, &template_at, template, "ReplicationController");
}

/* The two counts are checked last: upstream's come from the schema there. */
static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    const struct value *spec = spec_of(object);
    if (slice_is(req->subresource, "status")) {
        check_status(req->causes, value_at(object, core_v1_ReplicationController_status));
        return;
    }
    if (value_count(value_at(spec, core_v1_ReplicationControllerSpec_selector)) == 0)
        causes_required(req->causes, PATH(&at, "selector"), "%s", "");
    check_template(req, &at, object, old);
    if (!value_is_set(value_at(spec, core_v1_ReplicationControllerSpec_replicas)))
        causes_required(req->causes, PATH(&at, "replicas"), "%s", "");
    check_count(req->causes, &at, spec, core_v1_ReplicationControllerSpec_replicas);
    check_count(req->causes, &at, spec, core_v1_ReplicationControllerSpec_minReadySeconds);
    if (!old)
        warn_name_not_label(req, object);
    if (!old || !value_equal(spec, spec_of(old)))
        pod_template_warn(req, PATH(&at, "template"), template_of(object), old ? template_of(old) : NULL);
}

/* Name, Desired, Current, Ready, Age, Containers, Images, Selector. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object),
                       *status = value_at(object, core_v1_ReplicationController_status);
    const struct value *pod = value_at(template_of(object), core_v1_PodTemplateSpec_spec);
    cells[1] = value_of_int(value_int(value_at(spec, core_v1_ReplicationControllerSpec_replicas), 0));
    cells[2] = value_of_int(value_int(value_at(status, core_v1_ReplicationControllerStatus_replicas), 0));
    cells[3] =
        value_of_int(value_int(value_at(status, core_v1_ReplicationControllerStatus_readyReplicas), 0));
    cells[4] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
    cells[5] = cell_container_names(arena, pod);
    cells[6] = cell_container_images(arena, pod);
    cells[7] = cell_text(labels_cell(arena, value_at(spec, core_v1_ReplicationControllerSpec_selector)));
}

const struct kind kind_replicationcontrollers = {
    .group = "",
    .resource = "replicationcontrollers",
    .counts_generation = true,
    .orphans_by_default = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
