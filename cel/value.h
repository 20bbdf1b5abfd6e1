/*
 * value: what evaluation works with: lists and maps that are made or that are views of a tree, equality,
 * order. Values do not change once made, with one exception that nobody can see: a list or map that was grown
 * keeps room behind its end, and growing the newest one again fills that room, so that building one in a loop
 * is linear. Private to cel/.
 */
#ifndef CEL_VALUE_H
#define CEL_VALUE_H

#include "cel/cel.h"

struct cel_items {
    uint32_t fill, capacity;
    struct cel_value values[];
};

struct cel_map_entry {
    struct cel_value key, value;
};

struct cel_map {
    uint32_t fill, capacity;
    uint32_t slot_mask; /* of the open-addressed hash behind the entries; 0: few entries, no hash */
    uint32_t *slots;    /* entry + 1 */
    struct cel_map_entry entries[];
};

/* An object made by an expression. */
struct cel_fields {
    const struct cel_type *type;
    uint32_t count;
    struct cel_field {
        struct slice name;
        struct cel_value value;
    } fields[];
};

/* A type of opaque values; each library has its own, with `struct cel_opaque` first in what it keeps. */
struct cel_opaque_type {
    const struct cel_type *type;
    bool (*equal)(const struct cel_opaque *a, const struct cel_opaque *b);
    struct slice (*print)(struct arena *arena, const struct cel_opaque *v);
    uint32_t (*size)(const struct cel_opaque *v); /* for costs; NULL: 1 */
};

struct cel_opaque {
    const struct cel_opaque_type *type;
};

struct cel_value cel_opaque_value(const struct cel_opaque *opaque);
struct cel_value cel_type_value(const struct cel_type *type);
/* An optional's value, or NULL. */
static inline const struct cel_value *cel_some(const struct cel_value *v)
{
    return v->kind == CEL_OPTIONAL ? v->some : NULL;
}

static inline bool cel_is_error(const struct cel_value *v)
{
    return v->kind == CEL_ERROR;
}

struct cel_value cel_list_new(struct arena *arena, size_t capacity);
/* The list with one more item. */
struct cel_value cel_list_append(struct arena *arena, struct cel_value list, struct cel_value item);
struct cel_value cel_list_concat(struct arena *arena, struct cel_value a, const struct cel_value *b);
struct cel_value cel_list_get(struct arena *arena, const struct cel_value *list, size_t i);

struct cel_value cel_map_new(struct arena *arena, size_t capacity);
/* false: the key is there already. */
bool cel_map_put(struct arena *arena, struct cel_value *map, struct cel_value key, struct cel_value value);
bool cel_map_find(struct arena *arena, const struct cel_value *map, const struct cel_value *key,
                  struct cel_value *ret);
void cel_map_at(struct arena *arena, const struct cel_value *map, size_t i, struct cel_value *ret_key,
                struct cel_value *ret_value);

/* A field of an object, or an entry of a map by a text key. */
bool cel_field(struct arena *arena, const struct cel_value *object, struct slice name, struct cel_value *ret);
/* How many fields of an object are set, and each of them. */
size_t cel_object_count(const struct cel_value *object);
bool cel_object_at(struct arena *arena, const struct cel_value *object, size_t *state, struct slice *ret_name,
                   struct cel_value *ret);

/* size(): characters, bytes, items, entries; 1 for everything that has no size. */
uint64_t cel_size(const struct cel_value *v);

/* -1, 0, 1; 2: not ordered (NaN); 3: cannot be compared. */
enum { CEL_UNORDERED = 2, CEL_INCOMPARABLE = 3 };
int cel_compare(const struct cel_value *a, const struct cel_value *b);
const struct cel_type *cel_type_of_value(const struct cel_value *v);
/* Go's zero value of its kind. */
bool cel_is_zero(const struct cel_value *v);

#endif
