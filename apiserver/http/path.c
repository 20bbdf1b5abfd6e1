#include "apiserver/http/path.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes one segment; false for a bad escape or a NUL. */
static bool decode_segment(struct arena *arena, struct slice raw, struct slice *ret)
{
    if (raw.len && memchr(raw.ptr, '\0', raw.len))
        return false;
    if (slice_find(raw, '%') < 0) {
        *ret = raw;
        return true;
    }
    char *out = arena_bytes(arena, raw.len);
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] != '%') {
            out[n++] = raw.ptr[i];
            continue;
        }
        if (raw.len - i < 3)
            return false;
        int high = hex_digit(raw.ptr[i + 1]), low = hex_digit(raw.ptr[i + 2]);
        if (high < 0 || low < 0 || (high | low) == 0)
            return false;
        out[n++] = (char)(high << 4 | low);
        i += 2;
    }
    *ret = slice_make(out, n);
    return true;
}

bool path_parse(struct arena *arena, struct slice raw_path, const struct slice **ret_segments,
                size_t *ret_count)
{
    if (raw_path.len == 0 || raw_path.ptr[0] != '/')
        return false;
    size_t count = 0;
    for (size_t i = 0; i < raw_path.len; i++)
        count += raw_path.ptr[i] == '/';
    struct slice *segments = arena_alloc(arena, count * sizeof *segments);
    struct slice rest = slice_from(raw_path, 1), part;
    for (size_t i = 0; slice_split(&rest, '/', &part); i++) {
        if (!decode_segment(arena, part, &segments[i]))
            return false;
        if (slice_is(segments[i], ".") || slice_is(segments[i], ".."))
            return false;
    }
    *ret_segments = segments;
    *ret_count = count;
    return true;
}
