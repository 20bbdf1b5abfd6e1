/* The questions to the index: may they, what may they, and what does an aggregated role hold. */
#include "apiserver/authz/rbac_internal.h"
#include "openapi/label_selector.h"
#include "base/alloc.h"

/* ---- aggregation ---- */

static bool selects(const struct role *role, const struct role *other)
{
    for (VALUE_EACH(selector, &role->selectors))
        if (label_selector_valid(selector) &&
            label_selector_matches(selector, other->labels ? other->labels : &value_absent))
            return true;
    return false;
}

/* Adds what `role` selects to the sources of `of`, and what those select; visited ones are there already. */
static void gather(struct rbac *rbac, struct role *of, const struct role *role)
{
    for (HMAP_EACH(node, &rbac->roles)) {
        struct role *other = (struct role *)node;
        if (other->visited || other->node.key.tag != KEY_CLUSTER_ROLE || !selects(role, other))
            continue;
        other->visited = true;
        if (of->source_count == of->source_capacity) {
            of->source_capacity = of->source_capacity ? of->source_capacity * 2 : 8;
            of->sources = xrealloc(of->sources, of->source_capacity * sizeof(*of->sources));
        }
        of->sources[of->source_count++] = other;
    }
}

static void aggregate(struct rbac *rbac, struct role *role)
{
    for (HMAP_EACH(node, &rbac->roles))
        ((struct role *)node)->visited = false;
    role->visited = true;
    role->source_count = 0;
    gather(rbac, role, role);
    for (size_t i = 0; i < role->source_count; i++) /* grows while it is walked */
        if (role->sources[i]->selectors_arena)
            gather(rbac, role, role->sources[i]);
}

/* Leaves the lock held for reading, with every aggregated role's sources true. */
static void lock_for_reading(struct rbac *rbac)
{
    pthread_rwlock_rdlock(&rbac->lock);
    while (rbac->stale) {
        pthread_rwlock_unlock(&rbac->lock);
        pthread_rwlock_wrlock(&rbac->lock);
        for (HMAP_EACH(node, &rbac->roles))
            if (rbac->stale && ((struct role *)node)->selectors_arena)
                aggregate(rbac, (struct role *)node);
        rbac->stale = false;
        pthread_rwlock_unlock(&rbac->lock);
        pthread_rwlock_rdlock(&rbac->lock);
    }
}

/* ---- walking what a user is bound to ---- */

/* role NULL: the binding's role is not there. False ends the walk. */
typedef bool (*visit_fn)(void *arg, const struct granted *granted, const struct role *role);

static bool visit_grantee(const struct rbac *rbac, unsigned char tag, struct slice namespace,
                          struct slice name, visit_fn visit, void *arg)
{
    const struct grantee *grantee =
        (const struct grantee *)hmap_find(&rbac->grantees, (struct hmap_key){tag, namespace, name});
    for (size_t i = 0; grantee && i < grantee->count; i++) {
        const struct granted *granted = &grantee->bindings[i];
        if (!visit(arg, granted, (const struct role *)hmap_find(&rbac->roles, granted->binding->role)))
            return false;
    }
    return true;
}

static bool visit_scope(const struct rbac *rbac, const struct user *user, struct slice namespace,
                        visit_fn visit, void *arg)
{
    if (!visit_grantee(rbac, KEY_USER, namespace, user->name, visit, arg))
        return false;
    for (size_t i = 0; i < user->group_count; i++)
        if (!visit_grantee(rbac, KEY_GROUP, namespace, user->groups[i], visit, arg))
            return false;
    return true;
}

static void visit_all(const struct rbac *rbac, const struct user *user, struct slice namespace,
                      visit_fn visit, void *arg)
{
    if (visit_scope(rbac, user, SLICE(""), visit, arg) && namespace.len)
        visit_scope(rbac, user, namespace, visit, arg);
}

/* ---- texts ---- */

/* The first of the binding's subjects that is the user or a group of theirs. */
static const struct subject *first_subject(const struct granted *granted, const struct user *user)
{
    const struct binding *binding = granted->binding;
    for (uint32_t i = 0; i < granted->subject; i++) {
        const struct subject *s = &binding->subjects[i];
        if (s->kind != SUBJECT_GROUP && slice_eq(s->user, user->name))
            return s;
        for (size_t g = 0; s->kind == SUBJECT_GROUP && g < user->group_count; g++)
            if (slice_eq(s->user, user->groups[g]))
                return s;
    }
    return &binding->subjects[granted->subject];
}

static const char *explain(struct arena *arena, const struct granted *granted, const struct user *user)
{
    static const char *const kinds[] = {"User", "Group", "ServiceAccount"};
    const struct binding *b = granted->binding;
    const struct subject *s = first_subject(granted, user);
    struct slice namespace = b->node.key.a;
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_puts(&out, namespace.len ? "RBAC: allowed by RoleBinding " : "RBAC: allowed by ClusterRoleBinding ");
    buf_put_quoted(
        &out, namespace.len ? arena_slicef(arena, "%.*s/%.*s", SLICE_ARG(b->node.key.b), SLICE_ARG(namespace))
                            : b->node.key.b);
    buf_puts(&out, b->role.tag == KEY_CLUSTER_ROLE ? " of ClusterRole " : " of Role ");
    buf_put_quoted(&out, b->role.b);
    buf_printf(&out, " to %s ", kinds[s->kind]);
    buf_put_quoted(&out, s->kind == SUBJECT_SERVICE_ACCOUNT
                             ? arena_slicef(arena, "%.*s/%.*s", SLICE_ARG(s->name), SLICE_ARG(s->namespace))
                             : s->name);
    return arena_strdup(arena, buf_slice(&out));
}

enum { MAX_TOLD = 20 }; /* missing roles that one refusal names */

struct missing_roles {
    struct arena *arena;
    const char *items[MAX_TOLD];
    size_t count;
};

static void note_missing(struct missing_roles *missing, const struct binding *binding)
{
    if (!missing->arena || missing->count == MAX_TOLD)
        return;
    const char *kind = binding->role.tag == KEY_CLUSTER_ROLE ? "clusterrole" : "role";
    const char *text = arena_printf(missing->arena, "%s.rbac.authorization.k8s.io \"%.*s\" not found", kind,
                                    SLICE_ARG(binding->role.b));
    for (size_t i = 0; i < missing->count; i++)
        if (strcmp(missing->items[i], text) == 0)
            return;
    missing->items[missing->count++] = text;
}

/* One as it is, several as a list; NULL: none. */
static const char *missing_text(const struct missing_roles *missing)
{
    const char *text = missing->count ? missing->items[0] : NULL;
    for (size_t i = 1; i < missing->count; i++)
        text = arena_printf(missing->arena, "%s, %s", text, missing->items[i]);
    return missing->count > 1 ? arena_printf(missing->arena, "[%s]", text) : text;
}

/* ---- the decision ---- */

struct decision {
    struct rbac_question question;
    struct missing_roles missing; /* arena NULL: nobody asks why */
    struct authz_answer answer;
};

static bool role_allows(const struct role *role, const struct rbac_question *question)
{
    if (rbac_rules_allow(role->rules, question))
        return true;
    for (size_t i = 0; i < role->source_count; i++)
        if (rbac_rules_allow(role->sources[i]->rules, question))
            return true;
    return false;
}

static bool try_binding(void *arg, const struct granted *granted, const struct role *role)
{
    struct decision *d = arg;
    if (!role)
        note_missing(&d->missing, granted->binding);
    if (!role || !role_allows(role, &d->question))
        return true;
    d->answer.decision = AUTHZ_ALLOW;
    d->answer.reason =
        d->missing.arena ? explain(d->missing.arena, granted, d->question.attributes->user) : NULL;
    return false;
}

struct authz_answer rbac_decide(struct rbac *rbac, const struct authz_attributes *attributes,
                                struct arena *arena)
{
    struct decision d = {.missing.arena = arena};
    rbac_question_init(&d.question, attributes);
    lock_for_reading(rbac);
    visit_all(rbac, attributes->user, attributes->namespace, try_binding, &d);
    pthread_rwlock_unlock(&rbac->lock);
    if (d.answer.decision == AUTHZ_NO_OPINION && d.missing.count)
        d.answer.reason = arena_printf(arena, "RBAC: %s", missing_text(&d.missing));
    return d.answer;
}

/* ---- the rules ---- */

struct collecting {
    struct arena *arena;
    const struct rbac_rule **items;
    size_t count, capacity;
    struct missing_roles missing;
};

static struct texts copy_texts(struct arena *arena, const struct texts *from)
{
    struct slice *items = arena_alloc(arena, (from->count + 1) * sizeof *items);
    for (uint32_t i = 0; i < from->count; i++)
        items[i] = arena_dup(arena, from->items[i]);
    return (struct texts){.items = items, .count = from->count, .all = from->all};
}

static void collect_rules(struct collecting *c, const struct rbac_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct rbac_rule *from = &rules->items[i];
        struct rbac_rule *rule = arena_alloc(c->arena, sizeof *rule);
        *rule = (struct rbac_rule){.bits = from->bits,
                                   .verbs = copy_texts(c->arena, &from->verbs),
                                   .groups = copy_texts(c->arena, &from->groups),
                                   .resources = copy_texts(c->arena, &from->resources),
                                   .names = copy_texts(c->arena, &from->names),
                                   .urls = copy_texts(c->arena, &from->urls)};
        *(const struct rbac_rule **)arena_push(c->arena, &c->items, &c->count, &c->capacity,
                                               sizeof(*c->items)) = rule;
    }
}

static void collect_role(struct collecting *c, const struct role *role)
{
    collect_rules(c, role->rules);
    for (size_t i = 0; i < role->source_count; i++)
        collect_rules(c, role->sources[i]->rules);
}

static bool collect_binding(void *arg, const struct granted *granted, const struct role *role)
{
    struct collecting *c = arg;
    if (role)
        collect_role(c, role);
    else
        note_missing(&c->missing, granted->binding);
    return true;
}

void rbac_rules_of(struct rbac *rbac, struct arena *arena, const struct user *user, struct slice namespace,
                   struct rbac_rule_list *ret_rules, const char **ret_errors)
{
    struct collecting c = {.arena = arena, .missing.arena = arena};
    lock_for_reading(rbac);
    visit_all(rbac, user, namespace, collect_binding, &c);
    pthread_rwlock_unlock(&rbac->lock);
    *ret_rules = (struct rbac_rule_list){c.items, c.count};
    *ret_errors = missing_text(&c.missing);
}

bool rbac_rules_of_role(struct rbac *rbac, struct arena *arena, bool cluster, struct slice namespace,
                        struct slice name, struct rbac_rule_list *ret_rules)
{
    struct collecting c = {.arena = arena};
    struct hmap_key key = {cluster ? KEY_CLUSTER_ROLE : KEY_ROLE, cluster ? SLICE("") : namespace, name};
    lock_for_reading(rbac);
    const struct role *role = (const struct role *)hmap_find(&rbac->roles, key);
    if (role)
        collect_role(&c, role);
    pthread_rwlock_unlock(&rbac->lock);
    *ret_rules = (struct rbac_rule_list){c.items, c.count};
    return role != NULL;
}
