/*
 * storage: what the kinds about volumes share. Upstream: pkg/apis/storage/validation and the volume parts of
 * pkg/apis/core/validation. Pure; causes and their texts live in the arena of the causes. One thread at a
 * time per request.
 */
#ifndef APISERVER_KINDS_STORAGE_H
#define APISERVER_KINDS_STORAGE_H

#include "apiserver/kinds/field.h"
#include "apiserver/kinds/kind.h"

extern const char *const volume_access_modes[]; /* supported, sorted, NULL-terminated */
extern const char *const volume_modes[];

void check_csi_driver_name(struct causes *c, const struct path *at, struct slice name);
/* All modes known, and ReadWriteOncePod alone. */
void check_access_modes(struct causes *c, const struct path *at, const struct value *modes);
/* The spec of a PersistentVolume named `name`; inlined: the one inside a VolumeAttachment, which may say
 * less. */
void check_volume_spec(struct causes *c, const struct path *at, const struct value *spec, struct slice name,
                       bool inlined);
/* The source in a PersistentVolumeSpec's field `name` (persistentvolume_source.c). */
void check_volume_source(struct causes *c, const struct path *spec_at, const char *name,
                         const struct value *source, struct slice volume_name);
/* The spec of a PersistentVolumeClaim or of a template of one; `was` is the one it replaces, or absent
 * (persistentvolumeclaim.c). */
void check_claim_spec(struct causes *c, const struct path *at, const struct value *spec,
                      const struct value *was);
/* Invalid with the value left out, as upstream's generated rules say it: `Invalid value: null: field is
 * immutable`. */
void check_immutable_bare(struct causes *c, const struct path *at, const struct value *now,
                          const struct value *old);

/* Forbidden, with a difference of the two records behind the text, as people expect of specs that may not
 * change. */
void causes_forbidden_diff(struct causes *c, const struct path *at, const char *text, const struct value *now,
                           const struct value *old);

/* "RWO,ROX": each once, in upstream's order. */
struct slice access_modes_text(struct arena *arena, const struct value *modes);
/* The class that a volume or claim asks for: the annotation of old, else spec.storageClassName. */
struct slice storage_class_of(const struct value *object);
/* A text field as a cell; `absent` when it is not set. */
struct value cell_or(const struct value *text, const char *absent);

extern const struct kind kind_persistentvolumes, kind_persistentvolumeclaims, kind_nodes,
    kind_priorityclasses, kind_runtimeclasses, kind_storageversionmigrations;

#endif
