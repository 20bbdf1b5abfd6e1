/*
 * ServiceAccount: a pod that names no service account runs as "default" and takes over that account's image pull secrets.
 * Not here yet: refusing pods whose account does not exist, and the token volume; both need the controllers and tokens.
 */
#include "admission/admission.h"
#include "openapi/gen/core_v1.h"

static bool mutate(struct admission_request *req, struct error *err)
{
    (void)err;
    struct value *spec = value_ensure_record(req->arena, req->object, core_v1_Pod_spec);
    struct value *name = value_mut(spec, core_v1_PodSpec_serviceAccountName);
    struct value *secrets = value_mut(spec, core_v1_PodSpec_imagePullSecrets), account;
    const struct schema_resource *accounts = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("serviceaccounts"));
    if (req->subresource.len)
        return true;
    if (!value_text(name).len)
        *name = value_of_cstr("default");
    *value_mut(spec, core_v1_PodSpec_serviceAccount) = *name; /* the old name of the same field */
    if (value_count(secrets) == 0 &&
        req->lookup->get(req->lookup->arg, req->arena, accounts, req->namespace, value_text(name), &account))
        *secrets = *value_at(&account, core_v1_ServiceAccount_imagePullSecrets);
    return true;
}

const struct admission_plugin admission_service_account = {
    .name = "ServiceAccount",
    .operations = ADMISSION_CREATE,
    .group = "",
    .resource = "pods",
    .mutate = mutate,
};
