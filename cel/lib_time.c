#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/time.h"

/* Parts of timestamps, in UTC or in a time zone, and of durations. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

enum part { YEAR, MONTH, YEAR_DAY, MONTH_DAY, DATE, WEEK_DAY, HOURS, MINUTES, SECONDS, MILLIS };

static struct cel_value part_of(struct cel_eval *e, const struct cel_value *args, unsigned count,
                                enum part part)
{
    int offset = 0;
    if (count == 2 && !cel_zone_offset(cel_text(&args[1]), args[0].i, &offset))
        return cel_fail(e, "unknown time zone %.*s", SLICE_ARG(cel_text(&args[1])));
    struct cel_civil c;
    cel_civil_of(args[0].i + offset, &c);
    const int64_t parts[] = {[YEAR] = c.year,        [MONTH] = c.month - 1,
                             [YEAR_DAY] = c.yearday, [MONTH_DAY] = c.day - 1,
                             [DATE] = c.day,         [WEEK_DAY] = c.weekday,
                             [HOURS] = c.hour,       [MINUTES] = c.minute,
                             [SECONDS] = c.second,   [MILLIS] = args[0].len / 1000000};
    return cel_int(parts[part]);
}

#define PART(name, part)                                                                                     \
    FN(name)                                                                                                 \
    {                                                                                                        \
        return part_of(e, args, count, part);                                                                \
    }
PART(full_year, YEAR)
PART(month, MONTH)
PART(day_of_year, YEAR_DAY)
PART(day_of_month, MONTH_DAY)
PART(date, DATE)
PART(day_of_week, WEEK_DAY)
PART(hours, HOURS)
PART(minutes, MINUTES)
PART(seconds, SECONDS)
PART(milliseconds, MILLIS)

FN(duration_hours)
{
    return cel_int(args[0].i / 3600000000000);
}

FN(duration_minutes)
{
    return cel_int(args[0].i / 60000000000);
}

FN(duration_seconds)
{
    return cel_int(args[0].i / 1000000000);
}

FN(duration_milliseconds)
{
    return cel_int(args[0].i / 1000000 % 1000);
}

#define BOTH(name, id, call)                                                                                 \
    {name, id, "timestamp.(): int", call, CEL_COST_ONE},                                                     \
    {                                                                                                        \
        name, id "_with_tz", "timestamp.(string): int", call, CEL_COST_ONE                                   \
    }

static const struct cel_row rows[] = {
    BOTH("getFullYear", "timestamp_to_year", full_year),
    BOTH("getMonth", "timestamp_to_month", month),
    BOTH("getDayOfYear", "timestamp_to_day_of_year", day_of_year),
    BOTH("getDayOfMonth", "timestamp_to_day_of_month", day_of_month),
    BOTH("getDate", "timestamp_to_day_of_month_1_based", date),
    BOTH("getDayOfWeek", "timestamp_to_day_of_week", day_of_week),
    BOTH("getHours", "timestamp_to_hours", hours),
    {"getHours", "duration_to_hours", "duration.(): int", duration_hours, CEL_COST_ONE},
    BOTH("getMinutes", "timestamp_to_minutes", minutes),
    {"getMinutes", "duration_to_minutes", "duration.(): int", duration_minutes, CEL_COST_ONE},
    BOTH("getSeconds", "timestamp_to_seconds", seconds),
    {"getSeconds", "duration_to_seconds", "duration.(): int", duration_seconds, CEL_COST_ONE},
    BOTH("getMilliseconds", "timestamp_to_milliseconds", milliseconds),
    {"getMilliseconds", "duration_to_milliseconds", "duration.(): int", duration_milliseconds, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_time, rows);
