#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/types.h"
#include "openapi/names.h"

/* authorizer.group(...).resource(...).check(...): asks whoever decides, through the run's struct
 * cel_authorizer. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

/* The question as far as it is put together: every step is a copy with one thing more. */
struct question {
    struct cel_opaque head;
    struct cel_check check;
};

struct decision {
    struct cel_opaque head;
    struct cel_decision decision;
};

static const struct cel_opaque_type authorizer_type = {&cel_type_authorizer, NULL, NULL, NULL};
static const struct cel_opaque_type path_type = {&cel_type_path_check, NULL, NULL, NULL};
static const struct cel_opaque_type group_type = {&cel_type_group_check, NULL, NULL, NULL};
static const struct cel_opaque_type resource_type = {&cel_type_resource_check, NULL, NULL, NULL};
static const struct cel_opaque_type decision_type = {&cel_type_decision, NULL, NULL, NULL};

struct cel_value cel_authorizer_value(void)
{
    static const struct question whoever_asks = {.head = {&authorizer_type}};
    return cel_opaque_value(&whoever_asks.head);
}

struct cel_value cel_resource_check_value(struct arena *arena, const struct cel_check *check)
{
    struct question *q = arena_alloc(arena, sizeof *q);
    *q = (struct question){{&resource_type}, *check};
    q->check.is_resource = true;
    return cel_opaque_value(&q->head);
}

static struct question *next(struct cel_eval *e, const struct cel_value *from,
                             const struct cel_opaque_type *type)
{
    struct question *q = arena_alloc(e->arena, sizeof *q);
    *q = *(const struct question *)from->opaque;
    q->head.type = type;
    return q;
}

static bool is_blank(struct slice text)
{
    return strspn(text.len ? text.ptr : "", " \t\n\r\v\f") >= text.len;
}

FN(path)
{
    if (is_blank(cel_text(&args[1])))
        return cel_fail(e, "path must not be empty");
    struct question *q = next(e, &args[0], &path_type);
    q->check.path = cel_text(&args[1]);
    return cel_opaque_value(&q->head);
}

FN(group)
{
    struct question *q = next(e, &args[0], &group_type);
    q->check.group = cel_text(&args[1]);
    q->check.is_resource = true;
    return cel_opaque_value(&q->head);
}

FN(service_account)
{
    if (name_check_subdomain(cel_text(&args[2])))
        return cel_fail(e, "Invalid service account name");
    if (name_check_label(cel_text(&args[1])))
        return cel_fail(e, "Invalid service account namespace");
    struct question *q = next(e, &args[0], &authorizer_type);
    q->check.service_account_namespace = cel_text(&args[1]);
    q->check.service_account_name = cel_text(&args[2]);
    return cel_opaque_value(&q->head);
}

FN(resource)
{
    if (is_blank(cel_text(&args[1])))
        return cel_fail(e, "resource must not be empty");
    struct question *q = next(e, &args[0], &resource_type);
    q->check.resource = cel_text(&args[1]);
    return cel_opaque_value(&q->head);
}

FN(subresource)
{
    struct question *q = next(e, &args[0], &resource_type);
    q->check.subresource = cel_text(&args[1]);
    return cel_opaque_value(&q->head);
}

FN(in_namespace)
{
    struct question *q = next(e, &args[0], &resource_type);
    q->check.namespace = cel_text(&args[1]);
    return cel_opaque_value(&q->head);
}

FN(name)
{
    struct question *q = next(e, &args[0], &resource_type);
    q->check.name = cel_text(&args[1]);
    return cel_opaque_value(&q->head);
}

FN(field_selector)
{
    struct question *q = next(e, &args[0], &resource_type);
    q->check.field_selector = cel_text(&args[1]);
    q->check.has_field_selector = args[1].len > 0;
    return cel_opaque_value(&q->head);
}

FN(label_selector)
{
    struct question *q = next(e, &args[0], &resource_type);
    q->check.label_selector = cel_text(&args[1]);
    q->check.has_label_selector = args[1].len > 0;
    return cel_opaque_value(&q->head);
}

FN(check)
{
    struct cel_check question = ((const struct question *)args[0].opaque)->check;
    question.verb = cel_text(&args[1]);
    if (!e->run->authorizer)
        return cel_fail(e, "there is no authorizer");
    struct decision *d = arena_alloc(e->arena, sizeof *d);
    d->head.type = &decision_type;
    d->decision = e->run->authorizer->check(e->run->authorizer_context, &question);
    return cel_opaque_value(&d->head);
}

static const struct cel_decision *decision_of(const struct cel_value *v)
{
    return &((const struct decision *)v->opaque)->decision;
}

FN(allowed)
{
    return cel_bool(decision_of(&args[0])->allowed);
}

FN(reason)
{
    return cel_string(decision_of(&args[0])->reason);
}

FN(errored)
{
    return cel_bool(decision_of(&args[0])->error.len > 0);
}

FN(error_of)
{
    return cel_string(decision_of(&args[0])->error);
}

#define P "kubernetes.authorization."
#define R P "ResourceCheck"
static const struct cel_row rows[] = {
    {"path", "authorizer_path", P "Authorizer.(string): " P "PathCheck", path, CEL_COST_ONE},
    {"group", "authorizer_group", P "Authorizer.(string): " P "GroupCheck", group, CEL_COST_ONE},
    {"serviceAccount", "authorizer_serviceaccount", P "Authorizer.(string, string): " P "Authorizer",
     service_account, CEL_COST_ONE},
    {"resource", "groupcheck_resource", P "GroupCheck.(string): " R, resource, CEL_COST_ONE},
    {"subresource", "resourcecheck_subresource", R ".(string): " R, subresource, CEL_COST_ONE},
    {"namespace", "resourcecheck_namespace", R ".(string): " R, in_namespace, CEL_COST_ONE},
    {"name", "resourcecheck_name", R ".(string): " R, name, CEL_COST_ONE},
    {"fieldSelector", "authorizer_fieldselector", R ".(string): " R, field_selector, CEL_COST_SELECTOR},
    {"labelSelector", "authorizer_labelselector", R ".(string): " R, label_selector, CEL_COST_SELECTOR},
    {"check", "pathcheck_check", P "PathCheck.(string): " P "Decision", check, CEL_COST_CHECK},
    {"check", "resourcecheck_check", R ".(string): " P "Decision", check, CEL_COST_CHECK},
    {"errored", "decision_errored", P "Decision.(): bool", errored, CEL_COST_ONE},
    {"error", "decision_error", P "Decision.(): string", error_of, CEL_COST_ONE},
    {"allowed", "decision_allowed", P "Decision.(): bool", allowed, CEL_COST_ONE},
    {"reason", "decision_reason", P "Decision.(): string", reason, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_authorizer, rows);
