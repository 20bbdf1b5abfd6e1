#include "cel/url.h"

#include <ctype.h>

#include "base/buf.h"

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool escape_at(struct slice s, size_t i)
{
    return i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 && hex(s.ptr[i + 2]) >= 0;
}

bool url_unescape(struct arena *arena, struct slice text, bool plus, struct slice *ret)
{
    char *to = arena_bytes(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' && !escape_at(text, i))
            return false;
        if (c == '%') {
            c = (char)(hex(text.ptr[i + 1]) << 4 | hex(text.ptr[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        to[len++] = c;
    }
    *ret = slice_make(to, len);
    return true;
}

static bool good_escapes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '%' && !escape_at(text, i))
            return false;
    return true;
}

static const char *read_scheme(struct slice *rest, struct arena *arena, struct url *url)
{
    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (isalpha((unsigned char)c))
            continue;
        if (c == ':' && i == 0)
            return "missing protocol scheme";
        if (c == ':') {
            url->scheme = arena_dup(arena, slice_make(rest->ptr, i));
            for (size_t j = 0; j < i; j++)
                ((char *)url->scheme.ptr)[j] = (char)tolower((unsigned char)url->scheme.ptr[j]);
            *rest = slice_from(*rest, i + 1);
            return NULL;
        }
        if (i == 0 || !(isdigit((unsigned char)c) || c == '+' || c == '-' || c == '.'))
            return NULL;
    }
    return NULL;
}

static bool good_port(struct slice port)
{
    for (size_t i = 1; i < port.len; i++)
        if (!isdigit((unsigned char)port.ptr[i]))
            return false;
    return port.len == 0 || port.ptr[0] == ':';
}

static long find_last(struct slice s, char c)
{
    const char *p = s.len ? memrchr(s.ptr, c, s.len) : NULL;
    return p ? (long)(p - s.ptr) : -1;
}

/* What a host may have, percent escapes aside. */
static bool good_host(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.ptr[i];
        if (c == '%') {
            if (!escape_at(host, i))
                return false;
            i += 2;
        } else if (c < 0x80 && !isalnum(c) && !strchr("-_.~!$&'()*+,;=:[]<>\"", c)) {
            return false;
        }
    }
    return true;
}

static const char *read_host(struct slice host, struct arena *arena, struct url *url)
{
    struct slice port = {"", 0};
    if (host.len && host.ptr[0] == '[') {
        long end = find_last(host, ']');
        if (end < 0)
            return "missing ']' in host";
        port = slice_from(host, (size_t)end + 1);
    } else if (find_last(host, ':') >= 0) {
        port = slice_from(host, (size_t)find_last(host, ':'));
    }
    if (!good_port(port))
        return "invalid port after host";
    if (!good_host(host))
        return "invalid character in host name";
    return url_unescape(arena, host, false, &url->host) ? NULL : "invalid URL escape";
}

static const char *read_authority(struct slice text, struct arena *arena, struct url *url)
{
    long at = find_last(text, '@');
    if (at >= 0) {
        url->user = slice_make(text.ptr, (size_t)at);
        for (size_t i = 0; i < url->user.len; i++)
            if (!isalnum((unsigned char)url->user.ptr[i]) && !strchr("-._:~!$&'()*+,;=%@", url->user.ptr[i]))
                return "net/url: invalid userinfo";
        if (!good_escapes(url->user))
            return "invalid URL escape";
        text = slice_from(text, (size_t)at + 1);
    }
    return read_host(text, arena, url);
}

static const char *read_rest(struct slice rest, struct arena *arena, struct url *url)
{
    if (rest.len == 0 || rest.ptr[0] != '/') {
        url->opaque = true;
        return url->scheme.len ? NULL : "invalid URI for request";
    }
    if (slice_starts(rest, SLICE("//")) && (url->scheme.len || slice_starts(rest, SLICE("///")) == false)) {
        if (!url->scheme.len) { /* a request's path may begin with two slashes */
            url->raw_path = rest;
            return good_escapes(rest) ? NULL : "invalid URL escape";
        }
        struct slice authority = slice_from(rest, 2);
        long slash = slice_find(authority, '/');
        rest = slash < 0 ? SLICE("") : slice_from(authority, (size_t)slash);
        authority.len = slash < 0 ? authority.len : (size_t)slash;
        const char *fault = read_authority(authority, arena, url);
        if (fault)
            return fault;
    }
    url->raw_path = rest;
    return good_escapes(rest) ? NULL : "invalid URL escape";
}

const char *url_parse(struct arena *arena, struct slice text, struct url *ret)
{
    *ret = (struct url){0};
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return "net/url: invalid control character in URL";
    if (text.len == 0)
        return "empty url";
    long hash = slice_find(text, '#');
    struct slice rest = text;
    if (hash >= 0) {
        ret->fragment = slice_from(text, (size_t)hash + 1);
        rest.len = (size_t)hash;
    }
    const char *fault = read_scheme(&rest, arena, ret);
    if (fault)
        return fault;
    long question = slice_find(rest, '?');
    if (question >= 0) {
        ret->query = slice_from(rest, (size_t)question + 1);
        rest.len = (size_t)question;
    }
    return read_rest(rest, arena, ret);
}

struct slice url_port(const struct url *url)
{
    long bracket = find_last(url->host, ']'), colon = find_last(url->host, ':');
    return colon > bracket ? slice_from(url->host, (size_t)colon + 1) : SLICE("");
}

struct slice url_hostname(const struct url *url)
{
    struct slice host = url->host;
    long bracket = find_last(host, ']'), colon = find_last(host, ':');
    if (colon > bracket)
        host.len = (size_t)colon;
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = slice_make(host.ptr + 1, host.len - 2);
    return host;
}

struct slice url_escaped_path(struct arena *arena, const struct url *url)
{
    cleanup_buf struct buf out = BUF_INIT(4 << 20);
    for (size_t i = 0; i < url->raw_path.len; i++) {
        unsigned char c = (unsigned char)url->raw_path.ptr[i];
        if (isalnum(c) || (c && strchr("-_.~!$&'()*+,;=:@[]/%", c)))
            buf_putc(&out, (char)c);
        else
            buf_printf(&out, "%%%02X", c);
    }
    return arena_dup(arena, buf_slice(&out));
}
