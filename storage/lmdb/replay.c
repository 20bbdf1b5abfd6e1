/*
 * Past changes as events. The log is read in slices, each under a read transaction of its own: the events of
 * a slice are made (copied), the transaction ends, and only then are they handed out, so that a slow receiver
 * holds no page.
 */
#include "storage/lmdb/internal.h"

#include "base/alloc.h"

enum { SLICE_SCANNED = 4096, SLICE_EVENTS = 512, SLICE_BYTES = 1 << 20 };

struct replay {
    struct lmdb_store *store;
    struct slice prefix;
    struct place next; /* where to go on */
    uint64_t until;
    bool end;
    struct store_event *events[SLICE_EVENTS];
    size_t count, bytes, scanned;
};

static int make_event(struct replay *replay, MDB_txn *txn, struct place place,
                      const struct log_record *record)
{
    struct log_record prev = {0};
    bool created = record->change == STORE_CREATED;
    int rc = created ? 0 : lmdb_log_get(txn, replay->store->log, record->prev, &prev);
    if (rc)
        return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    const struct store_event_parts parts = {
        .change = record->change,
        .revision = place.revision,
        .prev_revision = created ? 0 : record->prev.revision,
        .key = record->key,
        .header = record->header,
        .value = record->value,
        .prev_header = prev.header,
        .prev_value = prev.value,
        .splice = SIZE_MAX,
    };
    struct store_event *event = store_event_new(&parts);
    replay->events[replay->count++] = event;
    replay->bytes += store_event_bytes(event);
    return 0;
}

static bool slice_full(const struct replay *replay)
{
    return replay->scanned == SLICE_SCANNED || replay->count == SLICE_EVENTS || replay->bytes >= SLICE_BYTES;
}

static int scan(struct replay *replay, MDB_txn *txn, MDB_cursor *cursor)
{
    char from[LOG_KEY];
    place_put(replay->next, from);
    MDB_val key = {LOG_KEY, from}, value;
    replay->count = replay->bytes = replay->scanned = 0;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; !rc && !slice_full(replay); rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct place place;
        struct log_record record;
        if (!place_parse(slice_of(key), &place) || !log_record_parse(slice_of(value), &record))
            return MDB_CORRUPTED;
        if (place.revision > replay->until)
            rc = MDB_NOTFOUND;
        else if (slice_starts(record.key, replay->prefix))
            rc = make_event(replay, txn, place, &record);
        if (rc)
            break;
        replay->next = (struct place){place.revision, place.op + 1};
        replay->scanned++;
    }
    replay->end = rc == MDB_NOTFOUND;
    return replay->end ? 0 : rc;
}

/* All that comes before `next` was given; if compaction has passed it meanwhile, something after it may be
 * gone. */
static bool read_slice(struct replay *replay, struct error *err)
{
    struct lmdb_store *store = replay->store;
    replay->count = 0;
    cleanup_store_read struct store_read *read = lmdb_read_begin(&store->base, 0, err);
    if (!read)
        return false;
    uint64_t compacted = atomic_load(&store->compacted);
    if (replay->next.revision <= compacted)
        return error_set(err, REASON_EXPIRED, "revision %lu has been compacted: the oldest is %lu",
                         replay->next.revision - 1, compacted);
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(lmdb_read_txn(read), store->log, &cursor);
    if (!rc) {
        rc = scan(replay, lmdb_read_txn(read), cursor);
        mdb_cursor_close(cursor);
    }
    return !rc || lmdb_error(err, rc, "cannot read the log");
}

/* Gives out the slice's events and the references to them; false when the receiver wants no more. */
static bool hand_out(struct replay *replay, bool (*each)(void *, struct store_event *), void *arg)
{
    bool more = true;
    for (size_t i = 0; i < replay->count; i++) {
        if (more)
            more = each(arg, replay->events[i]);
        store_event_unref(replay->events[i]);
    }
    return more;
}

bool lmdb_replay(struct store *base, struct slice prefix, uint64_t after, uint64_t until,
                 bool (*each)(void *, struct store_event *), void *arg, struct error *err)
{
    cleanup_free struct replay *replay = xcalloc(1, sizeof *replay);
    *replay = (struct replay){.store = lmdb_store_of(base), .prefix = prefix, .until = until};
    if (!prefix.ptr)
        replay->prefix = SLICE("");
    if (after == UINT64_MAX)
        return true;
    replay->next = (struct place){after + 1, 0};
    while (!replay->end) {
        bool read = read_slice(replay, err);
        bool more = hand_out(replay, each, arg);
        if (!read)
            return false;
        if (!more)
            break;
    }
    return true;
}
