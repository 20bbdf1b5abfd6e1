#include "cel/parser.h"

#include "cel/macros.h"
#include "cel/utf8.h"
#include "openapi/scalar.h"

/* What may begin an operand, as cel-go's messages list it. */
#define OPERANDS                                                                                             \
    "'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, "   \
    "IDENTIFIER"

static struct cel_expr *parse_expr(struct cel_parser *p);

/* ---- tokens ---- */

static void advance(struct cel_parser *p)
{
    p->token = p->after;
    p->after = cel_lexer_next(&p->lexer);
}

static bool take(struct cel_parser *p, enum cel_token_kind kind)
{
    if (p->stopped || p->token.kind != kind)
        return false;
    advance(p);
    return true;
}

static bool may_begin(enum cel_token_kind kind)
{
    return (kind >= TOKEN_IDENT && kind <= TOKEN_NULL && kind != TOKEN_ESCAPED_IDENT) ||
           kind == TOKEN_LBRACKET || kind == TOKEN_LBRACE || kind == TOKEN_LPAREN || kind == TOKEN_DOT ||
           kind == TOKEN_MINUS || kind == TOKEN_NOT;
}

/* After this nothing is read any more; the node only fills the place. */
static struct cel_expr *syntax_error(struct cel_parser *p, const char *expecting)
{
    /* cel-go's parser calls a token "extraneous" when the next one would have been right. */
    bool extraneous = expecting[0] == '{' && strstr(expecting, "IDENTIFIER") && may_begin(p->after.kind) &&
                      p->token.kind != TOKEN_IN;
    bool missing = p->token.kind == TOKEN_END && strcmp(expecting, "')'") == 0;
    if (!p->stopped && missing)
        cel_issue_add(p->issues, p->token.pos, "Syntax error: missing ')' at '<EOF>'");
    else if (!p->stopped)
        cel_issue_add(p->issues, p->token.pos, "Syntax error: %s input '%.*s' expecting %s",
                      extraneous ? "extraneous" : "mismatched", SLICE_ARG(p->token.text), expecting);
    p->stopped = true;
    p->token.kind = TOKEN_END;
    return cel_new_literal(p, p->token.pos, cel_null());
}

static void expect(struct cel_parser *p, enum cel_token_kind kind, const char *expecting)
{
    if (!take(p, kind))
        syntax_error(p, expecting);
}

static bool reserved(struct slice name)
{
    static const char *const names[] = {
        "as",  "break", "const",   "continue",  "else", "false",  "for",  "function", "if",   "import", "in",
        "let", "loop",  "package", "namespace", "null", "return", "true", "var",      "void", "while"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(name, names[i]))
            return true;
    return false;
}

/* ---- lists of things ---- */

struct items {
    struct cel_expr **items;
    size_t count, capacity;
};

static void add_item(struct cel_parser *p, struct items *list, struct cel_expr *item)
{
    struct cel_expr **slot = arena_push(p->arena, &list->items, &list->count, &list->capacity, sizeof *slot);
    *slot = item;
    if (list->count >= UINT16_MAX)
        syntax_error(p, "fewer elements");
}

/* Arguments up to the closing parenthesis, which is taken. */
static struct items parse_args(struct cel_parser *p)
{
    struct items args = {0};
    if (take(p, TOKEN_RPAREN))
        return args;
    do
        add_item(p, &args, parse_expr(p));
    while (take(p, TOKEN_COMMA));
    expect(p, TOKEN_RPAREN, "{',', ')'}");
    return args;
}

static struct cel_expr *parse_list(struct cel_parser *p, uint32_t pos)
{
    struct items items = {0}, optional = {0};
    bool any_optional = false;
    while (!p->stopped && p->token.kind != TOKEN_RBRACKET) {
        bool is_optional = take(p, TOKEN_QUESTION);
        any_optional |= is_optional;
        add_item(p, &items, parse_expr(p));
        add_item(p, &optional, is_optional ? items.items[0] : NULL);
        if (!take(p, TOKEN_COMMA))
            break;
    }
    expect(p, TOKEN_RBRACKET, "{']', ','}");
    struct cel_expr *e = cel_new_list(p, pos, items.items, items.count);
    if (any_optional) {
        e->list.optional = arena_zalloc(p->arena, items.count);
        for (size_t i = 0; i < items.count; i++)
            e->list.optional[i] = optional.items[i] != NULL;
    }
    return e;
}

struct entries {
    struct cel_entry *items;
    size_t count, capacity;
};

static struct cel_entry *add_entry(struct cel_parser *p, struct entries *entries)
{
    struct cel_entry *entry =
        arena_push(p->arena, &entries->items, &entries->count, &entries->capacity, sizeof *entry);
    if (entries->count >= UINT16_MAX)
        syntax_error(p, "fewer elements");
    return entry;
}

static struct cel_expr *finish_entries(struct cel_parser *p, struct cel_expr *e, struct entries *entries)
{
    expect(p, TOKEN_RBRACE, "{',', '}'}");
    e->record.entries = entries->items;
    e->count = (uint16_t)entries->count;
    return cel_finish(p, e);
}

static struct cel_expr *parse_map(struct cel_parser *p, uint32_t pos)
{
    struct cel_expr *e = cel_new_expr(p, EXPR_MAP, pos);
    struct entries entries = {0};
    if (p->token.kind == TOKEN_END)
        return syntax_error(
            p, "{'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, "
               "NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}");
    while (!p->stopped && p->token.kind != TOKEN_RBRACE && p->token.kind != TOKEN_COMMA) {
        struct cel_entry *entry = add_entry(p, &entries);
        entry->optional = take(p, TOKEN_QUESTION);
        struct cel_expr *key = parse_expr(p);
        expect(p, TOKEN_COLON, "':'");
        struct cel_expr *value = parse_expr(p);
        entry->key = key;
        entry->value = value;
        if (!take(p, TOKEN_COMMA))
            break;
    }
    take(p, TOKEN_COMMA);
    return finish_entries(p, e, &entries);
}

/* A field's name, plain or in backquotes. */
static bool parse_field_name(struct cel_parser *p, struct slice *ret)
{
    *ret = p->token.text;
    if (take(p, TOKEN_IDENT))
        return true;
    if (!take(p, TOKEN_ESCAPED_IDENT))
        return false;
    *ret = slice_make(ret->ptr + 1, ret->len - 2);
    return true;
}

static struct cel_expr *parse_struct(struct cel_parser *p, uint32_t pos, struct slice name, bool absolute)
{
    struct cel_expr *e = cel_new_expr(p, EXPR_STRUCT, pos);
    struct entries entries = {0};
    e->record.type_name = name;
    e->absolute = absolute;
    while (!p->stopped && p->token.kind != TOKEN_RBRACE && p->token.kind != TOKEN_COMMA) {
        struct cel_entry *entry = add_entry(p, &entries);
        entry->optional = take(p, TOKEN_QUESTION);
        struct slice field;
        if (!parse_field_name(p, &field))
            return syntax_error(p, "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}");
        expect(p, TOKEN_COLON, "':'");
        struct cel_expr *value = parse_expr(p);
        entry->field = field;
        entry->value = value;
        if (!take(p, TOKEN_COMMA))
            break;
    }
    take(p, TOKEN_COMMA);
    return finish_entries(p, e, &entries);
}

/* ---- literals ---- */

static bool parse_uint(struct slice text, uint64_t *ret)
{
    bool hex = slice_starts(text, SLICE("0x"));
    unsigned radix = hex ? 16 : 10;
    uint64_t n = 0;
    for (size_t i = hex ? 2 : 0; i < text.len; i++) {
        int c = text.ptr[i];
        unsigned digit = (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        if (__builtin_mul_overflow(n, radix, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    *ret = n;
    return true;
}

static struct cel_expr *int_literal(struct cel_parser *p, uint32_t pos, struct slice text, bool negative)
{
    uint64_t n = 0;
    if (!parse_uint(text, &n) || n > (uint64_t)INT64_MAX + negative)
        cel_issue_add(p->issues, pos, "invalid int literal");
    return cel_new_literal(p, pos, cel_int((int64_t)(negative ? 0 - n : n)));
}

static struct cel_expr *parse_number(struct cel_parser *p, uint32_t pos, bool negative)
{
    struct cel_token token = p->token;
    advance(p);
    uint64_t n = 0;
    double d = 0;
    switch (token.kind) {
    case TOKEN_INT:
        return int_literal(p, pos, token.text, negative);
    case TOKEN_UINT:
        if (!parse_uint(slice_make(token.text.ptr, token.text.len - 1), &n))
            cel_issue_add(p->issues, pos, "invalid uint literal");
        return cel_new_literal(p, pos, cel_uint(n));
    default:
        if (!scalar_parse_float(token.text, &d))
            cel_issue_add(p->issues, pos, "invalid double literal");
        return cel_new_literal(p, pos, cel_double(negative ? -d : d));
    }
}

static struct cel_expr *parse_text(struct cel_parser *p)
{
    struct cel_token token = p->token;
    struct slice text = {"", 0};
    advance(p);
    cel_unquote(p->arena, &token, p->issues, &text);
    return cel_new_literal(p, token.pos, token.kind == TOKEN_BYTES ? cel_bytes(text) : cel_string(text));
}

/* ---- operands ---- */

/* Behind "a.b" of an operand that may name an object type: the dotted name when it is one. */
static bool dotted_name(struct cel_parser *p, const struct cel_expr *e, struct buf *out)
{
    if (e->kind == EXPR_IDENT) {
        buf_put_slice(out, e->ident.name);
        return true;
    }
    if (e->kind != EXPR_SELECT || e->select.operand->depth > 32 || !dotted_name(p, e->select.operand, out))
        return false;
    buf_putc(out, '.');
    buf_put_slice(out, e->select.field);
    return true;
}

static struct cel_expr *parse_name(struct cel_parser *p)
{
    uint32_t start = p->token.pos;
    bool absolute = take(p, TOKEN_DOT);
    struct cel_token name = p->token;
    if (!take(p, TOKEN_IDENT))
        return syntax_error(p, "IDENTIFIER");
    uint32_t open = p->token.pos;
    if (reserved(name.text))
        cel_issue_add(p->issues, start, "reserved identifier: %.*s", SLICE_ARG(name.text));
    struct cel_expr *e;
    if (take(p, TOKEN_LPAREN)) {
        struct items args = parse_args(p);
        e = cel_macro_call(p, open, absolute ? SLICE("") : name.text, NULL, args.items, args.count);
        if (!e) {
            e = cel_new_call(p, open, "", args.items, args.count);
            e->call.name = name.text;
        }
    } else {
        e = cel_new_ident(p, name.pos, name.text);
    }
    e->absolute = absolute;
    return e;
}

static struct cel_expr *parse_primary(struct cel_parser *p)
{
    uint32_t pos = p->token.pos;
    struct cel_expr *e;
    switch (p->stopped ? TOKEN_END : p->token.kind) {
    case TOKEN_INT:
    case TOKEN_UINT:
    case TOKEN_FLOAT:
        return parse_number(p, pos, false);
    case TOKEN_STRING:
    case TOKEN_BYTES:
        return parse_text(p);
    case TOKEN_TRUE:
    case TOKEN_FALSE:
        e = cel_new_literal(p, pos, cel_bool(p->token.kind == TOKEN_TRUE));
        advance(p);
        return e;
    case TOKEN_NULL:
        advance(p);
        return cel_new_literal(p, pos, cel_null());
    case TOKEN_LPAREN:
        advance(p);
        e = parse_expr(p);
        expect(p, TOKEN_RPAREN, "')'");
        return e;
    case TOKEN_LBRACKET:
        advance(p);
        return parse_list(p, pos);
    case TOKEN_LBRACE:
        advance(p);
        return parse_map(p, pos);
    case TOKEN_IDENT:
    case TOKEN_DOT:
        return parse_name(p);
    default:
        return syntax_error(p, "{" OPERANDS "}");
    }
}

/* ".name", ".?name", ".name(args)" behind the dot. */
static struct cel_expr *parse_member(struct cel_parser *p, struct cel_expr *operand, uint32_t dot)
{
    struct slice name;
    bool optional = take(p, TOKEN_QUESTION);
    bool plain = p->token.kind == TOKEN_IDENT;
    uint32_t name_pos = p->token.pos;
    if (!parse_field_name(p, &name)) {
        if (!p->stopped)
            cel_issue_add(p->issues, p->token.pos, "Syntax error: no viable alternative at input '.%.*s'",
                          p->token.kind == TOKEN_END ? 0 : SLICE_ARG(p->token.text));
        p->stopped = true;
        return operand;
    }
    if (optional) {
        struct cel_expr *args[] = {operand, cel_new_literal(p, name_pos, cel_string(name))};
        return cel_new_call(p, dot, "_?._", args, 2);
    }
    uint32_t open = p->token.pos;
    if (!plain || !take(p, TOKEN_LPAREN))
        return cel_new_select(p, dot, operand, name);
    struct items args = parse_args(p);
    struct cel_expr *e = cel_macro_call(p, open, name, operand, args.items, args.count);
    if (e)
        return e;
    e = cel_new_call(p, open, "", args.items, args.count);
    e->call.name = name;
    e->call.target = operand;
    return cel_finish(p, e);
}

static struct cel_expr *parse_postfix(struct cel_parser *p)
{
    struct cel_expr *e = parse_primary(p);
    for (;;) {
        uint32_t at = p->token.pos;
        if (take(p, TOKEN_DOT)) {
            e = parse_member(p, e, at);
        } else if (take(p, TOKEN_LBRACKET)) {
            bool optional = take(p, TOKEN_QUESTION);
            struct cel_expr *args[] = {e, parse_expr(p)};
            expect(p, TOKEN_RBRACKET, "']'");
            e = cel_new_call(p, at, optional ? "_[?_]" : "_[_]", args, 2);
        } else if (!p->stopped && p->token.kind == TOKEN_LBRACE) {
            cleanup_buf struct buf name = BUF_INIT(4096);
            if (!dotted_name(p, e, &name) || name.failed)
                return e;
            struct cel_expr *first = e;
            while (first->kind == EXPR_SELECT)
                first = first->select.operand;
            advance(p);
            e = parse_struct(p, at, arena_dup(p->arena, buf_slice(&name)), first->absolute);
        } else {
            return e;
        }
    }
}

static struct cel_expr *parse_unary(struct cel_parser *p)
{
    enum cel_token_kind kind = p->token.kind;
    uint32_t pos = p->token.pos;
    if (p->stopped || (kind != TOKEN_MINUS && kind != TOKEN_NOT))
        return parse_postfix(p);
    size_t count = 0;
    while (take(p, kind))
        count++;
    /* A minus right before a number belongs to it: the smallest int has no positive twin. */
    bool number = p->token.kind == TOKEN_INT || p->token.kind == TOKEN_FLOAT;
    bool member = p->after.kind == TOKEN_DOT || p->after.kind == TOKEN_LBRACKET;
    if (kind == TOKEN_MINUS && count == 1 && number && !member)
        return parse_number(p, pos, true);
    struct cel_expr *operand = parse_postfix(p);
    return count % 2 ? cel_new_call(p, pos, kind == TOKEN_NOT ? "!_" : "-_", &operand, 1) : operand;
}

/* ---- operators by precedence ---- */

struct operator
{
    enum cel_token_kind token;
    const char *name;
    int level;
};

static const struct operator* find_operator(enum cel_token_kind token)
{
    static const struct operator operators[] = {{TOKEN_LESS, "_<_", 1},    {TOKEN_LESS_EQUAL, "_<=_", 1},
                                                {TOKEN_GREATER, "_>_", 1}, {TOKEN_GREATER_EQUAL, "_>=_", 1},
                                                {TOKEN_EQUAL, "_==_", 1},  {TOKEN_NOT_EQUAL, "_!=_", 1},
                                                {TOKEN_IN, "@in", 1},      {TOKEN_PLUS, "_+_", 2},
                                                {TOKEN_MINUS, "_-_", 2},   {TOKEN_STAR, "_*_", 3},
                                                {TOKEN_SLASH, "_/_", 3},   {TOKEN_PERCENT, "_%_", 3}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (operators[i].token == token)
            return &operators[i];
    return NULL;
}

static struct cel_expr *parse_binary(struct cel_parser *p, int level)
{
    struct cel_expr *left = parse_unary(p);
    for (;;) {
        const struct operator* op = p->stopped ? NULL : find_operator(p->token.kind);
        if (!op || op->level < level)
            return left;
        uint32_t pos = p->token.pos;
        advance(p);
        struct cel_expr *args[] = {left, parse_binary(p, op->level + 1)};
        left = cel_new_call(p, pos, op->name, args, 2);
    }
}

/* a && b && c is one node with three arguments: it is as deep as its deepest part. */
static struct cel_expr *parse_logic(struct cel_parser *p, enum cel_token_kind token, const char *name)
{
    bool is_or = token == TOKEN_OR;
    struct items terms = {0};
    uint32_t pos = 0;
    do {
        add_item(p, &terms, is_or ? parse_logic(p, TOKEN_AND, "_&&_") : parse_binary(p, 1));
        if (terms.count == 1)
            pos = p->token.pos;
    } while (take(p, token));
    return terms.count == 1 ? terms.items[0] : cel_new_call(p, pos, name, terms.items, terms.count);
}

static struct cel_expr *parse_expr(struct cel_parser *p)
{
    if (p->stopped)
        return cel_new_literal(p, p->token.pos, cel_null());
    if (++p->depth > CEL_DEPTH_MAX) {
        cel_issue_add(p->issues, p->token.pos, "expression recursion limit exceeded: %d", CEL_DEPTH_MAX);
        p->stopped = true;
    }
    struct cel_expr *e = parse_logic(p, TOKEN_OR, "_||_");
    uint32_t pos = p->token.pos;
    if (take(p, TOKEN_QUESTION)) {
        struct cel_expr *args[3] = {e, parse_logic(p, TOKEN_OR, "_||_")};
        expect(p, TOKEN_COLON, "':'");
        args[2] = parse_expr(p);
        e = cel_new_call(p, pos, "_?_:_", args, 3);
    }
    p->depth--;
    return e;
}

struct cel_expr *cel_parse(struct arena *arena, struct slice text, const struct cel_env *env,
                           struct cel_issues *issues, uint32_t *ret_node_count)
{
    size_t characters = utf8_count(text);
    if (characters > CEL_TEXT_MAX) {
        issues->text = slice_make(text.ptr, 0);
        cel_issue_add(issues, 0, "expression code point size exceeds limit: size: %zu, limit %d", characters,
                      CEL_TEXT_MAX);
        return NULL;
    }
    struct cel_parser p = {.arena = arena, .issues = issues, .env = env, .lexer = {text, 0, issues}};
    p.after = cel_lexer_next(&p.lexer);
    advance(&p);
    struct cel_expr *e = parse_expr(&p);
    if (!p.stopped && p.token.kind != TOKEN_END)
        cel_issue_add(issues, p.token.pos, "Syntax error: %s input '%.*s' expecting <EOF>",
                      p.after.kind == TOKEN_END ? "extraneous" : "mismatched", SLICE_ARG(p.token.text));
    *ret_node_count = p.node_count;
    return issues->count ? NULL : e;
}
