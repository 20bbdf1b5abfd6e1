#include "cel/eval.h"

#include <math.h>

#include "base/clock.h"
#include "cel/types.h"

/* Walks the tree. What costs what is said here and in cost_run.c; the figures are cel-go's, as Kubernetes
 * configures it. */

static struct cel_value eval(struct cel_eval *e, const struct cel_expr *x);

static const char cost_exceeded[] = "operation cancelled: actual cost limit exceeded";
static const char interrupted[] = "operation interrupted";
static const char memory_exceeded[] = "operation cancelled: memory limit exceeded";

/* ---- budgets ---- */

static void charge(struct cel_eval *e, uint64_t cost)
{
    if (__builtin_add_overflow(e->cost, cost, &e->cost))
        e->cost = UINT64_MAX;
    if (e->cost > e->limit && !e->stopped)
        e->stopped = cost_exceeded;
}

bool cel_eval_room(struct cel_eval *e, uint64_t bytes)
{
    if (bytes + (arena_used(e->arena) - e->memory_start) > CEL_MEMORY_MAX && !e->stopped)
        e->stopped = memory_exceeded;
    return !e->stopped;
}

bool cel_eval_tick(struct cel_eval *e)
{
    if (++e->ticks % 128 == 0) {
        if (e->run->deadline && (uint64_t)clock_mono_nanos() > e->run->deadline && !e->stopped)
            e->stopped = interrupted;
        cel_eval_room(e, 0);
    }
    return !e->stopped;
}

static struct cel_value stop_value(const struct cel_eval *e)
{
    return (struct cel_value){
        .kind = CEL_ERROR, .flags = CEL_STOPPED, .len = (uint32_t)strlen(e->stopped), .s = e->stopped};
}

struct cel_value cel_no_overload(struct cel_eval *e)
{
    return cel_fail(e, "no such overload");
}

/* ---- fields and indexes ---- */

static struct cel_value no_such_key(struct cel_eval *e, const struct cel_value *key)
{
    if (key->kind == CEL_STRING)
        return cel_fail(e, "no such key: %.*s", SLICE_ARG(cel_text(key)));
    return cel_fail(e, "no such key: %.*s", SLICE_ARG(cel_print(e->arena, key)));
}

/* *ret_found false: the value is there but the field is not. */
static struct cel_value select_field(struct cel_eval *e, const struct cel_value *operand,
                                     const struct cel_expr *x, struct slice field, bool *ret_found)
{
    struct cel_value v = cel_null();
    *ret_found = true;
    if (operand->kind != CEL_MAP && operand->kind != CEL_OBJECT)
        return cel_no_overload(e);
    if (x && x->select.type && operand->flags & CEL_TREE && operand->tree->kind == VALUE_RECORD &&
        operand->tree->record->type == x->select.type && operand->schema) {
        const struct value *at = &operand->tree->record->fields[x->select.index];
        if (at->kind != VALUE_ABSENT)
            return cel_of_tree(e->arena, at, &x->select.type->fields[x->select.index].schema);
        *ret_found = false;
    } else {
        *ret_found = cel_field(e->arena, operand, field, &v);
    }
    return v;
}

static struct cel_value wrap_optional(struct cel_eval *e, const struct cel_value *v, bool found)
{
    return found && cel_is_error(v) ? *v : cel_optional(e->arena, found ? v : NULL);
}

/* Upstream counts a value that is no variable as one more access when something is taken from it. */
static void charge_access(struct cel_eval *e, const struct cel_expr *from)
{
    bool attribute = from->kind == EXPR_IDENT || from->kind == EXPR_SELECT ||
                     (from->kind == EXPR_CALL && (from->op == OP_INDEX || from->op == OP_OPT_INDEX ||
                                                  from->op == OP_OPT_SELECT || from->op == OP_CONDITIONAL));
    charge(e, attribute ? 1 : 2);
}

static struct cel_value eval_select(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value operand = eval(e, x->select.operand);
    if (cel_is_error(&operand))
        return operand;
    bool optional = operand.kind == CEL_OPTIONAL, found;
    if (optional && !operand.some)
        return x->test ? cel_bool(false) : operand;
    if (optional)
        operand = *operand.some;
    if (!x->test)
        charge_access(e, x->select.operand);
    struct cel_value v = select_field(e, &operand, x, x->select.field, &found);
    if (x->test)
        return cel_is_error(&v) ? v : cel_bool(found);
    if (optional)
        return wrap_optional(e, &v, found);
    return found ? v : cel_fail(e, "no such key: %.*s", SLICE_ARG(x->select.field));
}

static bool list_index(const struct cel_value *key, int64_t *ret)
{
    if (key->kind == CEL_INT)
        *ret = key->i;
    else if (key->kind == CEL_UINT && key->u <= INT64_MAX)
        *ret = (int64_t)key->u;
    else if (key->kind == CEL_DOUBLE && key->d == floor(key->d) && fabs(key->d) < 9e15)
        *ret = (int64_t)key->d;
    else
        return false;
    return true;
}

static struct cel_value index_value(struct cel_eval *e, const struct cel_value *operand,
                                    const struct cel_value *key, bool *ret_found)
{
    struct cel_value v = cel_null();
    *ret_found = true;
    if (operand->kind == CEL_LIST) {
        int64_t i;
        if (!list_index(key, &i))
            return cel_fail(e, "unsupported index type '%s' in list", cel_type_name(cel_type_of_value(key)));
        *ret_found = i >= 0 && i < operand->len;
        return *ret_found ? cel_list_get(e->arena, operand, (size_t)i) : v;
    }
    if (operand->kind == CEL_MAP && key->kind != CEL_STRING && key->kind != CEL_BOOL &&
        key->kind != CEL_INT && key->kind != CEL_UINT && key->kind != CEL_DOUBLE)
        return cel_no_overload(e);
    if (operand->kind == CEL_MAP)
        *ret_found = cel_map_find(e->arena, operand, key, &v);
    else if (operand->kind == CEL_OBJECT && key->kind == CEL_STRING)
        *ret_found = cel_field(e->arena, operand, cel_text(key), &v);
    else
        v = cel_no_overload(e);
    return v;
}

static struct cel_value eval_index(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value operand = eval(e, x->call.args[0]);
    if (cel_is_error(&operand))
        return operand;
    struct cel_value key = eval(e, x->call.args[1]);
    if (cel_is_error(&key))
        return key;
    charge_access(e, x->call.args[0]);
    bool optional = x->op == OP_OPT_INDEX || operand.kind == CEL_OPTIONAL, found;
    if (operand.kind == CEL_OPTIONAL) {
        if (!operand.some)
            return operand;
        operand = *operand.some;
    }
    struct cel_value v = index_value(e, &operand, &key, &found);
    if (optional)
        return wrap_optional(e, &v, found);
    if (found)
        return v;
    return operand.kind == CEL_LIST ? cel_fail(e, "index out of bounds: %lld", (long long)key.i)
                                    : no_such_key(e, &key);
}

static struct cel_value eval_opt_select(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value operand = eval(e, x->call.args[0]);
    if (cel_is_error(&operand))
        return operand;
    charge_access(e, x->call.args[0]);
    if (operand.kind == CEL_OPTIONAL) {
        if (!operand.some)
            return operand;
        operand = *operand.some;
    }
    bool found;
    struct cel_value v = select_field(e, &operand, NULL, cel_text(&x->call.args[1]->literal), &found);
    return wrap_optional(e, &v, found);
}

/* ---- logic ---- */

/* && ends at the first false, || at the first true; errors count only when nothing ends it. */
static struct cel_value eval_logic(struct cel_eval *e, const struct cel_expr *x)
{
    bool ends = x->op == OP_OR;
    struct cel_value error = cel_bool(!ends);
    for (unsigned i = 0; i < x->count; i++) {
        struct cel_value v = eval(e, x->call.args[i]);
        if (v.kind == CEL_BOOL && v.b == ends)
            return v;
        if (v.kind != CEL_BOOL && !cel_is_error(&error))
            error = cel_is_error(&v) ? v : cel_no_overload(e);
    }
    return error;
}

static struct cel_value eval_conditional(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value condition = eval(e, x->call.args[0]);
    if (cel_is_error(&condition))
        return condition;
    if (condition.kind != CEL_BOOL)
        return cel_no_overload(e);
    return eval(e, x->call.args[condition.b ? 1 : 2]);
}

static struct cel_value eval_unary_logic(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value v = eval(e, x->call.args[0]);
    if (x->op == OP_NOT_STRICTLY_FALSE) {
        charge(e, 1);
        return cel_bool(v.kind != CEL_BOOL || v.b);
    }
    if (cel_is_error(&v))
        return v;
    charge(e, 1);
    return v.kind == CEL_BOOL ? cel_bool(!v.b) : cel_no_overload(e);
}

/* ---- comparing ---- */

static bool has_text(const struct cel_value *v)
{
    return v->kind == CEL_STRING || v->kind == CEL_BYTES;
}

static struct cel_value compare(struct cel_eval *e, enum cel_op op, const struct cel_value *a,
                                const struct cel_value *b)
{
    charge(e, has_text(a) && has_text(b) ? cel_cost_of_comparison(a, b) : 1);
    int order = cel_compare(a, b);
    if (order == CEL_INCOMPARABLE)
        return cel_no_overload(e);
    if (order == CEL_UNORDERED)
        return cel_bool(false);
    return cel_bool(op == OP_LESS         ? order < 0
                    : op == OP_LESS_EQUAL ? order <= 0
                    : op == OP_GREATER    ? order > 0
                                          : order >= 0);
}

static struct cel_value contains(struct cel_eval *e, const struct cel_value *item, const struct cel_value *in)
{
    struct cel_value v;
    if (in->kind == CEL_MAP) {
        charge(e, 1);
        return cel_bool(cel_map_find(e->arena, in, item, &v));
    }
    if (in->kind == CEL_OBJECT && item->kind == CEL_STRING) {
        charge(e, 1);
        return cel_bool(cel_field(e->arena, in, cel_text(item), &v));
    }
    if (in->kind != CEL_LIST)
        return cel_no_overload(e);
    charge(e, in->len);
    for (uint32_t i = 0; i < in->len && !e->stopped; i++) {
        v = cel_list_get(e->arena, in, i);
        if (cel_equal(item, &v))
            return cel_bool(true);
    }
    return cel_bool(false);
}

static struct cel_value eval_binary(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value a = eval(e, x->call.args[0]), b = eval(e, x->call.args[1]);
    if (cel_is_error(&a) || cel_is_error(&b)) {
        charge(e, 1);
        return cel_is_error(&a) ? a : b;
    }
    if (x->op == OP_EQUAL || x->op == OP_NOT_EQUAL) {
        charge(e, cel_cost_of_equality(&a, &b));
        return cel_bool(cel_equal(&a, &b) == (x->op == OP_EQUAL));
    }
    return x->op == OP_IN ? contains(e, &a, &b) : compare(e, (enum cel_op)x->op, &a, &b);
}

/* ---- calls by overload ---- */

static bool fits(struct cel_eval *e, const struct cel_type *type, const struct cel_value *v);

/* Of lists and maps only the first entry is looked at, as upstream does. */
static bool fits_params(struct cel_eval *e, const struct cel_type *type, const struct cel_value *v)
{
    struct cel_value key, value;
    if (v->len == 0)
        return true;
    if (v->kind == CEL_LIST) {
        value = cel_list_get(e->arena, v, 0);
        return fits(e, type->params[0], &value);
    }
    cel_map_at(e->arena, v, 0, &key, &value);
    return fits(e, type->params[0], &key) && fits(e, type->params[1], &value);
}

static bool fits(struct cel_eval *e, const struct cel_type *type, const struct cel_value *v)
{
    switch (type->kind) {
    case CEL_DYN:
    case CEL_PARAM:
        return true;
    case CEL_LIST:
    case CEL_MAP:
        return v->kind == type->kind && fits_params(e, type, v);
    case CEL_OPAQUE:
        return v->kind == CEL_OPAQUE && v->opaque->type->type == type;
    case CEL_OPTIONAL:
        return v->kind == CEL_OPTIONAL && (!v->some || fits(e, type->params[0], v->some));
    default:
        return v->kind == type->kind;
    }
}

static bool overload_fits(struct cel_eval *e, const struct cel_overload *overload,
                          const struct cel_value *args)
{
    for (unsigned i = 0; i < overload->arg_count; i++)
        if (!fits(e, overload->args[i], &args[i]))
            return false;
    return true;
}

static struct cel_value eval_call(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value args[CEL_ARGS_MAX];
    bool member = x->call.target != NULL;
    unsigned count = x->count + member;
    if (x->overload_count == 0 || count > CEL_ARGS_MAX)
        return cel_no_overload(e);
    const struct cel_value *error = NULL;
    for (unsigned i = 0; i < count && (!error || count == 2); i++) {
        args[i] = eval(e, member && i == 0 ? x->call.target : x->call.args[i - member]);
        error = !error && cel_is_error(&args[i]) ? &args[i] : error;
    }
    if (error) {
        charge(e, count <= 2);
        return *error;
    }
    for (unsigned i = 0; i < x->overload_count; i++) {
        const struct cel_overload *overload = x->call.overloads[i];
        if (!overload->row->call || !overload_fits(e, overload, args))
            continue;
        struct cel_value v = overload->row->call(e, args, count);
        charge(e, cel_cost_of_call(e->arena, overload->row->cost, args, count, &v));
        return v;
    }
    return cel_no_overload(e);
}

/* a.or(b), a.orValue(b): b only when it is wanted. */
static struct cel_value eval_optional_or(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value v = eval(e, x->call.target);
    if (cel_is_error(&v))
        return v;
    if (v.kind != CEL_OPTIONAL || x->count != 1)
        return cel_no_overload(e);
    charge(e, 1);
    if (v.some)
        return x->op == OP_OPTIONAL_OR_VALUE ? *v.some : v;
    struct cel_value other = eval(e, x->call.args[0]);
    if (x->op == OP_OPTIONAL_OR && !cel_is_error(&other) && other.kind != CEL_OPTIONAL)
        return cel_no_overload(e);
    return other;
}

static struct cel_value eval_operation(struct cel_eval *e, const struct cel_expr *x)
{
    switch ((enum cel_op)x->op) {
    case OP_CALL:
        return eval_call(e, x);
    case OP_AND:
    case OP_OR:
        return eval_logic(e, x);
    case OP_NOT:
    case OP_NOT_STRICTLY_FALSE:
        return eval_unary_logic(e, x);
    case OP_CONDITIONAL:
        return eval_conditional(e, x);
    case OP_INDEX:
    case OP_OPT_INDEX:
        return eval_index(e, x);
    case OP_OPT_SELECT:
        return eval_opt_select(e, x);
    case OP_OPTIONAL_OR:
    case OP_OPTIONAL_OR_VALUE:
        return eval_optional_or(e, x);
    default:
        return eval_binary(e, x);
    }
}

/* ---- making lists, maps, objects ---- */

/* What an optional entry adds: *ret_skip, or the value inside. */
static struct cel_value unwrap_entry(struct cel_eval *e, struct cel_value v, bool *ret_skip)
{
    *ret_skip = false;
    if (v.kind != CEL_OPTIONAL)
        return cel_fail(e, "cannot initialize optional entry from non-optional value");
    *ret_skip = !v.some;
    return v.some ? *v.some : v;
}

static struct cel_value eval_list(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value list = cel_list_new(e->arena, x->count);
    charge(e, 10);
    for (unsigned i = 0; i < x->count; i++) {
        bool skip = false;
        struct cel_value v = eval(e, x->list.items[i]);
        if (!cel_is_error(&v) && x->list.optional && x->list.optional[i])
            v = unwrap_entry(e, v, &skip);
        if (cel_is_error(&v))
            return v;
        if (!skip)
            list = cel_list_append(e->arena, list, v);
    }
    return list;
}

static bool is_key(const struct cel_value *key)
{
    return key->kind == CEL_STRING || key->kind == CEL_BOOL || key->kind == CEL_INT || key->kind == CEL_UINT;
}

static struct cel_value eval_map(struct cel_eval *e, const struct cel_expr *x)
{
    struct cel_value map = cel_map_new(e->arena, x->count);
    charge(e, 30);
    for (unsigned i = 0; i < x->count; i++) {
        const struct cel_entry *entry = &x->record.entries[i];
        bool skip = false;
        struct cel_value key = eval(e, entry->key);
        if (cel_is_error(&key))
            return key;
        struct cel_value v = eval(e, entry->value);
        if (!cel_is_error(&v) && entry->optional)
            v = unwrap_entry(e, v, &skip);
        if (cel_is_error(&v))
            return v;
        if (!is_key(&key))
            return cel_fail(e, "unsupported key type: %s", cel_type_name(cel_type_of_value(&key)));
        if (!skip && !cel_map_put(e->arena, &map, key, v))
            return cel_fail(e, "Failed with repeated key");
    }
    return map;
}

static struct cel_value eval_struct(struct cel_eval *e, const struct cel_expr *x)
{
    if (!x->record.type)
        return cel_fail(e, "unknown type '%.*s'", SLICE_ARG(x->record.type_name));
    struct cel_fields *fields = arena_alloc(e->arena, sizeof *fields + x->count * sizeof fields->fields[0]);
    *fields = (struct cel_fields){.type = x->record.type};
    for (unsigned i = 0; i < x->count; i++) {
        const struct cel_entry *entry = &x->record.entries[i];
        bool skip = false;
        struct cel_value v = eval(e, entry->value);
        if (!cel_is_error(&v) && entry->optional)
            v = unwrap_entry(e, v, &skip);
        if (cel_is_error(&v))
            return v;
        if (!skip)
            fields->fields[fields->count++] = (struct cel_field){entry->field, v};
    }
    charge(e, 40);
    return (struct cel_value){.kind = CEL_OBJECT, .fields = fields};
}

/* ---- comprehensions ---- */

/* The i-th step's variables. State is of objects, which are walked by field. */
static bool next_item(struct cel_eval *e, const struct cel_comprehension *fold, const struct cel_value *range,
                      size_t i, size_t *state)
{
    struct cel_value *first = &e->locals[fold->iter_slot],
                     *second = fold->iter2.len ? &e->locals[fold->iter2_slot] : NULL;
    struct cel_value key, value;
    if (range->kind == CEL_LIST) {
        if (i >= range->len)
            return false;
        value = cel_list_get(e->arena, range, i);
        *first = second ? cel_int((int64_t)i) : value;
    } else if (range->kind == CEL_MAP) {
        if (i >= range->len)
            return false;
        cel_map_at(e->arena, range, i, &key, &value);
        *first = key;
    } else {
        struct slice name;
        if (!cel_object_at(e->arena, range, state, &name, &value))
            return false;
        *first = cel_string(name);
    }
    if (second)
        *second = value;
    return true;
}

static struct cel_value eval_fold(struct cel_eval *e, const struct cel_expr *x)
{
    const struct cel_comprehension *fold = x->fold;
    struct cel_value range = eval(e, fold->range);
    if (cel_is_error(&range))
        return range;
    if (range.kind == CEL_OPTIONAL && range.some)
        range = *range.some;
    if (range.kind != CEL_LIST && range.kind != CEL_MAP && range.kind != CEL_OBJECT)
        return cel_no_overload(e);
    e->locals[fold->accu_slot] = eval(e, fold->init);
    size_t state = 0;
    for (size_t i = 0; next_item(e, fold, &range, i, &state); i++) {
        struct cel_value go = eval(e, fold->condition);
        if (e->stopped || !cel_eval_tick(e) || (go.kind == CEL_BOOL && !go.b))
            break;
        e->locals[fold->accu_slot] = eval(e, fold->step);
    }
    return e->stopped ? stop_value(e) : eval(e, fold->result);
}

/* ---- all ---- */

static struct cel_value eval_ident(struct cel_eval *e, const struct cel_expr *x)
{
    charge(e, 1);
    if (x->place == PLACE_LOCAL)
        return e->locals[x->ident.slot];
    if (x->place == PLACE_VARIABLE)
        return e->run->variables[x->ident.slot];
    return cel_fail(e, "no such attribute(s): %.*s", SLICE_ARG(x->ident.name));
}

static struct cel_value eval(struct cel_eval *e, const struct cel_expr *x)
{
    if (e->stopped)
        return stop_value(e);
    switch ((enum cel_expr_kind)x->kind) {
    case EXPR_LITERAL:
        return x->literal;
    case EXPR_IDENT:
        return eval_ident(e, x);
    case EXPR_SELECT:
        return eval_select(e, x);
    case EXPR_CALL:
        return eval_operation(e, x);
    case EXPR_LIST:
        return eval_list(e, x);
    case EXPR_MAP:
        return eval_map(e, x);
    case EXPR_STRUCT:
        return eval_struct(e, x);
    case EXPR_COMPREHENSION:
        return eval_fold(e, x);
    }
    return cel_no_overload(e);
}

enum { LOCALS_ON_STACK = 12 };

struct cel_value cel_evaluate(const struct cel_program *program, struct cel_run *run)
{
    struct cel_value few[LOCALS_ON_STACK];
    struct cel_eval e = {.arena = run->arena,
                         .run = run,
                         .program = program,
                         .locals = few,
                         .limit = run->cost_limit ? run->cost_limit : UINT64_MAX,
                         .memory_start = arena_used(run->arena)};
    if (program->local_count > LOCALS_ON_STACK)
        e.locals = arena_alloc(run->arena, program->local_count * sizeof *e.locals);
    struct cel_value v = eval(&e, program->root);
    run->cost = e.cost;
    return e.stopped ? stop_value(&e) : v;
}
