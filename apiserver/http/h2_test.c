#include <nghttp2/nghttp2.h>

#include "apiserver/http/testing.h"

/* An HTTP/2 client on nghttp2, over a plain connection with prior knowledge. */

struct answer {
    int32_t id;
    int status;
    size_t body;
    char text[200]; /* the beginning of the body */
    bool closed;
    uint32_t error;
};

struct h2_client {
    struct client c;
    nghttp2_session *session;
    struct answer answers[400];
    unsigned closed;
    bool goaway;
    struct buf upload;
    size_t upload_at;
};

static struct answer *answer_of(struct h2_client *h, int32_t id)
{
    struct answer *a = &h->answers[id / 2];
    a->id = id;
    return a;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t len, int flags, void *user)
{
    struct h2_client *h = user;
    return client_send(&h->c, data, len) ? (ssize_t)len : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    if (name_len == 7 && memcmp(name, ":status", 7) == 0)
        answer_of(user, frame->hd.stream_id)->status = atoi((const char *)value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
                   void *user)
{
    struct answer *a = answer_of(user, id);
    for (size_t i = 0; i < len && a->body + i < sizeof a->text - 1; i++)
        a->text[a->body + i] = (char)data[i];
    a->body += len;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    struct h2_client *h = user;
    answer_of(h, id)->closed = true;
    answer_of(h, id)->error = error;
    h->closed++;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    if (frame->hd.type == NGHTTP2_GOAWAY)
        ((struct h2_client *)user)->goaway = true;
    return 0;
}

static void h2_open(struct h2_client *h, uint32_t window, bool no_auto_update)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    memset(h, 0, sizeof *h);
    h->c = client_open();
    h->upload = BUF_INIT(BUF_UNLIMITED);
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, no_auto_update);
    nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
    nghttp2_session_client_new2(&h->session, callbacks, h, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    nghttp2_submit_settings(h->session, 0, settings, 1);
    nghttp2_session_set_local_window_size(h->session, 0, 0, 16 << 20);
}

static void h2_close(struct h2_client *h)
{
    nghttp2_session_del(h->session);
    client_close(&h->c);
    buf_release(&h->upload);
}

static ssize_t read_upload(nghttp2_session *session, int32_t id, uint8_t *buf, size_t len, uint32_t *flags,
                           nghttp2_data_source *source, void *user)
{
    struct h2_client *h = user;
    size_t n = h->upload.len - h->upload_at;
    n = n < len ? n : len;
    memcpy(buf, h->upload.data + h->upload_at, n);
    h->upload_at += n;
    if (h->upload_at == h->upload.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

#define NV(n, v) ((nghttp2_nv){(uint8_t *)(n), (uint8_t *)(v), strlen(n), strlen(v), 0})

static int32_t h2_request(struct h2_client *h, const char *method, const char *path, bool body)
{
    nghttp2_nv nv[] = {NV(":method", method), NV(":path", path), NV(":scheme", "http"),
                       NV(":authority", "x")};
    nghttp2_data_provider provider = {.read_callback = read_upload};
    return nghttp2_submit_request(h->session, NULL, nv, 4, body ? &provider : NULL, NULL);
}

/* Sends what waits, reads once. */
static bool h2_turn(struct h2_client *h)
{
    if (nghttp2_session_send(h->session) != 0)
        return false;
    if (!client_read(&h->c))
        return false;
    ssize_t n = nghttp2_session_mem_recv(h->session, (uint8_t *)h->c.in.data, h->c.in.len);
    buf_clear(&h->c.in);
    nghttp2_session_send(h->session);
    return n >= 0;
}

static struct answer *h2_wait(struct h2_client *h, int32_t id)
{
    while (!answer_of(h, id)->closed)
        if (!h2_turn(h))
            fail_msg("connection ended before stream %d", id);
    return answer_of(h, id);
}

static int setup(void **state)
{
    server_up((struct http_config){.head_seconds = 1,
                                   .idle_seconds = 2,
                                   .send_seconds = 2,
                                   .max_body = 100000,
                                   .max_jobs_per_connection = 50,
                                   .max_streams = 200});
    return 0;
}

static int teardown(void **state)
{
    server_down();
    return 0;
}

static void test_requests(void **state)
{
    struct h2_client h;
    h2_open(&h, 1 << 20, false);
    int32_t hello = h2_request(&h, "GET", "/hello", false), big = h2_request(&h, "GET", "/big?300000", false);
    int32_t held = h2_request(&h, "GET", "/hold", false), head = h2_request(&h, "HEAD", "/big?50000", false);
    int32_t headstream = h2_request(&h, "HEAD", "/stream?50000", false);
    int32_t unanswered = h2_request(&h, "GET", "/nothing", false);
    assert_string_equal(h2_wait(&h, hello)->text, "hello");
    assert_int_equal(h2_wait(&h, big)->body, 300000);
    wait_for(&T.held_count, 1);
    hold_release();
    assert_string_equal(h2_wait(&h, held)->text, "held");
    assert_int_equal(h2_wait(&h, head)->body, 0);
    assert_int_equal(h2_wait(&h, headstream)->body, 0);
    assert_int_equal(h2_wait(&h, unanswered)->status, 500);
    h2_close(&h);
}

static void test_uploads(void **state)
{
    struct h2_client h;
    h2_open(&h, 1 << 20, false);
    buf_reserve(&h.upload, 3000000);
    memset(h.upload.data, 'u', 3000000);
    h.upload.len = 100000;
    struct answer *a = h2_wait(&h, h2_request(&h, "POST", "/echo", true));
    assert_int_equal(a->status, 200);
    assert_int_equal(a->body, 100000);
    h.upload_at = 0, h.upload.len = 3000000;
    a = h2_wait(&h, h2_request(&h, "POST", "/echo", true));
    assert_int_equal(a->status, 413);
    assert_non_null(strstr(a->text, "refused 413"));
    h2_close(&h);
}

static void test_streams(void **state)
{
    struct h2_client h;
    h2_open(&h, 65535, false);
    int32_t watch = h2_request(&h, "GET", "/watch", false),
            stream = h2_request(&h, "GET", "/stream?2000000", false);
    assert_int_equal(h2_wait(&h, stream)->body, 2000000);
    assert_int_equal(answer_of(&h, watch)->status, 200);
    wait_for(&T.closed, 1);
    nghttp2_submit_rst_stream(h.session, 0, watch, NGHTTP2_CANCEL);
    nghttp2_session_send(h.session);
    wait_for(&T.closed, 2);
    h2_request(&h, "GET", "/watch", false);
    int32_t hello = h2_request(&h, "GET", "/hello", false);
    h2_wait(&h, hello);
    h2_close(&h);
    wait_for(&T.closed, 3); /* with the connection */
}

/* A stream whose client takes nothing is reset after send_seconds; its sibling goes on. */
static void test_stalled_stream(void **state)
{
    struct h2_client h;
    h2_open(&h, 10, true);
    int32_t stalled = h2_request(&h, "GET", "/stream?100000", false),
            small = h2_request(&h, "GET", "/hello", false);
    assert_string_equal(h2_wait(&h, small)->text, "hello");
    struct answer *a = h2_wait(&h, stalled);
    assert_int_equal(a->error, NGHTTP2_CANCEL);
    assert_int_equal(a->body, 10);
    wait_for(&T.closed, 1);
    h2_close(&h);
}

static void test_job_limit(void **state)
{
    struct h2_client h;
    h2_open(&h, 65535, false);
    int32_t last = 0;
    for (int i = 0; i < 51; i++)
        last = h2_request(&h, "GET", "/hold", false);
    assert_int_equal(h2_wait(&h, last)->status, 429);
    wait_for(&T.held_count, 50);
    hold_release();
    while (h.closed < 51)
        assert_true(h2_turn(&h));
    assert_int_equal(h2_wait(&h, h2_request(&h, "GET", "/hello", false))->status, 200);
    h2_close(&h);
}

static void test_header_limit(void **state)
{
    struct h2_client h;
    h2_open(&h, 65535, false);
    static char value[15000];
    memset(value, 'v', sizeof value - 1);
    nghttp2_nv nv[9] = {NV(":method", "GET"), NV(":path", "/hello"), NV(":scheme", "http"),
                        NV(":authority", "x")};
    for (int i = 4; i < 9; i++)
        nv[i] = NV("a", value);
    int32_t large = nghttp2_submit_request(h.session, NULL, nv, 9, NULL, NULL);
    assert_int_equal(h2_wait(&h, large)->status, 431);
    assert_int_equal(h2_wait(&h, h2_request(&h, "GET", "/hello", false))->status, 200);
    h2_close(&h);
}

static void test_late_body(void **state)
{
    struct h2_client h;
    h2_open(&h, 65535, false);
    nghttp2_nv nv[] = {NV(":method", "POST"), NV(":path", "/echo"), NV(":scheme", "http"),
                       NV(":authority", "x")};
    nghttp2_submit_headers(h.session, NGHTTP2_FLAG_NONE, -1, NULL, nv, 4, NULL);
    assert_int_equal(h2_wait(&h, 1)->status, 408);
    h2_close(&h);
}

static void test_idle_and_shutdown(void **state)
{
    struct h2_client h;
    h2_open(&h, 65535, false);
    h2_wait(&h, h2_request(&h, "GET", "/hello", false));
    while (h2_turn(&h))
        ;
    assert_true(h.goaway);
    h2_close(&h);
    h2_open(&h, 65535, false);
    int32_t held = h2_request(&h, "GET", "/hold", false);
    nghttp2_session_send(h.session);
    wait_for(&T.held_count, 1);
    hold_release();
    http_server_stop(T.server, 10); /* the answer leaves before the end */
    assert_string_equal(h2_wait(&h, held)->text, "held");
    while (h2_turn(&h))
        ;
    assert_true(h.goaway);
    h2_close(&h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_requests),  TEST(test_uploads),      TEST(test_streams),   TEST(test_stalled_stream),
        TEST(test_job_limit), TEST(test_header_limit), TEST(test_late_body), TEST(test_idle_and_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
