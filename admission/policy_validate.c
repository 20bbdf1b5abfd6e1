/* ValidatingAdmissionPolicy: the policies that look at a request, evaluated for each of their bindings and
 * parameters. */
#include "admission/policy.h"

#include "admission/match.h"
#include "admission/review.h"
#include "openapi/gen/admissionregistration_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/label_selector.h"

enum { MAX_PARAMS = 1000 };

struct verdict { /* the first refusal */
    bool denied;
    struct slice policy, binding; /* binding empty: of the policy as such */
    struct slice reason;
    const char *message;
};

/* One policy, one binding, one parameter. */
struct run {
    struct admission_request *req;
    const struct admission_policy *policy;
    struct cel_value *values; /* the environment's */
    bool *known;              /* of the policy's variables: evaluated already */
    uint64_t budget;
};

struct dispatch {
    struct admission_request *req;
    const struct admission_policy *policy;
    const struct value *binding;
    const struct schema_resource *as;
    struct value object, old, namespace; /* as the policy sees them; absent: null */
    bool prepared;
    struct verdict *verdict;
};

static bool fails_open(const struct admission_policy *policy)
{
    return value_is(
        value_at(policy->spec, admissionregistration_v1_ValidatingAdmissionPolicySpec_failurePolicy),
        "Ignore");
}

static struct slice binding_name(const struct value *binding)
{
    return value_text(value_at(value_get(binding, SLICE("metadata")), meta_v1_ObjectMeta_name));
}

static const struct value *binding_spec(const struct value *binding)
{
    return value_at(binding, admissionregistration_v1_ValidatingAdmissionPolicyBinding_spec);
}

static void deny(struct dispatch *d, struct slice reason, const char *message)
{
    if (d->verdict->denied)
        return;
    *d->verdict = (struct verdict){true, d->policy->name, d->binding ? binding_name(d->binding) : SLICE(""),
                                   reason, message};
}

/* The policy itself cannot be asked. */
static void misconfigured(struct dispatch *d, const char *why)
{
    if (!fails_open(d->policy))
        deny(d, SLICE(""),
             arena_printf(d->req->arena, "failed to configure %s: %s", d->binding ? "binding" : "policy",
                          why));
}

/* ---- evaluating ---- */

static struct cel_value evaluate(struct run *run, const struct cel_program *program);

/* Variables that the program mentions are evaluated before it, each once. What goes wrong in one is its
 * value. */
static void need_variables(struct run *run, const struct cel_program *program)
{
    const struct cel_program *check = run->req->services->policies->request_check;
    if (cel_program_uses(program, POLICY_REQUEST_RESOURCE) && check && program != check)
        run->values[POLICY_REQUEST_RESOURCE] = evaluate(run, check);
    for (size_t i = 0; i < run->policy->variable_count; i++) {
        if (run->known[i] || !cel_program_uses(program, POLICY_VARIABLES + i))
            continue;
        run->known[i] = true;
        run->values[POLICY_VARIABLES + i] = evaluate(run, run->policy->variables[i].program);
    }
}

static struct cel_value evaluate(struct run *run, const struct cel_program *program)
{
    need_variables(run, program);
    struct cel_run one = {
        .arena = run->req->arena,
        .variables = run->values,
        .cost_limit = run->budget < CEL_PER_CALL_LIMIT ? run->budget : CEL_PER_CALL_LIMIT,
        .authorizer = run->req->services->authorizer,
        .authorizer_context = run->req->services->arg,
    };
    struct cel_value v = cel_evaluate(program, &one);
    run->budget = one.cost < run->budget ? run->budget - one.cost : 1; /* 0 would be no limit */
    return v;
}

static const char *fault_of(struct run *run, const struct policy_expression *expression,
                            const struct cel_value *v)
{
    return arena_printf(run->req->arena, "expression '%.*s' resulted in error: %.*s",
                        SLICE_ARG(expression->text), SLICE_ARG(cel_text(v)));
}

/* 1: the conditions hold; 0: one does not; -1: one cannot be evaluated (and none is false), *ret_fault says
 * why. */
static int check_conditions(struct run *run, const char **ret_fault)
{
    *ret_fault = NULL;
    for (size_t i = 0; i < run->policy->condition_count; i++) {
        struct cel_value v = evaluate(run, run->policy->conditions[i].program);
        if (v.kind == CEL_BOOL && !v.b)
            return 0;
        if (v.kind == CEL_ERROR && !*ret_fault)
            *ret_fault = fault_of(run, &run->policy->conditions[i], &v);
    }
    return *ret_fault ? -1 : 1;
}

static struct slice trim(struct slice s)
{
    while (s.len && strchr(" \t\r\n", s.ptr[0]))
        s = slice_from(s, 1);
    while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* The message that an expression makes, if it makes a good one; else the constant; else the expression that
 * failed. */
static const char *message_of(struct run *run, const struct policy_validation *validation)
{
    struct slice text = SLICE("");
    if (validation->message_expression.program) {
        struct cel_value v = evaluate(run, validation->message_expression.program);
        if (v.kind == CEL_STRING)
            text = trim(cel_text(&v));
        if (text.len > CEL_MESSAGE_EXPRESSION_LIMIT || slice_find(text, '\n') >= 0)
            text = SLICE("");
    }
    if (!text.len)
        text = trim(validation->message);
    return text.len ? arena_strdup(run->req->arena, text)
                    : arena_printf(run->req->arena, "failed expression: %.*s",
                                   SLICE_ARG(trim(validation->expression.text)));
}

/* What the binding wants done about a failure. */
static void act(struct dispatch *d, struct slice reason, const char *message)
{
    const struct value *actions =
        value_at(binding_spec(d->binding),
                 admissionregistration_v1_ValidatingAdmissionPolicyBindingSpec_validationActions);
    for (VALUE_EACH(action, actions)) {
        if (value_is(action, "Deny"))
            deny(d, reason, message);
        else if (value_is(action, "Warn"))
            admission_warn(
                d->req,
                arena_printf(d->req->arena,
                             "Validation failed for ValidatingAdmissionPolicy '%.*s' with binding '%.*s': %s",
                             SLICE_ARG(d->policy->name), SLICE_ARG(binding_name(d->binding)), message));
    }
}

static void fault(struct dispatch *d, const char *message)
{
    if (!fails_open(d->policy))
        act(d, SLICE(""), message);
}

static void run_validations(struct dispatch *d, struct run *run)
{
    for (size_t i = 0; i < d->policy->validation_count; i++) {
        const struct policy_validation *validation = &d->policy->validations[i];
        struct cel_value v = evaluate(run, validation->expression.program);
        if (v.kind == CEL_ERROR)
            fault(d, fault_of(run, &validation->expression, &v));
        else if (v.kind != CEL_BOOL || !v.b)
            act(d, validation->reason.len ? validation->reason : SLICE("Invalid"),
                message_of(run, validation));
        if (v.kind == CEL_ERROR && (v.flags & CEL_STOPPED))
            return;
    }
}

/* ---- what expressions see ---- */

static struct cel_value seen(struct arena *arena, const struct value *tree)
{
    return value_is_set(tree) ? cel_of_tree(arena, tree, NULL) : cel_null();
}

/* In the version that the policy's rules name, once for all bindings. */
static bool prepare(struct dispatch *d, struct error *err)
{
    struct admission_request *req = d->req;
    const struct admission_services *s = req->services;
    const struct schema_resource *namespaces =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("namespaces"));
    bool is_namespace = req->resource == namespaces;
    if (d->prepared)
        return true;
    d->prepared = true;
    d->object = d->old = d->namespace = value_absent;
    if (req->object && !s->convert(s->arg, req->arena, req->object, req->resource, d->as, &d->object, err))
        return false;
    if (req->old && !s->convert(s->arg, req->arena, req->old, req->resource, d->as, &d->old, err))
        return false;
    if (req->namespace.len && !is_namespace)
        req->lookup->get(req->lookup->arg, req->arena, namespaces, SLICE(""), req->namespace, &d->namespace);
    return true;
}

static struct run run_of(struct dispatch *d, const struct value *param)
{
    struct arena *arena = d->req->arena;
    size_t count = POLICY_VARIABLES + d->policy->variable_count;
    struct value *request = arena_alloc(arena, sizeof *request);
    struct run run = {
        .req = d->req,
        .policy = d->policy,
        .values = arena_zalloc(arena, count * sizeof *run.values),
        .known = arena_zalloc(arena, d->policy->variable_count + 1),
        .budget = CEL_RUNTIME_BUDGET,
    };
    *request = admission_request_tree(d->req, d->as);
    run.values[POLICY_OBJECT] = seen(arena, &d->object);
    run.values[POLICY_OLD_OBJECT] = seen(arena, &d->old);
    run.values[POLICY_REQUEST] = cel_of_tree(arena, request, NULL);
    run.values[POLICY_PARAMS] = param ? seen(arena, param) : cel_null();
    run.values[POLICY_NAMESPACE] = seen(arena, &d->namespace);
    run.values[POLICY_AUTHORIZER] = cel_authorizer_value();
    run.values[POLICY_REQUEST_RESOURCE] = cel_null();
    return run;
}

int policy_conditions_hold(struct admission_request *req, const struct admission_policy *policy,
                           const struct schema_resource *as, const struct value *object,
                           const struct value *old, const char **ret_fault)
{
    struct dispatch d = {.req = req, .policy = policy, .as = as, .prepared = true};
    d.object = object ? *object : value_absent;
    d.old = old ? *old : value_absent;
    if (policy->compile_error) {
        *ret_fault = policy->compile_error;
        return -1;
    }
    struct run run = run_of(&d, NULL);
    run.budget = CEL_MATCH_CONDITIONS_BUDGET;
    return check_conditions(&run, ret_fault);
}

static void run_with(struct dispatch *d, const struct value *param)
{
    struct error err;
    error_init(&err, d->req->arena);
    if (d->policy->compile_error) {
        fault(d, d->policy->compile_error);
        return;
    }
    if (!prepare(d, &err)) {
        misconfigured(d, arena_printf(d->req->arena, "failed to convert object version: %s", err.message));
        return;
    }
    struct run run = run_of(d, param);
    const char *why;
    int holds = check_conditions(&run, &why);
    if (holds < 0)
        fault(d, why);
    else if (holds > 0)
        run_validations(d, &run);
}

/* ---- parameters ---- */

struct params {
    struct dispatch *dispatch;
    const struct value *selector;
    const struct value *items[MAX_PARAMS];
    size_t count;
};

static bool take_param(void *arg, const struct value *object)
{
    struct params *p = arg;
    const struct value *labels = value_at(value_get(object, SLICE("metadata")), meta_v1_ObjectMeta_labels);
    if (!label_selector_matches(p->selector, labels))
        return true;
    struct value *copy = arena_alloc(p->dispatch->req->arena, sizeof *copy);
    *copy = *object;
    p->items[p->count++] = copy;
    return p->count < MAX_PARAMS;
}

static const char *collect(struct params *p, const struct value *kind, const struct value *ref)
{
    struct dispatch *d = p->dispatch;
    struct admission_request *req = d->req;
    struct slice api_version = value_text(value_at(kind, admissionregistration_v1_ParamKind_apiVersion));
    struct slice name = value_text(value_at(kind, admissionregistration_v1_ParamKind_kind));
    const struct schema_resource *resource = req->services->find_kind(req->services->arg, api_version, name);
    if (!resource) {
        d->binding = NULL; /* the policy's fault */
        return arena_printf(req->arena, "failed to find resource referenced by paramKind: '%.*s, Kind=%.*s'",
                            SLICE_ARG(api_version), SLICE_ARG(name));
    }
    struct slice namespace = value_text(value_at(ref, admissionregistration_v1_ParamRef_namespace));
    struct slice wanted = value_text(value_at(ref, admissionregistration_v1_ParamRef_name));
    if (!resource->namespaced && namespace.len)
        return "paramRef.namespace must not be provided for a cluster-scoped `paramKind`";
    if (resource->namespaced && !namespace.len)
    namespace = req->namespace;
    if (resource->namespaced && !namespace.len)
        return "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
    if (wanted.len) {
        struct value *object = arena_alloc(req->arena, sizeof *object);
        if (req->lookup->get(req->lookup->arg, req->arena, resource, namespace, wanted, object))
            p->items[p->count++] = object;
    } else {
        p->selector = value_at(ref, admissionregistration_v1_ParamRef_selector);
        req->lookup->list(req->lookup->arg, req->arena, resource, namespace, take_param, p);
    }
    if (!p->count &&
        value_is(value_at(ref, admissionregistration_v1_ParamRef_parameterNotFoundAction), "Deny"))
        return "no params found for policy binding with `Deny` parameterNotFoundAction";
    return NULL;
}

static void run_binding(struct dispatch *d)
{
    const struct value *kind =
        value_at(d->policy->spec, admissionregistration_v1_ValidatingAdmissionPolicySpec_paramKind);
    const struct value *ref = value_at(
        binding_spec(d->binding), admissionregistration_v1_ValidatingAdmissionPolicyBindingSpec_paramRef);
    if (!value_is_set(kind) || !value_is_set(ref)) {
        run_with(d, NULL);
        return;
    }
    struct params *params = arena_zalloc(d->req->arena, sizeof *params);
    params->dispatch = d;
    const char *why = collect(params, kind, ref);
    if (why)
        misconfigured(d, why);
    for (size_t i = 0; !why && i < params->count; i++)
        run_with(d, params->items[i]);
}

/* ---- which policies ---- */

/* matchConstraints of a policy, or matchResources of a binding (absent: everything). NULL: no match.
 * *ret_fault: what cannot be told. */
static const struct schema_resource *match(struct admission_request *req, const struct value *resources,
                                           const char **ret_fault)
{
    struct error err;
    error_init(&err, req->arena);
    *ret_fault = NULL;
    if (!value_is_set(resources))
        return req->asked;
    const struct value *rules = value_at(resources, admissionregistration_v1_MatchResources_resourceRules);
    const struct value *excluded =
        value_at(resources, admissionregistration_v1_MatchResources_excludeResourceRules);
    bool equivalent =
        !value_is(value_at(resources, admissionregistration_v1_MatchResources_matchPolicy), "Exact");
    if (!match_selectors(req, value_at(resources, admissionregistration_v1_MatchResources_namespaceSelector),
                         value_at(resources, admissionregistration_v1_MatchResources_objectSelector), &err) ||
        match_rules(req, excluded, equivalent))
        return NULL;
    const struct schema_resource *as = value_count(rules) ? match_rules(req, rules, equivalent) : req->asked;
    if (as && error_is_set(&err))
        *ret_fault = err.message;
    return as;
}

static void run_policy(struct admission_request *req, const struct admission_policy *policy,
                       struct verdict *verdict)
{
    const char *why;
    struct dispatch d = {.req = req, .policy = policy, .verdict = verdict};
    d.as = match(
        req, value_at(policy->spec, admissionregistration_v1_ValidatingAdmissionPolicySpec_matchConstraints),
        &why);
    if (!d.as)
        return;
    if (why) {
        misconfigured(&d, why);
        return;
    }
    for (size_t i = 0; i < policy->binding_count; i++) {
        d.binding = policy->bindings[i];
        const struct value *resources =
            value_at(binding_spec(d.binding),
                     admissionregistration_v1_ValidatingAdmissionPolicyBindingSpec_matchResources);
        if (!match(req, resources, &why))
            continue;
        if (why)
            misconfigured(&d, why);
        else
            run_binding(&d);
    }
}

static bool refuse(struct admission_request *req, const struct verdict *v, struct error *err)
{
    static const struct {
        const char *reason;
        enum reason value;
    } reasons[] = {{"Unauthorized", REASON_UNAUTHORIZED},
                   {"Forbidden", REASON_FORBIDDEN},
                   {"RequestEntityTooLarge", REASON_TOO_LARGE},
                   {"Invalid", REASON_INVALID}};
    const char *message =
        v->binding.len
            ? arena_printf(req->arena,
                           "ValidatingAdmissionPolicy '%.*s' with binding '%.*s' denied request: %s",
                           SLICE_ARG(v->policy), SLICE_ARG(v->binding), v->message)
            : arena_printf(req->arena, "ValidatingAdmissionPolicy '%.*s' denied request: %s",
                           SLICE_ARG(v->policy), v->message);
    admission_forbid(req, err, "%s", message);
    err->reason = REASON_INVALID;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (slice_is(v->reason, reasons[i].reason))
            err->reason = reasons[i].value;
    error_add_cause(err, "", "", message);
    return false;
}

bool admission_policies_validate(struct admission_request *req, struct error *err)
{
    const struct admission_policies *policies = req->services ? req->services->policies : NULL;
    struct verdict verdict = {0};
    if (!policies || match_is_exempt(req))
        return true;
    for (size_t i = 0; i < policies->count; i++)
        run_policy(req, &policies->items[i], &verdict);
    return !verdict.denied || refuse(req, &verdict, err);
}
