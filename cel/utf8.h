/*
 * utf8: code points of texts. Bytes that are no UTF-8 count as one character each and read as U+FFFD, as in
 * Go. Total; any thread.
 */
#ifndef CEL_UTF8_H
#define CEL_UTF8_H

#include "openapi/json_scan.h" /* utf8_length, utf8_put */

/* Bytes of the character that starts at s[at], at < s.len. */
size_t utf8_size(struct slice s, size_t at);
/* The same, with the character. */
size_t utf8_decode(struct slice s, size_t at, uint32_t *ret_rune);
size_t utf8_count(struct slice s);
bool utf8_valid(struct slice s);
/* The byte where character `index` starts; s.len for one past the last; -1 further on. */
long utf8_offset(struct slice s, size_t index);

#endif
