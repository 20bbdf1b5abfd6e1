/*
 * custom_items: finding items of lists again by their content or by their keys, in n log n. For whoever
 * validates custom objects. Pure.
 */
#ifndef OPENAPI_CUSTOM_ITEMS_H
#define OPENAPI_CUSTOM_ITEMS_H

#include "openapi/custom.h"

struct custom_item {
    struct slice text; /* what the item is known by, as JSON */
    size_t index;
};

struct custom_items {
    struct custom_item *items; /* sorted by text, then by index */
    size_t count;
};

/* By whole items (keys NULL) or by the values of these keys. */
struct custom_items custom_items_of(struct arena *arena, const struct value *list, const char *const *keys);
/* The first item known by the same as `item`; NULL: none. */
const struct value *custom_items_find(struct arena *arena, const struct custom_items *items,
                                      const struct value *list, const char *const *keys,
                                      const struct value *item);
/* The second item of each group of equals, in the order of the list, into the arena; their number. */
size_t custom_items_twins(struct arena *arena, const struct custom_items *items, size_t **ret_indexes);
/* {"key":value,...} of those of the keys that the item has. */
struct slice custom_item_keys(struct arena *arena, const struct value *item, const char *const *keys);

#endif
