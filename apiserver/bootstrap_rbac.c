#include "apiserver/bootstrap_rbac.h"

#include <stdlib.h>

#include "apiserver/authz/rbac_rule.h"
#include "apiserver/object.h"
#include "openapi/gen/rbac_v1.h"

#define AUTOUPDATE "rbac.authorization.kubernetes.io/autoupdate"

static bool add_entries(struct arena *arena, unsigned field, const struct value *expected,
                        struct value *present)
{
    bool changed = false;
    struct value *map = value_mut(object_meta_mut(arena, present), field);
    for (VALUE_EACH_ENTRY(entry, value_at(object_meta(expected), field))) {
        if (value_equal(value_get(map, entry->key), &entry->value))
            continue;
        *value_put(arena, map, entry->key) = entry->value;
        changed = true;
    }
    return changed;
}

static void free_block(void *block)
{
    free(block);
}

static struct rbac_rule_list compiled(struct arena *arena, const struct value *rules)
{
    struct rbac_rules *all = rbac_rules_compile(rules);
    arena_on_free(arena, free_block, all);
    const struct rbac_rule **items = arena_alloc(arena, (all->count + 1) * sizeof(*items));
    for (uint32_t i = 0; i < all->count; i++)
        items[i] = &all->items[i];
    return (struct rbac_rule_list){items, all->count};
}

static void put_texts(struct arena *arena, struct value *rule, unsigned field, const struct texts *texts)
{
    for (uint32_t i = 0; i < texts->count; i++)
        *value_append(arena, value_mut(rule, field)) = value_of_string(texts->items[i]);
}

static bool add_rules(struct arena *arena, const struct value *expected, struct value *present)
{
    struct value *rules = value_get_mut(present, SLICE("rules"));
    struct rbac_rule_list held = compiled(arena, rules),
                          wanted = compiled(arena, value_get(expected, SLICE("rules"))), missing;
    bool too_many;
    if (rbac_rules_cover(arena, &held, &wanted, &missing, &too_many))
        return false;
    for (size_t i = 0; i < missing.count; i++) {
        struct value *rule = value_append(arena, rules);
        *rule = value_new_record(arena, &rbac_v1_PolicyRule);
        put_texts(arena, rule, rbac_v1_PolicyRule_verbs, &missing.items[i]->verbs);
        put_texts(arena, rule, rbac_v1_PolicyRule_apiGroups, &missing.items[i]->groups);
        put_texts(arena, rule, rbac_v1_PolicyRule_resources, &missing.items[i]->resources);
        put_texts(arena, rule, rbac_v1_PolicyRule_resourceNames, &missing.items[i]->names);
        put_texts(arena, rule, rbac_v1_PolicyRule_nonResourceURLs, &missing.items[i]->urls);
    }
    return true;
}

static bool set_aggregation(const struct value *expected, struct value *present)
{
    const struct value *wanted = value_get(expected, SLICE("aggregationRule"));
    struct value *rule = value_get_mut(present, SLICE("aggregationRule"));
    if (!rule || !value_is_set(wanted) || value_equal(rule, wanted))
        return false;
    *rule = *wanted;
    return true;
}

static bool has_item(const struct value *list, const struct value *item)
{
    for (VALUE_EACH(one, list))
        if (value_equal(one, item))
            return true;
    return false;
}

static bool add_subjects(struct arena *arena, const struct value *expected, struct value *present)
{
    bool changed = false;
    struct value *subjects = value_get_mut(present, SLICE("subjects"));
    for (VALUE_EACH(subject, value_get(expected, SLICE("subjects")))) {
        if (has_item(subjects, subject))
            continue;
        *value_append(arena, subjects) = *subject;
        changed = true;
    }
    return changed;
}

bool bootstrap_reconcile(struct arena *arena, const struct schema_resource *resource,
                         const struct value *expected, struct value *present)
{
    const struct value *annotations = value_at(object_meta(present), meta_v1_ObjectMeta_annotations);
    if (strcmp(resource->group, "rbac.authorization.k8s.io") != 0 ||
        value_is(value_get(annotations, SLICE(AUTOUPDATE)), "false"))
        return false;
    bool changed = add_entries(arena, meta_v1_ObjectMeta_annotations, expected, present);
    changed |= add_entries(arena, meta_v1_ObjectMeta_labels, expected, present);
    if (!value_is_set(value_get(expected, SLICE("roleRef")))) {
        changed |= set_aggregation(expected, present);
        return add_rules(arena, expected, present) || changed;
    }
    struct value *ref = value_get_mut(present, SLICE("roleRef"));
    if (!value_equal(ref, value_get(expected, SLICE("roleRef")))) { /* another role: nothing of it is kept */
        *ref = *value_get(expected, SLICE("roleRef"));
        *value_get_mut(present, SLICE("subjects")) = *value_get(expected, SLICE("subjects"));
        return true;
    }
    return add_subjects(arena, expected, present) || changed;
}
