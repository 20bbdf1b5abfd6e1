#include "openapi/default.h"
#include "openapi/gen/batch_v1.h"
#include "openapi/gen/hooks.h"
#include "openapi/gen/meta_v1.h"

void default_hook_batch_v1_Job(struct value *record, struct arena *arena)
{
    enum { RETRIES = 6 };
    struct value *spec = value_ensure_record(arena, record, batch_v1_Job_spec);
    /* A job that says nothing runs one pod; one with parallelism alone is a work queue without a count. */
    if (!value_is_set(value_at(spec, batch_v1_JobSpec_parallelism)))
        default_int(spec, batch_v1_JobSpec_completions, 1);
    default_int(spec, batch_v1_JobSpec_parallelism, 1);
    bool per_index = value_is_set(value_at(spec, batch_v1_JobSpec_backoffLimitPerIndex));
    default_int(spec, batch_v1_JobSpec_backoffLimit, per_index ? INT32_MAX : RETRIES);
    default_text(spec, batch_v1_JobSpec_completionMode, "NonIndexed");
    default_bool(spec, batch_v1_JobSpec_suspend, false);
    bool failure_policy = value_is_set(value_at(spec, batch_v1_JobSpec_podFailurePolicy));
    default_text(spec, batch_v1_JobSpec_podReplacementPolicy,
                 failure_policy ? "Failed" : "TerminatingOrFailed");
    default_bool(spec, batch_v1_JobSpec_manualSelector, false);
    const struct value *labels = value_path(spec, "template.metadata.labels");
    if (!value_is_set(labels))
        return;
    struct value *metadata = value_ensure_record(arena, record, batch_v1_Job_metadata);
    if (!value_is_set(value_at(metadata, meta_v1_ObjectMeta_labels)))
        *value_mut(metadata, meta_v1_ObjectMeta_labels) = value_copy(arena, labels, false);
}
