#include "storage/hub_internal.h"

#include <assert.h>

#include "base/alloc.h"

/* ---- groups ---- */

/* "/registry/x/" of a key or a prefix; empty when it spans several resources. */
static struct slice resource_of(struct slice s)
{
    unsigned slashes = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '/' && ++slashes == 3)
            return slice_make(s.ptr, i + 1);
    }
    return SLICE("");
}

static uint32_t hash(struct slice s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 16777619u;
    return h;
}

struct hub_group *hub_group_of(struct hub *hub, struct slice prefix)
{
    struct slice resource = resource_of(prefix);
    if (!resource.len)
        return &hub->everything;
    struct hub_group **at = &hub->buckets[hash(resource) % HUB_BUCKETS];
    while (*at && !slice_eq((*at)->resource, resource))
        at = &(*at)->next;
    if (!*at) {
        *at = xcalloc(1, sizeof **at);
        (*at)->resource = slice_make(slice_strdup(resource), resource.len);
        (*at)->complete_since = hub->start; /* an event since then would have made the group */
    }
    return *at;
}

static void free_group(struct hub_group *group)
{
    for (size_t i = 0; i < HUB_MAX_LOOPS; i++)
        free(group->lists[i].items);
    free(group->recent);
    free((char *)group->resource.ptr);
}

/* ---- the feed: the writer's thread ---- */

bool hub_need_post(struct hub_loop *loop)
{
    bool first = !loop->posted;
    loop->posted = true;
    return first;
}

static void inbox_put(struct hub_inbox *inbox, struct store_event *event, struct hub_group *group)
{
    if (inbox->count == inbox->capacity) {
        inbox->capacity = inbox->capacity ? inbox->capacity * 2 : 16;
        inbox->items = xrealloc(inbox->items, inbox->capacity * sizeof *inbox->items);
    }
    inbox->items[inbox->count++] = (struct inbox_item){store_event_ref(event), group};
}

/* Puts what concerns the loop into its inbox; true: post. */
static bool feed_loop(struct hub *hub, struct hub_loop *loop, struct store_event *const *events, size_t count)
{
    bool post = false, all = hub->everything.interest[loop->index];
    pthread_mutex_lock(&loop->lock);
    for (size_t i = 0; i < count; i++) {
        struct hub_group *group = hub->batch_groups[i];
        if (all || group->interest[loop->index])
            inbox_put(&loop->inbox, events[i], group);
    }
    if (loop->inbox.count) {
        atomic_store(&loop->has_events, true);
        post = hub_need_post(loop);
    }
    pthread_mutex_unlock(&loop->lock);
    return post;
}

static void remember(struct hub *hub, struct store_event *const *events, size_t count)
{
    if (hub->batch_capacity < count) {
        hub->batch_capacity = count;
        hub->batch_groups = xrealloc(hub->batch_groups, count * sizeof *hub->batch_groups);
    }
    for (size_t i = 0; i < count; i++) {
        hub->batch_groups[i] = hub_group_of(hub, events[i]->key);
        hub_window_add(hub, hub->batch_groups[i], events[i]);
    }
}

static void on_events(void *arg, struct store_event *const *events, size_t count)
{
    struct hub *hub = arg;
    struct hub_loop *post[HUB_MAX_LOOPS];
    size_t posts = 0;
    pthread_mutex_lock(&hub->lock);
    while (count && (!hub->ready || events[0]->revision <= hub->start)) {
        events++;
        count--;
    }
    if (count) {
        remember(hub, events, count);
        for (unsigned i = 0; i < hub->loop_count; i++) {
            if (feed_loop(hub, hub->loops[i], events, count))
                post[posts++] = hub->loops[i];
        }
        atomic_store(&hub->seen, events[count - 1]->revision);
    }
    pthread_mutex_unlock(&hub->lock);
    for (size_t i = 0; i < posts; i++)
        post[i]->post(post[i]->post_arg, hub_drain, post[i]);
}

/* ---- life ---- */

struct hub *hub_new(struct store *store, size_t window_events)
{
    struct hub *hub = xcalloc(1, sizeof *hub);
    hub->store = store;
    hub->window_events = window_events;
    hub->jobs_tail = &hub->jobs;
    pthread_mutex_init(&hub->lock, NULL);
    pthread_mutex_init(&hub->replay_lock, NULL);
    pthread_cond_init(&hub->replay_cond, NULL);
    store_set_feed(store, on_events, hub);
    /* What is fed before `ready` was committed before it, so it is not above `start`: nothing falls between.
     */
    pthread_mutex_lock(&hub->lock);
    hub->start = store_revision(store);
    atomic_store(&hub->seen, hub->start);
    hub->ready = true;
    pthread_mutex_unlock(&hub->lock);
    return hub;
}

void hub_free(struct hub *hub)
{
    store_set_feed(hub->store, NULL, NULL);
    hub_replay_stop(hub);
    for (unsigned i = 0; i < hub->loop_count; i++)
        hub_loop_free(hub->loops[i]);
    hub_window_free(hub);
    for (size_t i = 0; i < HUB_BUCKETS; i++) {
        struct hub_group *next;
        for (struct hub_group *group = hub->buckets[i]; group; group = next) {
            next = group->next;
            free_group(group);
            free(group);
        }
    }
    free_group(&hub->everything);
    free(hub->batch_groups);
    pthread_mutex_destroy(&hub->lock);
    pthread_mutex_destroy(&hub->replay_lock);
    pthread_cond_destroy(&hub->replay_cond);
    free(hub);
}

struct hub_loop *hub_add_loop(struct hub *hub, hub_post_fn post, void *post_arg)
{
    struct hub_loop *loop = xcalloc(1, sizeof *loop);
    loop->hub = hub;
    loop->post = post;
    loop->post_arg = post_arg;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_mutex_lock(&hub->lock);
    assert(hub->loop_count < HUB_MAX_LOOPS);
    loop->index = hub->loop_count;
    loop->closing = hub->closing;
    hub->loops[hub->loop_count++] = loop;
    pthread_mutex_unlock(&hub->lock);
    return loop;
}

void hub_shutdown(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->closing = true;
    unsigned count = hub->loop_count;
    pthread_mutex_unlock(&hub->lock);
    for (unsigned i = 0; i < count; i++) {
        struct hub_loop *loop = hub->loops[i];
        pthread_mutex_lock(&loop->lock);
        loop->closing = true;
        bool post = hub_need_post(loop);
        pthread_mutex_unlock(&loop->lock);
        if (post)
            loop->post(loop->post_arg, hub_drain, loop);
    }
}

uint64_t hub_watch_count(const struct hub *hub)
{
    return atomic_load(&hub->watches);
}
