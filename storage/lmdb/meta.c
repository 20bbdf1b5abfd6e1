#include "storage/lmdb/fault.h"
#include "storage/lmdb/internal.h"

/* These records stand in LMDB's main table, beside the names of the two tables: that page is written by every
 * commit anyway. */
static const struct slice format_key = {"format", 6}, meta_key = {"meta", 4}, marks_key = {"marks", 5},
                          counts_key = {"counts", 6};
static const struct slice magic = {"coxswain store ", 15};

enum { FORMAT = 1, META_SIZE = 52, MARK_SIZE = 24 };

int lmdb_format_check(MDB_txn *txn, MDB_dbi main)
{
    MDB_val key = val_of(format_key), value;
    int rc = mdb_get(txn, main, &key, &value);
    if (rc)
        return rc;
    struct slice found = slice_of(value);
    if (!slice_starts(found, magic) || found.len < magic.len + 4)
        return MDB_INVALID;
    return get_be32(found.ptr + magic.len) <= FORMAT ? 0 : MDB_VERSION_MISMATCH;
}

int lmdb_format_write(MDB_txn *txn, MDB_dbi main)
{
    char bytes[32];
    memcpy(bytes, magic.ptr, magic.len);
    put_be32(bytes + magic.len, FORMAT);
    MDB_val key = val_of(format_key), value = {magic.len + 4, bytes};
    return mdb_put(txn, main, &key, &value, 0);
}

int lmdb_meta_read(MDB_txn *txn, MDB_dbi main, struct meta *ret)
{
    MDB_val key = val_of(meta_key), value;
    int rc = mdb_get(txn, main, &key, &value);
    if (rc)
        return rc;
    if (value.mv_size != META_SIZE)
        return MDB_CORRUPTED;
    const char *p = value.mv_data;
    *ret = (struct meta){
        .revision = get_be64(p),
        .compacted = get_be64(p + 8),
        .swept = {get_be64(p + 16), get_be32(p + 24)},
        .superseded = get_be64(p + 28),
        .dropped = get_be64(p + 36),
    };
    return ret->compacted <= ret->revision && ret->swept.revision <= ret->compacted ? 0 : MDB_CORRUPTED;
}

int lmdb_meta_write(MDB_txn *txn, MDB_dbi main, const struct meta *meta)
{
    char bytes[META_SIZE] = {0}; /* the rest is reserved */
    put_be64(bytes, meta->revision);
    put_be64(bytes + 8, meta->compacted);
    put_be64(bytes + 16, meta->swept.revision);
    put_be32(bytes + 24, meta->swept.op);
    put_be64(bytes + 28, meta->superseded);
    put_be64(bytes + 36, meta->dropped);
    MDB_val key = val_of(meta_key), value = {META_SIZE, bytes};
    return fault_put(txn, main, &key, &value, 0);
}

int lmdb_marks_read(MDB_txn *txn, MDB_dbi main, struct marks *ret)
{
    MDB_val key = val_of(marks_key), value;
    int rc = mdb_get(txn, main, &key, &value);
    ret->count = 0;
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    const char *p = value.mv_data;
    if (value.mv_size % MARK_SIZE || value.mv_size / MARK_SIZE > MARKS_MAX)
        return MDB_CORRUPTED;
    for (; ret->count < value.mv_size / MARK_SIZE; p += MARK_SIZE)
        ret->items[ret->count++] = (struct mark){(int64_t)get_be64(p), get_be64(p + 8), get_be64(p + 16)};
    return 0;
}

int lmdb_marks_write(MDB_txn *txn, MDB_dbi main, const struct marks *marks)
{
    char bytes[MARKS_MAX * MARK_SIZE];
    for (size_t i = 0; i < marks->count; i++) {
        put_be64(bytes + i * MARK_SIZE, (uint64_t)marks->items[i].micros);
        put_be64(bytes + i * MARK_SIZE + 8, marks->items[i].revision);
        put_be64(bytes + i * MARK_SIZE + 16, marks->items[i].superseded);
    }
    MDB_val key = val_of(marks_key), value = {marks->count * MARK_SIZE, bytes};
    return fault_put(txn, main, &key, &value, 0);
}

int lmdb_counts_write(MDB_txn *txn, MDB_dbi main, struct slice bytes)
{
    MDB_val key = val_of(counts_key), value = val_of(bytes);
    return fault_put(txn, main, &key, &value, 0);
}

int lmdb_counts_read(MDB_txn *txn, MDB_dbi main, struct slice *ret)
{
    MDB_val key = val_of(counts_key), value;
    int rc = mdb_get(txn, main, &key, &value);
    if (!rc)
        *ret = slice_of(value);
    return rc;
}

static int count_keys(struct lmdb_store *store, MDB_cursor *cursor)
{
    MDB_val key, value;
    struct latest latest;
    int rc;
    counts_clear(&store->counts);
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (!latest_parse(slice_of(value), &latest))
            return MDB_CORRUPTED;
        if (!latest.tombstone)
            counts_add(&store->counts, slice_of(key), 1);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int count_changes(struct lmdb_store *store, MDB_cursor *cursor, uint64_t since)
{
    char from[LOG_KEY];
    place_put((struct place){since + 1, 0}, from);
    MDB_val key = {LOG_KEY, from}, value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; !rc; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct log_record record;
        if (!log_record_parse(slice_of(value), &record))
            return MDB_CORRUPTED;
        if (record.change != STORE_UPDATED)
            counts_add(&store->counts, record.key, record.change == STORE_CREATED ? 1 : -1);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int lmdb_counts_load(struct lmdb_store *store, MDB_txn *txn)
{
    struct slice bytes;
    uint64_t saved;
    MDB_cursor *cursor;
    int rc = lmdb_counts_read(txn, store->main, &bytes);
    if (rc && rc != MDB_NOTFOUND)
        return rc;
    bool usable = !rc && counts_parse(&store->counts, bytes, &saved) && saved >= store->meta.compacted &&
                  saved <= store->meta.revision;
    store->counts_saved = usable ? saved : 0;
    rc = mdb_cursor_open(txn, usable ? store->log : store->latest, &cursor);
    if (rc)
        return rc;
    rc = usable ? count_changes(store, cursor, saved) : count_keys(store, cursor);
    mdb_cursor_close(cursor);
    return rc;
}
