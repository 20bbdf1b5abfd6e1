/* NamespaceLifecycle: the namespaces that a cluster cannot be without may not be deleted. That new objects
 * need a namespace that is there and not going away is a condition of the write itself (apiserver/write.c).
 */
#include "admission/admission.h"

static bool validate(struct admission_request *req, struct error *err)
{
    static const char *const immortal[] = {"default", "kube-system", "kube-public"};
    for (size_t i = 0; i < sizeof immortal / sizeof *immortal; i++)
        if (!req->subresource.len && slice_is(req->name, immortal[i]))
            return admission_forbid(req, err, "this namespace may not be deleted");
    return true;
}

const struct admission_plugin admission_namespace_lifecycle = {
    .name = "NamespaceLifecycle",
    .operations = ADMISSION_DELETE,
    .group = "",
    .resource = "namespaces",
    .validate = validate,
    .quick = true,
};
