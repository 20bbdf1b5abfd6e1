#include "base/regex.h"
#include "cel/estimate.h"
#include "cel/time.h"
#include "cel/value.h"

/* Once through all nodes. A node with two parents is seen once: macros share nodes, and a walk down every way
 * to them would take as long as there are ways. */

struct visitor {
    bool *seen;
    void (*visit)(struct cel_expr *e, void *context);
    void *context;
};

static void walk(struct visitor *v, struct cel_expr *e);

static void walk_parts(struct visitor *v, struct cel_expr *e)
{
    switch ((enum cel_expr_kind)e->kind) {
    case EXPR_SELECT:
        walk(v, e->select.operand);
        break;
    case EXPR_CALL:
        walk(v, e->call.target);
        for (unsigned i = 0; i < e->count; i++)
            walk(v, e->call.args[i]);
        break;
    case EXPR_LIST:
        for (unsigned i = 0; i < e->count; i++)
            walk(v, e->list.items[i]);
        break;
    case EXPR_MAP:
    case EXPR_STRUCT:
        for (unsigned i = 0; i < e->count; i++) {
            walk(v, e->record.entries[i].key);
            walk(v, e->record.entries[i].value);
        }
        break;
    case EXPR_COMPREHENSION:
        walk(v, e->fold->range);
        walk(v, e->fold->init);
        walk(v, e->fold->condition);
        walk(v, e->fold->step);
        walk(v, e->fold->result);
        break;
    default:
        break;
    }
}

static void walk(struct visitor *v, struct cel_expr *e)
{
    if (!e || v->seen[e->id])
        return;
    v->seen[e->id] = true;
    walk_parts(v, e);
    v->visit(e, v->context);
}

void cel_visit(const struct cel_program *program, void (*visit)(struct cel_expr *e, void *context),
               void *context)
{
    struct arena *scratch = arena_new();
    struct visitor v = {arena_zalloc(scratch, program->node_count), visit, context};
    walk(&v, program->root);
    arena_free(scratch);
}

/* ---- literals that are no such thing ---- */

static bool is_pattern(struct slice text)
{
    cleanup_regex struct regex *regex = regex_get(text, NULL);
    return regex != NULL;
}

static void check_literal(struct cel_expr *e, void *context)
{
    struct cel_value ignored;
    if (e->kind != EXPR_CALL || e->count == 0)
        return;
    const struct cel_expr *arg = e->call.args[e->count - 1];
    if (arg->kind != EXPR_LITERAL || arg->literal.kind != CEL_STRING)
        return;
    struct slice name = e->call.name, text = cel_text(&arg->literal);
    bool bad = slice_is(name, "duration")    ? !cel_parse_duration(text, &ignored)
               : slice_is(name, "timestamp") ? !cel_parse_time(text, &ignored)
               : slice_is(name, "matches")   ? !is_pattern(text)
                                             : false;
    if (bad)
        cel_issue_add(context, arg->pos, "invalid %.*s argument", SLICE_ARG(name));
}

void cel_check_literals(const struct cel_program *program, struct cel_issues *issues)
{
    cel_visit(program, check_literal, issues);
}

/* ---- constants ---- */

static bool fold_list(struct arena *arena, struct cel_expr *e, struct cel_value *ret)
{
    if (e->list.optional)
        return false;
    for (unsigned i = 0; i < e->count; i++)
        if (e->list.items[i]->kind != EXPR_LITERAL)
            return false;
    *ret = cel_list_new(arena, e->count);
    for (unsigned i = 0; i < e->count; i++)
        *ret = cel_list_append(arena, *ret, e->list.items[i]->literal);
    return true;
}

static bool fold_map(struct arena *arena, struct cel_expr *e, struct cel_value *ret)
{
    for (unsigned i = 0; i < e->count; i++) {
        const struct cel_entry *entry = &e->record.entries[i];
        if (entry->optional || entry->key->kind != EXPR_LITERAL || entry->value->kind != EXPR_LITERAL)
            return false;
        uint8_t kind = entry->key->literal.kind;
        if (kind != CEL_STRING && kind != CEL_BOOL && kind != CEL_INT && kind != CEL_UINT)
            return false;
    }
    *ret = cel_map_new(arena, e->count);
    for (unsigned i = 0; i < e->count; i++)
        if (!cel_map_put(arena, ret, e->record.entries[i].key->literal, e->record.entries[i].value->literal))
            return false; /* a repeated key is an error when it runs */
    return true;
}

/* int("1"), timestamp("..."): evaluated once, unless that is an error, which is for the run to say. */
static bool fold_conversion(struct arena *arena, struct cel_expr *e, struct cel_value *ret)
{
    static const char *const names[] = {"bool", "bytes",  "double",    "duration", "dyn",
                                        "int",  "string", "timestamp", "type",     "uint"};
    bool conversion = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        conversion |= slice_is(e->call.name, names[i]);
    if (!conversion || e->call.target || e->count != 1 || e->call.args[0]->kind != EXPR_LITERAL)
        return false;
    struct cel_program alone = {.root = e};
    struct cel_run run = {.arena = arena};
    *ret = cel_evaluate(&alone, &run);
    return ret->kind != CEL_ERROR;
}

/* Full to the brim, so that nothing is ever written behind its end by a thread that appends to it. */
static void fold(struct cel_expr *e, void *context)
{
    struct cel_value v;
    bool folded = e->kind == EXPR_LIST   ? fold_list(context, e, &v)
                  : e->kind == EXPR_MAP  ? fold_map(context, e, &v)
                  : e->kind == EXPR_CALL ? fold_conversion(context, e, &v)
                                         : false;
    if (!folded || (e->kind == EXPR_LIST && v.items->capacity != v.len) ||
        (e->kind == EXPR_MAP && v.map->capacity != v.len))
        return;
    e->kind = EXPR_LITERAL;
    e->literal = v;
}

void cel_fold_constants(struct arena *arena, struct cel_program *program)
{
    cel_visit(program, fold, arena);
}
