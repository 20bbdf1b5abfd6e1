/* JSONPath as printer columns use it. */
#include "openapi/jsonpath.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/decode.h"

static const char document[] = "{\"spec\":{\"a.b\":\"dotted\",\"n\":3,\"list\":[{\"t\":\"x\",\"v\":1},{\"t\":"
                               "\"y\",\"v\":2},{\"t\":\"z\",\"v\":3}],"
                               "\"map\":{\"p\":true,\"q\":null}}}";

static void test_paths(void **state)
{
    static const struct {
        const char *path, *wanted; /* wanted NULL: an error */
    } cases[] = {
        {".spec.n", "3"},
        {"$.spec.n", "3"},
        {".spec.nothing.here", ""},
        {".spec['a.b']", ""}, /* the dot still parts, as in client-go */
        {".spec['n']", "3"},
        {".spec.a\\.b", "dotted"},
        {".spec.list[0].t", "x"},
        {".spec.list[-1].t", "z"},
        {".spec.list[*].v", "1 2 3"},
        {".spec.list[0:2].v", "1 2"},
        {".spec.list[::2].v", "1 3"},
        {".spec.list[0,2].t", "x z"},
        {".spec.list[?(@.t==\"y\")].v", "2"},
        {".spec.list[?(@.v>=2)].t", "y z"},
        {".spec.list[?(@.none)].t", ""},
        {"..t", "x y z"},
        {".spec.map.*", "true null"},
        {".spec.map", "{\"p\":true,\"q\":null}"},
        {".spec.list[3].t", NULL},
        {".spec.n[0]", NULL},
        {".spec.list[?(@.t==1)].v", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const struct schema any = {.kind = SCHEMA_ANY};
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
        struct value root;
        struct jsonpath_results found = {0};
        assert_true(decode_json_node(arena, &any, slice_str(document), &root, NULL, NULL));
        const struct jsonpath *path = jsonpath_parse(arena, slice_str(cases[i].path), NULL);
        if (!path)
            fail_msg("%s does not parse", cases[i].path);
        bool good = jsonpath_find(arena, path, &root, &found);
        if (good != (cases[i].wanted != NULL))
            fail_msg("%s: found is %d", cases[i].path, good);
        for (size_t k = 0; k < found.count; k++) {
            if (k)
                buf_putc(&out, ' ');
            jsonpath_print(&out, &found.items[k]);
        }
        if (good && strcmp(buf_cstr(&out), cases[i].wanted) != 0)
            fail_msg("%s: \"%s\", wanted \"%s\"", cases[i].path, buf_cstr(&out), cases[i].wanted);
    }
}

static void test_faults(void **state)
{
    static const char *const bad[] = {".a[", ".a[x]",       ".a[?(@.b==1]", ".a['x",
                                      "#",   ".a[1:2:3:4]", "....a",        "\"open"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cleanup_arena struct arena *arena = arena_new();
        if (jsonpath_parse(arena, slice_str(bad[i]), NULL))
            fail_msg("%s parses", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths), cmocka_unit_test(test_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
