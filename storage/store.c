#include "storage/store.h"

#include <assert.h>

#include "base/alloc.h"
#include "storage/event.h"

enum { DIGITS_MAX = 20 };

enum store_outcome store_txn(struct store *store, const struct store_op *ops, size_t count,
                             const struct store_author *author, struct store_txn_result *ret,
                             struct error *err)
{
    return store->ops->txn(store, ops, count, author, ret, err);
}

bool store_submit(struct store *store, struct store_write *write)
{
    return store->ops->submit(store, write);
}

uint64_t store_revision(struct store *store)
{
    return store->ops->revision(store);
}

uint64_t store_compacted(struct store *store)
{
    return store->ops->compacted(store);
}

struct store_read *store_read_begin(struct store *store, uint64_t at, struct error *err)
{
    return store->ops->read_begin(store, at, err);
}

void store_read_end(struct store_read *read)
{
    read->store->ops->read_end(read);
}

uint64_t store_read_revision(const struct store_read *read)
{
    return read->store->ops->read_revision(read);
}

bool store_get(struct store_read *read, struct slice key, struct store_record *ret)
{
    return read->store->ops->get(read, key, ret);
}

size_t store_range(struct store_read *read, const struct store_range *range)
{
    return read->store->ops->range(read, range);
}

uint64_t store_count(struct store *store, struct slice prefix)
{
    return store->ops->count(store, prefix);
}

bool store_wait(struct store *store, uint64_t at, int64_t deadline)
{
    return store->ops->wait(store, at, deadline);
}

void store_set_feed(struct store *store, store_feed_fn on_events, void *arg)
{
    store->ops->set_feed(store, on_events, arg);
}

bool store_replay(struct store *store, struct slice prefix, uint64_t after, uint64_t until,
                  bool (*each)(void *arg, struct store_event *event), void *arg, struct error *err)
{
    return store->ops->replay(store, prefix, after, until, each, arg, err);
}

bool store_compact(struct store *store, uint64_t below, struct error *err)
{
    return store->ops->compact(store, below, err);
}

bool store_snapshot(struct store *store, const char *path, struct error *err)
{
    return store->ops->snapshot(store, path, err);
}

void store_stats(struct store *store, struct store_stats *ret)
{
    store->ops->stats(store, ret);
}

void store_close(struct store *store)
{
    store->ops->close(store);
}

/* ---- events ---- */

static struct slice put_bytes(char **at, struct slice s)
{
    char *start = *at;
    if (s.len)
        memcpy(start, s.ptr, s.len);
    *at += s.len;
    return slice_make(start, s.len);
}

static struct slice put_spliced(char **at, struct slice value, size_t splice, const char *digits,
                                size_t count)
{
    char *start = *at;
    put_bytes(at, slice_make(value.ptr, splice));
    put_bytes(at, slice_make(digits, count));
    put_bytes(at, slice_from(value, splice));
    return slice_make(start, value.len + count);
}

static size_t format_digits(uint64_t n, char out[DIGITS_MAX])
{
    char reversed[DIGITS_MAX];
    size_t count = 0;
    do
        reversed[count++] = (char)('0' + n % 10);
    while (n /= 10);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

struct store_event *store_event_new(const struct store_event_parts *parts)
{
    char digits[DIGITS_MAX];
    bool spliced = parts->splice != SIZE_MAX && parts->value.len;
    assert(!spliced || parts->splice <= parts->value.len);
    size_t count = spliced ? format_digits(parts->revision, digits) : 0;
    size_t bytes = parts->key.len + parts->header.len + parts->value.len + count + parts->prev_header.len +
                   parts->prev_value.len;
    struct store_event *event = xmalloc(sizeof *event + bytes);
    memset(event, 0, sizeof *event);
    atomic_init(&event->refs, 1);
    event->change = parts->change;
    event->revision = parts->revision;
    event->prev_revision = parts->prev_revision;
    char *at = (char *)(event + 1);
    event->key = put_bytes(&at, parts->key);
    event->header = put_bytes(&at, parts->header);
    event->value =
        spliced ? put_spliced(&at, parts->value, parts->splice, digits, count) : put_bytes(&at, parts->value);
    event->prev_header = put_bytes(&at, parts->prev_header);
    event->prev_value = put_bytes(&at, parts->prev_value);
    if (parts->change == STORE_DELETED) {
        if (!event->header.len)
            event->header = event->prev_header;
        if (!event->value.len)
            event->value = event->prev_value;
    }
    return event;
}

size_t store_event_bytes(const struct store_event *event)
{
    size_t bytes = sizeof *event + event->key.len + event->prev_header.len + event->prev_value.len;
    if (event->header.ptr != event->prev_header.ptr)
        bytes += event->header.len;
    return event->value.ptr == event->prev_value.ptr ? bytes : bytes + event->value.len;
}

struct store_event *store_event_ref(struct store_event *event)
{
    atomic_fetch_add_explicit(&event->refs, 1, memory_order_relaxed);
    return event;
}

void store_event_unref(struct store_event *event)
{
    if (!event || atomic_fetch_sub_explicit(&event->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < sizeof event->cache / sizeof *event->cache; i++)
        blob_unref(atomic_load_explicit(&event->cache[i], memory_order_relaxed));
    free(event);
}
