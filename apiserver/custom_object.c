#include "apiserver/custom_object.h"

#include "apiserver/custom/definition.h"
#include "openapi/decode.h"
#include "openapi/default.h"
#include "storage/header.h"

struct slice custom_object_stamp(const struct schema_resource *storage)
{
    return slice_make(storage->custom->stamp, CUSTOM_STAMP);
}

static unsigned stamp_index(const struct schema_resource *resource)
{
    unsigned i = 0;
    while (resource->selectable && resource->selectable[i])
        i++;
    return i;
}

bool custom_object_is_current(const struct schema_resource *resource, struct slice header)
{
    return slice_eq(header_field(header, stamp_index(resource)), custom_object_stamp(resource));
}

bool custom_object_blocks(const struct schema_resource *resource)
{
    return resource->custom && resource->custom->definition->conversion.len > 0;
}

static void set_type(struct value *object, const struct schema_resource *resource)
{
    *value_get_mut(object, SLICE("kind")) = value_of_cstr(resource->kind);
    *value_get_mut(object, SLICE("apiVersion")) = value_of_cstr(resource->api_version);
}

bool custom_object_convert(struct arena *arena, const struct schema_resource *from,
                           const struct schema_resource *to, const struct value *object, struct value *ret,
                           struct error *err)
{
    if (from == to) {
        *ret = *object;
        return true;
    }
    if (to->custom->definition->conversion.len) /* better no answer than the fields of another version */
        return error_set(err, REASON_INTERNAL,
                         "conversion webhook for %s, Kind=%s failed: conversion by webhook is not supported "
                         "by this server yet",
                         from->api_version, from->kind);
    if (!decode_value(arena, custom_schema(to->custom), object, ret, NULL, err))
        return false;
    set_type(ret, to);
    return true;
}

/* The version that a stored object is of; the storage version when it names none that still exists. */
static const struct schema_resource *version_of(const struct schema_resource *resource,
                                                struct slice api_version)
{
    long slash = slice_find(api_version, '/');
    const struct custom_resource *found =
        custom_find_version(resource->custom->definition, slice_from(api_version, (size_t)(slash + 1)));
    return found ? found->resource : resource->storage;
}

bool custom_object_decode(struct arena *arena, const struct schema_resource *resource, struct slice value,
                          struct value *ret, struct error *err)
{
    struct slice api_version, kind;
    struct value stored;
    if (!decode_type_meta(arena, value, &api_version, &kind, err))
        return error_wrap(err, "the stored object cannot be read");
    const struct schema_resource *version = version_of(resource, api_version);
    if (!decode_json(arena, custom_schema(version->custom)->type, value, &stored, NULL, err))
        return error_wrap(err, "the stored object cannot be read");
    default_object(arena, &stored);
    return custom_object_convert(arena, version, resource, &stored, ret, err);
}
