/*
 * regex: regular expressions in RE2's syntax, which is that of Go, matched in time linear in the text
 * whatever the pattern is. The one user of libre2, and with it of C++ (base/regex.cc): no C library that
 * Debian packages has this syntax and this promise.
 *
 * A compiled pattern never changes; any thread. regex_get keeps the most recently used ones, so that asking
 * for the same pattern again costs a look-up.
 */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include "base/cleanup.h"
#include "base/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

struct regex;

enum { REGEX_FAULT = 256 };

/* With one reference more, to be given back by regex_put; NULL for a pattern that is none, then `fault` (if
 * not NULL) says why. A pattern that needs too much memory (1 MiB) is a fault too. */
struct regex *regex_get(struct slice pattern, char fault[REGEX_FAULT]);
void regex_put(struct regex *regex);

/* Does it match somewhere in the text? */
bool regex_matches(const struct regex *regex, struct slice text);
/* The leftmost match from byte `from` on, as Go finds it. */
bool regex_find(const struct regex *regex, struct slice text, size_t from, size_t *ret_start,
                size_t *ret_end);

#ifdef __cplusplus
}
#endif

DEFINE_CLEANUP(cleanup_regex_fn, struct regex *, regex_put)
#define cleanup_regex CLEANUP(cleanup_regex_fn)

#endif
