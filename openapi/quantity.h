/*
 * quantity: amounts of resources ("500m", "1Gi", "1e3"), exact decimal numbers with a preferred way of
 * writing. A quantity is value * 10^scale with 38 significant digits (128 bits); texts with more are rounded
 * away from zero. Everything finer than nano is rounded away from zero too, and binary forms stop at 2^63-1,
 * as upstream has it. Values; any thread. Source: k8s.io/apimachinery resource.Quantity (behaviour).
 *
 *     struct quantity q;
 *     quantity_of(value_text(v), &q);    // of a value in a tree: decoding has checked it
 *     quantity_add(&sum, &q);
 */
#ifndef OPENAPI_QUANTITY_H
#define OPENAPI_QUANTITY_H

#include <stdint.h>
#include "base/arena.h"

enum quantity_format { QUANTITY_DECIMAL_SI, QUANTITY_BINARY_SI, QUANTITY_DECIMAL_EXPONENT };
enum { QUANTITY_TEXT = 64 };

struct quantity {
    __int128 value; /* no factor of ten left, unless 0 */
    int32_t scale;
    enum quantity_format format;
};

/* ret_fault: Go's sentence, static. */
bool quantity_parse(struct slice text, struct quantity *ret, const char **ret_fault);
/* The same for texts that were checked before: what cannot be read is 0. */
struct quantity quantity_of(struct slice text);
/* The canonical text, which keeps the format's family: "1500m", "1Gi", "12e3". */
struct slice quantity_print(const struct quantity *q, char text[QUANTITY_TEXT]);
/* What upstream shows for a text it has read: the text itself where that is as good as canonical ("+5",
 * "1025Ki"), else the canonical text. */
bool quantity_canonical(struct arena *arena, struct slice text, struct slice *ret, const char **ret_fault);

struct quantity quantity_of_int(int64_t n, enum quantity_format format);
struct quantity quantity_of_milli(int64_t n, enum quantity_format format);

int quantity_sign(const struct quantity *q); /* -1, 0, 1 */
int quantity_cmp(const struct quantity *a, const struct quantity *b);
int quantity_cmp_int(const struct quantity *a, int64_t b);
/* *a is changed; the sum saturates past 38 digits. A zero takes over the other's format. */
void quantity_add(struct quantity *a, const struct quantity *b);
void quantity_sub(struct quantity *a, const struct quantity *b);
/* In units of 10^scale (0: whole, -3: milli), rounded away from zero, saturating at int64_t. */
int64_t quantity_scaled(const struct quantity *q, int scale);
static inline int64_t quantity_int(const struct quantity *q)
{
    return quantity_scaled(q, 0);
}
/* Whole and within int64_t? */
bool quantity_as_int(const struct quantity *q, int64_t *ret);

#endif
