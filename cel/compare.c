#include <math.h>

#include "base/buf.h"
#include "cel/types.h"
#include "cel/value.h"

/* ---- numbers of different types ---- */

static int sign_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* As upstream: in range both are doubles, which is not exact for large integers. */
static int compare_double_int(double a, int64_t b)
{
    if (isnan(a))
        return CEL_UNORDERED;
    double c = (double)b;
    return (a > c) - (a < c);
}

static int compare_double_uint(double a, uint64_t b)
{
    if (isnan(a))
        return CEL_UNORDERED;
    double c = (double)b;
    return (a > c) - (a < c);
}

static int compare_int_uint(int64_t a, uint64_t b)
{
    return a < 0 ? -1 : ((uint64_t)a > b) - ((uint64_t)a < b);
}

static int reverse(int order)
{
    return order >= CEL_UNORDERED ? order : -order;
}

static int compare_doubles(double a, double b)
{
    return isnan(a) || isnan(b) ? CEL_UNORDERED : (a > b) - (a < b);
}

static bool is_number(const struct cel_value *v)
{
    return v->kind == CEL_INT || v->kind == CEL_UINT || v->kind == CEL_DOUBLE;
}

static int compare_numbers(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind == b->kind)
        return a->kind == CEL_INT    ? sign_of(a->i, b->i)
               : a->kind == CEL_UINT ? (a->u > b->u) - (a->u < b->u)
                                     : compare_doubles(a->d, b->d);
    if (a->kind > b->kind)
        return reverse(compare_numbers(b, a));
    /* INT < UINT < DOUBLE, as the kinds are numbered */
    if (b->kind == CEL_UINT)
        return compare_int_uint(a->i, b->u);
    return a->kind == CEL_INT ? reverse(compare_double_int(b->d, a->i))
                              : reverse(compare_double_uint(b->d, a->u));
}

int cel_compare(const struct cel_value *a, const struct cel_value *b)
{
    if (is_number(a) && is_number(b))
        return compare_numbers(a, b);
    if (a->kind != b->kind)
        return CEL_INCOMPARABLE;
    int order;
    switch ((enum cel_kind)a->kind) {
    case CEL_BOOL:
        return a->b - b->b;
    case CEL_STRING:
    case CEL_BYTES:
        order = slice_cmp(cel_text(a), cel_text(b));
        return (order > 0) - (order < 0);
    case CEL_TIMESTAMP:
        return a->i != b->i ? sign_of(a->i, b->i) : (a->len > b->len) - (a->len < b->len);
    case CEL_DURATION:
        return sign_of(a->i, b->i);
    default:
        return CEL_INCOMPARABLE;
    }
}

/* ---- equality ---- */

static bool equal(struct arena *arena, const struct cel_value *a, const struct cel_value *b);

static bool list_has(struct arena *arena, const struct cel_value *list, const struct cel_value *item)
{
    for (uint32_t i = 0; i < list->len; i++) {
        struct cel_value other = cel_list_get(arena, list, i);
        if (equal(arena, &other, item))
            return true;
    }
    return false;
}

/* A list of the type set or map has no order of its own. */
static bool is_unordered(const struct cel_value *list)
{
    return list->flags & CEL_TREE && list->schema &&
           (list->schema->list_type == LIST_TYPE_SET || list->schema->list_type == LIST_TYPE_MAP);
}

static bool equal_lists(struct arena *arena, const struct cel_value *a, const struct cel_value *b)
{
    if (a->len != b->len)
        return false;
    bool unordered = is_unordered(a) && is_unordered(b);
    for (uint32_t i = 0; i < a->len; i++) {
        struct cel_value x = cel_list_get(arena, a, i), y;
        if (unordered) {
            if (!list_has(arena, b, &x))
                return false;
            continue;
        }
        y = cel_list_get(arena, b, i);
        if (!equal(arena, &x, &y))
            return false;
    }
    return true;
}

static bool equal_maps(struct arena *arena, const struct cel_value *a, const struct cel_value *b)
{
    if (a->len != b->len)
        return false;
    for (uint32_t i = 0; i < a->len; i++) {
        struct cel_value key, value, other;
        cel_map_at(arena, a, i, &key, &value);
        if (!cel_map_find(arena, b, &key, &other) || !equal(arena, &value, &other))
            return false;
    }
    return true;
}

static bool equal_objects(struct arena *arena, const struct cel_value *a, const struct cel_value *b)
{
    if (cel_size(a) != cel_size(b))
        return false;
    struct slice name;
    struct cel_value value, other;
    if (a->kind != CEL_OBJECT) {
        const struct cel_value *swap = a;
        a = b;
        b = swap;
    }
    for (size_t state = 0; cel_object_at(arena, a, &state, &name, &value);)
        if (!cel_field(arena, b, name, &other) || !equal(arena, &value, &other))
            return false;
    return true;
}

static bool is_struct(const struct cel_value *v)
{
    return v->kind == CEL_OBJECT || (v->kind == CEL_MAP && v->flags & CEL_TREE);
}

static bool equal_containers(struct arena *arena, const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind == CEL_LIST || b->kind == CEL_LIST)
        return a->kind == b->kind && equal_lists(arena, a, b);
    if (a->kind == CEL_MAP && b->kind == CEL_MAP)
        return equal_maps(arena, a, b);
    return is_struct(a) && is_struct(b) && equal_objects(arena, a, b);
}

/* Texts of formats and raw JSON inside of views are made values for the time of the comparison. */
static bool equal_views(const struct cel_value *a, const struct cel_value *b)
{
    struct arena *arena = arena_new();
    bool same = equal_containers(arena, a, b);
    arena_free(arena);
    return same;
}

static bool equal_optionals(struct arena *arena, const struct cel_value *a, const struct cel_value *b)
{
    return a->some && b->some ? equal(arena, a->some, b->some) : a->some == b->some;
}

static bool equal_opaques(const struct cel_opaque *a, const struct cel_opaque *b)
{
    return a == b || (a->type == b->type && a->type->equal && a->type->equal(a, b));
}

/* arena: of an enclosing comparison, or NULL. */
static bool equal(struct arena *arena, const struct cel_value *a, const struct cel_value *b)
{
    if (is_number(a) && is_number(b))
        return compare_numbers(a, b) == 0;
    if (a->kind >= CEL_LIST && a->kind <= CEL_OBJECT && b->kind >= CEL_LIST && b->kind <= CEL_OBJECT)
        return !arena && (a->flags | b->flags) & CEL_TREE ? equal_views(a, b) : equal_containers(arena, a, b);
    if (a->kind != b->kind)
        return false;
    switch ((enum cel_kind)a->kind) {
    case CEL_NULL:
        return true;
    case CEL_TYPE:
        return a->type->kind == b->type->kind && strcmp(cel_type_name(a->type), cel_type_name(b->type)) == 0;
    case CEL_OPTIONAL:
        return equal_optionals(arena, a, b);
    case CEL_OPAQUE:
        return equal_opaques(a->opaque, b->opaque);
    default:
        return cel_compare(a, b) == 0;
    }
}

bool cel_equal(const struct cel_value *a, const struct cel_value *b)
{
    return equal(NULL, a, b);
}
