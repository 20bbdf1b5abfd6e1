#include "apiserver/options.h"

#include <errno.h>
#include <stdlib.h>

#include "openapi/causes.h"

static bool parse_int(const struct query *query, const char *key, int64_t when_absent, int64_t *ret,
                      struct error *err)
{
    struct slice s = query_get(query, key);
    *ret = when_absent;
    if (!s.len)
        return true;
    char text[24] = {0}, *end;
    memcpy(text, s.ptr, s.len < 23 ? s.len : 23);
    errno = 0;
    *ret = strtoll(text, &end, 10);
    bool digits = (*text >= '0' && *text <= '9') || ((*text == '-' || *text == '+') && end > text + 1);
    if (*end || s.len > 23 || !digits)
        return error_set(err, REASON_BAD_REQUEST, "strconv.ParseInt: parsing \"%.*s\": invalid syntax",
                         SLICE_ARG(s));
    if (errno == ERANGE)
        return error_set(err, REASON_BAD_REQUEST, "strconv.ParseInt: parsing \"%.*s\": value out of range",
                         SLICE_ARG(s));
    return true;
}

/* Go's query conversion: present and none of the words for false. */
static bool parse_bool(const struct query *query, const char *key, bool *ret_set)
{
    struct slice s = query_get(query, key);
    if (ret_set)
        *ret_set = s.ptr != NULL;
    return s.ptr && !slice_is(s, "false") && !slice_is(s, "0");
}

static bool bad_version(struct slice s, const char *why, struct error *err)
{
    error_set(err, REASON_UNKNOWN,
              "resourceVersion: Invalid value: \"%.*s\": strconv.ParseUint: parsing \"%.*s\": %s",
              SLICE_ARG(s), SLICE_ARG(s), why);
    if (err)
        err->code = 500; /* as upstream: not a 400 */
    return false;
}

static bool parse_version(struct slice s, uint64_t *ret, struct error *err)
{
    bool fits = true;
    *ret = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return bad_version(s, "invalid syntax", err);
        fits = fits && !__builtin_mul_overflow(*ret, 10, ret) &&
               !__builtin_add_overflow(*ret, s.ptr[i] - '0', ret);
    }
    return fits || bad_version(s, "value out of range", err);
}

static void check_match(struct causes *c, const struct query *query, struct list_options *o)
{
    struct slice match = query_get(query, "resourceVersionMatch");
    struct path at = path_field(NULL, "resourceVersionMatch");
    static const char *const all[] = {"Exact", "NotOlderThan", "", NULL};
    static const char *const for_watch[] = {"NotOlderThan", NULL};
    bool given = match.len > 0;
    if (o->watch && o->send_initial_events_set && !slice_is(match, "NotOlderThan"))
        causes_forbidden(c, &at, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    if (!o->watch && o->send_initial_events_set)
        causes_forbidden(c, PATH(NULL, "sendInitialEvents"), "sendInitialEvents is forbidden for list");
    if (given && !o->watch && !o->version_set)
        causes_forbidden(c, &at, "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (given && o->watch && !o->send_initial_events_set)
        causes_forbidden(c, &at,
                         "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    if (o->continue_token.len && (given || o->watch))
        causes_forbidden(c, &at, "resourceVersionMatch is forbidden when continue is provided");
    if (slice_is(match, "Exact"))
        o->match = MATCH_EXACT;
    else if (slice_is(match, "NotOlderThan"))
        o->match = MATCH_NOT_OLDER_THAN;
    if (given && o->watch && o->match != MATCH_NOT_OLDER_THAN)
        causes_not_supported(c, &at, match, for_watch);
    else if (given && o->match == MATCH_UNSET)
        causes_not_supported(c, &at, match, all);
    if (!o->watch && o->match == MATCH_EXACT && slice_is(o->resource_version, "0"))
        causes_forbidden(c, &at, "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"");
}

bool options_version_parse(const struct query *query, uint64_t *ret, struct error *err)
{
    return parse_version(query_get(query, "resourceVersion"), ret, err);
}

void options_include_parse(const struct query *query, struct list_options *ret)
{
    struct slice include = query_get(query, "includeObject");
    ret->include_object_none = slice_is(include, "None");
    ret->include_object_full = slice_is(include, "Object");
}

bool list_options_parse(struct arena *arena, const struct query *query, bool watch, struct list_options *ret,
                        struct error *err)
{
    *ret = (struct list_options){
        .watch = watch,
        .label_selector = query_get(query, "labelSelector"),
        .field_selector = query_get(query, "fieldSelector"),
        .continue_token = query_get(query, "continue"),
        .resource_version = query_get(query, "resourceVersion"),
        .bookmarks = parse_bool(query, "allowWatchBookmarks", NULL),
    };
    ret->send_initial_events = parse_bool(query, "sendInitialEvents", &ret->send_initial_events_set);
    ret->version_set = ret->resource_version.len > 0;
    options_include_parse(query, ret);
    if (!parse_int(query, "limit", 0, &ret->limit, err) ||
        !parse_int(query, "timeoutSeconds", -1, &ret->timeout_seconds, err))
        return false;
    struct causes causes = {.arena = arena};
    check_match(&causes, query, ret);
    if (!causes_to_error(&causes, "meta.k8s.io", "ListOptions", slice_make("", 0), err))
        return false;
    return parse_version(ret->resource_version, &ret->version, err);
}

/* A list of one, as upstream prints it. */
static const char *shown_list(struct arena *arena, struct slice item)
{
    cleanup_buf struct buf out = BUF_INIT(1 << 16);
    buf_putc(&out, '[');
    buf_put_quoted(&out, item);
    buf_putc(&out, ']');
    return arena_strdup(arena, buf_slice(&out));
}

static void check_dry_run(struct causes *c, const struct query *query, bool *ret)
{
    static const char *const known[] = {"All", NULL};
    for (size_t i = 0; i < query->count; i++) {
        if (!slice_is(query->pairs[i].key, "dryRun"))
            continue;
        if (slice_is(query->pairs[i].value, "All"))
            *ret = true;
        else if (query->pairs[i].value.len)
            causes_not_supported_shown(c, PATH(NULL, "dryRun"), shown_list(c->arena, query->pairs[i].value),
                                       known);
    }
}

void options_check_manager(struct causes *c, const struct path *at, struct slice manager)
{
    enum { MAX_MANAGER = 128 };
    if (manager.len > MAX_MANAGER)
        causes_too_long(c, at, MAX_MANAGER);
    for (size_t i = 0; i < manager.len; i++) {
        unsigned char ch = (unsigned char)manager.ptr[i];
        if (ch < 0x20 || ch == 0x7f)
            causes_invalid_text(c, at, manager, "invalid character U+%04X (at position %zu)", ch, i);
    }
}

static bool parse_write(struct causes *causes, const struct query *query, const char *kind,
                        struct write_options *ret, struct error *err)
{
    static const char *const validations[] = {"", "Ignore", "Strict", "Warn", NULL};
    *ret = (struct write_options){.manager = query_get(query, "fieldManager"),
                                  .force = parse_bool(query, "force", NULL)};
    check_dry_run(causes, query, &ret->dry_run);
    options_check_manager(causes, PATH(NULL, "fieldManager"), ret->manager);
    struct slice validation = query_get(query, "fieldValidation");
    if (slice_is(validation, "Strict"))
        ret->validation = FIELDS_STRICT;
    else if (slice_is(validation, "Ignore"))
        ret->validation = FIELDS_IGNORE;
    else if (validation.len && !slice_is(validation, "Warn"))
        causes_not_supported(causes, PATH(NULL, "fieldValidation"), validation, validations);
    return causes_to_error(causes, "meta.k8s.io", kind, slice_make("", 0), err);
}

bool write_options_parse(struct arena *arena, const struct query *query, const char *kind,
                         struct write_options *ret, struct error *err)
{
    struct causes causes = {.arena = arena};
    return parse_write(&causes, query, kind, ret, err);
}

bool patch_options_parse(struct arena *arena, const struct query *query, bool apply,
                         struct write_options *ret, struct error *err)
{
    struct causes causes = {.arena = arena};
    bool forces;
    parse_bool(query, "force", &forces);
    if (apply && !query_get(query, "fieldManager").len)
        causes_required(&causes, PATH(NULL, "fieldManager"), "is required for apply patch");
    if (!apply && forces)
        causes_forbidden(&causes, PATH(NULL, "force"), "may not be specified for non-apply patch");
    return parse_write(&causes, query, "PatchOptions", ret, err);
}

static enum propagation propagation_of(struct slice s)
{
    return slice_is(s, "Orphan")       ? PROPAGATION_ORPHAN
           : slice_is(s, "Background") ? PROPAGATION_BACKGROUND
           : slice_is(s, "Foreground") ? PROPAGATION_FOREGROUND
                                       : PROPAGATION_UNSET;
}

static void delete_options_from_body(const struct value *body, struct delete_options *o, struct slice *policy)
{
    o->grace_seconds = value_int(value_get(body, SLICE("gracePeriodSeconds")), -1);
    *policy = value_text(value_get(body, SLICE("propagationPolicy")));
    const struct value *orphan = value_get(body, SLICE("orphanDependents"));
    o->orphan_dependents_set = orphan->kind == VALUE_BOOL;
    o->orphan_dependents = value_bool(orphan);
    const struct value *preconditions = value_get(body, SLICE("preconditions"));
    const struct value *uid = value_get(preconditions, SLICE("uid"));
    const struct value *version = value_get(preconditions, SLICE("resourceVersion"));
    o->has_precondition_uid = uid->kind == VALUE_STRING;
    o->precondition_uid = value_text(uid);
    o->has_precondition_version = version->kind == VALUE_STRING;
    o->precondition_version = value_text(version);
    for (VALUE_EACH(item, value_get(body, SLICE("dryRun"))))
        o->dry_run |= value_is(item, "All");
}

static bool delete_options_from_query(const struct query *query, struct delete_options *o,
                                      struct slice *policy, struct causes *causes, struct error *err)
{
    if (!parse_int(query, "gracePeriodSeconds", -1, &o->grace_seconds, err))
        return false;
    *policy = query_get(query, "propagationPolicy");
    o->orphan_dependents = parse_bool(query, "orphanDependents", &o->orphan_dependents_set);
    check_dry_run(causes, query, &o->dry_run);
    return true;
}

bool delete_options_parse(struct arena *arena, const struct query *query, const struct value *body,
                          struct delete_options *ret, struct error *err)
{
    struct causes causes = {.arena = arena};
    struct slice policy = {0};
    *ret = (struct delete_options){.grace_seconds = -1};
    if (body)
        delete_options_from_body(body, ret, &policy);
    else if (!delete_options_from_query(query, ret, &policy, &causes, err))
        return false;
    ret->propagation = propagation_of(policy);
    struct path at = path_field(NULL, "propagationPolicy");
    static const char *const known[] = {"Foreground", "Background", "Orphan", "nil", NULL};
    if (policy.len && ret->orphan_dependents_set)
        causes_invalid_text(&causes, &at, policy,
                            "orphanDependents and deletionPropagation cannot be both set");
    else if (policy.len && ret->propagation == PROPAGATION_UNSET)
        causes_not_supported(&causes, &at, policy, known);
    if (ret->grace_seconds < -1)
        ret->grace_seconds = 1; /* upstream: a negative grace period means the smallest one */
    return causes_to_error(&causes, "meta.k8s.io", "DeleteOptions", slice_make("", 0), err);
}

bool duration_parse_go(struct slice s, int64_t *ret_nanos)
{
    static const struct {
        const char *name;
        double nanos;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    double total = 0;
    bool negative = s.len && *s.ptr == '-';
    if (s.len && (*s.ptr == '-' || *s.ptr == '+'))
        s = slice_from(s, 1);
    if (slice_is(s, "0")) {
        *ret_nanos = 0;
        return true;
    }
    if (!s.len)
        return false;
    while (s.len) {
        char text[32] = {0}, *end;
        memcpy(text, s.ptr, s.len < 31 ? s.len : 31);
        if (!((*text >= '0' && *text <= '9') || *text == '.'))
            return false;
        double n = strtod(text, &end);
        size_t digits = (size_t)(end - text), u, best = 0;
        double unit = 0;
        for (u = 0; u < sizeof units / sizeof *units; u++) {
            size_t len = strlen(units[u].name);
            if (s.len >= digits + len && len > best && memcmp(s.ptr + digits, units[u].name, len) == 0) {
                best = len;
                unit = units[u].nanos;
            }
        }
        if (!best)
            return false;
        total += n * unit;
        s = slice_from(s, digits + best);
    }
    if (total > 9.2e18)
        return false;
    *ret_nanos = (int64_t)(negative ? -total : total);
    return true;
}
