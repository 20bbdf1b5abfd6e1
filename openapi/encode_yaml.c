#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "openapi/decode.h"
#include "openapi/json_scan.h"
#include "openapi/scalar.h"
#include "openapi/yaml_scalar.h"

struct writer {
    yaml_emitter_t emitter;
    bool failed;
};

static int write_out(void *out, unsigned char *bytes, size_t n)
{
    buf_put(out, bytes, n);
    return !((struct buf *)out)->failed;
}

static void emit(struct writer *w, yaml_event_t *event, int made)
{
    if (!made || !yaml_emitter_emit(&w->emitter, event))
        w->failed = true;
}

static void emit_scalar(struct writer *w, struct slice text, yaml_scalar_style_t style)
{
    yaml_event_t e;
    bool plain = style == YAML_PLAIN_SCALAR_STYLE;
    int made = yaml_scalar_event_initialize(&e, NULL, NULL, (const yaml_char_t *)text.ptr, (int)text.len,
                                            plain, 1, style);
    emit(w, &e, made);
}

/* Quoted when a reader would take it for something else than a string. */
static void emit_string(struct writer *w, struct slice text)
{
    if (memchr(text.ptr, '\n', text.len))
        emit_scalar(w, text, YAML_LITERAL_SCALAR_STYLE);
    else if (yaml_resolve(text).meaning == YAML_IS_STRING && !yaml_is_base60(text))
        /* Plain if the text allows it, else the emitter quotes. */
        emit_scalar(w, text, YAML_PLAIN_SCALAR_STYLE);
    else
        emit_scalar(w, text, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

/* A key "<<" without quotes is a merge to every reader. Upstream writes it bare, and cannot read what it
 * wrote. */
static void emit_key(struct writer *w, struct slice key)
{
    if (slice_is(key, "<<"))
        emit_scalar(w, key, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    else
        emit_string(w, key);
}

/* ---- the order of keys: letters by code, digits by value, other signs first ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

/* The number that starts at i, and where it ends. */
static uint64_t number_at(struct slice s, size_t i, uint64_t n, size_t *ret_end)
{
    for (; i < s.len && is_digit(s.ptr[i]); i++)
        n = n * 10 + (uint64_t)(s.ptr[i] - '0');
    *ret_end = i;
    return n;
}

static int compare_keys(const void *x, const void *y)
{
    struct slice a = (*(const struct value_entry *const *)x)->key,
                 b = (*(const struct value_entry *const *)y)->key;
    size_t i = 0;
    while (i < a.len && i < b.len && a.ptr[i] == b.ptr[i])
        i++;
    if (i == a.len || i == b.len)
        return (a.len > b.len) - (a.len < b.len);
    unsigned char p = (unsigned char)a.ptr[i], q = (unsigned char)b.ptr[i];
    bool p_letter = is_letter(a.ptr[i]), q_letter = is_letter(b.ptr[i]);
    if (p_letter && q_letter)
        return p < q ? -1 : 1;
    if (p_letter || q_letter)
        return q_letter ? -1 : 1;
    uint64_t before = 0;
    if (p == '0' || q == '0') /* a zero inside a number counts as a digit of it */
        for (size_t j = i; j > 0 && is_digit(a.ptr[j - 1]); j--)
            before = before || a.ptr[j - 1] != '0';
    size_t a_end, b_end;
    uint64_t m = number_at(a, i, before, &a_end), n = number_at(b, i, before, &b_end);
    if (m != n)
        return m < n ? -1 : 1;
    if (a_end != b_end)
        return a_end < b_end ? -1 : 1;
    return p < q ? -1 : 1;
}

/* ---- the tree ---- */

static void emit_value(struct writer *w, struct arena *arena, const struct value *v);

static void emit_list(struct writer *w, struct arena *arena, const struct value *v)
{
    yaml_event_t e;
    emit(w, &e, yaml_sequence_start_event_initialize(&e, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
    for (VALUE_EACH(item, v))
        emit_value(w, arena, item);
    emit(w, &e, yaml_sequence_end_event_initialize(&e));
}

static void emit_map(struct writer *w, struct arena *arena, const struct value *v)
{
    yaml_event_t e;
    size_t n = value_count(v);
    const struct value_entry **order = arena_alloc(arena, (n + 1) * sizeof *order);
    for (size_t i = 0; i < n; i++)
        order[i] = value_entry(v, i);
    qsort(order, n, sizeof *order, compare_keys);
    emit(w, &e, yaml_mapping_start_event_initialize(&e, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
    for (size_t i = 0; i < n; i++) {
        emit_key(w, order[i]->key);
        emit_value(w, arena, &order[i]->value);
    }
    emit(w, &e, yaml_mapping_end_event_initialize(&e));
}

/* Go's 'g' with the fewest digits: an exponent below 1e-4 and from 1e6. */
static void emit_float(struct writer *w, double f)
{
    char text[SCALAR_FLOAT_TEXT], out[64];
    int precision = 0;
    do
        snprintf(text, sizeof text, "%.*e", precision++, f);
    while (precision < 17 && strtod(text, NULL) != f);
    char *e = strchr(text, 'e');
    int exponent = atoi(e + 1);
    if (exponent < -4 || exponent >= 6) {
        snprintf(out, sizeof out, "%.*se%c%02d", (int)(e - text), text, exponent < 0 ? '-' : '+',
                 abs(exponent));
        emit_scalar(w, slice_str(out), YAML_PLAIN_SCALAR_STYLE);
    } else {
        emit_scalar(w, scalar_format_float(f, text), YAML_PLAIN_SCALAR_STYLE);
    }
}

static void emit_value(struct writer *w, struct arena *arena, const struct value *v)
{
    char text[32];
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
        emit_scalar(w, slice_str(v->b ? "true" : "false"), YAML_PLAIN_SCALAR_STYLE);
        break;
    case VALUE_INT:
        snprintf(text, sizeof text, "%lld", (long long)v->i);
        emit_scalar(w, slice_str(text), YAML_PLAIN_SCALAR_STYLE);
        break;
    case VALUE_FLOAT:
        emit_float(w, v->f);
        break;
    case VALUE_STRING:
        emit_string(w, value_text(v));
        break;
    case VALUE_LIST:
        emit_list(w, arena, v);
        break;
    case VALUE_MAP:
        emit_map(w, arena, v);
        break;
    default:
        emit_scalar(w, SLICE("null"), YAML_PLAIN_SCALAR_STYLE);
    }
}

void encode_yaml(struct buf *out, struct slice json)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    cleanup_arena struct arena *arena = arena_new();
    struct value tree;
    struct writer w = {0};
    yaml_event_t e;
    /* The text is our own encoder's. */
    if (!decode_json_node(arena, &any, json, &tree, NULL, NULL) || !yaml_emitter_initialize(&w.emitter)) {
        out->failed = true;
        return;
    }
    yaml_emitter_set_output(&w.emitter, write_out, out);
    yaml_emitter_set_unicode(&w.emitter, 1);
    emit(&w, &e, yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING));
    emit(&w, &e, yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1));
    emit_value(&w, arena, &tree);
    emit(&w, &e, yaml_document_end_event_initialize(&e, 1));
    emit(&w, &e, yaml_stream_end_event_initialize(&e));
    yaml_emitter_delete(&w.emitter);
    /* libyaml marks the end of a document after a scalar that keeps its last line ends; go-yaml does not. */
    if (slice_ends(buf_slice(out), SLICE("\n...\n")))
        out->len -= strlen("...\n");
    out->failed = out->failed || w.failed;
}
