/*
 * internal: what the files of the LMDB backend share.
 *
 *   record.c   the bytes of the tables               open.c      open, close, the store's vtable
 *   writer.c   the writer thread and group commit    apply.c     one transaction into an LMDB transaction
 *   read.c     reads at a revision                   replay.c    past changes as events
 *   compact.c  the sweep, time marks, retention      counts.c    keys per resource
 *   meta.c     the store's own small records
 *
 * Threads. The writer thread alone writes: the tables, `meta`, `marks`, `sweeping`. Others see what is
 * committed through `revision`, `compacted` and `counts`, and through LMDB read transactions.
 */
#ifndef STORAGE_LMDB_INTERNAL_H
#define STORAGE_LMDB_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include "storage/event.h"
#include "storage/lmdb/counts.h"
#include "storage/lmdb/record.h"

enum { MARKS_MAX = 128 };

/* "At `micros`, the newest revision was `revision`, and by then `superseded` bytes of the log had been
 * superseded in all." */
struct mark {
    int64_t micros;
    uint64_t revision, superseded;
};

/* The record `meta`: the state that must change with the tables, in the same commit. */
struct meta {
    uint64_t revision;
    uint64_t compacted;
    struct place swept;  /* the log is swept up to here (inclusive), at most to `compacted` */
    uint64_t superseded; /* bytes of log records that were superseded since the store began */
    uint64_t dropped;    /* of these, bytes that the sweep has deleted */
};

struct marks {
    size_t count;
    struct mark items[MARKS_MAX]; /* oldest first */
};

enum request_kind { REQUEST_TXN, REQUEST_COMPACT };

/* Lives on its caller's stack until done; in the heap when it is a submitted write. */
struct request {
    struct request *next;
    enum request_kind kind;
    struct store_write *write; /* to be given back, when submitted; else NULL */
    const struct store_op *ops;
    size_t count, bytes;
    const struct store_author *author;
    uint64_t below; /* REQUEST_COMPACT */
    /* answer */
    enum store_outcome outcome;
    struct store_txn_result result;
    int rc;                /* why it failed: an LMDB or errno code */
    _Atomic uint32_t done; /* futex */
};

/* What a write needs to know of a key before it. */
struct current {
    bool exists; /* there is an entry, maybe a tombstone */
    bool tombstone;
    struct place place;
    uint64_t create_revision;
};

/* One LMDB write transaction under way. */
struct batch {
    MDB_txn *txn;
    struct meta meta; /* as it will be */
    size_t first_event;
};

struct lmdb_store {
    struct store base;
    struct store_lmdb_options options;
    char *dir;
    int lock_fd;
    MDB_env *env;
    MDB_dbi main, log, latest;

    /* written by the writer, read by all */
    _Atomic uint64_t revision, compacted, commits, txns, fsync_nanos;
    struct counts counts;

    /* the writer's own */
    pthread_t writer;
    bool writer_started;
    struct meta meta;
    struct marks marks;
    uint64_t counts_saved; /* the revision whose counts are on disk */
    int upkeep_rc;         /* why upkeep failed; it waits for the next tick */
    int64_t next_tick;     /* clock_mono_nanos */
    struct store_event **events;
    size_t event_count, event_capacity;
    struct current *currents;
    size_t current_capacity;
    struct request *compactions; /* waiting for the sweep to reach them */

    /* submissions: a stack that the writer takes whole */
    _Atomic(struct request *) submitted;
    _Atomic uint32_t writer_sleeps; /* futex: see writer.c */
    _Atomic uint64_t submissions;   /* so far */
    _Atomic uint64_t gather_until;  /* of these; below it nobody wakes a writer that gathers */
    uint64_t taken, usual_batch;    /* the writer's own, as the next two */
    unsigned hold;                  /* batches until it hopes for a larger one again */
    int64_t commit_nanos;           /* what a commit takes, smoothed */
    atomic_bool closing;
    _Atomic uint32_t callers; /* and writes that were submitted and are not done */

    pthread_mutex_t feed_lock; /* held while the feed runs, so that it can be taken off */
    store_feed_fn feed;
    void *feed_arg;

    pthread_mutex_t wait_lock;
    pthread_cond_t wait_cond;
    atomic_int waiters;

    pthread_mutex_t read_lock;
    struct lmdb_read *idle_reads;
};

static inline struct lmdb_store *lmdb_store_of(struct store *store)
{
    return (struct lmdb_store *)store;
}

static inline MDB_val val_of(struct slice s)
{
    return (MDB_val){s.len, (void *)s.ptr};
}

static inline struct slice slice_of(MDB_val v)
{
    return (struct slice){v.mv_data, v.mv_size};
}

/* Sets err with what the code means and what to do about it; returns false. */
bool lmdb_error(struct error *err, int rc, const char *doing);

/* writer.c */
bool lmdb_submit(struct store *, struct store_write *);
enum store_outcome lmdb_txn(struct store *, const struct store_op *, size_t, const struct store_author *,
                            struct store_txn_result *, struct error *);
bool lmdb_compact(struct store *, uint64_t below, struct error *);
bool lmdb_writer_start(struct lmdb_store *store, struct error *err);
/* Runs what was submitted, then ends the thread. */
void lmdb_writer_stop(struct lmdb_store *store);

/* apply.c: 0, or the code that spoils the whole batch. A conflict is an answer in request, not a failure. */
int lmdb_apply(struct lmdb_store *store, struct batch *batch, struct request *request);

/* read.c */
struct store_read *lmdb_read_begin(struct store *, uint64_t at, struct error *);
void lmdb_read_end(struct store_read *);
uint64_t lmdb_read_revision(const struct store_read *);
bool lmdb_get(struct store_read *, struct slice key, struct store_record *);
size_t lmdb_range(struct store_read *, const struct store_range *);
void lmdb_reads_free(struct lmdb_store *store);
MDB_txn *lmdb_read_txn(const struct store_read *read);
/* The log's record at place; 0, MDB_NOTFOUND, or MDB_CORRUPTED. */
int lmdb_log_get(MDB_txn *txn, MDB_dbi log, struct place place, struct log_record *ret);

/* replay.c */
bool lmdb_replay(struct store *, struct slice prefix, uint64_t after, uint64_t until,
                 bool (*each)(void *, struct store_event *), void *arg, struct error *);

/* meta.c */
int lmdb_meta_read(MDB_txn *txn, MDB_dbi main, struct meta *ret);
int lmdb_meta_write(MDB_txn *txn, MDB_dbi main, const struct meta *meta);
int lmdb_marks_read(MDB_txn *txn, MDB_dbi main, struct marks *ret);
int lmdb_marks_write(MDB_txn *txn, MDB_dbi main, const struct marks *marks);
int lmdb_counts_read(MDB_txn *txn, MDB_dbi main, struct slice *ret);
int lmdb_counts_write(MDB_txn *txn, MDB_dbi main, struct slice bytes);
/* Fills store->counts: from the disk and what the log has since, or by walking the keys. */
int lmdb_counts_load(struct lmdb_store *store, MDB_txn *txn);
/* MDB_VERSION_MISMATCH: the store is of a newer Coxswain. MDB_NOTFOUND: not a store of Coxswain's. */
int lmdb_format_check(MDB_txn *txn, MDB_dbi main);
int lmdb_format_write(MDB_txn *txn, MDB_dbi main);

/* compact.c */
/* Deletes a few records that history no longer needs. */
int lmdb_sweep(struct lmdb_store *store, struct batch *batch);
bool lmdb_sweep_pending(const struct meta *meta);
/* Forgets the marks that no retention can ask for any more. */
void marks_prune(struct marks *marks, uint64_t compacted);
/* Adds a mark, thinning out the middle when they are too many. */
void marks_add(struct marks *marks, struct mark mark);
/* The revision to compact to now, or 0: nothing is too old or too much. Pure. */
uint64_t retention_target(const struct marks *marks, const struct meta *meta, int64_t now_micros,
                          uint64_t keep_seconds, uint64_t keep_bytes);

#endif
