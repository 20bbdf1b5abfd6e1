/*
 * authn_bootstrap: tokens "abcdef.0123456789abcdef" that machines join with, kept in secrets of kube-system.
 * Each is checked against its secret anew for every request. What is wrong with a secret is nobody's business
 * but the log's. Source: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "apiserver/authn_internal.h"
#include "apiserver/object.h"
#include "base/clock.h"
#include "base/log.h"
#include "openapi/gen/core_v1.h"
#include "openapi/scalar.h"
#include "storage/header.h"

enum { ID_LENGTH = 6, SECRET_LENGTH = 16, MAX_GROUP_TAIL = 256 };

static bool is_alphanumeric(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!((text.ptr[i] >= 'a' && text.ptr[i] <= 'z') || (text.ptr[i] >= '0' && text.ptr[i] <= '9')))
            return false;
    return true;
}

static bool split_token(struct slice token, struct slice *ret_id, struct slice *ret_secret)
{
    if (token.len != ID_LENGTH + 1 + SECRET_LENGTH || token.ptr[ID_LENGTH] != '.')
        return false;
    *ret_id = slice_make(token.ptr, ID_LENGTH);
    *ret_secret = slice_from(token, ID_LENGTH + 1);
    return is_alphanumeric(*ret_id) && is_alphanumeric(*ret_secret);
}

static struct slice data_of(struct arena *arena, const struct value *secret, const char *key)
{
    const char *fault;
    struct slice bytes;
    struct slice kept = value_text(value_get(value_at(secret, core_v1_Secret_data), slice_str(key)));
    return scalar_base64_decode(arena, kept, &bytes, &fault) ? bytes : SLICE("");
}

static bool has_expired(struct slice expiration)
{
    int64_t micros;
    return expiration.len && (!clock_parse(expiration, &micros) || micros <= clock_now_micros());
}

static bool is_group(struct slice group)
{
    struct slice prefix = SLICE("system:bootstrappers:"), tail = slice_from(group, prefix.len);
    if (!slice_starts(group, prefix) || !tail.len || tail.len > MAX_GROUP_TAIL)
        return false;
    for (size_t i = 0; i < tail.len; i++)
        if (!is_alphanumeric(slice_make(tail.ptr + i, 1)) &&
            (i + 1 == tail.len || !strchr(":-", tail.ptr[i])))
            return false;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static bool read_groups(struct arena *arena, struct slice extra, struct user *user)
{
    struct slice rest = extra.len ? extra : (struct slice){0}, group;
    authn_add_group(arena, user, "system:bootstrappers");
    while (slice_split(&rest, ',', &group)) {
        if (!is_group(group))
            return false;
        authn_add_group(arena, user, arena_strdup(arena, group));
    }
    qsort((struct slice *)user->groups, user->group_count, sizeof *user->groups,
          by_text); /* the arena's own */
    return true;
}

/* NULL: the secret makes the token good; else what is wrong with it. */
static const char *check(struct arena *arena, const struct value *secret, struct slice id,
                         struct slice token_secret, struct user *ret)
{
    struct slice kept = data_of(arena, secret, "token-secret");
    if (!value_is(value_at(secret, core_v1_Secret_type), "bootstrap.kubernetes.io/token"))
        return "its type is another";
    if (kept.len != token_secret.len || CRYPTO_memcmp(kept.ptr, token_secret.ptr, kept.len) != 0)
        return "its token-secret is another";
    if (!slice_eq(data_of(arena, secret, "token-id"), id))
        return "its token-id is another";
    if (has_expired(data_of(arena, secret, "expiration")))
        return "it has expired";
    if (!slice_is(data_of(arena, secret, "usage-bootstrap-authentication"), "true"))
        return "it is not for authentication";
    if (!read_groups(arena, data_of(arena, secret, "auth-extra-groups"), ret))
        return "auth-extra-groups holds a group that is not allowed";
    ret->name = arena_slicef(arena, "system:bootstrap:%.*s", SLICE_ARG(id));
    return NULL;
}

enum authn_result authn_by_bootstrap(struct authn *authn, struct arena *arena,
                                     const struct authn_token *token, struct authn_answer *ret)
{
    const struct schema_resource *secrets = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("secrets"));
    struct slice id, secret_part;
    struct store_record record;
    struct value secret;
    if (!authn->config->bootstrap_tokens || !split_token(token->token, &id, &secret_part))
        return AUTHN_NOT_MINE;
    struct slice name = arena_slicef(arena, "bootstrap-token-%.*s", SLICE_ARG(id));
    if (!authn_stored(authn, arena, "secrets", SLICE("kube-system"), name, &record) ||
        header_flags(record.header) & HEADER_DELETING ||
        !object_decode(arena, secrets, record.value, false, &secret, NULL))
        return AUTHN_NOT_MINE;
    const char *wrong = check(arena, &secret, id, secret_part, &ret->user);
    if (wrong) {
        log_debug("a bootstrap token does not match its secret", LOG_V("secret", name), LOG_S("why", wrong));
        return AUTHN_NOT_MINE;
    }
    ret->audiences = authn_intersect(arena, token->audiences, authn_audiences(authn));
    return AUTHN_YES;
}
