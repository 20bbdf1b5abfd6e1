/*
 * patch_lists: the order of a merged list. Items that the patch names (or $setElementOrder does) stand in the
 * patch's order, items that only the server has keep theirs, and the two runs are interleaved as the list
 * stood before. Not for others than patch_strategic.c.
 *
 * Example: the live list is a b c d; the patch's order is d b x. Patch items: d b x; server-only: a c.
 * Server-only items go in front of the first patch item that stood behind them: a (before d), c (before d) -
 * so the result is a c d b x.
 */
#ifndef OPENAPI_PATCH_LISTS_H
#define OPENAPI_PATCH_LISTS_H

#include "base/error.h"
#include "openapi/value.h"

/* "": scalars, which are their own keys. */
struct patch_order {
    struct arena *arena;
    const char *merge_key; /* or NULL for lists of scalars */
};

/* The item's key: the item itself, or its merge key's value; absent when it has none. */
const struct value *patch_item_key(const char *merge_key, const struct value *item);
/* Every item must be a map that has the merge key. */
bool patch_check_keys(const char *merge_key, const struct value *list, struct error *err);
/* All items of the lists must be of one kind, none of them a list; *ret_kind is it. */
bool patch_item_kind(const struct value *a, const struct value *b, enum value_kind *ret_kind,
                     struct error *err);
/* Orders the merged list. `order` names the patch's items and their order, `before` is the list as it stood.
 */
bool patch_order_items(const struct patch_order *o, struct value *merged, const struct value *order,
                       const struct value *before, struct error *err);

/* Go's name of the type of a decoded JSON value: "map[string]interface {}". */
const char *patch_go_type(const struct value *v);
bool patch_fail(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool patch_fail_type(struct error *err, const char *want, const struct value *got);
bool patch_fail_no_key(struct error *err, const struct value *item, const char *merge_key);

#endif
