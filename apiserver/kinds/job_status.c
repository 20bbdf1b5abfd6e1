/* What a job's status may say. Rules: validateJobStatus and getStatusValidationOptions upstream: what did not
 * change is not judged again. */
#include "apiserver/kinds/batch.h"
#include "openapi/names.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/batch_v1.h"
#include "openapi/gen/meta_v1.h"

static const struct value *status_of(const struct value *job)
{
    return value_at(job, batch_v1_Job_status);
}

bool job_condition_is(const struct value *job, const char *type, const char *status)
{
    for (VALUE_EACH(condition, value_at(status_of(job), batch_v1_JobStatus_conditions)))
        if (value_is(value_at(condition, batch_v1_JobCondition_type), type) &&
            value_is(value_at(condition, batch_v1_JobCondition_status), status))
            return true;
    return false;
}

static bool is_true(const struct value *job, const char *type)
{
    return job_condition_is(job, type, "True");
}

static bool is_finished(const struct value *job)
{
    return is_true(job, "Complete") || is_true(job, "Failed");
}

/* ---- completion indexes as text ---- */

static bool parse_index(struct slice s, int64_t *ret)
{
    int64_t n = 0;
    if (s.len == 0 || s.len > 18)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        n = n * 10 + (s.ptr[i] - '0');
    }
    *ret = n;
    return true;
}

struct interval {
    int64_t first, last;
};

static const char *parse_interval(struct arena *arena, struct slice text, int64_t completions,
                                  struct interval *ret)
{
    struct slice rest = text, part;
    int64_t ends[2] = {0, 0};
    size_t n = 0;
    while (slice_split(&rest, '-', &part)) {
        if (n == 2)
            return arena_printf(arena, "the fragment \"%.*s\" has more than two parts separated by '-'",
                                SLICE_ARG(text));
        if (!parse_index(part, &ends[n]))
            return arena_printf(arena, "cannot convert string to integer for index: \"%.*s\"",
                                SLICE_ARG(part));
        if (ends[n] >= completions)
            return arena_printf(arena, "too large index: \"%.*s\"", SLICE_ARG(part));
        n++;
    }
    *ret = (struct interval){ends[0], n == 2 ? ends[1] : ends[0]};
    if (n == 2 && ends[0] >= ends[1])
        return arena_printf(arena, "non-increasing order, previous: %lld, current: %lld", (long long)ends[0],
                            (long long)ends[1]);
    return NULL;
}

const char *job_indexes_check(struct arena *arena, struct slice text, int64_t completions, int64_t *ret_total)
{
    struct slice rest = text, part;
    int64_t last = -1, total = 0;
    if (ret_total)
        *ret_total = 0;
    while (text.len && slice_split(&rest, ',', &part)) {
        struct interval in;
        const char *why = parse_interval(arena, part, completions, &in);
        if (why)
            return why;
        if (last >= in.first)
            return arena_printf(arena, "non-increasing order, previous: %lld, current: %lld", (long long)last,
                                (long long)in.first);
        total += in.last - in.first + 1;
        last = in.last;
    }
    if (ret_total)
        *ret_total = total;
    return NULL;
}

/* The next well-formed interval. */
static bool next_interval(struct arena *arena, struct slice *rest, int64_t completions, struct interval *ret)
{
    struct slice part;
    while (slice_split(rest, ',', &part))
        if (!parse_interval(arena, part, completions, ret))
            return true;
    return false;
}

const char *job_indexes_overlap(struct arena *arena, struct slice completed, struct slice failed,
                                int64_t completions)
{
    struct interval a, b;
    if (completed.len == 0 || failed.len == 0)
        return NULL;
    bool has_a = next_interval(arena, &completed, completions, &a),
         has_b = next_interval(arena, &failed, completions, &b);
    while (has_a && has_b) {
        if (a.first <= b.last && b.first <= a.last)
            return arena_printf(arena, "failedIndexes and completedIndexes overlap at index: %lld",
                                (long long)(a.first > b.first ? a.first : b.first));
        if (a.first <= b.first)
            has_a = next_interval(arena, &completed, completions, &a);
        else
            has_b = next_interval(arena, &failed, completions, &b);
    }
    return NULL;
}

/* ---- the rules ---- */

struct change { /* which parts of the status an update changes */
    bool finished, complete, failed, failure_target, success_met;
    bool completed_indexes, failed_indexes, active, start, completion, uncounted, ready, terminating;
    bool resuming, suspended_empty;
};

static bool differs(const struct value *now, const struct value *old, unsigned field)
{
    return !value_equal(value_at(status_of(now), field), value_at(status_of(old), field));
}

static bool turned(const struct value *now, const struct value *old, const char *type)
{
    return is_true(now, type) != is_true(old, type);
}

static struct change changes(const struct value *now, const struct value *old)
{
    const struct value *spec = value_at(now, batch_v1_Job_spec),
                       *completions = value_at(spec, batch_v1_JobSpec_completions);
    return (struct change){
        .finished = is_finished(now) != is_finished(old),
        .complete = turned(now, old, "Complete"),
        .failed = turned(now, old, "Failed"),
        .failure_target = turned(now, old, "FailureTarget"),
        .success_met = turned(now, old, "SuccessCriteriaMet"),
        .completed_indexes = differs(now, old, batch_v1_JobStatus_completedIndexes),
        .failed_indexes = differs(now, old, batch_v1_JobStatus_failedIndexes),
        .active = differs(now, old, batch_v1_JobStatus_active),
        .start = differs(now, old, batch_v1_JobStatus_startTime),
        .completion = differs(now, old, batch_v1_JobStatus_completionTime),
        .uncounted = differs(now, old, batch_v1_JobStatus_uncountedTerminatedPods),
        .ready = differs(now, old, batch_v1_JobStatus_ready),
        .terminating = differs(now, old, batch_v1_JobStatus_terminating),
        .resuming = job_condition_is(old, "Suspended", "True") && job_condition_is(now, "Suspended", "False"),
        .suspended_empty = value_bool(value_at(spec, batch_v1_JobSpec_suspend)) &&
                           completions->kind == VALUE_INT && completions->i == 0,
    };
}

static bool listed_before(const struct value *list, size_t n, struct slice uid)
{
    for (size_t i = 0; i < n && i < value_count(list); i++)
        if (slice_eq(value_text(value_item(list, i)), uid))
            return true;
    return false;
}

static void check_uids(struct causes *c, const struct path *at, const struct value *uids,
                       const struct value *earlier)
{
    for (size_t i = 0; i < value_count(uids); i++) {
        struct slice uid = value_text(value_item(uids, i));
        struct path item = path_index(at, i);
        if (uid.len == 0)
            causes_invalid_text(c, &item, uid, "must not be empty");
        else if (listed_before(earlier, SIZE_MAX, uid) || listed_before(uids, i, uid))
            causes_duplicate(c, &item, uid);
    }
}

static void check_counts(struct causes *c, const struct path *at, const struct value *status)
{
    static const unsigned counts[] = {batch_v1_JobStatus_active, batch_v1_JobStatus_succeeded,
                                      batch_v1_JobStatus_failed, batch_v1_JobStatus_ready,
                                      batch_v1_JobStatus_terminating};
    const struct value *uncounted = value_at(status, batch_v1_JobStatus_uncountedTerminatedPods);
    const struct value *succeeded = value_at(uncounted, batch_v1_UncountedTerminatedPods_succeeded);
    struct path uncounted_at = path_field(at, "uncountedTerminatedPods");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_count(c, at, status, counts[i]);
    check_uids(c, PATH(&uncounted_at, "succeeded"), succeeded, &value_absent);
    check_uids(c, PATH(&uncounted_at, "failed"), value_at(uncounted, batch_v1_UncountedTerminatedPods_failed),
               succeeded);
}

static void check_completion(struct causes *c, const struct path *at, const struct value *job,
                             const struct change *ch)
{
    const struct value *start = value_at(status_of(job), batch_v1_JobStatus_startTime);
    const struct value *end = value_at(status_of(job), batch_v1_JobStatus_completionTime);
    struct path end_at = path_field(at, "completionTime"), conditions = path_field(at, "conditions");
    bool complete = is_true(job, "Complete"), failed = is_true(job, "Failed");
    if ((ch->complete || ch->failed) && complete && failed)
        causes_invalid_bare(c, &conditions, "cannot set Complete=True and Failed=true conditions");
    if ((ch->complete || ch->failure_target) && complete && is_true(job, "FailureTarget"))
        causes_invalid_bare(c, &conditions, "cannot set Complete=True and FailureTarget=true conditions");
    if ((ch->complete || ch->completion) && value_is_set(end) && !complete)
        causes_invalid(c, &end_at, end, "cannot set completionTime when there is no Complete=True condition");
    if ((ch->complete || ch->completion) && !value_is_set(end) && complete)
        causes_required(c, &end_at, "completionTime is required for Complete jobs");
    if ((ch->start || ch->completion) && value_is_set(start) && value_is_set(end) &&
        time_seconds(end) < time_seconds(start))
        causes_invalid(c, &end_at, end, "must be equal to or after `startTime`");
    if ((ch->failed || ch->failed_indexes) && failed && !is_true(job, "FailureTarget"))
        causes_invalid_bare(c, &conditions,
                            "cannot set Failed=True condition without the FailureTarget=true condition");
    if ((ch->complete || ch->success_met) && complete && !is_true(job, "SuccessCriteriaMet"))
        causes_invalid_bare(
            c, &conditions,
            "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
}

static void check_finished(struct causes *c, const struct path *at, const struct value *job,
                           const struct change *ch)
{
    const struct value *status = status_of(job), *active = value_at(status, batch_v1_JobStatus_active);
    const struct value *uncounted = value_at(status, batch_v1_JobStatus_uncountedTerminatedPods);
    if (!is_finished(job))
        return;
    if ((ch->finished || ch->active) && value_int(active, 0) > 0)
        causes_invalid_int(c, PATH(at, "active"), active->i, "active>0 is invalid for finished job");
    if ((ch->finished || ch->start) && !ch->suspended_empty &&
        !value_is_set(value_at(status, batch_v1_JobStatus_startTime)))
        causes_required(c, PATH(at, "startTime"), "startTime is required for finished job");
    if ((ch->finished || ch->uncounted) &&
        value_count(value_at(uncounted, batch_v1_UncountedTerminatedPods_succeeded)) +
            value_count(value_at(uncounted, batch_v1_UncountedTerminatedPods_failed)))
        causes_invalid_shown(c, PATH(at, "uncountedTerminatedPods"), shown_record(c->arena, uncounted),
                             "must be empty for finished job");
}

static void check_indexes(struct causes *c, const struct path *at, const struct value *job,
                          const struct change *ch)
{
    const struct value *spec = value_at(job, batch_v1_Job_spec), *status = status_of(job);
    const struct value *completions = value_at(spec, batch_v1_JobSpec_completions);
    const struct value *done = value_at(status, batch_v1_JobStatus_completedIndexes);
    const struct value *failed = value_at(status, batch_v1_JobStatus_failedIndexes);
    bool per_index = value_is_set(value_at(spec, batch_v1_JobSpec_backoffLimitPerIndex));
    bool indexed = value_is(value_at(spec, batch_v1_JobSpec_completionMode), "Indexed"),
         bounded = value_is_set(completions);
    struct path done_at = path_field(at, "completedIndexes"), failed_at = path_field(at, "failedIndexes");
    const char *why;
    if (ch->completed_indexes && bounded &&
        (why = job_indexes_check(c->arena, value_text(done), completions->i, NULL)))
        causes_invalid_text(c, &done_at, value_text(done), "error parsing completedIndexes: %s", why);
    if (ch->failed_indexes && bounded && per_index &&
        (why = job_indexes_check(c->arena, value_text(failed), completions->i, NULL)))
        causes_invalid(c, &failed_at, failed, "error parsing failedIndexes: %s", why);
    if (ch->completed_indexes && value_text(done).len && !indexed)
        causes_invalid(c, &done_at, done,
                       "cannot set non-empty completedIndexes when non-indexed completion mode");
    if (ch->failed_indexes && !per_index && value_is_set(failed))
        causes_invalid(c, &failed_at, failed,
                       "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
    if ((ch->failed_indexes || ch->completed_indexes) && bounded && value_is_set(failed) &&
        (why = job_indexes_overlap(c->arena, value_text(done), value_text(failed), completions->i)))
        causes_invalid(c, &failed_at, failed, "%s", why);
}

static void check_pods(struct causes *c, const struct path *at, const struct value *job,
                       const struct change *ch)
{
    const struct value *status = status_of(job), *ready = value_at(status, batch_v1_JobStatus_ready);
    const struct value *terminating = value_at(status, batch_v1_JobStatus_terminating);
    bool met = is_true(job, "SuccessCriteriaMet");
    struct path conditions = path_field(at, "conditions");
    if ((ch->finished || ch->terminating) && value_int(terminating, 0) > 0 && is_finished(job))
        causes_invalid_int(c, PATH(at, "terminating"), terminating->i,
                           "terminating>0 is invalid for finished job");
    if ((ch->ready || ch->active) && value_is_set(ready) &&
        ready->i > value_int(value_at(status, batch_v1_JobStatus_active), 0))
        causes_invalid_int(c, PATH(at, "ready"), ready->i, "cannot set more ready pods than active");
    if (met && is_true(job, "Failed"))
        causes_invalid_bare(c, &conditions, "cannot set SuccessCriteriaMet=True and Failed=true conditions");
    if (met && is_true(job, "FailureTarget"))
        causes_invalid_bare(c, &conditions,
                            "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
    if (value_is_set(value_at(value_at(job, batch_v1_Job_spec), batch_v1_JobSpec_successPolicy)) && !met &&
        is_true(job, "Complete"))
        causes_invalid_bare(
            c, &conditions,
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
}

static void check_falling(struct causes *c, const struct path *at, const struct value *job,
                          const struct value *old)
{
    const struct value *spec = value_at(job, batch_v1_Job_spec);
    bool elastic = value_is(value_at(spec, batch_v1_JobSpec_completionMode), "Indexed") &&
                   value_equal(value_at(spec, batch_v1_JobSpec_completions),
                               value_at(spec, batch_v1_JobSpec_parallelism));
    int64_t failed = value_int(value_at(status_of(job), batch_v1_JobStatus_failed), 0);
    int64_t succeeded = value_int(value_at(status_of(job), batch_v1_JobStatus_succeeded), 0);
    if (failed < value_int(value_at(status_of(old), batch_v1_JobStatus_failed), 0))
        causes_invalid_int(c, PATH(at, "failed"), failed, "cannot decrease the failed counter");
    if (!elastic && succeeded < value_int(value_at(status_of(old), batch_v1_JobStatus_succeeded), 0))
        causes_invalid_int(c, PATH(at, "succeeded"), succeeded, "cannot decrease the succeeded counter");
}

static void check_against_old(struct causes *c, const struct path *at, const struct value *job,
                              const struct value *old, const struct change *ch)
{
    static const char *const terminal[] = {"Failed", "Complete", "FailureTarget"};
    const struct value *end = value_at(status_of(job), batch_v1_JobStatus_completionTime);
    const struct value *start = value_at(status_of(job), batch_v1_JobStatus_startTime);
    struct path conditions = path_field(at, "conditions");
    for (size_t i = 0; i < 3; i++)
        if (is_true(old, terminal[i]) && !is_true(job, terminal[i]))
            causes_invalid_bare(
                c, &conditions,
                arena_printf(c->arena, "cannot disable the terminal %s=True condition", terminal[i]));
    check_falling(c, at, job, old);
    if (ch->completion && value_is_set(end) &&
        value_is_set(value_at(status_of(old), batch_v1_JobStatus_completionTime)))
        causes_invalid(c, PATH(at, "completionTime"), end, "field is immutable");
    if (ch->start && !ch->resuming && value_is_set(value_at(status_of(old), batch_v1_JobStatus_startTime)) &&
        !value_bool(value_at(value_at(job, batch_v1_Job_spec), batch_v1_JobSpec_suspend)))
        causes_invalid(c, PATH(at, "startTime"), start, "field is immutable for unsuspended job once set");
    if (is_true(old, "SuccessCriteriaMet") && !is_true(job, "SuccessCriteriaMet"))
        causes_invalid_bare(c, &conditions, "cannot disable the SuccessCriteriaMet=True condition");
    if (is_true(old, "Complete") && !is_true(old, "SuccessCriteriaMet") && is_true(job, "SuccessCriteriaMet"))
        causes_invalid_bare(
            c, &conditions,
            "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
}

void check_job_status(struct kind_request *req, const struct value *job, const struct value *old)
{
    struct path at = path_field(NULL, "status");
    struct change ch = changes(job, old);
    check_counts(req->causes, &at, status_of(job));
    check_completion(req->causes, &at, job, &ch);
    check_finished(req->causes, &at, job, &ch);
    check_indexes(req->causes, &at, job, &ch);
    check_pods(req->causes, &at, job, &ch);
    check_against_old(req->causes, &at, job, old, &ch);
}
