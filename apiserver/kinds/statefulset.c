/* statefulsets: apps/v1. Rules: pkg/apis/apps/validation, pkg/registry/apps/statefulset. */
#include "apiserver/kinds/apps.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/storage.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, apps_v1_StatefulSet_spec);
}

static const struct value *template_of(const struct value *spec)
{
    return value_at(spec, apps_v1_StatefulSetSpec_template);
}

/* Claims in a template say what they are, whether or not the client did. */
static void name_claims(struct value *spec)
{
    struct value *claims = value_mut(spec, apps_v1_StatefulSetSpec_volumeClaimTemplates);
    for (size_t i = 0; i < value_count(claims); i++) {
        *value_mut(&claims->list->items[i], core_v1_PersistentVolumeClaim_kind) =
            value_of_cstr("PersistentVolumeClaim");
        *value_mut(&claims->list->items[i], core_v1_PersistentVolumeClaim_apiVersion) = value_of_cstr("v1");
    }
}

static void prepare(struct value *object, const struct value *old_template)
{
    struct value *spec = value_mut(object, apps_v1_StatefulSet_spec);
    if (spec->kind != VALUE_RECORD)
        return;
    name_claims(spec);
    pod_template_drop_disabled(value_mut(spec, apps_v1_StatefulSetSpec_template), old_template);
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    prepare(object, NULL);
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    if (!req->subresource.len)
        prepare(object, template_of(spec_of(old)));
}

static void check_rolling_update(struct causes *c, const struct path *at, const struct value *rolling)
{
    const struct value *unavailable =
        value_at(rolling, apps_v1_RollingUpdateStatefulSetStrategy_maxUnavailable);
    struct path unavailable_at = path_field(at, "maxUnavailable");
    check_count(c, at, rolling, apps_v1_RollingUpdateStatefulSetStrategy_partition);
    if (!value_is_set(unavailable))
        return;
    check_int_or_percent(c, &unavailable_at, unavailable);
    if (int_or_percent(unavailable) == 0)
        causes_invalid(c, &unavailable_at, unavailable, "cannot be 0");
    check_at_most_100_percent(c, &unavailable_at, unavailable);
}

static void check_strategy(struct causes *c, const struct path *at, const struct value *strategy)
{
    const struct value *type = value_at(strategy, apps_v1_StatefulSetUpdateStrategy_type);
    const struct value *rolling = value_at(strategy, apps_v1_StatefulSetUpdateStrategy_rollingUpdate);
    struct path rolling_at = path_field(at, "rollingUpdate");
    if (value_text(type).len == 0) {
        causes_required(c, at, "%s", "");
    } else if (value_is(type, "OnDelete")) {
        if (value_is_set(rolling))
            causes_invalid_shown(c, &rolling_at, shown_record(c->arena, rolling),
                                 "only allowed for updateStrategy 'RollingUpdate'");
    } else if (value_is(type, "RollingUpdate")) {
        if (value_is_set(rolling))
            check_rolling_update(c, &rolling_at, rolling);
    } else {
        causes_invalid_shown(c, at, shown_record(c->arena, strategy),
                             "must be 'RollingUpdate' or 'OnDelete'");
    }
}

static void check_retention(struct causes *c, const struct path *at, const struct value *policy)
{
    static const char *const types[] = {"Retain", "Delete", NULL};
    static const unsigned fields[] = {apps_v1_StatefulSetPersistentVolumeClaimRetentionPolicy_whenDeleted,
                                      apps_v1_StatefulSetPersistentVolumeClaimRetentionPolicy_whenScaled};
    if (!value_is_set(policy))
        return;
    for (size_t i = 0; i < 2; i++) {
        const struct value *v = value_at(policy, fields[i]);
        if (!value_is(v, "Retain") && !value_is(v, "Delete"))
            causes_not_supported(c, PATH(at, field_name(policy, fields[i])), value_text(v), types);
    }
}

static bool has_claim(const struct value *claims, struct slice name)
{
    for (VALUE_EACH(claim, claims))
        if (slice_eq(object_name(claim), name))
            return true;
    return false;
}

/* Claims become volumes of the same name in each pod, in place of volumes that the template gives that name.
 */
static struct value volumes_with_claims(struct arena *arena, const struct value *pod,
                                        const struct value *claims)
{
    const struct schema_type *type = pod->record->type->fields[core_v1_PodSpec_volumes].schema.elem->type;
    struct value out = value_absent;
    for (VALUE_EACH(claim, claims)) {
        struct value *volume = value_append(arena, &out);
        *volume = value_new_record(arena, type);
        *value_mut(volume, core_v1_Volume_name) = value_of_string(object_name(claim));
        struct value *source = value_ensure_record(arena, volume, core_v1_Volume_persistentVolumeClaim);
        *value_mut(source, core_v1_PersistentVolumeClaimVolumeSource_claimName) =
            value_of_string(object_name(claim));
    }
    for (VALUE_EACH(volume, value_at(pod, core_v1_PodSpec_volumes)))
        if (!has_claim(claims, value_text(value_at(volume, core_v1_Volume_name))))
            *value_append(arena, &out) = *volume;
    return out;
}

/* The template as the controller will use it: it sets hostname and subdomain itself and adds the claims'
 * volumes. */
static struct value effective_template(struct arena *arena, const struct value *spec)
{
    const struct value *claims = value_at(spec, apps_v1_StatefulSetSpec_volumeClaimTemplates);
    struct value template = value_copy(arena, template_of(spec), false);
    if (template.kind != VALUE_RECORD)
        return template;
    struct value *pod = value_mut(&template, core_v1_PodTemplateSpec_spec);
    if (pod->kind != VALUE_RECORD)
        return template;
    *value_mut(pod, core_v1_PodSpec_hostname) = value_absent;
    *value_mut(pod, core_v1_PodSpec_subdomain) = value_absent;
    if (value_count(claims))
        *value_mut(pod, core_v1_PodSpec_volumes) = volumes_with_claims(arena, pod, claims);
    return template;
}

struct rules { /* what an update forgives */
    bool update;
    bool skip_template;
    const struct value *old;
};

static void check_template(struct kind_request *req, const struct path *at, const struct value *spec,
                           const struct rules *rules)
{
    struct value template = effective_template(req->arena, spec);
    struct value old = rules->old ? effective_template(req->arena, rules->old) : value_absent;
    const struct value *metadata = value_at(&template, core_v1_PodTemplateSpec_metadata);
    check_selects_template(req->causes, at, value_at(spec, apps_v1_StatefulSetSpec_selector), &template);
    if (!rules->skip_template)
        check_pod_template_spec(req, at, &template, rules->old ? &old : NULL);
    check_labels(req->causes, PATH(at, "labels"), value_at(metadata, meta_v1_ObjectMeta_labels));
    check_annotations(req->causes, PATH(at, "annotations"),
                      value_at(metadata, meta_v1_ObjectMeta_annotations));
}

static void check_selector_and_template(struct kind_request *req, const struct path *at,
                                        const struct value *spec, const struct rules *rules)
{
    const struct value *selector = value_at(spec, apps_v1_StatefulSetSpec_selector);
    struct path selector_at = path_field(at, "selector"), template_at = path_field(at, "template");
    if (!value_is_set(selector)) {
        causes_required(req->causes, &selector_at, "%s", "");
    } else {
        check_label_selector(req->causes, &selector_at, selector);
        if (label_selector_empty(selector))
            causes_invalid(req->causes, &selector_at, selector, "empty selector is invalid for statefulset");
    }
    if (!label_selector_valid(selector))
        causes_invalid(req->causes, &selector_at, selector, "%s", "");
    else
        check_template(req, &template_at, spec, rules);
    check_template_runs_always(req->causes, &template_at, template_of(spec), "StatefulSet");
}

/* Claims may not change after they were made, so what is there is not judged again. */
static void check_claim_templates(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *claims = value_at(spec, apps_v1_StatefulSetSpec_volumeClaimTemplates);
    for (size_t i = 0; i < value_count(claims); i++) {
        struct path item = path_index(at, i);
        check_claim_spec(c, PATH(&item, "spec"),
                         value_at(value_item(claims, i), core_v1_PersistentVolumeClaim_spec), &value_absent);
    }
}

static void check_numbers(struct causes *c, const struct path *at, const struct value *spec,
                          const struct rules *rules)
{
    const struct value *service = value_at(spec, apps_v1_StatefulSetSpec_serviceName);
    const struct value *ordinals = value_at(spec, apps_v1_StatefulSetSpec_ordinals);
    check_count(c, at, spec, apps_v1_StatefulSetSpec_replicas);
    check_count(c, at, spec, apps_v1_StatefulSetSpec_minReadySeconds);
    check_count(c, PATH(at, "ordinals"), ordinals, apps_v1_StatefulSetOrdinals_start);
    if (!rules->update && value_text(service).len)
        check_name(c, PATH(at, "serviceName"), value_text(service), name_check_label);
}

static void check_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                       const struct rules *rules)
{
    const struct value *management = value_at(spec, apps_v1_StatefulSetSpec_podManagementPolicy);
    if (value_text(management).len == 0)
        causes_required(req->causes, PATH(at, "podManagementPolicy"), "%s", "");
    else if (!value_is(management, "OrderedReady") && !value_is(management, "Parallel"))
        causes_invalid(req->causes, PATH(at, "podManagementPolicy"), management,
                       "must be 'OrderedReady' or 'Parallel'");
    check_strategy(req->causes, PATH(at, "updateStrategy"),
                   value_at(spec, apps_v1_StatefulSetSpec_updateStrategy));
    check_retention(req->causes, PATH(at, "persistentVolumeClaimRetentionPolicy"),
                    value_at(spec, apps_v1_StatefulSetSpec_persistentVolumeClaimRetentionPolicy));
    if (!rules->update)
        check_claim_templates(req->causes, PATH(at, "volumeClaimTemplates"), spec);
    check_numbers(req->causes, at, spec, rules);
    check_selector_and_template(req, at, spec, rules);
}

/* A set that is already invalid may still be changed elsewhere: its template is not looked at again. */
static bool is_sound(struct kind_request *req, const struct value *spec)
{
    struct causes found = {.arena = req->arena};
    struct kind_request scratch = *req;
    scratch.causes = &found;
    check_spec(&scratch, NULL, spec, &(struct rules){.update = true});
    return found.count == 0;
}

static void check_kept(struct causes *c, const struct path *at, const struct value *spec,
                       const struct value *old)
{
    const struct value *claims = value_at(spec, apps_v1_StatefulSetSpec_volumeClaimTemplates);
    check_immutable(c, PATH(at, "selector"), value_at(spec, apps_v1_StatefulSetSpec_selector),
                    value_at(old, apps_v1_StatefulSetSpec_selector));
    if (!value_equal(claims, value_at(old, apps_v1_StatefulSetSpec_volumeClaimTemplates)))
        causes_invalid_shown(c, PATH(at, "volumeClaimTemplates"), shown_list(c->arena, claims),
                             "field is immutable");
    const unsigned texts[] = {apps_v1_StatefulSetSpec_serviceName,
                              apps_v1_StatefulSetSpec_podManagementPolicy};
    for (size_t i = 0; i < 2; i++) {
        const struct value *now = value_at(spec, texts[i]);
        if (!value_equal(now, value_at(old, texts[i])))
            causes_invalid_text(c, PATH(at, field_name(spec, texts[i])), value_text(now),
                                "field is immutable");
    }
}

static void check_status(struct causes *c, const struct value *status, const struct value *old)
{
    static const unsigned counts[] = {
        apps_v1_StatefulSetStatus_replicas,          apps_v1_StatefulSetStatus_readyReplicas,
        apps_v1_StatefulSetStatus_currentReplicas,   apps_v1_StatefulSetStatus_updatedReplicas,
        apps_v1_StatefulSetStatus_availableReplicas, apps_v1_StatefulSetStatus_observedGeneration,
        apps_v1_StatefulSetStatus_collisionCount};
    struct path at = path_field(NULL, "status");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_count(c, &at, status, counts[i]);
    int64_t replicas = value_int(value_at(status, apps_v1_StatefulSetStatus_replicas), 0);
    int64_t ready = value_int(value_at(status, apps_v1_StatefulSetStatus_readyReplicas), 0);
    for (size_t i = 1; i < 5; i++)
        check_count_at_most(c, &at, status, counts[i], replicas, "cannot be greater than status.replicas");
    check_count_at_most(c, &at, status, apps_v1_StatefulSetStatus_availableReplicas, ready,
                        "cannot be greater than status.readyReplicas");
    check_not_decremented(c, &at, status, old, apps_v1_StatefulSetStatus_collisionCount);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    const struct value *spec = spec_of(object), *old_spec = old ? spec_of(old) : NULL;
    if (slice_is(req->subresource, "status")) {
        check_status(req->causes, value_at(object, apps_v1_StatefulSet_status),
                     value_at(old, apps_v1_StatefulSet_status));
        return;
    }
    check_spec(req, &at, spec,
               &(struct rules){
                   .update = old != NULL, .old = old_spec, .skip_template = old && !is_sound(req, old_spec)});
    if (old)
        check_kept(req->causes, &at, spec, old_spec);
    if (!old || !value_equal(spec, old_spec))
        pod_template_warn(req, PATH(&at, "template"), template_of(spec), old ? template_of(old_spec) : NULL);
    if (value_int(value_at(spec, apps_v1_StatefulSetSpec_revisionHistoryLimit), 0) < 0)
        kind_warn(req, "spec.revisionHistoryLimit: a negative value retains all historical revisions; a "
                       "value >= 0 is recommended");
}

/* Name, Ready, Age, Containers, Images. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object), *status = value_at(object, apps_v1_StatefulSet_status);
    const struct value *pod = value_at(template_of(spec), core_v1_PodTemplateSpec_spec);
    cells[1] = cell_format(arena, "%lld/%lld",
                           (long long)value_int(value_at(status, apps_v1_StatefulSetStatus_readyReplicas), 0),
                           (long long)value_int(value_at(spec, apps_v1_StatefulSetSpec_replicas), 0));
    cells[2] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
    cells[3] = cell_container_names(arena, pod);
    cells[4] = cell_container_images(arena, pod);
}

const struct kind kind_statefulsets = {
    .group = "apps",
    .resource = "statefulsets",
    .name_rule = NAME_LABEL,
    .counts_generation = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
