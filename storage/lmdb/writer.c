/*
 * The writer thread. Callers push their request on a stack and sleep on a word of their own, or go on and are
 * called back; the writer takes the whole stack, puts all of it into one LMDB transaction, makes that durable
 * with one commit, tells the feed, and answers. While it waits for the disk the next batch gathers, so the
 * batch grows with the load by itself.
 *
 * When a batch fails (disk full, map full), nothing of it is kept and each of its transactions is tried
 * alone: a large one that does not fit must not take small ones with it.
 */
#include "storage/lmdb/fault.h"
#include "storage/lmdb/internal.h"

#include <errno.h>
#include <sched.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

int (*lmdb_fault)(const char *call);

enum {
    MAX_OPS = 10000,
    MAX_TXN_BYTES = 64 << 20,
    BATCH_REQUESTS = 1024,
    BATCH_BYTES = 16 << 20,
    HOLD_BATCHES = 8,
};

/* What the futex words say. */
enum { WRITER_RUNS, WRITER_SLEEPS, WRITER_GATHERS };
enum { REQUEST_RUNS, REQUEST_DONE, REQUEST_SLEEPS };

static const int64_t second = 1000000000, gather_most = 1000000;

/* ---- waiting and waking ---- */

static void futex_wait(_Atomic uint32_t *word, uint32_t while_value, int64_t timeout_nanos)
{
    struct timespec ts = {timeout_nanos / second, timeout_nanos % second};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, while_value, timeout_nanos < 0 ? NULL : &ts, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void submit(struct lmdb_store *store, struct request *request)
{
    request->next = atomic_load(&store->submitted);
    while (!atomic_compare_exchange_weak(&store->submitted, &request->next, request))
        ;
    atomic_fetch_add(&store->submissions, 1);
    uint32_t sleeps = atomic_load(&store->writer_sleeps);
    if (sleeps == WRITER_GATHERS && atomic_load(&store->submissions) < atomic_load(&store->gather_until))
        return; /* it will look by itself, soon */
    if (sleeps && atomic_exchange(&store->writer_sleeps, 0))
        futex_wake(&store->writer_sleeps);
}

/* The futex word may vanish with the caller's stack as soon as done is set: a wake of an address where nobody
 * sleeps is harmless. */
static void answer(struct request *request)
{
    if (atomic_exchange(&request->done, REQUEST_DONE) == REQUEST_SLEEPS)
        futex_wake(&request->done);
}

static void wait_for_answer(struct request *request)
{
    uint32_t now = REQUEST_RUNS;
    if (!atomic_compare_exchange_strong(&request->done, &now, REQUEST_SLEEPS))
        return; /* done already */
    while (atomic_load(&request->done) != REQUEST_DONE)
        futex_wait(&request->done, REQUEST_SLEEPS, -1);
}

/* False when the store is closing. */
static bool run_request(struct lmdb_store *store, struct request *request)
{
    atomic_fetch_add(&store->callers, 1);
    bool open = !atomic_load(&store->closing);
    if (open) {
        submit(store, request);
        wait_for_answer(request);
    }
    atomic_fetch_sub(&store->callers, 1);
    return open;
}

/* All that was submitted, oldest first. */
static struct request *take_all(struct lmdb_store *store)
{
    struct request *stack = atomic_exchange(&store->submitted, NULL), *list = NULL;
    while (stack) {
        struct request *next = stack->next;
        stack->next = list;
        list = stack;
        stack = next;
    }
    return list;
}

/* ---- one batch ---- */

static void drop_events(struct lmdb_store *store)
{
    for (size_t i = 0; i < store->event_count; i++)
        store_event_unref(store->events[i]);
    store->event_count = 0;
}

static int apply_list(struct lmdb_store *store, struct batch *batch, struct request *list,
                      const struct request *end)
{
    for (struct request *r = list; r != end; r = r->next) {
        int rc = 0;
        if (r->kind == REQUEST_TXN)
            rc = lmdb_apply(store, batch, r);
        else if (r->below > batch->meta.compacted && r->below <= batch->meta.revision)
            batch->meta.compacted = r->below;
        if (rc)
            return rc;
    }
    return 0;
}

static bool same_meta(const struct meta *a, const struct meta *b)
{
    return a->revision == b->revision && a->compacted == b->compacted &&
           a->swept.revision == b->swept.revision && a->swept.op == b->swept.op;
}

static int64_t tick_interval(const struct lmdb_store *store)
{
    int64_t interval = (int64_t)store->options.keep_seconds * second / 16;
    return interval < second / 4 ? second / 4 : interval > 10 * second ? 10 * second : interval;
}

/* Also when much was superseded since the last mark: marks far apart would make retention by bytes coarse. */
static bool tick_due(const struct lmdb_store *store)
{
    const struct marks *marks = &store->marks;
    uint64_t marked = marks->count ? marks->items[marks->count - 1].superseded : 0;
    return clock_mono_nanos() >= store->next_tick ||
           store->meta.superseded - marked > store->options.keep_bytes / 16;
}

static void put_off_tick(struct lmdb_store *store)
{
    store->next_tick = clock_mono_nanos() + tick_interval(store);
}

static int save_counts(struct lmdb_store *store, MDB_txn *txn)
{
    cleanup_buf struct buf bytes = BUF_INIT(BUF_UNLIMITED);
    counts_put(&store->counts, store->meta.revision, &bytes);
    return lmdb_counts_write(txn, store->main, buf_slice(&bytes));
}

/* The writes of a tick: where in time we are, and the counters, so that the next open need not count. */
static int apply_tick(struct lmdb_store *store, struct batch *batch)
{
    int64_t now = clock_now_micros();
    if (store->counts_saved != store->meta.revision) {
        marks_add(&store->marks, (struct mark){now, store->meta.revision, store->meta.superseded});
        int rc = lmdb_marks_write(batch->txn, store->main, &store->marks);
        rc = rc ? rc : save_counts(store, batch->txn);
        if (rc)
            return rc;
    }
    marks_prune(&store->marks, store->meta.compacted);
    uint64_t target = retention_target(&store->marks, &store->meta, now, store->options.keep_seconds,
                                       store->options.keep_bytes);
    if (target > batch->meta.compacted)
        batch->meta.compacted = target;
    return 0;
}

static void publish(struct lmdb_store *store, const struct batch *batch)
{
    for (size_t i = 0; i < store->event_count; i++) {
        const struct store_event *event = store->events[i];
        if (event->change != STORE_UPDATED)
            counts_add(&store->counts, event->key, event->change == STORE_CREATED ? 1 : -1);
    }
    store->meta = batch->meta;
    atomic_store(&store->revision, batch->meta.revision);
    pthread_mutex_lock(&store->feed_lock);
    if (store->feed && store->event_count)
        store->feed(store->feed_arg, store->events, store->event_count);
    pthread_mutex_unlock(&store->feed_lock);
    drop_events(store);
    if (atomic_load(&store->waiters)) {
        pthread_mutex_lock(&store->wait_lock);
        pthread_cond_broadcast(&store->wait_cond);
        pthread_mutex_unlock(&store->wait_lock);
    }
}

static int fill_batch(struct lmdb_store *store, struct batch *batch, struct request *list,
                      const struct request *end, bool upkeep, bool tick)
{
    int rc = apply_list(store, batch, list, end);
    if (!rc && tick)
        rc = apply_tick(store, batch);
    /* Readers must refuse what the sweep takes away before it is gone: hence before the sweep, not at
     * publish. */
    if (!rc && batch->meta.compacted > atomic_load(&store->compacted))
        atomic_store(&store->compacted, batch->meta.compacted);
    if (!rc && upkeep && !store->upkeep_rc)
        rc = lmdb_sweep(store, batch);
    if (!rc && !same_meta(&batch->meta, &store->meta))
        rc = lmdb_meta_write(batch->txn, store->main, &batch->meta);
    return rc;
}

/* Applies list up to end in one LMDB transaction. 0, or why none of it is kept. */
static int commit_list(struct lmdb_store *store, struct request *list, const struct request *end, bool upkeep)
{
    struct batch batch = {.meta = store->meta};
    uint64_t compacted = atomic_load(&store->compacted);
    bool tick = upkeep && tick_due(store);
    int rc = fault_begin(store->env, &batch.txn);
    if (rc)
        return rc;
    rc = fill_batch(store, &batch, list, end, upkeep, tick);
    int64_t start = clock_mono_nanos();
    if (rc)
        mdb_txn_abort(batch.txn);
    else
        rc = fault_commit(batch.txn);
    if (rc) {
        atomic_store(&store->compacted, compacted);
        drop_events(store);
        return rc;
    }
    int64_t took = clock_mono_nanos() - start;
    store->commit_nanos += (took - store->commit_nanos) / 8;
    atomic_fetch_add(&store->fsync_nanos, (uint64_t)took);
    atomic_fetch_add(&store->commits, 1);
    if (tick) {
        store->counts_saved = store->meta.revision;
        store->upkeep_rc = 0;
        put_off_tick(store);
    }
    publish(store, &batch);
    return 0;
}

/* Answers the compactions that are through. */
static void answer_compactions(struct lmdb_store *store, bool stopping)
{
    struct request **at = &store->compactions;
    while (*at) {
        struct request *r = *at;
        bool through =
            r->below <= store->meta.swept.revision || stopping || !lmdb_sweep_pending(&store->meta);
        if (!through && !store->upkeep_rc) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        r->outcome = through ? STORE_OK : STORE_FAILED;
        r->rc = store->upkeep_rc;
        answer(r);
    }
}

/* Writes that are to be given back, in order. */
struct done_list {
    struct store_write *first, **tail;
    uint32_t count;
};

static void give_back(struct lmdb_store *store, struct done_list *list)
{
    if (!list->first)
        return;
    *list->tail = NULL;
    list->first->done(list->first);
    atomic_fetch_add_explicit(&store->txns, list->count, memory_order_relaxed);
    atomic_fetch_sub(&store->callers, list->count);
    *list = (struct done_list){.tail = &list->first};
}

static void add_done(struct lmdb_store *store, struct done_list *list, struct request *request)
{
    struct store_write *write = request->write;
    if (list->first && list->first->done != write->done)
        give_back(store, list);
    write->outcome = request->outcome;
    write->result = request->result;
    *list->tail = write;
    list->tail = &write->next;
    list->count++;
    free(request);
}

static void answer_list(struct lmdb_store *store, struct request *list, const struct request *end)
{
    struct done_list done = {.tail = &done.first};
    struct request *next;
    for (struct request *r = list; r != end; r = next) {
        next = r->next;
        if (r->write) {
            add_done(store, &done, r);
        } else if (r->kind == REQUEST_COMPACT && r->outcome != STORE_FAILED) {
            r->next = store->compactions;
            store->compactions = r;
        } else {
            give_back(store, &done); /* before who came later hears of it */
            answer(r);
        }
    }
    give_back(store, &done);
}

static void run_batch(struct lmdb_store *store, struct request *list, const struct request *end)
{
    for (const struct request *r = list; r != end; r = r->next) {
        if (r->kind == REQUEST_COMPACT)
            store->upkeep_rc = 0; /* who asks wants it tried again */
    }
    int rc = commit_list(store, list, end, true);
    if (rc) {
        log_warn("store: batch failed", LOG_S("cause", mdb_strerror(rc)));
        store->upkeep_rc = rc;
        put_off_tick(store);
        for (struct request *r = list; r != end; r = r->next) {
            r->rc = commit_list(store, r, r->next, false);
            if (r->rc)
                r->outcome = STORE_FAILED;
        }
    }
    answer_list(store, list, end);
    answer_compactions(store, false);
}

/* The first request that no longer belongs to the batch which starts at list. */
static struct request *batch_end(struct request *list)
{
    size_t requests = 0, bytes = 0;
    while (list && (!requests || (requests < BATCH_REQUESTS && bytes + list->bytes <= BATCH_BYTES))) {
        requests++;
        bytes += list->bytes;
        list = list->next;
    }
    return list;
}

/* ---- the thread ---- */

static bool history_exists(const struct lmdb_store *store)
{
    return store->meta.superseded != store->meta.dropped;
}

/* How long nothing needs doing unless somebody writes; -1: for ever. An idle store with nothing to age does
 * not wake. */
static int64_t idle_nanos(const struct lmdb_store *store)
{
    if (lmdb_sweep_pending(&store->meta) && !store->upkeep_rc)
        return 0;
    if (store->counts_saved == store->meta.revision && !history_exists(store) &&
        !lmdb_sweep_pending(&store->meta))
        return -1;
    int64_t left = store->next_tick - clock_mono_nanos();
    return left > 0 ? left : 0;
}

/*
 * A disk that is done in the time in which one request is made would see a commit for each: most of the work
 * then is commits. So where several writers are at work (the last batches tell), the next batch is given a
 * moment, no longer than a commit takes, to gather as many again, and now and then more. One writer alone
 * never waits.
 */
static void gather(struct lmdb_store *store)
{
    uint64_t have = atomic_load(&store->submissions) - store->taken, usual = store->usual_batch;
    uint64_t want = store->hold ? usual : usual + usual / 2;
    if (have >= want || atomic_load(&store->closing))
        return;
    atomic_store(&store->gather_until, store->taken + want);
    atomic_store(&store->writer_sleeps, WRITER_GATHERS);
    if (atomic_load(&store->submissions) - store->taken < want && !atomic_load(&store->closing))
        futex_wait(&store->writer_sleeps, WRITER_GATHERS,
                   store->commit_nanos < gather_most ? store->commit_nanos : gather_most);
    atomic_store(&store->writer_sleeps, WRITER_RUNS);
}

/* Grows at once, shrinks by a quarter of what was missing. Where hoping for more was in vain it is not done
 * for a while. */
static void learn_batch(struct lmdb_store *store, uint64_t count)
{
    store->taken += count;
    if (count > store->usual_batch) {
        store->usual_batch = count < BATCH_REQUESTS ? count : BATCH_REQUESTS;
        store->hold = 0;
        return;
    }
    store->usual_batch -= (store->usual_batch - count + 3) / 4;
    store->hold = store->hold ? store->hold - 1 : HOLD_BATCHES;
}

static void sleep_until_submitted(struct lmdb_store *store)
{
    int64_t timeout = idle_nanos(store);
    if (timeout == 0 || atomic_load(&store->closing))
        return;
    atomic_store(&store->writer_sleeps, WRITER_SLEEPS);
    if (!atomic_load(&store->submitted) && !atomic_load(&store->closing))
        futex_wait(&store->writer_sleeps, WRITER_SLEEPS, timeout);
    atomic_store(&store->writer_sleeps, WRITER_RUNS);
}

static struct request *wait_for_work(struct lmdb_store *store)
{
    uint64_t count = 0;
    if (!atomic_load(&store->submitted))
        sleep_until_submitted(store);
    if (!atomic_load(&store->submitted))
        return NULL;
    gather(store);
    struct request *list = take_all(store);
    for (const struct request *r = list; r; r = r->next)
        count++;
    learn_batch(store, count);
    return list;
}

static void *writer_main(void *arg)
{
    struct lmdb_store *store = arg;
    while (!atomic_load(&store->closing) || atomic_load(&store->callers)) {
        struct request *list = wait_for_work(store);
        if (!list && idle_nanos(store) == 0)
            run_batch(store, NULL, NULL); /* upkeep alone */
        while (list) {
            struct request *end = batch_end(list);
            run_batch(store, list, end);
            list = end;
        }
        if (atomic_load(&store->closing)) {
            answer_compactions(store, true);
            sched_yield();
        }
    }
    if (store->counts_saved != store->meta.revision) {
        store->next_tick = 0;
        commit_list(store, NULL, NULL, true);
    }
    return NULL;
}

bool lmdb_writer_start(struct lmdb_store *store, struct error *err)
{
    put_off_tick(store);
    int rc = pthread_create(&store->writer, NULL, writer_main, store);
    if (rc)
        return error_set(err, REASON_INTERNAL, "cannot start the store's writer thread: %s", strerror(rc));
    pthread_setname_np(store->writer, "store-writer");
    store->writer_started = true;
    return true;
}

void lmdb_writer_stop(struct lmdb_store *store)
{
    atomic_store(&store->closing, true);
    pthread_mutex_lock(&store->wait_lock);
    pthread_cond_broadcast(&store->wait_cond);
    pthread_mutex_unlock(&store->wait_lock);
    if (store->writer_started) {
        if (atomic_exchange(&store->writer_sleeps, 0))
            futex_wake(&store->writer_sleeps);
        pthread_join(store->writer, NULL);
    }
    drop_events(store);
    free(store->events);
    free(store->currents);
}

/* ---- the callers' side ---- */

static int compare_keys(const void *a, const void *b)
{
    return slice_cmp((*(const struct store_op *const *)a)->key, (*(const struct store_op *const *)b)->key);
}

/* Two writes to one key in one transaction would share a revision: no reader could tell them apart. */
static bool writes_twice(const struct store_op *ops, size_t count)
{
    if (count < 2)
        return false;
    cleanup_free const struct store_op **sorted = xmalloc(count * sizeof *sorted);
    size_t writes = 0;
    for (size_t i = 0; i < count; i++) {
        if (ops[i].type != STORE_CHECK)
            sorted[writes++] = &ops[i];
    }
    qsort(sorted, writes, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < writes; i++) {
        if (slice_eq(sorted[i - 1]->key, sorted[i]->key))
            return true;
    }
    return false;
}

static bool check_request(struct request *request, struct error *err)
{
    if (request->count > MAX_OPS)
        return error_set(err, REASON_TOO_LARGE, "a transaction may hold at most %d operations", MAX_OPS);
    for (size_t i = 0; i < request->count; i++) {
        const struct store_op *op = &request->ops[i];
        if (op->key.len < 1 || op->key.len > STORE_MAX_KEY)
            return error_set(err, REASON_BAD_REQUEST, "a key must have 1 to %d bytes", STORE_MAX_KEY);
        if (op->type != STORE_CHECK && op->splice != SIZE_MAX && op->splice > op->value.len)
            return error_set(err, REASON_INTERNAL, "the revision's place lies behind the value's end");
        if (op->type != STORE_CHECK)
            request->bytes += op->key.len + op->header.len + op->value.len;
        if (request->bytes > MAX_TXN_BYTES)
            return error_set(err, REASON_TOO_LARGE, "a transaction may hold at most %d bytes", MAX_TXN_BYTES);
    }
    if (writes_twice(request->ops, request->count))
        return error_set(err, REASON_BAD_REQUEST, "a transaction may write a key only once");
    return true;
}

static bool set_closing(struct error *err)
{
    return error_set(err, REASON_SERVICE_UNAVAILABLE, "the store is closing");
}

enum store_outcome lmdb_txn(struct store *base, const struct store_op *ops, size_t count,
                            const struct store_author *author, struct store_txn_result *ret,
                            struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    struct request request = {.kind = REQUEST_TXN, .ops = ops, .count = count, .author = author};
    if (!check_request(&request, err))
        return STORE_FAILED;
    if (!run_request(store, &request)) {
        set_closing(err);
        return STORE_FAILED;
    }
    atomic_fetch_add_explicit(&store->txns, 1, memory_order_relaxed);
    if (request.outcome == STORE_FAILED)
        lmdb_error(err, request.rc, "cannot write to the store");
    else if (ret)
        *ret = request.result;
    return request.outcome;
}

bool lmdb_submit(struct store *base, struct store_write *write)
{
    struct lmdb_store *store = lmdb_store_of(base);
    struct request *request = xcalloc(1, sizeof *request);
    *request = (struct request){.kind = REQUEST_TXN,
                                .ops = write->ops,
                                .count = write->count,
                                .author = write->author,
                                .write = write};
    atomic_fetch_add(&store->callers, 1);
    if (!atomic_load(&store->closing) && check_request(request, NULL)) {
        submit(store, request);
        return true;
    }
    atomic_fetch_sub(&store->callers, 1);
    free(request);
    return false;
}

bool lmdb_compact(struct store *base, uint64_t below, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    struct request request = {.kind = REQUEST_COMPACT, .below = below};
    if (below > atomic_load(&store->revision))
        return error_set(err, REASON_BAD_REQUEST, "cannot compact to revision %lu: the newest is %lu", below,
                         atomic_load(&store->revision));
    if (!run_request(store, &request))
        return set_closing(err);
    return request.outcome == STORE_OK || lmdb_error(err, request.rc, "cannot compact the store");
}
