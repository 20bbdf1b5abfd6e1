/*
 * managed_parts: what the files of managed_*.c share among themselves; not for others. See managed.h.
 */
#ifndef OPENAPI_MANAGED_PARTS_H
#define OPENAPI_MANAGED_PARTS_H

#include "openapi/managed.h"

/* Whose place in the entries is (manager, operation, subresource, version); NULL: nobody's. */
struct managed_entry *managed_find(struct managed *managed, const struct managed_entry *like);
/* The order of identities, for messages: by manager, operation, version, subresource (none last). */
int managed_cmp(const struct managed_entry *a, const struct managed_entry *b);
void managed_drop(struct managed *managed, const struct managed_entry *entry);
void managed_set_fields(struct managed_entry *entry, struct fieldset fields);
/* Without the fields that cannot be changed, and what is below them. */
struct fieldset managed_without(struct arena *arena, const char *const *reset, const struct fieldset *set);
/* Without the fields that nobody owns: apiVersion, kind, metadata.name, metadata.uid, ... Changes the set in
 * place. */
void managed_strip(struct fieldset *set);

/* Entries of versions that are no more go, and sets follow schemas that became atomic. */
void managed_reconcile(const struct managed_request *req, struct managed *managed);

struct managed_conflicts {
    struct arena *arena;
    struct managed_entry *items; /* fields: those in conflict */
    size_t count, capacity;
};

/* Takes from all entries but `self` (may be NULL) what differs between two objects, of the shape `free` says.
 * Where `conflicts` is not NULL and something would be taken that is not just gone, notes it there and
 * changes nothing. */
struct managed_change {
    const struct value *before, *after;
    bool free;
    const struct managed_entry *self;
    struct managed_conflicts *conflicts;
};
/* False: the objects cannot be compared. *ret_changed: the fields that differ, filtered. */
bool managed_take(const struct managed_request *req, const struct managed_change *change,
                  struct managed *managed, struct fieldset *ret_changed);

/* The error of an apply that others own fields of. Returns false. */
bool managed_fail_conflicts(struct managed_conflicts *conflicts, struct error *err);
/* Takes out the conflicts that client-side apply explains: the live object still has what the annotation
 * says. */
void managed_allow_last_applied(const struct managed_request *req, const struct value *live,
                                struct managed_conflicts *conflicts);
/* Sets the annotation of client-side apply, if there is one, to what is applied now. True: that was something
 * else. */
bool managed_sync_last_applied(struct arena *arena, const struct value *config, struct value *object);

#endif
