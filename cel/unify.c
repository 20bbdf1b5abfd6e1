#include "cel/types.h"

/* Unification as cel-go does it: variables take the most general of the types they are asked to be; dyn fits
 * everything. */

static const struct cel_type *find(const struct cel_unify *u, const struct cel_type *t)
{
    return t->kind == CEL_PARAM && t->index < u->count ? u->subs[t->index] : NULL;
}

static void set(struct cel_unify *u, const struct cel_type *var, const struct cel_type *to)
{
    struct cel_undo *undo = arena_push(u->arena, &u->undo, &u->undo_count, &u->undo_capacity, sizeof *undo);
    *undo = (struct cel_undo){var->index, u->subs[var->index]};
    u->subs[var->index] = to;
}

static void roll_back(struct cel_unify *u, size_t mark)
{
    while (u->undo_count > mark) {
        const struct cel_undo *undo = &u->undo[--u->undo_count];
        u->subs[undo->var] = undo->was;
    }
}

const struct cel_type *cel_unify_new_var(struct cel_unify *u)
{
    unsigned index = (unsigned)u->count;
    if (index >= UINT16_MAX)
        return &cel_type_dyn;
    arena_push(u->arena, &u->subs, &u->count, &u->capacity, sizeof *u->subs);
    return cel_type_param(u->arena, index);
}

static const struct cel_type *rebuild(struct cel_unify *u, const struct cel_type *t,
                                      const struct cel_type *first, const struct cel_type *second)
{
    struct cel_type *copy = arena_alloc(u->arena, sizeof *copy);
    *copy = *t;
    copy->params[0] = first;
    copy->params[1] = second;
    copy->generic = first->generic || (second && second->generic);
    return copy;
}

const struct cel_type *cel_unify_instance(struct cel_unify *u, const struct cel_type *type, unsigned base)
{
    if (!type->generic)
        return type;
    if (type->kind == CEL_PARAM)
        return cel_type_param(u->arena, base + type->index);
    return rebuild(u, type, cel_unify_instance(u, type->params[0], base),
                   type->param_count > 1 ? cel_unify_instance(u, type->params[1], base) : NULL);
}

const struct cel_type *cel_unify_resolve(struct cel_unify *u, const struct cel_type *type, bool to_dyn)
{
    if (!type->generic)
        return type;
    const struct cel_type *sub = find(u, type);
    if (sub)
        return cel_unify_resolve(u, sub, to_dyn);
    if (type->kind == CEL_PARAM)
        return to_dyn ? &cel_type_dyn : type;
    return rebuild(u, type, cel_unify_resolve(u, type->params[0], to_dyn),
                   type->param_count > 1 ? cel_unify_resolve(u, type->params[1], to_dyn) : NULL);
}

static bool less_specific(const struct cel_type *a, const struct cel_type *b)
{
    if (a->kind == CEL_DYN || a->kind == CEL_PARAM)
        return true;
    if (b->kind == CEL_DYN || b->kind == CEL_PARAM || a->kind != b->kind)
        return false;
    if (a->kind == CEL_TYPE)
        return true;
    if (a->param_count == 0)
        return a->nullable == b->nullable ? cel_type_same(a, b) : a->nullable;
    if (a->param_count != b->param_count)
        return false;
    for (unsigned i = 0; i < a->param_count; i++)
        if (!less_specific(a->params[i], b->params[i]))
            return false;
    return true;
}

static bool takes_null(const struct cel_type *t);

const struct cel_type *cel_unify_most_general(const struct cel_type *a, const struct cel_type *b)
{
    if (b->kind == CEL_NULL && takes_null(a))
        return a;
    return less_specific(a, b) ? a : b;
}

static bool not_in(const struct cel_unify *u, const struct cel_type *var, const struct cel_type *within)
{
    if (cel_type_same(var, within))
        return false;
    if (!within->generic)
        return true;
    if (within->kind == CEL_PARAM) {
        const struct cel_type *sub = find(u, within);
        return !sub || not_in(u, var, sub);
    }
    for (unsigned i = 0; i < within->param_count; i++)
        if (!not_in(u, var, within->params[i]))
            return false;
    return true;
}

static bool assignable(struct cel_unify *u, const struct cel_type *a, const struct cel_type *b);

/* May `var` be `type`? *ret_bound: it had a meaning before. */
static bool substitutes(struct cel_unify *u, const struct cel_type *type, const struct cel_type *var,
                        bool *ret_bound)
{
    *ret_bound = true;
    if (cel_type_same(type, var))
        return true;
    const struct cel_type *sub = find(u, var);
    if (sub) {
        if (cel_type_same(type, sub))
            return true;
        if (!assignable(u, type, sub))
            return false;
        const struct cel_type *general = cel_unify_most_general(type, sub);
        if (not_in(u, var, general))
            set(u, var, general);
        return true;
    }
    *ret_bound = false;
    if (!not_in(u, var, type))
        return false;
    set(u, var, type);
    return true;
}

static bool takes_null(const struct cel_type *t)
{
    switch (t->kind) {
    case CEL_OPAQUE:
    case CEL_OPTIONAL:
    case CEL_OBJECT:
    case CEL_DURATION:
    case CEL_TIMESTAMP:
    case CEL_NULL:
        return true;
    default:
        return t->nullable;
    }
}

static bool assignable_params(struct cel_unify *u, const struct cel_type *a, const struct cel_type *b)
{
    if (a->kind != b->kind || a->param_count != b->param_count)
        return false;
    if (a->kind == CEL_OPAQUE && strcmp(cel_type_name(a), cel_type_name(b)) != 0)
        return false;
    for (unsigned i = 0; i < a->param_count; i++)
        if (!assignable(u, a->params[i], b->params[i]))
            return false;
    return true;
}

static bool assignable(struct cel_unify *u, const struct cel_type *a, const struct cel_type *b)
{
    bool bound;
    if (b->kind == CEL_PARAM) {
        if (substitutes(u, a, b, &bound))
            return true;
        if (bound)
            return false;
    }
    if (a->kind == CEL_PARAM)
        return substitutes(u, b, a, &bound);
    if (cel_type_is_dyn(a) || cel_type_is_dyn(b))
        return true;
    if (a->kind == CEL_NULL)
        return takes_null(b);
    if (b->kind == CEL_NULL)
        return takes_null(a);
    switch (a->kind) {
    case CEL_TYPE:
        return b->kind == CEL_TYPE;
    case CEL_OPAQUE:
    case CEL_OPTIONAL:
    case CEL_LIST:
    case CEL_MAP:
        return assignable_params(u, a, b);
    case CEL_OBJECT:
        return b->kind == CEL_OBJECT && strcmp(cel_type_name(a), cel_type_name(b)) == 0;
    default:
        return a->kind == b->kind;
    }
}

bool cel_unify_assignable_list(struct cel_unify *u, const struct cel_type *const *from,
                               const struct cel_type *const *to, size_t count)
{
    size_t mark = u->undo_count;
    for (size_t i = 0; i < count; i++)
        if (!assignable(u, from[i], to[i])) {
            roll_back(u, mark);
            return false;
        }
    return true;
}

bool cel_unify_assignable(struct cel_unify *u, const struct cel_type *from, const struct cel_type *to)
{
    return cel_unify_assignable_list(u, &from, &to, 1);
}
