/* Rows and columns of tables, ages, bare metadata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "openapi/decode.h"
#include "openapi/table.h"

#define NOW 1700000000 /* 2023-11-14T22:13:20Z */

static void ages_are_kubectls(void **state)
{
    enum { M = 60, H = 3600, D = 86400, Y = 365 * 86400 };
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {-2, "<invalid>"},
        {-1, "0s"},
        {0, "0s"},
        {1, "1s"},
        {119, "119s"},
        {2 * M, "2m"},
        {2 * M + 1, "2m1s"},
        {9 * M + 59, "9m59s"},
        {10 * M, "10m"},
        {10 * M + 59, "10m"},
        {179 * M, "179m"},
        {3 * H, "3h"},
        {3 * H + M, "3h1m"},
        {7 * H + 59 * M, "7h59m"},
        {8 * H, "8h"},
        {47 * H, "47h"},
        {2 * D, "2d"},
        {2 * D + H, "2d1h"},
        {8 * D - 1, "7d23h"},
        {8 * D, "8d"},
        {2 * Y - 1, "729d"},
        {2 * Y, "2y"},
        {2 * Y + D, "2y1d"},
        {8 * Y - D, "7y364d"},
        {8 * Y, "8y"},
        {8 * Y + 300 * D, "8y"},
    };
    cleanup_arena struct arena *arena = arena_new();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(arena_strdup(arena, table_duration(arena, cases[i].seconds)), cases[i].text);
}

static void columns_and_rows(void **state)
{
    static const char *const docs = "one,two";
    static const struct schema_column columns[] = {
        {.name = "Name", .type = "string", .format = "name", .doc = "The \"name\".", .path = "metadata.name"},
        {.name = "Labels",
         .type = "string",
         .format = "",
         .doc = docs,
         .priority = 1,
         .path = "metadata.labels"},
        {.name = "Finalizers", .type = "string", .format = "", .doc = "", .path = "metadata.finalizers"},
        {.name = "Data", .type = "integer", .format = "", .doc = ""},
        {.name = "Age", .type = "string", .format = "", .doc = "", .path = "metadata.creationTimestamp"},
        {.name = "Created", .type = "date", .format = "", .doc = "", .path = "metadata.creationTimestamp"},
    };
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct schema_resource resource = *schema_find_resource(SLICE(""), SLICE("v1"), SLICE("configmaps"));
    struct table table = {
        .resource = &resource, .meta_version = "v1", .include = TABLE_OBJECT_NONE, .now = NOW};
    struct slice json =
        SLICE("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"c\",\"labels\":{\"a\":"
              "\"1\",\"b\":\"2\"},"
              "\"finalizers\":[\"x/y\",\"x/z\"],\"creationTimestamp\":\"2023-11-14T22:10:00Z\"}}");
    struct value object, bare = value_new_record(arena, resource.type);

    resource.columns = columns;
    resource.column_count = sizeof columns / sizeof *columns;
    assert_true(decode_json(arena, resource.type, json, &object, NULL, NULL));

    table_put_columns(&out, &resource);
    assert_memory_equal(out.data,
                        "[{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\",\"description\":\"The "
                        "\\\"name\\\".\",\"priority\":0},"
                        "{\"name\":\"Labels\",\"type\":\"string\",\"format\":\"\",\"description\":\"one,"
                        "two\",\"priority\":1},",
                        166);
    buf_clear(&out);
    table_put_row(&out, arena, &table, &object, json);
    assert_string_equal(
        buf_cstr(&out),
        "{\"cells\":[\"c\",\"a=1,b=2\",\"x/y,x/z\",0,\"3m20s\",\"2023-11-14T22:10:00Z\"],\"object\":null}");
    buf_clear(&out);
    table_put_row(&out, arena, &table, &bare, json);
    assert_string_equal(buf_cstr(&out),
                        "{\"cells\":[\"\",\"\",\"\",0,\"\\u003cunknown\\u003e\",\"\"],\"object\":null}");
}

static void count_row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = value_of_int((int64_t)value_count(value_path(object, "data")));
}

static void rows_carry_what_was_asked_for(void **state)
{
    static const struct {
        const char *include, *object;
    } cases[] = {
        {"None", "null"},
        {"", "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/"
             "v1\",\"metadata\":{\"name\":\"c\"}}"},
        {"Metadata", "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/"
                     "v1\",\"metadata\":{\"name\":\"c\"}}"},
        {"Object", "{\"metadata\":{\"name\":\"c\"},\"data\":{\"a\":\"1\",\"b\":\"2\"}}"},
    };
    const struct schema_resource *resource =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("configmaps"));
    enum table_object include;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
        struct slice json = SLICE("{\"metadata\":{\"name\":\"c\"},\"data\":{\"a\":\"1\",\"b\":\"2\"}}");
        struct value object;
        assert_true(table_object_parse(slice_str(cases[i].include), &include));
        assert_true(decode_json(arena, resource->type, json, &object, NULL, NULL));
        const struct table table = {
            .resource = resource, .row = count_row, .meta_version = "v1", .include = include, .now = NOW};
        table_put_row(&out, arena, &table, &object, json);
        assert_string_equal(buf_cstr(&out),
                            arena_printf(arena,
                                         "{\"cells\":[\"c\",2,\"\\u003cunknown\\u003e\"],\"object\":%s}",
                                         cases[i].object));
    }
    assert_false(table_object_parse(SLICE("Everything"), &include));
}

static bool has_data(const struct value *object, const char **ret_reason, const char **ret_message)
{
    *ret_reason = "Full";
    *ret_message = "it has data";
    return value_count(value_path(object, "data")) > 0;
}

static void rows_say_what_has_run_its_course(void **state)
{
    static const struct {
        const char *json, *row;
    } cases[] = {
        {"{\"metadata\":{\"name\":\"c\"}}",
         "{\"cells\":[\"c\",0,\"\\u003cunknown\\u003e\"],\"object\":null}"},
        {"{\"metadata\":{\"name\":\"c\"},\"data\":{\"a\":\"1\"}}",
         "{\"cells\":[\"c\",1,\"\\u003cunknown\\u003e\"],\"conditions\":[{\"type\":\"Completed\",\"status\":"
         "\"True\","
         "\"reason\":\"Full\",\"message\":\"it has data\"}],\"object\":null}"},
    };
    const struct schema_resource *resource =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("configmaps"));

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
        const struct table table = {.resource = resource,
                                    .row = count_row,
                                    .completed = has_data,
                                    .meta_version = "v1",
                                    .include = TABLE_OBJECT_NONE,
                                    .now = NOW};
        struct value object;
        assert_true(decode_json(arena, resource->type, slice_str(cases[i].json), &object, NULL, NULL));
        table_put_row(&out, arena, &table, &object, slice_str(cases[i].json));
        assert_string_equal(buf_cstr(&out), cases[i].row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ages_are_kubectls),
        cmocka_unit_test(columns_and_rows),
        cmocka_unit_test(rows_carry_what_was_asked_for),
        cmocka_unit_test(rows_say_what_has_run_its_course),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
