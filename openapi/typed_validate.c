/* typed_validate: does a free tree fit its schema, in upstream's words. See typed.h. */
#include "openapi/typed_parts.h"

#include "openapi/patch_lists.h"
#include "openapi/patch_parts.h"

/* Findings are collected, as upstream tells all of them; a client cannot make us tell more than these. */
enum { MAX_FAULTS = 32, MAX_FAULT_TEXT = 16 << 10 };

struct place {
    const struct place *parent;
    struct path_element element;
};

struct validate {
    struct arena *arena;
    bool allow_duplicates;
    struct buf faults; /* one a line, without the heading */
    unsigned count;
};

static void put_place(struct buf *out, const struct place *at)
{
    if (!at)
        return;
    put_place(out, at->parent);
    path_element_print(out, &at->element);
}

static void fault(struct validate *v, const struct place *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void fault(struct validate *v, const struct place *at, const char *fmt, ...)
{
    va_list args;
    if (v->count++ >= MAX_FAULTS)
        return;
    if (v->faults.len)
        buf_puts(&v->faults, "\n  ");
    size_t start = v->faults.len;
    put_place(&v->faults, at);
    if (v->faults.len > start)
        buf_puts(&v->faults, ": ");
    va_start(args, fmt);
    buf_puts(&v->faults, arena_vprintf(v->arena, fmt, args));
    va_end(args);
}

static const char *shown(struct arena *arena, const struct value *v)
{
    enum { MOST = 256 };
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    patch_print(&out, v);
    struct slice text = buf_slice(&out);
    text.len = text.len > MOST ? MOST : text.len;
    return arena_strdup(arena, text);
}

static void check_scalar(struct validate *v, const struct schema *schema, const struct value *tree,
                         const struct place *at)
{
    bool number = tree->kind == VALUE_INT || tree->kind == VALUE_FLOAT;
    switch (schema->kind) {
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_FLOAT64:
        if (!number)
            fault(v, at, "expected numeric (int or float), got %s", patch_go_type(tree));
        break;
    case SCHEMA_BOOL:
        if (tree->kind != VALUE_BOOL)
            fault(v, at, "expected boolean, got &{%s}", shown(v->arena, tree));
        break;
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
    case SCHEMA_DURATION:
        if (tree->kind != VALUE_STRING && !(schema->rules && schema->rules->format))
            fault(v, at, "expected string, got &value.valueUnstructured{Value:%s}", shown(v->arena, tree));
        break;
    default:
        if (!number && tree->kind != VALUE_STRING && tree->kind != VALUE_BOOL)
            fault(v, at, "expected any scalar, got &{%s}", shown(v->arena, tree));
    }
}

static void check_node(struct validate *v, struct typed_node node, const struct value *tree,
                       const struct place *at);

struct members {
    struct validate *v;
    const struct place *at;
};

static bool check_member(void *arg, const struct typed_member *m)
{
    struct members *members = arg;
    struct place at = {members->at, element_field(m->name)};
    if (!m->allowed) {
        fault(members->v, &at, "field not declared in schema");
        return false;
    }
    check_node(members->v, m->node, m->l, &at);
    return true;
}

/* Items of atomic lists have their index for a place. */
static void check_plain_items(struct validate *v, struct typed_node node, const struct value *tree,
                              const struct place *at)
{
    for (size_t i = 0; i < value_count(tree); i++) {
        struct place place = {at, {.kind = ELEMENT_INDEX, .index = (int64_t)i}};
        check_node(v, typed_item(node), value_item(tree, i), &place);
    }
}

static bool is_twice(const struct typed_list *sorted, const struct path_element *element)
{
    uint32_t low = 0, high = sorted->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (path_element_cmp(&sorted->items[middle].element, element) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low + 1 < sorted->count && path_element_cmp(&sorted->items[low + 1].element, element) == 0;
}

static void check_items(struct validate *v, struct typed_node node, const struct value *tree,
                        const struct place *at)
{
    struct typed_list list, sorted;
    for (size_t i = 0; i < value_count(tree); i++) {
        struct path_element element;
        const char *why = typed_element(v->arena, node, value_item(tree, i), &element);
        if (why) {
            fault(v, at, "element %zu: %s", i, why);
            return;
        }
    }
    typed_index(v->arena, node, tree, false, &list);
    typed_index(v->arena, node, tree, true, &sorted);
    for (uint32_t i = 0; i < list.count; i++) {
        struct place place = {at, list.items[i].element};
        cleanup_buf struct buf key = BUF_INIT(MAX_FAULT_TEXT);
        check_node(v, typed_item(node), list.items[i].value, &place);
        if (v->allow_duplicates || !is_twice(&sorted, &place.element))
            continue;
        path_element_print(&key, &place.element);
        fault(v, at, "duplicate entries for key %s", buf_cstr(&key));
        return;
    }
}

static void check_node(struct validate *v, struct typed_node node, const struct value *tree,
                       const struct place *at)
{
    struct typed_atom atom = typed_atom_of(node, tree);
    if (typed_is_null(tree))
        return;
    if (atom.kind == TYPED_SCALAR) {
        if (!typed_is_deduced(node.schema) && node.schema->kind != SCHEMA_RAW)
            check_scalar(v, node.schema, tree, at);
    } else if (atom.kind == TYPED_LIST) {
        if (tree->kind != VALUE_LIST)
            fault(v, at, "expected list, got &{%s}", shown(v->arena, tree));
        else if (atom.atomic)
            check_plain_items(v, node, tree, at);
        else
            check_items(v, node, tree, at);
    } else if (tree->kind == VALUE_MAP) {
        struct members members = {v, at};
        typed_each(node, tree, NULL, check_member, &members);
    } else {
        fault(v, at, "expected map, got &{%s}", shown(v->arena, tree));
    }
}

bool typed_validate(struct arena *arena, const struct schema_type *type, const struct value *tree,
                    bool allow_duplicates, struct error *err)
{
    struct schema schema;
    struct validate v = {
        .arena = arena, .allow_duplicates = allow_duplicates, .faults = BUF_INIT(MAX_FAULT_TEXT)};
    check_node(&v, typed_root(type, &schema), tree, NULL);
    if (v.count == 1)
        error_set(err, REASON_UNKNOWN, "%s", buf_cstr(&v.faults));
    else if (v.count)
        error_set(err, REASON_UNKNOWN, "errors:\n  %s", buf_cstr(&v.faults));
    buf_release(&v.faults);
    return v.count == 0;
}
