#include "openapi/yaml_scalar.h"

#include <math.h>

#include "openapi/scalar.h"

static bool one_of(struct slice text, const char *const *words)
{
    for (; *words; words++)
        if (slice_is(text, *words))
            return true;
    return false;
}

static bool resolve_word(struct slice text, struct yaml_resolved *ret)
{
    static const char *const yes[] = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                      "True", "TRUE", "on",  "On",  "ON",  NULL};
    static const char *const no[] = {"n",     "N",     "no",  "No",  "NO",  "false",
                                     "False", "FALSE", "off", "Off", "OFF", NULL};
    static const char *const null[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const nan[] = {".nan", ".NaN", ".NAN", NULL};
    static const char *const infinity[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL};
    static const char *const minus[] = {"-.inf", "-.Inf", "-.INF", NULL};
    if (one_of(text, yes) || one_of(text, no))
        *ret = (struct yaml_resolved){YAML_IS_BOOL, {.b = one_of(text, yes)}};
    else if (one_of(text, null))
        *ret = (struct yaml_resolved){.meaning = YAML_IS_NULL};
    else if (one_of(text, nan))
        *ret = (struct yaml_resolved){YAML_IS_FLOAT, {.f = NAN}};
    else if (one_of(text, infinity))
        *ret = (struct yaml_resolved){YAML_IS_FLOAT, {.f = INFINITY}};
    else if (one_of(text, minus))
        *ret = (struct yaml_resolved){YAML_IS_FLOAT, {.f = -INFINITY}};
    else
        return false;
    return true;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* An integer with Go's prefixes: 0x, 0o, 0b and 0 for octal. */
static bool resolve_int(struct slice text, struct yaml_resolved *ret)
{
    bool sign = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'), negative = sign && text.ptr[0] == '-';
    struct slice digits = slice_from(text, sign);
    unsigned base = 10;
    uint64_t n = 0;
    if (digits.len > 1 && digits.ptr[0] == '0') {
        char c = digits.ptr[1] | 0x20;
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        digits = slice_from(digits, c == 'x' || c == 'b' || c == 'o' ? 2 : 1);
    }
    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned d = (unsigned)digit_value(digits.ptr[i]);
        if (d >= base || __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, d, &n))
            return false;
    }
    if (n <= (uint64_t)INT64_MAX + negative)
        *ret = (struct yaml_resolved){YAML_IS_INT, {.i = negative ? (int64_t)(0 - n) : (int64_t)n}};
    else if (sign)
        return false;
    else
        *ret = (struct yaml_resolved){YAML_IS_UINT, {.u = n}};
    return true;
}

static size_t count_digits(struct slice s, size_t from)
{
    size_t n = 0;
    while (from + n < s.len && s.ptr[from + n] >= '0' && s.ptr[from + n] <= '9')
        n++;
    return n;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool resolve_float(struct slice text, struct yaml_resolved *ret)
{
    size_t i = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');
    size_t whole = count_digits(text, i), fraction = 0;
    i += whole;
    if (i < text.len && text.ptr[i] == '.') {
        fraction = count_digits(text, i + 1);
        i += fraction + 1;
    }
    if (whole + fraction == 0)
        return false;
    if (i < text.len && (text.ptr[i] | 0x20) == 'e') {
        i++;
        i += i < text.len && (text.ptr[i] == '-' || text.ptr[i] == '+');
        size_t n = count_digits(text, i);
        if (n == 0)
            return false;
        i += n;
    }
    ret->meaning = YAML_IS_FLOAT;
    return i == text.len && scalar_parse_float(text, &ret->f);
}

/* One or two digits up to max, then the byte `after` if that is not 0. */
static bool take_number(struct slice *rest, int max, char after)
{
    size_t n = count_digits(*rest, 0);
    int value = 0;
    if (n == 0 || n > 2)
        return false;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (rest->ptr[i] - '0');
    *rest = slice_from(*rest, n);
    if (value > max || (after && (rest->len == 0 || rest->ptr[0] != after)))
        return false;
    if (after)
        *rest = slice_from(*rest, 1);
    return true;
}

static bool is_time(struct slice text)
{
    struct slice rest = slice_from(text, 5);
    if (text.len < 6 || count_digits(text, 0) != 4 || text.ptr[4] != '-')
        return false;
    if (!take_number(&rest, 12, '-') || !take_number(&rest, 31, 0))
        return false;
    if (rest.len == 0)
        return true;
    char joint = rest.ptr[0];
    rest = slice_from(rest, 1);
    if ((joint != 'T' && joint != 't' && joint != ' ') || !take_number(&rest, 23, ':') ||
        !take_number(&rest, 59, ':') || !take_number(&rest, 59, 0))
        return false;
    if (rest.len > 1 && (rest.ptr[0] == '.' || rest.ptr[0] == ','))
        rest = slice_from(rest, 1 + count_digits(rest, 1));
    if (joint == ' ')
        return rest.len == 0;
    if (slice_is(rest, "Z"))
        return true;
    if (rest.len != 6 || (rest.ptr[0] != '+' && rest.ptr[0] != '-'))
        return false;
    rest = slice_from(rest, 1);
    return take_number(&rest, 24, ':') && take_number(&rest, 60, 0) && rest.len == 0;
}

/* A number, which may have underscores between its digits. */
static bool resolve_number(struct slice text, struct yaml_resolved *ret)
{
    char plain[512];
    size_t n = 0;
    if (text.len >= sizeof plain)
        return false; /* no number that long fits 64 bits */
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '_')
            plain[n++] = text.ptr[i];
    return resolve_int(slice_make(plain, n), ret) || resolve_float(slice_make(plain, n), ret);
}

struct yaml_resolved yaml_resolve(struct slice text)
{
    struct yaml_resolved r = {.meaning = YAML_IS_STRING};
    char first = text.len ? text.ptr[0] : 0;
    if (first && !strchr("+-.0123456789yYnNtTfFoO~", first))
        return r;
    if (resolve_word(text, &r))
        return r;
    bool number = first == '+' || first == '-' || (first >= '0' && first <= '9');
    if (number && is_time(text))
        return (struct yaml_resolved){.meaning = YAML_IS_TIME};
    if ((number && resolve_number(text, &r)) || (first == '.' && resolve_float(text, &r)))
        return r;
    return (struct yaml_resolved){.meaning = YAML_IS_STRING};
}

bool yaml_is_base60(struct slice text)
{
    size_t i = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'), parts = 0;
    if (count_digits(text, i) == 0)
        return false;
    while (i < text.len && ((text.ptr[i] >= '0' && text.ptr[i] <= '9') || text.ptr[i] == '_'))
        i++;
    while (i < text.len && text.ptr[i] == ':') {
        size_t n = count_digits(text, i + 1);
        if (n == 0 || n > 2 || (n == 2 && text.ptr[i + 1] > '5'))
            return false;
        i += n + 1;
        parts++;
    }
    if (i < text.len && text.ptr[i] == '.')
        for (i++; i < text.len && ((text.ptr[i] >= '0' && text.ptr[i] <= '9') || text.ptr[i] == '_');)
            i++;
    return parts && i == text.len;
}
