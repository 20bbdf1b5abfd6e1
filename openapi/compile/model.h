/*
 * model: what openapi/api/<package>.yaml says, in memory, while openapi-compile runs. The notation is
 * described in docs/schema.md.
 *
 * Three passes: model_load() reads one file into a package; model_resolve() follows the names between
 * packages, flattens inlined records and checks everything that needs more than one line to check; emit_*()
 * write C. A fault is reported as `file:line: message` on standard error and counted in model.faults; passes
 * go on to find more, but nothing is emitted after one.
 *
 * All memory is the arena's; it lives as long as the tool. One thread.
 */
#ifndef OPENAPI_COMPILE_MODEL_H
#define OPENAPI_COMPILE_MODEL_H

#include <yaml.h>
#include "base/arena.h"
#include "base/buf.h"
#include "openapi/schema.h"

/* A YAML file and its nodes, for messages that name the line. */
struct source {
    struct model *model;
    const char *path;
    yaml_document_t document;
};

/* The type of a value as written: `map<list<core_v1.PodSpec>>`. */
struct type_expr {
    enum schema_kind kind;
    struct type_expr *elem; /* LIST, MAP */
    const char *ref;        /* the name as written, of a record or an opaque type */
    struct type *type;      /* what it names, after resolving */
    const char *raw;        /* RAW of the engine's own: the C name of its schema_type */
};

struct field {
    struct source *source;
    yaml_node_t *node; /* of its description */
    const char *name;
    struct type_expr *type;
    bool is_inline; /* a record whose fields stand in its place */
    uint32_t proto, inlined;
    unsigned flags; /* FIELD_... */
    unsigned patch;
    const char *patch_key;
    enum schema_list_type list_type;
    enum schema_map_type map_type;
    const char **list_keys; /* NULL-terminated or NULL */
    const char **enums;     /* sorted, NULL-terminated or NULL */
    const char *format, *pattern;
    bool has_min, has_max;
    double min, max;
    int64_t min_length, max_length;
    yaml_node_t *default_node;
    const char *default_json;
    const char *when_name, *when_equals;
    unsigned when_field;
    const char *doc;
};

struct type {
    struct package *package;
    yaml_node_t *node;
    const char *name, *c_name, *openapi, *doc;
    bool is_kind, opaque, hook, atomic;
    const char *discriminator;
    const char **members; /* of the union, or NULL */
    struct field *fields; /* as declared */
    size_t field_count, field_capacity;
    struct field *flat; /* with inlined records' fields in place, kind and apiVersion first */
    size_t flat_count, flat_capacity;
    int flattening; /* 0 not yet, 1 at it, 2 done */
    int *wire;      /* steps as in schema_type.wire, without the 0 */
    size_t wire_count, wire_capacity;
    bool wire_in_order;
};

struct subresource {
    yaml_node_t *node;
    const char *name, *kind_ref;
    unsigned verbs;
    struct type *type;
};

struct column {
    const char *name, *type, *format, *doc, *path;
    int priority;
};

struct resource {
    struct package *package;
    yaml_node_t *node;
    const char *name, *singular, *kind_ref, *doc;
    struct type *type;
    bool namespaced;
    unsigned verbs, index;
    const char **short_names, **categories, **selectable;
    struct subresource *subresources;
    size_t subresource_count, subresource_capacity;
    struct column *columns;
    size_t column_count, column_capacity;
    const char *storage_ref; /* the package whose resource of the same name is stored */
    struct resource *storage;
    const char *storage_version; /* or NULL */
};

struct package {
    struct source *source;
    const char *name, *group, *version, *openapi;
    int group_priority, version_priority;
    bool preferred;
    struct type *types;
    size_t type_count, type_capacity;
    struct resource *resources;
    size_t resource_count, resource_capacity;
};

struct model {
    struct arena *arena;
    struct package **packages; /* in the order of discovery after resolving */
    size_t package_count, package_capacity;
    int faults;
};

/* Prints `file:line: message` and counts. node may be NULL. */
void model_fault(struct source *source, const yaml_node_t *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void model_init(struct model *model);
void model_release(struct model *model);
/* Reads one file. Faults are counted. */
void model_load(struct model *model, const char *path);
void model_resolve(struct model *model);

/* The reader of `resources:` (load_resources.c). */
void load_resources(struct source *source, yaml_node_t *value, void *package);

struct package *model_find_package(struct model *model, const char *name);
struct type *model_find_type(struct package *package, const char *ref); /* `Name` or `package.Name` */

/* The order of a flattened type's fields in protobuf: type->wire. */
void model_resolve_wire(struct type *type);

/* The default of a field as JSON text, or NULL after a fault. */
const char *model_default_json(struct field *field, yaml_node_t *node);

/* The C tables, into the folder. false and a message on standard error if a file cannot be written. */
bool emit_package(struct model *model, struct package *package, const char *folder);
bool emit_resources(struct model *model, const char *folder);
bool emit_hooks(struct model *model, const char *folder);
/* Writes the file unless it is already there with the same bytes, so that what includes it is not built
 * again. */
bool emit_file(const char *folder, const char *name, struct slice text);
void emit_c_string(struct buf *out, const char *s); /* NULL gives NULL */
/* Open addressing by schema_hash(); `hashes` has count entries, the result slot_count = mask + 1 entries of
 * index + 1. */
unsigned *emit_slots(struct arena *arena, const uint32_t *hashes, size_t count, unsigned *ret_mask);

#endif
