#include "openapi/scalar.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---- numbers ---- */

/* The fewest digits that read back as f, as "d.ddde[+-]xx" split into digits and a decimal exponent. */
static int shortest_digits(double f, char digits[24], int *ret_exponent)
{
    char text[40];
    /* Fifteen digits always survive; subnormal numbers have fewer. */
    for (int precision = f < DBL_MIN ? 0 : 14; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, f);
        if (precision == 16 || strtod(text, NULL) == f)
            break;
    }
    char *e = strchr(text, 'e');
    *ret_exponent = atoi(e + 1);
    int n = 0;
    for (char *p = text; p < e; p++)
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

static char *put_zeros(char *to, int n)
{
    while (n-- > 0)
        *to++ = '0';
    return to;
}

struct slice scalar_format_float(double f, char text[SCALAR_FLOAT_TEXT])
{
    char digits[24], *to = text;
    int exponent;
    if (signbit(f))
        *to++ = '-';
    f = fabs(f);
    if (f == 0) {
        *to++ = '0';
        return slice_make(text, (size_t)(to - text));
    }
    int n = shortest_digits(f, digits, &exponent);
    if (f < 1e-6 || f >= 1e21) {
        *to++ = digits[0];
        if (n > 1) {
            *to++ = '.';
            memcpy(to, digits + 1, (size_t)n - 1);
            to += n - 1;
        }
        /* Two digits in a positive exponent, but "1e-9": Go's encoder cleans only that. */
        to += sprintf(to, exponent < 0 ? "e-%d" : "e+%02d", abs(exponent));
    } else if (exponent < 0) {
        *to++ = '0';
        *to++ = '.';
        to = put_zeros(to, -exponent - 1);
        memcpy(to, digits, (size_t)n);
        to += n;
    } else {
        int whole = exponent + 1;
        memcpy(to, digits, (size_t)(n < whole ? n : whole));
        to = put_zeros(to + (n < whole ? n : whole), whole - n);
        if (n > whole) {
            *to++ = '.';
            memcpy(to, digits + whole, (size_t)(n - whole));
            to += n - whole;
        }
    }
    return slice_make(text, (size_t)(to - text));
}

bool scalar_parse_float(struct slice number, double *ret)
{
    char small[64], *text = small;
    cleanup_free char *big = NULL;
    if (number.len >= sizeof small) {
        text = big = malloc(number.len + 1);
        if (!text)
            return false;
    }
    memcpy(text, number.ptr, number.len);
    text[number.len] = 0;
    double f = strtod(text, NULL);
    if (!isfinite(f))
        return false;
    *ret = f;
    return true;
}

bool scalar_parse_int(struct slice digits, int64_t *ret)
{
    size_t i = digits.len && (digits.ptr[0] == '-' || digits.ptr[0] == '+');
    bool negative = i && digits.ptr[0] == '-';
    uint64_t n = 0;
    if (i == digits.len)
        return false;
    for (; i < digits.len; i++) {
        unsigned d = (unsigned)(digits.ptr[i] - '0');
        if (d > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, d, &n))
            return false;
    }
    if (n > (uint64_t)INT64_MAX + negative)
        return false;
    *ret = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

/* ---- base64 ---- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

struct base64 {
    struct slice text;
    size_t at;
};

/* The next byte that is no line end, or -1. */
static int base64_next(struct base64 *in)
{
    while (in->at < in->text.len) {
        char c = in->text.ptr[in->at++];
        if (c != '\n' && c != '\r')
            return (unsigned char)c;
    }
    return -1;
}

static bool base64_fault(struct arena *arena, size_t at, const char **ret_fault)
{
    *ret_fault = arena_printf(arena, "illegal base64 data at input byte %zu", at);
    return false;
}

/* After a padding character: the rest of the padding and then nothing. `have` digits came before it. */
static bool base64_padding(struct arena *arena, struct base64 *in, int have, const char **ret_fault)
{
    size_t at = in->at - 1;
    if (have < 2)
        return base64_fault(arena, at, ret_fault);
    if (have == 2) {
        int c = base64_next(in);
        if (c != '=')
            return base64_fault(arena, c < 0 ? in->text.len : in->at - 2, ret_fault);
    }
    if (base64_next(in) >= 0)
        return base64_fault(arena, in->at - 1, ret_fault);
    return true;
}

bool scalar_base64_decode(struct arena *arena, struct slice text, struct slice *ret_bytes,
                          const char **ret_fault)
{
    struct base64 in = {.text = text};
    char *bytes = arena_bytes(arena, text.len / 4 * 3 + 4), *to = bytes;
    for (bool more = true; more;) {
        uint32_t group = 0;
        int have = 0;
        for (; have < 4; have++) {
            int c = base64_next(&in);
            if (c < 0 && have == 0) {
                *ret_bytes = slice_make(bytes, (size_t)(to - bytes));
                return true;
            }
            if (c < 0)
                return base64_fault(arena, in.at - (size_t)have, ret_fault);
            if (c == '=') {
                if (!base64_padding(arena, &in, have, ret_fault))
                    return false;
                more = false;
                break;
            }
            int v = base64_value((char)c);
            if (v < 0)
                return base64_fault(arena, in.at - 1, ret_fault);
            group |= (uint32_t)v << (18 - 6 * have);
        }
        for (int i = 0; i < have - (have < 4) && i < 3; i++)
            *to++ = (char)(group >> (16 - 8 * i));
    }
    *ret_bytes = slice_make(bytes, (size_t)(to - bytes));
    return true;
}

struct slice scalar_base64_encode(struct arena *arena, struct slice bytes)
{
    size_t n = (bytes.len + 2) / 3 * 4;
    char *text = arena_bytes(arena, n + 1), *to = text;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        for (size_t j = 0; j < have; j++)
            group |= (uint32_t)(unsigned char)bytes.ptr[i + j] << (16 - 8 * j);
        for (size_t j = 0; j < 4; j++)
            *to++ = j <= have ? base64_digits[group >> (18 - 6 * j) & 63] : '=';
    }
    *to = 0;
    return slice_make(text, n);
}

/* Whole groups of digits, no line ends, at most a padding whose unused bits are zero: nothing to change. */
static bool base64_is_canonical(struct slice text)
{
    size_t n = text.len;
    if (n % 4)
        return false;
    while (n && text.len - n < 2 && text.ptr[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++)
        if (base64_value(text.ptr[i]) < 0)
            return false;
    int unused = n % 4 == 2 ? 15 : n % 4 == 3 ? 3 : 0;
    return n == text.len || (base64_value(text.ptr[n - 1]) & unused) == 0;
}

bool scalar_base64(struct arena *arena, struct slice text, struct slice *ret_canonical,
                   const char **ret_fault)
{
    struct slice bytes;
    if (base64_is_canonical(text)) {
        *ret_canonical = text;
        return true;
    }
    if (!scalar_base64_decode(arena, text, &bytes, ret_fault))
        return false;
    *ret_canonical = scalar_base64_encode(arena, bytes);
    return true;
}
