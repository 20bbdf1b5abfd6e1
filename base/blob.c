#include "base/blob.h"

#include "base/alloc.h"

static void release_inline(struct blob *blob)
{
    free(blob);
}

static void release_heap(struct blob *blob)
{
    free((void *)blob->data);
    free(blob);
}

struct blob *blob_copy(struct slice s)
{
    struct blob *blob = xmalloc(sizeof *blob + s.len);
    char *data = (char *)(blob + 1);
    if (s.len)
        memcpy(data, s.ptr, s.len);
    *blob = (struct blob){.refs = 1, .data = data, .len = s.len, .release = release_inline};
    return blob;
}

struct blob *blob_from_buf(struct buf *buf)
{
    struct blob *blob = xmalloc(sizeof *blob);
    *blob = (struct blob){.refs = 1, .data = buf->data, .len = buf->len, .release = release_heap};
    size_t max = buf->max;
    *buf = BUF_INIT(max);
    return blob;
}

struct blob *blob_static(struct slice s)
{
    struct blob *blob = xmalloc(sizeof *blob);
    *blob = (struct blob){.refs = 1, .data = s.ptr, .len = s.len, .release = release_inline};
    return blob;
}

struct blob *blob_ref(struct blob *blob)
{
    atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (blob && atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) == 1)
        blob->release(blob);
}
