/* A default of the YAML as the JSON text that decoding would make of it, checked against the field's type. */
#include "model.h"
#include "yaml_node.h"

#include <errno.h>

static bool is_number(const char *s, double *ret)
{
    char *end;
    *ret = strtod(s, &end);
    return *s && !*end;
}

static bool is_whole(const char *s, int64_t *ret)
{
    char *end;
    errno = 0;
    long long n = strtoll(s, &end, 10);
    *ret = n;
    return !errno && *s && !*end;
}

/* An unquoted scalar of a free tree: a number, true, false or null stay what they are. */
static void put_free_scalar(struct buf *out, yaml_node_t *node)
{
    const char *s = (const char *)node->data.scalar.value;
    double number;
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && (is_number(s, &number) || strcmp(s, "true") == 0 || strcmp(s, "false") == 0 ||
                  strcmp(s, "null") == 0))
        buf_puts(out, s);
    else
        buf_put_json_string(out, slice_str(s));
}

static void put_free(struct source *source, struct buf *out, yaml_node_t *node)
{
    if (node->type == YAML_SCALAR_NODE) {
        put_free_scalar(out, node);
        return;
    }
    bool map = node->type == YAML_MAPPING_NODE;
    buf_putc(out, map ? '{' : '[');
    if (map) {
        const char *key;
        yaml_node_t *value;
        for (size_t i = 0; node_pair(source, node, i, &key, &value); i++) {
            if (i)
                buf_putc(out, ',');
            buf_put_json_string(out, slice_str(key));
            buf_putc(out, ':');
            put_free(source, out, value);
        }
    } else {
        for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top;
             item++) {
            if (item > node->data.sequence.items.start)
                buf_putc(out, ',');
            put_free(source, out, node_at(source, *item));
        }
    }
    buf_putc(out, map ? '}' : ']');
}

static bool put_text(struct field *f, struct buf *out, const char *s)
{
    if (f->enums) {
        const char **e = f->enums;
        while (*e && strcmp(*e, s) != 0)
            e++;
        if (!*e && *s)
            return false;
    }
    buf_put_json_string(out, slice_str(s));
    return true;
}

static bool put_scalar(struct field *f, struct buf *out, yaml_node_t *node)
{
    const char *s = (const char *)node->data.scalar.value;
    int64_t whole;
    double number;
    switch (f->type->kind) {
    case SCHEMA_BOOL:
        buf_puts(out, s);
        return strcmp(s, "true") == 0 || strcmp(s, "false") == 0;
    case SCHEMA_INT32:
    case SCHEMA_INT64:
        buf_puts(out, s);
        return is_whole(s, &whole) &&
               (f->type->kind == SCHEMA_INT64 || (whole >= INT32_MIN && whole <= INT32_MAX));
    case SCHEMA_FLOAT64:
        buf_puts(out, s);
        return is_number(s, &number);
    case SCHEMA_INT_OR_STRING:
        put_free_scalar(out, node);
        return true;
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
    case SCHEMA_TIME:
    case SCHEMA_MICRO_TIME:
    case SCHEMA_DURATION:
    case SCHEMA_QUANTITY:
        return put_text(f, out, s);
    default:
        return false;
    }
}

const char *model_default_json(struct field *f, yaml_node_t *node)
{
    cleanup_buf struct buf out = BUF_INIT(1 << 16);
    enum schema_kind kind = f->type->kind;
    bool map = kind == SCHEMA_RECORD || kind == SCHEMA_MAP || kind == SCHEMA_RAW;
    bool ok = true;
    if (node->type == YAML_SCALAR_NODE)
        ok = kind == SCHEMA_ANY ? (put_free_scalar(&out, node), true) : put_scalar(f, &out, node);
    else if (kind == SCHEMA_ANY || (node->type == YAML_MAPPING_NODE ? map : kind == SCHEMA_LIST))
        put_free(f->source, &out, node);
    else
        ok = false;
    if (!ok) {
        model_fault(f->source, node, "the default of \"%s\" does not fit its type", f->name);
        return NULL;
    }
    const char *json = arena_strdup(f->source->model->arena, buf_slice(&out));
    /* The zero value of a field that is no pointer is what an absent field is anyway: only documents show it.
     */
    bool zero = strcmp(json, "\"\"") == 0 || strcmp(json, "0") == 0 || strcmp(json, "false") == 0 ||
                strcmp(json, "{}") == 0;
    return zero && !(f->flags & FIELD_POINTER) ? NULL : json;
}
