#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "apiserver/request_info.h"

static const struct {
    const char *method, *path, *query;
    bool is_resource;
    const char *verb, *group, *version, *namespace, *resource, *subresource, *name;
} cases[] = {
    {"GET", "/api/v1/namespaces/a/pods/p", "", true, "get", "", "v1", "a", "pods", "", "p"},
    {"HEAD", "/api/v1/namespaces/a/pods/p", "", true, "get", "", "v1", "a", "pods", "", "p"},
    {"GET", "/api/v1/namespaces/a/pods/p/log", "", true, "get", "", "v1", "a", "pods", "log", "p"},
    {"GET", "/api/v1/namespaces/a/pods", "", true, "list", "", "v1", "a", "pods", "", ""},
    {"GET", "/api/v1/pods", "watch=true", true, "watch", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/pods", "watch=1", true, "watch", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/pods", "watch=0", true, "list", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/pods", "watch=maybe", true, "watch", "", "v1", "", "pods", "", ""},
    {"GET", "/api/v1/watch/namespaces/a/pods", "", true, "watch", "", "v1", "a", "pods", "", ""},
    {"GET", "/api/v1/pods", "fieldSelector=metadata.name%3Dx", true, "list", "", "v1", "", "pods", "", "x"},
    {"GET", "/api/v1/namespaces", "", true, "list", "", "v1", "", "namespaces", "", ""},
    {"GET", "/api/v1/namespaces/a", "", true, "get", "", "v1", "a", "namespaces", "", "a"},
    {"PUT", "/api/v1/namespaces/a/finalize", "", true, "update", "", "v1", "a", "namespaces", "finalize",
     "a"},
    {"PATCH", "/api/v1/namespaces/a/status", "", true, "patch", "", "v1", "a", "namespaces", "status", "a"},
    {"POST", "/apis/apps/v1/namespaces/a/deployments", "", true, "create", "apps", "v1", "a", "deployments",
     "", ""},
    {"DELETE", "/apis/apps/v1/namespaces/a/deployments/d", "", true, "delete", "apps", "v1", "a",
     "deployments", "", "d"},
    {"DELETE", "/apis/apps/v1/namespaces/a/deployments", "", true, "deletecollection", "apps", "v1", "a",
     "deployments", "", ""},
    {"GET", "/api/v1/nodes/n/", "", true, "get", "", "v1", "", "nodes", "", "n"},
    {"GET", "/api/v1", "", false, "get", "", "", "", "", "", ""},
    {"GET", "/apis/apps", "", false, "get", "", "", "", "", "", ""},
    {"POST", "/healthz", "", false, "post", "", "", "", "", "", ""},
    {"GET", "/", "", false, "get", "", "", "", "", "", ""},
};

static size_t split(struct slice path, struct slice *segments)
{
    struct slice rest = slice_from(path, 1);
    size_t n = 0;
    while (n < 32 && slice_split(&rest, '/', &segments[n]))
        n++;
    return n;
}

static void reads_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct slice segments[32];
        struct query query;
        struct request_info info;
        size_t n = split(slice_str(cases[i].path), segments);
        query_parse(arena, slice_str(cases[i].query), &query);
        request_info_parse(arena, slice_str(cases[i].method), slice_str(cases[i].path), segments, n, &query,
                           &info);
        const char *got =
            arena_printf(arena, "%d %s g=%.*s v=%.*s ns=%.*s r=%.*s s=%.*s n=%.*s", info.is_resource,
                         info.verb, SLICE_ARG(info.group), SLICE_ARG(info.version), SLICE_ARG(info.namespace),
                         SLICE_ARG(info.resource), SLICE_ARG(info.subresource), SLICE_ARG(info.name));
        const char *want = arena_printf(arena, "%d %s g=%s v=%s ns=%s r=%s s=%s n=%s", cases[i].is_resource,
                                        cases[i].verb, cases[i].group, cases[i].version, cases[i].namespace,
                                        cases[i].resource, cases[i].subresource, cases[i].name);
        if (strcmp(got, want) != 0)
            fail_msg("%s %s?%s: want %s, got %s", cases[i].method, cases[i].path, cases[i].query, want, got);
    }
}

static void reads_queries(void **state)
{
    (void)state;
    cleanup_arena struct arena *arena = arena_new();
    struct query q;
    query_parse(arena, SLICE("a=1&b=x%20y+z&bad=%zz&c&a=2&d=1;2&e=%2"), &q);
    assert_int_equal(q.count, 4);
    assert_true(slice_is(query_get(&q, "a"), "1"));
    assert_true(slice_is(query_get(&q, "b"), "x y z"));
    assert_true(query_get(&q, "c").ptr != NULL && query_get(&q, "c").len == 0);
    assert_null(query_get(&q, "bad").ptr);
    assert_null(query_get(&q, "d").ptr);
    assert_null(query_get(&q, "e").ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_paths), cmocka_unit_test(reads_queries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
