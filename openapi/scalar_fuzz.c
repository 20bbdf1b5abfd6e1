#include "base/alloc.h"
#include "openapi/quantity.h"
#include "openapi/scalar.h"

/* Canonical texts stay what they are, and what they stand for. The first byte chooses the reader.
 *
 * One kind of quantity takes two steps, as upstream: 62.5Ki is no multiple of 1Ki, so it becomes "64000",
 * whose text has lost the format and which is 64k to the next reader. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bool reader(struct arena *arena, struct slice text, struct slice *ret_canonical,
                    const char **ret_fault);

static bool duration(struct arena *arena, struct slice text, struct slice *ret_canonical,
                     const char **ret_fault)
{
    int64_t nanos;
    if (!scalar_parse_duration(arena, text, &nanos, ret_fault))
        return false;
    *ret_canonical = scalar_format_duration(arena, nanos);
    return true;
}

static void check_quantity(struct slice text, struct slice canonical)
{
    struct quantity a = quantity_of(text), b = quantity_of(canonical), c = a;
    struct quantity zetta = {1, 21, QUANTITY_DECIMAL_SI}, size = a;
    size.value = a.value < 0 ? -a.value : a.value;
    if (a.format == QUANTITY_DECIMAL_SI && quantity_cmp(&size, &zetta) >= 0)
        return; /* no suffix reaches that far: upstream writes the number without one, and so do we */
    if (quantity_cmp(&a, &b) != 0 || quantity_sign(&a) != quantity_sign(&b))
        abort();
    quantity_add(&c, &a);
    if (quantity_sign(&c) != quantity_sign(&a) || quantity_cmp(&c, &a) != quantity_sign(&a))
        abort();
    c = a;
    quantity_sub(&c, &b);
    if (quantity_sign(&c) != 0)
        abort();
}

static bool lost_its_unit(struct slice text, struct slice canonical)
{
    return quantity_of(text).format == QUANTITY_BINARY_SI &&
           quantity_of(canonical).format == QUANTITY_DECIMAL_SI;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static reader *const readers[] = {quantity_canonical, scalar_time, scalar_micro_time, duration,
                                      scalar_base64};
    if (size == 0)
        return 0;
    size_t which = data[0] % (sizeof readers / sizeof *readers);
    cleanup_arena struct arena *arena = arena_new();
    struct slice text = slice_make((const char *)data + 1, size - 1), canonical, again;
    const char *fault = NULL;
    if (!readers[which](arena, text, &canonical, &fault)) {
        if (!fault)
            abort();
        return 0;
    }
    if (canonical.len == 0)
        return 0; /* the zero time, no bytes */
    bool far_year = (which == 1 || which == 2) && (canonical.ptr[4] != '-' || canonical.ptr[0] == '-');
    if (far_year)
        return 0; /* an offset moved the year out of 0..9999, where no text can say it */
    bool read = readers[which](arena, canonical, &again, &fault);
    if (read && which == 0 && lost_its_unit(text, canonical)) {
        check_quantity(text, again);
        text = canonical = again;
        read = readers[which](arena, canonical, &again, &fault);
    }
    if (!read || !slice_eq(canonical, again)) {
        fprintf(stderr, "%.*s then %.*s\n", SLICE_ARG(canonical), SLICE_ARG(again));
        abort();
    }
    if (which == 0)
        check_quantity(text, canonical);
    return 0;
}
