#include "cel/macros.h"

#define SORT_INPUT "@__sortBy_input__"

/* One expansion at work. */
struct expansion {
    struct cel_parser *p;
    uint32_t pos;
    struct cel_expr *target, **args;
    size_t count;
};

typedef struct cel_expr *expander(struct expansion *x);

static struct cel_expr *failed(struct expansion *x, const struct cel_expr *at, const char *message)
{
    cel_issue_add(x->p->issues, at->pos, "%s", message);
    return cel_new_literal(x->p, at->pos, cel_null());
}

static struct cel_expr *accu(struct expansion *x)
{
    return cel_new_ident(x->p, x->pos, SLICE(CEL_ACCUMULATOR));
}

static struct cel_expr *literal(struct expansion *x, struct cel_value value)
{
    return cel_new_literal(x->p, x->pos, value);
}

static struct cel_expr *call1(struct expansion *x, const char *name, struct cel_expr *a)
{
    return cel_new_call(x->p, x->pos, name, &a, 1);
}

static struct cel_expr *call2(struct expansion *x, const char *name, struct cel_expr *a, struct cel_expr *b)
{
    struct cel_expr *args[] = {a, b};
    return cel_new_call(x->p, x->pos, name, args, 2);
}

static struct cel_expr *call3(struct expansion *x, const char *name, struct cel_expr *a, struct cel_expr *b,
                              struct cel_expr *c)
{
    struct cel_expr *args[] = {a, b, c};
    return cel_new_call(x->p, x->pos, name, args, 3);
}

static struct cel_expr *member_call(struct expansion *x, const char *name, struct cel_expr *target,
                                    struct cel_expr *arg)
{
    struct cel_expr *e = cel_new_call(x->p, x->pos, name, &arg, arg ? 1 : 0);
    e->call.target = target;
    return cel_finish(x->p, e);
}

static struct cel_expr *empty(struct expansion *x, enum cel_expr_kind kind)
{
    return cel_finish(x->p, cel_new_expr(x->p, kind, x->pos));
}

/* What a comprehension does, apart from what it runs over. */
struct loop {
    struct slice accu;
    struct cel_expr *init, *condition, *step, *result;
};

static struct cel_expr *fold(struct expansion *x, struct cel_expr *range, struct slice iter,
                             struct slice iter2, const struct loop *loop)
{
    struct cel_expr *e = cel_new_expr(x->p, EXPR_COMPREHENSION, x->pos);
    e->fold = arena_zalloc(x->p->arena, sizeof *e->fold);
    *e->fold = (struct cel_comprehension){.iter = iter,
                                          .iter2 = iter2,
                                          .accu = loop->accu,
                                          .range = range,
                                          .init = loop->init,
                                          .condition = loop->condition,
                                          .step = loop->step,
                                          .result = loop->result};
    return cel_finish(x->p, e);
}

static bool simple_name(struct expansion *x, size_t i, const char *message, struct slice *ret)
{
    const struct cel_expr *arg = x->args[i];
    if (arg->kind != EXPR_IDENT || arg->absolute) {
        failed(x, arg, message);
        return false;
    }
    *ret = arg->ident.name;
    if (!slice_is(*ret, "__result__"))
        return true;
    failed(x, arg, "iteration variable overwrites accumulator variable");
    return false;
}

/* ---- the loops ---- */

static struct loop all_loop(struct expansion *x, struct cel_expr *predicate)
{
    return (struct loop){SLICE(CEL_ACCUMULATOR), literal(x, cel_bool(true)),
                         call1(x, "@not_strictly_false", accu(x)), call2(x, "_&&_", accu(x), predicate),
                         accu(x)};
}

static struct loop exists_loop(struct expansion *x, struct cel_expr *predicate)
{
    return (struct loop){SLICE(CEL_ACCUMULATOR), literal(x, cel_bool(false)),
                         call1(x, "@not_strictly_false", call1(x, "!_", accu(x))),
                         call2(x, "_||_", accu(x), predicate), accu(x)};
}

static struct loop exists_one_loop(struct expansion *x, struct cel_expr *predicate)
{
    struct cel_expr *more = call2(x, "_+_", accu(x), literal(x, cel_int(1)));
    return (struct loop){SLICE(CEL_ACCUMULATOR), literal(x, cel_int(0)), literal(x, cel_bool(true)),
                         call3(x, "_?_:_", predicate, more, accu(x)),
                         call2(x, "_==_", accu(x), literal(x, cel_int(1)))};
}

/* Steps from an empty list or map, those alone that the filter lets pass. */
static struct loop build_loop(struct expansion *x, enum cel_expr_kind kind, struct cel_expr *filter,
                              struct cel_expr *step)
{
    if (filter)
        step = call3(x, "_?_:_", filter, step, accu(x));
    return (struct loop){SLICE(CEL_ACCUMULATOR), empty(x, kind), literal(x, cel_bool(true)), step, accu(x)};
}

static struct loop list_loop(struct expansion *x, struct cel_expr *filter, struct cel_expr *item)
{
    return build_loop(x, EXPR_LIST, filter, call2(x, "_+_", accu(x), cel_new_list(x->p, x->pos, &item, 1)));
}

/* ---- one variable ---- */

static const char simple[] = "argument must be a simple name";
static const char no_identifier[] = "argument is not an identifier";

static struct cel_expr *one_variable(struct expansion *x, const struct loop *loop, struct slice name)
{
    return fold(x, x->target, name, SLICE(""), loop);
}

static struct cel_expr *expand_all(struct expansion *x)
{
    struct slice name;
    if (!simple_name(x, 0, simple, &name))
        return x->target;
    struct loop loop = all_loop(x, x->args[1]);
    return one_variable(x, &loop, name);
}

static struct cel_expr *expand_exists(struct expansion *x)
{
    struct slice name;
    if (!simple_name(x, 0, simple, &name))
        return x->target;
    struct loop loop = exists_loop(x, x->args[1]);
    return one_variable(x, &loop, name);
}

static struct cel_expr *expand_exists_one(struct expansion *x)
{
    struct slice name;
    if (!simple_name(x, 0, simple, &name))
        return x->target;
    struct loop loop = exists_one_loop(x, x->args[1]);
    return one_variable(x, &loop, name);
}

static struct cel_expr *expand_map(struct expansion *x)
{
    struct slice name;
    if (!simple_name(x, 0, no_identifier, &name))
        return x->target;
    bool filters = x->count == 3;
    struct loop loop = list_loop(x, filters ? x->args[1] : NULL, x->args[filters ? 2 : 1]);
    return one_variable(x, &loop, name);
}

static struct cel_expr *expand_filter(struct expansion *x)
{
    struct slice name;
    if (!simple_name(x, 0, no_identifier, &name))
        return x->target;
    struct loop loop = list_loop(x, x->args[1], x->args[0]);
    return one_variable(x, &loop, name);
}

static struct cel_expr *expand_has(struct expansion *x)
{
    struct cel_expr *arg = x->args[0];
    if (arg->kind != EXPR_SELECT || arg->test)
        return failed(x, arg, "invalid argument to has() macro");
    struct cel_expr *e = cel_new_select(x->p, x->pos, arg->select.operand, arg->select.field);
    e->test = true;
    return e;
}

/* ---- two variables ---- */

static bool two_names(struct expansion *x, struct slice *first, struct slice *second)
{
    if (!simple_name(x, 0, simple, first) || !simple_name(x, 1, simple, second))
        return false;
    if (!slice_eq(*first, *second))
        return true;
    failed(x, x->args[1], arena_printf(x->p->arena, "duplicate variable name: %.*s", SLICE_ARG(*first)));
    return false;
}

typedef struct loop quantifier(struct expansion *x, struct cel_expr *predicate);

static struct cel_expr *two_variables(struct expansion *x, quantifier *make)
{
    struct slice first, second;
    if (!two_names(x, &first, &second))
        return x->target;
    struct loop loop = make(x, x->args[2]);
    return fold(x, x->target, first, second, &loop);
}

static struct cel_expr *expand_all2(struct expansion *x)
{
    return two_variables(x, all_loop);
}

static struct cel_expr *expand_exists2(struct expansion *x)
{
    return two_variables(x, exists_loop);
}

static struct cel_expr *expand_exists_one2(struct expansion *x)
{
    return two_variables(x, exists_one_loop);
}

static struct cel_expr *filter_of(const struct expansion *x)
{
    return x->count == 4 ? x->args[2] : NULL;
}

static struct cel_expr *expand_transform_list(struct expansion *x)
{
    struct slice first, second;
    if (!two_names(x, &first, &second))
        return x->target;
    struct loop loop = list_loop(x, filter_of(x), x->args[x->count - 1]);
    return fold(x, x->target, first, second, &loop);
}

static struct cel_expr *expand_transform_map(struct expansion *x)
{
    struct slice first, second;
    if (!two_names(x, &first, &second))
        return x->target;
    struct cel_expr *key = cel_new_ident(x->p, x->pos, first);
    struct loop loop = build_loop(x, EXPR_MAP, filter_of(x),
                                  call3(x, "cel.@mapInsert", accu(x), key, x->args[x->count - 1]));
    return fold(x, x->target, first, second, &loop);
}

static struct cel_expr *expand_transform_entry(struct expansion *x)
{
    struct slice first, second;
    if (!two_names(x, &first, &second))
        return x->target;
    struct loop loop =
        build_loop(x, EXPR_MAP, filter_of(x), call2(x, "cel.@mapInsert", accu(x), x->args[x->count - 1]));
    return fold(x, x->target, first, second, &loop);
}

/* ---- values with a name ---- */

/* A loop over nothing, which leaves `value` named `name` for the result. */
static struct cel_expr *bind(struct expansion *x, struct slice name, struct cel_expr *value,
                             struct cel_expr *result)
{
    struct loop loop = {name, value, literal(x, cel_bool(false)), cel_new_ident(x->p, x->pos, name), result};
    return fold(x, empty(x, EXPR_LIST), SLICE("#unused"), SLICE(""), &loop);
}

bool cel_is_bind(const struct cel_expr *e)
{
    return e->kind == EXPR_COMPREHENSION && e->fold->range->kind == EXPR_LIST && e->fold->range->count == 0 &&
           e->fold->condition->kind == EXPR_LITERAL && e->fold->condition->literal.kind == CEL_BOOL &&
           !e->fold->condition->literal.b && !slice_is(e->fold->accu, CEL_ACCUMULATOR);
}

static struct cel_expr *map_optional(struct expansion *x, const char *message, bool flat)
{
    struct slice name;
    if (!simple_name(x, 0, message, &name))
        return x->target;
    struct cel_expr *inner = bind(x, name, member_call(x, "value", x->target, NULL), x->args[1]);
    struct cel_expr *some = flat ? inner : call1(x, "optional.of", inner);
    return call3(x, "_?_:_", member_call(x, "hasValue", x->target, NULL), some,
                 cel_new_call(x->p, x->pos, "optional.none", NULL, 0));
}

static struct cel_expr *expand_opt_map(struct expansion *x)
{
    return map_optional(x, "optMap() variable name must be a simple identifier", false);
}

static struct cel_expr *expand_opt_flat_map(struct expansion *x)
{
    return map_optional(x, "optFlatMap() variable name must be a simple identifier", true);
}

static struct cel_expr *expand_sort_by(struct expansion *x)
{
    struct cel_expr *list = x->target, *input = cel_new_ident(x->p, x->pos, SLICE(SORT_INPUT));
    if (list->kind == EXPR_LITERAL || list->kind == EXPR_MAP || list->kind == EXPR_STRUCT)
        return failed(
            x, list,
            "sortBy can only be applied to a list, identifier, comprehension, call or select expression");
    x->target = input;
    struct cel_expr *keys = expand_map(x);
    return bind(x, SLICE(SORT_INPUT), list, member_call(x, "@sortByAssociatedKeys", input, keys));
}

/* ---- the table ---- */

static const struct {
    const char *name;
    bool member;
    size_t count;
    expander *expand;
} macros[] = {
    {"has", false, 1, expand_has},
    {"all", true, 2, expand_all},
    {"exists", true, 2, expand_exists},
    {"exists_one", true, 2, expand_exists_one},
    {"existsOne", true, 2, expand_exists_one},
    {"map", true, 2, expand_map},
    {"map", true, 3, expand_map},
    {"filter", true, 2, expand_filter},
    {"all", true, 3, expand_all2},
    {"exists", true, 3, expand_exists2},
    {"exists_one", true, 3, expand_exists_one2},
    {"existsOne", true, 3, expand_exists_one2},
    {"transformList", true, 3, expand_transform_list},
    {"transformList", true, 4, expand_transform_list},
    {"transformMap", true, 3, expand_transform_map},
    {"transformMap", true, 4, expand_transform_map},
    {"transformMapEntry", true, 3, expand_transform_entry},
    {"transformMapEntry", true, 4, expand_transform_entry},
    {"optMap", true, 2, expand_opt_map},
    {"optFlatMap", true, 2, expand_opt_flat_map},
    {"sortBy", true, 2, expand_sort_by},
};

struct cel_expr *cel_macro_call(struct cel_parser *p, uint32_t pos, struct slice name,
                                struct cel_expr *target, struct cel_expr **args, size_t count)
{
    struct expansion x = {p, pos, target, args, count};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
        if (macros[i].count == count && macros[i].member == (target != NULL) &&
            slice_is(name, macros[i].name))
            return macros[i].expand(&x);
    return NULL;
}
