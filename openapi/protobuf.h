/*
 * protobuf: API objects in the protobuf form that Go clients send, transcoded from the schema's tables: field numbers are
 * schema_field.proto, embedded structs are messages of their own (schema_field.inlined).
 *
 * An object travels in an envelope: the four bytes "k8s\0", then runtime.Unknown {1: TypeMeta {1: apiVersion, 2: kind}, 2: the
 * object's message}. Wire rules as Go's generated code has them: unknown fields are passed over, repeated scalars come packed or
 * not, the last of a repeated singular field counts (messages merge).
 *
 * Trees are canonical as decode_json's are. Text is copied into the arena, so the bytes need not outlive the call.
 * Errors: REASON_BAD_REQUEST; REASON_TOO_LARGE when the arena's limit is crossed. Pure; any thread.
 * Source: https://protobuf.dev/programming-guides/encoding/, https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
#ifndef OPENAPI_PROTOBUF_H
#define OPENAPI_PROTOBUF_H

#include "openapi/decode.h"

/* Whether the bytes begin with the envelope's mark. */
bool protobuf_is_envelope(struct slice bytes);
/* What the envelope says it holds, and the message; views of the bytes. */
bool protobuf_open_envelope(struct slice bytes, struct slice *ret_api_version, struct slice *ret_kind,
                            struct slice *ret_message, struct error *err);
/* A message of the type. kind and apiVersion, which are no fields on the wire, stay absent. */
bool decode_protobuf(struct arena *arena, const struct schema_type *type, struct slice message, struct value *ret_value,
                     struct error *err);

#endif
