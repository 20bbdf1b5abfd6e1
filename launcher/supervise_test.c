#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "launcher/files.h"
#include "launcher/supervise.h"

/* Parts are shell lines here; the supervisor ends by a signal that the last event of a test sends. */
struct fixture {
    char *dir, *log;
    char events[512];
    int deaths_to_stop; /* each part is killed when it is ready, and after so many deaths we ask to stop; 0:
                           never */
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->dir = mkdtemp(xstrdup("/tmp/coxswain-supervise-XXXXXX"));
    f->log = xasprintf("%s/part.log", f->dir);
    *state = f;
    return f->dir ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    bool ok = files_remove_tree(f->dir, NULL);
    free(f->dir);
    free(f->log);
    free(f);
    return ok ? 0 : -1;
}

static void record(void *arg, const struct part *part, const char *detail)
{
    static const char *const names[] = {"down", "starting", "ready", "waiting", "stopping"};
    struct fixture *f = arg;
    size_t used = strlen(f->events);
    snprintf(f->events + used, sizeof f->events - used, "%s:%s%s%s ", part->name, names[part->state],
             detail ? "=" : "", detail ? detail : "");
    if (part->state == PART_READY && f->deaths_to_stop)
        kill(part->pid, SIGKILL);
    if (part->state == PART_WAITING && f->deaths_to_stop && --f->deaths_to_stop == 0)
        raise(SIGTERM);
}

/* clang-format off */
#define SHELL(line) (char **)(const char *[]){"/bin/sh", "-c", (line), NULL}
/* clang-format on */
#define SERVE "echo READY 7 >&3; exec 3>&-; "

static void back_off(void **state)
{
    const struct {
        unsigned deaths;
        int64_t millis;
    } rows[] = {{0, 100}, {1, 200}, {2, 400}, {6, 6400}, {7, 10000}, {1000000, 10000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(supervise_backoff_nanos(rows[i].deaths) / 1000000, rows[i].millis);
}

static void starts_in_order_and_stops_in_reverse(void **state)
{
    struct fixture *f = *state;
    struct supervisor *sup = supervisor_new(record, f, NULL);
    char *const *serve = SHELL(SERVE "exec sleep 100");
    assert_true(supervisor_add(sup, "a", serve, f->log, NULL));
    assert_true(supervisor_add(sup, "b", serve, f->log, NULL));
    cleanup_error struct error err = ERROR_INIT;
    if (!supervisor_start(sup, 10, &err))
        fail_msg("%s", err.message);
    assert_int_equal(supervisor_part(sup, 0)->port, 7);
    assert_true(supervisor_stop(sup));
    assert_string_equal(
        f->events,
        "a:starting a:ready b:starting b:ready b:stopping b:down=was killed by signal 15 (Terminated) "
        "a:stopping a:down=was killed by signal 15 (Terminated) ");
    supervisor_free(sup);
}

static void one_that_does_not_start_takes_the_others_down(void **state)
{
    struct fixture *f = *state;
    struct supervisor *sup = supervisor_new(record, f, NULL);
    assert_true(supervisor_add(sup, "a", SHELL(SERVE "exec sleep 100"), f->log, NULL));
    assert_true(supervisor_add(sup, "b", SHELL("echo first >&2; echo the reason >&2; exit 1"), f->log, NULL));
    cleanup_error struct error err = ERROR_INIT;
    assert_false(supervisor_start(sup, 10, &err));
    assert_string_equal(err.message, "b did not start: the reason");
    assert_string_equal(
        f->events, "a:starting a:ready b:starting b:waiting=ended with code 1: the reason b:down a:stopping "
                   "a:down=was killed by signal 15 (Terminated) ");
    supervisor_free(sup);
}

static void why_it_did_not_start(void **state)
{
    struct fixture *f = *state;
    const struct {
        char *const *argv;
        const char *want;
    } rows[] = {
        {SHELL("echo sh: the reason >&2; exit 1"), "p did not start: the reason"},
        {SHELL("exit 3"), "p ended before it was ready and did not say why, see "},
        {(char **)(const char *[]){"/no/such/program", NULL},
         "p did not start: cannot run /no/such/program: No such file or directory"},
        {SHELL("exec sleep 100"), "p is not ready in time, see "},
        {SHELL("exec 3>&-; exec sleep 100"), "p is not ready in time, see "},
        {SHELL("echo nonsense >&3; exec sleep 100"), "p is not ready in time, see "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct supervisor *sup = supervisor_new(NULL, NULL, NULL);
        assert_true(supervisor_add(sup, "p", rows[i].argv, f->log, NULL));
        cleanup_error struct error err = ERROR_INIT;
        assert_false(supervisor_start(sup, 1, &err));
        if (strncmp(err.message, rows[i].want, strlen(rows[i].want)) != 0)
            fail_msg("row %zu: got \"%s\", want \"%s\"", i, err.message, rows[i].want);
        assert_int_equal(supervisor_part(sup, 0)->pid, 0);
        supervisor_free(sup);
    }
}

static void one_that_dies_comes_back(void **state)
{
    struct fixture *f = *state;
    f->deaths_to_stop = 3;
    struct supervisor *sup = supervisor_new(record, f, NULL);
    assert_true(supervisor_add(sup, "p", SHELL(SERVE "exec sleep 100"), f->log, NULL));
    assert_true(supervisor_start(sup, 10, NULL));
    supervisor_run(sup);
    assert_true(supervisor_stop(sup));
    assert_string_equal(f->events, "p:starting p:ready p:waiting=was killed by signal 9 (Killed) p:starting "
                                   "p:ready p:waiting=was killed by signal 9 (Killed) "
                                   "p:starting p:ready p:waiting=was killed by signal 9 (Killed) p:down ");
    assert_int_equal(supervisor_part(sup, 0)->restarts, 2);
    supervisor_free(sup);
}

static void a_signal_ends_a_start(void **state)
{
    struct supervisor *sup = supervisor_new(NULL, NULL, NULL);
    struct fixture *f = *state;
    assert_true(supervisor_add(sup, "p", SHELL("kill -TERM $PPID; exec sleep 100"), f->log, NULL));
    cleanup_error struct error err = ERROR_INIT;
    assert_false(supervisor_start(sup, 100, &err));
    assert_string_equal(err.message, "stopped by a signal before p was ready");
    supervisor_free(sup);
}

static void a_second_signal_kills(void **state)
{
    struct fixture *f = *state;
    struct supervisor *sup = supervisor_new(record, f, NULL);
    /* on SIGTERM it asks the supervisor again instead of ending */
    assert_true(supervisor_add(
        sup, "p", SHELL("trap 'kill -INT $PPID' TERM; " SERVE "while :; do sleep 1 & wait; done"), f->log,
        NULL));
    assert_true(supervisor_start(sup, 10, NULL));
    assert_false(supervisor_stop(sup));
    assert_string_equal(f->events, "p:starting p:ready p:stopping p:down=was killed by signal 9 (Killed) ");
    supervisor_free(sup);
}

static void what_it_says_is_in_the_log(void **state)
{
    struct fixture *f = *state;
    struct supervisor *sup = supervisor_new(NULL, NULL, NULL);
    assert_true(supervisor_add(sup, "p", SHELL("echo out; echo err >&2; " SERVE "echo more; exec sleep 100"),
                               f->log, NULL));
    assert_true(supervisor_start(sup, 10, NULL));
    supervisor_stop(sup);
    supervisor_free(sup);
    cleanup_buf struct buf bytes = BUF_INIT(4096);
    bool found;
    assert_true(files_read(f->log, 4096, &bytes, &found, NULL));
    assert_memory_equal(bytes.data, "out\nerr\n", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(back_off),
        cmocka_unit_test_setup_teardown(starts_in_order_and_stops_in_reverse, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_does_not_start_takes_the_others_down, setup, teardown),
        cmocka_unit_test_setup_teardown(why_it_did_not_start, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_dies_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signal_ends_a_start, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_signal_kills, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_says_is_in_the_log, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
