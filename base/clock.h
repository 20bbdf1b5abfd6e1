/*
 * clock: time as numbers, and as the texts that the API uses. Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include "base/slice.h"

enum { CLOCK_TEXT = 40 }; /* room for any text below */

int64_t clock_now_micros(void);  /* since the epoch, UTC */
int64_t clock_now_seconds(void); /* since the epoch, UTC */
int64_t clock_mono_nanos(void);  /* for durations and deadlines; never steps */

/* RFC 3339 in UTC: "2026-11-24T03:26:01Z" and "2026-11-24T03:26:01.123456Z". Years 0 to 9999. */
struct slice clock_format_seconds(int64_t seconds, char text[CLOCK_TEXT]);
struct slice clock_format_micros(int64_t micros, char text[CLOCK_TEXT]);
/* Reads RFC 3339 as Go's time.Parse(time.RFC3339) does: any offset, fraction of any length (cut to micros),
 * 'T' and 'Z' capital. */
bool clock_parse(struct slice text, int64_t *ret_micros);

#endif
