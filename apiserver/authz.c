#include "apiserver/authz.h"

const char *const authz_public_paths[] = {"/healthz", "/livez", "/readyz", "/version", NULL};

static struct authz_answer masters(const struct authz_attributes *a)
{
    bool yes = user_in_group(a->user, GROUP_MASTERS);
    return (struct authz_answer){yes ? AUTHZ_ALLOW : AUTHZ_NO_OPINION, NULL};
}

bool authz_is_public(struct slice path)
{
    for (size_t i = 0; authz_public_paths[i]; i++) {
        struct slice open = slice_str(authz_public_paths[i]);
        if (slice_eq(path, open) || (slice_starts(path, open) && path.ptr[open.len] == '/'))
            return true;
    }
    return false;
}

/* What upstream's system:public-info-viewer opens to everybody. */
static struct authz_answer public_paths(const struct authz_attributes *a)
{
    bool open = !a->is_resource && strcmp(a->verb, "get") == 0 && authz_is_public(a->path);
    return (struct authz_answer){open ? AUTHZ_ALLOW : AUTHZ_NO_OPINION, open ? "the path is open to everybody" : NULL};
}

static struct authz_answer (*const chain[])(const struct authz_attributes *) = {masters, public_paths};

struct authz_answer authz_decide(const struct authz_attributes *attributes)
{
    for (size_t i = 0; i < sizeof chain / sizeof *chain; i++) {
        struct authz_answer answer = chain[i](attributes);
        if (answer.decision != AUTHZ_NO_OPINION)
            return answer;
    }
    return (struct authz_answer){AUTHZ_NO_OPINION, NULL};
}

static void forbid_resource(const struct authz_attributes *a, struct error *err)
{
    struct arena *arena = err->arena;
    const char *dot = a->group.len ? "." : "";
    const char *what = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(a->resource), dot, SLICE_ARG(a->group));
    const char *name = a->name.len ? arena_printf(arena, " \"%.*s\"", SLICE_ARG(a->name)) : "";
    const char *sub = a->subresource.len ? arena_printf(arena, "/%.*s", SLICE_ARG(a->subresource)) : "";
    const char *where = a->namespace.len ? arena_printf(arena, "in the namespace \"%.*s\"", SLICE_ARG(a->namespace))
                                         : "at the cluster scope";
    error_set(err, REASON_FORBIDDEN,
              "%s%s is forbidden: User \"%.*s\" cannot %s resource \"%.*s%s\" in API group \"%.*s\" %s", what, name,
              SLICE_ARG(a->user->name), a->verb, SLICE_ARG(a->resource), sub, SLICE_ARG(a->group), where);
    error_about(err, a->group, a->resource, a->name);
}

bool authz_check(const struct authz_attributes *a, struct error *err)
{
    if (authz_decide(a).decision == AUTHZ_ALLOW)
        return true;
    if (a->is_resource) {
        forbid_resource(a, err);
        return false;
    }
    err->has_details = true;
    return error_set(err, REASON_FORBIDDEN, "forbidden: User \"%.*s\" cannot %s path \"%.*s\"",
                     SLICE_ARG(a->user->name), a->verb, SLICE_ARG(a->path));
}
