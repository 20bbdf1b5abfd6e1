/*
 * Strategic merge patch on trees that are this file's to change. A map is merged key by key, a list by what
 * its field's schema says; the directives are taken out of the patch as they are obeyed.
 */
#include <assert.h>
#include "openapi/patch_keys.h"
#include "openapi/patch_lists.h"
#include "openapi/patch_parts.h"

#define DIRECTIVE     SLICE("$patch")
#define RETAIN_KEYS   SLICE("$retainKeys")
#define ELEMENT_ORDER SLICE("$setElementOrder")
#define DELETE_ITEMS  SLICE("$deleteFromPrimitiveList")

struct strategic {
    struct arena *arena;
    struct error *err;
};

static bool merge_map(struct strategic *s, const struct schema *schema, struct value *doc,
                      struct value *patch);

static bool is_null(const struct value *v)
{
    return v->kind == VALUE_NULL || v->kind == VALUE_ABSENT;
}

static bool has_directive(const struct value *v)
{
    return v->kind == VALUE_MAP && value_is_set(value_get(v, DIRECTIVE));
}

/* ---- the schema ---- */

static const char *go_kind(enum schema_kind kind)
{
    static const char *const names[] = {
        [SCHEMA_STRING] = "string",   [SCHEMA_INT32] = "int32", [SCHEMA_INT64] = "int64",
        [SCHEMA_FLOAT64] = "float64", [SCHEMA_BOOL] = "bool",   [SCHEMA_BYTES] = "slice",
        [SCHEMA_LIST] = "slice",      [SCHEMA_MAP] = "map",
    };
    return kind < sizeof names / sizeof *names && names[kind] ? names[kind] : "struct";
}

/* How the field `key` of an object of this schema is merged. */
static const struct schema_field *find_field(struct strategic *s, const struct schema *schema,
                                             struct slice key)
{
    int i = schema->kind == SCHEMA_RECORD ? schema_find_field(schema->type, key.ptr, key.len) : -1;

    if (i >= 0)
        return &schema->type->fields[i];
    if (strcmp(go_kind(schema->kind), "struct") != 0)
        patch_fail(s->err, "merging an object in json but data type is not struct, instead is: %s",
                   go_kind(schema->kind));
    else
        patch_fail(s->err, "unable to find api field in struct %s for the json field \"%.*s\"",
                   schema->kind == SCHEMA_RECORD ? schema->type->name : "RawExtension", SLICE_ARG(key));
    return NULL;
}

static const struct schema_field *find_list_field(struct strategic *s, const struct schema *schema,
                                                  struct slice key)
{
    const struct schema_field *field = find_field(s, schema, key);

    if (!field || field->schema.kind == SCHEMA_LIST)
        return field;
    patch_fail(s->err, "expected slice or array type, but got: struct");
    return NULL;
}

/* ---- values that the patch brings ---- */

static void drop_null_fields(struct value *v)
{
    if (v->kind == VALUE_LIST) {
        for (uint32_t i = 0; i < v->list->count; i++)
            drop_null_fields(&v->list->items[i]);
    } else if (v->kind == VALUE_MAP) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < v->map->count; i++) {
            if (is_null(&v->map->entries[i].value))
                continue;
            drop_null_fields(&v->map->entries[i].value);
            v->map->entries[kept++] = v->map->entries[i];
        }
        v->map->count = kept;
    }
}

/* Leaves out every map that carries $patch; false when v is one itself. */
static bool strip_directives(struct value *v)
{
    uint32_t kept = 0;

    if (has_directive(v))
        return false;
    if (v->kind == VALUE_LIST) {
        for (uint32_t i = 0; i < v->list->count; i++)
            if (strip_directives(&v->list->items[i]))
                v->list->items[kept++] = v->list->items[i];
        v->list->count = kept;
    } else if (v->kind == VALUE_MAP) {
        for (uint32_t i = 0; i < v->map->count; i++)
            if (strip_directives(&v->map->entries[i].value))
                v->map->entries[kept++] = v->map->entries[i];
        v->map->count = kept;
    }
    return true;
}

/* The patch's value takes the place of what was there. */
static void take_value(struct strategic *s, struct value *doc, struct slice key, struct value *v)
{
    drop_null_fields(v);
    if (strip_directives(v))
        *value_put(s->arena, doc, key) = *v;
    else
        value_remove(doc, key);
}

/* ---- directives of maps ---- */

static bool fail_directive(struct strategic *s, const struct value *directive, const struct value *map)
{
    cleanup_buf struct buf what = BUF_INIT(BUF_UNLIMITED), shown = BUF_INIT(BUF_UNLIMITED);

    if (directive->kind == VALUE_STRING) {
        buf_put_slice(&what, value_text(directive));
    } else if (directive->kind == VALUE_NULL) {
        buf_puts(&what, "%!s(<nil>)");
    } else {
        buf_printf(&what, "%%!s(%s=", patch_go_type(directive));
        patch_print(&what, directive);
        buf_putc(&what, ')');
    }
    patch_print(&shown, map);
    return patch_fail(s->err, "unknown patch type: %s in map: %s", buf_cstr(&what), buf_cstr(&shown));
}

static bool obey_directive(struct strategic *s, const struct value *directive, struct value *doc,
                           struct value *patch)
{
    if (value_is(directive, "replace")) {
        value_remove(patch, DIRECTIVE);
        *doc = *patch;
        return true;
    }
    if (value_is(directive, "delete")) {
        *doc = value_new_map(s->arena, 0);
        return true;
    }
    return fail_directive(s, directive, patch);
}

static bool is_parallel_list(struct slice key)
{
    return slice_starts(key, DELETE_ITEMS) || slice_starts(key, ELEMENT_ORDER);
}

/* $retainKeys names all fields that the object may have after: others are cleared, and the patch may not set
 * others. */
static bool retain_keys(struct strategic *s, struct value *doc, struct value *patch)
{
    const struct value *found = value_get(patch, RETAIN_KEYS);
    struct value list = *found, key;
    struct patch_keys keys;
    uint32_t kept = 0;

    if (!value_is_set(found))
        return true;
    value_remove(patch, RETAIN_KEYS);
    if (list.kind != VALUE_LIST)
        return error_set(s->err, REASON_BAD_REQUEST, "invalid patch format of retainKeys");
    patch_keys_init(&keys, s->arena, value_count(&list));
    for (VALUE_EACH(item, &list))
        patch_keys_add(&keys, item, 0);
    for (VALUE_EACH_ENTRY(entry, patch)) {
        key = value_of_string(entry->key);
        if (!is_null(&entry->value) && !is_parallel_list(entry->key) && patch_keys_find(&keys, &key) < 0)
            return error_set(s->err, REASON_BAD_REQUEST, "invalid patch format of retainKeys");
    }
    for (uint32_t i = 0; i < doc->map->count; i++) {
        key = value_of_string(doc->map->entries[i].key);
        if (patch_keys_find(&keys, &key) >= 0)
            doc->map->entries[kept++] = doc->map->entries[i];
    }
    doc->map->count = kept;
    return true;
}

/* ---- lists ---- */

/* What is left of list items when those of `gone` are taken out. */
static void remove_items(struct strategic *s, struct value *list, const struct value *gone)
{
    struct patch_keys keys;
    uint32_t kept = 0;

    patch_keys_init(&keys, s->arena, value_count(gone));
    for (VALUE_EACH(item, gone))
        patch_keys_add(&keys, item, 0);
    for (uint32_t i = 0; i < list->list->count; i++)
        if (patch_keys_find(&keys, &list->list->items[i]) < 0)
            list->list->items[kept++] = list->list->items[i];
    list->list->count = kept;
}

/* The list's items and then the patch's, each once. */
static struct value join_scalars(struct strategic *s, const struct value *list, const struct value *patch)
{
    size_t count = value_count(list) + value_count(patch);
    struct value out = value_new_list(s->arena, count);
    const struct value *lists[] = {list, patch};
    struct patch_keys keys;

    patch_keys_init(&keys, s->arena, count);
    for (int i = 0; i < 2; i++)
        for (VALUE_EACH(item, lists[i]))
            if (patch_keys_add(&keys, item, 0))
                *value_append(s->arena, &out) = *item;
    return out;
}

/* Obeys the items that carry $patch and takes them out of the patch's list. `delete` removes the items with
 * that key; one `replace` anywhere empties the list that is merged into. */
static bool obey_items(struct strategic *s, const char *merge_key, struct value *list, struct value *patch)
{
    bool replace = false;
    uint32_t kept = 0;
    struct patch_keys gone;
    uint32_t left = 0;

    patch_keys_init(&gone, s->arena, 8);
    for (uint32_t i = 0; i < patch->list->count; i++) {
        struct value *item = &patch->list->items[i];
        const struct value *directive = value_get(item, DIRECTIVE), *key = patch_item_key(merge_key, item);
        if (!value_is_set(directive)) {
            patch->list->items[kept++] = *item;
        } else if (value_is(directive, "delete")) {
            if (!value_is_set(key))
                return patch_fail_no_key(s->err, item, merge_key);
            patch_keys_add(&gone, key, 0);
        } else if (value_is(directive, "merge")) {
            return patch_fail(s->err, "merging lists cannot yet be specified in the patch");
        } else if (value_is(directive, "replace")) {
            replace = true;
        } else {
            return fail_directive(s, directive, item);
        }
    }
    patch->list->count = kept;
    for (uint32_t i = 0; i < list->list->count && !replace; i++)
        if (patch_keys_find(&gone, patch_item_key(merge_key, &list->list->items[i])) < 0)
            list->list->items[left++] = list->list->items[i];
    list->list->count = left;
    if (replace) {
        *list = *patch;
        *patch = value_new_list(s->arena, 0);
    }
    return true;
}

/* Each of the patch's items is merged into the first item with its key, or added. */
static bool merge_items(struct strategic *s, const struct schema_field *field, struct value *list,
                        struct value *patch)
{
    struct patch_keys keys;
    size_t i = 0;

    patch_keys_init(&keys, s->arena, value_count(list) + value_count(patch));
    for (VALUE_EACH(item, list))
        patch_keys_add(&keys, patch_item_key(field->patch_key, item), i++);
    for (uint32_t k = 0; k < patch->list->count; k++) {
        struct value *item = &patch->list->items[k];
        const struct value *key = patch_item_key(field->patch_key, item);
        if (!value_is_set(key))
            return patch_fail_no_key(s->err, item, field->patch_key);
        long at = patch_keys_find(&keys, key);
        if (at >= 0) {
            if (!merge_map(s, field->schema.elem, &list->list->items[at], item))
                return false;
        } else {
            patch_keys_add(&keys, key, value_count(list));
            *value_append(s->arena, list) = *item;
        }
    }
    return true;
}

static struct value list_copy(struct strategic *s, const struct value *list)
{
    struct value copy = value_new_list(s->arena, value_count(list));

    for (VALUE_EACH(item, list))
        *value_append(s->arena, &copy) = *item;
    return copy;
}

/* Items that were deleted leave their places in the order to those that were added, as far as there are any.
 */
static struct value places_after(struct strategic *s, const struct value *merged, size_t count)
{
    struct value places = list_copy(s, merged);

    if (places.list->count > count)
        places.list->count = (uint32_t)count;
    return places;
}

/* ret_places: the places that a $setElementOrder is to keep; unchanged where nothing was deleted. */
static bool merge_list(struct strategic *s, const struct schema_field *field, bool deletes,
                       struct value *list, struct value *patch, struct value *ret_places)
{
    struct patch_order order = {s->arena, NULL};
    size_t count = value_count(list), kept;
    struct value before, names;
    enum value_kind kind;

    if (!value_count(list) && !value_count(patch))
        return true;
    if (!patch_item_kind(list, patch, &kind, s->err))
        return false;
    if (kind != VALUE_MAP && deletes) {
        remove_items(s, list, patch);
        return true;
    }
    if (kind != VALUE_MAP) {
        before = *list;
        *list = join_scalars(s, list, patch);
        order.merge_key = field->patch_key;
        return patch_order_items(&order, list, patch, &before, s->err);
    }
    if (!field->patch_key)
        return patch_fail(s->err, "cannot merge lists without merge key for %s",
                          go_kind(field->schema.elem->kind));
    order.merge_key = field->patch_key;
    if (!obey_items(s, field->patch_key, list, patch))
        return false;
    before = list_copy(s, list);
    names = list_copy(s, patch);
    kept = value_count(list);
    if (!merge_items(s, field, list, patch))
        return false;
    if (ret_places && kept < count)
        *ret_places = places_after(s, list, count);
    return patch_order_items(&order, list, &names, &before, s->err);
}

/* ---- $setElementOrder ---- */

static bool fail_order(struct strategic *s, const struct value *patch, const struct value *order)
{
    cleanup_buf struct buf a = BUF_INIT(BUF_UNLIMITED), b = BUF_INIT(BUF_UNLIMITED);

    patch_print(&a, patch);
    patch_print(&b, order);
    return patch_fail(s->err, "The order in patch list:\n%s\n doesn't match %.*s list:\n%s\n", buf_cstr(&a),
                      SLICE_ARG(ELEMENT_ORDER), buf_cstr(&b));
}

static bool check_item_key(struct strategic *s, const char *merge_key, const struct value *item)
{
    if (!merge_key || value_is_set(patch_item_key(merge_key, item)))
        return true;
    if (item->kind != VALUE_MAP)
        return patch_fail_type(s->err, "map[string]interface {}", item);
    return patch_fail_no_key(s->err, item, merge_key);
}

/* The patch's items must be among those of the order, and stand in that order. */
static bool check_order(struct strategic *s, const char *merge_key, const struct value *patch,
                        const struct value *order)
{
    size_t i = 0, j = 0, n = value_count(patch), m = value_count(order);

    if (n == 0 || m == 0)
        return true;
    for (VALUE_EACH(item, patch))
        if (merge_key && item->kind != VALUE_MAP)
            return patch_fail_type(s->err, "map[string]interface {}", item);
    while (i < n && j < m) {
        const struct value *item = value_item(patch, i), *name = value_item(order, j);
        if (has_directive(item)) {
            i++;
            continue;
        }
        if (!check_item_key(s, merge_key, item) || !check_item_key(s, merge_key, name))
            return false;
        i += patch_equal(patch_item_key(merge_key, item), patch_item_key(merge_key, name));
        j++;
    }
    while (i < n && value_is(value_get(value_item(patch, i), DIRECTIVE), "delete"))
        i++;
    return i == n || fail_order(s, patch, order);
}

static bool list_or_absent(struct strategic *s, const struct value *v)
{
    return v->kind == VALUE_LIST || v->kind == VALUE_ABSENT || patch_fail_type(s->err, "[]interface {}", v);
}

/* One $setElementOrder: merges the list it is about and puts the result in order. */
static bool order_list(struct strategic *s, const struct schema *schema, struct value *doc,
                       struct value *patch, struct slice name, const struct value *order)
{
    struct value list = *value_get(doc, name), change = *value_get(patch, name), before, given;
    bool found = value_is_set(&list), changed = value_is_set(&change);
    const struct schema_field *field;
    enum value_kind kind;

    if (!list_or_absent(s, &list) || !list_or_absent(s, &change))
        return false;
    field = find_list_field(s, schema, name);
    if (!field || !check_order(s, field->patch_key, &change, order))
        return false;
    if (!found && !changed)
        return true;
    before = found ? list_copy(s, &list) : value_absent;
    given = changed ? list_copy(s, &change) : value_absent;
    if (found && changed && !(field->patch & PATCH_MERGE))
        list = change;
    else if (found && changed && !merge_list(s, field, false, &list, &change, &before))
        return false;
    if (!found) {
        strip_directives(&change);
        list = change;
    }
    if (field->patch_key && (!patch_check_keys(field->patch_key, &list, s->err)))
        return false;
    if (!patch_item_kind(&before, &given, &kind, s->err))
        return false;
    if (!patch_order_items(&(struct patch_order){s->arena, field->patch_key}, &list, order, &before, s->err))
        return false;
    *value_put(s->arena, doc, name) = list;
    value_remove(patch, name);
    return true;
}

/* The name behind the slash of `$prefix/name`. */
static bool parallel_name(struct strategic *s, struct slice key, struct slice prefix, const char *what,
                          struct slice *ret)
{
    if (key.len <= prefix.len || key.ptr[prefix.len] != '/')
        return error_set(s->err, REASON_BAD_REQUEST, "invalid patch format of %s", what);
    *ret = slice_from(key, prefix.len + 1);
    return true;
}

static bool order_lists(struct strategic *s, const struct schema *schema, struct value *doc,
                        struct value *patch)
{
    for (uint32_t i = 0; i < patch->map->count;) {
        struct value_entry entry = patch->map->entries[i];
        struct slice name;
        if (!slice_starts(entry.key, ELEMENT_ORDER)) {
            i++;
            continue;
        }
        value_remove(patch, entry.key);
        if (entry.value.kind != VALUE_LIST)
            return patch_fail_type(s->err, "[]interface {}", &entry.value);
        if (!parallel_name(s, entry.key, ELEMENT_ORDER, "setElementOrder list", &name) ||
            !order_list(s, schema, doc, patch, name, &entry.value))
            return false;
        i = 0; /* the list's own entry left the patch too, maybe from in front */
    }
    return true;
}

/* ---- maps ---- */

static bool merge_entry(struct strategic *s, const struct schema *schema, struct value *doc, struct slice key,
                        bool deletes, struct value *v)
{
    struct value *now = value_is_set(value_get(doc, key)) ? value_get_mut(doc, key) : NULL;
    const struct schema_field *field;

    if (is_null(v)) {
        value_remove(doc, key);
        return true;
    }
    if (!now || now->kind != v->kind || (v->kind != VALUE_MAP && v->kind != VALUE_LIST)) {
        if (!deletes || (now && now->kind == v->kind))
            take_value(s, doc, key, v);
        return true;
    }
    field = v->kind == VALUE_MAP ? find_field(s, schema, key) : find_list_field(s, schema, key);
    if (!field)
        return false;
    if (v->kind == VALUE_MAP && !(field->flags & FIELD_SHOW_REPLACE)) /* maps merge unless told otherwise */
        return merge_map(s, &field->schema, now, v);
    if (v->kind == VALUE_LIST && ((field->patch & PATCH_MERGE) || deletes))
        return merge_list(s, field, deletes, now, v, NULL);
    *now = *v;
    return true;
}

static bool merge_map(struct strategic *s, const struct schema *schema, struct value *doc,
                      struct value *patch)
{
    const struct value *directive = value_get(patch, DIRECTIVE);

    if (value_is_set(directive))
        return obey_directive(s, directive, doc, patch);
    if (!retain_keys(s, doc, patch) || !order_lists(s, schema, doc, patch))
        return false;
    for (uint32_t i = 0; i < patch->map->count; i++) {
        struct value_entry *entry = &patch->map->entries[i];
        struct slice key = entry->key;
        bool deletes = slice_starts(key, DELETE_ITEMS);
        if (deletes && !parallel_name(s, entry->key, DELETE_ITEMS, "primitive list", &key))
            return false;
        if (!merge_entry(s, schema, doc, key, deletes, &entry->value))
            return false;
    }
    return true;
}

bool patch_strategic_apply(struct arena *arena, const struct schema_type *type, struct value *doc,
                           struct value *patch, struct error *err)
{
    struct strategic s = {arena, err};
    struct schema schema = {.kind = SCHEMA_RECORD, .type = type};

    assert(type && doc->kind == VALUE_MAP && patch->kind == VALUE_MAP);
    return merge_map(&s, &schema, doc, patch);
}
