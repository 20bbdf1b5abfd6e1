/*
 * env: which functions and types there are. Libraries are tables of rows; a row is one overload: the
 * function's name, the overload's id, its signature as text, what computes it and what it costs. An
 * environment is made of libraries once and never changes; any thread. Private to cel/.
 *
 *     {"charAt", "string_char_at_int", "string.(int): string", char_at, CEL_COST_ONE}
 */
#ifndef CEL_ENV_H
#define CEL_ENV_H

#include "cel/ast.h"
#include "cel/cost.h"

struct cel_eval;

/* Arguments are of the overload's types and no errors; a receiver is the first one. */
typedef struct cel_value cel_impl(struct cel_eval *e, const struct cel_value *args, unsigned count);

struct cel_row {
    const char *name, *id, *signature;
    cel_impl *call; /* NULL: an operator of the evaluator */
    enum cel_cost cost;
};

struct cel_library {
    const char *name;
    const struct cel_row *rows;
    size_t count;
};

#define CEL_LIBRARY(lib, rows) const struct cel_library lib = {#lib, rows, sizeof(rows) / sizeof *(rows)}

enum { CEL_ARGS_MAX = 4 };

struct cel_overload {
    const struct cel_row *row;
    bool member;
    uint8_t arg_count;   /* with the receiver */
    uint8_t param_count; /* type parameters: A is 0, ... */
    const struct cel_type *args[CEL_ARGS_MAX];
    const struct cel_type *result;
};

struct cel_function {
    struct slice name;
    enum cel_op op;
    const struct cel_overload *overloads;
    size_t count;
};

const struct cel_env *cel_env_new(const struct cel_library *const *libraries, size_t count);
/* NULL: there is none of that name. */
const struct cel_function *cel_env_function(const struct cel_env *env, struct slice name);
/* The type that a name stands for ("int", "google.protobuf.Timestamp", "net.IP"), or NULL. */
const struct cel_type *cel_env_type(const struct cel_env *env, struct slice name);

#endif
