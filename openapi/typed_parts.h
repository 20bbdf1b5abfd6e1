/*
 * typed_parts: how the walks of typed_*.c see a node; not for others. See typed.h.
 */
#ifndef OPENAPI_TYPED_PARTS_H
#define OPENAPI_TYPED_PARTS_H

#include "openapi/typed.h"

/* What a node is said to be. `field` is the one that holds it, whose patch strategy says what a list is where
 * nothing else does; NULL for elements and roots. */
struct typed_node {
    const struct schema *schema;
    const struct schema_field *field;
};

enum typed_kind { TYPED_SCALAR, TYPED_LIST, TYPED_MAP };

struct typed_atom {
    enum typed_kind kind;
    bool atomic;
};

/* Scalars of every kind, lists and maps fit a deduced node: the value decides. A null one, or none, is taken
 * for a map. */
struct typed_atom typed_atom_of(struct typed_node node, const struct value *v);
/* Does the schema leave the node's shape to its value? */
bool typed_is_deduced(const struct schema *schema);
bool typed_is_null(const struct value *v); /* null, or not there (NULL) */

/* The root of a type. *ret_schema is filled and must outlive the node. */
struct typed_node typed_root(const struct schema_type *type, struct schema *ret_schema);
/* A field or map key by name; *ret_declared: the type names it. False: nothing of that name may be there. */
bool typed_child(struct typed_node map, struct slice name, struct typed_node *ret, bool *ret_declared);
struct typed_node typed_item(struct typed_node list);

/*
 * The members of two maps (either may be NULL, null or no map), each name once. l or r is NULL where it has
 * no such member. Those that neither object sets are left out when both objects are there: they are equal. In
 * the order of names if typed_is_ordered() says so.
 */
struct typed_member {
    struct slice name;
    struct typed_node node;
    bool declared, allowed;
    const struct value *l, *r;
};
typedef bool (*typed_member_fn)(void *arg, const struct typed_member *member);
bool typed_each(struct typed_node map, const struct value *l, const struct value *r, typed_member_fn each,
                void *arg);
bool typed_is_ordered(struct typed_node map, const struct value *l, const struct value *r);
bool typed_map_is_empty(struct typed_node map, const struct value *v); /* null and NULL too */

/* Items of a list by the element of their path, sorted; items with the same element keep their order. */
struct typed_list_item {
    struct path_element element;
    const struct value *value;
    uint32_t index;
};
struct typed_list {
    struct typed_list_item *items;
    uint32_t count;
};
/* NULL or *ret filled: why the item can have no place in a path, in upstream's words. */
const char *typed_element(struct arena *arena, struct typed_node list, const struct value *item,
                          struct path_element *ret);
bool typed_index(struct arena *arena, struct typed_node list, const struct value *v, bool sorted,
                 struct typed_list *ret);

/* A JSON field's text as a tree, where a walk goes into it. */
const struct value *typed_open(struct arena *arena, struct typed_node node, const struct value *v);
bool typed_equal(struct arena *arena, const struct value *a, const struct value *b);

#endif
