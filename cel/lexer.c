#include "cel/lexer.h"

#include "cel/utf8.h"

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int peek(const struct cel_lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.len ? (unsigned char)l->text.ptr[l->at + ahead] : -1;
}

static void skip_space(struct cel_lexer *l)
{
    for (;;) {
        int c = peek(l, 0);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            l->at++;
        } else if (c == '/' && peek(l, 1) == '/') {
            while (peek(l, 0) >= 0 && peek(l, 0) != '\n')
                l->at++;
        } else {
            return;
        }
    }
}

/* Length of the escape sequence at `ahead`, which is a backslash; 0: none. */
static size_t escape_length(const struct cel_lexer *l, size_t ahead)
{
    int c = peek(l, ahead + 1);
    size_t hex = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (c > 0 && strchr("abfnrtv\"'\\?`", c))
        return 2;
    if (c >= '0' && c <= '3') {
        int d = peek(l, ahead + 2), e = peek(l, ahead + 3);
        return d >= '0' && d <= '7' && e >= '0' && e <= '7' ? 4 : 0;
    }
    if (!hex)
        return 0;
    for (size_t i = 0; i < hex; i++)
        if (!is_hex(peek(l, ahead + 2 + i)))
            return 0;
    return 2 + hex;
}

/* Length of the string that begins with a quote at `from`; 0: it does not end. *ret_bad is where reading
 * stopped. */
static size_t string_length(const struct cel_lexer *l, size_t from, bool raw, size_t *ret_bad)
{
    int quote = peek(l, from);
    bool triple = peek(l, from + 1) == quote && peek(l, from + 2) == quote;
    size_t at = from + (triple ? 3 : 1);
    for (;;) {
        int c = peek(l, at);
        *ret_bad = at;
        if (c < 0 || (!triple && (c == '\n' || c == '\r')))
            return 0;
        if (c == quote && (!triple || (peek(l, at + 1) == quote && peek(l, at + 2) == quote)))
            return at + (triple ? 3 : 1);
        if (c == '\\' && !raw) {
            size_t escape = escape_length(l, at);
            if (!escape) {
                *ret_bad = at + 1;
                return 0;
            }
            at += escape;
        } else {
            at++;
        }
    }
}

static struct cel_token cut(struct cel_lexer *l, enum cel_token_kind kind, size_t len)
{
    struct cel_token token = {kind, (uint32_t)l->at, slice_make(l->text.ptr + l->at, len)};
    l->at += len;
    return token;
}

/* The quote of a string that starts here, behind its prefix; -1: it is none. */
static long string_start(const struct cel_lexer *l, bool *ret_bytes, bool *ret_raw)
{
    size_t at = 0;
    *ret_bytes = *ret_raw = false;
    if (peek(l, at) == 'b' || peek(l, at) == 'B') {
        *ret_bytes = true;
        at++;
    }
    if (peek(l, at) == 'r' || peek(l, at) == 'R') {
        *ret_raw = true;
        at++;
    }
    return peek(l, at) == '"' || peek(l, at) == '\'' ? (long)at : -1;
}

static struct cel_token number(struct cel_lexer *l)
{
    size_t n = 0;
    enum cel_token_kind kind = TOKEN_INT;
    if (peek(l, 0) == '0' && peek(l, 1) == 'x' && is_hex(peek(l, 2))) {
        for (n = 2; is_hex(peek(l, n));)
            n++;
    } else {
        while (is_digit(peek(l, n)))
            n++;
        if (peek(l, n) == '.' && is_digit(peek(l, n + 1))) {
            kind = TOKEN_FLOAT;
            for (n++; is_digit(peek(l, n));)
                n++;
        }
        size_t e = peek(l, n + 1) == '+' || peek(l, n + 1) == '-' ? 2 : 1;
        if ((peek(l, n) == 'e' || peek(l, n) == 'E') && is_digit(peek(l, n + e))) {
            kind = TOKEN_FLOAT;
            for (n += e; is_digit(peek(l, n));)
                n++;
        }
    }
    if (kind == TOKEN_INT && (peek(l, n) == 'u' || peek(l, n) == 'U')) {
        kind = TOKEN_UINT;
        n++;
    }
    return cut(l, kind, n);
}

static struct cel_token word(struct cel_lexer *l)
{
    size_t n = 0;
    while (is_letter(peek(l, n)) || is_digit(peek(l, n)))
        n++;
    static const struct {
        const char *text;
        enum cel_token_kind kind;
    } words[] = {{"true", TOKEN_TRUE}, {"false", TOKEN_FALSE}, {"null", TOKEN_NULL}, {"in", TOKEN_IN}};
    struct cel_token token = cut(l, TOKEN_IDENT, n);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is(token.text, words[i].text))
            token.kind = words[i].kind;
    return token;
}

static size_t escaped_ident_length(const struct cel_lexer *l)
{
    size_t n = 1;
    while (is_letter(peek(l, n)) || is_digit(peek(l, n)) || (peek(l, n) > 0 && strchr(".-/ ", peek(l, n))))
        n++;
    return n > 1 && peek(l, n) == '`' ? n + 1 : 0;
}

static bool operator_token(struct cel_lexer *l, struct cel_token *ret)
{
    static const struct {
        char text[3];
        enum cel_token_kind kind;
    } operators[] = {
        /* the longer ones first */
        {"==", TOKEN_EQUAL},   {"!=", TOKEN_NOT_EQUAL}, {"<=", TOKEN_LESS_EQUAL}, {">=", TOKEN_GREATER_EQUAL},
        {"&&", TOKEN_AND},     {"||", TOKEN_OR},        {"<", TOKEN_LESS},        {">", TOKEN_GREATER},
        {"[", TOKEN_LBRACKET}, {"]", TOKEN_RBRACKET},   {"{", TOKEN_LBRACE},      {"}", TOKEN_RBRACE},
        {"(", TOKEN_LPAREN},   {")", TOKEN_RPAREN},     {".", TOKEN_DOT},         {",", TOKEN_COMMA},
        {"-", TOKEN_MINUS},    {"!", TOKEN_NOT},        {"?", TOKEN_QUESTION},    {":", TOKEN_COLON},
        {"+", TOKEN_PLUS},     {"*", TOKEN_STAR},       {"/", TOKEN_SLASH},       {"%", TOKEN_PERCENT}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        struct slice text = slice_str(operators[i].text);
        if (slice_starts(slice_from(l->text, l->at), text)) {
            *ret = cut(l, operators[i].kind, text.len);
            return true;
        }
    }
    return false;
}

struct cel_token cel_lexer_next(struct cel_lexer *l)
{
    for (;;) {
        skip_space(l);
        int c = peek(l, 0);
        bool bytes, raw;
        size_t bad = 0, len = 0;
        long quote = string_start(l, &bytes, &raw);
        struct cel_token token;
        if (c < 0)
            return (struct cel_token){TOKEN_END, (uint32_t)l->text.len, SLICE("<EOF>")};
        if (quote >= 0 && (len = string_length(l, (size_t)quote, raw, &bad)))
            return cut(l, bytes ? TOKEN_BYTES : TOKEN_STRING, len);
        if (quote < 0 && is_letter(c))
            return word(l);
        if (is_digit(c) || (c == '.' && is_digit(peek(l, 1))))
            return number(l);
        if (c == '`' && (len = escaped_ident_length(l)))
            return cut(l, TOKEN_ESCAPED_IDENT, len);
        if (quote < 0 && operator_token(l, &token))
            return token;
        size_t from = l->at;
        l->at = quote >= 0 ? from + (bad < l->text.len - from ? bad : l->text.len - from) : from;
        l->at += l->at < l->text.len ? utf8_size(l->text, l->at) : 0;
        if (quote < 0 && (c == '&' || c == '|' || c == '=') && peek(l, 0) == ' ')
            l->at++; /* cel-go's lexer takes the character that made it fail along */
        struct slice skipped = slice_make(l->text.ptr + from, l->at - from);
        cel_issue_add(l->issues, (uint32_t)from, "Syntax error: token recognition error at: '%.*s'",
                      SLICE_ARG(skipped));
    }
}

/* ---- what a string token stands for ---- */

static uint32_t read_radix(const char *p, size_t digits, unsigned radix)
{
    uint32_t n = 0;
    for (size_t i = 0; i < digits; i++) {
        int c = p[i];
        n = n * radix + (uint32_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return n;
}

/* One escape sequence behind its backslash; returns its length, 0 when it is no character. */
static size_t put_escape(const char *p, bool bytes, char *to, size_t *len)
{
    static const char names[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    const char *name = strchr(names, *p);
    uint32_t rune;
    size_t digits = *p == 'x' || *p == 'X' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    if (name && *name) {
        to[(*len)++] = values[name - names];
        return 1;
    }
    if (!digits && !is_digit(*p)) {
        to[(*len)++] = *p; /* quotes, \\, \?, \` */
        return 1;
    }
    rune = digits ? read_radix(p + 1, digits, 16) : read_radix(p, 3, 8);
    if (bytes && digits > 2)
        return 0;
    if (bytes)
        to[(*len)++] = (char)rune;
    else if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
        return 0;
    else
        *len += utf8_put(to + *len, rune);
    return digits ? 1 + digits : 3;
}

bool cel_unquote(struct arena *arena, const struct cel_token *token, struct cel_issues *issues,
                 struct slice *ret)
{
    struct slice text = token->text;
    bool raw = false, bytes = token->kind == TOKEN_BYTES;
    while (text.ptr[0] != '"' && text.ptr[0] != '\'') {
        raw |= (text.ptr[0] | 0x20) == 'r';
        text = slice_from(text, 1);
    }
    size_t quotes = text.len >= 6 && text.ptr[1] == text.ptr[0] && text.ptr[2] == text.ptr[0] ? 3 : 1;
    text = slice_make(text.ptr + quotes, text.len - 2 * quotes);
    char *to = arena_bytes(arena, text.len + 4);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
            continue; /* line ends are \n */
        if (text.ptr[i] != '\\' || raw) {
            to[len++] = text.ptr[i] == '\r' ? '\n' : text.ptr[i];
            continue;
        }
        size_t used = put_escape(text.ptr + i + 1, bytes, to, &len);
        if (!used) {
            cel_issue_add(issues, token->pos,
                          bytes ? "unable to unescape string" : "invalid unicode code point");
            return false;
        }
        i += used;
    }
    *ret = slice_make(to, len);
    return true;
}
