/*
 * What anyone who can reach the port may try. After each attack the server still answers, and (under the leak
 * checker) has kept nothing.
 */
#include <sys/resource.h>

#include "apiserver/http/testing.h"

enum { HEADERS = 1, PRIORITY, RST_STREAM, SETTINGS, PING = 6, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, END_HEADERS = 4 };

static int setup(void **state)
{
    server_up((struct http_config){.head_seconds = 30, .idle_seconds = 300, .send_seconds = 2});
    return 0;
}

static int setup_impatient(void **state)
{
    server_up((struct http_config){.head_seconds = 1, .idle_seconds = 300, .send_seconds = 30});
    return 0;
}

static int teardown(void **state)
{
    still_serves();
    server_down();
    return 0;
}

/* ---- frames ---- */

static void put_frame(struct buf *b, unsigned type, unsigned flags, uint32_t stream, const void *payload,
                      size_t len)
{
    const unsigned char head[9] = {
        (unsigned char)(len >> 16),    (unsigned char)(len >> 8),    (unsigned char)len,
        (unsigned char)type,           (unsigned char)flags,         (unsigned char)(stream >> 24),
        (unsigned char)(stream >> 16), (unsigned char)(stream >> 8), (unsigned char)stream};
    buf_put(b, head, 9);
    buf_put(b, payload, len);
}

static void put_u32_frame(struct buf *b, unsigned type, uint32_t stream, uint32_t value)
{
    const unsigned char v[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                                (unsigned char)(value >> 8), (unsigned char)value};
    put_frame(b, type, 0, stream, v, 4);
}

static void put_window_setting(struct buf *b, uint32_t window)
{
    const unsigned char s[6] = {0,
                                4,
                                (unsigned char)(window >> 24),
                                (unsigned char)(window >> 16),
                                (unsigned char)(window >> 8),
                                (unsigned char)window};
    put_frame(b, SETTINGS, 0, 0, s, 6);
}

/* The header block of a request, in the plainest HPACK. */
static void put_block(struct buf *b, const char *method, const char *path)
{
    buf_put(b, strcmp(method, "GET") == 0 ? "\x82" : "\x83", 1); /* :method GET or POST */
    buf_put(b, "\x86\x04", 2);                                   /* :scheme http; :path, literal */
    buf_putc(b, (char)strlen(path));
    buf_puts(b, path);
    buf_put(b, "\x01\x01x", 3); /* :authority x */
}

static void put_request(struct buf *b, uint32_t stream, const char *method, const char *path, unsigned flags)
{
    cleanup_buf struct buf block = BUF_INIT(BUF_UNLIMITED);
    put_block(&block, method, path);
    put_frame(b, HEADERS, flags | END_HEADERS, stream, block.data, block.len);
}

static void put_preface(struct buf *b)
{
    buf_puts(b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    put_frame(b, SETTINGS, 0, 0, NULL, 0);
}

static unsigned count_frames(const struct buf *in, char type)
{
    unsigned n = 0;
    for (size_t i = 0; i + 9 <= in->len;) {
        const unsigned char *f = (const unsigned char *)in->data + i;
        n += f[3] == (unsigned char)type;
        i += 9 + ((size_t)f[0] << 16 | (size_t)f[1] << 8 | f[2]);
    }
    return n;
}

/* Sends all of it and reads to the end of the connection; returns true if a GOAWAY came. */
static bool cut_off(const struct buf *b)
{
    struct client c = client_open();
    client_send(&c, b->data, b->len);
    client_rest(&c);
    bool goaway = count_frames(&c.in, GOAWAY) > 0;
    client_close(&c);
    return goaway;
}

/* ---- HTTP/2 ---- */

/* Answers left unread, then windows opened and shut: this stops libh2o's own HTTP/2. */
static void test_settings_games(void **state)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    put_preface(&b);
    for (uint32_t i = 0; i < 600; i++)
        put_request(&b, 2 * i + 1, "GET", "/big?16000", END_STREAM);
    for (int i = 0; i < 8; i++) {
        put_window_setting(&b, 0);
        put_window_setting(&b, 65535);
        put_u32_frame(&b, WINDOW_UPDATE, 0, 100000);
    }
    struct client c = client_open();
    client_send(&c, b.data, b.len);
    wait_for(&T.handled, 600);
    still_serves();
    client_close(&c);
}

static void test_header_bomb(void **state)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED), block = BUF_INIT(BUF_UNLIMITED);
    put_preface(&b);
    put_block(&block, "POST", "/echo");
    buf_put(&block,
            "\x40\x01"
            "a\x7f\x81\x1f",
            6); /* a: 4,000 bytes, into the table ... */
    memset(buf_reserve(&block, 4000), 'v', 4000);
    block.len += 4000;
    memset(buf_reserve(&block, 12000), '\xbe', 12000); /* ... and 12,000 times from there: 48 MB */
    block.len += 12000;
    put_frame(&b, HEADERS, END_HEADERS, 1, block.data, block.len);
    assert_true(cut_off(&b));
    assert_int_equal(T.handled, 0);
}

static void test_continuation_bomb(void **state)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED), block = BUF_INIT(BUF_UNLIMITED);
    put_preface(&b);
    put_block(&block, "POST", "/echo");
    put_frame(&b, HEADERS, 0, 1, block.data, block.len);
    for (int i = 0; i < 1000; i++)
        put_frame(&b, CONTINUATION, 0, 1,
                  "\x00\x01"
                  "a\x01"
                  "b",
                  5);
    assert_true(cut_off(&b));
    assert_int_equal(T.handled, 0);
}

/* The rest of a head that comes after its 408. */
static void test_late_continuation(void **state)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED), block = BUF_INIT(BUF_UNLIMITED);
    put_preface(&b);
    put_block(&block, "GET", "/hello");
    put_frame(&b, HEADERS, END_STREAM, 1, block.data, block.len);
    struct client c = client_open();
    client_send(&c, b.data, b.len);
    while (!count_frames(&c.in, HEADERS))
        assert_true(client_read(&c));
    buf_clear(&b);
    put_frame(&b, CONTINUATION, END_HEADERS, 1, NULL, 0);
    put_frame(&b, PING, 0, 0, "12345678", 8);
    client_send(&c, b.data, b.len);
    while (!count_frames(&c.in, PING))
        assert_true(client_read(&c));
    assert_int_equal(T.handled, 0);
    client_close(&c);
}

/* Requests without end from a client that reads no answer: the server stops reading, too. */
static void test_pipelining_without_reading(void **state)
{
    struct client c = client_open();
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    for (int i = 0; i < 1000; i++)
        buf_puts(&b, "GET /big?8000 HTTP/1.1\r\nHost: x\r\n\r\n");
    struct timeval patience = {.tv_usec = 300000};
    setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    size_t sent = 0;
    while (sent < 200 * 1000 * 1000 && client_send(&c, b.data, b.len))
        sent += b.len;
    assert_true(sent < 100 * 1000 * 1000); /* what the kernel's buffers hold */
    client_close(&c);
}

static void test_reset_flood(void **state)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    put_preface(&b);
    for (uint32_t i = 0; i < 20000; i++) {
        put_request(&b, 2 * i + 1, "GET", "/hello", END_STREAM);
        put_u32_frame(&b, RST_STREAM, 2 * i + 1, 8);
    }
    assert_true(cut_off(&b));
    assert_true(T.handled <= 300);
}

/* The client breaks a stream's rules so that the server resets it. */
static void test_provoked_reset_flood(void **state)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    put_preface(&b);
    for (uint32_t i = 0; i < 5000; i++) {
        put_request(&b, 2 * i + 1, "GET", "/hold", END_STREAM);
        put_u32_frame(&b, WINDOW_UPDATE, 2 * i + 1, 0x7fffffff); /* beyond what a window may be */
    }
    assert_true(cut_off(&b));
    assert_true(T.handled <= 1000);
}

static void test_frame_floods(void **state)
{
    static const struct {
        unsigned type;
        uint32_t stream;
        size_t len;
    } floods[] = {{SETTINGS, 0, 0}, {PING, 0, 8}, {PRIORITY, 1, 5}};
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
        put_preface(&b);
        for (int n = 0; n < 20000; n++)
            put_frame(&b, floods[i].type, 0, floods[i].stream, "\0\0\0\0\0\0\0\1", floods[i].len);
        if (!cut_off(&b))
            fail_msg("frames of type %u were taken without end", floods[i].type);
    }
    cleanup_buf struct buf empty = BUF_INIT(BUF_UNLIMITED);
    put_preface(&empty);
    put_request(&empty, 1, "POST", "/echo", 0);
    for (int n = 0; n < 20000; n++)
        put_frame(&empty, 0, 0, 1, NULL, 0);
    assert_true(cut_off(&empty));
    cleanup_buf struct buf updates = BUF_INIT(BUF_UNLIMITED);
    put_preface(&updates);
    put_u32_frame(&updates, WINDOW_UPDATE, 0, 0x7fffffff); /* beyond what a window may be */
    assert_true(cut_off(&updates));
}

/* Bodies that are begun and never ended: what they hold together is bounded. */
static void test_unfinished_bodies(void **state)
{
    static char part[16000];
    struct client c = client_open();
    struct http_stats stats = {0};
    unsigned pings = 0;
    for (uint32_t round = 0; round < 15 * 4;
         round++) { /* stays within the windows of stream and connection */
        cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
        if (round == 0)
            put_preface(&b);
        for (uint32_t s = 25 * (round % 4); s < 25 * (round % 4 + 1); s++) {
            if (round < 4)
                put_request(&b, 2 * s + 1, "POST", "/echo", 0);
            put_frame(&b, 0, 0, 2 * s + 1, part, sizeof part);
        }
        put_frame(&b, PING, 0, 0, part, 8);
        assert_true(client_send(&c, b.data, b.len));
        for (pings++; count_frames(&c.in, PING) < pings;)
            assert_true(client_read(&c));
        http_server_stats(T.server, &stats);
        assert_int_equal(stats.refused_total > 0, (round + 1) * 25 * sizeof part > 16 * 1024 * 1024);
    }
    assert_int_equal(T.handled, 0);
    client_close(&c);
}

/* Whole answers to a client that reads nothing: given up after send_seconds. */
static void test_client_that_reads_nothing(void **state)
{
    struct client c = client_open();
    for (int i = 0; i < 20; i++)
        client_puts(&c, "GET /big?3000000 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&T.handled, 1);
    struct http_stats stats;
    int64_t until = clock_now_seconds() + 15;
    do {
        http_server_stats(T.server, &stats);
        poll(NULL, 0, 20);
    } while (stats.connections && clock_now_seconds() < until);
    assert_int_equal(stats.connections, 0);
    assert_true(T.handled < 20); /* and it did not prepare all of them */
    client_close(&c);
}

/* ---- many ---- */

static void test_idle_connections(void **state)
{
    enum { N = 1000 };
    static int fds[N];
    for (int i = 0; i < N; i++)
        fds[i] = dial();
    still_serves();
    struct http_stats stats;
    do
        http_server_stats(T.server, &stats);
    while (stats.connections < N);
    for (int i = 0; i < N; i++)
        close(fds[i]);
}

/* No descriptor left: the server waits, and goes on when one is free. */
static void test_descriptors_exhausted(void **state)
{
    struct rlimit saved, low;
    getrlimit(RLIMIT_NOFILE, &saved);
    low = saved;
    low.rlim_cur = 120;
    setrlimit(RLIMIT_NOFILE, &low);
    struct client clients[100];
    int n = 0;
    for (; n < 100; n++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) /* the server takes its share of them, at times of its own */
            break;
        clients[n] = (struct client){.fd = dial_on(fd), .in = BUF_INIT(BUF_UNLIMITED)};
    }
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    poll(NULL, 0, 500); /* not an event to wait for: the absence of a busy loop is measured */
    getrusage(RUSAGE_SELF, &after);
    int64_t busy = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 + after.ru_utime.tv_usec -
                   before.ru_utime.tv_usec;
    for (int i = 0; i < n; i++)
        client_close(&clients[i]);
    assert_true(n > 10);
    assert_true(busy < 250000);
    still_serves();
    setrlimit(RLIMIT_NOFILE, &saved);
}

/* ---- noise ---- */

static uint64_t noise_state;

static uint32_t noise(uint32_t below)
{
    noise_state = noise_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(noise_state >> 33) % below;
}

static void send_noise(const char *bytes, size_t len)
{
    struct client c = client_open();
    client_send(&c, bytes, len);
    shutdown(c.fd, SHUT_WR);
    client_rest(&c);
    client_close(&c);
}

static void test_mutated_http1(void **state)
{
    static const char *const seeds[] = {
        "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /stream?5000 HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789GET /big?99 HTTP/1.1\r\nHost: "
        "x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nA: b\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nsome bytes, bye",
        "HEAD /big?1000 HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
    };
    noise_state = 1;
    for (int i = 0; i < 2000; i++) {
        cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
        buf_puts(&b, seeds[noise(5)]);
        for (uint32_t k = 1 + noise(4); k; k--) {
            size_t at = noise((uint32_t)b.len);
            switch (noise(4)) {
            case 0:
                b.data[at] = (char)noise(256);
                break;
            case 1:
                b.data[at] = "\r\n: ;,\t%"[noise(8)];
                break;
            case 2:
                b.len = at + 1;
                break;
            default:
                buf_reserve(&b, 1);
                memmove(b.data + at + 1, b.data + at, b.len - at);
                b.len++;
            }
        }
        send_noise(b.data, b.len);
    }
}

static void put_noise_frame(struct buf *b, uint32_t *stream)
{
    static const char *const paths[] = {"/hello", "/big?70000", "/stream?9000", "/watch", "/echo"};
    char payload[64];
    uint32_t kind = noise(16), target = noise(4) ? *stream : noise(20);
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (char)noise(256);
    if (kind < 5) {
        *stream += 2;
        put_request(b, *stream, noise(3) ? "GET" : "POST", paths[noise(5)], noise(3) ? END_STREAM : 0);
    } else if (kind < 7) {
        put_u32_frame(b, WINDOW_UPDATE, noise(2) ? 0 : target,
                      noise(3) ? 1 + noise(70000) : noise(0x7fffffff));
    } else if (kind < 9) {
        put_window_setting(b, noise(3) ? noise(100000) : noise(0x7fffffff));
    } else if (kind < 10) {
        put_u32_frame(b, RST_STREAM, target, noise(14));
    } else if (kind < 13) {
        put_frame(b, 0, noise(2), target, payload, noise(sizeof payload));
    } else if (kind < 14) {
        put_frame(b, PING, noise(2), 0, payload, 8);
    } else {
        put_frame(b, noise(12), noise(256), target, payload, noise(sizeof payload));
    }
    if (noise(60) == 0)
        b->data[noise((uint32_t)b->len)] = (char)noise(256);
}

static void test_mutated_http2(void **state)
{
    noise_state = 2;
    for (int i = 0, frames = 0; frames < 20000; i++) {
        cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
        uint32_t stream = (uint32_t)-1;
        put_preface(&b);
        for (uint32_t k = 1 + noise(100); k; k--, frames++)
            put_noise_frame(&b, &stream);
        send_noise(b.data, b.len);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_settings_games),
        TEST(test_header_bomb),
        TEST(test_continuation_bomb),
        TEST(test_reset_flood),
        TEST(test_provoked_reset_flood),
        TEST(test_frame_floods),
        TEST(test_unfinished_bodies),
        TEST(test_client_that_reads_nothing),
        TEST(test_idle_connections),
        TEST(test_descriptors_exhausted),
        TEST(test_mutated_http1),
        TEST(test_mutated_http2),
        TEST(test_pipelining_without_reading),
        cmocka_unit_test_setup_teardown(test_late_continuation, setup_impatient, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
