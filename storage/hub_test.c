#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

#include "storage/hub.h"
#include "storage/test_store.h"

/* A loop that the test turns by hand: what is posted runs when it says so. */
struct hand_loop {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct {
        void (*fn)(void *arg);
        void *arg;
    } posted[64];
    size_t count;
};

struct fixture {
    char dir[64];
    struct store *store;
    struct hub *hub;
    struct hub_loop *loop;
    struct hand_loop hand;
};

static void hand_post(void *arg, void (*fn)(void *arg), void *fn_arg)
{
    struct hand_loop *hand = arg;
    pthread_mutex_lock(&hand->lock);
    hand->posted[hand->count].fn = fn;
    hand->posted[hand->count++].arg = fn_arg;
    pthread_cond_signal(&hand->cond);
    pthread_mutex_unlock(&hand->lock);
}

/* Runs all that is posted; when `wait`, first waits until something is. */
static void turn(struct fixture *f, bool wait)
{
    struct hand_loop *hand = &f->hand;
    pthread_mutex_lock(&hand->lock);
    while (wait && !hand->count)
        pthread_cond_wait(&hand->cond, &hand->lock);
    while (hand->count) {
        hand->count--;
        void (*fn)(void *arg) = hand->posted[hand->count].fn;
        void *arg = hand->posted[hand->count].arg;
        pthread_mutex_unlock(&hand->lock);
        fn(arg);
        pthread_mutex_lock(&hand->lock);
    }
    pthread_mutex_unlock(&hand->lock);
}

/* A watcher that writes down what it sees: "C1=a U2=b" (change, revision, value). */
struct watcher {
    struct fixture *fixture;
    struct hub_watch *watch;
    char log[2000];
    size_t events, ready, max_batch;
    int ended; /* hub_end + 1 */
    bool lazy, stop_when_ready;
};

static void drain_watch(struct watcher *w)
{
    struct store_event *event;
    size_t batch = 0;
    while ((event = hub_next(w->watch))) {
        size_t len = strlen(w->log);
        snprintf(w->log + len, sizeof w->log - len, "%s%c%lu=%.*s", len ? " " : "", " CUD"[event->change],
                 event -> revision, SLICE_ARG(event->value));
        w->events++;
        batch++;
        store_event_unref(event);
    }
    w->max_batch = batch > w->max_batch ? batch : w->max_batch;
}

static void on_ready(void *arg)
{
    struct watcher *w = arg;
    w->ready++;
    if (w->stop_when_ready) {
        hub_stop(w->watch);
        w->watch = NULL;
    } else if (!w->lazy) {
        drain_watch(w);
    }
}

static void on_end(void *arg, enum hub_end why)
{
    struct watcher *w = arg;
    w->ended = (int)why + 1;
}

static void start(struct fixture *f, struct watcher *w, const char *prefix, bool exact, size_t max_queue,
                  uint64_t after)
{
    const struct hub_watcher watcher = {.prefix = slice_str(prefix),
                                        .exact = exact,
                                        .on_ready = on_ready,
                                        .on_end = on_end,
                                        .arg = w,
                                        .max_queue = max_queue};
    w->fixture = f;
    w->watch = hub_start(f->loop, &watcher, after);
}

static void open_hub(struct fixture *f, size_t window)
{
    f->hub = hub_new(f->store, window);
    f->loop = hub_add_loop(f->hub, hand_post, &f->hand);
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    pthread_mutex_init(&f->hand.lock, NULL);
    pthread_cond_init(&f->hand.cond, NULL);
    test_dir(f->dir);
    f->store = test_open(f->dir);
    open_hub(f, 100);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hub_free(f->hub);
    turn(f, false);
    store_close(f->store);
    test_dir_remove(f->dir);
    free(f);
    return 0;
}

static void live_watches_see_their_prefix_in_order(void **state)
{
    struct fixture *f = *state;
    struct watcher pods = {0}, ns = {0}, one = {0}, all = {0};
    start(f, &pods, "/registry/pods/", false, 10, 0);
    start(f, &ns, "/registry/pods/b/", false, 10, 0);
    start(f, &one, "/registry/pods/a/x", true, 10, 0);
    start(f, &all, "/registry/", false, 10, 0);
    test_put(f->store, "/registry/pods/a/x", "v1");
    test_put(f->store, "/registry/pods/a/xy", "v2");
    turn(f, false);
    test_put(f->store, "/registry/pods/b/x", "v3");
    test_put(f->store, "/registry/nodes/x", "v4");
    test_delete(f->store, "/registry/pods/a/x");
    turn(f, false);
    assert_string_equal(pods.log, "C1=v1 C2=v2 C3=v3 D5=v1");
    assert_string_equal(ns.log, "C3=v3");
    assert_string_equal(one.log, "C1=v1 D5=v1");
    assert_string_equal(all.log, "C1=v1 C2=v2 C3=v3 C4=v4 D5=v1");
    assert_int_equal(hub_watch_count(f->hub), 4);
    hub_stop(pods.watch);
    hub_stop(ns.watch);
    hub_stop(one.watch);
    test_put(f->store, "/registry/pods/a/x", "v6");
    turn(f, false);
    assert_string_equal(pods.log, "C1=v1 C2=v2 C3=v3 D5=v1");
    assert_string_equal(all.log, "C1=v1 C2=v2 C3=v3 C4=v4 D5=v1 C6=v6");
    hub_stop(all.watch);
    assert_int_equal(hub_watch_count(f->hub), 0);
}

static void a_recent_start_is_served_from_the_window(void **state)
{
    struct fixture *f = *state;
    struct watcher w = {0}, other = {0};
    for (int i = 0; i < 5; i++)
        test_put(f->store, "/registry/pods/a/x", "v");
    test_put(f->store, "/registry/nodes/x", "n");
    start(f, &w, "/registry/pods/", false, 10, 3);
    assert_string_equal(w.log, "");
    test_put(f->store, "/registry/pods/a/x", "w");
    turn(f, false);
    assert_string_equal(w.log, "U4=v U5=v U7=w");
    assert_int_equal(w.ready, 1);
    start(f, &other, "/registry/leases/", false, 10, 1); /* no such event ever: at once live */
    assert_int_equal(hub_progress(other.watch), 7);
    hub_stop(w.watch);
    hub_stop(other.watch);
}

/* The hub is new and its window empty: all comes from the log, in stretches of the queue's size. */
static void the_distant_past_is_replayed_in_stretches(void **state)
{
    struct fixture *f = *state;
    struct watcher w = {0};
    for (int i = 0; i < 10; i++)
        test_put(f->store, "/registry/pods/a/x", "v");
    const struct store_op pair[2] = {
        {.type = STORE_PUT,
         .key = SLICE("/registry/pods/a/x"),
         .expect = STORE_ANY,
         .value = SLICE("p"),
         .splice = SIZE_MAX},
        {.type = STORE_PUT,
         .key = SLICE("/registry/pods/a/y"),
         .expect = STORE_ANY,
         .value = SLICE("q"),
         .splice = SIZE_MAX},
    };
    assert_int_equal(store_txn(f->store, pair, 2, NULL, NULL, NULL), STORE_OK);
    hub_free(f->hub);
    turn(f, false);
    open_hub(f, 100);
    start(f, &w, "/registry/pods/", false, 4, 2);
    while (w.events < 10)
        turn(f, true);
    assert_string_equal(w.log, "U3=v U4=v U5=v U6=v U7=v U8=v U9=v U10=v U11=p C11=q");
    assert_true(w.max_batch <= 5);
    test_put(f->store, "/registry/pods/a/x", "live");
    while (w.events < 11)
        turn(f, true);
    assert_non_null(strstr(w.log, "C11=q U12=live"));
    hub_stop(w.watch);
}

static void a_full_queue_ends_the_watch_alone(void **state)
{
    struct fixture *f = *state;
    struct watcher slow = {.lazy = true}, fast = {0};
    start(f, &slow, "/registry/pods/", false, 3, 0);
    start(f, &fast, "/registry/pods/", false, 3, 0);
    for (int i = 0; i < 4; i++) {
        test_put(f->store, "/registry/pods/a/x", "v");
        turn(f, false);
    }
    assert_int_equal(slow.ended, HUB_OVERFLOW + 1);
    assert_null(hub_next(slow.watch));
    assert_int_equal(fast.ended, 0);
    assert_int_equal(fast.events, 4);
    hub_stop(slow.watch);
    hub_stop(fast.watch);
}

/* 16 MiB of events fill a queue that has room for a thousand. */
static void large_events_fill_a_queue_too(void **state)
{
    struct fixture *f = *state;
    struct watcher slow = {.lazy = true}, fast = {0};
    enum { SIZE = 1 << 20 };
    char *large = xmalloc(SIZE + 1);
    memset(large, 'v', SIZE);
    large[SIZE] = 0;
    start(f, &slow, "/registry/pods/", false, 1000, 0);
    int puts = 0;
    for (; puts < 100 && !slow.ended; puts++) {
        test_put(f->store, "/registry/pods/a/x", large);
        turn(f, false);
    }
    assert_int_equal(slow.ended, HUB_OVERFLOW + 1);
    assert_in_range(puts, 8, 18); /* an event has the value before and after */
    start(f, &fast, "/registry/pods/", false, 1000,
          0); /* from the past: in stretches that are bounded alike */
    while (fast.events < (size_t)puts)
        turn(f, true);
    assert_in_range(fast.max_batch, 1, 18);
    hub_stop(slow.watch);
    hub_stop(fast.watch);
    free(large);
}

static void a_compacted_start_expires(void **state)
{
    struct fixture *f = *state;
    struct watcher w = {0};
    for (int i = 0; i < 6; i++)
        test_put(f->store, "/registry/pods/a/x", "v");
    hub_free(f->hub);
    turn(f, false);
    open_hub(f, 100);
    assert_true(store_compact(f->store, 5, NULL));
    start(f, &w, "/registry/pods/", false, 10, 4);
    turn(f, true);
    assert_int_equal(w.ended, HUB_EXPIRED + 1);
    hub_stop(w.watch);
    struct watcher ok = {0};
    start(f, &ok, "/registry/pods/", false, 10, 5);
    while (!ok.events)
        turn(f, true);
    assert_string_equal(ok.log, "U6=v");
    hub_stop(ok.watch);
}

static void shutdown_ends_all_and_later_starts(void **state)
{
    struct fixture *f = *state;
    struct watcher early = {0}, late = {0};
    start(f, &early, "/registry/pods/", false, 10, 0);
    hub_shutdown(f->hub);
    turn(f, false);
    assert_int_equal(early.ended, HUB_CLOSED + 1);
    start(f, &late, "/registry/pods/", false, 10, 0);
    turn(f, false);
    assert_int_equal(late.ended, HUB_CLOSED + 1);
    hub_stop(early.watch);
    hub_stop(late.watch);
}

static void stopping_inside_a_callback_is_safe(void **state)
{
    struct fixture *f = *state;
    struct watcher w[4] = {{.stop_when_ready = true}, {0}, {.stop_when_ready = true}, {0}};
    for (int i = 0; i < 4; i++)
        start(f, &w[i], "/registry/pods/", false, 10, 0);
    test_put(f->store, "/registry/pods/a/x", "v");
    test_put(f->store, "/registry/pods/a/x", "v");
    turn(f, false);
    for (int i = 0; i < 4; i++)
        assert_int_equal(w[i].events, i % 2 ? 2 : 0);
    assert_int_equal(hub_watch_count(f->hub), 2);
    hub_stop(w[1].watch);
    test_put(f->store, "/registry/pods/a/x", "v");
    turn(f, false);
    assert_int_equal(w[3].events, 3);
    hub_stop(w[3].watch);
}

static void stopping_during_a_replay_is_safe(void **state)
{
    struct fixture *f = *state;
    struct watcher w[20] = {0};
    for (int i = 0; i < 50; i++)
        test_put(f->store, "/registry/pods/a/x", "v");
    hub_free(f->hub);
    turn(f, false);
    open_hub(f, 100);
    for (int i = 0; i < 20; i++)
        start(f, &w[i], "/registry/pods/", false, 4, 1);
    for (int i = 0; i < 20; i++)
        hub_stop(w[i].watch);
    turn(f, false);
    for (int i = 0; i < 20; i++)
        assert_int_equal(w[i].ready, 0);
}

static void progress_follows_what_concerns_others_too(void **state)
{
    struct fixture *f = *state;
    struct watcher w = {.lazy = true};
    start(f, &w, "/registry/pods/", false, 10, 0);
    assert_int_equal(hub_progress(w.watch), 0);
    test_put(f->store, "/registry/nodes/x", "v");
    assert_int_equal(hub_progress(w.watch), 1); /* nothing was posted, nothing is missing */
    test_put(f->store, "/registry/pods/a/x", "v");
    assert_int_equal(hub_progress(w.watch), 0); /* 2 is in the inbox; 0 is all that is sure */
    turn(f, false);
    assert_int_equal(hub_progress(w.watch), 2);
    drain_watch(&w);
    hub_stop(w.watch);
}

/* A window of 4: older starts go through the log, and both paths must meet. */
static void every_start_sees_the_same_rest(void **state)
{
    struct fixture *f = *state;
    hub_free(f->hub);
    turn(f, false);
    open_hub(f, 4);
    char expected[2000] = "";
    for (int i = 1; i <= 20; i++)
        test_put(f->store, i % 3 ? "/registry/pods/a/x" : "/registry/nodes/x", "v");
    for (uint64_t after = 0; after <= 20; after++) {
        struct watcher w = {0};
        size_t expect_events = 0;
        expected[0] = 0;
        for (uint64_t r = after + 1; r <= 20; r++) {
            if (r % 3 == 0)
                continue;
            size_t len = strlen(expected);
            snprintf(expected + len, sizeof expected - len, "%s%c%lu=v", len ? " " : "", r == 1 ? 'C' : 'U',
                     r);
            expect_events++;
        }
        start(f, &w, "/registry/pods/", false, 3, after);
        while (w.events < expect_events)
            turn(f, true);
        assert_string_equal(w.log, expected);
        hub_stop(w.watch);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(live_watches_see_their_prefix_in_order),
        CASE(a_recent_start_is_served_from_the_window),
        CASE(the_distant_past_is_replayed_in_stretches),
        CASE(a_full_queue_ends_the_watch_alone),
        CASE(large_events_fill_a_queue_too),
        CASE(a_compacted_start_expires),
        CASE(shutdown_ends_all_and_later_starts),
        CASE(stopping_inside_a_callback_is_safe),
        CASE(stopping_during_a_replay_is_safe),
        CASE(progress_follows_what_concerns_others_too),
        CASE(every_start_sees_the_same_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
