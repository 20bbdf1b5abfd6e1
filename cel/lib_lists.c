#include "cel/eval.h"
#include "cel/libraries.h"

/* Lists: Kubernetes' own functions (isSorted, sum, min, max, indexOf, lastIndexOf, includes), cel-go's
 * (slice, flatten, sort, range, reverse, distinct) and sets. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

FN(is_sorted)
{
    for (uint32_t i = 1; i < args[0].len && cel_eval_tick(e); i++) {
        struct cel_value a = cel_list_get(e->arena, &args[0], i - 1), b = cel_list_get(e->arena, &args[0], i);
        int order = cel_compare(&a, &b);
        if (order == CEL_INCOMPARABLE)
            return cel_no_overload(e);
        if (order == 1)
            return cel_bool(false);
    }
    return cel_bool(true);
}

static struct cel_value extreme(struct cel_eval *e, const struct cel_value *list, int sign, const char *name)
{
    if (list->len == 0)
        return cel_fail(e, "%s called on empty list", name);
    struct cel_value best = cel_list_get(e->arena, list, 0);
    for (uint32_t i = 1; i < list->len && cel_eval_tick(e); i++) {
        struct cel_value v = cel_list_get(e->arena, list, i);
        int order = cel_compare(&best, &v);
        if (order == CEL_INCOMPARABLE)
            return cel_no_overload(e);
        if (order == sign)
            best = v;
    }
    return best;
}

FN(min)
{
    return extreme(e, &args[0], 1, "min");
}

FN(max)
{
    return extreme(e, &args[0], -1, "max");
}

static bool add_to(struct cel_value *total, const struct cel_value *v)
{
    if (v->kind != total->kind)
        return false;
    switch (total->kind) {
    case CEL_INT:
    case CEL_DURATION:
        return !__builtin_add_overflow(total->i, v->i, &total->i);
    case CEL_UINT:
        return !__builtin_add_overflow(total->u, v->u, &total->u);
    default:
        total->d += v->d;
        return true;
    }
}

static struct cel_value sum_from(struct cel_eval *e, const struct cel_value *list, struct cel_value total)
{
    for (uint32_t i = 0; i < list->len && cel_eval_tick(e); i++) {
        struct cel_value v = cel_list_get(e->arena, list, i);
        if (!add_to(&total, &v))
            return v.kind != total.kind ? cel_no_overload(e) : cel_fail(e, "integer overflow");
    }
    return total;
}

FN(sum_int)
{
    return sum_from(e, &args[0], cel_int(0));
}

FN(sum_uint)
{
    return sum_from(e, &args[0], cel_uint(0));
}

FN(sum_double)
{
    return sum_from(e, &args[0], cel_double(0));
}

FN(sum_duration)
{
    return sum_from(e, &args[0], cel_duration(0));
}

static long find_from(struct cel_eval *e, const struct cel_value *list, const struct cel_value *item,
                      bool backwards)
{
    for (uint32_t i = 0; i < list->len && cel_eval_tick(e); i++) {
        uint32_t at = backwards ? list->len - 1 - i : i;
        struct cel_value v = cel_list_get(e->arena, list, at);
        if (cel_equal(&v, item))
            return at;
    }
    return -1;
}

FN(index_of)
{
    return cel_int(find_from(e, &args[0], &args[1], false));
}

FN(last_index_of)
{
    return cel_int(find_from(e, &args[0], &args[1], true));
}

FN(includes)
{
    if (args[0].kind != CEL_LIST)
        return cel_bool(cel_equal(&args[0], &args[1]));
    return cel_bool(find_from(e, &args[0], &args[1], false) >= 0);
}

/* ---- cel-go's lists ---- */

FN(slice)
{
    int64_t from = args[1].i, to = args[2].i;
    if (from < 0 || to < 0)
        return cel_fail(e, "cannot slice(%lld, %lld), negative indexes not supported", (long long)from,
                        (long long)to);
    if (from > to)
        return cel_fail(e, "cannot slice(%lld, %lld), start index must be less than or equal to end index",
                        (long long)from, (long long)to);
    if (to > args[0].len)
        return cel_fail(e, "cannot slice(%lld, %lld), list is length %u", (long long)from, (long long)to,
                        args[0].len);
    struct cel_value list = cel_list_new(e->arena, (size_t)(to - from));
    for (int64_t i = from; i < to; i++)
        list = cel_list_append(e->arena, list, cel_list_get(e->arena, &args[0], (size_t)i));
    return list;
}

static void flatten_into(struct cel_eval *e, struct cel_value *to, const struct cel_value *list,
                         int64_t depth)
{
    for (uint32_t i = 0; i < list->len && cel_eval_tick(e); i++) {
        struct cel_value v = cel_list_get(e->arena, list, i);
        if (v.kind == CEL_LIST && depth > 0)
            flatten_into(e, to, &v, depth - 1);
        else
            *to = cel_list_append(e->arena, *to, v);
    }
}

FN(flatten)
{
    int64_t depth = count > 1 ? args[1].i : 1;
    if (depth < 0)
        return cel_fail(e, "level must be non-negative");
    struct cel_value list = cel_list_new(e->arena, args[0].len);
    flatten_into(e, &list, &args[0], depth < 1000 ? depth : 1000);
    return list;
}

FN(range)
{
    if (args[0].i > 1 << 20 ||
        !cel_eval_room(e, args[0].i > 0 ? (uint64_t)args[0].i * sizeof(struct cel_value) : 0))
        return cel_fail(e, "lists.range: too many elements");
    struct cel_value list = cel_list_new(e->arena, args[0].i > 0 ? (size_t)args[0].i : 0);
    for (int64_t i = 0; i < args[0].i; i++)
        list = cel_list_append(e->arena, list, cel_int(i));
    return list;
}

FN(reverse)
{
    struct cel_value list = cel_list_new(e->arena, args[0].len);
    for (uint32_t i = args[0].len; i > 0; i--)
        list = cel_list_append(e->arena, list, cel_list_get(e->arena, &args[0], i - 1));
    return list;
}

FN(distinct)
{
    struct cel_value list = cel_list_new(e->arena, args[0].len);
    for (uint32_t i = 0; i < args[0].len && !e->stopped; i++) {
        struct cel_value v = cel_list_get(e->arena, &args[0], i);
        if (find_from(e, &list, &v, false) < 0)
            list = cel_list_append(e->arena, list, v);
    }
    return list;
}

/* A stable merge sort of places by keys; false: two keys cannot be compared. */
static bool merge_sort(struct cel_eval *e, const struct cel_value *keys, uint32_t *places, uint32_t *spare,
                       uint32_t len)
{
    if (len < 2)
        return true;
    uint32_t half = len / 2, i = 0, j = half, n = 0;
    if (!merge_sort(e, keys, places, spare, half) || !merge_sort(e, keys, places + half, spare, len - half))
        return false;
    memcpy(spare, places, len * sizeof *spare);
    while (n < len) {
        int order = i < half && j < len ? cel_compare(&keys[spare[i]], &keys[spare[j]]) : i < half ? -1 : 1;
        if (order == CEL_INCOMPARABLE)
            return false;
        places[n++] = order == 1 ? spare[j++] : spare[i++];
    }
    return cel_eval_tick(e) || true;
}

static struct cel_value sorted(struct cel_eval *e, const struct cel_value *list, const struct cel_value *by)
{
    uint32_t len = list->len;
    if (by->len != len)
        return cel_fail(e,
                        "@sortByAssociatedKeys() expected a list of the same size as the associated keys "
                        "list, but got %u and %u elements "
                        "respectively.",
                        len, by->len);
    struct cel_value *keys = arena_alloc(e->arena, (len + 1) * sizeof *keys);
    uint32_t *places = arena_alloc(e->arena, (len + 1) * 2 * sizeof *places);
    for (uint32_t i = 0; i < len; i++) {
        keys[i] = cel_list_get(e->arena, by, i);
        places[i] = i;
    }
    if (!merge_sort(e, keys, places, places + len, len))
        return cel_fail(e, "list elements must have the same type");
    struct cel_value result = cel_list_new(e->arena, len);
    for (uint32_t i = 0; i < len; i++)
        result = cel_list_append(e->arena, result, cel_list_get(e->arena, list, places[i]));
    return result;
}

FN(sort)
{
    return sorted(e, &args[0], &args[0]);
}

FN(sort_by)
{
    return sorted(e, &args[0], &args[1]);
}

/* ---- sets ---- */

static bool contains_all(struct cel_eval *e, const struct cel_value *list, const struct cel_value *items)
{
    for (uint32_t i = 0; i < items->len && !e->stopped; i++) {
        struct cel_value v = cel_list_get(e->arena, items, i);
        if (find_from(e, list, &v, false) < 0)
            return false;
    }
    return true;
}

FN(sets_contains)
{
    return cel_bool(contains_all(e, &args[0], &args[1]));
}

FN(sets_equivalent)
{
    return cel_bool(contains_all(e, &args[0], &args[1]) && contains_all(e, &args[1], &args[0]));
}

FN(sets_intersects)
{
    for (uint32_t i = 0; i < args[0].len && !e->stopped; i++) {
        struct cel_value v = cel_list_get(e->arena, &args[0], i);
        if (find_from(e, &args[1], &v, false) >= 0)
            return cel_bool(true);
    }
    return cel_bool(false);
}

/* One row for each type that can be compared. */
#define COMPARED(name, suffix, member_suffix, returns, call, cost)                                           \
    {name, "list_int_" suffix, "list(int)." member_suffix returns("int"), call, cost},                       \
        {name, "list_uint_" suffix, "list(uint)." member_suffix returns("uint"), call, cost},                \
        {name, "list_double_" suffix, "list(double)." member_suffix returns("double"), call, cost},          \
        {name, "list_bool_" suffix, "list(bool)." member_suffix returns("bool"), call, cost},                \
        {name, "list_duration_" suffix, "list(duration)." member_suffix returns("duration"), call, cost},    \
        {name, "list_timestamp_" suffix, "list(timestamp)." member_suffix returns("timestamp"), call, cost}, \
        {name, "list_string_" suffix, "list(string)." member_suffix returns("string"), call, cost},          \
    {                                                                                                        \
        name, "list_bytes_" suffix, "list(bytes)." member_suffix returns("bytes"), call, cost                \
    }
#define BOOL(type)    "bool"
#define SAME(type)    type
#define LIST_OF(type) "list(" type ")"
#define SORT_KEY(type)                                                                                       \
    {                                                                                                        \
        "@sortByAssociatedKeys", "list_" type "_sortByAssociatedKeys", "list(A).(list(" type ")): list(A)",  \
            sort_by, CEL_COST_SORT_BY                                                                        \
    }

static const struct cel_row rows[] = {
    COMPARED("isSorted", "is_sorted_bool", "(): ", BOOL, is_sorted, CEL_COST_TRAVERSE),
    COMPARED("min", "min", "(): ", SAME, min, CEL_COST_TRAVERSE),
    COMPARED("max", "max", "(): ", SAME, max, CEL_COST_TRAVERSE),
    {"sum", "list_int_sum_int", "list(int).(): int", sum_int, CEL_COST_TRAVERSE},
    {"sum", "list_uint_sum_uint", "list(uint).(): uint", sum_uint, CEL_COST_TRAVERSE},
    {"sum", "list_double_sum_double", "list(double).(): double", sum_double, CEL_COST_TRAVERSE},
    {"sum", "list_duration_sum_duration", "list(duration).(): duration", sum_duration, CEL_COST_TRAVERSE},
    {"indexOf", "list_a_index_of_int", "list(A).(A): int", index_of, CEL_COST_TRAVERSE},
    {"lastIndexOf", "list_a_last_index_of_int", "list(A).(A): int", last_index_of, CEL_COST_TRAVERSE},
    {"includes", "list_includes_dyn_dyn", "dyn.(dyn): bool", includes, CEL_COST_TRAVERSE},
    {"slice", "list_slice", "list(A).(int, int): list(A)", slice, CEL_COST_SLICE},
    {"flatten", "list_flatten", "list(list(A)).(): list(A)", flatten, CEL_COST_FLATTEN},
    {"flatten", "list_flatten_int", "list(dyn).(int): list(dyn)", flatten, CEL_COST_FLATTEN},
    COMPARED("sort", "sort", "(): ", LIST_OF, sort, CEL_COST_SORT),
    SORT_KEY("int"),
    SORT_KEY("uint"),
    SORT_KEY("double"),
    SORT_KEY("bool"),
    SORT_KEY("duration"),
    SORT_KEY("timestamp"),
    SORT_KEY("string"),
    SORT_KEY("bytes"),
    {"lists.range", "lists_range", "(int): list(int)", range, CEL_COST_RANGE},
    {"reverse", "list_reverse", "list(A).(): list(A)", reverse, CEL_COST_NEW_LIST},
    {"distinct", "list_distinct", "list(A).(): list(A)", distinct, CEL_COST_SORT},
    {"sets.contains", "list_sets_contains_list", "(list(A), list(A)): bool", sets_contains, CEL_COST_SETS},
    {"sets.equivalent", "list_sets_equivalent_list", "(list(A), list(A)): bool", sets_equivalent,
     CEL_COST_SETS_TWICE},
    {"sets.intersects", "list_sets_intersects_list", "(list(A), list(A)): bool", sets_intersects,
     CEL_COST_SETS},
};
CEL_LIBRARY(cel_lib_lists, rows);
