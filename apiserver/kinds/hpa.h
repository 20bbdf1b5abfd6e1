/*
 * hpa: parts of horizontalpodautoscalers that stand in files of their own. All work on autoscaling/v2, the
 * stored version. Pure; any thread.
 */
#ifndef APISERVER_KINDS_HPA_H
#define APISERVER_KINDS_HPA_H

#include "openapi/causes.h"

/* A CrossVersionObjectReference. */
void check_hpa_reference(struct causes *c, const struct path *at, const struct value *ref,
                         bool allow_any_version, bool allow_no_group);
bool hpa_api_version_good(const struct value *ref, bool allow_no_group);

void check_hpa_metrics(struct causes *c, const struct path *at, const struct value *spec,
                       const struct value *old_spec);
/* The cell "Targets": "cpu: 20%/80%, 5/10 + 1 more...". */
struct slice hpa_metrics_text(struct arena *arena, const struct value *spec, const struct value *status);

#endif
