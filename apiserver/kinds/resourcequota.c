#include "apiserver/kinds/core.h"

#include "apiserver/kinds/shown.h"
#include "base/buf.h"

static bool among(struct slice name, const char *const *list)
{
    for (; *list; list++) {
        if (slice_is(name, *list))
            return true;
    }
    return false;
}

static bool is_scope(struct slice scope)
{
    static const char *const scopes[] = {"Terminating",
                                         "NotTerminating",
                                         "BestEffort",
                                         "NotBestEffort",
                                         "PriorityClass",
                                         "VolumeAttributesClass",
                                         "CrossNamespacePodAffinity",
                                         NULL};
    return among(scope, scopes);
}

/* May a quota on this resource have that scope? */
static bool scope_fits(struct slice scope, struct slice resource)
{
    static const char *const pods[] = {"pods",          "cpu",          "memory",          "limits.cpu",
                                       "limits.memory", "requests.cpu", "requests.memory", NULL};
    if (slice_is(scope, "BestEffort"))
        return slice_is(resource, "pods");
    if (slice_is(scope, "VolumeAttributesClass"))
        return slice_is(resource, "persistentvolumeclaims") || slice_is(resource, "requests.storage");
    return !is_scope(scope) || among(resource, pods);
}

static void check_list(struct causes *c, const struct path *at, const struct value *list)
{
    for (VALUE_EACH_ENTRY(entry, list)) {
        const struct path *key = PATH_K(at, entry->key);
        check_quota_resource_name(c, key, entry->key);
        check_resource_quantity(c, key, entry->key, &entry->value);
    }
}

enum { BEST_EFFORT = 1, NOT_BEST_EFFORT = 2, TERMINATING = 4, NOT_TERMINATING = 8 };

static unsigned bit_of(struct slice scope)
{
    return slice_is(scope, "BestEffort")       ? BEST_EFFORT
           : slice_is(scope, "NotBestEffort")  ? NOT_BEST_EFFORT
           : slice_is(scope, "Terminating")    ? TERMINATING
           : slice_is(scope, "NotTerminating") ? NOT_TERMINATING
                                               : 0;
}

static void check_conflicts(struct causes *c, const struct path *at, const struct value *scopes,
                            unsigned bits)
{
    if ((bits & (BEST_EFFORT | NOT_BEST_EFFORT)) == (BEST_EFFORT | NOT_BEST_EFFORT))
        causes_invalid(c, at, scopes, "conflicting scopes");
    if ((bits & (TERMINATING | NOT_TERMINATING)) == (TERMINATING | NOT_TERMINATING))
        causes_invalid(c, at, scopes, "conflicting scopes");
}

static void check_scopes(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *scopes = AT(spec, ResourceQuotaSpec, scopes);
    unsigned bits = 0;
    for (VALUE_EACH(scope, scopes)) {
        if (!is_scope(value_text(scope)))
            causes_invalid(c, at, scopes, "unsupported scope");
        for (VALUE_EACH_ENTRY(hard, AT(spec, ResourceQuotaSpec, hard))) {
            if (resource_is_standard_for_quotas(hard->key) && !scope_fits(value_text(scope), hard->key))
                causes_invalid(c, at, scopes, "unsupported scope applied to resource");
        }
        bits |= bit_of(value_text(scope));
    }
    check_conflicts(c, at, scopes, bits);
}

static void check_requirement(struct causes *c, const struct path *at, const struct value *requirement)
{
    static const char *const exist_only[] = {
        "BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity", NULL};
    const struct value *op = AT(requirement, ScopedResourceSelectorRequirement, operator);
    const struct value *values = AT(requirement, ScopedResourceSelectorRequirement, values);
    if (among(TEXT(requirement, ScopedResourceSelectorRequirement, scopeName), exist_only) &&
        !value_is(op, "Exists"))
        causes_invalid_text(c, PATH(at, "operator"), value_text(op), "must be 'Exists' with this scope");
    if (value_is(op, "In") || value_is(op, "NotIn")) {
        if (!value_count(values))
            causes_required(c, PATH(at, "values"),
                            "must be at least one value when `operator` is 'In' or 'NotIn'");
    } else if (value_is(op, "Exists") || value_is(op, "DoesNotExist")) {
        if (value_count(values))
            causes_invalid(c, PATH(at, "values"), values,
                           "must be no value when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
        causes_invalid_text(c, PATH(at, "operator"), value_text(op), "not a valid selector operator");
    }
}

static void check_selector(struct causes *c, const struct path *spec_at, const struct value *spec)
{
    const struct path *at = PATH(PATH(spec_at, "scopeSelector"), "matchExpressions");
    const struct value *selector = AT(spec, ResourceQuotaSpec, scopeSelector);
    unsigned bits = 0;
    for (VALUE_EACH(requirement, AT(selector, ScopeSelector, matchExpressions))) {
        struct slice scope = TEXT(requirement, ScopedResourceSelectorRequirement, scopeName);
        if (!is_scope(scope))
            causes_invalid_text(c, PATH(at, "scopeName"), scope, "unsupported scope");
        for (VALUE_EACH_ENTRY(hard, AT(spec, ResourceQuotaSpec, hard))) {
            if (resource_is_standard_for_quotas(hard->key) && !scope_fits(scope, hard->key))
                causes_invalid_shown(c, at, shown_record(c->arena, selector),
                                     "unsupported scope applied to resource");
        }
        check_requirement(c, at, requirement);
        bits |= bit_of(scope);
    }
    check_conflicts(c, at, AT(spec, ResourceQuotaSpec, scopes), bits);
}

/* The same scopes, in any order? */
static bool same_scopes(const struct value *a, const struct value *b)
{
    unsigned found = 0;
    for (VALUE_EACH(scope, a)) {
        bool in_b = false;
        for (VALUE_EACH(other, b))
            in_b = in_b || slice_eq(value_text(scope), value_text(other));
        if (!in_b)
            return false;
        found++;
    }
    for (VALUE_EACH(back, b)) {
        bool in_a = false;
        for (VALUE_EACH(one, a))
            in_a = in_a || slice_eq(value_text(back), value_text(one));
        if (!in_a)
            return false;
    }
    return found || !value_count(b);
}

static void warn_order(struct kind_request *req, const struct value *hard)
{
    static const char *const names[] = {"cpu", "memory", "storage", "ephemeral-storage"};
    for (size_t i = 0; i < 4; i++) {
        struct slice request = arena_slicef(req->arena, "requests.%s", names[i]);
        struct slice limit = arena_slicef(req->arena, "limits.%s", names[i]);
        if (i < 2 && !value_is_set(value_get(hard, request)))
            request = slice_str(names[i]);
        const struct value *asked = value_get(hard, request), *most = value_get(hard, limit);
        struct quantity a = quantity_of(value_text(asked)), b = quantity_of(value_text(most));
        if (value_is_set(asked) && value_is_set(most) && quantity_cmp(&a, &b) > 0)
            kind_warn(req, "ResourceQuota %.*s (%.*s) should be less than %.*s (%.*s)", SLICE_ARG(request),
                      SLICE_ARG(value_text(asked)), SLICE_ARG(limit), SLICE_ARG(value_text(most)));
    }
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *spec = AT(object, ResourceQuota, spec), *status = AT(object, ResourceQuota, status);
    const struct path *spec_at = PATH(NULL, "spec"), *status_at = PATH(NULL, "status");
    if (slice_is(req->subresource, "status")) {
        check_list(req->causes, PATH(status_at, "hard"), AT(status, ResourceQuotaStatus, hard));
        check_list(req->causes, PATH(status_at, "used"), AT(status, ResourceQuotaStatus, used));
        return;
    }
    check_list(req->causes, PATH(spec_at, "hard"), AT(spec, ResourceQuotaSpec, hard));
    check_scopes(req->causes, PATH(spec_at, "scopes"), spec);
    check_selector(req->causes, spec_at, spec);
    if (!old) {
        if (!req->causes->count)
            warn_order(req, AT(spec, ResourceQuotaSpec, hard));
        return;
    }
    const struct value *scopes = AT(spec, ResourceQuotaSpec, scopes);
    if (!same_scopes(scopes, AT(AT(old, ResourceQuota, spec), ResourceQuotaSpec, scopes)))
        causes_invalid(req->causes, PATH(spec_at, "scopes"), scopes, "field is immutable");
}

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *status = AT(object, ResourceQuota, status);
    cleanup_buf struct buf requests = BUF_INIT(BUF_UNLIMITED), limits = BUF_INIT(BUF_UNLIMITED);
    for (VALUE_EACH_ENTRY(hard, AT(status, ResourceQuotaStatus, hard))) {
        struct buf *out = slice_starts(hard->key, SLICE("limits.")) ? &limits : &requests;
        struct slice used = value_text(value_get(AT(status, ResourceQuotaStatus, used), hard->key));
        if (out->len)
            buf_puts(out, ", ");
        buf_put_slice(out, hard->key);
        buf_puts(out, ": ");
        buf_put_slice(out, used.len ? used : SLICE("0"));
        buf_putc(out, '/');
        buf_put_slice(out, value_text(&hard->value));
    }
    cells[1] = value_of_string(arena_dup(arena, buf_slice(&requests)));
    cells[2] = value_of_string(arena_dup(arena, buf_slice(&limits)));
}

const struct kind kind_resourcequotas = {
    .group = "", .resource = "resourcequotas", .returns_deleted = true, .validate = validate, .row = row};
