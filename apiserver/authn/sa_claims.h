/*
 * sa_claims: what the token of a service account says: which account, by name and uid, and which object it
 * lives and dies with. Read from, and written as, upstream's claims ("kubernetes.io": {...}), or read from
 * the flat claims of tokens that are kept in secrets. Pure; any thread. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
 */
#ifndef APISERVER_AUTHN_SA_CLAIMS_H
#define APISERVER_AUTHN_SA_CLAIMS_H

#include "apiserver/authn/jwt.h"
#include "base/buf.h"

#define SA_LEGACY_ISSUER "kubernetes/serviceaccount"

enum sa_text {
    SA_ISSUER,
    SA_SUBJECT,
    SA_ID, /* jti */
    SA_NAMESPACE,
    SA_NAME,
    SA_UID,
    SA_POD,
    SA_POD_UID,
    SA_SECRET,
    SA_SECRET_UID,
    SA_NODE,
    SA_NODE_UID,
    SA_TEXTS
};

struct sa_claims {
    struct slice text[SA_TEXTS]; /* empty: not there */
    bool legacy; /* of a token kept in a secret: it does not expire, and must be the one in the secret */
    bool has_pod, has_secret, has_node;
    bool has_webhook;                                /* bound to a webhook configuration */
    int64_t issued, not_before, expires, warn_after; /* 0: not there */
    const struct slice *audiences;
    size_t audience_count;
};

/* The claims of a token whose signature is good. False, and why: they are not those of a service account. */
bool sa_claims_read(struct arena *arena, const struct jwt *jwt, struct sa_claims *ret, const char **ret_why);
/* NULL: the times are right; else why not. */
const char *sa_claims_check_times(const struct sa_claims *claims, int64_t now);
/* As the payload of a token (never legacy). */
void sa_claims_write(struct buf *out, const struct sa_claims *claims);
/* A copy in one block, to be freed with free(); and one in an arena. */
struct sa_claims *sa_claims_pack(const struct sa_claims *claims);
void sa_claims_copy(struct arena *arena, const struct sa_claims *from, struct sa_claims *ret);

#endif
