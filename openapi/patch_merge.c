#include "openapi/patch_parts.h"

static bool is_null(const struct value *v)
{
    return v->kind == VALUE_NULL || v->kind == VALUE_ABSENT;
}

/* Leaves nulls out of objects, at every depth; a null that is a list's item stays. */
static void prune_nulls(struct value *v)
{
    if (v->kind == VALUE_LIST) {
        for (uint32_t i = 0; i < v->list->count; i++)
            prune_nulls(&v->list->items[i]);
    } else if (v->kind == VALUE_MAP) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < v->map->count; i++) {
            if (is_null(&v->map->entries[i].value))
                continue;
            prune_nulls(&v->map->entries[i].value);
            v->map->entries[kept++] = v->map->entries[i];
        }
        v->map->count = kept;
    }
}

/* What stands at a key after the patch's value met the document's. */
static struct value merged(struct arena *arena, struct value now, struct value *patch)
{
    if (now.kind != VALUE_MAP) {
        prune_nulls(patch);
        return *patch;
    }
    if (patch->kind == VALUE_MAP)
        patch_merge_apply(arena, &now, patch);
    return patch->kind == VALUE_MAP ? now : *patch;
}

/* Both maps are sorted by key: one walk over the two, into a new array. */
void patch_merge_apply(struct arena *arena, struct value *doc, struct value *patch)
{
    size_t i = 0, j = 0, n = value_count(doc), m = value_count(patch);
    struct value out = value_new_map(arena, n + m);
    struct value_map *map = out.map;

    while (i < n || j < m) {
        const struct value_entry *d = i < n ? value_entry(doc, i) : NULL;
        struct value_entry *p = j < m ? &patch->map->entries[j] : NULL;
        int order = !d ? 1 : !p ? -1 : slice_cmp(d->key, p->key);
        if (order < 0) {
            map->entries[map->count++] = *d;
        } else if (!is_null(&p->value)) {
            map->entries[map->count].key = p->key;
            map->entries[map->count++].value = merged(arena, order ? value_absent : d->value, &p->value);
        }
        i += order <= 0;
        j += order >= 0;
    }
    *doc = out;
}
