#include "apiserver/kinds/core.h"

/*
 * Namespaces end in two steps: deletion marks them (deletionTimestamp, phase Terminating) and they stay while
 * spec.finalizers holds anything; whoever has emptied them takes "kubernetes" out of it through the
 * subresource "finalize", and then they go.
 */

static bool is_finalize(const struct kind_request *req)
{
    return slice_is(req->subresource, "finalize");
}

static void set_phase(struct arena *arena, struct value *object, const char *phase)
{
    struct value *status = value_ensure_record(arena, object, core_v1_Namespace_status);
    *value_mut(status, core_v1_NamespaceStatus_phase) = value_of_cstr(phase);
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    *value_mut(object, core_v1_Namespace_status) = value_absent;
    set_phase(req->arena, object, "Active");
    struct value *spec = value_ensure_record(req->arena, object, core_v1_Namespace_spec);
    struct value *finalizers = value_mut(spec, core_v1_NamespaceSpec_finalizers);
    for (VALUE_EACH(finalizer, finalizers)) {
        if (value_is(finalizer, "kubernetes"))
            return;
    }
    *value_append(req->arena, finalizers) = value_of_cstr("kubernetes");
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    if (slice_is(req->subresource, "status"))
        return;
    *value_mut(object, core_v1_Namespace_status) = *AT(old, Namespace, status);
    if (!is_finalize(req))
        *value_mut(object, core_v1_Namespace_spec) = *AT(old, Namespace, spec);
}

static void check_finalizer(struct causes *c, const struct path *at, struct slice name)
{
    check_name(c, at, name, name_check_qualified);
    if (slice_find(name, '/') < 0 && !slice_is(name, "kubernetes") && !slice_is(name, "orphan") &&
        !slice_is(name, "foregroundDeletion"))
        causes_invalid_text(c, at, name,
                            "name is neither a standard finalizer name nor is it fully qualified");
}

static void check_status(struct kind_request *req, const struct value *object)
{
    const struct value *meta = AT(object, Namespace, metadata);
    const struct value *phase = AT(AT(object, Namespace, status), NamespaceStatus, phase);
    bool deleting = value_is_set(value_at(meta, meta_v1_ObjectMeta_deletionTimestamp));
    const char *wanted = deleting ? "Terminating" : "Active";
    if (!value_is(phase, wanted))
        causes_invalid_text(req->causes, PATH(PATH(NULL, "status"), "Phase"), value_text(phase),
                            "must be '%s' %s `deletionTimestamp`", wanted, deleting ? "with a" : "without a");
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct path *at = PATH(PATH(NULL, "spec"), "finalizers");
    const struct value *finalizers = AT(AT(object, Namespace, spec), NamespaceSpec, finalizers);
    if (slice_is(req->subresource, "status")) {
        check_status(req, object);
        return;
    }
    for (size_t i = 0; i < value_count(finalizers); i++)
        check_finalizer(req->causes, is_finalize(req) ? PATH_I(at, i) : at,
                        value_text(value_item(finalizers, i)));
}

static bool may_vanish(const struct value *object)
{
    return !value_count(AT(AT(object, Namespace, spec), NamespaceSpec, finalizers));
}

static void prepare_delete(struct kind_request *req, struct value *object)
{
    set_phase(req->arena, object, "Terminating");
    struct value *meta = value_ensure_record(req->arena, object, core_v1_Namespace_metadata);
    *value_mut(meta, meta_v1_ObjectMeta_deletionGracePeriodSeconds) = value_absent; /* namespaces know none */
}

const struct kind kind_namespaces = {
    .group = "",
    .resource = "namespaces",
    .name_rule = NAME_LABEL,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .may_vanish = may_vanish,
    .prepare_delete = prepare_delete,
};
