#include "openapi/fieldset.h"

#include <stdlib.h>

#include "openapi/scalar.h"

/* ---- elements ---- */

static int cmp_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

/* The rank of a value's kind; numbers of both kinds are one. */
static int rank(const struct value *v)
{
    static const uint8_t ranks[] = {
        [VALUE_FLOAT] = 0, [VALUE_INT] = 0, [VALUE_STRING] = 1, [VALUE_RAW] = 1,    [VALUE_BOOL] = 2,
        [VALUE_LIST] = 3,  [VALUE_MAP] = 4, [VALUE_RECORD] = 4, [VALUE_ABSENT] = 5, [VALUE_NULL] = 5,
    };
    return ranks[v->kind];
}

int element_value_cmp(const struct value *a, const struct value *b)
{
    int ra = rank(a), rb = rank(b);
    if (ra != rb)
        return ra < rb ? -1 : 1;
    switch (ra) {
    case 0:
        if (a->kind == VALUE_INT && b->kind == VALUE_INT)
            return (a->i > b->i) - (a->i < b->i);
        return cmp_numbers(a->kind == VALUE_INT ? (double)a->i : a->f,
                           b->kind == VALUE_INT ? (double)b->i : b->f);
    case 1:
        return slice_cmp(value_text(a), value_text(b));
    case 2:
        return a->b - b->b;
    default:
        return 0;
    }
}

static int cmp_keys(const struct path_element *a, const struct path_element *b)
{
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        int c = slice_cmp(a->keys[i].name, b->keys[i].name);
        c = c ? c : element_value_cmp(&a->keys[i].value, &b->keys[i].value);
        if (c)
            return c;
    }
    return (a->count > b->count) - (a->count < b->count);
}

int path_element_cmp(const struct path_element *a, const struct path_element *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch ((enum element_kind)a->kind) {
    case ELEMENT_FIELD:
        return slice_cmp(a->field, b->field);
    case ELEMENT_KEY:
        return cmp_keys(a, b);
    case ELEMENT_VALUE:
        return element_value_cmp(a->value, b->value);
    case ELEMENT_INDEX:
        return (a->index > b->index) - (a->index < b->index);
    }
    return 0;
}

static void print_value(struct buf *out, const struct value *v)
{
    char text[SCALAR_FLOAT_TEXT];
    switch ((enum value_kind)v->kind) {
    case VALUE_STRING:
        buf_put_quoted(out, value_text(v));
        break;
    case VALUE_INT:
        buf_put_int(out, v->i);
        break;
    case VALUE_FLOAT:
        buf_put_slice(out, scalar_format_float(v->f, text));
        break;
    case VALUE_BOOL:
        buf_puts(out, v->b ? "true" : "false");
        break;
    default:
        buf_puts(out, "null");
    }
}

void path_element_print(struct buf *out, const struct path_element *element)
{
    switch ((enum element_kind)element->kind) {
    case ELEMENT_FIELD:
        buf_putc(out, '.');
        buf_put_slice(out, element->field);
        return;
    case ELEMENT_KEY:
        for (uint32_t i = 0; i < element->count; i++) {
            buf_putc(out, i ? ',' : '[');
            buf_put_slice(out, element->keys[i].name);
            buf_putc(out, '=');
            print_value(out, &element->keys[i].value);
        }
        break;
    case ELEMENT_VALUE:
        buf_puts(out, "[=");
        print_value(out, element->value);
        break;
    case ELEMENT_INDEX:
        buf_putc(out, '[');
        buf_put_int(out, element->index);
        break;
    }
    buf_putc(out, ']');
}

/* ---- building ---- */

void fieldset_reserve(struct arena *arena, struct fieldset *set, uint32_t count)
{
    if (!count)
        return;
    set->nodes = arena_alloc(arena, count * sizeof *set->nodes);
    set->capacity = count;
}

struct fieldset_node *fieldset_add(struct arena *arena, struct fieldset *set)
{
    if (set->count == set->capacity) {
        uint32_t capacity = set->capacity ? set->capacity * 2 : 8;
        struct fieldset_node *nodes = arena_alloc(arena, capacity * sizeof *nodes);
        if (set->count)
            memcpy(nodes, set->nodes, set->count * sizeof *nodes);
        set->nodes = nodes;
        set->capacity = capacity;
    }
    struct fieldset_node *node = &set->nodes[set->count++];
    *node = (struct fieldset_node){0};
    return node;
}

static int cmp_nodes(const void *a, const void *b)
{
    return path_element_cmp(&((const struct fieldset_node *)a)->element,
                            &((const struct fieldset_node *)b)->element);
}

/* Most neighbours differ in the first letter. */
static inline bool is_before(const struct fieldset_node *a, const struct fieldset_node *b)
{
    const struct path_element *x = &a->element, *y = &b->element;
    if (x->kind == ELEMENT_FIELD && y->kind == ELEMENT_FIELD && x->field.len && y->field.len &&
        (unsigned char)*x->field.ptr < (unsigned char)*y->field.ptr)
        return true;
    return path_element_cmp(x, y) < 0;
}

/* Levels are small, and often sorted already. */
static void sort_nodes(struct fieldset *set)
{
    enum { FEW = 24 };
    struct fieldset_node *nodes = set->nodes;
    if (set->count > FEW) {
        for (uint32_t i = 1; i < set->count; i++) {
            if (is_before(&nodes[i - 1], &nodes[i]))
                continue;
            qsort(nodes, set->count, sizeof *nodes, cmp_nodes);
            return;
        }
        return;
    }
    for (uint32_t i = 1; i < set->count; i++) {
        if (is_before(&nodes[i - 1], &nodes[i]))
            continue;
        struct fieldset_node moved = nodes[i];
        uint32_t to = i;
        for (; to > 0 && cmp_nodes(&nodes[to - 1], &moved) > 0; to--)
            nodes[to] = nodes[to - 1];
        nodes[to] = moved;
    }
}

void fieldset_finish(struct arena *arena, struct fieldset *set)
{
    uint32_t kept = 0;
    sort_nodes(set);
    for (uint32_t i = 0; i < set->count; i++) {
        struct fieldset_node *last = kept ? &set->nodes[kept - 1] : NULL;
        if (!last || is_before(last, &set->nodes[i])) {
            if (kept != i)
                set->nodes[kept] = set->nodes[i];
            kept++;
            continue;
        }
        last->member |= set->nodes[i].member;
        last->children = fieldset_union(arena, &last->children, &set->nodes[i].children);
    }
    set->count = kept;
}

/* The place of the element in the level, or where it would go. */
static uint32_t search(const struct fieldset *set, const struct path_element *element, bool *ret_found)
{
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int c = path_element_cmp(&set->nodes[middle].element, element);
        if (c == 0) {
            *ret_found = true;
            return middle;
        }
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

void fieldset_insert(struct arena *arena, struct fieldset *set, const struct path_element *path, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        bool found;
        uint32_t at = search(set, &path[i], &found);
        if (!found) {
            fieldset_add(arena, set);
            memmove(&set->nodes[at + 1], &set->nodes[at], (set->count - 1 - at) * sizeof *set->nodes);
            set->nodes[at] = (struct fieldset_node){.element = path[i]};
        }
        set->nodes[at].member |= i + 1 == depth;
        set = &set->nodes[at].children;
    }
}

struct fieldset fieldset_of_names(struct arena *arena, const char *const *names)
{
    struct fieldset set = {0};
    struct path_element path[8];
    size_t depth = 0;
    for (; names[depth] && depth < sizeof path / sizeof *path; depth++)
        path[depth] = element_field(slice_str(names[depth]));
    fieldset_insert(arena, &set, path, depth);
    return set;
}

/* ---- looking ---- */

const struct fieldset_node *fieldset_find(const struct fieldset *set, const struct path_element *element)
{
    bool found;
    uint32_t at = search(set, element, &found);
    return found ? &set->nodes[at] : NULL;
}

bool fieldset_has(const struct fieldset *set, const struct path_element *path, size_t depth)
{
    const struct fieldset_node *node = NULL;
    for (size_t i = 0; i < depth; i++) {
        node = fieldset_find(set, &path[i]);
        if (!node)
            return false;
        set = &node->children;
    }
    return node && node->member;
}

bool fieldset_equal(const struct fieldset *a, const struct fieldset *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct fieldset_node *x = &a->nodes[i], *y = &b->nodes[i];
        if (x->member != y->member || cmp_nodes(x, y) != 0 || !fieldset_equal(&x->children, &y->children))
            return false;
    }
    return true;
}

struct walk {
    struct arena *arena;
    fieldset_each_fn each;
    void *arg;
    struct path_element *path;
    size_t depth, capacity;
};

static bool walk_set(struct walk *w, const struct fieldset *set)
{
    struct path_element *here = arena_push(w->arena, &w->path, &w->depth, &w->capacity, sizeof *w->path);
    size_t at = w->depth - 1;
    for (uint32_t i = 0; i < set->count; i++) {
        *here = set->nodes[i].element;
        if (set->nodes[i].member && !w->each(w->arg, w->path, w->depth))
            return false;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        w->path[at] = set->nodes[i].element;
        if (set->nodes[i].children.count && !walk_set(w, &set->nodes[i].children))
            return false;
    }
    w->depth--;
    return true;
}

bool fieldset_each(struct arena *arena, const struct fieldset *set, fieldset_each_fn each, void *arg)
{
    struct walk w = {.arena = arena, .each = each, .arg = arg};
    return walk_set(&w, set);
}

/* ---- algebra ---- */

enum operation { UNION, INTERSECTION, DIFFERENCE, RECURSIVE_DIFFERENCE };

static struct fieldset combine(struct arena *arena, const struct fieldset *a, const struct fieldset *b,
                               enum operation operation);

/* The node of an element that both sets have. False: nothing is left of it. */
static bool combine_node(struct arena *arena, const struct fieldset_node *a, const struct fieldset_node *b,
                         enum operation operation, struct fieldset_node *ret)
{
    *ret = (struct fieldset_node){.element = a->element};
    switch (operation) {
    case UNION:
        ret->member = a->member || b->member;
        break;
    case INTERSECTION:
        ret->member = a->member && b->member;
        break;
    case DIFFERENCE:
    case RECURSIVE_DIFFERENCE:
        ret->member = a->member && !b->member;
        if (operation == RECURSIVE_DIFFERENCE && b->member)
            return false;
        break;
    }
    ret->children = combine(arena, &a->children, &b->children, operation);
    return ret->member || ret->children.count;
}

static struct fieldset combine(struct arena *arena, const struct fieldset *a, const struct fieldset *b,
                               enum operation operation)
{
    uint32_t i = 0, j = 0;
    if (!a->count)
        return operation == UNION ? *b : (struct fieldset){0};
    if (!b->count)
        return operation == INTERSECTION ? (struct fieldset){0} : *a;
    uint32_t most = operation == UNION ? a->count + b->count : a->count;
    struct fieldset out = {.nodes = arena_alloc(arena, most * sizeof *out.nodes), .capacity = most};
    while (i < a->count && j < b->count) {
        int c = cmp_nodes(&a->nodes[i], &b->nodes[j]);
        if (c == 0) {
            out.count +=
                combine_node(arena, &a->nodes[i++], &b->nodes[j++], operation, &out.nodes[out.count]);
        } else if (c < 0) {
            if (operation != INTERSECTION)
                out.nodes[out.count++] = a->nodes[i];
            i++;
        } else {
            if (operation == UNION)
                out.nodes[out.count++] = b->nodes[j];
            j++;
        }
    }
    for (; i < a->count && operation != INTERSECTION; i++)
        out.nodes[out.count++] = a->nodes[i];
    for (; j < b->count && operation == UNION; j++)
        out.nodes[out.count++] = b->nodes[j];
    return out;
}

struct fieldset fieldset_union(struct arena *arena, const struct fieldset *a, const struct fieldset *b)
{
    return combine(arena, a, b, UNION);
}

struct fieldset fieldset_intersection(struct arena *arena, const struct fieldset *a, const struct fieldset *b)
{
    return combine(arena, a, b, INTERSECTION);
}

struct fieldset fieldset_difference(struct arena *arena, const struct fieldset *a, const struct fieldset *b)
{
    return combine(arena, a, b, DIFFERENCE);
}

struct fieldset fieldset_recursive_difference(struct arena *arena, const struct fieldset *a,
                                              const struct fieldset *b)
{
    return combine(arena, a, b, RECURSIVE_DIFFERENCE);
}

bool fieldset_overlaps(const struct fieldset *a, const struct fieldset *b)
{
    for (uint32_t i = 0, j = 0; i < a->count && j < b->count;) {
        const struct fieldset_node *x = &a->nodes[i], *y = &b->nodes[j];
        int c = cmp_nodes(x, y);
        if (c == 0 && ((x->member && y->member) || fieldset_overlaps(&x->children, &y->children)))
            return true;
        i += c <= 0;
        j += c >= 0;
    }
    return false;
}
