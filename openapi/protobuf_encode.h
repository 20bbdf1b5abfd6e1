/*
 * protobuf_encode: the state of one pass from JSON text to a message, and the values that hold no others.
 * Inside of the encoder (protobuf.h). Each function reads the value at which the scan stands and appends it
 * as the field of that number; false: it is not of that kind. One thread at a time.
 */
#ifndef OPENAPI_PROTOBUF_ENCODE_H
#define OPENAPI_PROTOBUF_ENCODE_H

#include "openapi/json_scan.h"
#include "openapi/protobuf_wire.h"
#include "openapi/schema.h"

struct encoder {
    struct json_scan scan;
    struct arena *arena;
    struct buf *out;
    struct buf scratch; /* of records whose fields are put in order: a stack */
    unsigned depth;
    bool any_order; /* the second pass */
    bool disorder;  /* found in the first one */
};

/* The string at which the scan stands; a view of the text where that is possible. */
bool encoder_scan_text(struct encoder *e, struct slice *ret);
bool encoder_put_number(struct encoder *e, enum schema_kind kind, uint32_t number);
bool encoder_put_bool(struct encoder *e, uint32_t number);
/* What JSON holds as a string: texts, bytes, times, durations, amounts. */
bool encoder_put_text(struct encoder *e, const struct schema *schema, uint32_t number);
bool encoder_put_int_or_string(struct encoder *e, uint32_t number);

#endif
