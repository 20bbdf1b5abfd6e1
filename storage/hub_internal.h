/*
 * hub_internal: what hub.c (the writer's side: groups and fan-out), hub_window.c (the recent past),
 * hub_watch.c (the loops' side: watches and their queues) and hub_replay.c (the thread that reads the distant
 * past) share.
 *
 * Locks, in the order they may nest: hub->lock, then loop->lock. hub->lock guards groups, window and
 * interest; the writer takes it once per batch, a loop when a watch starts, ends or catches up. loop->lock
 * guards the loop's inbox. The rest of a loop, and the lists of its watches in the groups, are its thread's
 * own.
 *
 * A watch is either live (events come through its loop's inbox) or catching up (a stretch of the past is put
 * into its queue; when that is used up, the next stretch or, once the window reaches back far enough, live).
 * `position` is a revision up to which all has been queued; a live watch takes only events above it: nothing
 * is seen twice where past and present meet, and nothing is left out because going live and the hub's `seen`
 * are looked at under one lock.
 */
#ifndef STORAGE_HUB_INTERNAL_H
#define STORAGE_HUB_INTERNAL_H

#include <pthread.h>
#include "storage/event.h"
#include "storage/hub.h"

enum { HUB_MAX_LOOPS = 32, HUB_BUCKETS = 256, HUB_WINDOW_BYTES = 8 << 20, HUB_QUEUE_BYTES = 16 << 20 };

/* The live watches of one loop on one resource. Loop thread only. */
struct hub_list {
    struct hub_watch **items; /* NULL: left during a drain */
    size_t count, capacity;
    bool dirty; /* has holes; on loop->dirty */
    struct hub_list *next_dirty;
};

/* One resource; hub->everything stands for watches that span several. Never freed before the hub. */
struct hub_group {
    struct hub_group *next; /* in its bucket */
    struct slice resource;  /* owned */
    /* under hub->lock */
    uint64_t complete_since; /* the window has all events of this resource after this revision */
    uint64_t *recent;        /* ring: places in the window, oldest first */
    size_t recent_head, recent_count, recent_capacity;
    uint32_t interest[HUB_MAX_LOOPS];
    struct hub_list lists[HUB_MAX_LOOPS];
};

struct window_slot {
    struct store_event *event; /* NULL: gone before its turn */
    struct hub_group *group;
};

/* All recent events in order of revision; each group knows which are its own. */
struct hub_window {
    struct window_slot *slots; /* ring; slot n is slots[n & (capacity - 1)] */
    uint64_t head, tail;
    size_t capacity, bytes;
};

struct inbox_item {
    struct store_event *event;
    struct hub_group *group;
};

struct hub_inbox {
    struct inbox_item *items;
    size_t count, capacity;
};

struct hub_loop {
    struct hub *hub;
    unsigned index;
    hub_post_fn post;
    void *post_arg;

    pthread_mutex_t lock;
    bool posted;  /* hub_drain will run */
    bool orphan;  /* the hub is gone: hub_drain only frees */
    bool closing; /* hub_drain ends all watches */
    struct hub_inbox inbox;
    struct hub_watch *delivered; /* stretches that are ready */
    _Atomic bool has_events;     /* in the inbox */

    /* the loop thread's own */
    uint64_t drained; /* all events for this loop up to here are in the queues */
    bool draining;
    struct hub_inbox taken;
    struct hub_list *dirty;
    struct hub_watch *all, *dead; /* dead: stopped during a drain, freed at its end */
};

enum watch_state {
    WATCH_LIVE,
    WATCH_WAITING,   /* a stretch is on its way */
    WATCH_CONSUMING, /* a stretch is queued */
    WATCH_ENDED,
};

struct hub_watch {
    struct hub_loop *loop;
    struct hub_group *group;
    struct hub_watcher watcher;
    char *prefix_text; /* the watcher's prefix, owned */
    enum watch_state state;
    bool stopped, in_flight; /* in_flight: with the replay thread, or delivered and not yet looked at */
    bool told;               /* on_ready was called since the queue was last empty */
    uint64_t position;
    size_t list_index;
    struct hub_watch *prev, *next; /* loop->all */
    struct hub_watch *next_dead;   /* loop->dead */

    struct store_event **queue; /* ring */
    size_t head, count, capacity;
    size_t bytes; /* of the events in the queue: a queue is full by number or by HUB_QUEUE_BYTES */

    /* One stretch of the past: the replay thread's between submit and delivery, the loop's otherwise. */
    struct {
        struct hub_watch *next;
        uint64_t after, reached;
        struct store_event **events;
        size_t count, capacity, bytes;
        bool failed;
    } stretch;
};

struct hub {
    struct store *store;
    size_t window_events;  /* per resource */
    _Atomic uint64_t seen; /* fed up to here, inboxes included */
    _Atomic uint64_t watches;

    pthread_mutex_t lock;
    bool ready, closing;
    uint64_t start; /* the hub knows nothing of revisions up to here */
    struct hub_loop *loops[HUB_MAX_LOOPS];
    unsigned loop_count;
    struct hub_group *buckets[HUB_BUCKETS];
    struct hub_group everything;
    struct hub_window window;
    struct hub_group **batch_groups; /* scratch of the feed */
    size_t batch_capacity;

    pthread_mutex_t replay_lock;
    pthread_cond_t replay_cond;
    struct hub_watch *jobs, **jobs_tail;
    pthread_t replayer;
    bool replayer_started, replayer_stop;
};

/* hub.c */
/* The group that a watch with this prefix belongs to. Called with hub->lock held. */
struct hub_group *hub_group_of(struct hub *hub, struct slice prefix);
/* Something waits for the loop. Called with loop->lock held; true: the caller posts hub_drain after
 * unlocking. */
bool hub_need_post(struct hub_loop *loop);

/* hub_window.c: all with hub->lock held */
void hub_window_add(struct hub *hub, struct hub_group *group, struct store_event *event);
void hub_window_free(struct hub *hub);
/* The index among the group's recent events of the first one after the revision. */
size_t hub_window_find(const struct hub *hub, const struct hub_group *group, uint64_t after);
struct store_event *hub_window_at(const struct hub *hub, const struct hub_group *group, size_t index);

/* hub_watch.c */
void hub_drain(void *loop);
void hub_loop_free(struct hub_loop *loop);
bool hub_matches(const struct hub_watch *watch, struct slice key);
/* Any thread: the loop will look at the watch's stretch. */
void hub_deliver(struct hub_watch *watch);
/* Frees the watch alone; its loop's lists must not hold it, or never be looked at again. */
void hub_watch_free(struct hub_watch *watch);

/* hub_replay.c */
void hub_replay_submit(struct hub_watch *watch);
void hub_replay_stop(struct hub *hub);

#endif
