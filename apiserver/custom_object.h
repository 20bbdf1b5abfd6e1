/*
 * custom_object: custom objects between the store and trees. What is stored is of the definition's storage
 * version at the time; what is read is of the version asked for, pruned and with defaults as its schema says
 * now.
 *
 * Conversions by webhook block: on a worker only (custom_object_blocks).
 */
#ifndef APISERVER_CUSTOM_OBJECT_H
#define APISERVER_CUSTOM_OBJECT_H

#include "base/error.h"
#include "openapi/value.h"

/* value: as stored; must outlive the tree. */
bool custom_object_decode(struct arena *arena, const struct schema_resource *resource, struct slice value,
                          struct value *ret, struct error *err);
/* A tree of one version as one of another version of the same definition. */
bool custom_object_convert(struct arena *arena, const struct schema_resource *from,
                           const struct schema_resource *to, const struct value *object, struct value *ret,
                           struct error *err);
/* What is kept in the header of an object that is stored in this version. */
struct slice custom_object_stamp(const struct schema_resource *storage);
/* Are the stored bytes what a client of this version gets? */
bool custom_object_is_current(const struct schema_resource *resource, struct slice header);
/* May reading or writing objects of this version call a webhook? */
bool custom_object_blocks(const struct schema_resource *resource);

#endif
