/*
 * batch: parts of jobs that cron jobs and tests share.
 * Pure but for cron_check_time_zone, which looks whether the system knows a time zone. Any thread.
 * Explanations are static or live in the arena.
 */
#ifndef APISERVER_KINDS_BATCH_H
#define APISERVER_KINDS_BATCH_H

#include "apiserver/kinds/kind.h"

/* A JobSpec in a job or in a cron job's template: all but its selector. old is the spec it replaces, or NULL.
 */
void check_job_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                    const struct value *old);
void check_job_status(struct kind_request *req, const struct value *job, const struct value *old);
void warn_job_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                   const struct value *old);
bool job_condition_is(const struct value *job, const char *type, const char *status);

/* Completion indexes as text: "1,3-5,7", rising, each below `completions`. NULL when good; ret_total counts
 * them. */
const char *job_indexes_check(struct arena *arena, struct slice text, int64_t completions,
                              int64_t *ret_total);
/* NULL when no index is in both texts. Malformed parts are passed over. */
const char *job_indexes_overlap(struct arena *arena, struct slice completed, struct slice failed,
                                int64_t completions);

/* A five-field cron schedule, a descriptor (@daily, @every 1h), with or without TZ= in front. NULL when good.
 */
const char *cron_check(struct arena *arena, struct slice schedule);
/* An IANA time zone the system knows. NULL when good. */
const char *cron_check_time_zone(struct arena *arena, struct slice name);

#endif
