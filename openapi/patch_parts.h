/*
 * patch_parts: what the three patch formats share among themselves; not for others. See patch.h.
 */
#ifndef OPENAPI_PATCH_PARTS_H
#define OPENAPI_PATCH_PARTS_H

#include "openapi/patch.h"

extern const struct schema patch_any; /* SCHEMA_ANY */

/* Each changes *doc, a tree of its own, in place. The patch's tree is used up. */
bool patch_json_apply(struct arena *arena, struct value *doc, const struct value *ops, struct error *err);
void patch_merge_apply(struct arena *arena, struct value *doc, struct value *patch);
bool patch_strategic_apply(struct arena *arena, const struct schema_type *type, struct value *doc,
                           struct value *patch, struct error *err);

/* Equality as JSON has it: kinds differ, things differ; an empty list is no empty map. */
bool patch_equal(const struct value *a, const struct value *b);
/* As Go's %v prints maps, lists and scalars: map[a:1 b:[x y] c:<nil>]. */
void patch_print(struct buf *out, const struct value *v);
/* Upstream's answer to a patch that it understands and cannot apply: 422 with empty details. Returns false.
 */
bool patch_unprocessable(struct error *err);
/* "string", "number", "object", "array", "bool", "null": the kind of a JSON value. */
const char *patch_kind_name(const struct value *v);

#endif
