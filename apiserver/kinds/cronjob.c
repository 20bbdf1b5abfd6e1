/* cronjobs: batch/v1. Rules: pkg/apis/batch/validation, pkg/registry/batch/cronjob. */
#include "apiserver/kinds/apps.h"
#include "apiserver/kinds/batch.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/batch_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

enum { NAME_MAX_LENGTH = 52 /* of a job's name 11 are the time stamp that the controller adds */ };

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, batch_v1_CronJob_spec);
}

static const struct value *job_spec_of(const struct value *spec)
{
    return value_at(value_at(spec, batch_v1_CronJobSpec_jobTemplate), batch_v1_JobTemplateSpec_spec);
}

static void prepare(struct value *object, const struct value *old)
{
    struct value *spec = value_mut(object, batch_v1_CronJob_spec);
    struct value *template =
        spec->kind == VALUE_RECORD ? value_mut(spec, batch_v1_CronJobSpec_jobTemplate) : NULL;
    struct value *job = template && template->kind == VALUE_RECORD
                            ? value_mut(template, batch_v1_JobTemplateSpec_spec)
                            : NULL;
    if (!job || job->kind != VALUE_RECORD)
        return;
    const struct value *old_job = old ? job_spec_of(spec_of(old)) : NULL;
    if (!old_job || !value_is_set(value_at(old_job, batch_v1_JobSpec_scheduling)))
        *value_mut(job, batch_v1_JobSpec_scheduling) = value_absent;
    pod_template_drop_disabled(value_mut(job, batch_v1_JobSpec_template),
                               old_job ? value_at(old_job, batch_v1_JobSpec_template) : NULL);
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    prepare(object, NULL);
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    if (!req->subresource.len)
        prepare(object, old);
}

static bool names_zone(struct slice schedule)
{
    return schedule.len && memmem(schedule.ptr, schedule.len, "TZ", 2) != NULL;
}

static void check_schedule(struct causes *c, const struct path *at, const struct value *spec,
                           const struct value *old)
{
    struct slice schedule = value_text(value_at(spec, batch_v1_CronJobSpec_schedule));
    bool allowed = old && names_zone(value_text(value_at(old, batch_v1_CronJobSpec_schedule)));
    const char *why = cron_check(c->arena, schedule);
    if (why)
        causes_invalid_text(c, at, schedule, "%s", why);
    if (!names_zone(schedule))
        return;
    if (!allowed)
        causes_invalid_text(c, at, schedule,
                            "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
    else if (value_is_set(value_at(spec, batch_v1_CronJobSpec_timeZone)))
        causes_invalid_text(c, at, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
}

static void check_time_zone(struct causes *c, const struct path *at, const struct value *zone,
                            const struct value *old)
{
    if (!value_is_set(zone) || (old && value_equal(zone, old)))
        return;
    const char *why = value_text(zone).len ? cron_check_time_zone(c->arena, value_text(zone))
                                           : "must be nil or non-empty string";
    if (why)
        causes_invalid(c, at, zone, "%s", why);
}

static void check_job_template(struct kind_request *req, const struct path *spec_at, const struct value *spec,
                               const struct value *old)
{
    static const char *const manual[] = {"nil", "false", NULL};
    const struct value *job = job_spec_of(spec), *selector = value_at(job, batch_v1_JobSpec_selector);
    struct path template_at = path_field(spec_at, "jobTemplate"), at = path_field(&template_at, "spec");
    check_job_spec(req, &at, job, old ? job_spec_of(old) : NULL);
    if (value_is_set(selector))
        causes_invalid(req->causes, PATH(&at, "selector"), selector, "`selector` will be auto-generated");
    if (value_bool(value_at(job, batch_v1_JobSpec_manualSelector)))
        causes_not_supported_shown(req->causes, PATH(&at, "manualSelector"), "true", manual);
}

static void check_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                       const struct value *old)
{
    static const char *const policies[] = {"Allow", "Forbid", "Replace", NULL};
    bool has_schedule = value_text(value_at(spec, batch_v1_CronJobSpec_schedule)).len > 0;
    struct path schedule_at = path_field(at, "schedule");
    if (has_schedule)
        check_schedule(req->causes, &schedule_at, spec, old);
    check_count(req->causes, at, spec, batch_v1_CronJobSpec_startingDeadlineSeconds);
    check_time_zone(req->causes, PATH(at, "timeZone"), value_at(spec, batch_v1_CronJobSpec_timeZone),
                    old ? value_at(old, batch_v1_CronJobSpec_timeZone) : NULL);
    check_enum(req->causes, PATH(at, "concurrencyPolicy"),
               value_at(spec, batch_v1_CronJobSpec_concurrencyPolicy), policies, true);
    check_job_template(req, at, spec, old);
    check_count(req->causes, at, spec, batch_v1_CronJobSpec_successfulJobsHistoryLimit);
    check_count(req->causes, at, spec, batch_v1_CronJobSpec_failedJobsHistoryLimit);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec"), metadata = path_field(NULL, "metadata");
    struct path template_at = path_field(&at, "jobTemplate"), job_at = path_field(&template_at, "spec");
    const struct value *spec = spec_of(object);
    struct slice schedule = value_text(value_at(spec, batch_v1_CronJobSpec_schedule));
    if (req->subresource.len)
        return;
    check_spec(req, &at, spec, old ? spec_of(old) : NULL);
    if (!old && object_name(object).len > NAME_MAX_LENGTH)
        causes_invalid_text(req->causes, PATH(&metadata, "name"), object_name(object),
                            "must be no more than %d characters", NAME_MAX_LENGTH);
    if (!schedule.len) /* last: it comes from the schema upstream */
        causes_required(req->causes, PATH(&at, "schedule"), "%s", "");
    if (!old)
        warn_name_not_label(req, object);
    if (!old || !value_equal(spec, spec_of(old)))
        warn_job_spec(req, &job_at, job_spec_of(spec), old ? job_spec_of(spec_of(old)) : NULL);
    if (old && names_zone(schedule))
        kind_warn(req,
                  "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
                  "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details");
}

/* Name, Schedule, Timezone, Suspend, Active, Last Schedule, Age, Containers, Images, Selector. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object), *status = value_at(object, batch_v1_CronJob_status),
                       *job = job_spec_of(spec);
    const struct value *pod =
        value_at(value_at(job, batch_v1_JobSpec_template), core_v1_PodTemplateSpec_spec);
    const struct value *zone = value_at(spec, batch_v1_CronJobSpec_timeZone);
    const struct value *last = value_at(status, batch_v1_CronJobStatus_lastScheduleTime);
    const struct value *suspend = value_at(spec, batch_v1_CronJobSpec_suspend);
    cells[1] = cell_text(value_text(value_at(spec, batch_v1_CronJobSpec_schedule)));
    cells[2] = value_is_set(zone) ? cell_text(value_text(zone)) : cell_cstr("<none>");
    cells[3] = cell_cstr(!value_is_set(suspend) ? "<unset>" : value_bool(suspend) ? "True" : "False");
    cells[4] = value_of_int((int64_t)value_count(value_at(status, batch_v1_CronJobStatus_active)));
    cells[5] = value_is_set(last) ? cell_age(arena, last, now) : cell_cstr("<none>");
    cells[6] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
    cells[7] = cell_container_names(arena, pod);
    cells[8] = cell_container_images(arena, pod);
    cells[9] = cell_text(label_selector_cell(arena, value_at(job, batch_v1_JobSpec_selector)));
}

const struct kind kind_cronjobs = {
    .group = "batch",
    .resource = "cronjobs",
    .counts_generation = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
