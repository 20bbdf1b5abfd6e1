#include "apiserver/custom_registry.h"

#include "apiserver/catalogue.h"
#include "apiserver/custom/definition.h"
#include "apiserver/object.h"
#include "base/alloc.h"
#include "base/log.h"
#include "openapi/gen/apiextensions_v1.h"
#include "storage/follow.h"

struct custom_registry {
    struct server *server;
    struct follower *follower;
    /* Under the follower's lock: by name. */
    struct custom_definition **items;
    size_t count, capacity;
    bool starting;
};

/* ---- what the catalogue shows ---- */

/* The part owns a reference to each definition, so that what it points to lives as long as a snapshot does.
 */
struct part {
    struct catalogue_part part;
    struct custom_definition **definitions;
    size_t definition_count;
    const struct schema_resource **resources;
    struct schema_group_version *group_versions;
    const struct schema_group_version **items;
};

static void free_part(struct catalogue_part *base)
{
    struct part *p = (struct part *)base;
    for (size_t i = 0; i < p->definition_count; i++)
        custom_definition_unref(p->definitions[i]);
    free(p->definitions);
    free(p->resources);
    free(p->group_versions);
    free(p->items);
    free(p);
}

static int by_place(const void *a, const void *b)
{
    const struct schema_resource *x = *(const struct schema_resource *const *)a,
                                 *y = *(const struct schema_resource *const *)b;
    int c = strcmp(x->group, y->group);
    c = c ? c : strcmp(x->version, y->version);
    return c ? c : strcmp(x->name, y->name);
}

static bool same_group_version(const struct schema_resource *a, const struct schema_resource *b)
{
    return strcmp(a->group, b->group) == 0 && strcmp(a->version, b->version) == 0;
}

static void set_group_versions(struct part *p, size_t count)
{
    size_t groups = 0;
    p->group_versions = xcalloc(count + 1, sizeof *p->group_versions);
    p->items = xcalloc(count + 1, sizeof(struct schema_group_version *));
    for (size_t i = 0; i < count; i++) {
        const struct schema_resource *r = p->resources[i];
        if (i == 0 || !same_group_version(p->resources[i - 1], r)) {
            p->group_versions[groups] = (struct schema_group_version){
                .group = r->group,
                .version = r->version,
                .group_priority = CATALOGUE_CUSTOM_GROUP_PRIORITY,
                .version_priority = CATALOGUE_CUSTOM_VERSION_PRIORITY,
                .resources = &p->resources[i],
            };
            p->items[groups] = &p->group_versions[groups];
            groups++;
        }
        p->group_versions[groups - 1].resource_count++;
    }
    p->part.items = p->items;
    p->part.count = groups;
}

static void publish(struct custom_registry *r)
{
    struct part *p = xcalloc(1, sizeof *p);
    size_t most = 0, count = 0;
    atomic_init(&p->part.refs, 1);
    p->part.release = free_part;
    p->definitions = xcalloc(r->count + 1, sizeof(struct custom_definition *));
    for (size_t i = 0; i < r->count; i++)
        most += r->items[i]->version_count;
    p->resources = xcalloc(most + 1, sizeof(struct schema_resource *));
    for (size_t i = 0; i < r->count; i++) {
        struct custom_definition *d = r->items[i];
        if (!d->established)
            continue;
        p->definitions[p->definition_count++] = custom_definition_ref(d);
        for (unsigned v = 0; v < d->version_count; v++)
            if (d->versions[v].served)
                p->resources[count++] = d->versions[v].resource;
    }
    if (count)
        qsort(p->resources, count, sizeof(struct schema_resource *), by_place);
    set_group_versions(p, count);
    catalogues_publish(r->server->catalogues, CATALOGUE_CUSTOM, &p->part);
}

/* ---- following the store ---- */

static size_t place_of(const struct custom_registry *r, struct slice name, bool *ret_found)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (slice_cmp(slice_str(r->items[middle]->name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < r->count && slice_is(name, r->items[low]->name);
    return low;
}

static void insert(struct custom_registry *r, size_t at, struct custom_definition *d)
{
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 64;
        r->items = xrealloc(r->items, r->capacity * sizeof(struct custom_definition *));
    }
    memmove(&r->items[at + 1], &r->items[at], (r->count - at) * sizeof(struct custom_definition *));
    r->items[at] = d;
    r->count++;
}

static struct custom_definition *read_definition(struct slice value)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    struct value tree;
    if (!decode_json(arena, &apiextensions_v1_CustomResourceDefinition, value, &tree, NULL, &err)) {
        log_error("a definition of a custom resource cannot be read", LOG_S("error", err.message));
        return NULL;
    }
    return custom_definition_new(&tree, object_version(&tree));
}

/* Compiled schemas and pinned tables live on where nothing changed but conditions that say nothing here. */
static bool is_same(const struct custom_definition *a, const struct custom_definition *b)
{
    return a && b && a->fingerprint == b->fingerprint && a->established == b->established &&
           a->terminating == b->terminating && strcmp(a->uid, b->uid) == 0;
}

static void changed(void *arg, const struct follow_change *change)
{
    struct custom_registry *r = arg;
    bool found;
    size_t at = place_of(r, object_key_name(change->key), &found);
    struct custom_definition *now = change->gone ? NULL : read_definition(change->value),
                             *was = found ? r->items[at] : NULL;
    if (is_same(was, now)) {
        custom_definition_unref(now);
        return;
    }
    if (found) {
        memmove(&r->items[at], &r->items[at + 1], (r->count - at - 1) * sizeof(struct custom_definition *));
        r->count--;
    }
    if (now)
        insert(r, at, now);
    bool shows = (was && was->established) || (now && now->established);
    custom_definition_unref(was);
    if (shows && !r->starting)
        publish(r);
}

static void forget(void *arg)
{
    struct custom_registry *r = arg;
    for (size_t i = 0; i < r->count; i++)
        custom_definition_unref(r->items[i]);
    r->count = 0;
}

struct custom_registry *custom_registry_new(struct server *server, struct error *err)
{
    static const struct slice prefix = {"/registry/customresourcedefinitions.apiextensions.k8s.io/",
                                        sizeof "/registry/customresourcedefinitions.apiextensions.k8s.io/" -
                                            1};
    struct custom_registry *r = xcalloc(1, sizeof *r);
    r->server = server;
    r->starting = true;
    struct follow_config config = {
        .prefixes = &prefix, .count = 1, .changed = changed, .reset = forget, .arg = r};
    r->follower = follower_new(server->store, server->hub, &config, err);
    r->starting = false;
    publish(r);
    return r;
}

void custom_registry_sync(struct custom_registry *r)
{
    follower_sync(r->follower);
}

void custom_registry_stop(struct custom_registry *r)
{
    follower_stop(r->follower);
}

void custom_registry_free(struct custom_registry *r)
{
    if (!r)
        return;
    follower_free(r->follower);
    forget(r);
    free(r->items);
    free(r);
}
