/*
 * decode_faults: single values by schema, and the faults and findings of decoding in Go's words. Inside of
 * the decoder.
 */
#ifndef OPENAPI_DECODE_FAULTS_H
#define OPENAPI_DECODE_FAULTS_H

#include "openapi/decode_json.h"

/* A value of a wrong kind: `what` is Go's name for it ("string", "number 1.5", "object"); `literal` its text
 * or first byte. */
void decoder_mismatch(struct decoder *d, const struct schema *schema, const struct place *at,
                      struct slice literal, const char *what);
/* A number or a string where the schema says something else than SCHEMA_STRING. *ret stays absent after a
 * fault. */
void decoder_number(struct decoder *d, const struct schema *schema, const struct place *at,
                    struct slice number, bool integer, struct value *ret);
void decoder_string(struct decoder *d, const struct schema *schema, const struct place *at, struct slice text,
                    struct value *ret);
/* What Go holds for null in a list or map. */
struct value decoder_zero(struct decoder *d, const struct schema *schema);
/* Notes `unknown field "a.b"` or `duplicate field "a.b"`: each once, the first hundred. */
void decoder_find(struct decoder *d, const char *what, const struct place *at, struct slice key);

#endif
