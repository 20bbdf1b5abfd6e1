#include "storage/hub_internal.h"

#include <assert.h>

#include "base/alloc.h"

enum { FIRST_QUEUE = 8, DEFAULT_MAX_QUEUE = 1000 };

/* ---- a watch's queue ---- */

static void push(struct hub_watch *watch, struct store_event *event)
{
    if (watch->count == watch->capacity) {
        size_t capacity = watch->capacity ? watch->capacity * 2 : FIRST_QUEUE;
        struct store_event **queue = xmalloc(capacity * sizeof *queue);
        for (size_t i = 0; i < watch->count; i++)
            queue[i] = watch->queue[(watch->head + i) & (watch->capacity - 1)];
        free(watch->queue);
        watch->queue = queue;
        watch->head = 0;
        watch->capacity = capacity;
    }
    watch->queue[(watch->head + watch->count++) & (watch->capacity - 1)] = event;
    watch->bytes += store_event_bytes(event);
}

/* Large events fill a queue too: a client that never reads must not hold gigabytes. */
static bool is_full(const struct hub_watch *watch)
{
    return watch->count >= watch->watcher.max_queue || watch->bytes >= HUB_QUEUE_BYTES;
}

static struct store_event *pop(struct hub_watch *watch)
{
    struct store_event *event = watch->queue[watch->head];
    watch->head = (watch->head + 1) & (watch->capacity - 1);
    watch->bytes -= store_event_bytes(event);
    if (!--watch->count)
        watch->told = false;
    return event;
}

static void tell(struct hub_watch *watch)
{
    if (!watch->count || watch->told)
        return;
    watch->told = true;
    watch->watcher.on_ready(watch->watcher.arg);
}

static void drop_stretch(struct hub_watch *watch)
{
    for (size_t i = 0; i < watch->stretch.count; i++)
        store_event_unref(watch->stretch.events[i]);
    free(watch->stretch.events);
    watch->stretch.events = NULL;
    watch->stretch.count = watch->stretch.capacity = watch->stretch.bytes = 0;
}

static void drop_queue(struct hub_watch *watch)
{
    while (watch->count)
        store_event_unref(pop(watch));
    free(watch->queue);
    watch->queue = NULL;
    watch->capacity = watch->head = 0;
}

void hub_watch_free(struct hub_watch *watch)
{
    drop_queue(watch);
    drop_stretch(watch);
    free(watch->prefix_text);
    free(watch);
}

bool hub_matches(const struct hub_watch *watch, struct slice key)
{
    struct slice prefix = watch->watcher.prefix;
    return watch->watcher.exact ? slice_eq(key, prefix) : slice_starts(key, prefix);
}

/* ---- live or not ---- */

static void list_add(struct hub_list *list, struct hub_watch *watch)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 4;
        list->items = xrealloc(list->items, list->capacity * sizeof *list->items);
    }
    watch->list_index = list->count;
    list->items[list->count++] = watch;
}

/* A drain walks the list by index: then only a hole is left, closed at the drain's end. */
static void list_remove(struct hub_loop *loop, struct hub_list *list, struct hub_watch *watch)
{
    if (!loop->draining) {
        struct hub_watch *last = list->items[--list->count];
        list->items[watch->list_index] = last;
        last->list_index = watch->list_index;
        return;
    }
    list->items[watch->list_index] = NULL;
    if (!list->dirty) {
        list->dirty = true;
        list->next_dirty = loop->dirty;
        loop->dirty = list;
    }
}

static void close_holes(struct hub_loop *loop)
{
    while (loop->dirty) {
        struct hub_list *list = loop->dirty;
        size_t kept = 0;
        for (size_t i = 0; i < list->count; i++) {
            if (!list->items[i])
                continue;
            list->items[i]->list_index = kept;
            list->items[kept++] = list->items[i];
        }
        list->count = kept;
        list->dirty = false;
        loop->dirty = list->next_dirty;
    }
}

/* Queues what the window has for the watch; false when the queue is full before its end: the rest follows
 * when that is read. */
static bool queue_recent(struct hub *hub, struct hub_watch *watch)
{
    uint64_t last = watch->position;
    size_t index = hub_window_find(hub, watch->group, watch->position);
    for (; index < watch->group->recent_count; index++) {
        struct store_event *event = hub_window_at(hub, watch->group, index);
        if (!hub_matches(watch, event->key))
            continue;
        if (is_full(watch) && event->revision > last) {
            watch->position = last;
            return false;
        }
        push(watch, store_event_ref(event));
        last = event->revision;
    }
    return true;
}

/* False when the window does not reach back to the watch's position. Else the watch is live, or has a full
 * queue to consume first. */
static bool enter_window(struct hub_watch *watch)
{
    struct hub *hub = watch->loop->hub;
    struct hub_group *group = watch->group;
    pthread_mutex_lock(&hub->lock);
    uint64_t seen = atomic_load(&hub->seen);
    bool behind = watch->position < seen;
    bool reaches = !behind || (group != &hub->everything && group->complete_since <= watch->position);
    if (reaches && behind && !queue_recent(hub, watch)) {
        watch->state = WATCH_CONSUMING;
    } else if (reaches) {
        watch->state = WATCH_LIVE;
        watch->position = behind ? seen : watch->position;
        group->interest[watch->loop->index]++;
        list_add(&group->lists[watch->loop->index], watch);
    }
    pthread_mutex_unlock(&hub->lock);
    return reaches;
}

static void leave(struct hub_watch *watch)
{
    struct hub *hub = watch->loop->hub;
    pthread_mutex_lock(&hub->lock);
    watch->group->interest[watch->loop->index]--;
    pthread_mutex_unlock(&hub->lock);
    list_remove(watch->loop, &watch->group->lists[watch->loop->index], watch);
}

/* The queue is used up: on to the present, or the next stretch of the past. */
static void advance(struct hub_watch *watch)
{
    if (watch->in_flight) /* the first wake is still on its way and comes back here */
        return;
    if (!enter_window(watch)) {
        watch->state = WATCH_WAITING;
        hub_replay_submit(watch);
    }
}

/* ---- ends ---- */

static void end_watch(struct hub_watch *watch, enum hub_end why)
{
    if (watch->state == WATCH_LIVE)
        leave(watch);
    watch->state = WATCH_ENDED;
    drop_queue(watch);
    watch->watcher.on_end(watch->watcher.arg, why);
}

static void unlink_and_free(struct hub_watch *watch)
{
    if (watch->prev)
        watch->prev->next = watch->next;
    else
        watch->loop->all = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    hub_watch_free(watch);
}

/* Frees a stopped watch as soon as nobody else may still look at it. */
static void retire(struct hub_watch *watch)
{
    struct hub_loop *loop = watch->loop;
    if (watch->in_flight)
        return;
    if (loop->draining) {
        watch->next_dead = loop->dead;
        loop->dead = watch;
    } else {
        unlink_and_free(watch);
    }
}

/* ---- the drain ---- */

static void give_list(struct hub_list *list, struct store_event *event)
{
    size_t count = list->count; /* a watch that a callback adds has what is in this drain already */
    for (size_t i = 0; i < count; i++) {
        struct hub_watch *watch = list->items[i];
        if (!watch || event->revision <= watch->position || !hub_matches(watch, event->key))
            continue;
        if (is_full(watch)) {
            end_watch(watch, HUB_OVERFLOW);
            continue;
        }
        push(watch, store_event_ref(event));
        tell(watch);
    }
}

static void give_events(struct hub_loop *loop)
{
    struct hub_group *everything = &loop->hub->everything;
    for (size_t i = 0; i < loop->taken.count; i++) {
        struct inbox_item *item = &loop->taken.items[i];
        give_list(&item->group->lists[loop->index], item->event);
        if (item->group != everything)
            give_list(&everything->lists[loop->index], item->event);
    }
    if (loop->taken.count)
        loop->drained = loop->taken.items[loop->taken.count - 1].event->revision;
    for (size_t i = 0; i < loop->taken.count; i++)
        store_event_unref(loop->taken.items[i].event);
    loop->taken.count = 0;
}

static void queue_stretch(struct hub_watch *watch)
{
    for (size_t i = 0; i < watch->stretch.count; i++)
        push(watch, watch->stretch.events[i]);
    watch->stretch.count = 0;
    drop_stretch(watch);
    if (watch->stretch.reached > watch->position)
        watch->position = watch->stretch.reached;
    watch->state = WATCH_CONSUMING;
}

static void take_delivery(struct hub_watch *watch)
{
    watch->in_flight = false;
    if (watch->stopped) {
        retire(watch);
        return;
    }
    if (watch->state == WATCH_ENDED)
        return;
    if (watch->state == WATCH_WAITING && watch->stretch.failed) {
        end_watch(watch, HUB_EXPIRED);
        return;
    }
    if (watch->state == WATCH_WAITING)
        queue_stretch(watch);
    if (!watch->count && watch->state == WATCH_CONSUMING)
        advance(watch);
    tell(watch);
}

static void end_all(struct hub_loop *loop)
{
    for (struct hub_watch *watch = loop->all; watch; watch = watch->next) {
        if (watch->state != WATCH_ENDED)
            end_watch(watch, HUB_CLOSED);
    }
}

static void free_dead(struct hub_loop *loop)
{
    while (loop->dead) {
        struct hub_watch *watch = loop->dead;
        loop->dead = watch->next_dead;
        unlink_and_free(watch);
    }
}

static void loop_free_now(struct hub_loop *loop)
{
    free(loop->inbox.items);
    free(loop->taken.items);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

void hub_drain(void *arg)
{
    struct hub_loop *loop = arg;
    pthread_mutex_lock(&loop->lock);
    bool orphan = loop->orphan, closing = loop->closing;
    struct hub_watch *delivered = loop->delivered, *next;
    struct hub_inbox empty = loop->taken;
    loop->taken = loop->inbox;
    loop->inbox = empty;
    loop->delivered = NULL;
    loop->posted = false;
    atomic_store(&loop->has_events, false);
    pthread_mutex_unlock(&loop->lock);
    if (orphan) {
        loop_free_now(loop);
        return;
    }
    loop->draining = true;
    give_events(loop);
    if (closing) /* before deliveries, so that none starts anything new */
        end_all(loop);
    for (; delivered; delivered = next) {
        next = delivered->stretch.next;
        take_delivery(delivered);
    }
    loop->draining = false;
    close_holes(loop);
    free_dead(loop);
}

/* The hub is being freed: nothing runs any more but perhaps one posted drain. */
void hub_loop_free(struct hub_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct hub_watch *next;
    for (struct hub_watch *watch = loop->delivered; watch; watch = next) {
        next = watch->stretch.next;
        hub_watch_free(watch);
    }
    for (size_t i = 0; i < loop->inbox.count; i++)
        store_event_unref(loop->inbox.items[i].event);
    loop->delivered = NULL;
    loop->inbox.count = 0;
    loop->orphan = true;
    bool posted = loop->posted;
    pthread_mutex_unlock(&loop->lock);
    if (!posted)
        loop_free_now(loop);
}

void hub_deliver(struct hub_watch *watch)
{
    struct hub_loop *loop = watch->loop;
    pthread_mutex_lock(&loop->lock);
    watch->stretch.next = loop->delivered;
    loop->delivered = watch;
    bool post = hub_need_post(loop);
    pthread_mutex_unlock(&loop->lock);
    if (post)
        loop->post(loop->post_arg, hub_drain, loop);
}

/* ---- the loop's calls ---- */

static struct hub_watch *watch_new(struct hub_loop *loop, const struct hub_watcher *watcher, uint64_t after)
{
    struct hub_watch *watch = xcalloc(1, sizeof *watch);
    watch->loop = loop;
    watch->watcher = *watcher;
    watch->prefix_text = slice_strdup(watcher->prefix);
    watch->watcher.prefix.ptr = watch->prefix_text;
    if (!watcher->max_queue)
        watch->watcher.max_queue = DEFAULT_MAX_QUEUE;
    watch->position = after;
    watch->next = loop->all;
    if (watch->next)
        watch->next->prev = watch;
    loop->all = watch;
    atomic_fetch_add(&loop->hub->watches, !watcher->internal);
    return watch;
}

/* No callback runs inside: the caller has no handle yet. What there is to say comes with a drain. */
struct hub_watch *hub_start(struct hub_loop *loop, const struct hub_watcher *watcher, uint64_t after)
{
    struct hub *hub = loop->hub;
    struct hub_watch *watch = watch_new(loop, watcher, after);
    pthread_mutex_lock(&hub->lock);
    watch->group = hub_group_of(hub, watch->watcher.prefix);
    bool closing = hub->closing;
    pthread_mutex_unlock(&hub->lock);
    if (closing)
        watch->state = WATCH_CONSUMING;
    else
        advance(watch);
    if (closing || (watch->count && !watch->in_flight)) {
        watch->in_flight = true;
        hub_deliver(watch);
    }
    return watch;
}

struct store_event *hub_next(struct hub_watch *watch)
{
    if (!watch->count && watch->state == WATCH_CONSUMING)
        advance(watch);
    return watch->count ? pop(watch) : NULL;
}

uint64_t hub_progress(const struct hub_watch *watch)
{
    const struct hub_loop *loop = watch->loop;
    uint64_t seen = atomic_load(
        &loop->hub->seen); /* before the look at the inbox: what came by then is in the inbox or drained */
    uint64_t reached = watch->position;
    if (watch->state != WATCH_LIVE)
        return reached;
    if (!loop->draining && !atomic_load(&loop->has_events) && seen > reached)
        return seen;
    return loop->drained > reached ? loop->drained : reached;
}

void hub_stop(struct hub_watch *watch)
{
    assert(!watch->stopped);
    if (watch->state == WATCH_LIVE)
        leave(watch);
    watch->state = WATCH_ENDED;
    watch->stopped = true;
    drop_queue(watch);
    atomic_fetch_sub(&watch->loop->hub->watches, !watch->watcher.internal);
    retire(watch);
}
