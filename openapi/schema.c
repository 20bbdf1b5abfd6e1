#include "openapi/schema.h"

#include <stdio.h>
#include <stdlib.h>

const struct schema_type schema_raw_extension = {.name = "RawExtension",
                                                 .package = "runtime",
                                                 .openapi = "io.k8s.apimachinery.pkg.runtime.RawExtension",
                                                 .doc = "Any object, kept as it came."};
const struct schema_type schema_raw_fields_v1 = {
    .name = "FieldsV1",
    .package = "meta_v1",
    .openapi = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
    .doc = "A set of fields as a tree: keys are `f:<field>`, `k:<keys of a list item>`, `v:<value>` and "
           "`i:<index>`."};
const struct schema_type schema_raw_json = {
    .name = "JSON",
    .package = "apiextensions_v1",
    .openapi = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
    .doc = "Any JSON value."};

static bool in_group_version(const struct schema_resource *r, struct slice group, struct slice version)
{
    return slice_is(group, r->group) && slice_is(version, r->version);
}

const struct schema_resource *schema_find_resource(struct slice group, struct slice version,
                                                   struct slice resource)
{
    unsigned i = schema_resource_hash(group, version, resource) & schema_resource_slot_mask;
    for (; schema_resource_slots[i]; i = (i + 1) & schema_resource_slot_mask)
        if (slice_is(resource, schema_resource_slots[i]->name) &&
            in_group_version(schema_resource_slots[i], group, version))
            return schema_resource_slots[i];
    return NULL;
}

const struct schema_resource *schema_find_kind(struct slice group, struct slice version, struct slice kind)
{
    unsigned i = schema_resource_hash(group, version, kind) & schema_kind_slot_mask;
    for (; schema_kind_slots[i]; i = (i + 1) & schema_kind_slot_mask)
        if (slice_is(kind, schema_kind_slots[i]->kind) &&
            in_group_version(schema_kind_slots[i], group, version))
            return schema_kind_slots[i];
    return NULL;
}

const struct schema_subresource *schema_find_subresource(const struct schema_resource *resource,
                                                         struct slice name)
{
    for (unsigned i = 0; i < resource->subresource_count; i++)
        if (slice_is(name, resource->subresources[i].name))
            return &resource->subresources[i];
    return NULL;
}

static int compare_type(const void *key, const void *item)
{
    return strcmp(key, (*(const struct schema_type *const *)item)->openapi);
}

const struct schema_type *schema_find_type(const char *openapi_name)
{
    const struct schema_type *const *found =
        bsearch(openapi_name, schema_types, schema_type_count, sizeof *schema_types, compare_type);
    return found ? *found : NULL;
}

const struct schema_type *schema_find_kind_type(struct slice group, struct slice version, struct slice kind)
{
    for (unsigned g = 0; g < schema_group_version_count; g++) {
        const struct schema_group_version *gv = &schema_group_versions[g];
        if (!slice_is(group, gv->group) || !slice_is(version, gv->version))
            continue;
        for (unsigned t = 0; t < schema_type_count; t++) {
            const struct schema_type *type = schema_types[t];
            bool is_kind = type->field_count > 0 && strcmp(type->fields[0].name, "kind") == 0;
            if (is_kind && slice_is(kind, type->name) && strcmp(type->package, gv->package) == 0)
                return type;
        }
    }
    return NULL;
}

/* <prefix><name><suffix> among the openapi names. */
static const struct schema_type *find_named(const char *prefix, struct slice name, const char *suffix)
{
    char openapi[256];
    int n = snprintf(openapi, sizeof openapi, "%s%.*s%s", prefix, SLICE_ARG(name), suffix);
    return n > 0 && (size_t)n < sizeof openapi ? schema_find_type(openapi) : NULL;
}

const struct schema_type *schema_find_object_type(struct slice api_version, struct slice kind)
{
    long slash = slice_find(api_version, '/');
    struct slice group = slash < 0 ? SLICE("") : slice_make(api_version.ptr, (size_t)slash);
    struct slice version = slash < 0 ? api_version : slice_from(api_version, (size_t)slash + 1);
    const struct schema_resource *r = schema_find_kind(group, version, kind);
    if (r)
        return r->type;
    if (slice_ends(kind, SLICE("List")) &&
        (r = schema_find_kind(group, version, slice_make(kind.ptr, kind.len - strlen("List")))))
        return find_named(r->type->openapi, SLICE("List"), "");
    const struct schema_type *type = NULL;
    bool is_options = slice_ends(kind, SLICE("Options")); /* every group has them */
    if (slice_is(api_version, "v1") || slice_is(group, "meta.k8s.io") || !api_version.len || is_options)
        type = find_named("io.k8s.apimachinery.pkg.apis.meta.v1.", kind, "");
    else if (slice_is(api_version, "apidiscovery.k8s.io/v2"))
        type = find_named("io.k8s.api.apidiscovery.v2.", kind, "");
    return type ? type : schema_find_kind_type(group, version, kind);
}

const char *schema_shown_default(const struct schema_field *f)
{
    bool always = !(f->flags & (FIELD_OMIT_EMPTY | FIELD_POINTER)), show = f->flags & FIELD_SHOW_DEFAULT;
    if (show && f->default_json)
        return f->default_json;
    switch (f->schema.kind) {
    case SCHEMA_RECORD:
        return f->flags & FIELD_POINTER ? NULL : "{}";
    case SCHEMA_STRING:
        return always || show ? "\"\"" : NULL;
    case SCHEMA_BOOL:
        return always || show ? "false" : NULL;
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_FLOAT64:
        return always || show ? "0" : NULL;
    default:
        return NULL;
    }
}
