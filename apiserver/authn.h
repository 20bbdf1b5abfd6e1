/*
 * authn: who is asking. A chain of authenticators, each of which says yes (the user is filled), "not mine", or no (a
 * credential was given and is bad: 401). Here: client certificates, then anonymous. Tokens join the chain later.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
#ifndef APISERVER_AUTHN_H
#define APISERVER_AUTHN_H

#include "apiserver/http/http.h"
#include "apiserver/user.h"

enum authn_result { AUTHN_YES, AUTHN_NOT_MINE, AUTHN_NO };

struct authenticator {
    const char *name;
    enum authn_result (*authenticate)(struct arena *arena, const struct http_request *request, struct user *ret);
};

/* False: answer 401. `anonymous` says whether requests without a credential go on as system:anonymous. */
bool authn_request(struct arena *arena, const struct http_request *request, bool anonymous, struct user *ret);
/* The groups every authenticated user has are added; also used by impersonation. */
void authn_add_group(struct arena *arena, struct user *user, const char *group);

#endif
