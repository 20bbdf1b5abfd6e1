/* flowcontrol.apiserver.k8s.io: how requests are sorted and how many run at once. Rules:
 * pkg/apis/flowcontrol/validation. What upstream's generated rules say (which half of a union must be there)
 * comes last. */
#include <math.h>
#include "apiserver/kinds/access.h"
#include "openapi/names.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"
#include "openapi/decode.h"
#include "openapi/default.h"

#define GROUP "flowcontrol.apiserver.k8s.io"

enum { MAX_PRECEDENCE = 10000, MAX_QUEUES = 10 * 1000 * 1000, MAX_HASH_BITS = 60 };

/* ---- objects that the server lives by: their specs are fixed ---- */

#define ANYTHING                                                                                             \
    "\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"clusterScope\":"    \
    "true,\"namespaces\":[\"*\"]}],"                                                                         \
    "\"nonResourceRules\":[{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]"
#define A_GROUP(name) "{\"kind\":\"Group\",\"group\":{\"name\":\"" name "\"}}"

static const struct fixed {
    const char *name, *spec;
} fixed_schemas[] = {
    {"exempt", "{\"priorityLevelConfiguration\":{\"name\":\"exempt\"},\"matchingPrecedence\":1,\"rules\":[{"
               "\"subjects\":[" A_GROUP("system:masters") "]," ANYTHING "}]}"},
    {"catch-all", "{\"priorityLevelConfiguration\":{\"name\":\"catch-all\"},\"matchingPrecedence\":10000,"
                  "\"distinguisherMethod\":{\"type\":\"ByUser\"},\"rules\":[{\"subjects\":[" A_GROUP(
                      "system:unauthenticated") "," A_GROUP("system:authenticated") "]," ANYTHING "}]}"},
    {NULL, NULL}};
static const struct fixed fixed_levels[] = {
    {"exempt", "{\"type\":\"Exempt\"}"},
    {"catch-all", "{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":5,\"lendablePercent\":0,"
                  "\"limitResponse\":{\"type\":\"Reject\"}}}"},
    {NULL, NULL}};

/* `but`: a field of the spec that may be anything, or NULL. */
static void check_fixed(struct causes *c, const struct path *at, const struct fixed *list, struct slice name,
                        const struct value *spec, const char *but)
{
    struct value wanted = value_absent, have;

    while (list->name && !slice_is(name, list->name))
        list++;
    if (!list->name || spec->kind != VALUE_RECORD ||
        !decode_json(c->arena, spec->record->type, slice_str(list->spec), &wanted, NULL, NULL))
        return;
    default_object(c->arena, &wanted);
    have = value_copy(c->arena, spec, false);
    if (but)
        *value_get_mut(&have, slice_str(but)) = value_absent;
    if (!value_equal(&have, &wanted))
        causes_invalid_shown(c, at, shown_record(c->arena, spec), "spec of '%s' must equal the fixed value",
                             list->name);
}

/* ---- flowschemas ---- */

static void check_subject_name(struct causes *c, const struct path *at, const struct value *subject,
                               const char *kind)
{
    if (!value_is_set(subject))
        causes_required(c, at, "subjects of kind '%s' have one", kind);
    else if (!text_at(subject, "name").len)
        causes_required(c, PATH(at, "name"), "");
}

static void check_account(struct causes *c, const struct path *at, const struct value *account)
{
    struct slice name = text_at(account, "name"), ns = text_at(account, "namespace");

    check_subject_name(c, at, account, "ServiceAccount");
    if (!value_is_set(account))
        return;
    if (name.len && !slice_is(name, "*"))
        check_name(c, PATH(at, "name"), name, name_check_subdomain);
    if (ns.len)
        check_name(c, PATH(at, "namespace"), ns, name_check_label);
    else
        causes_required(c, PATH(at, "namespace"), "must say the namespace of the service account");
}

static void check_subject(struct causes *c, const struct path *at, const struct value *subject)
{
    static const struct {
        const char *kind, *field;
    } rows[] = {{"ServiceAccount", "serviceAccount"}, {"User", "user"}, {"Group", "group"}};
    static const char *const kinds[] = {"Group", "ServiceAccount", "User", NULL};
    struct slice kind = text_at(subject, "kind");

    if (!text_is_one_of(kind, kinds)) {
        causes_not_supported(c, PATH(at, "kind"), kind, kinds);
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct value *part = field_of(subject, rows[i].field);
        if (!slice_is(kind, rows[i].kind))
            continue;
        if (i == 0)
            check_account(c, PATH(at, rows[i].field), part);
        else
            check_subject_name(c, PATH(at, rows[i].field), part, rows[i].kind);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!slice_is(kind, rows[i].kind) && value_is_set(field_of(subject, rows[i].field)))
            causes_forbidden(c, PATH(at, rows[i].field), "%s is forbidden when subject kind is not '%s'",
                             rows[i].field, rows[i].kind);
}

static void check_verbs(struct causes *c, const struct path *at, const struct value *verbs)
{
    static const char *const known[] = {"create", "delete", "deletecollection", "get",   "list",
                                        "patch",  "proxy",  "update",           "watch", NULL};

    if (!value_count(verbs)) {
        causes_required(c, at, "must contain at least one value");
    } else if (list_has_text(verbs, "*")) {
        if (value_count(verbs) > 1)
            causes_invalid_shown(c, at, shown_list(c->arena, verbs),
                                 "if '*' is present, must not specify other verbs");
    } else {
        for (VALUE_EACH(verb, verbs)) {
            if (text_is_one_of(value_text(verb), known))
                continue;
            causes_not_supported_shown(c, at, shown_list(c->arena, verbs), known);
            return;
        }
    }
}

/* At least one; '*' only alone. */
static void check_some(struct causes *c, const struct path *at, const struct value *list, const char *what)
{
    if (!value_count(list))
        causes_required(c, at, "must contain at least one of the %s", what);
    else if (value_count(list) > 1 && list_has_text(list, "*"))
        causes_invalid_shown(c, at, shown_list(c->arena, list),
                             "if '*' is present, must not specify other %s", what);
}

static void check_resource_rule(struct causes *c, const struct path *at, const struct value *rule)
{
    const struct value *namespaces = field_of(rule, "namespaces");
    struct path namespaces_at = path_field(at, "namespaces");
    bool all = list_has_text(namespaces, "*");

    check_verbs(c, PATH(at, "verbs"), field_of(rule, "verbs"));
    check_some(c, PATH(at, "apiGroups"), field_of(rule, "apiGroups"), "api groups");
    check_some(c, PATH(at, "resources"), field_of(rule, "resources"), "resources");
    if (all || (!value_count(namespaces) && !value_bool(field_of(rule, "clusterScope"))))
        check_some(c, &namespaces_at, namespaces, "namespaces");
    for (size_t i = 0; !all && i < value_count(namespaces); i++)
        check_name(c, PATH_I(&namespaces_at, i), value_text(value_item(namespaces, i)), name_check_label);
}

static const char *url_fault(struct slice url)
{
    size_t stars = 0;

    for (size_t i = 0; i < url.len; i++)
        stars += url.ptr[i] == '*';
    if (!url.len)
        return "must not be empty";
    if (url.ptr[0] != '/')
        return "must start with slash";
    if (slice_find(url, ' ') >= 0)
        return "must not contain white-space";
    if (memmem(url.ptr, url.len, "//", 2))
        return "must not contain double slash";
    if (stars > 1 || (stars == 1 && !slice_ends(url, SLICE("/*"))))
        return "wildcard can only do suffix matching";
    return NULL;
}

static void check_non_resource_rule(struct causes *c, const struct path *at, const struct value *rule)
{
    const struct value *urls = field_of(rule, "nonResourceURLs");
    struct path urls_at = path_field(at, "nonResourceURLs");

    check_verbs(c, PATH(at, "verbs"), field_of(rule, "verbs"));
    check_some(c, &urls_at, urls, "non-resource URLs");
    for (size_t i = 0; !list_has_text(urls, "*") && i < value_count(urls); i++) {
        const char *fault = url_fault(value_text(value_item(urls, i)));
        if (fault)
            causes_invalid_text(c, PATH_I(&urls_at, i), value_text(value_item(urls, i)), "%s", fault);
    }
}

static void check_schema_rule(struct causes *c, const struct path *at, const struct value *rule)
{
    const struct value *subjects = field_of(rule, "subjects"), *resources = field_of(rule, "resourceRules"),
                       *others = field_of(rule, "nonResourceRules");
    struct path subjects_at = path_field(at, "subjects"), resources_at = path_field(at, "resourceRules"),
                others_at = path_field(at, "nonResourceRules");

    for (size_t i = 0; i < value_count(subjects); i++)
        check_subject(c, PATH_I(&subjects_at, i), value_item(subjects, i));
    if (!value_count(subjects))
        causes_required(c, &subjects_at, "must contain at least one value");
    if (!value_count(resources) && !value_count(others))
        causes_required(c, at, "at least one of resourceRules and nonResourceRules has to be non-empty");
    for (size_t i = 0; i < value_count(resources); i++)
        check_resource_rule(c, PATH_I(&resources_at, i), value_item(resources, i));
    for (size_t i = 0; i < value_count(others); i++)
        check_non_resource_rule(c, PATH_I(&others_at, i), value_item(others, i));
}

static void check_schema_spec(struct causes *c, const struct path *at, const struct value *spec,
                              struct slice name)
{
    static const char *const methods[] = {"ByNamespace", "ByUser", NULL};
    const struct value *method = field_of(spec, "distinguisherMethod"), *rules = field_of(spec, "rules");
    struct slice level = text_at(field_of(spec, "priorityLevelConfiguration"), "name");
    int64_t precedence = value_int(field_of(spec, "matchingPrecedence"), 0);
    struct path precedence_at = path_field(at, "matchingPrecedence"), rules_at = path_field(at, "rules"),
                level_at = path_field(at, "priorityLevelConfiguration");

    if (precedence <= 0)
        causes_invalid_int(c, &precedence_at, precedence, "must be a positive value");
    if (precedence > MAX_PRECEDENCE)
        causes_invalid_int(c, &precedence_at, precedence, "must not be greater than %d", MAX_PRECEDENCE);
    if (precedence == 1 && !slice_is(name, "exempt"))
        causes_invalid_int(c, &precedence_at, precedence,
                           "only the schema named 'exempt' may have matchingPrecedence 1");
    if (value_is_set(method) && !text_is_one_of(text_at(method, "type"), methods))
        causes_not_supported_shown(c, PATH(PATH(at, "distinguisherMethod"), "type"),
                                   shown_record(c->arena, method), methods);
    if (level.len)
        check_name(c, PATH(&level_at, "name"), level, name_check_subdomain);
    else
        causes_required(c, PATH(&level_at, "name"), "must reference a priority level");
    for (size_t i = 0; i < value_count(rules); i++)
        check_schema_rule(c, PATH_I(&rules_at, i), value_item(rules, i));
}

static void check_conditions(struct causes *c, const struct value *object)
{
    const struct value *conditions = field_of(field_of(object, "status"), "conditions");
    struct path at = path_field(PATH(NULL, "status"), "conditions");
    struct text_set seen = TEXT_SET(c->arena);

    for (size_t i = 0; i < value_count(conditions); i++) {
        struct slice type = text_at(value_item(conditions, i), "type");
        if (!text_set_add(&seen, type))
            causes_duplicate(c, PATH(PATH_I(&at, i), "type"), type);
        if (!type.len)
            causes_required(c, PATH(PATH_I(&at, i), "type"), "");
    }
}

static void validate_schema_object(struct kind_request *req, const struct value *object,
                                   const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    const struct value *spec = field_of(object, "spec");

    if (!slice_is(req->subresource, "status")) {
        check_schema_spec(req->causes, &at, spec, object_name(object));
        check_fixed(req->causes, &at, fixed_schemas, object_name(object), spec, NULL);
    }
    check_conditions(req->causes, object);
}

static void row_schema(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { METHOD = 3, MISSING = 5 };
    const struct value *method = field_of(field_of(object, "spec"), "distinguisherMethod");

    cells[METHOD] = value_is_set(method) ? cell_text(text_at(method, "type")) : cell_cstr("<none>");
    cells[MISSING] = cell_cstr("?");
    for (VALUE_EACH(condition, field_of(field_of(object, "status"), "conditions")))
        if (value_is(field_of(condition, "type"), "Dangling")) {
            cells[MISSING] = cell_text(text_at(condition, "status"));
            return;
        }
}

/* ---- prioritylevelconfigurations ---- */

static void check_queuing(struct causes *c, const struct path *at, const struct value *queuing)
{
    int64_t queues = value_int(field_of(queuing, "queues"), 0),
            hand = value_int(field_of(queuing, "handSize"), 0),
            limit = value_int(field_of(queuing, "queueLengthLimit"), 0);

    if (limit <= 0)
        causes_invalid_int(c, PATH(at, "queueLengthLimit"), limit, "must be positive");
    if (queues <= 0)
        causes_invalid_int(c, PATH(at, "queues"), queues, "must be positive");
    else if (queues > MAX_QUEUES)
        causes_invalid_int(c, PATH(at, "queues"), queues, "must not be greater than %d", MAX_QUEUES);
    if (hand <= 0)
        causes_invalid_int(c, PATH(at, "handSize"), hand, "must be positive");
    else if (hand > queues)
        causes_invalid_int(c, PATH(at, "handSize"), hand, "should not be greater than queues (%lld)",
                           (long long)queues);
    else if (ceil(log2((double)queues) * (double)hand) > MAX_HASH_BITS)
        causes_invalid_int(c, PATH(at, "handSize"), hand,
                           "dealing such a hand needs more than %d bits of hash", MAX_HASH_BITS);
}

static void check_not_negative(struct causes *c, const struct path *at, const struct value *n)
{
    if (value_int(n, 0) < 0)
        causes_invalid_int(c, at, n->i, "must be a non-negative integer");
}

static void check_percent(struct causes *c, const struct path *at, const struct value *n)
{
    if (value_int(n, 0) < 0 || value_int(n, 0) > 100)
        causes_invalid_int(c, at, n->i, "must be between 0 and 100, inclusive");
}

static void check_limited(struct causes *c, const struct path *at, const struct value *limited)
{
    static const char *const types[] = {"Queue", "Reject", NULL};
    const struct value *response = field_of(limited, "limitResponse"),
                       *queuing = field_of(response, "queuing");
    struct slice type = text_at(response, "type");
    struct path response_at = path_field(at, "limitResponse");

    check_not_negative(c, PATH(at, "nominalConcurrencyShares"),
                       field_of(limited, "nominalConcurrencyShares"));
    if (slice_is(type, "Queue") && value_is_set(queuing))
        check_queuing(c, PATH(&response_at, "queuing"), queuing);
    if (type.len && !text_is_one_of(type, types))
        causes_not_supported(c, PATH(&response_at, "type"), type, types);
    check_percent(c, PATH(at, "lendablePercent"), field_of(limited, "lendablePercent"));
    check_not_negative(c, PATH(at, "borrowingLimitPercent"), field_of(limited, "borrowingLimitPercent"));
}

static void check_level_spec(struct causes *c, const struct path *at, const struct value *spec,
                             struct slice name)
{
    static const char *const types[] = {"Exempt", "Limited", NULL};
    const struct value *exempt = field_of(spec, "exempt"), *limited = field_of(spec, "limited");
    struct slice type = text_at(spec, "type");

    if (slice_is(name, "exempt") != slice_is(type, "Exempt"))
        causes_invalid_text(c, PATH(at, "type"), type, "must be 'Exempt' if and only if `name` is 'exempt'");
    if (slice_is(type, "Exempt") && value_is_set(exempt)) {
        check_not_negative(c, PATH(PATH(at, "exempt"), "nominalConcurrencyShares"),
                           field_of(exempt, "nominalConcurrencyShares"));
        check_percent(c, PATH(PATH(at, "exempt"), "lendablePercent"), field_of(exempt, "lendablePercent"));
    } else if (slice_is(type, "Limited") && value_is_set(limited)) {
        check_limited(c, PATH(at, "limited"), limited);
    } else if (type.len && !text_is_one_of(type, types)) {
        causes_not_supported(c, PATH(at, "type"), type, types);
    }
}

/* The member of a union that goes with `type`, and only with it. */
static void check_member(struct causes *c, const struct path *at, const struct value *owner,
                         const char *field, const char *type, bool required)
{
    bool mine = slice_is(text_at(owner, "type"), type), set = value_is_set(field_of(owner, field));

    if (mine && !set && required)
        causes_required(c, PATH(at, field), "must be set when type is %s", type);
    else if (!mine && set)
        causes_forbidden(c, PATH(at, field), "must not be set when type is not %s", type);
}

static void check_level_unions(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *limited = field_of(spec, "limited"), *response = field_of(limited, "limitResponse");
    struct path limited_at = path_field(at, "limited"),
                response_at = path_field(&limited_at, "limitResponse");

    check_member(c, at, spec, "exempt", "Exempt", false);
    check_member(c, at, spec, "limited", "Limited", true);
    if (!text_at(spec, "type").len)
        causes_required(c, PATH(at, "type"), "");
    if (!value_is_set(limited))
        return;
    check_member(c, &response_at, response, "queuing", "Queue", true);
    if (!text_at(response, "type").len)
        causes_required(c, PATH(&response_at, "type"), "");
}

static void validate_level(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    struct path at = path_field(NULL, "spec");
    const struct value *spec = field_of(object, "spec");
    struct slice name = object_name(object);
    static const char preserves_zero[] = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

    if (!slice_is(req->subresource, "status")) {
        if (value_is_set(field_of(field_of(object_metadata(object), "annotations"), preserves_zero)))
            causes_forbidden(c, PATH(PATH(NULL, "metadata"), "annotations"), "annotation '%s' is forbidden",
                             preserves_zero);
        check_level_spec(c, &at, spec, name);
        check_fixed(c, &at, fixed_levels, name, spec, slice_is(name, "exempt") ? "exempt" : NULL);
    }
    check_conditions(c, object);
    check_level_unions(c, &at, spec);
}

static void row_level(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    static const char *const queuing_fields[] = {"queues", "handSize", "queueLengthLimit"};
    enum { SHARES = 2, QUEUES };
    const struct value *limited = field_of(field_of(object, "spec"), "limited");
    const struct value *queuing = field_of(field_of(limited, "limitResponse"), "queuing");

    cells[SHARES] = value_is_set(limited)
                        ? value_of_int(value_int(field_of(limited, "nominalConcurrencyShares"), 0))
                        : cell_cstr("<none>");
    for (size_t i = 0; i < 3; i++)
        cells[QUEUES + i] = value_is_set(queuing)
                                ? value_of_int(value_int(field_of(queuing, queuing_fields[i]), 0))
                                : cell_cstr("<none>");
}

const struct kind kind_flowschemas = {.group = GROUP,
                                      .resource = "flowschemas",
                                      .counts_generation = true,
                                      .validate = validate_schema_object,
                                      .row = row_schema};
const struct kind kind_prioritylevelconfigurations = {.group = GROUP,
                                                      .resource = "prioritylevelconfigurations",
                                                      .counts_generation = true,
                                                      .validate = validate_level,
                                                      .row = row_level};
