#include "storage/hub_internal.h"

#include <assert.h>

#include "base/alloc.h"

enum { FIRST_SLOTS = 256, FIRST_RECENT = 16 };

static struct window_slot *slot_at(const struct hub_window *window, uint64_t place)
{
    return &window->slots[place & (window->capacity - 1)];
}

static uint64_t *recent_at(const struct hub_group *group, size_t index)
{
    return &group->recent[(group->recent_head + index) & (group->recent_capacity - 1)];
}

struct store_event *hub_window_at(const struct hub *hub, const struct hub_group *group, size_t index)
{
    return slot_at(&hub->window, *recent_at(group, index))->event;
}

/* Forgets the group's oldest event: from now on the window is complete only after it. */
static void forget_oldest(struct hub *hub, struct hub_group *group)
{
    struct window_slot *slot = slot_at(&hub->window, *recent_at(group, 0));
    group->complete_since = slot->event->revision;
    hub->window.bytes -= store_event_bytes(slot->event);
    store_event_unref(slot->event);
    slot->event = NULL;
    group->recent_head = (group->recent_head + 1) & (group->recent_capacity - 1);
    group->recent_count--;
}

static void skip_holes(struct hub_window *window)
{
    while (window->head < window->tail && !slot_at(window, window->head)->event)
        window->head++;
}

static void make_room(struct hub *hub, struct hub_group *group)
{
    struct hub_window *window = &hub->window;
    if (group->recent_count && group->recent_count >= hub->window_events)
        forget_oldest(hub, group);
    skip_holes(window);
    while (window->bytes > HUB_WINDOW_BYTES && window->head < window->tail) {
        forget_oldest(hub, slot_at(window, window->head)->group);
        skip_holes(window);
    }
}

static void grow_slots(struct hub_window *window)
{
    size_t capacity = window->capacity ? window->capacity * 2 : FIRST_SLOTS;
    struct window_slot *slots = xcalloc(capacity, sizeof *slots);
    for (uint64_t i = window->head; i < window->tail; i++)
        slots[i & (capacity - 1)] = *slot_at(window, i);
    free(window->slots);
    window->slots = slots;
    window->capacity = capacity;
}

static void grow_recent(struct hub_group *group)
{
    size_t capacity = group->recent_capacity ? group->recent_capacity * 2 : FIRST_RECENT;
    uint64_t *recent = xcalloc(capacity, sizeof *recent);
    for (size_t i = 0; i < group->recent_count; i++)
        recent[i] = *recent_at(group, i);
    free(group->recent);
    group->recent = recent;
    group->recent_head = 0;
    group->recent_capacity = capacity;
}

void hub_window_add(struct hub *hub, struct hub_group *group, struct store_event *event)
{
    struct hub_window *window = &hub->window;
    make_room(hub, group);
    if (window->tail - window->head == window->capacity)
        grow_slots(window);
    if (group->recent_count == group->recent_capacity)
        grow_recent(group);
    uint64_t place = window->tail++;
    *slot_at(window, place) = (struct window_slot){store_event_ref(event), group};
    *recent_at(group, group->recent_count++) = place;
    window->bytes += store_event_bytes(event);
}

size_t hub_window_find(const struct hub *hub, const struct hub_group *group, uint64_t after)
{
    size_t low = 0, high = group->recent_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (hub_window_at(hub, group, middle)->revision <= after)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void hub_window_free(struct hub *hub)
{
    struct hub_window *window = &hub->window;
    for (uint64_t i = window->head; i < window->tail; i++)
        store_event_unref(slot_at(window, i)->event);
    free(window->slots);
}
