#include "storage/follow.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/log.h"

enum { MAX_PREFIXES = 16, MAX_QUEUE = 1 << 20 };

struct followed {
    struct follower *follower;
    struct slice prefix; /* owned */
    struct hub_watch *watch;
};

struct follower {
    struct store *store;
    struct hub_loop *loop;
    struct follow_config config;
    struct followed followed[MAX_PREFIXES];

    pthread_mutex_t lock; /* all but the two below */
    bool lost;
    unsigned telling; /* the prefix whose records are being told */

    pthread_mutex_t post_lock;
    atomic_bool pending;
    void (*posted)(void *arg);
    void *posted_arg;
};

/* The writer's thread (or the hub's): leaves the work to who syncs next. */
static void post(void *arg, void (*fn)(void *arg), void *fn_arg)
{
    struct follower *f = arg;
    pthread_mutex_lock(&f->post_lock);
    f->posted = fn;
    f->posted_arg = fn_arg;
    atomic_store(&f->pending, true);
    pthread_mutex_unlock(&f->post_lock);
}

static void on_ready(void *arg)
{
    (void)arg; /* every sync looks at all queues */
}

static void on_end(void *arg, enum hub_end why)
{
    struct followed *followed = arg;
    followed->follower->lost |= why != HUB_CLOSED;
}

static bool tell(void *arg, const struct store_record *record)
{
    struct follower *f = arg;
    struct follow_change change = {
        .prefix = f->telling, .key = record->key, .header = record->header, .value = record->value};
    f->config.changed(f->config.arg, &change);
    return true;
}

static bool start(struct follower *f, struct error *err)
{
    cleanup_store_read struct store_read *read = store_read_begin(f->store, 0, err);
    if (!read)
        return false;
    for (unsigned i = 0; i < f->config.count; i++) {
        struct hub_watcher watcher = {.prefix = f->followed[i].prefix,
                                      .on_ready = on_ready,
                                      .on_end = on_end,
                                      .arg = &f->followed[i],
                                      .max_queue = MAX_QUEUE,
                                      .internal = true};
        f->telling = i;
        store_range(read, &(struct store_range){.prefix = f->followed[i].prefix, .each = tell, .arg = f});
        f->followed[i].watch = hub_start(f->loop, &watcher, store_read_revision(read));
    }
    return true;
}

static void stop(struct follower *f)
{
    for (unsigned i = 0; i < f->config.count; i++)
        if (f->followed[i].watch)
            hub_stop(steal(&f->followed[i].watch));
}

struct follower *follower_new(struct store *store, struct hub *hub, const struct follow_config *config,
                              struct error *err)
{
    struct follower *f = xcalloc(1, sizeof *f);
    f->store = store;
    f->config = *config;
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_init(&f->post_lock, NULL);
    for (unsigned i = 0; i < config->count; i++) {
        f->followed[i].follower = f;
        f->followed[i].prefix = slice_make(slice_strdup(config->prefixes[i]), config->prefixes[i].len);
    }
    f->loop = hub_add_loop(hub, post, f);
    if (!start(f, err))
        f->lost = true;
    atomic_store(&f->pending, f->lost);
    return f;
}

static void run_posted(struct follower *f)
{
    pthread_mutex_lock(&f->post_lock);
    void (*fn)(void *arg) = f->posted;
    f->posted = NULL;
    pthread_mutex_unlock(&f->post_lock);
    if (fn)
        fn(f->posted_arg);
}

static void apply(struct follower *f, unsigned prefix)
{
    struct store_event *event;
    while (f->followed[prefix].watch && (event = hub_next(f->followed[prefix].watch))) {
        struct follow_change change = {
            .prefix = prefix, .key = event->key, .gone = event->change == STORE_DELETED};
        if (!change.gone) {
            change.header = event->header;
            change.value = event->value;
        }
        f->config.changed(f->config.arg, &change);
        store_event_unref(event);
    }
}

static void tell_again(struct follower *f)
{
    cleanup_error struct error err = ERROR_INIT;
    stop(f);
    f->lost = false;
    f->config.reset(f->config.arg);
    if (start(f, &err))
        return;
    f->lost = true; /* the next sync tries again */
    log_error("an index cannot be read from the store", LOG_S("error", err.message));
}

/* Only now, when all is applied: whoever finds nothing pending must find it so. */
static void settle(struct follower *f)
{
    pthread_mutex_lock(&f->post_lock);
    atomic_store(&f->pending, f->posted || f->lost);
    pthread_mutex_unlock(&f->post_lock);
}

void follower_sync(struct follower *f)
{
    if (!atomic_load_explicit(&f->pending, memory_order_acquire))
        return;
    pthread_mutex_lock(&f->lock);
    run_posted(f);
    for (unsigned i = 0; i < f->config.count; i++)
        apply(f, i);
    if (f->lost)
        tell_again(f);
    settle(f);
    pthread_mutex_unlock(&f->lock);
}

void follower_stop(struct follower *f)
{
    if (!f)
        return;
    run_posted(f);
    stop(f);
}

void follower_free(struct follower *f)
{
    if (!f)
        return;
    run_posted(f); /* what the hub posted before it went frees the loop */
    for (unsigned i = 0; i < f->config.count; i++)
        free((char *)f->followed[i].prefix.ptr);
    pthread_mutex_destroy(&f->lock);
    pthread_mutex_destroy(&f->post_lock);
    free(f);
}
