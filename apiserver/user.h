/* user: who makes a request, once authenticated (and impersonated). Slices live as long as the request. */
#ifndef APISERVER_USER_H
#define APISERVER_USER_H

#include "base/arena.h"

struct value;

struct user_extra {
    struct slice key;
    const struct slice *values;
    size_t count;
};

struct user {
    struct slice name, uid;
    const struct slice *groups;
    size_t group_count;
    const struct user_extra *extra;
    size_t extra_count;
    struct slice credential_id; /* "X509SHA256=...", "JTI=..." or empty */
};

#define USER_ANONYMOUS "system:anonymous"
/* "system:serviceaccount:<namespace>:<name>" */
#define USER_SERVICE_ACCOUNT   "system:serviceaccount:"
#define GROUP_SERVICE_ACCOUNTS "system:serviceaccounts"
#define GROUP_MASTERS          "system:masters"
#define GROUP_AUTHENTICATED    "system:authenticated"
#define GROUP_UNAUTHENTICATED  "system:unauthenticated"

/* Adds a value to the key's. The list must have been made by this function in this arena (or be empty). */
void user_add_extra(struct arena *arena, struct user *user, struct slice key, struct slice value);
/* The key in the rest of a header's name: lower case, percent signs undone. */
struct slice user_extra_key(struct arena *arena, struct slice text);

/* Into an authentication_v1_UserInfo, as whoever asks is shown it. */
void user_put(struct arena *arena, struct value *info, const struct user *user);

static inline bool user_in_group(const struct user *user, const char *group)
{
    for (size_t i = 0; i < user->group_count; i++)
        if (slice_is(user->groups[i], group))
            return true;
    return false;
}

#endif
