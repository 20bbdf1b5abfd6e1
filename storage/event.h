/*
 * event: how backends make store_events. One allocation holds the event and all its bytes, in the order key,
 * header, value, prev_header, prev_value, so that a backend can write `key header value` of its record with
 * one copy.
 *
 * The value is given without the digits of the revision; they are spliced in here, at `splice` (SIZE_MAX:
 * nowhere). A deletion without a value or header of its own shares the bytes of prev_value and prev_header.
 * Any thread.
 */
#ifndef STORAGE_EVENT_H
#define STORAGE_EVENT_H

#include "storage/store.h"

struct store_event_parts {
    enum store_change change;
    uint64_t revision, prev_revision;
    struct slice key, header, value, prev_header, prev_value;
    size_t splice;
};

/* One reference, the caller's. Copies all it is given. */
struct store_event *store_event_new(const struct store_event_parts *parts);
/* What the event costs in memory, wire forms aside. */
size_t store_event_bytes(const struct store_event *event);

#endif
