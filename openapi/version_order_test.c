/* The example of upstream's documentation, in its order, compared each with each. */
#include "openapi/version_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const sorted[] = {"v10",       "v2",        "v1",   "v11beta2", "v10beta3", "v3beta1",
                                     "v12alpha1", "v11alpha2", "foo1", "foo10",    "v0",       "v1gamma1"};

static void test_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++) {
        for (size_t k = 0; k < sizeof sorted / sizeof *sorted; k++) {
            int got = version_order(sorted[i], sorted[k]), want = (i > k) - (i < k);
            if ((got > 0) - (got < 0) != want)
                fail_msg("%s against %s: %d, wanted %d", sorted[i], sorted[k], got, want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
