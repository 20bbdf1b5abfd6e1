/*
 * patch_keys: from a scalar (a merge key, an item of a set) to the index at which it was first seen, so that
 * merging two lists costs the sum of their lengths and not the product. Not for others than
 * patch_strategic.c.
 */
#ifndef OPENAPI_PATCH_KEYS_H
#define OPENAPI_PATCH_KEYS_H

#include "openapi/value.h"

struct patch_keys {
    struct arena *arena;
    struct patch_key_slot {
        struct value key; /* absent: free. A copy, because the item it is of changes while lists are merged */
        uint32_t index;
    } * slots;
    uint32_t mask, count;
};

void patch_keys_init(struct patch_keys *keys, struct arena *arena, size_t expected);
/* The index of an equal key, or -1. Lists and maps equal nothing. */
long patch_keys_find(const struct patch_keys *keys, const struct value *key);
/* False, and nothing changes, when an equal key is there. The key's text must outlive the table. */
bool patch_keys_add(struct patch_keys *keys, const struct value *key, size_t index);

#endif
