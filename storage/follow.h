/*
 * follow: keeps something in memory (an index, a cache) in step with some resources of the store. Unlike a
 * watcher, a follower has no loop: the changes wait until somebody is about to use what is kept and calls
 * follower_sync(), which applies them on that thread. So whoever was told that a write succeeded finds it
 * applied.
 *
 * follower_sync costs one atomic read when nothing changed. If changes were lost (too many, or the hub is
 * behind), everything is told again from the store, after `reset`.
 *
 * Threads: follower_sync from any; the callbacks run under the follower's lock, one at a time.
 */
#ifndef STORAGE_FOLLOW_H
#define STORAGE_FOLLOW_H

#include "storage/hub.h"

struct follower;

struct follow_change {
    unsigned prefix; /* which of the prefixes */
    struct slice key;
    struct slice header, value; /* as stored; both empty when it is gone */
    bool gone;
};

struct follow_config {
    const struct slice *prefixes; /* "/registry/roles.rbac.authorization.k8s.io/"; copied */
    unsigned count;               /* at most 16 */
    void (*changed)(void *arg, const struct follow_change *change);
    void (*reset)(void *arg); /* forget everything: all of it follows */
    void *arg;
};

/* Tells all that is there now. Never NULL; err is set when the store cannot be read, and then the first sync
 * tries again. */
struct follower *follower_new(struct store *store, struct hub *hub, const struct follow_config *config,
                              struct error *err);
void follower_sync(struct follower *follower);
/* Ends its watches: before hub_free. No sync may follow. */
void follower_stop(struct follower *follower);
/* After hub_free, which may still post. NULL is allowed. */
void follower_free(struct follower *follower);

#endif
