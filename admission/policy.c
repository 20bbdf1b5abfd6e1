#include "admission/policy.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "openapi/gen/admissionregistration_v1.h"
#include "openapi/gen/meta_v1.h"

/* ---- the environment ---- */

static const struct cel_type *record(struct arena *arena, const char *name, const struct cel_variable *fields,
                                     size_t count)
{
    struct cel_record *r = arena_alloc(arena, sizeof *r);
    struct cel_variable *copy = arena_alloc(arena, count * sizeof *copy);
    memcpy(copy, fields, count * sizeof *copy);
    *r = (struct cel_record){name, copy, count};
    return cel_type_of_record(arena, r);
}

#define RECORD(arena, name, ...)                                                                             \
    record((arena), (name), (const struct cel_variable[]){__VA_ARGS__},                                      \
           sizeof((const struct cel_variable[]){__VA_ARGS__}) / sizeof(struct cel_variable))

static const struct cel_type *texts(struct arena *arena)
{
    return cel_type_list(arena, &cel_type_string);
}

static const struct cel_type *text_map(struct arena *arena, const struct cel_type *elem)
{
    return cel_type_map(arena, &cel_type_string, elem);
}

static const struct cel_type *request_type(struct arena *arena)
{
    const struct cel_type *s = &cel_type_string;
    const struct cel_type *kind =
        RECORD(arena, "kubernetes.GroupVersionKind", {"group", s}, {"version", s}, {"kind", s});
    const struct cel_type *resource =
        RECORD(arena, "kubernetes.GroupVersionResource", {"group", s}, {"version", s}, {"resource", s});
    const struct cel_type *user = RECORD(arena, "kubernetes.UserInfo", {"username", s}, {"uid", s},
                                         {"groups", texts(arena)}, {"extra", text_map(arena, texts(arena))});
    return RECORD(arena, "kubernetes.AdmissionRequest", {"kind", kind}, {"resource", resource},
                  {"subResource", s}, {"requestKind", kind}, {"requestResource", resource},
                  {"requestSubResource", s}, {"name", s}, {"namespace", s}, {"operation", s},
                  {"userInfo", user}, {"dryRun", &cel_type_bool}, {"options", &cel_type_dyn});
}

static const struct cel_type *namespace_type(struct arena *arena)
{
    const struct cel_type *s = &cel_type_string, *t = &cel_type_timestamp, *i = &cel_type_int;
    const struct cel_type *metadata =
        RECORD(arena, "kubernetes.NamespaceMetadata", {"name", s}, {"generateName", s}, {"namespace", s},
               {"labels", text_map(arena, s)}, {"annotations", text_map(arena, s)}, {"UID", s},
               {"creationTimestamp", t}, {"deletionGracePeriodSeconds", i}, {"deletionTimestamp", t},
               {"generation", i}, {"resourceVersion", s}, {"finalizers", texts(arena)});
    const struct cel_type *spec = RECORD(arena, "kubernetes.NamespaceSpec", {"finalizers", texts(arena)});
    const struct cel_type *status = RECORD(arena, "kubernetes.NamespaceStatus", {"phase", s});
    return RECORD(arena, "kubernetes.Namespace", {"metadata", metadata}, {"spec", spec}, {"status", status});
}

void policy_scope_init(struct policy_scope *scope, struct arena *arena, bool params)
{
    const struct cel_variable fixed[POLICY_VARIABLES] = {
        [POLICY_OBJECT] = {"object", &cel_type_dyn},
        [POLICY_OLD_OBJECT] = {"oldObject", &cel_type_dyn},
        [POLICY_REQUEST] = {"request", request_type(arena)},
        /* A name that no expression can have: the place is kept. */
        [POLICY_PARAMS] = {params ? "params" : "(params)", &cel_type_dyn},
        [POLICY_NAMESPACE] = {"namespaceObject", namespace_type(arena)},
        [POLICY_AUTHORIZER] = {"authorizer", &cel_type_authorizer},
        [POLICY_REQUEST_RESOURCE] = {"authorizer.requestResource", &cel_type_resource_check},
    };
    *scope = (struct policy_scope){.arena = arena, .params = params};
    for (size_t i = 0; i < POLICY_VARIABLES; i++) {
        struct cel_variable *v =
            arena_push(arena, &scope->variables, &scope->variable_count, &scope->capacity, sizeof *v);
        *v = fixed[i];
    }
}

void policy_scope_add(struct policy_scope *scope, struct slice name, const struct cel_program *program)
{
    struct cel_variable *v =
        arena_push(scope->arena, &scope->variables, &scope->variable_count, &scope->capacity, sizeof *v);
    *v = (struct cel_variable){arena_printf(scope->arena, "variables.%.*s", SLICE_ARG(name)),
                               program ? cel_program_type(program) : &cel_type_dyn};
}

const struct cel_program *policy_compile(struct policy_scope *scope, struct slice text,
                                         const struct cel_type *wants, const char *wants_message,
                                         struct error *err)
{
    const struct cel_source source = {
        .text = text,
        .variables = scope->variables,
        .variable_count = scope->variable_count,
        .wants = wants,
        .wants_message = wants_message,
    };
    return cel_compile(scope->arena, cel_env_kubernetes(), &source, err);
}

/* ---- compiling a policy ---- */

struct compiling {
    struct policy_scope scope;
    struct admission_policy *policy;
};

/* The first fault is the policy's. */
static struct policy_expression compile(struct compiling *c, struct slice text, const struct cel_type *wants,
                                        const char *wants_message)
{
    struct arena *arena = c->scope.arena;
    struct policy_expression expression = {.text = text};
    struct error err;
    error_init(&err, arena);
    expression.program = policy_compile(&c->scope, text, wants, wants_message, &err);
    if (!expression.program && !c->policy->compile_error)
        c->policy->compile_error = arena_printf(arena, "compilation error: %s", err.message);
    return expression;
}

static const struct value *spec_list(const struct compiling *c, unsigned field)
{
    return value_at(c->policy->spec, field);
}

static void compile_variables(struct compiling *c)
{
    const struct value *list = spec_list(c, admissionregistration_v1_ValidatingAdmissionPolicySpec_variables);
    c->policy->variables =
        arena_alloc(c->scope.arena, (value_count(list) + 1) * sizeof *c->policy->variables);
    for (VALUE_EACH(variable, list)) {
        struct policy_expression e = compile(
            c, value_text(value_at(variable, admissionregistration_v1_Variable_expression)), NULL, NULL);
        c->policy->variables[c->policy->variable_count++] = e;
        policy_scope_add(&c->scope, value_text(value_at(variable, admissionregistration_v1_Variable_name)),
                         e.program);
    }
}

static void compile_conditions(struct compiling *c, const struct value *list)
{
    c->policy->conditions =
        arena_alloc(c->scope.arena, (value_count(list) + 1) * sizeof *c->policy->conditions);
    for (VALUE_EACH(condition, list))
        c->policy->conditions[c->policy->condition_count++] =
            compile(c, value_text(value_at(condition, admissionregistration_v1_MatchCondition_expression)),
                    &cel_type_bool, "must evaluate to bool");
}

struct admission_policy *policy_of_conditions(struct arena *arena, const struct value *conditions)
{
    struct admission_policy *policy = arena_zalloc(arena, sizeof *policy);
    struct compiling c = {.policy = policy};
    policy->spec = &value_absent;
    policy_scope_init(&c.scope, arena, false);
    compile_conditions(&c, conditions);
    return policy;
}

static void compile_validations(struct compiling *c)
{
    const struct value *list =
        spec_list(c, admissionregistration_v1_ValidatingAdmissionPolicySpec_validations);
    c->policy->validations =
        arena_zalloc(c->scope.arena, (value_count(list) + 1) * sizeof *c->policy->validations);
    for (VALUE_EACH(item, list)) {
        struct slice message_text =
            value_text(value_at(item, admissionregistration_v1_Validation_messageExpression));
        struct policy_validation *v = &c->policy->validations[c->policy->validation_count++];
        v->expression = compile(c, value_text(value_at(item, admissionregistration_v1_Validation_expression)),
                                &cel_type_bool, "must evaluate to bool");
        if (message_text.len)
            v->message_expression = compile(c, message_text, &cel_type_string, "must evaluate to string");
        v->message = value_text(value_at(item, admissionregistration_v1_Validation_message));
        v->reason = value_text(value_at(item, admissionregistration_v1_Validation_reason));
    }
}

static void compile_annotations(struct compiling *c)
{
    const struct value *list =
        spec_list(c, admissionregistration_v1_ValidatingAdmissionPolicySpec_auditAnnotations);
    c->policy->annotations =
        arena_alloc(c->scope.arena, (value_count(list) + 1) * sizeof *c->policy->annotations);
    for (VALUE_EACH(item, list))
        c->policy->annotations[c->policy->annotation_count++] = (struct policy_annotation){
            value_text(value_at(item, admissionregistration_v1_AuditAnnotation_key)),
            compile(c, value_text(value_at(item, admissionregistration_v1_AuditAnnotation_valueExpression)),
                    NULL, NULL)};
}

/* ---- the snapshot ---- */

struct admission_policies *admission_policies_new(void)
{
    struct admission_policies *policies = xcalloc(1, sizeof *policies);
    atomic_init(&policies->refs, 1);
    policies->arena = arena_new();
    struct policy_scope scope;
    policy_scope_init(&scope, policies->arena, false);
    policies->request_check = policy_compile(
        &scope,
        SLICE("authorizer.group(request.resource.group).resource(request.resource.resource)"
              ".subresource(request.subResource).namespace(request.namespace).name(request.name)"),
        &cel_type_resource_check, "", NULL);
    return policies;
}

static const struct value *keep(struct admission_policies *policies, const struct value *object)
{
    struct value *copy = arena_alloc(policies->arena, sizeof *copy);
    *copy = value_copy(policies->arena, object, true);
    return copy;
}

static struct slice name_of(const struct value *object)
{
    return value_text(value_at(value_get(object, SLICE("metadata")), meta_v1_ObjectMeta_name));
}

void admission_policies_add(struct admission_policies *policies, const struct value *object)
{
    const struct value *copy = keep(policies, object);
    struct admission_policy *policy =
        arena_push(policies->arena, &policies->items, &policies->count, &policies->capacity, sizeof *policy);
    policy->name = name_of(copy);
    policy->spec = value_at(copy, admissionregistration_v1_ValidatingAdmissionPolicy_spec);
    struct compiling c = {.policy = policy};
    bool params = value_is_set(
        value_at(policy->spec, admissionregistration_v1_ValidatingAdmissionPolicySpec_paramKind));
    policy_scope_init(&c.scope, policies->arena, params);
    compile_variables(&c); /* first: all others may mention them */
    compile_conditions(&c,
                       spec_list(&c, admissionregistration_v1_ValidatingAdmissionPolicySpec_matchConditions));
    compile_validations(&c);
    compile_annotations(&c);
}

void admission_policies_bind(struct admission_policies *policies, const struct value *object)
{
    const struct value *spec =
        value_at(object, admissionregistration_v1_ValidatingAdmissionPolicyBinding_spec);
    struct slice wanted =
        value_text(value_at(spec, admissionregistration_v1_ValidatingAdmissionPolicyBindingSpec_policyName));
    for (size_t i = 0; i < policies->count; i++) {
        struct admission_policy *policy = &policies->items[i];
        if (!slice_eq(policy->name, wanted))
            continue;
        const struct value **slot = arena_push(policies->arena, &policy->bindings, &policy->binding_count,
                                               &policy->binding_capacity, sizeof *slot);
        *slot = keep(policies, object);
    }
}

struct admission_policies *admission_policies_ref(struct admission_policies *policies)
{
    atomic_fetch_add_explicit(&policies->refs, 1, memory_order_relaxed);
    return policies;
}

void admission_policies_unref(struct admission_policies *policies)
{
    if (!policies || atomic_fetch_sub_explicit(&policies->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_free(policies->arena);
    free(policies);
}
