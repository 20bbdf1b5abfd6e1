#include <inttypes.h>

#include "base/clock.h"
#include "openapi/scalar.h"

/* ---- times ---- */

/* One reading of a time. Go's time.Parse walks the layout piece by piece; so do we, to name the same piece
 * when the text does not fit. */
struct reading {
    struct arena *arena;
    struct slice text, rest;
    const char *layout;
    const char *fault;
};

static bool misfit(struct reading *r, struct slice rest, const char *piece)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    buf_puts(&b, "parsing time ");
    buf_put_quoted(&b, r->text);
    buf_printf(&b, " as \"%s\": cannot parse ", r->layout);
    buf_put_quoted(&b, rest);
    buf_printf(&b, " as \"%s\"", piece);
    r->fault = arena_strdup(r->arena, buf_slice(&b));
    return false;
}

static bool out_of_range(struct reading *r, const char *what)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    buf_puts(&b, "parsing time ");
    buf_put_quoted(&b, r->text);
    buf_printf(&b, ": %s out of range", what);
    r->fault = arena_strdup(r->arena, buf_slice(&b));
    return false;
}

static bool extra_text(struct reading *r)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    buf_puts(&b, "parsing time ");
    buf_put_quoted(&b, r->text);
    buf_puts(&b, ": extra text: ");
    buf_put_quoted(&b, r->rest);
    r->fault = arena_strdup(r->arena, buf_slice(&b));
    return false;
}

static bool digit_at(struct slice s, size_t i)
{
    return i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9';
}

static bool read_char(struct reading *r, char c)
{
    char piece[2] = {c, 0};
    if (r->rest.len == 0 || r->rest.ptr[0] != c)
        return misfit(r, r->rest, piece);
    r->rest = slice_from(r->rest, 1);
    return true;
}

/* A number of `digits` digits; `least` of them must be there. */
static bool read_number(struct reading *r, size_t least, size_t digits, const char *piece, int *ret)
{
    int n = 0;
    size_t i = 0;
    for (; i < digits && digit_at(r->rest, i); i++)
        n = n * 10 + (r->rest.ptr[i] - '0');
    if (i < least)
        return misfit(r, r->rest, piece);
    r->rest = slice_from(r->rest, i);
    *ret = n;
    return true;
}

static bool read_ranged(struct reading *r, size_t least, const char *piece, const char *what, int low,
                        int high, int *ret)
{
    return read_number(r, least, 2, piece, ret) && ((*ret >= low && *ret <= high) || out_of_range(r, what));
}

/* What follows the seconds: with `exact` a point and six digits, else a fraction of any length or none. */
static bool read_fraction(struct reading *r, bool exact, int *ret_micros)
{
    bool point = r->rest.len && (r->rest.ptr[0] == '.' || r->rest.ptr[0] == ',');
    size_t digits = 0;
    *ret_micros = 0;
    if (point)
        while (digit_at(r->rest, digits + 1))
            digits++;
    if (exact && digits < 6)
        return misfit(r, r->rest, ".000000");
    if (exact)
        digits = 6;
    if (digits == 0)
        return true;
    for (size_t i = 0; i < 6; i++)
        *ret_micros = *ret_micros * 10 + (i < digits ? r->rest.ptr[i + 1] - '0' : 0);
    r->rest = slice_from(r->rest, digits + 1);
    return true;
}

static bool read_zone(struct reading *r, int *ret_seconds)
{
    static const char piece[] = "Z07:00";
    struct slice z = r->rest;
    *ret_seconds = 0;
    if (z.len && z.ptr[0] == 'Z') {
        r->rest = slice_from(z, 1);
        return true;
    }
    if (z.len < 6 || z.ptr[3] != ':' || !digit_at(z, 1) || !digit_at(z, 2) || !digit_at(z, 4) ||
        !digit_at(z, 5))
        return misfit(r, z, piece);
    int hours = (z.ptr[1] - '0') * 10 + z.ptr[2] - '0', minutes = (z.ptr[4] - '0') * 10 + z.ptr[5] - '0';
    if (hours > 24)
        return out_of_range(r, "time zone offset hour");
    if (minutes > 60)
        return out_of_range(r, "time zone offset minute");
    if (z.ptr[0] != '+' && z.ptr[0] != '-')
        return misfit(r, z, piece);
    *ret_seconds = (hours * 60 + minutes) * 60 * (z.ptr[0] == '-' ? -1 : 1);
    r->rest = slice_from(z, 6);
    return true;
}

static int days_in(int month, int year)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar, counted in 400-year eras that start in March. */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static bool read_time(struct reading *r, bool exact, int64_t *ret_micros)
{
    int year, month, day, hour, minute, second, micros, zone;
    r->rest = r->text;
    if (!read_number(r, 4, 4, "2006", &year) || !read_char(r, '-') ||
        !read_ranged(r, 2, "01", "month", 1, 12, &month) || !read_char(r, '-') ||
        !read_number(r, 2, 2, "02", &day) || !read_char(r, 'T') ||
        !read_ranged(r, 1, "15", "hour", 0, 23, &hour) || !read_char(r, ':') ||
        !read_ranged(r, 2, "04", "minute", 0, 59, &minute) || !read_char(r, ':') ||
        !read_ranged(r, 2, "05", "second", 0, 59, &second) || !read_fraction(r, exact, &micros) ||
        !read_zone(r, &zone))
        return false;
    if (r->rest.len)
        return extra_text(r);
    if (day < 1 || day > days_in(month, year))
        return out_of_range(r, "day");
    int64_t seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
    *ret_micros = seconds * 1000000 + micros;
    return true;
}

static const int64_t ZERO_TIME_MICROS = -62135596800LL * 1000000; /* 0001-01-01T00:00:00Z */

static int64_t floor_seconds(int64_t micros)
{
    return micros / 1000000 - (micros % 1000000 < 0);
}

/* A text that is canonical already stays the view it is. */
static struct slice keep_or_copy(struct arena *arena, struct slice text, struct slice canonical)
{
    return slice_eq(text, canonical) ? text : arena_dup(arena, canonical);
}

bool scalar_time(struct arena *arena, struct slice text, struct slice *ret_canonical, const char **ret_fault)
{
    struct reading r = {.arena = arena, .text = text, .layout = "2006-01-02T15:04:05Z07:00"};
    int64_t micros;
    char canonical[CLOCK_TEXT];
    if (!read_time(&r, false, &micros)) {
        *ret_fault = r.fault;
        return false;
    }
    if (micros == ZERO_TIME_MICROS)
        *ret_canonical = SLICE("");
    else
        *ret_canonical = keep_or_copy(arena, text, clock_format_seconds(floor_seconds(micros), canonical));
    return true;
}

bool scalar_micro_time(struct arena *arena, struct slice text, struct slice *ret_canonical,
                       const char **ret_fault)
{
    struct reading r = {.arena = arena, .text = text, .layout = "2006-01-02T15:04:05.000000Z07:00"};
    int64_t micros;
    char canonical[CLOCK_TEXT];
    if (!read_time(&r, true, &micros)) {
        *ret_fault = r.fault;
        return false;
    }
    if (micros == ZERO_TIME_MICROS)
        *ret_canonical = SLICE("");
    else
        *ret_canonical = keep_or_copy(arena, text, clock_format_micros(micros, canonical));
    return true;
}

/* ---- durations ---- */

static bool duration_fault(struct arena *arena, const char *what, struct slice unit, struct slice text,
                           const char **ret_fault)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    buf_printf(&b, "time: %s ", what);
    if (unit.ptr) {
        buf_put_quoted(&b, unit);
        buf_puts(&b, " in duration ");
    }
    buf_put_quoted(&b, text);
    *ret_fault = arena_strdup(arena, buf_slice(&b));
    return false;
}

static bool find_unit(struct slice name, uint64_t *ret_nanos)
{
    static const struct {
        const char *name;
        uint64_t nanos;
    } units[] = {
        {"ns", 1},       {"us", 1000},      {"\xc2\xb5s", 1000},   {"\xce\xbcs", 1000},
        {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000ULL}, {"h", 3600000000000ULL},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (slice_is(name, units[i].name)) {
            *ret_nanos = units[i].nanos;
            return true;
        }
    return false;
}

/* Digits up to 2^63; false when there are more. */
static bool leading_int(struct slice *rest, uint64_t *ret)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; digit_at(*rest, i); i++) {
        if (n > (UINT64_C(1) << 63) / 10)
            return false;
        n = n * 10 + (uint64_t)(rest->ptr[i] - '0');
        if (n > UINT64_C(1) << 63)
            return false;
    }
    *rest = slice_from(*rest, i);
    *ret = n;
    return true;
}

/* Digits after the point, as a number and its scale; those past the precision are dropped. */
static void leading_fraction(struct slice *rest, uint64_t *ret, double *ret_scale)
{
    uint64_t n = 0;
    double scale = 1;
    size_t i = 0;
    bool full = false;
    for (; digit_at(*rest, i); i++) {
        uint64_t next = n * 10 + (uint64_t)(rest->ptr[i] - '0');
        full = full || n > ((UINT64_C(1) << 63) - 1) / 10 || next > UINT64_C(1) << 63;
        if (full)
            continue;
        n = next;
        scale *= 10;
    }
    *rest = slice_from(*rest, i);
    *ret = n;
    *ret_scale = scale;
}

/* One "12.5ms": adds it to *total. */
static bool read_duration_part(struct arena *arena, struct slice text, struct slice *rest, uint64_t *total,
                               const char **ret_fault)
{
    static const char invalid[] = "invalid duration";
    uint64_t whole, fraction = 0, unit;
    double scale = 1;
    struct slice none = {NULL, 0};
    size_t before = rest->len;
    if (!(rest->len && (rest->ptr[0] == '.' || digit_at(*rest, 0))) || !leading_int(rest, &whole))
        return duration_fault(arena, invalid, none, text, ret_fault);
    bool any = rest->len != before;
    if (rest->len && rest->ptr[0] == '.') {
        *rest = slice_from(*rest, 1);
        before = rest->len;
        leading_fraction(rest, &fraction, &scale);
        any = any || rest->len != before;
    }
    if (!any)
        return duration_fault(arena, invalid, none, text, ret_fault);
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != '.' && !digit_at(*rest, n))
        n++;
    if (n == 0)
        return duration_fault(arena, "missing unit in duration", none, text, ret_fault);
    if (!find_unit(slice_make(rest->ptr, n), &unit))
        return duration_fault(arena, "unknown unit", slice_make(rest->ptr, n), text, ret_fault);
    *rest = slice_from(*rest, n);
    if (whole > (UINT64_C(1) << 63) / unit)
        return duration_fault(arena, invalid, none, text, ret_fault);
    whole = whole * unit + (fraction ? (uint64_t)((double)fraction * ((double)unit / scale)) : 0);
    *total += whole;
    if (whole > UINT64_C(1) << 63 || *total > UINT64_C(1) << 63)
        return duration_fault(arena, invalid, none, text, ret_fault);
    return true;
}

bool scalar_parse_duration(struct arena *arena, struct slice text, int64_t *ret_nanos, const char **ret_fault)
{
    struct slice rest = text, none = {NULL, 0};
    uint64_t total = 0;
    bool negative = text.len && text.ptr[0] == '-';
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        rest = slice_from(rest, 1);
    if (slice_is(rest, "0")) {
        *ret_nanos = 0;
        return true;
    }
    if (rest.len == 0)
        return duration_fault(arena, "invalid duration", none, text, ret_fault);
    while (rest.len)
        if (!read_duration_part(arena, text, &rest, &total, ret_fault))
            return false;
    if (!negative && total > INT64_MAX)
        return duration_fault(arena, "invalid duration", none, text, ret_fault);
    *ret_nanos = negative ? (int64_t)(0 - total) : (int64_t)total;
    return true;
}

/* value/10^digits without trailing zeros: "1.5", "2". */
static void put_decimal(struct buf *out, uint64_t value, int digits)
{
    uint64_t unit = 1;
    for (int i = 0; i < digits; i++)
        unit *= 10;
    buf_put_uint(out, value / unit);
    uint64_t fraction = value % unit;
    if (!fraction)
        return;
    while (fraction % 10 == 0)
        fraction /= 10, digits--;
    buf_printf(out, ".%0*" PRIu64, digits, fraction);
}

struct slice scalar_format_duration(struct arena *arena, int64_t nanos)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    uint64_t n = nanos < 0 ? 0 - (uint64_t)nanos : (uint64_t)nanos;
    if (n == 0)
        return SLICE("0s");
    if (nanos < 0)
        buf_putc(&b, '-');
    if (n < 1000) {
        buf_printf(&b, "%" PRIu64 "ns", n);
    } else if (n < 1000000) {
        put_decimal(&b, n, 3);
        buf_puts(&b, "\xc2\xb5s");
    } else if (n < 1000000000) {
        put_decimal(&b, n, 6);
        buf_puts(&b, "ms");
    } else {
        uint64_t minutes = n / 60000000000ULL;
        if (minutes >= 60)
            buf_printf(&b, "%" PRIu64 "h", minutes / 60);
        if (minutes)
            buf_printf(&b, "%" PRIu64 "m", minutes % 60);
        put_decimal(&b, n % 60000000000ULL, 9);
        buf_putc(&b, 's');
    }
    return arena_dup(arena, buf_slice(&b));
}
