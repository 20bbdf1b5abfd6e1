/* authn_internal: what authn.c (the unions), authn_account.c (tokens of service accounts) and
 * authn_bootstrap.c (bootstrap tokens) share. */
#ifndef APISERVER_AUTHN_INTERNAL_H
#define APISERVER_AUTHN_INTERNAL_H

#include <pthread.h>

#include "apiserver/auth_config.h"
#include "apiserver/authn.h"
#include "apiserver/authn/sa_claims.h"
#include "apiserver/authn/token_file.h"
#include "apiserver/server.h"
#include "base/hmap.h"

/* Tokens whose signature was good, by their SHA-256; the oldest goes. */
struct signature_cache {
    pthread_mutex_t lock;
    struct hmap map;
    struct known_token *oldest, *newest;
};

struct authn {
    struct server *server;
    const struct auth_config *config;
    struct jwt_keys keys;   /* that check */
    struct jwt_keys signer; /* one, or none */
    struct slice audiences[AUTH_LIST_MAX];
    size_t audience_count;
    const char *issuers[AUTH_LIST_MAX];
    size_t issuer_count;
    struct token_file *file; /* or NULL */
    struct oidc *oidc;       /* or NULL */
    struct signature_cache signatures;
};

/* Those that are in both lists, in the order of the first. */
struct authn_texts authn_intersect(struct arena *arena, struct authn_texts a, struct authn_texts b);
/* The value of an object in the store, copied; false: there is none. */
bool authn_stored(struct authn *authn, struct arena *arena, const char *resource, struct slice namespace,
                  struct slice name, struct store_record *ret);

enum authn_result authn_by_account(struct authn *authn, struct arena *arena, const struct authn_token *token,
                                   struct authn_answer *ret);
enum authn_result authn_by_bootstrap(struct authn *authn, struct arena *arena,
                                     const struct authn_token *token, struct authn_answer *ret);
/* Starts reading the issuer's keys. NULL: a flag is wrong. */
struct oidc *oidc_new(const struct auth_config *config, struct error *err);
void oidc_free(struct oidc *oidc);
enum authn_result authn_by_oidc(struct authn *authn, struct arena *arena, const struct authn_token *token,
                                struct authn_answer *ret);
void signature_cache_init(struct signature_cache *cache);
void signature_cache_release(struct signature_cache *cache);

#endif
