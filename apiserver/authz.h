/*
 * authz: may this user do that. A chain of authorizers: the first that says yes or no decides; if all have no opinion the
 * answer is no. Here: system:masters may do everything, everybody may read health and version. RBAC joins the chain later.
 */
#ifndef APISERVER_AUTHZ_H
#define APISERVER_AUTHZ_H

#include "apiserver/user.h"
#include "base/error.h"

struct authz_attributes {
    const struct user *user;
    const char *verb;
    bool is_resource;
    struct slice path; /* non-resource */
    struct slice group, version, resource, subresource, namespace, name;
};

enum authz_decision { AUTHZ_NO_OPINION, AUTHZ_ALLOW, AUTHZ_DENY };

struct authz_answer {
    enum authz_decision decision;
    const char *reason; /* or NULL */
};

/* The paths that everybody may read: health and version. */
bool authz_is_public(struct slice path);
struct authz_answer authz_decide(const struct authz_attributes *attributes);
/* True if allowed; else err is REASON_FORBIDDEN with upstream's wording. */
bool authz_check(const struct authz_attributes *attributes, struct error *err);

/* The paths that are open to everybody for reading, with what is below them; NULL-terminated. */
extern const char *const authz_public_paths[];

#endif
