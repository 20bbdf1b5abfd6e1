#include "admission/texts.h"

void texts_add(struct arena *arena, struct texts *texts, struct slice text)
{
    struct slice *item = arena_push(arena, &texts->items, &texts->count, &texts->capacity, sizeof *item);
    *item = text;
}

void texts_insert(struct arena *arena, struct texts *texts, struct slice text)
{
    size_t at = 0;
    while (at < texts->count && slice_cmp(texts->items[at], text) < 0)
        at++;
    if (at < texts->count && slice_eq(texts->items[at], text))
        return;
    texts_add(arena, texts, text);
    memmove(&texts->items[at + 1], &texts->items[at], (texts->count - 1 - at) * sizeof *texts->items);
    texts->items[at] = text;
}

struct slice texts_join(struct arena *arena, const struct texts *texts, const char *separator)
{
    size_t gap = strlen(separator), len = 0;
    for (size_t i = 0; i < texts->count; i++)
        len += texts->items[i].len + (i ? gap : 0);
    char *out = arena_bytes(arena, len + 1), *p = out;
    for (size_t i = 0; i < texts->count; i++) {
        if (i) {
            memcpy(p, separator, gap);
            p += gap;
        }
        memcpy(p, texts->items[i].ptr, texts->items[i].len);
        p += texts->items[i].len;
    }
    return slice_make(out, len);
}

struct slice texts_quote(struct arena *arena, const struct texts *texts)
{
    if (!texts->count)
        return SLICE("");
    return arena_slicef(arena, "\"%.*s\"", SLICE_ARG(texts_join(arena, texts, "\", \"")));
}
