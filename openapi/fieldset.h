/*
 * fieldset: a set of fields of an object, and its algebra: who owns what in server-side apply. A field is a
 * path of elements from the root: a field or map key by name, a list item by the values of its keys or (in
 * sets) by its own value, or by its index.
 *
 * The set is a tree. A node is one element; `member` says that the field it leads to is in the set,
 * `children` are the fields below it that are. Being a member and having members below are two things:
 * {"f:spec":{"f:a":{}}} has spec.a but not spec.
 *
 * Invariants: nodes of a set are sorted by path_element_cmp() and unique; no node is without members at or
 * below it. A finished set is never changed; results share nodes, names and values with what they were made
 * of, so all of it must live in one arena or longer. Pure; any thread.
 *
 * An example (a test: worked_example in fieldset_test.c). a is spec, spec.x and spec.list[name="one"]; b is
 * spec.x: union(a, b) = a          difference(a, b) = spec, spec.list[name="one"] intersection(a, b) = b
 * recursive_difference(a, {spec}) = {} a as FieldsV1:
 * {"f:spec":{".":{},"f:list":{"k:{\"name\":\"one\"}":{}},"f:x":{}}}
 *
 * Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and KEP-555; the format
 * "FieldsV1" is that of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
 * as real servers write it.
 */
#ifndef OPENAPI_FIELDSET_H
#define OPENAPI_FIELDSET_H

#include "base/buf.h"
#include "base/error.h"
#include "openapi/value.h"

/* In the order in which kinds of elements sort. */
enum element_kind {
    ELEMENT_FIELD, /* ".name" */
    ELEMENT_KEY,   /* "[name=\"one\",port=80]" : the item of a list of type map */
    ELEMENT_VALUE, /* "[=\"x\"]" : the item of a set */
    ELEMENT_INDEX, /* "[3]" */
};

struct element_key {
    struct slice name;
    struct value value; /* a scalar or null */
};

struct path_element {
    uint8_t kind;   /* enum element_kind */
    bool plain;     /* FIELD: JSON shows the name as it is; false: nobody has looked */
    uint32_t count; /* KEY: of keys */
    union {
        struct slice field;
        const struct element_key *keys; /* sorted by name */
        const struct value *value;
        int64_t index;
    };
};

struct fieldset {
    struct fieldset_node *nodes;
    uint32_t count, capacity;
};

struct fieldset_node {
    struct path_element element;
    bool member;
    struct fieldset children;
};

int path_element_cmp(const struct path_element *a, const struct path_element *b);
/* The order of scalars in sets and keys: numbers, strings, bools, then the rest; null last. */
int element_value_cmp(const struct value *a, const struct value *b);
/* As clients see it in conflicts: `.spec`, `[name="one"]`, `[="x"]`, `[3]`. */
void path_element_print(struct buf *out, const struct path_element *element);

static inline struct path_element element_field(struct slice name)
{
    return (struct path_element){.kind = ELEMENT_FIELD, .field = name};
}

static inline bool fieldset_is_empty(const struct fieldset *set)
{
    return set->count == 0;
}

/* ---- building: add nodes in any order, then finish once ---- */

/* Room for so many nodes in a new set. */
void fieldset_reserve(struct arena *arena, struct fieldset *set, uint32_t count);
/* A new last node, to be filled. Its address holds until the next one is added. */
struct fieldset_node *fieldset_add(struct arena *arena, struct fieldset *set);
/* Sorts this level; nodes of the same element become one. The levels below are finished already. */
void fieldset_finish(struct arena *arena, struct fieldset *set);
/* Adds one field to a finished set, which stays finished; for small sets. */
void fieldset_insert(struct arena *arena, struct fieldset *set, const struct path_element *path,
                     size_t depth);
/* fieldset_insert of ".spec.replicas" given as "spec", "replicas", NULL. */
struct fieldset fieldset_of_names(struct arena *arena, const char *const *names);

/* ---- looking ---- */

const struct fieldset_node *fieldset_find(const struct fieldset *set, const struct path_element *element);
bool fieldset_has(const struct fieldset *set, const struct path_element *path, size_t depth);
bool fieldset_equal(const struct fieldset *a, const struct fieldset *b);
/* Each member: those of a level first, then those below them. False ends the walk and is the result. */
typedef bool (*fieldset_each_fn)(void *arg, const struct path_element *path, size_t depth);
bool fieldset_each(struct arena *arena, const struct fieldset *set, fieldset_each_fn each, void *arg);

/* ---- algebra ---- */

struct fieldset fieldset_union(struct arena *arena, const struct fieldset *a, const struct fieldset *b);
struct fieldset fieldset_intersection(struct arena *arena, const struct fieldset *a,
                                      const struct fieldset *b);
/* Members of a that are none of b. A parent stays when only a child is in b, and the other way round. */
struct fieldset fieldset_difference(struct arena *arena, const struct fieldset *a, const struct fieldset *b);
/* The same, and what stands below a member of b goes too. */
struct fieldset fieldset_recursive_difference(struct arena *arena, const struct fieldset *a,
                                              const struct fieldset *b);
/* Whether the intersection has members, without making it. */
bool fieldset_overlaps(const struct fieldset *a, const struct fieldset *b);

/* ---- FieldsV1 ---- */

/* {"f:metadata":{"f:labels":{".":{},"f:app":{}}}}, as real servers write it: sorted, escaped like the rest of
 * an object. */
void fieldset_encode(struct buf *out, const struct fieldset *set);
/* The set holds views of `text`. Elements of unknown kinds are left out. Errors: REASON_BAD_REQUEST for what
 * is no FieldsV1; no deeper than DECODE_MAX_DEPTH. */
bool fieldset_decode(struct arena *arena, struct slice text, struct fieldset *ret, struct error *err);

#endif
