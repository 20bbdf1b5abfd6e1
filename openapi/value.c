#include "openapi/value.h"

const struct value value_absent;

/* ---- reading ---- */

/* The place of the key among the entries, or where it would go; *ret_found says which. */
static size_t map_search(const struct value_map *map, struct slice key, bool *ret_found)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = slice_cmp(map->entries[middle].key, key);
        if (c == 0) {
            *ret_found = true;
            return middle;
        }
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

static struct value *map_get(const struct value_map *map, struct slice key)
{
    bool found;
    size_t i = map_search(map, key, &found);
    return found ? &map->entries[i].value : NULL;
}

struct value *value_get_mut(struct value *v, struct slice key)
{
    if (v->kind == VALUE_MAP)
        return map_get(v->map, key);
    if (v->kind != VALUE_RECORD)
        return NULL;
    int field = schema_find_field(v->record->type, key.ptr, key.len);
    if (field >= 0)
        return &v->record->fields[field];
    return v->record->extra ? map_get(v->record->extra, key) : NULL;
}

const struct value *value_get(const struct value *v, struct slice key)
{
    const struct value *found = value_get_mut((struct value *)v, key);
    return found ? found : &value_absent;
}

const struct value *value_path(const struct value *v, const char *dotted)
{
    struct slice rest = slice_str(dotted), part;
    while (slice_split(&rest, '.', &part))
        v = value_get(v, part);
    return v;
}

/* ---- writing ---- */

struct value value_of_string(struct slice s)
{
    return (struct value){.kind = VALUE_STRING, .len = (uint32_t)s.len, .s = s.ptr};
}

struct value value_of_cstr(const char *s)
{
    return value_of_string(slice_str(s));
}

struct value value_of_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

struct value value_of_bool(bool b)
{
    return (struct value){.kind = VALUE_BOOL, .b = b};
}

struct value value_new_record(struct arena *arena, const struct schema_type *type)
{
    struct value_record *record =
        arena_zalloc(arena, sizeof *record + type->field_count * sizeof record->fields[0]);
    record->type = type;
    return (struct value){.kind = VALUE_RECORD, .record = record};
}

struct value value_new_list(struct arena *arena, size_t capacity)
{
    struct value_list *list = arena_zalloc(arena, sizeof *list);
    list->capacity = (uint32_t)capacity;
    list->items = capacity ? arena_alloc(arena, capacity * sizeof *list->items) : NULL;
    return (struct value){.kind = VALUE_LIST, .list = list};
}

struct value value_new_map(struct arena *arena, size_t capacity)
{
    struct value_map *map = arena_zalloc(arena, sizeof *map);
    map->capacity = (uint32_t)capacity;
    map->entries = capacity ? arena_alloc(arena, capacity * sizeof *map->entries) : NULL;
    return (struct value){.kind = VALUE_MAP, .map = map};
}

struct value *value_ensure_record(struct arena *arena, struct value *v, unsigned field)
{
    struct value *at = value_mut(v, field);
    if (at->kind != VALUE_RECORD)
        *at = value_new_record(arena, v->record->type->fields[field].schema.type);
    return at;
}

struct value *value_append(struct arena *arena, struct value *v)
{
    if (v->kind != VALUE_LIST)
        *v = value_new_list(arena, 4);
    struct value_list *list = v->list;
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
        struct value *items = arena_alloc(arena, capacity * sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    struct value *item = &list->items[list->count++];
    *item = value_absent;
    return item;
}

void value_append_texts(struct arena *arena, struct value *v, const struct slice *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *value_append(arena, v) = value_of_string(items[i]);
}

void value_remove_item(struct value *v, size_t i)
{
    struct value_list *list = v->list;
    memmove(&list->items[i], &list->items[i + 1], (list->count - i - 1) * sizeof *list->items);
    list->count--;
}

struct value *value_put(struct arena *arena, struct value *v, struct slice key)
{
    if (v->kind != VALUE_MAP)
        *v = value_new_map(arena, 4);
    struct value_map *map = v->map;
    bool found;
    size_t at = map_search(map, key, &found);
    if (found)
        return &map->entries[at].value;
    if (map->count == map->capacity) {
        uint32_t capacity = map->capacity ? map->capacity * 2 : 4;
        struct value_entry *entries = arena_alloc(arena, capacity * sizeof *entries);
        if (map->count)
            memcpy(entries, map->entries, map->count * sizeof *entries);
        map->entries = entries;
        map->capacity = capacity;
    }
    memmove(&map->entries[at + 1], &map->entries[at], (map->count - at) * sizeof *map->entries);
    map->count++;
    map->entries[at] = (struct value_entry){.key = key};
    return &map->entries[at].value;
}

bool value_remove(struct value *v, struct slice key)
{
    bool found = false;
    if (v->kind != VALUE_MAP)
        return false;
    struct value_map *map = v->map;
    size_t at = map_search(map, key, &found);
    if (!found)
        return false;
    memmove(&map->entries[at], &map->entries[at + 1], (map->count - at - 1) * sizeof *map->entries);
    map->count--;
    return true;
}

/* ---- copying ---- */

static struct value_map *copy_map(struct arena *arena, const struct value_map *map, bool own_text)
{
    struct value copy = value_new_map(arena, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        struct slice key = map->entries[i].key;
        copy.map->entries[i].key = own_text ? arena_dup(arena, key) : key;
        copy.map->entries[i].value = value_copy(arena, &map->entries[i].value, own_text);
    }
    copy.map->count = map->count;
    return copy.map;
}

struct value value_copy(struct arena *arena, const struct value *v, bool own_text)
{
    struct value copy = *v;
    switch ((enum value_kind)v->kind) {
    case VALUE_STRING:
    case VALUE_RAW:
        if (own_text)
            copy.s = arena_dup(arena, slice_make(v->s, v->len)).ptr;
        break;
    case VALUE_LIST:
        copy = value_new_list(arena, v->list->count);
        for (uint32_t i = 0; i < v->list->count; i++)
            copy.list->items[i] = value_copy(arena, &v->list->items[i], own_text);
        copy.list->count = v->list->count;
        break;
    case VALUE_MAP:
        copy.map = copy_map(arena, v->map, own_text);
        break;
    case VALUE_RECORD:
        copy = value_new_record(arena, v->record->type);
        for (unsigned i = 0; i < v->record->type->field_count; i++)
            copy.record->fields[i] = value_copy(arena, &v->record->fields[i], own_text);
        if (v->record->extra)
            copy.record->extra = copy_map(arena, v->record->extra, own_text);
        break;
    default:
        break;
    }
    return copy;
}

/* ---- comparing ---- */

static bool is_zero(const struct value *v);

/* Nothing in it, as a Go struct's zero value has nothing in it. */
static bool is_empty_record(const struct value *v)
{
    const struct schema_type *type = v->record->type;
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct value *field = &v->record->fields[i];
        if (type->fields[i].flags & FIELD_POINTER ? field->kind != VALUE_ABSENT : !is_zero(field))
            return false;
    }
    return !v->record->extra || v->record->extra->count == 0;
}

/* The zero value of its kind: what Go cannot tell from unset when there is no pointer. */
static bool is_zero(const struct value *v)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_ABSENT:
        return true;
    case VALUE_BOOL:
        return !v->b;
    case VALUE_INT:
        return v->i == 0;
    case VALUE_FLOAT:
        return v->f == 0;
    case VALUE_STRING:
    case VALUE_RAW:
        return v->len == 0;
    case VALUE_LIST:
        return v->list->count == 0;
    case VALUE_MAP:
        return v->map->count == 0;
    case VALUE_RECORD:
        return is_empty_record(v);
    case VALUE_NULL:
        break;
    }
    return false;
}

static bool equal_lists(const struct value_list *a, const struct value_list *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!value_equal(&a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool equal_maps(const struct value_map *a, const struct value_map *b)
{
    if ((a ? a->count : 0) != (b ? b->count : 0))
        return false;
    for (uint32_t i = 0; a && i < a->count; i++)
        if (!slice_eq(a->entries[i].key, b->entries[i].key) ||
            !value_equal(&a->entries[i].value, &b->entries[i].value))
            return false;
    return true;
}

static bool equal_records(const struct value_record *a, const struct value_record *b)
{
    if (a->type != b->type)
        return false;
    for (unsigned i = 0; i < a->type->field_count; i++) {
        const struct value *x = &a->fields[i], *y = &b->fields[i];
        bool pointer = a->type->fields[i].flags & FIELD_POINTER;
        if (!pointer && is_zero(x) && is_zero(y))
            continue;
        if (pointer && (x->kind == VALUE_ABSENT) != (y->kind == VALUE_ABSENT))
            return false;
        if (!value_equal(x, y))
            return false;
    }
    return equal_maps(a->extra, b->extra);
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind) {
        bool a_holds = a->kind == VALUE_LIST || a->kind == VALUE_MAP || a->kind == VALUE_RECORD;
        bool b_holds = b->kind == VALUE_LIST || b->kind == VALUE_MAP || b->kind == VALUE_RECORD;
        return (a->kind == VALUE_ABSENT && b_holds && is_zero(b)) ||
               (b->kind == VALUE_ABSENT && a_holds && is_zero(a));
    }
    switch ((enum value_kind)a->kind) {
    case VALUE_ABSENT:
    case VALUE_NULL:
        return true;
    case VALUE_BOOL:
        return a->b == b->b;
    case VALUE_INT:
        return a->i == b->i;
    case VALUE_FLOAT:
        return a->f == b->f;
    case VALUE_STRING:
    case VALUE_RAW:
        return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
    case VALUE_LIST:
        return equal_lists(a->list, b->list);
    case VALUE_MAP:
        return equal_maps(a->map, b->map);
    case VALUE_RECORD:
        return equal_records(a->record, b->record);
    }
    return false;
}

void value_set(struct arena *arena, struct value *record, struct slice key, const struct value *v)
{
    int field = schema_find_field(record->record->type, key.ptr, key.len);
    struct value map = {.kind = record->record->extra ? VALUE_MAP : VALUE_ABSENT,
                        .map = record->record->extra};
    if (field >= 0) {
        record->record->fields[field] = *v;
    } else if (value_is_set(v)) {
        *value_put(arena, &map, key) = *v;
        record->record->extra = map.map;
    } else {
        value_remove(&map, key);
    }
}

/* ---- canonical form ---- */

bool value_is_zero(const struct value *v, const struct schema *schema)
{
    if (schema->kind == SCHEMA_QUANTITY)
        return v->kind == VALUE_ABSENT || value_is(v, "0");
    if (schema->kind == SCHEMA_DURATION)
        return v->kind == VALUE_ABSENT || value_is(v, "0s");
    if (schema->kind == SCHEMA_INT_OR_STRING && v->kind == VALUE_STRING)
        return false; /* an empty text is one: the zero value is the number */
    return is_zero(v);
}

static void canonical_record(struct value_record *record)
{
    for (unsigned i = 0; i < record->type->field_count; i++) {
        const struct schema_field *field = &record->type->fields[i];
        struct value *v = &record->fields[i];
        if (v->kind == VALUE_ABSENT)
            continue;
        value_canonical(v, &field->schema);
        if ((!(field->flags & FIELD_POINTER) && value_is_zero(v, &field->schema)) ||
            (v->kind == VALUE_NULL && !field->schema.nullable))
            *v = value_absent;
    }
}

void value_canonical(struct value *v, const struct schema *schema)
{
    if (schema->kind == SCHEMA_ANY || schema->kind == SCHEMA_RAW)
        return;
    if (v->kind == VALUE_RECORD)
        canonical_record(v->record);
    else if (v->kind == VALUE_LIST && schema->elem)
        for (uint32_t i = 0; i < v->list->count; i++)
            value_canonical(&v->list->items[i], schema->elem);
    else if (v->kind == VALUE_MAP && schema->elem)
        for (uint32_t i = 0; i < v->map->count; i++)
            value_canonical(&v->map->entries[i].value, schema->elem);
}
