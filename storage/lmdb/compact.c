/*
 * Compaction. To compact to revision C means: no one may ask any more for a time before C. So of each key
 * only the newest version with revision <= C is needed, and not even that if it is a deletion.
 *
 * The sweep walks the log once, from the last compacted revision to C. A record in that stretch supersedes
 * the version before it (its `prev`), which is deleted; a deletion deletes itself too, and its tombstone.
 * Records of long-lived objects are never looked at again, so the cost is that of the changes, not of the
 * objects. Each step is part of an ordinary batch.
 */
#include "storage/lmdb/fault.h"
#include "storage/lmdb/internal.h"

enum { STEP = 256 };

struct swept {
    struct place place, prev;
    bool deletion;
    uint32_t key_at, key_len; /* of a deletion, in the buffer of keys */
};

bool lmdb_sweep_pending(const struct meta *meta)
{
    return meta->swept.revision < meta->compacted ||
           (meta->swept.revision == meta->compacted && meta->swept.op != UINT32_MAX);
}

/* Reads first and deletes after: no cursor stands in a tree while records are taken out of it. */
static int collect(MDB_txn *txn, MDB_dbi log, const struct meta *meta, struct swept items[STEP],
                   size_t *ret_count, struct buf *keys)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn, log, &cursor);
    if (rc)
        return rc;
    char from[LOG_KEY];
    place_put(meta->swept, from);
    MDB_val key = {LOG_KEY, from}, value;
    size_t count = 0;
    for (rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); !rc && count < STEP;
         rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct swept *item = &items[count];
        struct log_record record;
        if (!place_parse(slice_of(key), &item->place) || !log_record_parse(slice_of(value), &record)) {
            rc = MDB_CORRUPTED;
            break;
        }
        if (item->place.revision > meta->compacted)
            break;
        item->prev = record.prev;
        item->deletion = record.change == STORE_DELETED;
        item->key_at = (uint32_t)keys->len;
        item->key_len = (uint32_t)record.key.len;
        if (item->deletion)
            buf_put_slice(keys, record.key);
        count += item->place.revision != meta->swept.revision || item->place.op != meta->swept.op;
    }
    mdb_cursor_close(cursor);
    *ret_count = count;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int drop_log(struct lmdb_store *store, struct batch *batch, struct place place)
{
    char bytes[LOG_KEY];
    place_put(place, bytes);
    MDB_val key = {LOG_KEY, bytes}, value;
    int rc = place.revision ? fault_get(batch->txn, store->log, &key, &value) : MDB_NOTFOUND;
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc; /* a tombstone that the sweep took before */
    batch->meta.dropped += value.mv_size;
    return fault_del(batch->txn, store->log, &key);
}

/* Takes the key's tombstone away, if this deletion is still its latest. */
static int drop_tombstone(struct lmdb_store *store, struct batch *batch, struct slice key, struct place place)
{
    MDB_val k = val_of(key), value;
    struct latest latest;
    int rc = fault_get(batch->txn, store->latest, &k, &value);
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    if (!latest_parse(slice_of(value), &latest))
        return MDB_CORRUPTED;
    bool same = latest.place.revision == place.revision && latest.place.op == place.op;
    return same ? fault_del(batch->txn, store->latest, &k) : 0;
}

int lmdb_sweep(struct lmdb_store *store, struct batch *batch)
{
    struct swept items[STEP];
    cleanup_buf struct buf keys = BUF_INIT(BUF_UNLIMITED);
    size_t count;
    if (!lmdb_sweep_pending(&batch->meta))
        return 0;
    int rc = collect(batch->txn, store->log, &batch->meta, items, &count, &keys);
    for (size_t i = 0; i < count && !rc; i++) {
        const struct swept *item = &items[i];
        rc = drop_log(store, batch, item->prev);
        if (!rc && item->deletion)
            rc = drop_log(store, batch, item->place);
        if (!rc && item->deletion)
            rc = drop_tombstone(store, batch, slice_make(keys.data + item->key_at, item->key_len),
                                item->place);
        batch->meta.swept = item->place;
    }
    if (!rc && count < STEP)
        batch->meta.swept = (struct place){batch->meta.compacted, UINT32_MAX};
    return rc;
}

/* ---- retention ---- */

void marks_add(struct marks *marks, struct mark mark)
{
    if (marks->count == MARKS_MAX) {
        size_t kept = 0;
        for (size_t i = 1; i < marks->count; i += 2)
            marks->items[kept++] = marks->items[i];
        marks->count = kept;
    }
    marks->items[marks->count++] = mark;
}

void marks_prune(struct marks *marks, uint64_t compacted)
{
    size_t gone = 0;
    while (gone < marks->count && marks->items[gone].revision < compacted)
        gone++;
    memmove(marks->items, marks->items + gone, (marks->count - gone) * sizeof *marks->items);
    marks->count -= gone;
}

uint64_t retention_target(const struct marks *marks, const struct meta *meta, int64_t now_micros,
                          uint64_t keep_seconds, uint64_t keep_bytes)
{
    bool too_much = meta->superseded - meta->dropped > keep_bytes;
    int64_t horizon = now_micros - (int64_t)keep_seconds * 1000000;
    uint64_t target = 0;
    if (meta->superseded == meta->dropped)
        return 0;
    for (size_t i = 0; i < marks->count; i++) {
        const struct mark *mark = &marks->items[i];
        if (mark->micros <= horizon || too_much)
            target = mark->revision;
        if (meta->superseded - mark->superseded <= keep_bytes)
            too_much = false; /* compacting to here leaves little enough */
    }
    return target > meta->compacted ? target : 0;
}
