/*
 * Crashes and faults. A child writes under load and tells each acknowledged write through a pipe; it is
 * killed at a moment nobody chose; what it told must be there. And: each call of the writer into LMDB fails
 * once; the store says so, keeps nothing of it, and works on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "storage/lmdb/fault.h"
#include "storage/lmdb/internal.h"
#include "storage/test_store.h"

enum { ROUNDS = 50, WRITERS = 8, KEYS = 40 };

/* ---- kill -9 ---- */

/* What a child tells of one write: smaller than PIPE_BUF, so writers do not mix. */
struct told {
    uint64_t revision, key, value; /* value 0: deleted */
};

struct child {
    struct store *store;
    int pipe;
    _Atomic uint64_t next;
};

static void key_text(char text[40], uint64_t key)
{
    snprintf(text, 40, "/registry/x/%02lu", key);
}

static void *write_for_ever(void *arg)
{
    struct child *child = arg;
    for (;;) {
        struct told told = {.value = atomic_fetch_add(&child->next, 1), .key = random_below(KEYS)};
        char key[40], value[64];
        key_text(key, told.key);
        snprintf(value, sizeof value, "%lu", told.value);
        if (told.value % 10 == 0) {
            told.value = 0;
            told.revision = test_write(child->store, STORE_DELETE, key, "", STORE_ANY);
        } else {
            told.revision = test_put(child->store, key, value);
        }
        if (write(child->pipe, &told, sizeof told) != sizeof told)
            _exit(1);
    }
    return NULL;
}

static void run_child(const char *dir, int out, uint64_t first)
{
    /* A short keep_bytes: sweeps are under way when the end comes. */
    const struct store_lmdb_options options = {.dir = dir, .no_sync = true, .keep_bytes = 20000};
    struct child child = {.store = store_lmdb_open(&options, NULL), .pipe = out};
    pthread_t thread;
    if (!child.store)
        _exit(2);
    atomic_store(&child.next, first);
    for (int i = 1; i < WRITERS; i++)
        pthread_create(&thread, NULL, write_for_ever, &child);
    write_for_ever(&child);
}

/* The newest acknowledged state of each key over all rounds. */
struct expected {
    struct told keys[KEYS];
    uint64_t newest, acknowledged;
};

static void hear(struct expected *expected, const struct told *told)
{
    if (told->revision > expected->keys[told->key].revision)
        expected->keys[told->key] = *told;
    if (told->revision > expected->newest)
        expected->newest = told->revision;
    expected->acknowledged++;
}

static uint64_t number_of(struct slice digits)
{
    uint64_t n = 0;
    for (size_t i = 0; i < digits.len; i++)
        n = n * 10 + (uint64_t)(digits.ptr[i] - '0');
    return n;
}

/* A key may be newer than what was told (the kill came between commit and telling), never older, and never
 * other at that revision. */
static void check_key(struct store *store, const struct told *told)
{
    char key[40];
    struct store_record record = {0};
    key_text(key, told->key);
    struct store_read *read = store_read_begin(store, 0, NULL);
    bool there = store_get(read, slice_str(key), &record);
    if (there && record.revision < told->revision)
        fail_msg("%s is at %lu, acknowledged at %lu", key, record.revision, told->revision);
    if (there && record.revision == told->revision)
        assert_int_equal(number_of(record.value), told->value);
    store_read_end(read);
    if (told->revision < store_compacted(store) || told->revision == 0)
        return;
    read = store_read_begin(store, told->revision, NULL);
    there = store_get(read, slice_str(key), &record);
    if (there != (told->value != 0) || (there && number_of(record.value) != told->value))
        fail_msg("%s at %lu: there %d, acknowledged value %lu", key, told->revision, there, told->value);
    store_read_end(read);
}

struct chain {
    uint64_t newest[KEYS], events, last;
};

/* Every event of what is kept hangs on the one before it of its key. */
static bool check_link(void *arg, struct store_event *event)
{
    struct chain *chain = arg;
    uint64_t key = number_of(slice_from(event->key, 12));
    assert_true(event->revision > chain->last);
    if (chain->newest[key] && event->prev_revision)
        assert_int_equal(event->prev_revision, chain->newest[key]);
    chain->newest[key] = chain->last = event->revision;
    chain->events++;
    return true;
}

static uint64_t check_store(const char *dir, const struct expected *expected)
{
    struct store *store = test_open(dir);
    struct chain chain = {0};
    struct store_stats stats;
    uint64_t revision = store_revision(store), compacted = store_compacted(store);
    assert_true(revision >= expected->newest);
    for (size_t i = 0; i < KEYS; i++)
        check_key(store, &expected->keys[i]);
    cleanup_error struct error err = ERROR_INIT;
    if (!store_replay(store, SLICE(""), compacted, UINT64_MAX, check_link, &chain, &err))
        fail_msg("replay: %s", err.message);
    assert_int_equal(chain.events, revision - compacted); /* each write is one op here; no gap */
    uint64_t walked = 0;
    for (uint64_t i = 0; i < KEYS; i++) {
        char key[40];
        struct store_record record;
        key_text(key, i);
        struct store_read *read = store_read_begin(store, 0, NULL);
        walked += store_get(read, slice_str(key), &record);
        store_read_end(read);
    }
    store_stats(store, &stats);
    assert_int_equal(stats.keys, walked);
    assert_int_equal(test_put(store, "/registry/x/00", "0"), revision + 1);
    store_close(store);
    return revision + 1;
}

static void round_of_crash(const char *dir, struct expected *expected, uint64_t first)
{
    int ends[2];
    struct told told;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_child(dir, ends[1], first);
    }
    close(ends[1]);
    uint64_t wanted = expected->acknowledged + 50 + random_below(1500);
    while (expected->acknowledged < wanted && read(ends[0], &told, sizeof told) == sizeof told)
        hear(expected, &told);
    kill(pid, SIGKILL);
    while (read(ends[0], &told, sizeof told) == sizeof told)
        hear(expected, &told);
    close(ends[0]);
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(expected->acknowledged >= wanted);
}

static void acknowledged_writes_survive_kill_9(void **state)
{
    char dir[64];
    struct expected expected = {0};
    for (uint64_t i = 0; i < KEYS; i++)
        expected.keys[i].key = i;
    test_dir(dir);
    for (int i = 0; i < ROUNDS; i++) {
        round_of_crash(dir, &expected, 1 + (uint64_t)i * 1000000);
        expected.newest = check_store(dir, &expected);
        expected.keys[0] = (struct told){.revision = expected.newest, .key = 0, .value = 0};
        /* The check's own write put a 0, which is told as a deletion would be: forget the key's state
         * instead. */
        expected.keys[0].revision = 0;
    }
    print_message("%lu acknowledged writes in %d rounds\n", expected.acknowledged, ROUNDS);
    test_dir_remove(dir);
}

/* ---- faults ---- */

static int fail_at, calls, fail_code;

static int fail_once(const char *call)
{
    return ++calls == fail_at ? fail_code : 0;
}

struct fixture {
    char dir[64];
    struct store *store;
};

/* One transaction of three kinds of writes, and what it makes of the store. */
static enum store_outcome write_three(struct store *store, struct error *err)
{
    const struct store_op ops[3] = {
        {.type = STORE_PUT, .key = SLICE("/registry/x/new"), .value = SLICE("n"), .splice = SIZE_MAX},
        {.type = STORE_PUT,
         .key = SLICE("/registry/x/old"),
         .expect = 1,
         .value = SLICE("o"),
         .splice = SIZE_MAX},
        {.type = STORE_DELETE, .key = SLICE("/registry/x/gone"), .expect = 2, .splice = SIZE_MAX},
    };
    return store_txn(store, ops, 3, NULL, NULL, err);
}

static void prepare(struct fixture *f)
{
    test_dir(f->dir);
    f->store = test_open(f->dir);
    test_put(f->store, "/registry/x/old", "1");
    test_put(f->store, "/registry/x/gone", "2");
}

static void clear(struct fixture *f)
{
    store_close(f->store);
    test_dir_remove(f->dir);
}

/* A batch that fails is tried again by itself, so one fault is survived and two in a row are an error: both
 * are tried, at every call. */
static int fail_from(const char *call)
{
    return ++calls >= fail_at ? fail_code : 0;
}

static void every_single_fault_is_survived(void **state)
{
    log_set_level(LOG_OFF);
    fail_code = EIO;
    bool reached = true;
    for (fail_at = 1; reached; fail_at++) {
        struct fixture f;
        prepare(&f);
        calls = 0;
        lmdb_fault = fail_once;
        assert_int_equal(write_three(f.store, NULL), STORE_OK);
        reached = calls >= fail_at;
        store_close(f.store);
        lmdb_fault = NULL;
        f.store = test_open(f.dir);
        assert_int_equal(store_revision(f.store), 3);
        assert_int_equal(store_count(f.store, SLICE("/registry/x/")), 2);
        clear(&f);
    }
    assert_true(fail_at > 12); /* begin, three looks, each write's puts, meta, commit */
    log_set_level(LOG_INFO);
}

static void a_lasting_fault_leaves_nothing_and_reads_go_on(void **state)
{
    static const int codes[] = {ENOSPC, EIO, MDB_MAP_FULL, MDB_PANIC, MDB_CORRUPTED};
    log_set_level(LOG_OFF);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        for (fail_at = 1; fail_at < 12; fail_at++) {
            struct fixture f;
            cleanup_error struct error err = ERROR_INIT;
            prepare(&f);
            calls = 0;
            fail_code = codes[i];
            lmdb_fault = fail_from;
            assert_int_equal(write_three(f.store, &err), STORE_FAILED);
            lmdb_fault = NULL;
            assert_true(error_is_set(&err));
            assert_int_equal(store_revision(f.store), 2);
            assert_int_equal(store_count(f.store, SLICE("/registry/x/")), 2);
            assert_int_equal(write_three(f.store, NULL), STORE_OK);
            assert_int_equal(store_revision(f.store), 3);
            clear(&f);
        }
    }
    log_set_level(LOG_INFO);
}

static void compaction_that_fails_says_so_and_can_go_on(void **state)
{
    struct fixture f;
    struct store_stats stats;
    cleanup_error struct error err = ERROR_INIT;
    prepare(&f);
    write_three(f.store, NULL);
    log_set_level(LOG_OFF);
    calls = 0;
    fail_at = 1;
    fail_code = ENOSPC;
    lmdb_fault = fail_from;
    assert_false(store_compact(f.store, 3, &err));
    lmdb_fault = NULL;
    log_set_level(LOG_INFO);
    assert_int_equal(store_compacted(f.store), 0);
    assert_true(store_compact(f.store, 3, NULL));
    store_stats(f.store, &stats);
    assert_int_equal(stats.log_records, 2);
    clear(&f);
}

/* ---- a full map and a full disk, as they really come ---- */

static uint64_t fill(struct store *store, struct error *err)
{
    static char value[30000];
    char key[40];
    for (uint64_t i = 0; i < 10000; i++) {
        snprintf(key, sizeof key, "/registry/x/%lu", i);
        const struct store_op op = {.type = STORE_PUT,
                                    .key = slice_str(key),
                                    .value = slice_make(value, sizeof value),
                                    .splice = SIZE_MAX};
        if (store_txn(store, &op, 1, NULL, NULL, err) == STORE_FAILED)
            return i;
    }
    return 0;
}

static void check_full(struct store *store, uint64_t written, const struct error *err, const char *part)
{
    struct store_record record;
    assert_in_range(written, 10, 9999);
    if (!strstr(err->message, part))
        fail_msg("message \"%s\" lacks \"%s\"", err->message, part);
    assert_int_equal(store_revision(store), written);
    struct store_read *read = store_read_begin(store, 0, NULL);
    assert_true(store_get(read, SLICE("/registry/x/3"), &record));
    store_read_end(read);
    assert_int_equal(store_count(store, SLICE("/registry/x/")), written);
}

static void a_full_map_fails_writes_not_reads(void **state)
{
    char dir[64];
    cleanup_error struct error err = ERROR_INIT;
    test_dir(dir);
    const struct store_lmdb_options options = {.dir = dir, .no_sync = true, .map_bytes = 4 << 20};
    struct store *store = store_lmdb_open(&options, NULL);
    log_set_level(LOG_OFF);
    uint64_t written = fill(store, &err);
    check_full(store, written, &err, "maximum size");
    log_set_level(LOG_INFO);
    assert_int_equal(test_put(store, "/registry/x/3", "small still fits"), written + 1);
    store_close(store);
    test_dir_remove(dir);
}

/* A limit on the file's size is the full disk that needs no second disk. */
static void a_full_disk_fails_writes_not_reads(void **state)
{
    char dir[64];
    cleanup_error struct error err = ERROR_INIT;
    struct rlimit before;
    test_dir(dir);
    struct store *store = test_open(dir);
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){4 << 20, before.rlim_max});
    log_set_level(LOG_OFF);
    uint64_t written = fill(store, &err);
    check_full(store, written, &err, "disk is full");
    log_set_level(LOG_INFO);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(test_put(store, "/registry/x/3", "there is room again"), written + 1);
    store_close(store);
    store = test_open(dir);
    assert_int_equal(store_revision(store), written + 1);
    store_close(store);
    test_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_writes_survive_kill_9),
        cmocka_unit_test(every_single_fault_is_survived),
        cmocka_unit_test(a_lasting_fault_leaves_nothing_and_reads_go_on),
        cmocka_unit_test(compaction_that_fails_says_so_and_can_go_on),
        cmocka_unit_test(a_full_map_fails_writes_not_reads),
        cmocka_unit_test(a_full_disk_fails_writes_not_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
