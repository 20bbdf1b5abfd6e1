/* What a pod asks for in all: sums, init containers, sidecars, pod level, overhead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/decode.h"
#include "openapi/gen/core_v1.h"
#include "openapi/pod_resources.h"

static const struct {
    const char *claim, *spec, *requests, *limits; /* as "name=amount ..." of those that count */
} cases[] = {
    {"containers add up",
     "{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"100m\",\"memory\":\"1Gi\"}}},"
     "{\"name\":\"b\",\"resources\":{\"requests\":{\"cpu\":\"1\"},\"limits\":{\"cpu\":\"2\"}}}]}",
     "cpu=1100m memory=1Gi", "cpu=2"},
    {"the largest init container counts where it is more",
     "{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"100m\",\"memory\":\"1Gi\"}}}],"
     "\"initContainers\":[{\"name\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"2\"}}},"
     "{\"name\":\"j\",\"resources\":{\"requests\":{\"cpu\":\"1\",\"memory\":\"1Mi\"}}}]}",
     "cpu=2 memory=1Gi", ""},
    {"a sidecar runs beside later init containers and the rest",
     "{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"1\"}}}],"
     "\"initContainers\":[{\"name\":\"s\",\"restartPolicy\":\"Always\",\"resources\":{\"requests\":{\"cpu\":"
     "\"300m\"}}},"
     "{\"name\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"900m\"}}}]}",
     "cpu=1300m", ""},
    {"an init container with the sidecars before it may be the most",
     "{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"1\"}}}],"
     "\"initContainers\":[{\"name\":\"s\",\"restartPolicy\":\"Always\",\"resources\":{\"requests\":{\"cpu\":"
     "\"300m\"}}},"
     "{\"name\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"2\"}}}]}",
     "cpu=2300m", ""},
    {"amounts of the pod stand for those of its containers",
     "{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"1\",\"example.com/"
     "x\":\"2\"}}}],"
     "\"resources\":{\"requests\":{\"cpu\":\"5\"},\"limits\":{\"cpu\":\"6\"}}}",
     "cpu=5 example.com/x=2", "cpu=6"},
    {"overhead comes on top, of limits only where there is one",
     "{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"1\"},\"limits\":{\"memory\":"
     "\"1Gi\"}}}],"
     "\"overhead\":{\"cpu\":\"250m\",\"memory\":\"1Gi\"}}",
     "cpu=1250m memory=1Gi", "memory=2Gi"},
};

static struct slice print(struct arena *arena, const struct resource_list *list)
{
    struct slice out = SLICE("");
    for (size_t i = 0; i < list->count; i++) {
        char text[QUANTITY_TEXT];
        struct slice amount = quantity_print(&list->items[i].amount, text);
        out = arena_slicef(arena, "%.*s%s%.*s=%.*s", SLICE_ARG(out), i ? " " : "",
                           SLICE_ARG(list->items[i].name), SLICE_ARG(amount));
    }
    return arena_slicef(arena, "%.*s", SLICE_ARG(out));
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct error err = ERROR_INIT;
        struct value spec;
        struct resource_list requests = {.arena = arena}, limits = {.arena = arena};
        assert_true(decode_json(arena, &core_v1_PodSpec, slice_str(cases[i].spec), &spec, NULL, &err));
        pod_resources(&requests, &spec, POD_REQUESTS, true);
        pod_resources(&limits, &spec, POD_LIMITS, true);
        print_message("%s\n", cases[i].claim);
        assert_string_equal(print(arena, &requests).ptr, cases[i].requests);
        assert_string_equal(print(arena, &limits).ptr, cases[i].limits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
