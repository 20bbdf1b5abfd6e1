/*
 * alloc: the one out-of-memory policy. Memory whose size we chose never fails: when malloc gives nothing the
 * process says so and aborts, is restarted by its supervisor, and has lost nothing (what was acknowledged is
 * on disk). Sizes that a client chooses are limited before they get here (arena_set_limit, buf limits, http
 * limits). Any thread.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdlib.h>
#include "base/slice.h"

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *ptr, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t len) __attribute__((malloc, returns_nonnull));
/* A NUL-terminated copy of s on the heap. */
char *slice_strdup(struct slice s) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));

#endif
