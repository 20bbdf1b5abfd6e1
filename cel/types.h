/*
 * types: making, comparing, substituting and printing types, and which of two can stand for the other.
 * Private to cel/.
 */
#ifndef CEL_TYPES_H
#define CEL_TYPES_H

#include "cel/cel.h"

extern const struct cel_type cel_type_path_check, cel_type_group_check, cel_type_decision, cel_type_ip,
    cel_type_cidr, cel_type_url, cel_type_quantity, cel_type_semver, cel_type_format;

/* A type by the name that signatures use: "int", "list" with one parameter, "A" (a parameter), "net.IP". */
const struct cel_type *cel_type_named(struct arena *arena, struct slice name,
                                      const struct cel_type *const *params, unsigned count);
/* "map(string, list(int))" and so on, from *at, which is moved behind it. NULL: no such type. */
const struct cel_type *cel_type_parse(struct arena *arena, const char **at);
/* What an expression may name as a value: int, list, google.protobuf.Timestamp, ... or NULL. */
const struct cel_type *cel_type_by_name(struct slice name);
const struct cel_type *cel_type_param(struct arena *arena, unsigned index);
const struct cel_type *cel_type_of_type(struct arena *arena, const struct cel_type *of);
/* The name that type() and messages give: "google.protobuf.Timestamp". */
const char *cel_type_name(const struct cel_type *type);
bool cel_type_same(const struct cel_type *a, const struct cel_type *b);
bool cel_type_is_dyn(const struct cel_type *type); /* dyn or an error */
bool cel_type_is_optional(const struct cel_type *type);
/* A deep copy. */
const struct cel_type *cel_type_copy(struct arena *arena, const struct cel_type *type);

/* The type of a field of an object, or NULL. `name` is what an expression writes, *ret_field what it is
 * called in the data. */
const struct cel_type *cel_type_field(struct arena *arena, const struct cel_type *object, struct slice name,
                                      struct slice *ret_field);

/* What is known of type variables while one expression is checked. */
struct cel_unify {
    struct arena *arena;
    const struct cel_type **subs; /* by variable; NULL: free */
    size_t count, capacity;
    struct cel_undo {
        unsigned var;
        const struct cel_type *was;
    } * undo;
    size_t undo_count, undo_capacity;
};

const struct cel_type *cel_unify_new_var(struct cel_unify *u);
/* The overload's type with its parameters replaced by variables from `base` on. */
const struct cel_type *cel_unify_instance(struct cel_unify *u, const struct cel_type *type, unsigned base);
/* Can `from` stand where `to` is wanted? Remembers what that makes of variables; when not, nothing is
 * changed. */
bool cel_unify_assignable(struct cel_unify *u, const struct cel_type *from, const struct cel_type *to);
bool cel_unify_assignable_list(struct cel_unify *u, const struct cel_type *const *from,
                               const struct cel_type *const *to, size_t count);
/* Variables replaced by what is known of them; free ones by dyn if `to_dyn`. */
const struct cel_type *cel_unify_resolve(struct cel_unify *u, const struct cel_type *type, bool to_dyn);
const struct cel_type *cel_unify_most_general(const struct cel_type *a, const struct cel_type *b);

#endif
