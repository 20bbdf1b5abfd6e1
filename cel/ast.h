/*
 * ast: an expression as a tree of nodes. Parsing makes it, macros rewrite it, checking decides its names and
 * overloads, evaluation walks it. All nodes of a program lie in its arena and do not change once it is
 * compiled. A node may have two parents (macros repeat an iteration variable). Private to cel/.
 */
#ifndef CEL_AST_H
#define CEL_AST_H

#include "cel/cel.h"

enum cel_expr_kind {
    EXPR_LITERAL,
    EXPR_IDENT,
    EXPR_SELECT,
    EXPR_CALL,
    EXPR_LIST,
    EXPR_MAP,
    EXPR_STRUCT,
    EXPR_COMPREHENSION
};

/* Calls that the evaluator knows itself; all others are rows of the libraries. */
enum cel_op {
    OP_CALL, /* by overloads */
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_CONDITIONAL,
    OP_NOT_STRICTLY_FALSE,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_INDEX,
    OP_OPT_INDEX,
    OP_OPT_SELECT,
    OP_IN,
    OP_OPTIONAL_OR, /* their arguments are evaluated only when they are wanted */
    OP_OPTIONAL_OR_VALUE,
};

/* Where an identifier's value is. */
enum cel_place { PLACE_NONE, PLACE_VARIABLE, PLACE_LOCAL };

struct cel_overload;

struct cel_entry { /* of a map or an object */
    struct cel_expr *key;
    struct slice field;
    struct cel_expr *value;
    bool optional;
};

struct cel_comprehension {
    struct slice iter, iter2, accu; /* iter2 empty: one variable */
    uint16_t iter_slot, iter2_slot, accu_slot;
    struct cel_expr *range, *init, *condition, *step, *result;
};

struct cel_expr {
    uint8_t kind;   /* enum cel_expr_kind */
    uint8_t op;     /* CALL: enum cel_op */
    uint8_t place;  /* IDENT: enum cel_place */
    bool test;      /* SELECT: has() */
    bool constant;  /* LIST, MAP: folded into `literal` of the kind LITERAL; costs nothing */
    bool absolute;  /* IDENT, CALL, STRUCT: written with a leading dot */
    uint16_t depth; /* of the tree below */
    uint16_t count; /* CALL: arguments; LIST: items; MAP, STRUCT: entries */
    uint16_t overload_count;
    uint32_t pos; /* byte in the source */
    uint32_t id;  /* 0 to node_count - 1 */
    union {
        struct cel_value literal;
        struct {
            struct slice name;
            uint16_t slot;
        } ident;
        struct {
            struct cel_expr *operand;
            struct slice field;             /* as it is in the data: unescaped for objects of a schema */
            const struct schema_type *type; /* where `index` is good, or NULL */
            uint32_t index;
        } select;
        struct {
            struct slice name;
            struct cel_expr *target; /* or NULL */
            struct cel_expr **args;
            const struct cel_overload **overloads; /* those that fit */
        } call;
        struct {
            struct cel_expr **items;
            bool *optional; /* NULL: none is */
        } list;
        struct {
            struct slice type_name;
            struct cel_entry *entries;
            const struct cel_type *type;
        } record; /* MAP, STRUCT */
        struct cel_comprehension *fold;
    };
};

struct cel_program {
    struct slice text;
    struct cel_expr *root;
    uint32_t node_count;
    uint16_t local_count;
    const struct cel_type *type;
    const struct cel_variable *variables;
    size_t variable_count;
    uint64_t used; /* bit per variable; the last bit stands for all from 63 on */
    uint64_t max_cost;
};

#endif
