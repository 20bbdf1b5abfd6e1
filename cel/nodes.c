#include "cel/parser.h"

/* Making nodes, each with the depth of what is below it. */

struct cel_expr *cel_new_expr(struct cel_parser *p, enum cel_expr_kind kind, uint32_t pos)
{
    struct cel_expr *e = arena_zalloc(p->arena, sizeof *e);
    e->kind = (uint8_t)kind;
    e->pos = pos;
    e->id = p->node_count++;
    e->depth = 1;
    return e;
}

static void deeper(struct cel_expr *e, const struct cel_expr *part)
{
    if (part && part->depth >= e->depth)
        e->depth = (uint16_t)(part->depth + 1);
}

static void deeper_entries(struct cel_expr *e)
{
    for (unsigned i = 0; i < e->count; i++) {
        deeper(e, e->record.entries[i].key);
        deeper(e, e->record.entries[i].value);
    }
}

struct cel_expr *cel_finish(struct cel_parser *p, struct cel_expr *e)
{
    switch ((enum cel_expr_kind)e->kind) {
    case EXPR_SELECT:
        deeper(e, e->select.operand);
        break;
    case EXPR_CALL:
        deeper(e, e->call.target);
        for (unsigned i = 0; i < e->count; i++)
            deeper(e, e->call.args[i]);
        break;
    case EXPR_LIST:
        for (unsigned i = 0; i < e->count; i++)
            deeper(e, e->list.items[i]);
        break;
    case EXPR_MAP:
    case EXPR_STRUCT:
        deeper_entries(e);
        break;
    case EXPR_COMPREHENSION:
        deeper(e, e->fold->range);
        deeper(e, e->fold->step);
        break;
    default:
        break;
    }
    if (!p->stopped && (e->depth > CEL_DEPTH_MAX || p->node_count > CEL_NODES_MAX)) {
        cel_issue_add(p->issues, e->pos, "expression recursion limit exceeded: %d", CEL_DEPTH_MAX);
        p->stopped = true;
    }
    return e;
}

struct cel_expr *cel_new_literal(struct cel_parser *p, uint32_t pos, struct cel_value value)
{
    struct cel_expr *e = cel_new_expr(p, EXPR_LITERAL, pos);
    e->literal = value;
    return e;
}

struct cel_expr *cel_new_ident(struct cel_parser *p, uint32_t pos, struct slice name)
{
    struct cel_expr *e = cel_new_expr(p, EXPR_IDENT, pos);
    e->ident.name = name;
    return e;
}

static struct cel_expr **copy_items(struct cel_parser *p, struct cel_expr *const *items, size_t count)
{
    struct cel_expr **copy = arena_alloc(p->arena, (count ? count : 1) * sizeof *copy);
    if (count)
        memcpy(copy, items, count * sizeof *copy);
    return copy;
}

struct cel_expr *cel_new_call(struct cel_parser *p, uint32_t pos, const char *name,
                              struct cel_expr *const *args, size_t count)
{
    struct cel_expr *e = cel_new_expr(p, EXPR_CALL, pos);
    e->call.name = slice_str(name);
    e->call.args = copy_items(p, args, count);
    e->count = (uint16_t)count;
    return cel_finish(p, e);
}

struct cel_expr *cel_new_select(struct cel_parser *p, uint32_t pos, struct cel_expr *operand,
                                struct slice field)
{
    struct cel_expr *e = cel_new_expr(p, EXPR_SELECT, pos);
    e->select.operand = operand;
    e->select.field = field;
    return cel_finish(p, e);
}

struct cel_expr *cel_new_list(struct cel_parser *p, uint32_t pos, struct cel_expr *const *items, size_t count)
{
    struct cel_expr *e = cel_new_expr(p, EXPR_LIST, pos);
    e->list.items = copy_items(p, items, count);
    e->count = (uint16_t)count;
    return cel_finish(p, e);
}
