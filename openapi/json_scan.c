#include "openapi/json_scan.h"

#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What a byte means inside a string. */
enum { PLAIN = 0, QUOTE = 1, BACKSLASH, CONTROL, NOT_ASCII, ESCAPED_ON_WRITE };

static const unsigned char string_class[256] = {
    [0 ... 31] = CONTROL,      ['"'] = QUOTE,
    ['\\'] = BACKSLASH,        ['<'] = ESCAPED_ON_WRITE,
    ['>'] = ESCAPED_ON_WRITE,  ['&'] = ESCAPED_ON_WRITE,
    [128 ... 255] = NOT_ASCII,
};

unsigned utf8_put(char *to, uint32_t rune)
{
    if (rune < 0x80) {
        to[0] = (char)rune;
        return 1;
    }
    if (rune < 0x800) {
        to[0] = (char)(0xc0 | rune >> 6);
        to[1] = (char)(0x80 | (rune & 0x3f));
        return 2;
    }
    if (rune < 0x10000) {
        to[0] = (char)(0xe0 | rune >> 12);
        to[1] = (char)(0x80 | (rune >> 6 & 0x3f));
        to[2] = (char)(0x80 | (rune & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | rune >> 18);
    to[1] = (char)(0x80 | (rune >> 12 & 0x3f));
    to[2] = (char)(0x80 | (rune >> 6 & 0x3f));
    to[3] = (char)(0x80 | (rune & 0x3f));
    return 4;
}

static bool continues(const unsigned char *p, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return false;
    return true;
}

unsigned utf8_length(const char *text, const char *end)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t left = (size_t)(end - text);
    if (left == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return left >= 2 && continues(p, 2) ? 2 : 0;
    if ((p[0] & 0xf0) == 0xe0) {
        if (left < 3 || !continues(p, 3))
            return 0;
        bool overlong = p[0] == 0xe0 && p[1] < 0xa0, surrogate = p[0] == 0xed && p[1] > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (left < 4 || !continues(p, 4))
            return 0;
        bool overlong = p[0] == 0xf0 && p[1] < 0x90, beyond = p[0] == 0xf4 && p[1] > 0x8f;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

bool json_fail(struct json_scan *s, const char *context)
{
    s->ended = s->at >= s->end;
    snprintf(s->context, sizeof s->context, "%s", context);
    return false;
}

/* One byte as Go shows it, read as a code point. */
static void put_char(struct buf *out, unsigned char c)
{
    char utf8[4];
    if (c == '\'')
        buf_puts(out, "\\'");
    else if (c == '"')
        buf_putc(out, '"');
    else if (c >= 0xa1 && c != 0xad)
        buf_put(out, utf8, utf8_put(utf8, c));
    else if (c >= 0x80)
        buf_printf(out, "\\u%04x", c);
    else {
        CLEANUP(buf_release) struct buf quoted = BUF_INIT(16);
        buf_put_quoted(&quoted, slice_make((char *)&c, 1));
        buf_put(out, quoted.data + 1, quoted.len - 2);
    }
}

void json_scan_fault(const struct json_scan *s, struct buf *out)
{
    if (s->ended) {
        buf_puts(out, "unexpected end of JSON input");
        return;
    }
    buf_puts(out, "invalid character '");
    put_char(out, (unsigned char)*s->at);
    buf_printf(out, "' %s", s->context);
}

/* The current byte is a backslash; stops at the byte after the escape. */
static bool scan_escape(struct json_scan *s)
{
    s->at++;
    if (s->at >= s->end)
        return json_fail(s, "in string escape code");
    char c = *s->at;
    if (c != 'u') {
        if (!c || !strchr("bfnrt\\/\"", c))
            return json_fail(s, "in string escape code");
        s->at++;
        return true;
    }
    s->at++;
    for (int i = 0; i < 4; i++, s->at++) {
        if (s->at >= s->end)
            return json_fail(s, "");
        c = *s->at;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return json_fail(s, "in \\u hexadecimal character escape");
    }
    return true;
}

/* The current byte is not ASCII. */
static void scan_not_ascii(struct json_scan *s, struct json_string *ret)
{
    unsigned n = utf8_length(s->at, s->end);
    if (n == 0) {
        ret->copy = true;
        ret->plain = false;
        n = 1;
    } else if (n == 3 && memcmp(s->at, "\xe2\x80", 2) == 0 && ((unsigned char)s->at[2] & 0xfe) == 0xa8) {
        ret->plain = false; /* U+2028, U+2029 */
    }
    s->at += n;
}

/* The first byte of a class other than PLAIN, or end. Most of a text is looked at here only. */
static inline const char *skip_plain(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), ampersand = _mm_set1_epi8('&');
    const __m128i greater = _mm_set1_epi8('>'), two = _mm_set1_epi8(2), space = _mm_set1_epi8(' ');
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        /* Signed: below the space are the controls and all that is not ASCII. '<' with bit 1 set is '>'. */
        __m128i found = _mm_or_si128(_mm_cmplt_epi8(v, space), _mm_cmpeq_epi8(v, quote));
        found = _mm_or_si128(found, _mm_or_si128(_mm_cmpeq_epi8(v, backslash), _mm_cmpeq_epi8(v, ampersand)));
        found = _mm_or_si128(found, _mm_cmpeq_epi8(_mm_or_si128(v, two), greater));
        int mask = _mm_movemask_epi8(found);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end && string_class[(unsigned char)*p] == PLAIN)
        p++;
    return p;
}

bool json_scan_string(struct json_scan *s, struct json_string *ret)
{
    const char *begin = ++s->at;
    ret->copy = false;
    ret->plain = true;
    for (;;) {
        const char *p = skip_plain(s->at, s->end);
        s->at = p;
        if (p >= s->end)
            return json_fail(s, "in string literal");
        switch (string_class[(unsigned char)*p]) {
        case QUOTE:
            ret->raw = slice_make(begin, (size_t)(p - begin));
            s->at = p + 1;
            return true;
        case BACKSLASH:
            ret->copy = true;
            ret->plain = false;
            if (!scan_escape(s))
                return false;
            break;
        case CONTROL:
            return json_fail(s, "in string literal");
        case NOT_ASCII:
            scan_not_ascii(s, ret);
            break;
        default:
            ret->plain = false;
            s->at++;
        }
    }
}

static inline bool at_digit(const struct json_scan *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static bool scan_digits(struct json_scan *s, const char *context)
{
    if (!at_digit(s))
        return json_fail(s, context);
    while (at_digit(s))
        s->at++;
    return true;
}

bool json_scan_number(struct json_scan *s, struct slice *ret, bool *ret_integer)
{
    const char *begin = s->at;
    bool integer = true;
    if (*s->at == '-')
        s->at++;
    if (s->at < s->end && *s->at == '0')
        s->at++;
    else if (!scan_digits(s, "in numeric literal"))
        return false;
    if (s->at < s->end && *s->at == '.') {
        integer = false;
        s->at++;
        if (!scan_digits(s, "after decimal point in numeric literal"))
            return false;
    }
    if (s->at < s->end && (*s->at | 0x20) == 'e') {
        integer = false;
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        if (!scan_digits(s, "in exponent of numeric literal"))
            return false;
    }
    *ret = slice_make(begin, (size_t)(s->at - begin));
    *ret_integer = integer;
    return true;
}

bool json_scan_word(struct json_scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->at) >= n && memcmp(s->at, word, n) == 0) {
        s->at += n;
        return true;
    }
    const char *p = word;
    while (s->at < s->end && *s->at == *p)
        s->at++, p++;
    char context[48];
    snprintf(context, sizeof context, "in literal %s (expecting '%c')", word, *p);
    return json_fail(s, context);
}

static bool skip_members(struct json_scan *s, unsigned depth, unsigned max_depth)
{
    struct json_string key;
    s->at++;
    int c = json_peek(s);
    if (c == '}') {
        s->at++;
        return true;
    }
    for (;;) {
        if (c != '"')
            return json_fail(s, "looking for beginning of object key string");
        if (!json_scan_string(s, &key))
            return false;
        if (json_peek(s) != ':')
            return json_fail(s, "after object key");
        s->at++;
        if (!json_skip(s, depth, max_depth))
            return false;
        c = json_peek(s);
        if (c == '}') {
            s->at++;
            return true;
        }
        if (c != ',')
            return json_fail(s, "after object key:value pair");
        s->at++;
        c = json_peek(s);
    }
}

static bool skip_elements(struct json_scan *s, unsigned depth, unsigned max_depth)
{
    s->at++;
    if (json_peek(s) == ']') {
        s->at++;
        return true;
    }
    for (;;) {
        if (!json_skip(s, depth, max_depth))
            return false;
        int c = json_peek(s);
        if (c != ']' && c != ',')
            return json_fail(s, "after array element");
        s->at++;
        if (c == ']')
            return true;
    }
}

bool json_skip(struct json_scan *s, unsigned depth, unsigned max_depth)
{
    struct json_string string;
    struct slice number;
    bool integer;
    int c = json_peek(s);
    switch (c) {
    case '"':
        return json_scan_string(s, &string);
    case '{':
    case '[':
        if (depth >= max_depth)
            return json_fail(s, "exceeded max depth");
        return c == '{' ? skip_members(s, depth + 1, max_depth) : skip_elements(s, depth + 1, max_depth);
    case 't':
        return json_scan_word(s, "true");
    case 'f':
        return json_scan_word(s, "false");
    case 'n':
        return json_scan_word(s, "null");
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return json_scan_number(s, &number, &integer);
        return json_fail(s, "looking for beginning of value");
    }
}

bool json_scan_end(struct json_scan *s)
{
    return json_peek(s) < 0 || json_fail(s, "after top-level value");
}

static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        v = v << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return v;
}

/* p is at the u of an escape; returns the code point, *ret_used the bytes from p. */
static uint32_t unescape_unicode(const char *p, const char *end, unsigned *ret_used)
{
    uint32_t rune = hex4(p + 1);
    *ret_used = 5;
    if (rune < 0xd800 || rune > 0xdfff)
        return rune;
    if (rune < 0xdc00 && end - p >= 11 && p[5] == '\\' && p[6] == 'u') {
        uint32_t low = hex4(p + 7);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *ret_used = 11;
            return 0x10000 + ((rune - 0xd800) << 10 | (low - 0xdc00));
        }
    }
    return 0xfffd;
}

struct slice json_unescape(struct arena *arena, struct slice raw)
{
    static const char codes[] = "b\bf\fn\nr\rt\t";
    /* A byte that is not UTF-8 grows to three. */
    char *text = arena_bytes(arena, raw.len * 3 + 1), *to = text;
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    while (p < end) {
        if (*p != '\\') {
            unsigned n = utf8_length(p, end);
            if (n == 0) {
                to += utf8_put(to, 0xfffd);
                p++;
                continue;
            }
            memcpy(to, p, n);
            to += n, p += n;
            continue;
        }
        p++;
        if (*p == 'u') {
            unsigned used;
            to += utf8_put(to, unescape_unicode(p, end, &used));
            p += used;
            continue;
        }
        const char *code = strchr(codes, *p);
        *to++ = code && *p >= 'a' ? code[1] : *p;
        p++;
    }
    *to = 0;
    return slice_make(text, (size_t)(to - text));
}

/* Writes the string at p (its opening quote) in canonical form; returns the byte after it. */
static const char *compact_string(struct buf *out, const char *p, const char *end)
{
    const char *from = p++;
    while (*p != '"') {
        unsigned char c = (unsigned char)*p;
        unsigned n = c == '\\' ? 2 : utf8_length(p, end);
        bool separator = n == 3 && memcmp(p, "\xe2\x80", 2) == 0 && ((unsigned char)p[2] & 0xfe) == 0xa8;
        if (n && !separator && c != '<' && c != '>' && c != '&') {
            p += n;
            continue;
        }
        buf_put(out, from, (size_t)(p - from));
        if (n == 0)
            buf_puts(out, "\xef\xbf\xbd");
        else
            buf_printf(out, "\\u%04x", separator ? 0x2000u | ((unsigned char)p[2] & 0x3f) : c);
        p += n ? n : 1;
        from = p;
    }
    buf_put(out, from, (size_t)(p + 1 - from));
    return p + 1;
}

static bool is_compact(struct slice text)
{
    struct json_scan s;
    json_scan_init(&s, text);
    while (s.at < s.end) {
        struct json_string string;
        if (*s.at == '"') {
            unsigned char flags = !json_scan_string(&s, &string);
            /* Escapes are fine where they are; what the writer would escape anew is not. */
            if (flags || (!string.plain && !string.copy))
                return false;
            if (string.copy)
                for (size_t i = 0; i < string.raw.len; i++)
                    if (string_class[(unsigned char)string.raw.ptr[i]] >= NOT_ASCII)
                        return false;
        } else if (*s.at <= ' ') {
            return false;
        } else {
            s.at++;
        }
    }
    return true;
}

struct slice json_compact(struct arena *arena, struct slice text)
{
    if (is_compact(text))
        return text;
    cleanup_buf struct buf out = BUF_INIT(text.len * 6 + 1);
    const char *p = text.ptr, *end = text.ptr + text.len;
    while (p < end) {
        if (*p == '"')
            p = compact_string(&out, p, end);
        else if (*p <= ' ' && *p >= 0)
            p++;
        else
            buf_putc(&out, *p++);
    }
    return arena_dup(arena, buf_slice(&out));
}
