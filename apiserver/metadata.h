/*
 * metadata: what is the same for the metadata of every kind: filling it on create, carrying it over on
 * update, its validation. Pure but for the clock and random names. Upstream: registry/rest (BeforeCreate,
 * BeforeUpdate) and apimachinery/pkg/api/validation (ValidateObjectMeta).
 */
#ifndef APISERVER_METADATA_H
#define APISERVER_METADATA_H

#include "apiserver/kinds/kind.h"
#include "base/error.h"

/* Drops what a client may not set; sets uid, creationTimestamp, namespace and (from generateName) the name.
 */
void metadata_fill_create(struct arena *arena, const struct schema_resource *resource, struct value *object,
                          struct slice namespace, int64_t now);
/* Whether the name came from generateName, so that a collision may be tried again with another. */
bool metadata_regenerate_name(struct arena *arena, struct value *object);
/* What an update may not change is taken from old. */
void metadata_carry_over(struct arena *arena, struct value *object, const struct value *old);
/* So is what a write of the status may not change either, for kinds that are strict about that. */
void metadata_carry_over_status(struct arena *arena, struct value *object, const struct value *old);

void metadata_validate(struct causes *causes, const struct schema_resource *resource, enum name_rule rule,
                       const struct value *object);
void metadata_validate_update(struct causes *causes, const struct value *object, const struct value *old);

/* True when spec (all but kind, apiVersion, metadata and status) differs: the generation rises. */
bool metadata_spec_changed(const struct value *object, const struct value *old);

#endif
