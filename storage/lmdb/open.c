#include "storage/lmdb/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum { MAX_READERS = 512 };

static const uint64_t gib = 1ull << 30;

bool lmdb_error(struct error *err, int rc, const char *doing)
{
    switch (rc) {
    case MDB_MAP_FULL:
        return error_set(err, REASON_INTERNAL,
                         "%s: it has reached its maximum size; keep less history or delete objects", doing);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return error_set(err, REASON_INTERNAL, "%s: the disk is full; free some space and try again", doing);
    case EIO: /* LMDB's word for a short write too, which is how a disk fills up */
        return error_set(err, REASON_INTERNAL,
                         "%s: the disk is full or failing; free some space and try again", doing);
    case MDB_READERS_FULL:
        return error_set(err, REASON_SERVICE_UNAVAILABLE, "%s: too many reads at once; try again", doing);
    case MDB_PANIC:
        return error_set(err, REASON_INTERNAL,
                         "%s: the disk failed while a commit was written; restart the server", doing);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return error_set(err, REASON_INTERNAL, "%s: the data file is damaged; restore a snapshot", doing);
    default:
        return error_set(err, REASON_INTERNAL, "%s: %s", doing, mdb_strerror(rc));
    }
}

/* ---- the small operations ---- */

static uint64_t op_revision(struct store *base)
{
    return atomic_load(&lmdb_store_of(base)->revision);
}

static uint64_t op_compacted(struct store *base)
{
    return atomic_load(&lmdb_store_of(base)->compacted);
}

static bool count_one(void *arg, const struct store_record *record)
{
    ++*(uint64_t *)arg;
    return false; /* spares the fetch of the value */
}

static bool take_none(void *arg, const struct store_record *record)
{
    return true;
}

static uint64_t op_count(struct store *base, struct slice prefix)
{
    uint64_t count = 0;
    if (!prefix.ptr)
        prefix = SLICE("");
    if (counts_sum(&lmdb_store_of(base)->counts, prefix, &count))
        return count;
    cleanup_store_read struct store_read *read = lmdb_read_begin(base, 0, NULL);
    const struct store_range range = {.prefix = prefix, .want = count_one, .each = take_none, .arg = &count};
    if (read)
        lmdb_range(read, &range);
    return count;
}

static bool op_wait(struct store *base, uint64_t at, int64_t deadline)
{
    struct lmdb_store *store = lmdb_store_of(base);
    const struct timespec until = {deadline / 1000000000, deadline % 1000000000};
    if (atomic_load(&store->revision) >= at)
        return true;
    atomic_fetch_add(&store->callers, 1);
    pthread_mutex_lock(&store->wait_lock);
    atomic_fetch_add(&store->waiters, 1);
    int rc = 0;
    while (atomic_load(&store->revision) < at && !atomic_load(&store->closing) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&store->wait_cond, &store->wait_lock, &until);
    atomic_fetch_sub(&store->waiters, 1);
    pthread_mutex_unlock(&store->wait_lock);
    bool reached = atomic_load(&store->revision) >= at;
    atomic_fetch_sub(&store->callers, 1);
    return reached;
}

static void op_set_feed(struct store *base, store_feed_fn feed, void *arg)
{
    struct lmdb_store *store = lmdb_store_of(base);
    pthread_mutex_lock(&store->feed_lock);
    store->feed = feed;
    store->feed_arg = arg;
    pthread_mutex_unlock(&store->feed_lock);
}

static void op_stats(struct store *base, struct store_stats *ret)
{
    struct lmdb_store *store = lmdb_store_of(base);
    MDB_stat log = {0}, latest = {0}, main = {0};
    MDB_envinfo info = {0};
    struct stat file = {0};
    int fd;
    struct store_read *read = lmdb_read_begin(base, 0, NULL);
    if (read) {
        MDB_txn *txn = lmdb_read_txn(read);
        mdb_stat(txn, store->log, &log);
        mdb_stat(txn, store->latest, &latest);
        mdb_stat(txn, store->main, &main);
        lmdb_read_end(read);
    }
    mdb_env_info(store->env, &info);
    if (mdb_env_get_fd(store->env, &fd) == 0)
        fstat(fd, &file);
    size_t pages = log.ms_branch_pages + log.ms_leaf_pages + log.ms_overflow_pages + latest.ms_branch_pages +
                   latest.ms_leaf_pages + latest.ms_overflow_pages + main.ms_branch_pages +
                   main.ms_leaf_pages + main.ms_overflow_pages;
    *ret = (struct store_stats){
        .keys = counts_total(&store->counts),
        .log_records = log.ms_entries,
        .file_bytes = (uint64_t)file.st_size,
        .used_bytes = pages * (uint64_t)main.ms_psize,
        .commits = atomic_load(&store->commits),
        .txns = atomic_load(&store->txns),
        .fsync_nanos = atomic_load(&store->fsync_nanos),
    };
}

static bool sync_path(const char *path, struct error *err)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || error_errno(err, "cannot write %s to disk", path);
}

/* The copy holds Secrets, so it is its owner's alone even when it is moved out of its folder. */
static bool copy_to(struct lmdb_store *store, const char *file, struct error *err)
{
    cleanup_fd int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, "cannot make the snapshot's file %s", file);
    int rc = mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT);
    if (rc)
        return lmdb_error(err, rc, "cannot write the snapshot");
    return fsync(fd) == 0 || error_errno(err, "cannot write %s to disk", file);
}

static bool op_snapshot(struct store *base, const char *path, struct error *err)
{
    if (mkdir(path, 0700) != 0)
        return error_errno(err, "cannot make the folder %s for the snapshot", path);
    cleanup_free char *file = xasprintf("%s/data.mdb", path);
    if (copy_to(lmdb_store_of(base), file, err) && sync_path(path, err))
        return true;
    unlink(file);
    rmdir(path);
    return false;
}

static void store_free(struct lmdb_store *store)
{
    if (store->env) {
        lmdb_reads_free(store);
        mdb_env_close(store->env);
    }
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    counts_release(&store->counts);
    pthread_mutex_destroy(&store->feed_lock);
    pthread_mutex_destroy(&store->wait_lock);
    pthread_mutex_destroy(&store->read_lock);
    pthread_cond_destroy(&store->wait_cond);
    free(store->dir);
    free(store);
}

static void op_close(struct store *base)
{
    struct lmdb_store *store = lmdb_store_of(base);
    lmdb_writer_stop(store);
    store_free(store);
}

static const struct store_ops lmdb_ops = {
    .name = "lmdb",
    .txn = lmdb_txn,
    .submit = lmdb_submit,
    .revision = op_revision,
    .compacted = op_compacted,
    .read_begin = lmdb_read_begin,
    .read_end = lmdb_read_end,
    .read_revision = lmdb_read_revision,
    .get = lmdb_get,
    .range = lmdb_range,
    .count = op_count,
    .wait = op_wait,
    .set_feed = op_set_feed,
    .replay = lmdb_replay,
    .compact = lmdb_compact,
    .snapshot = op_snapshot,
    .stats = op_stats,
    .close = op_close,
};

/* ---- opening ---- */

static struct lmdb_store *store_new(const struct store_lmdb_options *options)
{
    struct lmdb_store *store = xcalloc(1, sizeof *store);
    pthread_condattr_t attr;
    store->base.ops = &lmdb_ops;
    store->options = *options;
    store->options.map_bytes = options->map_bytes ? options->map_bytes : 64 * gib;
    store->options.keep_seconds = options->keep_seconds ? options->keep_seconds : 300;
    store->options.keep_bytes = options->keep_bytes ? options->keep_bytes : gib;
    store->dir = xstrdup(options->dir);
    store->options.dir = store->dir;
    store->lock_fd = -1;
    counts_init(&store->counts);
    pthread_mutex_init(&store->feed_lock, NULL);
    pthread_mutex_init(&store->wait_lock, NULL);
    pthread_mutex_init(&store->read_lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wait_cond, &attr);
    pthread_condattr_destroy(&attr);
    return store;
}

/* One process per folder: two writers would each think the counters and revisions are theirs. */
static bool lock_dir(struct lmdb_store *store, struct error *err)
{
    if (mkdir(store->dir, 0700) != 0 && errno != EEXIST)
        return error_errno(err, "cannot make the data folder %s: choose another or make it yourself",
                           store->dir);
    if (access(store->dir, R_OK | W_OK | X_OK) != 0)
        return error_errno(err, "cannot write to the data folder %s: change its owner or choose another",
                           store->dir);
    cleanup_free char *path = xasprintf("%s/lock", store->dir);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        return error_errno(err, "cannot write to the data folder %s: change its owner or choose another",
                           store->dir);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK)
        return error_errno(err, "cannot lock the data folder %s", store->dir);
    return error_set(err, REASON_INTERNAL,
                     "the data folder %s is in use by another process: stop it or choose another",
                     store->dir);
}

static bool damaged(const struct lmdb_store *store, const char *how, struct error *err)
{
    return error_set(err, REASON_INTERNAL,
                     "the store in %s is damaged (%s): restore a snapshot or move the folder away",
                     store->dir, how);
}

/* How many of the pages from `first` on the free list names. A page that was taken and given back within one
 * transaction is never written, so LMDB's files may end before the last page they count; such pages are all
 * on the list. */
static int count_free_pages(struct lmdb_store *store, size_t first, size_t *ret_count)
{
    enum { FREE_LIST = 0 }; /* LMDB's own table: transaction -> count, then page numbers */
    MDB_txn *txn;
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    *ret_count = 0;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return rc;
    rc = mdb_cursor_open(txn, FREE_LIST, &cursor);
    while (!rc && !(rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
        const size_t *pages = value.mv_data;
        for (size_t i = 1;
             value.mv_size >= sizeof *pages && i <= pages[0] && i < value.mv_size / sizeof *pages; i++)
            *ret_count += pages[i] >= first;
    }
    if (cursor)
        mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* LMDB maps the file without looking at its length: a page past the end would be a SIGBUS later. The missing
 * end is put there (as a hole) to look at the free list, and taken away again when a page of it is in use:
 * then the file was cut. */
static bool check_length(struct lmdb_store *store, struct error *err)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    int fd;
    size_t found;
    int rc = mdb_env_info(store->env, &info);
    rc = rc ? rc : mdb_env_stat(store->env, &stat);
    rc = rc ? rc : mdb_env_get_fd(store->env, &fd);
    if (rc || fstat(fd, &file) != 0)
        return lmdb_error(err, rc ? rc : errno, "cannot look at the store");
    size_t pages = (size_t)file.st_size / stat.ms_psize, counted = info.me_last_pgno + 1;
    if (pages >= counted)
        return true;
    if (ftruncate(fd, (off_t)(counted * stat.ms_psize)) != 0)
        return lmdb_error(err, errno, "cannot lengthen the store's file");
    rc = count_free_pages(store, pages, &found);
    if (!rc && found >= counted - pages)
        return true;
    /* As it was, its time too: a failed open changes nothing. */
    int ignored = ftruncate(fd, file.st_size);
    ignored |= futimens(fd, (struct timespec[2]){file.st_atim, file.st_mtim});
    (void)ignored;
    return damaged(store, "the file is cut short", err);
}

static bool open_env(struct lmdb_store *store, bool *ret_fresh, struct error *err)
{
    cleanup_free char *file = xasprintf("%s/data.mdb", store->dir);
    struct stat before;
    *ret_fresh = stat(file, &before) != 0 || before.st_size == 0;
    int rc = mdb_env_create(&store->env);
    rc = rc ? rc : mdb_env_set_mapsize(store->env, store->options.map_bytes);
    rc = rc ? rc : mdb_env_set_maxreaders(store->env, MAX_READERS);
    rc = rc ? rc : mdb_env_set_maxdbs(store->env, 2);
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (store->options.no_sync ? MDB_NOSYNC : 0);
    rc = rc ? rc : mdb_env_open(store->env, store->dir, flags, 0600);
    if (rc == MDB_INVALID || rc == MDB_CORRUPTED)
        return damaged(store, "data.mdb is not a database", err);
    if (rc == MDB_VERSION_MISMATCH)
        return error_set(err, REASON_INTERNAL,
                         "the store in %s was written by another version of LMDB: use that version",
                         store->dir);
    if (rc)
        return lmdb_error(err, rc, "cannot open the store");
    return *ret_fresh || check_length(store, err);
}

static int make_tables(struct lmdb_store *store)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &store->main);
    rc = rc ? rc : mdb_dbi_open(txn, "log", MDB_CREATE, &store->log);
    rc = rc ? rc : mdb_dbi_open(txn, "latest", MDB_CREATE, &store->latest);
    rc = rc ? rc : lmdb_format_write(txn, store->main);
    rc = rc ? rc : lmdb_meta_write(txn, store->main, &store->meta);
    if (!rc)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

/* An interrupted first start leaves a database without a single record: that too is fresh. */
static bool is_empty(MDB_txn *txn, MDB_dbi main)
{
    MDB_stat stat;
    return mdb_stat(txn, main, &stat) == 0 && stat.ms_entries == 0;
}

static int load(struct lmdb_store *store, MDB_txn *txn, bool *ret_fresh)
{
    int rc = mdb_dbi_open(txn, NULL, 0, &store->main);
    if (!rc && is_empty(txn, store->main)) {
        *ret_fresh = true;
        return 0;
    }
    rc = rc ? rc : lmdb_format_check(txn, store->main);
    rc = rc ? rc : mdb_dbi_open(txn, "log", 0, &store->log);
    rc = rc ? rc : mdb_dbi_open(txn, "latest", 0, &store->latest);
    rc = rc ? rc : lmdb_meta_read(txn, store->main, &store->meta);
    rc = rc ? rc : lmdb_marks_read(txn, store->main, &store->marks);
    return rc ? rc : lmdb_counts_load(store, txn);
}

static bool load_tables(struct lmdb_store *store, bool *ret_fresh, struct error *err)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (!rc) {
        rc = load(store, txn, ret_fresh);
        if (rc)
            mdb_txn_abort(txn);
        else
            rc = mdb_txn_commit(txn); /* keeps the table handles */
    }
    if (!rc)
        return true;
    if (rc == MDB_VERSION_MISMATCH)
        return error_set(
            err, REASON_INTERNAL,
            "the store in %s was written by a newer Coxswain: use that one, or move the folder away",
            store->dir);
    if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE || rc == MDB_INVALID)
        return damaged(store, "data.mdb is not a store of Coxswain's", err);
    return damaged(store, mdb_strerror(rc), err);
}

static bool open_all(struct lmdb_store *store, struct error *err)
{
    bool fresh;
    if (!lock_dir(store, err) || !open_env(store, &fresh, err))
        return false;
    if (!fresh && !load_tables(store, &fresh, err))
        return false;
    if (fresh) {
        int rc = make_tables(store);
        if (rc)
            return lmdb_error(err, rc, "cannot make the store");
        if (!sync_path(store->dir, err))
            return false;
    }
    atomic_store(&store->revision, store->meta.revision);
    atomic_store(&store->compacted, store->meta.compacted);
    return lmdb_writer_start(store, err);
}

struct store *store_lmdb_open(const struct store_lmdb_options *options, struct error *err)
{
    struct lmdb_store *store = store_new(options);
    if (open_all(store, err))
        return &store->base;
    store_free(store);
    return NULL;
}
