#include "apiserver/authz.h"

#include <pthread.h>
#include <stdlib.h>

#include "apiserver/authz/rbac.h"
#include "apiserver/authz_node.h"
#include "apiserver/object.h"
#include "apiserver/server.h"
#include "base/alloc.h"
#include "base/log.h"
#include "storage/follow.h"

enum { MAX_AUTHORIZERS = 16 };

struct authz {
    const struct authorizer *chain[MAX_AUTHORIZERS];
    size_t count;
    struct rbac *rbac;
    struct node_authorizer *node;
    struct follower *follower;
    const struct schema_resource *resources[RBAC_KINDS];
    struct arena *arena; /* of one change; under the follower's lock */
};

/* ---- keeping the roles and bindings in step with the store ---- */

static void apply_change(void *arg, const struct follow_change *change)
{
    struct authz *authz = arg;
    const struct schema_resource *resource = authz->resources[change->prefix];
    struct slice name = object_key_name(change->key), namespace = object_key_namespace(resource, change->key);
    struct value object;
    if (change->gone)
        rbac_remove(authz->rbac, (enum rbac_kind)change->prefix, namespace, name);
    else if (object_decode(authz->arena, resource, change->value, false, &object, NULL))
        rbac_put(authz->rbac, (enum rbac_kind)change->prefix, namespace, name, &object);
    else
        log_error("a role or binding in the store cannot be read", LOG_V("key", change->key));
    arena_reset(authz->arena);
}

static void forget(void *arg)
{
    struct authz *authz = arg;
    rbac_clear(authz->rbac);
}

static bool follow(struct authz *authz, struct server *server, struct error *err)
{
    static const char *const names[RBAC_KINDS] = {"roles", "clusterroles", "rolebindings",
                                                  "clusterrolebindings"};
    struct slice prefixes[RBAC_KINDS];
    cleanup_arena struct arena *arena = arena_new();
    for (unsigned i = 0; i < RBAC_KINDS; i++) {
        authz->resources[i] =
            schema_find_resource(SLICE("rbac.authorization.k8s.io"), SLICE("v1"), slice_str(names[i]));
        prefixes[i] = object_prefix(arena, authz->resources[i], SLICE(""));
    }
    struct follow_config config = {
        .prefixes = prefixes, .count = RBAC_KINDS, .changed = apply_change, .reset = forget, .arg = authz};
    authz->follower = follower_new(server->store, server->hub, &config, err);
    return !error_is_set(err);
}

struct rbac *authz_rbac(struct authz *authz)
{
    follower_sync(authz->follower);
    return authz->rbac;
}

/* ---- the authorizers ---- */

static const struct slice star[] = {{"*", 1}};

static void add_rule(struct authz_rules *rules, struct authz_rule rule)
{
    *(struct authz_rule *)arena_push(rules->arena, &rules->items, &rules->count, &rules->capacity,
                                     sizeof rule) = rule;
}

static void all_rules(struct authz *authz, const struct user *user, struct slice namespace,
                      struct authz_rules *ret)
{
    (void)authz;
    (void)user;
    (void)namespace;
    add_rule(ret, (struct authz_rule){.verbs = star,
                                      .verb_count = 1,
                                      .groups = star,
                                      .group_count = 1,
                                      .resources = star,
                                      .resource_count = 1});
    add_rule(ret, (struct authz_rule){.verbs = star, .verb_count = 1, .urls = star, .url_count = 1});
}

static struct authz_answer masters(struct authz *authz, const struct authz_attributes *a, struct arena *why)
{
    (void)authz;
    (void)why;
    return (struct authz_answer){user_in_group(a->user, GROUP_MASTERS) ? AUTHZ_ALLOW : AUTHZ_NO_OPINION,
                                 NULL};
}

static void masters_rules(struct authz *authz, const struct user *user, struct slice namespace,
                          struct authz_rules *ret)
{
    if (user_in_group(user, GROUP_MASTERS))
        all_rules(authz, user, namespace, ret);
}

static struct authz_answer always_allow(struct authz *authz, const struct authz_attributes *a,
                                        struct arena *why)
{
    (void)authz;
    (void)a;
    (void)why;
    return (struct authz_answer){AUTHZ_ALLOW, NULL};
}

static struct authz_answer always_deny(struct authz *authz, const struct authz_attributes *a,
                                       struct arena *why)
{
    (void)authz;
    (void)a;
    (void)why;
    return (struct authz_answer){AUTHZ_NO_OPINION, "Everything is forbidden."};
}

static struct authz_answer by_role(struct authz *authz, const struct authz_attributes *a, struct arena *why)
{
    return rbac_decide(authz_rbac(authz), a, why);
}

static void role_rules(struct authz *authz, const struct user *user, struct slice namespace,
                       struct authz_rules *ret)
{
    struct rbac_rule_list list;
    const char *errors;
    rbac_rules_of(authz_rbac(authz), ret->arena, user, namespace, &list, &errors);
    for (size_t i = 0; i < list.count; i++) {
        const struct rbac_rule *rule = list.items[i];
        add_rule(ret, (struct authz_rule){rule->verbs.items, rule->groups.items, rule->resources.items,
                                          rule->names.items, rule->urls.items, rule->verbs.count,
                                          rule->groups.count, rule->resources.count, rule->names.count,
                                          rule->urls.count});
    }
    if (errors)
        ret->error = errors;
}

static struct authz_answer by_node(struct authz *authz, const struct authz_attributes *a, struct arena *why)
{
    return node_authorizer_decide(authz->node, a, why);
}

static void node_rules(struct authz *authz, const struct user *user, struct slice namespace,
                       struct authz_rules *ret)
{
    struct slice name;
    (void)authz;
    (void)namespace;
    if (!node_name_of(user, &name))
        return;
    ret->incomplete = true;
    ret->error = "node authorizer does not support user rule resolution";
}

static const struct authorizer known[] = {
    {"system:masters", NULL, masters, masters_rules},
    {"alwaysallow", "AlwaysAllow", always_allow, all_rules},
    {"alwaysdeny", "AlwaysDeny", always_deny, NULL},
    {"node", "Node", by_node, node_rules},
    {"rbac", "RBAC", by_role, role_rules},
};

enum { KNOWN = sizeof known / sizeof *known };

/* ---- the union ---- */

static bool add_mode(struct authz *authz, struct slice mode, struct error *err)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (!known[i].mode || !slice_is(mode, known[i].mode))
            continue;
        for (size_t j = 0; j < authz->count; j++)
            if (authz->chain[j] == &known[i])
                return error_set(err, REASON_BAD_REQUEST, "--authorization-mode: %s stands there twice",
                                 known[i].mode);
        authz->chain[authz->count++] = &known[i];
        return true;
    }
    return error_set(err, REASON_BAD_REQUEST,
                     "--authorization-mode: there is no mode \"%.*s\"; the modes are Node, RBAC, AlwaysAllow "
                     "and AlwaysDeny",
                     SLICE_ARG(mode));
}

struct authz *authz_new(struct server *server, const char *modes, struct error *err)
{
    struct authz *authz = xcalloc(1, sizeof *authz);
    struct slice rest = slice_str(modes), mode;
    authz->rbac = rbac_new();
    authz->arena = arena_new();
    authz->chain[authz->count++] = &known[0];
    bool ok = true;
    while (ok && slice_split(&rest, ',', &mode))
        ok = add_mode(authz, mode, err);
    if (ok && follow(authz, server, err) && (authz->node = node_authorizer_new(server, err)))
        return authz;
    authz_stop(authz);
    authz_free(authz);
    return NULL;
}

void authz_stop(struct authz *authz)
{
    if (authz)
        follower_stop(authz->follower);
}

void authz_free(struct authz *authz)
{
    if (!authz)
        return;
    follower_free(authz->follower);
    node_authorizer_free(authz->node);
    rbac_free(authz->rbac);
    arena_free(authz->arena);
    free(authz);
}

struct authz_answer authz_decide(struct authz *authz, const struct authz_attributes *attributes,
                                 struct arena *why)
{
    const char *reasons = NULL;
    for (size_t i = 0; i < authz->count; i++) {
        const struct authorizer *authorizer = authz->chain[i];
        struct authz_answer answer = authorizer->decide(authz, attributes, why);
        if (answer.decision != AUTHZ_NO_OPINION)
            return answer;
        if (why && answer.reason) /* those that had no opinion are told one to a line, with who says it */
            reasons = arena_printf(why, "%s%s%s: %s", reasons ? reasons : "", reasons ? "\n" : "",
                                   authorizer->name, answer.reason);
    }
    return (struct authz_answer){AUTHZ_NO_OPINION, reasons};
}

void authz_rules_of(struct authz *authz, struct arena *arena, const struct user *user, struct slice namespace,
                    struct authz_rules *ret)
{
    *ret = (struct authz_rules){.arena = arena};
    for (size_t i = 0; i < authz->count; i++)
        if (authz->chain[i]->rules)
            authz->chain[i]->rules(authz, user, namespace, ret);
}

/* ---- refusals ---- */

static void put_what(struct buf *out, const struct authz_attributes *a)
{
    if (!a->is_resource)
        return;
    buf_put_slice(out, a->resource);
    buf_puts(out, a->group.len ? "." : "");
    buf_put_slice(out, a->group);
    if (a->name.len) {
        buf_putc(out, ' ');
        buf_put_quoted(out, a->name);
    }
    buf_puts(out, " is ");
}

static void put_refusal(struct buf *out, struct arena *arena, const struct authz_attributes *a)
{
    put_what(out, a);
    buf_puts(out, "forbidden: User ");
    buf_put_quoted(out, a->user->name);
    buf_printf(out, " cannot %s ", a->verb);
    if (!a->is_resource) {
        buf_puts(out, "path ");
        buf_put_quoted(out, a->path);
        return;
    }
    buf_puts(out, "resource ");
    buf_put_quoted(out, a->subresource.len ? arena_slicef(arena, "%.*s/%.*s", SLICE_ARG(a->resource),
                                                          SLICE_ARG(a->subresource))
                                           : a->resource);
    buf_puts(out, " in API group ");
    buf_put_quoted(out, a->group);
    buf_puts(out, a->namespace.len ? " in the namespace " : " at the cluster scope");
    if (a->namespace.len)
        buf_put_quoted(out, a->namespace);
}

bool authz_check(struct authz *authz, const struct authz_attributes *a, struct error *err)
{
    if (authz_decide(authz, a, NULL).decision == AUTHZ_ALLOW)
        return true;
    struct authz_answer answer = authz_decide(authz, a, err->arena);
    if (answer.decision == AUTHZ_ALLOW) /* the right came between the two looks */
        return true;
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    put_refusal(&text, err->arena, a);
    if (answer.reason)
        buf_printf(&text, ": %s", answer.reason);
    error_set(err, REASON_FORBIDDEN, "%.*s", SLICE_ARG(buf_slice(&text)));
    if (a->is_resource)
        return error_about(err, a->group, a->resource, a->name);
    err->has_details = true;
    return false;
}

bool authz_is_public(struct slice path)
{
    static const char *const paths[] = {"/healthz", "/livez", "/readyz", "/version"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct slice open = slice_str(paths[i]);
        if (slice_eq(path, open) || (slice_starts(path, open) && path.ptr[open.len] == '/'))
            return true;
    }
    return false;
}
