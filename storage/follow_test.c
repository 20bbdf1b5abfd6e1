#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "storage/follow.h"
#include "storage/test_store.h"

struct seen {
    char log[4000];
};

static void changed(void *arg, const struct follow_change *change)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->log);
    snprintf(seen->log + len, sizeof seen->log - len, "%s%u:%.*s=%.*s", len ? " " : "", change->prefix,
             SLICE_ARG(change->key), SLICE_ARG(change->gone ? SLICE("gone") : change->value));
}

static void reset(void *arg)
{
    strcat(((struct seen *)arg)->log, " reset");
}

/* What was there is told at the start, what was written is told by the next sync, other resources are not. */
static void follows_its_prefixes(void **state)
{
    char dir[64];
    struct seen seen = {0};
    const struct slice prefixes[] = {SLICE("/registry/a/"), SLICE("/registry/b/")};
    (void)state;
    test_dir(dir);
    struct store *store = test_open(dir);
    test_put(store, "/registry/a/1", "one");
    test_put(store, "/registry/c/1", "no");
    struct hub *hub = hub_new(store, 100);
    struct follow_config config = {
        .prefixes = prefixes, .count = 2, .changed = changed, .reset = reset, .arg = &seen};
    struct follower *follower = follower_new(store, hub, &config, NULL);
    assert_string_equal(seen.log, "0:/registry/a/1=one");
    seen.log[0] = 0;
    follower_sync(follower);
    assert_string_equal(seen.log, "");
    test_put(store, "/registry/b/2", "two");
    test_put(store, "/registry/c/2", "no");
    test_delete(store, "/registry/a/1");
    assert_string_equal(seen.log, ""); /* nobody asked yet */
    follower_sync(follower);
    assert_string_equal(seen.log, "0:/registry/a/1=gone 1:/registry/b/2=two");
    seen.log[0] = 0;
    for (int i = 0; i < 50; i++) {
        test_put(store, "/registry/b/2", "again");
        follower_sync(follower);
        assert_string_equal(seen.log, "1:/registry/b/2=again");
        seen.log[0] = 0;
    }
    test_put(store, "/registry/b/2", "not looked at");
    follower_stop(follower);
    hub_free(hub);
    follower_free(follower);
    store_close(store);
    test_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_prefixes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
