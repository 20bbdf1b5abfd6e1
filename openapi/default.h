/*
 * default: fills in what upstream fills in before it validates. Walks the tree from the top, guided by the
 * schema; at each record
 *   1. the static defaults of its fields (schema_field.default_json), then those with a condition
 * (when_field),
 *   2. the code of the type (schema_type.default_hook, openapi/defaults/<group>.c),
 *   3. the records below, in field order.
 * So a parent's code sees its own static defaults but not yet those of its children, as upstream's does.
 *
 * A record that is absent but no pointer is entered as if it were there and stays absent if nothing came of
 * it. Amounts of a core ResourceList are rounded up to milli on the way, which upstream calls defaulting too.
 *
 * Running twice changes nothing more. Errors: none. Pure but for ResourceClaims' and DeviceTaints' time
 * stamps. One thread per tree.
 */
#ifndef OPENAPI_DEFAULT_H
#define OPENAPI_DEFAULT_H

#include "openapi/value.h"

/* record: a VALUE_RECORD of any type, in `arena`. */
void default_object(struct arena *arena, struct value *record);

/* ---- for the code of the types ---- */

/* Sets the field if it is absent. */
static inline void default_text(struct value *record, unsigned field, const char *text)
{
    struct value *v = value_mut(record, field);
    if (!value_is_set(v))
        *v = value_of_cstr(text);
}

static inline void default_int(struct value *record, unsigned field, int64_t n)
{
    struct value *v = value_mut(record, field);
    if (!value_is_set(v))
        *v = value_of_int(n);
}

static inline void default_bool(struct value *record, unsigned field, bool b)
{
    struct value *v = value_mut(record, field);
    if (!value_is_set(v))
        *v = value_of_bool(b);
}

/* Entries of `from` whose keys are not in *to yet are copied into it. */
void default_entries(struct arena *arena, struct value *to, const struct value *from);

#endif
