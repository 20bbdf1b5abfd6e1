#include <stdlib.h>
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "base/buf.h"
#include "openapi/gen/meta_v1.h"

enum { TEXT_MAX = 1 << 20 };

static const struct value *match_labels(const struct value *selector)
{
    return value_at(selector, meta_v1_LabelSelector_matchLabels);
}

static const struct value *expressions(const struct value *selector)
{
    return value_at(selector, meta_v1_LabelSelector_matchExpressions);
}

static bool expression_valid(const struct value *e)
{
    const struct value *op = value_at(e, meta_v1_LabelSelectorRequirement_operator);
    const struct value *values = value_at(e, meta_v1_LabelSelectorRequirement_values);
    bool takes_values = value_is(op, "In") || value_is(op, "NotIn");
    if (!takes_values && !value_is(op, "Exists") && !value_is(op, "DoesNotExist"))
        return false;
    if (takes_values != (value_count(values) > 0) ||
        name_check_qualified(value_text(value_at(e, meta_v1_LabelSelectorRequirement_key))))
        return false;
    for (VALUE_EACH(v, values))
        if (name_check_label_value(value_text(v)))
            return false;
    return true;
}

bool label_selector_valid(const struct value *selector)
{
    for (VALUE_EACH_ENTRY(l, match_labels(selector)))
        if (name_check_qualified(l->key) || name_check_label_value(value_text(&l->value)))
            return false;
    for (VALUE_EACH(e, expressions(selector)))
        if (!expression_valid(e))
            return false;
    return true;
}

bool label_selector_empty(const struct value *selector)
{
    return value_is_set(selector) &&
           value_count(match_labels(selector)) + value_count(expressions(selector)) == 0;
}

static bool expression_matches(const struct value *e, const struct value *labels)
{
    const struct value *op = value_at(e, meta_v1_LabelSelectorRequirement_operator);
    const struct value *label =
        value_get(labels, value_text(value_at(e, meta_v1_LabelSelectorRequirement_key)));
    bool listed = false;
    if (value_is(op, "Exists"))
        return value_is_set(label);
    if (value_is(op, "DoesNotExist"))
        return !value_is_set(label);
    for (VALUE_EACH(v, value_at(e, meta_v1_LabelSelectorRequirement_values)))
        listed = listed || (value_is_set(label) && slice_eq(value_text(v), value_text(label)));
    return value_is(op, "In") ? listed : !listed;
}

bool labels_contain(const struct value *labels, const struct value *wanted)
{
    for (VALUE_EACH_ENTRY(l, wanted)) {
        const struct value *have = value_get(labels, l->key);
        if (!value_is_set(have) || !slice_eq(value_text(have), value_text(&l->value)))
            return false;
    }
    return true;
}

bool label_selector_matches(const struct value *selector, const struct value *labels)
{
    if (!value_is_set(selector) || !labels_contain(labels, match_labels(selector)))
        return false;
    for (VALUE_EACH(e, expressions(selector)))
        if (!expression_matches(e, labels))
            return false;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static void print_values(struct arena *arena, struct buf *out, const struct value *values)
{
    size_t n = value_count(values);
    struct slice *sorted = arena_alloc(arena, (n + 1) * sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = value_text(value_item(values, i));
    qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? "," : "(");
        buf_put_slice(out, sorted[i]);
    }
    buf_puts(out, ")");
}

struct requirement { /* one part of the text, sorted by key */
    struct slice key;
    const struct value *expression; /* NULL: key=value */
    struct slice value;
};

static int by_key(const void *a, const void *b)
{
    return slice_cmp(((const struct requirement *)a)->key, ((const struct requirement *)b)->key);
}

static void print_requirement(struct arena *arena, struct buf *out, const struct requirement *r)
{
    const struct value *op =
        r->expression ? value_at(r->expression, meta_v1_LabelSelectorRequirement_operator) : &value_absent;
    if (value_is(op, "DoesNotExist"))
        buf_putc(out, '!');
    buf_put_slice(out, r->key);
    if (!r->expression) {
        buf_putc(out, '=');
        buf_put_slice(out, r->value);
    } else if (value_is(op, "In") || value_is(op, "NotIn")) {
        buf_puts(out, value_is(op, "In") ? " in " : " notin ");
        print_values(arena, out, value_at(r->expression, meta_v1_LabelSelectorRequirement_values));
    }
}

struct slice label_selector_print(struct arena *arena, const struct value *selector)
{
    size_t n = 0;
    struct requirement *all = arena_zalloc(
        arena, (value_count(match_labels(selector)) + value_count(expressions(selector)) + 1) * sizeof *all);
    for (VALUE_EACH_ENTRY(l, match_labels(selector)))
        all[n++] = (struct requirement){.key = l->key, .value = value_text(&l->value)};
    for (VALUE_EACH(e, expressions(selector)))
        all[n++] = (struct requirement){.key = value_text(value_at(e, meta_v1_LabelSelectorRequirement_key)),
                                        .expression = e};
    qsort(all, n, sizeof *all, by_key);
    cleanup_buf struct buf out = BUF_INIT(TEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(&out, ',');
        print_requirement(arena, &out, &all[i]);
    }
    return arena_dup(arena, buf_slice(&out));
}

struct slice label_selector_cell(struct arena *arena, const struct value *selector)
{
    if (!label_selector_valid(selector))
        return SLICE("<error>");
    struct slice text = label_selector_print(arena, selector);
    return text.len ? text : SLICE("<none>");
}

struct slice labels_print(struct arena *arena, const struct value *map)
{
    cleanup_buf struct buf out = BUF_INIT(TEXT_MAX);
    for (VALUE_EACH_ENTRY(l, map)) {
        if (out.len)
            buf_putc(&out, ',');
        buf_put_slice(&out, l->key);
        buf_putc(&out, '=');
        buf_put_slice(&out, value_text(&l->value));
    }
    return arena_dup(arena, buf_slice(&out));
}

struct slice labels_cell(struct arena *arena, const struct value *map)
{
    struct slice text = labels_print(arena, map);
    return text.len ? text : SLICE("<none>");
}
