#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/forward.h"

/* "name: value\n" of all. */
static const char *joined(struct arena *arena, const struct http_header *headers, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%.*s: %.*s\n", text, SLICE_ARG(headers[i].name),
                            SLICE_ARG(headers[i].value));
    return text;
}

static void a_client_cannot_say_who_it_is(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct http_header given[] = {
        {SLICE("accept"), SLICE("*/*")},
        {SLICE("authorization"), SLICE("Bearer secret")},
        {SLICE("x-remote-user"), SLICE("admin")},
        {SLICE("x-remote-group"), SLICE("system:masters")},
        {SLICE("x_remote_group"), SLICE("system:masters")},
        {SLICE("x-remote_extra-scopes"), SLICE("all")},
        {SLICE("x-remote-uid"), SLICE("0")},
        {SLICE("impersonate-user"), SLICE("admin")},
        {SLICE("connection"), SLICE("keep-alive, X-Secret ,upgrade")},
        {SLICE("x-secret"), SLICE("1")},
        {SLICE("keep-alive"), SLICE("1")},
        {SLICE("te"), SLICE("trailers")},
        {SLICE("transfer-encoding"), SLICE("chunked")},
        {SLICE("content-length"), SLICE("5")},
        {SLICE("host"), SLICE("elsewhere")},
        {SLICE("upgrade"), SLICE("h2c")},
        {SLICE("x-forwarded-for"), SLICE("10.0.0.1")},
        {SLICE("x-remotely"), SLICE("kept")},
    };
    const struct slice groups[] = {SLICE("people"), SLICE("system:authenticated")},
                       scopes[] = {SLICE("a"), SLICE("b c")};
    const struct user_extra extra[] = {{SLICE("example.org/scopes %"), scopes, 2}};
    const struct user user = {.name = SLICE("somebody"),
                              .uid = SLICE("7"),
                              .groups = groups,
                              .group_count = 2,
                              .extra = extra,
                              .extra_count = 1};
    const struct http_peer peer = {.address = SLICE("[::1]:5000")};
    const struct http_request http = {
        .headers = given, .header_count = sizeof given / sizeof *given, .peer = &peer};
    size_t count;
    const struct http_header *got = forward_headers(arena, &http, &user, SLICE("id"), &count);
    assert_string_equal(joined(arena, got, count), "accept: */*\n"
                                                   "x-remotely: kept\n"
                                                   "audit-id: id\n"
                                                   "x-forwarded-for: 10.0.0.1, ::1\n"
                                                   "x-remote-user: somebody\n"
                                                   "x-remote-uid: 7\n"
                                                   "x-remote-group: people\n"
                                                   "x-remote-group: system:authenticated\n"
                                                   "x-remote-extra-example.org%2Fscopes%20%25: a\n"
                                                   "x-remote-extra-example.org%2Fscopes%20%25: b c\n");
    got = forward_headers(arena, &http, NULL, SLICE("id"), &count);
    assert_null(strstr(joined(arena, got, count), "x-remote-"));
}

static void what_comes_back(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct http_header theirs[] = {
        {SLICE("content-type"), SLICE("application/json")}, {SLICE("content-length"), SLICE("2")},
        {SLICE("connection"), SLICE("close, x-hop")},       {SLICE("x-hop"), SLICE("1")},
        {SLICE("transfer-encoding"), SLICE("chunked")},     {SLICE("audit-id"), SLICE("theirs")},
        {SLICE("warning"), SLICE("299 - \"old\"")},         {SLICE("date"), SLICE("then")},
    };
    struct slice type;
    size_t count;
    const struct http_header *got =
        forward_answer_headers(arena, theirs, sizeof theirs / sizeof *theirs, &count, &type);
    assert_string_equal(joined(arena, got, count), "warning: 299 - \"old\"\n");
    assert_true(slice_is(type, "application/json"));
}

static void paths(void **state)
{
    static const struct {
        struct slice segments[4];
        size_t count;
        const char *query, *want; /* NULL: refused */
    } rows[] = {
        {{SLICE("apis"), SLICE("g"), SLICE("v1"), SLICE("")}, 4, "", "/apis/g/v1/"},
        {{SLICE("apis"), SLICE("a b%?#"), SLICE("\xc3\xbc")}, 3, "", "/apis/a%20b%25%3F%23/%C3%BC"},
        {{SLICE("apis"), SLICE("%2e%2e")}, 2, "", "/apis/%252e%252e"},
        {{SLICE("apis"), SLICE("ns/secret")}, 2, "", NULL},
        {{SLICE("x")}, 1, "watch=true&labelSelector=a%3Db&a=b;c=d&e", "/x?watch=true&labelSelector=a%3Db&e="},
        {{SLICE("")}, 0, "a=%0d%0a", "/?a=%0D%0A"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct query query;
        const char *got = NULL;
        query_parse(arena, slice_str(rows[i].query), &query);
        assert_int_equal(forward_path(arena, rows[i].segments, rows[i].count, &query, &got),
                         rows[i].want != NULL);
        if (rows[i].want)
            assert_string_equal(got, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_cannot_say_who_it_is),
        cmocka_unit_test(what_comes_back),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
