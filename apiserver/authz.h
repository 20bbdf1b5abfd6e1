/*
 * authz: may this user do that. A union of authorizers, in the order of --authorization-mode with
 * system:masters first: the first that says yes or no decides; if all have no opinion the answer is no. Each
 * is one row of a seam (struct authorizer); none blocks, so that the event loops may ask.
 *
 * Reasons are upstream's: clients show them. They cost time, so a caller that does not want one gives no
 * arena. Threads: any. Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/
 */
#ifndef APISERVER_AUTHZ_H
#define APISERVER_AUTHZ_H

#include "apiserver/user.h"
#include "base/error.h"

struct server;
struct authz;
struct rbac;

struct authz_attributes {
    const struct user *user;
    const char *verb;
    bool is_resource;
    struct slice path; /* non-resource */
    struct slice group, version, resource, subresource, namespace, name;
    struct slice field_selector; /* of lists, watches and deletions of many: as in the query, or empty */
};

enum authz_decision { AUTHZ_NO_OPINION, AUTHZ_ALLOW, AUTHZ_DENY };

struct authz_answer {
    enum authz_decision decision;
    const char *reason; /* or NULL */
};

/* Rules that a user has, as far as authorizers can list them. */
struct authz_rule {
    const struct slice *verbs, *groups, *resources, *names, *urls;
    size_t verb_count, group_count, resource_count, name_count, url_count;
};

struct authz_rules {
    struct arena *arena;
    struct authz_rule *items;
    size_t count, capacity;
    bool incomplete;
    const char *error; /* or NULL */
};

struct authorizer {
    const char *name; /* before its reasons: "rbac" */
    const char *mode; /* as in --authorization-mode; NULL: always there, first */
    struct authz_answer (*decide)(struct authz *authz, const struct authz_attributes *attributes,
                                  struct arena *why);
    /* Adds to ret; NULL: has nothing to list. */
    void (*rules)(struct authz *authz, const struct user *user, struct slice namespace,
                  struct authz_rules *ret);
};

/* modes: "Node,RBAC". Indexes what is in the store. Errors name the mode. */
struct authz *authz_new(struct server *server, const char *modes, struct error *err);
/* Before the hub is freed, and after. */
void authz_stop(struct authz *authz);
void authz_free(struct authz *authz);

struct authz_answer authz_decide(struct authz *authz, const struct authz_attributes *attributes,
                                 struct arena *why);
/* True if allowed; else err is REASON_FORBIDDEN with upstream's wording. */
bool authz_check(struct authz *authz, const struct authz_attributes *attributes, struct error *err);
void authz_rules_of(struct authz *authz, struct arena *arena, const struct user *user, struct slice namespace,
                    struct authz_rules *ret);
/* The roles and bindings as of now, for those who must look deeper than a decision. */
struct rbac *authz_rbac(struct authz *authz);

/* Health and version: the paths that a server which takes no anonymous requests still answers for everybody.
 */
bool authz_is_public(struct slice path);

#endif
