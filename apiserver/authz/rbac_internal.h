/*
 * rbac_internal: the index behind rbac.h, shared by rbac.c (changes) and rbac_decide.c (questions).
 *
 *     roles      (role kind, namespace, name)            -> rules
 *     bindings   (binding kind, namespace, name)         -> role, subjects
 *     grantees   (user or group, namespace or "", name)  -> the bindings that name it there
 *
 * Example: the RoleBinding "rb" in "shop" of Role "r" to group "staff" is one binding and one grantee (group,
 * "shop", "staff"). A get of a pod in "shop" by ann of "staff" looks up (user, "", ann), (group, "", staff),
 * (user, shop, ann) and (group, shop, staff), finds rb at the last, and tries the rules of (role, shop, r).
 */
#ifndef APISERVER_AUTHZ_RBAC_INTERNAL_H
#define APISERVER_AUTHZ_RBAC_INTERNAL_H

#include <pthread.h>

#include "apiserver/authz/rbac.h"
#include "base/hmap.h"

enum { KEY_ROLE = 1, KEY_CLUSTER_ROLE, KEY_BINDING, KEY_CLUSTER_BINDING, KEY_USER, KEY_GROUP };

struct role {
    struct hmap_node node;
    struct rbac_rules *rules; /* its own */
    struct value *labels;     /* a map, or NULL; one block */
    /* Of an aggregated role: the selectors, and the other roles whose rules count here too (as of rbac->stale
     * false). */
    struct arena *selectors_arena;
    struct value selectors;
    struct role **sources;
    size_t source_count, source_capacity;
    bool visited;
    char text[];
};

enum subject_kind { SUBJECT_USER, SUBJECT_GROUP, SUBJECT_SERVICE_ACCOUNT };

struct subject {
    enum subject_kind kind;
    struct slice user; /* what it is looked up by */
    struct slice namespace, name;
};

struct binding {
    struct hmap_node node;
    struct hmap_key role;
    uint32_t subject_count;
    struct subject subjects[]; /* and their texts after them */
};

struct granted {
    const struct binding *binding;
    uint32_t subject;
};

struct grantee {
    struct hmap_node node;
    struct granted *bindings;
    size_t count, capacity;
    char text[];
};

struct rbac {
    pthread_rwlock_t lock;
    struct hmap roles, bindings, grantees;
    size_t aggregated; /* roles with selectors */
    bool stale;        /* a cluster role changed: the sources of the aggregated ones are to be found again */
};

#endif
