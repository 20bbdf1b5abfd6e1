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
/* The end of a generated name: `len` letters and digits of upstream's alphabet, which has no vowels, nor
 * digits that look like them, so that no words come about. Not NUL-terminated. */
void random_name_letters(char *out, size_t len);
/* A version 4 UUID (RFC 9562), NUL-terminated. */
void random_uuid(char text[UUID_TEXT]);

#endif
