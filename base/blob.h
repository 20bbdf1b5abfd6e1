/*
 * blob: immutable bytes shared by reference count: an event serialised once and sent to a thousand watchers,
 * a cached OpenAPI document. The last unref frees. Any thread.
 */
#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include <stdatomic.h>
#include "base/buf.h"

struct blob {
    atomic_int refs;
    const char *data;
    size_t len;
    void (*release)(struct blob *blob); /* frees what data points to and the blob itself */
};

/* A copy of s, in one allocation. */
struct blob *blob_copy(struct slice s);
/* Takes over the buffer's bytes; the buffer is empty after. */
struct blob *blob_from_buf(struct buf *buf);
/* Bytes that live as long as the process. */
struct blob *blob_static(struct slice s);
struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob *blob); /* NULL is allowed */

static inline struct slice blob_slice(const struct blob *blob)
{
    return (struct slice){blob->data, blob->len};
}

DEFINE_CLEANUP(cleanup_blob_fn, struct blob *, blob_unref)
#define cleanup_blob CLEANUP(cleanup_blob_fn)

#endif
