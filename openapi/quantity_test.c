#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/quantity.h"

static const char form[] =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
static const char suffix[] = "unable to parse quantity's suffix";

static void texts_become_canonical(void **state)
{
    static const struct {
        const char *text, *want, *fault;
    } rows[] = {
        {"1", "1", NULL},
        {"0", "0", NULL},
        {"00", "0", NULL},
        {"+5", "+5", NULL},
        {"-1", "-1", NULL},
        {"1000m", "1", NULL},
        {"1500m", "1500m", NULL},
        {"0.5", "500m", NULL},
        {"1.5Gi", "1536Mi", NULL},
        {"1024Ki", "1Mi", NULL},
        {"1025Ki", "1025Ki", NULL},
        {"0.1Ki", "102400m", NULL},
        {"1e3", "1e3", NULL},
        {"1E3", "1E3", NULL},
        {"12e-3", "12e-3", NULL},
        {"1000", "1k", NULL},
        {"1000k", "1M", NULL},
        {"9999999999Ei", "9223372036854775807", NULL},
        {"0.0000000001", "1n", NULL},
        {"1.0000000001", "1000000001n", NULL},
        {"2.5e6", "2500e3", NULL},
        {"1e-100", "1e-9", NULL},
        {".", "0", NULL},
        {"Ki", "0", NULL},
        {"-", "0", NULL},
        {"abc", NULL, form},
        {"1.2.3", NULL, form},
        {"1KB", NULL, form},
        {"1000E", "1", NULL},
        {"0.5Mi", "512Ki", NULL},
        {"1023", "1023", NULL},
        {"-1.5Ki", "-1536", NULL},
        {"10240Ki", "10Mi", NULL},
        {"3000", "3k", NULL},
        {"0.1n", "1n", NULL},
        {"e5", "0", NULL},
        {"1Ki5", NULL, suffix},
        {"9223372036854775807", "9223372036854775807", NULL},
        {"8Ei", "9223372036854775807", NULL},
        {"-9Ei", "-9223372036854775807", NULL},
        {"0.3Ki", "307200m", NULL},
        {"62.5Ki", "64000", NULL}, /* and the next reader makes 64k of that */
        {"64000", "64k", NULL},
        {"-31.25Ki", "-32000", NULL},
        {"-32000", "-32k", NULL},
        {"-0", "0", NULL},
        {"+500m", "+500m", NULL},
        {"1e+3", "1e+3", NULL},
        {"1e-", NULL, suffix},
        {"1mm", NULL, suffix},
        {"12345678901234567n", "12345678901234567n", NULL},
        {"1234567890123456789n", "1234567890123456789n", NULL},
        {"000001000", "1k", NULL},
        {"1.10", "1100m", NULL},
        {"1.100k", "1.100k", NULL},
        {"", NULL, form},
        {" 1", NULL, form},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct slice got;
        const char *fault = NULL;
        bool ok = quantity_canonical(arena, slice_str(rows[i].text), &got, &fault);
        if (ok != !rows[i].fault)
            print_error("%s: %s\n", rows[i].text, fault);
        assert_int_equal(ok, !rows[i].fault);
        if (ok)
            assert_string_equal(arena_strdup(arena, got), rows[i].want);
        else
            assert_string_equal(fault, rows[i].fault);
    }
}

static void amounts_add_and_compare(void **state)
{
    static const struct {
        const char *a, *b;
        int cmp;
        const char *sum, *difference;
    } rows[] = {
        {"1", "1", 0, "2", "0"},
        {"1", "1000m", 0, "2", "0"},
        {"1", "999m", 1, "1999m", "1m"},
        {"1Gi", "1G", 1, "2073741824", "73741824"},
        {"1Gi", "1Mi", 1, "1025Mi", "1023Mi"},
        {"0", "1Ki", -1, "1Ki", "-1Ki"},
        {"0", "5e3", -1, "5e3", "-5e3"},
        {"1500m", "500m", 1, "2", "1"},
        {"-1", "1", -1, "0", "-2"},
        {"-5", "-4999m", -1, "-9999m", "-1m"},
        {"1e3", "1k", 0, "2e3", "0"},
        {"9223372036854775807", "1", 1, "9223372036854775808", "9223372036854775806"},
        {"1n", "1E", -1, "1000000000000000000000000001n", "-999999999999999999999999999n"},
        {"100Mi", "0.5Ki", 1, "104858112", "104857088"},
        {"3", "5", -1, "8", "-2"},
        {"1Ki", "1024", 0, "2Ki", "0"},
        {"12e6", "1Mi", 1, "13048576", "10951424"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        char text[QUANTITY_TEXT];
        struct quantity a = quantity_of(slice_str(rows[i].a)), b = quantity_of(slice_str(rows[i].b)), c = a;
        assert_int_equal(quantity_cmp(&a, &b), rows[i].cmp);
        assert_int_equal(quantity_cmp(&b, &a), -rows[i].cmp);
        quantity_add(&c, &b);
        assert_string_equal(arena_strdup(arena, quantity_print(&c, text)), rows[i].sum);
        c = a;
        quantity_sub(&c, &b);
        assert_string_equal(arena_strdup(arena, quantity_print(&c, text)), rows[i].difference);
    }
}

static void amounts_become_integers(void **state)
{
    static const struct {
        const char *text;
        int64_t whole, milli;
        bool exact;
        int sign;
    } rows[] = {
        {"0", 0, 0, true, 0},
        {"1500m", 2, 1500, false, 1},
        {"-1500m", -2, -1500, false, -1},
        {"1n", 1, 1, false, 1},
        {"1Gi", 1073741824, 1073741824000, true, 1},
        {"1e3", 1000, 1000000, true, 1},
        {"8Ei", INT64_MAX, INT64_MAX, true, 1},
        {"100E", INT64_MAX, INT64_MAX, false, 1},
        {"-100E", INT64_MIN, INT64_MIN, false, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct quantity q = quantity_of(slice_str(rows[i].text));
        int64_t n = 0;
        assert_int_equal(quantity_int(&q), rows[i].whole);
        assert_int_equal(quantity_scaled(&q, -3), rows[i].milli);
        assert_int_equal(quantity_as_int(&q, &n), rows[i].exact);
        if (rows[i].exact)
            assert_int_equal(n, rows[i].whole);
        assert_int_equal(quantity_sign(&q), rows[i].sign);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_canonical),
        cmocka_unit_test(amounts_add_and_compare),
        cmocka_unit_test(amounts_become_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
