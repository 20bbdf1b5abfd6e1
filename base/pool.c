#include "base/pool.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "base/alloc.h"

/* As much stack as a main thread has: decoders recurse a thousand levels deep. Only what is touched costs
 * memory. */
enum { IDLE_SECONDS = 10, STACK = 8 << 20 };

struct job {
    void (*run)(void *arg);
    void *arg;
};

/* A thread. While it idles it is on the pool's stack, and whoever has a job hands it over and wakes this one
 * alone, after letting go of the lock: a condition variable would wake it into the lock that its waker still
 * holds. */
struct worker {
    struct worker *next; /* idle, below this one */
    struct pool *pool;
    sem_t wake;
    struct job job; /* run NULL: the pool closes */
    bool woken;     /* taken off the idle ones: wake is posted, or about to be */
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct job *ring;
    size_t capacity, head, count;
    size_t threads, running, max_threads;
    struct worker *idle; /* the last to idle first: its stack is warm, and the others may end */
    bool closing;
    char name[16];
};

struct pool *pool_new(const char *name, size_t max_threads, size_t max_queue)
{
    struct pool *pool = xcalloc(1, sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->ended, NULL);
    pool->ring = xcalloc(max_queue, sizeof *pool->ring);
    pool->capacity = max_queue;
    pool->max_threads = max_threads;
    strncpy(pool->name, name, sizeof pool->name - 1);
    return pool;
}

static bool take_queued(struct pool *pool, struct job *ret_job)
{
    if (pool->count == 0)
        return false;
    *ret_job = pool->ring[pool->head];
    pool->head = (pool->head + 1) % pool->capacity;
    pool->count--;
    pool->running++;
    return true;
}

static void leave_idle(struct pool *pool, const struct worker *worker)
{
    struct worker **at = &pool->idle;
    while (*at != worker)
        at = &(*at)->next;
    *at = worker->next;
}

/* With the lock held: waits to be given a job; false when this thread has idled long enough or the pool
 * closes. */
static bool wait_for_job(struct pool *pool, struct worker *worker)
{
    struct timespec until;
    int rc;
    worker->job.run = NULL;
    worker->woken = false;
    worker->next = pool->idle;
    pool->idle = worker;
    pthread_mutex_unlock(&pool->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    do
        rc = sem_clockwait(&worker->wake, CLOCK_MONOTONIC, &until);
    while (rc != 0 && errno == EINTR);
    pthread_mutex_lock(&pool->lock);
    if (!worker->woken)
        leave_idle(pool, worker);
    else if (rc !=
             0) /* the waker came a moment late: it must be through with this worker before that may end */
        while (sem_wait(&worker->wake) != 0)
            ;
    return worker->job.run != NULL;
}

static bool next_job(struct pool *pool, struct worker *worker)
{
    return take_queued(pool, &worker->job) || (!pool->closing && wait_for_job(pool, worker));
}

static void *thread_main(void *arg)
{
    struct pool *pool = arg;
    struct worker worker = {.pool = pool};
    sem_init(&worker.wake, 0, 0);
    pthread_setname_np(pthread_self(), pool->name);
    pthread_mutex_lock(&pool->lock);
    while (next_job(pool, &worker)) {
        pthread_mutex_unlock(&pool->lock);
        worker.job.run(worker.job.arg);
        pthread_mutex_lock(&pool->lock);
        pool->running--;
    }
    sem_destroy(&worker.wake);
    pool->threads--;
    bool last = pool->threads == 0 && !pool->closing;
    if (pool->threads == 0)
        pthread_cond_broadcast(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
    if (last) /* a burst is over: give back what it needed */
        malloc_trim(0);
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

/* With the lock held: takes one off the idle ones; the caller posts its semaphore. */
static struct worker *pop_idle(struct pool *pool)
{
    struct worker *worker = pool->idle;
    if (worker) {
        pool->idle = worker->next;
        worker->woken = true;
    }
    return worker;
}

/* With the lock held: the idle worker that has got the job, NULL when it was queued; false: no room. */
static bool place(struct pool *pool, struct job job, struct worker **ret_woken)
{
    struct worker *worker = pop_idle(pool);
    *ret_woken = worker;
    if (worker) {
        worker->job = job;
        pool->running++;
        return true;
    }
    if (pool->count == pool->capacity ||
        (pool->threads < pool->max_threads && !start_thread(pool) && !pool->threads))
        return false;
    pool->ring[(pool->head + pool->count++) % pool->capacity] = job;
    return true;
}

bool pool_submit(struct pool *pool, void (*run)(void *arg), void *arg)
{
    struct worker *woken = NULL;
    pthread_mutex_lock(&pool->lock);
    bool ok = !pool->closing && place(pool, (struct job){run, arg}, &woken);
    pthread_mutex_unlock(&pool->lock);
    if (woken)
        sem_post(&woken->wake);
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
    for (struct worker *worker; (worker = pop_idle(pool));)
        sem_post(&worker->wake);
    while (pool->threads > 0)
        pthread_cond_wait(&pool->ended, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->ended);
    free(pool->ring);
    free(pool);
}
