#include "apiserver/kinds/admission_parts.h"
#include "openapi/names.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"

#define STATIC_SUFFIX ".static.k8s.io"

enum { MAX_CONDITIONS = 64 };

const char *const failure_policies[] = {"Fail", "Ignore", NULL};
const char *const match_policies[] = {"Equivalent", "Exact", NULL};
const char *const reinvocation_policies[] = {"IfNeeded", "Never", NULL};

bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\n\v\f\r", text.ptr[i]))
            return false;
    return true;
}

void check_if_set(struct causes *c, const struct path *at, const struct value *text, const char *const *known)
{
    if (value_is_set(text) && !text_is_one_of(value_text(text), known))
        causes_not_supported(c, at, value_text(text), known);
}

void check_static_suffix(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct slice name = object_name(object);

    if (!slice_ends(name, SLICE(STATIC_SUFFIX)))
        return;
    if (old)
        kind_warn(req,
                  "metadata.name: names ending with \"" STATIC_SUFFIX "\" are kept for configuration files");
    else
        causes_invalid_text(req->causes, PATH(PATH(NULL, "metadata"), "name"), name,
                            "names ending with \"" STATIC_SUFFIX "\" are kept for configuration files");
}

/* '*' stands alone. */
static void check_star_alone(struct causes *c, const struct path *at, const struct value *list,
                             const char *what)
{
    if (!value_count(list))
        causes_required(c, at, "");
    if (value_count(list) > 1 && list_has_text(list, "*"))
        causes_invalid_shown(c, at, shown_list(c->arena, list),
                             "if '*' is present, must not specify other %s", what);
}

struct resource_scan {
    struct text_set with_all_subresources, subresources_of_all;
    bool everything, all_resources, plain;
};

static void check_resource(struct causes *c, const struct path *at, struct slice text,
                           struct resource_scan *scan)
{
    struct slice resource, rest = text;

    scan->everything |= slice_is(text, "*/*");
    scan->all_resources |= slice_is(text, "*");
    slice_split(&rest, '/', &resource);
    if (!rest.ptr) {
        scan->plain = !slice_is(text, "*");
        return;
    }
    if (text_set_has(&scan->with_all_subresources, resource))
        causes_invalid_text(c, at, text, "if '%.*s/*' is present, must not specify %.*s", SLICE_ARG(resource),
                            SLICE_ARG(text));
    if (text_set_has(&scan->subresources_of_all, rest))
        causes_invalid_text(c, at, text, "if '*/%.*s' is present, must not specify %.*s", SLICE_ARG(rest),
                            SLICE_ARG(text));
    if (slice_is(rest, "*"))
        text_set_add(&scan->with_all_subresources, resource);
    if (slice_is(resource, "*"))
        text_set_add(&scan->subresources_of_all, rest);
}

static void check_resources(struct causes *c, const struct path *at, const struct value *list)
{
    struct resource_scan scan = {TEXT_SET(c->arena), TEXT_SET(c->arena), false, false, false};

    if (!value_count(list))
        causes_required(c, at, "");
    for (size_t i = 0; i < value_count(list); i++) {
        struct slice text = value_text(value_item(list, i));
        if (text.len)
            check_resource(c, PATH_I(at, i), text, &scan);
        else
            causes_required(c, PATH_I(at, i), "");
    }
    if (value_count(list) > 1 && scan.everything)
        causes_invalid_shown(c, at, shown_list(c->arena, list),
                             "if '*/*' is present, must not specify other resources");
    if (scan.all_resources && scan.plain)
        causes_invalid_shown(c, at, shown_list(c->arena, list),
                             "if '*' is present, must not specify other resources without subresources");
}

void check_operation_rule(struct causes *c, const struct path *at, const struct value *rule)
{
    static const char *const operations[] = {"*", "CONNECT", "CREATE", "DELETE", "UPDATE", NULL};
    static const char *const scopes[] = {"*", "Cluster", "Namespaced", NULL};
    const struct value *list = field_of(rule, "operations"), *versions = field_of(rule, "apiVersions"),
                       *groups = field_of(rule, "apiGroups");
    struct path operations_at = path_field(at, "operations"), versions_at = path_field(at, "apiVersions");

    check_star_alone(c, &operations_at, list, "operations");
    for (size_t i = 0; i < value_count(list); i++)
        check_if_set(c, PATH_I(&operations_at, i), value_item(list, i), operations);
    check_star_alone(c, PATH(at, "apiGroups"), groups, "API groups");
    check_star_alone(c, &versions_at, versions, "API versions");
    for (size_t i = 0; i < value_count(versions); i++)
        if (!value_text(value_item(versions, i)).len)
            causes_required(c, PATH_I(&versions_at, i), "");
    check_resources(c, PATH(at, "resources"), field_of(rule, "resources"));
    check_if_set(c, PATH(at, "scope"), field_of(rule, "scope"), scopes);
}

void check_match_conditions(struct causes *c, const struct path *at, const struct value *list)
{
    struct text_set seen = TEXT_SET(c->arena);

    if (value_count(list) > MAX_CONDITIONS)
        causes_too_many(c, at, (int64_t)value_count(list), MAX_CONDITIONS);
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *condition = value_item(list, i);
        struct path item_at = path_index(at, i), name_at = path_field(&item_at, "name");
        struct slice name = text_at(condition, "name");
        if (is_blank(text_at(condition, "expression")))
            causes_required(c, PATH(&item_at, "expression"), "");
        if (!name.len) {
            causes_required(c, &name_at, "");
            continue;
        }
        check_name(c, &name_at, name, name_check_qualified);
        if (!text_set_add(&seen, name))
            causes_duplicate(c, &name_at, name);
    }
}
