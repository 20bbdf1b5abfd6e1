/*
 * decode_json: the inside of the JSON decoder, shared by decode_json.c (the pass over the text) and
 * decode_faults.c (single values and what can be wrong with them). Not for others: use decode.h.
 */
#ifndef OPENAPI_DECODE_JSON_H
#define OPENAPI_DECODE_JSON_H

#include "openapi/decode.h"
#include "openapi/json_scan.h"

/* Where a value stands: frames on the C stack, printed only when there is something to say. */
struct place {
    const struct place *parent;
    enum { PLACE_FIELD, PLACE_INDEX, PLACE_KEY } type;
    struct slice key; /* of a FIELD its name */
    size_t index;
    const struct schema_type *record; /* FIELD: whose field */
};

enum { DECODER_STACK = 32 };

struct decoder {
    struct arena *arena;
    struct json_scan scan;
    unsigned depth;
    bool too_large;
    const char *unreadable; /* the first value that its own type refused */
    const char *mismatch;   /* the first value of a wrong kind */
    struct decode_findings *findings;
    struct value_entry *stack;
    size_t stack_count, stack_capacity;
    struct value_entry stack_first[DECODER_STACK];
};

extern const struct schema schema_any;

#endif
