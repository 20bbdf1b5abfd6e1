/*
 * schema: the shape of every API type as const tables, and the table of resources. One description,
 * everything derived (docs/architecture.md): the built-in types come from openapi/api/<group>_<version>.yaml
 * through openapi/compile at build time; a CRD's structural schema becomes the same structs at run time. All
 * that handles objects (decode, defaults, pruning, validation, patches, protobuf, OpenAPI, discovery, tables)
 * reads these tables and never asks whether a type is built in.
 *
 * Tables are immutable; any thread.
 */
#ifndef OPENAPI_SCHEMA_H
#define OPENAPI_SCHEMA_H

#include <stdint.h>
#include "base/slice.h"

struct value;
struct arena;

/* What one value is, in JSON and in Go's terms. */
enum schema_kind {
    SCHEMA_STRING,
    SCHEMA_INT32,
    SCHEMA_INT64,
    SCHEMA_FLOAT64,
    SCHEMA_BOOL,
    SCHEMA_BYTES,         /* base64 in JSON; kept as its canonical base64 text */
    SCHEMA_TIME,          /* RFC 3339, seconds, UTC; kept as canonical text */
    SCHEMA_MICRO_TIME,    /* RFC 3339, six digits, UTC; kept as canonical text */
    SCHEMA_DURATION,      /* Go duration text ("1h0m0s") */
    SCHEMA_QUANTITY,      /* canonical text (openapi/quantity.h) */
    SCHEMA_INT_OR_STRING, /* VALUE_INT or VALUE_STRING */
    SCHEMA_RAW, /* any JSON object (RawExtension, JSON, FieldsV1): kept as compact JSON text (VALUE_RAW) */
    SCHEMA_ANY, /* any JSON value as a tree, for custom objects without a schema here */
    SCHEMA_LIST,
    SCHEMA_MAP,
    SCHEMA_RECORD
};

struct schema_custom;

enum schema_list_type { LIST_TYPE_NONE, LIST_TYPE_ATOMIC, LIST_TYPE_SET, LIST_TYPE_MAP };
enum schema_map_type { MAP_TYPE_GRANULAR, MAP_TYPE_ATOMIC };

enum schema_patch { /* strategic merge patch, flags */
                    PATCH_REPLACE = 0,
                    PATCH_MERGE = 1,
                    PATCH_RETAIN_KEYS = 2
};

/* Declarative constraints; a NULL or unset one means none. Checked by validate_schema() (openapi/validate.h).
 */
struct schema_rules {
    const char *const *enums; /* NULL-terminated, sorted; lists and maps: of the elements */
    const char *format;       /* OpenAPI format: "int32", "date-time", "dns-label", ... */
    const char *pattern;
    bool has_min, has_max, exclusive_min, exclusive_max;
    double min, max;
    int64_t min_length, max_length; /* -1: none; characters, items or properties by kind */
};

struct schema {
    enum schema_kind kind;
    enum schema_list_type list_type;
    enum schema_map_type map_type;
    bool nullable;                  /* custom types: null is a value of its own */
    bool preserve_unknown;          /* custom types: x-kubernetes-preserve-unknown-fields */
    bool embedded;                  /* custom types: x-kubernetes-embedded-resource */
    const struct schema *elem;      /* LIST, MAP: of the elements */
    const struct schema_type *type; /* RECORD; of a RAW one only for its OpenAPI name (and protobuf fields) */
    const char *const *list_keys;   /* LIST_TYPE_MAP: NULL-terminated */
    const struct schema_rules *rules; /* or NULL */
    /* Of a node of a custom resource's schema (openapi/custom.h), never NULL there; built-in ones: NULL.
     * Where it is set nothing is canonicalised, and a value of another kind than the schema's is kept, for
     * validation to refuse. */
    const struct schema_custom *custom;
};

enum {
    FIELD_REQUIRED = 1,   /* OpenAPI "required" */
    FIELD_POINTER = 2,    /* Go pointer: unset and zero are different things */
    FIELD_OMIT_EMPTY = 4, /* left out of JSON when empty; without it the zero value is always written */
    FIELD_OMIT_ZERO = 8,
    FIELD_IMMUTABLE = 16, /* must not change in an update */
    FIELD_SHOW_DEFAULT =
        32,           /* OpenAPI documents show the default (without default_json: the type's zero value) */
    FIELD_UNION = 64, /* a member of the type's union (x-kubernetes-unions) */
    FIELD_SHOW_REPLACE =
        128, /* OpenAPI documents show patch strategy "replace", which is what happens anyway */
    FIELD_SHOW_GRANULAR = 256, /* OpenAPI documents show map type "granular", which maps are anyway */
    FIELD_WRAPPED = 512,       /* a list that is a message of its own in protobuf: {1: item, ...} */
    FIELD_FIRST = 1024,        /* written before all unnamed keys, whatever their order */
};

struct schema_field {
    const char *name;
    uint16_t name_len;
    uint16_t flags;
    uint32_t
        proto; /* protobuf number; 0: not on the wire. Inside the message of `inlined` if that is not 0 */
    /* Protobuf number of the embedded message that holds this field (Go's inline struct), or 0. Embedded
     * twice: the outer number, and the inner one in the upper 16 bits. */
    uint32_t inlined;
    uint8_t patch; /* enum schema_patch */
    const char *patch_key;
    struct schema schema;
    const char *default_json; /* static default, as JSON text, or NULL */
    const char *doc;          /* one line of our own, or "" */
    /* Conditional default: default_json applies only when the field of index when_field (same record) has the
     * text when_equals ("" : is absent). when_equals NULL: no condition. */
    uint16_t when_field;
    const char *when_equals;
};

enum { WIRE_END_INLINED = INT16_MIN }; /* a step of schema_type.wire */

/* What protobuf has where a field is absent. */
enum schema_absent {
    ABSENT_NOTHING,
    ABSENT_SHORT, /* the tag and a byte 0: an empty text, the number 0 */
    ABSENT_LONG,  /* more than that */
};

/* One step in writing a record as protobuf: a field, or an embedded message begins or ends. */
struct schema_step {
    int16_t step; /* n > 0: the field n - 1; n < 0: the message -n begins; WIRE_END_INLINED: it ends; 0: that
                     is all */
    uint8_t absent; /* enum schema_absent; of a field */
    uint8_t tag_len;
    char tag[2]; /* with ABSENT_SHORT */
};

/*
 * A record type. Fields stand in the order in which upstream's encoder writes them, inlined structs flattened
 * in their place; kind and apiVersion come first in types that are kinds. A value's fields are addressed by
 * these indexes; the compiler gives each a name, as in core_v1_PodSpec_containers (openapi/gen/core_v1.h).
 */
struct schema_type {
    const char *name;    /* short: "PodSpec" */
    const char *package; /* "core_v1" */
    const char *openapi; /* "io.k8s.api.core.v1.PodSpec" */
    const char *doc;
    const struct schema_field *fields;
    uint16_t field_count;
    const uint16_t *by_name; /* the fields' indexes in the order of their names; NULL: that is the order of
                                `fields`, or nobody knows */
    bool atomic;             /* x-kubernetes-map-type: atomic on the type */
    bool preserve_unknown;   /* custom types */
    bool opaque; /* of SCHEMA_RAW nodes that are one of several shapes; the fields only number the shapes in
                    protobuf */
    const char *union_member; /* x-kubernetes-unions discriminator or NULL; the members have FIELD_UNION */
    /* Protobuf: the fields in the order of the wire, which is that of their numbers. NULL: the type has no
     * protobuf form. wire_in_order: the order of `fields` is that of the wire. */
    const struct schema_step *wire;
    bool wire_in_order;
    /* Open-addressed hash of names: slots[i] is a field index + 1; slot_mask + 1 slots; see
     * schema_find_field(). */
    const uint16_t *slots;
    uint16_t slot_mask;
    /* Defaults that need code: runs on every record of this type after the static defaults of its fields and
     * before... see openapi/default.h. NULL: none. Set by name in openapi/defaults/. */
    void (*default_hook)(struct value *record, struct arena *arena);
};

/* FNV-1a, 32 bits: the hash of slots, the same in the compiler and at run time. */
static inline uint32_t schema_hash(const char *name, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h;
}

/* The index of the field, or -1. Case-sensitive, as upstream's strict decoder. */
static inline int schema_find_field(const struct schema_type *type, const char *name, size_t len)
{
    if (!type->slots)
        return -1;
    for (uint32_t i = schema_hash(name, len) & type->slot_mask; type->slots[i];
         i = (i + 1) & type->slot_mask) {
        const struct schema_field *f = &type->fields[type->slots[i] - 1];
        if (f->name_len == len && memcmp(f->name, name, len) == 0)
            return type->slots[i] - 1;
    }
    return -1;
}

/* Is the field in JSON even when it is not set? Go's omitempty leaves out empty scalars, lists and maps and
 * nil pointers, but never structs. */
static inline bool schema_is_always_written(const struct schema_field *field)
{
    const unsigned structs = 1u << SCHEMA_RECORD | 1u << SCHEMA_TIME | 1u << SCHEMA_MICRO_TIME |
                             1u << SCHEMA_DURATION | 1u << SCHEMA_QUANTITY | 1u << SCHEMA_INT_OR_STRING |
                             1u << SCHEMA_RAW;
    if (field->flags & FIELD_OMIT_ZERO)
        return false;
    if (!(field->flags & FIELD_OMIT_EMPTY))
        return true;
    return !(field->flags & FIELD_POINTER) && (structs >> field->schema.kind & 1);
}

/* The default that OpenAPI v3 documents show, as JSON, or NULL: declared ones, and the zero values that are
 * always written. */
const char *schema_shown_default(const struct schema_field *field);

/* Verbs as bits, in upstream's order of names. */
enum verb {
    VERB_CREATE = 1,
    VERB_DELETE = 2,
    VERB_DELETECOLLECTION = 4,
    VERB_GET = 8,
    VERB_LIST = 16,
    VERB_PATCH = 32,
    VERB_UPDATE = 64,
    VERB_WATCH = 128,
};

struct jsonpath;

struct schema_column {
    const char *name, *type, *format, *doc;
    int priority;
    const char
        *path; /* "spec.nodeName" (also "metadata.labels"), or NULL: the kind's row function gives the cell */
    const struct jsonpath *jsonpath; /* of a custom resource's column, instead of path */
};

struct schema_subresource {
    const char *name; /* "status" */
    uint16_t verbs;
    const char *kind_group, *kind_version, *kind;
    const struct schema_type
        *type; /* of its bodies; NULL for options of connect subresources that have none */
};

struct custom_resource;

struct schema_resource {
    const char *group, *version; /* group "" is the core group */
    const char *api_version;     /* "v1", "apps/v1" */
    const char *name;            /* "deployments" */
    const char *singular, *kind;
    const struct schema_type *type; /* of the kind */
    bool namespaced;
    uint16_t verbs;
    const char *const *short_names; /* NULL-terminated, or NULL */
    const char *const *categories;
    const struct schema_subresource *subresources;
    uint16_t subresource_count;
    const struct schema_column *columns;
    uint16_t column_count;
    /* Field selectors beyond metadata.name and metadata.namespace: JSON paths with dots, NULL-terminated, or
     * NULL. */
    const char *const *selectable;
    const char *doc;
    uint16_t index; /* unique from 0 to schema_resource_count - 1, in the order of discovery */
    /* The resource whose version is stored: itself, or e.g. autoscaling/v2 for autoscaling/v1's
     * horizontalpodautoscalers. */
    const struct schema_resource *storage;
    /* The version in the storage version hash, where that is one we do not serve (upstream stores it so);
     * else NULL. */
    const char *storage_version;
    const struct custom_resource
        *custom; /* what else is known of a custom resource (index is meaningless then); NULL: built in */
};

struct remote_api;

struct schema_group_version {
    const char *group, *version;
    const char *package;                  /* "apps_v1"; NULL: not built in */
    bool preferred;                       /* of its group */
    int group_priority, version_priority; /* the order of discovery: higher first (APIService.spec) */
    const struct schema_resource *const *resources;
    uint16_t resource_count;
    /* Of a group-version that another server serves (apiserver/catalogue.h); else NULL. */
    const struct remote_api *remote;
    const char
        *remote_discovery; /* its entry of an aggregated discovery document, as JSON; NULL: not known yet */
    const char *remote_openapi_hash; /* of its OpenAPI v3 document, which that server has; NULL: none */
};

/* The built-in API, in upstream's order of discovery. Generated. */
extern const struct schema_group_version schema_group_versions[];
extern const unsigned schema_group_version_count;
extern const unsigned schema_resource_count;           /* of all group-versions */
extern const struct schema_type *const schema_types[]; /* all of them, sorted by openapi name */
extern const unsigned schema_type_count;

/* Types that are any JSON: what the `type` of such a SCHEMA_RAW node points to. */
extern const struct schema_type schema_raw_extension, schema_raw_fields_v1, schema_raw_json;

/* Open-addressed hashes over the built-in resources, by schema_resource_hash(); see schema.c. Generated. */
extern const struct schema_resource *const schema_resource_slots[];
extern const unsigned schema_resource_slot_mask;
extern const struct schema_resource *const schema_kind_slots[];
extern const unsigned schema_kind_slot_mask;

/* The hash of a resource (or kind) in its group-version. */
static inline uint32_t schema_resource_hash(struct slice group, struct slice version, struct slice name)
{
    return schema_hash(name.ptr, name.len) ^ schema_hash(group.ptr, group.len) * 31u ^
           schema_hash(version.ptr, version.len) * 17u;
}

const struct schema_resource *schema_find_resource(struct slice group, struct slice version,
                                                   struct slice resource);
const struct schema_resource *schema_find_kind(struct slice group, struct slice version, struct slice kind);
const struct schema_subresource *schema_find_subresource(const struct schema_resource *resource,
                                                         struct slice name);
const struct schema_type *schema_find_type(const char *openapi_name);
/* The type of any kind of a group-version, also of those that are no resource (lists, DeleteOptions, Scale,
 * ...); NULL if there is none of that name. */
const struct schema_type *schema_find_kind_type(struct slice group, struct slice version, struct slice kind);
/* The type of an object that says of itself what it is: any of the above, and what only answers are made of
 * (Status, PartialObjectMetadata, discovery); NULL if there is none. */
const struct schema_type *schema_find_object_type(struct slice api_version, struct slice kind);

#endif
