/*
 * eval: one evaluation at work, as the functions of the libraries see it. Private to cel/.
 */
#ifndef CEL_EVAL_H
#define CEL_EVAL_H

#include "cel/env.h"
#include "cel/value.h"

enum { CEL_MEMORY_MAX = 64 << 20 }; /* what one evaluation may put into its arena */

struct cel_eval {
    struct arena *arena;
    struct cel_run *run;
    const struct cel_program *program;
    struct cel_value *locals;
    uint64_t cost, limit;
    size_t memory_start;
    unsigned ticks;
    const char *stopped; /* why, or NULL */
};

#define cel_fail(e, ...) cel_error((e)->arena, __VA_ARGS__)

/* Room for a result of so many bytes? Stops the evaluation when there is none. */
bool cel_eval_room(struct cel_eval *e, uint64_t bytes);
/* For functions that loop over much: counts, looks at the clock now and then; false: stop. */
bool cel_eval_tick(struct cel_eval *e);
/* a + b for lists, by the merge rules of their schema where they have one. */
struct cel_value cel_eval_add_lists(struct cel_eval *e, const struct cel_value *a, const struct cel_value *b);
struct cel_value cel_no_overload(struct cel_eval *e);

#endif
