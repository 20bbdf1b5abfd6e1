#include "apiserver/http/framing.h"

#include <strings.h>

static bool is_name(struct slice name, const char *lower)
{
    return slice_is(name, lower);
}

static bool equals_nocase(struct slice a, const char *b)
{
    return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

static struct slice trim(struct slice s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s.ptr++, s.len--;
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool framing_has_token(struct slice value, const char *token)
{
    struct slice part;
    while (slice_split(&value, ',', &part))
        if (equals_nocase(trim(part), token))
            return true;
    return false;
}

/* Digits only, and few enough that they cannot overflow. */
static bool parse_length(struct slice value, uint64_t *ret)
{
    if (value.len == 0 || value.len > 18)
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    *ret = n;
    return true;
}

static bool host_ok(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr("/\\@,?#\"<>^`{|}", c))
            return false;
    }
    return true;
}

/* A line feed without its carriage return: what one parser takes for a line's end another does not. */
static bool has_bare_lf(struct slice head)
{
    const char *at = head.ptr, *end = head.ptr + head.len;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
        if (at == head.ptr || at[-1] != '\r')
            return true;
        at++;
    }
    return false;
}

struct seen {
    unsigned hosts, lengths, codings;
    bool close, keep_alive, bad_length, bad_coding, other_expectation;
};

static void look_at(const struct http_header *h, struct framing *framing, struct seen *seen)
{
    if (is_name(h->name, "host")) {
        seen->hosts++;
        framing->host = h->value;
    } else if (is_name(h->name, "content-length")) {
        seen->lengths++;
        framing->has_length = true;
        seen->bad_length |= !parse_length(h->value, &framing->length);
    } else if (is_name(h->name, "transfer-encoding")) {
        seen->codings++;
        framing->chunked = true;
        seen->bad_coding |= !equals_nocase(h->value, "chunked");
    } else if (is_name(h->name, "connection")) {
        seen->close |= framing_has_token(h->value, "close");
        seen->keep_alive |= framing_has_token(h->value, "keep-alive");
        framing->upgrade |= framing_has_token(h->value, "upgrade");
    } else if (is_name(h->name, "upgrade")) {
        framing->upgrade_token = h->value;
    } else if (is_name(h->name, "expect")) {
        if (equals_nocase(h->value, "100-continue"))
            framing->expect_continue = true;
        else
            seen->other_expectation = true;
    }
}

static int refuse(const char **ret_why, int status, const char *why)
{
    *ret_why = why;
    return status;
}

int framing_check(struct slice head, int minor_version, const struct http_header *headers, size_t count,
                  struct framing *ret, const char **ret_why)
{
    struct framing framing = {0};
    struct seen seen = {0};
    if (has_bare_lf(head))
        return refuse(ret_why, 400, "a line of the request head does not end in CR LF");
    for (size_t i = 0; i < count; i++) {
        if (!headers[i].name.ptr)
            return refuse(ret_why, 400, "a folded header line");
        look_at(&headers[i], &framing, &seen);
    }
    if (seen.bad_length)
        return refuse(ret_why, 400, "invalid Content-Length");
    if (seen.lengths > 1)
        return refuse(ret_why, 400, "more than one Content-Length");
    if (seen.codings && seen.lengths)
        return refuse(ret_why, 400, "both Transfer-Encoding and Content-Length");
    if (seen.codings && minor_version < 1)
        return refuse(ret_why, 400, "Transfer-Encoding in HTTP/1.0");
    if (seen.codings > 1)
        return refuse(ret_why, 400, "more than one Transfer-Encoding");
    if (seen.bad_coding)
        return refuse(ret_why, 501, "unsupported Transfer-Encoding");
    if (seen.hosts > 1 || (seen.hosts == 0 && minor_version >= 1))
        return refuse(ret_why, 400, seen.hosts ? "more than one Host" : "missing Host");
    if (!host_ok(framing.host))
        return refuse(ret_why, 400, "malformed Host");
    if (seen.other_expectation)
        return refuse(ret_why, 417, "unknown expectation");
    framing.keep_alive = !seen.close && (minor_version >= 1 || seen.keep_alive);
    if (minor_version < 1)
        framing.expect_continue = false;
    if (!framing.upgrade || minor_version < 1)
        framing.upgrade_token = (struct slice){0};
    *ret = framing;
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of framing. False: malformed. */
static bool feed_framing(struct chunked *k, char c)
{
    int digit;
    switch (k->state) {
    case CHUNKED_SIZE:
        if ((digit = hex_digit(c)) >= 0) {
            k->left = k->left << 4 | (unsigned)digit;
            return ++k->digits <= 12;
        }
        if (k->digits == 0)
            return false;
        k->state = c == '\r' ? CHUNKED_SIZE_LF : CHUNKED_EXTENSION;
        return c == '\r' || c == ';';
    case CHUNKED_EXTENSION:
        if (c == '\r')
            k->state = CHUNKED_SIZE_LF;
        return c == '\r' || c == '\t' || (unsigned char)c >= ' ';
    case CHUNKED_SIZE_LF:
        k->state = k->left ? CHUNKED_DATA : CHUNKED_TRAILER_START;
        return c == '\n';
    case CHUNKED_DATA_CR:
        k->state = CHUNKED_DATA_LF;
        return c == '\r';
    case CHUNKED_DATA_LF:
        k->state = CHUNKED_SIZE;
        k->digits = 0;
        return c == '\n';
    case CHUNKED_TRAILER_START:
        k->state = c == '\r' ? CHUNKED_END_LF : CHUNKED_TRAILER;
        return c == '\r' || (unsigned char)c > ' ';
    case CHUNKED_TRAILER:
        if (c == '\r')
            k->state = CHUNKED_TRAILER_LF;
        return c == '\r' || c == '\t' || (unsigned char)c >= ' ';
    case CHUNKED_TRAILER_LF:
        k->state = CHUNKED_TRAILER_START;
        return c == '\n';
    case CHUNKED_END_LF:
        k->state = CHUNKED_DONE;
        return c == '\n';
    case CHUNKED_DATA:
    case CHUNKED_DONE:
        break;
    }
    return false;
}

enum chunked_result chunked_feed(struct chunked *k, struct slice *bytes, struct buf *body)
{
    while (k->state != CHUNKED_DONE && bytes->len) {
        if (k->state == CHUNKED_DATA) {
            size_t n = k->left < bytes->len ? (size_t)k->left : bytes->len;
            buf_put(body, bytes->ptr, n);
            *bytes = slice_from(*bytes, n);
            k->data += n;
            if ((k->left -= n) == 0)
                k->state = CHUNKED_DATA_CR;
            continue;
        }
        char c = bytes->ptr[0];
        *bytes = slice_from(*bytes, 1);
        /* Framing may cost some multiple of what it frames, not without end. */
        if (++k->overhead > 64 * 1024 + 16 * k->data)
            return CHUNKED_BAD;
        if (!feed_framing(k, c))
            return CHUNKED_BAD;
        if (k->state == CHUNKED_DATA && k->left > body->max - body->len)
            return CHUNKED_TOO_LARGE;
    }
    return k->state == CHUNKED_DONE ? CHUNKED_COMPLETE : CHUNKED_MORE;
}
