/* typed_merge: one free tree laid over another, and fields taken out of one. See typed.h. */
#include "openapi/typed_parts.h"

#include <stdlib.h>

struct merge {
    struct arena *arena;
    bool failed;
};

/* l or r is NULL when that tree does not have the node. False: nothing is left of it. */
static bool merge_node(struct merge *m, struct typed_node node, const struct value *l, const struct value *r,
                       struct value *ret);

/* ---- maps ---- */

struct merged_map {
    struct merge *m;
    struct value map;
};

static void put_last(struct arena *arena, struct value *map, struct slice key, struct value v)
{
    struct value_map *into = map->map;
    if (into->count < into->capacity)
        into->entries[into->count++] = (struct value_entry){key, v};
    else
        *value_put(arena, map, key) = v;
}

static bool merge_member(void *arg, const struct typed_member *member)
{
    struct merged_map *into = arg;
    struct value v;
    if (merge_node(into->m, member->node, member->l, member->r, &v))
        put_last(into->m->arena, &into->map, member->name, v);
    return true;
}

static bool merge_maps(struct merge *m, struct typed_node node, const struct value *l, const struct value *r,
                       struct value *ret)
{
    size_t most = (l ? value_count(l) : 0) + (r ? value_count(r) : 0);
    struct merged_map into = {m, value_new_map(m->arena, most)};
    typed_each(node, l, r, merge_member, &into);
    *ret = into.map;
    return into.map.map->count > 0;
}

/* ---- lists: items of both stand in the order of the upper one, those of the lower one keep their places
 * between ---- */

struct side {
    struct typed_list list;   /* in the order of the list */
    struct typed_list sorted; /* to look items up */
};

struct merge_lists {
    struct merge *m;
    struct typed_node node;
    struct side l, r;
    bool *merged;                       /* by index in r */
    const struct path_element **shared; /* items of r that l has too, in r's order */
    size_t shared_count, next_shared;
    struct value out;
};

static bool index_side(struct merge *m, struct typed_node node, const struct value *v, struct side *ret)
{
    return typed_index(m->arena, node, v, false, &ret->list) &&
           typed_index(m->arena, node, v, true, &ret->sorted);
}

/* The first item with the element; NULL: there is none. */
static const struct typed_list_item *find(const struct side *side, const struct path_element *element)
{
    uint32_t low = 0, high = side->sorted.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (path_element_cmp(&side->sorted.items[middle].element, element) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == side->sorted.count)
        return NULL;
    const struct typed_list_item *item = &side->sorted.items[low];
    return path_element_cmp(&item->element, element) == 0 ? item : NULL;
}

/* The lower item that an upper one is laid over. One that is there twice is replaced, not merged. */
static const struct value *lower(struct merge_lists *x, const struct path_element *element)
{
    static const struct value null = {.kind = VALUE_NULL};
    const struct typed_list_item *item = find(&x->l, element);
    if (!item)
        return NULL;
    const struct typed_list_item *end = x->l.sorted.items + x->l.sorted.count;
    bool twice = item + 1 < end && path_element_cmp(&item[1].element, element) == 0;
    return twice ? &null : item->value;
}

static void take(struct merge_lists *x, const struct value *l, const struct value *r)
{
    struct value v;
    if (merge_node(x->m, typed_item(x->node), l, r, &v))
        *value_append(x->m->arena, &x->out) = v;
}

static void take_upper(struct merge_lists *x, const struct typed_list_item *item)
{
    x->merged[item->index] = true;
    take(x, lower(x, &item->element), item->value);
}

static bool is_next_shared(const struct merge_lists *x, const struct path_element *element)
{
    return x->next_shared < x->shared_count && path_element_cmp(x->shared[x->next_shared], element) == 0;
}

/* One step; the places in both lists move on. */
static void merge_step(struct merge_lists *x, uint32_t *l, uint32_t *r)
{
    const struct typed_list *left = &x->l.list, *right = &x->r.list;
    if (*l < left->count) {
        const struct typed_list_item *item = &left->items[*l], *other = find(&x->r, &item->element);
        if (*r < right->count && path_element_cmp(&item->element, &right->items[*r].element) == 0) {
            take_upper(x, &right->items[(*r)++]);
            (*l)++;
            x->next_shared += x->next_shared < x->shared_count;
            return;
        }
        if (*r < right->count && other && x->next_shared < x->shared_count &&
            !is_next_shared(x, &item->element)) {
            (*l)++; /* its turn comes with the upper item */
            return;
        }
        if (!other) {
            take(x, item->value, NULL);
            (*l)++;
            return;
        }
        *l += x->merged[other->index];
    }
    if (*r < right->count) {
        const struct typed_list_item *item = &right->items[(*r)++];
        take_upper(x, item);
        x->next_shared += is_next_shared(x, &item->element);
    }
}

static bool merge_items(struct merge *m, struct typed_node node, const struct value *l, const struct value *r,
                        struct value *ret)
{
    struct merge_lists x = {.m = m, .node = node};
    if (!index_side(m, node, l, &x.l) || !index_side(m, node, r, &x.r)) {
        m->failed = true;
        return false;
    }
    size_t most = x.l.list.count > x.r.list.count ? x.l.list.count : x.r.list.count;
    x.out = value_new_list(m->arena, most);
    x.merged = arena_zalloc(m->arena, (size_t)x.r.list.count + 1);
    x.shared = arena_alloc(m->arena, ((size_t)x.r.list.count + 1) * sizeof(void *));
    for (uint32_t i = 0; i < x.r.list.count; i++)
        if (find(&x.l, &x.r.list.items[i].element))
            x.shared[x.shared_count++] = &x.r.list.items[i].element;
    for (uint32_t i = 0, j = 0; i < x.l.list.count || j < x.r.list.count;)
        merge_step(&x, &i, &j);
    *ret = x.out;
    return value_count(&x.out) > 0;
}

/* ---- nodes ---- */

static bool is_empty_list(const struct value *v)
{
    return !v || v->kind != VALUE_LIST || v->list->count == 0;
}

static bool merge_node(struct merge *m, struct typed_node node, const struct value *l, const struct value *r,
                       struct value *ret)
{
    struct typed_atom atom = typed_atom_of(node, r ? r : l);
    if (!atom.atomic && atom.kind == TYPED_LIST && !(is_empty_list(l) && is_empty_list(r)))
        return merge_items(m, node, l, r, ret);
    if (!atom.atomic && atom.kind == TYPED_MAP &&
        !(typed_map_is_empty(node, l) && typed_map_is_empty(node, r)))
        return merge_maps(m, node, l, r, ret);
    *ret = r ? *r : *l;
    return true;
}

bool typed_merge(struct arena *arena, const struct schema_type *type, const struct value *base,
                 const struct value *over, struct value *ret)
{
    struct schema schema;
    struct merge m = {.arena = arena};
    if (!merge_node(&m, typed_root(type, &schema), base, over, ret))
        *ret = value_new_map(arena, 0);
    return !m.failed;
}

/* ---- taking out ---- */

static const struct value null_value = {.kind = VALUE_NULL};

static struct value remove_node(struct arena *arena, struct typed_node node, const struct value *v,
                                const struct fieldset *set);

static struct value remove_items(struct arena *arena, struct typed_node node, const struct value *v,
                                 const struct fieldset *set)
{
    struct typed_list list;
    struct typed_node item = typed_item(node);
    if (!typed_index(arena, node, v, false, &list))
        return *v;
    struct value out = value_new_list(arena, list.count);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct fieldset_node *found = fieldset_find(set, &list.items[i].element);
        if (found && found->member)
            continue;
        struct value *kept = value_append(arena, &out);
        *kept = found && found->children.count
                    ? remove_node(arena, item, list.items[i].value, &found->children)
                    : *list.items[i].value;
        if (kept->kind == VALUE_NULL) /* an item that stays is a map: its key may be a default */
            *kept = value_new_map(arena, 0);
    }
    return value_count(&out) ? out : null_value;
}

static struct value remove_members(struct arena *arena, struct typed_node node, const struct value *v,
                                   const struct fieldset *set)
{
    struct value out = value_new_map(arena, value_count(v));
    for (VALUE_EACH_ENTRY(entry, v)) {
        struct path_element element = element_field(entry->key);
        const struct fieldset_node *found = fieldset_find(set, &element);
        struct typed_node child;
        bool declared;
        if (found && found->member)
            continue;
        typed_child(node, entry->key, &child, &declared);
        put_last(arena, &out, entry->key,
                 found && found->children.count ? remove_node(arena, child, &entry->value, &found->children)
                                                : entry->value);
    }
    return value_count(&out) ? out : null_value;
}

static struct value remove_node(struct arena *arena, struct typed_node node, const struct value *v,
                                const struct fieldset *set)
{
    struct typed_atom atom = typed_atom_of(node, v);
    if (atom.kind == TYPED_SCALAR)
        return *v;
    if (atom.atomic || value_count(v) == 0)
        return null_value;
    return atom.kind == TYPED_LIST ? remove_items(arena, node, v, set) : remove_members(arena, node, v, set);
}

struct value typed_remove(struct arena *arena, const struct schema_type *type, const struct value *tree,
                          const struct fieldset *set)
{
    struct schema schema;
    return remove_node(arena, typed_root(type, &schema), tree, set);
}
