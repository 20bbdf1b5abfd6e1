#include "apiserver/custom/strategy.h"

#include <limits.h>

#include "apiserver/custom/definition.h"
#include "apiserver/custom/rules.h"
#include "openapi/gen/meta_v1.h"

static const struct custom_resource *custom_of(const struct kind_request *req)
{
    return req->resource->custom;
}

/* ---- scale ---- */

static const char *kind_name(const struct value *v)
{
    static const char *const names[] = {
        [VALUE_NULL] = "<nil>",    [VALUE_BOOL] = "bool",     [VALUE_INT] = "int64",
        [VALUE_FLOAT] = "float64", [VALUE_STRING] = "string", [VALUE_LIST] = "[]interface {}"};
    return v->kind < sizeof names / sizeof *names && names[v->kind] ? names[v->kind]
                                                                    : "map[string]interface {}";
}

static void check_replicas(struct causes *c, const struct value *object, const char *path)
{
    const struct value *v = value_path(object, path);
    const char *dotted = arena_printf(c->arena, ".%s", path);
    struct path at = path_field(NULL, dotted);
    if (!*path || !value_is_set(v))
        return;
    if (v->kind != VALUE_INT)
        causes_invalid_int(c, &at, 0, "%s accessor error: the value is of the type %s, expected int64",
                           dotted, kind_name(v));
    else if (v->i < 0)
        causes_invalid(c, &at, v, "should be a non-negative integer");
    else if (v->i > INT_MAX)
        causes_invalid(c, &at, v, "should be less than or equal to %d", INT_MAX);
}

static void check_scale(struct causes *c, const struct custom_resource *custom, const struct value *object,
                        bool status_only)
{
    const char *dotted = arena_printf(c->arena, ".%s", custom->label_selector);
    if (!custom->has_scale)
        return;
    if (!status_only)
        check_replicas(c, object, custom->spec_replicas);
    check_replicas(c, object, custom->status_replicas);
    const struct value *selector = value_path(object, custom->label_selector);
    if (*custom->label_selector && value_is_set(selector) && selector->kind != VALUE_STRING)
        causes_invalid_text(c, PATH(NULL, dotted), SLICE(""),
                            "%s accessor error: the value is of the type %s, expected string", dotted,
                            kind_name(selector));
}

/* ---- validation ---- */

static const struct schema_field *status_field(const struct schema *schema)
{
    int i = schema_find_field(schema->type, "status", 6);
    return i < 0 ? NULL : &schema->type->fields[i];
}

static void check_status(struct causes *c, const struct schema *schema, const struct value *object,
                         const struct value *old)
{
    const struct schema_field *field = status_field(schema);
    const struct value *status = value_get(object, SLICE("status")), *was = value_get(old, SLICE("status"));
    if (field && value_is_set(status))
        custom_validate(c, PATH(NULL, "status"), &field->schema, status, value_is_set(was) ? was : NULL);
}

/* Lists that were no good before may stay so. */
static void check_lists(struct causes *c, const struct schema *schema, const struct value *object,
                        const struct value *old)
{
    struct causes before = {.arena = c->arena};
    if (old)
        custom_validate_lists(&before, NULL, schema, old);
    if (!before.count)
        custom_validate_lists(c, NULL, schema, object);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct custom_resource *custom = custom_of(req);
    const struct schema *schema = custom_schema(custom);
    bool status_only = old && slice_is(req->subresource, "status");
    if (status_only)
        check_status(req->causes, schema, object, old);
    else
        custom_validate(req->causes, NULL, schema, object, old);
    check_scale(req->causes, custom, object, status_only);
    custom_validate_embedded(req->causes, NULL, schema, object);
    check_lists(req->causes, schema, object, old);
    if (custom->has_rules)
        custom_rules_validate(req->causes, schema, object, old);
}

/* ---- warnings ---- */

static bool is_standard(struct slice finalizer)
{
    return slice_is(finalizer, "orphan") || slice_is(finalizer, "foregroundDeletion") ||
           slice_is(finalizer, "kubernetes");
}

static const struct value *finalizers_of(const struct value *object)
{
    return value_at(value_get(object, SLICE("metadata")), meta_v1_ObjectMeta_finalizers);
}

static void warn_of_finalizers(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *list = finalizers_of(object), *before = old ? finalizers_of(old) : &value_absent;
    for (VALUE_EACH(item, list)) {
        struct slice name = value_text(item);
        bool known = is_standard(name) || slice_find(name, '/') >= 0;
        for (VALUE_EACH(was, before))
            known |= slice_eq(value_text(was), name);
        if (!known)
            kind_warn(req,
                      "metadata.finalizers: \"%.*s\": prefer a domain-qualified finalizer name%s to avoid "
                      "accidental conflicts "
                      "with other finalizer writers",
                      SLICE_ARG(name), slice_find(name, '.') >= 0 ? " including a path (/)" : "");
    }
}

static void validate_and_warn(struct kind_request *req, const struct value *object, const struct value *old)
{
    warn_of_finalizers(req, object, old);
    validate(req, object, old);
}

const struct kind custom_kind = {
    .group = "",
    .resource = "",
    .name_rule = NAME_SUBDOMAIN,
    .counts_generation = true,
    .requires_version_on_update = true,
    .validate = validate_and_warn,
};
