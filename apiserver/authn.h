/*
 * authn: who is asking. A union of authenticators in upstream's order: the proxy that speaks for somebody,
 * the client certificate, then the bearer token, which has a union of its own (token file, service accounts,
 * bootstrap tokens). The first that says yes names the user. If none does, a credential that was bad is
 * answered with 401, and a request without any goes on as system:anonymous, if that is allowed.
 *
 * Nothing here blocks: keys and files are read at start, an OpenID issuer's keys by a thread of their own,
 * accounts and what tokens are bound to are looked up in the store for every request, so that a token dies
 * with its pod at once. Signatures that were good are remembered (bounded). Tokens are never logged, and
 * compared in constant time. Threads: any. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
#ifndef APISERVER_AUTHN_H
#define APISERVER_AUTHN_H

#include "apiserver/http/http.h"
#include "apiserver/user.h"

struct server;
struct authn;
struct auth_config;
struct jwt_key;
struct jwt_keys;

enum authn_result { AUTHN_YES, AUTHN_NOT_MINE, AUTHN_NO };

struct authn_texts {
    const struct slice *items;
    size_t count;
};

/* Errors name the file or flag. Before the server listens. */
struct authn *authn_new(struct server *server, const struct auth_config *config, struct error *err);
void authn_free(struct authn *authn);

/* False: answer 401. `anonymous` says whether requests without a credential go on as system:anonymous. */
bool authn_request(struct authn *authn, struct arena *arena, const struct http_request *request,
                   bool anonymous, struct user *ret);

struct authn_token {
    struct slice token;
    struct authn_texts audiences; /* who asks */
};
struct authn_answer {
    struct user user;             /* with system:authenticated */
    struct authn_texts audiences; /* those of the question that the token is for */
    const char *why;              /* of a no: for the answer to a review, never with the token in it */
};
enum authn_result authn_check_token(struct authn *authn, struct arena *arena, const struct authn_token *token,
                                    struct authn_answer *ret);

/* The groups every authenticated user has are added; also used by impersonation. */
void authn_add_group(struct arena *arena, struct user *user, const char *group);
/* What the server itself is called in tokens. */
struct authn_texts authn_audiences(const struct authn *authn);
/* NULL: no key to sign with. */
const struct jwt_key *authn_signing_key(const struct authn *authn);
const struct jwt_keys *authn_public_keys(const struct authn *authn);
const char *authn_issuer(const struct authn *authn);
const struct auth_config *authn_config(const struct authn *authn);

#endif
