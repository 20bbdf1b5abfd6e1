#include "cel/value.h"

#include "base/buf.h"
#include "cel/types.h"
#include "cel/utf8.h"

struct cel_value cel_null(void)
{
    return (struct cel_value){.kind = CEL_NULL};
}

struct cel_value cel_bool(bool b)
{
    return (struct cel_value){.kind = CEL_BOOL, .b = b};
}

struct cel_value cel_int(int64_t i)
{
    return (struct cel_value){.kind = CEL_INT, .i = i};
}

struct cel_value cel_uint(uint64_t u)
{
    return (struct cel_value){.kind = CEL_UINT, .u = u};
}

struct cel_value cel_double(double d)
{
    return (struct cel_value){.kind = CEL_DOUBLE, .d = d};
}

struct cel_value cel_string(struct slice s)
{
    return (struct cel_value){.kind = CEL_STRING, .len = (uint32_t)s.len, .s = s.ptr};
}

struct cel_value cel_bytes(struct slice s)
{
    return (struct cel_value){.kind = CEL_BYTES, .len = (uint32_t)s.len, .s = s.ptr};
}

struct cel_value cel_timestamp(int64_t seconds, uint32_t nanos)
{
    return (struct cel_value){.kind = CEL_TIMESTAMP, .len = nanos, .i = seconds};
}

struct cel_value cel_duration(int64_t nanos)
{
    return (struct cel_value){.kind = CEL_DURATION, .i = nanos};
}

struct cel_value cel_optional(struct arena *arena, const struct cel_value *some)
{
    struct cel_value v = {.kind = CEL_OPTIONAL};
    if (some) {
        struct cel_value *copy = arena_alloc(arena, sizeof *copy);
        *copy = *some;
        v.some = copy;
    }
    return v;
}

struct cel_value cel_opaque_value(const struct cel_opaque *opaque)
{
    return (struct cel_value){.kind = CEL_OPAQUE, .opaque = opaque};
}

struct cel_value cel_type_value(const struct cel_type *type)
{
    return (struct cel_value){.kind = CEL_TYPE, .type = type};
}

struct cel_value cel_error(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *message = arena_vprintf(arena, fmt, args);
    va_end(args);
    return (struct cel_value){.kind = CEL_ERROR, .len = (uint32_t)strlen(message), .s = message};
}

/* ---- lists ---- */

struct cel_value cel_list_new(struct arena *arena, size_t capacity)
{
    struct cel_items *items = arena_alloc(arena, sizeof *items + capacity * sizeof items->values[0]);
    items->fill = 0;
    items->capacity = (uint32_t)capacity;
    return (struct cel_value){.kind = CEL_LIST, .items = items};
}

struct cel_value cel_list_get(struct arena *arena, const struct cel_value *list, size_t i)
{
    if (!(list->flags & CEL_TREE))
        return list->items->values[i];
    return cel_of_tree(arena, &list->tree->list->items[i], list->schema ? list->schema->elem : NULL);
}

/* The list with room for `more` behind its end, all its own. */
static struct cel_value with_room(struct arena *arena, struct cel_value list, size_t more)
{
    if (!(list.flags & CEL_TREE) && list.items->fill == list.len && list.items->capacity - list.len >= more)
        return list;
    size_t need = list.len + more, capacity = need < 4 ? 4 : need + need / 2;
    struct cel_value bigger = cel_list_new(arena, capacity);
    if (list.flags & CEL_TREE)
        for (uint32_t i = 0; i < list.len; i++)
            bigger.items->values[i] = cel_list_get(arena, &list, i);
    else if (list.len)
        memcpy(bigger.items->values, list.items->values, list.len * sizeof(struct cel_value));
    bigger.len = bigger.items->fill = list.len;
    return bigger;
}

struct cel_value cel_list_append(struct arena *arena, struct cel_value list, struct cel_value item)
{
    list = with_room(arena, list, 1);
    list.items->values[list.len++] = item;
    list.items->fill = list.len;
    return list;
}

struct cel_value cel_list_concat(struct arena *arena, struct cel_value a, const struct cel_value *b)
{
    if (b->len == 0)
        return a;
    if (a.len == 0 && (a.flags & CEL_TREE || a.items->capacity == 0))
        return *b;
    a = with_room(arena, a, b->len);
    for (uint32_t i = 0; i < b->len; i++)
        a.items->values[a.len + i] = cel_list_get(arena, b, i);
    a.len += b->len;
    a.items->fill = a.len;
    return a;
}

/* ---- maps ---- */

enum { HASH_FROM = 8 };

static uint32_t hash_number(double d)
{
    d += 0.0; /* -0 is 0 */
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    bits ^= bits >> 33;
    bits *= 0xff51afd7ed558ccdu;
    return (uint32_t)(bits ^ bits >> 33);
}

/* Equal keys have equal hashes; numbers of different types may be equal. */
static uint32_t hash_key(const struct cel_value *key)
{
    switch (key->kind) {
    case CEL_STRING:
        return schema_hash(key->s, key->len);
    case CEL_INT:
        return hash_number((double)key->i);
    case CEL_UINT:
        return hash_number((double)key->u);
    case CEL_DOUBLE:
        return hash_number(key->d);
    default:
        return key->b;
    }
}

static void index_entry(struct cel_map *map, uint32_t entry)
{
    uint32_t i = hash_key(&map->entries[entry].key) & map->slot_mask;
    while (map->slots[i])
        i = (i + 1) & map->slot_mask;
    map->slots[i] = entry + 1;
}

struct cel_value cel_map_new(struct arena *arena, size_t capacity)
{
    struct cel_map *map = arena_alloc(arena, sizeof *map + capacity * sizeof map->entries[0]);
    *map = (struct cel_map){.capacity = (uint32_t)capacity};
    if (capacity > HASH_FROM) {
        map->slot_mask = 31;
        while (map->slot_mask < capacity * 2)
            map->slot_mask = map->slot_mask * 2 + 1;
        map->slots = arena_zalloc(arena, (map->slot_mask + 1) * sizeof *map->slots);
    }
    return (struct cel_value){.kind = CEL_MAP, .map = map};
}

/* The entry of the key among the first `len`, or -1. */
static long find_entry(const struct cel_map *map, uint32_t len, const struct cel_value *key)
{
    if (!map->slot_mask) {
        for (uint32_t i = 0; i < len; i++)
            if (cel_equal(&map->entries[i].key, key))
                return i;
        return -1;
    }
    for (uint32_t i = hash_key(key) & map->slot_mask; map->slots[i]; i = (i + 1) & map->slot_mask)
        if (map->slots[i] <= len && cel_equal(&map->entries[map->slots[i] - 1].key, key))
            return map->slots[i] - 1;
    return -1;
}

static struct cel_value copy_map(struct arena *arena, const struct cel_value *map, size_t capacity)
{
    struct cel_value copy = cel_map_new(arena, capacity);
    for (uint32_t i = 0; i < map->len; i++) {
        struct cel_map_entry *entry = &copy.map->entries[i];
        cel_map_at(arena, map, i, &entry->key, &entry->value);
        if (copy.map->slot_mask)
            index_entry(copy.map, i);
    }
    copy.len = copy.map->fill = map->len;
    return copy;
}

bool cel_map_put(struct arena *arena, struct cel_value *map, struct cel_value key, struct cel_value value)
{
    struct cel_value ignored;
    if (cel_map_find(arena, map, &key, &ignored))
        return false;
    if (map->flags & CEL_TREE || map->map->fill != map->len || map->map->capacity == map->len)
        *map = copy_map(arena, map, map->len < 4 ? 8 : map->len * 2);
    map->map->entries[map->len] = (struct cel_map_entry){key, value};
    if (map->map->slot_mask)
        index_entry(map->map, map->len);
    map->map->fill = ++map->len;
    return true;
}

bool cel_map_find(struct arena *arena, const struct cel_value *map, const struct cel_value *key,
                  struct cel_value *ret)
{
    if (map->flags & CEL_TREE)
        return key->kind == CEL_STRING && cel_field(arena, map, cel_text(key), ret);
    long at = find_entry(map->map, map->len, key);
    if (at >= 0)
        *ret = map->map->entries[at].value;
    return at >= 0;
}

void cel_map_at(struct arena *arena, const struct cel_value *map, size_t i, struct cel_value *ret_key,
                struct cel_value *ret_value)
{
    if (!(map->flags & CEL_TREE)) {
        *ret_key = map->map->entries[i].key;
        *ret_value = map->map->entries[i].value;
        return;
    }
    const struct value_entry *entry = &map->tree->map->entries[i];
    *ret_key = cel_string(entry->key);
    *ret_value = cel_of_tree(arena, &entry->value, map->schema ? map->schema->elem : NULL);
}

/* ---- what all have ---- */

uint64_t cel_size(const struct cel_value *v)
{
    switch (v->kind) {
    case CEL_STRING:
        return utf8_count(cel_text(v));
    case CEL_BYTES:
    case CEL_LIST:
    case CEL_MAP:
        return v->len;
    case CEL_OBJECT:
        return cel_object_count(v);
    case CEL_OPTIONAL:
        return v->some ? cel_size(v->some) : 1;
    case CEL_OPAQUE:
        return v->opaque->type->size ? v->opaque->type->size(v->opaque) : 1;
    default:
        return 1;
    }
}

bool cel_is_zero(const struct cel_value *v)
{
    switch (v->kind) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return !v->b;
    case CEL_INT:
    case CEL_UINT:
    case CEL_DURATION:
        return v->i == 0;
    case CEL_DOUBLE:
        return v->d == 0;
    case CEL_STRING:
    case CEL_BYTES:
    case CEL_LIST:
    case CEL_MAP:
        return v->len == 0;
    case CEL_OBJECT:
        return cel_object_count(v) == 0;
    case CEL_OPTIONAL:
        return !v->some;
    case CEL_TIMESTAMP:
        return v->i == -62135596800 && v->len == 0; /* 0001-01-01T00:00:00Z, Go's zero time */
    default:
        return false;
    }
}

const struct cel_type *cel_type_of_value(const struct cel_value *v)
{
    static const struct cel_type *const types[] = {
        [CEL_NULL] = &cel_type_null,         [CEL_BOOL] = &cel_type_bool,
        [CEL_INT] = &cel_type_int,           [CEL_UINT] = &cel_type_uint,
        [CEL_DOUBLE] = &cel_type_double,     [CEL_STRING] = &cel_type_string,
        [CEL_BYTES] = &cel_type_bytes,       [CEL_TIMESTAMP] = &cel_type_timestamp,
        [CEL_DURATION] = &cel_type_duration, [CEL_LIST] = &cel_type_list_dyn,
        [CEL_MAP] = &cel_type_map_dyn};
    if (v->kind == CEL_OPAQUE)
        return v->opaque->type->type;
    if (v->kind == CEL_TYPE)
        return cel_type_by_name(SLICE("type"));
    if (v->kind == CEL_OPTIONAL)
        return cel_type_by_name(SLICE("optional_type"));
    if (v->kind == CEL_OBJECT)
        return v->flags & CEL_TREE ? cel_type_by_name(SLICE("map")) : v->fields->type;
    return v->kind < sizeof types / sizeof *types && types[v->kind] ? types[v->kind] : &cel_type_dyn;
}
