/*
 * authn_account: tokens of service accounts. A good signature is remembered; everything else is looked at
 * anew for every request: the time, the audience, the account, and the pod, node or secret that the token is
 * bound to, by name and uid.
 */
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "apiserver/authn_internal.h"
#include "apiserver/object.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "openapi/gen/core_v1.h"
#include "openapi/scalar.h"
#include "storage/header.h"

enum { MAX_REMEMBERED = 4096, LEEWAY_SECONDS = 60 };

/* ---- signatures that were good ---- */

struct known_token {
    struct hmap_node node; /* by digest */
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct sa_claims *claims;
    struct known_token *newer;
};

void signature_cache_init(struct signature_cache *cache)
{
    pthread_mutex_init(&cache->lock, NULL);
}

static void free_known(struct hmap_node *node)
{
    free(((struct known_token *)node)->claims);
    free(node);
}

void signature_cache_release(struct signature_cache *cache)
{
    hmap_clear(&cache->map, free_known);
    pthread_mutex_destroy(&cache->lock);
}

static struct hmap_key digest_key(const unsigned char *digest)
{
    return (struct hmap_key){0, slice_make((const char *)digest, SHA256_DIGEST_LENGTH), SLICE("")};
}

static bool recall(struct signature_cache *cache, struct arena *arena, const unsigned char *digest,
                   struct sa_claims *ret)
{
    pthread_mutex_lock(&cache->lock);
    const struct known_token *known = (const struct known_token *)hmap_find(&cache->map, digest_key(digest));
    if (known)
        sa_claims_copy(arena, known->claims, ret);
    pthread_mutex_unlock(&cache->lock);
    return known != NULL;
}

static void remember(struct signature_cache *cache, const unsigned char *digest,
                     const struct sa_claims *claims)
{
    struct known_token *known = xcalloc(1, sizeof *known);
    memcpy(known->digest, digest, sizeof known->digest);
    known->node.key = digest_key(known->digest);
    known->claims = sa_claims_pack(claims);
    pthread_mutex_lock(&cache->lock);
    if (hmap_find(&cache->map, known->node.key)) { /* somebody was faster */
        pthread_mutex_unlock(&cache->lock);
        free_known(&known->node);
        return;
    }
    if (cache->map.count == MAX_REMEMBERED) {
        struct known_token *oldest = cache->oldest;
        cache->oldest = oldest->newer;
        free_known(hmap_remove(&cache->map, oldest->node.key));
    }
    hmap_insert(&cache->map, &known->node);
    if (cache->map.count == 1)
        cache->oldest = known;
    else
        cache->newest->newer = known;
    cache->newest = known;
    pthread_mutex_unlock(&cache->lock);
}

/* ---- what it is bound to ---- */

/* Is it there, with that uid, and not deleted more than a moment ago? NULL: yes; `gone` is said when it is
 * not. */
static const char *check_object(struct authn *authn, struct arena *arena, const char *resource,
                                const char *shown, const char *claim, struct slice namespace,
                                struct slice name, struct slice uid, const char *gone)
{
    struct store_record record;
    if (!authn_stored(authn, arena, resource, namespace, name, &record))
        return gone;
    struct slice present = object_stored_uid(record.value);
    if (!slice_eq(present, uid))
        return arena_printf(arena, "%s UID (%.*s) does not match %s (%.*s)", shown, SLICE_ARG(present), claim,
                            SLICE_ARG(uid));
    if (header_flags(record.header) & HEADER_DELETING &&
        object_stored_deletion(record.value) < clock_now_seconds() - LEEWAY_SECONDS)
        return gone;
    return NULL;
}

static const char *check_bound(struct authn *authn, struct arena *arena, const struct sa_claims *c)
{
    static const char invalid[] = "service account token has been invalidated";
    const struct slice *t = c->text;
    const char *why = check_object(
        authn, arena, "serviceaccounts", "service account", "claim", t[SA_NAMESPACE], t[SA_NAME], t[SA_UID],
        arena_printf(arena, "serviceaccounts \"%.*s\" not found", SLICE_ARG(t[SA_NAME])));
    if (!why && c->has_secret)
        why = check_object(authn, arena, "secrets", "secret", "service account secret ref claim",
                           t[SA_NAMESPACE], t[SA_SECRET], t[SA_SECRET_UID], invalid);
    if (!why && c->has_pod)
        why = check_object(authn, arena, "pods", "pod", "service account pod ref claim", t[SA_NAMESPACE],
                           t[SA_POD], t[SA_POD_UID], invalid);
    if (!why && c->has_node && !c->has_pod) /* with a pod the node is only told */
        why = check_object(authn, arena, "nodes", "node", "service account node ref claim", SLICE(""),
                           t[SA_NODE], t[SA_NODE_UID], invalid);
    if (!why && c->has_webhook)
        why = "tokens that are bound to webhook configurations are not for this server";
    return why;
}

/* A token that is kept in a secret is good as long as the secret holds it. */
static const char *check_legacy(struct authn *authn, struct arena *arena, struct slice token,
                                const struct sa_claims *c)
{
    const struct schema_resource *secrets = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("secrets"));
    const struct slice *t = c->text;
    struct store_record record;
    struct value secret;
    if (!authn_stored(authn, arena, "secrets", t[SA_NAMESPACE], t[SA_SECRET], &record) ||
        header_flags(record.header) & HEADER_DELETING ||
        !object_decode(arena, secrets, record.value, false, &secret, NULL))
        return "Token has been invalidated";
    struct slice kept = value_text(value_get(value_at(&secret, core_v1_Secret_data), SLICE("token"))), bytes;
    const char *fault;
    if (!scalar_base64_decode(arena, kept, &bytes, &fault) || bytes.len != token.len ||
        CRYPTO_memcmp(bytes.ptr, token.ptr, token.len) != 0)
        return "Token does not match server's copy";
    struct slice since = value_text(value_get(value_at(object_meta(&secret), meta_v1_ObjectMeta_labels),
                                              SLICE("kubernetes.io/legacy-token-invalid-since")));
    if (since.len)
        return arena_printf(arena, "the token in secret %.*s/%.*s has been marked invalid",
                            SLICE_ARG(t[SA_NAMESPACE]), SLICE_ARG(t[SA_SECRET]));
    return check_object(authn, arena, "serviceaccounts", "ServiceAccount", "claim", t[SA_NAMESPACE],
                        t[SA_NAME], t[SA_UID],
                        arena_printf(arena, "serviceaccounts \"%.*s\" not found", SLICE_ARG(t[SA_NAME])));
}

/* ---- the token ---- */

static bool is_issuer(const struct authn *authn, struct slice issuer)
{
    for (size_t i = 0; i < authn->issuer_count; i++)
        if (slice_is(issuer, authn->issuers[i]))
            return true;
    return slice_is(issuer, SA_LEGACY_ISSUER);
}

static bool has_good_signature(const struct authn *authn, const struct jwt *jwt)
{
    for (size_t i = 0; i < authn->keys.count; i++)
        if ((!jwt->key_id.len || slice_is(jwt->key_id, authn->keys.items[i].id)) &&
            jwt_verify(jwt, &authn->keys.items[i]))
            return true;
    return false;
}

static enum authn_result read_claims(struct authn *authn, struct arena *arena, struct slice token,
                                     struct sa_claims *ret, const char **ret_why)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct jwt jwt;
    SHA256((const unsigned char *)token.ptr, token.len, digest);
    if (recall(&authn->signatures, arena, digest, ret))
        return AUTHN_YES;
    if (!jwt_parse(arena, token, &jwt) || !is_issuer(authn, jwt_text(jwt.claims, "iss")))
        return AUTHN_NOT_MINE;
    *ret_why = "invalid signature";
    if (!has_good_signature(authn, &jwt) || !sa_claims_read(arena, &jwt, ret, ret_why))
        return AUTHN_NO;
    remember(&authn->signatures, digest, ret);
    return AUTHN_YES;
}

static const char *shown_list(struct arena *arena, struct authn_texts texts)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_putc(&out, '[');
    for (size_t i = 0; i < texts.count; i++) {
        buf_puts(&out, i ? " " : "");
        buf_put_quoted(&out, texts.items[i]);
    }
    buf_putc(&out, ']');
    return arena_strdup(arena, buf_slice(&out));
}

static void name_user(struct arena *arena, const struct sa_claims *c, struct user *ret)
{
    static const struct {
        const char *key;
        enum sa_text text;
    } rows[] = {
        {"authentication.kubernetes.io/pod-name", SA_POD},
        {"authentication.kubernetes.io/pod-uid", SA_POD_UID},
        {"authentication.kubernetes.io/node-name", SA_NODE},
        {"authentication.kubernetes.io/node-uid", SA_NODE_UID},
    };
    const struct slice *t = c->text;
    *ret = (struct user){.uid = t[SA_UID]};
    ret->name = arena_slicef(arena, USER_SERVICE_ACCOUNT "%.*s:%.*s", SLICE_ARG(t[SA_NAMESPACE]),
                             SLICE_ARG(t[SA_NAME]));
    authn_add_group(arena, ret, GROUP_SERVICE_ACCOUNTS);
    authn_add_group(arena, ret,
                    arena_printf(arena, GROUP_SERVICE_ACCOUNTS ":%.*s", SLICE_ARG(t[SA_NAMESPACE])));
    if (t[SA_ID].len)
        ret->credential_id = arena_slicef(arena, "JTI=%.*s", SLICE_ARG(t[SA_ID]));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (t[rows[i].text].len)
            user_add_extra(arena, ret, slice_str(rows[i].key), t[rows[i].text]);
}

enum authn_result authn_by_account(struct authn *authn, struct arena *arena, const struct authn_token *token,
                                   struct authn_answer *ret)
{
    struct sa_claims claims;
    if (!authn->keys.count)
        return AUTHN_NOT_MINE;
    enum authn_result result = read_claims(authn, arena, token->token, &claims, &ret->why);
    if (result != AUTHN_YES)
        return result;
    /* Who is named nowhere is meant to be this server: tokens that are kept in secrets. */
    struct authn_texts named = {claims.audiences, claims.audience_count};
    ret->audiences = authn_intersect(arena, named.count ? named : authn_audiences(authn), token->audiences);
    if (!ret->audiences.count) {
        ret->why = arena_printf(arena, "token audiences %s is invalid for the target audiences %s",
                                shown_list(arena, named), shown_list(arena, token->audiences));
        return AUTHN_NO;
    }
    ret->why = sa_claims_check_times(&claims, clock_now_seconds());
    if (!ret->why)
        ret->why = claims.legacy ? check_legacy(authn, arena, token->token, &claims)
                                 : check_bound(authn, arena, &claims);
    if (ret->why)
        return AUTHN_NO;
    name_user(arena, &claims, &ret->user);
    return AUTHN_YES;
}
