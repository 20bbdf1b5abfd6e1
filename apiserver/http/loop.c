#include "apiserver/http/internal.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/clock.h"

__thread struct loop *current_loop;

bool loop_init(struct loop *loop, struct http_server *server, unsigned index, struct error *err)
{
    loop->server = server;
    loop->index = index;
    loop->posts_tail = &loop->posts;
    pthread_mutex_init(&loop->post_lock, NULL);
    loop->stop_timer.loop = loop->listener_timer.loop = loop;
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return loop->wake_fd >= 0 || error_errno(err, "cannot create an eventfd");
}

#if defined(__SANITIZE_ADDRESS__)
/* libh2o keeps up to 16 chunks of 4 KiB per thread for reuse, out of our reach, and a thread that ends loses
 * them. */
const char *__lsan_default_suppressions(void);
__attribute__((weak)) const char *__lsan_default_suppressions(void)
{
    return "leak:h2o_mem_alloc_recycle\n";
}
#endif

/* ---- posts ---- */

void loop_post(struct loop *loop, struct post *post)
{
    post->next = NULL;
    pthread_mutex_lock(&loop->post_lock);
    bool first = !loop->posts;
    *loop->posts_tail = post;
    loop->posts_tail = &post->next;
    /* Within the lock: whoever sees the loop's last post is free to end the loop. */
    if (first) {
        uint64_t one = 1;
        while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
    }
    pthread_mutex_unlock(&loop->post_lock);
}

void loop_post_fn(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct post *post = xmalloc(sizeof *post);
    *post = (struct post){.fn = fn, .arg = arg, .allocated = true};
    loop_post(loop, post);
}

void http_post(struct http_server *server, unsigned loop, void (*fn)(void *arg), void *arg)
{
    loop_post_fn(&server->loops[loop], fn, arg);
}

void loop_run_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->post_lock);
    struct post *post = loop->posts;
    loop->posts = NULL;
    loop->posts_tail = &loop->posts;
    pthread_mutex_unlock(&loop->post_lock);
    while (post) {
        struct post *next = post->next;
        void (*fn)(void *arg) = post->fn;
        void *arg = post->arg;
        if (post->allocated)
            free(post);
        fn(arg);
        post = next;
    }
}

static void on_wake(h2o_socket_t *sock, const char *err)
{
    struct loop *loop = sock->data;
    uint64_t count;
    while (read(loop->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    loop_run_posts(loop);
    loop_end_turn(loop);
}

/* ---- turns ---- */

void loop_end_turn(struct loop *loop)
{
    while (loop->dirty || loop->closing || loop->dead) {
        struct conn *conn;
        while ((conn = loop->dirty)) {
            loop->dirty = conn->dirty_next;
            conn->dirty = false;
            conn_flush(conn);
        }
        /* Callbacks of owners may write again: hence the outer loop. Destroying comes last: whatever still
         * points to a dead connection has been told by then. */
        exchange_deliver_closes(loop);
        if (!loop->dirty && !loop->closing)
            conn_destroy_dead(loop);
    }
}

struct slice loop_date(struct loop *loop)
{
    int64_t now = clock_now_seconds();
    if (now != loop->date_second) {
        struct tm tm;
        time_t t = (time_t)now;
        gmtime_r(&t, &tm);
        strftime(loop->date, sizeof loop->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        loop->date_second = now;
    }
    return slice_str(loop->date);
}

static void check_stopped(struct loop *loop)
{
    if (loop->stopping && !loop->conns)
        loop->done = true;
}

static void *run(void *arg)
{
    struct loop *loop = arg;
    current_loop = loop;
    loop->ev = h2o_evloop_create();
    loop->wake_sock = h2o_evloop_socket_create(loop->ev, loop->wake_fd, H2O_SOCKET_FLAG_DONT_READ);
    loop->wake_sock->data = loop;
    h2o_socket_read_start(loop->wake_sock, on_wake);
    server_listen(loop);
    sem_post(&loop->server->ready);
    while (!loop->done) {
        /* A write made outside of h2o's callbacks has its completion waiting already: do not sleep on it. */
        int wait = loop->touched ? 0 : timer_wait(loop);
        loop->touched = false;
        h2o_evloop_run(loop->ev, wait); /* -1: interrupted */
        loop->touched = false;
        timer_run(loop);
        loop_end_turn(loop);
        check_stopped(loop);
    }
    server_unlisten(loop);
    h2o_socket_close(loop->wake_sock);
    loop->wake_fd = -1;
    h2o_evloop_run(loop->ev, 0); /* frees what was closed */
    h2o_evloop_destroy(loop->ev);
    while (h2o_socket_buffer_prototype.allocator.cnt)
        free(h2o_mem_alloc_recycle(&h2o_socket_buffer_prototype.allocator, 1));
    current_loop = NULL;
    return NULL;
}

void loop_start(struct loop *loop)
{
    if (pthread_create(&loop->thread, NULL, run, loop) != 0)
        abort(); /* no thread at start: nothing to serve with */
}

void loop_release(struct loop *loop)
{
    /* Answers that were posted after the end find their exchanges gone; running them releases what they hold.
     */
    current_loop = loop;
    loop_run_posts(loop);
    exchange_deliver_closes(loop);
    current_loop = NULL;
    while (loop->heap_count) {
        struct http_timer *timer = loop->heap[1];
        timer_disarm(timer);
        if (timer->allocated)
            free(timer);
    }
    free(loop->heap);
    while (loop->spare_count)
        arena_free(loop->spare[--loop->spare_count]);
    while (loop->wbufs) {
        struct wbuf *w = loop->wbufs;
        loop->wbufs = w->next;
        free(w);
    }
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    pthread_mutex_destroy(&loop->post_lock);
}
