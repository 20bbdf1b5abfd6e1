#include "apiserver/http/testing.h"

static int setup(void **state)
{
    server_up((struct http_config){.head_seconds = 1, .idle_seconds = 2, .max_body = 100000});
    return 0;
}

static int teardown(void **state)
{
    server_down();
    return 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void test_keep_alive_and_pipelining(void **state)
{
    struct client c = client_open();
    client_puts(&c, GET("/hello") GET("/hold") GET("/big?20000") GET("/none"));
    client_expect(&c, "hello");
    wait_for(&T.held_count, 1);
    assert_null(strstr(client_text(&c), "404")); /* answers keep the order of the requests */
    hold_release();
    client_expect(&c, "no such path");
    assert_non_null(strstr(client_text(&c), "content-length: 20000\r\n"));
    assert_true(strstr(client_text(&c), "held") < strstr(client_text(&c), "xxxx"));
    client_close(&c);
}

static void test_head_has_no_body(void **state)
{
    struct client c = client_open();
    client_puts(&c,
                "HEAD /big?70000 HTTP/1.1\r\nHost: x\r\n\r\nHEAD /stream?10 HTTP/1.1\r\nHost: x\r\n\r\n" GET(
                    "/hello"));
    client_expect(&c, "\r\n\r\nhello");
    assert_non_null(strstr(client_text(&c), "content-length: 70000\r\n\r\nHTTP/1.1 200 OK"));
    assert_null(strchr(client_text(&c) + 1, 'X'));
    assert_null(strstr(client_text(&c), "xxx"));
    wait_for(&T.closed, 1);
    client_close(&c);
}

static void test_bodies(void **state)
{
    struct client c = client_open();
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst");
    client_expect(&c, "\r\n\r\nfirst");
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n");
    client_puts(&c, "A\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n");
    client_expect(&c, "\r\n\r\nabc0123456789");
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    client_expect(&c, "HTTP/1.1 100 Continue\r\n\r\n");
    client_puts(&c, "late");
    client_expect(&c, "\r\n\r\nlate");
    client_close(&c);
}

static void test_streams(void **state)
{
    struct client c = client_open();
    client_puts(&c, GET("/watch"));
    client_expect(&c, "transfer-encoding: chunked\r\n\r\n"); /* the head does not wait for the first event */
    client_close(&c);
    wait_for(&T.closed, 1); /* the client's leaving is noticed though nothing is sent */
    c = client_open();
    client_puts(&c, GET("/stream?2000000") GET("/hello"));
    client_expect(&c, "0\r\n\r\nHTTP/1.1 200");
    client_expect(&c, "hello");
    size_t data = 0;
    for (size_t i = 0; i < c.in.len; i++)
        data += c.in.data[i] == 'x';
    assert_int_equal(data, 2000000 + 2); /* two in "text" */
    client_close(&c);
    c = client_open();
    client_puts(&c, "GET /stream?3000 HTTP/1.0\r\n\r\n");
    assert_non_null(strstr(client_rest(&c), "connection: close\r\n\r\nxxx"));
    assert_null(strstr(client_text(&c), "chunked"));
    client_close(&c);
}

static void test_upgrade(void **state)
{
    struct client c = client_open();
    client_puts(
        &c,
        "GET /x HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\nearly");
    client_expect(&c, "upgrade: websocket\r\n\r\nearly");
    cleanup_buf struct buf flood = BUF_INIT(BUF_UNLIMITED);
    memset(buf_reserve(&flood, 1 << 20), 'f', 1 << 20);
    size_t before = c.in.len, total = 0;
    for (int i = 0; i < 64; i++) { /* never more in the air than the sockets hold */
        client_send(&c, flood.data, 16384);
        total += 16384;
        while (c.in.len - before < total)
            assert_true(client_read(&c));
    }
    client_puts(&c, "bye");
    client_rest(&c);
    wait_for(&T.pipes_closed, 1);
    client_close(&c);
    c = client_open(); /* h2c is nothing a handler should see */
    client_puts(&c, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    client_expect(&c, "\r\n\r\nhello");
    client_close(&c);
}

#define CASE(request, answer)                                                                                \
    {                                                                                                        \
        SLICE(request), answer                                                                               \
    }

static void test_refusals(void **state)
{
    static const struct {
        struct slice request;
        const char *answer;
    } cases[] = {
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
             "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
             "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc", "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nabc", "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nabc", "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
             "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
             "chunked\r\n\r\n0\r\n\r\n",
             "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
             "chunked\r\n\r\n",
             "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1 501"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", "HTTP/1.1 501"),
        CASE("POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n", "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
             "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
             "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n",
             "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\n",
             "HTTP/1.1 400"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n", "HTTP/1.1 413"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n", "HTTP/1.1 413"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n\r\n",
             "HTTP/1.1 413"),
        CASE("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: miracles\r\n\r\n",
             "HTTP/1.1 417"),
        CASE("GET /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400"),
        CASE("GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400"),
        CASE("GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", "HTTP/1.1 400"),
        CASE("GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n", "HTTP/1.1 400"),
        CASE("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 400"),
        CASE("GET /hello HTTP/1.1\nHost: x\n\n", "HTTP/1.1 400"),
        CASE("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\n\r\n", "HTTP/1.1 400"),
        CASE("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", "HTTP/1.1 400"),
        CASE("GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400"),
        CASE("GET hello HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400"),
        CASE("G(T /hello HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400"),
        CASE("CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400"),
        CASE("GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", "HTTP/1.1 400"),
        CASE("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "HTTP/1.1 400"),
        CASE("\x16\x03\x01\x02", "HTTP/1.1 400"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        exchange_expect(cases[i].request.ptr, cases[i].request.len, cases[i].answer);
    still_serves();
}

static void test_head_limits(void **state)
{
    cleanup_buf struct buf head = BUF_INIT(BUF_UNLIMITED);
    buf_puts(&head, "GET /hello HTTP/1.1\r\nHost: x\r\nA: ");
    memset(buf_reserve(&head, 70000), 'a', 70000);
    head.len += 70000;
    exchange_expect(head.data, head.len, "HTTP/1.1 431");
    buf_clear(&head);
    buf_puts(&head, "GET /hello HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 300; i++)
        buf_puts(&head, "A: b\r\n");
    buf_puts(&head, "\r\n");
    exchange_expect(head.data, head.len, "HTTP/1.1 431");
}

/* The refusal arrives although the client is still sending. */
static void test_413_survives_the_upload(void **state)
{
    struct client c = client_open();
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n");
    cleanup_buf struct buf body = BUF_INIT(BUF_UNLIMITED);
    memset(buf_reserve(&body, 4000000), 'b', 4000000);
    assert_true(client_send(&c, body.data, 4000000));
    client_expect(&c, "refused 413");
    client_close(&c);
}

static void test_slow_clients(void **state)
{
    exchange_expect("GET /hel", 8, "HTTP/1.1 408");
    const char *body = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123";
    exchange_expect(body, strlen(body), "HTTP/1.1 408");
    exchange_expect("", 0, ""); /* idle: closed without a word */
}

static void test_half_closed_client_gets_its_answer(void **state)
{
    struct client c = client_open();
    client_puts(&c, GET("/hello") GET("/big?50000"));
    shutdown(c.fd, SHUT_WR);
    client_rest(&c);
    assert_non_null(strstr(client_text(&c), "hello"));
    assert_true(c.in.len > 50000);
    client_close(&c);
}

static void test_unanswered_request(void **state)
{
    struct client c = client_open();
    client_puts(&c, GET("/nothing"));
    client_expect(&c, "refused 500");
    client_close(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_keep_alive_and_pipelining),
        TEST(test_head_has_no_body),
        TEST(test_bodies),
        TEST(test_streams),
        TEST(test_upgrade),
        TEST(test_refusals),
        TEST(test_head_limits),
        TEST(test_413_survives_the_upload),
        TEST(test_slow_clients),
        TEST(test_half_closed_client_gets_its_answer),
        TEST(test_unanswered_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
