/*
 * number: numbers as texts, as Go's strconv reads and writes them. Private to cel/.
 */
#ifndef CEL_NUMBER_H
#define CEL_NUMBER_H

#include <stdint.h>
#include "base/arena.h"

bool cel_parse_int(struct slice text, int64_t *ret);   /* "-12", "+3" */
bool cel_parse_uint(struct slice text, uint64_t *ret); /* "12" */
bool cel_parse_double(struct slice text, double *ret); /* also "NaN", "-Inf", "1e400" fails */
/* The shortest text that reads back the same: "1.5", "1e+22", "NaN", "+Inf". */
struct slice cel_format_double(struct arena *arena, double d);

#endif
