/*
 * admission: the chain between an authorized, decoded write and its validation: plugins that change objects
 * (mutate), then, after defaults, plugins that refuse (validate). One list, in upstream's order, in chain.c;
 * one file per plugin.
 *
 * Plugins are pure but for their look-ups of other objects, which go through `lookup`; they run on worker
 * threads, quick ones on event loops too, and must not keep pointers. A refusal sets err (REASON_FORBIDDEN
 * mostly) and returns false. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
#ifndef ADMISSION_ADMISSION_H
#define ADMISSION_ADMISSION_H

#include "base/error.h"
#include "openapi/decode.h"

enum admission_operation {
    ADMISSION_CREATE = 1,
    ADMISSION_UPDATE = 2,
    ADMISSION_DELETE = 4,
    ADMISSION_CONNECT = 8
};

/* How plugins see the rest of the cluster: the present state, read without authorization. */
struct admission_lookup {
    /* False: there is none. The tree lives in the arena. */
    bool (*get)(void *arg, struct arena *arena, const struct schema_resource *resource,
                struct slice namespace, struct slice name, struct value *ret);
    /* Calls each() for every object of the resource (in the namespace, unless it is empty) until it returns
     * false. */
    void (*list)(void *arg, struct arena *arena, const struct schema_resource *resource,
                 struct slice namespace, bool (*each)(void *each_arg, const struct value *object),
                 void *each_arg);
    /* May the user do that to a cluster-wide object? */
    bool (*may)(void *arg, const char *verb, const char *group, const char *resource, struct slice namespace,
                struct slice name);
    void *arg;
};

/* One question to a webhook. */
struct admission_call {
    const struct value *client_config; /* an admissionregistration_v1_WebhookClientConfig */
    int64_t timeout_seconds;
    struct slice body;
    /* Out: err is set (`Post "https://...": why`), or there is an answer of status 200. */
    struct slice answer;
    struct error err;
};

struct admission_hooks;
struct admission_policies;
struct cel_authorizer;

/* What webhooks and policies need of the rest of the server. */
struct admission_services {
    const struct admission_hooks *hooks;       /* hooks.h; pinned for the request, as is the next */
    const struct admission_policies *policies; /* policy.h */
    /* The i-th other version of the resource, NULL after the last. */
    const struct schema_resource *(*equivalent)(void *arg, const struct schema_resource *resource, size_t i);
    /* From one version of a kind to another. */
    bool (*convert)(void *arg, struct arena *arena, const struct value *object,
                    const struct schema_resource *from, const struct schema_resource *to, struct value *ret,
                    struct error *err);
    /* The requester as an authentication_v1_UserInfo, and the request's options as JSON. */
    struct value (*user_info)(void *arg, struct arena *arena);
    struct slice (*options)(void *arg, struct arena *arena, enum admission_operation operation);
    /* Asks all at once and waits for the last. */
    void (*call)(void *arg, struct arena *arena, struct admission_call *calls, size_t count);
    /* The resource of a kind; NULL: there is none. */
    const struct schema_resource *(*find_kind)(void *arg, struct slice api_version, struct slice kind);
    const struct cel_authorizer *authorizer; /* what expressions ask about rights; its context is `arg` */
    void *arg;
};

/* Another object that changes with the write, in one transaction. Its resourceVersion is the one it must have
 * now. */
struct admission_charge {
    const struct schema_resource *resource;
    struct value object;
};
struct admission_charges {
    struct admission_charge *items;
    size_t count, capacity;
};

struct admission_request {
    struct arena *arena;
    enum admission_operation operation;
    const struct schema_resource *resource; /* the stored version, which object and old have */
    const struct schema_resource *asked;    /* the version of the request */
    struct slice subresource, namespace, name;
    struct value *object;    /* of the new state; NULL for a deletion */
    const struct value *old; /* NULL for a creation */
    struct slice user;
    const struct slice *groups;
    size_t group_count;
    bool dry_run;
    int64_t now; /* seconds */
    const struct admission_lookup *lookup;
    const struct admission_services *services; /* NULL: there are no webhooks and policies */
    struct decode_findings *warnings;
    struct admission_charges *charges; /* only in the third phase */
};

struct admission_plugin {
    const char *name;                                                   /* upstream's: "LimitRanger" */
    unsigned operations;                                                /* of enum admission_operation */
    const char *group, *resource;                                       /* NULL: every resource */
    bool (*mutate)(struct admission_request *req, struct error *err);   /* or NULL */
    bool (*validate)(struct admission_request *req, struct error *err); /* or NULL */
    bool (*charge)(struct admission_request *req, struct error *err);   /* or NULL */
    /* It never waits and looks at a handful of objects at most: it may run on an event loop. */
    bool quick;
    bool off_by_default;
};

/* Which plugins run: lists of names, "*" is all, over what is on by default; either may be NULL. Once, before
 * the first request. Errors name the plugin that there is not. */
bool admission_configure(const char *enable, const char *disable, struct error *err);

/* Does the plugin of that name run? */
bool admission_is_on(const char *name);

bool admission_mutate(struct admission_request *req, struct error *err);
bool admission_validate(struct admission_request *req, struct error *err);
/* The last phase, after all that may take long: what the write changes beside its object goes to
 * req->charges. The caller sees to it that nobody else does the same in the namespace until the write is
 * stored. */
bool admission_charge(struct admission_request *req, struct error *err);
/* Whether all plugins that any of these operations on the resource meets are quick. */
bool admission_is_quick(const struct schema_resource *resource, unsigned operations);

/* "CREATE" */
struct slice admission_operation_name(enum admission_operation operation);
/* A text for a Warning header; lives as long as the request. */
void admission_warn(struct admission_request *req, const char *text);

/* For plugins: `pods "x" is forbidden: ...`. Returns false. */
bool admission_forbid(const struct admission_request *req, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- the plugins, each in its file ---- */
extern const struct admission_plugin admission_namespace_lifecycle;
extern const struct admission_plugin admission_service_account;
extern const struct admission_plugin admission_node_taints;
extern const struct admission_plugin admission_priority, admission_system_priority_classes;
extern const struct admission_plugin admission_default_tolerations;
extern const struct admission_plugin admission_limit_ranger;
extern const struct admission_plugin admission_pod_security;
extern const struct admission_plugin admission_claim_resize;
extern const struct admission_plugin admission_runtime_class;
extern const struct admission_plugin admission_resource_quota;
extern const struct admission_plugin admission_storage_in_use;
extern const struct admission_plugin admission_default_storage_class;
extern const struct admission_plugin admission_default_ingress_class;
extern const struct admission_plugin admission_node_restriction;
extern const struct admission_plugin admission_certificate_approval, admission_certificate_signing;
extern const struct admission_plugin admission_certificate_subject, admission_trust_bundle_attest;

#endif
