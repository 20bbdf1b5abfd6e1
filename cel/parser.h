/*
 * parser: an expression's text into a tree, macros expanded. Grammar and messages are cel-go's. Bounds:
 * 100,000 characters, depth 250. After a syntax error it stops; other findings (a reserved name, a number out
 * of range) do not stop it. Private to cel/.
 */
#ifndef CEL_PARSER_H
#define CEL_PARSER_H

#include "cel/ast.h"
#include "cel/lexer.h"

enum { CEL_TEXT_MAX = 100000, CEL_DEPTH_MAX = 250, CEL_NODES_MAX = 400000 };

#define CEL_ACCUMULATOR "@result"

struct cel_parser {
    struct arena *arena;
    struct cel_issues *issues;
    struct cel_lexer lexer;
    struct cel_token token, after; /* the one to be read, and the one behind it */
    uint32_t node_count;
    unsigned depth;
    bool stopped;              /* by a syntax error */
    const struct cel_env *env; /* says which macros there are */
};

/* NULL when there are issues. */
struct cel_expr *cel_parse(struct arena *arena, struct slice text, const struct cel_env *env,
                           struct cel_issues *issues, uint32_t *ret_node_count);

/* ---- making nodes, for the parser and the macros ---- */

struct cel_expr *cel_new_expr(struct cel_parser *p, enum cel_expr_kind kind, uint32_t pos);
struct cel_expr *cel_new_literal(struct cel_parser *p, uint32_t pos, struct cel_value value);
struct cel_expr *cel_new_ident(struct cel_parser *p, uint32_t pos, struct slice name);
struct cel_expr *cel_new_call(struct cel_parser *p, uint32_t pos, const char *name,
                              struct cel_expr *const *args, size_t count);
struct cel_expr *cel_new_select(struct cel_parser *p, uint32_t pos, struct cel_expr *operand,
                                struct slice field);
struct cel_expr *cel_new_list(struct cel_parser *p, uint32_t pos, struct cel_expr *const *items,
                              size_t count);
/* Takes depth from its parts and reports a tree that is too deep. */
struct cel_expr *cel_finish(struct cel_parser *p, struct cel_expr *e);

#endif
