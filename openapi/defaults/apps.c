#include "openapi/default.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/hooks.h"
#include "openapi/gen/meta_v1.h"

static void default_update_strategy(struct value *spec, struct arena *arena)
{
    struct value *strategy = value_ensure_record(arena, spec, apps_v1_StatefulSetSpec_updateStrategy);
    struct value *rolling = value_mut(strategy, apps_v1_StatefulSetUpdateStrategy_rollingUpdate);
    if (!value_is_set(value_at(strategy, apps_v1_StatefulSetUpdateStrategy_type))) {
        default_text(strategy, apps_v1_StatefulSetUpdateStrategy_type, "RollingUpdate");
        value_ensure_record(arena, strategy, apps_v1_StatefulSetUpdateStrategy_rollingUpdate);
    }
    if (!value_is(value_at(strategy, apps_v1_StatefulSetUpdateStrategy_type), "RollingUpdate") ||
        !value_is_set(rolling))
        return;
    default_int(rolling, apps_v1_RollingUpdateStatefulSetStrategy_partition, 0);
    default_int(rolling, apps_v1_RollingUpdateStatefulSetStrategy_maxUnavailable, 1);
}

void default_hook_apps_v1_StatefulSet(struct value *record, struct arena *arena)
{
    struct value *spec = value_ensure_record(arena, record, apps_v1_StatefulSet_spec);
    default_update_strategy(spec, arena);
    /* Claims made from a template are whole objects; upstream stores them with their type named. */
    struct value *claims = value_mut(spec, apps_v1_StatefulSetSpec_volumeClaimTemplates);
    for (size_t i = 0; i < value_count(claims); i++) {
        default_text(&claims->list->items[i], core_v1_PersistentVolumeClaim_apiVersion, "v1");
        default_text(&claims->list->items[i], core_v1_PersistentVolumeClaim_kind, "PersistentVolumeClaim");
    }
}

/* The numbers of a rolling update are filled in only when that is the strategy; with another they are a
 * mistake to be shown. */
static struct value *rolling_update(struct value *strategy, unsigned type, unsigned rolling)
{
    bool applies =
        value_is(value_at(strategy, type), "RollingUpdate") && value_is_set(value_at(strategy, rolling));
    return applies ? value_mut(strategy, rolling) : NULL;
}

void default_hook_apps_v1_DeploymentStrategy(struct value *record, struct arena *arena)
{
    (void)arena;
    struct value *rolling =
        rolling_update(record, apps_v1_DeploymentStrategy_type, apps_v1_DeploymentStrategy_rollingUpdate);
    if (!rolling)
        return;
    default_text(rolling, apps_v1_RollingUpdateDeployment_maxUnavailable, "25%");
    default_text(rolling, apps_v1_RollingUpdateDeployment_maxSurge, "25%");
}

/* How often the template changed stands in an annotation, also while it is zero: whoever writes the object
 * owns it. */
void default_hook_apps_v1_DaemonSet(struct value *record, struct arena *arena)
{
    struct value *meta = value_ensure_record(arena, record, apps_v1_DaemonSet_metadata);
    struct value *annotations = value_mut(meta, meta_v1_ObjectMeta_annotations);
    struct value *text = value_put(arena, annotations, SLICE("deprecated.daemonset.template.generation"));
    if (!value_is_set(text))
        *text = value_of_cstr("0");
}

void default_hook_apps_v1_DaemonSetUpdateStrategy(struct value *record, struct arena *arena)
{
    (void)arena;
    struct value *rolling = rolling_update(record, apps_v1_DaemonSetUpdateStrategy_type,
                                           apps_v1_DaemonSetUpdateStrategy_rollingUpdate);
    if (!rolling)
        return;
    default_int(rolling, apps_v1_RollingUpdateDaemonSet_maxUnavailable, 1);
    default_int(rolling, apps_v1_RollingUpdateDaemonSet_maxSurge, 0);
}
