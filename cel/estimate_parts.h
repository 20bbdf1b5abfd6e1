/*
 * estimate_parts: what the files of the estimate share: ranges that saturate, where a value comes from in the
 * schema, what is known of a node. Private to estimate*.c.
 */
#ifndef CEL_ESTIMATE_PARTS_H
#define CEL_ESTIMATE_PARTS_H

#include <math.h>

#include "cel/estimate.h"

struct range { /* of sizes, of costs */
    uint64_t min, max;
};

/* Where in the schema a value comes from. */
struct origin {
    enum { ORIGIN_NONE, ORIGIN_LOST, ORIGIN_KEY, ORIGIN_SCHEMA } kind;
    const struct schema *schema;
};

struct entry_size {
    bool known, list;
    struct range key, value;
};

struct size {
    bool known;
    struct range range;
};

struct about { /* a node */
    bool costed;
    struct range cost;
    struct size size;
    struct entry_size entries;
    struct origin origin;
};

struct about_local {
    struct origin origin;
    struct size size;
    struct entry_size entries;
};

struct estimator {
    const struct cel_program *program;
    const struct cel_type *const *types;
    struct about *nodes;
    struct about_local *locals;
    struct origin root;
};

#define UNKNOWN_RANGE ((struct range){0, UINT64_MAX})

/* ---- arithmetic that saturates ---- */

static inline uint64_t sum(uint64_t a, uint64_t b)
{
    return __builtin_add_overflow(a, b, &a) ? UINT64_MAX : a;
}

static inline uint64_t product(uint64_t a, uint64_t b)
{
    return __builtin_mul_overflow(a, b, &a) ? UINT64_MAX : a;
}

static inline uint64_t scaled(uint64_t a, double factor)
{
    double x = ceil((double)a * factor);
    return x >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)x;
}

static inline struct range fixed(uint64_t n)
{
    return (struct range){n, n};
}

static inline struct range add(struct range a, struct range b)
{
    return (struct range){sum(a.min, b.min), sum(a.max, b.max)};
}

static inline struct range times(struct range a, struct range b)
{
    return (struct range){product(a.min, b.min), product(a.max, b.max)};
}

static inline struct range scale(struct range a, double factor)
{
    return (struct range){scaled(a.min, factor), scaled(a.max, factor)};
}

static inline struct range join(struct range a, struct range b)
{
    return (struct range){a.min < b.min ? a.min : b.min, a.max > b.max ? a.max : b.max};
}

enum step { STEP_ITEMS, STEP_VALUES, STEP_KEYS, STEP_INDICES, STEP_FIELD };

/* One step down the schema. */
struct origin cel_estimate_step(const struct estimator *s, struct origin from, enum step how,
                                struct slice field);
struct origin cel_estimate_origin(const struct estimator *s, const struct cel_expr *e);
struct size cel_estimate_origin_size(struct origin origin);
struct size cel_estimate_size(const struct estimator *s, const struct cel_expr *e);
struct range cel_estimate_size_or_unknown(const struct estimator *s, const struct cel_expr *e);
struct entry_size cel_estimate_entries(const struct estimator *s, const struct cel_expr *e);
struct entry_size cel_estimate_join_entries(struct entry_size a, struct entry_size b);
void cel_estimate_set_size(const struct estimator *s, const struct cel_expr *e, struct size size);
void cel_estimate_set_entries(const struct estimator *s, const struct cel_expr *e, struct entry_size entries);
const struct cel_type *cel_estimate_type(const struct estimator *s, const struct cel_expr *e);

static inline struct about *about(const struct estimator *s, const struct cel_expr *e)
{
    return &s->nodes[e->id];
}

struct call {
    const struct cel_expr *e;
    const struct cel_expr *args[CEL_ARGS_MAX]; /* a receiver first */
    struct range costs[CEL_ARGS_MAX];
    unsigned count;
    struct size result;
};

/* What one overload costs, without the arguments' own costs. */
struct range cel_estimate_overload(struct estimator *s, struct call *c, enum cel_cost rule);

#endif
