#include "cel/time.h"

#include "base/buf.h"
#include "openapi/scalar.h"

/* ---- the calendar (proleptic Gregorian) ---- */

int64_t cel_days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void cel_civil_of(int64_t seconds, struct cel_civil *ret)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    ret->day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
    ret->month = (int)(m < 10 ? m + 3 : m - 9);
    ret->year = year_of_era + era * 400 + (ret->month <= 2);
    ret->hour = (int)(rest / 3600);
    ret->minute = (int)(rest / 60 % 60);
    ret->second = (int)(rest % 60);
    ret->weekday = (int)(((days % 7) + 11) % 7);
    ret->yearday = (int)(days - cel_days_of(ret->year, 1, 1));
}

/* ---- reading ---- */

static bool digits(struct slice *rest, size_t count, int *ret)
{
    if (rest->len < count)
        return false;
    int n = 0;
    for (size_t i = 0; i < count; i++) {
        if (rest->ptr[i] < '0' || rest->ptr[i] > '9')
            return false;
        n = n * 10 + rest->ptr[i] - '0';
    }
    *rest = slice_from(*rest, count);
    *ret = n;
    return true;
}

static bool take(struct slice *rest, const char *any)
{
    if (rest->len == 0 || !strchr(any, rest->ptr[0]) || rest->ptr[0] == 0)
        return false;
    *rest = slice_from(*rest, 1);
    return true;
}

static bool read_date(struct slice *rest, int *year, int *month, int *day)
{
    static const char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!digits(rest, 4, year) || !take(rest, "-") || !digits(rest, 2, month) || !take(rest, "-") ||
        !digits(rest, 2, day))
        return false;
    bool leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
    return *month >= 1 && *month <= 12 && *day >= 1 && *day <= days[*month - 1] &&
           (*month != 2 || *day < 29 || leap);
}

static bool read_fraction(struct slice *rest, uint32_t *nanos)
{
    uint32_t scale = 100000000;
    *nanos = 0;
    if (!take(rest, ".,"))
        return true;
    size_t count = 0;
    for (; rest->len && rest->ptr[0] >= '0' && rest->ptr[0] <= '9'; count++) {
        *nanos += (uint32_t)(rest->ptr[0] - '0') * scale;
        scale /= 10;
        *rest = slice_from(*rest, 1);
    }
    return count > 0;
}

static bool read_offset(struct slice *rest, int *seconds)
{
    int hours, minutes;
    *seconds = 0;
    if (take(rest, "Z"))
        return true;
    bool minus = rest->len && rest->ptr[0] == '-';
    if (!take(rest, "+-") || !digits(rest, 2, &hours) || !take(rest, ":") || !digits(rest, 2, &minutes) ||
        hours > 24 || minutes > 59)
        return false;
    *seconds = (hours * 3600 + minutes * 60) * (minus ? -1 : 1);
    return true;
}

bool cel_parse_time(struct slice text, struct cel_value *ret)
{
    int year, month, day, hour, minute, second, offset;
    uint32_t nanos;
    if (!read_date(&text, &year, &month, &day) || !take(&text, "T") || !digits(&text, 2, &hour) ||
        !take(&text, ":") || !digits(&text, 2, &minute) || !take(&text, ":") || !digits(&text, 2, &second) ||
        !read_fraction(&text, &nanos) || !read_offset(&text, &offset) || text.len > 0 || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    int64_t seconds = cel_days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    *ret = cel_timestamp(seconds, nanos);
    return seconds >= CEL_TIME_MIN && seconds <= CEL_TIME_MAX;
}

bool cel_parse_schema_time(struct slice text, struct cel_value *ret)
{
    int year, month, day;
    struct slice rest = text;
    if (cel_parse_time(text, ret))
        return true;
    if (!read_date(&rest, &year, &month, &day) || rest.len > 0)
        return false;
    *ret = cel_timestamp(cel_days_of(year, month, day) * 86400, 0);
    return year > 0;
}

bool cel_parse_duration(struct slice text, struct cel_value *ret)
{
    int64_t nanos;
    const char *fault;
    struct arena *arena = arena_new(); /* for the fault's text */
    bool good = scalar_parse_duration(arena, text, &nanos, &fault);
    arena_free(arena);
    if (good)
        *ret = cel_duration(nanos);
    return good;
}

/* ---- writing ---- */

static size_t trimmed(char *text, size_t len)
{
    while (len > 0 && text[len - 1] == '0')
        len--;
    return len > 0 && text[len - 1] == '.' ? len - 1 : len;
}

struct slice cel_format_time(struct arena *arena, const struct cel_value *v)
{
    struct cel_civil c;
    cel_civil_of(v->i, &c);
    char fraction[16] = "";
    snprintf(fraction, sizeof fraction, ".%09u", v->len);
    return arena_slicef(arena, "%04lld-%02d-%02dT%02d:%02d:%02d%.*sZ", (long long)c.year, c.month, c.day,
                        c.hour, c.minute, c.second, (int)trimmed(fraction, 10), fraction);
}

struct slice cel_format_duration(struct arena *arena, const struct cel_value *v)
{
    uint64_t nanos = v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i;
    char text[48];
    int len = snprintf(text, sizeof text, "%s%llu.%09llu", v->i < 0 ? "-" : "",
                       (unsigned long long)(nanos / 1000000000), (unsigned long long)(nanos % 1000000000));
    return arena_slicef(arena, "%.*ss", (int)trimmed(text, (size_t)len), text);
}

struct cel_value cel_time_add(struct arena *arena, const struct cel_value *time, int64_t nanos)
{
    int64_t seconds = time->i + nanos / 1000000000, rest = (int64_t)time->len + nanos % 1000000000;
    if (rest < 0) {
        rest += 1000000000;
        seconds--;
    } else if (rest >= 1000000000) {
        rest -= 1000000000;
        seconds++;
    }
    if (seconds < CEL_TIME_MIN || seconds > CEL_TIME_MAX)
        return cel_error(arena, "timestamp overflow");
    return cel_timestamp(seconds, (uint32_t)rest);
}
