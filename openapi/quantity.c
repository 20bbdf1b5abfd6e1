#include "openapi/quantity.h"

#include <stdio.h>

typedef __int128 wide;
typedef unsigned __int128 uwide;

enum { WIDE_DIGITS = 38, NANO = -9 };

static const char fault_form[] =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
static const char fault_suffix[] = "unable to parse quantity's suffix";

static uwide magnitude(wide v)
{
    return v < 0 ? 0 - (uwide)v : (uwide)v;
}

static wide signed_of(uwide v, bool negative)
{
    return negative ? (wide)(0 - v) : (wide)v;
}

/* 10^n for n in 0..38 */
static uwide power_of_ten(int n)
{
    uwide p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static int count_wide_digits(uwide v)
{
    int n = 0;
    for (; v; v /= 10)
        n++;
    return n;
}

static void normalize(struct quantity *q)
{
    if (q->value == 0)
        q->scale = 0;
    else
        while (q->value % 10 == 0)
            q->value /= 10, q->scale++;
}

/* Drops what is finer than 10^scale, away from zero. */
static void round_up(struct quantity *q, int scale)
{
    if (q->value == 0 || q->scale >= scale)
        return;
    int64_t drop = (int64_t)scale - q->scale;
    bool negative = q->value < 0;
    uwide v = magnitude(q->value);
    if (drop > WIDE_DIGITS) {
        v = 1;
    } else {
        uwide unit = power_of_ten((int)drop);
        v = v / unit + (v % unit != 0);
    }
    q->value = signed_of(v, negative);
    q->scale = scale;
    normalize(q);
}

/* ---- reading ---- */

/* The parts of a text: sign, digits before and after the point (leading zeros cut), suffix. */
struct parts {
    bool negative;
    struct slice whole, fraction, suffix;
};

static size_t count_digits(struct slice s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
        n++;
    return n;
}

static bool split_text(struct slice text, struct parts *p)
{
    struct slice rest = text;
    p->negative = rest.len && rest.ptr[0] == '-';
    if (rest.len && (rest.ptr[0] == '-' || rest.ptr[0] == '+'))
        rest = slice_from(rest, 1);
    size_t n = count_digits(rest), zeros = 0;
    while (zeros < n && rest.ptr[zeros] == '0')
        zeros++;
    p->whole = slice_make(rest.ptr + zeros, n - zeros);
    rest = slice_from(rest, n);
    p->fraction = slice_make(rest.ptr, 0);
    if (rest.len && rest.ptr[0] == '.') {
        rest = slice_from(rest, 1);
        n = count_digits(rest);
        p->fraction = slice_make(rest.ptr, n);
        rest = slice_from(rest, n);
    }
    p->suffix = rest;
    size_t i = 0;
    while (i < rest.len && rest.ptr[i] && strchr("eEinumkKMGTP", rest.ptr[i]))
        i++;
    if (i < rest.len && (rest.ptr[i] == '-' || rest.ptr[i] == '+'))
        i++;
    return i + count_digits(slice_from(rest, i)) == rest.len;
}

static const struct {
    const char *name;
    int exponent;
} decimal_suffixes[] = {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0},   {"k", 3},
                        {"M", 6},  {"G", 9},  {"T", 12}, {"P", 15}, {"E", 18}};
static const char binary_suffixes[][3] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

/* "e12", "E-3": the exponent, cut to 32 bits as upstream does. */
static bool read_exponent(struct slice digits, int32_t *ret)
{
    bool negative = digits.len && digits.ptr[0] == '-';
    if (digits.len && (digits.ptr[0] == '-' || digits.ptr[0] == '+'))
        digits = slice_from(digits, 1);
    uint64_t n = 0;
    if (digits.len == 0 || count_digits(digits) != digits.len)
        return false;
    for (size_t i = 0; i < digits.len; i++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(digits.ptr[i] - '0'), &n) || n > INT64_MAX)
            return false;
    *ret = (int32_t)(uint32_t)(negative ? 0 - n : n);
    return true;
}

static bool read_suffix(struct slice suffix, enum quantity_format *ret_format, int32_t *ret_exponent)
{
    for (size_t i = 0; i < sizeof decimal_suffixes / sizeof *decimal_suffixes; i++)
        if (slice_is(suffix, decimal_suffixes[i].name)) {
            *ret_format = QUANTITY_DECIMAL_SI;
            *ret_exponent = decimal_suffixes[i].exponent;
            return true;
        }
    for (int i = 1; i < 7; i++)
        if (slice_is(suffix, binary_suffixes[i])) {
            *ret_format = QUANTITY_BINARY_SI;
            *ret_exponent = i * 10;
            return true;
        }
    *ret_format = QUANTITY_DECIMAL_EXPONENT;
    return suffix.len > 1 && (suffix.ptr[0] | 0x20) == 'e' &&
           read_exponent(slice_from(suffix, 1), ret_exponent);
}

/* The digits as one number and a power of ten; digits past the 38th only round away from zero. */
static void read_digits(const struct parts *p, uwide *ret_value, int64_t *ret_scale, bool *ret_inexact)
{
    uwide v = 0;
    int used = 0;
    int64_t scale = -(int64_t)p->fraction.len;
    *ret_inexact = false;
    for (size_t i = 0; i < p->whole.len + p->fraction.len; i++) {
        char c = i < p->whole.len ? p->whole.ptr[i] : p->fraction.ptr[i - p->whole.len];
        if (used == WIDE_DIGITS - 1) {
            *ret_inexact = *ret_inexact || c != '0';
            scale++;
            continue;
        }
        v = v * 10 + (uwide)(c - '0');
        used += used || c != '0';
    }
    *ret_value = v + *ret_inexact;
    *ret_scale = scale;
}

/* v * 2^exponent at the given scale, or *ret_much when that is more than 2^63-1 whatever the fraction. */
static uwide times_binary(uwide v, int exponent, int64_t *scale, bool *ret_much)
{
    *ret_much = false;
    while (exponent > 0 && v) {
        if (v >> 127) {
            /* Make room: the lowest digit is far below what is kept at the end. */
            v = v / 10 + (v % 10 != 0);
            ++*scale;
            continue;
        }
        v <<= 1;
        exponent--;
    }
    int64_t s = *scale;
    uwide whole = v;
    for (; s < 0 && whole; s++)
        whole /= 10;
    for (; s > 0 && whole && whole <= INT64_MAX; s--)
        whole *= 10;
    *ret_much = whole > INT64_MAX;
    return v;
}

bool quantity_parse(struct slice text, struct quantity *ret, const char **ret_fault)
{
    struct parts p;
    int32_t exponent = 0;
    int64_t scale;
    bool inexact, much = false;
    uwide v;
    if (text.len == 0 || !split_text(text, &p)) {
        *ret_fault = fault_form;
        return false;
    }
    if (!read_suffix(p.suffix, &ret->format, &exponent)) {
        *ret_fault = fault_suffix;
        return false;
    }
    /* No digits at all ("-", "Ki") is 0 upstream. */
    read_digits(&p, &v, &scale, &inexact);
    if (ret->format == QUANTITY_BINARY_SI)
        v = times_binary(v, exponent, &scale, &much);
    else
        scale += exponent;
    if (much)
        v = INT64_MAX, scale = 0;
    while (v > (uwide)-1 >> 1)
        v = v / 10 + (v % 10 != 0), scale++;
    ret->value = signed_of(v, p.negative);
    ret->scale = (int32_t)(scale > INT32_MAX ? INT32_MAX : scale < INT32_MIN ? INT32_MIN : scale);
    normalize(ret);
    round_up(ret, NANO);
    struct quantity size = {signed_of(magnitude(ret->value), false), ret->scale, ret->format};
    if (ret->format == QUANTITY_BINARY_SI && ret->value && quantity_cmp_int(&size, 1) < 0)
        ret->format = QUANTITY_DECIMAL_SI;
    return true;
}

struct quantity quantity_of(struct slice text)
{
    struct quantity q;
    const char *fault;
    if (!quantity_parse(text, &q, &fault))
        q = (struct quantity){0};
    return q;
}

/* ---- writing ---- */

static char *put_wide(char *to, wide v)
{
    char digits[40];
    int n = 0;
    uwide m = magnitude(v);
    if (v < 0)
        *to++ = '-';
    do
        digits[n++] = (char)('0' + (int)(m % 10));
    while (m /= 10);
    while (n)
        *to++ = digits[--n];
    return to;
}

/* Whole numbers only. */
static struct slice print_binary(const struct quantity *q, char text[QUANTITY_TEXT])
{
    wide v = q->value * (wide)power_of_ten(q->scale);
    int times = 0;
    while (times < 6 && magnitude(v) >= 1024 && v % 1024 == 0)
        v /= 1024, times++;
    char *to = put_wide(text, v);
    to += sprintf(to, "%s", binary_suffixes[times]);
    return slice_make(text, (size_t)(to - text));
}

struct slice quantity_print(const struct quantity *q, char text[QUANTITY_TEXT])
{
    if (q->value == 0)
        return SLICE("0");
    bool binary = q->format == QUANTITY_BINARY_SI && q->scale >= 0 &&
                  q->scale + count_wide_digits(magnitude(q->value)) <= WIDE_DIGITS &&
                  !(quantity_cmp_int(q, -1024) > 0 && quantity_cmp_int(q, 1024) < 0);
    if (binary)
        return print_binary(q, text);
    /* The exponent becomes a multiple of three by moving up to two zeros into the number. */
    int move = (q->scale % 3 + 3) % 3;
    int32_t exponent = q->scale - move;
    char *to = put_wide(text, q->value);
    for (int i = 0; i < move; i++)
        *to++ = '0';
    if (q->format == QUANTITY_DECIMAL_EXPONENT) {
        if (exponent)
            to += sprintf(to, "e%d", exponent);
        return slice_make(text, (size_t)(to - text));
    }
    /* Past the last suffix upstream writes none: the number is then shown without its exponent. */
    for (size_t i = 0; i < sizeof decimal_suffixes / sizeof *decimal_suffixes; i++)
        if (decimal_suffixes[i].exponent == exponent)
            to += sprintf(to, "%s", decimal_suffixes[i].name);
    return slice_make(text, (size_t)(to - text));
}

/* Texts that upstream's fast path takes over as they are. */
static bool kept_as_written(struct slice text, const struct quantity *q)
{
    struct parts p;
    int32_t exponent = 0;
    enum quantity_format format;
    if (slice_is(text, "0"))
        return true;
    split_text(text, &p);
    read_suffix(p.suffix, &format, &exponent);
    size_t digits = p.whole.len + p.fraction.len;
    if (p.whole.len == 0)
        return false; /* a number of no digits counts as "0", which is never kept */
    if (format == QUANTITY_BINARY_SI) {
        bool fits =
            p.fraction.len == 0 && 15 - (int64_t)p.whole.len - (int32_t)((float)exponent * 3 / 10) - 1 >= 0;
        int low = 0; /* the number modulo 8 needs its last three digits only */
        for (size_t i = p.whole.len < 3 ? 0 : p.whole.len - 3; i < p.whole.len; i++)
            low = low * 10 + (p.whole.ptr[i] - '0');
        return fits && q->format == QUANTITY_BINARY_SI && (low & 7) != 0;
    }
    int64_t scale = (int64_t)exponent - (int64_t)p.fraction.len;
    if (digits > 18 || scale < NANO || scale % 3 != 0)
        return false;
    for (size_t i = 0; i < 3; i++) {
        size_t at = digits - 1 - i;
        if (digits < 3 || (at < p.whole.len ? p.whole.ptr[at] : p.fraction.ptr[at - p.whole.len]) != '0')
            return true;
    }
    return false;
}

bool quantity_canonical(struct arena *arena, struct slice text, struct slice *ret, const char **ret_fault)
{
    struct quantity q;
    char canonical[QUANTITY_TEXT];
    if (!quantity_parse(text, &q, ret_fault))
        return false;
    if (kept_as_written(text, &q)) {
        *ret = text;
        return true;
    }
    struct slice printed = quantity_print(&q, canonical);
    *ret = slice_eq(printed, text) ? text : arena_dup(arena, printed);
    return true;
}

/* ---- arithmetic ---- */

struct quantity quantity_of_int(int64_t n, enum quantity_format format)
{
    struct quantity q = {n, 0, format};
    normalize(&q);
    return q;
}

struct quantity quantity_of_milli(int64_t n, enum quantity_format format)
{
    struct quantity q = {n, -3, format};
    normalize(&q);
    return q;
}

int quantity_sign(const struct quantity *q)
{
    return (q->value > 0) - (q->value < 0);
}

int quantity_cmp(const struct quantity *a, const struct quantity *b)
{
    int sign = quantity_sign(a);
    if (sign != quantity_sign(b))
        return sign > quantity_sign(b) ? 1 : -1;
    if (sign == 0)
        return 0;
    uwide x = magnitude(a->value), y = magnitude(b->value);
    int64_t x_top = count_wide_digits(x) + (int64_t)a->scale,
            y_top = count_wide_digits(y) + (int64_t)b->scale;
    if (x_top != y_top)
        return x_top > y_top ? sign : -sign;
    /* The same number of digits above the point of 10^0: bring the shorter to the length of the longer. */
    if (a->scale > b->scale)
        x *= power_of_ten(a->scale - b->scale);
    else
        y *= power_of_ten(b->scale - a->scale);
    return x == y ? 0 : x > y ? sign : -sign;
}

int quantity_cmp_int(const struct quantity *a, int64_t b)
{
    struct quantity q = quantity_of_int(b, QUANTITY_DECIMAL_SI);
    return quantity_cmp(a, &q);
}

/* v at a finer scale, as far as 128 bits go; *scale ends where it got. */
static wide finer(wide v, int32_t *scale, int32_t to)
{
    wide next;
    while (*scale > to && !__builtin_mul_overflow(v, (wide)10, &next))
        v = next, --*scale;
    return v;
}

static void add_value(struct quantity *a, wide value, int32_t scale)
{
    wide x = a->value;
    int32_t x_scale = a->scale;
    if (x_scale > scale)
        x = finer(x, &x_scale, scale);
    else
        value = finer(value, &scale, x_scale);
    /* What could not be brought to one scale loses the digits that do not fit. */
    struct quantity small = {x_scale < scale ? x : value, x_scale < scale ? x_scale : scale, 0};
    int32_t common = x_scale < scale ? scale : x_scale;
    if (x_scale != scale) {
        round_up(&small, common);
        small.value = finer(small.value, &small.scale, common);
        if (x_scale < scale)
            x = small.value;
        else
            value = small.value;
    }
    if (__builtin_add_overflow(x, value, &a->value)) {
        a->value = x / 10 + value / 10;
        common++;
    }
    a->scale = common;
    normalize(a);
}

void quantity_add(struct quantity *a, const struct quantity *b)
{
    if (a->value == 0)
        a->format = b->format;
    if (b->value == 0)
        return;
    if (a->value == 0)
        a->value = b->value, a->scale = b->scale;
    else
        add_value(a, b->value, b->scale);
}

void quantity_sub(struct quantity *a, const struct quantity *b)
{
    struct quantity negative = {-b->value, b->scale, b->format};
    quantity_add(a, &negative);
}

int64_t quantity_scaled(const struct quantity *q, int scale)
{
    struct quantity r = *q;
    round_up(&r, scale);
    int32_t at = r.scale - scale;
    wide v = finer(r.value, &at, 0);
    if (v && (at > 0 || v > INT64_MAX || v < INT64_MIN))
        return v > 0 ? INT64_MAX : INT64_MIN;
    return (int64_t)v;
}

bool quantity_as_int(const struct quantity *q, int64_t *ret)
{
    int32_t scale = q->scale;
    wide v = finer(q->value, &scale, 0);
    if (q->value && (q->scale < 0 || scale > 0 || v > INT64_MAX || v < INT64_MIN))
        return false;
    *ret = (int64_t)v;
    return true;
}
