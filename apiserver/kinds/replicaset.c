/* replicasets: apps/v1. Rules: pkg/apis/apps/validation, pkg/registry/apps/replicaset. */
#include "apiserver/kinds/apps.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, apps_v1_ReplicaSet_spec);
}

static const struct value *template_of(const struct value *object)
{
    return value_at(spec_of(object), apps_v1_ReplicaSetSpec_template);
}

static void drop_disabled(struct value *object, const struct value *old_template)
{
    struct value *spec = value_mut(object, apps_v1_ReplicaSet_spec);
    if (spec->kind == VALUE_RECORD)
        pod_template_drop_disabled(value_mut(spec, apps_v1_ReplicaSetSpec_template), old_template);
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
    static const unsigned counts[] = {
        apps_v1_ReplicaSetStatus_replicas,           apps_v1_ReplicaSetStatus_fullyLabeledReplicas,
        apps_v1_ReplicaSetStatus_readyReplicas,      apps_v1_ReplicaSetStatus_availableReplicas,
        apps_v1_ReplicaSetStatus_observedGeneration, apps_v1_ReplicaSetStatus_terminatingReplicas};
    struct path at = path_field(NULL, "status");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_count(c, &at, status, counts[i]);
    int64_t replicas = value_int(value_at(status, apps_v1_ReplicaSetStatus_replicas), 0);
    int64_t ready = value_int(value_at(status, apps_v1_ReplicaSetStatus_readyReplicas), 0);
    const char *over = "cannot be greater than status.replicas";
    check_count_at_most(c, &at, status, apps_v1_ReplicaSetStatus_fullyLabeledReplicas, replicas, over);
    check_count_at_most(c, &at, status, apps_v1_ReplicaSetStatus_readyReplicas, replicas, over);
    check_count_at_most(c, &at, status, apps_v1_ReplicaSetStatus_availableReplicas, replicas, over);
    check_count_at_most(c, &at, status, apps_v1_ReplicaSetStatus_availableReplicas, ready,
                        "cannot be greater than readyReplicas");
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    const struct value *spec = spec_of(object);
    if (slice_is(req->subresource, "status")) {
        check_status(req->causes, value_at(object, apps_v1_ReplicaSet_status));
        return;
    }
    check_count(req->causes, &at, spec, apps_v1_ReplicaSetSpec_replicas);
    check_count(req->causes, &at, spec, apps_v1_ReplicaSetSpec_minReadySeconds);
    check_replica_selector(req, &at, value_at(spec, apps_v1_ReplicaSetSpec_selector), template_of(object),
                           old ? template_of(old) : NULL);
    if (old)
        check_immutable(req->causes, PATH(&at, "selector"), value_at(spec, apps_v1_ReplicaSetSpec_selector),
                        value_at(spec_of(old), apps_v1_ReplicaSetSpec_selector));
    if (!old)
        warn_name_not_label(req, object);
    if (!old || !value_equal(spec, spec_of(old)))
        pod_template_warn(req, PATH(&at, "template"), template_of(object), old ? template_of(old) : NULL);
}

/* Name, Desired, Current, Ready, Age, Containers, Images, Selector. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object), *status = value_at(object, apps_v1_ReplicaSet_status);
    const struct value *pod = value_at(template_of(object), core_v1_PodTemplateSpec_spec);
    cells[1] = value_of_int(value_int(value_at(spec, apps_v1_ReplicaSetSpec_replicas), 0));
    cells[2] = value_of_int(value_int(value_at(status, apps_v1_ReplicaSetStatus_replicas), 0));
    cells[3] = value_of_int(value_int(value_at(status, apps_v1_ReplicaSetStatus_readyReplicas), 0));
    cells[4] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
    cells[5] = cell_container_names(arena, pod);
    cells[6] = cell_container_images(arena, pod);
    cells[7] = cell_text(label_selector_cell(arena, value_at(spec, apps_v1_ReplicaSetSpec_selector)));
}

const struct kind kind_replicasets = {
    .group = "apps",
    .resource = "replicasets",
    .counts_generation = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
