#include "apiserver/http/testing.h"

static int setup(void **state)
{
    server_up((struct http_config){.max_connections = 20});
    return 0;
}

static int teardown(void **state)
{
    server_down();
    return 0;
}

/* ---- posts ---- */

enum { POSTERS = 4, POSTS = 5000 };

struct poster {
    unsigned loop, id;
    pthread_t thread;
};

struct note {
    unsigned poster, number;
};

static unsigned last_number[POSTERS], disorder, received;

static void on_note(void *arg)
{
    struct note *note = arg;
    disorder += note->number != last_number[note->poster] + 1;
    last_number[note->poster] = note->number;
    free(note);
    count(&received);
}

static void *post_all(void *arg)
{
    struct poster *poster = arg;
    for (unsigned i = 1; i <= POSTS; i++) {
        struct note *note = xmalloc(sizeof *note);
        *note = (struct note){poster->id, i};
        http_post(T.server, 1, on_note, note);
    }
    return NULL;
}

static void test_posts_keep_their_order(void **state)
{
    struct poster posters[POSTERS];
    for (unsigned i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.id = i};
        pthread_create(&posters[i].thread, NULL, post_all, &posters[i]);
    }
    for (unsigned i = 0; i < POSTERS; i++)
        pthread_join(posters[i].thread, NULL);
    wait_for(&received, POSTERS * POSTS);
    assert_int_equal(disorder, 0);
}

/* ---- timers ---- */

static char fired[32];
static unsigned timers_done;

static void on_timer(void *arg)
{
    strcat(fired, arg);
    count(&timers_done);
}

static void start_timers(void *arg)
{
    static char c[] = "c", a[] = "a", b[] = "b", never[] = "!";
    http_timer_start(T.server, 0, 60, on_timer, c);
    http_timer_start(T.server, 0, 5, on_timer, a);
    struct http_timer *cancelled = http_timer_start(T.server, 0, 20, on_timer, never);
    http_timer_start(T.server, 0, 30, on_timer, b);
    http_timer_start(T.server, 0, 3600 * 1000, on_timer, never); /* freed with the server */
    http_timer_cancel(cancelled);
    http_timer_cancel(NULL);
}

static void test_timers(void **state)
{
    http_post(T.server, 0, start_timers, NULL);
    wait_for(&timers_done, 3);
    assert_string_equal(fired, "abc");
}

/* ---- connections ---- */

/* A full house: the one idle longest makes room. */
static void test_idle_makes_room(void **state)
{
    struct client idle[20];
    for (int i = 0; i < 20; i++)
        idle[i] = client_open();
    struct client late = client_open();
    client_puts(&late, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&late, "hello");
    client_close(&late);
    for (int i = 0; i < 20; i++)
        client_close(&idle[i]);
}

/* The client leaves while another thread has its request. */
static void test_answer_to_nobody(void **state)
{
    struct client c = client_open();
    client_puts(&c, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&T.held_count, 1);
    client_close(&c);
    int64_t until = clock_now_seconds() + 10;
    while (!http_gone(T.held[0]) && clock_now_seconds() < until)
        poll(NULL, 0, 1);
    assert_true(http_gone(T.held[0]));
    hold_release();
    still_serves();
}

static void test_stop_ends_what_is_left(void **state)
{
    struct client stream = client_open(), pipe = client_open(), held = client_open(), idle = client_open();
    client_puts(&stream, "GET /watch HTTP/1.1\r\nHost: x\r\n\r\n");
    client_puts(&pipe, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: spdy/3.1\r\n\r\n");
    client_puts(&held, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&stream, "chunked");
    client_expect(&pipe, "101");
    wait_for(&T.held_count, 1);
    http_server_stop(T.server, 0);
    assert_int_equal(T.closed, 1);
    assert_int_equal(T.pipes_closed, 1);
    client_rest(&idle);
    client_rest(&stream);
    client_close(&stream), client_close(&pipe), client_close(&held), client_close(&idle);
    hold_release(); /* after the end: harmless */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_posts_keep_their_order), TEST(test_timers),
        TEST(test_idle_makes_room),        TEST(test_answer_to_nobody),
        TEST(test_stop_ends_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
