/* field: reading a tree by names, for rules that look at many fields once. Never NULL; any thread. */
#ifndef APISERVER_KINDS_FIELD_H
#define APISERVER_KINDS_FIELD_H

#include "openapi/value.h"

/* A field of a record or a key of a map by its name; absent when it is not there. */
static inline const struct value *field_of(const struct value *v, const char *name)
{
    return value_get(v, slice_str(name));
}

static inline struct slice text_at(const struct value *v, const char *name)
{
    return value_text(field_of(v, name));
}

#endif
