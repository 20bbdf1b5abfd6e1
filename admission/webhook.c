/*
 * MutatingAdmissionWebhook and ValidatingAdmissionWebhook. Mutating ones are asked one after the other, each
 * seeing what those before it made of the object; validating ones all at once. A webhook that cannot be asked
 * fails the request or is passed over, as its failurePolicy says; one that refuses always counts. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
#include "admission/hooks.h"

#include "admission/match.h"
#include "admission/policy.h"
#include "admission/review.h"
#include "openapi/default.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/patch.h"

enum { DEFAULT_TIMEOUT = 10 };

/* Fields of both kinds of webhook, by name. */
static const struct value *field_of(const struct admission_hook *hook, const char *name)
{
    return value_get(hook->webhook, slice_str(name));
}

static struct slice name_of(const struct admission_hook *hook)
{
    return value_text(field_of(hook, "name"));
}

/* A request for a webhook, in the version that it wants. */
struct invocation {
    const struct admission_hook *hook;
    const struct schema_resource *as;
    struct value object, old; /* absent: none */
    struct review review;
};

/* ---- who is asked ---- */

/* False: err is set. ret_as NULL: this webhook does not look at the request. */
static bool choose(struct admission_request *req, const struct admission_hook *hook,
                   const struct schema_resource **ret_as, struct error *err)
{
    struct error selector_err;
    error_init(&selector_err, req->arena);
    *ret_as = NULL;
    if (!match_selectors(req, field_of(hook, "namespaceSelector"), field_of(hook, "objectSelector"),
                         &selector_err))
        return true;
    bool equivalent = !value_is(field_of(hook, "matchPolicy"), "Exact");
    const struct schema_resource *as = match_rules(req, field_of(hook, "rules"), equivalent);
    if (!as)
        return true;
    if (error_is_set(&selector_err)) {
        *err = selector_err;
        return false;
    }
    *ret_as = as;
    return true;
}

/* ---- failures ---- */

static bool fails_open(const struct admission_hook *hook)
{
    return value_is(field_of(hook, "failurePolicy"), "Ignore");
}

/* `why` is the failure as such; the one whose message clients match on is made around it. Returns false. */
static bool fail(struct admission_request *req, const struct admission_hook *hook, const char *why,
                 struct error *err)
{
    const char *message =
        arena_printf(req->arena, "failed calling webhook \"%.*s\": %s", SLICE_ARG(name_of(hook)), why);
    error_set(err, REASON_INTERNAL, "Internal error occurred: %s", message);
    err->has_details = true;
    error_add_cause(err, "", "", message);
    return false;
}

static bool supports_dry_run(struct admission_request *req, const struct admission_hook *hook,
                             struct error *err)
{
    const struct value *effects = field_of(hook, "sideEffects");
    if (!req->dry_run || value_is(effects, "None") || value_is(effects, "NoneOnDryRun"))
        return true;
    return error_set(err, REASON_BAD_REQUEST, "admission webhook \"%.*s\" does not support dry run",
                     SLICE_ARG(name_of(hook)));
}

/* ---- one webhook ---- */

/* A trees of the version that the webhook sees; the envelope around them. */
static bool prepare(struct admission_request *req, struct invocation *call, struct error *err)
{
    const struct admission_services *s = req->services;
    call->object = call->old = value_absent;
    if (req->object &&
        !s->convert(s->arg, req->arena, req->object, req->resource, call->as, &call->object, err))
        return false;
    if (req->old && !s->convert(s->arg, req->arena, req->old, req->resource, call->as, &call->old, err))
        return false;
    return true;
}

/* False: err is set. ret_asked: the webhook's conditions hold, it is to be asked. */
static bool check_conditions(struct admission_request *req, const struct invocation *call, bool *ret_asked,
                             struct error *err)
{
    const char *why;
    *ret_asked = true;
    if (!call->hook->conditions)
        return true;
    int holds = policy_conditions_hold(req, call->hook->conditions, call->as,
                                       value_is_set(&call->object) ? &call->object : NULL,
                                       value_is_set(&call->old) ? &call->old : NULL, &why);
    *ret_asked = holds > 0;
    return holds >= 0 || fails_open(call->hook) || admission_forbid(req, err, "%s", why);
}

static bool envelope(struct admission_request *req, struct invocation *call, struct error *err)
{
    return review_request(req, call->as, value_is_set(&call->object) ? &call->object : NULL,
                          value_is_set(&call->old) ? &call->old : NULL,
                          field_of(call->hook, "admissionReviewVersions"), &call->review, err);
}

static struct admission_call question(struct admission_request *req, const struct invocation *invocation)
{
    struct admission_call call = {
        .client_config = field_of(invocation->hook, "clientConfig"),
        .timeout_seconds = value_int(field_of(invocation->hook, "timeoutSeconds"), DEFAULT_TIMEOUT),
        .body = invocation->review.body,
    };
    error_init(&call.err, req->arena);
    return call;
}

/* What a webhook said: true, it lets the request pass (or was passed over). */
static bool hear(struct admission_request *req, const struct invocation *invocation,
                 const struct admission_call *call, bool mutating, struct review_answer *ret,
                 struct error *err)
{
    struct error why;
    error_init(&why, req->arena);
    *ret = (struct review_answer){.allowed = true};
    if (error_is_set(&call->err)) {
        const char *text = arena_printf(req->arena, "failed to call webhook: %s", call->err.message);
        return fails_open(invocation->hook) || fail(req, invocation->hook, text, err);
    }
    if (!review_answer(req->arena, &invocation->review, mutating, call->answer, ret, &why)) {
        *ret = (struct review_answer){.allowed = true};
        return fails_open(invocation->hook) || fail(req, invocation->hook, why.message, err);
    }
    for (VALUE_EACH(warning, &ret->warnings))
        admission_warn(req, arena_strdup(req->arena, value_text(warning)));
    return ret->allowed || review_refusal(req->arena, name_of(invocation->hook), ret->status, err);
}

/* ---- mutating ---- */

struct admission_rounds {
    bool second;
    bool *invoked;     /* since the last change: they want to be asked again after the next */
    bool *again;       /* to be asked in the second round */
    struct value last; /* what the webhooks made of the object in the first round */
};

/* Somebody has changed the object: whoever was asked before and wants to know is asked again. */
static void require_reinvocation(const struct admission_request *req, struct admission_rounds *rounds)
{
    for (size_t i = 0; i < req->services->hooks->mutating.count; i++) {
        rounds->again[i] |= rounds->invoked[i];
        rounds->invoked[i] = false;
    }
}

static bool bad_patch(struct admission_request *req, struct error *err, const char *why)
{
    (void)req;
    return error_set(err, REASON_INTERNAL, "Internal error occurred: %s", why);
}

/* The patch laid over the webhook's version of the object, which becomes the request's. */
static bool apply(struct admission_request *req, struct invocation *call, struct slice patch,
                  bool *ret_changed, struct error *err)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    const struct schema record = {.kind = SCHEMA_RECORD, .type = call->as->type};
    const struct admission_services *s = req->services;
    struct value tree, patched, object;
    struct error why;
    error_init(&why, req->arena);
    if (!value_is_set(&call->object))
        return error_set(err, REASON_INTERNAL,
                         "Internal error occurred: admission webhook \"%.*s\" attempted to modify the "
                         "object, which is not "
                         "supported for this operation",
                         SLICE_ARG(name_of(call->hook)));
    if (!decode_json_node(req->arena, &any, admission_encode(req->arena, call->as, &call->object), &tree,
                          NULL, &why) ||
        !patch_apply(req->arena, PATCH_JSON, call->as->type, &tree, patch, &patched, &why) ||
        !decode_value(req->arena, &record, &patched, &object, NULL, &why))
        return bad_patch(req, err, why.message);
    default_object(req->arena, &object);
    *ret_changed = !value_equal(&object, &call->object);
    return s->convert(s->arg, req->arena, &object, call->as, req->resource, req->object, err);
}

/* What the server has set of a new object already is not shown, and stays whatever the patch does. */
static const unsigned hidden[] = {meta_v1_ObjectMeta_uid, meta_v1_ObjectMeta_creationTimestamp};
enum { HIDDEN = sizeof hidden / sizeof *hidden };

static void hide(struct admission_request *req, struct value ret_kept[HIDDEN])
{
    struct value *meta = value_get_mut(req->object, SLICE("metadata"));
    for (size_t i = 0; i < HIDDEN; i++) {
        ret_kept[i] = *value_at(meta, hidden[i]);
        *value_mut(meta, hidden[i]) = value_absent;
    }
}

static void unhide(struct admission_request *req, const struct value kept[HIDDEN])
{
    struct value *meta = value_get_mut(req->object, SLICE("metadata"));
    for (size_t i = 0; i < HIDDEN && meta->kind == VALUE_RECORD; i++)
        *value_mut(meta, hidden[i]) = kept[i];
}

static bool ask_mutating(struct admission_request *req, struct invocation *call, bool *ret_changed,
                         struct error *err)
{
    struct error why;
    struct review_answer answer;
    error_init(&why, req->arena);
    bool asked;
    if (!prepare(req, call, err) || !check_conditions(req, call, &asked, err))
        return false;
    if (!asked)
        return true;
    if (!supports_dry_run(req, call->hook, err))
        return false;
    if (!envelope(req, call, &why))
        return fails_open(call->hook) || fail(req, call->hook, why.message, err);
    struct admission_call one = question(req, call);
    req->services->call(req->services->arg, req->arena, &one, 1);
    if (!hear(req, call, &one, true, &answer, err))
        return false;
    return !answer.patch.len || apply(req, call, answer.patch, ret_changed, err);
}

static bool mutate_all(struct admission_request *req, struct admission_rounds *rounds, bool *ret_changed,
                       struct error *err)
{
    const struct admission_hook_list *hooks = &req->services->hooks->mutating;
    for (size_t i = 0; i < hooks->count; i++) {
        struct invocation call = {.hook = &hooks->items[i]};
        bool changed = false;
        if (!choose(req, call.hook, &call.as, err))
            return false;
        if (!call.as || (rounds->second && !rounds->again[i]))
            continue;
        if (!ask_mutating(req, &call, &changed, err))
            return false;
        if (changed)
            require_reinvocation(req, rounds);
        rounds->invoked[i] |= value_is(field_of(call.hook, "reinvocationPolicy"), "IfNeeded");
        *ret_changed |= changed;
    }
    return true;
}

static struct admission_rounds *rounds_new(struct admission_request *req)
{
    size_t count = req->services->hooks->mutating.count;
    struct admission_rounds *rounds = arena_zalloc(req->arena, sizeof *rounds);
    rounds->invoked = arena_zalloc(req->arena, count + 1);
    rounds->again = arena_zalloc(req->arena, count + 1);
    return rounds;
}

bool admission_hooks_mutate(struct admission_request *req, struct admission_rounds **rounds,
                            bool *ret_changed, struct error *err)
{
    struct value kept[HIDDEN];
    bool fresh = req->operation == ADMISSION_CREATE && req->object;
    *ret_changed = false;
    if (!req->services || !req->services->hooks->mutating.count || match_is_exempt(req))
        return true;
    if (!*rounds)
        *rounds = rounds_new(req);
    else
        (*rounds)->second = true;
    if (fresh)
        hide(req, kept);
    if ((*rounds)->second && req->object && !value_equal(req->object, &(*rounds)->last))
        require_reinvocation(req, *rounds); /* the built-in plugins have changed it */
    bool ok = mutate_all(req, *rounds, ret_changed, err);
    if (req->object)
        (*rounds)->last = value_copy(req->arena, req->object, false);
    if (fresh)
        unhide(req, kept);
    return ok;
}

/* ---- validating ---- */

bool admission_hooks_validate(struct admission_request *req, struct error *err)
{
    const struct admission_hook_list *hooks = req->services ? &req->services->hooks->validating : NULL;
    if (!hooks || !hooks->count || match_is_exempt(req))
        return true;
    struct invocation *calls = arena_zalloc(req->arena, hooks->count * sizeof *calls);
    struct admission_call *questions = arena_zalloc(req->arena, hooks->count * sizeof *questions);
    size_t count = 0;
    for (size_t i = 0; i < hooks->count; i++) {
        struct invocation *call = &calls[count];
        struct error why;
        error_init(&why, req->arena);
        call->hook = &hooks->items[i];
        if (!choose(req, call->hook, &call->as, err))
            return false;
        if (!call->as)
            continue;
        bool asked;
        if (!prepare(req, call, err) || !check_conditions(req, call, &asked, err))
            return false;
        if (!asked)
            continue;
        if (!supports_dry_run(req, call->hook, err))
            return false;
        if (envelope(req, call, &why))
            questions[count++] = question(req, call);
        else if (!fails_open(call->hook))
            return fail(req, call->hook, why.message, err);
    }
    req->services->call(req->services->arg, req->arena, questions, count);
    for (size_t i = 0; i < count; i++) {
        struct review_answer answer;
        if (!hear(req, &calls[i], &questions[i], false, &answer, err))
            return false;
    }
    return true;
}
