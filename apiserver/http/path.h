/*
 * path: the one parse of a request's raw path into decoded segments. Pure; fuzzed alone (path_fuzz.c).
 *
 * "/api/v1/a%2Fb" = "api", "v1", "a/b"; "/a//b/" = "a", "", "b", ""; "/" = "". The slash is split before the
 * escapes are decoded, so that an encoded slash never makes a new segment.
 * Refused: a path that does not begin with '/', "." and ".." segments in any spelling, escapes that are not
 * two hex digits, NUL in any spelling. Segments without escapes point into the raw path, the others into the
 * arena. Any thread.
 */
#ifndef APISERVER_HTTP_PATH_H
#define APISERVER_HTTP_PATH_H

#include "base/arena.h"

bool path_parse(struct arena *arena, struct slice raw_path, const struct slice **ret_segments,
                size_t *ret_count);

#endif
