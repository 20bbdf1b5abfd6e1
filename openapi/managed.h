/*
 * managed: metadata.managedFields, who owns which fields of an object. Two questions:
 *  - managed_update(): an object was created, or changed in some way; whoever did it owns what is different
 * now, and nobody else does.
 *  - managed_apply(): somebody says which fields he wants and how. He owns those; what he owned before and
 * does not name any more goes, unless others own it too; what others own and he wants otherwise is a
 * conflict.
 *
 * An entry is told from others by manager, operation, subresource and, of updates, version. Entries in
 * another version of the kind are looked at in that version (struct managed_versions); those of a version
 * that is no more are dropped.
 *
 * Objects of managed_update are typed trees of the version asked for, without regard to their managedFields;
 * those of managed_apply are free trees (see typed.h). Everything lives in the request's arena. Pure; any
 * thread.
 *
 * Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/; KEP-555. docs/apply.md has an
 * example.
 */
#ifndef OPENAPI_MANAGED_H
#define OPENAPI_MANAGED_H

#include "openapi/typed.h"

enum { MANAGED_MAX_UPDATERS = 10 }; /* older ones become one entry, "ancient-changes" */

struct managed_entry {
    struct slice manager, subresource, api_version;
    struct slice time; /* RFC 3339; empty: none */
    bool apply;        /* else an update */
    struct fieldset fields;
    struct slice text; /* fields as FieldsV1, as it was read; empty once the fields change */
};

struct managed {
    struct managed_entry *entries;
    size_t count, capacity;
};

/* From the list of an object and back (absent when there are no entries, sorted as real servers do). Errors
 * of decoding: REASON_BAD_REQUEST; what upstream would not have written. */
bool managed_decode(struct arena *arena, const struct value *list, struct managed *ret, struct error *err);
struct value managed_encode(struct arena *arena, struct managed *managed);
/* [] or [{}]: a client wants the object to be tracked no more. */
bool managed_is_reset(const struct value *list);
/* Are the lists equal but for times? */
bool managed_equal_but_times(const struct value *a, const struct value *b);

struct managed_versions {
    void *arg;
    /* The type of the kind in a version ("apps/v1"); NULL: not served. */
    const struct schema_type *(*type)(void *arg, struct slice api_version);
    /* An object between versions that both have types: typed trees, or with `free` free ones. False: it
     * cannot be converted. */
    bool (*convert)(void *arg, const struct value *object, bool free, struct slice from, struct slice to,
                    struct value *ret);
};

struct managed_request {
    struct arena *arena;
    struct slice manager, subresource, api_version;
    const struct schema_type *type; /* in that version */
    /* Fields that a write through this resource or subresource cannot change, so that nobody comes to own
     * them, nor what is below them: paths with dots, NULL-terminated; or NULL. */
    const char *const *reset;
    struct slice now; /* RFC 3339 */
    const struct managed_versions *versions;
};

/* before NULL: a creation. An object without entries that is there already is not tracked. False: the objects
 * cannot be compared, and the entries stay as they are. */
bool managed_update(const struct managed_request *req, const struct value *before, const struct value *after,
                    struct managed *managed);

/*
 * *ret is the new object, a free tree without defaults; *ret_changed false: it is `live`. `live` of an object
 * that is to be created is the free tree of a new record, and `creates` is set. Errors: REASON_CONFLICT with
 * one FieldManagerConflict cause per field and manager; REASON_UNKNOWN with code 500 for a configuration that
 * does not fit the schema. `object_name` is what those call it ("ns/name; apps/v1, Kind=Deployment").
 */
bool managed_apply(const struct managed_request *req, const struct value *live, const struct value *config,
                   bool force, const char *object_name, struct managed *managed, struct value *ret,
                   bool *ret_changed, struct error *err);

#endif
