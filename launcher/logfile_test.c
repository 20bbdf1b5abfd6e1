#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "launcher/files.h"
#include "launcher/logfile.h"

static int setup(void **state)
{
    *state = mkdtemp(xstrdup("/tmp/coxswain-logfile-XXXXXX"));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    bool ok = files_remove_tree(*state, NULL);
    free(*state);
    return ok ? 0 : -1;
}

static void holds(const char *path, const char *suffix, const char *want)
{
    cleanup_free char *name = xasprintf("%s%s", path, suffix);
    cleanup_buf struct buf bytes = BUF_INIT(1 << 20);
    bool found = false;
    assert_true(files_read(name, 1 << 20, &bytes, &found, NULL));
    if (found != (want != NULL) || (found && !slice_is(buf_slice(&bytes), want)))
        fail_msg("%s: got %s, want %s", name, found ? buf_cstr(&bytes) : "no file", want ? want : "no file");
}

static void rotates_between_lines(void **state)
{
    cleanup_free char *path = xasprintf("%s/part.log", (char *)*state);
    struct logfile log;
    assert_true(logfile_init(&log, path, 10, 2, NULL));
    logfile_write(&log, SLICE("1234567\n"));
    logfile_write(&log, SLICE("8"));       /* fits */
    logfile_write(&log, SLICE("90\nnew")); /* past the limit: the line that has begun ends where it began */
    holds(path, ".1", "1234567\n890\n");
    holds(path, "", "new");
    logfile_release(&log);
}

static void keeps_so_many(void **state)
{
    cleanup_free char *path = xasprintf("%s/part.log", (char *)*state);
    const char *const lines[] = {"11111111\n", "22222222\n", "33333333\n", "44444444\n"};
    struct logfile log;
    assert_true(logfile_init(&log, path, 10, 2, NULL));
    for (size_t i = 0; i < 4; i++)
        logfile_write(&log, slice_str(lines[i]));
    holds(path, "", lines[3]);
    holds(path, ".1", lines[2]);
    holds(path, ".2", lines[1]);
    holds(path, ".3", NULL);
    logfile_release(&log);
}

static void goes_on_after_a_restart(void **state)
{
    cleanup_free char *path = xasprintf("%s/part.log", (char *)*state);
    struct logfile log;
    assert_true(logfile_init(&log, path, 10, 1, NULL));
    logfile_write(&log, SLICE("12345\n"));
    logfile_release(&log);
    assert_true(logfile_init(&log, path, 10, 1, NULL));
    logfile_write(&log, SLICE("67890\n"));
    holds(path, ".1", "12345\n");
    holds(path, "", "67890\n");
    logfile_release(&log);
}

static void remembers_the_last_line(void **state)
{
    const struct {
        const char *claim, *writes[3], *want;
    } rows[] = {
        {"nothing", {NULL}, ""},
        {"a line", {"a\n"}, "a"},
        {"the latest", {"a\nb\n"}, "b"},
        {"without its end", {"a\nb"}, "b"},
        {"in pieces", {"a\nhe", "llo", "\n"}, "hello"},
        {"empty lines do not count", {"a\n", "\n\n"}, "a"},
    };
    cleanup_free char *path = xasprintf("%s/part.log", (char *)*state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct logfile log;
        assert_true(logfile_init(&log, path, 1000, 1, NULL));
        for (size_t k = 0; k < 3 && rows[i].writes[k]; k++)
            logfile_write(&log, slice_str(rows[i].writes[k]));
        if (strcmp(logfile_last_line(&log), rows[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", rows[i].claim, logfile_last_line(&log), rows[i].want);
        logfile_forget(&log);
        assert_string_equal(logfile_last_line(&log), "");
        logfile_release(&log);
    }
}

static void a_long_line_is_cut(void **state)
{
    cleanup_free char *path = xasprintf("%s/part.log", (char *)*state);
    char line[LOGFILE_LINE * 3];
    struct logfile log;
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    assert_true(logfile_init(&log, path, 100000, 1, NULL));
    logfile_write(&log, slice_make(line, sizeof line));
    assert_int_equal(strlen(logfile_last_line(&log)), LOGFILE_LINE - 1);
    logfile_release(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rotates_between_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_so_many, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(remembers_the_last_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
