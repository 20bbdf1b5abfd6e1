/*
 * custom: a custom resource's schema as the tables that all of the engine reads (openapi/schema.h).
 * custom_compile() turns one version's structural schema (a JSONSchemaProps of apiextensions.k8s.io/v1) into
 * a schema_type; what is said of a node beyond its shape (limits, enums, logic, rules) hangs on it as a
 * schema_custom.
 *
 * Shapes: properties are a RECORD whose fields are sorted by name; additionalProperties a MAP; items a LIST;
 * a place that keeps all (x-kubernetes-preserve-unknown-fields) without more is ANY. The root and embedded
 * resources have apiVersion, kind and metadata first; metadata is ObjectMeta itself, so that the code for
 * built-in kinds works on it. All fields are FIELD_POINTER: custom objects keep zero values, empty lists and
 * maps as they came.
 *
 * The schemas inside of allOf, anyOf, oneOf and not have no shape of their own but are compiled the same way:
 * custom_validate() reads them with the values that the structural part has shaped.
 *
 * Memory: everything lives in the arena given. Immutable after; any thread. Sources:
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/ ,
 * KEP-20190425-structural-openapi, KEP-4008 (ratcheting).
 */
#ifndef OPENAPI_CUSTOM_H
#define OPENAPI_CUSTOM_H

#include "openapi/causes.h"
#include "openapi/schema.h"
#include "openapi/value.h"

struct custom_program;

/* One of x-kubernetes-validations, as text; "" where nothing was given. */
struct custom_rule {
    const char *rule, *message, *message_expression, *reason, *field_path;
    bool optional_old_self;
    const struct custom_program *program; /* compiled by whoever evaluates rules; NULL: not */
};

enum { CUSTOM_MINIMUM = 1, CUSTOM_MAXIMUM = 2, CUSTOM_MULTIPLE = 4 };

struct schema_custom {
    const char *type;         /* "object", "array", "string", ...; "" says nothing */
    const char *format;       /* or NULL */
    const char *pattern;      /* or NULL */
    const char *default_json; /* or NULL */
    const struct value *enums;
    const char *const *required; /* NULL-terminated, or NULL */
    uint32_t enum_count;
    uint8_t limits; /* CUSTOM_... */
    bool exclusive_minimum, exclusive_maximum, unique_items, int_or_string;
    double minimum, maximum, multiple_of;
    int64_t min_length, max_length, min_items, max_items, min_properties, max_properties; /* -1: none */
    const struct schema *all_of, *any_of, *one_of;
    uint16_t all_count, any_count, one_count, rule_count;
    const struct schema * not ;
    const struct schema *also; /* what must hold too: of metadata, whose shape is not the schema's */
    const struct custom_rule *rules;
};

/* The root: a RECORD with its type. schema: a JSONSchemaProps, or absent: then everything is kept. kind: the
 * type's name. */
const struct schema *custom_compile(struct arena *arena, const struct value *schema, const char *kind);

/* The shape of any custom object, without a schema: only its metadata is understood. */
extern const struct schema_type custom_shallow;

/* items, additionalProperties and the like are kept as JSON; absent when the JSON is no schema (false, a
 * list). */
struct value custom_inner_schema(struct arena *arena, const struct value *raw);

/*
 * Adds what is wrong with a value, in upstream's order and words of ours. old is what stood in its place
 * before, or NULL: faults of parts that have not changed are forgiven (ratcheting). at: NULL at the root.
 */
void custom_validate(struct causes *c, const struct path *at, const struct schema *schema,
                     const struct value *v, const struct value *old);
/* Duplicates in lists that are sets or maps, and metadata of embedded resources. */
void custom_validate_lists(struct causes *c, const struct path *at, const struct schema *schema,
                           const struct value *v);
void custom_validate_embedded(struct causes *c, const struct path *at, const struct schema *schema,
                              const struct value *v);

/* Is the text of this format? True for formats that are not known. */
bool custom_format_matches(struct slice format, struct slice text);
bool custom_format_is_known(struct slice format);

#endif
