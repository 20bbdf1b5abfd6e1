#include "apiserver/kinds/pod_parts.h"

/*
 * Fields that belong to features which are off by default. They go from what a client sends, unless the old
 * object has some of the same feature already. One walk over the tree finds them all.
 */

enum feature {
    EMPTY_DIR_MODE = 1,
    BIND_OPTIONS = 2,
    STOP_SIGNAL = 4,
    HTTP_PROTOCOL = 8,
    GRPC_MODE = 16,
    VOLUME_USER = 32,
    SCHEDULING_GROUP = 64,
    EVICTION_RESPONDERS = 128,
    VOLUME_HEALTH = 256,
    NODE_ALLOCATABLE = 512,
    IMAGE_DIGEST = 1024,
};

static const struct {
    const struct schema_type *type;
    const char *field;
    enum feature feature;
} gated[] = {
    {&core_v1_EmptyDirVolumeSource, "mode", EMPTY_DIR_MODE},
    {&core_v1_VolumeMount, "bindMountOptions", BIND_OPTIONS},
    {&core_v1_Lifecycle, "stopSignal", STOP_SIGNAL},
    {&core_v1_HTTPGetAction, "protocol", HTTP_PROTOCOL},
    {&core_v1_GRPCAction, "mode", GRPC_MODE},
    {&core_v1_SecretVolumeSource, "defaultUser", VOLUME_USER},
    {&core_v1_ConfigMapVolumeSource, "defaultUser", VOLUME_USER},
    {&core_v1_DownwardAPIVolumeSource, "defaultUser", VOLUME_USER},
    {&core_v1_ProjectedVolumeSource, "defaultUser", VOLUME_USER},
    {&core_v1_KeyToPath, "user", VOLUME_USER},
    {&core_v1_DownwardAPIVolumeFile, "user", VOLUME_USER},
    {&core_v1_ServiceAccountTokenProjection, "user", VOLUME_USER},
    {&core_v1_ClusterTrustBundleProjection, "user", VOLUME_USER},
    {&core_v1_PodCertificateProjection, "user", VOLUME_USER},
    {&core_v1_PodSpec, "schedulingGroup", SCHEDULING_GROUP},
    {&core_v1_PodSpec, "evictionResponders", EVICTION_RESPONDERS},
    {&core_v1_PodStatus, "volumeHealth", VOLUME_HEALTH},
    {&core_v1_PodStatus, "nodeAllocatableResourceClaimStatuses", NODE_ALLOCATABLE},
    {&core_v1_VolumeMountStatus, "volumeStatus", IMAGE_DIGEST},
};

/* The fields of gated features in one record: those in `drop` go; returns those that were there. */
static unsigned visit_record(struct value_record *record, unsigned drop)
{
    unsigned found = 0;
    for (size_t i = 0; i < sizeof gated / sizeof *gated; i++) {
        if (gated[i].type != record->type)
            continue;
        int field = schema_find_field(record->type, gated[i].field, strlen(gated[i].field));
        if (field < 0 || !value_is_set(&record->fields[field]))
            continue;
        found |= (unsigned)gated[i].feature;
        if (drop & (unsigned)gated[i].feature)
            record->fields[field] = value_absent;
    }
    return found;
}

static bool is_empty(const struct value_record *record)
{
    for (unsigned i = 0; i < record->type->field_count; i++) {
        if (value_is_set(&record->fields[i]))
            return false;
    }
    return true;
}

static unsigned visit(struct value *v, unsigned drop)
{
    unsigned found = 0;
    if (v->kind == VALUE_LIST) {
        for (uint32_t i = 0; i < v->list->count; i++)
            found |= visit(&v->list->items[i], drop);
    } else if (v->kind == VALUE_RECORD) {
        found = visit_record(v->record, drop);
        for (unsigned i = 0; i < v->record->type->field_count; i++)
            found |= visit(&v->record->fields[i], drop);
        /* A lifecycle of nothing but a stop signal goes with it. */
        if ((found & drop & STOP_SIGNAL) && v->record->type == &core_v1_Lifecycle && is_empty(v->record))
            *v = value_absent;
    }
    return found;
}

static void drop_unused(struct value *v, const struct value *old)
{
    struct value present = *old; /* nothing is dropped, so nothing of it is changed */
    visit(v, ~visit(&present, 0));
}

void pod_drop_disabled(struct value *spec, const struct value *old_spec)
{
    drop_unused(spec, old_spec);
}

void pod_status_drop_disabled(struct value *status, const struct value *old_status)
{
    drop_unused(status, old_status);
}
