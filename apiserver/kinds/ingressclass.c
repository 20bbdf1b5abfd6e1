/* ingressclasses: networking.k8s.io/v1. Rules: pkg/apis/networking/validation. */
#include "openapi/names.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/gen/networking_v1.h"

enum { MAX_CONTROLLER = 250 };

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, networking_v1_IngressClass_spec);
}

static void check_scope(struct causes *c, const struct path *at, const struct value *params)
{
    static const char *const scopes[] = {"Cluster", "Namespace", NULL};
    const struct value *scope = value_at(params, networking_v1_IngressClassParametersReference_scope);
    const struct value *namespace = value_at(params, networking_v1_IngressClassParametersReference_namespace);
    struct path namespace_at = path_field(at, "namespace");
    if (!value_is_set(scope))
        causes_required(c, PATH(at, "scope"), "%s", "");
    else if (value_is(scope, "Cluster") && value_is_set(namespace))
        causes_forbidden(c, &namespace_at, "`parameters.scope` is set to 'Cluster'");
    else if (value_is(scope, "Namespace") && !value_is_set(namespace))
        causes_required(c, &namespace_at, "`parameters.scope` is set to 'Namespace'");
    else if (value_is(scope, "Namespace"))
        check_name(c, &namespace_at, value_text(namespace), name_check_label);
    else if (!value_is(scope, "Cluster"))
        causes_not_supported(c, PATH(at, "scope"), value_text(scope), scopes);
}

/* What is missing comes last, as it comes from the schema upstream. */
static void check_parameters(struct causes *c, const struct path *at, const struct value *params)
{
    static const unsigned fields[] = {networking_v1_IngressClassParametersReference_kind,
                                      networking_v1_IngressClassParametersReference_name};
    const struct value *group = value_at(params, networking_v1_IngressClassParametersReference_apiGroup);
    if (!value_is_set(params))
        return;
    if (value_is_set(group))
        check_name(c, PATH(at, "apiGroup"), value_text(group), name_check_subdomain);
    for (size_t i = 0; i < 2; i++)
        if (value_text(value_at(params, fields[i])).len)
            check_name(c, PATH(at, field_name(params, fields[i])), value_text(value_at(params, fields[i])),
                       name_check_path_segment);
    check_scope(c, at, params);
    for (size_t i = 0; i < 2; i++)
        if (!value_text(value_at(params, fields[i])).len)
            causes_required(c, PATH(at, field_name(params, fields[i])), "%s", "");
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *spec = spec_of(object),
                       *controller = value_at(spec, networking_v1_IngressClassSpec_controller);
    struct path at = path_field(NULL, "spec"), controller_at = path_field(&at, "controller");
    if (old && !value_equal(controller, value_at(spec_of(old), networking_v1_IngressClassSpec_controller)))
        causes_invalid_text(req->causes, &controller_at, value_text(controller), "field is immutable");
    if (value_text(controller).len > MAX_CONTROLLER)
        causes_too_long(req->causes, &controller_at, MAX_CONTROLLER);
    check_domain_prefixed_path(req->causes, &controller_at, value_text(controller));
    check_parameters(req->causes, PATH(&at, "parameters"),
                     value_at(spec, networking_v1_IngressClassSpec_parameters));
}

/* Name, Controller, Parameters, Age. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object),
                       *params = value_at(spec, networking_v1_IngressClassSpec_parameters);
    const struct value *annotations = value_at(object_metadata(object), meta_v1_ObjectMeta_annotations);
    struct slice group = value_text(value_at(params, networking_v1_IngressClassParametersReference_apiGroup));
    struct slice kind = value_text(value_at(params, networking_v1_IngressClassParametersReference_kind));
    struct slice name = value_text(value_at(params, networking_v1_IngressClassParametersReference_name));
    bool is_default =
        value_is(value_get(annotations, SLICE("ingressclass.kubernetes.io/is-default-class")), "true");
    cells[0] = cell_format(arena, "%.*s%s", SLICE_ARG(object_name(object)), is_default ? " (default)" : "");
    cells[1] = cell_text(value_text(value_at(spec, networking_v1_IngressClassSpec_controller)));
    cells[2] = cell_cstr("<none>");
    if (value_is_set(params))
        cells[2] = cell_format(arena, "%.*s%s%.*s/%.*s", SLICE_ARG(kind), group.len ? "." : "",
                               SLICE_ARG(group), SLICE_ARG(name));
    cells[3] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_ingressclasses = {
    .group = "networking.k8s.io",
    .resource = "ingressclasses",
    .counts_generation = true,
    .validate = validate,
    .row = row,
};
