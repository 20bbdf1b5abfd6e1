#include "openapi/custom_items.h"

#include <math.h>

#include "base/regex.h"
#include "openapi/decode.h"
#include "openapi/scalar.h"

/*
 * The order in which a value is looked at is upstream's: type, logic (anyOf, oneOf, allOf, not), text,
 * format, number, list, enum, object. How many checks a value has passed is counted, as upstream counts it:
 * of alternatives that all fail, the one that came furthest tells its faults.
 */

struct walk {
    struct causes *c;
    unsigned passed;
};

static void check_value(struct walk *w, const struct path *at, const struct schema *schema,
                        const struct value *v, const struct value *old);

/* ---- words ---- */

static const char *place_of(struct walk *w, const struct path *at)
{
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    path_print(&text, at);
    return arena_strdup(w->c->arena, buf_slice(&text));
}

/* Faults of the logic have no place: clients see this text in its stead. */
static void unplaced(struct walk *w, const char *why)
{
    causes_invalid_text(w->c, PATH(NULL, "<nil>"), SLICE(""), "%s", why);
}

static const char *type_name(const struct value *v)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
        return "boolean";
    case VALUE_INT:
        return "integer";
    case VALUE_FLOAT:
        return "number";
    case VALUE_STRING:
        return "string";
    case VALUE_LIST:
        return "array";
    case VALUE_MAP:
    case VALUE_RECORD:
        return "object";
    default:
        return "null";
    }
}

static bool is_object(const struct value *v)
{
    return v->kind == VALUE_MAP || v->kind == VALUE_RECORD;
}

/* ---- type ---- */

static bool is_whole(const struct value *v)
{
    return v->kind == VALUE_INT ||
           (v->kind == VALUE_FLOAT && v->f == floor(v->f) && fabs(v->f) <= 9007199254740991.0);
}

static bool has_type(const struct schema *schema, const struct value *v)
{
    const struct schema_custom *custom = schema->custom;
    if (custom->int_or_string)
        return v->kind == VALUE_STRING || is_whole(v);
    if (!*custom->type)
        return true;
    if (strcmp(custom->type, "integer") == 0)
        return is_whole(v);
    if (strcmp(custom->type, "number") == 0)
        return v->kind == VALUE_INT || v->kind == VALUE_FLOAT;
    return strcmp(custom->type, type_name(v)) == 0;
}

static void check_type(struct walk *w, const struct path *at, const struct schema *schema,
                       const struct value *v)
{
    const struct schema_custom *custom = schema->custom;
    const char *wanted = custom->int_or_string ? "integer,string" : custom->type;
    bool fits = v->kind == VALUE_NULL ? !*wanted || schema->nullable : has_type(schema, v);
    if (!*wanted && !custom->format)
        return;
    w->passed++;
    if (fits)
        w->passed++;
    else
        causes_type_invalid(w->c, at ? at : PATH(NULL, "<nil>"),
                            arena_printf(w->c->arena, "\"%s\"", type_name(v)),
                            "%s in body must be of type %s: \"%s\"", place_of(w, at), wanted, type_name(v));
}

/* ---- logic ---- */

static void add_all(struct causes *to, const struct causes *from)
{
    for (size_t i = 0; i < from->count; i++)
        *(struct cause *)arena_push(to->arena, &to->items, &to->count, &to->capacity, sizeof *to->items) =
            from->items[i];
}

/* Tries each; the number that hold. *ret_best: the faults of the one that came furthest; its checks are
 * counted. */
static unsigned try_each(struct walk *w, const struct path *at, const struct schema *list, unsigned count,
                         bool stop_at_first, const struct value *v, const struct value *old,
                         struct causes *ret_best)
{
    unsigned good = 0, best = 0, first_good = 0;
    bool any = false;
    *ret_best = (struct causes){.arena = w->c->arena};
    for (unsigned i = 0; i < count && !(good && stop_at_first); i++) {
        struct causes found = {.arena = w->c->arena};
        struct walk inner = {.c = &found};
        check_value(&inner, at, &list[i], v, old);
        if (found.count == 0) {
            first_good = good++ ? first_good : inner.passed;
        } else if (!any || inner.passed > best) {
            any = true;
            best = inner.passed;
            *ret_best = found;
        }
    }
    w->passed += good ? first_good : best;
    return good;
}

static void check_logic(struct walk *w, const struct path *at, const struct schema *schema,
                        const struct value *v, const struct value *old)
{
    const struct schema_custom *custom = schema->custom;
    struct causes best;
    unsigned good;
    if (custom->any_count && !try_each(w, at, custom->any_of, custom->any_count, true, v, old, &best)) {
        unplaced(w, arena_printf(w->c->arena, "\"%s\" must validate at least one schema (anyOf)",
                                 place_of(w, at)));
        add_all(w->c, &best);
    }
    if (custom->one_count &&
        (good = try_each(w, at, custom->one_of, custom->one_count, false, v, old, &best)) != 1) {
        unplaced(
            w, arena_printf(w->c->arena, "\"%s\" must validate one and only one schema (oneOf). Found %s",
                            place_of(w, at),
                            good ? arena_printf(w->c->arena, "%u valid alternatives", good) : "none valid"));
        if (!good)
            add_all(w->c, &best);
    }
    good = 0;
    for (unsigned i = 0; i < custom->all_count; i++) {
        size_t before = w->c->count;
        check_value(w, at, &custom->all_of[i], v, old);
        good += w->c->count == before;
    }
    if (good < custom->all_count)
        unplaced(w, arena_printf(w->c->arena, "\"%s\" must validate all the schemas (allOf)%s",
                                 place_of(w, at), good ? "" : ". None validated"));
    if (custom->not ) {
        struct causes found = {.arena = w->c->arena};
        struct walk inner = {.c = &found};
        check_value(&inner, at, custom->not, v, old);
        if (!found.count)
            unplaced(w,
                     arena_printf(w->c->arena, "\"%s\" must not validate the schema (not)", place_of(w, at)));
    }
    w->passed += 2;
}

/* ---- text and numbers ---- */

static int64_t characters(struct slice text)
{
    int64_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return n;
}

/* In linear time. A pattern that is none matches nothing, as upstream has it. */
static bool is_match(const char *pattern, struct slice text)
{
    char fault[REGEX_FAULT];
    cleanup_regex struct regex *regex = regex_get(slice_str(pattern), fault);
    return regex && regex_matches(regex, text);
}

static void check_text(struct walk *w, const struct path *at, const struct schema_custom *custom,
                       const struct value *v)
{
    struct slice text = value_text(v);
    int64_t length = custom->min_length >= 0 || custom->max_length >= 0 ? characters(text) : 0;
    w->passed++;
    if (custom->max_length >= 0 && length > custom->max_length)
        causes_too_long(w->c, at, custom->max_length);
    else if (custom->min_length >= 0 && length < custom->min_length)
        causes_invalid(w->c, at, v, "%s in body should be at least %lld chars long", place_of(w, at),
                       (long long)custom->min_length);
    else if (custom->pattern && !is_match(custom->pattern, text))
        causes_invalid(w->c, at, v, "%s in body should match '%s'", place_of(w, at), custom->pattern);
}

static void check_format(struct walk *w, const struct path *at, const struct schema_custom *custom,
                         const struct value *v)
{
    struct slice format = slice_str(custom->format), text = value_text(v);
    if (!custom->format || !custom_format_is_known(format))
        return;
    w->passed += 2;
    if (custom_format_matches(format, text))
        return;
    cleanup_buf struct buf shown = BUF_INIT(BUF_UNLIMITED);
    buf_put_quoted(&shown, text);
    causes_type_invalid(w->c, at, buf_cstr(&shown), "%s in body must be of type %s: %s", place_of(w, at),
                        custom->format, buf_cstr(&shown));
}

/* Whole numbers are compared as such, and the limit is cut to one. */
static bool is_below(const struct value *v, double limit, bool or_equal)
{
    if (v->kind == VALUE_INT) {
        int64_t n = limit >= 9.2e18 ? INT64_MAX : limit <= -9.2e18 ? INT64_MIN : (int64_t)limit;
        return or_equal ? v->i <= n : v->i < n;
    }
    return or_equal ? v->f <= limit : v->f < limit;
}

static bool is_above(const struct value *v, double limit, bool or_equal)
{
    return or_equal ? !is_below(v, limit, false) : !is_below(v, limit, true);
}

static bool is_multiple(const struct value *v, double of)
{
    if (of <= 0)
        return false;
    if (v->kind == VALUE_INT && of >= 1)
        return v->i % (int64_t)of == 0;
    double n = v->kind == VALUE_INT ? (double)v->i : v->f, times = of < 1 ? 1 / of * n : n / of;
    return fabs(times - round(times)) < 1e-9 * fmax(1, fabs(times));
}

/* A value that is no number of its type's and format's range is told of twice: here too. */
static bool out_of_range(const struct schema_custom *custom, const struct value *v)
{
    if (strcmp(custom->type, "integer") != 0)
        return false;
    double n = v->kind == VALUE_INT ? (double)v->i : v->f;
    if (v->kind == VALUE_FLOAT && (n != floor(n) || fabs(n) >= 9223372036854775808.0))
        return true;
    return custom->format && strcmp(custom->format, "int32") == 0 && (n > 2147483647.0 || n < -2147483648.0);
}

static void check_number(struct walk *w, const struct path *at, const struct schema_custom *custom,
                         const struct value *v)
{
    char text[SCALAR_FLOAT_TEXT];
    w->passed += 2;
    if (out_of_range(custom, v))
        unplaced(w, arena_printf(w->c->arena, "Checked value must be of type integer %s%s in %s",
                                 custom->format ? "with format " : "(default format)",
                                 custom->format ? custom->format : "", place_of(w, at)));
    if (custom->limits & CUSTOM_MULTIPLE && !is_multiple(v, custom->multiple_of))
        causes_invalid(w->c, at, v, "%s in body should be a multiple of %.*s", place_of(w, at),
                       SLICE_ARG(scalar_format_float(custom->multiple_of, text)));
    if (custom->limits & CUSTOM_MINIMUM && is_below(v, custom->minimum, custom->exclusive_minimum))
        causes_invalid(w->c, at, v, "%s in body should be greater than %s%.*s", place_of(w, at),
                       custom->exclusive_minimum ? "" : "or equal to ",
                       SLICE_ARG(scalar_format_float(custom->minimum, text)));
    if (custom->limits & CUSTOM_MAXIMUM && is_above(v, custom->maximum, custom->exclusive_maximum))
        causes_invalid(w->c, at, v, "%s in body should be less than %s%.*s", place_of(w, at),
                       custom->exclusive_maximum ? "" : "or equal to ",
                       SLICE_ARG(scalar_format_float(custom->maximum, text)));
}

/* ---- enum ---- */

/* Records and maps with the same keys are the same to whoever reads JSON. */
static bool same(const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_INT && b->kind == VALUE_FLOAT)
        return (double)a->i == b->f;
    if (a->kind == VALUE_FLOAT && b->kind == VALUE_INT)
        return a->f == (double)b->i;
    if (!is_object(a) || !is_object(b) || a->kind == b->kind)
        return value_equal(a, b);
    const struct value *map = a->kind == VALUE_MAP ? a : b, *record = a->kind == VALUE_MAP ? b : a;
    size_t set = record->record->extra ? record->record->extra->count : 0;
    for (unsigned i = 0; i < record->record->type->field_count; i++)
        set += value_is_set(value_at(record, i));
    if (set != value_count(map))
        return false;
    for (VALUE_EACH_ENTRY(entry, map))
        if (!same(&entry->value, value_get(record, entry->key)))
            return false;
    return true;
}

static const char *shown_json(struct arena *arena, const struct value *v)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    encode_json(&text, &any, v);
    return arena_strdup(arena, buf_slice(&text));
}

static void check_enum(struct walk *w, const struct path *at, const struct schema_custom *custom,
                       const struct value *v)
{
    w->passed++;
    if (!custom->enum_count)
        return;
    struct arena *arena = w->c->arena;
    const char **values = arena_alloc(arena, (custom->enum_count + 1) * sizeof *values);
    for (uint32_t i = 0; i < custom->enum_count; i++) {
        if (same(&custom->enums[i], v))
            return;
        bool text = custom->enums[i].kind == VALUE_STRING;
        values[i] =
            text ? arena_strdup(arena, value_text(&custom->enums[i])) : shown_json(arena, &custom->enums[i]);
    }
    values[custom->enum_count] = NULL;
    if (v->kind == VALUE_STRING)
        causes_not_supported(w->c, at, value_text(v), values);
    else
        causes_not_supported_shown(w->c, at, shown_json(arena, v), values);
}

/* ---- lists and objects ---- */

static bool has_twins(struct arena *arena, const struct value *list)
{
    size_t *twins;
    struct custom_items items = custom_items_of(arena, list, NULL);
    return custom_items_twins(arena, &items, &twins) > 0;
}

static void check_list(struct walk *w, const struct path *at, const struct schema *schema,
                       const struct value *v, const struct value *old)
{
    const struct schema_custom *custom = schema->custom;
    int64_t count = (int64_t)value_count(v);
    /* Only in a list that is a map it can be told which item an item was before. */
    bool told = old && old->kind == VALUE_LIST && schema->list_type == LIST_TYPE_MAP && schema->list_keys;
    struct custom_items before =
        told ? custom_items_of(w->c->arena, old, schema->list_keys) : (struct custom_items){0};
    for (size_t i = 0;
         schema->elem && schema->elem->custom && schema->kind != SCHEMA_MAP && i < (size_t)count; i++) {
        struct path item = path_index(at, i);
        const struct value *was =
            told ? custom_items_find(w->c->arena, &before, old, schema->list_keys, value_item(v, i)) : NULL;
        check_value(w, &item, schema->elem, value_item(v, i), was);
    }
    if (custom->min_items >= 0 && count < custom->min_items)
        causes_invalid_int(w->c, at, count, "%s in body should have at least %lld items", place_of(w, at),
                           (long long)custom->min_items);
    if (custom->max_items >= 0 && count > custom->max_items)
        causes_too_many(w->c, at, count, custom->max_items);
    if (custom->unique_items && has_twins(w->c->arena, v))
        causes_invalid_text(w->c, at, SLICE(""), "%s in body shouldn't contain duplicates", place_of(w, at));
    w->passed += 2;
}

static size_t count_keys(const struct value *v)
{
    if (v->kind == VALUE_MAP)
        return value_count(v);
    size_t n = v->record->extra ? v->record->extra->count : 0;
    for (unsigned i = 0; i < v->record->type->field_count; i++)
        n += value_is_set(value_at(v, i));
    return n;
}

static const struct value *old_child(const struct schema *schema, const struct value *old, struct slice key)
{
    if (!old || !is_object(old) || schema->map_type == MAP_TYPE_ATOMIC)
        return NULL;
    const struct value *v = value_get(old, key);
    return value_is_set(v) ? v : NULL;
}

static void check_children(struct walk *w, const struct path *at, const struct schema *schema,
                           const struct value *v, const struct value *old)
{
    if (schema->kind == SCHEMA_MAP && schema->elem && schema->elem->custom && v->kind == VALUE_MAP) {
        for (VALUE_EACH_ENTRY(entry, v)) {
            struct path child = path_field(at, arena_strdup(w->c->arena, entry->key));
            check_value(w, &child, schema->elem, &entry->value, old_child(schema, old, entry->key));
        }
    }
    for (unsigned i = 0; schema->kind == SCHEMA_RECORD && i < schema->type->field_count; i++) {
        const struct schema_field *field = &schema->type->fields[i];
        const struct value *child = value_get(v, slice_make(field->name, field->name_len));
        if (!field->schema.custom || !value_is_set(child))
            continue;
        struct path child_at = path_field(at, field->name);
        bool meta = !at && field->flags & FIELD_FIRST; /* what the server itself writes is not forgiven */
        check_value(w, &child_at, &field->schema, child,
                    meta ? NULL : old_child(schema, old, slice_str(field->name)));
    }
}

static void check_object(struct walk *w, const struct path *at, const struct schema *schema,
                         const struct value *v, const struct value *old)
{
    const struct schema_custom *custom = schema->custom;
    int64_t count = custom->min_properties >= 0 || custom->max_properties >= 0 ? (int64_t)count_keys(v) : 0;
    if (custom->min_properties >= 0 && count < custom->min_properties)
        causes_invalid_int(w->c, at, count, "%s in body should have at least %lld properties",
                           place_of(w, at), (long long)custom->min_properties);
    if (custom->max_properties >= 0 && count > custom->max_properties)
        causes_too_many(w->c, at, count, custom->max_properties);
    check_children(w, at, schema, v, old);
    for (size_t i = 0; custom->required && custom->required[i]; i++)
        if (!value_is_set(value_get(v, slice_str(custom->required[i]))))
            causes_required(w->c, PATH(at, custom->required[i]), "");
    w->passed++;
}

/* ---- a value ---- */

static void check_value(struct walk *w, const struct path *at, const struct schema *schema,
                        const struct value *v, const struct value *old)
{
    const struct schema_custom *custom = schema->custom;
    size_t before = w->c->count;
    check_type(w, at, schema, v);
    if (v->kind == VALUE_NULL) {
        check_enum(w, at, custom, v);
        return;
    }
    check_logic(w, at, schema, v, old);
    if (v->kind == VALUE_STRING) {
        check_text(w, at, custom, v);
        check_format(w, at, custom, v);
    }
    if (v->kind == VALUE_INT || v->kind == VALUE_FLOAT)
        check_number(w, at, custom, v);
    if (v->kind == VALUE_LIST)
        check_list(w, at, schema, v, old);
    check_enum(w, at, custom, v);
    if (is_object(v))
        check_object(w, at, schema, v, old);
    if (custom->also)
        check_value(w, at, custom->also, v, NULL);
    w->passed++;
    if (w->c->count > before && old && same(v, old))
        w->c->count = before;
}

void custom_validate(struct causes *c, const struct path *at, const struct schema *schema,
                     const struct value *v, const struct value *old)
{
    struct walk w = {.c = c};
    if (schema->custom)
        check_value(&w, at, schema, v, old);
}
