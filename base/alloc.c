#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static void *must(void *ptr, size_t size)
{
    if (ptr || size == 0)
        return ptr;
    static const char text[] = "coxswain: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    abort();
}

void *xmalloc(size_t size)
{
    return must(malloc(size ? size : 1), 1);
}

void *xcalloc(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1), 1);
}

void *xrealloc(void *ptr, size_t size)
{
    return must(realloc(ptr, size ? size : 1), 1);
}

char *xstrndup(const char *s, size_t len)
{
    char *copy = xmalloc(len + 1);
    if (len)
        memcpy(copy, s, len);
    copy[len] = 0;
    return copy;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *slice_strdup(struct slice s)
{
    return xstrndup(s.ptr, s.len);
}

char *xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    return must(n < 0 ? NULL : text, 1);
}
