#include "openapi/validate.h"

#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>

#include "openapi/json_scan.h"
#include "openapi/quantity.h"
#include "openapi/scalar.h"

/* ---- patterns ---- */

enum { MAX_PATTERN = 4096, MAX_REPEATS = 100000 };

/* POSIX writes repeats out: `(a{999}){999}` would be a million states. The product of all counts tells. */
static bool repeats_are_few(const char *pattern)
{
    int64_t product = 1;
    for (const char *p = strchr(pattern, '{'); p; p = strchr(p + 1, '{')) {
        char *end;
        long low = strtol(p + 1, &end, 10), high = *end == ',' ? strtol(end + 1, NULL, 10) : low;
        long count = high > low ? high : low;
        if (count > MAX_REPEATS || (product *= count > 1 ? count : 1) > MAX_REPEATS)
            return false;
    }
    return true;
}

/* The class that a letter after a backslash stands for: inside brackets, and on its own. NULL: none. */
static const char *class_of(char letter, bool in_brackets)
{
    switch (letter) {
    case 'd':
        return in_brackets ? "0-9" : "[0-9]";
    case 'w':
        return in_brackets ? "0-9A-Za-z_" : "[0-9A-Za-z_]";
    case 's':
        return in_brackets ? " \t\n\f\r" : "[ \t\n\f\r]";
    case 'D':
        return in_brackets ? NULL : "[^0-9]";
    case 'W':
        return in_brackets ? NULL : "[^0-9A-Za-z_]";
    case 'S':
        return in_brackets ? NULL : "[^ \t\n\f\r]";
    default:
        return NULL;
    }
}

/* An escape at p (the letter after the backslash). In brackets POSIX has none: what would need one is
 * refused. */
static bool put_escape(struct buf *out, char letter, bool in_brackets)
{
    const char *class = class_of(letter, in_brackets);
    if (class) {
        buf_puts(out, class);
        return true;
    }
    bool alphanumeric =
        (letter >= '0' && letter <= '9') || ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z') || letter == 0;
    if (alphanumeric || (in_brackets && strchr("]^-\\", letter)))
        return false;
    if (!in_brackets)
        buf_putc(out, '\\');
    buf_putc(out, letter);
    return true;
}

/* Go's syntax to POSIX's; false when it says more than POSIX can. */
static bool translate(const char *pattern, struct buf *out)
{
    bool in_brackets = false, repeated = false;
    for (const char *p = pattern; *p; p++) {
        if (*p == '\\') {
            if (!put_escape(out, *++p, in_brackets))
                return false;
            repeated = false;
            continue;
        }
        if (!in_brackets && p[0] == '(' && p[1] == '?') {
            if (p[2] != ':')
                return false;
            buf_putc(out, '(');
            p += 2;
            continue;
        }
        bool repeat = !in_brackets && strchr("*+?}", *p);
        if (repeat && repeated)
            return false; /* lazy, or a repeat of a repeat */
        repeated = repeat;
        if (*p == '[' && in_brackets)
            return false;
        buf_putc(out, *p);
        if (*p == '[') {
            in_brackets = true;
            /* A closing bracket right after the opening one is a plain character. */
            if (p[1] == '^')
                buf_putc(out, *++p);
            if (p[1] == ']')
                buf_putc(out, *++p);
        } else if (*p == ']') {
            in_brackets = false;
        }
    }
    return !in_brackets;
}

enum validate_match validate_pattern(struct arena *arena, const char *pattern, struct slice text)
{
    cleanup_buf struct buf posix = BUF_INIT(MAX_PATTERN);
    regex_t regex;
    if (!repeats_are_few(pattern) || !translate(pattern, &posix) || posix.failed ||
        memchr(text.ptr, 0, text.len))
        return VALIDATE_NOT_CHECKED;
    if (regcomp(&regex, buf_cstr(&posix), REG_EXTENDED | REG_NOSUB) != 0)
        return VALIDATE_NOT_CHECKED;
    int found = regexec(&regex, arena_strdup(arena, text), 0, NULL, 0);
    regfree(&regex);
    return found == 0 ? VALIDATE_MATCHES : VALIDATE_DIFFERS;
}

/* ---- rules ---- */

static size_t count_characters(struct slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; n++) {
        unsigned length = utf8_length(text.ptr + i, text.ptr + text.len);
        i += length ? length : 1;
    }
    return n;
}

static void check_range(struct causes *c, const struct path *at, const struct schema_rules *rules,
                        const struct value *v)
{
    char bound[SCALAR_FLOAT_TEXT];
    double n = v->kind == VALUE_INT ? (double)v->i : v->f;
    if (rules->has_min && (rules->exclusive_min ? n <= rules->min : n < rules->min)) {
        struct slice text = scalar_format_float(rules->min, bound);
        causes_invalid(c, at, v, "must be greater than %s%.*s", rules->exclusive_min ? "" : "or equal to ",
                       SLICE_ARG(text));
    }
    if (rules->has_max && (rules->exclusive_max ? n >= rules->max : n > rules->max)) {
        struct slice text = scalar_format_float(rules->max, bound);
        causes_invalid(c, at, v, "must be less than %s%.*s", rules->exclusive_max ? "" : "or equal to ",
                       SLICE_ARG(text));
    }
}

static bool is_one_of(const char *const *names, struct slice text)
{
    for (; *names; names++)
        if (slice_is(text, *names))
            return true;
    return false;
}

static void check_text(struct causes *c, const struct path *at, const struct schema_rules *rules,
                       const struct value *v)
{
    struct slice text = value_text(v);
    if (rules->enums && !is_one_of(rules->enums, text))
        causes_not_supported(c, at, text, rules->enums);
    int64_t n = (int64_t)count_characters(text);
    if (rules->max_length >= 0 && n > rules->max_length)
        causes_too_long(c, at, rules->max_length);
    if (rules->min_length >= 0 && n < rules->min_length)
        causes_invalid(c, at, v, "must be at least %" PRId64 " characters long", rules->min_length);
    if (rules->pattern && validate_pattern(c->arena, rules->pattern, text) == VALIDATE_DIFFERS)
        causes_invalid(c, at, v, "must match '%s'", rules->pattern);
}

static void check_count(struct causes *c, const struct path *at, const struct schema_rules *rules,
                        const struct value *v)
{
    int64_t n = (int64_t)value_count(v);
    if (rules->max_length >= 0 && n > rules->max_length)
        causes_too_many(c, at, n, rules->max_length);
    if (rules->min_length >= 0 && n < rules->min_length)
        causes_invalid(c, at, v, "must have at least %" PRId64 " items", rules->min_length);
}

static void check_rules(struct causes *c, const struct path *at, const struct schema *schema,
                        const struct value *v)
{
    const struct schema_rules *rules = schema->rules;
    if (v->kind == VALUE_STRING)
        check_text(c, at, rules, v);
    else if (v->kind == VALUE_INT || v->kind == VALUE_FLOAT)
        check_range(c, at, rules, v);
    else if (v->kind == VALUE_LIST || v->kind == VALUE_MAP)
        check_count(c, at, rules, v);
}

/* ---- the walk ---- */

/* The enum of a list or map is that of its elements. */
static void check_element(struct causes *c, const struct path *at, const struct schema *owner,
                          const struct value *v)
{
    bool listed = owner->rules && owner->rules->enums && v->kind == VALUE_STRING;
    if (listed && !is_one_of(owner->rules->enums, value_text(v)))
        causes_not_supported(c, at, value_text(v), owner->rules->enums);
    validate_node(c, at, owner->elem, v);
}

void validate_node(struct causes *c, const struct path *at, const struct schema *schema,
                   const struct value *v)
{
    if (v->kind == VALUE_ABSENT || v->kind == VALUE_NULL)
        return;
    if (schema->rules)
        check_rules(c, at, schema, v);
    if (v->kind == VALUE_RECORD && schema->type) {
        validate_schema(c, at, schema->type, v);
    } else if (v->kind == VALUE_LIST && schema->elem) {
        for (uint32_t i = 0; i < v->list->count; i++) {
            struct path item = path_index(at, i);
            check_element(c, &item, schema, &v->list->items[i]);
        }
    } else if (v->kind == VALUE_MAP && schema->elem) {
        for (uint32_t i = 0; i < v->map->count; i++) {
            struct path entry = path_key(at, v->map->entries[i].key);
            check_element(c, &entry, schema, &v->map->entries[i].value);
        }
    }
}

/* Numbers, booleans and records that are no pointers have a value even when nothing was said. */
static bool is_missing(const struct schema_field *field, const struct value *v)
{
    if (!(field->flags & FIELD_REQUIRED) || value_is_set(v))
        return false;
    return (field->flags & FIELD_POINTER) || field->schema.kind == SCHEMA_STRING ||
           field->schema.kind == SCHEMA_LIST || field->schema.kind == SCHEMA_MAP ||
           field->schema.kind == SCHEMA_BYTES;
}

void validate_schema(struct causes *c, const struct path *at, const struct schema_type *type,
                     const struct value *record)
{
    if (record->kind != VALUE_RECORD)
        return;
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct schema_field *field = &type->fields[i];
        struct path path = path_field(at, field->name);
        if (is_missing(field, value_at(record, i)))
            causes_required(c, &path, "");
        else
            validate_node(c, &path, &field->schema, value_at(record, i));
    }
}
