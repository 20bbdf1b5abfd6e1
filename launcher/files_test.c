#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "launcher/files.h"

static int setup(void **state)
{
    *state = mkdtemp(xstrdup("/tmp/coxswain-files-XXXXXX"));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    bool ok = files_remove_tree(*state, NULL);
    free(*state);
    return ok ? 0 : -1;
}

static void reads_up_to_the_limit(void **state)
{
    const struct {
        size_t size, limit;
        bool ok;
    } rows[] = {{0, 10, true},       {10, 10, true},       {11, 10, false},        {4096, 4096, true},
                {4097, 4096, false}, {10000, 10000, true}, {10000, 1 << 20, true}, {10001, 10000, false}};
    cleanup_free char *path = xasprintf("%s/f", (char *)*state);
    static char bytes[20000];
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_buf struct buf got = BUF_INIT(0);
        cleanup_error struct error err = ERROR_INIT;
        bool found;
        assert_true(files_replace(path, slice_make(bytes, rows[i].size), 0600, NULL));
        bool ok = files_read(path, rows[i].limit, &got, &found, &err);
        if (ok != rows[i].ok || (ok && got.len != rows[i].size))
            fail_msg("%zu bytes with limit %zu: got %s and %zu bytes", rows[i].size, rows[i].limit,
                     ok ? "true" : "false", got.len);
    }
}

static void no_file_is_no_error(void **state)
{
    cleanup_free char *path = xasprintf("%s/none", (char *)*state);
    struct buf got = BUF_INIT(0);
    bool found = true;
    assert_true(files_read(path, 10, &got, &found, NULL));
    assert_false(found);
    assert_true(files_remove_tree(path, NULL));
    assert_int_equal(files_lock_holder(path), 0);
}

static void makes_folders(void **state)
{
    cleanup_free char *path = xasprintf("%s/a/b//c", (char *)*state);
    struct stat st;
    assert_true(files_make_dir(path, NULL));
    assert_true(files_make_dir(path, NULL));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void removal_does_not_follow_links(void **state)
{
    cleanup_free char *kept = xasprintf("%s/kept", (char *)*state);
    cleanup_free char *tree = xasprintf("%s/tree", (char *)*state);
    cleanup_free char *link = xasprintf("%s/tree/link", (char *)*state);
    assert_true(files_make_dir(kept, NULL));
    assert_true(files_make_dir(tree, NULL));
    assert_int_equal(symlink(kept, link), 0);
    assert_true(files_remove_tree(tree, NULL));
    assert_int_equal(access(kept, F_OK), 0);
    assert_int_not_equal(access(tree, F_OK), 0);
}

/* Another process takes the lock, is seen to hold it, and is killed: the lock is free at once. */
static void the_lock_dies_with_its_holder(void **state)
{
    cleanup_free char *path = xasprintf("%s/lock", (char *)*state);
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd;
        if (files_lock(path, &fd, NULL) != LOCK_TAKEN || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    int fd = -1;
    pid_t holder = 0;
    assert_int_equal(files_lock(path, &fd, NULL), LOCK_HELD);
    assert_int_equal(files_lock_holder(path), child);
    cleanup_fd int pidfd = files_lock_holder_pidfd(path, &holder);
    assert_true(pidfd >= 0);
    assert_int_equal(holder, child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(files_lock_holder(path), 0);
    assert_int_equal(files_lock(path, &fd, NULL), LOCK_TAKEN);
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_up_to_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(no_file_is_no_error, setup, teardown),
        cmocka_unit_test_setup_teardown(makes_folders, setup, teardown),
        cmocka_unit_test_setup_teardown(removal_does_not_follow_links, setup, teardown),
        cmocka_unit_test_setup_teardown(the_lock_dies_with_its_holder, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
