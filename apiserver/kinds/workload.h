/*
 * workload: what the kinds that run pods (deployments, jobs, ...) and their neighbours share: checks of
 * counts, of numbers that may be percentages, of a selector against its template; cells of their tables.
 * Pure; one thread at a time per request. Causes are added to req->causes; texts live in req->arena or the
 * arena given.
 */
#ifndef APISERVER_KINDS_WORKLOAD_H
#define APISERVER_KINDS_WORKLOAD_H

#include "apiserver/kinds/kind.h"

/* The JSON name of a record's field. */
const char *field_name(const struct value *record, unsigned field);

/* Each looks at a field of a record by its index and names it below `at`; unset ones are good. */
void check_count(struct causes *c, const struct path *at, const struct value *record,
                 unsigned field); /* not negative */
/* "<message>" when the field's number is larger than another's. */
void check_count_at_most(struct causes *c, const struct path *at, const struct value *record, unsigned field,
                         int64_t limit, const char *message);
/* status.collisionCount may not go down or away. */
void check_not_decremented(struct causes *c, const struct path *at, const struct value *now,
                           const struct value *old, unsigned field);

/* IntOrString: a count, or a percentage "25%". */
void check_int_or_percent(struct causes *c, const struct path *at, const struct value *v);
void check_at_most_100_percent(struct causes *c, const struct path *at, const struct value *v);
/* The number before '%', or the number itself; 0 when absent or no number. */
int64_t int_or_percent(const struct value *v);

/* `Invalid value: detail`, where upstream leaves the value out. */
void causes_invalid_bare(struct causes *c, const struct path *at, const char *detail);

/* `selector` does not match template `labels`, on at.metadata.labels. */
void check_selects_template(struct causes *c, const struct path *template_at, const struct value *selector,
                            const struct value *template);
/* The template of a workload whose pods must run for ever: restartPolicy Always, no activeDeadlineSeconds.
 * `who` is the Go kind. */
void check_template_runs_always(struct causes *c, const struct path *template_at,
                                const struct value *template, const char *who);

/* "domain/path", as names of controllers: `acme.io/foo`. Required. */
void check_domain_prefixed_path(struct causes *c, const struct path *at, struct slice text);

/* A pod's name is made of this object's: warn when it is no DNS label. */
void warn_name_not_label(struct kind_request *req, const struct value *object);

/* metadata by name, of any kind. Never NULL. */
const struct value *object_metadata(const struct value *object);
struct slice object_name(const struct value *object);

/* For kinds that count generations by their own rule: 1 on create, old's + 1 when `changed`, else old's. */
void set_generation(struct value *object, const struct value *old, bool changed);

/* Sets or replaces one annotation or label; the texts are not copied. */
void set_annotation(struct arena *arena, struct value *object, const char *key, struct slice text);

/* Cells. */
struct value cell_text(struct slice text);
struct value cell_cstr(const char *text);
struct value cell_format(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The names (or images) of a pod spec's containers, by commas. */
struct value cell_container_names(struct arena *arena, const struct value *pod_spec);
struct value cell_container_images(struct arena *arena, const struct value *pod_spec);
/* "5d3h", "12s", "<invalid>": as k8s.io/apimachinery duration.HumanDuration. */
struct slice human_duration(struct arena *arena, int64_t seconds);
/* The age of a time's text; "<unknown>" when it is unset. */
struct value cell_age(struct arena *arena, const struct value *time, int64_t now);
/* Texts joined by commas. */
struct slice join_strings(struct arena *arena, const struct value *list);
/* Seconds of a time's text; 0 when unset. */
int64_t time_seconds(const struct value *time);

#endif
