#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/alloc.h"

/* As much stack as a main thread has: decoders recurse a thousand levels deep. Only what is touched costs memory. */
enum { IDLE_SECONDS = 10, STACK = 8 << 20 };

struct job {
    void (*run)(void *arg);
    void *arg;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct job *ring;
    size_t capacity, head, count;
    size_t threads, waiting, running, max_threads;
    bool closing;
    char name[16];
};

struct pool *pool_new(const char *name, size_t max_threads, size_t max_queue)
{
    struct pool *pool = xcalloc(1, sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->work, &attr);
    pthread_cond_init(&pool->idle, &attr);
    pthread_condattr_destroy(&attr);
    pool->ring = xcalloc(max_queue, sizeof *pool->ring);
    pool->capacity = max_queue;
    pool->max_threads = max_threads;
    strncpy(pool->name, name, sizeof pool->name - 1);
    return pool;
}

/* With the lock held: waits for a job; false when this thread has idled long enough or the pool closes. */
static bool next_job(struct pool *pool, struct job *ret_job)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    int rc = 0;
    while (pool->count == 0 && !pool->closing && rc != ETIMEDOUT) {
        pool->waiting++;
        rc = pthread_cond_timedwait(&pool->work, &pool->lock, &until);
        pool->waiting--;
    }
    if (pool->count == 0)
        return false;
    *ret_job = pool->ring[pool->head];
    pool->head = (pool->head + 1) % pool->capacity;
    pool->count--;
    return true;
}

static void *thread_main(void *arg)
{
    struct pool *pool = arg;
    pthread_setname_np(pthread_self(), pool->name);
    pthread_mutex_lock(&pool->lock);
    struct job job;
    while (next_job(pool, &job)) {
        pool->running++;
        pthread_mutex_unlock(&pool->lock);
        job.run(job.arg);
        pthread_mutex_lock(&pool->lock);
        pool->running--;
    }
    pool->threads--;
    if (pool->threads == 0)
        pthread_cond_broadcast(&pool->idle);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static bool start_thread(struct pool *pool)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_t thread;
    bool ok = pthread_create(&thread, &attr, thread_main, pool) == 0;
    pthread_attr_destroy(&attr);
    pool->threads += ok;
    return ok;
}

bool pool_submit(struct pool *pool, void (*run)(void *arg), void *arg)
{
    pthread_mutex_lock(&pool->lock);
    bool ok = !pool->closing && pool->count < pool->capacity;
    if (ok && pool->count >= pool->waiting && pool->threads < pool->max_threads)
        ok = start_thread(pool) || pool->threads > 0;
    if (ok) {
        pool->ring[(pool->head + pool->count++) % pool->capacity] = (struct job){run, arg};
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return ok;
}

size_t pool_pending(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t n = pool->count + pool->running;
    pthread_mutex_unlock(&pool->lock);
    return n;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->work);
    while (pool->threads > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->idle);
    free(pool->ring);
    free(pool);
}
