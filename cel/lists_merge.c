#include "cel/eval.h"

/* + for lists of a schema: sets keep one of each, maps one of each key, the right one's values in the left
 * one's places. */

static bool same_keys(struct arena *arena, const struct cel_value *a, const struct cel_value *b,
                      const char *const *keys)
{
    for (; *keys; keys++) {
        struct cel_value x, y;
        bool has_x = cel_field(arena, a, slice_str(*keys), &x),
             has_y = cel_field(arena, b, slice_str(*keys), &y);
        if (has_x != has_y || (has_x && !cel_equal(&x, &y)))
            return false;
    }
    return true;
}

static long find_twin(struct cel_eval *e, const struct cel_value *list, const struct cel_value *item,
                      const struct schema *schema)
{
    for (uint32_t i = 0; i < list->len && cel_eval_tick(e); i++) {
        struct cel_value other = cel_list_get(e->arena, list, i);
        if (schema->list_type == LIST_TYPE_MAP && schema->list_keys
                ? same_keys(e->arena, &other, item, schema->list_keys)
                : cel_equal(&other, item))
            return i;
    }
    return -1;
}

struct cel_value cel_eval_add_lists(struct cel_eval *e, const struct cel_value *a, const struct cel_value *b)
{
    const struct schema *schema = a->flags & CEL_TREE ? a->schema : NULL;
    if (!schema || (schema->list_type != LIST_TYPE_SET && schema->list_type != LIST_TYPE_MAP))
        return cel_list_concat(e->arena, *a, b);
    struct cel_value empty = cel_list_new(e->arena, a->len + b->len),
                     merged = cel_list_concat(e->arena, empty, a);
    for (uint32_t i = 0; i < b->len && !e->stopped; i++) {
        struct cel_value item = cel_list_get(e->arena, b, i);
        long twin = find_twin(e, &merged, &item, schema);
        if (twin >= 0)
            merged.items->values[twin] = item;
        else
            merged = cel_list_append(e->arena, merged, item);
    }
    return merged;
}
