/*
 * lexer: the tokens of an expression, one at a time. What is no token is an issue ("token recognition error
 * at: '$'") and is skipped. Private to cel/.
 */
#ifndef CEL_LEXER_H
#define CEL_LEXER_H

#include "cel/issues.h"

enum cel_token_kind {
    TOKEN_END,
    TOKEN_IDENT,
    TOKEN_ESCAPED_IDENT, /* `a.b` */
    TOKEN_INT,
    TOKEN_UINT,
    TOKEN_FLOAT,
    TOKEN_STRING,
    TOKEN_BYTES,
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_NULL,
    TOKEN_IN,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_LBRACKET,
    TOKEN_RBRACKET,
    TOKEN_LBRACE,
    TOKEN_RBRACE,
    TOKEN_LPAREN,
    TOKEN_RPAREN,
    TOKEN_DOT,
    TOKEN_COMMA,
    TOKEN_MINUS,
    TOKEN_NOT,
    TOKEN_QUESTION,
    TOKEN_COLON,
    TOKEN_PLUS,
    TOKEN_STAR,
    TOKEN_SLASH,
    TOKEN_PERCENT
};

struct cel_token {
    enum cel_token_kind kind;
    uint32_t pos;
    struct slice text; /* of the source; "<EOF>" for the end */
};

struct cel_lexer {
    struct slice text;
    size_t at;
    struct cel_issues *issues;
};

struct cel_token cel_lexer_next(struct cel_lexer *lexer);

/* The bytes that a STRING or BYTES token stands for; an issue, and false, when an escape means nothing. */
bool cel_unquote(struct arena *arena, const struct cel_token *token, struct cel_issues *issues,
                 struct slice *ret);

#endif
