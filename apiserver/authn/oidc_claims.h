/*
 * oidc_claims: who the token of an OpenID Connect issuer is for, by the flags' rules: which claim is the
 * name, which the groups, what is put before them, what else must be claimed. Pure; any thread. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#openid-connect-tokens
 */
#ifndef APISERVER_AUTHN_OIDC_CLAIMS_H
#define APISERVER_AUTHN_OIDC_CLAIMS_H

#include "apiserver/authn/jwt.h"
#include "apiserver/user.h"

enum { OIDC_MAX_REQUIRED = 32 };

struct oidc_rules {
    const char *issuer, *client_id;
    const char *username_claim;  /* "sub" */
    const char *username_prefix; /* NULL: the issuer and '#', but nothing before an "email"; "-": nothing */
    const char *groups_claim, *groups_prefix; /* or NULL */
    const char *required[OIDC_MAX_REQUIRED];  /* "claim=value" */
    size_t required_count;
};

/* Of a token whose signature is good. False, and why: it is not for us, or out of time, or lacks something.
 */
bool oidc_claims_user(struct arena *arena, const struct oidc_rules *rules, const json_t *claims, int64_t now,
                      struct user *ret, const char **ret_why);

#endif
