/* Label selectors: text to requirements. The grammar and the order of its complaints are upstream's. */
#include "openapi/selector.h"
#include <stdlib.h>
#include "base/buf.h"

enum token {
    TOKEN_END,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_NOT,
    TOKEN_EQUAL, /* = and == */
    TOKEN_GREATER,
    TOKEN_WORD,
    TOKEN_IN,
    TOKEN_LESS,
    TOKEN_NOT_EQUAL,
    TOKEN_NOT_IN,
    TOKEN_OPEN,
    TOKEN_ERROR,
};

struct parser {
    struct arena *arena;
    struct slice rest;
    enum token token; /* the next one; `in` and `notin` as such, see next_word() */
    struct slice text;
    struct error *err;
};

/* ---- words ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_special(char c)
{
    return c == '=' || c == '!' || c == '(' || c == ')' || c == ',' || c == '<' || c == '>';
}

static const struct {
    const char *text;
    enum token token;
} specials[] = {{"==", TOKEN_EQUAL}, {"!=", TOKEN_NOT_EQUAL}, {"=", TOKEN_EQUAL},
                {"!", TOKEN_NOT},    {"(", TOKEN_OPEN},       {")", TOKEN_CLOSE},
                {",", TOKEN_COMMA},  {"<", TOKEN_LESS},       {">", TOKEN_GREATER}};

static void take(struct parser *p, size_t len, enum token token)
{
    p->token = token;
    p->text = slice_make(p->rest.ptr, len);
    p->rest = slice_from(p->rest, len);
}

static void scan_word(struct parser *p)
{
    size_t n = 0;

    while (n < p->rest.len && p->rest.ptr[n] && !is_space(p->rest.ptr[n]) && !is_special(p->rest.ptr[n]))
        n++;
    take(p, n, TOKEN_WORD);
    if (slice_is(p->text, "in"))
        p->token = TOKEN_IN;
    else if (slice_is(p->text, "notin"))
        p->token = TOKEN_NOT_IN;
}

static void advance(struct parser *p)
{
    while (p->rest.len && is_space(p->rest.ptr[0]))
        p->rest = slice_from(p->rest, 1);
    if (!p->rest.len || !p->rest.ptr[0]) { /* a NUL ends the text, as upstream's lexer has it */
        p->rest = slice_from(p->rest, p->rest.len);
        take(p, 0, TOKEN_END);
        return;
    }
    if (!is_special(p->rest.ptr[0])) {
        scan_word(p);
        return;
    }
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        if (slice_starts(p->rest, slice_str(specials[i].text))) {
            take(p, strlen(specials[i].text), specials[i].token);
            return;
        }
    }
}

/* The next token where a name or value is looked for: there `in` and `notin` are words like others. */
static enum token next_word(const struct parser *p)
{
    return p->token == TOKEN_IN || p->token == TOKEN_NOT_IN ? TOKEN_WORD : p->token;
}

static bool fail(struct parser *p, const char *expected)
{
    return error_set(p->err, REASON_BAD_REQUEST, "found '%.*s'%s", SLICE_ARG(p->text), expected);
}

/* ---- grammars of keys and values ---- */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_name(struct slice s)
{
    if (!s.len || !is_alnum(s.ptr[0]) || !is_alnum(s.ptr[s.len - 1]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.ptr[i]) && s.ptr[i] != '-' && s.ptr[i] != '_' && s.ptr[i] != '.')
            return false;
    return true;
}

static bool is_subdomain(struct slice s)
{
    struct slice part;

    if (!s.len || s.len > 253)
        return false;
    while (slice_split(&s, '.', &part)) {
        if (!is_name(part))
            return false;
        for (size_t i = 0; i < part.len; i++)
            if ((part.ptr[i] >= 'A' && part.ptr[i] <= 'Z') || part.ptr[i] == '_')
                return false;
    }
    return true;
}

static const char *check_key(struct slice key)
{
    long slash = slice_find(key, '/');
    struct slice name = slash < 0 ? key : slice_from(key, (size_t)slash + 1);

    if (slash >= 0 && slice_find(name, '/') >= 0)
        return "a label key is [prefix/]name, with one '/' at most";
    if (slash >= 0 && !is_subdomain(slice_make(key.ptr, (size_t)slash)))
        return "the prefix of a label key must be a DNS subdomain in lower case";
    if (name.len > 63)
        return "name part must be no more than 63 bytes";
    return is_name(name) ? NULL
                         : "name part must consist of letters, digits, '-', '_' and '.', with a letter or "
                           "digit at both ends";
}

static const char *check_value(struct slice value)
{
    if (value.len > 63)
        return "must be no more than 63 bytes";
    return !value.len || is_name(value) ? NULL
                                        : "a valid label must be empty or consist of letters, digits, '-', "
                                          "'_' and '.', with a letter or digit at both ends";
}

/* ---- requirements ---- */

struct values {
    struct slice *items;
    size_t count, capacity;
};

static void add_value(struct parser *p, struct values *values, struct slice value)
{
    *(struct slice *)arena_push(p->arena, &values->items, &values->count, &values->capacity, sizeof value) =
        value;
}

static int compare_values(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static void sort_values(struct values *values)
{
    size_t kept = 0;

    if (values->count)
        qsort(values->items, values->count, sizeof *values->items, compare_values);
    for (size_t i = 0; i < values->count; i++)
        if (!kept || !slice_eq(values->items[kept - 1], values->items[i]))
            values->items[kept++] = values->items[i];
    values->count = kept;
}

/* "(a, b,)" behind in or notin; an empty place is the empty value. */
static bool parse_set(struct parser *p, struct values *values)
{
    if (next_word(p) != TOKEN_OPEN)
        return fail(p, " expected: '('");
    advance(p);
    if (next_word(p) == TOKEN_CLOSE) {
        add_value(p, values, SLICE(""));
        advance(p);
        return true;
    }
    if (next_word(p) != TOKEN_WORD && next_word(p) != TOKEN_COMMA)
        return fail(p, ", expected: ',', ')' or identifier");
    while (next_word(p) != TOKEN_CLOSE) {
        enum token token = next_word(p);
        if (token != TOKEN_WORD && token != TOKEN_COMMA)
            return fail(p, ", expected: ',', or identifier");
        if (token == TOKEN_WORD)
            add_value(p, values, p->text);
        advance(p);
        if (token == TOKEN_WORD && next_word(p) != TOKEN_COMMA && next_word(p) != TOKEN_CLOSE)
            return fail(p, ", expected: ',' or ')'");
        if (token == TOKEN_COMMA &&
            (!values->count || next_word(p) == TOKEN_COMMA || next_word(p) == TOKEN_CLOSE))
            add_value(p, values, SLICE(""));
    }
    advance(p);
    return true;
}

static bool parse_value(struct parser *p, struct values *values)
{
    struct slice value = SLICE("");

    if (next_word(p) != TOKEN_END && next_word(p) != TOKEN_COMMA) {
        if (next_word(p) != TOKEN_WORD)
            return fail(p, ", expected: identifier");
        value = p->text;
        advance(p);
    }
    add_value(p, values, value);
    return true;
}

static bool parse_operator(struct parser *p, struct selector_label *label)
{
    switch (p->token) {
    case TOKEN_IN:
    case TOKEN_EQUAL:
        label->op = SELECTOR_IN;
        break;
    case TOKEN_NOT_IN:
    case TOKEN_NOT_EQUAL:
        label->op = SELECTOR_NOT_IN;
        break;
    case TOKEN_GREATER:
        label->op = SELECTOR_GREATER;
        break;
    case TOKEN_LESS:
        label->op = SELECTOR_LESS;
        break;
    default:
        return fail(p, ", expected: in, notin, =, ==, !=, gt, lt");
    }
    return true;
}

static void complain(struct buf *out, size_t *count, size_t index, struct slice key, struct slice value,
                     const char *why)
{
    if ((*count)++)
        buf_puts(out, ", ");
    buf_printf(out, "values[%zu]", index);
    if (key.len)
        buf_printf(out, "[%.*s]", SLICE_ARG(key));
    buf_puts(out, ": Invalid value: ");
    buf_put_quoted(out, value);
    buf_printf(out, ": %s", why);
}

static bool check_values(struct parser *p, struct selector_label *label)
{
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    bool numeric = label->op == SELECTOR_GREATER || label->op == SELECTOR_LESS;
    size_t count = 0;

    for (size_t i = 0; numeric && i < label->value_count; i++)
        if (!selector_number(label->values[i], &label->number))
            complain(&text, &count, i, SLICE(""), label->values[i],
                     "for 'Gt', 'Lt' operators, the value must be an integer");
    for (size_t i = 0; i < label->value_count; i++) {
        const char *why = check_value(label->values[i]);
        if (why)
            complain(&text, &count, i, label->key, label->values[i], why);
    }
    if (!count)
        return true;
    return error_set(p->err, REASON_BAD_REQUEST, count == 1 ? "%s" : "[%s]", buf_cstr(&text));
}

static bool parse_key(struct parser *p, struct selector_label *label)
{
    const char *why;

    if (next_word(p) != TOKEN_WORD)
        return fail(p, ", expected: identifier");
    label->key = p->text;
    why = check_key(label->key);
    if (why) {
        cleanup_buf struct buf shown = BUF_INIT(BUF_UNLIMITED);
        buf_put_quoted(&shown, label->key);
        return error_set(p->err, REASON_BAD_REQUEST, "<nil>: Invalid value: %s: %s", buf_cstr(&shown), why);
    }
    advance(p);
    return true;
}

static bool parse_requirement(struct parser *p, struct selector_label *label)
{
    struct values values = {0};
    bool not = next_word(p) == TOKEN_NOT, set;

    if (not )
        advance(p);
    if (!parse_key(p, label))
        return false;
    label->op = not ? SELECTOR_NOT_EXISTS : SELECTOR_EXISTS;
    if (not || next_word(p) == TOKEN_END || next_word(p) == TOKEN_COMMA)
        return true;
    if (!parse_operator(p, label))
        return false;
    set = p->token == TOKEN_IN || p->token == TOKEN_NOT_IN;
    advance(p);
    if (set ? !parse_set(p, &values) : !parse_value(p, &values))
        return false;
    sort_values(&values);
    label->values = values.items;
    label->value_count = values.count;
    return check_values(p, label);
}

static int compare_keys(const void *a, const void *b)
{
    return slice_cmp(((const struct selector_label *)a)->key, ((const struct selector_label *)b)->key);
}

bool selector_parse_labels(struct arena *arena, struct slice text, struct selector *ret, struct error *err)
{
    struct parser p = {.arena = arena, .rest = text, .err = err};
    struct selector_label *labels = NULL, *label;
    size_t count = 0, capacity = 0;

    advance(&p);
    while (next_word(&p) != TOKEN_END) {
        if (next_word(&p) != TOKEN_WORD && next_word(&p) != TOKEN_NOT)
            return fail(&p, ", expected: !, identifier, or 'end of string'");
        label = arena_push(arena, &labels, &count, &capacity, sizeof *label);
        if (!parse_requirement(&p, label))
            return error_wrap(err, "unable to parse requirement");
        if (next_word(&p) == TOKEN_END)
            break;
        if (next_word(&p) != TOKEN_COMMA)
            return fail(&p, ", expected: ',' or 'end of string'");
        advance(&p);
        if (next_word(&p) != TOKEN_WORD && next_word(&p) != TOKEN_NOT)
            return fail(&p, ", expected: identifier after ','");
    }
    if (count)
        qsort(labels, count, sizeof *labels, compare_keys);
    ret->labels = labels;
    ret->label_count = count;
    return true;
}
