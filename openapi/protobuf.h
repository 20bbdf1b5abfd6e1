/*
 * protobuf: API objects in the protobuf form that Go clients send and ask for, transcoded from the schema's
 * tables: field numbers are schema_field.proto, embedded structs are messages of their own
 * (schema_field.inlined).
 *
 * An object travels in an envelope: the four bytes "k8s\0", then runtime.Unknown {1: TypeMeta {1: apiVersion,
 * 2: kind}, 2: the object's message}. Wire rules as Go's generated code has them: unknown fields are passed
 * over, repeated scalars come packed or not, the last of a repeated singular field counts (messages merge).
 *
 * Reading: trees are canonical as decode_json's are. Text is copied into the arena, so the bytes need not
 * outlive the call. Writing: straight from JSON text, for that is the form in which objects are stored; no
 * tree is made. The bytes are those of Go's generated marshalers: fields by number, what is no pointer always
 * written, maps by key.
 *
 * Errors: REASON_BAD_REQUEST; REASON_TOO_LARGE when the arena's limit is crossed. Pure; any thread.
 * Source: https://protobuf.dev/programming-guides/encoding/,
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
#ifndef OPENAPI_PROTOBUF_H
#define OPENAPI_PROTOBUF_H

#include "openapi/decode.h"

/* What an envelope begins with: "k8s\0". */
extern const char protobuf_mark[4];

/* Whether the bytes begin with the envelope's mark. */
bool protobuf_is_envelope(struct slice bytes);
/* What the envelope says it holds, and the message; views of the bytes. */
bool protobuf_open_envelope(struct slice bytes, struct slice *ret_api_version, struct slice *ret_kind,
                            struct slice *ret_message, struct error *err);
/* A message of the type. kind and apiVersion, which are no fields on the wire, stay absent. */
bool decode_protobuf(struct arena *arena, const struct schema_type *type, struct slice message,
                     struct value *ret_value, struct error *err);

/* Whether objects of the type have a protobuf form. Tables and custom objects have none. */
bool protobuf_has_form(const struct schema_type *type);
/* Appends the message of a JSON text of the type; keys that the type does not know are left out. False: it is
 * not JSON of that type (nothing was appended). The arena takes what has to be copied on the way, mostly
 * nothing. */
bool encode_protobuf(struct buf *out, struct arena *arena, const struct schema_type *type, struct slice json,
                     struct error *err);
/* The same in an envelope. */
bool encode_protobuf_object(struct buf *out, struct arena *arena, const struct schema_type *type,
                            struct slice api_version, struct slice kind, struct slice json,
                            struct error *err);
/* An envelope whose message the caller writes in pieces: what stands before a message of that length, and
 * what stands after it. */
void protobuf_put_head(struct buf *out, struct slice api_version, struct slice kind, size_t message_len);
void protobuf_put_tail(struct buf *out);

#endif
