/*
 * rbac: the role based authorizer: who has which rules where. An index of all roles and bindings, compiled,
 * kept up to date object by object (rbac_put, rbac_remove) by whoever sees them change (authz/follow.h); no
 * request reads or parses one.
 *
 * A decision looks up the subject's name and each of its groups, once for the cluster and once for the
 * namespace, and tries the rules of the roles that are bound there: its cost follows what the one who asks is
 * bound to, not how many bindings there are.
 *
 * Aggregated cluster roles. Upstream's API server leaves the filling in of their rules to a controller;
 * without one, admin, edit and view would be empty. Here an aggregated role has its own rules and those of
 * the roles its selectors select (through further aggregated ones), found when cluster roles change; nothing
 * is written into the object.
 *
 * Threads: any; readers share a lock, a change takes it alone for microseconds.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
#ifndef APISERVER_AUTHZ_RBAC_H
#define APISERVER_AUTHZ_RBAC_H

#include "apiserver/authz/rbac_rule.h"

struct rbac;

struct rbac *rbac_new(void);
void rbac_free(struct rbac *rbac);

/* Which of the four kinds an object is. */
enum rbac_kind { RBAC_ROLE, RBAC_CLUSTER_ROLE, RBAC_BINDING, RBAC_CLUSTER_BINDING, RBAC_KINDS };

/* The object (a Role, ...) as it is now; copies what it keeps. namespace is empty for cluster kinds. */
void rbac_put(struct rbac *rbac, enum rbac_kind kind, struct slice namespace, struct slice name,
              const struct value *object);
void rbac_remove(struct rbac *rbac, enum rbac_kind kind, struct slice namespace, struct slice name);
void rbac_clear(struct rbac *rbac);

/* The decision; with an arena also its reason in upstream's words: which binding allows, or which bound roles
 * are missing. */
struct authz_answer rbac_decide(struct rbac *rbac, const struct authz_attributes *attributes,
                                struct arena *arena);

/* All rules of the user in the namespace (empty: of the cluster), copied to the arena. ret_errors: the bound
 * roles that are missing, as a text, or NULL. */
void rbac_rules_of(struct rbac *rbac, struct arena *arena, const struct user *user, struct slice namespace,
                   struct rbac_rule_list *ret_rules, const char **ret_errors);
/* The rules of a role. False: there is no such role. */
bool rbac_rules_of_role(struct rbac *rbac, struct arena *arena, bool cluster, struct slice namespace,
                        struct slice name, struct rbac_rule_list *ret_rules);

#endif
