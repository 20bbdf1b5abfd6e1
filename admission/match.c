#include "admission/match.h"

#include "openapi/gen/admissionregistration_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/label_selector.h"

static bool has(const struct value *list, struct slice text)
{
    for (VALUE_EACH(item, list))
        if (value_is(item, "*") || slice_eq(value_text(item), text))
            return true;
    return false;
}

/* "pods" is the resource itself, "pods/status" one subresource, "pods/..." with a star any of them, a star
 * alone every resource without its subresources. */
static bool resource_matches(const struct value *resources, struct slice name, struct slice subresource)
{
    for (VALUE_EACH(item, resources)) {
        struct slice text = value_text(item);
        long at = slice_find(text, '/');
        struct slice first = at < 0 ? text : slice_make(text.ptr, (size_t)at);
        struct slice second = at < 0 ? SLICE("") : slice_from(text, (size_t)at + 1);
        if ((slice_is(first, "*") || slice_eq(first, name)) &&
            (slice_is(second, "*") || slice_eq(second, subresource)))
            return true;
    }
    return false;
}

static const char *operation_name(enum admission_operation operation)
{
    switch (operation) {
    case ADMISSION_CREATE:
        return "CREATE";
    case ADMISSION_UPDATE:
        return "UPDATE";
    case ADMISSION_DELETE:
        return "DELETE";
    case ADMISSION_CONNECT:
        return "CONNECT";
    }
    return "";
}

struct slice admission_operation_name(enum admission_operation operation)
{
    return slice_str(operation_name(operation));
}

static bool is_namespace(const struct schema_resource *resource)
{
    return !*resource->group && strcmp(resource->name, "namespaces") == 0;
}

/* Namespaces count as things of the cluster, although a request for one names itself as its namespace. */
static bool scope_matches(const struct value *scope, const struct admission_request *req,
                          const struct schema_resource *resource)
{
    if (!value_is_set(scope) || value_is(scope, "*"))
        return true;
    bool namespaced = req->namespace.len && !is_namespace(resource);
    return value_is(scope, namespaced ? "Namespaced" : "Cluster");
}

static bool rule_matches(const struct admission_request *req, const struct value *rule,
                         const struct schema_resource *resource)
{
    const struct value *names = value_get(rule, SLICE("resourceNames"));
    return scope_matches(value_get(rule, SLICE("scope")), req, resource) &&
           has(value_get(rule, SLICE("operations")), admission_operation_name(req->operation)) &&
           has(value_get(rule, SLICE("apiGroups")), slice_str(resource->group)) &&
           has(value_get(rule, SLICE("apiVersions")), slice_str(resource->version)) &&
           resource_matches(value_get(rule, SLICE("resources")), slice_str(resource->name),
                            req->subresource) &&
           (!value_count(names) || has(names, req->name));
}

const struct schema_resource *match_rules(const struct admission_request *req, const struct value *rules,
                                          bool equivalent)
{
    for (VALUE_EACH(rule, rules))
        if (rule_matches(req, rule, req->asked))
            return req->asked;
    if (!equivalent || !req->services)
        return NULL;
    for (VALUE_EACH(rule, rules)) {
        const struct schema_resource *other;
        for (size_t i = 0; (other = req->services->equivalent(req->services->arg, req->asked, i)); i++)
            if (rule_matches(req, rule, other))
                return other;
    }
    return NULL;
}

/* ---- selectors ---- */

static const struct value *labels_of(const struct value *object)
{
    return object ? value_at(value_get(object, SLICE("metadata")), meta_v1_ObjectMeta_labels) : &value_absent;
}

/* The labels of the namespace that the request is in; of one that is written, those it will have. */
static bool namespace_labels(struct admission_request *req, struct value *ret, struct error *err)
{
    const struct schema_resource *namespaces =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("namespaces"));
    struct value namespace;
    if (is_namespace(req->resource) && !req->subresource.len && req->object) {
        *ret = *labels_of(req->object);
        return true;
    }
    struct slice name = is_namespace(req->resource) ? req->name : req->namespace;
    if (!req->lookup->get(req->lookup->arg, req->arena, namespaces, SLICE(""), name, &namespace)) {
        error_set(err, REASON_NOT_FOUND, "namespaces \"%.*s\" not found", SLICE_ARG(name));
        return error_about(err, SLICE(""), SLICE("namespaces"), name);
    }
    *ret = *labels_of(&namespace);
    return true;
}

static bool namespace_matches(struct admission_request *req, const struct value *selector,
                              struct error *ret_error)
{
    struct value labels = value_absent;
    if (!value_is_set(selector) || label_selector_empty(selector))
        return true;
    if (!req->namespace.len && !is_namespace(req->resource))
        return true; /* things of the cluster are in no namespace that could be left out */
    return !namespace_labels(req, &labels, ret_error) || label_selector_matches(selector, &labels);
}

static bool object_matches(const struct admission_request *req, const struct value *selector)
{
    if (!value_is_set(selector) || label_selector_empty(selector))
        return true;
    return (req->object && label_selector_matches(selector, labels_of(req->object))) ||
           (req->old && label_selector_matches(selector, labels_of(req->old)));
}

bool match_selectors(struct admission_request *req, const struct value *namespace_selector,
                     const struct value *object_selector, struct error *ret_error)
{
    return object_matches(req, object_selector) && namespace_matches(req, namespace_selector, ret_error);
}

bool match_is_exempt(const struct admission_request *req)
{
    static const char *const names[] = {
        "mutatingwebhookconfigurations", "validatingwebhookconfigurations",
        "validatingadmissionpolicies",   "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies",     "mutatingadmissionpolicybindings",
    };
    if (strcmp(req->resource->group, "admissionregistration.k8s.io") != 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], req->resource->name) == 0)
            return true;
    return false;
}
