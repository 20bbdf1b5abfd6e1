#include "apiserver/user.h"

#include "apiserver/query.h"

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
