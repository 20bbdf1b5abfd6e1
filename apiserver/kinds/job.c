/* jobs: batch/v1. Rules: pkg/apis/batch/validation, pkg/registry/batch/job. */
#include "apiserver/kinds/apps.h"
#include "apiserver/kinds/batch.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/batch_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

/* A job finds its pods by labels that it gives them itself; the names without a prefix came first and are
 * still there. */
#define JOB_NAME       "batch.kubernetes.io/job-name"
#define CONTROLLER_UID "batch.kubernetes.io/controller-uid"
static const char *const name_labels[] = {"job-name", JOB_NAME}, *const uid_labels[] = {"controller-uid",
                                                                                        CONTROLLER_UID};

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, batch_v1_Job_spec);
}

static const struct value *template_of(const struct value *spec)
{
    return value_at(spec, batch_v1_JobSpec_template);
}

static const struct value *template_labels(const struct value *spec)
{
    return value_at(value_at(template_of(spec), core_v1_PodTemplateSpec_metadata), meta_v1_ObjectMeta_labels);
}

static struct slice uid_of(const struct value *object)
{
    return value_text(value_at(object_metadata(object), meta_v1_ObjectMeta_uid));
}

static void put_missing(struct arena *arena, struct value *map, const char *key, struct slice text)
{
    if (!value_is_set(value_get(map, slice_str(key))))
        *value_put(arena, map, slice_str(key)) = value_of_string(text);
}

static void generate_selector(struct arena *arena, struct value *object, struct value *spec)
{
    struct value *template = value_ensure_record(arena, spec, batch_v1_JobSpec_template);
    struct value *labels = value_mut(value_ensure_record(arena, template, core_v1_PodTemplateSpec_metadata),
                                     meta_v1_ObjectMeta_labels);
    for (size_t i = 0; i < 2; i++)
        put_missing(arena, labels, name_labels[i], object_name(object));
    for (size_t i = 0; i < 2; i++)
        put_missing(arena, labels, uid_labels[i], uid_of(object));
    struct value *selector = value_ensure_record(arena, spec, batch_v1_JobSpec_selector);
    put_missing(arena, value_mut(selector, meta_v1_LabelSelector_matchLabels), CONTROLLER_UID,
                uid_of(object));
}

/* A job without labels of its own carries its template's, those made here included. */
static void share_labels(struct arena *arena, struct value *object, bool shared)
{
    struct value *metadata = value_mut(object, batch_v1_Job_metadata);
    if (metadata->kind == VALUE_RECORD &&
        (shared || !value_count(value_at(metadata, meta_v1_ObjectMeta_labels))))
        *value_mut(metadata, meta_v1_ObjectMeta_labels) =
            value_copy(arena, template_labels(spec_of(object)), false);
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    struct value *spec = value_mut(object, batch_v1_Job_spec);
    if (spec->kind != VALUE_RECORD)
        return;
    const struct value *mine = value_at(object_metadata(object), meta_v1_ObjectMeta_labels),
                       *pods = template_labels(spec);
    bool shared = value_equal(mine, pods); /* as the default leaves them */
    if (!value_bool(value_at(spec, batch_v1_JobSpec_manualSelector)))
        generate_selector(req->arena, object, spec);
    share_labels(req->arena, object, shared);
    *value_mut(spec, batch_v1_JobSpec_scheduling) = value_absent;
    pod_template_drop_disabled(value_mut(spec, batch_v1_JobSpec_template), NULL);
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    struct value *spec = value_mut(object, batch_v1_Job_spec);
    if (req->subresource.len || spec->kind != VALUE_RECORD)
        return;
    if (!value_is_set(value_at(spec_of(old), batch_v1_JobSpec_scheduling)))
        *value_mut(spec, batch_v1_JobSpec_scheduling) = value_absent;
    pod_template_drop_disabled(value_mut(spec, batch_v1_JobSpec_template), template_of(spec_of(old)));
}

static void check_has_label(struct causes *c, const struct value *labels, const char *key, struct slice want)
{
    struct path spec = path_field(NULL, "spec"), template = path_field(&spec, "template"),
                metadata = path_field(&template, "metadata");
    struct path labels_at = path_field(&metadata, "labels"), at = path_key(&labels_at, slice_str(key));
    const struct value *have = value_get(labels, slice_str(key));
    if (!value_is_set(have))
        causes_required(c, &at, "must be '%.*s'", SLICE_ARG(want));
    else if (!slice_eq(value_text(have), want))
        causes_invalid(c, &at, labels, "must be '%.*s'", SLICE_ARG(want));
}

/* A selector that the server made must still be the one it would make. */
static void check_generated_selector(struct causes *c, const struct value *object)
{
    const struct value *spec = spec_of(object), *selector = value_at(spec, batch_v1_JobSpec_selector);
    const struct value *labels = template_labels(spec);
    struct path spec_at = path_field(NULL, "spec"), metadata = path_field(NULL, "metadata");
    if (value_bool(value_at(spec, batch_v1_JobSpec_manualSelector)) || !value_is_set(selector))
        return;
    if (uid_of(object).len == 0)
        causes_required(c, PATH(&metadata, "uid"), "%s", "");
    struct value expected = value_absent;
    for (size_t i = 0; i < 2; i++) {
        check_has_label(c, labels, uid_labels[i], uid_of(object));
        check_has_label(c, labels, name_labels[i], object_name(object));
        *value_put(c->arena, &expected, slice_str(uid_labels[i])) = value_of_string(uid_of(object));
        *value_put(c->arena, &expected, slice_str(name_labels[i])) = value_of_string(object_name(object));
    }
    if (label_selector_valid(selector) && !label_selector_matches(selector, &expected))
        causes_invalid(c, PATH(&spec_at, "selector"), selector, "`selector` not auto-generated");
}

static void check_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                       const struct value *old)
{
    const struct value *selector = value_at(spec, batch_v1_JobSpec_selector);
    struct path selector_at = path_field(at, "selector");
    check_job_spec(req, at, spec, old);
    if (!value_is_set(selector))
        causes_required(req->causes, &selector_at, "%s", "");
    else
        check_label_selector(req->causes, &selector_at, selector);
    if (label_selector_valid(selector))
        check_selects_template(req->causes, PATH(at, "template"), selector, template_of(spec));
}

/* The pods of an indexed job have its name and their index as host name. */
static void check_pod_names(struct causes *c, const struct value *object)
{
    const struct value *spec = spec_of(object), *completions = value_at(spec, batch_v1_JobSpec_completions);
    struct path metadata = path_field(NULL, "metadata");
    if (!value_is(value_at(spec, batch_v1_JobSpec_completionMode), "Indexed") ||
        value_int(completions, 0) <= 0)
        return;
    struct slice last =
        arena_slicef(c->arena, "%.*s-%lld", SLICE_ARG(object_name(object)), (long long)completions->i - 1);
    if (name_check_label(last))
        causes_invalid_text(c, PATH(&metadata, "name"), object_name(object),
                            "will not able to create pod with invalid DNS label: %.*s", SLICE_ARG(last));
}

/* ---- updates: pods must not change under a job that runs ---- */

static bool may_change_template(const struct value *old)
{
    const struct value *status = value_at(old, batch_v1_Job_status);
    bool started = value_is_set(value_at(status, batch_v1_JobStatus_startTime));
    return value_bool(value_at(spec_of(old), batch_v1_JobSpec_suspend)) &&
           (!started || job_condition_is(old, "Suspended", "True")) &&
           value_int(value_at(status, batch_v1_JobStatus_active), 0) == 0;
}

static void copy_field(struct value *to, const struct value *from, unsigned field)
{
    if (to->kind == VALUE_RECORD)
        *value_mut(to, field) = *value_at(from, field);
}

/* The old template with the new one's scheduling directives: what is left to differ is what may not change.
 */
static struct value with_directives(struct arena *arena, const struct value *old, const struct value *now)
{
    struct value merged = value_copy(arena, old, false);
    struct value *meta = value_ensure_record(arena, &merged, core_v1_PodTemplateSpec_metadata);
    struct value *pod = value_ensure_record(arena, &merged, core_v1_PodTemplateSpec_spec);
    const struct value *now_pod = value_at(now, core_v1_PodTemplateSpec_spec),
                       *now_meta = value_at(now, core_v1_PodTemplateSpec_metadata);
    const struct value *affinity = value_at(now_pod, core_v1_PodSpec_affinity);
    if (value_is_set(affinity) || value_is_set(value_at(pod, core_v1_PodSpec_affinity))) {
        bool was_set = value_is_set(value_at(pod, core_v1_PodSpec_affinity));
        struct value *mine = value_ensure_record(arena, pod, core_v1_PodSpec_affinity);
        copy_field(mine, affinity, core_v1_Affinity_nodeAffinity);
        bool empty = !value_is_set(value_at(mine, core_v1_Affinity_podAffinity)) &&
                     !value_is_set(value_at(mine, core_v1_Affinity_podAntiAffinity)) &&
                     !value_is_set(value_at(mine, core_v1_Affinity_nodeAffinity));
        if (empty && was_set && !value_is_set(affinity))
            *value_mut(pod, core_v1_PodSpec_affinity) = value_absent;
    }
    copy_field(pod, now_pod, core_v1_PodSpec_nodeSelector);
    copy_field(pod, now_pod, core_v1_PodSpec_tolerations);
    copy_field(pod, now_pod, core_v1_PodSpec_schedulingGates);
    copy_field(meta, now_meta, meta_v1_ObjectMeta_annotations);
    copy_field(meta, now_meta, meta_v1_ObjectMeta_labels);
    return merged;
}

static void take_resources(struct value *pod, const struct value *now, unsigned containers)
{
    struct value *mine = value_mut(pod, containers);
    const struct value *theirs = value_at(now, containers);
    if (value_count(mine) != value_count(theirs))
        return;
    for (size_t i = 0; i < value_count(mine); i++)
        if (value_equal(value_at(value_item(mine, i), core_v1_Container_name),
                        value_at(value_item(theirs, i), core_v1_Container_name)))
            copy_field(&mine->list->items[i], value_item(theirs, i), core_v1_Container_resources);
}

static void check_template_update(struct kind_request *req, const struct path *at, const struct value *spec,
                                  const struct value *old_job)
{
    const struct value *now = template_of(spec), *old_spec = spec_of(old_job);
    struct path template = path_field(at, "template");
    struct value old = value_copy(req->arena, template_of(old_spec), false);
    bool free = may_change_template(old_job);
    if (free)
        old = with_directives(req->arena, &old, now);
    if (!free || !value_bool(value_at(old_spec, batch_v1_JobSpec_suspend))) {
        if (!value_equal(now, &old))
            causes_invalid_shown(req->causes, &template, shown_record(req->arena, now), "field is immutable");
        return;
    }
    const struct value *now_pod = value_at(now, core_v1_PodTemplateSpec_spec);
    struct value *pod = value_mut(&old, core_v1_PodTemplateSpec_spec);
    take_resources(pod, now_pod, core_v1_PodSpec_containers);
    take_resources(pod, now_pod, core_v1_PodSpec_initContainers);
    if (!value_equal(now_pod, pod))
        causes_invalid_shown(req->causes, PATH(at, "template.spec"), shown_record(req->arena, now_pod),
                             "field is immutable");
}

static void check_completions_update(struct causes *c, const struct path *at, const struct value *spec,
                                     const struct value *old)
{
    const struct value *now = value_at(spec, batch_v1_JobSpec_completions),
                       *before = value_at(old, batch_v1_JobSpec_completions);
    if (!value_is(value_at(spec, batch_v1_JobSpec_completionMode), "Indexed")) {
        check_immutable(c, PATH(at, "completions"), now, before);
        return;
    }
    if (value_equal(now, before) || !value_is_set(now))
        return;
    if (now->i != value_int(value_at(spec, batch_v1_JobSpec_parallelism), 0))
        causes_invalid_int(c, PATH(at, "completions"), now->i,
                           "can only be modified in tandem with spec.parallelism");
}

static void check_kept(struct causes *c, const struct path *at, const struct value *spec,
                       const struct value *old)
{
    static const unsigned fields[] = {batch_v1_JobSpec_completionMode, batch_v1_JobSpec_podFailurePolicy,
                                      batch_v1_JobSpec_backoffLimitPerIndex, batch_v1_JobSpec_managedBy,
                                      batch_v1_JobSpec_successPolicy};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct value *now = value_at(spec, fields[i]);
        struct path field = path_field(at, field_name(spec, fields[i]));
        if (value_equal(now, value_at(old, fields[i])))
            continue;
        if (now->kind == VALUE_RECORD)
            causes_invalid_shown(c, &field, shown_record(c->arena, now), "field is immutable");
        else
            causes_invalid(c, &field, now, "field is immutable");
    }
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    const struct value *spec = spec_of(object), *old_spec = old ? spec_of(old) : NULL;
    if (slice_is(req->subresource, "status")) {
        check_job_status(req, object, old);
        return;
    }
    if (!old)
        check_generated_selector(req->causes, object);
    check_spec(req, &at, spec, old_spec);
    if (old) {
        check_completions_update(req->causes, &at, spec, old_spec);
        check_immutable(req->causes, PATH(&at, "selector"), value_at(spec, batch_v1_JobSpec_selector),
                        value_at(old_spec, batch_v1_JobSpec_selector));
        check_template_update(req, &at, spec, old);
        check_kept(req->causes, &at, spec, old_spec);
    }
    check_pod_names(req->causes, object);
    if (!old)
        warn_name_not_label(req, object);
    if (!old || !value_equal(spec, old_spec))
        warn_job_spec(req, &at, spec, old_spec);
}

/* ---- table ---- */

static const char *state_of(const struct value *job)
{
    static const char *const first[] = {"Complete", "Failed"}, *const later[] = {"Suspended", "FailureTarget",
                                                                                 "SuccessCriteriaMet"};
    for (size_t i = 0; i < 2; i++)
        if (job_condition_is(job, first[i], "True"))
            return first[i];
    if (value_is_set(value_at(object_metadata(job), meta_v1_ObjectMeta_deletionTimestamp)))
        return "Terminating";
    for (size_t i = 0; i < 3; i++)
        if (job_condition_is(job, later[i], "True"))
            return later[i];
    return "Running";
}

static struct value completions_cell(struct arena *arena, const struct value *spec, long long succeeded)
{
    const struct value *completions = value_at(spec, batch_v1_JobSpec_completions);
    long long parallelism = (long long)value_int(value_at(spec, batch_v1_JobSpec_parallelism), 0);
    if (value_is_set(completions))
        return cell_format(arena, "%lld/%lld", succeeded, (long long)completions->i);
    return parallelism > 1 ? cell_format(arena, "%lld/1 of %lld", succeeded, parallelism)
                           : cell_format(arena, "%lld/1", succeeded);
}

/* Name, Status, Completions, Duration, Age, Containers, Images, Selector. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object), *status = value_at(object, batch_v1_Job_status);
    const struct value *pod = value_at(template_of(spec), core_v1_PodTemplateSpec_spec);
    const struct value *start = value_at(status, batch_v1_JobStatus_startTime);
    const struct value *end = value_at(status, batch_v1_JobStatus_completionTime);
    cells[1] = cell_cstr(state_of(object));
    cells[2] = completions_cell(arena, spec,
                                (long long)value_int(value_at(status, batch_v1_JobStatus_succeeded), 0));
    cells[3] = cell_cstr("");
    if (value_is_set(start))
        cells[3] = cell_text(
            human_duration(arena, (value_is_set(end) ? time_seconds(end) : now) - time_seconds(start)));
    cells[4] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
    cells[5] = cell_container_names(arena, pod);
    cells[6] = cell_container_images(arena, pod);
    cells[7] = cell_text(label_selector_cell(arena, value_at(spec, batch_v1_JobSpec_selector)));
}

const struct kind kind_jobs = {
    .group = "batch",
    .resource = "jobs",
    .counts_generation = true,
    .orphans_by_default = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
