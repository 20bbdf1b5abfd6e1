#include "apiserver/custom_controller.h"

#include <pthread.h>

#include "apiserver/custom/definition.h"
#include "apiserver/deletion.h"
#include "apiserver/kinds/crd_status.h"
#include "apiserver/write.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "openapi/gen/apiextensions_v1.h"

enum { MAX_QUEUE = 100000, RETRY_MILLIS = 1000 };

/* What is remembered of each definition, so that a thousand of them are not read again for every one that
 * changes. */
struct known {
    struct arena *arena; /* of its texts */
    const char *name, *group;
    struct value tree; /* only the status's accepted names; see remember() */
    bool waits;        /* to be looked at again when names become free, or when its instances may have gone */
    bool terminating;
};

struct custom_controller {
    struct server *server;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what is posted and `stop` */
    pthread_cond_t wake;
    struct posted {
        void (*fn)(void *arg);
        void *arg;
    } * posted;
    size_t posted_count, posted_capacity;
    bool stop, running;
    /* Of the thread. */
    struct hub_loop *loop;
    struct hub_watch *watch;
    bool lost;
    struct known **known; /* sorted by name */
    size_t known_count, known_capacity;
};

static const struct slice prefix = {"/registry/customresourcedefinitions.apiextensions.k8s.io/",
                                    sizeof "/registry/customresourcedefinitions.apiextensions.k8s.io/" - 1};

static const struct schema_resource *definitions(void)
{
    return schema_find_resource(SLICE("apiextensions.k8s.io"), SLICE("v1"),
                                SLICE("customresourcedefinitions"));
}

/* ---- what is known ---- */

static size_t place_of(const struct custom_controller *c, struct slice name, bool *ret_found)
{
    size_t low = 0, high = c->known_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (slice_cmp(slice_str(c->known[middle]->name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < c->known_count && slice_is(name, c->known[low]->name);
    return low;
}

static void forget(struct custom_controller *c, struct slice name)
{
    bool found;
    size_t at = place_of(c, name, &found);
    if (!found)
        return;
    arena_free(c->known[at]->arena);
    memmove(&c->known[at], &c->known[at + 1], (c->known_count - at - 1) * sizeof(struct known *));
    c->known_count--;
}

static struct known *remember(struct custom_controller *c, const struct value *definition)
{
    struct slice name = object_text(definition, meta_v1_ObjectMeta_name);
    struct arena *arena = arena_new();
    struct known *k = arena_zalloc(arena, sizeof *k);
    k->arena = arena;
    k->name = arena_strdup(arena, name);
    k->group = arena_strdup(arena, value_text(value_path(definition, "spec.group")));
    k->terminating = value_is_set(value_at(object_meta(definition), meta_v1_ObjectMeta_deletionTimestamp));
    k->waits = k->terminating || !crd_status_is(definition, "NamesAccepted");
    struct value status = value_new_record(arena, &apiextensions_v1_CustomResourceDefinitionStatus);
    *value_mut(&status, apiextensions_v1_CustomResourceDefinitionStatus_acceptedNames) =
        value_copy(arena, value_path(definition, "status.acceptedNames"), true);
    k->tree = value_new_record(arena, &apiextensions_v1_CustomResourceDefinition);
    *value_mut(&k->tree, apiextensions_v1_CustomResourceDefinition_status) = status;
    forget(c, name);
    bool found;
    size_t at = place_of(c, name, &found);
    if (c->known_count == c->known_capacity) {
        c->known_capacity = c->known_capacity ? c->known_capacity * 2 : 64;
        c->known = xrealloc(c->known, c->known_capacity * sizeof(struct known *));
    }
    memmove(&c->known[at + 1], &c->known[at], (c->known_count - at) * sizeof(struct known *));
    c->known[at] = k;
    c->known_count++;
    return k;
}

static struct crd_taken taken_in(const struct custom_controller *c, struct arena *arena, struct slice group)
{
    struct crd_taken taken = {.arena = arena};
    for (size_t i = 0; i < c->known_count; i++)
        if (slice_is(group, c->known[i]->group))
            crd_taken_add(&taken, &c->known[i]->tree);
    return taken;
}

/* ---- one step of one definition ---- */

struct step {
    struct custom_controller *controller;
    struct request *req;
    bool (*take)(struct step *step, struct value *definition);
    struct value now; /* as it is after */
    bool changed, instances_gone;
};

static bool change(struct request *req, const struct value *current, struct value *ret_new, void *arg)
{
    struct step *step = arg;
    if (!current)
        return false;
    *ret_new = value_copy(req->arena, current, false);
    step->changed = step->take(step, ret_new);
    step->now = *ret_new;
    return true;
}

/* False: it could not be stored, or is not there. */
static bool take_step(struct custom_controller *c, struct slice name, const char *subresource,
                      bool (*take)(struct step *step, struct value *definition), struct step *ret)
{
    cleanup_arena struct arena *arena = arena_new();
    struct request *req =
        request_internal(c->server, arena, definitions(), slice_make("", 0), name, subresource);
    struct written written;
    *ret = (struct step){.controller = c, .req = req, .take = take, .instances_gone = ret->instances_gone};
    bool good = write_update(req, change, ret, &written);
    if (!good && req->err.reason != REASON_NOT_FOUND)
        log_error("the state of a custom resource definition cannot be written",
                  LOG_S("name", arena_strdup(arena, name)), LOG_S("error", req->err.message));
    if (good && ret->changed)
        remember(c, &written.object);
    error_release(&req->err);
    return good;
}

static bool advance(struct step *step, struct value *definition)
{
    struct arena *arena = step->req->arena;
    struct crd_taken taken =
        taken_in(step->controller, arena, value_text(value_path(definition, "spec.group")));
    return crd_status_advance(arena, definition, &taken, clock_now_seconds());
}

static bool begin_deletion(struct step *step, struct value *definition)
{
    return crd_status_set(step->req->arena, definition, "Terminating", "True", "InstanceDeletionInProgress",
                          "CustomResource deletion is in progress", clock_now_seconds());
}

static bool end_deletion(struct step *step, struct value *definition)
{
    object_set_finalizer(step->req->arena, definition, CRD_FINALIZER, false);
    return true;
}

/* ---- instances ---- */

static bool is_built_in(struct slice group, struct slice resource)
{
    for (unsigned i = 0; i < schema_group_version_count; i++)
        if (slice_is(group, schema_group_versions[i].group) &&
            schema_find_resource(group, slice_str(schema_group_versions[i].version), resource))
            return true;
    return false;
}

struct keys {
    struct arena *arena;
    struct slice *items;
    size_t count, capacity;
};

static bool add_key(void *arg, const struct store_record *record)
{
    struct keys *keys = arg;
    struct slice *slot = arena_push(keys->arena, &keys->items, &keys->count, &keys->capacity, sizeof *slot);
    *slot = arena_dup(keys->arena, record->key);
    return true;
}

static void delete_one(struct custom_controller *c, const struct schema_resource *resource, struct slice key)
{
    cleanup_arena struct arena *arena = arena_new();
    struct request *req = request_internal(c->server, arena, resource, object_key_namespace(resource, key),
                                           object_key_name(key), "");
    struct delete_options options = {.grace_seconds = -1};
    struct written written;
    bool gone;
    if (!deletion_run(req, &options, &written, &gone) && req->err.reason != REASON_NOT_FOUND)
        log_error("an instance of a custom resource cannot be deleted", LOG_S("error", req->err.message));
    error_release(&req->err);
}

/* True: none is left. */
static bool delete_instances(struct custom_controller *c, const struct value *definition)
{
    cleanup_arena struct arena *arena = arena_new();
    struct slice group = value_text(value_path(definition, "spec.group"));
    const struct value *names = value_path(definition, "status.acceptedNames");
    struct slice plural = value_text(value_get(names, SLICE("plural")));
    if (!crd_status_is(definition, "Established") || is_built_in(group, plural))
        return true;
    struct custom_definition *d = custom_definition_new(definition, 0);
    if (!d)
        return true;
    struct keys keys = {.arena = arena};
    struct slice instances = object_prefix(arena, d->storage->resource, slice_make("", 0));
    custom_schema(d->storage);
    {
        cleanup_store_read struct store_read *read = store_read_begin(c->server->store, 0, NULL);
        if (read)
            store_range(read, &(struct store_range){.prefix = instances, .each = add_key, .arg = &keys});
    }
    for (size_t i = 0; i < keys.count; i++)
        delete_one(c, d->storage->resource, keys.items[i]);
    custom_definition_unref(d);
    return store_count(c->server->store, instances) == 0;
}

/* ---- reconciling ---- */

static bool load(struct custom_controller *c, struct arena *arena, struct slice name, struct value *ret)
{
    return write_get_other(c->server, arena, definitions(), slice_make("", 0), name, ret, NULL);
}

static void take_away(struct custom_controller *c, struct slice name, const struct value *definition)
{
    struct step step = {0};
    if (!object_has_finalizer(definition, CRD_FINALIZER))
        return;
    if (!take_step(c, name, "status", begin_deletion, &step))
        return;
    if (delete_instances(c, definition))
        take_step(c, name, "", end_deletion, &step);
}

static void reconcile(struct custom_controller *c, struct slice name)
{
    enum { MAX_STEPS = 4 };
    cleanup_arena struct arena *arena = arena_new();
    struct value definition;
    if (!load(c, arena, name, &definition)) {
        forget(c, name);
        return;
    }
    if (remember(c, &definition)->terminating) {
        take_away(c, name, &definition);
        return;
    }
    struct crd_taken taken = taken_in(c, arena, value_text(value_path(&definition, "spec.group")));
    if (!crd_status_advance(arena, &definition, &taken, clock_now_seconds()))
        return; /* nothing to write */
    struct step step = {.changed = true};
    for (int i = 0; i < MAX_STEPS && step.changed; i++)
        if (!take_step(c, name, "status", advance, &step))
            return;
}

/* Names may have become free, instances may have gone. */
static void reconcile_waiting(struct custom_controller *c, bool terminating)
{
    cleanup_arena struct arena *arena = arena_new();
    struct slice *names = arena_alloc(arena, (c->known_count + 1) * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < c->known_count; i++)
        if (c->known[i]->waits && c->known[i]->terminating == terminating)
            names[count++] = arena_dup(arena, slice_str(c->known[i]->name));
    for (size_t i = 0; i < count; i++)
        reconcile(c, names[i]);
}

/* ---- the thread ---- */

static void post(void *arg, void (*fn)(void *arg), void *fn_arg)
{
    struct custom_controller *c = arg;
    pthread_mutex_lock(&c->lock);
    if (c->posted_count == c->posted_capacity) {
        c->posted_capacity = c->posted_capacity ? c->posted_capacity * 2 : 16;
        c->posted = xrealloc(c->posted, c->posted_capacity * sizeof *c->posted);
    }
    c->posted[c->posted_count++] = (struct posted){fn, fn_arg};
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

/* Runs what was posted; waits for it, or for the time to look again at what waits. False: the end. */
static bool run_posted(struct custom_controller *c)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RETRY_MILLIS / 1000;
    bool deleting = false;
    for (size_t i = 0; i < c->known_count; i++)
        deleting |= c->known[i]->terminating;
    pthread_mutex_lock(&c->lock);
    while (!c->stop && !c->posted_count)
        if (!deleting)
            pthread_cond_wait(&c->wake, &c->lock);
        else if (pthread_cond_timedwait(&c->wake, &c->lock, &until) != 0)
            break;
    bool stop = c->stop;
    struct posted *posted = steal(&c->posted);
    size_t count = c->posted_count;
    c->posted_count = c->posted_capacity = 0;
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < count; i++)
        posted[i].fn(posted[i].arg);
    free(posted);
    return !stop;
}

static void on_ready(void *arg)
{
    (void)arg; /* the thread looks at the queue after every message */
}

static void on_end(void *arg, enum hub_end why)
{
    struct custom_controller *c = arg;
    c->lost = why != HUB_CLOSED;
}

static void start_watch(struct custom_controller *c)
{
    cleanup_arena struct arena *arena = arena_new();
    struct keys keys = {.arena = arena};
    struct hub_watcher watcher = {.prefix = prefix,
                                  .on_ready = on_ready,
                                  .on_end = on_end,
                                  .arg = c,
                                  .max_queue = MAX_QUEUE,
                                  .internal = true};
    uint64_t revision = 0;
    {
        cleanup_store_read struct store_read *read = store_read_begin(c->server->store, 0, NULL);
        if (!read)
            return;
        revision = store_read_revision(read);
        store_range(read, &(struct store_range){.prefix = prefix, .each = add_key, .arg = &keys});
    }
    c->lost = false;
    c->watch = hub_start(c->loop, &watcher, revision);
    for (size_t i = 0; i < keys.count; i++) { /* all names that are held, before any is given */
        cleanup_arena struct arena *one = arena_new();
        struct value definition;
        if (load(c, one, object_key_name(keys.items[i]), &definition))
            remember(c, &definition);
    }
    for (size_t i = 0; i < keys.count; i++)
        reconcile(c, object_key_name(keys.items[i]));
}

static void drain(struct custom_controller *c)
{
    struct store_event *event;
    while (c->watch && (event = hub_next(c->watch))) {
        bool gone = event->change == STORE_DELETED;
        reconcile(c, object_key_name(event->key));
        store_event_unref(event);
        if (gone)
            reconcile_waiting(c, false);
    }
}

static void *run(void *arg)
{
    struct custom_controller *c = arg;
    start_watch(c);
    while (run_posted(c)) {
        drain(c);
        reconcile_waiting(c, true);
        if (c->lost) {
            hub_stop(steal(&c->watch));
            start_watch(c);
        }
    }
    if (c->watch)
        hub_stop(steal(&c->watch));
    return NULL;
}

struct custom_controller *custom_controller_new(struct server *server)
{
    struct custom_controller *c = xcalloc(1, sizeof *c);
    c->server = server;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, NULL);
    c->loop = hub_add_loop(server->hub, post, c);
    c->running = pthread_create(&c->thread, NULL, run, c) == 0;
    return c;
}

void custom_controller_stop(struct custom_controller *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    if (c->running)
        pthread_join(c->thread, NULL);
    c->running = false;
}

void custom_controller_free(struct custom_controller *c)
{
    if (!c)
        return;
    while (c->known_count)
        forget(c, slice_str(c->known[0]->name));
    free(c->known);
    free(c->posted);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->wake);
    free(c);
}
