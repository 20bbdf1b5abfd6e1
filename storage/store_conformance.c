#include "storage/store_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "storage/test_store.h"

static const struct store_backend *backend;

struct fixture {
    struct store *store;
    char log[4000]; /* what a walk or a feed saw */
    size_t seen;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->store = backend->open(backend->arg);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    backend->discard(backend->arg, f->store);
    free(f);
    return 0;
}

static void __attribute__((format(printf, 2, 3))) note(struct fixture *f, const char *fmt, ...)
{
    size_t len = strlen(f->log);
    va_list args;
    va_start(args, fmt);
    if (len)
        f->log[len++] = ' ';
    vsnprintf(f->log + len, sizeof f->log - len, fmt, args);
    va_end(args);
}

static bool note_record(void *arg, const struct store_record *record)
{
    note(arg, "%.*s@%lu=%.*s", SLICE_ARG(slice_from(record->key, 12)), record->revision,
         SLICE_ARG(record->value));
    return true;
}

/* The keys below /registry/x/ at a revision: "a@1=v b@2=w". */
static const char *list(struct fixture *f, uint64_t at)
{
    f->log[0] = 0;
    cleanup_store_read struct store_read *read = store_read_begin(f->store, at, NULL);
    if (!read)
        return "no read";
    const struct store_range range = {.prefix = SLICE("/registry/x/"), .each = note_record, .arg = f};
    f->seen = store_range(read, &range);
    return f->log;
}

static void note_event(struct fixture *f, const struct store_event *event)
{
    note(f, "%c%lu:%.*s=%.*s<%lu=%.*s", " CUD"[event->change], event -> revision,
         SLICE_ARG(slice_from(event->key, 12)), SLICE_ARG(event->value), event -> prev_revision,
         SLICE_ARG(event->prev_value));
}

static void on_events(void *arg, struct store_event *const *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note_event(arg, events[i]);
}

static bool on_event(void *arg, struct store_event *event)
{
    note_event(arg, event);
    return true;
}

static const char *replay(struct fixture *f, uint64_t after, uint64_t until)
{
    f->log[0] = 0;
    return store_replay(f->store, SLICE("/registry/x/"), after, until, on_event, f, NULL) ? f->log
                                                                                          : "no replay";
}

/* ---- writing ---- */

static void revisions_start_at_one_and_are_not_used_for_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_revision(f->store), 0);
    assert_int_equal(test_put(f->store, "/registry/x/a", "1"), 1);
    assert_int_equal(test_put(f->store, "/registry/x/a", "2"), 2);
    assert_int_equal(test_write(f->store, STORE_CHECK, "/registry/x/a", "", 2), 2); /* takes none */
    assert_int_equal(test_delete(f->store, "/registry/x/none"), 2);
    assert_int_equal(test_delete(f->store, "/registry/x/a"), 3);
    assert_int_equal(store_revision(f->store), 3);
}

static void expectations(void **state)
{
    static const struct {
        enum store_op_type type;
        const char *key;
        uint64_t expect;
        enum store_outcome outcome;
        uint64_t found;
    } cases[] = {
        /* a is at 1, gone was deleted at 3, none never was */
        {STORE_PUT, "/registry/x/a", 0, STORE_CONFLICT, 1},
        {STORE_PUT, "/registry/x/a", 2, STORE_CONFLICT, 1},
        {STORE_DELETE, "/registry/x/a", 7, STORE_CONFLICT, 1},
        {STORE_CHECK, "/registry/x/a", 0, STORE_CONFLICT, 1},
        {STORE_PUT, "/registry/x/gone", 2, STORE_CONFLICT, 0},
        {STORE_PUT, "/registry/x/gone", 3, STORE_CONFLICT, 0},
        {STORE_DELETE, "/registry/x/none", 1, STORE_CONFLICT, 0},
        {STORE_CHECK, "/registry/x/none", 0, STORE_OK, 0},
        {STORE_CHECK, "/registry/x/gone", 0, STORE_OK, 0},
        {STORE_CHECK, "/registry/x/a", 1, STORE_OK, 0},
        {STORE_CHECK, "/registry/x/a", STORE_ANY, STORE_OK, 0},
    };
    struct fixture *f = *state;
    test_put(f->store, "/registry/x/a", "1");
    test_put(f->store, "/registry/x/gone", "2");
    test_delete(f->store, "/registry/x/gone");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_txn_result result = {0};
        const struct store_op op = {.type = cases[i].type,
                                    .key = slice_str(cases[i].key),
                                    .expect = cases[i].expect,
                                    .value = SLICE("v"),
                                    .splice = SIZE_MAX};
        enum store_outcome outcome = store_txn(f->store, &op, 1, NULL, &result, NULL);
        if (outcome != cases[i].outcome || result.found != cases[i].found)
            fail_msg("case %zu: outcome %d, expected %d; found %lu, expected %lu", i, outcome,
                     cases[i].outcome, result.found, cases[i].found);
    }
    assert_int_equal(store_revision(f->store), 3);
    assert_int_equal(test_write(f->store, STORE_PUT, "/registry/x/gone", "4", 0), 4);
    assert_string_equal(list(f, 0), "a@1=1 gone@4=4");
}

static void a_transaction_is_all_or_nothing_with_one_revision(void **state)
{
    struct fixture *f = *state;
    struct store_txn_result result;
    struct store_op ops[3] = {test_op("/registry/x/a", 0, "a"), test_op("/registry/x/b", 0, "b"),
                              test_op("/registry/x/c", 9, "c")};
    assert_int_equal(store_txn(f->store, ops, 3, NULL, &result, NULL), STORE_CONFLICT);
    assert_int_equal(result.failed_op, 2);
    assert_int_equal(result.revision, 0);
    assert_string_equal(list(f, 0), "");
    assert_int_equal(store_count(f->store, SLICE("/registry/x/")), 0);
    ops[2].expect = 0;
    assert_int_equal(store_txn(f->store, ops, 3, NULL, &result, NULL), STORE_OK);
    assert_int_equal(result.revision, 1);
    assert_string_equal(list(f, 0), "a@1=a b@1=b c@1=c");
}

static void what_cannot_be_a_transaction_is_refused(void **state)
{
    struct fixture *f = *state;
    static char long_key[STORE_MAX_KEY + 2];
    memset(long_key, 'k', sizeof long_key - 1);
    const struct store_op twice[2] = {test_op("/registry/x/a", STORE_ANY, "1"),
                                      test_op("/registry/x/a", STORE_ANY, "2")};
    const struct store_op empty = test_op("", STORE_ANY, "1"), overlong = test_op(long_key, STORE_ANY, "1");
    const struct {
        const struct store_op *ops;
        size_t count;
    } cases[] = {{twice, 2}, {&empty, 1}, {&overlong, 1}};
    for (size_t i = 0; i < 3; i++) {
        cleanup_error struct error err = ERROR_INIT;
        assert_int_equal(store_txn(f->store, cases[i].ops, cases[i].count, NULL, NULL, &err), STORE_FAILED);
        assert_true(error_is_set(&err));
    }
    assert_int_equal(store_revision(f->store), 0);
}

static void the_revision_is_spliced_into_the_value(void **state)
{
    static const struct {
        const char *value;
        size_t splice;
        const char *expected;
    } cases[] = {{"<>", 1, "<1>"}, {"<>", 0, "2<>"}, {"<>", 2, "<>3"}, {"<>", SIZE_MAX, "<>"}};
    struct fixture *f = *state;
    for (size_t i = 0; i < 4; i++) {
        struct store_op op = test_op("/registry/x/a", STORE_ANY, cases[i].value);
        struct store_record record;
        op.splice = cases[i].splice;
        assert_int_equal(store_txn(f->store, &op, 1, NULL, NULL, NULL), STORE_OK);
        cleanup_store_read struct store_read *read = store_read_begin(f->store, 0, NULL);
        assert_true(store_get(read, SLICE("/registry/x/a"), &record));
        assert_true(slice_is(record.value, cases[i].expected));
    }
}

/* ---- reading ---- */

static void a_record_has_its_header_and_revisions(void **state)
{
    struct fixture *f = *state;
    struct store_op op = test_op("/registry/x/a", 0, "v");
    struct store_record record;
    op.header = SLICE("head1");
    store_txn(f->store, &op, 1, NULL, NULL, NULL);
    op.header = SLICE("head2");
    op.expect = 1;
    store_txn(f->store, &op, 1, NULL, NULL, NULL);
    for (uint64_t at = 1; at <= 2; at++) {
        cleanup_store_read struct store_read *read = store_read_begin(f->store, at, NULL);
        assert_int_equal(store_read_revision(read), at);
        assert_true(store_get(read, SLICE("/registry/x/a"), &record));
        assert_int_equal(record.revision, at);
        assert_int_equal(record.create_revision, 1);
        assert_true(slice_is(record.header, at == 1 ? "head1" : "head2"));
        assert_true(slice_is(record.key, "/registry/x/a"));
    }
    test_delete(f->store, "/registry/x/a");
    test_put(f->store, "/registry/x/a", "again");
    cleanup_store_read struct store_read *read = store_read_begin(f->store, 0, NULL);
    assert_true(store_get(read, SLICE("/registry/x/a"), &record));
    assert_int_equal(record.create_revision, 4); /* of its present life */
}

static void write_history(struct fixture *f)
{
    test_put(f->store, "/registry/x/a", "1");
    test_put(f->store, "/registry/x/b", "2");
    test_put(f->store, "/registry/x/a", "3");
    test_delete(f->store, "/registry/x/b");
    test_put(f->store, "/registry/x/c", "5");
    test_put(f->store, "/registry/x/b", "6");
    test_delete(f->store, "/registry/x/a");
    test_put(f->store, "/registry/y/a", "8"); /* another resource, beyond the prefix */
}

static const char *const history[] = {"",           "a@1=1",       "a@1=1 b@2=2",       "a@3=3 b@2=2",
                                      "a@3=3",      "a@3=3 c@5=5", "a@3=3 b@6=6 c@5=5", "b@6=6 c@5=5",
                                      "b@6=6 c@5=5"};

static void lists_of_the_past_are_as_they_were(void **state)
{
    struct fixture *f = *state;
    write_history(f);
    for (uint64_t at = 1; at <= 8; at++)
        assert_string_equal(list(f, at), history[at]);
    f->store = backend->reopen(backend->arg, f->store);
    for (uint64_t at = 1; at <= 8; at++)
        assert_string_equal(list(f, at), history[at]);
    cleanup_error struct error err = ERROR_INIT;
    assert_null(store_read_begin(f->store, 9, &err));
    assert_int_equal(err.reason, REASON_BAD_REQUEST);
}

static void a_read_does_not_see_what_comes_after_it_began(void **state)
{
    struct fixture *f = *state;
    struct store_record record;
    test_put(f->store, "/registry/x/a", "1");
    cleanup_store_read struct store_read *read = store_read_begin(f->store, 0, NULL);
    test_put(f->store, "/registry/x/a", "2");
    test_put(f->store, "/registry/x/b", "3");
    assert_true(store_get(read, SLICE("/registry/x/a"), &record));
    assert_true(slice_is(record.value, "1"));
    assert_false(store_get(read, SLICE("/registry/x/b"), &record));
}

static bool want_b(void *arg, const struct store_record *record)
{
    return slice_ends(record->key, SLICE("b"));
}

static bool stop_at_second(void *arg, const struct store_record *record)
{
    struct fixture *f = arg;
    note_record(arg, record);
    return ++f->seen < 2;
}

static void ranges_resume_choose_and_stop(void **state)
{
    struct fixture *f = *state;
    write_history(f);
    const struct {
        struct store_range range;
        const char *expected;
        size_t count;
    } cases[] = {
        {{.prefix = SLICE("/registry/x/"), .from = SLICE("/registry/x/b"), .each = note_record},
         "b@6=6 c@5=5",
         2},
        {{.prefix = SLICE("/registry/x/"), .from = SLICE("/registry/x/b\0"), .each = note_record},
         "c@5=5",
         1},
        {{.prefix = SLICE("/registry/x/"), .from = SLICE("/registry/a"), .each = note_record},
         "b@6=6 c@5=5",
         2},
        {{.prefix = SLICE("/registry/x/"), .from = SLICE("/registry/y"), .each = note_record}, "", 0},
        {{.prefix = SLICE("/registry/x/"), .want = want_b, .each = note_record}, "b@6=6", 1},
        {{.prefix = SLICE(""), .each = stop_at_second}, "b@6=6 c@5=5", 2},
        {{.each = note_record}, "b@6=6 c@5=5 a@8=8", 3},
    };
    cleanup_store_read struct store_read *read = store_read_begin(f->store, 0, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_range range = cases[i].range;
        range.arg = f;
        f->log[0] = 0;
        f->seen = 0;
        assert_int_equal(store_range(read, &range), cases[i].count);
        assert_string_equal(f->log, cases[i].expected);
    }
}

static void counts_are_exact(void **state)
{
    static const struct {
        const char *prefix;
        uint64_t count;
    } cases[] = {{"/registry/x/", 2},  {"/registry/y/", 1}, {"/registry/z/", 0}, {"/registry/", 3}, {"", 3},
                 {"/registry/x/b", 1}, {"/registry/x/a", 0}};
    struct fixture *f = *state;
    write_history(f);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            assert_int_equal(store_count(f->store, slice_str(cases[i].prefix)), cases[i].count);
        f->store = backend->reopen(backend->arg, f->store);
    }
}

static void counts_know_namespaces(void **state)
{
    static const struct {
        const char *prefix;
        uint64_t count;
    } cases[] = {{"/registry/x/", 3},     {"/registry/x/n1/", 2}, {"/registry/x/n2/", 0},
                 {"/registry/x/n", 3},    {"/registry/y/n1/", 1}, {"/registry/", 5},
                 {"/registry/x/n1/a", 1}, {"/registry/x/n3/", 1}};
    struct fixture *f = *state;
    char key[64];
    for (int i = 0; i < 300;
         i++) { /* namespaces that come and go must not be kept in mind, nor take others along */
        snprintf(key, sizeof key, "/registry/x/gone-%d/a", i);
        test_put(f->store, key, "0");
        test_delete(f->store, key);
    }
    static const char *const keys[] = {"/registry/x/n1/a", "/registry/x/n1/b", "/registry/x/n2/a",
                                       "/registry/x/n3/a", "/registry/y/n1/a", "/registry/y/c"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        test_put(f->store, keys[i], "1");
    test_delete(f->store, "/registry/x/n2/a");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            assert_int_equal(store_count(f->store, slice_str(cases[i].prefix)), cases[i].count);
        f->store = backend->reopen(backend->arg, f->store);
    }
}

/* ---- watching ---- */

static const char history_events[] =
    "C1:a=1<0= C2:b=2<0= U3:a=3<1=1 D4:b=2<2=2 C5:c=5<0= C6:b=6<0= D7:a=3<3=3";

static void the_feed_has_every_change_in_order(void **state)
{
    struct fixture *f = *state;
    store_set_feed(f->store, on_events, f);
    write_history(f);
    store_set_feed(f->store, NULL, NULL);
    size_t len = sizeof history_events - 1;
    assert_memory_equal(f->log, history_events, len);
    assert_string_equal(f->log + len, " C8:a=8<0=");
}

static void a_replay_gives_what_the_feed_gave(void **state)
{
    struct fixture *f = *state;
    write_history(f);
    assert_string_equal(replay(f, 0, 8), history_events);
    assert_string_equal(replay(f, 2, 4), "U3:a=3<1=1 D4:b=2<2=2");
    assert_string_equal(replay(f, 8, 8), "");
    assert_string_equal(replay(f, 7, UINT64_MAX), "");
}

static void a_deletion_carries_its_last_state(void **state)
{
    struct fixture *f = *state;
    struct store_op op = test_op("/registry/x/a", STORE_ANY, "old");
    store_txn(f->store, &op, 1, NULL, NULL, NULL);
    op = (struct store_op){.type = STORE_DELETE,
                           .key = SLICE("/registry/x/a"),
                           .expect = 1,
                           .value = SLICE("last<>"),
                           .splice = 5};
    store_set_feed(f->store, on_events, f);
    assert_int_equal(store_txn(f->store, &op, 1, NULL, NULL, NULL), STORE_OK);
    store_set_feed(f->store, NULL, NULL);
    assert_string_equal(f->log, "D2:a=last<2><1=old");
    assert_string_equal(replay(f, 1, 2), "D2:a=last<2><1=old");
}

static bool count_and_stop(void *arg, struct store_event *event)
{
    struct fixture *f = arg;
    return ++f->seen < 3;
}

static void a_replay_stops_when_told(void **state)
{
    struct fixture *f = *state;
    write_history(f);
    f->seen = 0;
    assert_true(store_replay(f->store, SLICE(""), 0, 8, count_and_stop, f, NULL));
    assert_int_equal(f->seen, 3);
}

/* ---- history ---- */

static void compaction_takes_only_what_nobody_may_ask_for(void **state)
{
    struct fixture *f = *state;
    write_history(f);
    for (uint64_t below = 1; below <= 8; below++) {
        assert_true(store_compact(f->store, below, NULL));
        assert_int_equal(store_compacted(f->store), below);
        cleanup_error struct error err = ERROR_INIT;
        for (uint64_t at = 1; at <= 8; at++)
            assert_string_equal(list(f, at), at < below ? "no read" : history[at]);
        if (below > 1) {
            assert_null(store_read_begin(f->store, below - 1, &err));
            assert_int_equal(err.reason, REASON_EXPIRED);
        }
        if (below % 3 == 0)
            f->store = backend->reopen(backend->arg, f->store);
    }
    struct store_stats stats;
    store_stats(f->store, &stats);
    assert_int_equal(stats.keys, 3);
    assert_int_equal(stats.log_records, 3);        /* b, c and y/a at their latest */
    assert_true(store_compact(f->store, 4, NULL)); /* long done */
    assert_int_equal(store_compacted(f->store), 8);
    assert_false(store_compact(f->store, 9, NULL));
}

static void a_replay_from_before_compaction_expires(void **state)
{
    struct fixture *f = *state;
    write_history(f);
    assert_true(store_compact(f->store, 4, NULL));
    cleanup_error struct error err = ERROR_INIT;
    assert_false(store_replay(f->store, SLICE(""), 3, 8, on_event, f, &err));
    assert_int_equal(err.reason, REASON_EXPIRED);
    assert_string_equal(replay(f, 4, 8), "C5:c=5<0= C6:b=6<0= D7:a=3<3=3");
}

static void revisions_survive_even_when_nothing_else_does(void **state)
{
    struct fixture *f = *state;
    test_put(f->store, "/registry/x/a", "1");
    test_delete(f->store, "/registry/x/a");
    assert_true(store_compact(f->store, 2, NULL));
    f->store = backend->reopen(backend->arg, f->store);
    assert_int_equal(store_revision(f->store), 2);
    assert_int_equal(store_compacted(f->store), 2);
    assert_int_equal(test_put(f->store, "/registry/x/a", "3"), 3);
    assert_string_equal(replay(f, 2, 3), "C3:a=3<0=");
}

/* ---- without waiting ---- */

enum { SUBMITS = 100, CONFLICTING = 7 };
static struct store_write *came_back[SUBMITS];
static atomic_size_t back_count;

static void take_back(struct store_write *list)
{
    for (; list; list = list->next)
        came_back[back_count++] = list;
}

static void submitted_writes_come_back_once_in_order(void **state)
{
    struct fixture *f = *state;
    const struct store_op ops[3] = {test_op("/registry/x/a", STORE_ANY, "v"),
                                    test_op("/registry/x/a", 0, "v"), test_op("", 0, "v")};
    struct store_write writes[SUBMITS], bad = {.ops = &ops[2], .count = 1, .done = take_back};
    back_count = 0;
    assert_false(store_submit(f->store, &bad));
    for (size_t i = 0; i < SUBMITS; i++) {
        writes[i] = (struct store_write){.ops = &ops[i == CONFLICTING], .count = 1, .done = take_back};
        assert_true(store_submit(f->store, &writes[i]));
    }
    assert_int_equal(store_txn(f->store, &ops[0], 1, NULL, NULL, NULL), STORE_OK); /* in order: behind them */
    assert_int_equal(back_count, SUBMITS);
    for (size_t i = 0; i < SUBMITS; i++) {
        assert_ptr_equal(came_back[i], &writes[i]);
        assert_int_equal(writes[i].outcome, i == CONFLICTING ? STORE_CONFLICT : STORE_OK);
        assert_int_equal(writes[i].result.revision, i < CONFLICTING ? i + 1 : i > CONFLICTING ? i : 0);
    }
}

/* ---- threads ---- */

enum { THREADS = 8, ROUNDS = 50 };

/* Compare and swap on one key: each success is one increment. */
static void *increment(void *arg)
{
    struct store *store = arg;
    for (int done = 0; done < ROUNDS;) {
        struct store_record record = {0};
        char text[24];
        struct store_read *read = store_read_begin(store, 0, NULL);
        bool there = store_get(read, SLICE("/registry/x/n"), &record);
        cleanup_free char *digits = there ? slice_strdup(record.value) : NULL;
        unsigned long n = there ? strtoul(digits, NULL, 10) : 0;
        uint64_t revision = record.revision;
        store_read_end(read);
        snprintf(text, sizeof text, "%lu", n + 1);
        done += test_write(store, STORE_PUT, "/registry/x/n", text, revision) != 0;
    }
    return NULL;
}

static void check_feed(void *arg, struct store_event *const *events, size_t count)
{
    struct fixture *f = arg;
    for (size_t i = 0; i < count; i++)
        f->seen = events[i]->revision == f->seen + 1 ? f->seen + 1 : SIZE_MAX / 2;
}

static void concurrent_swaps_lose_nothing(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[THREADS];
    f->seen = 0;
    store_set_feed(f->store, check_feed, f);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, increment, f->store);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    store_set_feed(f->store, NULL, NULL);
    assert_int_equal(f->seen, THREADS * ROUNDS);
    assert_string_equal(list(f, 0), "n@400=400");
}

static void *write_one(void *arg)
{
    test_put(arg, "/registry/x/a", "1");
    return NULL;
}

static void waiting_ends_with_the_revision_or_the_deadline(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    assert_false(store_wait(f->store, 1, clock_mono_nanos()));
    pthread_create(&thread, NULL, write_one, f->store);
    assert_true(store_wait(f->store, 1, clock_mono_nanos() + 60000000000));
    pthread_join(thread, NULL);
    assert_true(store_wait(f->store, 1, 0));
}

int store_conformance_run(const struct store_backend *which)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(revisions_start_at_one_and_are_not_used_for_nothing),
        CASE(expectations),
        CASE(a_transaction_is_all_or_nothing_with_one_revision),
        CASE(what_cannot_be_a_transaction_is_refused),
        CASE(the_revision_is_spliced_into_the_value),
        CASE(a_record_has_its_header_and_revisions),
        CASE(lists_of_the_past_are_as_they_were),
        CASE(a_read_does_not_see_what_comes_after_it_began),
        CASE(ranges_resume_choose_and_stop),
        CASE(counts_are_exact),
        CASE(counts_know_namespaces),
        CASE(the_feed_has_every_change_in_order),
        CASE(a_replay_gives_what_the_feed_gave),
        CASE(a_deletion_carries_its_last_state),
        CASE(a_replay_stops_when_told),
        CASE(compaction_takes_only_what_nobody_may_ask_for),
        CASE(a_replay_from_before_compaction_expires),
        CASE(revisions_survive_even_when_nothing_else_does),
        CASE(submitted_writes_come_back_once_in_order),
        CASE(concurrent_swaps_lose_nothing),
        CASE(waiting_ends_with_the_revision_or_the_deadline),
    };
    backend = which;
    return cmocka_run_group_tests_name(which->name, tests, NULL, NULL);
}
