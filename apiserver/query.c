#include "apiserver/query.h"

enum { MAX_PAIRS = 1000 };

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool query_unescape(struct arena *arena, struct slice text, bool plus_is_space, struct slice *ret)
{
    if (slice_find(text, '%') < 0 && (!plus_is_space || slice_find(text, '+') < 0)) {
        *ret = text;
        return true;
    }
    char *out = arena_bytes(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = 0;
    *ret = slice_make(out, n);
    return true;
}

void query_parse(struct arena *arena, struct slice raw, struct query *ret)
{
    size_t capacity = 0;
    *ret = (struct query){0};
    struct slice rest = raw, part;
    if (!raw.len)
        return;
    while (ret->count < MAX_PAIRS && slice_split(&rest, '&', &part)) {
        struct query_pair pair;
        long eq = slice_find(part, '=');
        struct slice key = eq < 0 ? part : slice_make(part.ptr, (size_t)eq);
        struct slice value = eq < 0 ? slice_make("", 0) : slice_from(part, (size_t)eq + 1);
        if (!part.len || slice_find(part, ';') >= 0 || !query_unescape(arena, key, true, &pair.key) ||
            !query_unescape(arena, value, true, &pair.value))
            continue;
        *(struct query_pair *)arena_push(arena, &ret->pairs, &ret->count, &capacity, sizeof pair) = pair;
    }
}

struct slice query_get(const struct query *query, const char *key)
{
    for (size_t i = 0; i < query->count; i++)
        if (slice_is(query->pairs[i].key, key))
            return query->pairs[i].value;
    return slice_make(NULL, 0);
}
