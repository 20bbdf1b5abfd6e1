#include "storage/observer.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/clock.h"

enum { MAX_PREFIXES = 8, MAX_QUEUE = 1 << 16 };

struct observed {
    struct observer *observer;
    struct slice prefix; /* owned */
    struct hub_watch *watch;
};

struct observer {
    struct store *store;
    struct hub_loop *loop;
    struct observer_config config;
    struct observed observed[MAX_PREFIXES];
    pthread_t thread;
    bool lost; /* a watch ended: begin them all again */

    pthread_mutex_t lock; /* what follows */
    pthread_cond_t wake;
    bool kicked, stopping, stopped;
    void (*posted)(void *arg);
    void *posted_arg;
};

static void post(void *arg, void (*fn)(void *arg), void *fn_arg)
{
    struct observer *o = arg;
    pthread_mutex_lock(&o->lock);
    o->posted = fn;
    o->posted_arg = fn_arg;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
}

void observer_kick(struct observer *o)
{
    pthread_mutex_lock(&o->lock);
    o->kicked = true;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
}

/* ---- the thread ---- */

static void on_ready(void *arg)
{
    (void)arg; /* take_events looks at all queues */
}

static void on_end(void *arg, enum hub_end why)
{
    struct observed *observed = arg;
    observed->observer->lost |= why != HUB_CLOSED;
}

static void stop_watches(struct observer *o)
{
    for (unsigned i = 0; i < o->config.count; i++)
        if (o->observed[i].watch)
            hub_stop(steal(&o->observed[i].watch));
}

static void start_watches(struct observer *o)
{
    uint64_t after = store_revision(o->store);
    for (unsigned i = 0; i < o->config.count; i++) {
        const struct hub_watcher watcher = {.prefix = o->observed[i].prefix,
                                            .on_ready = on_ready,
                                            .on_end = on_end,
                                            .arg = &o->observed[i],
                                            .max_queue = MAX_QUEUE,
                                            .internal = true};
        o->observed[i].watch = hub_start(o->loop, &watcher, after);
    }
}

/* True when one of them matters. */
static bool take_events(struct observer *o)
{
    bool matters = false;
    for (unsigned i = 0; i < o->config.count; i++) {
        struct store_event *event;
        while (o->observed[i].watch && (event = hub_next(o->observed[i].watch))) {
            matters |= !o->config.concerns || o->config.concerns(o->config.arg, i, event);
            store_event_unref(event);
        }
    }
    if (!o->lost)
        return matters;
    o->lost = false;
    stop_watches(o);
    start_watches(o);
    return true;
}

static bool run_posted(struct observer *o)
{
    pthread_mutex_lock(&o->lock);
    void (*fn)(void *arg) = o->posted;
    void *arg = o->posted_arg;
    o->posted = NULL;
    pthread_mutex_unlock(&o->lock);
    if (fn)
        fn(arg);
    return fn != NULL;
}

/* Waits for something to do; false: the end. *ret_due: somebody asked for a run. */
static bool wait(struct observer *o, int64_t deadline, bool *ret_due)
{
    struct timespec at = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    int code = 0;
    pthread_mutex_lock(&o->lock);
    while (!o->posted && !o->kicked && !o->stopping && code == 0)
        code = deadline == INT64_MAX ? pthread_cond_wait(&o->wake, &o->lock)
                                     : pthread_cond_timedwait(&o->wake, &o->lock, &at);
    *ret_due = o->kicked || code != 0;
    o->kicked = false;
    bool go_on = !o->stopping;
    pthread_mutex_unlock(&o->lock);
    return go_on;
}

static int64_t run_once(struct observer *o)
{
    int64_t millis = o->config.run(o->config.arg);
    return millis < 0 ? INT64_MAX : clock_mono_nanos() + millis * 1000000;
}

static void *run(void *arg)
{
    struct observer *o = arg;
    bool due;
    pthread_setname_np(pthread_self(), o->config.name);
    start_watches(o);
    int64_t deadline = run_once(o);
    while (wait(o, deadline, &due)) {
        if (run_posted(o))
            due |= take_events(o);
        if (due)
            deadline = run_once(o);
    }
    stop_watches(o);
    return NULL;
}

/* ---- life ---- */

struct observer *observer_new(struct store *store, struct hub *hub, const struct observer_config *config)
{
    struct observer *o = xcalloc(1, sizeof *o);
    pthread_condattr_t monotonic;
    o->store = store;
    o->config = *config;
    pthread_mutex_init(&o->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&o->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (unsigned i = 0; i < config->count; i++) {
        o->observed[i].observer = o;
        o->observed[i].prefix = slice_make(slice_strdup(config->prefixes[i]), config->prefixes[i].len);
    }
    o->loop = hub_add_loop(hub, post, o);
    pthread_create(&o->thread, NULL, run, o);
    return o;
}

void observer_stop(struct observer *o)
{
    if (!o || o->stopped)
        return;
    pthread_mutex_lock(&o->lock);
    o->stopping = true;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    o->stopped = true;
}

void observer_free(struct observer *o)
{
    if (!o)
        return;
    run_posted(o); /* what the hub posted before it went frees the loop */
    for (unsigned i = 0; i < o->config.count; i++)
        free((char *)o->observed[i].prefix.ptr);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->wake);
    free(o);
}
