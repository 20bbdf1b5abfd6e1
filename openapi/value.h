/*
 * value: an API object as a tree, the hot path's heart. Decoded in one pass guided by the schema, changed in
 * place by defaults, admission and patches, encoded in one pass. All of a tree lives in one arena; strings
 * may be slices of the request's bytes, which the caller keeps alive as long as the tree. One thread at a
 * time.
 *
 * What decoding makes canonical, so that all later code has one case less (the rules are Go's, as upstream
 * sees them):
 *  - null for a field is VALUE_ABSENT. A zero value (false, 0, "") of a field that is no pointer is
 * VALUE_ABSENT. A record is kept even when empty if its field is a pointer ("emptyDir: {}"); an empty record
 * of a field that is no pointer is VALUE_ABSENT. value_at() of an absent record gives absent fields, so paths
 * need no checks.
 *  - an empty list or map is VALUE_ABSENT (upstream's storage drops the difference).
 *  - maps are sorted by key, keys unique. Quantities, times, durations and bytes hold their canonical texts.
 * The encoder puts back what upstream writes always: fields without omitempty, `{}` of records that are no
 * pointers.
 */
#ifndef OPENAPI_VALUE_H
#define OPENAPI_VALUE_H

#include "base/arena.h"
#include "openapi/schema.h"

enum value_kind {
    VALUE_ABSENT = 0,
    VALUE_NULL, /* only where the schema says nullable, in SCHEMA_ANY, and in lists of patches */
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_STRING,
    VALUE_RAW, /* text of compact JSON */
    VALUE_LIST,
    VALUE_MAP,
    VALUE_RECORD
};

struct value {     /* 16 bytes */
    uint8_t kind;  /* enum value_kind */
    uint8_t plain; /* STRING: 1 when it can be written to JSON without escapes */
    uint32_t len;  /* STRING, RAW: bytes */
    union {
        bool b;
        int64_t i;
        double f;
        const char *s;
        struct value_list *list;
        struct value_map *map;
        struct value_record *record;
    };
};

struct value_list {
    struct value *items;
    uint32_t count, capacity;
};

struct value_entry {
    struct slice key;
    struct value value;
};

struct value_map {
    struct value_entry *entries; /* sorted by key */
    uint32_t count, capacity;
};

struct value_record {
    const struct schema_type *type;
    struct value_map
        *extra; /* keys the type does not name, kept only where unknown fields are preserved; or NULL */
    struct value fields[]; /* type->field_count of them */
};

extern const struct value value_absent; /* what a missing thing reads as */

/* ---- reading: total functions, wrong kinds read as absent ---- */

static inline bool value_is_set(const struct value *v)
{
    return v->kind != VALUE_ABSENT;
}

/* The field of a record by its generated index. v absent or no record: absent. Never NULL. */
static inline const struct value *value_at(const struct value *v, unsigned field)
{
    return v->kind == VALUE_RECORD ? &v->record->fields[field] : &value_absent;
}

static inline struct slice value_text(const struct value *v) /* STRING or RAW; else "" */
{
    return v->kind == VALUE_STRING || v->kind == VALUE_RAW ? slice_make(v->s, v->len) : slice_make("", 0);
}

static inline int64_t value_int(const struct value *v, int64_t when_absent)
{
    return v->kind == VALUE_INT ? v->i : when_absent;
}

static inline bool value_bool(const struct value *v)
{
    return v->kind == VALUE_BOOL && v->b;
}

static inline bool value_is(const struct value *v, const char *text)
{
    return slice_is(value_text(v), text);
}

/* Items of a list, entries of a map; 0 for others. */
static inline size_t value_count(const struct value *v)
{
    return v->kind == VALUE_LIST ? v->list->count : v->kind == VALUE_MAP ? v->map->count : 0;
}

static inline const struct value *value_item(const struct value *v, size_t i)
{
    return &v->list->items[i];
}

static inline const struct value_entry *value_entry(const struct value *v, size_t i)
{
    return &v->map->entries[i];
}

/* for (VALUE_EACH(item, list)) : a list's items */
#define VALUE_EACH(item, v)                                                                                  \
    const struct value *item = (v)->kind == VALUE_LIST ? (v)->list->items : NULL,                            \
                       *item##_end = item ? item + (v)->list->count : NULL;                                  \
    item != item##_end;                                                                                      \
    item++
/* for (VALUE_EACH_ENTRY(entry, map)) */
#define VALUE_EACH_ENTRY(entry, v)                                                                           \
    const struct value_entry *entry = (v)->kind == VALUE_MAP ? (v)->map->entries : NULL,                     \
                             *entry##_end = entry ? entry + (v)->map->count : NULL;                          \
    entry != entry##_end;                                                                                    \
    entry++

/* A key of a map, or a field of a record by name (extra ones included). Never NULL. */
const struct value *value_get(const struct value *v, struct slice key);
/* "metadata.name": fields and map keys by dots; for keys with dots use value_get. Never NULL. */
const struct value *value_path(const struct value *v, const char *dotted);

/* ---- writing: the tree must live in `arena` ---- */

struct value value_of_string(struct slice s); /* does not copy */
struct value value_of_cstr(const char *s);    /* does not copy */
struct value value_of_int(int64_t i);
struct value value_of_bool(bool b);
struct value value_new_record(struct arena *arena, const struct schema_type *type);
struct value value_new_list(struct arena *arena, size_t capacity);
struct value value_new_map(struct arena *arena, size_t capacity);

/* The field itself, to be assigned. v must be a record. */
static inline struct value *value_mut(struct value *v, unsigned field)
{
    return &v->record->fields[field];
}

/* The field as a record, made empty if absent. The type is the field's. */
struct value *value_ensure_record(struct arena *arena, struct value *v, unsigned field);
/* A new last item of the list (which is made if *v is absent), absent until assigned. */
struct value *value_append(struct arena *arena, struct value *v);
/* Each text as a new last item; not copied. */
void value_append_texts(struct arena *arena, struct value *v, const struct slice *items, size_t count);
void value_remove_item(struct value *v, size_t i);
/* The entry of the key in the map (made if *v is absent), absent if new; its place keeps the order. The key
 * is not copied. */
struct value *value_put(struct arena *arena, struct value *v, struct slice key);
bool value_remove(struct value *v, struct slice key); /* a map's key; false if it was not there */
/* The same by name for a record or map: where a patch writes. NULL: the record has no such field. */
struct value *value_get_mut(struct value *v, struct slice key);
/* Sets a key of a record, named by its type or not; absent takes it out. The key is not copied. */
void value_set(struct arena *arena, struct value *record, struct slice key, const struct value *v);

/* Deep copy. With own_text the strings are copied too, so that nothing points outside the arena. */
struct value value_copy(struct arena *arena, const struct value *v, bool own_text);
/* Deep equality with Go's semantics (apiequality.Semantic.DeepEqual): absent, empty list, empty map and an
 * empty record that is no pointer are equal. */
bool value_equal(const struct value *a, const struct value *b);

/* Is v what a Go field of this schema holds when nothing was set and it is no pointer? Absent is. */
bool value_is_zero(const struct value *v, const struct schema *schema);

/* A change of shape to what decoding would have made: drops empties. After patches. */
void value_canonical(struct value *v, const struct schema *schema);

#endif
