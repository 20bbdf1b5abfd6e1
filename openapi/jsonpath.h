/*
 * jsonpath: the paths of printer columns, as client-go reads them: .spec.a, ['a'], [0], [-1], [1:3:2], [*],
 * .*, ..name, unions [0,2], filters [?(@.type=="Ready")]. No templates and ranges.
 *
 * Pure. Time and memory are bounded: a path has at most JSONPATH_MAX_NODES parts, and an evaluation that
 * meets more than JSONPATH_MAX_STEPS values fails. A parsed path is immutable and lives in its arena; any
 * thread. Source: https://kubernetes.io/docs/reference/kubectl/jsonpath/
 */
#ifndef OPENAPI_JSONPATH_H
#define OPENAPI_JSONPATH_H

#include "base/buf.h"
#include "base/error.h"
#include "openapi/value.h"

enum { JSONPATH_MAX_NODES = 256, JSONPATH_MAX_STEPS = 100000 };

struct jsonpath;

/* text: the path without braces. NULL and *err (which may be NULL) when it is none. */
const struct jsonpath *jsonpath_parse(struct arena *arena, struct slice text, struct error *err);

struct jsonpath_results {
    const struct value *items;
    size_t count, capacity;
};
/* All that the path leads to, in the arena; keys that are not there lead to nothing. False: the path does not
 * fit the value (an index out of bounds, a filter of what is no list). */
bool jsonpath_find(struct arena *arena, const struct jsonpath *path, const struct value *root,
                   struct jsonpath_results *ret);
/* A result as Go prints it: texts bare, structures as JSON. */
void jsonpath_print(struct buf *out, const struct value *result);

#endif
