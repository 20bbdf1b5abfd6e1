#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apiserver/outgoing/outgoing.h"
#include "base/alloc.h"
#include "base/clock.h"

/* ---- a server that says what it is told to, to one connection ---- */

struct scripted {
    int listener, port;
    const char *answer;
    size_t repeat;   /* the answer's last part again and again: how many bytes in all */
    bool hang, echo; /* afterwards: keep the connection; send back what comes */
    pthread_t thread;
    char request[8192];
    size_t request_len;
    atomic_size_t sent;
};

static void read_request(struct scripted *s, int fd)
{
    while (s->request_len < sizeof s->request - 1 && !strstr(s->request, "\r\n\r\n")) {
        ssize_t n = read(fd, s->request + s->request_len, sizeof s->request - 1 - s->request_len);
        if (n <= 0)
            return;
        s->request_len += (size_t)n;
    }
}

static void *serve(void *arg)
{
    struct scripted *s = arg;
    char bytes[4096] = {0};
    ssize_t n;
    cleanup_fd int fd = accept(s->listener, NULL, NULL);
    if (fd < 0)
        return NULL;
    read_request(s, fd);
    if (s->answer)
        (void)!send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
    while (s->sent < s->repeat && (n = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL)) > 0)
        atomic_fetch_add(&s->sent, (size_t)n);
    while (s->echo && (n = read(fd, bytes, sizeof bytes)) > 0)
        (void)!send(fd, bytes, (size_t)n, MSG_NOSIGNAL);
    while (s->hang && read(fd, bytes, sizeof bytes) > 0)
        ;
    return NULL;
}

static void scripted_start(struct scripted *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->listener, 5), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void scripted_end(struct scripted *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}

static struct outgoing_request request_to(struct arena *arena, const struct scripted *s)
{
    return (struct outgoing_request){
        .method = "GET",
        .url = arena_printf(arena, "http://some.where:80/a/../b?c=%%2F"),
        .connect_to = arena_printf(arena, "127.0.0.1:%d", s->port),
        .connect_millis = 20000,
        .total_millis = 60000,
    };
}

/* ---- whole answers ---- */

static void answers_and_faults(void **state)
{
    static const struct {
        const char *answer;
        int status;
        const char *body, *error;
        bool hang;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nhi", 200, "hi", NULL, true},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, "", NULL,
         true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, "abc", NULL,
         true},
        {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, "", NULL,
         true},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, "until the end", NULL, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", 0, NULL, "transfer closed", false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", 0, NULL, "transfer closed", false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, NULL, "chunk", true},
        {"HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n", 0, NULL, "cannot be understood", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, NULL, "", true},
        {"nonsense\r\n\r\n", 0, NULL, "", false},
        {"", 0, NULL, "Empty reply", false},
        {NULL, 0, NULL, "did not answer in time", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234567890123456789", 0, NULL, "longer than 16 bytes",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct scripted s = {.answer = rows[i].answer, .hang = rows[i].hang};
        struct outgoing *engine = outgoing_new();
        struct outgoing_answer got = {0};
        scripted_start(&s);
        struct outgoing_request request = request_to(arena, &s);
        request.head_millis = rows[i].answer ? 0 : 100;
        bool ok = outgoing_call(engine, &request, 16, arena, &got, &err);
        if (ok != !rows[i].error)
            fail_msg("row %zu: %s", i, ok ? "passed" : err.message);
        if (ok) {
            assert_int_equal(got.status, rows[i].status);
            assert_true(slice_is(got.body, rows[i].body));
        } else if (!strstr(err.message, rows[i].error)) {
            fail_msg("row %zu: %s", i, err.message);
        }
        outgoing_free(engine);
        scripted_end(&s);
    }
}

static void what_is_sent(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    struct scripted s = {.answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"};
    struct outgoing_answer got;
    struct outgoing *engine = outgoing_new();
    scripted_start(&s);
    struct outgoing_request request = request_to(arena, &s);
    const struct http_header headers[] = {{SLICE("x-remote-user"), SLICE("b\xc3\xbc rger")},
                                          {SLICE("x-empty"), SLICE("")}};
    request.method = "PATCH";
    request.headers = headers;
    request.header_count = 2;
    request.body = SLICE("{}");
    assert_true(outgoing_call(engine, &request, 16, arena, &got, &err));
    assert_int_equal(got.status, 201);
    outgoing_free(engine);
    scripted_end(&s);
    assert_string_equal(
        s.request, "PATCH /a/../b?c=%2F HTTP/1.1\r\nHost: some.where\r\nx-remote-user: b\xc3\xbc rger\r\n"
                   "x-empty:\r\nContent-Length: 2\r\n\r\n{}");
}

static void what_is_never_sent(void **state)
{
    static const struct http_header bad[] = {{SLICE("x-a"), SLICE("1\r\nx-remote-group: system:masters")},
                                             {SLICE("x-a"), {"a\0b", 3}},
                                             {SLICE("x-a"), SLICE("a\nb")},
                                             {SLICE("x a"), SLICE("1")},
                                             {SLICE("x-a:"), SLICE("1")},
                                             {SLICE(""), SLICE("1")}};
    struct outgoing *engine = outgoing_new();
    for (size_t i = 0; i < 2 * (sizeof bad / sizeof *bad); i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct outgoing_answer got;
        struct outgoing_request request = {
            .method = "GET", .url = "http://127.0.0.1:1/", .headers = &bad[i / 2], .header_count = 1};
        if (i % 2)
            request.upgrade = SLICE("websocket");
        assert_false(outgoing_call(engine, &request, 16, arena, &got, &err));
        assert_int_equal(err.reason, REASON_BAD_REQUEST);
    }
    outgoing_free(engine);
}

/* ---- streams ---- */

struct reader {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct buf got;
    size_t unconsumed;
    int status;
    bool ended, failed, hold;
    struct outgoing_transfer *transfer;
};

static void reader_head(void *arg, const struct outgoing_head *head)
{
    struct reader *r = arg;
    pthread_mutex_lock(&r->lock);
    r->status = head->status;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void reader_data(void *arg, struct blob *bytes)
{
    struct reader *r = arg;
    pthread_mutex_lock(&r->lock);
    if (r->hold)
        r->unconsumed += bytes->len;
    else
        outgoing_consumed(r->transfer, bytes->len);
    buf_put_slice(&r->got, blob_slice(bytes));
    blob_unref(bytes);
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void reader_end(void *arg, const struct error *err)
{
    struct reader *r = arg;
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    r->failed = err != NULL;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void reader_start(struct reader *r, struct outgoing *engine, const struct outgoing_request *request)
{
    const struct outgoing_handler handler = {
        .on_head = reader_head, .on_data = reader_data, .on_end = reader_end, .arg = r};
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->got = BUF_INIT(BUF_UNLIMITED);
    pthread_mutex_lock(&r->lock);
    r->transfer = outgoing_start(engine, request, &handler, NULL);
    pthread_mutex_unlock(&r->lock);
    assert_non_null(r->transfer);
}

#define reader_wait(r, condition)                                                                            \
    do {                                                                                                     \
        pthread_mutex_lock(&(r)->lock);                                                                      \
        while (!(condition))                                                                                 \
            pthread_cond_wait(&(r)->changed, &(r)->lock);                                                    \
        pthread_mutex_unlock(&(r)->lock);                                                                    \
    } while (0)

static void reader_release(struct reader *r)
{
    reader_wait(r, r->ended);
    outgoing_release(r->transfer);
    buf_release(&r->got);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
}

static void a_slow_reader_is_waited_for(void **state)
{
    enum { ALL = 32 << 20 };
    cleanup_arena struct arena *arena = arena_new();
    struct scripted s = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 33554432\r\n\r\n", .repeat = ALL};
    struct outgoing *engine = outgoing_new();
    struct reader r = {.hold = true};
    scripted_start(&s);
    struct outgoing_request request = request_to(arena, &s);
    reader_start(&r, engine, &request);
    reader_wait(&r, r.unconsumed >= OUTGOING_WINDOW);
    pthread_mutex_lock(&r.lock);
    assert_int_equal(r.status, 200);
    assert_true(r.unconsumed < 2 * OUTGOING_WINDOW); /* no more than the window and one piece */
    assert_true(atomic_load(&s.sent) < ALL);
    r.hold = false;
    outgoing_consumed(r.transfer, r.unconsumed);
    pthread_mutex_unlock(&r.lock);
    reader_wait(&r, r.ended);
    assert_false(r.failed);
    assert_int_equal(r.got.len, ALL);
    reader_release(&r);
    outgoing_free(engine);
    scripted_end(&s);
}

static void cancelled_and_stopped(void **state)
{
    for (int i = 0; i < 2; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct scripted s = {.answer = "HTTP/1.1 200 OK\r\n\r\nsome", .hang = true};
        struct outgoing *engine = outgoing_new();
        struct reader r = {0};
        scripted_start(&s);
        struct outgoing_request request = request_to(arena, &s);
        reader_start(&r, engine, &request);
        reader_wait(&r, r.got.len == 4);
        if (i == 0)
            outgoing_cancel(r.transfer);
        else
            outgoing_stop(engine);
        reader_wait(&r, r.ended);
        assert_true(r.failed);
        reader_release(&r);
        cleanup_error struct error err = ERROR_INIT;
        struct outgoing_answer got;
        outgoing_stop(engine);
        assert_false(outgoing_call(engine, &request, 1, arena, &got, &err));
        assert_string_equal(err.message, "the server is stopping");
        outgoing_free(engine);
        scripted_end(&s);
    }
}

static void an_upgrade(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct scripted s = {.answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\nearly ",
                         .echo = true};
    struct outgoing *engine = outgoing_new();
    struct reader r = {0};
    scripted_start(&s);
    struct outgoing_request request = request_to(arena, &s);
    request.upgrade = SLICE("echo");
    request.url = "http://some.where/x";
    reader_start(&r, engine, &request);
    reader_wait(&r, r.got.len == 6); /* the scripted server would take earlier bytes for the request */
    outgoing_write(r.transfer, blob_copy(SLICE("one ")));
    reader_wait(&r, r.got.len == 10);
    outgoing_write(r.transfer, blob_copy(SLICE("two")));
    reader_wait(&r, r.got.len == 13);
    assert_int_equal(r.status, 101);
    assert_memory_equal(r.got.data, "early one two", 13);
    outgoing_cancel(r.transfer);
    reader_release(&r);
    outgoing_free(engine);
    scripted_end(&s);
    assert_non_null(strstr(
        s.request, "GET /x HTTP/1.1\r\nHost: some.where\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"));
}

static void upgrades_that_are_refused_or_broken(void **state)
{
    static const struct {
        const char *answer;
        int status; /* 0: it fails */
        const char *body;
    } rows[] = {
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno!!more", 403, "no!!"},
        {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, NULL},
        {"HTTP/1.1 100 Continue\r\n\r\n", 0, NULL},
        {"X: HTTP/1.1 200 OK\r\n\r\n", 0, NULL},
        {"HTTP/1.1 101 Ok\r\nHTTP/1.1 101 Ok\r\n\r\n", 0, NULL},
        {"HTTP/1.1 99 Ok\r\n\r\n", 0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct scripted s = {.answer = rows[i].answer, .hang = true};
        struct outgoing *engine = outgoing_new();
        struct reader r = {0};
        scripted_start(&s);
        struct outgoing_request request = request_to(arena, &s);
        request.upgrade = SLICE("echo");
        reader_start(&r, engine, &request);
        reader_wait(&r, r.ended);
        assert_int_equal(r.failed, rows[i].status == 0);
        assert_int_equal(r.status, rows[i].status);
        assert_int_equal(r.got.len, rows[i].body ? strlen(rows[i].body) : 0);
        reader_release(&r);
        outgoing_free(engine);
        scripted_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_faults),
        cmocka_unit_test(what_is_sent),
        cmocka_unit_test(what_is_never_sent),
        cmocka_unit_test(a_slow_reader_is_waited_for),
        cmocka_unit_test(cancelled_and_stopped),
        cmocka_unit_test(an_upgrade),
        cmocka_unit_test(upgrades_that_are_refused_or_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
