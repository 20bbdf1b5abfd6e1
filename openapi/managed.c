/* managed: the entries of metadata.managedFields as structs and back. See managed.h. */
#include "openapi/managed_parts.h"

#include <stdlib.h>

#include "openapi/gen/meta_v1.h"

static const char *const nameless_meta[] = {
    "name",        "namespace",  "creationTimestamp", "selfLink",        "uid",
    "clusterName", "generation", "managedFields",     "resourceVersion",
};

/* ---- lists ---- */

static struct slice text_of(const struct value *entry, unsigned field)
{
    return value_text(value_at(entry, field));
}

static bool decode_entry(struct arena *arena, const struct value *from, size_t i, struct managed_entry *ret,
                         struct error *err)
{
    struct slice operation = text_of(from, meta_v1_ManagedFieldsEntry_operation);
    struct slice format = text_of(from, meta_v1_ManagedFieldsEntry_fieldsType);
    *ret = (struct managed_entry){
        .manager = text_of(from, meta_v1_ManagedFieldsEntry_manager),
        .subresource = text_of(from, meta_v1_ManagedFieldsEntry_subresource),
        .api_version = text_of(from, meta_v1_ManagedFieldsEntry_apiVersion),
        .time = text_of(from, meta_v1_ManagedFieldsEntry_time),
        .apply = slice_is(operation, "Apply"),
        .text = text_of(from, meta_v1_ManagedFieldsEntry_fieldsV1),
    };
    if (!ret->apply && !slice_is(operation, "Update"))
        return error_set(err, REASON_BAD_REQUEST, "operation must be `Apply` or `Update`");
    if (!ret->api_version.len)
        return error_set(err, REASON_BAD_REQUEST, "apiVersion must not be empty");
    if (!format.len)
        return error_set(err, REASON_BAD_REQUEST, "missing fieldsType in managed fields entry %zu", i);
    if (!slice_is(format, "FieldsV1"))
        return error_set(err, REASON_BAD_REQUEST, "invalid fieldsType \"%.*s\" in managed fields entry %zu",
                         SLICE_ARG(format), i);
    return !ret->text.len || fieldset_decode(arena, ret->text, &ret->fields, err);
}

bool managed_decode(struct arena *arena, const struct value *list, struct managed *ret, struct error *err)
{
    *ret = (struct managed){0};
    for (size_t i = 0; i < value_count(list); i++) {
        struct managed_entry entry;
        if (!decode_entry(arena, value_item(list, i), i, &entry, err))
            return false;
        struct managed_entry *same = managed_find(ret, &entry);
        if (!same)
            same = arena_push(arena, &ret->entries, &ret->count, &ret->capacity, sizeof *ret->entries);
        *same = entry;
    }
    return true;
}

static int cmp_written(const void *left, const void *right)
{
    const struct managed_entry *a = left, *b = right;
    int c = b->apply - a->apply; /* "Apply" < "Update" */
    c = c ? c : slice_cmp(a->time, b->time);
    c = c ? c : slice_cmp(a->manager, b->manager);
    c = c ? c : slice_cmp(a->api_version, b->api_version);
    return c ? c : slice_cmp(a->subresource, b->subresource);
}

static struct value text_or_absent(struct slice text)
{
    return text.len ? value_of_string(text) : value_absent;
}

static struct value fields_text(struct arena *arena, const struct managed_entry *entry)
{
    struct slice text = entry->text;
    if (!text.len) {
        cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
        fieldset_encode(&out, &entry->fields);
        text = arena_dup(arena, buf_slice(&out));
    }
    return (struct value){.kind = VALUE_RAW, .len = (uint32_t)text.len, .s = text.ptr};
}

struct value managed_encode(struct arena *arena, struct managed *managed)
{
    if (!managed->count)
        return value_absent;
    if (managed->count > 1)
        qsort(managed->entries, managed->count, sizeof *managed->entries, cmp_written);
    struct value list = value_new_list(arena, managed->count);
    for (size_t i = 0; i < managed->count; i++) {
        const struct managed_entry *from = &managed->entries[i];
        struct value *to = value_append(arena, &list);
        *to = value_new_record(arena, &meta_v1_ManagedFieldsEntry);
        *value_mut(to, meta_v1_ManagedFieldsEntry_manager) = text_or_absent(from->manager);
        *value_mut(to, meta_v1_ManagedFieldsEntry_operation) =
            value_of_cstr(from->apply ? "Apply" : "Update");
        *value_mut(to, meta_v1_ManagedFieldsEntry_apiVersion) = text_or_absent(from->api_version);
        *value_mut(to, meta_v1_ManagedFieldsEntry_time) = text_or_absent(from->time);
        *value_mut(to, meta_v1_ManagedFieldsEntry_fieldsType) = value_of_cstr("FieldsV1");
        *value_mut(to, meta_v1_ManagedFieldsEntry_fieldsV1) = fields_text(arena, from);
        *value_mut(to, meta_v1_ManagedFieldsEntry_subresource) = text_or_absent(from->subresource);
    }
    return list;
}

bool managed_is_reset(const struct value *list)
{
    if (list->kind != VALUE_LIST || list->list->count > 1)
        return false;
    return list->list->count == 0 || value_equal(value_item(list, 0), &value_absent);
}

bool managed_equal_but_times(const struct value *a, const struct value *b)
{
    if (value_count(a) != value_count(b))
        return false;
    for (size_t i = 0; i < value_count(a); i++)
        for (unsigned field = 0; field < meta_v1_ManagedFieldsEntry.field_count; field++)
            if (field != meta_v1_ManagedFieldsEntry_time &&
                !value_equal(value_at(value_item(a, i), field), value_at(value_item(b, i), field)))
                return false;
    return true;
}

/* ---- entries ---- */

int managed_cmp(const struct managed_entry *a, const struct managed_entry *b)
{
    int c = slice_cmp(a->manager, b->manager);
    c = c ? c : b->apply - a->apply;
    c = c || a->apply ? c : slice_cmp(a->api_version, b->api_version);
    c = c ? c : !a->subresource.len - !b->subresource.len; /* the object itself comes last */
    return c ? c : slice_cmp(a->subresource, b->subresource);
}

struct managed_entry *managed_find(struct managed *managed, const struct managed_entry *like)
{
    for (size_t i = 0; i < managed->count; i++)
        if (managed_cmp(&managed->entries[i], like) == 0)
            return &managed->entries[i];
    return NULL;
}

void managed_drop(struct managed *managed, const struct managed_entry *entry)
{
    size_t at = (size_t)(entry - managed->entries);
    managed->count--;
    memmove(&managed->entries[at], &managed->entries[at + 1],
            (managed->count - at) * sizeof *managed->entries);
}

void managed_set_fields(struct managed_entry *entry, struct fieldset fields)
{
    entry->fields = fields;
    entry->text = (struct slice){0};
}

void managed_reconcile(const struct managed_request *req, struct managed *managed)
{
    for (size_t i = 0; i < managed->count; i++) {
        struct managed_entry *entry = &managed->entries[i];
        const struct schema_type *type = slice_eq(entry->api_version, req->api_version)
                                             ? req->type
                                             : req->versions->type(req->versions->arg, entry->api_version);
        if (!type) {
            managed_drop(managed, entry);
            i--;
            continue;
        }
        struct fieldset fields = typed_reconcile(req->arena, type, &entry->fields);
        if (fields.nodes != entry->fields.nodes)
            managed_set_fields(entry, fields);
    }
}

/* ---- fields that are nobody's ---- */

static bool is_nameless(struct slice name)
{
    for (size_t i = 0; i < sizeof nameless_meta / sizeof *nameless_meta; i++)
        if (slice_is(name, nameless_meta[i]))
            return true;
    return false;
}

static void drop_empty(struct fieldset *set)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->count; i++)
        if (set->nodes[i].member || set->nodes[i].children.count)
            set->nodes[kept++] = set->nodes[i];
    set->count = kept;
}

void managed_strip(struct fieldset *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        struct fieldset_node *node = &set->nodes[i];
        struct slice name = node->element.kind == ELEMENT_FIELD ? node->element.field : slice_make("", 0);
        bool meta = slice_is(name, "metadata");
        node->member &= !meta && !slice_is(name, "apiVersion") && !slice_is(name, "kind");
        for (uint32_t j = 0; meta && j < node->children.count; j++)
            node->children.nodes[j].member &= !is_nameless(node->children.nodes[j].element.field);
        if (meta)
            drop_empty(&node->children);
    }
    drop_empty(set);
}

struct fieldset managed_without(struct arena *arena, const char *const *reset, const struct fieldset *set)
{
    struct fieldset out = {0};
    for (; reset && *reset; reset++) {
        struct path_element path[8];
        size_t depth = 0;
        struct slice rest = slice_str(*reset), part;
        while (depth < sizeof path / sizeof *path && slice_split(&rest, '.', &part))
            path[depth++] = element_field(part);
        fieldset_insert(arena, &out, path, depth);
    }
    return fieldset_recursive_difference(arena, set, &out);
}
