/*
 * json_scan: the lexer under the decoders. Walks a JSON text in place; strings come out as views of it. It
 * finds the same faults at the same byte as Go's encoding/json and words them alike, because clients and
 * tests match on that.
 *
 * Functions return false at the first fault, which json_scan_fault() puts in words; the scan must not go on
 * after. Ownership: nothing is allocated but by json_unescape and json_compact, into the arena. One thread at
 * a time. Source: RFC 8259; the wording is that of Go's encoding/json.
 */
#ifndef OPENAPI_JSON_SCAN_H
#define OPENAPI_JSON_SCAN_H

#include "base/arena.h"
#include "base/buf.h"

struct json_scan {
    const char *at, *end;
    char context[48]; /* of the fault; "" : none yet */
    bool ended;       /* the fault is the end of the text */
};

struct json_string {
    struct slice raw; /* between the quotes */
    bool copy;        /* has escapes or bytes that are not UTF-8: the string is json_unescape(raw) */
    bool plain;       /* raw can be written into JSON as it is */
};

static inline void json_scan_init(struct json_scan *s, struct slice text)
{
    s->at = text.ptr;
    s->end = text.ptr + text.len;
    s->context[0] = 0;
    s->ended = false;
}

/* The next byte that is no white space, or -1 at the end. */
static inline int json_peek(struct json_scan *s)
{
    while (s->at < s->end) {
        unsigned char c = (unsigned char)*s->at;
        if (c > ' ' || (c != ' ' && c != '\n' && c != '\t' && c != '\r'))
            return c;
        s->at++;
    }
    return -1;
}

/* Notes a fault at the current byte ("invalid character 'x' <context>", or the end of input). Returns false.
 */
bool json_fail(struct json_scan *s, const char *context);
/* The fault in words. */
void json_scan_fault(const struct json_scan *s, struct buf *out);

/* The current byte is the opening quote. */
bool json_scan_string(struct json_scan *s, struct json_string *ret);
/* The current byte is '-' or a digit. ret_integer: no fraction, no exponent. */
bool json_scan_number(struct json_scan *s, struct slice *ret, bool *ret_integer);
/* "true", "false" or "null"; the current byte is its first. */
bool json_scan_word(struct json_scan *s, const char *word);
/* Any value; `depth` is the depth it stands at, a fault past `max_depth`. */
bool json_skip(struct json_scan *s, unsigned depth, unsigned max_depth);
/* Only white space may follow. */
bool json_scan_end(struct json_scan *s);

/* Resolves escapes; bytes that are not UTF-8 and lone surrogates become U+FFFD. */
struct slice json_unescape(struct arena *arena, struct slice raw);
/* A valid text without white space, with Go's escapes of < > & U+2028 U+2029. The text itself when it is so
 * already. */
struct slice json_compact(struct arena *arena, struct slice text);

/* The string for a value of its own: the view or the unescaped copy. */
static inline struct slice json_string_text(struct arena *arena, const struct json_string *s)
{
    return s->copy ? json_unescape(arena, s->raw) : s->raw;
}

/* Length of the valid UTF-8 sequence at p (1 to 4), 0 if there is none. */
unsigned utf8_length(const char *p, const char *end);
/* Writes a code point, returns its length. */
unsigned utf8_put(char *to, uint32_t rune);

#endif
