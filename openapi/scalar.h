/*
 * scalar: the texts that stand for single values, in Go's dialects: floats, times, durations, base64. Each
 * has a canonical text, which is what the value tree holds. Faults come as Go words them, in the arena or
 * static. Pure; any thread. Source: Go's encoding/json, time, encoding/base64 (behaviour).
 */
#ifndef OPENAPI_SCALAR_H
#define OPENAPI_SCALAR_H

#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"

enum { SCALAR_FLOAT_TEXT = 40 };

/* As Go's encoding/json writes a float64: the shortest text that reads back the same; exponents below 1e-6
 * and from 1e21. NaN and infinities do not occur in JSON. */
struct slice scalar_format_float(double f, char text[SCALAR_FLOAT_TEXT]);
/* A JSON number; false when it is out of float64's range. */
bool scalar_parse_float(struct slice number, double *ret);
/* A JSON number without fraction and exponent; false when it is out of int64's range. */
bool scalar_parse_int(struct slice digits, int64_t *ret);

/* RFC 3339 with whole seconds (fractions are cut), or exactly six digits. The canonical text is UTC; the year
 * 1 (Go's zero time) gives "". */
bool scalar_time(struct arena *arena, struct slice text, struct slice *ret_canonical, const char **ret_fault);
bool scalar_micro_time(struct arena *arena, struct slice text, struct slice *ret_canonical,
                       const char **ret_fault);

/* "1h30m", "300ms": nanoseconds and back. */
bool scalar_parse_duration(struct arena *arena, struct slice text, int64_t *ret_nanos,
                           const char **ret_fault);
struct slice scalar_format_duration(struct arena *arena, int64_t nanos);

/* Standard base64 with padding; line ends are skipped. Canonical: without them, unused bits zero. */
bool scalar_base64(struct arena *arena, struct slice text, struct slice *ret_canonical,
                   const char **ret_fault);
bool scalar_base64_decode(struct arena *arena, struct slice text, struct slice *ret_bytes,
                          const char **ret_fault);
struct slice scalar_base64_encode(struct arena *arena, struct slice bytes);

#endif
