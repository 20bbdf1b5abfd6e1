/*
 * kind: what a table cannot say of a resource: cross-field rules, what a write resets, computed table cells.
 * One `struct kind` per resource that needs any; NULL members mean nothing special, and a resource without an
 * entry behaves as KIND_PLAIN. All functions are pure (object in, object changed or causes added); they run
 * on a worker thread.
 *
 * Order for a create:  decode, defaults, [generic metadata], prepare_create, admission, generic metadata
 * validation (name by name_rule, labels, annotations, owner references, finalizers), schema rules (enum, min,
 * max, required), validate. For an update: the old object is read, generic metadata carried over,
 * prepare_update, admission, the same validations with `old` given. Causes come in upstream's order, which is
 * the order in which upstream's Validate<Kind> looks.
 *
 * Files: apiserver/kinds/<kind>.c; the entries are collected in the group arrays at the end of this header.
 */
#ifndef APISERVER_KINDS_KIND_H
#define APISERVER_KINDS_KIND_H

#include "openapi/causes.h"
#include "openapi/schema.h"
#include "openapi/value.h"

struct user;

struct kind_request {
    struct arena *arena;
    const struct schema_resource *resource;
    struct slice subresource; /* "" or "status", "ephemeralcontainers", ... */
    struct slice user;        /* who asks */
    const struct user
        *requester; /* the same with groups and the rest (apiserver/user.h); NULL: only the name is known */
    int64_t now;    /* seconds */
    bool dry_run;
    struct causes *causes;            /* where validate adds */
    struct decode_findings *warnings; /* texts of Warning headers; see kind_warn() */
};

void kind_warn(struct kind_request *req, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

enum name_rule {
    NAME_SUBDOMAIN,  /* RFC 1123 subdomain: most kinds */
    NAME_LABEL,      /* RFC 1123 label: namespaces, ... */
    NAME_LABEL_1035, /* RFC 1035 label: (older) services */
    NAME_PATH,       /* path segment: RBAC, ... */
    NAME_ANY,        /* the kind's validate looks itself */
};

struct kind {
    const char *group, *resource; /* every version of it */

    enum name_rule name_rule;
    bool counts_generation; /* metadata.generation: 1 on create, +1 when anything but metadata and status
                               changes */
    bool
        keeps_status_on_create; /* a client may create with a status (nodes, events have none to lose, ...) */
    bool creates_on_update;     /* PUT of an absent object creates it */
    bool requires_version_on_update; /* PUT without resourceVersion is refused (AllowUnconditionalUpdate
                                        false) */
    bool orphans_by_default;         /* DELETE without propagationPolicy orphans dependents */

    /* Changes the new object: drop what clients may not set, set what the server decides. Status is already
     * dropped, or taken from old, when the resource has a status subresource. */
    void (*prepare_create)(struct kind_request *req, struct value *object);
    /* subresource writes too: req->subresource tells. For "status" everything but status (and managed
     * metadata) was already taken from old. */
    void (*prepare_update)(struct kind_request *req, struct value *object, const struct value *old);
    /* old is NULL on create. Adds to req->causes. */
    void (*validate)(struct kind_request *req, const struct value *object, const struct value *old);
    /* The row's condition "Completed": table_completed_fn of openapi/table.h. NULL: never. */
    bool (*completed)(const struct value *object, const char **ret_reason, const char **ret_message);
    /* Cells of the columns whose path is NULL, by column index; others are filled from their path. cells[i]
     * is a JSON value: string, int, bool or (for "<unknown>") string. */
    void (*row)(struct arena *arena, const struct value *object, int64_t now, struct value *cells);
    const char *deprecated; /* a warning on every request; NULL: none */
    bool returns_deleted;   /* DELETE answers with the object's last state instead of a Status */
    /* False: the object stays although it is being deleted and has no finalizers in its metadata (namespaces
     * have some in their spec). NULL: it goes. */
    bool (*may_vanish)(const struct value *object);
    const char *delete_finalizer; /* a finalizer that DELETE adds, for what is to be done first; NULL: none */
    /* The object is marked for deletion but stays for now (namespaces: status.phase). */
    void (*prepare_delete)(struct kind_request *req, struct value *object);
    /* Seconds until deletion, given what the client asked (-1: nothing). NULL: deletion is immediate. */
    int64_t (*grace_seconds)(const struct value *object, int64_t asked);
};

/* Never NULL. */
const struct kind *kind_of(const struct schema_resource *resource);

/* NULL-terminated groups, each owned by the files that define its entries. */
extern const struct kind
    *const kinds_core[]; /* core.c: all of "" but pods, services, endpoints, nodes, volumes, controllers */
extern const struct kind *const kinds_pods[]; /* pod*.c: pods, podtemplates */
extern const struct kind
    *const kinds_workloads[]; /* apps, batch, autoscaling, policy, replicationcontrollers */
extern const struct kind
    *const kinds_networking[]; /* services, endpoints, networking, discovery, coordination */
extern const struct kind *const kinds_storage[]; /* persistentvolumes, claims, storage, nodes, node.k8s.io,
                                                    scheduling, storagemigration */
extern const struct kind
    *const kinds_access[]; /* rbac, certificates, flowcontrol, authentication and authorization reviews */
extern const struct kind
    *const kinds_extension[]; /* admissionregistration, apiextensions, apiregistration, resource.k8s.io */

#endif
