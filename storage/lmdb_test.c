#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "storage/lmdb/internal.h"
#include "storage/store_conformance.h"
#include "storage/test_store.h"

/* ---- the contract ---- */

static struct store *open_empty(void *arg)
{
    test_dir(arg);
    return test_open(arg);
}

static struct store *reopen(void *arg, struct store *store)
{
    store_close(store);
    return test_open(arg);
}

static void discard(void *arg, struct store *store)
{
    store_close(store);
    test_dir_remove(arg);
}

/* ---- what is LMDB's alone ---- */

struct fixture {
    char dir[64];
    struct store *store;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->store = open_empty(f->dir);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->store)
        store_close(f->store);
    test_dir_remove(f->dir);
    free(f);
    return 0;
}

static const char *short_key(struct slice key)
{
    static char text[8];
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(slice_from(key, 12)));
    return text;
}

/* Both tables as text, as the worked example in record.h writes them. */
static void show_tables(struct store *base, char *text, size_t size)
{
    struct lmdb_store *store = lmdb_store_of(base);
    struct store_read *read = store_read_begin(base, 0, NULL);
    MDB_val key, value;
    MDB_cursor *log, *latest;
    int len = 0;
    assert_int_equal(mdb_cursor_open(lmdb_read_txn(read), store->log, &log), 0);
    assert_int_equal(mdb_cursor_open(lmdb_read_txn(read), store->latest, &latest), 0);
    while (mdb_cursor_get(log, &key, &value, MDB_NEXT) == 0) {
        struct place place;
        struct log_record r;
        assert_true(place_parse(slice_of(key), &place) && log_record_parse(slice_of(value), &r));
        len += snprintf(text + len, size - (size_t)len, "(%lu,%u) %c %s prev (%lu,%u) \"%.*s\"\n",
                        place.revision, place.op, " CUD"[r.change], short_key(r.key), r.prev.revision,
                        r.prev.op, SLICE_ARG(r.value));
    }
    while (mdb_cursor_get(latest, &key, &value, MDB_NEXT) == 0) {
        struct latest l;
        assert_true(latest_parse(slice_of(value), &l));
        len += snprintf(text + len, size - (size_t)len, "%s -> (%lu,%u)%s\n", short_key(slice_of(key)),
                        l.place.revision, l.place.op, l.tombstone ? " tombstone" : "");
    }
    mdb_cursor_close(log);
    mdb_cursor_close(latest);
    store_read_end(read);
}

static void the_worked_example(void **state)
{
    struct fixture *f = *state;
    char text[1000];
    const struct store_op create = {.key = SLICE("/registry/x/a"), .value = SLICE(""), .splice = 0};
    struct store_op a = create, second[2] = {create, create};
    a.value = slice_str("\"\"");
    a.splice = 1;
    second[0] = second[1] = a;
    second[0].expect = 1;
    second[1].key = SLICE("/registry/x/b");
    const struct store_op last = {
        .type = STORE_DELETE, .key = a.key, .expect = 2, .value = a.value, .splice = 1};
    assert_int_equal(store_txn(f->store, &a, 1, NULL, NULL, NULL), STORE_OK);
    assert_int_equal(store_txn(f->store, second, 2, NULL, NULL, NULL), STORE_OK);
    assert_int_equal(store_txn(f->store, &last, 1, NULL, NULL, NULL), STORE_OK);
    show_tables(f->store, text, sizeof text);
    assert_string_equal(text, "(1,0) C a prev (0,0) \"\"1\"\"\n"
                              "(2,0) U a prev (1,0) \"\"2\"\"\n"
                              "(2,1) C b prev (0,0) \"\"2\"\"\n"
                              "(3,0) D a prev (2,0) \"\"3\"\"\n"
                              "a -> (3,0) tombstone\n"
                              "b -> (2,1)\n");
    assert_true(store_compact(f->store, 2, NULL));
    show_tables(f->store, text, sizeof text);
    assert_string_equal(text, "(2,0) U a prev (1,0) \"\"2\"\"\n"
                              "(2,1) C b prev (0,0) \"\"2\"\"\n"
                              "(3,0) D a prev (2,0) \"\"3\"\"\n"
                              "a -> (3,0) tombstone\n"
                              "b -> (2,1)\n");
    assert_true(store_compact(f->store, 3, NULL));
    show_tables(f->store, text, sizeof text);
    assert_string_equal(text, "(2,1) C b prev (0,0) \"\"2\"\"\n"
                              "b -> (2,1)\n");
}

/* Opens f->dir, which must fail, and checks that the message has `part` and that data.mdb is untouched. */
static void open_fails(struct fixture *f, const char *part)
{
    cleanup_error struct error err = ERROR_INIT;
    const struct store_lmdb_options options = {.dir = f->dir};
    cleanup_free char *file = xasprintf("%s/data.mdb", f->dir);
    struct stat before = {0}, after = {0};
    stat(file, &before);
    struct store *store = store_lmdb_open(&options, &err);
    stat(file, &after);
    assert_null(store);
    if (!strstr(err.message, part))
        fail_msg("message \"%s\" lacks \"%s\"", err.message, part);
    assert_int_equal(before.st_size, after.st_size);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
}

/* The file may change meanwhile: whoever has it open writes its own time marks. */
static void a_folder_in_use_is_refused(void **state)
{
    struct fixture *f = *state;
    cleanup_error struct error err = ERROR_INIT;
    assert_null(store_lmdb_open(&(struct store_lmdb_options){.dir = f->dir}, &err));
    assert_non_null(strstr(err.message, "in use by another process: stop it"));
    test_put(f->store, "/registry/x/a", "still works");
}

static void a_file_in_the_way_is_refused(void **state)
{
    struct fixture *f = *state;
    discard(f->dir, f->store);
    f->store = NULL;
    close(open(f->dir, O_CREAT | O_WRONLY, 0600));
    open_fails(f, "the data folder");
    unlink(f->dir);
}

static void overwrite(struct fixture *f, off_t at, const char *bytes, size_t len)
{
    cleanup_free char *file = xasprintf("%s/data.mdb", f->dir);
    cleanup_fd int fd = open(file, O_WRONLY);
    assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
}

static void a_damaged_file_is_refused(void **state)
{
    struct fixture *f = *state;
    static char zeros[8192];
    store_close(steal(&f->store));
    overwrite(f, 0, zeros, sizeof zeros);
    open_fails(f, "damaged");
}

static void a_cut_file_is_refused(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 100; i++)
        test_put(f->store, "/registry/x/a", "something to fill pages with");
    store_close(steal(&f->store));
    cleanup_free char *file = xasprintf("%s/data.mdb", f->dir);
    assert_int_equal(truncate(file, 3 * 4096), 0);
    open_fails(f, "cut short");
}

/* LMDB does not write pages that were taken and given back in one transaction: a file that ends early for
 * that reason is whole. */
static void an_unwritten_end_is_no_cut(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = xasprintf("%s/data.mdb", f->dir);
    bool seen = false;
    for (int i = 0; i < 200 && !seen; i++) {
        for (int n = 0; n < 5; n++)
            test_put(f->store, "/registry/x/a", "something to fill pages with");
        MDB_envinfo info;
        struct stat now;
        mdb_env_info(lmdb_store_of(f->store)->env, &info);
        assert_int_equal(stat(file, &now), 0);
        seen = (uint64_t)now.st_size < ((uint64_t)info.me_last_pgno + 1) * 4096;
        store_close(steal(&f->store));
        f->store = store_lmdb_open(&(struct store_lmdb_options){.dir = f->dir}, NULL);
        assert_non_null(f->store);
    }
}

static void change_main(struct fixture *f, const char *key_text, const char *value_text, size_t len)
{
    struct lmdb_store *store = lmdb_store_of(f->store);
    MDB_txn *txn;
    MDB_val key = {strlen(key_text), (void *)key_text}, value = {len, (void *)value_text};
    assert_int_equal(mdb_txn_begin(store->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_put(txn, store->main, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    store_close(steal(&f->store));
}

static void a_newer_format_is_refused(void **state)
{
    struct fixture *f = *state;
    change_main(f, "format", "coxswain store \0\0\0\2", 19);
    open_fails(f, "newer Coxswain");
}

static void a_foreign_database_is_refused(void **state)
{
    struct fixture *f = *state;
    change_main(f, "format", "something else here", 19);
    open_fails(f, "not a store");
}

static void inconsistent_meta_is_refused(void **state)
{
    struct fixture *f = *state;
    change_main(f, "meta", "short", 5);
    open_fails(f, "damaged");
}

static void a_snapshot_is_a_store(void **state)
{
    struct fixture *f = *state;
    char copy_dir[64];
    struct store_record record;
    test_dir(copy_dir);
    test_put(f->store, "/registry/x/a", "1");
    test_put(f->store, "/registry/x/a", "2");
    assert_true(store_snapshot(f->store, copy_dir, NULL));
    cleanup_free char *copy_file = xasprintf("%s/data.mdb", copy_dir);
    struct stat copied;
    assert_int_equal(stat(copy_file, &copied), 0);
    assert_int_equal(copied.st_mode & 0777, 0600);
    cleanup_error struct error err = ERROR_INIT;
    assert_false(store_snapshot(f->store, copy_dir, &err)); /* never over another */
    test_put(f->store, "/registry/x/a", "3");
    struct store *copy = test_open(copy_dir);
    assert_int_equal(store_revision(copy), 2);
    struct store_read *read = store_read_begin(copy, 1, NULL);
    assert_true(store_get(read, SLICE("/registry/x/a"), &record));
    assert_true(slice_is(record.value, "1"));
    store_read_end(read);
    assert_int_equal(test_put(copy, "/registry/x/a", "other"), 3);
    store_close(copy);
    test_dir_remove(copy_dir);
}

/* ---- retention ---- */

static void retention_by_age_and_bytes(void **state)
{
    const struct marks marks = {3, {{1000000, 10, 100}, {2000000, 20, 200}, {3000000, 30, 300}}};
    static const struct {
        uint64_t superseded, dropped, compacted;
        int64_t now;
        uint64_t keep_seconds, keep_bytes, target;
    } cases[] = {
        {400, 0, 0, 3000000, 60, 1000, 0},   /* young and small */
        {400, 0, 0, 61000000, 60, 1000, 10}, /* the first mark is just old enough */
        {400, 0, 0, 62500000, 60, 1000, 20},
        {400, 0, 0, 90000000, 60, 1000, 30},
        {400, 400, 0, 90000000, 60, 1000, 0}, /* no history, nothing to gain */
        {400, 0, 30, 90000000, 60, 1000, 0},  /* done already */
        {400, 0, 0, 3000000, 60, 300, 10},    /* 300 bytes left after 10 */
        {400, 0, 0, 3000000, 60, 250, 20},
        {400, 0, 0, 3000000, 60, 10, 30}, /* as far as the marks reach */
        {400, 100, 10, 3000000, 60, 300, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct meta meta = {
            .superseded = cases[i].superseded, .dropped = cases[i].dropped, .compacted = cases[i].compacted};
        uint64_t target =
            retention_target(&marks, &meta, cases[i].now, cases[i].keep_seconds, cases[i].keep_bytes);
        if (target != cases[i].target)
            fail_msg("case %zu: target %lu, expected %lu", i, target, cases[i].target);
    }
}

static void marks_thin_out_and_are_forgotten(void **state)
{
    struct marks marks = {0};
    for (uint64_t i = 1; i <= 1000; i++)
        marks_add(&marks, (struct mark){(int64_t)i, i, i});
    assert_true(marks.count <= MARKS_MAX);
    assert_int_equal(marks.items[marks.count - 1].revision, 1000);
    for (size_t i = 1; i < marks.count; i++)
        assert_true(marks.items[i - 1].revision < marks.items[i].revision);
    marks_prune(&marks, 1000);
    assert_int_equal(marks.count, 1);
}

static void history_is_kept_to_its_bytes(void **state)
{
    struct fixture *f = *state;
    static char value[2000];
    struct store_stats stats;
    store_close(f->store);
    const struct store_lmdb_options options = {.dir = f->dir, .no_sync = true, .keep_bytes = 100000};
    f->store = store_lmdb_open(&options, NULL);
    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < 1000; i++)
        test_put(f->store, "/registry/x/a", value);
    store_stats(f->store, &stats);
    assert_in_range(stats.log_records, 40, 62);
    assert_in_range(store_compacted(f->store), 930, 999);
    /* Dropped pages are used again: 1,000 records of 2 KB went through a file far smaller. */
    assert_true(stats.file_bytes < 1000000);
}

static void history_is_kept_for_its_time(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    const struct store_lmdb_options options = {.dir = f->dir, .no_sync = true, .keep_seconds = 1};
    f->store = store_lmdb_open(&options, NULL);
    for (int i = 0; i < 10; i++)
        test_put(f->store, "/registry/x/a", "v");
    int64_t start = clock_mono_nanos();
    store_close(f->store); /* the mark survives */
    f->store = store_lmdb_open(&options, NULL);
    while (store_compacted(f->store) < 10 && clock_mono_nanos() - start < 20000000000)
        store_wait(f->store, 11, clock_mono_nanos() + 10000000);
    assert_int_equal(store_compacted(f->store), 10);
    assert_true(clock_mono_nanos() - start >= 900000000);
}

/* Many steps, with writers at the same time. */
static void a_large_compaction_stops_nobody(void **state)
{
    struct fixture *f = *state;
    struct store_stats stats;
    char key[40];
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "/registry/x/%d", i % 100);
        if (i % 7)
            test_put(f->store, key, "v");
        else
            test_delete(f->store, key);
    }
    uint64_t revision = store_revision(f->store);
    assert_true(store_compact(f->store, revision, NULL));
    store_stats(f->store, &stats);
    assert_int_equal(stats.log_records, stats.keys);
    assert_int_equal(stats.keys, store_count(f->store, SLICE("/registry/x/")));
    store_close(steal(&f->store));
    f->store = test_open(f->dir);
    const struct meta *meta = &lmdb_store_of(f->store)->meta;
    assert_int_equal(meta->superseded, meta->dropped); /* the books balance */
}

static void damaged_bytes_are_errors(void **state)
{
    const struct log_record record = {
        .change = STORE_CREATED, .key = SLICE("key"), .header = SLICE("head"), .value = SLICE("value")};
    char bytes[100];
    struct log_record parsed;
    size_t size = log_record_size(&record);
    log_record_write(&record, bytes);
    assert_true(log_record_parse(slice_make(bytes, size), &parsed));
    assert_true(slice_is(parsed.key, "key") && slice_is(parsed.header, "head") &&
                slice_is(parsed.value, "value"));
    for (size_t len = 0; len < size - 5; len++)
        assert_false(log_record_parse(slice_make(bytes, len), &parsed));
    bytes[0] = 9;
    assert_false(log_record_parse(slice_make(bytes, size), &parsed));
}

static void authors_are_cut(void **state)
{
    char bytes[2000], user[300];
    memset(user, 'u', sizeof user);
    const struct log_record record = {
        .change = STORE_CREATED,
        .author = {.user = {user, 300}, .agent = SLICE("kubectl"), .request_id = SLICE("id")},
        .key = SLICE("k")};
    struct log_record parsed;
    log_record_write(&record, bytes);
    assert_true(log_record_parse(slice_make(bytes, log_record_size(&record)), &parsed));
    assert_int_equal(parsed.author.user.len, AUTHOR_MAX);
    assert_true(slice_is(parsed.author.agent, "kubectl") && slice_is(parsed.author.manager, "") &&
                slice_is(parsed.author.request_id, "id"));
}

int main(void)
{
    char dir[64];
    const struct store_backend backend = {"contract", open_empty, reopen, discard, dir};
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_worked_example),
        CASE(a_folder_in_use_is_refused),
        CASE(a_file_in_the_way_is_refused),
        CASE(a_damaged_file_is_refused),
        CASE(a_cut_file_is_refused),
        CASE(an_unwritten_end_is_no_cut),
        CASE(a_newer_format_is_refused),
        CASE(a_foreign_database_is_refused),
        CASE(inconsistent_meta_is_refused),
        CASE(a_snapshot_is_a_store),
        cmocka_unit_test(retention_by_age_and_bytes),
        cmocka_unit_test(marks_thin_out_and_are_forgotten),
        CASE(history_is_kept_to_its_bytes),
        CASE(history_is_kept_for_its_time),
        CASE(a_large_compaction_stops_nobody),
        cmocka_unit_test(damaged_bytes_are_errors),
        cmocka_unit_test(authors_are_cut),
    };
    int failed = store_conformance_run(&backend);
    return failed + cmocka_run_group_tests_name("lmdb", tests, NULL, NULL);
}
