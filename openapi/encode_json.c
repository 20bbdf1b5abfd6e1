#include "openapi/decode.h"
#include "openapi/scalar.h"

/*
 * The tree says what is there; the schema only what upstream writes for what is not there. So a value is
 * written by its own kind, and the schema is looked at for absent ones.
 */

static void put_node(struct buf *out, const struct schema *schema, const struct value *v);

static void put_string(struct buf *out, const struct value *v)
{
    if (!v->plain) {
        buf_put_json_string(out, slice_make(v->s, v->len));
        return;
    }
    char *to = buf_reserve(out, (size_t)v->len + 2);
    if (!to)
        return;
    *to = '"';
    memcpy(to + 1, v->s, v->len);
    to[v->len + 1] = '"';
    out->len += (size_t)v->len + 2;
}

/* `,"name":` with `before` for the comma or the brace. */
static void put_name(struct buf *out, char before, const struct schema_field *field)
{
    size_t n = field->name_len;
    char *to = buf_reserve(out, n + 4);
    if (!to)
        return;
    *to++ = before;
    *to++ = '"';
    memcpy(to, field->name, n);
    to += n;
    *to++ = '"';
    *to = ':';
    out->len += n + 4;
}

/* One key that the type does not name; *first: the brace is still to come. */
static void put_extra(struct buf *out, bool *first, const struct value_entry *entry)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    buf_putc(out, *first ? '{' : ',');
    *first = false;
    buf_put_json_string(out, entry->key);
    buf_putc(out, ':');
    put_node(out, &any, &entry->value);
}

/* record NULL: the zero value of the type. */
static void put_record(struct buf *out, const struct schema_type *type, const struct value_record *record)
{
    const struct value_map *extra = record ? record->extra : NULL;
    uint32_t e = 0;
    bool first = true;
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct schema_field *field = &type->fields[i];
        const struct value *v = record ? &record->fields[i] : &value_absent;
        if (v->kind == VALUE_ABSENT && !schema_is_always_written(field))
            continue;
        /* Where unknown keys are kept the fields are sorted by name; the keys go between them. */
        while (extra && e < extra->count && !(field->flags & FIELD_FIRST) &&
               slice_cmp(extra->entries[e].key, slice_make(field->name, field->name_len)) < 0)
            put_extra(out, &first, &extra->entries[e++]);
        put_name(out, first ? '{' : ',', field);
        first = false;
        if (v->kind == VALUE_ABSENT && (field->flags & FIELD_POINTER))
            buf_put(out, "null", 4);
        else
            put_node(out, &field->schema, v);
    }
    while (extra && e < extra->count)
        put_extra(out, &first, &extra->entries[e++]);
    if (first)
        buf_putc(out, '{');
    buf_putc(out, '}');
}

static void put_absent(struct buf *out, const struct schema *schema)
{
    switch (schema->kind) {
    case SCHEMA_RECORD:
        if (schema->type)
            put_record(out, schema->type, NULL);
        else
            buf_puts(out, "{}");
        break;
    case SCHEMA_STRING:
        buf_puts(out, "\"\"");
        break;
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_FLOAT64:
    case SCHEMA_INT_OR_STRING:
        buf_putc(out, '0');
        break;
    case SCHEMA_BOOL:
        buf_puts(out, "false");
        break;
    case SCHEMA_QUANTITY:
        buf_puts(out, "\"0\"");
        break;
    case SCHEMA_DURATION:
        buf_puts(out, "\"0s\"");
        break;
    default:
        buf_puts(out, "null");
    }
}

static void put_list(struct buf *out, const struct schema *schema, const struct value_list *list)
{
    const struct schema *elem = schema->elem ? schema->elem : schema;
    buf_putc(out, '[');
    for (uint32_t i = 0; i < list->count; i++) {
        if (i)
            buf_putc(out, ',');
        put_node(out, elem, &list->items[i]);
    }
    buf_putc(out, ']');
}

static void put_map(struct buf *out, const struct schema *schema, const struct value_map *map)
{
    const struct schema *elem = schema->elem ? schema->elem : schema;
    buf_putc(out, '{');
    for (uint32_t i = 0; i < map->count; i++) {
        if (i)
            buf_putc(out, ',');
        buf_put_json_string(out, map->entries[i].key);
        buf_putc(out, ':');
        put_node(out, elem, &map->entries[i].value);
    }
    buf_putc(out, '}');
}

static void put_node(struct buf *out, const struct schema *schema, const struct value *v)
{
    char text[SCALAR_FLOAT_TEXT];
    switch ((enum value_kind)v->kind) {
    case VALUE_ABSENT:
        put_absent(out, schema);
        break;
    case VALUE_NULL:
        buf_put(out, "null", 4);
        break;
    case VALUE_BOOL:
        buf_puts(out, v->b ? "true" : "false");
        break;
    case VALUE_INT:
        buf_put_int(out, v->i);
        break;
    case VALUE_FLOAT:
        buf_put_slice(out, scalar_format_float(v->f, text));
        break;
    case VALUE_STRING:
        put_string(out, v);
        break;
    case VALUE_RAW:
        buf_put(out, v->s, v->len);
        break;
    case VALUE_LIST:
        put_list(out, schema, v->list);
        break;
    case VALUE_MAP:
        put_map(out, schema, v->map);
        break;
    case VALUE_RECORD:
        put_record(out, v->record->type, v->record);
        break;
    }
}

void encode_json(struct buf *out, const struct schema *schema, const struct value *v)
{
    put_node(out, schema, v);
}

void encode_json_type(struct buf *out, const struct schema_type *type, const struct value *record)
{
    put_record(out, type, record->kind == VALUE_RECORD ? record->record : NULL);
}
