/* rbac.authorization.k8s.io: roles and their bindings. Rules: pkg/apis/rbac/validation, pkg/registry/rbac.
 * Whether the writer may grant what is written is the authorizer's question, not one of the object. What
 * upstream's generated rules say comes last. */
#include "apiserver/kinds/access.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"

#define GROUP "rbac.authorization.k8s.io"

/* ---- roles ---- */

static void check_rule(struct causes *c, const struct path *at, const struct value *rule, bool namespaced)
{
    const struct value *urls = field_of(rule, "nonResourceURLs");
    bool names_resources = value_count(field_of(rule, "apiGroups")) ||
                           value_count(field_of(rule, "resources")) ||
                           value_count(field_of(rule, "resourceNames"));

    if (value_count(urls)) {
        if (namespaced)
            causes_invalid_shown(c, PATH(at, "nonResourceURLs"), shown_list(c->arena, urls),
                                 "namespaced rules cannot apply to non-resource URLs");
        if (names_resources)
            causes_invalid_shown(c, PATH(at, "nonResourceURLs"), shown_list(c->arena, urls),
                                 "a rule is about resources or about non-resource URLs, not both");
        return;
    }
    if (!value_count(field_of(rule, "apiGroups")))
        causes_required(c, PATH(at, "apiGroups"), "a rule about resources names at least one api group");
    if (!value_count(field_of(rule, "resources")))
        causes_required(c, PATH(at, "resources"), "a rule about resources names at least one resource");
}

static void check_rules(struct causes *c, const struct value *rules, bool namespaced)
{
    struct path at = path_field(NULL, "rules");

    for (size_t i = 0; i < value_count(rules); i++)
        check_rule(c, PATH_I(&at, i), value_item(rules, i), namespaced);
}

static void check_rule_verbs(struct causes *c, const struct value *rules)
{
    struct path at = path_field(NULL, "rules");

    for (size_t i = 0; i < value_count(rules); i++)
        if (!value_count(field_of(value_item(rules, i), "verbs")))
            causes_required(c, PATH(PATH_I(&at, i), "verbs"), "");
}

static bool selectors_are_good(struct arena *arena, const struct value *selectors)
{
    struct causes found = {.arena = arena};

    for (VALUE_EACH(selector, selectors))
        check_label_selector(&found, NULL, selector);
    return !found.count;
}

static void check_aggregation(struct causes *c, const struct value *rule, const struct value *old_rule)
{
    const struct value *selectors = field_of(rule, "clusterRoleSelectors");
    struct path rule_at = path_field(NULL, "aggregationRule"),
                at = path_field(&rule_at, "clusterRoleSelectors");
    bool any_value = !selectors_are_good(c->arena, field_of(old_rule, "clusterRoleSelectors"));

    if (!value_is_set(rule))
        return;
    if (!value_count(selectors))
        causes_required(c, &at, "an aggregation rule has at least one selector");
    for (size_t i = 0; i < value_count(selectors); i++) {
        struct path item_at = path_index(&at, i);
        check_label_selector_values(c, &item_at, value_item(selectors, i), any_value);
        if (!label_selector_valid(value_item(selectors, i)))
            causes_invalid_shown(c, &item_at, "null", "not a label selector");
    }
}

static void validate_role(struct kind_request *req, const struct value *object, const struct value *old)
{
    check_rules(req->causes, field_of(object, "rules"), true);
    check_rule_verbs(req->causes, field_of(object, "rules"));
}

static void validate_cluster_role(struct kind_request *req, const struct value *object,
                                  const struct value *old)
{
    check_rules(req->causes, field_of(object, "rules"), false);
    check_aggregation(req->causes, field_of(object, "aggregationRule"),
                      old ? field_of(old, "aggregationRule") : &value_absent);
    check_rule_verbs(req->causes, field_of(object, "rules"));
}

/* ---- bindings ---- */

static void check_subject(struct causes *c, const struct path *at, const struct value *subject,
                          bool namespaced)
{
    static const char *const kinds[] = {"ServiceAccount", "User", "Group", NULL};
    static const char *const core[] = {"", NULL}, *const rbac[] = {GROUP, NULL};
    struct slice name = text_at(subject, "name"), group = text_at(subject, "apiGroup");
    const struct value *kind = field_of(subject, "kind");

    if (value_is(kind, "ServiceAccount")) {
        if (name.len)
            check_name(c, PATH(at, "name"), name, name_check_subdomain);
        if (group.len)
            causes_not_supported(c, PATH(at, "apiGroup"), group, core);
        if (!namespaced && !text_at(subject, "namespace").len)
            causes_required(c, PATH(at, "namespace"), "");
    } else if (!value_is(kind, "User") && !value_is(kind, "Group")) {
        causes_not_supported(c, PATH(at, "kind"), value_text(kind), kinds);
    } else if (!slice_is(group, GROUP)) {
        causes_not_supported(c, PATH(at, "apiGroup"), group, rbac);
    }
}

static void check_names_given(struct causes *c, const struct value *object, const struct path *ref_at)
{
    const struct value *subjects = field_of(object, "subjects");
    struct path at = path_field(NULL, "subjects");

    for (size_t i = 0; i < value_count(subjects); i++)
        if (!text_at(value_item(subjects, i), "name").len)
            causes_required(c, PATH(PATH_I(&at, i), "name"), "");
    if (!text_at(field_of(object, "roleRef"), "name").len)
        causes_required(c, PATH(ref_at, "name"), "");
}

static void validate_binding(struct kind_request *req, const struct value *object, const struct value *old)
{
    static const char *const groups[] = {GROUP, NULL};
    static const char *const all_kinds[] = {"Role", "ClusterRole", NULL}, *const *cluster_kinds =
                                                                              all_kinds + 1;
    bool namespaced = req->resource->namespaced;
    struct causes *c = req->causes;
    const struct value *ref = field_of(object, "roleRef"), *subjects = field_of(object, "subjects");
    const char *const *kinds = namespaced ? all_kinds : cluster_kinds;
    struct path ref_at = path_field(NULL, "roleRef"), at = path_field(NULL, "subjects");

    if (!slice_is(text_at(ref, "apiGroup"), GROUP))
        causes_not_supported(c, PATH(&ref_at, "apiGroup"), text_at(ref, "apiGroup"), groups);
    if (!text_is_one_of(text_at(ref, "kind"), kinds))
        causes_not_supported(c, PATH(&ref_at, "kind"), text_at(ref, "kind"), kinds);
    if (text_at(ref, "name").len)
        check_name(c, PATH(&ref_at, "name"), text_at(ref, "name"), name_check_path_segment);
    for (size_t i = 0; i < value_count(subjects); i++)
        check_subject(c, PATH_I(&at, i), value_item(subjects, i), namespaced);
    if (old && !value_equal(ref, field_of(old, "roleRef")))
        causes_invalid_shown(c, &ref_at, shown_record(c->arena, ref), "field is immutable");
    check_names_given(c, object, &ref_at);
}

/* "a, b" of the subjects of a kind; service accounts with their namespace. */
static struct value cell_subjects(struct arena *arena, const struct value *subjects, const char *kind)
{
    const char *text = "";

    for (VALUE_EACH(subject, subjects)) {
        struct slice name = text_at(subject, "name"), ns = text_at(subject, "namespace");
        if (!value_is(field_of(subject, "kind"), kind))
            continue;
        if (strcmp(kind, "ServiceAccount") == 0)
            name = arena_slicef(arena, "%.*s/%.*s", SLICE_ARG(ns), SLICE_ARG(name));
        text = arena_printf(arena, "%s%s%.*s", text, *text ? ", " : "", SLICE_ARG(name));
    }
    return cell_cstr(text);
}

static void row_binding(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { ROLE = 1, USERS = 3, GROUPS, ACCOUNTS };
    const struct value *ref = field_of(object, "roleRef"), *subjects = field_of(object, "subjects");

    cells[ROLE] =
        cell_format(arena, "%.*s/%.*s", SLICE_ARG(text_at(ref, "kind")), SLICE_ARG(text_at(ref, "name")));
    cells[USERS] = cell_subjects(arena, subjects, "User");
    cells[GROUPS] = cell_subjects(arena, subjects, "Group");
    cells[ACCOUNTS] = cell_subjects(arena, subjects, "ServiceAccount");
}

const struct kind kind_roles = {.group = GROUP,
                                .resource = "roles",
                                .name_rule = NAME_PATH,
                                .creates_on_update = true,
                                .validate = validate_role};
const struct kind kind_clusterroles = {.group = GROUP,
                                       .resource = "clusterroles",
                                       .name_rule = NAME_PATH,
                                       .creates_on_update = true,
                                       .validate = validate_cluster_role};
const struct kind kind_rolebindings = {.group = GROUP,
                                       .resource = "rolebindings",
                                       .name_rule = NAME_PATH,
                                       .creates_on_update = true,
                                       .validate = validate_binding,
                                       .row = row_binding};
const struct kind kind_clusterrolebindings = {.group = GROUP,
                                              .resource = "clusterrolebindings",
                                              .name_rule = NAME_PATH,
                                              .creates_on_update = true,
                                              .validate = validate_binding,
                                              .row = row_binding};
