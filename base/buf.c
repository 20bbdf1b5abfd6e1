#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

void buf_release(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT(buf->max);
}

void buf_grow_slow(struct buf *buf, size_t more)
{
    if (buf->failed || more > buf->max - buf->len) {
        buf->failed = true;
        return;
    }
    size_t want = buf->cap ? buf->cap * 2 : 256;
    while (want < buf->len + more)
        want *= 2;
    if (want > buf->max)
        want = buf->max;
    buf->data = xrealloc(buf->data, want);
    buf->cap = want;
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t room = buf->failed ? 0 : buf->cap - buf->len;
    int n = vsnprintf(room ? buf->data + buf->len : NULL, room, fmt, args);
    char *at = buf_reserve(buf, (size_t)n + 1);
    if (at && (size_t)n >= room)
        vsnprintf(at, (size_t)n + 1, fmt, again);
    if (at)
        buf->len += (size_t)n;
    va_end(again);
    va_end(args);
}

void buf_put_uint(struct buf *buf, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    buf_put(buf, digits + at, sizeof digits - at);
}

void buf_put_int(struct buf *buf, int64_t n)
{
    if (n < 0)
        buf_putc(buf, '-');
    buf_put_uint(buf, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

/* What each byte needs in a JSON string: 0 nothing, 'u' six characters, else the character after a backslash.
 */
static const char json_escape[256] = {
    ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\b'] = 'b', ['\f'] = 'f',
    [0] = 'u',   [1] = 'u',     [2] = 'u',    [3] = 'u',    [4] = 'u',    [5] = 'u',    [6] = 'u',
    [7] = 'u',   [11] = 'u',    [14] = 'u',   [15] = 'u',   [16] = 'u',   [17] = 'u',   [18] = 'u',
    [19] = 'u',  [20] = 'u',    [21] = 'u',   [22] = 'u',   [23] = 'u',   [24] = 'u',   [25] = 'u',
    [26] = 'u',  [27] = 'u',    [28] = 'u',   [29] = 'u',   [30] = 'u',   [31] = 'u',   ['<'] = 'u',
    ['>'] = 'u', ['&'] = 'u',   [0xe2] = 'w', /* perhaps U+2028 or U+2029 */
};

void buf_put_json_string(struct buf *buf, struct slice s)
{
    buf_putc(buf, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        char how = json_escape[c];
        if (!how)
            continue;
        if (how == 'w' && !(i + 2 < s.len && (unsigned char)s.ptr[i + 1] == 0x80 &&
                            ((unsigned char)s.ptr[i + 2] & 0xfe) == 0xa8))
            continue;
        buf_put(buf, s.ptr + from, i - from);
        if (how == 'w') {
            buf_printf(buf, "\\u202%c", (unsigned char)s.ptr[i + 2] == 0xa8 ? '8' : '9');
            i += 2;
        } else if (how == 'u') {
            buf_printf(buf, "\\u%04x", c);
        } else {
            buf_put(buf, (char[2]){'\\', how}, 2);
        }
        from = i + 1;
    }
    buf_put(buf, s.ptr + from, s.len - from);
    buf_putc(buf, '"');
}

void buf_put_quoted(struct buf *buf, struct slice s)
{
    buf_putc(buf, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        static const char short_escape[] = "abtnvfr";
        if (c == '"' || c == '\\')
            buf_put(buf, (char[2]){'\\', (char)c}, 2);
        else if (c >= 7 && c <= 13)
            buf_put(buf, (char[2]){'\\', short_escape[c - 7]}, 2);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(buf, "\\x%02x", c);
        else
            buf_putc(buf, (char)c);
    }
    buf_putc(buf, '"');
}

const char *buf_cstr(struct buf *buf)
{
    char *at = buf_reserve(buf, 1);
    if (!at)
        return "";
    *at = 0;
    return buf->data;
}
