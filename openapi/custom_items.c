#include "openapi/custom_items.h"

#include <stdlib.h>

#include "openapi/decode.h"

static const struct schema any = {.kind = SCHEMA_ANY};

struct slice custom_item_keys(struct arena *arena, const struct value *item, const char *const *keys)
{
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_putc(&text, '{');
    for (size_t k = 0; keys[k]; k++) {
        const struct value *v = value_get(item, slice_str(keys[k]));
        if (!value_is_set(v))
            continue;
        if (text.len > 1)
            buf_putc(&text, ',');
        buf_put_json_string(&text, slice_str(keys[k]));
        buf_putc(&text, ':');
        encode_json(&text, &any, v);
    }
    buf_putc(&text, '}');
    return arena_dup(arena, buf_slice(&text));
}

static struct slice text_of(struct arena *arena, const struct value *item, const char *const *keys)
{
    if (keys)
        return custom_item_keys(arena, item, keys);
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    encode_json(&text, &any, item);
    return arena_dup(arena, buf_slice(&text));
}

static int compare(const void *a, const void *b)
{
    const struct custom_item *x = a, *y = b;
    int c = slice_cmp(x->text, y->text);
    return c ? c : x->index < y->index ? -1 : x->index > y->index;
}

struct custom_items custom_items_of(struct arena *arena, const struct value *list, const char *const *keys)
{
    struct custom_items all = {.count = value_count(list)};
    all.items = arena_alloc(arena, (all.count + 1) * sizeof *all.items);
    for (size_t i = 0; i < all.count; i++)
        all.items[i] = (struct custom_item){text_of(arena, value_item(list, i), keys), i};
    if (all.count)
        qsort(all.items, all.count, sizeof *all.items, compare);
    return all;
}

const struct value *custom_items_find(struct arena *arena, const struct custom_items *items,
                                      const struct value *list, const char *const *keys,
                                      const struct value *item)
{
    struct slice text = text_of(arena, item, keys);
    size_t low = 0, high = items->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (slice_cmp(items->items[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < items->count && slice_eq(items->items[low].text, text);
    return found ? value_item(list, items->items[low].index) : NULL;
}

static int by_index(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

size_t custom_items_twins(struct arena *arena, const struct custom_items *items, size_t **ret_indexes)
{
    size_t count = 0, *indexes = arena_alloc(arena, (items->count + 1) * sizeof *indexes);
    for (size_t i = 1; i < items->count; i++) {
        bool same = slice_eq(items->items[i - 1].text, items->items[i].text);
        bool third = same && i > 1 && slice_eq(items->items[i - 2].text, items->items[i].text);
        if (same && !third)
            indexes[count++] = items->items[i].index;
    }
    if (count)
        qsort(indexes, count, sizeof *indexes, by_index);
    *ret_indexes = indexes;
    return count;
}
