/* FieldsV1: what was read must be read the same again when it was written, and the laws of sets must hold for
 * it. The input is two sets with a zero byte between. */
#include <stdlib.h>
#include "openapi/fieldset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_round(struct arena *arena, const struct fieldset *set)
{
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    struct fieldset again;
    fieldset_encode(&text, set);
    check(fieldset_decode(arena, arena_dup(arena, buf_slice(&text)), &again, NULL));
    check(fieldset_equal(set, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *arena = arena_new();
    struct slice rest = slice_make((const char *)data, size), text;
    struct fieldset a, b;
    arena_set_limit(arena, 64 << 20);
    if (!slice_split(&rest, '\0', &text) || !fieldset_decode(arena, text, &a, NULL))
        return 0;
    check_round(arena, &a);
    if (!rest.ptr || !fieldset_decode(arena, rest, &b, NULL))
        return 0;
    struct fieldset both = fieldset_union(arena, &a, &b), common = fieldset_intersection(arena, &a, &b);
    struct fieldset less = fieldset_difference(arena, &a, &b), sum = fieldset_union(arena, &less, &common);
    struct fieldset gone = fieldset_difference(arena, &a, &both);
    check(fieldset_equal(&sum, &a));
    check(fieldset_is_empty(&gone));
    check(fieldset_overlaps(&a, &b) == !fieldset_is_empty(&common));
    check_round(arena, &both);
    return 0;
}
