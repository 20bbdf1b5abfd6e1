/*
 * store: the narrow contract between the API server and what keeps its objects. Revisions, conditional
 * transactions, reads at a revision, watches. Implementations: storage/lmdb (embedded, default); an etcd v3
 * client later. The same conformance suite (storage/store_conformance.h) runs on each.
 *
 * Model. A key is `/registry/<group-resource>/[<namespace>/]<name>`: bytes in memcmp order, at most
 * STORE_MAX_KEY. One 64-bit revision counter per store; every committed transaction takes the next revision,
 * which all its writes carry; no two transactions share one. The first revision ever is 1. Revisions never
 * repeat or fall, across crashes too.
 *
 * A record is a value (the object's final JSON) and a header: the labels and selectable fields, so that
 * selectors are answered without parsing (storage/header.h makes and reads it). The revision stands inside
 * the value as text; the writer only knows it at commit, so a put names the offset at which the store splices
 * the decimal digits in.
 *
 * Durability: store_txn returns, and a submitted write is done, after it is on disk. Threads: every function
 * from any thread; store_txn blocks (group commit) and must not run on an event loop, where store_submit is
 * for.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include <stdint.h>
#include "base/arena.h"
#include "base/blob.h"
#include "base/error.h"

enum { STORE_MAX_KEY = 500 }; /* bytes; LMDB's own limit is 511 */

struct store;

enum store_change { STORE_CREATED = 1, STORE_UPDATED, STORE_DELETED };

/* One record as read. Memory: for get/range it is a view into a mapped page or the backend's buffer, valid
 * until the store_read that gave it ends; copy what is to live longer. */
struct store_record {
    struct slice key;
    struct slice header;
    struct slice value;       /* revision already spliced in */
    uint64_t revision;        /* of this version */
    uint64_t create_revision; /* of the key's present life */
};

/* Who made a change, kept with it for history and blame. Any of them may be empty. At most 256 bytes each,
 * cut beyond. */
struct store_author {
    struct slice user, agent, manager, request_id;
};

/* ---- writing ---- */

enum store_op_type { STORE_PUT, STORE_DELETE, STORE_CHECK };

/* expect: the revision the key must have now; 0: it must not exist; STORE_ANY: whatever. */
#define STORE_ANY UINT64_MAX

struct store_op {
    enum store_op_type type;
    struct slice key;
    uint64_t expect;
    struct slice header; /* PUT */
    struct slice
        value; /* PUT: without the digits of the revision. DELETE: the last state, as watchers are to see it
                  (resourceVersion spliced too); empty: the present value is used as it stands */
    size_t splice; /* PUT, DELETE: where in value the digits go; SIZE_MAX: nowhere */
};

struct store_txn_result {
    uint64_t revision; /* of the commit; on conflict 0 */
    size_t failed_op;  /* on conflict: the first op whose expectation did not hold */
    uint64_t found;    /* its key's present revision, 0 if absent */
};

enum store_outcome {
    STORE_OK,
    STORE_CONFLICT,
    STORE_FAILED, /* err is set: disk full, closed, I/O */
    STORE_PENDING /* submitted and not answered; never of store_txn */
};

/* All or nothing. At most 10,000 ops and 64 MiB. The ops' memory is only read before return. */
enum store_outcome store_txn(struct store *store, const struct store_op *ops, size_t count,
                             const struct store_author *author, struct store_txn_result *ret,
                             struct error *err);

/*
 * The same without waiting. done() gets it back, exactly once, on the store's thread, when it is durable or
 * refused; what one commit made durable comes as one list (by next, in order), so that whoever passes the
 * answers on to a loop wakes it once. done() must not block. All that the write points to, and itself, is the
 * store's until then.
 */
struct store_write {
    struct store_write *next;
    const struct store_op *ops;
    size_t count;
    const struct store_author *author;
    void (*done)(struct store_write *list);
    /* the answer; why it is STORE_FAILED is not told: who has to know tries again with store_txn */
    enum store_outcome outcome;
    struct store_txn_result result;
};

/* False: not taken (the store is closing, or the write is not a valid one), and done() will not be called. */
bool store_submit(struct store *store, struct store_write *write);

/* ---- reading ---- */

/* The newest committed revision; 0 for a store that was never written. */
uint64_t store_revision(struct store *store);
/* The oldest revision that can still be read or resumed from; below it: "compacted". */
uint64_t store_compacted(struct store *store);

/*
 * A consistent view at one revision (0: the newest). Short-lived: milliseconds, one thread, never across a
 * wait for a client. NULL with err REASON_EXPIRED when `at` is compacted; a revision of the future is
 * REASON_BAD_REQUEST (the caller decides whether to wait: store_wait).
 */
struct store_read *store_read_begin(struct store *store, uint64_t at, struct error *err);
void store_read_end(struct store_read *read);
uint64_t store_read_revision(const struct store_read *read);
DEFINE_CLEANUP(cleanup_store_read_fn, struct store_read *, store_read_end)
#define cleanup_store_read CLEANUP(cleanup_store_read_fn)

/* False if the key does not exist at that revision (err untouched). */
bool store_get(struct store_read *read, struct slice key, struct store_record *ret);

/* Walks the keys >= from (inclusive) that start with prefix, in order, until each() returns false or no more.
 * Returns the number of records passed to each(). The header and key come first: when want() is not NULL,
 * only records for which it returns true have their value fetched and are passed to each(). */
struct store_range {
    struct slice prefix;
    struct slice from; /* empty: from the prefix's start */
    bool (*want)(void *arg, const struct store_record *key_and_header);
    bool (*each)(void *arg, const struct store_record *record);
    void *arg;
};
size_t store_range(struct store_read *read, const struct store_range *range);
/* How many keys start with prefix, at the newest revision; cheap (kept as counters for prefixes
 * "/registry/x/"). */
uint64_t store_count(struct store *store, struct slice prefix);

/* Blocks until the store's revision is at least `at`, or the deadline (clock_mono_nanos) passes: false. */
bool store_wait(struct store *store, uint64_t at, int64_t deadline);

/* ---- watching ---- */

/* One change, immutable, shared by reference count by all who watch. */
struct store_event {
    atomic_int refs;
    enum store_change change;
    uint64_t revision;
    uint64_t prev_revision; /* of this key; 0 when created */
    struct slice key;
    struct slice header, value; /* after; of a deletion: the last state with the deletion's revision in it */
    struct slice prev_header, prev_value; /* before; empty when created */
    /* Wire forms made on first use and shared by all watchers (storage/hub.h); slots by representation. */
    _Atomic(struct blob *) cache[8];
};
struct store_event *store_event_ref(struct store_event *event);
void store_event_unref(struct store_event *event);

/*
 * A feed calls on_events for every committed change, in order, each revision once and complete, from the
 * writer's thread after the commit is durable and before store_txn returns to its caller. The callback must
 * not block: it takes references and posts them on. A store has one feed: the watch hub (storage/hub.h),
 * which fans out.
 */
typedef void (*store_feed_fn)(void *arg, struct store_event *const *events, size_t count);
void store_set_feed(struct store *store, store_feed_fn on_events, void *arg);

/* Past changes, for resuming: calls each() for changes with revision > after, in order, of keys that start
 * with prefix, up to and including revision `until`. False with REASON_EXPIRED if `after` is compacted. May
 * read the disk: not on a loop. */
bool store_replay(struct store *store, struct slice prefix, uint64_t after, uint64_t until,
                  bool (*each)(void *arg, struct store_event *event), void *arg, struct error *err);

/* ---- history and upkeep ---- */

/* Drops history below revision `below` (exclusive of what is still a key's latest) in small steps. Sets
 * store_compacted. */
bool store_compact(struct store *store, uint64_t below, struct error *err);
/* A consistent copy while serving. */
bool store_snapshot(struct store *store, const char *path, struct error *err);

struct store_stats {
    uint64_t keys, log_records, file_bytes, used_bytes, commits, txns, fsync_nanos;
};
void store_stats(struct store *store, struct store_stats *ret);

/* Finishes what was submitted, refuses more, closes. */
void store_close(struct store *store);

/* ---- the backend's side ---- */

struct store_ops {
    const char *name;
    enum store_outcome (*txn)(struct store *, const struct store_op *, size_t, const struct store_author *,
                              struct store_txn_result *, struct error *);
    bool (*submit)(struct store *, struct store_write *);
    uint64_t (*revision)(struct store *);
    uint64_t (*compacted)(struct store *);
    struct store_read *(*read_begin)(struct store *, uint64_t at, struct error *);
    void (*read_end)(struct store_read *);
    uint64_t (*read_revision)(const struct store_read *);
    bool (*get)(struct store_read *, struct slice key, struct store_record *);
    size_t (*range)(struct store_read *, const struct store_range *);
    uint64_t (*count)(struct store *, struct slice prefix);
    bool (*wait)(struct store *, uint64_t at, int64_t deadline);
    void (*set_feed)(struct store *, store_feed_fn, void *arg);
    bool (*replay)(struct store *, struct slice prefix, uint64_t after, uint64_t until,
                   bool (*each)(void *, struct store_event *), void *arg, struct error *);
    bool (*compact)(struct store *, uint64_t below, struct error *);
    bool (*snapshot)(struct store *, const char *path, struct error *);
    void (*stats)(struct store *, struct store_stats *);
    void (*close)(struct store *);
};

/* The first member of every backend's store and read. */
struct store {
    const struct store_ops *ops;
};
struct store_read {
    struct store *store;
};

/* ---- the embedded backend (storage/lmdb) ---- */

struct store_lmdb_options {
    const char *dir;       /* made (0700) if missing */
    uint64_t map_bytes;    /* address space; 0: 64 GiB */
    uint64_t keep_seconds; /* history younger than this is kept; 0: 300 */
    uint64_t keep_bytes;   /* and never more than about this much history; 0: 1 GiB */
    bool no_sync;          /* tests and envtest: survive a crash of the process, not of the machine */
};
/* Errors, each one sentence that says what to do: folder not writable, locked by another process, a newer
 * format, corrupt. Data is never changed by a failed open. */
struct store *store_lmdb_open(const struct store_lmdb_options *options, struct error *err);

#endif
