/*
 * arena: memory with one lifetime. All that belongs to a request (or a list slice, or a decoded file) is cut
 * from one arena and goes with it at once; nothing in it is freed alone. One thread at a time.
 *
 *     cleanup_arena struct arena *a = arena_new();
 *     char *s = arena_printf(a, "%s/%s", ns, name);
 *
 * A limit (arena_set_limit) bounds what a client can make us hold. Crossing it does not fail the allocation;
 * it sets a flag that decoders look at (arena_exceeded) and turn into a 413, so that no caller checks for
 * NULL.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "base/slice.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);
/* Forgets all contents, keeps the first chunk for the next use. */
void arena_reset(struct arena *arena);
void arena_set_limit(struct arena *arena, size_t bytes);
bool arena_exceeded(const struct arena *arena);
size_t arena_used(const struct arena *arena);

/* Aligned to 16; contents undefined (arena_alloc) or zero (arena_zalloc). Never NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
/* Unaligned bytes, for text. */
char *arena_bytes(struct arena *arena, size_t size) __attribute__((returns_nonnull));

/* Copies are NUL-terminated one past their length, for the rare call that needs a C string. */
struct slice arena_dup(struct arena *arena, struct slice s);
char *arena_strdup(struct arena *arena, struct slice s);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args);
struct slice arena_slicef(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Grows an array of `count` elements in the arena to hold one more, doubling: arena_push(a, &items, &n, &cap,
 * sizeof *items) returns the address of the new, zeroed element. */
void *arena_push(struct arena *arena, void *items, size_t *count, size_t *capacity, size_t size);

/* Runs fn(arg) when the arena is freed or reset; latest first. For the few things in an arena that own more
 * than memory. */
void arena_on_free(struct arena *arena, void (*fn)(void *arg), void *arg);

DEFINE_CLEANUP(cleanup_arena_fn, struct arena *, arena_free)
#define cleanup_arena CLEANUP(cleanup_arena_fn)

#endif
