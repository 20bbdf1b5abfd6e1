/* typed_compare: which fields two objects have in common, and which not. See typed.h. */
#include "openapi/typed_parts.h"

struct compare {
    struct arena *arena;
    bool failed; /* an item has no place in a path */
};

/* Where the findings of a node's inside go. */
struct findings {
    struct fieldset changed, removed;
};

enum { SELF_CHANGED = 1, SELF_REMOVED = 2 };

/* What is found of the node itself; of its inside goes to *into. l or r is NULL when that object does not
 * have it. */
static unsigned compare_node(struct compare *c, struct typed_node node, const struct value *l,
                             const struct value *r, struct findings *into);

static void note(struct compare *c, struct fieldset *set, const struct path_element *element, bool member,
                 struct fieldset children)
{
    if (member || children.count)
        *fieldset_add(c->arena, set) = (struct fieldset_node){*element, member, children};
}

static void compare_child(struct compare *c, struct typed_node node, const struct path_element *element,
                          const struct value *l, const struct value *r, struct findings *into)
{
    struct findings inside = {0};
    unsigned self = compare_node(c, node, l, r, &inside);
    note(c, &into->changed, element, self & SELF_CHANGED, inside.changed);
    note(c, &into->removed, element, self & SELF_REMOVED, inside.removed);
}

static struct path_element member_element(const struct typed_member *m)
{
    return (struct path_element){.kind = ELEMENT_FIELD, .plain = m->declared, .field = m->name};
}

struct members {
    struct compare *c;
    struct findings *into;
    bool any;
};

static bool compare_member(void *arg, const struct typed_member *m)
{
    struct members *members = arg;
    struct path_element element = member_element(m);
    members->any = true;
    compare_child(members->c, m->node, &element, m->l, m->r, members->into);
    return true;
}

/* How many items of the sorted list, from its first on, have the element. */
static uint32_t run_length(const struct typed_list_item *items, uint32_t count,
                           const struct path_element *element)
{
    uint32_t n = 0;
    while (n < count && path_element_cmp(&items[n].element, element) == 0)
        n++;
    return n;
}

static bool runs_equal(struct compare *c, const struct typed_list_item *l, uint32_t nl,
                       const struct typed_list_item *r, uint32_t nr)
{
    for (uint32_t i = 0; nl == nr && i < nl; i++)
        if (!typed_equal(c->arena, l[i].value, r[i].value))
            return false;
    return nl == nr;
}

/* Items that stand in one object twice are compared as one thing. */
static void compare_runs(struct compare *c, struct typed_node item, const struct path_element *element,
                         const struct typed_list_item *l, uint32_t nl, const struct typed_list_item *r,
                         uint32_t nr, struct findings *into)
{
    static const struct fieldset nothing;
    if (nl <= 1 && nr <= 1) {
        compare_child(c, item, element, nl ? l->value : NULL, nr ? r->value : NULL, into);
    } else if (nl >= 2 && nr >= 2) {
        note(c, &into->changed, element, !runs_equal(c, l, nl, r, nr), nothing);
    } else if (nl >= 2) {
        if (nr)
            compare_child(c, item, element, NULL, r->value, into);
        note(c, &into->removed, element, true, nothing);
    } else {
        if (nl)
            compare_child(c, item, element, l->value, NULL, into);
        note(c, &into->changed, element, true, nothing);
    }
}

static void compare_items(struct compare *c, struct typed_node node, const struct value *l,
                          const struct value *r, struct findings *into)
{
    struct typed_list a, b;
    struct typed_node item = typed_item(node);
    if (!typed_index(c->arena, node, l, true, &a) || !typed_index(c->arena, node, r, true, &b)) {
        c->failed = true;
        return;
    }
    for (uint32_t i = 0, j = 0; i < a.count || j < b.count;) {
        int order = i == a.count   ? 1
                    : j == b.count ? -1
                                   : path_element_cmp(&a.items[i].element, &b.items[j].element);
        const struct path_element *element = order <= 0 ? &a.items[i].element : &b.items[j].element;
        uint32_t nl = order <= 0 ? run_length(&a.items[i], a.count - i, element) : 0;
        uint32_t nr = order >= 0 ? run_length(&b.items[j], b.count - j, element) : 0;
        compare_runs(c, item, element, &a.items[i], nl, &b.items[j], nr, into);
        i += nl;
        j += nr;
    }
}

/* ---- what only one object has ---- */

static struct fieldset whole(struct compare *c, struct typed_node node, const struct value *v);

struct whole_members {
    struct compare *c;
    struct fieldset *into;
};

static bool whole_member(void *arg, const struct typed_member *m)
{
    struct whole_members *members = arg;
    struct fieldset inside = whole(members->c, m->node, m->l);
    *fieldset_add(members->c->arena, members->into) = (struct fieldset_node){member_element(m), true, inside};
    return true;
}

static void whole_items(struct compare *c, struct typed_node node, const struct value *v,
                        struct fieldset *into)
{
    struct typed_list list;
    if (!typed_index(c->arena, node, v, true, &list)) {
        c->failed = true;
        return;
    }
    fieldset_reserve(c->arena, into, list.count);
    for (uint32_t i = 0; i < list.count;) {
        const struct typed_list_item *item = &list.items[i];
        uint32_t n = run_length(item, list.count - i, &item->element);
        struct fieldset inside = {0};
        if (n == 1)
            inside = whole(c, typed_item(node), item->value);
        *fieldset_add(c->arena, into) = (struct fieldset_node){item->element, true, inside};
        i += n;
    }
}

/* All that is inside of the node, containers too. */
static struct fieldset whole(struct compare *c, struct typed_node node, const struct value *v)
{
    struct fieldset into = {0};
    v = typed_open(c->arena, node, v);
    struct typed_atom atom = typed_atom_of(node, v);
    if (atom.atomic || atom.kind == TYPED_SCALAR)
        return into;
    if (atom.kind == TYPED_LIST) {
        whole_items(c, node, v, &into);
        return into;
    }
    struct whole_members members = {c, &into};
    if (v->kind == VALUE_MAP)
        fieldset_reserve(c->arena, &into, v->map->count);
    typed_each(node, v, NULL, whole_member, &members);
    if (!typed_is_ordered(node, v, NULL))
        fieldset_finish(c->arena, &into);
    return into;
}

/* ---- nodes ---- */

static bool is_empty_list(const struct value *v)
{
    return v->kind != VALUE_LIST || v->list->count == 0;
}

/* True: the node is taken as one. */
static bool compare_atom(struct compare *c, struct typed_node node, struct typed_atom atom,
                         const struct value *l, const struct value *r, struct findings *into)
{
    if (atom.atomic || atom.kind == TYPED_SCALAR)
        return true;
    if (atom.kind == TYPED_LIST) {
        if (is_empty_list(l) && is_empty_list(r))
            return true;
        compare_items(c, node, l, r, into);
        return false;
    }
    struct members members = {c, into, false};
    typed_each(node, l, r, compare_member, &members);
    return !members.any;
}

static unsigned compare_node(struct compare *c, struct typed_node node, const struct value *l,
                             const struct value *r, struct findings *into)
{
    if (!l || !r) {
        *(l ? &into->removed : &into->changed) = whole(c, node, l ? l : r);
        return l ? SELF_REMOVED : SELF_CHANGED;
    }
    if (typed_equal(c->arena, l, r)) /* most of an object, most of the time */
        return 0;
    l = typed_open(c->arena, node, l);
    r = typed_open(c->arena, node, r);
    struct typed_atom lhs = typed_atom_of(node, l), rhs = typed_atom_of(node, r);
    bool same = lhs.kind == rhs.kind && lhs.atomic == rhs.atomic;
    bool one = compare_atom(c, node, rhs, l, r, into);
    if (!same) /* two shapes of a thing whose schema leaves it open */
        one |= compare_atom(c, node, lhs, l, r, into);
    if (!same || !typed_is_ordered(node, l, r)) {
        fieldset_finish(c->arena, &into->changed);
        fieldset_finish(c->arena, &into->removed);
    }
    return one ? SELF_CHANGED : 0;
}

static bool compare_roots(struct arena *arena, const struct schema_type *type, const struct value *before,
                          const struct value *after, struct typed_changes *ret)
{
    struct schema schema;
    struct compare c = {.arena = arena};
    struct findings found = {0};
    compare_node(&c, typed_root(type, &schema), before, after, &found);
    ret->changed = found.changed;
    ret->removed = found.removed;
    return !c.failed;
}

bool typed_compare(struct arena *arena, const struct schema_type *type, const struct value *before,
                   const struct value *after, struct typed_changes *ret)
{
    return compare_roots(arena, type, before, after, ret);
}

bool typed_compare_new(struct arena *arena, const struct schema_type *type, const struct value *object,
                       struct typed_changes *ret)
{
    static const struct value nothing = {.kind = VALUE_RECORD};
    return compare_roots(arena, type, &nothing, object, ret);
}
