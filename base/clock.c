#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id, int64_t per_second)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * per_second + t.tv_nsec / (1000000000 / per_second);
}

int64_t clock_now_micros(void)
{
    return read_clock(CLOCK_REALTIME, 1000000);
}

int64_t clock_now_seconds(void)
{
    return clock_now_micros() / 1000000;
}

int64_t clock_mono_nanos(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000000000);
}

static size_t put_seconds(int64_t seconds, char *text)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    return (size_t)snprintf(text, CLOCK_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                            tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

struct slice clock_format_seconds(int64_t seconds, char text[CLOCK_TEXT])
{
    size_t n = put_seconds(seconds, text);
    text[n++] = 'Z';
    text[n] = 0;
    return slice_make(text, n);
}

struct slice clock_format_micros(int64_t micros, char text[CLOCK_TEXT])
{
    int64_t seconds = micros / 1000000, rest = micros % 1000000;
    if (rest < 0) {
        rest += 1000000;
        seconds--;
    }
    size_t n = put_seconds(seconds, text);
    n += (size_t)snprintf(text + n, CLOCK_TEXT - n, ".%06dZ", (int)rest);
    return slice_make(text, n);
}

/* Reads exactly `digits` digits at *at. */
static bool number(struct slice s, size_t *at, int digits, int *ret)
{
    int n = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (*at >= s.len || s.ptr[*at] < '0' || s.ptr[*at] > '9')
            return false;
        n = n * 10 + (s.ptr[*at] - '0');
    }
    *ret = n;
    return true;
}

static bool letter(struct slice s, size_t *at, char c)
{
    return *at < s.len && s.ptr[(*at)++] == c;
}

static bool fraction(struct slice s, size_t *at, int *ret_micros)
{
    *ret_micros = 0;
    if (*at >= s.len || (s.ptr[*at] != '.' && s.ptr[*at] != ','))
        return true;
    size_t from = ++*at;
    int scale = 100000;
    for (; *at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9'; (*at)++, scale /= 10)
        *ret_micros += (s.ptr[*at] - '0') * scale;
    return *at > from;
}

static bool offset(struct slice s, size_t *at, int *ret_seconds)
{
    *ret_seconds = 0;
    if (*at >= s.len)
        return false;
    char sign = s.ptr[(*at)++];
    if (sign == 'Z')
        return true;
    int hours, minutes;
    if ((sign != '+' && sign != '-') || !number(s, at, 2, &hours) || !letter(s, at, ':') ||
        !number(s, at, 2, &minutes) || hours > 24 || minutes > 60)
        return false;
    *ret_seconds = (sign == '-' ? -60 : 60) * (hours * 60 + minutes);
    return true;
}

bool clock_parse(struct slice s, int64_t *ret_micros)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute, second, micros, off;
    size_t at = 0;
    if (!number(s, &at, 4, &year) || !letter(s, &at, '-') || !number(s, &at, 2, &month) ||
        !letter(s, &at, '-') || !number(s, &at, 2, &day) || !letter(s, &at, 'T') ||
        !number(s, &at, 2, &hour) || !letter(s, &at, ':') || !number(s, &at, 2, &minute) ||
        !letter(s, &at, ':') || !number(s, &at, 2, &second) || !fraction(s, &at, &micros) ||
        !offset(s, &at, &off) || at != s.len)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1] + (month == 2 && leap) ||
        hour > 23 || minute > 59 || second > 59)
        return false;
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};
    *ret_micros = ((int64_t)timegm(&tm) - off) * 1000000 + micros;
    return true;
}
