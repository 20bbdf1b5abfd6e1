/* validatingwebhookconfigurations, mutatingwebhookconfigurations: who else is asked about a write. Rules:
 * pkg/apis/admissionregistration/validation, apiserver/pkg/util/webhook. What an old object got away with,
 * its update may too. */
#include "apiserver/kinds/admission_parts.h"
#include "openapi/names.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"

enum { MAX_TIMEOUT = 30 };

static const char *const quiet[] = {"None", "NoneOnDryRun", NULL};
static const char *const any_effects[] = {"None", "NoneOnDryRun", "Some", "Unknown", NULL};

struct allowances { /* by what is stored already */
    bool conditions, side_effects, unknown_versions, double_names, any_label_value;
};

/* ---- where the hook is ---- */

/* The parts of a URL, as far as rules look at them. False when it is none. */
static bool url_split(struct slice url, struct slice *scheme, struct slice *user, struct slice *host,
                      struct slice *query, struct slice *fragment)
{
    const char *sep = memmem(url.ptr, url.len, "://", 3);
    struct slice rest = url, before;

    *scheme = *user = *host = *query = *fragment = SLICE("");
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] < 0x20 || url.ptr[i] == 0x7f)
            return false;
    if (slice_split(&rest, '#', &before) && rest.ptr)
        *fragment = rest;
    rest = before;
    if (slice_split(&rest, '?', &before) && rest.ptr)
        *query = rest;
    if (!sep || sep >= before.ptr + before.len) {
        long colon = slice_find(before, ':'), slash = slice_find(before, '/');
        if (colon >= 0 && (slash < 0 || colon < slash))
            *scheme = slice_make(before.ptr, (size_t)colon); /* "mailto:x", "host:80" */
        return colon != 0;
    }
    *scheme = slice_make(url.ptr, (size_t)(sep - url.ptr));
    rest = slice_from(before, scheme->len + 3);
    slice_split(&rest, '/', host);
    long at = slice_find(*host, '@');
    if (at >= 0) {
        *user = slice_make(host->ptr, (size_t)at);
        *host = slice_from(*host, (size_t)at + 1);
    }
    return scheme->len && slice_find(*host, ' ') < 0;
}

static void check_url(struct causes *c, const struct path *at, struct slice url)
{
    struct slice scheme, user, host, query, fragment;

    if (!url_split(url, &scheme, &user, &host, &query, &fragment)) {
        causes_required(c, at, "must be a URL: https://host[/path]");
        return;
    }
    if (!slice_is(scheme, "https"))
        causes_invalid_text(c, at, scheme, "'https' is the only scheme: https://host[/path]");
    if (!host.len)
        causes_invalid_text(c, at, host, "must name a host: https://host[/path]");
    if (user.len)
        causes_invalid_text(c, at, user, "user information is not permitted in the URL");
    if (fragment.len)
        causes_invalid_text(c, at, fragment, "fragments are not permitted in the URL");
    if (query.len)
        causes_invalid_text(c, at, query, "query parameters are not permitted in the URL");
}

static void check_url_path(struct causes *c, const struct path *at, struct slice path)
{
    struct slice rest = path, step;

    if (!path.len || slice_is(path, "/"))
        return;
    if (slice_is(path, "//")) {
        causes_invalid_text(c, at, path, "segment[0] may not be empty");
        return;
    }
    if (path.ptr[0] != '/')
        causes_invalid_text(c, at, path, "must start with a '/'");
    rest = slice_from(path, 1);
    if (slice_ends(rest, SLICE("/")))
        rest.len--;
    for (size_t i = 0; slice_split(&rest, '/', &step); i++) {
        const char *faults[NAME_MAX_FAULTS];
        size_t count = step.len ? name_faults(step, name_check_subdomain, faults) : 0;
        if (!step.len)
            causes_invalid_text(c, at, path, "segment[%zu] may not be empty", i);
        for (size_t k = 0; k < count; k++)
            causes_invalid_text(c, at, path, "segment[%zu]: %s", i, faults[k]);
    }
}

void check_webhook_client(struct causes *c, const struct path *at, const struct value *client)
{
    const struct value *url = field_of(client, "url"), *service = field_of(client, "service");
    struct path service_at = path_field(at, "service");

    if (value_is_set(url) == value_is_set(service)) {
        causes_required(c, at, "exactly one of url or service is required");
        return;
    }
    if (value_is_set(url)) {
        check_url(c, PATH(at, "url"), value_text(url));
        return;
    }
    /* Upstream's caller and callee disagree on which comes first, so each of the two is missed in the other's
     * place. */
    if (!text_at(service, "namespace").len)
        causes_required(c, PATH(&service_at, "name"), "");
    if (!text_at(service, "name").len)
        causes_required(c, PATH(&service_at, "namespace"), "");
    check_port(c, PATH(&service_at, "port"), value_int(field_of(service, "port"), 0));
    check_url_path(c, PATH(&service_at, "path"), text_at(service, "path"));
}

/* ---- a hook ---- */

static void check_hook_name(struct causes *c, const struct path *at, struct slice name)
{
    size_t dots = 0;

    for (size_t i = 0; i < name.len; i++)
        dots += name.ptr[i] == '.';
    if (!name.len)
        causes_required(c, at, "");
    else if (name_check_subdomain(name))
        causes_invalid_text(c, at, name, "%s", name_check_subdomain(name));
    else if (dots < 2)
        causes_invalid_text(c, at, name, "must be a domain of at least three segments separated by dots");
}

static bool is_known_version(struct slice version)
{
    return slice_is(version, "v1") || slice_is(version, "v1beta1");
}

static bool knows_a_version(const struct value *list)
{
    return list_has_text(list, "v1") || list_has_text(list, "v1beta1");
}

static void check_versions(struct causes *c, const struct path *at, const struct value *list, bool any)
{
    struct text_set seen = TEXT_SET(c->arena);
    bool known = false;

    if (!value_count(list)) {
        causes_required(c, at, "must specify one of v1, v1beta1");
        return;
    }
    for (size_t i = 0; i < value_count(list); i++) {
        struct slice version = value_text(value_item(list, i));
        if (!text_set_add(&seen, version)) {
            causes_invalid_text(c, PATH_I(at, i), version, "duplicate version");
            continue;
        }
        check_name(c, PATH_I(at, i), version, name_check_label_1035);
        known |= is_known_version(version);
    }
    if (!any && !known)
        causes_invalid_shown(c, at, shown_list(c->arena, list), "must include at least one of v1, v1beta1");
}

static void check_side_effects(struct causes *c, const struct path *at, const struct value *effects, bool any)
{
    if (!value_is_set(effects))
        causes_required(c, at, "must be one of %s",
                        any ? "None, NoneOnDryRun, Some, Unknown" : "None, NoneOnDryRun");
    else
        check_if_set(c, at, effects, any ? any_effects : quiet);
}

static void check_hook(struct causes *c, const struct path *at, const struct value *hook,
                       const struct allowances *allow)
{
    const struct value *rules = field_of(hook, "rules"), *timeout = field_of(hook, "timeoutSeconds");
    struct path rules_at = path_field(at, "rules");

    check_hook_name(c, PATH(at, "name"), text_at(hook, "name"));
    for (size_t i = 0; i < value_count(rules); i++)
        check_operation_rule(c, PATH_I(&rules_at, i), value_item(rules, i));
    check_if_set(c, PATH(at, "failurePolicy"), field_of(hook, "failurePolicy"), failure_policies);
    check_if_set(c, PATH(at, "matchPolicy"), field_of(hook, "matchPolicy"), match_policies);
    check_side_effects(c, PATH(at, "sideEffects"), field_of(hook, "sideEffects"), allow->side_effects);
    if (timeout->kind == VALUE_INT && (timeout->i < 1 || timeout->i > MAX_TIMEOUT))
        causes_invalid_int(c, PATH(at, "timeoutSeconds"), timeout->i, "must be between 1 and %d seconds",
                           MAX_TIMEOUT);
    check_label_selector_values(c, PATH(at, "namespaceSelector"), field_of(hook, "namespaceSelector"),
                                allow->any_label_value);
    check_label_selector_values(c, PATH(at, "objectSelector"), field_of(hook, "objectSelector"),
                                allow->any_label_value);
    check_if_set(c, PATH(at, "reinvocationPolicy"), field_of(hook, "reinvocationPolicy"),
                 reinvocation_policies);
    check_webhook_client(c, PATH(at, "clientConfig"), field_of(hook, "clientConfig"));
    if (!allow->conditions)
        check_match_conditions(c, PATH(at, "matchConditions"), field_of(hook, "matchConditions"));
    check_versions(c, PATH(at, "admissionReviewVersions"), field_of(hook, "admissionReviewVersions"),
                   allow->unknown_versions);
}

/* ---- the configuration ---- */

static bool same_conditions(const struct value *hooks, const struct value *old_hooks)
{
    if (value_count(hooks) != value_count(old_hooks))
        return false;
    for (size_t i = 0; i < value_count(hooks); i++)
        if (!value_equal(field_of(value_item(hooks, i), "matchConditions"),
                         field_of(value_item(old_hooks, i), "matchConditions")))
            return false;
    return true;
}

static struct allowances allowances_of(struct arena *arena, const struct value *hooks,
                                       const struct value *old_hooks)
{
    struct allowances allow = {.conditions = same_conditions(hooks, old_hooks)};
    struct text_set seen = TEXT_SET(arena);
    struct causes found = {.arena = arena};

    for (VALUE_EACH(hook, old_hooks)) {
        const struct value *versions = field_of(hook, "admissionReviewVersions");
        allow.side_effects |= !text_is_one_of(text_at(hook, "sideEffects"), quiet);
        allow.unknown_versions |= value_count(versions) && !knows_a_version(versions);
        allow.double_names |= !text_set_add(&seen, text_at(hook, "name"));
        check_label_selector(&found, NULL, field_of(hook, "namespaceSelector"));
        check_label_selector(&found, NULL, field_of(hook, "objectSelector"));
    }
    allow.any_label_value = found.count > 0;
    return allow;
}

/* Reviews are asked in the course of admission: hooks never hear of them. */
static void warn_unheard(struct kind_request *req, size_t hook, size_t rule, struct slice group,
                         struct slice resource)
{
    static const struct {
        const char *group, *resource;
    } unheard[] = {
        {"authentication.k8s.io", "selfsubjectreviews"},
        {"authentication.k8s.io", "tokenreviews"},
        {"authorization.k8s.io", "localsubjectaccessreviews"},
        {"authorization.k8s.io", "selfsubjectaccessreviews"},
        {"authorization.k8s.io", "selfsubjectrulesreviews"},
        {"authorization.k8s.io", "subjectaccessreviews"},
    };

    for (size_t i = 0; i < sizeof unheard / sizeof *unheard; i++)
        if (slice_is(group, unheard[i].group) && slice_is(resource, unheard[i].resource))
            kind_warn(req,
                      "webhooks[%zu].rules[%zu]: %s.%s is excluded from admission webhooks; this rule has no "
                      "effect",
                      hook, rule, unheard[i].resource, unheard[i].group);
}

static void warn_rules(struct kind_request *req, size_t hook, const struct value *rules)
{
    for (size_t i = 0; i < value_count(rules); i++) {
        const struct value *groups = field_of(value_item(rules, i), "apiGroups");
        const struct value *resources = field_of(value_item(rules, i), "resources");
        struct text_set seen = TEXT_SET(req->arena);
        if (list_has_text(groups, "*") || list_has_text(resources, "*"))
            continue;
        for (VALUE_EACH(group, groups))
            for (VALUE_EACH(resource, resources))
                if (text_set_add(&seen, arena_slicef(req->arena, "%.*s/%.*s", SLICE_ARG(value_text(group)),
                                                     SLICE_ARG(value_text(resource)))))
                    warn_unheard(req, hook, i, value_text(group), value_text(resource));
    }
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *hooks = field_of(object, "webhooks");
    struct allowances allow = {0};
    struct path at = path_field(NULL, "webhooks");
    struct text_set seen = TEXT_SET(req->arena);

    if (old)
        allow = allowances_of(req->arena, hooks, field_of(old, "webhooks"));
    for (size_t i = 0; i < value_count(hooks); i++) {
        struct slice name = text_at(value_item(hooks, i), "name");
        struct path item_at = path_index(&at, i);
        check_hook(req->causes, &item_at, value_item(hooks, i), &allow);
        if (name.len && !text_set_add(&seen, name) && !allow.double_names)
            causes_duplicate(req->causes, PATH(&item_at, "name"), name);
        warn_rules(req, i, field_of(value_item(hooks, i), "rules"));
    }
    check_static_suffix(req, object, old);
}

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = value_of_int((int64_t)value_count(field_of(object, "webhooks")));
}

const struct kind kind_mutatingwebhookconfigurations = {.group = "admissionregistration.k8s.io",
                                                        .resource = "mutatingwebhookconfigurations",
                                                        .counts_generation = true,
                                                        .requires_version_on_update = true,
                                                        .validate = validate,
                                                        .row = row};
const struct kind kind_validatingwebhookconfigurations = {.group = "admissionregistration.k8s.io",
                                                          .resource = "validatingwebhookconfigurations",
                                                          .counts_generation = true,
                                                          .requires_version_on_update = true,
                                                          .validate = validate,
                                                          .row = row};
