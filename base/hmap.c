#include "base/hmap.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/random.h"

enum { FIRST_SIZE = 64 };

static uint64_t seed;
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    random_bytes(&seed, sizeof seed);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t add(uint64_t h, struct slice s)
{
    h = mix(h, s.len);
    for (size_t i = 0; i < s.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, s.ptr + i, s.len - i < 8 ? s.len - i : 8);
        h = mix(h, word ^ seed);
    }
    return h;
}

static uint64_t hash_of(struct hmap_key key)
{
    pthread_once(&seeded, make_seed);
    return add(add(mix(seed, key.tag), key.a), key.b);
}

static bool same(const struct hmap_node *node, uint64_t hash, struct hmap_key key)
{
    return node->hash == hash && node->key.tag == key.tag && slice_eq(node->key.a, key.a) &&
           slice_eq(node->key.b, key.b);
}

static struct hmap_node **place_of(const struct hmap *map, uint64_t hash, struct hmap_key key)
{
    struct hmap_node **at = &map->buckets[hash & (map->size - 1)];
    while (*at && !same(*at, hash, key))
        at = &(*at)->next;
    return at;
}

struct hmap_node *hmap_find(const struct hmap *map, struct hmap_key key)
{
    return map->count ? *place_of(map, hash_of(key), key) : NULL;
}

static void grow(struct hmap *map)
{
    struct hmap bigger = {.size = map->size ? map->size * 2 : FIRST_SIZE};
    bigger.buckets = xcalloc(bigger.size, sizeof(*bigger.buckets));
    for (size_t i = 0; i < map->size; i++)
        for (struct hmap_node *node = map->buckets[i], *next; node; node = next) {
            next = node->next;
            struct hmap_node **at = &bigger.buckets[node->hash & (bigger.size - 1)];
            node->next = *at;
            *at = node;
        }
    free(map->buckets);
    map->buckets = bigger.buckets;
    map->size = bigger.size;
}

void hmap_insert(struct hmap *map, struct hmap_node *node)
{
    if (map->count >= map->size)
        grow(map);
    node->hash = hash_of(node->key);
    struct hmap_node **at = &map->buckets[node->hash & (map->size - 1)];
    node->next = *at;
    *at = node;
    map->count++;
}

struct hmap_node *hmap_remove(struct hmap *map, struct hmap_key key)
{
    if (!map->count)
        return NULL;
    struct hmap_node **at = place_of(map, hash_of(key), key), *node = *at;
    if (node) {
        *at = node->next;
        map->count--;
    }
    return node;
}

void hmap_clear(struct hmap *map, void (*free_node)(struct hmap_node *node))
{
    for (size_t i = 0; i < map->size; i++)
        for (struct hmap_node *node = map->buckets[i], *next; node; node = next) {
            next = node->next;
            free_node(node);
        }
    free(map->buckets);
    *map = (struct hmap){0};
}

struct hmap_node *hmap_after(const struct hmap *map, const struct hmap_node *node)
{
    if (node && node->next)
        return node->next;
    for (size_t i = node ? (node->hash & (map->size - 1)) + 1 : 0; i < map->size; i++)
        if (map->buckets[i])
            return map->buckets[i];
    return NULL;
}
