/*
 * definition: a CustomResourceDefinition as the tables that routing, discovery and the verbs read. One
 * custom_definition is one state of the object's spec (and accepted names): immutable but for the schemas,
 * which are compiled when a version is first used, so that a thousand definitions that nobody asks for cost a
 * few kilobytes each. Until then a schema is kept as compressed JSON.
 *
 * Reference counted: the registry holds one, each snapshot of the catalogue that shows it another. Any
 * thread.
 */
#ifndef APISERVER_CUSTOM_DEFINITION_H
#define APISERVER_CUSTOM_DEFINITION_H

#include <stdatomic.h>
#include "base/buf.h"
#include "openapi/custom.h"
#include "openapi/schema.h"

enum { CUSTOM_STAMP = 8 };

struct custom_definition;
struct kind;

/* One version: what schema_resource.custom points to. */
struct custom_resource {
    struct custom_definition *definition;
    struct schema_resource *resource;
    const struct kind *kind;
    const char *list_kind;
    const char *warning; /* of a deprecated version, or NULL */
    bool served, has_status, has_scale, has_rules;
    /* Simple paths without the leading dot; label_selector "" when there is none. */
    const char *spec_replicas, *status_replicas, *label_selector;
    /* What the stored form of an object depends on: version, schema, selectable fields. An object that was
     * stored with the same stamp is what a client of this version gets. */
    char stamp[CUSTOM_STAMP];
    struct slice packed; /* the schema, compressed */
    size_t unpacked_size;
    _Atomic(const struct schema *) schema; /* NULL until custom_schema() */
};

struct custom_definition {
    atomic_int refs;
    struct arena *arena;
    const char *name, *group, *uid;
    uint64_t revision;    /* of the object it was made from */
    uint64_t fingerprint; /* of all that the tables are made from */
    bool established, terminating;
    bool namespaced;
    const char *kind;
    struct custom_resource *versions;  /* in the order of the spec */
    struct schema_resource *resources; /* beside them */
    unsigned version_count;
    const struct custom_resource *storage;
    struct slice
        conversion; /* spec.conversion as JSON; empty when objects differ by nothing but their apiVersion */
};

/* definition: a CustomResourceDefinition tree. NULL: it names no storage version (not yet checked by
 * anybody). */
struct custom_definition *custom_definition_new(const struct value *definition, uint64_t revision);
struct custom_definition *custom_definition_ref(struct custom_definition *definition);
void custom_definition_unref(struct custom_definition *definition);

/* The compiled schema; resource->type is right after. */
const struct schema *custom_schema(const struct custom_resource *custom);
/* The schema as the client gave it (JSON of a JSONSchemaProps), in the arena; empty: none. */
struct slice custom_schema_json(struct arena *arena, const struct custom_resource *custom);
/* The version of this name, or NULL. */
const struct custom_resource *custom_find_version(const struct custom_definition *definition,
                                                  struct slice version);

#endif
