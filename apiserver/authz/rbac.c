#include "apiserver/authz/rbac.h"

#include <pthread.h>
#include <stdlib.h>

#include "apiserver/authz/rbac_internal.h"
#include "base/alloc.h"

/* ---- keeping: the four tables ---- */

struct rbac *rbac_new(void)
{
    struct rbac *rbac = xcalloc(1, sizeof *rbac);
    pthread_rwlock_init(&rbac->lock, NULL);
    return rbac;
}

static void free_role(struct hmap_node *node)
{
    struct role *role = (struct role *)node;
    free(role->rules);
    free(role->labels);
    free(role->sources);
    if (role->selectors_arena)
        arena_free(role->selectors_arena);
    free(role);
}

static void free_node(struct hmap_node *node)
{
    free(node);
}

static void free_grantee(struct hmap_node *node)
{
    struct grantee *grantee = (struct grantee *)node;
    free(grantee->bindings);
    free(grantee);
}

static void clear(struct rbac *rbac)
{
    hmap_clear(&rbac->roles, free_role);
    hmap_clear(&rbac->bindings, free_node);
    hmap_clear(&rbac->grantees, free_grantee);
    rbac->aggregated = 0;
}

void rbac_clear(struct rbac *rbac)
{
    pthread_rwlock_wrlock(&rbac->lock);
    clear(rbac);
    pthread_rwlock_unlock(&rbac->lock);
}

void rbac_free(struct rbac *rbac)
{
    clear(rbac);
    pthread_rwlock_destroy(&rbac->lock);
    free(rbac);
}

static struct slice copy_text(char **at, struct slice text)
{
    char *copy = *at;
    memcpy(copy, text.ptr, text.len);
    *at += text.len;
    return slice_make(copy, text.len);
}

/* ---- roles ---- */

/* A map of texts in one block. */
static struct value *copy_labels(const struct value *labels)
{
    size_t n = value_count(labels), text = 0;
    if (!n)
        return NULL;
    for (VALUE_EACH_ENTRY(entry, labels))
        text += entry->key.len + value_text(&entry->value).len;
    struct {
        struct value value;
        struct value_map map;
    } * head;
    struct value_entry *entries;
    char *block = xmalloc(sizeof *head + n * sizeof *entries + text);
    head = (void *)block;
    entries = (void *)(block + sizeof *head);
    char *at = (char *)(entries + n);
    head->map = (struct value_map){.entries = entries, .count = (uint32_t)n, .capacity = (uint32_t)n};
    head->value = (struct value){.kind = VALUE_MAP, .map = &head->map};
    for (size_t i = 0; i < n; i++) {
        const struct value_entry *from = value_entry(labels, i);
        entries[i].key = copy_text(&at, from->key);
        entries[i].value = value_of_string(copy_text(&at, value_text(&from->value)));
    }
    return &head->value;
}

static struct role *new_role(bool cluster, struct slice namespace, struct slice name,
                             const struct value *object)
{
    struct role *role = xcalloc(1, sizeof *role + namespace.len + name.len);
    char *at = role->text;
    role->node.key = (struct hmap_key){cluster ? KEY_CLUSTER_ROLE : KEY_ROLE, copy_text(&at, namespace),
                                       copy_text(&at, name)};
    role->rules = rbac_rules_compile(value_get(object, SLICE("rules")));
    if (!cluster)
        return role;
    const struct value *selectors = value_path(object, "aggregationRule.clusterRoleSelectors");
    role->labels = copy_labels(value_path(object, "metadata.labels"));
    if (value_count(selectors)) {
        role->selectors_arena = arena_new();
        role->selectors = value_copy(role->selectors_arena, selectors, true);
    }
    return role;
}

static void remove_role(struct rbac *rbac, struct hmap_key key)
{
    struct hmap_node *old = hmap_remove(&rbac->roles, key);
    if (!old)
        return;
    rbac->aggregated -= ((struct role *)old)->selectors_arena != NULL;
    free_role(old);
}

/* ---- bindings ---- */

static struct hmap_key subject_key(const struct binding *binding, const struct subject *subject)
{
    return (struct hmap_key){subject->kind == SUBJECT_GROUP ? KEY_GROUP : KEY_USER, binding->node.key.a,
                             subject->user};
}

static void grant(struct rbac *rbac, struct binding *binding)
{
    for (uint32_t i = 0; i < binding->subject_count; i++) {
        struct hmap_key key = subject_key(binding, &binding->subjects[i]);
        struct grantee *grantee = (struct grantee *)hmap_find(&rbac->grantees, key);
        if (!grantee) {
            grantee = xcalloc(1, sizeof *grantee + key.a.len + key.b.len);
            char *at = grantee->text;
            grantee->node.key = (struct hmap_key){key.tag, copy_text(&at, key.a), copy_text(&at, key.b)};
            hmap_insert(&rbac->grantees, &grantee->node);
        }
        if (grantee->count && grantee->bindings[grantee->count - 1].binding == binding)
            continue; /* named twice */
        if (grantee->count == grantee->capacity) {
            grantee->capacity = grantee->capacity ? grantee->capacity * 2 : 2;
            grantee->bindings = xrealloc(grantee->bindings, grantee->capacity * sizeof *grantee->bindings);
        }
        grantee->bindings[grantee->count++] = (struct granted){binding, i};
    }
}

static void withdraw(struct rbac *rbac, const struct binding *binding)
{
    for (uint32_t i = 0; i < binding->subject_count; i++) {
        struct hmap_key key = subject_key(binding, &binding->subjects[i]);
        struct grantee *grantee = (struct grantee *)hmap_find(&rbac->grantees, key);
        if (!grantee)
            continue;
        size_t kept = 0;
        for (size_t j = 0; j < grantee->count; j++)
            if (grantee->bindings[j].binding != binding)
                grantee->bindings[kept++] = grantee->bindings[j];
        grantee->count = kept;
        if (!kept)
            free_grantee(hmap_remove(&rbac->grantees, key));
    }
}

/* "system:serviceaccount:ns:name" is what service accounts are called as users. */
static size_t user_length(const struct value *subject, struct slice namespace)
{
    struct slice of = value_text(value_get(subject, SLICE("namespace")));
    return sizeof USER_SERVICE_ACCOUNT + (of.len ? of.len : namespace.len) + 1 +
           value_text(value_get(subject, SLICE("name"))).len;
}

static bool fill_subject(struct subject *ret, const struct value *from, struct slice namespace, char **at)
{
    const struct value *kind = value_get(from, SLICE("kind"));
    struct slice name = value_text(value_get(from, SLICE("name")));
    struct slice of = value_text(value_get(from, SLICE("namespace")));
    bool account = value_is(kind, "ServiceAccount"), group = value_is(kind, "Group");
    if (!account && !group && !value_is(kind, "User"))
        return false;
    ret->kind = account ? SUBJECT_SERVICE_ACCOUNT : group ? SUBJECT_GROUP : SUBJECT_USER;
    char *start = *at;
    if (account) {
        copy_text(at, SLICE(USER_SERVICE_ACCOUNT));
        ret->namespace = copy_text(at, of.len ? of : namespace);
        copy_text(at, SLICE(":"));
        if (!ret->namespace.len)
            return false;
    }
    ret->name = copy_text(at, name);
    ret->user = slice_make(start, (size_t)(*at - start));
    return true;
}

static struct binding *new_binding(bool cluster, struct slice namespace, struct slice name,
                                   const struct value *object)
{
    const struct value *subjects = value_get(object, SLICE("subjects")),
                       *ref = value_get(object, SLICE("roleRef"));
    struct slice role = value_text(value_get(ref, SLICE("name")));
    size_t n = value_count(subjects), text = 2 * namespace.len + name.len + role.len;
    for (VALUE_EACH(subject, subjects))
        text += user_length(subject, namespace);
    struct binding *binding = xcalloc(1, sizeof *binding + n * sizeof *binding->subjects + text);
    char *at = (char *)&binding->subjects[n];
    binding->node.key = (struct hmap_key){cluster ? KEY_CLUSTER_BINDING : KEY_BINDING,
                                          copy_text(&at, namespace), copy_text(&at, name)};
    bool of_cluster = value_is(value_get(ref, SLICE("kind")), "ClusterRole");
    binding->role =
        (struct hmap_key){of_cluster ? KEY_CLUSTER_ROLE : KEY_ROLE,
                          of_cluster ? SLICE("") : copy_text(&at, namespace), copy_text(&at, role)};
    for (VALUE_EACH(subject, subjects))
        binding->subject_count +=
            fill_subject(&binding->subjects[binding->subject_count], subject, namespace, &at);
    return binding;
}

static void remove_binding(struct rbac *rbac, struct hmap_key key)
{
    struct hmap_node *old = hmap_remove(&rbac->bindings, key);
    if (!old)
        return;
    withdraw(rbac, (struct binding *)old);
    free(old);
}

/* ---- changes ---- */

static struct hmap_key key_of(enum rbac_kind kind, struct slice namespace, struct slice name)
{
    static const unsigned char tags[RBAC_KINDS] = {KEY_ROLE, KEY_CLUSTER_ROLE, KEY_BINDING,
                                                   KEY_CLUSTER_BINDING};
    return (struct hmap_key){tags[kind], namespace, name};
}

void rbac_put(struct rbac *rbac, enum rbac_kind kind, struct slice namespace, struct slice name,
              const struct value *object)
{
    struct hmap_key key = key_of(kind, namespace, name);
    if (kind == RBAC_BINDING || kind == RBAC_CLUSTER_BINDING) {
        struct binding *binding = new_binding(kind == RBAC_CLUSTER_BINDING, namespace, name, object);
        pthread_rwlock_wrlock(&rbac->lock);
        remove_binding(rbac, key);
        hmap_insert(&rbac->bindings, &binding->node);
        grant(rbac, binding);
    } else {
        struct role *role = new_role(kind == RBAC_CLUSTER_ROLE, namespace, name, object);
        pthread_rwlock_wrlock(&rbac->lock);
        remove_role(rbac, key);
        hmap_insert(&rbac->roles, &role->node);
        rbac->aggregated += role->selectors_arena != NULL;
        rbac->stale |= kind == RBAC_CLUSTER_ROLE;
    }
    pthread_rwlock_unlock(&rbac->lock);
}

void rbac_remove(struct rbac *rbac, enum rbac_kind kind, struct slice namespace, struct slice name)
{
    struct hmap_key key = key_of(kind, namespace, name);
    pthread_rwlock_wrlock(&rbac->lock);
    if (kind == RBAC_BINDING || kind == RBAC_CLUSTER_BINDING)
        remove_binding(rbac, key);
    else
        remove_role(rbac, key);
    rbac->stale |= kind == RBAC_CLUSTER_ROLE;
    pthread_rwlock_unlock(&rbac->lock);
}
