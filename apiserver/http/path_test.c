#include <setjmp.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "apiserver/http/path.h"
#include "base/buf.h"

/* Segments are shown between brackets. */
static void test_paths(void **state)
{
    static const struct {
        struct slice path;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {SLICE("/"), "[]"},
        {SLICE("/a//b/"), "[a][][b][]"},
        {SLICE("/api/v1/namespaces"), "[api][v1][namespaces]"},
        {SLICE("/a%2Fb/c"), "[a/b][c]"},
        {SLICE("/%61%3f%23"), "[a?#]"},
        {SLICE("/..a/b.."), "[..a][b..]"},
        {SLICE("/%c3%a4"), "[\xc3\xa4]"},
        {SLICE(""), NULL},
        {SLICE("a/b"), NULL},
        {SLICE("/a/../b"), NULL},
        {SLICE("/a/."), NULL},
        {SLICE("/a/%2e%2E/b"), NULL},
        {SLICE("/a/.%2e"), NULL},
        {SLICE("/%"), NULL},
        {SLICE("/%4"), NULL},
        {SLICE("/%4g"), NULL},
        {SLICE("/%zz"), NULL},
        {SLICE("/a%00b"), NULL},
        {SLICE("/a\0b"), NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf shown = BUF_INIT(1000);
        const struct slice *segments;
        size_t count;
        bool ok = path_parse(arena, cases[i].path, &segments, &count);
        for (size_t k = 0; ok && k < count; k++)
            buf_printf(&shown, "[%.*s]", SLICE_ARG(segments[k]));
        if (ok != (cases[i].expected != NULL) || (ok && strcmp(buf_cstr(&shown), cases[i].expected) != 0))
            fail_msg("%s: expected %s, got %s", cases[i].path.ptr,
                     cases[i].expected ? cases[i].expected : "refusal", ok ? buf_cstr(&shown) : "refusal");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
