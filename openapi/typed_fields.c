/* typed_fields: the set of all fields of an object, and sets by their schema. See typed.h. */
#include "openapi/typed_parts.h"

struct collect {
    struct arena *arena;
    bool failed;
};

/* The fields inside the node go to *into; true: the node itself is a field. */
static bool collect_node(struct collect *c, struct typed_node node, const struct value *v,
                         struct fieldset *into);

struct members {
    struct collect *c;
    struct fieldset *into;
};

/* "{}" and null are fields, for nothing inside stands for them; keys of maps are fields of their own. */
static bool collect_member(void *arg, const struct typed_member *m)
{
    struct members *members = arg;
    struct fieldset inside = {0};
    bool self = collect_node(members->c, m->node, m->l, &inside);
    self |= !m->declared || typed_is_null(m->l) ||
            ((m->l->kind == VALUE_MAP || m->l->kind == VALUE_RECORD) && typed_map_is_empty(m->node, m->l));
    if (self || inside.count)
        *fieldset_add(members->c->arena, members->into) =
            (struct fieldset_node){element_field(m->name), self, inside};
    return true;
}

static void collect_items(struct collect *c, struct typed_node node, const struct value *v,
                          struct fieldset *into)
{
    struct typed_list list;
    struct typed_node item = typed_item(node);
    if (!typed_index(c->arena, node, v, true, &list)) {
        c->failed = true;
        return;
    }
    for (uint32_t i = 0; i < list.count;) {
        uint32_t n = 1;
        struct fieldset inside = {0};
        while (i + n < list.count &&
               path_element_cmp(&list.items[i].element, &list.items[i + n].element) == 0)
            n++;
        if (n == 1) /* items that are there twice are one field */
            collect_node(c, item, list.items[i].value, &inside);
        *fieldset_add(c->arena, into) = (struct fieldset_node){list.items[i].element, true, inside};
        i += n;
    }
}

static bool collect_node(struct collect *c, struct typed_node node, const struct value *v,
                         struct fieldset *into)
{
    v = typed_open(c->arena, node, v);
    struct typed_atom atom = typed_atom_of(node, v);
    if (atom.atomic || atom.kind == TYPED_SCALAR)
        return true;
    if (atom.kind == TYPED_LIST) {
        collect_items(c, node, v, into);
    } else {
        struct members members = {c, into};
        typed_each(node, v, NULL, collect_member, &members);
        if (!typed_is_ordered(node, v, NULL))
            fieldset_finish(c->arena, into);
    }
    return false;
}

bool typed_fields(struct arena *arena, const struct schema_type *type, const struct value *object,
                  struct fieldset *ret)
{
    struct schema schema;
    struct collect c = {.arena = arena};
    *ret = (struct fieldset){0};
    collect_node(&c, typed_root(type, &schema), object, ret);
    return !c.failed;
}

/* ---- sets and their schema ---- */

/* The node that an element of a set leads to. False: the schema does not know it. */
static bool node_at(struct typed_node node, const struct path_element *element, struct typed_node *ret,
                    bool *ret_declared)
{
    *ret_declared = false;
    if (element->kind == ELEMENT_FIELD && (node.schema->kind == SCHEMA_RECORD ||
                                           node.schema->kind == SCHEMA_MAP || typed_is_deduced(node.schema)))
        return typed_child(node, element->field, ret, ret_declared);
    if (element->kind == ELEMENT_FIELD || node.schema->kind != SCHEMA_LIST)
        return false;
    *ret = typed_item(node);
    return true;
}

static struct fieldset with_named(struct arena *arena, struct typed_node node, const struct fieldset *set)
{
    struct fieldset out = {.nodes = arena_alloc(arena, (set->count + 1) * sizeof *out.nodes),
                           .count = set->count};
    for (uint32_t i = 0; i < set->count; i++) {
        struct fieldset_node *to = &out.nodes[i];
        struct typed_node child;
        bool declared;
        *to = set->nodes[i];
        if (!to->children.count || !node_at(node, &to->element, &child, &declared))
            continue;
        to->member |= declared;
        to->children = with_named(arena, child, &to->children);
    }
    return out;
}

struct fieldset typed_with_named_fields(struct arena *arena, const struct schema_type *type,
                                        const struct fieldset *set)
{
    struct schema schema;
    return with_named(arena, typed_root(type, &schema), set);
}

static bool is_atomic_part(struct typed_node node)
{
    if (typed_is_deduced(node.schema) || node.schema->kind == SCHEMA_RAW)
        return false;
    struct typed_atom atom = typed_atom_of(node, NULL);
    return atom.kind != TYPED_SCALAR && atom.atomic;
}

/* Is there an atomic part with members below it? The set is walked before anything is copied: there hardly
 * ever is. */
static bool needs_reconcile(struct typed_node node, const struct fieldset *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct fieldset_node *n = &set->nodes[i];
        struct typed_node child;
        bool declared;
        if (n->children.count && node_at(node, &n->element, &child, &declared) &&
            (is_atomic_part(child) || needs_reconcile(child, &n->children)))
            return true;
    }
    return false;
}

static struct fieldset reconcile(struct arena *arena, struct typed_node node, const struct fieldset *set)
{
    struct fieldset out = {.nodes = arena_alloc(arena, (set->count + 1) * sizeof *out.nodes),
                           .count = set->count};
    for (uint32_t i = 0; i < set->count; i++) {
        struct fieldset_node *to = &out.nodes[i];
        struct typed_node child;
        bool declared;
        *to = set->nodes[i];
        if (!to->children.count || !node_at(node, &to->element, &child, &declared))
            continue;
        if (is_atomic_part(child))
            *to = (struct fieldset_node){.element = to->element, .member = true};
        else
            to->children = reconcile(arena, child, &to->children);
    }
    return out;
}

struct fieldset typed_reconcile(struct arena *arena, const struct schema_type *type,
                                const struct fieldset *set)
{
    struct schema schema;
    struct typed_node root = typed_root(type, &schema);
    return needs_reconcile(root, set) ? reconcile(arena, root, set) : *set;
}
