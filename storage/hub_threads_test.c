/*
 * The hub under threads: two loops, writers of two resources, watches that start at random revisions, stop,
 * and start again. Each watch counts: its resource's values go up by one with each event, so that a gap or a
 * repeat shows. Built to run under TSan too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

#include "base/random.h"
#include "storage/hub.h"
#include "storage/test_store.h"

enum { LOOPS = 2, WRITES = 1500, WATCHES = 12, RESOURCES = 2 };

struct job {
    struct job *next;
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct job *jobs, **tail;
    bool stop;
    pthread_t thread;
    struct hub_loop *hub_loop;
    struct store *store;
    size_t finished; /* watches that saw the last value; loop thread, read after join */
    size_t restarts;
};

static struct store *store;
static uint64_t revision_of[RESOURCES][WRITES + 1]; /* of value n, by its writer */
static _Atomic uint64_t written[RESOURCES];
static _Atomic size_t finished;

static void post(void *arg, void (*fn)(void *arg), void *fn_arg)
{
    struct loop *loop = arg;
    struct job *job = xmalloc(sizeof *job);
    *job = (struct job){NULL, fn, fn_arg};
    pthread_mutex_lock(&loop->lock);
    *loop->tail = job;
    loop->tail = &job->next;
    pthread_cond_signal(&loop->cond);
    pthread_mutex_unlock(&loop->lock);
}

static void *loop_main(void *arg)
{
    struct loop *loop = arg;
    pthread_mutex_lock(&loop->lock);
    for (;;) {
        while (!loop->jobs && !loop->stop)
            pthread_cond_wait(&loop->cond, &loop->lock);
        struct job *job = loop->jobs;
        if (!job)
            break;
        loop->jobs = job->next;
        if (!loop->jobs)
            loop->tail = &loop->jobs;
        pthread_mutex_unlock(&loop->lock);
        job->fn(job->arg);
        free(job);
        pthread_mutex_lock(&loop->lock);
    }
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

struct watcher {
    struct loop *loop;
    unsigned resource;
    struct hub_watch *watch;
    uint64_t value, revision; /* the last seen */
    uint64_t stop_at;         /* start anew when this value is reached */
};

static void on_ready(void *arg);

static void on_end(void *arg, enum hub_end why)
{
    struct watcher *w = arg;
    /* Falling behind is allowed here: go on from what was seen. */
    if (why != HUB_OVERFLOW)
        abort();
    hub_stop(w->watch);
    w->stop_at = w->value;
    const struct hub_watcher watcher = {.prefix = slice_str(w->resource ? "/registry/b/" : "/registry/a/"),
                                        .on_ready = on_ready,
                                        .on_end = on_end,
                                        .arg = w,
                                        .max_queue = 64};
    w->watch = hub_start(w->loop->hub_loop, &watcher, w->revision);
}

static void start(void *arg)
{
    struct watcher *w = arg;
    const struct hub_watcher watcher = {.prefix = slice_str(w->resource ? "/registry/b/" : "/registry/a/"),
                                        .on_ready = on_ready,
                                        .on_end = on_end,
                                        .arg = w,
                                        .max_queue = 64};
    w->stop_at = w->value + 1 + random_below(400);
    w->watch = hub_start(w->loop->hub_loop, &watcher, w->revision);
}

static void on_ready(void *arg)
{
    struct watcher *w = arg;
    struct store_event *event;
    while ((event = hub_next(w->watch))) {
        uint64_t value = strtoul(
            (char[8]){event->value.ptr[0], event->value.ptr[1], event->value.ptr[2], event->value.ptr[3]},
            NULL, 10);
        if (value != w->value + 1 || event->revision <= w->revision) {
            fprintf(stderr, "resource %u: value %lu at %lu after value %lu at %lu\n", w->resource, value,
                    event->revision, w->value, w->revision);
            abort();
        }
        w->value = value;
        w->revision = event->revision;
        store_event_unref(event);
        if (hub_progress(w->watch) > store_revision(store))
            abort();
        if (value == WRITES) {
            hub_stop(w->watch);
            atomic_fetch_add(&finished, 1);
            return;
        }
        if (value == w->stop_at) { /* what is queued is thrown away and must come again */
            hub_stop(w->watch);
            w->loop->restarts++;
            start(w);
            return;
        }
    }
}

static void *writer(void *arg)
{
    unsigned resource = (unsigned)(uintptr_t)arg;
    for (uint64_t n = 1; n <= WRITES; n++) {
        char key[32], value[8];
        snprintf(key, sizeof key, "/registry/%c/%lu", 'a' + (int)resource, n % 50);
        snprintf(value, sizeof value, "%04lu", n);
        revision_of[resource][n] = test_put(store, key, value);
        atomic_store(&written[resource], n);
    }
    return NULL;
}

static void every_watch_counts_to_the_end(void **state)
{
    char dir[64];
    struct loop loops[LOOPS] = {0};
    struct watcher watchers[WATCHES] = {0};
    pthread_t writers[RESOURCES];
    test_dir(dir);
    store = test_open(dir);
    struct hub *hub = hub_new(store, 32); /* small: starts fall out of it */
    for (size_t i = 0; i < LOOPS; i++) {
        pthread_mutex_init(&loops[i].lock, NULL);
        pthread_cond_init(&loops[i].cond, NULL);
        loops[i].tail = &loops[i].jobs;
        loops[i].hub_loop = hub_add_loop(hub, post, &loops[i]);
        pthread_create(&loops[i].thread, NULL, loop_main, &loops[i]);
    }
    for (uintptr_t i = 0; i < RESOURCES; i++)
        pthread_create(&writers[i], NULL, writer, (void *)i);
    for (unsigned i = 0; i < WATCHES; i++) {
        unsigned resource = i / 2 % RESOURCES;
        uint64_t from = random_below((uint32_t)atomic_load(&written[resource]) + 1);
        watchers[i] = (struct watcher){.loop = &loops[i % LOOPS],
                                       .resource = resource,
                                       .value = from,
                                       .revision = from ? revision_of[resource][from] : 0};
        post(&loops[i % LOOPS], start, &watchers[i]);
    }
    for (size_t i = 0; i < RESOURCES; i++)
        pthread_join(writers[i], NULL);
    while (atomic_load(&finished) < WATCHES)
        sched_yield();
    assert_int_equal(hub_watch_count(hub), 0);
    size_t restarts = 0;
    for (size_t i = 0; i < LOOPS; i++) {
        pthread_mutex_lock(&loops[i].lock);
        loops[i].stop = true;
        pthread_cond_signal(&loops[i].cond);
        pthread_mutex_unlock(&loops[i].lock);
        pthread_join(loops[i].thread, NULL);
        restarts += loops[i].restarts;
    }
    assert_true(restarts > WATCHES);
    hub_free(hub);
    store_close(store);
    test_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_watch_counts_to_the_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
