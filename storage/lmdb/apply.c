#include "storage/lmdb/fault.h"
#include "storage/lmdb/internal.h"

#include "base/alloc.h"

static int look_up(struct lmdb_store *store, MDB_txn *txn, struct slice key, struct current *ret)
{
    MDB_val k = val_of(key), v;
    struct latest latest;
    *ret = (struct current){0};
    int rc = fault_get(txn, store->latest, &k, &v);
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    if (!latest_parse(slice_of(v), &latest))
        return MDB_CORRUPTED;
    *ret = (struct current){true, latest.tombstone, latest.place, latest.create_revision};
    return 0;
}

/* Every expectation is checked before anything is written, so that a conflict leaves no trace in the shared
 * LMDB transaction. */
static int check_all(struct lmdb_store *store, MDB_txn *txn, struct request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        struct current *current = &store->currents[i];
        int rc = look_up(store, txn, request->ops[i].key, current);
        if (rc)
            return rc;
        uint64_t found = current->exists && !current->tombstone ? current->place.revision : 0;
        if (request->ops[i].expect != STORE_ANY && request->ops[i].expect != found) {
            request->outcome = STORE_CONFLICT;
            request->result = (struct store_txn_result){.failed_op = i, .found = found};
            return 0;
        }
    }
    request->outcome = STORE_OK;
    return 0;
}

static int put_log(struct lmdb_store *store, MDB_txn *txn, struct place place,
                   const struct log_record *record)
{
    char key_bytes[LOG_KEY];
    place_put(place, key_bytes);
    MDB_val key = {LOG_KEY, key_bytes}, value = {log_record_size(record), NULL};
    int rc = fault_put(txn, store->log, &key, &value, MDB_APPEND | MDB_RESERVE);
    if (!rc)
        log_record_write(record, value.mv_data);
    return rc;
}

static int put_latest(struct lmdb_store *store, MDB_txn *txn, struct slice key, const struct latest *latest)
{
    MDB_val k = val_of(key), value = {latest_size(latest), NULL};
    int rc = fault_put(txn, store->latest, &k, &value, MDB_RESERVE);
    if (!rc)
        latest_write(latest, value.mv_data);
    return rc;
}

static void keep_event(struct lmdb_store *store, struct store_event *event)
{
    if (store->event_count == store->event_capacity) {
        store->event_capacity = store->event_capacity ? store->event_capacity * 2 : 64;
        store->events = xrealloc(store->events, store->event_capacity * sizeof *store->events);
    }
    store->events[store->event_count++] = event;
}

/* The event of a write, and the version before it out of the log. */
static int make_event(struct lmdb_store *store, struct batch *batch, const struct store_op *op,
                      const struct current *current, uint64_t revision, struct store_event **ret)
{
    bool lives = current->exists && !current->tombstone;
    struct log_record prev = {0};
    if (lives) {
        int rc = lmdb_log_get(batch->txn, store->log, current->place, &prev);
        if (rc)
            return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
        batch->meta.superseded += log_record_size(&prev);
    }
    const struct store_event_parts parts = {
        .change = op->type == STORE_DELETE ? STORE_DELETED
                  : lives                  ? STORE_UPDATED
                                           : STORE_CREATED,
        .revision = revision,
        .prev_revision = lives ? current->place.revision : 0,
        .key = op->key,
        .header = op->header,
        .value = op->value,
        .prev_header = prev.header,
        .prev_value = prev.value,
        .splice = op->splice,
    };
    *ret = store_event_new(&parts);
    keep_event(store, *ret);
    return 0;
}

static int write_op(struct lmdb_store *store, struct batch *batch, const struct request *request,
                    const struct store_op *op, const struct current *current, struct place place)
{
    struct store_event *event;
    int rc = make_event(store, batch, op, current, place.revision, &event);
    if (rc)
        return rc;
    bool deleted = event->change == STORE_DELETED;
    struct log_record record = {
        .change = event->change,
        .prev = current->place,
        .create_revision = event->change == STORE_CREATED ? place.revision : current->create_revision,
        .key = event->key,
        /* What a deletion did not bring is read from the version before it. */
        .header = op->header.len ? event->header : SLICE(""),
        .value = op->value.len ? event->value : SLICE(""),
    };
    if (request->author)
        record.author = *request->author;
    if (deleted) /* itself history at once: nobody needs it after the compaction that passes it */
        batch->meta.superseded += log_record_size(&record);
    rc = put_log(store, batch->txn, place, &record);
    if (rc)
        return rc;
    const struct latest latest = {
        .place = place,
        .create_revision = record.create_revision,
        .tombstone = deleted,
        .header = deleted ? SLICE("") : event->header,
    };
    return put_latest(store, batch->txn, op->key, &latest);
}

int lmdb_apply(struct lmdb_store *store, struct batch *batch, struct request *request)
{
    if (request->count > store->current_capacity) {
        store->current_capacity = request->count;
        store->currents = xrealloc(store->currents, request->count * sizeof *store->currents);
    }
    int rc = check_all(store, batch->txn, request);
    if (rc || request->outcome == STORE_CONFLICT)
        return rc;
    struct place place = {batch->meta.revision + 1, 0};
    for (size_t i = 0; i < request->count; i++) {
        const struct store_op *op = &request->ops[i];
        const struct current *current = &store->currents[i];
        bool absent = !current->exists || current->tombstone;
        if (op->type == STORE_CHECK || (op->type == STORE_DELETE && absent))
            continue;
        rc = write_op(store, batch, request, op, current, place);
        if (rc)
            return rc;
        place.op++;
    }
    if (place.op)
        batch->meta.revision = place.revision;
    request->result = (struct store_txn_result){.revision = batch->meta.revision};
    return 0;
}
