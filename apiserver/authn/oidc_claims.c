#include "apiserver/authn/oidc_claims.h"

static bool no(const char **ret_why, const char *why)
{
    *ret_why = why;
    return false;
}

static bool is_for_client(struct arena *arena, const struct oidc_rules *rules, const json_t *claims)
{
    struct slice *audiences;
    size_t count;
    if (!jwt_texts(arena, json_object_get(claims, "aud"), &audiences, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (slice_is(audiences[i], rules->client_id))
            return true;
    return false;
}

static bool has_required(const struct oidc_rules *rules, const json_t *claims)
{
    for (size_t i = 0; i < rules->required_count; i++) {
        struct slice rest = slice_str(rules->required[i]), name;
        slice_split(&rest, '=', &name);
        char text[256];
        if (name.len >= sizeof text)
            return false;
        memcpy(text, name.ptr, name.len);
        text[name.len] = 0;
        if (!json_is_string(json_object_get(claims, text)) || !slice_eq(jwt_text(claims, text), rest))
            return false;
    }
    return true;
}

static struct slice prefixed(struct arena *arena, const char *prefix, struct slice text)
{
    return prefix && *prefix ? arena_slicef(arena, "%s%.*s", prefix, SLICE_ARG(text)) : text;
}

static bool read_name(struct arena *arena, const struct oidc_rules *rules, const json_t *claims,
                      struct user *ret, const char **ret_why)
{
    bool email = strcmp(rules->username_claim, "email") == 0;
    const json_t *verified = json_object_get(claims, "email_verified");
    struct slice name = jwt_text(claims, rules->username_claim);
    if (!name.len)
        return no(ret_why, "oidc: the token has no claim that names the user");
    if (email && verified && !json_is_true(verified))
        return no(ret_why, "oidc: email not verified");
    const char *prefix = rules->username_prefix;
    if (prefix && strcmp(prefix, "-") == 0)
        prefix = "";
    else if (!prefix && !email)
        prefix = arena_printf(arena, "%s#", rules->issuer);
    ret->name = prefixed(arena, prefix, name);
    return true;
}

static bool read_groups(struct arena *arena, const struct oidc_rules *rules, const json_t *claims,
                        struct user *ret, const char **ret_why)
{
    struct slice *groups;
    if (!rules->groups_claim)
        return true;
    if (!jwt_texts(arena, json_object_get(claims, rules->groups_claim), &groups, &ret->group_count))
        return no(ret_why, "oidc: the claim of the groups holds something else than texts");
    for (size_t i = 0; i < ret->group_count; i++)
        groups[i] = prefixed(arena, rules->groups_prefix, groups[i]);
    ret->groups = groups;
    return true;
}

bool oidc_claims_user(struct arena *arena, const struct oidc_rules *rules, const json_t *claims, int64_t now,
                      struct user *ret, const char **ret_why)
{
    int64_t expires;
    *ret = (struct user){0};
    if (!slice_is(jwt_text(claims, "iss"), rules->issuer))
        return no(ret_why, "oidc: the issuer is another");
    if (!is_for_client(arena, rules, claims))
        return no(ret_why, "oidc: verify token: oidc: expected audience is not in the token");
    if (!jwt_seconds(claims, "exp", &expires) || now >= expires ||
        jwt_check_times(claims, now) != JWT_TIME_OK)
        return no(ret_why, "oidc: verify token: oidc: token is expired");
    if (!has_required(rules, claims))
        return no(ret_why, "oidc: a required claim is missing or another");
    struct slice id = jwt_text(claims, "jti");
    if (id.len)
        ret->credential_id = arena_slicef(arena, "JTI=%.*s", SLICE_ARG(id));
    return read_name(arena, rules, claims, ret, ret_why) && read_groups(arena, rules, claims, ret, ret_why);
}
