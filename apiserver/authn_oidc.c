/*
 * authn_oidc: tokens of an OpenID Connect issuer. A thread of its own reads the issuer's keys, at start,
 * every ten minutes, and soon after a token that none of them signed; so no request waits for the issuer.
 * Answers of the issuer are bounded in size and time, and only https is followed.
 */
#include "apiserver/authn/oidc_claims.h"
#include "apiserver/authn_internal.h"
#include "apiserver/outgoing/outgoing.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    MAX_ANSWER = 1 << 20,
    TIMEOUT_MILLIS = 10000,
    REFRESH_SECONDS = 600,
    RETRY_SECONDS = 5,
    MAX_CA = 1 << 20
};

struct oidc {
    struct oidc_rules rules;
    struct slice ca; /* owned */
    struct outgoing *outgoing;
    pthread_t thread;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    struct jwt_keys keys;
    bool stopping, wanted;
};

/* ---- reading from the issuer ---- */

static json_t *fetch(const struct oidc *oidc, const char *url, struct error *err)
{
    cleanup_arena struct arena *arena = arena_new();
    struct outgoing_request request = {.method = "GET",
                                       .url = url,
                                       .tls.ca = oidc->ca,
                                       .connect_millis = TIMEOUT_MILLIS,
                                       .total_millis = TIMEOUT_MILLIS};
    struct outgoing_answer answer;
    if (strncmp(url, "https://", 8) != 0) {
        error_set(err, REASON_INTERNAL, "%s is no https address", url);
        return NULL;
    }
    if (!outgoing_call(oidc->outgoing, &request, MAX_ANSWER, arena, &answer, err)) {
        error_wrap(err, "%s", url);
        return NULL;
    }
    json_t *json = answer.status == 200 ? json_loadb(answer.body.ptr, answer.body.len, 0, NULL) : NULL;
    if (!json)
        error_set(err, REASON_INTERNAL, "%s: status %d, or no JSON", url, answer.status);
    return json;
}

static bool read_keys(const struct oidc *oidc, struct jwt_keys *ret, struct error *err)
{
    cleanup_free char *url = xasprintf("%s/.well-known/openid-configuration", oidc->rules.issuer);
    json_t *config = fetch(oidc, url, err), *keys = NULL;
    const char *where = json_string_value(json_object_get(config, "jwks_uri"));
    bool good = false;
    if (!config)
        return false;
    if (!slice_is(jwt_text(config, "issuer"), oidc->rules.issuer))
        error_set(err, REASON_INTERNAL, "%s: it says that the issuer is another", url);
    else if (!where)
        error_set(err, REASON_INTERNAL, "%s: there is no jwks_uri in it", url);
    else if ((keys = fetch(oidc, where, err)) && !(good = jwt_keys_parse(ret, keys) && ret->count > 0))
        error_set(err, REASON_INTERNAL, "%s: there are no keys in it that can be used", where);
    json_decref(keys);
    json_decref(config);
    return good;
}

/* True: the keys are new. */
static bool refresh(struct oidc *oidc)
{
    cleanup_error struct error err = ERROR_INIT;
    struct jwt_keys fresh = {0};
    bool good = read_keys(oidc, &fresh, &err);
    if (!good) {
        log_warn("the keys of the OpenID issuer cannot be read, the old ones stay",
                 LOG_S("error", err.message));
        jwt_keys_release(&fresh);
        return false;
    }
    pthread_mutex_lock(&oidc->lock);
    struct jwt_keys old = oidc->keys;
    oidc->keys = fresh;
    pthread_mutex_unlock(&oidc->lock);
    jwt_keys_release(&old);
    return true;
}

/* Sleeps until the time is over or, when that many seconds have passed, somebody wants the keys. */
static bool wait_for_turn(struct oidc *oidc, bool good)
{
    int64_t from = clock_mono_nanos();
    pthread_mutex_lock(&oidc->lock);
    for (;;) {
        int64_t waited = (clock_mono_nanos() - from) / 1000000000;
        if (oidc->stopping || waited >= (good ? REFRESH_SECONDS : RETRY_SECONDS) ||
            (oidc->wanted && waited >= 1))
            break;
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += oidc->wanted ? 1 : good ? REFRESH_SECONDS : RETRY_SECONDS;
        pthread_cond_timedwait(&oidc->changed, &oidc->lock, &until);
    }
    bool go_on = !oidc->stopping;
    oidc->wanted = false;
    pthread_mutex_unlock(&oidc->lock);
    return go_on;
}

static void *keep_fresh(void *arg)
{
    struct oidc *oidc = arg;
    while (wait_for_turn(oidc, refresh(oidc)))
        ;
    return NULL;
}

/* ---- life ---- */

static bool read_rules(struct oidc_rules *rules, const struct auth_config *c, struct error *err)
{
    *rules = (struct oidc_rules){.issuer = c->oidc_issuer,
                                 .client_id = c->oidc_client_id,
                                 .username_claim = c->oidc_username_claim,
                                 .username_prefix = c->oidc_username_prefix,
                                 .groups_claim = c->oidc_groups_claim,
                                 .groups_prefix = c->oidc_groups_prefix};
    if (strncmp(c->oidc_issuer, "https://", 8) != 0)
        return error_set(err, REASON_BAD_REQUEST, "--oidc-issuer-url is an https address, not \"%s\"",
                         c->oidc_issuer);
    if (!c->oidc_client_id)
        return error_set(err, REASON_BAD_REQUEST,
                         "--oidc-issuer-url needs --oidc-client-id: who the tokens are for");
    for (size_t i = 0; i < c->oidc_required.count; i++) {
        if (!strchr(c->oidc_required.items[i], '='))
            return error_set(err, REASON_BAD_REQUEST, "--oidc-required-claim is claim=value, not \"%s\"",
                             c->oidc_required.items[i]);
        rules->required[rules->required_count++] = c->oidc_required.items[i];
    }
    return true;
}

/* Empty when there is no file: the machine's authorities. */
static bool read_ca(struct oidc *oidc, const char *path, struct error *err)
{
    cleanup_file FILE *file = path ? fopen(path, "re") : NULL;
    if (!path)
        return true;
    if (!file)
        return error_errno(err, "--oidc-ca-file %s", path);
    char *text = xmalloc(MAX_CA);
    oidc->ca = slice_make(text, fread(text, 1, MAX_CA, file));
    return oidc->ca.len > 0 || error_set(err, REASON_BAD_REQUEST, "--oidc-ca-file %s is empty", path);
}

struct oidc *oidc_new(const struct auth_config *config, struct error *err)
{
    struct oidc *oidc = xcalloc(1, sizeof *oidc);
    if (!read_rules(&oidc->rules, config, err) || !read_ca(oidc, config->oidc_ca_file, err)) {
        free((char *)oidc->ca.ptr);
        free(oidc);
        return NULL;
    }
    pthread_mutex_init(&oidc->lock, NULL);
    pthread_cond_init(&oidc->changed, NULL);
    oidc->outgoing = outgoing_new();
    pthread_create(&oidc->thread, NULL, keep_fresh, oidc);
    return oidc;
}

void oidc_free(struct oidc *oidc)
{
    if (!oidc)
        return;
    pthread_mutex_lock(&oidc->lock);
    oidc->stopping = true;
    pthread_cond_signal(&oidc->changed);
    pthread_mutex_unlock(&oidc->lock);
    outgoing_stop(oidc->outgoing); /* a server that ends does not wait for an issuer */
    pthread_join(oidc->thread, NULL);
    outgoing_free(oidc->outgoing);
    jwt_keys_release(&oidc->keys);
    pthread_mutex_destroy(&oidc->lock);
    pthread_cond_destroy(&oidc->changed);
    free((char *)oidc->ca.ptr);
    free(oidc);
}

/* ---- tokens ---- */

/* The lock is held for the check: about as long as one of them takes. */
static bool has_good_signature(struct oidc *oidc, const struct jwt *jwt)
{
    bool good = false;
    pthread_mutex_lock(&oidc->lock);
    for (size_t i = 0; i < oidc->keys.count && !good; i++)
        good = (!jwt->key_id.len || slice_is(jwt->key_id, oidc->keys.items[i].id)) &&
               jwt_verify(jwt, &oidc->keys.items[i]);
    if (!good && !oidc->wanted) { /* perhaps the issuer has new keys */
        oidc->wanted = true;
        pthread_cond_signal(&oidc->changed);
    }
    pthread_mutex_unlock(&oidc->lock);
    return good;
}

enum authn_result authn_by_oidc(struct authn *authn, struct arena *arena, const struct authn_token *token,
                                struct authn_answer *ret)
{
    struct jwt jwt;
    if (!authn->oidc || !jwt_parse(arena, token->token, &jwt) ||
        !slice_is(jwt_text(jwt.claims, "iss"), authn->oidc->rules.issuer))
        return AUTHN_NOT_MINE;
    ret->why = "oidc: verify token: failed to verify signature";
    if (!has_good_signature(authn->oidc, &jwt) ||
        !oidc_claims_user(arena, &authn->oidc->rules, jwt.claims, clock_now_seconds(), &ret->user, &ret->why))
        return AUTHN_NO;
    ret->audiences = authn_intersect(arena, token->audiences, authn_audiences(authn));
    return AUTHN_YES;
}
