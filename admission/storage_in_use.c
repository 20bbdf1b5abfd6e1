/* StorageObjectInUseProtection: volumes, claims and their classes get a finalizer, so that they outlive what
 * uses them. */
#include "admission/admission.h"
#include "openapi/gen/meta_v1.h"

static bool mutate(struct admission_request *req, struct error *err)
{
    (void)err;
    static const struct {
        const char *group, *resource, *finalizer;
    } protected[] = {
        {"", "persistentvolumes", "kubernetes.io/pv-protection"},
        {"", "persistentvolumeclaims", "kubernetes.io/pvc-protection"},
        {"storage.k8s.io", "volumeattributesclasses", "kubernetes.io/vac-protection"},
    };
    const char *finalizer = NULL;
    for (size_t i = 0; i < sizeof protected / sizeof *protected; i++)
        if (strcmp(req->resource->group, protected[i].group) == 0 &&
            strcmp(req->resource->name, protected[i].resource) == 0)
            finalizer = protected[i].finalizer;
    if (!finalizer || req->subresource.len)
        return true;
    struct value *meta = value_get_mut(req->object, SLICE("metadata"));
    struct value *list = value_mut(meta, meta_v1_ObjectMeta_finalizers);
    for (VALUE_EACH(item, list))
        if (value_is(item, finalizer))
            return true;
    *value_append(req->arena, list) = value_of_cstr(finalizer);
    return true;
}

const struct admission_plugin admission_storage_in_use = {
    .name = "StorageObjectInUseProtection",
    .operations = ADMISSION_CREATE,
    .mutate = mutate,
    .quick = true,
};
