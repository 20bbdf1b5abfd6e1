/*
 * object: between the store's records and trees. Keys, the stored form, headers for selectors, metadata
 * access.
 *
 * The stored form of an object is the JSON that a client gets, with the revision's digits left out at
 * `splice` (the store puts them in). It starts with {"kind":"...","apiVersion":"...", and so GET is a copy,
 * and an item of a list the part from header.body on, after a '{'.
 */
#ifndef APISERVER_OBJECT_H
#define APISERVER_OBJECT_H

#include "openapi/decode.h"
#include "openapi/gen/meta_v1.h"
#include "storage/store.h"

/* "/registry/deployments.apps/"; with a namespace "/registry/deployments.apps/default/". */
struct slice object_prefix(struct arena *arena, const struct schema_resource *resource,
                           struct slice namespace);
struct slice object_key(struct arena *arena, const struct schema_resource *resource, struct slice namespace,
                        struct slice name);
/* The name (and namespace) in a key; views. */
struct slice object_key_name(struct slice key);
struct slice object_key_namespace(const struct schema_resource *resource, struct slice key);

/* A stored value as a tree of `resource`, converted if that is not the stored version. The value's bytes are
 * copied first when `copy` (a record of a read transaction that ends before the tree does). */
bool object_decode(struct arena *arena, const struct schema_resource *resource, struct slice value, bool copy,
                   struct value *ret, struct error *err);

/* Of a stored value, without decoding it: the uid (empty: none), and since when it is being deleted (seconds;
 * 0: it is not). */
struct slice object_stored_uid(struct slice value);
int64_t object_stored_deletion(struct slice value);

struct stored {
    struct slice header, value; /* in the arena */
    size_t splice;
};
/* The record to be written for a tree of `resource`. Sets the tree's kind and apiVersion; its resourceVersion
 * is meaningless after, until the caller sets the one of the commit. */
bool object_encode(struct arena *arena, const struct schema_resource *resource, struct value *object,
                   struct stored *ret, struct error *err);
/* value with the revision in it. */
struct blob *stored_blob(const struct stored *stored, uint64_t revision);

/* ---- metadata ---- */
const struct value *object_meta(const struct value *object);
struct value *object_meta_mut(struct arena *arena, struct value *object);

static inline struct slice object_text(const struct value *object, unsigned meta_field)
{
    return value_text(value_at(object_meta(object), meta_field));
}

void object_set_text(struct arena *arena, struct value *object, unsigned meta_field, struct slice text);
void object_set_version(struct arena *arena, struct value *object, uint64_t revision);
uint64_t object_version(const struct value *object); /* 0: none or not a number */
bool object_has_finalizer(const struct value *object, const char *name);
void object_set_finalizer(struct arena *arena, struct value *object, const char *name, bool present);
/* kind and apiVersion as the resource has them. */
void object_set_type(struct value *object, const struct schema_resource *resource);

/* The text of a selectable field (bools and numbers printed); as header fields hold it. */
struct slice object_field_text(struct arena *arena, const struct value *object, const char *path);

#endif
