/*
 * protobuf_wire: the bytes that protobuf messages are made of, appended to a buffer. A message inside another
 * one is written in place: open, write, close; closing puts its length before it.
 *
 * Inside of openapi/ and of those who frame what it made. Pure; any thread.
 * Source: https://protobuf.dev/programming-guides/encoding/
 */
#ifndef OPENAPI_PROTOBUF_WIRE_H
#define OPENAPI_PROTOBUF_WIRE_H

#include "base/buf.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

enum { WIRE_VARINT_MAX = 10 };

/* Writes n at `to` (room for WIRE_VARINT_MAX); returns the end. */
static inline char *wire_varint_at(char *to, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        *to++ = (char)(n | 0x80);
    *to++ = (char)n;
    return to;
}

static inline void wire_put_varint(struct buf *out, uint64_t n)
{
    char *to = buf_reserve(out, WIRE_VARINT_MAX);
    if (to)
        out->len += (size_t)(wire_varint_at(to, n) - to);
}

static inline void wire_put_tag(struct buf *out, uint32_t number, enum wire_type type)
{
    wire_put_varint(out, (uint64_t)number << 3 | type);
}

static inline void wire_put_uint(struct buf *out, uint32_t number, uint64_t n)
{
    char *to = buf_reserve(out, 2 * WIRE_VARINT_MAX);
    if (to)
        out->len += (size_t)(wire_varint_at(wire_varint_at(to, (uint64_t)number << 3), n) - to);
}

static inline void wire_put_bytes(struct buf *out, uint32_t number, struct slice s)
{
    char *to = buf_reserve(out, 2 * WIRE_VARINT_MAX + s.len), *end;
    if (!to)
        return;
    end = wire_varint_at(wire_varint_at(to, (uint64_t)number << 3 | WIRE_BYTES), s.len);
    if (s.len)
        memcpy(end, s.ptr, s.len);
    out->len += (size_t)(end - to) + s.len;
}

/* Begins a message; the result is for wire_close(). */
static inline size_t wire_open(struct buf *out, uint32_t number)
{
    char *to = buf_reserve(out, WIRE_VARINT_MAX + 1);
    if (to)
        out->len += (size_t)(wire_varint_at(to, (uint64_t)number << 3 | WIRE_BYTES) - to) +
                    1; /* one for the length */
    return out->len;
}

static inline void wire_close(struct buf *out, size_t start)
{
    if (out->failed)
        return;
    size_t len = out->len - start, more = 0;
    for (size_t rest = len >> 7; rest; rest >>= 7)
        more++;
    if (more && !buf_reserve(out, more))
        return;
    if (more)
        memmove(out->data + start + more, out->data + start, len);
    wire_varint_at(out->data + start - 1, len);
    out->len += more;
}

#endif
