#include "cel/number.h"

#include <errno.h>
#include <math.h>
#include <strings.h>

#include "openapi/scalar.h"

bool cel_parse_int(struct slice text, int64_t *ret)
{
    return scalar_parse_int(text, ret);
}

bool cel_parse_uint(struct slice text, uint64_t *ret)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(text.ptr[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    *ret = n;
    return text.len > 0;
}

static bool special(struct slice text, double *ret)
{
    struct slice name = text.len && strchr("+-", text.ptr[0]) ? slice_from(text, 1) : text;
    bool infinite = (name.len == 3 && strncasecmp(name.ptr, "inf", 3) == 0) ||
                    (name.len == 8 && strncasecmp(name.ptr, "infinity", 8) == 0);
    if (!infinite && !(text.len == 3 && strncasecmp(text.ptr, "nan", 3) == 0))
        return false;
    *ret = !infinite ? NAN : text.ptr[0] == '-' ? -INFINITY : INFINITY;
    return true;
}

bool cel_parse_double(struct slice text, double *ret)
{
    char copy[400], *end;
    if (special(text, ret))
        return true;
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789+-.eE", text.ptr[i]) || text.ptr[i] == 0)
            return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    *ret = strtod(copy, &end);
    return *end == 0 && end != copy && isfinite(*ret);
}

struct slice cel_format_double(struct arena *arena, double d)
{
    if (isnan(d))
        return SLICE("NaN");
    if (isinf(d))
        return d > 0 ? SLICE("+Inf") : SLICE("-Inf");
    /* Go's %g takes the exponent from 1e21 on and below 1e-4. */
    char text[SCALAR_FLOAT_TEXT + 8];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, d);
        if (strtod(text, NULL) == d)
            break;
    }
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent < -4 || exponent >= 21)
        return arena_dup(arena, slice_str(text));
    int digits =
        (int)(strchr(text, 'e') - text) - (strchr(text, '.') ? 2 : 1) - (d < 0 || (d == 0 && signbit(d)));
    int decimals = digits - exponent;
    return arena_slicef(arena, "%.*f", decimals > 0 ? decimals : 0, d);
}
