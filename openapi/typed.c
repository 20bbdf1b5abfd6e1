/* typed: how the walks see a node of an object. See typed_parts.h. */
#include "openapi/typed_parts.h"

#include <stdlib.h>

#include "openapi/decode.h"

static const struct schema any = {.kind = SCHEMA_ANY};

static const struct value zero_record = {.kind = VALUE_RECORD}; /* record NULL: no field is set */
static const struct value zero_null = {.kind = VALUE_NULL};
static const struct value zero_int = {.kind = VALUE_INT};
static const struct value zero_bool = {.kind = VALUE_BOOL};
static const struct value zero_text = {.kind = VALUE_STRING, .plain = 1, .s = ""};
static const struct value zero_amount = {.kind = VALUE_STRING, .plain = 1, .len = 1, .s = "0"};
static const struct value zero_duration = {.kind = VALUE_STRING, .plain = 1, .len = 2, .s = "0s"};

bool typed_is_null(const struct value *v)
{
    return !v || v->kind == VALUE_NULL || v->kind == VALUE_ABSENT;
}

bool typed_is_deduced(const struct schema *schema)
{
    switch (schema->kind) {
    case SCHEMA_ANY:
        return true;
    case SCHEMA_RAW:
        return schema->type && schema->type != &schema_raw_extension;
    case SCHEMA_RECORD:
        return !schema->type;
    default:
        return false;
    }
}

/* ---- atoms ---- */

static enum typed_kind kind_of_value(const struct value *v)
{
    switch (v ? (enum value_kind)v->kind : VALUE_NULL) {
    case VALUE_LIST:
        return TYPED_LIST;
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_FLOAT:
    case VALUE_STRING:
        return TYPED_SCALAR;
    default:
        return TYPED_MAP;
    }
}

static enum schema_list_type list_type_of(struct typed_node node)
{
    if (node.schema->list_type != LIST_TYPE_NONE || !node.field || !(node.field->patch & PATCH_MERGE))
        return node.schema->list_type;
    return node.field->patch_key ? LIST_TYPE_MAP : LIST_TYPE_SET;
}

struct typed_atom typed_atom_of(struct typed_node node, const struct value *v)
{
    const struct schema *schema = node.schema;
    if (typed_is_deduced(schema)) {
        enum typed_kind kind = kind_of_value(v);
        return (struct typed_atom){kind, kind == TYPED_LIST};
    }
    switch (schema->kind) {
    case SCHEMA_RAW:
        return (struct typed_atom){v && v->kind == VALUE_RAW ? TYPED_MAP : kind_of_value(v), true};
    case SCHEMA_LIST:
        return (struct typed_atom){TYPED_LIST, list_type_of(node) <= LIST_TYPE_ATOMIC};
    case SCHEMA_MAP:
        return (struct typed_atom){TYPED_MAP, schema->map_type == MAP_TYPE_ATOMIC};
    case SCHEMA_RECORD: /* a field may say otherwise than its type */
        return (struct typed_atom){
            TYPED_MAP,
            schema->map_type == MAP_TYPE_ATOMIC ||
                (schema->type->atomic && !(node.field && (node.field->flags & FIELD_SHOW_GRANULAR)))};
    default:
        return (struct typed_atom){TYPED_SCALAR, true};
    }
}

struct typed_node typed_root(const struct schema_type *type, struct schema *ret_schema)
{
    *ret_schema = (struct schema){.kind = SCHEMA_RECORD, .type = type};
    return (struct typed_node){ret_schema, NULL};
}

struct typed_node typed_item(struct typed_node list)
{
    return (struct typed_node){list.schema->elem ? list.schema->elem : &any, NULL};
}

bool typed_child(struct typed_node map, struct slice name, struct typed_node *ret, bool *ret_declared)
{
    const struct schema *schema = map.schema;
    *ret_declared = false;
    if (schema->kind != SCHEMA_RECORD || !schema->type) {
        *ret = (struct typed_node){schema->kind == SCHEMA_MAP && schema->elem ? schema->elem : &any, NULL};
        return true;
    }
    int i = schema_find_field(schema->type, name.ptr, name.len);
    *ret_declared = i >= 0;
    *ret = i < 0 ? (struct typed_node){&any, NULL}
                 : (struct typed_node){&schema->type->fields[i].schema, &schema->type->fields[i]};
    return i >= 0 || schema->type->preserve_unknown || schema->preserve_unknown;
}

/* ---- members of maps ---- */

/* What upstream's struct shows for a field that is not set. */
static const struct value *zero_of(const struct schema_field *field)
{
    if (!schema_is_always_written(field))
        return NULL;
    if (field->flags & FIELD_POINTER)
        return &zero_null;
    switch (field->schema.kind) {
    case SCHEMA_RECORD:
        return &zero_record;
    case SCHEMA_STRING:
        return &zero_text;
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_FLOAT64:
    case SCHEMA_INT_OR_STRING:
        return &zero_int;
    case SCHEMA_BOOL:
        return &zero_bool;
    case SCHEMA_QUANTITY:
        return &zero_amount;
    case SCHEMA_DURATION:
        return &zero_duration;
    default:
        return &zero_null;
    }
}

static const struct value *stored(const struct value *v, unsigned i)
{
    return v && v->kind == VALUE_RECORD && v->record ? &v->record->fields[i] : &value_absent;
}

static const struct value *shown(const struct value *v, const struct schema_field *field, unsigned i)
{
    if (!v || v->kind != VALUE_RECORD)
        return NULL;
    const struct value *is = stored(v, i);
    return value_is_set(is) ? is : zero_of(field);
}

static const struct value_map *entries_of(const struct value *v)
{
    if (v && v->kind == VALUE_RECORD)
        return v->record ? v->record->extra : NULL;
    return v && v->kind == VALUE_MAP ? v->map : NULL;
}

static bool each_entry(struct typed_node map, const struct value_map *l, const struct value_map *r,
                       typed_member_fn each, void *arg)
{
    uint32_t i = 0, j = 0, i_end = l ? l->count : 0, j_end = r ? r->count : 0;
    while (i < i_end || j < j_end) {
        int c = i == i_end ? 1 : j == j_end ? -1 : slice_cmp(l->entries[i].key, r->entries[j].key);
        struct typed_member m = {.l = c <= 0 ? &l->entries[i].value : NULL,
                                 .r = c >= 0 ? &r->entries[j].value : NULL};
        m.name = c <= 0 ? l->entries[i].key : r->entries[j].key;
        m.allowed = typed_child(map, m.name, &m.node, &m.declared);
        if (!each(arg, &m))
            return false;
        i += c <= 0;
        j += c >= 0;
    }
    return true;
}

static bool each_field(const struct schema_type *type, const struct value *l, const struct value *r,
                       typed_member_fn each, void *arg)
{
    bool both = l && r && l->kind == VALUE_RECORD && r->kind == VALUE_RECORD;
    for (unsigned n = 0; n < type->field_count; n++) {
        unsigned i = type->by_name ? type->by_name[n] : n;
        const struct schema_field *field = &type->fields[i];
        if (!value_is_set(stored(l, i)) && !value_is_set(stored(r, i)) &&
            (both || !schema_is_always_written(field)))
            continue;
        struct typed_member m = {.name = slice_make(field->name, field->name_len),
                                 .node = {&field->schema, field},
                                 .declared = true,
                                 .allowed = true,
                                 .l = shown(l, field, i),
                                 .r = shown(r, field, i)};
        if ((m.l || m.r) && !each(arg, &m))
            return false;
    }
    return true;
}

bool typed_each(struct typed_node map, const struct value *l, const struct value *r, typed_member_fn each,
                void *arg)
{
    const struct value *record = l && l->kind == VALUE_RECORD ? l : r && r->kind == VALUE_RECORD ? r : NULL;
    if (record && map.schema->type && !each_field(map.schema->type, l, r, each, arg))
        return false;
    return each_entry(map, entries_of(l), entries_of(r), each, arg);
}

static bool is_ordered(struct typed_node map, const struct value *v)
{
    return !v || v->kind != VALUE_RECORD || (map.schema->type->by_name && !(v->record && v->record->extra));
}

bool typed_is_ordered(struct typed_node map, const struct value *l, const struct value *r)
{
    return is_ordered(map, l) && is_ordered(map, r);
}

static bool stop(void *arg, const struct typed_member *member)
{
    (void)arg, (void)member;
    return false;
}

bool typed_map_is_empty(struct typed_node map, const struct value *v)
{
    return typed_each(map, v, NULL, stop, NULL);
}

/* ---- items of lists ---- */

/* The key's field in the item; NULL: it is not there and has no default. */
static const struct value *key_of_item(struct arena *arena, struct typed_node item_node,
                                       const struct value *item, const char *name)
{
    const struct schema_type *type = item_node.schema->kind == SCHEMA_RECORD ? item_node.schema->type : NULL;
    int i = type ? schema_find_field(type, name, strlen(name)) : -1;
    const struct value *v = NULL;
    if (i >= 0 && item->kind == VALUE_RECORD)
        v = shown(item, &type->fields[i], (unsigned)i);
    else if (value_is_set(value_get(item, slice_str(name))))
        v = value_get(item, slice_str(name));
    const char *text = v || i < 0 ? NULL : schema_shown_default(&type->fields[i]);
    if (!text)
        return v;
    struct value *made = arena_alloc(arena, sizeof *made);
    return decode_json_node(arena, &any, slice_str(text), made, NULL, NULL) ? made : NULL;
}

static const char *no_keys(struct arena *arena, const char *const *names, size_t count)
{
    cleanup_buf struct buf out = BUF_INIT(1 << 12);
    for (size_t i = 0; i < count; i++) {
        buf_puts(&out, i ? " " : "");
        buf_put_quoted(&out, slice_str(names[i]));
    }
    return arena_printf(
        arena,
        "associative list with keys has an element that omits all key fields [%s] (and doesn't have default "
        "values for any key fields)",
        buf_cstr(&out));
}

static int cmp_names(const void *a, const void *b)
{
    return slice_cmp(((const struct element_key *)a)->name, ((const struct element_key *)b)->name);
}

static const char *keyed_element(struct arena *arena, struct typed_node list, const struct value *item,
                                 struct path_element *ret)
{
    const char *const by_patch[] = {list.field ? list.field->patch_key : NULL, NULL};
    const char *const *names = list.schema->list_keys ? list.schema->list_keys : by_patch;
    struct typed_node node = typed_item(list);
    size_t count = 0, found = 0;
    if (typed_is_null(item))
        return "associative list with keys may not have a null element";
    if (item->kind != VALUE_MAP && item->kind != VALUE_RECORD)
        return "associative list with keys may not have non-map elements";
    while (names[count])
        count++;
    struct element_key *keys = arena_alloc(arena, (count + 1) * sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        const struct value *v = key_of_item(arena, node, item, names[i]);
        if (v)
            keys[found++] = (struct element_key){slice_str(names[i]), *v};
    }
    if (!found)
        return no_keys(arena, names, count);
    if (found > 1)
        qsort(keys, found, sizeof *keys, cmp_names);
    *ret = (struct path_element){.kind = ELEMENT_KEY, .count = (uint32_t)found, .keys = keys};
    return NULL;
}

const char *typed_element(struct arena *arena, struct typed_node list, const struct value *item,
                          struct path_element *ret)
{
    if (list_type_of(list) == LIST_TYPE_MAP)
        return keyed_element(arena, list, item, ret);
    if (typed_is_null(item))
        return "associative list without keys has an element that's an explicit null";
    if (item->kind == VALUE_LIST)
        return "not supported: associative list with lists as elements";
    if (item->kind == VALUE_MAP || item->kind == VALUE_RECORD)
        return "associative list without keys has an element that's a map type";
    *ret = (struct path_element){.kind = ELEMENT_VALUE, .value = item};
    return NULL;
}

static int cmp_items(const void *a, const void *b)
{
    const struct typed_list_item *x = a, *y = b;
    int c = path_element_cmp(&x->element, &y->element);
    return c ? c : (x->index > y->index) - (x->index < y->index);
}

bool typed_index(struct arena *arena, struct typed_node list, const struct value *v, bool sorted,
                 struct typed_list *ret)
{
    uint32_t count = v && v->kind == VALUE_LIST ? v->list->count : 0;
    static struct typed_list_item none; /* so that the places of an empty list are places */
    *ret = (struct typed_list){.items = &none};
    if (!count)
        return true;
    ret->items = arena_alloc(arena, count * sizeof *ret->items);
    for (uint32_t i = 0; i < count; i++) {
        struct typed_list_item *item = &ret->items[ret->count++];
        item->value = &v->list->items[i];
        item->index = i;
        if (typed_element(arena, list, item->value, &item->element))
            return false;
    }
    bool in_order = true;
    for (uint32_t i = 1; sorted && in_order && i < count; i++)
        in_order = cmp_items(&ret->items[i - 1], &ret->items[i]) < 0;
    if (!in_order)
        qsort(ret->items, count, sizeof *ret->items, cmp_items);
    return true;
}

/* ---- values ---- */

const struct value *typed_open(struct arena *arena, struct typed_node node, const struct value *v)
{
    if (!v || v->kind != VALUE_RAW || !typed_is_deduced(node.schema))
        return v;
    struct value *tree = arena_alloc(arena, sizeof *tree);
    return decode_json_node(arena, &any, value_text(v), tree, NULL, NULL) ? tree : v;
}

static bool is_number(const struct value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_FLOAT;
}

bool typed_equal(struct arena *arena, const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_RECORD && !a->record)
        a = &value_absent;
    if (b->kind == VALUE_RECORD && !b->record)
        b = &value_absent;
    if (is_number(a) && is_number(b))
        return element_value_cmp(a, b) == 0;
    if (value_equal(a, b))
        return true;
    if (a->kind != VALUE_RAW || b->kind != VALUE_RAW)
        return false;
    struct value x, y; /* the same JSON may be written in two ways */
    return decode_json_node(arena, &any, value_text(a), &x, NULL, NULL) &&
           decode_json_node(arena, &any, value_text(b), &y, NULL, NULL) && value_equal(&x, &y);
}
