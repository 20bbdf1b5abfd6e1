/* write_lookup: how admission plugins see the rest of the cluster, and ask what the user may do. */
#include "admission/admission.h"
#include "apiserver/authz.h"
#include "apiserver/commit.h"
#include "apiserver/write.h"

enum { LOOP_OBJECTS = 32 }; /* more than these are looked at on a worker */

static bool lookup_get(void *arg, struct arena *arena, const struct schema_resource *resource,
                       struct slice namespace, struct slice name, struct value *ret)
{
    struct request *req = arg;
    return write_get_other(req->server, arena, resource, namespace, name, ret, NULL);
}

struct lookup_walk {
    struct request *req;
    size_t seen;
    struct arena *arena;
    const struct schema_resource *resource;
    bool (*each)(void *each_arg, const struct value *object);
    void *each_arg;
};

static bool lookup_each(void *arg, const struct store_record *record)
{
    struct lookup_walk *walk = arg;
    struct value object;
    if (++walk->seen > LOOP_OBJECTS && !commit_leave_loop(walk->req))
        return false;
    return !object_decode(walk->arena, walk->resource, record->value, true, &object, NULL) ||
           walk->each(walk->each_arg, &object);
}

static void lookup_list(void *arg, struct arena *arena, const struct schema_resource *resource,
                        struct slice namespace, bool (*each)(void *each_arg, const struct value *object),
                        void *each_arg)
{
    struct request *req = arg;
    struct lookup_walk walk = {req, 0, arena, resource, each, each_arg};
    struct slice prefix = object_prefix(req->arena, resource, namespace); /* `arena` may be reset by each() */
    cleanup_store_read struct store_read *read = store_read_begin(req->server->store, 0, NULL);
    if (read)
        store_range(read, &(struct store_range){.prefix = prefix, .each = lookup_each, .arg = &walk});
}

static bool lookup_may(void *arg, const char *verb, const char *group, const char *resource,
                       struct slice namespace, struct slice name)
{
    struct request *req = arg;
    struct authz_attributes a = {.user = &req->user,
                                 .verb = verb,
                                 .is_resource = true,
                                 .group = slice_str(group),
                                 .version = SLICE("*"),
                                 .resource = slice_str(resource),
                                 .namespace = namespace,
                                 .name = name};
    return authz_decide(req->server->authz, &a, NULL).decision == AUTHZ_ALLOW;
}

const struct admission_lookup *write_lookup(struct request *req)
{
    struct admission_lookup *lookup = arena_alloc(req->arena, sizeof *lookup);
    *lookup = (struct admission_lookup){lookup_get, lookup_list, lookup_may, req};
    return lookup;
}
