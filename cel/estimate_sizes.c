#include "cel/estimate_parts.h"
#include "cel/utf8.h"

/* Where values come from, and how large they can be. */

/* ---- origins ---- */

struct origin cel_estimate_step(const struct estimator *s, struct origin from, enum step how,
                                struct slice field)
{
    struct origin lost = {ORIGIN_LOST, NULL};
    if (from.kind == ORIGIN_NONE)
        return s->root;
    if (from.kind != ORIGIN_SCHEMA || how == STEP_INDICES)
        return lost;
    const struct schema *schema = from.schema;
    if (how == STEP_FIELD) {
        int i = schema->kind == SCHEMA_RECORD ? schema_find_field(schema->type, field.ptr, field.len) : -1;
        return i >= 0 ? (struct origin){ORIGIN_SCHEMA, &schema->type->fields[i].schema} : lost;
    }
    if (how == STEP_KEYS)
        return schema->kind == SCHEMA_MAP ? (struct origin){ORIGIN_KEY, NULL} : lost;
    bool container = schema->kind == SCHEMA_LIST || schema->kind == SCHEMA_MAP;
    return container && schema->elem ? (struct origin){ORIGIN_SCHEMA, schema->elem} : lost;
}

struct size cel_estimate_origin_size(struct origin origin)
{
    if (origin.kind == ORIGIN_KEY)
        return (struct size){true, fixed(0)};
    if (origin.kind != ORIGIN_SCHEMA)
        return (struct size){0};
    return (struct size){true, {0, cel_schema_max(origin.schema)}};
}

static const struct about_local *local_of(const struct estimator *s, const struct cel_expr *e)
{
    return e->kind == EXPR_IDENT && e->place == PLACE_LOCAL ? &s->locals[e->ident.slot] : NULL;
}

struct origin cel_estimate_origin(const struct estimator *s, const struct cel_expr *e)
{
    const struct about_local *local = local_of(s, e);
    return local ? local->origin : about(s, e)->origin;
}

const struct cel_type *cel_estimate_type(const struct estimator *s, const struct cel_expr *e)
{
    return s->types[e->id] ? s->types[e->id] : &cel_type_dyn;
}

/* ---- sizes ---- */

static struct size literal_size(const struct cel_expr *e)
{
    if (e->kind == EXPR_LIST || e->kind == EXPR_MAP)
        return (struct size){true, fixed(e->count)};
    if (e->kind != EXPR_LITERAL || e->literal.kind == CEL_TYPE)
        return (struct size){0};
    if (e->literal.kind == CEL_STRING)
        return (struct size){true, fixed(utf8_count(cel_text(&e->literal)))};
    return (struct size){true, fixed(e->literal.kind == CEL_BYTES ? e->literal.len : 1)};
}

static bool is_scalar(const struct cel_type *type)
{
    if (type->kind == CEL_OPTIONAL)
        return is_scalar(type->params[0]);
    return type->kind == CEL_BOOL || type->kind == CEL_INT || type->kind == CEL_UINT ||
           type->kind == CEL_DOUBLE || type->kind == CEL_TIMESTAMP || type->kind == CEL_DURATION;
}

struct size cel_estimate_size(const struct estimator *s, const struct cel_expr *e)
{
    struct about *node = about(s, e);
    if (node->size.known)
        return node->size;
    struct size size = literal_size(e);
    if (size.known)
        return size;
    size = cel_estimate_origin_size(cel_estimate_origin(s, e));
    if (size.known)
        return node->size = size;
    if (is_scalar(cel_estimate_type(s, e)))
        return (struct size){true, fixed(1)};
    const struct about_local *local = local_of(s, e);
    return local ? local->size : (struct size){0};
}

struct range cel_estimate_size_or_unknown(const struct estimator *s, const struct cel_expr *e)
{
    struct size size = cel_estimate_size(s, e);
    return size.known ? size.range : UNKNOWN_RANGE;
}

struct entry_size cel_estimate_entries(const struct estimator *s, const struct cel_expr *e)
{
    const struct about_local *local = local_of(s, e);
    return about(s, e)->entries.known || !local ? about(s, e)->entries : local->entries;
}

struct entry_size cel_estimate_join_entries(struct entry_size a, struct entry_size b)
{
    if (!a.known || !b.known)
        return (struct entry_size){0};
    return (struct entry_size){true, a.list, join(a.key, b.key), join(a.value, b.value)};
}

void cel_estimate_set_size(const struct estimator *s, const struct cel_expr *e, struct size size)
{
    if (size.known)
        about(s, e)->size = size;
}

void cel_estimate_set_entries(const struct estimator *s, const struct cel_expr *e, struct entry_size entries)
{
    if (entries.known)
        about(s, e)->entries = entries;
}
