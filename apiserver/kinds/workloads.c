#include "apiserver/kinds/apps.h"

const struct kind *const kinds_workloads[] = {
    &kind_deployments,
    &kind_replicasets,
    &kind_statefulsets,
    &kind_daemonsets,
    &kind_controllerrevisions,
    &kind_replicationcontrollers,
    &kind_jobs,
    &kind_cronjobs,
    &kind_horizontalpodautoscalers,
    &kind_poddisruptionbudgets,
    NULL,
};
