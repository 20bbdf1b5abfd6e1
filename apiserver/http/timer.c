#include "apiserver/http/internal.h"
#include "base/clock.h"

/* Timers of a loop are a binary heap by due time. libh2o's own are not used: they follow the wall clock,
 * whose steps would move every deadline. */

int64_t now_millis(void)
{
    return clock_mono_nanos() / 1000000;
}

static void place(struct loop *loop, struct http_timer *timer, size_t i)
{
    loop->heap[i] = timer;
    timer->index = i;
}

static void sift_up(struct loop *loop, struct http_timer *timer, size_t i)
{
    for (; i > 1 && loop->heap[i / 2]->at > timer->at; i /= 2)
        place(loop, loop->heap[i / 2], i);
    place(loop, timer, i);
}

static void sift_down(struct loop *loop, struct http_timer *timer, size_t i)
{
    size_t child;
    for (; (child = 2 * i) <= loop->heap_count; i = child) {
        if (child < loop->heap_count && loop->heap[child + 1]->at < loop->heap[child]->at)
            child++;
        if (loop->heap[child]->at >= timer->at)
            break;
        place(loop, loop->heap[child], i);
    }
    place(loop, timer, i);
}

void timer_disarm(struct http_timer *timer)
{
    size_t i = timer->index;
    if (i == 0)
        return;
    struct loop *loop = timer->loop;
    timer->index = 0;
    struct http_timer *last = loop->heap[loop->heap_count--];
    if (last == timer)
        return;
    if (i > 1 && loop->heap[i / 2]->at > last->at)
        sift_up(loop, last, i);
    else
        sift_down(loop, last, i);
}

void timer_arm(struct http_timer *timer, int64_t at)
{
    struct loop *loop = timer->loop;
    timer_disarm(timer);
    timer->at = at;
    if (loop->heap_count + 2 > loop->heap_cap) {
        loop->heap_cap = loop->heap_cap ? 2 * loop->heap_cap : 64;
        loop->heap = xrealloc(loop->heap, loop->heap_cap * sizeof *loop->heap);
    }
    sift_up(loop, timer, ++loop->heap_count);
}

int timer_wait(struct loop *loop)
{
    enum { LONGEST = 60 * 1000 };
    if (loop->heap_count == 0)
        return LONGEST;
    int64_t left = loop->heap[1]->at - now_millis();
    return left < 0 ? 0 : left > LONGEST ? LONGEST : (int)left;
}

void timer_run(struct loop *loop)
{
    if (loop->heap_count == 0)
        return;
    int64_t now = now_millis();
    while (loop->heap_count && loop->heap[1]->at <= now) {
        struct http_timer *timer = loop->heap[1];
        timer_disarm(timer);
        void (*fn)(void *arg) = timer->fn;
        void *arg = timer->arg;
        if (timer->allocated)
            free(timer);
        fn(arg);
    }
}

struct http_timer *http_timer_start(struct http_server *server, unsigned loop, int64_t millis,
                                    void (*fn)(void *arg), void *arg)
{
    struct http_timer *timer = xcalloc(1, sizeof *timer);
    *timer = (struct http_timer){.loop = &server->loops[loop], .fn = fn, .arg = arg, .allocated = true};
    timer_arm(timer, now_millis() + millis);
    return timer;
}

void http_timer_cancel(struct http_timer *timer)
{
    if (!timer)
        return;
    timer_disarm(timer);
    free(timer);
}

bool bucket_take(struct bucket *bucket, double size, double per_second, int64_t now)
{
    bucket->level -= (double)(now - bucket->last) * per_second / 1000;
    if (bucket->level < 0)
        bucket->level = 0;
    bucket->last = now;
    bucket->level += 1;
    return bucket->level <= size;
}
