#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "storage/header.h"

static void what_is_put_is_found(void **state)
{
    static char long_key[317], long_value[63];
    memset(long_key, 'z', sizeof long_key);
    memset(long_value, 'v', sizeof long_value);
    const struct slice fields[] = {SLICE("node-1"), SLICE(""), SLICE("Running")};
    const struct header_label labels[] = {{SLICE("app"), SLICE("web")},
                                          {SLICE("tier"), SLICE("")},
                                          {{long_key, sizeof long_key}, {long_value, sizeof long_value}}};
    const struct header header = {.flags = HEADER_DELETING,
                                  .body = 300,
                                  .fields = fields,
                                  .field_count = 3,
                                  .labels = labels,
                                  .label_count = 3};
    cleanup_buf struct buf out = BUF_INIT(10000);
    struct slice value;
    header_put(&out, &header);
    struct slice bytes = buf_slice(&out);
    assert_int_equal(header_flags(bytes), HEADER_DELETING);
    assert_int_equal(header_body(bytes), 300);
    assert_true(slice_is(header_field(bytes, 0), "node-1"));
    assert_true(slice_is(header_field(bytes, 1), ""));
    assert_true(slice_is(header_field(bytes, 2), "Running"));
    assert_true(slice_is(header_field(bytes, 3), ""));
    for (size_t i = 0; i < 3; i++) {
        assert_true(header_label(bytes, labels[i].key, &value));
        assert_true(slice_eq(value, labels[i].value));
    }
    static const char *const absent[] = {"", "aaa", "apple", "b", "zzz"};
    for (size_t i = 0; i < 5; i++)
        assert_false(header_label(bytes, slice_str(absent[i]), &value));
    for (size_t len = 0; len < bytes.len; len++) { /* cut anywhere: less is found, nothing else happens */
        struct slice cut = slice_make(bytes.ptr, len);
        assert_true(header_field(cut, 2).len == 0 || slice_is(header_field(cut, 2), "Running"));
        assert_false(header_label(cut, labels[2].key, &value));
    }
}

static void an_empty_header_reads_as_nothing(void **state)
{
    struct slice value;
    const struct slice cases[] = {SLICE(""), SLICE("\x02\x01\x01\x01\x00\x00\x00"), {NULL, 0}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(header_flags(cases[i]), 0);
        assert_int_equal(header_body(cases[i]), 0);
        assert_int_equal(header_field(cases[i], 0).len, 0);
        assert_false(header_label(cases[i], SLICE("app"), &value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found),
        cmocka_unit_test(an_empty_header_reads_as_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
