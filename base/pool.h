/*
 * pool: threads that run jobs which may block. A bounded queue; threads are started as jobs wait and end
 * after idling, so an idle server holds none. Jobs start in order of arrival. Any thread may submit.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool;

struct pool *pool_new(const char *name, size_t max_threads, size_t max_queue);
/* False when the queue is full: the caller answers "too many requests". */
bool pool_submit(struct pool *pool, void (*run)(void *arg), void *arg);
/* Waits until all that was submitted has run, then frees. No submits may follow. */
void pool_free(struct pool *pool);
size_t pool_pending(struct pool *pool); /* queued and running */

#endif
