/*
 * label_selector: what a meta.v1.LabelSelector (matchLabels, matchExpressions) selects, and its text form.
 * Absent selects nothing, an empty one everything; one with a malformed requirement is no selector at all.
 * Pure; any thread. Texts live in the arena given.
 */
#ifndef OPENAPI_LABEL_SELECTOR_H
#define OPENAPI_LABEL_SELECTOR_H

#include "openapi/value.h"

bool label_selector_valid(const struct value *selector);
/* Of a valid selector. */
bool label_selector_matches(const struct value *selector, const struct value *labels);
/* Set, and neither labels nor expressions. */
bool label_selector_empty(const struct value *selector);
/* "app=web,tier in (a,b),!canary"; "" for empty and absent ones. */
struct slice label_selector_print(struct arena *arena, const struct value *selector);
/* For a cell of a table: "<none>" when there is nothing to print, "<error>" when it is not valid. */
struct slice label_selector_cell(struct arena *arena, const struct value *selector);
/* The same for a plain map of labels. */
struct slice labels_print(struct arena *arena, const struct value *map);
struct slice labels_cell(struct arena *arena, const struct value *map);
/* True when every pair of `wanted` is in `labels`. */
bool labels_contain(const struct value *labels, const struct value *wanted);

#endif
