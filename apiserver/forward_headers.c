#include <ctype.h>
#include <strings.h>

#include "apiserver/forward.h"

/* RFC 9110 §7.6.1, and what older proxies keep to themselves. */
static const char *const hop_by_hop[] = {"connection",
                                         "keep-alive",
                                         "proxy-authenticate",
                                         "proxy-authorization",
                                         "proxy-connection",
                                         "te",
                                         "trailer",
                                         "transfer-encoding",
                                         "upgrade",
                                         NULL};
/* What the next server must not see from the client: our credentials; what is made anew. */
static const char *const of_the_request[] = {"authorization",  "host", "content-length", "expect", "audit-id",
                                             "http2-settings", NULL};
static const char *const of_the_answer[] = {"audit-id", "content-length", "content-type", "date", NULL};

static bool is_one_of(struct slice name, const char *const *names)
{
    for (; *names; names++)
        if (slice_is(name, *names))
            return true;
    return false;
}

/* Some servers read "_" in the name of a header as "-": x_remote_user must not get through as somebody's
 * name. */
static bool speaks_of_identity(struct slice name)
{
    static const char *const prefixes[] = {"x-remote-", "impersonate-"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t len = strlen(prefixes[i]), n = 0;
        while (n < len && n < name.len && (name.ptr[n] == '_' ? '-' : name.ptr[n]) == prefixes[i][n])
            n++;
        if (n == len)
            return true;
    }
    return false;
}

/* Headers that Connection names are hop-by-hop too. */
static bool connection_names(const struct http_header *headers, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        struct slice rest = headers[i].value, token;
        if (!slice_is(headers[i].name, "connection"))
            continue;
        while (slice_split(&rest, ',', &token)) {
            while (token.len && isspace((unsigned char)token.ptr[0]))
                token = slice_from(token, 1);
            while (token.len && isspace((unsigned char)token.ptr[token.len - 1]))
                token.len--;
            if (token.len == name.len && strncasecmp(token.ptr, name.ptr, name.len) == 0)
                return true;
        }
    }
    return false;
}

struct header_list {
    struct arena *arena;
    struct http_header *items;
    size_t count, capacity;
};

static void add(struct header_list *list, struct slice name, struct slice value)
{
    struct http_header *h = arena_push(list->arena, &list->items, &list->count, &list->capacity, sizeof *h);
    *h = (struct http_header){name, value};
}

/* A key of user.extra as the end of a header's name: what may not stand there is percent-encoded, as
 * client-go reads it back. */
static struct slice extra_name(struct arena *arena, struct slice key)
{
    char *name = arena_bytes(arena, sizeof "x-remote-extra-" + 3 * key.len);
    size_t n = strlen(strcpy(name, "x-remote-extra-"));
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.ptr[i];
        if (isalnum(c) || (c && strchr("!#$&'*+-.^_`|~", c)))
            name[n++] = (char)c;
        else
            n += (size_t)sprintf(name + n, "%%%02X", c);
    }
    return slice_make(name, n);
}

static void add_user(struct header_list *list, const struct user *user)
{
    add(list, SLICE("x-remote-user"), user->name);
    if (user->uid.len)
        add(list, SLICE("x-remote-uid"), user->uid);
    for (size_t i = 0; i < user->group_count; i++)
        add(list, SLICE("x-remote-group"), user->groups[i]);
    for (size_t i = 0; i < user->extra_count; i++)
        for (size_t j = 0; j < user->extra[i].count; j++)
            add(list, extra_name(list->arena, user->extra[i].key), user->extra[i].values[j]);
}

/* The client's address, after those of the proxies before us. */
static void add_forwarded_for(struct header_list *list, const struct http_request *http)
{
    struct slice before = http_header_get(http, "x-forwarded-for"), address = http->peer->address;
    const char *colon = address.len ? memrchr(address.ptr, ':', address.len) : NULL;
    if (colon)
        address.len = (size_t)(colon - address.ptr);
    if (address.len > 1 && address.ptr[0] == '[')
        address = slice_make(address.ptr + 1, address.len - 2);
    if (before.len)
        address = arena_slicef(list->arena, "%.*s, %.*s", SLICE_ARG(before), SLICE_ARG(address));
    add(list, SLICE("x-forwarded-for"), address);
}

const struct http_header *forward_headers(struct arena *arena, const struct http_request *http,
                                          const struct user *user, struct slice audit_id, size_t *ret_count)
{
    struct header_list list = {.arena = arena};
    for (size_t i = 0; i < http->header_count; i++) {
        struct slice name = http->headers[i].name;
        if (is_one_of(name, hop_by_hop) || is_one_of(name, of_the_request) || speaks_of_identity(name) ||
            slice_is(name, "x-forwarded-for") || connection_names(http->headers, http->header_count, name))
            continue;
        add(&list, name, http->headers[i].value);
    }
    add(&list, SLICE("audit-id"), audit_id);
    if (http->peer)
        add_forwarded_for(&list, http);
    if (user)
        add_user(&list, user);
    *ret_count = list.count;
    return list.items;
}

const struct http_header *forward_answer_headers(struct arena *arena, const struct http_header *headers,
                                                 size_t count, size_t *ret_count,
                                                 struct slice *ret_content_type)
{
    struct header_list list = {.arena = arena};
    *ret_content_type = SLICE("");
    for (size_t i = 0; i < count; i++) {
        struct slice name = headers[i].name;
        if (slice_is(name, "content-type"))
            *ret_content_type = arena_dup(arena, headers[i].value);
        if (is_one_of(name, hop_by_hop) || is_one_of(name, of_the_answer) ||
            connection_names(headers, count, name))
            continue;
        add(&list, arena_dup(arena, name), arena_dup(arena, headers[i].value));
    }
    *ret_count = list.count;
    return list.items;
}

/* ---- the path ---- */

static void put_escaped(struct buf *out, struct slice text, const char *also)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (isalnum(c) || (c && strchr("-._~", c)) || (c && strchr(also, c)))
            buf_putc(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

bool forward_path(struct arena *arena, const struct slice *segments, size_t count, const struct query *query,
                  const char **ret_path)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < count; i++) {
        if (slice_find(segments[i], '/') >= 0)
            return false;
        buf_putc(&out, '/');
        put_escaped(&out, segments[i], "$&+:=@!'()*,;");
    }
    if (count == 0)
        buf_putc(&out, '/');
    for (size_t i = 0; i < query->count; i++) {
        buf_putc(&out, i ? '&' : '?');
        put_escaped(&out, query->pairs[i].key, "");
        buf_putc(&out, '=');
        put_escaped(&out, query->pairs[i].value, "");
    }
    *ret_path = arena_strdup(arena, buf_slice(&out));
    return true;
}
