#include "openapi/default.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/hooks.h"

static void default_update_strategy(struct value *spec, struct arena *arena)
{
    struct value *strategy = value_ensure_record(arena, spec, apps_v1_StatefulSetSpec_updateStrategy);
    struct value *rolling = value_mut(strategy, apps_v1_StatefulSetUpdateStrategy_rollingUpdate);
    if (!value_is_set(value_at(strategy, apps_v1_StatefulSetUpdateStrategy_type))) {
        default_text(strategy, apps_v1_StatefulSetUpdateStrategy_type, "RollingUpdate");
        value_ensure_record(arena, strategy, apps_v1_StatefulSetUpdateStrategy_rollingUpdate);
    }
    if (!value_is(value_at(strategy, apps_v1_StatefulSetUpdateStrategy_type), "RollingUpdate") || !value_is_set(rolling))
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
