/*
 * Reads. A handle is an LMDB read transaction with its two cursors, kept and renewed between uses: beginning
 * costs no system call and no allocation. With MDB_NOTLS a handle belongs to no thread, so they are pooled
 * per store.
 */
#include "storage/lmdb/internal.h"

#include "base/alloc.h"
#include "base/log.h"

struct lmdb_read {
    struct store_read base;
    struct lmdb_read *next; /* among the idle */
    MDB_txn *txn;
    MDB_cursor *latest, *log;
    uint64_t at;
};

static struct lmdb_read *take_idle(struct lmdb_store *store)
{
    pthread_mutex_lock(&store->read_lock);
    struct lmdb_read *read = store->idle_reads;
    if (read)
        store->idle_reads = read->next;
    pthread_mutex_unlock(&store->read_lock);
    return read;
}

static void free_read(struct lmdb_read *read)
{
    if (read->latest)
        mdb_cursor_close(read->latest);
    if (read->log)
        mdb_cursor_close(read->log);
    if (read->txn)
        mdb_txn_abort(read->txn);
    free(read);
}

void lmdb_reads_free(struct lmdb_store *store)
{
    struct lmdb_read *read;
    while ((read = take_idle(store)))
        free_read(read);
}

static struct lmdb_read *new_read(struct lmdb_store *store, struct error *err)
{
    struct lmdb_read *read = xcalloc(1, sizeof *read);
    read->base.store = &store->base;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &read->txn);
    rc = rc ? rc : mdb_cursor_open(read->txn, store->latest, &read->latest);
    rc = rc ? rc : mdb_cursor_open(read->txn, store->log, &read->log);
    if (!rc)
        return read;
    free_read(read);
    lmdb_error(err, rc, "cannot read the store");
    return NULL;
}

static struct lmdb_read *renew_read(struct lmdb_read *read, struct error *err)
{
    int rc = mdb_txn_renew(read->txn);
    rc = rc ? rc : mdb_cursor_renew(read->txn, read->latest);
    rc = rc ? rc : mdb_cursor_renew(read->txn, read->log);
    if (!rc)
        return read;
    free_read(read);
    lmdb_error(err, rc, "cannot read the store");
    return NULL;
}

/* The snapshot is taken first and `compacted` looked at after: what a sweep takes away later is still in the
 * snapshot. */
static bool settle(struct lmdb_store *store, struct lmdb_read *read, uint64_t at, struct error *err)
{
    struct meta meta;
    int rc = lmdb_meta_read(read->txn, store->main, &meta);
    if (rc)
        return lmdb_error(err, rc, "cannot read the store");
    if (at > meta.revision)
        return error_set(err, REASON_BAD_REQUEST, "revision %lu is in the future: the newest is %lu", at,
                         meta.revision);
    if (at && at < atomic_load(&store->compacted))
        return error_set(err, REASON_EXPIRED, "revision %lu has been compacted: the oldest is %lu", at,
                         atomic_load(&store->compacted));
    read->at = at ? at : meta.revision;
    return true;
}

struct store_read *lmdb_read_begin(struct store *base, uint64_t at, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    struct lmdb_read *read = take_idle(store);
    read = read ? renew_read(read, err) : new_read(store, err);
    if (!read)
        return NULL;
    if (settle(store, read, at, err))
        return &read->base;
    lmdb_read_end(&read->base);
    return NULL;
}

void lmdb_read_end(struct store_read *base)
{
    struct lmdb_read *read = (struct lmdb_read *)base;
    struct lmdb_store *store = lmdb_store_of(base->store);
    mdb_txn_reset(read->txn);
    pthread_mutex_lock(&store->read_lock);
    read->next = store->idle_reads;
    store->idle_reads = read;
    pthread_mutex_unlock(&store->read_lock);
}

uint64_t lmdb_read_revision(const struct store_read *base)
{
    return ((const struct lmdb_read *)base)->at;
}

MDB_txn *lmdb_read_txn(const struct store_read *base)
{
    return ((const struct lmdb_read *)base)->txn;
}

int lmdb_log_get(MDB_txn *txn, MDB_dbi log, struct place place, struct log_record *ret)
{
    char bytes[LOG_KEY];
    place_put(place, bytes);
    MDB_val key = {LOG_KEY, bytes}, value;
    int rc = mdb_get(txn, log, &key, &value);
    if (rc)
        return rc;
    return log_record_parse(slice_of(value), ret) ? 0 : MDB_CORRUPTED;
}

/* By cursor: neighbours in `latest` are often neighbours in the log, and a cursor looks at its own page
 * first. */
static bool fetch(struct lmdb_read *read, struct place place, struct log_record *ret)
{
    char bytes[LOG_KEY];
    place_put(place, bytes);
    MDB_val key = {LOG_KEY, bytes}, value;
    int rc = mdb_cursor_get(read->log, &key, &value, MDB_SET_KEY);
    if (!rc && !log_record_parse(slice_of(value), ret))
        rc = MDB_CORRUPTED;
    if (rc && rc != MDB_NOTFOUND)
        log_error("store: a log record cannot be read", LOG_N("revision", place.revision),
                  LOG_S("cause", mdb_strerror(rc)));
    return !rc;
}

/* One key's version at the read's revision, found step by step. */
struct version {
    struct place place;
    bool fetched; /* record is its log record */
    struct log_record record;
};

/* Finds which version of the key counts; false if it did not exist then. The latest one needs no look into
 * the log. */
static bool find_version(struct lmdb_read *read, const struct latest *latest, struct version *ret)
{
    ret->place = latest->place;
    ret->fetched = false;
    if (latest->place.revision <= read->at)
        return !latest->tombstone;
    while (ret->place.revision > read->at) {
        if (!fetch(read, ret->place, &ret->record))
            return false;
        ret->place = ret->record.prev;
    }
    /* The chain ends where the key was created, or at a deletion that is swept already. */
    ret->fetched = ret->place.revision && fetch(read, ret->place, &ret->record);
    return ret->fetched && ret->record.change != STORE_DELETED;
}

static void fill_head(struct store_record *record, struct slice key, const struct latest *latest,
                      const struct version *version)
{
    *record = (struct store_record){
        .key = key,
        .header = version->fetched ? version->record.header : latest->header,
        .revision = version->place.revision,
        .create_revision = version->fetched ? version->record.create_revision : latest->create_revision,
    };
}

static bool fill_value(struct lmdb_read *read, struct version *version, struct store_record *record)
{
    if (!version->fetched) {
        if (!fetch(read, version->place, &version->record)) {
            log_error("store: a key's latest version is missing", LOG_V("key", record->key));
            return false;
        }
        version->fetched = true;
    }
    record->value = version->record.value;
    return true;
}

bool lmdb_get(struct store_read *base, struct slice key, struct store_record *ret)
{
    struct lmdb_read *read = (struct lmdb_read *)base;
    MDB_val k = val_of(key), v;
    struct latest latest;
    struct version version;
    struct store_record record;
    if (!key.len || key.len > STORE_MAX_KEY || mdb_cursor_get(read->latest, &k, &v, MDB_SET_KEY))
        return false;
    if (!latest_parse(slice_of(v), &latest) || !find_version(read, &latest, &version))
        return false;
    fill_head(&record, slice_of(k), &latest, &version);
    if (!fill_value(read, &version, &record))
        return false;
    *ret = record;
    return true;
}

size_t lmdb_range(struct store_read *base, const struct store_range *range)
{
    struct lmdb_read *read = (struct lmdb_read *)base;
    struct slice prefix = range->prefix.ptr ? range->prefix : SLICE("");
    struct slice from = slice_cmp(range->from, prefix) > 0 ? range->from : prefix;
    if (from.len > STORE_MAX_KEY)
        return 0;
    MDB_val k = val_of(from), v;
    size_t count = 0;
    int rc = mdb_cursor_get(read->latest, &k, &v, from.len ? MDB_SET_RANGE : MDB_FIRST);
    for (; !rc && slice_starts(slice_of(k), prefix); rc = mdb_cursor_get(read->latest, &k, &v, MDB_NEXT)) {
        struct latest latest;
        struct version version;
        struct store_record record;
        if (!latest_parse(slice_of(v), &latest) || !find_version(read, &latest, &version))
            continue;
        fill_head(&record, slice_of(k), &latest, &version);
        if (range->want && !range->want(range->arg, &record))
            continue;
        if (!fill_value(read, &version, &record))
            continue;
        count++;
        if (!range->each(range->arg, &record))
            break;
    }
    return count;
}
