/*
 * impersonate: acting for somebody else with the Impersonate-* headers, if the real user may.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
#include <strings.h>

#include "apiserver/authn.h"
#include "apiserver/authz.h"
#include "apiserver/request.h"

static const char extra_prefix[] = "impersonate-extra-";

static struct slice *collect(struct request *req, const char *header, size_t *ret_count)
{
    struct slice *values = NULL;
    size_t capacity = 0;
    *ret_count = 0;
    for (size_t i = 0; i < req->http->header_count; i++)
        if (slice_is(req->http->headers[i].name, header))
            *(struct slice *)arena_push(req->arena, &values, ret_count, &capacity, sizeof *values) =
                req->http->headers[i].value;
    return values;
}

static bool may(struct request *req, const char *group, const char *resource, const char *subresource,
                struct slice namespace, struct slice name)
{
    struct authz_attributes a = {
        .user = &req->real_user,
        .verb = "impersonate",
        .is_resource = true,
        .group = slice_str(group),
        .version = SLICE("v1"),
        .resource = slice_str(resource),
        .subresource = slice_str(subresource),
        .namespace = namespace,
        .name = name,
    };
    return authz_check(req->server->authz, &a, &req->err);
}

/* "system:serviceaccount:ns:name" has the groups of every service account without asking for them. */
static bool service_account_parts(struct slice name, struct slice *ret_namespace, struct slice *ret_name)
{
    struct slice prefix = SLICE("system:serviceaccount:");
    if (!slice_starts(name, prefix))
        return false;
    struct slice rest = slice_from(name, prefix.len);
    return slice_split(&rest, ':', ret_namespace) && rest.ptr && (*ret_name = rest, rest.len > 0);
}

static bool impersonate_extra(struct request *req, struct user *user)
{
    for (size_t i = 0; i < req->http->header_count; i++) {
        struct slice name = req->http->headers[i].name, value = req->http->headers[i].value;
        if (!slice_starts(name, SLICE(extra_prefix)))
            continue;
        struct slice key = user_extra_key(req->arena, slice_from(name, strlen(extra_prefix)));
        if (!may(req, "authentication.k8s.io", "userextras", arena_strdup(req->arena, key), SLICE(""), value))
            return false;
        user_add_extra(req->arena, user, key, value);
    }
    return true;
}

static void default_groups(struct request *req, struct user *user)
{
    struct slice namespace, name;
    if (user->group_count == 0 && service_account_parts(user->name, &namespace, &name)) {
        authn_add_group(req->arena, user, "system:serviceaccounts");
        authn_add_group(req->arena, user,
                        arena_printf(req->arena, "system:serviceaccounts:%.*s", SLICE_ARG(namespace)));
    }
    bool anonymous = slice_is(user->name, USER_ANONYMOUS);
    authn_add_group(req->arena, user, anonymous ? GROUP_UNAUTHENTICATED : GROUP_AUTHENTICATED);
}

bool stage_impersonate(struct request *req)
{
    struct user user = {.name = http_header_get(req->http, "impersonate-user")};
    struct slice uid = http_header_get(req->http, "impersonate-uid"), namespace, name;
    user.groups = collect(req, "impersonate-group", &user.group_count);
    bool extra = false;
    for (size_t i = 0; i < req->http->header_count; i++)
        extra |= slice_starts(req->http->headers[i].name, SLICE(extra_prefix));
    if (!user.name.len) {
        if (!user.group_count && !extra && !uid.len)
            return true;
        return error_set(
            &req->err, REASON_INTERNAL,
            "Internal error occurred: requested [groups, extra or uid] without impersonating a user");
    }
    bool ok = service_account_parts(user.name, &namespace, &name)
                  ? may(req, "", "serviceaccounts", "", namespace, name)
                  : may(req, "", "users", "", SLICE(""), user.name);
    for (size_t i = 0; ok && i < user.group_count; i++)
        ok = may(req, "", "groups", "", SLICE(""), user.groups[i]);
    if (ok && uid.len) {
        ok = may(req, "authentication.k8s.io", "uids", "", SLICE(""), uid);
        user.uid = uid;
    }
    if (!ok || !impersonate_extra(req, &user))
        return false;
    default_groups(req, &user);
    req->user = user;
    return true;
}
