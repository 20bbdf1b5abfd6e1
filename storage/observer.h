/*
 * observer: a thread that keeps the world in step with some resources of the store: it runs when something
 * below its prefixes has changed, when it asked to, and when it is kicked. Level-triggered: changes that come
 * together make one run, which looks at the store as it is then and does what is needed; nothing depends on
 * single events having been seen.
 *
 * Threads: the callbacks run on the observer's own thread, one at a time; observer_kick from any.
 */
#ifndef STORAGE_OBSERVER_H
#define STORAGE_OBSERVER_H

#include "storage/hub.h"

struct observer;

struct observer_config {
    const char *name;             /* of the thread, at most 15 characters */
    const struct slice *prefixes; /* "/registry/services/"; copied */
    unsigned count;               /* at most 8 */
    /* Whether this change matters; NULL: all do. */
    bool (*concerns)(void *arg, unsigned prefix, const struct store_event *event);
    /* Returns after how many milliseconds to run again though nothing changed; -1: not before something does.
     */
    int64_t (*run)(void *arg);
    void *arg;
};

/* The first run comes at once. */
struct observer *observer_new(struct store *store, struct hub *hub, const struct observer_config *config);
void observer_kick(struct observer *observer);
/* Waits for the run that is under way, ends the thread and its watches: before hub_free. NULL is allowed. */
void observer_stop(struct observer *observer);
/* After hub_free. NULL is allowed. */
void observer_free(struct observer *observer);

#endif
