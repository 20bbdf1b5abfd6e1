/*
 * typed: what server-side apply asks of an object and its schema: which fields it has, how two objects
 * differ, what is left when one is laid over the other or fields are taken out. Parts and wholes follow the
 * schema: a scalar, an atomic list or map is one field; a record, a granular map, a list of type set or map
 * is as many as it has inside.
 *
 * Objects come in two shapes, and both sides of a question are of the same one:
 *  - typed trees (records), as requests are decoded. A field that is not set counts as upstream's Go struct
 * shows it: not there where it is left out of JSON, else as its zero value or null.
 *  - free trees (SCHEMA_ANY), as an apply's body is read, where 0, {} and null are things of their own.
 *
 * What the schema leaves open ("deduced": custom resources without schema, JSON fields) is taken as it comes:
 * maps granular, lists atomic.
 *
 * Results share names and values with the objects; all must live in the arena or longer. Pure; any thread.
 * Errors: typed_validate() words them as upstream does (".spec.ports: duplicate entries for key [port=80]"),
 * for those texts reach clients. The others fail (false) only on objects that it refuses.
 *
 * Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy, KEP-555,
 * KEP-2155.
 */
#ifndef OPENAPI_TYPED_H
#define OPENAPI_TYPED_H

#include "openapi/fieldset.h"

/* Every field of the object; containers only where they are empty, null, list items, or entries of maps. */
bool typed_fields(struct arena *arena, const struct schema_type *type, const struct value *object,
                  struct fieldset *ret);

struct typed_changes {
    struct fieldset changed; /* added, or there before with another value */
    struct fieldset removed;
};
/* What differs. Where something is added or removed whole, the containers are named too. */
bool typed_compare(struct arena *arena, const struct schema_type *type, const struct value *before,
                   const struct value *after, struct typed_changes *ret);
/* The same against an object of which nothing was ever set: what a creation makes. */
bool typed_compare_new(struct arena *arena, const struct schema_type *type, const struct value *object,
                       struct typed_changes *ret);

/* ---- of free trees only ---- */

/* Does the tree fit the schema: no undeclared fields, no wrong kinds, unless allow_duplicates no list item
 * twice? */
bool typed_validate(struct arena *arena, const struct schema_type *type, const struct value *tree,
                    bool allow_duplicates, struct error *err);
/* `over` laid on `base`: its scalars and atomic parts win, maps and keyed lists are merged, its order of
 * items goes first. */
bool typed_merge(struct arena *arena, const struct schema_type *type, const struct value *base,
                 const struct value *over, struct value *ret);
/* The tree without the fields of the set; containers that become empty go too, atomic ones that are entered
 * as well. */
struct value typed_remove(struct arena *arena, const struct schema_type *type, const struct value *tree,
                          const struct fieldset *set);

/* ---- of sets ---- */

/* With every declared field that has members below it as a member too. */
struct fieldset typed_with_named_fields(struct arena *arena, const struct schema_type *type,
                                        const struct fieldset *set);
/* A set that was written when something was granular which the schema now says is atomic: the part becomes
 * one member. The set itself when nothing of the kind is in it. */
struct fieldset typed_reconcile(struct arena *arena, const struct schema_type *type,
                                const struct fieldset *set);

#endif
