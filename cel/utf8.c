#include "cel/utf8.h"

enum { REPLACEMENT = 0xfffd };

size_t utf8_decode(struct slice s, size_t at, uint32_t *ret_rune)
{
    const unsigned char *p = (const unsigned char *)s.ptr + at;
    switch (p[0] < 0x80 ? 1 : utf8_length(s.ptr + at, s.ptr + s.len)) {
    case 1:
        *ret_rune = p[0];
        return 1;
    case 2:
        *ret_rune = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        return 2;
    case 3:
        *ret_rune = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        return 3;
    case 4:
        *ret_rune = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
                    (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
        return 4;
    default:
        *ret_rune = REPLACEMENT;
        return 1;
    }
}

size_t utf8_size(struct slice s, size_t at)
{
    uint32_t rune;
    return utf8_decode(s, at, &rune);
}

/* Eight ASCII bytes at once: almost all text is. */
static bool ascii_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return (word & 0x8080808080808080u) == 0;
}

size_t utf8_count(struct slice s)
{
    size_t count = 0, at = 0;
    while (at < s.len) {
        if (s.len - at >= 8 && ascii_word(s.ptr + at)) {
            at += 8;
            count += 8;
            continue;
        }
        at += utf8_size(s, at);
        count++;
    }
    return count;
}

bool utf8_valid(struct slice s)
{
    for (size_t at = 0; at < s.len;) {
        uint32_t rune;
        size_t size = utf8_decode(s, at, &rune);
        if (size == 1 && (s.ptr[at] & 0x80))
            return false;
        at += size;
    }
    return true;
}

long utf8_offset(struct slice s, size_t index)
{
    size_t at = 0;
    while (index > 0 && at < s.len) {
        at += utf8_size(s, at);
        index--;
    }
    return index > 0 ? -1 : (long)at;
}
