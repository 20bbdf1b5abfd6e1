#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "dropin/upstream_flags.h"

static const char *port;
static const struct flag own[] = {{"secure-port", FLAG_STRING, &port, "PORT", "port to serve on"}, {0}};
static const struct flag_group groups[] = {
    {FLAG_PASSED, false, "client-ca-file service-node-port-range", "as upstream"},
    {FLAG_QUIET, false, "feature-gates", "always the same"},
    {FLAG_QUIET, true, "profiling", "always the same"},
    {FLAG_REFUSED, false, "encryption-provider-config", "objects are not encrypted"},
    {FLAG_REFUSED, true, "enable-bootstrap-token-auth", "no tokens"},
    {0}};
static const struct upstream_program program = {"kube-apiserver", "Serves.", own, groups};

static void sorts_flags(void **state)
{
    const struct {
        int argc;
        const char *argv[5];
        const char *passed, *error;
    } rows[] = {
        {2, {"x", "--secure-port=1"}, "", NULL},
        {3, {"x", "--client-ca-file", "a"}, "--client-ca-file=a ", NULL},
        {4,
         {"x", "--client-ca-file=a", "--service-node-port-range=1-2", "--feature-gates=A=true"},
         "--client-ca-file=a --service-node-port-range=1-2 ",
         NULL},
        {3, {"x", "--profiling", "--profiling=false"}, "", NULL},
        {2, {"x", "--encryption-provider-config="}, "", NULL},
        {2,
         {"x", "--encryption-provider-config=a"},
         "",
         "--encryption-provider-config: objects are not encrypted; leave it out"},
        {2,
         {"x", "--enable-bootstrap-token-auth"},
         "",
         "--enable-bootstrap-token-auth: no tokens; leave it out"},
        {2, {"x", "--enable-bootstrap-token-auth=false"}, "", NULL},
        {2, {"x", "--insecure-port=0"}, "", "unknown flag --insecure-port, did you mean --secure-port?"},
    };
    log_set_level(LOG_OFF);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_error struct error err = ERROR_INIT;
        cleanup_arena struct arena *arena = arena_new();
        struct word_list words = {.arena = arena};
        char passed[128] = "";
        enum flags_result got =
            upstream_flags_parse(&program, rows[i].argc, (char **)rows[i].argv, &words, &err);
        assert_int_equal(got, rows[i].error ? FLAGS_ERROR : FLAGS_OK);
        if (rows[i].error)
            assert_string_equal(err.message, rows[i].error);
        for (size_t j = 0; j < words.count; j++)
            strcat(strcat(passed, words.items[j]), " ");
        assert_string_equal(passed, rows[i].passed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sorts_flags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
