#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "storage/header.h"
#include "storage/observer.h"

struct world {
    char dir[64];
    struct store *store;
    struct hub *hub;
    struct observer *observer;
    pthread_mutex_t lock;
    pthread_cond_t ran, saw;
    unsigned runs, seen;
    uint64_t revision; /* that the last run saw */
    int64_t again;
    bool only_b; /* concerns: keys that end in b */
};

static int64_t run(void *arg)
{
    struct world *w = arg;
    pthread_mutex_lock(&w->lock);
    w->runs++;
    w->revision = store_revision(w->store);
    int64_t again = w->again;
    pthread_cond_signal(&w->ran);
    pthread_mutex_unlock(&w->lock);
    return again;
}

static bool concerns(void *arg, unsigned prefix, const struct store_event *event)
{
    struct world *w = arg;
    pthread_mutex_lock(&w->lock);
    w->seen++;
    pthread_cond_signal(&w->saw);
    bool matters = !w->only_b || slice_ends(event->key, SLICE("b"));
    pthread_mutex_unlock(&w->lock);
    return matters;
}

static uint64_t put(struct world *w, const char *key)
{
    struct store_txn_result result;
    cleanup_buf struct buf header = BUF_INIT(1024);
    header_put(&header, &(struct header){.body = 1});
    const struct store_op op = {.type = STORE_PUT,
                                .key = slice_str(key),
                                .expect = STORE_ANY,
                                .header = buf_slice(&header),
                                .value = SLICE("{}"),
                                .splice = SIZE_MAX};
    assert_int_equal(store_txn(w->store, &op, 1, &(struct store_author){0}, &result, NULL), STORE_OK);
    return result.revision;
}

/* Until a run has seen that revision. */
static void wait_for(struct world *w, uint64_t revision)
{
    pthread_mutex_lock(&w->lock);
    while (w->revision < revision)
        pthread_cond_wait(&w->ran, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static void wait_until_seen(struct world *w, unsigned events)
{
    pthread_mutex_lock(&w->lock);
    while (w->seen < events)
        pthread_cond_wait(&w->saw, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    const struct slice prefixes[] = {SLICE("/registry/x/"), SLICE("/registry/y/")};
    strcpy(w->dir, "/tmp/coxswain-observer-XXXXXX");
    w->store = mkdtemp(w->dir)
                   ? store_lmdb_open(&(struct store_lmdb_options){.dir = w->dir, .no_sync = true}, NULL)
                   : NULL;
    if (!w->store)
        return -1;
    w->hub = hub_new(w->store, 100);
    w->again = -1;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->ran, NULL);
    pthread_cond_init(&w->saw, NULL);
    const struct observer_config config = {"observer", prefixes, 2, concerns, run, w};
    w->observer = observer_new(w->store, w->hub, &config);
    pthread_mutex_lock(&w->lock);
    while (w->runs == 0) /* what was there before its watches is seen by that run alone */
        pthread_cond_wait(&w->ran, &w->lock);
    pthread_mutex_unlock(&w->lock);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    hub_shutdown(w->hub);
    observer_stop(w->observer);
    observer_stop(w->observer); /* harmless */
    hub_free(w->hub);
    observer_free(w->observer);
    store_close(w->store);
    char *command = xasprintf("rm -rf %s", w->dir);
    int code = system(command);
    free(command);
    free(w);
    return code;
}

static void runs_after_changes_of_its_prefixes(void **state)
{
    struct world *w = *state;
    wait_for(w, put(w, "/registry/x/a"));
    wait_for(w, put(w, "/registry/y/a"));
    for (int i = 0; i < 1000; i++)
        put(w, "/registry/x/a");
    put(w, "/registry/z/a"); /* nothing of ours */
    wait_for(w, put(w, "/registry/y/b"));
    wait_until_seen(w, 1003);
    assert_int_equal(w->seen, 1003);
}

static void what_does_not_matter_makes_no_run(void **state)
{
    struct world *w = *state;
    pthread_mutex_lock(&w->lock);
    w->only_b = true;
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < 100; i++)
        put(w, "/registry/x/a");
    wait_until_seen(w, 100);
    assert_int_equal(w->runs, 1); /* the first, which needs no reason */
    wait_for(w, put(w, "/registry/x/b"));
}

static void runs_again_when_it_asked_to_and_when_kicked(void **state)
{
    struct world *w = *state;
    pthread_mutex_lock(&w->lock);
    while (w->runs == 0)
        pthread_cond_wait(&w->ran, &w->lock);
    w->again = 1;
    pthread_mutex_unlock(&w->lock);
    observer_kick(w->observer);
    pthread_mutex_lock(&w->lock);
    while (w->runs < 10)
        pthread_cond_wait(&w->ran, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_after_changes_of_its_prefixes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_matter_makes_no_run, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_again_when_it_asked_to_and_when_kicked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
