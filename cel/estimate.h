/*
 * estimate: what is looked at between checking and running: literals that could never be read, the worst
 * cost, and lists and maps of literals, which are made once. Private to cel/.
 */
#ifndef CEL_ESTIMATE_H
#define CEL_ESTIMATE_H

#include "cel/check.h"

/* The worst cost of the expression; types by node. */
uint64_t cel_estimate(const struct cel_program *program, const struct cel_type *const *types,
                      struct arena *scratch);
/* duration("x"), timestamp("x"), matches("x") with a literal that is none: issues. */
void cel_check_literals(const struct cel_program *program, struct cel_issues *issues);
void cel_fold_constants(struct arena *arena, struct cel_program *program);
/* Calls visit for each node once, children first. */
void cel_visit(const struct cel_program *program, void (*visit)(struct cel_expr *e, void *context),
               void *context);

/* What a schema allows: items of a list, entries of a map, characters of a text; and the bytes that a value
 * takes at least as JSON. */
uint64_t cel_schema_max(const struct schema *schema);
int64_t cel_schema_min_size(const struct schema *schema, bool root);

#endif
