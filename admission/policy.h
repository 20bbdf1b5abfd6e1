/*
 * policy: ValidatingAdmissionPolicies with their bindings, compiled: an immutable snapshot, counted, made
 * anew when one of them changes. A policy that does not compile is kept with its error, which its
 * failurePolicy then counts. Any thread.
 *
 * What an expression sees: object, oldObject, request, params (if the policy has a paramKind),
 * namespaceObject, authorizer, authorizer.requestResource, and variables.<name>, each evaluated once and only
 * if something that is evaluated mentions it. Source: KEP-3488,
 * https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
#ifndef ADMISSION_POLICY_H
#define ADMISSION_POLICY_H

#include <stdatomic.h>
#include "admission/admission.h"
#include "cel/cel.h"

enum policy_variable {
    POLICY_OBJECT,
    POLICY_OLD_OBJECT,
    POLICY_REQUEST,
    POLICY_PARAMS,
    POLICY_NAMESPACE,
    POLICY_AUTHORIZER,
    POLICY_REQUEST_RESOURCE,
    POLICY_VARIABLES /* and those of the policy from here on */
};

struct policy_expression {
    struct slice text;
    const struct cel_program *program;
};

struct policy_validation {
    struct policy_expression expression, message_expression; /* the second may have no program */
    struct slice message, reason;
};

struct policy_annotation {
    struct slice key;
    struct policy_expression value;
};

struct admission_policy {
    struct slice name;
    const struct value *spec;
    const char *compile_error; /* or NULL */
    struct policy_expression *variables, *conditions;
    size_t variable_count, condition_count;
    struct policy_validation *validations;
    size_t validation_count;
    struct policy_annotation *annotations;
    size_t annotation_count;
    const struct value **bindings;
    size_t binding_count, binding_capacity;
};

struct admission_policies {
    atomic_int refs;
    struct arena *arena;
    const struct cel_program
        *request_check; /* what authorizer.requestResource is: a check of the request itself */
    struct admission_policy *items;
    size_t count, capacity;
};

struct admission_policies *admission_policies_new(void);
/* Only before the snapshot is shared. Bindings after all policies; one without its policy is ignored. */
void admission_policies_add(struct admission_policies *policies, const struct value *policy);
void admission_policies_bind(struct admission_policies *policies, const struct value *binding);
struct admission_policies *admission_policies_ref(struct admission_policies *policies);
void admission_policies_unref(struct admission_policies *policies); /* NULL is allowed */

bool admission_policies_validate(struct admission_request *req, struct error *err);

/* The matchConditions of a webhook, as a policy that has nothing else. */
struct admission_policy *policy_of_conditions(struct arena *arena, const struct value *conditions);
/* 1: they hold, 0: one does not, -1: they cannot be evaluated, and *ret_fault says why. object and old (or
 * NULL) are of version `as`. */
int policy_conditions_hold(struct admission_request *req, const struct admission_policy *policy,
                           const struct schema_resource *as, const struct value *object,
                           const struct value *old, const char **ret_fault);

/* Compiles one expression in the environment of a policy, for the checks of the kind itself. variables: those
 * before it. */
struct policy_scope {
    struct arena *arena;
    bool params;
    struct cel_variable *variables; /* all of the environment */
    size_t variable_count, capacity;
};
void policy_scope_init(struct policy_scope *scope, struct arena *arena, bool params);
const struct cel_program *policy_compile(struct policy_scope *scope, struct slice text,
                                         const struct cel_type *wants, const char *wants_message,
                                         struct error *err);
/* The variable joins the environment; program NULL: of any type. */
void policy_scope_add(struct policy_scope *scope, struct slice name, const struct cel_program *program);

#endif
