#include <openssl/crypto.h>
#include <strings.h>

#include "apiserver/authn_internal.h"
#include "apiserver/object.h"
#include "apiserver/query.h"
#include "base/alloc.h"

#define DEFAULT_ISSUER "https://kubernetes.default.svc.cluster.local"

/* ---- life ---- */

static bool load_keys(struct authn *authn, struct error *err)
{
    const struct auth_config *c = authn->config;
    for (size_t i = 0; i < c->sa_key_files.count; i++)
        if (!jwt_keys_load(&authn->keys, c->sa_key_files.items[i], err))
            return false;
    if (!c->sa_signing_key_file)
        return true;
    if (!jwt_keys_load(&authn->signer, c->sa_signing_key_file, err))
        return false;
    /* The public part of the signing key checks too, unless upstream's flag names the keys that do. */
    return c->sa_key_files.count || jwt_keys_load(&authn->keys, c->sa_signing_key_file, err);
}

static void name_issuers_and_audiences(struct authn *authn)
{
    const struct auth_config *c = authn->config;
    for (size_t i = 0; i < c->sa_issuers.count; i++)
        authn->issuers[authn->issuer_count++] = c->sa_issuers.items[i];
    if (!authn->issuer_count)
        authn->issuers[authn->issuer_count++] = DEFAULT_ISSUER;
    for (size_t i = 0; i < c->api_audiences.count; i++)
        authn->audiences[authn->audience_count++] = slice_str(c->api_audiences.items[i]);
    for (size_t i = 0; !c->api_audiences.count && i < authn->issuer_count; i++)
        authn->audiences[authn->audience_count++] = slice_str(authn->issuers[i]);
}

struct authn *authn_new(struct server *server, const struct auth_config *config, struct error *err)
{
    struct authn *authn = xcalloc(1, sizeof *authn);
    authn->server = server;
    authn->config = config;
    signature_cache_init(&authn->signatures);
    name_issuers_and_audiences(authn);
    bool ok = load_keys(authn, err);
    if (ok && config->token_file)
        ok = (authn->file = token_file_load(config->token_file, err)) != NULL;
    if (ok && config->oidc_issuer)
        ok = (authn->oidc = oidc_new(config, err)) != NULL;
    if (ok)
        return authn;
    authn_free(authn);
    return NULL;
}

void authn_free(struct authn *authn)
{
    if (!authn)
        return;
    jwt_keys_release(&authn->keys);
    jwt_keys_release(&authn->signer);
    token_file_free(authn->file);
    oidc_free(authn->oidc);
    signature_cache_release(&authn->signatures);
    free(authn);
}

struct authn_texts authn_audiences(const struct authn *authn)
{
    return (struct authn_texts){authn->audiences, authn->audience_count};
}

const struct jwt_key *authn_signing_key(const struct authn *authn)
{
    return authn->signer.count ? &authn->signer.items[0] : NULL;
}

const struct jwt_keys *authn_public_keys(const struct authn *authn)
{
    return &authn->keys;
}

const char *authn_issuer(const struct authn *authn)
{
    return authn->issuers[0];
}

const struct auth_config *authn_config(const struct authn *authn)
{
    return authn->config;
}

/* ---- helpers ---- */

void authn_add_group(struct arena *arena, struct user *user, const char *group)
{
    if (user_in_group(user, group))
        return;
    struct slice *groups = arena_alloc(arena, (user->group_count + 1) * sizeof *groups);
    if (user->group_count)
        memcpy(groups, user->groups, user->group_count * sizeof *groups);
    groups[user->group_count++] = slice_str(group);
    user->groups = groups;
}

static bool has_text(struct authn_texts texts, struct slice text)
{
    for (size_t i = 0; i < texts.count; i++)
        if (slice_eq(texts.items[i], text))
            return true;
    return false;
}

struct authn_texts authn_intersect(struct arena *arena, struct authn_texts a, struct authn_texts b)
{
    struct slice *items = arena_alloc(arena, (a.count + 1) * sizeof *items);
    struct authn_texts both = {items, 0};
    for (size_t i = 0; i < a.count; i++)
        if (has_text(b, a.items[i]))
            items[both.count++] = a.items[i];
    return both;
}

bool authn_stored(struct authn *authn, struct arena *arena, const char *resource, struct slice namespace,
                  struct slice name, struct store_record *ret)
{
    const struct schema_resource *found = schema_find_resource(SLICE(""), SLICE("v1"), slice_str(resource));
    cleanup_store_read struct store_read *read = store_read_begin(authn->server->store, 0, NULL);
    if (!read || !name.len || !store_get(read, object_key(arena, found, namespace, name), ret))
        return false;
    ret->value = arena_dup(arena, ret->value);
    ret->header = arena_dup(arena, ret->header);
    return true;
}

/* ---- certificates ---- */

static enum authn_result by_certificate(struct authn *authn, struct arena *arena,
                                        const struct http_request *request, struct user *ret)
{
    (void)authn;
    const struct http_peer *peer = request->peer;
    if (!peer || !peer->has_cert)
        return AUTHN_NOT_MINE;
    if (!peer->verified)
        return AUTHN_NO;
    if (peer->common_name.len == 0)
        return AUTHN_NOT_MINE;
    ret->name = peer->common_name;
    ret->groups = peer->organizations;
    ret->group_count = peer->organization_count;
    static const char digits[] = "0123456789abcdef";
    char *id = arena_bytes(arena, 11 + 2 * peer->cert_der_sha256.len);
    size_t n = 11;
    memcpy(id, "X509SHA256=", n);
    for (size_t i = 0; i < peer->cert_der_sha256.len; i++) {
        id[n++] = digits[(unsigned char)peer->cert_der_sha256.ptr[i] >> 4];
        id[n++] = digits[peer->cert_der_sha256.ptr[i] & 15];
    }
    ret->credential_id = slice_make(id, n);
    return AUTHN_YES;
}

/* ---- proxies that say who it is ---- */

static bool is_header(struct slice name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.ptr, wanted, name.len) == 0;
}

static struct slice first_value(const struct http_request *request, const struct auth_list *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        for (size_t h = 0; h < request->header_count; h++)
            if (is_header(request->headers[h].name, headers->items[i]) && request->headers[h].value.len)
                return request->headers[h].value;
    return SLICE("");
}

static void read_groups(struct arena *arena, const struct http_request *request,
                        const struct auth_list *headers, struct user *user)
{
    struct slice *groups = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < headers->count; i++)
        for (size_t h = 0; h < request->header_count; h++)
            if (is_header(request->headers[h].name, headers->items[i]) && request->headers[h].value.len)
                *(struct slice *)arena_push(arena, &groups, &user->group_count, &capacity, sizeof *groups) =
                    request->headers[h].value;
    user->groups = groups;
}

static void read_extra(struct arena *arena, const struct http_request *request,
                       const struct auth_list *prefixes, struct user *user)
{
    for (size_t i = 0; i < prefixes->count; i++)
        for (size_t h = 0; h < request->header_count; h++) {
            struct slice name = request->headers[h].name;
            size_t len = strlen(prefixes->items[i]);
            if (name.len > len && strncasecmp(name.ptr, prefixes->items[i], len) == 0)
                user_add_extra(arena, user, user_extra_key(arena, slice_from(name, len)),
                               request->headers[h].value);
        }
}

static bool is_allowed_proxy(const struct auth_config *config, struct slice name)
{
    for (size_t i = 0; i < config->proxy_names.count; i++)
        if (slice_is(name, config->proxy_names.items[i]))
            return true;
    return config->proxy_names.count == 0;
}

static enum authn_result by_proxy(struct authn *authn, struct arena *arena,
                                  const struct http_request *request, struct user *ret)
{
    const struct auth_config *c = authn->config;
    if (!c->proxy_ca_file || !request->peer || !request->peer->has_cert)
        return AUTHN_NOT_MINE;
    if (!request->peer->proxy_verified || !is_allowed_proxy(c, request->peer->common_name))
        return AUTHN_NO;
    ret->name = first_value(request, &c->proxy_user_headers);
    if (!ret->name.len)
        return AUTHN_NOT_MINE;
    ret->uid = first_value(request, &c->proxy_uid_headers);
    read_groups(arena, request, &c->proxy_group_headers, ret);
    read_extra(arena, request, &c->proxy_extra_prefixes, ret);
    return AUTHN_YES;
}

/* ---- tokens ---- */

static enum authn_result by_file(struct authn *authn, struct arena *arena, const struct authn_token *token,
                                 struct authn_answer *ret)
{
    const struct user *user = authn->file ? token_file_find(authn->file, token->token) : NULL;
    if (!user)
        return AUTHN_NOT_MINE;
    ret->user = *user;
    ret->audiences = authn_intersect(arena, token->audiences, authn_audiences(authn));
    return AUTHN_YES;
}

static enum authn_result (*const token_rows[])(struct authn *, struct arena *, const struct authn_token *,
                                               struct authn_answer *) = {
    by_file, authn_by_account, authn_by_bootstrap, authn_by_oidc, /* after those whose keys are here */
};

static const char *join(struct arena *arena, const char *before, const char *why)
{
    return before && why ? arena_printf(arena, "%s, %s", before, why) : why ? why : before;
}

enum authn_result authn_check_token(struct authn *authn, struct arena *arena, const struct authn_token *token,
                                    struct authn_answer *ret)
{
    const char *reasons = NULL;
    size_t refusals = 0;
    for (size_t i = 0; i < sizeof token_rows / sizeof *token_rows; i++) {
        *ret = (struct authn_answer){0};
        enum authn_result result = token_rows[i](authn, arena, token, ret);
        if (result == AUTHN_YES) {
            authn_add_group(arena, &ret->user, GROUP_AUTHENTICATED);
            return AUTHN_YES;
        }
        refusals += result == AUTHN_NO;
        reasons = join(arena, reasons, result == AUTHN_NO ? ret->why : NULL);
    }
    *ret = (struct authn_answer){.why = refusals > 1 ? arena_printf(arena, "[%s]", reasons) : reasons};
    if (!ret->why)
        ret->why = "invalid bearer token";
    return AUTHN_NO;
}

/* "Bearer x", or the protocol by which browsers send a token with a web socket. Empty: none. */
static struct slice token_of(struct arena *arena, const struct http_request *request)
{
    static const char protocol[] = "base64url.bearer.authorization.k8s.io.";
    struct slice rest = http_header_get(request, "authorization"), scheme, token = SLICE("");
    while (rest.len && *rest.ptr == ' ')
        rest = slice_from(rest, 1);
    if (rest.ptr && slice_split(&rest, ' ', &scheme) && scheme.len == 6 &&
        strncasecmp(scheme.ptr, "bearer", 6) == 0 && slice_split(&rest, ' ', &token) && token.len)
        return token;
    rest = http_header_get(request, "sec-websocket-protocol");
    while (rest.ptr && slice_split(&rest, ',', &token)) {
        while (token.len && *token.ptr == ' ')
            token = slice_from(token, 1);
        if (slice_starts(token, SLICE(protocol)) &&
            base64url_decode(arena, slice_from(token, sizeof protocol - 1), &token))
            return token;
    }
    return SLICE("");
}

static enum authn_result by_token(struct authn *authn, struct arena *arena,
                                  const struct http_request *request, struct user *ret)
{
    struct authn_answer answer;
    struct authn_token token = {token_of(arena, request), authn_audiences(authn)};
    if (!token.token.len)
        return AUTHN_NOT_MINE;
    if (authn_check_token(authn, arena, &token, &answer) != AUTHN_YES)
        return AUTHN_NO;
    *ret = answer.user;
    return AUTHN_YES;
}

/* ---- the union ---- */

static enum authn_result (*const rows[])(struct authn *, struct arena *, const struct http_request *,
                                         struct user *) = {
    by_proxy, /* before the certificate: it is the proxy's, not the user's */
    by_certificate,
    by_token,
};

bool authn_request(struct authn *authn, struct arena *arena, const struct http_request *request,
                   bool anonymous, struct user *ret)
{
    bool bad = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        *ret = (struct user){0};
        enum authn_result result = rows[i](authn, arena, request, ret);
        bad |= result == AUTHN_NO;
        if (result != AUTHN_YES)
            continue;
        authn_add_group(arena, ret, GROUP_AUTHENTICATED);
        return true;
    }
    *ret = (struct user){0};
    if (bad || !anonymous)
        return false;
    ret->name = SLICE(USER_ANONYMOUS);
    authn_add_group(arena, ret, GROUP_UNAUTHENTICATED);
    return true;
}
