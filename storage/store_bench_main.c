/*
 * coxswain-store-bench DIR [THREADS] [RECORDS]: writes/s, gets/s, the time of a list of 10,000, of an open,
 * on this machine's disk. DIR must not exist; it is left behind for a look at the file.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "storage/store.h"

enum { VALUE_BYTES = 1400, LIST_KEYS = 10000, LIST_BYTES = 1024, MAX_THREADS = 256 };

struct bench {
    struct store *store;
    size_t threads, per_thread;
    atomic_size_t failed;
};

struct worker {
    struct bench *bench;
    size_t index;
    pthread_t thread;
};

static void fail(const char *what, struct error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->message);
    exit(1);
}

static double seconds_since(int64_t start)
{
    return (double)(clock_mono_nanos() - start) / 1e9;
}

static struct slice bench_key(char text[64], size_t worker, size_t i)
{
    int len = snprintf(text, 64, "/registry/pods/default/pod-%08zu-%zu", i, worker);
    return slice_make(text, (size_t)len);
}

static void *write_some(void *arg)
{
    struct worker *worker = arg;
    static char value[VALUE_BYTES];
    const struct store_author author = {.user = SLICE("bench")};
    char text[64];
    for (size_t i = 0; i < worker->bench->per_thread; i++) {
        const struct store_op op = {.type = STORE_PUT,
                                    .key = bench_key(text, worker->index, i),
                                    .header = SLICE("0123456789012345678901234567890123456789"),
                                    .value = slice_make(value, sizeof value),
                                    .splice = 700,
                                    .expect = STORE_ANY};
        if (store_txn(worker->bench->store, &op, 1, &author, NULL, NULL) != STORE_OK)
            atomic_fetch_add(&worker->bench->failed, 1);
    }
    return NULL;
}

static void *read_some(void *arg)
{
    struct worker *worker = arg;
    char text[64];
    for (size_t i = 0; i < worker->bench->per_thread; i++) {
        struct store_record record;
        struct store_read *read = store_read_begin(worker->bench->store, 0, NULL);
        if (!store_get(read, bench_key(text, worker->index, i), &record))
            atomic_fetch_add(&worker->bench->failed, 1);
        store_read_end(read);
    }
    return NULL;
}

static void run(struct bench *bench, const char *what, void *(*work)(void *))
{
    struct worker workers[MAX_THREADS];
    struct store_stats before, after;
    store_stats(bench->store, &before);
    int64_t start = clock_mono_nanos();
    for (size_t i = 0; i < bench->threads; i++) {
        workers[i] = (struct worker){.bench = bench, .index = i};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (size_t i = 0; i < bench->threads; i++)
        pthread_join(workers[i].thread, NULL);
    double seconds = seconds_since(start);
    store_stats(bench->store, &after);
    printf("%s: %.0f/s with %zu threads, %zu failed", what,
           (double)(bench->threads * bench->per_thread) / seconds, bench->threads,
           atomic_load(&bench->failed));
    uint64_t commits = after.commits - before.commits;
    if (commits)
        printf("; %.1f in a commit, %.0f us a commit", (double)(after.txns - before.txns) / (double)commits,
               (double)(after.fsync_nanos - before.fsync_nanos) / (double)commits / 1e3);
    printf("\n");
}

static bool add_bytes(void *arg, const struct store_record *record)
{
    *(size_t *)arg += record->value.len + record->header.len;
    return true;
}

static void fill_list(struct store *store)
{
    static char value[LIST_BYTES], keys[LIST_KEYS][48];
    static struct store_op ops[LIST_KEYS];
    for (size_t i = 0; i < LIST_KEYS; i++) {
        int len = snprintf(keys[i], sizeof keys[i], "/registry/configmaps/ns/cm-%05zu", i);
        ops[i] = (struct store_op){.type = STORE_PUT,
                                   .key = slice_make(keys[i], (size_t)len),
                                   .value = slice_make(value, sizeof value),
                                   .splice = SIZE_MAX};
    }
    store_txn(store, ops, LIST_KEYS, NULL, NULL, NULL);
}

static void time_list(struct store *store)
{
    size_t bytes = 0;
    const struct store_range range = {
        .prefix = SLICE("/registry/configmaps/"), .each = add_bytes, .arg = &bytes};
    for (int i = 0; i < 2; i++) {
        int64_t start = clock_mono_nanos();
        struct store_read *read = store_read_begin(store, 0, NULL);
        size_t count = store_range(read, &range);
        store_read_end(read);
        printf("list: %zu records in %.2f ms\n", count, seconds_since(start) * 1e3);
    }
}

int main(int argc, char **argv)
{
    cleanup_error struct error err = ERROR_INIT;
    if (argc < 2) {
        fprintf(stderr, "usage: coxswain-store-bench DIR [THREADS] [RECORDS]\n");
        return 2;
    }
    struct bench bench = {.threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 32};
    size_t records = argc > 3 ? strtoul(argv[3], NULL, 10) : 100000;
    if (bench.threads < 1 || bench.threads > MAX_THREADS) {
        fprintf(stderr, "THREADS must be 1 to %d\n", MAX_THREADS);
        return 2;
    }
    bench.per_thread = records / bench.threads;
    const struct store_lmdb_options options = {.dir = argv[1]};
    if (!(bench.store = store_lmdb_open(&options, &err)))
        fail("open", &err);
    run(&bench, "creates", write_some);
    run(&bench, "updates", write_some);
    run(&bench, "gets", read_some);
    fill_list(bench.store);
    time_list(bench.store);
    struct store_stats stats;
    store_stats(bench.store, &stats);
    printf("keys %" PRIu64 ", log records %" PRIu64 ", file %.1f MiB, used %.1f MiB\n", stats.keys,
           stats.log_records, (double)stats.file_bytes / 1048576, (double)stats.used_bytes / 1048576);
    store_close(bench.store);
    int64_t start = clock_mono_nanos();
    if (!(bench.store = store_lmdb_open(&options, &err)))
        fail("reopen", &err);
    printf("open: %.2f ms\n", seconds_since(start) * 1e3);
    store_close(bench.store);
    return atomic_load(&bench.failed) ? 1 : 0;
}
