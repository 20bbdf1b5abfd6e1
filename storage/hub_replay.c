/*
 * The thread that reads the distant past for watches that start there. It starts when first needed. One
 * stretch at a time per watch, no larger than the watch's queue, so a watch that reads slowly costs no
 * memory, only more stretches.
 */
#include "storage/hub_internal.h"

#include "base/alloc.h"
#include "base/log.h"

static void keep(struct hub_watch *watch, struct store_event *event)
{
    if (watch->stretch.count == watch->stretch.capacity) {
        watch->stretch.capacity = watch->stretch.capacity ? watch->stretch.capacity * 2 : 16;
        watch->stretch.events =
            xrealloc(watch->stretch.events, watch->stretch.capacity * sizeof *watch->stretch.events);
    }
    watch->stretch.events[watch->stretch.count++] = store_event_ref(event);
    watch->stretch.bytes += store_event_bytes(event);
}

static bool is_full(const struct hub_watch *watch)
{
    return watch->stretch.count >= watch->watcher.max_queue || watch->stretch.bytes >= HUB_QUEUE_BYTES;
}

/* Ends the stretch between two revisions only, so that the next can start after one. */
static bool take_event(void *arg, struct store_event *event)
{
    struct hub_watch *watch = arg;
    if (is_full(watch) && event->revision > watch->stretch.events[watch->stretch.count - 1]->revision)
        return false;
    if (hub_matches(watch, event->key))
        keep(watch, event);
    return true;
}

static void read_stretch(struct hub_watch *watch)
{
    struct hub *hub = watch->loop->hub;
    uint64_t until = atomic_load(&hub->seen);
    cleanup_error struct error err = ERROR_INIT;
    watch->stretch.failed = !store_replay(hub->store, watch->watcher.prefix, watch->stretch.after, until,
                                          take_event, watch, &err);
    if (watch->stretch.failed && err.reason != REASON_EXPIRED)
        log_error("watch: the log cannot be read", LOG_S("cause", err.message));
    watch->stretch.reached =
        is_full(watch) ? watch->stretch.events[watch->stretch.count - 1]->revision : until;
}

static struct hub_watch *next_job(struct hub *hub)
{
    pthread_mutex_lock(&hub->replay_lock);
    while (!hub->jobs && !hub->replayer_stop)
        pthread_cond_wait(&hub->replay_cond, &hub->replay_lock);
    struct hub_watch *job = hub->replayer_stop ? NULL : hub->jobs;
    if (job) {
        hub->jobs = job->stretch.next;
        if (!hub->jobs)
            hub->jobs_tail = &hub->jobs;
    }
    pthread_mutex_unlock(&hub->replay_lock);
    return job;
}

static void *replayer_main(void *arg)
{
    struct hub *hub = arg;
    struct hub_watch *job;
    while ((job = next_job(hub))) {
        read_stretch(job);
        hub_deliver(job);
    }
    return NULL;
}

static void start_replayer(struct hub *hub)
{
    if (pthread_create(&hub->replayer, NULL, replayer_main, hub) != 0) {
        log_error("watch: cannot start the replay thread; tried again with the next watch");
        return;
    }
    pthread_setname_np(hub->replayer, "watch-replay");
    hub->replayer_started = true;
}

void hub_replay_submit(struct hub_watch *watch)
{
    struct hub *hub = watch->loop->hub;
    watch->in_flight = true;
    watch->stretch.next = NULL;
    watch->stretch.after = watch->position;
    pthread_mutex_lock(&hub->replay_lock);
    *hub->jobs_tail = watch;
    hub->jobs_tail = &watch->stretch.next;
    if (!hub->replayer_started)
        start_replayer(hub);
    pthread_cond_signal(&hub->replay_cond);
    pthread_mutex_unlock(&hub->replay_lock);
}

void hub_replay_stop(struct hub *hub)
{
    pthread_mutex_lock(&hub->replay_lock);
    hub->replayer_stop = true;
    pthread_cond_signal(&hub->replay_cond);
    pthread_mutex_unlock(&hub->replay_lock);
    if (hub->replayer_started)
        pthread_join(hub->replayer, NULL);
    while (hub->jobs) {
        struct hub_watch *job = hub->jobs;
        hub->jobs = job->stretch.next;
        hub_watch_free(job);
    }
}
