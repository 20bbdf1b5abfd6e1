/*
 * cleanup: every owning local is declared with one of these and so released on every way out of its block.
 * To hand the value on: `return steal(&ptr)`. A subsystem with its own type adds its own
 * `cleanup_x` beside its declaration with DEFINE_CLEANUP.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Defines static fn(type *): calls release(*p) unless *p is NULL. */
#define DEFINE_CLEANUP(fn, type, release)                                                                    \
    static inline void fn(type *p)                                                                           \
    {                                                                                                        \
        if (*p)                                                                                              \
            release(*p);                                                                                     \
    }

#define steal(p)                                                                                             \
    ({                                                                                                       \
        __typeof__(*(p)) stolen_ = *(p);                                                                     \
        *(p) = NULL;                                                                                         \
        stolen_;                                                                                             \
    })

static inline void cleanup_free_fn(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_fd_fn(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

DEFINE_CLEANUP(cleanup_file_fn, FILE *, fclose)

#define cleanup_free CLEANUP(cleanup_free_fn)
#define cleanup_fd   CLEANUP(cleanup_fd_fn)
#define cleanup_file CLEANUP(cleanup_file_fn)

#endif
