#include "base/buf.h"
#include "cel/ast.h"

/* A tree as text, in the form of the syntax tree rather than of the source: every call by its function's
 * name. */

enum { PRINT_MAX = 1 << 20 };

static void put(struct buf *out, const struct cel_expr *e);

static void put_items(struct buf *out, struct cel_expr *const *items, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (i)
            buf_puts(out, ", ");
        put(out, items[i]);
    }
}

static void put_entries(struct buf *out, const struct cel_expr *e)
{
    buf_puts(out, "{");
    for (unsigned i = 0; i < e->count; i++) {
        const struct cel_entry *entry = &e->record.entries[i];
        buf_puts(out, i ? ", " : "");
        buf_puts(out, entry->optional ? "?" : "");
        if (entry->key)
            put(out, entry->key);
        else
            buf_put_slice(out, entry->field);
        buf_puts(out, ": ");
        put(out, entry->value);
    }
    buf_puts(out, "}");
}

static void put_list(struct buf *out, const struct cel_expr *e)
{
    buf_puts(out, "[");
    for (unsigned i = 0; i < e->count; i++) {
        buf_puts(out, i ? ", " : "");
        buf_puts(out, e->list.optional && e->list.optional[i] ? "?" : "");
        put(out, e->list.items[i]);
    }
    buf_puts(out, "]");
}

static void put_fold(struct buf *out, const struct cel_comprehension *fold)
{
    buf_puts(out, "fold(");
    buf_put_slice(out, fold->iter);
    if (fold->iter2.len) {
        buf_puts(out, ", ");
        buf_put_slice(out, fold->iter2);
    }
    buf_puts(out, " in ");
    put(out, fold->range);
    buf_puts(out, "; ");
    buf_put_slice(out, fold->accu);
    buf_puts(out, " = ");
    put(out, fold->init);
    buf_puts(out, "; ");
    put(out, fold->condition);
    buf_puts(out, "; ");
    put(out, fold->step);
    buf_puts(out, "; ");
    put(out, fold->result);
    buf_puts(out, ")");
}

static void put_literal(struct buf *out, const struct cel_value *v)
{
    struct arena *arena = arena_new();
    buf_put_slice(out, cel_print(arena, v));
    arena_free(arena);
}

static void put_select(struct buf *out, const struct cel_expr *e)
{
    put(out, e->select.operand);
    buf_puts(out, ".");
    buf_put_slice(out, e->select.field);
    buf_puts(out, e->test ? "~test-only~" : "");
}

static void put_call(struct buf *out, const struct cel_expr *e)
{
    if (e->call.target) {
        put(out, e->call.target);
        buf_puts(out, ".");
    }
    buf_put_slice(out, e->call.name);
    buf_puts(out, "(");
    put_items(out, e->call.args, e->count);
    buf_puts(out, ")");
}

static void put(struct buf *out, const struct cel_expr *e)
{
    if (out->failed)
        return;
    switch ((enum cel_expr_kind)e->kind) {
    case EXPR_LITERAL:
        put_literal(out, &e->literal);
        break;
    case EXPR_IDENT:
        buf_put_slice(out, e->ident.name);
        break;
    case EXPR_SELECT:
        put_select(out, e);
        break;
    case EXPR_CALL:
        put_call(out, e);
        break;
    case EXPR_LIST:
        put_list(out, e);
        break;
    case EXPR_STRUCT:
        buf_put_slice(out, e->record.type_name);
        put_entries(out, e);
        break;
    case EXPR_MAP:
        put_entries(out, e);
        break;
    case EXPR_COMPREHENSION:
        put_fold(out, e->fold);
        break;
    }
}

struct slice cel_program_print(struct arena *arena, const struct cel_program *program)
{
    cleanup_buf struct buf out = BUF_INIT(PRINT_MAX);
    put(&out, program->root);
    return arena_dup(arena, buf_slice(&out));
}
