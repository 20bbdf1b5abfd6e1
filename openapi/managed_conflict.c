/* managed_conflict: telling who owns what an apply would change, and what client-side apply has to say to it.
 * See managed.h. */
#include "openapi/managed_parts.h"

#include <stdlib.h>

#include "openapi/decode.h"

enum { MAX_CONFLICT_TEXT = 1 << 20, MAX_ANNOTATIONS = 256 << 10 };

static const struct schema any = {.kind = SCHEMA_ANY};
static const char annotation[] = "kubectl.kubernetes.io/last-applied-configuration";

/* ---- messages ---- */

static int cmp_conflicts(const void *a, const void *b)
{
    return managed_cmp(a, b);
}

/* "alpha" with subresource "status" using apps/v1 */
static void put_manager(struct buf *out, const struct managed_entry *entry)
{
    buf_put_quoted(out, entry->manager);
    if (entry->subresource.len) {
        buf_puts(out, " with subresource ");
        buf_put_quoted(out, entry->subresource);
    }
    if (!entry->apply) {
        buf_puts(out, " using ");
        buf_put_slice(out, entry->api_version);
    }
}

struct telling {
    struct error *err;
    struct buf message;
    const char *why;
    const struct managed_entry *only; /* there is one conflict in all */
    size_t count;
};

static bool tell(void *arg, const struct path_element *path, size_t depth)
{
    struct telling *t = arg;
    cleanup_buf struct buf field = BUF_INIT(MAX_CONFLICT_TEXT);
    for (size_t i = 0; i < depth; i++)
        path_element_print(&field, &path[i]);
    error_add_cause(t->err, "FieldManagerConflict", buf_cstr(&field), t->why);
    buf_printf(&t->message, t->only ? ": %s" : "\n- %s", buf_cstr(&field));
    return true;
}

static bool count_one(void *arg, const struct path_element *path, size_t depth)
{
    (void)path, (void)depth;
    ++*(size_t *)arg;
    return true;
}

bool managed_fail_conflicts(struct managed_conflicts *conflicts, struct error *err)
{
    struct telling t = {.err = err, .message = BUF_INIT(MAX_CONFLICT_TEXT)};
    qsort(conflicts->items, conflicts->count, sizeof *conflicts->items, cmp_conflicts);
    for (size_t i = 0; i < conflicts->count; i++)
        fieldset_each(conflicts->arena, &conflicts->items[i].fields, count_one, &t.count);
    t.only = t.count == 1 ? &conflicts->items[0] : NULL;
    for (size_t i = 0; i < conflicts->count; i++) {
        const struct managed_entry *entry = &conflicts->items[i];
        cleanup_buf struct buf who = BUF_INIT(1 << 12);
        put_manager(&who, entry);
        t.why = arena_printf(conflicts->arena, "conflict with %s", buf_cstr(&who));
        if (t.only)
            buf_puts(&t.message, t.why);
        else
            buf_printf(&t.message, "%sconflicts with %s:", i ? "\n" : "", buf_cstr(&who));
        fieldset_each(conflicts->arena, &entry->fields, tell, &t);
    }
    err->has_details = true;
    error_set(err, REASON_CONFLICT, "Apply failed with %zu conflict%s: %s", t.count, t.only ? "" : "s",
              buf_cstr(&t.message));
    buf_release(&t.message);
    return false;
}

/* ---- client-side apply ---- */

static const struct value *annotations_of(const struct value *tree)
{
    return value_get(value_get(tree, SLICE("metadata")), SLICE("annotations"));
}

static struct slice last_applied(const struct value *tree)
{
    return value_text(value_get(annotations_of(tree), slice_str(annotation)));
}

/* What the annotation says and the object still has. */
static bool last_applied_fields(const struct managed_request *req, const struct value *live,
                                struct fieldset *ret)
{
    struct value tree;
    struct typed_changes since;
    struct slice text = last_applied(live);
    if (!text.len || !decode_json_node(req->arena, &any, text, &tree, NULL, NULL) || tree.kind != VALUE_MAP ||
        !slice_eq(value_text(value_get(&tree, SLICE("apiVersion"))), req->api_version) ||
        !typed_validate(req->arena, req->type, &tree, false, NULL) ||
        !typed_fields(req->arena, req->type, &tree, ret) ||
        !typed_compare(req->arena, req->type, &tree, live, &since))
        return false;
    *ret = fieldset_difference(req->arena, ret, &since.changed);
    *ret = fieldset_difference(req->arena, ret, &since.removed);
    return true;
}

void managed_allow_last_applied(const struct managed_request *req, const struct value *live,
                                struct managed_conflicts *conflicts)
{
    struct fieldset allowed;
    size_t kept = 0;
    if (!last_applied_fields(req, live, &allowed))
        return;
    for (size_t i = 0; i < conflicts->count; i++) {
        struct managed_entry *entry = &conflicts->items[i];
        entry->fields = fieldset_difference(req->arena, &entry->fields, &allowed);
        if (!fieldset_is_empty(&entry->fields))
            conflicts->items[kept++] = *entry;
    }
    conflicts->count = kept;
}

/* The map with room for one more entry, so that the original stays as it is. */
static struct value copy_map(struct arena *arena, const struct value *map)
{
    struct value copy = value_new_map(arena, value_count(map) + 1);
    copy.map->count = map->map->count;
    if (copy.map->count)
        memcpy(copy.map->entries, map->map->entries, copy.map->count * sizeof *copy.map->entries);
    return copy;
}

/* A copy whose annotations are its own; NULL: it has none. */
static struct value *own_annotations(struct arena *arena, const struct value *tree, struct value *ret)
{
    if (annotations_of(tree)->kind != VALUE_MAP)
        return NULL;
    *ret = copy_map(arena, tree);
    struct value *meta = value_get_mut(ret, SLICE("metadata"));
    *meta = copy_map(arena, meta);
    struct value *annotations = value_get_mut(meta, SLICE("annotations"));
    *annotations = copy_map(arena, annotations);
    return annotations;
}

static size_t annotations_size(const struct value *annotations)
{
    size_t size = 0;
    for (VALUE_EACH_ENTRY(entry, annotations))
        size += entry->key.len + value_text(&entry->value).len;
    return size;
}

bool managed_sync_last_applied(struct arena *arena, const struct value *config, struct value *object)
{
    struct value without = *config, with;
    struct slice before = last_applied(object);
    if (!before.len)
        return false;
    struct value *stripped = own_annotations(arena, config, &without);
    if (stripped)
        value_remove(stripped, slice_str(annotation));
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    encode_json(&text, &any, &without);
    buf_putc(&text, '\n');
    struct slice now = arena_dup(arena, buf_slice(&text));
    struct value *annotations = own_annotations(arena, object, &with);
    *value_put(arena, annotations, slice_str(annotation)) = value_of_string(now);
    if (annotations_size(annotations) > MAX_ANNOTATIONS)
        value_remove(annotations, slice_str(annotation));
    *object = with;
    return !slice_eq(before, now);
}
