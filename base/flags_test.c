#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/flags.h"

static struct options {
    const char *listen;
    int64_t loops;
    bool no_sync, listen_given;
} o;

static const struct flag table[] = {
    {"listen", FLAG_STRING, &o.listen, "HOST:PORT", "address to serve on", .given = &o.listen_given},
    {"loops", FLAG_INT, &o.loops, "N", "event loops", .min = 1, .max = 64},
    {"no-sync", FLAG_BOOL, &o.no_sync, NULL, "do not wait for the disk"},
    {0}};
static const struct flag_set set = {"tool", "[flags]", "Does a thing.", table};

static enum flags_result parse(int argc, const char **argv, int *rest, struct error *err)
{
    o = (struct options){.listen = "default:1", .loops = 2};
    return flags_parse(&set, argc, (char **)argv, rest, err);
}

static void accepts(void **state)
{
    const struct {
        int argc;
        const char *argv[6];
        struct options want;
    } rows[] = {
        {1, {"tool"}, {"default:1", 2, false, false}},
        {3, {"tool", "--listen", "a:1"}, {"a:1", 2, false, true}},
        {2, {"tool", "--listen=a:1"}, {"a:1", 2, false, true}},
        {2, {"tool", "--listen="}, {"", 2, false, true}},
        {3, {"tool", "--listen", "--loops"}, {"--loops", 2, false, true}},
        {4, {"tool", "--loops", "64", "--no-sync"}, {"default:1", 64, true, false}},
        {2, {"tool", "--no-sync=true"}, {"default:1", 2, true, false}},
        {3, {"tool", "--no-sync", "--no-sync=false"}, {"default:1", 2, false, false}},
        {3, {"tool", "--loops=3", "--loops=4"}, {"default:1", 4, false, false}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_error struct error err = ERROR_INIT;
        assert_int_equal(parse(rows[i].argc, (const char **)rows[i].argv, NULL, &err), FLAGS_OK);
        assert_string_equal(o.listen, rows[i].want.listen);
        assert_int_equal(o.loops, rows[i].want.loops);
        assert_int_equal(o.no_sync, rows[i].want.no_sync);
        assert_int_equal(o.listen_given, rows[i].want.listen_given);
    }
}

static void refuses(void **state)
{
    const struct {
        int argc;
        const char *argv[4];
        const char *want;
    } rows[] = {
        {2, {"tool", "--lisen=x"}, "unknown flag --lisen, did you mean --listen?"},
        {2, {"tool", "--quite-other"}, "unknown flag --quite-other, see `tool --help`"},
        {2, {"tool", "-x"}, "unknown flag -x, see `tool --help`"},
        {2, {"tool", "--loops"}, "--loops needs a value (N)"},
        {3, {"tool", "--loops", "many"}, "--loops is a whole number, not \"many\""},
        {2, {"tool", "--loops=3x"}, "--loops is a whole number, not \"3x\""},
        {2, {"tool", "--loops="}, "--loops is a whole number, not \"\""},
        {2, {"tool", "--loops=65"}, "--loops is a number from 1 to 64, not 65"},
        {2,
         {"tool", "--loops=99999999999999999999"},
         "--loops is a whole number, not \"99999999999999999999\""},
        {2, {"tool", "--no-sync=maybe"}, "--no-sync is true or false, not \"maybe\""},
        {2, {"tool", "extra"}, "unexpected argument \"extra\", see `tool --help`"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_error struct error err = ERROR_INIT;
        assert_int_equal(parse(rows[i].argc, (const char **)rows[i].argv, NULL, &err), FLAGS_ERROR);
        assert_string_equal(err.message, rows[i].want);
    }
}

static char said[64];

static bool say(const struct flag *f, const char *text, struct error *err)
{
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s=%s;", f->name, text);
    return strcmp(text, "bad") != 0 || error_set(err, REASON_BAD_REQUEST, "--%s cannot be bad", f->name);
}

static void flags_with_a_function_of_their_own(void **state)
{
    const struct flag own[] = {{"v", FLAG_STRING, NULL, "N", "how much to say", .set = say},
                               {"switch", FLAG_BOOL, NULL, NULL, "a switch", .set = say},
                               {0}};
    const struct flag_set tool = {"tool", "[flags]", "Does a thing.", own};
    const struct {
        int argc;
        const char *argv[6];
        const char *want, *error;
    } rows[] = {
        {5, {"tool", "-v", "2", "--v=3", "-v=4"}, "v=2;v=3;v=4;", NULL},
        {3, {"tool", "--switch", "--switch=false"}, "switch=true;switch=false;", NULL},
        {2, {"tool", "-v=bad"}, "v=bad;", "--v cannot be bad"},
        {2, {"tool", "-vv"}, "", "unknown flag -vv, see `tool --help`"},
        {2, {"tool", "-switch"}, "", "unknown flag -switch, see `tool --help`"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_error struct error err = ERROR_INIT;
        said[0] = '\0';
        enum flags_result got = flags_parse(&tool, rows[i].argc, (char **)rows[i].argv, NULL, &err);
        assert_int_equal(got, rows[i].error ? FLAGS_ERROR : FLAGS_OK);
        assert_string_equal(said, rows[i].want);
        if (rows[i].error)
            assert_string_equal(err.message, rows[i].error);
    }
}

static void rest_of_the_arguments(void **state)
{
    cleanup_error struct error err = ERROR_INIT;
    int rest = 0;
    const char *with_word[] = {"tool", "--loops=3", "status", "--loops"};
    assert_int_equal(parse(4, with_word, &rest, &err), FLAGS_OK);
    assert_int_equal(rest, 2);
    const char *dashes[] = {"tool", "--", "--loops"};
    assert_int_equal(parse(3, dashes, &rest, &err), FLAGS_OK);
    assert_int_equal(rest, 2);
    const char *none[] = {"tool"};
    assert_int_equal(parse(1, none, &rest, &err), FLAGS_OK);
    assert_int_equal(rest, 1);
}

static void help_shows_every_flag_and_default(void **state)
{
    o = (struct options){.listen = "default:1", .loops = 2};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    flags_print_help(&set, out);
    fclose(out);
    assert_string_equal(text, "Does a thing.\n\nUsage:\n  tool [flags]\n\nFlags:\n"
                              "  --listen HOST:PORT  address to serve on (default default:1)\n"
                              "  --loops N           event loops (default 2)\n"
                              "  --no-sync           do not wait for the disk\n"
                              "  --help              show this text\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(flags_with_a_function_of_their_own),
        cmocka_unit_test(rest_of_the_arguments),
        cmocka_unit_test(help_shows_every_flag_and_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
