/*
 * slice: a view of bytes that somebody else owns. Never NUL-terminated by promise.
 * Valid as long as the owner (an arena, a request, a mapped page) lives. Any thread.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE(lit) ((struct slice){(lit), sizeof(lit) - 1})
/* For printf: "%.*s", SLICE_ARG(s) */
#define SLICE_ARG(s) (int)(s).len, (s).ptr

static inline struct slice slice_make(const char *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

/* The view of a NUL-terminated string; NULL gives the empty slice. */
static inline struct slice slice_str(const char *s)
{
    return (struct slice){s ? s : "", s ? strlen(s) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
    return slice_eq(a, slice_str(s));
}

static inline bool slice_starts(struct slice a, struct slice prefix)
{
    return a.len >= prefix.len && memcmp(a.ptr, prefix.ptr, prefix.len) == 0;
}

static inline bool slice_ends(struct slice a, struct slice suffix)
{
    return a.len >= suffix.len && memcmp(a.ptr + a.len - suffix.len, suffix.ptr, suffix.len) == 0;
}

/* Order as by unsigned bytes, the shorter first: the order of Go's strings and of the store's keys. */
static inline int slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static inline struct slice slice_from(struct slice a, size_t at)
{
    return at >= a.len ? (struct slice){a.ptr + a.len, 0} : (struct slice){a.ptr + at, a.len - at};
}

/* The index of the first c, or -1. */
static inline long slice_find(struct slice a, char c)
{
    const char *p = a.len ? (const char *)memchr(a.ptr, c, a.len) : NULL;
    return p ? (long)(p - a.ptr) : -1;
}

/* Takes off *rest the part before the next sep (the whole of it if there is none); false when *rest is
 * used up (rest->ptr == NULL). "a,,b" gives "a", "", "b". */
static inline bool slice_split(struct slice *rest, char sep, struct slice *ret_part)
{
    if (!rest->ptr)
        return false;
    long i = slice_find(*rest, sep);
    if (i < 0) {
        *ret_part = *rest;
        *rest = (struct slice){NULL, 0};
    } else {
        *ret_part = (struct slice){rest->ptr, (size_t)i};
        *rest = (struct slice){rest->ptr + i + 1, rest->len - (size_t)i - 1};
    }
    return true;
}

#endif
