#include "cel/check.h"

#include "base/buf.h"

static const struct cel_type error_type = {.kind = CEL_ERROR};

bool cel_check_lenient(const struct cel_checker *c)
{
    return c->source->flags & CEL_UNCHECKED;
}

static const char *print(struct cel_checker *c, const struct cel_type *type)
{
    return cel_type_print(c->scratch, type).ptr;
}

static void mismatch(struct cel_checker *c, const struct cel_expr *at, const struct cel_type *want,
                     const struct cel_type *have)
{
    if (!cel_check_lenient(c))
        cel_issue_add(c->issues, at->pos, "expected type '%s' but found '%s'", print(c, want),
                      print(c, have));
}

/* ---- names ---- */

bool cel_check_candidate(struct cel_checker *c, struct slice name, bool absolute, size_t *state,
                         struct slice *ret)
{
    struct slice container = slice_str(absolute ? NULL : c->source->container);
    size_t skip = *state;
    while (skip > 0 && container.len > 0) { /* one part of the container less each time */
        size_t len = container.len;
        while (len > 0 && container.ptr[len - 1] != '.')
            len--;
        container.len = len ? len - 1 : 0;
        skip--;
    }
    if (skip > 0)
        return false;
    (*state)++;
    *ret =
        container.len ? arena_slicef(c->scratch, "%.*s.%.*s", SLICE_ARG(container), SLICE_ARG(name)) : name;
    return true;
}

const struct cel_local *cel_check_find_local(const struct cel_checker *c, struct slice name)
{
    for (const struct cel_local *l = c->locals; l; l = l->outer)
        if (slice_eq(l->name, name))
            return l;
    return NULL;
}

static struct slice join(struct cel_checker *c, const struct cel_expr *e)
{
    if (e->kind == EXPR_IDENT)
        return e->ident.name;
    struct slice left = join(c, e->select.operand);
    return arena_slicef(c->scratch, "%.*s.%.*s", SLICE_ARG(left), SLICE_ARG(e->select.field));
}

bool cel_check_dotted(struct cel_checker *c, const struct cel_expr *e, struct slice *ret, bool *ret_absolute)
{
    const struct cel_expr *first = e;
    while (first->kind == EXPR_SELECT && !first->test)
        first = first->select.operand;
    if (first->kind != EXPR_IDENT || first->ident.name.ptr[0] == '@' ||
        (!first->absolute && cel_check_find_local(c, first->ident.name)))
        return false;
    *ret = join(c, e);
    *ret_absolute = first->absolute;
    return true;
}

static void use_variable(struct cel_checker *c, size_t index)
{
    c->used |= 1ull << (index < 63 ? index : 63);
}

/* The node becomes the variable or the type of that name. NULL: there is neither. */
static const struct cel_type *resolve_global(struct cel_checker *c, struct cel_expr *e, struct slice name,
                                             bool absolute)
{
    struct slice candidate;
    for (size_t state = 0; cel_check_candidate(c, name, absolute, &state, &candidate);) {
        for (size_t i = 0; i < c->source->variable_count; i++) {
            if (!slice_is(candidate, c->source->variables[i].name))
                continue;
            e->kind = EXPR_IDENT;
            e->ident.name = arena_dup(c->arena, candidate);
            e->ident.slot = (uint16_t)i;
            e->place = PLACE_VARIABLE;
            use_variable(c, i);
            return c->source->variables[i].type;
        }
        const struct cel_type *type = cel_env_type(c->env, candidate);
        if (type) {
            e->kind = EXPR_LITERAL;
            e->literal = (struct cel_value){.kind = CEL_TYPE, .type = type};
            return cel_type_of_type(c->scratch, type);
        }
    }
    return NULL;
}

static const struct cel_type *check_ident(struct cel_checker *c, struct cel_expr *e)
{
    const struct cel_local *local = e->absolute ? NULL : cel_check_find_local(c, e->ident.name);
    if (local) {
        e->place = PLACE_LOCAL;
        e->ident.slot = local->slot;
        return local->type;
    }
    struct slice name = e->ident.name;
    const struct cel_type *type = resolve_global(c, e, name, e->absolute);
    if (type)
        return type;
    if (cel_check_lenient(c))
        return &cel_type_dyn;
    cel_issue_add(c->issues, e->pos, "undeclared reference to '%.*s' (in container '%s')", SLICE_ARG(name),
                  c->source->container ? c->source->container : "");
    return &error_type;
}

/* ---- fields ---- */

static const struct cel_type *object_field(struct cel_checker *c, struct cel_expr *e,
                                           const struct cel_type *object, struct slice *field)
{
    struct slice name = *field;
    const struct cel_type *type = cel_type_field(c->scratch, object, name, field);
    if (!type) {
        if (!cel_check_lenient(c))
            cel_issue_add(c->issues, e->pos, "undefined field '%.*s'", SLICE_ARG(name));
        *field = name;
        return &error_type;
    }
    *field = arena_dup(c->arena, *field);
    const struct schema_type *record =
        object->schema && object->schema->kind == SCHEMA_RECORD ? object->schema->type : NULL;
    int index = record ? schema_find_field(record, field->ptr, field->len) : -1;
    if (e->kind == EXPR_SELECT && index >= 0) {
        e->select.type = record;
        e->select.index = (uint32_t)index;
    }
    return type;
}

const struct cel_type *cel_check_field(struct cel_checker *c, struct cel_expr *e, struct cel_expr *operand,
                                       struct slice *field, bool optional)
{
    const struct cel_type *type = cel_unify_resolve(&c->unify, cel_check_node(c, operand), false);
    bool unwrap = cel_type_is_optional(type);
    const struct cel_type *target = unwrap ? type->params[0] : type, *result = &cel_type_dyn;
    switch (target->kind) {
    case CEL_MAP:
        result = target->params[1];
        break;
    case CEL_OBJECT:
        result = object_field(c, e, target, field);
        break;
    case CEL_PARAM:
        cel_unify_assignable(&c->unify, &cel_type_dyn, target);
        break;
    case CEL_DYN:
    case CEL_ERROR:
        break;
    default:
        if (!cel_check_lenient(c))
            cel_issue_add(c->issues, e->pos, "type '%s' does not support field selection", print(c, target));
    }
    return unwrap || optional ? cel_type_optional(c->scratch, result) : result;
}

static const struct cel_type *check_select(struct cel_checker *c, struct cel_expr *e)
{
    struct slice name;
    bool absolute;
    if (!e->test && cel_check_dotted(c, e, &name, &absolute)) {
        const struct cel_type *type = resolve_global(c, e, name, absolute);
        if (type)
            return type;
    }
    const struct cel_type *type = cel_check_field(c, e, e->select.operand, &e->select.field, false);
    return e->test ? &cel_type_bool : cel_unify_resolve(&c->unify, type, false);
}

/* ---- literals of more than one value ---- */

static const struct cel_type *join_types(struct cel_checker *c, const struct cel_expr *e,
                                         const struct cel_type *before, const struct cel_type *type)
{
    if (!before)
        return type;
    if (cel_unify_assignable(&c->unify, before, type))
        return cel_unify_most_general(before, type);
    if (!(c->source->flags & (CEL_MIXED_LISTS | CEL_UNCHECKED)) && !c->mixed_allowed &&
        before->kind != CEL_DYN)
        cel_issue_add(&c->mixed, e->pos, "expected type '%s' but found '%s'", print(c, before),
                      print(c, type));
    return &cel_type_dyn;
}

static const struct cel_type *unwrap_optional(struct cel_checker *c, const struct cel_expr *e,
                                              const struct cel_type *type)
{
    type = cel_unify_resolve(&c->unify, type, false);
    if (cel_type_is_optional(type))
        return type->params[0];
    if (!cel_type_is_dyn(type))
        mismatch(c, e, cel_type_optional(c->scratch, type), type);
    return type;
}

static const struct cel_type *check_list(struct cel_checker *c, struct cel_expr *e)
{
    const struct cel_type *elem = NULL;
    for (unsigned i = 0; i < e->count; i++) {
        const struct cel_type *type = cel_check_node(c, e->list.items[i]);
        if (e->list.optional && e->list.optional[i])
            type = unwrap_optional(c, e->list.items[i], type);
        elem = join_types(c, e->list.items[i], elem, type);
    }
    return cel_type_list(c->scratch, elem ? elem : cel_unify_new_var(&c->unify));
}

static const struct cel_type *check_map(struct cel_checker *c, struct cel_expr *e)
{
    const struct cel_type *key = NULL, *value = NULL;
    for (unsigned i = 0; i < e->count; i++) {
        const struct cel_entry *entry = &e->record.entries[i];
        key = join_types(c, entry->key, key, cel_check_node(c, entry->key));
        const struct cel_type *type = cel_check_node(c, entry->value);
        if (entry->optional)
            type = unwrap_optional(c, entry->value, type);
        value = join_types(c, entry->value, value, type);
    }
    if (!key) {
        key = cel_unify_new_var(&c->unify);
        value = cel_unify_new_var(&c->unify);
    }
    return cel_type_map(c->scratch, key, value);
}

static const struct cel_type *find_object(struct cel_checker *c, const struct cel_expr *e)
{
    struct slice candidate;
    for (size_t state = 0; cel_check_candidate(c, e->record.type_name, e->absolute, &state, &candidate);)
        for (size_t i = 0; i < c->source->type_count; i++)
            if (slice_is(candidate, cel_type_name(c->source->types[i])))
                return c->source->types[i];
    return NULL;
}

static const struct cel_type *check_struct(struct cel_checker *c, struct cel_expr *e)
{
    const struct cel_type *object = find_object(c, e);
    if (!object)
        cel_issue_add(c->issues, e->pos, "undeclared reference to '%.*s' (in container '%s')",
                      SLICE_ARG(e->record.type_name), c->source->container ? c->source->container : "");
    e->record.type = object;
    for (unsigned i = 0; i < e->count; i++) {
        struct cel_entry *entry = &e->record.entries[i];
        const struct cel_type *type = cel_check_node(c, entry->value);
        if (!object)
            continue;
        struct slice written = entry->field;
        const struct cel_type *want = object_field(c, e, object, &entry->field);
        if (entry->optional)
            type = unwrap_optional(c, entry->value, type);
        if (!cel_unify_assignable(&c->unify, want, type))
            cel_issue_add(c->issues, entry->value->pos,
                          "expected type of field '%.*s' is '%s' but provided type is '%s'",
                          SLICE_ARG(written), print(c, want),
                          print(c, cel_unify_resolve(&c->unify, type, false)));
    }
    return object ? object : &error_type;
}

/* ---- comprehensions ---- */

static uint16_t push_local(struct cel_checker *c, struct slice name, const struct cel_type *type)
{
    struct cel_local *local = arena_alloc(c->scratch, sizeof *local);
    *local = (struct cel_local){name, type, c->local_depth++, c->locals};
    c->locals = local;
    if (c->local_depth > c->local_count)
        c->local_count = c->local_depth;
    return local->slot;
}

static void pop_local(struct cel_checker *c)
{
    c->locals = c->locals->outer;
    c->local_depth--;
}

static void iteration_types(struct cel_checker *c, const struct cel_expr *e, const struct cel_type *range,
                            const struct cel_type **first, const struct cel_type **second)
{
    bool two = e->fold->iter2.len > 0;
    *first = *second = &cel_type_dyn;
    switch (range->kind) {
    case CEL_LIST:
        *first = two ? &cel_type_int : range->params[0];
        *second = range->params[0];
        return;
    case CEL_MAP:
        *first = range->params[0];
        *second = range->params[1];
        return;
    case CEL_DYN:
    case CEL_ERROR:
    case CEL_PARAM:
        cel_unify_assignable(&c->unify, &cel_type_dyn, range);
        return;
    default:
        *first = *second = &error_type;
        if (!cel_check_lenient(c))
            cel_issue_add(
                c->issues, e->fold->range->pos,
                "expression of type '%s' cannot be range of a comprehension (must be list, map, or dynamic)",
                print(c, range));
    }
}

static void want_type(struct cel_checker *c, const struct cel_expr *e, const struct cel_type *want,
                      const struct cel_type *have)
{
    if (!cel_unify_assignable(&c->unify, want, have))
        mismatch(c, e, want, have);
}

static const struct cel_type *check_fold(struct cel_checker *c, struct cel_expr *e)
{
    struct cel_comprehension *fold = e->fold;
    const struct cel_type *range = cel_unify_resolve(&c->unify, cel_check_node(c, fold->range), false);
    const struct cel_type *accu = cel_check_node(c, fold->init), *first, *second;
    fold->accu_slot = push_local(c, fold->accu, accu);
    iteration_types(c, e, range, &first, &second);
    fold->iter_slot = push_local(c, fold->iter, first);
    if (fold->iter2.len)
        fold->iter2_slot = push_local(c, fold->iter2, second);
    want_type(c, fold->condition, &cel_type_bool, cel_check_node(c, fold->condition));
    want_type(c, fold->step, accu, cel_check_node(c, fold->step));
    if (fold->iter2.len)
        pop_local(c);
    pop_local(c);
    const struct cel_type *result = cel_check_node(c, fold->result);
    pop_local(c);
    return cel_unify_resolve(&c->unify, result, false);
}

/* ---- all ---- */

static const struct cel_type *literal_type(const struct cel_value *v)
{
    static const struct cel_type *const types[] = {
        [CEL_NULL] = &cel_type_null,  [CEL_BOOL] = &cel_type_bool,     [CEL_INT] = &cel_type_int,
        [CEL_UINT] = &cel_type_uint,  [CEL_DOUBLE] = &cel_type_double, [CEL_STRING] = &cel_type_string,
        [CEL_BYTES] = &cel_type_bytes};
    return v->kind < sizeof types / sizeof *types && types[v->kind] ? types[v->kind] : &cel_type_dyn;
}

const struct cel_type *cel_check_node(struct cel_checker *c, struct cel_expr *e)
{
    const struct cel_type *type = c->types[e->id];
    if (type)
        return type;
    switch ((enum cel_expr_kind)e->kind) {
    case EXPR_LITERAL:
        type = literal_type(&e->literal);
        break;
    case EXPR_IDENT:
        type = check_ident(c, e);
        break;
    case EXPR_SELECT:
        type = check_select(c, e);
        break;
    case EXPR_CALL:
        type = cel_check_call(c, e);
        break;
    case EXPR_LIST:
        type = check_list(c, e);
        break;
    case EXPR_MAP:
        type = check_map(c, e);
        break;
    case EXPR_STRUCT:
        type = check_struct(c, e);
        break;
    case EXPR_COMPREHENSION:
        type = check_fold(c, e);
        break;
    }
    return c->types[e->id] = type;
}

void cel_check(struct cel_checker *c, struct cel_expr *root)
{
    c->mixed = (struct cel_issues){.arena = c->scratch};
    cel_check_node(c, root);
    if (c->issues->count == 0)
        for (size_t i = 0; i < c->mixed.count; i++)
            cel_issue_add(c->issues, c->mixed.items[i].pos, "%s", c->mixed.items[i].message);
}
