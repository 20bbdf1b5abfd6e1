#include "cel/estimate_parts.h"
#include "cel/macros.h"

/*
 * The estimate of cel-go's checker with the size hints of Kubernetes. It decides which rules a definition may
 * have, so it follows upstream's arithmetic to the digit, oddities included: a value of an unknown origin
 * counts as the root of the schema.
 */

static struct range cost_of(struct estimator *s, const struct cel_expr *e);

static struct range logic_cost(struct estimator *s, const struct cel_expr *e)
{
    struct range total = cost_of(s, e->call.args[0]);
    for (unsigned i = 1; i < e->count; i++)
        total.max = sum(total.max, cost_of(s, e->call.args[i]).max);
    return total;
}

static struct range conditional_cost(struct estimator *s, const struct cel_expr *e)
{
    struct cel_expr *const *args = e->call.args;
    struct range condition = cost_of(s, args[0]), yes = cost_of(s, args[1]), no = cost_of(s, args[2]);
    cel_estimate_set_entries(
        s, e, cel_estimate_join_entries(cel_estimate_entries(s, args[1]), cel_estimate_entries(s, args[2])));
    cel_estimate_set_size(s, e,
                          (struct size){true, join(cel_estimate_size_or_unknown(s, args[1]),
                                                   cel_estimate_size_or_unknown(s, args[2]))});
    return add(condition, join(yes, no));
}

/* dyn() only turns checking off: it is as large as what is in it. */
static struct range dyn_cost(struct estimator *s, const struct cel_expr *e)
{
    struct range cost = add(fixed(1), cost_of(s, e->call.args[0]));
    cel_estimate_set_size(s, e, cel_estimate_size(s, e->call.args[0]));
    cel_estimate_set_entries(s, e, cel_estimate_entries(s, e->call.args[0]));
    return cost;
}

static struct range call_cost(struct estimator *s, const struct cel_expr *e)
{
    struct call c = {.e = e};
    struct range own = {UINT64_MAX, 0}, args = {0, 0};
    struct size result = {0};
    if (slice_is(e->call.name, "dyn") && e->count == 1 && !e->call.target)
        return dyn_cost(s, e);
    if (e->call.target)
        c.args[c.count++] = e->call.target;
    for (unsigned i = 0; i < e->count && c.count < CEL_ARGS_MAX; i++)
        c.args[c.count++] = e->call.args[i];
    for (unsigned i = 0; i < c.count; i++)
        args = add(args, cost_of(s, c.args[i]));
    if (e->op == OP_OPT_SELECT)
        return add(args, fixed(1));
    for (unsigned i = 0; i < e->overload_count; i++) {
        c.result = (struct size){0};
        own = join(own, cel_estimate_overload(s, &c, e->call.overloads[i]->row->cost));
        if (c.result.known)
            result = (struct size){true, result.known ? join(result.range, c.result.range) : c.result.range};
        if (!result.known)
            result = cel_estimate_size(s, e);
    }
    cel_estimate_set_size(s, e, result);
    return e->overload_count ? add(own, args) : fixed(0);
}

/* ---- lists, maps, comprehensions ---- */

static struct range list_cost(struct estimator *s, const struct cel_expr *e)
{
    struct range cost = fixed(10), size = {e->count ? UINT64_MAX : 0, 0};
    for (unsigned i = 0; i < e->count; i++) {
        cost = add(cost, cost_of(s, e->list.items[i]));
        size = join(size, cel_estimate_size_or_unknown(s, e->list.items[i]));
    }
    cel_estimate_set_entries(s, e, (struct entry_size){true, true, fixed(1), size});
    return cost;
}

static struct range map_cost(struct estimator *s, const struct cel_expr *e)
{
    struct range cost = fixed(e->kind == EXPR_MAP ? 30 : 40), key = {e->count ? UINT64_MAX : 0, 0},
                 value = key;
    for (unsigned i = 0; i < e->count; i++) {
        const struct cel_entry *entry = &e->record.entries[i];
        if (entry->key) {
            cost = add(cost, cost_of(s, entry->key));
            key = join(key, cel_estimate_size_or_unknown(s, entry->key));
        }
        cost = add(cost, cost_of(s, entry->value));
        value = join(value, cel_estimate_size_or_unknown(s, entry->value));
    }
    if (e->kind == EXPR_MAP)
        cel_estimate_set_entries(s, e, (struct entry_size){true, false, key, value});
    return cost;
}

static struct about_local named_value(struct estimator *s, const struct cel_expr *value)
{
    return (struct about_local){cel_estimate_origin(s, value), cel_estimate_size(s, value),
                                cel_estimate_entries(s, value)};
}

static void set_iteration(struct estimator *s, const struct cel_expr *e)
{
    const struct cel_comprehension *fold = e->fold;
    struct entry_size entries = cel_estimate_entries(s, fold->range);
    struct origin origin = cel_estimate_origin(s, fold->range);
    bool list = entries.known ? entries.list : cel_estimate_type(s, fold->range)->kind == CEL_LIST,
         two = fold->iter2.len > 0;
    struct about_local key = {cel_estimate_step(s, origin, list ? STEP_INDICES : STEP_KEYS, SLICE("")),
                              {entries.known, entries.key},
                              {0}};
    struct about_local value = {cel_estimate_step(s, origin, list ? STEP_ITEMS : STEP_VALUES, SLICE("")),
                                {entries.known, entries.value},
                                {0}};
    s->locals[fold->iter_slot] = two || !list ? key : value;
    if (two)
        s->locals[fold->iter2_slot] = value;
}

static struct range bind_cost(struct estimator *s, const struct cel_expr *e)
{
    const struct cel_comprehension *fold = e->fold;
    struct range cost = add(cost_of(s, fold->range), cost_of(s, fold->init));
    s->locals[fold->accu_slot] = named_value(s, fold->init);
    cost = add(cost, cost_of(s, fold->result));
    cel_estimate_set_size(s, e, cel_estimate_size(s, fold->result));
    cel_estimate_set_entries(s, e, cel_estimate_entries(s, fold->result));
    return cost;
}

static struct range fold_cost(struct estimator *s, const struct cel_expr *e)
{
    const struct cel_comprehension *fold = e->fold;
    if (cel_is_bind(e))
        return bind_cost(s, e);
    struct range cost = add(cost_of(s, fold->range), cost_of(s, fold->init));
    s->locals[fold->accu_slot] = named_value(s, fold->init);
    set_iteration(s, e);
    struct range loop = cost_of(s, fold->condition);
    loop = add(cost_of(s, fold->step), loop);
    cost = add(cost, cost_of(s, fold->result));
    struct range count = cel_estimate_size_or_unknown(s, fold->range);
    if (fold->init->kind == EXPR_LITERAL)
        cel_estimate_set_size(s, e, cel_estimate_size(s, fold->init));
    else if (fold->init->kind == EXPR_LIST || fold->init->kind == EXPR_MAP) {
        cel_estimate_set_size(s, e, (struct size){true, count});
        cel_estimate_set_entries(s, e, cel_estimate_entries(s, fold->step));
    }
    return add(cost, times(count, loop));
}

/* ---- all ---- */

static struct range select_cost(struct estimator *s, const struct cel_expr *e)
{
    const struct cel_expr *operand = e->select.operand;
    struct range cost = cost_of(s, operand);
    if (e->test)
        return cost;
    uint8_t kind = cel_estimate_type(s, operand)->kind;
    about(s, e)->origin = cel_estimate_step(s, cel_estimate_origin(s, operand), STEP_FIELD, e->select.field);
    return kind == CEL_MAP || kind == CEL_OBJECT ? add(cost, fixed(1)) : cost;
}

static struct range node_cost(struct estimator *s, const struct cel_expr *e)
{
    switch ((enum cel_expr_kind)e->kind) {
    case EXPR_LITERAL:
        if (e->literal.kind != CEL_TYPE)
            return fixed(0);
        about(s, e)->origin = s->root; /* upstream counts a type's name as a variable */
        return fixed(1);
    case EXPR_IDENT:
        about(s, e)->origin = e->place == PLACE_VARIABLE ? s->root : cel_estimate_origin(s, e);
        return fixed(1);
    case EXPR_SELECT:
        return select_cost(s, e);
    case EXPR_CALL:
        return e->op == OP_AND || e->op == OP_OR ? logic_cost(s, e)
               : e->op == OP_CONDITIONAL         ? conditional_cost(s, e)
                                                 : call_cost(s, e);
    case EXPR_LIST:
        return list_cost(s, e);
    case EXPR_MAP:
    case EXPR_STRUCT:
        return map_cost(s, e);
    case EXPR_COMPREHENSION:
        return fold_cost(s, e);
    }
    return fixed(0);
}

static struct range cost_of(struct estimator *s, const struct cel_expr *e)
{
    struct about *node = about(s, e);
    if (!node->costed) {
        node->cost = node_cost(s, e);
        node->costed = true;
    }
    return node->cost;
}

uint64_t cel_estimate(const struct cel_program *program, const struct cel_type *const *types,
                      struct arena *scratch)
{
    struct estimator s = {.program = program, .types = types};
    s.nodes = arena_zalloc(scratch, program->node_count * sizeof *s.nodes);
    s.locals = arena_zalloc(scratch, (program->local_count + 1u) * sizeof *s.locals);
    s.root.kind = ORIGIN_LOST;
    if (program->variable_count && program->variables[0].schema)
        s.root = (struct origin){ORIGIN_SCHEMA, program->variables[0].schema};
    return cost_of(&s, program->root).max;
}
