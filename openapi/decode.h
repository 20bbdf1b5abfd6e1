/*
 * decode / encode: bytes to trees and back. Pure: no I/O, no clock. One thread at a time.
 */
#ifndef OPENAPI_DECODE_H
#define OPENAPI_DECODE_H

#include "base/buf.h"
#include "base/error.h"
#include "openapi/value.h"

enum { DECODE_MAX_DEPTH = 1000 };

/* What strict decoding found, in the order of the text: `unknown field "spec.foo"`, `duplicate field
 * "spec.bar"`. */
struct decode_findings {
    struct arena *arena;
    const char **items;
    size_t count, capacity;
};

/*
 * Decodes one JSON document as the given type. `text` must outlive the tree. Unknown and duplicate fields are
 * dropped (the last duplicate wins) and reported in findings if that is not NULL. Errors: REASON_BAD_REQUEST
 * with Go's wording where clients match on it ("json: cannot unmarshal string into Go struct field
 * DeploymentSpec.spec.replicas of type int32", "invalid character 'x' looking for beginning of value", ...);
 * REASON_TOO_LARGE when the arena's limit is crossed; depth over DECODE_MAX_DEPTH.
 */
bool decode_json(struct arena *arena, const struct schema_type *type, struct slice text,
                 struct value *ret_value, struct decode_findings *findings, struct error *err);
/* The same for a document whose schema is a node, e.g. SCHEMA_ANY for a free tree. */
bool decode_json_node(struct arena *arena, const struct schema *schema, struct slice text,
                      struct value *ret_value, struct decode_findings *findings, struct error *err);
/* YAML 1.1 as sigs.k8s.io/yaml reads it (libyaml), turned into JSON text in the arena; then decode_json.
 * Aliases are bounded; several documents are an error. */
bool decode_yaml_to_json(struct arena *arena, struct slice yaml, struct slice *ret_json, struct error *err);

/* Only kind and apiVersion, without decoding the rest; missing ones are empty slices. */
bool decode_type_meta(struct arena *arena, struct slice json, struct slice *ret_api_version,
                      struct slice *ret_kind, struct error *err);

/* Re-decodes a free tree (SCHEMA_ANY) as a type, or a record as a free tree: how patches that work on free
 * trees meet the schema. Same rules as decode_json. */
bool decode_value(struct arena *arena, const struct schema *schema, const struct value *tree,
                  struct value *ret_value, struct decode_findings *findings, struct error *err);

/*
 * Encodes as upstream's JSON encoder does, byte for byte: field order, omitempty, escapes, no spaces, no
 * newline. `schema` says what v is; absent non-omitempty fields are put back.
 */
void encode_json(struct buf *out, const struct schema *schema, const struct value *v);
void encode_json_type(struct buf *out, const struct schema_type *type, const struct value *record);
/* YAML of the same, as sigs.k8s.io/yaml writes it (keys sorted). */
void encode_yaml(struct buf *out, struct slice json);

#endif
