#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "apiserver/authn/token_file.h"

static void reads_lines_of_csv(void **state)
{
    (void)state;
    cleanup_error struct error err = ERROR_INIT;
    struct token_file *file = token_file_parse(
        SLICE("t1,ann,1,\"a,b\"\r\nt2,bob,2\n\n\"t,3\",\"c \"\"x\"\"\",,g\n t4,dan,4, one\nt1,eve,5\n"), "f",
        &err);
    assert_non_null(file);
    const struct user *user = token_file_find(file, SLICE("t1"));
    assert_true(user && slice_is(user->name, "eve") && slice_is(user->uid, "5") && user->group_count == 0);
    user = token_file_find(file, SLICE("t2"));
    assert_true(user && slice_is(user->name, "bob"));
    user = token_file_find(file, SLICE("t,3"));
    assert_true(user && slice_is(user->name, "c \"x\"") && user->group_count == 1 &&
                slice_is(user->groups[0], "g"));
    user = token_file_find(file, SLICE("t4"));
    assert_true(user && slice_is(user->groups[0], "one"));
    assert_null(token_file_find(file, SLICE("t")));
    assert_null(token_file_find(file, SLICE("")));
    token_file_free(file);
}

static void refuses_broken_lines(void **state)
{
    (void)state;
    static const char *const bad[] = {"a,b", "ok,u,1\n,u,1", "secret,,1", "a,b,\"c", "a,b,\"c\"d", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cleanup_error struct error err = ERROR_INIT;
        struct token_file *file = token_file_parse(slice_str(bad[i]), "the-file", &err);
        if (file)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err.message, "the-file, line"));
        assert_null(strstr(err.message, "secret"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines_of_csv),
        cmocka_unit_test(refuses_broken_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
