#include "openapi/default.h"

#include "openapi/custom.h"
#include "openapi/decode.h"
#include "openapi/quantity.h"

static void default_record(struct arena *arena, struct value *record);

/* ---- static defaults ---- */

static struct value parse_default(struct arena *arena, const struct schema *schema, const char *json)
{
    struct value v = value_absent;
    size_t n = strlen(json);
    bool plain = schema->kind == SCHEMA_STRING && n >= 2 && !memchr(json, '\\', n);
    if (plain)
        return value_of_string(slice_make(json + 1, n - 2));
    /* The schema's own texts: the compiler has checked that they fit. */
    if (!decode_json_node(arena, schema, slice_make(json, n), &v, NULL, NULL))
        return value_absent;
    return v;
}

static void apply_static(struct arena *arena, struct value *record, unsigned i)
{
    const struct schema_field *field = &record->record->type->fields[i];
    struct value *v = value_mut(record, i);
    /* A record that is no pointer is entered anyway. */
    if (value_is_set(v) || (field->schema.kind == SCHEMA_RECORD && !(field->flags & FIELD_POINTER)))
        return;
    *v = parse_default(arena, &field->schema, field->default_json);
    if (!(field->flags & FIELD_POINTER) && value_is_zero(v, &field->schema))
        *v = value_absent;
}

static void apply_statics(struct arena *arena, struct value *record)
{
    const struct schema_type *type = record->record->type;
    bool conditional = false;
    for (unsigned i = 0; i < type->field_count; i++) {
        if (type->fields[i].default_json && type->fields[i].when_equals)
            conditional = true;
        else if (type->fields[i].default_json)
            apply_static(arena, record, i);
    }
    /* After the others: the fields they look at have their own defaults by now. */
    for (unsigned i = 0; conditional && i < type->field_count; i++) {
        const struct schema_field *field = &type->fields[i];
        if (field->default_json && field->when_equals &&
            value_is(value_at(record, field->when_field), field->when_equals))
            apply_static(arena, record, i);
    }
}

/* ---- the walk ---- */

/* Would anything come of entering an absent record of this type? */
static bool has_defaults(const struct schema_type *type)
{
    if (type->default_hook)
        return true;
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct schema_field *field = &type->fields[i];
        bool record = field->schema.kind == SCHEMA_RECORD && !(field->flags & FIELD_POINTER);
        if (record ? has_defaults(field->schema.type) : field->default_json != NULL)
            return true;
    }
    return false;
}

/* Only texts with these can be finer than milli. */
static void round_to_milli(struct arena *arena, struct value *v)
{
    enum { MILLI = -3 };
    struct slice text = value_text(v);
    if (slice_find(text, 'n') < 0 && slice_find(text, 'u') < 0 && slice_find(text, '-') < 0)
        return;
    struct quantity q = quantity_of(text);
    if (q.scale >= MILLI)
        return;
    char rounded[QUANTITY_TEXT];
    q = (struct quantity){quantity_scaled(&q, MILLI), MILLI, q.format};
    *v = value_of_string(arena_dup(arena, quantity_print(&q, rounded)));
}

static bool is_resource_list(const struct schema_type *type)
{
    return type->package && (strcmp(type->package, "core_v1") == 0 || strcmp(type->package, "node_v1") == 0);
}

/* In lists and maps of custom resources a null that is not allowed gives way to the default of the elements.
 */
static void default_null(struct arena *arena, const struct schema *elem, struct value *v)
{
    if (v->kind == VALUE_NULL && elem->custom && !elem->nullable && elem->custom->default_json)
        *v = parse_default(arena, elem, elem->custom->default_json);
}

static void default_elements(struct arena *arena, const struct schema_type *owner,
                             const struct schema *schema, struct value *v);

/* `owner`: the type whose field this is. */
static void default_node(struct arena *arena, const struct schema_type *owner, const struct schema *schema,
                         struct value *v)
{
    if (v->kind == VALUE_RECORD) {
        default_record(arena, v);
    } else if (schema->custom && schema->elem) {
        default_elements(arena, owner, schema, v);
    } else if (v->kind == VALUE_LIST && schema->elem && schema->elem->kind >= SCHEMA_LIST) {
        for (uint32_t i = 0; i < v->list->count; i++)
            default_node(arena, owner, schema->elem, &v->list->items[i]);
    } else if (v->kind == VALUE_MAP && schema->elem) {
        bool amounts = schema->elem->kind == SCHEMA_QUANTITY && is_resource_list(owner);
        for (uint32_t i = 0; i < v->map->count; i++)
            if (amounts)
                round_to_milli(arena, &v->map->entries[i].value);
            else if (schema->elem->kind >= SCHEMA_LIST)
                default_node(arena, owner, schema->elem, &v->map->entries[i].value);
    }
}

static void default_elements(struct arena *arena, const struct schema_type *owner,
                             const struct schema *schema, struct value *v)
{
    for (uint32_t i = 0; v->kind == VALUE_LIST && i < v->list->count; i++) {
        default_null(arena, schema->elem, &v->list->items[i]);
        default_node(arena, owner, schema->elem, &v->list->items[i]);
    }
    for (uint32_t i = 0; v->kind == VALUE_MAP && i < v->map->count; i++) {
        default_null(arena, schema->elem, &v->map->entries[i].value);
        default_node(arena, owner, schema->elem, &v->map->entries[i].value);
    }
}

static void default_record(struct arena *arena, struct value *record)
{
    const struct schema_type *type = record->record->type;
    apply_statics(arena, record);
    if (type->default_hook)
        type->default_hook(record, arena);
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct schema_field *field = &type->fields[i];
        struct value *v = value_mut(record, i);
        bool in_place = field->schema.kind == SCHEMA_RECORD && !(field->flags & FIELD_POINTER);
        if (in_place && !value_is_set(v) && has_defaults(field->schema.type))
            *v = value_new_record(arena, field->schema.type);
        if (!value_is_set(v))
            continue;
        default_node(arena, type, &field->schema, v);
        if (in_place && value_is_zero(v, &field->schema))
            *v = value_absent;
    }
}

void default_object(struct arena *arena, struct value *record)
{
    if (record->kind == VALUE_RECORD)
        default_record(arena, record);
}

void default_entries(struct arena *arena, struct value *to, const struct value *from)
{
    for (VALUE_EACH_ENTRY(entry, from))
        if (!value_is_set(value_get(to, entry->key)))
            *value_put(arena, to, entry->key) = entry->value;
}
