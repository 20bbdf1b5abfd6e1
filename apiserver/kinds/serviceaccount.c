#include "apiserver/kinds/core.h"

/* Of the secrets that an account names, only the names are kept. */
static void keep_names(struct kind_request *req, struct value *object)
{
    struct value *secrets = value_mut(object, core_v1_ServiceAccount_secrets);
    for (size_t i = 0; i < value_count(secrets); i++) {
        struct value only = value_new_record(req->arena, &core_v1_ObjectReference);
        *value_mut(&only, core_v1_ObjectReference_name) = *AT(value_item(secrets, i), ObjectReference, name);
        secrets->list->items[i] = only;
    }
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    keep_names(req, object);
}

static const struct value *enforcement(const struct value *object)
{
    return value_get(value_at(AT(object, ServiceAccount, metadata), meta_v1_ObjectMeta_annotations),
                     SLICE("kubernetes.io/enforce-mountable-secrets"));
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    if (value_is_set(enforcement(object)) && !(old && value_is_set(enforcement(old))))
        kind_warn(req, "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; "
                       "keep secrets apart by "
                       "namespaces");
}

const struct kind kind_serviceaccounts = {
    .group = "",
    .resource = "serviceaccounts",
    .returns_deleted = true,
    .prepare_create = keep_names,
    .prepare_update = prepare_update,
    .validate = validate,
};
