/* convert_parts: the converters behind convert(), one per family of kinds, and what they share. See
 * convert.h. */
#ifndef APISERVER_KINDS_CONVERT_PARTS_H
#define APISERVER_KINDS_CONVERT_PARTS_H

#include "apiserver/kinds/convert.h"

/* v as the field wants it: records of another version with the same field names are built anew, the rest is
 * shared. */
struct value convert_as(struct arena *arena, const struct schema *schema, const struct value *v);
/* A new object of the resource's kind with in's metadata. */
struct value convert_begin(struct arena *arena, const struct schema_resource *to, const struct value *in);

void convert_hpa_to_v1(struct arena *arena, const struct value *in, struct value *out);
void convert_hpa_to_v2(struct arena *arena, const struct value *in, struct value *out);
void convert_event(struct arena *arena, const struct value *in, struct value *out);

#endif
