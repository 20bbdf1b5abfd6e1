#include "openapi/jsonpath.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

#include "openapi/decode.h"
#include "openapi/scalar.h"

enum node_kind {
    NODE_FIELD,
    NODE_ARRAY,
    NODE_WILDCARD,
    NODE_RECURSIVE,
    NODE_UNION,
    NODE_FILTER,
    NODE_CONSTANT
};
enum operator{ OP_EXISTS, OP_EQUAL, OP_UNEQUAL, OP_LESS, OP_LESS_EQUAL, OP_GREATER, OP_GREATER_EQUAL };

struct list {
    struct node *items;
    size_t count, capacity;
};

struct bound {
    bool known;
    int64_t value;
};

struct node {
    enum node_kind kind;
    struct slice name;           /* FIELD */
    struct bound from, to, step; /* ARRAY */
    bool one;                    /* ARRAY: [n], so that `to` follows from `from` */
    struct list *lists;          /* UNION: each; FILTER: left and right */
    size_t list_count;
    enum operator operator;
    struct value constant;
};

struct jsonpath {
    struct list nodes;
};

/* ---- parsing ---- */

struct parser {
    struct arena *arena;
    struct error *err;
    unsigned *nodes, depth;
};

static bool parse_list(struct parser *p, struct slice text, struct list *ret);

static bool fault(struct parser *p, const char *why, struct slice text)
{
    return error_set(p->err, REASON_BAD_REQUEST, "%s: %.*s", why, SLICE_ARG(text));
}

static struct node *add(struct parser *p, struct list *list, enum node_kind kind)
{
    struct node *node = arena_push(p->arena, &list->items, &list->count, &list->capacity, sizeof *node);
    node->kind = kind;
    ++*p->nodes;
    return node;
}

static bool is_end(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || strchr(".,[]$@{}", c);
}

/* A name up to where it ends; backslashes take what follows along. */
static void parse_name(struct parser *p, struct slice *rest, struct list *list)
{
    char *name = arena_bytes(p->arena, rest->len + 1);
    size_t n = 0, at = 0;
    for (; at < rest->len && !(is_end(rest->ptr[at]) && rest->ptr[at]); at++) {
        if (rest->ptr[at] == '\\' && at + 1 < rest->len)
            at++;
        name[n++] = rest->ptr[at];
    }
    *rest = slice_from(*rest, at);
    if (n == 1 && *name == '*')
        add(p, list, NODE_WILDCARD);
    else
        add(p, list, NODE_FIELD)->name = slice_make(name, n);
}

static bool parse_bound(struct parser *p, struct slice text, struct bound *ret)
{
    char digits[20], *end;
    if (!text.len)
        return true;
    if (text.len >= sizeof digits)
        return fault(p, "array index is not a number", text);
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = 0;
    long n = strtol(digits, &end, 10);
    if (*end || n > INT_MAX || n < INT_MIN || !(isdigit((unsigned char)*digits) || *digits == '-'))
        return fault(p, "array index is not a number", text);
    *ret = (struct bound){true, n};
    return true;
}

/* "1:3", "0", "-1", ":", "::2" */
static bool parse_range(struct parser *p, struct slice text, struct list *list)
{
    struct slice rest = text, part[3] = {{0}};
    unsigned count = 0;
    while (count < 3 && slice_split(&rest, ':', &part[count]))
        count++;
    if (rest.ptr)
        return fault(p, "invalid array index", text);
    struct node *node = add(p, list, NODE_ARRAY);
    struct bound *bounds[] = {&node->from, &node->to, &node->step};
    for (unsigned i = 0; i < count; i++)
        if (!parse_bound(p, part[i], bounds[i]))
            return false;
    node->one = count == 1;
    if (node->one)
        node->to = (struct bound){true, node->from.value + 1};
    return true;
}

static bool parse_union(struct parser *p, struct slice text, struct list *list)
{
    struct slice rest = text, part;
    size_t most = 1, count = 0;
    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == ',';
    struct list *lists = arena_zalloc(p->arena, most * sizeof *lists);
    while (slice_split(&rest, ',', &part)) {
        while (part.len && part.ptr[0] == ' ')
            part = slice_from(part, 1);
        while (part.len && part.ptr[part.len - 1] == ' ')
            part.len--;
        if (!parse_list(p, arena_slicef(p->arena, "[%.*s]", SLICE_ARG(part)), &lists[count++]))
            return false;
    }
    struct node *node = add(p, list, NODE_UNION);
    node->lists = lists;
    node->list_count = count;
    return true;
}

/* After '['. */
static bool parse_array(struct parser *p, struct slice *rest, struct list *list)
{
    long end = slice_find(*rest, ']');
    if (end < 0)
        return fault(p, "unterminated array", *rest);
    struct slice text = slice_make(rest->ptr, (size_t)end);
    *rest = slice_from(*rest, (size_t)end + 1);
    bool quoted = text.len >= 2 && text.ptr[0] == '\'' && text.ptr[text.len - 1] == '\'' &&
                  !memchr(text.ptr + 1, '\'', text.len - 2);
    if (slice_find(text, ',') >= 0)
        return parse_union(p, text, list);
    if (quoted)
        return parse_list(p, arena_slicef(p->arena, ".%.*s", (int)text.len - 2, text.ptr + 1), list);
    return parse_range(p, slice_is(text, "*") ? SLICE(":") : text, list);
}

/* The place of the ')' that closes a filter; quotes hide it. */
static long filter_end(struct slice text)
{
    bool begun = false, ended = false;
    char quote = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] != '\n'; i++) {
        char c = text.ptr[i];
        if ((c == '"' || c == '\'') && !begun) {
            begun = true;
            quote = c;
        } else if ((c == '"' || c == '\'') && c == quote && text.ptr[i - 1] != '\\') {
            ended = true;
        } else if (c == ')' && begun == ended) {
            return (long)i;
        }
    }
    return -1;
}

static bool set_operator(struct slice text, enum operator* ret)
{
    static const char *const known[] = {
        [OP_EQUAL] = "==",      [OP_UNEQUAL] = "!=", [OP_LESS] = "<",
        [OP_LESS_EQUAL] = "<=", [OP_GREATER] = ">",  [OP_GREATER_EQUAL] = ">="};
    for (unsigned i = OP_EQUAL; i <= OP_GREATER_EQUAL; i++) {
        if (slice_is(text, known[i])) {
            *ret = (enum operator)i;
            return true;
        }
    }
    return false;
}

/* After "[?(". */
static bool parse_filter(struct parser *p, struct slice *rest, struct list *list)
{
    long end = filter_end(*rest);
    if (end < 0 || (size_t)end + 1 >= rest->len || rest->ptr[end + 1] != ']')
        return fault(p, "unterminated filter", *rest);
    struct slice text = slice_make(rest->ptr, (size_t)end);
    *rest = slice_from(*rest, (size_t)end + 2);
    size_t at = 0, after;
    while (at < text.len && !strchr("!<>=", text.ptr[at]))
        at++;
    for (after = at; after < text.len && strchr("!<>=", text.ptr[after]);)
        after++;
    struct list *lists = arena_zalloc(p->arena, 2 * sizeof *lists);
    enum operator operator= OP_EXISTS;
    bool compares = at > 0 && after > at && after < text.len;
    if (compares && !set_operator(slice_make(text.ptr + at, after - at), &operator))
        return fault(p, "unrecognized filter operator", text);
    if (!parse_list(p, compares ? slice_make(text.ptr, at) : text, &lists[0]) ||
        (compares && !parse_list(p, slice_from(text, after), &lists[1])))
        return false;
    struct node *node = add(p, list, NODE_FILTER);
    node->lists = lists;
    node->list_count = 2;
    node->operator= operator;
    return true;
}

static bool parse_quoted(struct parser *p, struct slice *rest, char quote, struct list *list)
{
    char *text = arena_bytes(p->arena, rest->len + 1);
    size_t n = 0, at = 0;
    for (; at < rest->len && rest->ptr[at] != quote; at++) {
        if (rest->ptr[at] == '\\' && at + 1 < rest->len)
            at++;
        text[n++] = rest->ptr[at];
    }
    if (at >= rest->len)
        return fault(p, "unterminated quoted string", *rest);
    *rest = slice_from(*rest, at + 1);
    add(p, list, NODE_CONSTANT)->constant = value_of_string(slice_make(text, n));
    return true;
}

static bool parse_word(struct parser *p, struct slice *rest, struct list *list)
{
    size_t n = 0;
    double f;
    char first = rest->ptr[0];
    bool number = first == '+' || first == '-' || isdigit((unsigned char)first);
    while (n < rest->len && (number ? n == 0 || rest->ptr[n] == '.' || isdigit((unsigned char)rest->ptr[n])
                                    : !is_end(rest->ptr[n])))
        n++;
    struct slice word = slice_make(rest->ptr, n), digits = word;
    *rest = slice_from(*rest, n);
    if (digits.len && *digits.ptr == '+')
        digits = slice_from(digits, 1);
    int64_t i;
    if (number && scalar_parse_int(digits, &i))
        add(p, list, NODE_CONSTANT)->constant = value_of_int(i);
    else if (number && scalar_parse_float(digits, &f))
        add(p, list, NODE_CONSTANT)->constant = (struct value){.kind = VALUE_FLOAT, .f = f};
    else if (slice_is(word, "true") || slice_is(word, "false"))
        add(p, list, NODE_CONSTANT)->constant = value_of_bool(slice_is(word, "true"));
    else
        return fault(p, "unrecognized identifier", word);
    return true;
}

static bool parse_recursive(struct parser *p, struct slice *rest, struct list *list)
{
    if (list->count && list->items[list->count - 1].kind == NODE_RECURSIVE)
        return fault(p, "invalid multiple recursive descent", *rest);
    *rest = slice_from(*rest, 2);
    add(p, list, NODE_RECURSIVE);
    if (rest->len && (isalnum((unsigned char)rest->ptr[0]) || rest->ptr[0] == '_'))
        parse_name(p, rest, list);
    return true;
}

static bool parse_part(struct parser *p, struct slice *rest, struct list *list)
{
    char c = rest->ptr[0];
    if (slice_starts(*rest, SLICE("[?("))) {
        *rest = slice_from(*rest, 3);
        return parse_filter(p, rest, list);
    }
    if (slice_starts(*rest, SLICE("..")))
        return parse_recursive(p, rest, list);
    if (c == '+' || c == '-' || c == '_' || isalnum((unsigned char)c))
        return parse_word(p, rest, list);
    *rest = slice_from(*rest, 1);
    if (c == ' ' || c == '@' || c == '$')
        return true;
    if (c == '[')
        return parse_array(p, rest, list);
    if (c == '"' || c == '\'')
        return parse_quoted(p, rest, c, list);
    if (c == '.') {
        parse_name(p, rest, list);
        return true;
    }
    return fault(p, "unrecognized character in action", slice_make(&c, 1));
}

static bool parse_list(struct parser *p, struct slice text, struct list *ret)
{
    enum { MAX_DEPTH = 32 };
    struct slice rest = text;
    bool good = ++p->depth <= MAX_DEPTH;
    while (good && rest.len)
        good = *p->nodes < JSONPATH_MAX_NODES && parse_part(p, &rest, ret);
    p->depth--;
    return good;
}

const struct jsonpath *jsonpath_parse(struct arena *arena, struct slice text, struct error *err)
{
    enum { MAX_TEXT = 4096 };
    struct error ignored = ERROR_INIT;
    unsigned nodes = 0;
    struct parser p = {.arena = arena, .err = err ? err : &ignored, .nodes = &nodes};
    struct jsonpath *path = arena_zalloc(arena, sizeof *path);
    bool good = text.len <= MAX_TEXT && parse_list(&p, text, &path->nodes);
    if (!good && !error_is_set(p.err))
        error_set(p.err, REASON_BAD_REQUEST, "the path is too long");
    error_release(&ignored);
    return good ? path : NULL;
}

/* ---- evaluation ---- */

struct run {
    struct arena *arena;
    unsigned steps;
};

static bool run_list(struct run *run, const struct list *list, struct jsonpath_results input,
                     struct jsonpath_results *ret);

static bool put(struct run *run, struct jsonpath_results *to, const struct value *v)
{
    if (++run->steps > JSONPATH_MAX_STEPS)
        return false;
    struct value *items = (struct value *)(uintptr_t)to->items;
    struct value *item = arena_push(run->arena, &items, &to->count, &to->capacity, sizeof *item);
    *item = *v;
    to->items = items;
    return true;
}

static bool put_children(struct run *run, const struct value *v, struct jsonpath_results *to)
{
    bool good = true;
    for (VALUE_EACH(item, v))
        good = good && put(run, to, item);
    for (VALUE_EACH_ENTRY(entry, v))
        good = good && put(run, to, &entry->value);
    if (v->kind != VALUE_RECORD)
        return good;
    for (unsigned i = 0; good && i < v->record->type->field_count; i++)
        good = !value_is_set(value_at(v, i)) || put(run, to, value_at(v, i));
    for (uint32_t i = 0; good && v->record->extra && i < v->record->extra->count; i++)
        good = put(run, to, &v->record->extra->entries[i].value);
    return good;
}

static bool run_array(struct run *run, const struct node *node, const struct value *v,
                      struct jsonpath_results *to)
{
    int64_t length = (int64_t)value_count(v), from = node->from.known ? node->from.value : 0;
    int64_t end = node->to.known ? node->to.value : length, step = node->step.known ? node->step.value : 1;
    if (v->kind != VALUE_LIST)
        return false;
    if (from < 0)
        from += length;
    if (end < 0 || (end == 0 && node->one))
        end += length;
    if (from == end)
        return true;
    if (from >= length || from < 0 || end > length || end < 0 || from > end || step <= 0)
        return false;
    for (int64_t i = from; i < end; i += step)
        if (!put(run, to, value_item(v, (size_t)i)))
            return false;
    return true;
}

static bool run_recursive(struct run *run, const struct value *v, unsigned depth, struct jsonpath_results *to)
{
    struct jsonpath_results children = {0};
    if (depth > DECODE_MAX_DEPTH || !put_children(run, v, &children))
        return false;
    if (children.count && !put(run, to, v))
        return false;
    for (size_t i = 0; i < children.count; i++)
        if (!run_recursive(run, &children.items[i], depth + 1, to))
            return false;
    return true;
}

static double number(const struct value *v)
{
    return v->kind == VALUE_INT ? (double)v->i : v->f;
}

/* -1, 0, 1; false: they cannot be compared. */
static bool compare(const struct value *a, const struct value *b, int *ret)
{
    bool numbers =
        (a->kind == VALUE_INT || a->kind == VALUE_FLOAT) && (b->kind == VALUE_INT || b->kind == VALUE_FLOAT);
    if (numbers)
        *ret = (number(a) > number(b)) - (number(a) < number(b));
    else if (a->kind == VALUE_STRING && b->kind == VALUE_STRING)
        *ret = slice_cmp(value_text(a), value_text(b));
    else if (a->kind == VALUE_BOOL && b->kind == VALUE_BOOL)
        *ret = a->b - b->b;
    else
        return false;
    return true;
}

static bool holds(enum operator operator, int c)
{
    switch (operator) {
    case OP_EXISTS:
        return true;
    case OP_EQUAL:
        return c == 0;
    case OP_UNEQUAL:
        return c != 0;
    case OP_LESS:
        return c < 0;
    case OP_LESS_EQUAL:
        return c <= 0;
    case OP_GREATER:
        return c > 0;
    case OP_GREATER_EQUAL:
        return c >= 0;
    }
    return false;
}

static bool run_filter(struct run *run, const struct node *node, const struct value *v,
                       struct jsonpath_results *to)
{
    if (v->kind != VALUE_LIST)
        return false;
    for (VALUE_EACH(item, v)) {
        struct jsonpath_results one = {item, 1, 1}, left = {0}, right = {0};
        int c = 0;
        bool found = run_list(run, &node->lists[0], one, &left);
        if (node->operator!= OP_EXISTS) {
            if (!found || left.count > 1)
                return false;
            if (!left.count)
                continue;
            if (!run_list(run, &node->lists[1], one, &right) || right.count > 1)
                return false;
            if (!right.count)
                continue;
            if (!compare(&left.items[0], &right.items[0], &c))
                return false;
        }
        if (left.count && holds(node->operator, c) && !put(run, to, item))
            return false;
    }
    return true;
}

static bool run_one(struct run *run, const struct node *node, const struct value *v,
                    struct jsonpath_results *to)
{
    if (v->kind == VALUE_NULL || v->kind == VALUE_ABSENT)
        return true;
    switch (node->kind) {
    case NODE_FIELD: {
        const struct value *found = value_get(v, node->name);
        return !value_is_set(found) || put(run, to, found);
    }
    case NODE_ARRAY:
        return run_array(run, node, v, to);
    case NODE_WILDCARD:
        return put_children(run, v, to);
    case NODE_RECURSIVE:
        return run_recursive(run, v, 0, to);
    case NODE_FILTER:
        return run_filter(run, node, v, to);
    case NODE_CONSTANT:
        return put(run, to, &node->constant);
    case NODE_UNION:
        break;
    }
    return true;
}

static bool run_list(struct run *run, const struct list *list, struct jsonpath_results input,
                     struct jsonpath_results *ret)
{
    for (size_t n = 0; n < list->count; n++) {
        struct jsonpath_results output = {0};
        const struct node *node = &list->items[n];
        for (size_t i = 0; node->kind == NODE_UNION && i < node->list_count; i++) {
            struct jsonpath_results part = {0};
            if (!run_list(run, &node->lists[i], input, &part))
                return false;
            for (size_t k = 0; k < part.count; k++)
                if (!put(run, &output, &part.items[k]))
                    return false;
        }
        for (size_t i = 0; node->kind != NODE_UNION && i < input.count; i++)
            if (!run_one(run, node, &input.items[i], &output))
                return false;
        input = output;
    }
    *ret = input;
    return true;
}

bool jsonpath_find(struct arena *arena, const struct jsonpath *path, const struct value *root,
                   struct jsonpath_results *ret)
{
    struct run run = {.arena = arena};
    struct jsonpath_results input = {root, 1, 1}, found = {0};
    if (!run_list(&run, &path->nodes, input, &found))
        return false;
    *ret = found;
    return true;
}

void jsonpath_print(struct buf *out, const struct value *v)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    if (v->kind == VALUE_STRING)
        buf_put_slice(out, value_text(v));
    else
        encode_json(out, &any, v);
}
