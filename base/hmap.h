/*
 * hmap: an intrusive hash table over keys of two texts and a tag. The nodes belong to the caller, who embeds
 * struct hmap_node first in what is kept and whose key's texts stay alive as long as the node is in the
 * table. Grows by doubling. The hash is keyed with random bytes of the process, so that whoever chooses the
 * keys cannot choose their places. One thread at a time, or any number that only find.
 */
#ifndef BASE_HMAP_H
#define BASE_HMAP_H

#include <stdint.h>
#include "base/slice.h"

struct hmap_key {
    unsigned char tag;
    struct slice a, b;
};

struct hmap_node {
    struct hmap_node *next;
    uint64_t hash;
    struct hmap_key key;
};

struct hmap { /* {0} is an empty one */
    struct hmap_node **buckets;
    size_t count, size; /* size: a power of two, or 0 */
};

/* NULL: not there. */
struct hmap_node *hmap_find(const struct hmap *map, struct hmap_key key);
/* node->key is set, and not in the table. */
void hmap_insert(struct hmap *map, struct hmap_node *node);
/* Takes the node of that key out and gives it back, or NULL. */
struct hmap_node *hmap_remove(struct hmap *map, struct hmap_key key);
/* Calls free_node for every node and leaves an empty table. */
void hmap_clear(struct hmap *map, void (*free_node)(struct hmap_node *node));

/* for (HMAP_EACH(node, map)): every node, in no order; none may be added or removed meanwhile. */
struct hmap_node *hmap_after(const struct hmap *map, const struct hmap_node *node); /* NULL: the first */
#define HMAP_EACH(node, map)                                                                                 \
    struct hmap_node *node = hmap_after(map, NULL);                                                          \
    node;                                                                                                    \
    node = hmap_after(map, node)

#endif
