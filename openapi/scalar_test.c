#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/scalar.h"

struct row {
    const char *text, *want, *fault;
};

typedef bool reader(struct arena *arena, struct slice text, struct slice *ret_canonical,
                    const char **ret_fault);

static void check(reader *read, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct slice got;
        const char *fault = NULL;
        bool ok = read(arena, slice_str(rows[i].text), &got, &fault);
        if (ok != !rows[i].fault)
            print_error("%s: %s\n", rows[i].text, fault);
        assert_int_equal(ok, !rows[i].fault);
        if (ok)
            assert_string_equal(arena_strdup(arena, got), rows[i].want);
        else
            assert_string_equal(fault, rows[i].fault);
    }
}
#define CHECK(read, rows) check(read, rows, sizeof rows / sizeof *rows)

static void times_are_utc_seconds(void **state)
{
    static const struct row rows[] = {
        {"2020-01-01T02:00:00Z", "2020-01-01T02:00:00Z", NULL},
        {"2020-01-01T02:00:00+02:00", "2020-01-01T00:00:00Z", NULL},
        {"2020-01-01T02:00:00.5Z", "2020-01-01T02:00:00Z", NULL},
        {"2020-01-01T02:00:00,5Z", "2020-01-01T02:00:00Z", NULL},
        {"yesterday", NULL,
         "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as "
         "\"2006\""},
        {"2020", NULL, "parsing time \"2020\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"-\""},
        {"2020-13-01T00:00:00Z", NULL, "parsing time \"2020-13-01T00:00:00Z\": month out of range"},
        {"2020-02-30T00:00:00Z", NULL, "parsing time \"2020-02-30T00:00:00Z\": day out of range"},
        {"2020-02-29T00:00:00Z", "2020-02-29T00:00:00Z", NULL},
        {"2019-02-29T00:00:00Z", NULL, "parsing time \"2019-02-29T00:00:00Z\": day out of range"},
        {"2020-01-01T2:00:00Z", "2020-01-01T02:00:00Z", NULL},
        {"2020-01-01T25:00:00Z", NULL, "parsing time \"2020-01-01T25:00:00Z\": hour out of range"},
        {"2020-01-01T02:60:00Z", NULL, "parsing time \"2020-01-01T02:60:00Z\": minute out of range"},
        {"2020-01-01T02:00:60Z", NULL, "parsing time \"2020-01-01T02:00:60Z\": second out of range"},
        {"2020-01-01T02:00:00", NULL,
         "parsing time \"2020-01-01T02:00:00\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as "
         "\"Z07:00\""},
        {"2020-01-01 02:00:00Z", NULL,
         "parsing time \"2020-01-01 02:00:00Z\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \" "
         "02:00:00Z\" as \"T\""},
        {"2020-01-01T02:00:00+25:00", NULL,
         "parsing time \"2020-01-01T02:00:00+25:00\": time zone offset hour out of range"},
        {"2020-01-01T02:00:00+02:61", NULL,
         "parsing time \"2020-01-01T02:00:00+02:61\": time zone offset minute out of range"},
        {"2020-01-01T02:00:00+0200", NULL,
         "parsing time \"2020-01-01T02:00:00+0200\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"+0200\" "
         "as \"Z07:00\""},
        {"2020-01-01T02:00:00Zx", NULL, "parsing time \"2020-01-01T02:00:00Zx\": extra text: \"x\""},
        {"0001-01-01T00:00:00Z", "", NULL},
        {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z", NULL},
        {"1600-02-29T12:00:00-08:00", "1600-02-29T20:00:00Z", NULL},
        {"20a0-01-01T00:00:00Z", NULL,
         "parsing time \"20a0-01-01T00:00:00Z\" as \"2006-01-02T15:04:05Z07:00\": cannot parse "
         "\"20a0-01-01T00:00:00Z\" as \"2006\""},
        {"a\"b", NULL,
         "parsing time \"a\\\"b\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"a\\\"b\" as \"2006\""},
        {"2020-01-01T02:00:00*02:00", NULL,
         "parsing time \"2020-01-01T02:00:00*02:00\" as \"2006-01-02T15:04:05Z07:00\": cannot parse "
         "\"*02:00\" as \"Z07:00\""},
    };
    CHECK(scalar_time, rows);
}

static void micro_times_have_six_digits(void **state)
{
    static const struct row rows[] = {
        {"2020-01-01T02:00:00Z", NULL,
         "parsing time \"2020-01-01T02:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" "
         "as \".000000\""},
        {"2020-01-01T02:00:00+02:00", NULL,
         "parsing time \"2020-01-01T02:00:00+02:00\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse "
         "\"+02:00\" as \".000000\""},
        {"yesterday", NULL,
         "parsing time \"yesterday\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"yesterday\" as "
         "\"2006\""},
        {"2020-01-01T02:00:00.123456Z", "2020-01-01T02:00:00.123456Z", NULL},
        {"2020-01-01T02:00:00.123456789Z", NULL,
         "parsing time \"2020-01-01T02:00:00.123456789Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot "
         "parse \"789Z\" as \"Z07:00\""},
        {"2020-01-01T02:00:00.000000+02:00", "2020-01-01T00:00:00.000000Z", NULL},
        {"2020-01-01T02:00:00,000000Z", "2020-01-01T02:00:00.000000Z", NULL},
        {"2020-01-01T02:00:00.12345Z", NULL,
         "parsing time \"2020-01-01T02:00:00.12345Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse "
         "\".12345Z\" as \".000000\""},
        {"2020-01-01T02:00:00.000000", NULL,
         "parsing time \"2020-01-01T02:00:00.000000\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse "
         "\"\" as \"Z07:00\""},
    };
    CHECK(scalar_micro_time, rows);
}

static bool duration(struct arena *arena, struct slice text, struct slice *ret_canonical,
                     const char **ret_fault)
{
    int64_t nanos;
    if (!scalar_parse_duration(arena, text, &nanos, ret_fault))
        return false;
    *ret_canonical = scalar_format_duration(arena, nanos);
    return true;
}

static void durations_as_go_writes_them(void **state)
{
    static const struct row rows[] = {
        {"0", "0s", NULL},
        {"1s", "1s", NULL},
        {"1h30m", "1h30m0s", NULL},
        {"300ms", "300ms", NULL},
        {"-1.5h", "-1h30m0s", NULL},
        {"+5s", "5s", NULL},
        {"1.5", NULL, "time: missing unit in duration \"1.5\""},
        {"s", NULL, "time: invalid duration \"s\""},
        {"1x", NULL, "time: unknown unit \"x\" in duration \"1x\""},
        {"1.s", "1s", NULL},
        {".5s", "500ms", NULL},
        {".", NULL, "time: invalid duration \".\""},
        {"1h1h", "2h0m0s", NULL},
        {"9223372036854775807ns", "2562047h47m16.854775807s", NULL},
        {"9223372036854775808ns", NULL, "time: invalid duration \"9223372036854775808ns\""},
        {"-9223372036854775808ns", "-2562047h47m16.854775808s", NULL},
        {"3000000h", NULL, "time: invalid duration \"3000000h\""},
        {"100us", "100µs", NULL},
        {"1e3s", NULL, "time: unknown unit \"e\" in duration \"1e3s\""},
        {"1m-5s", NULL, "time: unknown unit \"m-\" in duration \"1m-5s\""},
        {"90m", "1h30m0s", NULL},
        {"1.000000001s", "1.000000001s", NULL},
        {"-", NULL, "time: invalid duration \"-\""},
    };
    CHECK(duration, rows);
}

static void base64_is_canonical(void **state)
{
    static const struct row rows[] = {
        {"a", NULL, "illegal base64 data at input byte 0"},
        {"aaaa", "aaaa", NULL},
        {"aa==", "aQ==", NULL},
        {"aaa=", "aaY=", NULL},
        {"ab==", "aQ==", NULL},
        {"aa=", NULL, "illegal base64 data at input byte 3"},
        {"=", NULL, "illegal base64 data at input byte 0"},
        {"a===", NULL, "illegal base64 data at input byte 1"},
        {"aaaa=", NULL, "illegal base64 data at input byte 4"},
        {"aa=a", NULL, "illegal base64 data at input byte 2"},
        {"aa==a", NULL, "illegal base64 data at input byte 4"},
        {"not base64!", NULL, "illegal base64 data at input byte 3"},
        {"aGk=", "aGk=", NULL},
        {"aGl=", "aGk=", NULL},
    };
    CHECK(scalar_base64, rows);
}

static bool float_text(struct arena *arena, struct slice text, struct slice *ret_canonical,
                       const char **ret_fault)
{
    double f;
    char formatted[SCALAR_FLOAT_TEXT];
    *ret_fault = "out of range";
    if (!scalar_parse_float(text, &f))
        return false;
    *ret_canonical = arena_dup(arena, scalar_format_float(f, formatted));
    return true;
}

static void floats_as_go_writes_them(void **state)
{
    static const struct row rows[] = {
        {"1", "1", NULL},
        {"1.0", "1", NULL},
        {"0.1", "0.1", NULL},
        {"1e21", "1e+21", NULL},
        {"1e20", "100000000000000000000", NULL},
        {"123456789.125", "123456789.125", NULL},
        {"1e-6", "0.000001", NULL},
        {"1e-7", "1e-7", NULL},
        {"1.5e-9", "1.5e-9", NULL},
        {"3.14159", "3.14159", NULL},
        {"1e100", "1e+100", NULL},
        {"5e-324", "5e-324", NULL},
        {"1.7976931348623157e308", "1.7976931348623157e+308", NULL},
        {"100", "100", NULL},
        {"-0", "-0", NULL},
        {"2.5", "2.5", NULL},
        {"0.000001234", "0.000001234", NULL},
        {"12345678901234567890", "12345678901234567000", NULL},
        {"0.30000000000000004", "0.30000000000000004", NULL},
        {"9007199254740993", "9007199254740992", NULL},
        {"1e400", NULL, "out of range"},
    };
    CHECK(float_text, rows);
}

static void integers_stop_at_64_bits(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t want;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1a", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t n = 0;
        assert_int_equal(scalar_parse_int(slice_str(rows[i].text), &n), rows[i].ok);
        assert_int_equal(n, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_utc_seconds),       cmocka_unit_test(micro_times_have_six_digits),
        cmocka_unit_test(durations_as_go_writes_them), cmocka_unit_test(base64_is_canonical),
        cmocka_unit_test(floats_as_go_writes_them),    cmocka_unit_test(integers_stop_at_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
