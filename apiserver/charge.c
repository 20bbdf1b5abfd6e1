#include "apiserver/charge.h"

#include <stdlib.h>
#include "apiserver/commit.h"
#include "apiserver/object.h"
#include "base/alloc.h"

enum { LOCKS = 64 }; /* namespaces share them by hash */

struct charge_locks {
    pthread_mutex_t locks[LOCKS];
};

struct charge_locks *charge_locks_new(void)
{
    struct charge_locks *all = xmalloc(sizeof *all);
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&all->locks[i], NULL);
    return all;
}

void charge_locks_free(struct charge_locks *all)
{
    for (size_t i = 0; all && i < LOCKS; i++)
        pthread_mutex_destroy(&all->locks[i]);
    free(all);
}

static bool add_op(struct request *req, struct admission_charge *item, struct charge *charge)
{
    struct stored stored;
    uint64_t expect = object_version(&item->object);
    struct slice namespace = object_text(&item->object, meta_v1_ObjectMeta_namespace);
    struct slice name = object_text(&item->object, meta_v1_ObjectMeta_name);
    if (!object_encode(req->arena, item->resource, &item->object, &stored, &req->err))
        return false;
    charge->ops[charge->count++] = (struct store_op){
        .type = STORE_PUT,
        .key = object_key(req->arena, item->resource, namespace, name),
        .expect = expect,
        .header = stored.header,
        .value = stored.value,
        .splice = stored.splice,
    };
    return true;
}

static bool collect(struct request *req, struct admission_request *admission, struct charge *charge)
{
    struct admission_charges charges = {0};
    admission->charges = &charges;
    bool ok = admission_charge(admission, &req->err);
    admission->charges = NULL;
    charge->ops = arena_alloc(req->arena, (charges.count + 1) * sizeof *charge->ops);
    for (size_t i = 0; ok && !req->write.dry_run && i < charges.count; i++)
        ok = add_op(req, &charges.items[i], charge);
    return ok;
}

bool charge_begin(struct request *req, struct admission_request *admission, struct charge *ret)
{
    const struct schema_resource *quotas =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("resourcequotas"));
    struct slice namespace = req->info.namespace;
    *ret = (struct charge){0};
    if (!req->resource->namespaced || !namespace.len ||
        !store_count(req->server->store, object_prefix(req->arena, quotas, namespace)))
        return true;
    if (!commit_leave_loop(req)) /* turns are waited for */
        return false;
    ret->held = &req->server->charge_locks->locks[schema_hash(namespace.ptr, namespace.len) % LOCKS];
    pthread_mutex_lock(ret->held);
    if (collect(req, admission, ret))
        return true;
    charge_end(ret);
    return false;
}

void charge_end(struct charge *charge)
{
    if (charge->held)
        pthread_mutex_unlock(charge->held);
    charge->held = NULL;
}
