#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "dropin/small_http.h"

static const struct small_answer answers[] = {
    {"/health", {"{\"health\":\"true\"}", 17}}, {"/livez", {"ok\n", 3}}, {0}};

static void answers_by_path_and_method(void **state)
{
    const struct {
        const char *request, *status, *body; /* status NULL: more is needed */
    } rows[] = {
        {"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "{\"health\":\"true\"}"},
        {"GET /health?serializable=true HTTP/1.1\r\n\r\n", "200 OK", "{\"health\":\"true\"}"},
        {"GET /livez HTTP/1.0\r\n\r\n", "200 OK", "ok\n"},
        {"HEAD /livez HTTP/1.1\r\n\r\n", "200 OK", ""},
        {"GET /liv HTTP/1.1\r\n\r\n", "404 Not Found", "404 page not found\n"},
        {"POST /livez HTTP/1.1\r\n\r\n", "405 Method Not Allowed", ""},
        {"GET /livez\r\n\r\n", "400 Bad Request", ""},
        {"\r\n\r\n", "400 Bad Request", ""},
        {"GET /livez SPDY/9\r\n\r\n", "400 Bad Request", ""},
        {"GET /livez HTTP/1.1\r\n", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_buf struct buf answer = BUF_INIT(BUF_UNLIMITED);
        bool complete = small_http_answer(slice_str(rows[i].request), answers, &answer);
        assert_int_equal(complete, rows[i].status != NULL);
        if (!complete)
            continue;
        const char *text = buf_cstr(&answer);
        assert_int_equal(strncmp(text, "HTTP/1.1 ", 9), 0);
        assert_int_equal(strncmp(text + 9, rows[i].status, strlen(rows[i].status)), 0);
        assert_string_equal(strstr(text, "\r\n\r\n") + 4, rows[i].body);
    }
}

static void only_plain_http_urls(void **state)
{
    cleanup_error struct error err = ERROR_INIT;
    assert_false(small_http_serve("https://127.0.0.1:0", answers, NULL, 0, &err));
    assert_string_equal(err.message, "\"https://127.0.0.1:0\" is not an http:// URL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_by_path_and_method),
        cmocka_unit_test(only_plain_http_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
