/*
 * hub: from one store to many watchers. Keeps a window of recent events per resource prefix, so that a watch
 * that starts a little in the past resumes from memory; hands every event by reference to the event loops
 * that have watchers, one message per loop and batch. A watcher belongs to its loop: all its calls and
 * callbacks run there. A watcher whose queue is full is closed (HUB_OVERFLOW), never waited for.
 *
 * Order: a watcher sees events of its prefix in revision order, none twice, none left out, from the revision
 * after `after`.
 */
#ifndef STORAGE_HUB_H
#define STORAGE_HUB_H

#include "storage/store.h"

struct hub;
struct hub_loop; /* one per event loop */
struct hub_watch;

/* post(post_arg, fn, arg) runs fn(arg) on the loop's thread soon; called from the writer's thread. */
typedef void (*hub_post_fn)(void *post_arg, void (*fn)(void *arg), void *arg);

struct hub *hub_new(struct store *store, size_t window_events); /* becomes the store's feed */
void hub_free(struct hub *hub);                                 /* all watches must have ended */
struct hub_loop *hub_add_loop(struct hub *hub, hub_post_fn post, void *post_arg);

enum hub_end {
    HUB_EXPIRED,  /* `after` is compacted: the watcher gets 410 */
    HUB_OVERFLOW, /* it did not keep up */
    HUB_CLOSED,   /* the server is stopping */
};

struct hub_watcher {
    /* Of the watch's key prefix, or the single key when exact. */
    struct slice prefix;
    bool exact;
    /* Something may be in the queue: call hub_next until it gives NULL. Called once per change from empty to
     * not empty. */
    void (*on_ready)(void *arg);
    /* The watch ends; hub_stop must still be called. */
    void (*on_end)(void *arg, enum hub_end why);
    void *arg;
    size_t max_queue; /* events */
    bool internal;    /* the server's own: not counted */
};

/* Loop thread. Starts after revision `after`. The replay of a distant past happens on a thread of the hub's
 * own. */
struct hub_watch *hub_start(struct hub_loop *loop, const struct hub_watcher *watcher, uint64_t after);
/* Loop thread. The next event (a reference that the caller gives back), or NULL. */
struct store_event *hub_next(struct hub_watch *watch);
/* The newest revision up to which this watch has been given everything once its queue is empty: for
 * bookmarks. */
uint64_t hub_progress(const struct hub_watch *watch);
/* Loop thread. No callback runs after. */
void hub_stop(struct hub_watch *watch);
/* Any thread: ends every watch with HUB_CLOSED. */
void hub_shutdown(struct hub *hub);
uint64_t hub_watch_count(const struct hub *hub);

#endif
