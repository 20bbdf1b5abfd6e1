#include "apiserver/user.h"

#include "apiserver/query.h"
#include "openapi/gen/authentication_v1.h"
#include "openapi/value.h"

void user_add_extra(struct arena *arena, struct user *user, struct slice key, struct slice value)
{
    struct user_extra *extra = (struct user_extra *)user->extra, *at = NULL; /* the arena's own */
    for (size_t i = 0; i < user->extra_count; i++)
        if (slice_eq(extra[i].key, key))
            at = &extra[i];
    if (!at) {
        extra = arena_alloc(arena, (user->extra_count + 1) * sizeof *extra);
        if (user->extra_count)
            memcpy(extra, user->extra, user->extra_count * sizeof *extra);
        at = &extra[user->extra_count++];
        *at = (struct user_extra){.key = key};
        user->extra = extra;
    }
    struct slice *values = arena_alloc(arena, (at->count + 1) * sizeof *values);
    if (at->count)
        memcpy(values, at->values, at->count * sizeof *values);
    values[at->count++] = value;
    at->values = values;
}

struct slice user_extra_key(struct arena *arena, struct slice text)
{
    struct slice key;
    char *lower = arena_strdup(arena, text);
    for (size_t i = 0; i < text.len; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] + 32);
    return query_unescape(arena, slice_make(lower, text.len), false, &key) ? key
                                                                           : slice_make(lower, text.len);
}

void user_put(struct arena *arena, struct value *info, const struct user *user)
{
    *value_mut(info, authentication_v1_UserInfo_username) = value_of_string(user->name);
    if (user->uid.len)
        *value_mut(info, authentication_v1_UserInfo_uid) = value_of_string(user->uid);
    value_append_texts(arena, value_mut(info, authentication_v1_UserInfo_groups), user->groups,
                       user->group_count);
    struct value *extra = value_mut(info, authentication_v1_UserInfo_extra);
    if (user->credential_id.len)
        value_append_texts(arena,
                           value_put(arena, extra, SLICE("authentication.kubernetes.io/credential-id")),
                           &user->credential_id, 1);
    for (size_t i = 0; i < user->extra_count; i++)
        value_append_texts(arena, value_put(arena, extra, user->extra[i].key), user->extra[i].values,
                           user->extra[i].count);
}
