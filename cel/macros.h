/*
 * macros: calls that are rewritten while parsing: has, all, exists, existsOne, map, filter (one variable),
 * the same with two variables and transformList, transformMap, transformMapEntry, optMap, optFlatMap, sortBy.
 * Rows of a table. Private to cel/.
 */
#ifndef CEL_MACROS_H
#define CEL_MACROS_H

#include "cel/parser.h"

/* What the call becomes; NULL when it is no macro. target NULL: a call without a receiver. */
struct cel_expr *cel_macro_call(struct cel_parser *p, uint32_t pos, struct slice name,
                                struct cel_expr *target, struct cel_expr **args, size_t count);

/* A comprehension that only names a value: its range is empty, its result is evaluated once. */
bool cel_is_bind(const struct cel_expr *e);

#endif
