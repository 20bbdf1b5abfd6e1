/*
 * check: decides what every name of an expression means, which overloads every call may take, and the type of
 * every node. With CEL_UNCHECKED only the names are decided. Private to cel/.
 */
#ifndef CEL_CHECK_H
#define CEL_CHECK_H

#include "cel/env.h"
#include "cel/issues.h"
#include "cel/types.h"

struct cel_local {
    struct slice name;
    const struct cel_type *type;
    uint16_t slot;
    struct cel_local *outer;
};

struct cel_checker {
    struct arena *arena;   /* the program's */
    struct arena *scratch; /* gone after compilation */
    const struct cel_env *env;
    const struct cel_source *source;
    struct cel_issues *issues;
    const struct cel_type **types; /* by node; NULL: not seen yet */
    struct cel_unify unify;
    struct cel_local *locals; /* innermost first */
    uint16_t local_depth, local_count;
    uint64_t used;           /* variables, see cel_program.used */
    struct cel_issues mixed; /* lists and maps of several types: told when nothing else is wrong */
    unsigned mixed_allowed;  /* inside of string.format()'s arguments */
};

/* Fills types and the decisions in the nodes. Findings are issues. */
void cel_check(struct cel_checker *c, struct cel_expr *root);

/* ---- between the two files of it ---- */

const struct cel_type *cel_check_node(struct cel_checker *c, struct cel_expr *e);
const struct cel_type *cel_check_call(struct cel_checker *c, struct cel_expr *e);
const struct cel_type *cel_check_field(struct cel_checker *c, struct cel_expr *e, struct cel_expr *operand,
                                       struct slice *field, bool optional);
/* Names to try for one that stands in the container, the innermost first: call with *state 0, until false. */
bool cel_check_candidate(struct cel_checker *c, struct slice name, bool absolute, size_t *state,
                         struct slice *ret);
/* A chain of selects on a plain name as a dotted name. */
bool cel_check_dotted(struct cel_checker *c, const struct cel_expr *e, struct slice *ret, bool *ret_absolute);
const struct cel_local *cel_check_find_local(const struct cel_checker *c, struct slice name);
bool cel_check_lenient(const struct cel_checker *c);

#endif
