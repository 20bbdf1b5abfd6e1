/* managed_update: what owners gain and lose when an object changes. See managed.h. */
#include "openapi/managed_parts.h"

#include <stdlib.h>

/* ---- taking fields from those who had them ---- */

/* The differences as one version of the kind sees them. */
struct compared {
    struct slice api_version;
    struct typed_changes changes;
    bool failed, missing;
};

struct taking {
    const struct managed_request *req;
    const struct managed_change *change;
    struct compared *versions;
    size_t count, capacity;
};

static bool converted(struct taking *t, const struct value *object, struct slice to, struct value *ret)
{
    const struct managed_versions *versions = t->req->versions;
    if (object)
        return versions->convert(versions->arg, object, t->change->free, t->req->api_version, to, ret);
    return true;
}

static void compare(struct taking *t, struct compared *into)
{
    const struct managed_request *req = t->req;
    const struct managed_change *change = t->change;
    const struct value *before = change->before, *after = change->after;
    const struct schema_type *type = req->type;
    struct value before_there, after_there;
    if (!slice_eq(into->api_version, req->api_version)) {
        type = req->versions->type(req->versions->arg, into->api_version);
        into->missing = !type;
        if (!type)
            return;
        into->failed = !converted(t, before, into->api_version, &before_there) ||
                       !converted(t, after, into->api_version, &after_there);
        before = before ? &before_there : NULL;
        after = &after_there;
    }
    into->failed = into->failed || !(before ? typed_compare(req->arena, type, before, after, &into->changes)
                                            : typed_compare_new(req->arena, type, after, &into->changes));
    into->changes.changed = managed_without(req->arena, req->reset, &into->changes.changed);
    into->changes.removed = managed_without(req->arena, req->reset, &into->changes.removed);
}

static struct compared *compared_in(struct taking *t, struct slice api_version)
{
    for (size_t i = 0; i < t->count; i++)
        if (slice_eq(t->versions[i].api_version, api_version))
            return &t->versions[i];
    struct compared *made = arena_push(t->req->arena, &t->versions, &t->count, &t->capacity, sizeof *made);
    made->api_version = api_version;
    compare(t, made);
    return made;
}

static void note_conflicts(struct taking *t, struct managed *managed)
{
    struct managed_conflicts *conflicts = t->change->conflicts;
    for (size_t i = 0; conflicts && i < managed->count; i++) {
        const struct managed_entry *entry = &managed->entries[i];
        if (entry == t->change->self)
            continue;
        struct compared *in = compared_in(t, entry->api_version);
        if (in->missing || in->failed || !fieldset_overlaps(&entry->fields, &in->changes.changed))
            continue;
        struct managed_entry *conflict = arena_push(t->req->arena, &conflicts->items, &conflicts->count,
                                                    &conflicts->capacity, sizeof *conflict);
        *conflict = *entry;
        conflict->fields = fieldset_intersection(t->req->arena, &entry->fields, &in->changes.changed);
    }
}

static void take_from(struct arena *arena, struct managed_entry *entry, const struct fieldset *fields)
{
    if (fieldset_overlaps(&entry->fields, fields))
        managed_set_fields(entry, fieldset_difference(arena, &entry->fields, fields));
}

bool managed_take(const struct managed_request *req, const struct managed_change *change,
                  struct managed *managed, struct fieldset *ret_changed)
{
    struct taking t = {.req = req, .change = change};
    size_t self = change->self ? (size_t)(change->self - managed->entries) : SIZE_MAX;
    struct compared *own = compared_in(&t, req->api_version);
    *ret_changed = own->changes.changed;
    if (own->failed)
        return false;
    for (size_t i = 0; i < managed->count; i++) /* before anything is taken */
        if (i != self && compared_in(&t, managed->entries[i].api_version)->failed)
            return false;
    note_conflicts(&t, managed);
    if (change->conflicts && change->conflicts->count)
        return true;
    for (size_t i = 0, n = 0, count = managed->count; n < count; n++) {
        struct managed_entry *entry = &managed->entries[i];
        struct compared *in = n == self ? NULL : compared_in(&t, entry->api_version);
        if (in && !in->missing) {
            take_from(req->arena, entry, &in->changes.changed);
            take_from(req->arena, entry, &in->changes.removed);
        }
        if ((in && in->missing) || fieldset_is_empty(&entry->fields))
            managed_drop(managed, entry);
        else
            i++;
    }
    return true;
}

/* ---- the cap ---- */

static int cmp_age(const void *left, const void *right)
{
    const struct managed_entry *a = left, *b = right;
    int c = slice_cmp(a->time, b->time);
    return c ? c : managed_cmp(a, b);
}

/* Two entries of one version become "ancient-changes"; the later's time is the bucket's. */
static void fold(struct arena *arena, struct managed *managed, const struct managed_entry *first,
                 const struct managed_entry *later)
{
    struct managed_entry bucket = {.manager = SLICE("ancient-changes"), .api_version = later->api_version};
    struct managed_entry *into = managed_find(managed, &bucket);
    if (!into) {
        into = managed_find(managed, first);
        bucket.fields = into->fields;
        *into = bucket;
    }
    struct managed_entry *from = managed_find(managed, later);
    if (from == into)
        from = managed_find(managed, first);
    managed_set_fields(into, fieldset_union(arena, &from->fields, &into->fields));
    into->time = later->time;
    managed_drop(managed, from);
}

static void cap_updaters(struct arena *arena, struct managed *managed)
{
    size_t count = 0;
    struct managed_entry *oldest = arena_alloc(arena, managed->count * sizeof *oldest);
    for (size_t i = 0; i < managed->count; i++)
        if (!managed->entries[i].apply)
            oldest[count++] = managed->entries[i];
    if (count <= MANAGED_MAX_UPDATERS)
        return;
    qsort(oldest, count, sizeof *oldest, cmp_age);
    size_t left = count;
    for (size_t i = 0; i < count && left > MANAGED_MAX_UPDATERS; i++) {
        size_t first = 0;
        while (!slice_eq(oldest[first].api_version, oldest[i].api_version))
            first++;
        if (first == i)
            continue;
        fold(arena, managed, &oldest[first], &oldest[i]);
        left--;
    }
}

/* ---- update ---- */

bool managed_update(const struct managed_request *req, const struct value *before, const struct value *after,
                    struct managed *managed)
{
    struct managed_change change = {.before = before, .after = after};
    struct fieldset changed;
    if (before && !managed->count)
        return true;
    if (managed->count)
        managed_reconcile(req, managed);
    if (!managed_take(req, &change, managed, &changed))
        return false;
    managed_strip(&changed);
    if (!fieldset_is_empty(&changed)) {
        struct managed_entry own = {
            .manager = req->manager, .subresource = req->subresource, .api_version = req->api_version};
        struct managed_entry *entry = managed_find(managed, &own);
        if (!entry) {
            entry =
                arena_push(req->arena, &managed->entries, &managed->count, &managed->capacity, sizeof *entry);
            *entry = own;
        }
        managed_set_fields(entry, fieldset_union(req->arena, &changed, &entry->fields));
        entry->time = req->now;
    }
    if (managed->count > MANAGED_MAX_UPDATERS)
        cap_updaters(req->arena, managed);
    return true;
}
