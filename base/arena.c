#include "base/arena.h"

#include <stdio.h>

#include "base/alloc.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n)   ((void)0)
#define UNPOISON(p, n) ((void)0)
#endif

enum { FIRST_CHUNK = 8 * 1024, LARGEST_CHUNK = 256 * 1024, ALIGNMENT = 16 };

struct chunk {
    struct chunk *next;
    size_t size; /* of data */
    _Alignas(ALIGNMENT) char data[];
};

struct on_free {
    struct on_free *next;
    void (*fn)(void *arg);
    void *arg;
};

struct arena {
    struct chunk *chunks; /* newest first; the last one is the first chunk, kept by reset */
    char *at, *end;       /* the free part of the newest chunk */
    size_t used, limit, next_size;
    struct on_free *on_free;
};

static struct chunk *add_chunk(struct arena *arena, size_t size)
{
    struct chunk *chunk = xmalloc(sizeof *chunk + size);
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    POISON(chunk->data, size);
    return chunk;
}

struct arena *arena_new(void)
{
    struct arena *arena = xcalloc(1, sizeof *arena);
    arena->limit = SIZE_MAX;
    arena->next_size = 2 * FIRST_CHUNK;
    struct chunk *chunk = add_chunk(arena, FIRST_CHUNK);
    arena->at = chunk->data;
    arena->end = chunk->data + chunk->size;
    return arena;
}

static void run_on_free(struct arena *arena)
{
    while (arena->on_free) {
        struct on_free *hook = arena->on_free;
        arena->on_free = hook->next;
        hook->fn(hook->arg);
    }
}

static void free_chunk(struct chunk *chunk)
{
    UNPOISON(chunk->data, chunk->size);
    free(chunk);
}

void arena_reset(struct arena *arena)
{
    run_on_free(arena);
    while (arena->chunks->next) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free_chunk(chunk);
    }
    arena->at = arena->chunks->data;
    arena->end = arena->at + arena->chunks->size;
    POISON(arena->at, arena->chunks->size);
    arena->used = 0;
    arena->next_size = 2 * FIRST_CHUNK;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    run_on_free(arena);
    while (arena->chunks) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free_chunk(chunk);
    }
    free(arena);
}

void arena_set_limit(struct arena *arena, size_t bytes)
{
    arena->limit = bytes;
}

bool arena_exceeded(const struct arena *arena)
{
    return arena->used > arena->limit;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

static void *cut(struct arena *arena, size_t size, size_t align)
{
    arena->used += size;
    char *p = (char *)(((uintptr_t)arena->at + align - 1) & ~(uintptr_t)(align - 1));
    if (p <= arena->end && (size_t)(arena->end - p) >= size) {
        arena->at = p + size;
        UNPOISON(p, size);
        return p;
    }
    if (size > arena->next_size / 4) { /* a chunk of its own, so that the free part stays in use */
        struct chunk *chunk = add_chunk(arena, size);
        if (chunk->next) { /* keep the current chunk the newest, whose rest is still being cut */
            arena->chunks = chunk->next;
            chunk->next = arena->chunks->next;
            arena->chunks->next = chunk;
        }
        UNPOISON(chunk->data, size);
        return chunk->data;
    }
    struct chunk *chunk = add_chunk(arena, arena->next_size);
    if (arena->next_size < LARGEST_CHUNK)
        arena->next_size *= 2;
    arena->at = chunk->data + size;
    arena->end = chunk->data + chunk->size;
    UNPOISON(chunk->data, size);
    return chunk->data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return cut(arena, size, ALIGNMENT);
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

char *arena_bytes(struct arena *arena, size_t size)
{
    return cut(arena, size, 1);
}

struct slice arena_dup(struct arena *arena, struct slice s)
{
    return (struct slice){arena_strdup(arena, s), s.len};
}

char *arena_strdup(struct arena *arena, struct slice s)
{
    char *copy = arena_bytes(arena, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return copy;
}

char *arena_vprintf(struct arena *arena, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    char few[256]; /* most texts are short: formatted once */
    int n = vsnprintf(few, sizeof few, fmt, args);
    char *text = arena_bytes(arena, (size_t)n + 1);
    if ((size_t)n < sizeof few)
        memcpy(text, few, (size_t)n + 1);
    else
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

struct slice arena_slicef(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return slice_str(text);
}

void *arena_push(struct arena *arena, void *items, size_t *count, size_t *capacity, size_t size)
{
    void **array = items;
    if (*count == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 4;
        void *bigger = arena_alloc(arena, more * size);
        if (*count)
            memcpy(bigger, *array, *count * size);
        *array = bigger;
        *capacity = more;
    }
    return memset((char *)*array + (*count)++ * size, 0, size);
}

void arena_on_free(struct arena *arena, void (*fn)(void *arg), void *arg)
{
    struct on_free *hook = arena_alloc(arena, sizeof *hook);
    *hook = (struct on_free){arena->on_free, fn, arg};
    arena->on_free = hook;
}
