/*
 * apps: what the kinds that keep replicas of a pod share beyond workload.h. See there.
 */
#ifndef APISERVER_KINDS_APPS_H
#define APISERVER_KINDS_APPS_H

#include "apiserver/kinds/kind.h"

/* The selector of a deployment or replica set, and the template it selects: both required, strict and
 * matching. */
void check_replica_selector(struct kind_request *req, const struct path *spec_at,
                            const struct value *selector, const struct value *template,
                            const struct value *old_template);

extern const struct kind kind_deployments, kind_replicasets, kind_statefulsets, kind_daemonsets,
    kind_controllerrevisions, kind_replicationcontrollers, kind_jobs, kind_cronjobs,
    kind_horizontalpodautoscalers, kind_poddisruptionbudgets;

#endif
