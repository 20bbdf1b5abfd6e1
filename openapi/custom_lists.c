/* What structural schemas promise beyond single values: lists that are sets or maps, and embedded resources.
 */
#include "openapi/custom_items.h"

#include <ctype.h>

#include "openapi/decode.h"

typedef void (*visit_fn)(struct causes *c, const struct path *at, const struct schema *schema,
                         const struct value *v);

/* Calls visit for every value that has a schema of its own. */
static void walk(struct causes *c, const struct path *at, const struct schema *schema, const struct value *v,
                 visit_fn visit)
{
    visit(c, at, schema, v);
    if (v->kind == VALUE_LIST && schema->kind == SCHEMA_LIST && schema->elem->custom) {
        for (size_t i = 0; i < value_count(v); i++)
            walk(c, PATH_I(at, i), schema->elem, value_item(v, i), visit);
    } else if (v->kind == VALUE_MAP && schema->kind == SCHEMA_MAP && schema->elem->custom) {
        for (VALUE_EACH_ENTRY(entry, v))
            walk(c, PATH_K(at, entry->key), schema->elem, &entry->value, visit);
    } else if (v->kind == VALUE_RECORD && schema->kind == SCHEMA_RECORD && v->record->type == schema->type) {
        for (unsigned i = 0; i < schema->type->field_count; i++)
            if (schema->type->fields[i].schema.custom && value_is_set(value_at(v, i)))
                walk(c, PATH(at, schema->type->fields[i].name), &schema->type->fields[i].schema,
                     value_at(v, i), visit);
    }
}

static const char *shown(struct arena *arena, const struct value *v)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    encode_json(&text, &any, v);
    return arena_strdup(arena, buf_slice(&text));
}

static void visit_list(struct causes *c, const struct path *at, const struct schema *schema,
                       const struct value *v)
{
    bool map = schema->list_type == LIST_TYPE_MAP && schema->list_keys;
    size_t *twins;
    if (v->kind != VALUE_LIST || schema->kind != SCHEMA_LIST || (!map && schema->list_type != LIST_TYPE_SET))
        return;
    for (size_t i = 0; map && i < value_count(v); i++) {
        const struct value *item = value_item(v, i);
        if (item->kind == VALUE_NULL || item->kind == VALUE_MAP || item->kind == VALUE_RECORD)
            continue;
        causes_invalid(c, PATH_I(at, i), item, "must be an object for an array of list-type map");
        return;
    }
    struct custom_items items = custom_items_of(c->arena, v, map ? schema->list_keys : NULL);
    size_t count = custom_items_twins(c->arena, &items, &twins);
    for (size_t i = 0; i < count; i++) {
        const struct value *item = value_item(v, twins[i]);
        if (map)
            causes_duplicate_shown(
                c, PATH_I(at, twins[i]),
                arena_strdup(c->arena, custom_item_keys(c->arena, item, schema->list_keys)));
        else
            causes_duplicate_shown(c, PATH_I(at, twins[i]), shown(c->arena, item));
    }
}

void custom_validate_lists(struct causes *c, const struct path *at, const struct schema *schema,
                           const struct value *v)
{
    walk(c, at, schema, v, visit_list);
}

static bool is_kind_name(struct slice text)
{
    if (!text.len || text.len > 63 || !isalpha((unsigned char)text.ptr[0]) || text.ptr[text.len - 1] == '-')
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.ptr[i]) && text.ptr[i] != '-')
            return false;
    return true;
}

static void check_api_version(struct causes *c, const struct path *at, const struct value *v)
{
    struct slice text = value_text(v), rest = text, part;
    size_t parts = 0;
    if (!value_is_set(v))
        causes_required(c, at, "");
    else if (v->kind != VALUE_STRING)
        causes_invalid(c, at, v, "must be a string");
    else if (!text.len)
        causes_invalid_text(c, at, text, "must not be empty");
    while (slice_split(&rest, '/', &part))
        parts++;
    if (parts > 2)
        causes_invalid_text(c, at, text, "unexpected GroupVersion string: %.*s", SLICE_ARG(text));
}

static void visit_embedded(struct causes *c, const struct path *at, const struct schema *schema,
                           const struct value *v)
{
    if (!schema->embedded || v->kind != VALUE_RECORD || !at)
        return;
    const struct value *kind = value_get(v, SLICE("kind"));
    struct path kind_at = path_field(at, "kind");
    check_api_version(c, PATH(at, "apiVersion"), value_get(v, SLICE("apiVersion")));
    if (!value_is_set(kind))
        causes_required(c, &kind_at, "");
    else if (kind->kind != VALUE_STRING)
        causes_invalid(c, &kind_at, kind, "must be a string");
    else if (!value_text(kind).len)
        causes_invalid_text(c, &kind_at, value_text(kind), "must not be empty");
    else if (!is_kind_name(value_text(kind)))
        causes_invalid_text(c, &kind_at, value_text(kind),
                            "may have mixed case, but must otherwise be a DNS-1035 label");
}

void custom_validate_embedded(struct causes *c, const struct path *at, const struct schema *schema,
                              const struct value *v)
{
    walk(c, at, schema, v, visit_embedded);
}
