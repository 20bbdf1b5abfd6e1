/*
 * buf: a growable run of bytes on the heap, with a maximum it is born with. Writing past the maximum sets
 * `failed` and writes nothing more; the writer checks once, at the end. One thread at a time.
 *
 *     struct buf b = BUF_INIT(1 << 20);
 *     buf_puts(&b, "hello");
 *     ... b.data, b.len ...
 *     buf_release(&b);
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>
#include "base/cleanup.h"
#include "base/slice.h"

struct buf {
    char *data; /* NULL until the first byte; not NUL-terminated unless buf_cstr was called */
    size_t len, cap, max;
    bool failed;
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})
#define BUF_UNLIMITED     SIZE_MAX

void buf_release(struct buf *buf);
void buf_grow_slow(struct buf *buf, size_t more);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_put_int(struct buf *buf, int64_t n);
void buf_put_uint(struct buf *buf, uint64_t n);
/* s as a JSON string with its quotes, escaped as Go's encoding/json does (<, >, & and U+2028/9 escaped too).
 */
void buf_put_json_string(struct buf *buf, struct slice s);
/* s as Go's %q prints it: quotes, \n \t \" \\, \x.. and \u.... for what cannot be printed. */
void buf_put_quoted(struct buf *buf, struct slice s);
const char *buf_cstr(struct buf *buf);

/* Makes room for `more` bytes after len; returns where to write, or NULL past the maximum. */
static inline char *buf_reserve(struct buf *buf, size_t more)
{
    if (buf->cap - buf->len < more)
        buf_grow_slow(buf, more);
    return buf->failed ? NULL : buf->data + buf->len;
}

static inline void buf_put(struct buf *buf, const void *bytes, size_t len)
{
    if (buf->cap - buf->len < len) {
        buf_grow_slow(buf, len);
        if (buf->failed)
            return;
    }
    if (len)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
}

static inline void buf_putc(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

static inline void buf_put_slice(struct buf *buf, struct slice s)
{
    buf_put(buf, s.ptr, s.len);
}

static inline void buf_puts(struct buf *buf, const char *s)
{
    buf_put(buf, s, strlen(s));
}

static inline struct slice buf_slice(const struct buf *buf)
{
    return (struct slice){buf->data ? buf->data : "", buf->len};
}

static inline void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

#define cleanup_buf CLEANUP(buf_release)

#endif
