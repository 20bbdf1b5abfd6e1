/*
 * time: timestamps and durations: texts in and out, arithmetic, calendars with time zones. Years 1 to 9999.
 * Private to cel/.
 */
#ifndef CEL_TIME_H
#define CEL_TIME_H

#include "cel/cel.h"

#define CEL_TIME_MIN (-62135596800) /* 0001-01-01T00:00:00Z */
#define CEL_TIME_MAX 253402300799   /* 9999-12-31T23:59:59Z */

/* RFC 3339, any fraction up to nanoseconds. */
bool cel_parse_time(struct slice text, struct cel_value *ret);
/* What the formats date and date-time of a schema allow. */
bool cel_parse_schema_time(struct slice text, struct cel_value *ret);
bool cel_parse_duration(struct slice text, struct cel_value *ret);            /* Go's "1h30m" */
struct slice cel_format_time(struct arena *arena, const struct cel_value *v); /* "2026-11-28T12:00:00.5Z" */
struct slice cel_format_duration(struct arena *arena, const struct cel_value *v); /* "5400s" */
/* The timestamp so many nanoseconds later; an error past the years that there are. */
struct cel_value cel_time_add(struct arena *arena, const struct cel_value *time, int64_t nanos);

struct cel_civil {
    int64_t year;
    int month, day, hour, minute, second; /* month and day from 1 */
    int weekday, yearday;                 /* from 0; Sunday is 0 */
};
void cel_civil_of(int64_t seconds, struct cel_civil *ret);
int64_t cel_days_of(int64_t year, int month, int day); /* since 1970 */

/*
 * Seconds east of Greenwich at that time, of "+01:30", "UTC" or a name of the time zone database
 * ("Europe/Berlin"). The database is read from the system the first time a zone is named and kept; it is all
 * that cel/ ever reads. false: no such zone.
 */
bool cel_zone_offset(struct slice name, int64_t seconds, int *ret_offset);

#endif
