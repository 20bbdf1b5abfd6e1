/* JSON patch (RFC 6902) on a tree that is this file's to change. */
#include <assert.h>
#include "openapi/patch_parts.h"

struct json_patch {
    struct arena *arena;
    struct value *doc;
    int64_t copied;
    size_t depth; /* the document is nested at most this deep */
};

/* A place in the document: an entry of a map or an index of a list. */
struct place {
    struct value *parent;
    struct slice key;
    size_t depth; /* of the parent, the root being 0 */
};

static size_t tree_depth(const struct value *v)
{
    size_t max = 0, d;

    for (VALUE_EACH(item, v))
        max = (d = tree_depth(item)) > max ? d : max;
    for (VALUE_EACH_ENTRY(entry, v))
        max = (d = tree_depth(&entry->value)) > max ? d : max;
    return max + 1;
}

/* Nothing may be nested deeper than a decoder would let it be: all later code recurses. The bound is kept
 * cheaply and only when it says "too deep" is the truth looked up. */
static bool keeps_depth(struct json_patch *p, size_t depth)
{
    if (depth > p->depth)
        p->depth = depth;
    if (p->depth > DECODE_MAX_DEPTH)
        p->depth = tree_depth(p->doc);
    return p->depth <= DECODE_MAX_DEPTH;
}

/* RFC 6901: "~1" is '/', "~0" is '~'; another '~' stands for itself. */
static struct slice decode_token(struct arena *arena, struct slice token)
{
    if (slice_find(token, '~') < 0)
        return token;
    char *out = arena_bytes(arena, token.len);
    size_t n = 0;
    for (size_t i = 0; i < token.len; i++) {
        bool escape =
            token.ptr[i] == '~' && i + 1 < token.len && (token.ptr[i + 1] == '0' || token.ptr[i + 1] == '1');
        out[n++] = !escape ? token.ptr[i] : token.ptr[i + 1] == '1' ? '/' : '~';
        i += escape;
    }
    return slice_make(out, n);
}

static bool parse_index(struct slice text, int64_t *ret_index)
{
    bool minus = text.len && text.ptr[0] == '-';
    size_t i = text.len && (minus || text.ptr[0] == '+');
    int64_t n = 0;

    if (i == text.len || text.len > 18)
        return false;
    for (; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        n = n * 10 + (text.ptr[i] - '0');
    }
    *ret_index = minus ? -n : n;
    return true;
}

/* An index into a list of `count`; negative ones count from its end. */
static bool list_index(struct slice text, size_t count, size_t *ret_index)
{
    int64_t n;

    if (!parse_index(text, &n))
        return false;
    if (n < 0)
        n += (int64_t)count;
    if (n < 0 || n >= (int64_t)count)
        return false;
    *ret_index = (size_t)n;
    return true;
}

/* The value at a key: NULL when there is no such index in a list, or no such key in a map. */
static struct value *child(struct value *parent, struct slice key)
{
    size_t i;

    if (parent->kind == VALUE_LIST)
        return list_index(key, parent->list->count, &i) ? &parent->list->items[i] : NULL;
    return value_is_set(value_get(parent, key)) ? value_get_mut(parent, key) : NULL;
}

/* False when the path is empty or something on the way to its last token is missing or no container. What
 * stands before the first '/' is not looked at, as upstream does not. */
static bool find_place(struct json_patch *p, struct slice path, struct place *ret)
{
    struct slice rest = path, token, next;
    struct value *at = p->doc;
    size_t depth = 0;

    slice_split(&rest, '/', &token);
    if (!slice_split(&rest, '/', &token))
        return false;
    for (; slice_split(&rest, '/', &next); token = next, depth++) {
        at = child(at, decode_token(p->arena, token));
        if (!at || (at->kind != VALUE_MAP && at->kind != VALUE_LIST))
            return false;
    }
    *ret = (struct place){at, decode_token(p->arena, token), depth};
    return true;
}

static bool insert_item(struct json_patch *p, struct value *list, struct slice key, struct value v)
{
    size_t count = list->list->count, i = count;

    if (!slice_is(key, "-") && !list_index(key, count + 1, &i))
        return false;
    value_append(p->arena, list);
    memmove(&list->list->items[i + 1], &list->list->items[i], (count - i) * sizeof v);
    list->list->items[i] = v;
    return true;
}

/* Puts v at the place: a new item of a list, a new or other value in a map. `depth` is at least that of v. */
static bool add_at(struct json_patch *p, const struct place *place, struct value v, size_t depth)
{
    if (place->parent->kind == VALUE_LIST) {
        if (!insert_item(p, place->parent, place->key, v))
            return false;
    } else {
        *value_put(p->arena, place->parent, place->key) = v;
    }
    return keeps_depth(p, place->depth + 1 + depth);
}

static bool remove_at(const struct place *place)
{
    size_t i;

    if (place->parent->kind != VALUE_LIST)
        return value_remove(place->parent, place->key);
    if (!list_index(place->key, place->parent->list->count, &i))
        return false;
    value_remove_item(place->parent, i);
    return true;
}

/* The operation's text member; false when it is not there. */
static bool op_text(const struct value *op, const char *name, struct slice *ret)
{
    const struct value *v = value_get(op, slice_str(name));

    *ret = value_text(v);
    return v->kind == VALUE_STRING;
}

/* The operation's value; null when it is not there. */
static struct value op_value(const struct value *op)
{
    const struct value *v = value_get(op, SLICE("value"));

    return value_is_set(v) ? *v : (struct value){.kind = VALUE_NULL};
}

static bool op_add(struct json_patch *p, const struct value *op)
{
    struct slice path;
    struct place place;
    struct value v = op_value(op);

    return op_text(op, "path", &path) && find_place(p, path, &place) && add_at(p, &place, v, tree_depth(&v));
}

static bool op_remove(struct json_patch *p, const struct value *op)
{
    struct slice path;
    struct place place;

    return op_text(op, "path", &path) && find_place(p, path, &place) && remove_at(&place);
}

static bool op_replace(struct json_patch *p, const struct value *op)
{
    struct slice path;
    struct place place;
    struct value v = op_value(op), *now;

    if (!op_text(op, "path", &path))
        return false;
    if (path.len == 0) {
        if (v.kind != VALUE_MAP && v.kind != VALUE_LIST)
            return false;
        *p->doc = v;
        return keeps_depth(p, tree_depth(&v));
    }
    if (!find_place(p, path, &place))
        return false;
    if (place.parent->kind != VALUE_LIST)
        return add_at(p, &place, v, tree_depth(&v));
    now = child(place.parent, place.key);
    if (!now)
        return false;
    *now = v;
    return keeps_depth(p, place.depth + 1 + tree_depth(&v));
}

static bool op_move(struct json_patch *p, const struct value *op)
{
    struct slice from, path;
    struct place place;
    struct value *source, v;
    size_t depth;

    if (!op_text(op, "from", &from) || !find_place(p, from, &place))
        return false;
    source = child(place.parent, place.key);
    if (!source)
        return false;
    v = *source;
    depth = p->depth > place.depth + 1 ? p->depth - place.depth - 1 : 1;
    remove_at(&place);
    return op_text(op, "path", &path) && find_place(p, path, &place) && add_at(p, &place, v, depth);
}

static bool op_copy(struct json_patch *p, const struct value *op)
{
    cleanup_buf struct buf text = BUF_INIT(PATCH_MAX_COPY_BYTES);
    struct value v = {.kind = VALUE_NULL}, *source;
    struct slice from, path;
    struct place place;
    size_t depth;

    if (!op_text(op, "from", &from) || !find_place(p, from, &place))
        return false;
    source = child(place.parent, place.key);
    if (!source && place.parent->kind == VALUE_LIST)
        return false;
    depth = p->depth > place.depth + 1 ? p->depth - place.depth - 1 : 1;
    if (!op_text(op, "path", &path) || !find_place(p, path, &place))
        return false;
    if (source) {
        encode_json(&text, &patch_any, source);
        p->copied += (int64_t)text.len;
        if (text.failed || p->copied > PATCH_MAX_COPY_BYTES)
            return false;
        v = value_copy(p->arena, source, false);
    }
    return add_at(p, &place, v, depth);
}

static bool op_test(struct json_patch *p, const struct value *op)
{
    struct value v = op_value(op), null = {.kind = VALUE_NULL}, *now;
    struct slice path;
    struct place place;

    if (!op_text(op, "path", &path))
        return false;
    if (path.len == 0)
        return patch_equal(p->doc, &v);
    if (!find_place(p, path, &place))
        return false;
    now = child(place.parent, place.key);
    if (!now && place.parent->kind == VALUE_LIST)
        return false;
    return patch_equal(now ? now : &null, &v);
}

static bool apply_one(struct json_patch *p, const struct value *op)
{
    static const struct {
        const char *name;
        bool (*run)(struct json_patch *p, const struct value *op);
    } ops[] = {{"add", op_add},   {"remove", op_remove}, {"replace", op_replace},
               {"move", op_move}, {"copy", op_copy},     {"test", op_test}};
    struct slice name;

    if (!op_text(op, "op", &name))
        return false;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (slice_is(name, ops[i].name))
            return ops[i].run(p, op);
    return false;
}

bool patch_json_apply(struct arena *arena, struct value *doc, const struct value *ops, struct error *err)
{
    struct json_patch p = {.arena = arena, .doc = doc, .depth = tree_depth(doc)};

    for (VALUE_EACH(op, ops))
        if (!apply_one(&p, op))
            return patch_unprocessable(err);
    return true;
}
