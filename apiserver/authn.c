#include "apiserver/authn.h"

#include <strings.h>

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

static enum authn_result client_certificate(struct arena *arena, const struct http_request *request,
                                            struct user *ret)
{
    const struct http_peer *peer = request->peer;
    if (!peer || !peer->has_cert)
        return AUTHN_NOT_MINE;
    if (!peer->verified || peer->common_name.len == 0)
        return AUTHN_NO;
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

/* A bearer token that no authenticator knows is a bad credential, not an anonymous request. */
static enum authn_result unknown_token(struct arena *arena, const struct http_request *request,
                                       struct user *ret)
{
    (void)arena;
    (void)ret;
    struct slice value = http_header_get(request, "authorization");
    return value.len > 7 && strncasecmp(value.ptr, "bearer ", 7) == 0 ? AUTHN_NO : AUTHN_NOT_MINE;
}

static const struct authenticator chain[] = {
    {"x509", client_certificate},
    {"token", unknown_token}, /* last: what came before had its chance with the token */
};

bool authn_request(struct arena *arena, const struct http_request *request, bool anonymous, struct user *ret)
{
    *ret = (struct user){0};
    for (size_t i = 0; i < sizeof chain / sizeof *chain; i++) {
        switch (chain[i].authenticate(arena, request, ret)) {
        case AUTHN_YES:
            authn_add_group(arena, ret, GROUP_AUTHENTICATED);
            return true;
        case AUTHN_NO:
            return false;
        case AUTHN_NOT_MINE:
            break;
        }
    }
    if (!anonymous)
        return false;
    ret->name = SLICE(USER_ANONYMOUS);
    authn_add_group(arena, ret, GROUP_UNAUTHENTICATED);
    return true;
}
