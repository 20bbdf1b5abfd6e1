/* PersistentVolumeClaimResize: a claim grows only when it is bound and its class says that its volumes can.
 */
#include "admission/admission.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/storage_v1.h"
#include "openapi/quota_usage.h"

static struct quantity size_of(const struct value *claim)
{
    const struct value *spec = value_at(claim, core_v1_PersistentVolumeClaim_spec);
    const struct value *requests = value_at(value_at(spec, core_v1_PersistentVolumeClaimSpec_resources),
                                            core_v1_VolumeResourceRequirements_requests);
    return quantity_of(value_text(value_get(requests, SLICE("storage"))));
}

static bool may_grow(struct admission_request *req)
{
    const struct schema_resource *classes =
        schema_find_resource(SLICE("storage.k8s.io"), SLICE("v1"), SLICE("storageclasses"));
    struct slice name = quota_storage_class(req->object);
    struct value class;
    return name.len && slice_eq(name, quota_storage_class(req->old)) &&
           req->lookup->get(req->lookup->arg, req->arena, classes, SLICE(""), name, &class) &&
           value_bool(value_at(&class, storage_v1_StorageClass_allowVolumeExpansion));
}

static bool validate(struct admission_request *req, struct error *err)
{
    if (req->subresource.len || !req->old)
        return true;
    struct quantity size = size_of(req->object), before = size_of(req->old);
    if (quantity_cmp(&size, &before) <= 0)
        return true;
    const struct value *status = value_at(req->old, core_v1_PersistentVolumeClaim_status);
    if (!value_is(value_at(status, core_v1_PersistentVolumeClaimStatus_phase), "Bound"))
        return admission_forbid(req, err, "only bound persistent volume claims can be expanded");
    return may_grow(req) ||
           admission_forbid(req, err,
                            "only dynamically provisioned pvc can be resized and the storageclass that "
                            "provisions the pvc must support resize");
}

const struct admission_plugin admission_claim_resize = {
    .name = "PersistentVolumeClaimResize",
    .operations = ADMISSION_UPDATE,
    .group = "",
    .resource = "persistentvolumeclaims",
    .validate = validate,
    .quick = true,
};
