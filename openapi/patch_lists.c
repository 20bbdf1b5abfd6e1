#include "openapi/patch_lists.h"
#include <stdlib.h>
#include "openapi/patch_keys.h"
#include "openapi/patch_parts.h"

/* ---- errors ---- */

const char *patch_go_type(const struct value *v)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
        return "bool";
    case VALUE_INT:
        return "int64";
    case VALUE_FLOAT:
        return "float64";
    case VALUE_STRING:
        return "string";
    case VALUE_LIST:
        return "[]interface {}";
    case VALUE_MAP:
        return "map[string]interface {}";
    default:
        return "%!s(<nil>)";
    }
}

/* Upstream has no status for these and answers 500 with the bare message. */
bool patch_fail(struct error *err, const char *fmt, ...)
{
    cleanup_arena struct arena *scratch = arena_new();
    va_list args;

    va_start(args, fmt);
    const char *text = arena_vprintf(scratch, fmt, args);
    va_end(args);
    error_set(err, REASON_UNKNOWN, "%s", text);
    if (err)
        err->code = 500;
    return false;
}

bool patch_fail_type(struct error *err, const char *want, const struct value *got)
{
    return patch_fail(err, "expected a %s, but received a %s", want, patch_go_type(got));
}

bool patch_fail_no_key(struct error *err, const struct value *item, const char *merge_key)
{
    cleanup_buf struct buf shown = BUF_INIT(BUF_UNLIMITED);

    patch_print(&shown, item);
    return patch_fail(err, "map: %s does not contain declared merge key: %s", buf_cstr(&shown), merge_key);
}

static bool fail_mixed(const struct value *a, const struct value *b, struct error *err)
{
    cleanup_buf struct buf shown = BUF_INIT(BUF_UNLIMITED);

    for (int i = 0; i < 2; i++) {
        const struct value *list = i ? b : a;
        buf_puts(&shown, i ? " " : "");
        if (value_is_set(list))
            patch_print(&shown, list);
        else
            buf_puts(&shown, "[]");
    }
    return patch_fail(err, "list element types are not identical: [%s]", buf_cstr(&shown));
}

/* ---- items ---- */

const struct value *patch_item_key(const char *merge_key, const struct value *item)
{
    return merge_key ? value_get(item, slice_str(merge_key)) : item;
}

bool patch_check_keys(const char *merge_key, const struct value *list, struct error *err)
{
    for (VALUE_EACH(item, list)) {
        if (item->kind != VALUE_MAP)
            return patch_fail_type(err, "map[string]interface {}", item);
        if (!value_is_set(patch_item_key(merge_key, item)))
            return patch_fail_no_key(err, item, merge_key);
    }
    return true;
}

bool patch_item_kind(const struct value *a, const struct value *b, enum value_kind *ret_kind,
                     struct error *err)
{
    const struct value *lists[] = {a, b}, *first = NULL;

    for (int i = 0; i < 2; i++) {
        for (VALUE_EACH(item, lists[i])) {
            if (!first && item->kind == VALUE_LIST)
                return patch_unprocessable(err);
            first = first ? first : item;
            if (item->kind != first->kind || item->kind == VALUE_NULL)
                return fail_mixed(a, b, err);
        }
    }
    if (!first)
        return patch_fail(err, "no elements in any of the given slices");
    *ret_kind = first->kind;
    return true;
}

/* ---- order ---- */

struct ranked {
    struct value item;
    long rank;   /* in the order its run is sorted by; -1: not named there */
    long before; /* index in the list as it stood, or -1 */
    size_t at;
};

struct run {
    struct ranked *items;
    size_t count;
};

static void index_items(struct patch_keys *keys, struct arena *arena, const char *merge_key,
                        const struct value *list)
{
    size_t i = 0;

    patch_keys_init(keys, arena, value_count(list));
    for (VALUE_EACH(item, list))
        patch_keys_add(keys, patch_item_key(merge_key, item), i++);
}

static int compare_ranks(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

/* Items that the order does not name have no right place. Upstream's insertion sort takes such a one for less
 * than its neighbour, whichever of the two it is: that is what clients see. */
static void sort_unnamed(struct run *run)
{
    for (size_t i = 1; i < run->count; i++) {
        for (size_t j = i; j > 0; j--) {
            struct ranked *left = &run->items[j - 1], *right = &run->items[j], swap = *left;
            if (left->rank >= 0 && right->rank >= 0 && right->rank >= left->rank)
                break;
            *left = *right;
            *right = swap;
        }
    }
}

static void sort_run(struct run *run)
{
    enum { SMALL = 20 };
    bool unnamed = false;

    for (size_t i = 0; i < run->count; i++) {
        run->items[i].at = i;
        unnamed |= run->items[i].rank < 0;
    }
    if (unnamed && run->count <= SMALL)
        sort_unnamed(run);
    else if (run->count)
        qsort(run->items, run->count, sizeof *run->items, compare_ranks);
}

/* Takes turns: a server-only item comes first only when both it and the patch item are known and it stood in
 * front. */
static void interleave(struct value *merged, const struct run *server, const struct run *patch)
{
    size_t i = 0, j = 0;

    for (size_t k = 0; k < server->count + patch->count; k++) {
        const struct ranked *s = i < server->count ? &server->items[i] : NULL;
        const struct ranked *p = j < patch->count ? &patch->items[j] : NULL;
        bool take_server = !p || (s && s->before >= 0 && p->before >= 0 && s->before < p->before);
        merged->list->items[k] = take_server ? s->item : p->item;
        i += take_server;
        j += !take_server;
    }
}

bool patch_order_items(const struct patch_order *o, struct value *merged, const struct value *order,
                       const struct value *before, struct error *err)
{
    struct patch_keys in_order, in_before;
    size_t count = value_count(merged);
    struct run server = {arena_alloc(o->arena, count * sizeof *server.items), 0};
    struct run patch = {arena_alloc(o->arena, count * sizeof *patch.items), 0};

    if (o->merge_key &&
        (!patch_check_keys(o->merge_key, merged, err) || !patch_check_keys(o->merge_key, order, err)))
        return false;
    index_items(&in_order, o->arena, o->merge_key, order);
    index_items(&in_before, o->arena, o->merge_key, before);
    for (VALUE_EACH(item, merged)) {
        const struct value *key = patch_item_key(o->merge_key, item);
        long named = patch_keys_find(&in_order, key), was = patch_keys_find(&in_before, key);
        struct run *run = named >= 0 ? &patch : &server;
        run->items[run->count++] = (struct ranked){*item, named >= 0 ? named : was, was, 0};
    }
    sort_run(&server);
    sort_run(&patch);
    interleave(merged, &server, &patch);
    return true;
}
