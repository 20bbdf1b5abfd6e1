/* validatingadmissionpolicies, mutatingadmissionpolicies and their bindings: rules in CEL on writes. Rules:
 * pkg/apis/admissionregistration/validation. What upstream's generated rules say comes last. */
#include <ctype.h>
#include "apiserver/kinds/admission_parts.h"
#include "openapi/names.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"

#define GROUP "admissionregistration.k8s.io"

enum { MAX_ANNOTATIONS = 20, MAX_ANNOTATION_EXPRESSION = 5 * 1024 };

/* ---- what a policy is about ---- */

static void check_param_version(struct causes *c, const struct path *at, struct slice text)
{
    struct slice group = SLICE(""), version = text;
    long slash = slice_find(text, '/');

    if (!text.len) {
        causes_required(c, at, "");
        return;
    }
    if (slash >= 0 && slice_find(slice_from(text, (size_t)slash + 1), '/') >= 0) {
        causes_invalid_text(c, at, text, "must be a version, or a group and a version");
        return;
    }
    if (slash >= 0) {
        group = slice_make(text.ptr, (size_t)slash);
        version = slice_from(text, (size_t)slash + 1);
    }
    if (group.len && name_check_subdomain(group))
        causes_invalid_text(c, at, group, "%s", name_check_subdomain(group));
    if (!version.len)
        causes_invalid_text(c, at, text, "version must be specified");
    else if (name_check_label_1035(version))
        causes_invalid_text(c, at, version, "%s", name_check_label_1035(version));
}

static struct slice lower_case(struct arena *arena, struct slice text)
{
    struct slice lower = arena_dup(arena, text);

    for (size_t i = 0; i < lower.len; i++)
        ((char *)lower.ptr)[i] = (char)tolower((unsigned char)lower.ptr[i]);
    return lower;
}

static void check_param_kind(struct causes *c, const struct path *at, const struct value *param)
{
    struct slice kind = text_at(param, "kind");

    if (!value_is_set(param))
        return;
    check_param_version(c, PATH(at, "apiVersion"), text_at(param, "apiVersion"));
    if (!kind.len)
        causes_required(c, PATH(at, "kind"), "");
    else if (name_check_label_1035(lower_case(c->arena, kind)))
        causes_invalid_text(c, PATH(at, "kind"), kind, "may have mixed case, but should otherwise match: %s",
                            name_check_label_1035(lower_case(c->arena, kind)));
}

static void check_named_rules(struct causes *c, const struct path *at, const struct value *rules)
{
    for (size_t i = 0; i < value_count(rules); i++) {
        const struct value *names = field_of(value_item(rules, i), "resourceNames");
        struct path item_at = path_index(at, i), names_at = path_field(&item_at, "resourceNames");
        struct text_set seen = TEXT_SET(c->arena);
        for (size_t k = 0; k < value_count(names); k++) {
            struct slice name = value_text(value_item(names, k));
            check_name(c, PATH_I(&names_at, k), name, name_check_path_segment);
            if (!text_set_add(&seen, name))
                causes_duplicate(c, PATH_I(&names_at, k), name);
        }
        check_operation_rule(c, &item_at, value_item(rules, i));
    }
}

static void check_selector_set(struct causes *c, const struct path *at, const struct value *selector)
{
    if (value_is_set(selector))
        check_label_selector(c, at, selector);
    else
        causes_required(c, at, "");
}

static void check_match_resources(struct causes *c, const struct path *at, const struct value *match)
{
    if (!value_is_set(match))
        return;
    check_enum(c, PATH(at, "matchPolicy"), field_of(match, "matchPolicy"), match_policies, true);
    check_selector_set(c, PATH(at, "namespaceSelector"), field_of(match, "namespaceSelector"));
    check_selector_set(c, PATH(at, "objectSelector"), field_of(match, "objectSelector"));
    check_named_rules(c, PATH(at, "resourceRules"), field_of(match, "resourceRules"));
    check_named_rules(c, PATH(at, "excludeResourceRules"), field_of(match, "excludeResourceRules"));
}

/* Deletions cannot be mutated. */
static void check_mutable_operations(struct causes *c, const struct path *at, const struct value *match)
{
    static const char *const operations[] = {"*", "CONNECT", "CREATE", "UPDATE", NULL};
    struct path rules_at = path_field(at, "resourceRules");

    for (VALUE_EACH(rule, field_of(match, "resourceRules")))
        for (VALUE_EACH(operation, field_of(rule, "operations")))
            check_if_set(c, PATH(&rules_at, "operations"), operation, operations);
}

/* ---- expressions ---- */

static bool is_cel_identifier(struct slice name)
{
    static const char *const reserved[] = {"true",   "false",    "null",  "in",      "as",        "break",
                                           "const",  "continue", "else",  "for",     "function",  "if",
                                           "import", "let",      "loop",  "package", "namespace", "return",
                                           "var",    "void",     "while", NULL};

    for (size_t i = 0; i < name.len; i++) {
        unsigned char ch = (unsigned char)name.ptr[i];
        if (ch > 0x7f || !(ch == '_' || isalpha(ch) || (i && isdigit(ch))))
            return false;
    }
    return name.len && !text_is_one_of(name, reserved);
}

static void check_variables(struct causes *c, const struct path *at, const struct value *list)
{
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *variable = value_item(list, i);
        struct slice name = text_at(variable, "name");
        struct path item_at = path_index(at, i);
        if (is_blank(name))
            causes_required(c, PATH(&item_at, "name"), "name is not specified");
        else if (!is_cel_identifier(name))
            causes_invalid_text(c, PATH(&item_at, "name"), name, "must be a valid CEL identifier");
        if (is_blank(text_at(variable, "expression")))
            causes_required(c, PATH(&item_at, "expression"), "expression is not specified");
    }
}

static bool has_line_break(struct slice text)
{
    while (text.len && is_blank(slice_make(text.ptr, 1)))
        text = slice_from(text, 1);
    while (text.len && is_blank(slice_from(text, text.len - 1)))
        text.len--;
    return slice_find(text, '\n') >= 0 || slice_find(text, '\r') >= 0;
}

static void check_validation(struct causes *c, const struct path *at, const struct value *validation)
{
    static const char *const reasons[] = {"Forbidden", "Invalid", "RequestEntityTooLarge", NULL};
    struct slice message = text_at(validation, "message"),
                 expression = text_at(validation, "messageExpression");

    if (is_blank(text_at(validation, "expression")))
        causes_required(c, PATH(at, "expression"), "expression is not specified");
    if (expression.len && is_blank(expression))
        causes_invalid_text(c, PATH(at, "messageExpression"), expression, "must be non-empty if specified");
    if (message.len && is_blank(message))
        causes_invalid_text(c, PATH(at, "message"), message, "must be non-empty if specified");
    else if (has_line_break(message))
        causes_invalid_text(c, PATH(at, "message"), message, "must not contain line breaks");
    check_if_set(c, PATH(at, "reason"), field_of(validation, "reason"), reasons);
}

static void check_annotation(struct causes *c, const struct path *at, const struct value *annotation,
                             struct slice name)
{
    struct slice key = text_at(annotation, "key"), expression = text_at(annotation, "valueExpression");

    if (name.len)
        check_name(c, PATH(at, "key"), arena_slicef(c->arena, "%.*s/%.*s", SLICE_ARG(name), SLICE_ARG(key)),
                   name_check_qualified);
    else
        causes_invalid_text(c, PATH(at, "key"), key, "requires metadata.name be non-empty");
    if (is_blank(expression))
        causes_required(c, PATH(at, "valueExpression"), "valueExpression is not specified");
    else if (expression.len > MAX_ANNOTATION_EXPRESSION)
        causes_required(c, PATH(at, "valueExpression"), "must not exceed %d bytes",
                        MAX_ANNOTATION_EXPRESSION);
}

static void check_annotations_of(struct causes *c, const struct path *at, const struct value *list,
                                 struct slice name)
{
    struct text_set seen = TEXT_SET(c->arena);

    if (value_count(list) > MAX_ANNOTATIONS)
        causes_invalid_shown(c, at, shown_list(c->arena, list), "must not have more than %d auditAnnotations",
                             MAX_ANNOTATIONS);
    for (size_t i = 0; i < value_count(list); i++) {
        struct slice key = text_at(value_item(list, i), "key");
        check_annotation(c, PATH_I(at, i), value_item(list, i), name);
        if (!text_set_add(&seen, key))
            causes_duplicate(c, PATH(PATH_I(at, i), "key"), key);
    }
}

static void check_mutation(struct causes *c, const struct path *at, const struct value *mutation)
{
    static const struct {
        const char *type, *field, *other, *other_shown;
    } rows[] = {{"JSONPatch", "jsonPatch", "applyConfiguration", "\"{applyConfiguration}\""},
                {"ApplyConfiguration", "applyConfiguration", "jsonPatch", "\"{jsonPatch}\""}};
    static const char *const types[] = {"ApplyConfiguration", "JSONPatch", NULL};
    struct slice type = text_at(mutation, "patchType");

    if (!type.len)
        causes_required(c, PATH(at, "patchType"), "");
    else if (!text_is_one_of(type, types))
        causes_not_supported(c, PATH(at, "patchType"), type, types);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct value *patch = field_of(mutation, rows[i].field);
        if (!slice_is(type, rows[i].type))
            continue;
        if (!value_is_set(patch))
            causes_required(c, PATH(at, rows[i].field), "must be specified when patchType is %s",
                            rows[i].type);
        else if (is_blank(text_at(patch, "expression")))
            causes_required(c, PATH(PATH(at, rows[i].field), "expression"), "");
        if (value_is_set(field_of(mutation, rows[i].other)))
            causes_invalid_shown(c, PATH(at, rows[i].other), rows[i].other_shown,
                                 "must not be specified when patchType is %s", rows[i].type);
    }
}

/* ---- policies ---- */

/* What both sorts begin with. */
static void check_policy(struct causes *c, const struct path *at, const struct value *spec,
                         const struct value *old_spec, bool mutating)
{
    const struct value *match = field_of(spec, "matchConstraints"),
                       *conditions = field_of(spec, "matchConditions");
    struct path match_at = path_field(at, "matchConstraints");

    check_enum(c, PATH(at, "failurePolicy"), field_of(spec, "failurePolicy"), failure_policies, true);
    check_param_kind(c, PATH(at, "paramKind"), field_of(spec, "paramKind"));
    check_match_resources(c, &match_at, match);
    if (!value_is_set(match))
        causes_required(c, &match_at, "");
    else if (!value_count(field_of(match, "resourceRules")))
        causes_required(c, PATH(&match_at, "resourceRules"), "");
    if (mutating)
        check_mutable_operations(c, &match_at, match);
    if (!old_spec || !value_equal(field_of(spec, "paramKind"), field_of(old_spec, "paramKind")) ||
        !value_equal(conditions, field_of(old_spec, "matchConditions")))
        check_match_conditions(c, PATH(at, "matchConditions"), conditions);
    check_variables(c, PATH(at, "variables"), field_of(spec, "variables"));
}

/* status.typeChecking and status.conditions, as whoever checks types writes them. */
static void check_policy_status(struct causes *c, const struct value *status)
{
    const struct value *warnings = field_of(field_of(status, "typeChecking"), "expressionWarnings");
    struct path status_at = path_field(NULL, "status"), checking_at = path_field(&status_at, "typeChecking"),
                at = path_field(&checking_at, "expressionWarnings");

    for (size_t i = 0; i < value_count(warnings); i++) {
        struct path item_at = path_index(&at, i);
        if (!text_at(value_item(warnings, i), "warning").len)
            causes_required(c, PATH(&item_at, "warning"), "");
        if (is_blank(text_at(value_item(warnings, i), "fieldRef")))
            causes_required(c, PATH(&item_at, "fieldRef"), "");
    }
}

static void validate_validating(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec");
    const struct value *validations = field_of(spec, "validations"),
                       *annotations = field_of(spec, "auditAnnotations");
    struct path at = path_field(NULL, "spec"), validations_at = path_field(&at, "validations"),
                annotations_at = path_field(&at, "auditAnnotations");

    if (slice_is(req->subresource, "status")) {
        check_policy_status(c, field_of(object, "status"));
        return;
    }
    check_policy(c, &at, spec, old ? field_of(old, "spec") : NULL, false);
    if (!value_count(validations) && !value_count(annotations)) {
        causes_required(c, &validations_at, "validations or auditAnnotations must contain at least one item");
        causes_required(c, &annotations_at, "validations or auditAnnotations must contain at least one item");
    }
    for (size_t i = 0; i < value_count(validations); i++)
        check_validation(c, PATH_I(&validations_at, i), value_item(validations, i));
    check_annotations_of(c, &annotations_at, annotations, object_name(object));
    check_static_suffix(req, object, old);
}

static void validate_mutating(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec"), *mutations = field_of(spec, "mutations");
    struct path at = path_field(NULL, "spec"), mutations_at = path_field(&at, "mutations");

    check_policy(c, &at, spec, old ? field_of(old, "spec") : NULL, true);
    if (!value_count(mutations))
        causes_required(c, &mutations_at, "mutations must contain at least one item");
    for (size_t i = 0; i < value_count(mutations); i++)
        check_mutation(c, PATH_I(&mutations_at, i), value_item(mutations, i));
    check_enum(c, PATH(&at, "reinvocationPolicy"), field_of(spec, "reinvocationPolicy"),
               reinvocation_policies, true);
    check_static_suffix(req, object, old);
}

static struct value cell_param_kind(struct arena *arena, const struct value *param)
{
    if (!value_is_set(param))
        return cell_cstr("<unset>");
    return cell_format(arena, "%.*s/%.*s", SLICE_ARG(text_at(param, "apiVersion")),
                       SLICE_ARG(text_at(param, "kind")));
}

static void row_validating(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = field_of(object, "spec");

    cells[1] = value_of_int((int64_t)value_count(field_of(spec, "validations")));
    cells[2] = cell_param_kind(arena, field_of(spec, "paramKind"));
}

static void row_mutating(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = field_of(object, "spec");

    cells[1] = value_of_int((int64_t)value_count(field_of(spec, "mutations")));
    cells[2] = cell_param_kind(arena, field_of(spec, "paramKind"));
}

/* ---- bindings ---- */

static void check_param_ref(struct causes *c, const struct path *at, const struct value *ref)
{
    static const char *const actions[] = {"Deny", "Allow", NULL};
    static const char exclusive[] = "name and selector are mutually exclusive";
    const struct value *selector = field_of(ref, "selector");
    struct slice name = text_at(ref, "name"), action = text_at(ref, "parameterNotFoundAction");

    if (!value_is_set(ref))
        return;
    if (name.len)
        check_name(c, PATH(at, "name"), name, name_check_path_segment);
    if (name.len && value_is_set(selector))
        causes_forbidden(c, PATH(at, "name"), exclusive);
    if (value_is_set(selector))
        check_label_selector(c, PATH(at, "selector"), selector);
    if (name.len && value_is_set(selector))
        causes_forbidden(c, PATH(at, "selector"), exclusive);
    if (!name.len && !value_is_set(selector))
        causes_required(c, at, "one of name or selector must be specified");
    if (!action.len)
        causes_required(c, PATH(at, "parameterNotFoundAction"), "");
    else if (!text_is_one_of(action, actions))
        causes_not_supported(c, PATH(at, "parameterNotFoundAction"), action, actions);
}

static void check_actions(struct causes *c, const struct path *at, const struct value *list)
{
    static const char *const actions[] = {"Audit", "Deny", "Warn", NULL};
    struct text_set seen = TEXT_SET(c->arena);

    for (size_t i = 0; i < value_count(list); i++) {
        struct slice action = value_text(value_item(list, i));
        if (!text_is_one_of(action, actions))
            causes_not_supported(c, PATH_I(at, i), action, actions);
        if (!text_set_add(&seen, action))
            causes_duplicate(c, PATH_I(at, i), action);
    }
    if (list_has_text(list, "Deny") && list_has_text(list, "Warn"))
        causes_invalid_shown(c, at, shown_list(c->arena, list),
                             "must not contain both Deny and Warn: they would say the same thing twice");
}

static void validate_binding(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec"), *match = field_of(spec, "matchResources"),
                       *actions = field_of(spec, "validationActions");
    struct slice policy = text_at(spec, "policyName");
    struct path at = path_field(NULL, "spec"), actions_at = path_field(&at, "validationActions"),
                policy_at = path_field(&at, "policyName"), match_at = path_field(&at, "matchResources");
    bool mutating = strncmp(req->resource->name, "mutating", strlen("mutating")) == 0;

    if (policy.len)
        check_name(c, &policy_at, policy, name_check_subdomain);
    else if (mutating)
        causes_required(c, &policy_at, "");
    check_param_ref(c, PATH(&at, "paramRef"), field_of(spec, "paramRef"));
    check_match_resources(c, &match_at, match);
    if (mutating)
        check_mutable_operations(c, &match_at, match);
    else
        check_actions(c, &actions_at, actions);
    check_static_suffix(req, object, old);
    if (!mutating && !policy.len)
        causes_required(c, &policy_at, "");
    if (!mutating && !value_count(actions))
        causes_required(c, &actions_at, "");
}

/* A selector as Go prints the structure; people see it in the column. */
static struct value cell_selector(struct arena *arena, const struct value *selector)
{
    const char *labels = "", *requirements = "";

    for (VALUE_EACH_ENTRY(entry, field_of(selector, "matchLabels")))
        labels = arena_printf(arena, "%s%.*s: %.*s,", labels, SLICE_ARG(entry->key),
                              SLICE_ARG(value_text(&entry->value)));
    for (VALUE_EACH(requirement, field_of(selector, "matchExpressions"))) {
        const char *values = "";
        for (VALUE_EACH(item, field_of(requirement, "values")))
            values = arena_printf(arena, "%s%s%.*s", values, *values ? " " : "", SLICE_ARG(value_text(item)));
        requirements = arena_printf(arena, "%sLabelSelectorRequirement{Key:%.*s,Operator:%.*s,Values:[%s],},",
                                    requirements, SLICE_ARG(text_at(requirement, "key")),
                                    SLICE_ARG(text_at(requirement, "operator")), values);
    }
    return cell_format(
        arena,
        "&LabelSelector{MatchLabels:map[string]string{%s},MatchExpressions:[]LabelSelectorRequirement{%s},}",
        labels, requirements);
}

static void row_binding(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *ref = field_of(field_of(object, "spec"), "paramRef"),
                       *selector = field_of(ref, "selector");
    struct slice name = text_at(ref, "name"), namespace = text_at(ref, "namespace");

    if (name.len)
        cells[2] = cell_format(arena, "%.*s/%.*s", SLICE_ARG(namespace.len ? namespace : SLICE("*")),
                               SLICE_ARG(name));
    else if (value_is_set(selector))
        cells[2] = cell_selector(arena, selector);
    else
        cells[2] = cell_cstr("<unset>");
}

const struct kind kind_validatingadmissionpolicies = {.group = GROUP,
                                                      .resource = "validatingadmissionpolicies",
                                                      .counts_generation = true,
                                                      .requires_version_on_update = true,
                                                      .validate = validate_validating,
                                                      .row = row_validating};
const struct kind kind_mutatingadmissionpolicies = {.group = GROUP,
                                                    .resource = "mutatingadmissionpolicies",
                                                    .counts_generation = true,
                                                    .requires_version_on_update = true,
                                                    .validate = validate_mutating,
                                                    .row = row_mutating};
const struct kind kind_validatingadmissionpolicybindings = {.group = GROUP,
                                                            .resource = "validatingadmissionpolicybindings",
                                                            .counts_generation = true,
                                                            .requires_version_on_update = true,
                                                            .validate = validate_binding,
                                                            .row = row_binding};
const struct kind kind_mutatingadmissionpolicybindings = {.group = GROUP,
                                                          .resource = "mutatingadmissionpolicybindings",
                                                          .counts_generation = true,
                                                          .requires_version_on_update = true,
                                                          .validate = validate_binding,
                                                          .row = row_binding};
