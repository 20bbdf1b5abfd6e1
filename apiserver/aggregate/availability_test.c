#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "apiserver/aggregate/internal.h"
#include "openapi/decode.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/discovery_v1.h"

static struct value decode(struct arena *arena, const struct schema_type *type, const char *text)
{
    struct value v;
    cleanup_error struct error err = ERROR_INIT;
    if (!decode_json(arena, type, slice_str(text), &v, NULL, &err))
        fail_msg("%s: %s", text, err.message);
    return v;
}

static void judges(void **state)
{
    static const char service[] = "{\"spec\":{\"type\":\"ClusterIP\",\"ipFamilies\":[\"IPv4\"],\"ports\":[{"
                                  "\"port\":80},{\"name\":\"https\",\"port\":443}]}}";
    static const struct {
        const char *service, *slices[3];
        const char *reason, *message_or_places;
    } rows[] = {
        {NULL, {0}, "ServiceNotFound", "service/api in \"ns\" is not present"},
        {"{\"spec\":{\"ports\":[{\"port\":80}]}}",
         {0},
         "ServicePortError",
         "service/api in \"ns\" is not listening on port 443"},
        {service, {0}, "EndpointsNotFound", "cannot find endpointslices for service/api in \"ns\""},
        {service,
         {"{\"addressType\":\"IPv4\"}"},
         "MissingEndpoints",
         "endpointslices for service/api in \"ns\" have no addresses with port name \"https\""},
        {service,
         {"{\"ports\":[{\"name\":\"http\",\"port\":8080}],\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]}]}"},
         "MissingEndpoints",
         "endpointslices for service/api in \"ns\" have no addresses with port name \"https\""},
        {service,
         {"{\"ports\":[{\"name\":\"https\",\"port\":8443}],\"endpoints\":[{\"addresses\":[\"10.0.0.1\"],"
          "\"conditions\":{\"ready\":false}}]}"},
         "MissingEndpoints",
         "endpointslices for service/api in \"ns\" have no addresses with port name \"https\""},
        {service,
         {"{\"addressType\":\"IPv6\",\"ports\":[{\"name\":\"https\",\"port\":8443}],\"endpoints\":[{"
          "\"addresses\":[\"fd00::1\"]}]}",
          "{\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"x\",\"port\":1},{\"name\":\"https\",\"port\":"
          "8443}],"
          "\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]},{\"addresses\":[\"10.0.0.2\"],\"conditions\":{"
          "\"ready\":true}},"
          "{\"addresses\":[\"10.0.0.3\"],\"conditions\":{\"ready\":false}}]}"},
         NULL,
         "10.0.0.1:8443 10.0.0.2:8443 "},
        {service,
         {"{\"addressType\":\"IPv6\",\"ports\":[{\"name\":\"https\",\"port\":8443}],\"endpoints\":[{"
          "\"addresses\":[\"fd00::1\"]}]}"},
         NULL,
         "[fd00::1]:8443 "},
        {"{\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"api.example.org\"}}",
         {0},
         NULL,
         "api.example.org:443 "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value object, slices[3];
        struct availability_question q = {
            .namespace = SLICE("ns"), .name = SLICE("api"), .port = 443, .slices = slices};
        struct availability_verdict got;
        if (rows[i].service) {
            object = decode(arena, &core_v1_Service, rows[i].service);
            q.service = &object;
        }
        for (; q.slice_count < 3 && rows[i].slices[q.slice_count]; q.slice_count++)
            slices[q.slice_count] = decode(arena, &discovery_v1_EndpointSlice, rows[i].slices[q.slice_count]);
        availability_judge(arena, &q, &got);
        if (rows[i].reason) {
            assert_non_null(got.reason);
            assert_string_equal(got.reason, rows[i].reason);
            assert_string_equal(got.message, rows[i].message_or_places);
            continue;
        }
        assert_null(got.reason);
        const char *places = "";
        for (size_t j = 0; j < got.place_count; j++)
            places = arena_printf(arena, "%s%s ", places, got.places[j]);
        assert_string_equal(places, rows[i].message_or_places);
    }
}

static void what_a_server_says_of_itself(void **state)
{
    static const struct {
        const char *document, *want;
    } rows[] = {
        {"{\"items\":[{\"metadata\":{\"name\":\"other\"},\"versions\":[{\"version\":\"v1\"}]},"
         "{\"metadata\":{\"name\":\"g\"},\"versions\":[{\"version\":\"v2\"},{\"version\":\"v1\","
         "\"resources\":[1],\"freshness\":\"Stale\"}]}]}",
         "{\"version\":\"v1\",\"resources\":[1]}"},
        {"{\"items\":[{\"metadata\":{\"name\":\"other\"},\"versions\":[{\"version\":\"v1\"}]}]}", NULL},
        {"{\"items\":{\"metadata\":\"g\"}}", NULL},
        {"{\"items\":[{\"metadata\":[],\"versions\":{}},1,null,{\"metadata\":{\"name\":\"g\"},\"versions\":["
         "1,{\"version\":1}]}]}",
         NULL},
        {"{\"items\":[{\"metadata\":{\"name\":\"g\"},\"versions\":[{\"version\":\"v1\"", NULL},
        {"", NULL},
        {"[]", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *got = probe_find_discovery(slice_str(rows[i].document), "g", "v1");
        assert_int_equal(got != NULL, rows[i].want != NULL);
        if (got)
            assert_string_equal(got, rows[i].want);
        free(got);
    }
}

static void the_hash_of_its_document(void **state)
{
    static const struct {
        const char *index, *want;
    } rows[] = {
        {"{\"paths\":{\"apis/g/v1\":{\"serverRelativeURL\":\"/openapi/v3/apis/g/v1?hash=AB12\"}}}", "AB12"},
        {"{\"paths\":{\"apis/g/v1\":{\"serverRelativeURL\":\"/openapi/v3/apis/g/v1?hash=AB\\\"},\"}}}", "AB"},
        {"{\"paths\":{\"apis/g/v1\":{\"serverRelativeURL\":\"/openapi/v3/apis/g/v1?hash=\"}}}", NULL},
        {"{\"paths\":{\"apis/g/v1\":{\"serverRelativeURL\":7}}}", NULL},
        {"{\"paths\":{\"apis/g/v2\":{\"serverRelativeURL\":\"?hash=1\"}}}", NULL},
        {"{\"paths\":[]}", NULL},
        {"half", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *got = probe_find_openapi(slice_str(rows[i].index), "g", "v1");
        assert_int_equal(got != NULL, rows[i].want != NULL);
        if (got)
            assert_string_equal(got, rows[i].want);
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(what_a_server_says_of_itself),
        cmocka_unit_test(the_hash_of_its_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
