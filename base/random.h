/*
 * random: bytes from the kernel (getrandom), buffered per thread; fit for uids, names and keys. Any thread.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { UUID_TEXT = 37 };

void random_bytes(void *out, size_t len);
uint32_t random_below(uint32_t bound); /* uniform in [0, bound) */
/* A version 4 UUID (RFC 9562), NUL-terminated. */
void random_uuid(char text[UUID_TEXT]);

#endif
