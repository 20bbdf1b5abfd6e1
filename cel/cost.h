/*
 * cost: what evaluation costs, in the units of cel-go and Kubernetes (the published figures of
 * k8s.io/apiserver/pkg/cel/library and cel-go: 1 for an operation, 0.1 for a character that is looked at).
 * Once as an estimate from the sizes that the schemas allow, once as it happens. A function's row says by
 * which rule. Private to cel/.
 */
#ifndef CEL_COST_H
#define CEL_COST_H

#include "cel/cel.h"

enum cel_cost {
    CEL_COST_ONE,
    CEL_COST_TEXT,      /* over the first argument; the result is as long */
    CEL_COST_TEXT_ONLY, /* over the first argument; nothing is known of the result */
    CEL_COST_TO_BYTES,  /* ... and the result is up to four times as long */
    CEL_COST_TO_STRING, /* ... down to a quarter */
    CEL_COST_QUOTE,     /* ... up to twice, and two quotes */
    CEL_COST_TWICE,     /* over the first argument twice */
    CEL_COST_REPLACE,
    CEL_COST_SPLIT,
    CEL_COST_JOIN,
    CEL_COST_PREFIX, /* over the second argument */
    CEL_COST_MATCHES,
    CEL_COST_FIND,
    CEL_COST_CONTAINS,
    CEL_COST_ADD_TEXT,
    CEL_COST_ADD_LIST,
    CEL_COST_TRAVERSE, /* every item of the first argument, deeply */
    CEL_COST_IN_LIST,
    CEL_COST_COMPARE_TEXT,
    CEL_COST_EQUAL,
    CEL_COST_LOGIC,
    CEL_COST_CONDITIONAL,
    CEL_COST_INDEX_LIST,
    CEL_COST_INDEX_MAP,
    CEL_COST_CONTAINS_IP,
    CEL_COST_CONTAINS_IP_TEXT,
    CEL_COST_CONTAINS_CIDR,
    CEL_COST_CONTAINS_CIDR_TEXT,
    CEL_COST_VALIDATE,
    CEL_COST_CHECK, /* an authorization check */
    CEL_COST_SELECTOR,
    CEL_COST_NEW_LIST, /* as many items as the result has */
    CEL_COST_SLICE,
    CEL_COST_RANGE,
    CEL_COST_FLATTEN,
    CEL_COST_SORT,    /* every item of the first argument with every other */
    CEL_COST_SORT_BY, /* ... of the second */
    CEL_COST_SETS,    /* every item of the first with every item of the second */
    CEL_COST_SETS_TWICE,
};

enum { CEL_FORMAT_PATTERN_MAX = 128 }; /* what upstream takes a named format's pattern to be at most */

uint64_t cel_cost_of_call(struct arena *arena, enum cel_cost rule, const struct cel_value *args,
                          unsigned count, const struct cel_value *result);
uint64_t cel_cost_of_equality(const struct cel_value *a, const struct cel_value *b);
uint64_t cel_cost_of_comparison(const struct cel_value *a, const struct cel_value *b);

#endif
