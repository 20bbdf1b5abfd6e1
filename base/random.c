#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static _Thread_local struct {
    unsigned char bytes[256];
    size_t left;
} pool;

static void from_kernel(void *out, size_t len)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = getrandom((char *)out + got, len - got, 0);
        if (n < 0 && errno != EINTR)
            abort(); /* no entropy: nothing we could make would be safe */
        if (n > 0)
            got += (size_t)n;
    }
}

void random_bytes(void *out, size_t len)
{
    if (len > sizeof pool.bytes / 4) {
        from_kernel(out, len);
        return;
    }
    if (pool.left < len) {
        from_kernel(pool.bytes, sizeof pool.bytes);
        pool.left = sizeof pool.bytes;
    }
    pool.left -= len;
    memcpy(out, pool.bytes + pool.left, len);
    memset(pool.bytes + pool.left, 0, len); /* given out once, then gone from memory */
}

uint32_t random_below(uint32_t bound)
{
    uint32_t n, cut = (0u - bound) % bound; /* values below cut would favour the small residues */
    do
        random_bytes(&n, sizeof n);
    while (n < cut);
    return n % bound;
}

void random_uuid(char text[UUID_TEXT])
{
    unsigned char b[16];
    random_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    static const char digits[] = "0123456789abcdef";
    char *at = text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[b[i] >> 4];
        *at++ = digits[b[i] & 15];
    }
    *at = 0;
}

void random_name_letters(char *out, size_t len)
{
    static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
    for (size_t i = 0; i < len; i++)
        out[i] = alphabet[random_below(sizeof alphabet - 1)];
}
