#include "apiserver/escalation.h"

#include <stdlib.h>

#include "apiserver/authz.h"
#include "apiserver/authz/rbac.h"
#include "apiserver/object.h"
#include "apiserver/status.h"

static const char group[] = "rbac.authorization.k8s.io";

static bool may(struct request *req, const char *verb, struct slice resource, struct slice name)
{
    struct authz_attributes a = {
        .user = &req->user,
        .verb = verb,
        .is_resource = true,
        .group = SLICE(group),
        .version = SLICE("*"),
        .resource = resource,
        .namespace = req->info.namespace,
        .name = name,
    };
    return authz_decide(req->server->authz, &a, NULL).decision == AUTHZ_ALLOW;
}

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The rules sorted by their texts, each once. */
static void put_missing(struct buf *out, struct arena *arena, const struct rbac_rule_list *missing)
{
    struct slice *lines = arena_alloc(arena, (missing->count + 1) * sizeof *lines);
    for (size_t i = 0; i < missing->count; i++) {
        cleanup_buf struct buf line = BUF_INIT(BUF_UNLIMITED);
        rbac_rule_print(&line, missing->items[i]);
        lines[i] = arena_dup(arena, buf_slice(&line));
    }
    qsort(lines, missing->count, sizeof *lines, by_text);
    for (size_t i = 0; i < missing->count; i++) {
        if (i && slice_eq(lines[i], lines[i - 1]))
            continue;
        buf_putc(out, '\n');
        buf_put_slice(out, lines[i]);
    }
}

static const char *refusal(struct request *req, const struct rbac_rule_list *missing, bool too_many,
                           const char *errors)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_puts(&out, "user ");
    buf_put_quoted(&out, req->user.name);
    buf_puts(&out, " (groups=[");
    for (size_t i = 0; i < req->user.group_count; i++) {
        buf_puts(&out, i ? " " : "");
        buf_put_quoted(&out, req->user.groups[i]);
    }
    buf_puts(&out, "]) is attempting to grant RBAC permissions not currently held:");
    put_missing(&out, req->arena, missing);
    if (too_many)
        buf_puts(&out, "\nand more than are looked at in one request");
    if (errors)
        buf_printf(&out, "; resolution errors: [%s]", errors);
    return arena_strdup(req->arena, buf_slice(&out));
}

static bool holds(struct request *req, const struct rbac_rule_list *wanted, const char **ret_refusal)
{
    struct rbac_rule_list held, missing;
    const char *errors;
    bool too_many;
    rbac_rules_of(authz_rbac(req->server->authz), req->arena, &req->user, req->info.namespace, &held,
                  &errors);
    if (rbac_rules_cover(req->arena, &held, wanted, &missing, &too_many))
        return true;
    *ret_refusal = refusal(req, &missing, too_many, errors);
    return false;
}

static bool forbid(struct request *req, const struct value *object, const char *why)
{
    return status_forbidden(&req->err, SLICE(group), slice_str(req->resource->name),
                            object_text(object, meta_v1_ObjectMeta_name), why);
}

/* ---- roles ---- */

static bool aggregates(const struct value *role)
{
    return role && value_is_set(value_get(role, SLICE("aggregationRule")));
}

/* A role that gathers rules by labels may gather any. */
static bool holds_everything(struct request *req)
{
    static const struct slice star[] = {{"*", 1}};
    const struct texts all = {star, 1, true};
    const struct rbac_rule resources = {.verbs = all, .groups = all, .resources = all},
                           urls = {.verbs = all, .urls = all};
    const struct rbac_rule *const rules[] = {&resources, &urls};
    const char *why;
    return holds(req, &(struct rbac_rule_list){rules, 2}, &why);
}

static void free_block(void *block)
{
    free(block);
}

static bool check_role(struct request *req, const struct value *object, const struct value *old)
{
    const char *why = NULL;
    if (may(req, "escalate", slice_str(req->resource->name), req->info.name))
        return true;
    struct rbac_rules *rules = rbac_rules_compile(value_get(object, SLICE("rules")));
    arena_on_free(req->arena, free_block, rules);
    const struct rbac_rule **items = arena_alloc(req->arena, (rules->count + 1) * sizeof(*items));
    for (uint32_t i = 0; i < rules->count; i++)
        items[i] = &rules->items[i];
    if (!holds(req, &(struct rbac_rule_list){items, rules->count}, &why))
        return forbid(req, object, why);
    if ((aggregates(object) || aggregates(old)) && !holds_everything(req))
        return forbid(req, object, "must have cluster-admin privileges to use the aggregationRule");
    return true;
}

/* ---- bindings ---- */

static bool check_binding(struct request *req, const struct value *object, const struct value *old)
{
    (void)old;
    const struct value *ref = value_get(object, SLICE("roleRef"));
    struct slice name = value_text(value_get(ref, SLICE("name")));
    bool cluster = value_is(value_get(ref, SLICE("kind")), "ClusterRole");
    struct rbac_rule_list rules;
    const char *why = NULL;
    if (!cluster && !value_is(value_get(ref, SLICE("kind")), "Role"))
        return error_set(&req->err, REASON_INTERNAL, "unsupported role reference kind: \"%.*s\"",
                         SLICE_ARG(value_text(value_get(ref, SLICE("kind")))));
    if (may(req, "bind", cluster ? SLICE("clusterroles") : SLICE("roles"), name))
        return true;
    if (!rbac_rules_of_role(authz_rbac(req->server->authz), req->arena, cluster, req->info.namespace, name,
                            &rules))
        return status_not_found(&req->err, SLICE(group), slice_str(req->resource->name), name);
    return holds(req, &rules, &why) || forbid(req, object, why);
}

/* ---- the check ---- */

/* Finalizers and owners are what a garbage collector changes, who holds no rights of its own. */
static bool only_collection_changes(struct arena *arena, const struct value *object, const struct value *old)
{
    static const unsigned fields[] = {meta_v1_ObjectMeta_finalizers, meta_v1_ObjectMeta_ownerReferences,
                                      meta_v1_ObjectMeta_managedFields};
    if (!old)
        return false;
    struct value same = value_copy(arena, object, false);
    struct value *meta = object_meta_mut(arena, &same);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *value_mut(meta, fields[i]) = *value_at(object_meta(old), fields[i]);
    return value_equal(&same, old);
}

bool escalation_concerns(const struct schema_resource *resource)
{
    return strcmp(resource->group, group) == 0;
}

bool escalation_check(struct request *req, const struct value *object, const struct value *old)
{
    static const struct {
        const char *resource;
        bool (*check)(struct request *req, const struct value *object, const struct value *old);
    } rows[] = {
        {"roles", check_role},
        {"clusterroles", check_role},
        {"rolebindings", check_binding},
        {"clusterrolebindings", check_binding},
    };
    if (!escalation_concerns(req->resource) || user_in_group(&req->user, GROUP_MASTERS) ||
        only_collection_changes(req->arena, object, old))
        return true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(req->resource->name, rows[i].resource) == 0)
            return rows[i].check(req, object, old);
    return true;
}
