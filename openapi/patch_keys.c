#include "openapi/patch_keys.h"
#include "openapi/patch_parts.h"

static uint32_t hash_key(const struct value *v)
{
    uint64_t n = (uint64_t)v->i;

    if (v->kind == VALUE_STRING)
        return schema_hash(v->s, v->len);
    if (v->kind == VALUE_BOOL)
        n = v->b;
    else if (v->kind == VALUE_NULL)
        n = 0;
    else if (v->kind == VALUE_FLOAT && v->f == 0)
        n = 0; /* 0 and -0 are equal */
    return (uint32_t)((n * 0x9E3779B97F4A7C15u) >> 32) + v->kind;
}

static bool is_scalar(const struct value *v)
{
    return v->kind != VALUE_LIST && v->kind != VALUE_MAP && v->kind != VALUE_ABSENT;
}

void patch_keys_init(struct patch_keys *keys, struct arena *arena, size_t expected)
{
    uint32_t size = 8;

    while (size < expected * 2)
        size *= 2;
    *keys = (struct patch_keys){.arena = arena, .mask = size - 1};
    keys->slots = arena_zalloc(arena, size * sizeof *keys->slots);
}

static struct patch_key_slot *find_slot(const struct patch_keys *keys, const struct value *key)
{
    uint32_t i = hash_key(key) & keys->mask;

    while (value_is_set(&keys->slots[i].key) && !patch_equal(&keys->slots[i].key, key))
        i = (i + 1) & keys->mask;
    return &keys->slots[i];
}

long patch_keys_find(const struct patch_keys *keys, const struct value *key)
{
    struct patch_key_slot *slot = is_scalar(key) ? find_slot(keys, key) : NULL;

    return slot && value_is_set(&slot->key) ? (long)slot->index : -1;
}

static void grow(struct patch_keys *keys)
{
    struct patch_keys bigger;

    patch_keys_init(&bigger, keys->arena, (keys->mask + 1) * 2);
    for (uint32_t i = 0; i <= keys->mask; i++)
        if (value_is_set(&keys->slots[i].key))
            *find_slot(&bigger, &keys->slots[i].key) = keys->slots[i];
    bigger.count = keys->count;
    *keys = bigger;
}

bool patch_keys_add(struct patch_keys *keys, const struct value *key, size_t index)
{
    struct patch_key_slot *slot;

    if (!is_scalar(key))
        return true;
    if (keys->count * 2 > keys->mask)
        grow(keys);
    slot = find_slot(keys, key);
    if (value_is_set(&slot->key))
        return false;
    *slot = (struct patch_key_slot){*key, (uint32_t)index};
    keys->count++;
    return true;
}
