/* What makes a schema structural: every place has one type, and that is told outside of allOf, anyOf, oneOf
 * and not. Rules: apiextensions-apiserver/pkg/apiserver/schema/validation.go. */
#include <stdlib.h>
#include "apiserver/kinds/crd.h"

enum level { AT_ROOT, AT_ITEM, AT_FIELD };

static const char *const logic_lists[] = {"anyOf", "allOf", "oneOf"};

static void check_nested(struct causes *c, const struct path *at, const struct value *schema);

/* {"type":"integer"} and {"type":"string"}, which is allowed to say what x-kubernetes-int-or-string means. */
static bool is_int_or_string(const struct value *list)
{
    static const char *const types[] = {"integer", "string"};

    if (value_count(list) != 2)
        return false;
    for (size_t i = 0; i < 2; i++) {
        const struct value *item = value_item(list, i);
        size_t set = 0;
        for (unsigned k = 0; item->kind == VALUE_RECORD && k < item->record->type->field_count; k++)
            set += value_is_set(value_at(item, k));
        if (set != 1 || !value_is(field_of(item, "type"), types[i]))
            return false;
    }
    return true;
}

static void check_values(struct causes *c, const struct path *at, const struct value *schema)
{
    const struct value *all = field_of(schema, "allOf");

    for (size_t k = 0; k < sizeof logic_lists / sizeof *logic_lists; k++) {
        const struct value *list = field_of(schema, logic_lists[k]);
        struct path list_at = path_field(at, logic_lists[k]);
        if (k == 0 && is_int_or_string(list))
            continue;
        for (size_t i = 0; i < value_count(list); i++) {
            if (list == all && i == 0 && is_int_or_string(field_of(value_item(list, i), "anyOf")))
                continue;
            check_nested(c, PATH_I(&list_at, i), value_item(list, i));
        }
    }
    if (value_is_set(field_of(schema, "not")))
        check_nested(c, PATH(at, "not"), field_of(schema, "not"));
}

/* Inside of logic, a schema may only say what values are good. */
static void check_nested(struct causes *c, const struct path *at, const struct value *schema)
{
    static const char *const forbidden[] = {"type",
                                            "additionalProperties",
                                            "default",
                                            "title",
                                            "description",
                                            "nullable",
                                            "x-kubernetes-preserve-unknown-fields",
                                            "x-kubernetes-embedded-resource",
                                            "x-kubernetes-int-or-string",
                                            "x-kubernetes-list-map-keys",
                                            "x-kubernetes-list-type",
                                            "x-kubernetes-map-type",
                                            "x-kubernetes-validations"};
    const struct value *properties = field_of(schema, "properties");
    struct path properties_at = path_field(at, "properties");
    struct value items = custom_inner_schema(c->arena, field_of(schema, "items"));

    check_values(c, at, schema);
    if (value_is_set(&items))
        check_nested(c, PATH(at, "items"), &items);
    for (VALUE_EACH_ENTRY(entry, properties))
        check_nested(c, PATH_K(&properties_at, entry->key), &entry->value);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (value_is_set(field_of(schema, forbidden[i])))
            causes_forbidden(c, PATH(at, forbidden[i]), "must be left out to be structural");
    if (value_is_set(field_of(properties, "metadata")))
        causes_forbidden(c, PATH_K(&properties_at, SLICE("metadata")),
                         "must not be specified in a nested context");
}

/* metadata is as it always is; only its names may be restricted. */
static void check_metadata(struct causes *c, const struct path *at, const struct value *schema, bool check,
                           enum level level)
{
    static const char *const ignored[] = {"type", "default", "properties"};
    const struct value *properties = field_of(schema, "properties");
    size_t known =
        value_is_set(field_of(properties, "name")) + value_is_set(field_of(properties, "generateName"));
    bool other = known != value_count(properties);

    if (check && !value_is(field_of(schema, "type"), "object"))
        causes_invalid_text(c, PATH(at, "type"), text_at(schema, "type"), "must be object");
    if (level != AT_ROOT)
        return;
    for (unsigned i = 0; schema->kind == VALUE_RECORD && i < schema->record->type->field_count; i++) {
        const char *name = schema->record->type->fields[i].name;
        bool skip = false;
        for (size_t k = 0; k < sizeof ignored / sizeof *ignored; k++)
            skip |= strcmp(name, ignored[k]) == 0;
        other |= !skip && value_is_set(value_at(schema, i));
    }
    if (other)
        causes_forbidden(c, at, "must not specify anything other than name and generateName");
}

static void check_type(struct causes *c, const struct path *at, const struct value *schema, enum level level)
{
    static const char *const where[] = {"at the root", "for specified array items",
                                        "for specified object fields"};
    bool embedded = value_bool(field_of(schema, "x-kubernetes-embedded-resource"));
    bool keeps = value_bool(field_of(schema, "x-kubernetes-preserve-unknown-fields"));
    bool either = value_bool(field_of(schema, "x-kubernetes-int-or-string"));
    struct slice type = text_at(schema, "type");
    struct path type_at = path_field(at, "type");

    if (either && keeps)
        causes_invalid_shown(c, PATH(at, "x-kubernetes-preserve-unknown-fields"), "true",
                             "must be false if x-kubernetes-int-or-string is true");
    if (either && embedded)
        causes_invalid_shown(c, PATH(at, "x-kubernetes-embedded-resource"), "true",
                             "must be false if x-kubernetes-int-or-string is true");
    if (embedded && type.len && !slice_is(type, "object"))
        causes_invalid_text(c, &type_at, type, "must be object if x-kubernetes-embedded-resource is true");
    else if (embedded && !type.len)
        causes_required(c, &type_at, "must be object if x-kubernetes-embedded-resource is true");
    else if (!type.len && !either && !keeps)
        causes_required(c, &type_at, "must not be empty %s", where[level]);
    if (embedded && value_is_set(field_of(schema, "additionalProperties")))
        causes_forbidden(c, PATH(at, "additionalProperties"),
                         "must not be used if x-kubernetes-embedded-resource is set");
    if (level == AT_ROOT && type.len && !slice_is(type, "object"))
        causes_invalid_text(c, &type_at, type, "must be object at the root");
    if (embedded && !keeps && !value_count(field_of(schema, "properties")))
        causes_required(c, PATH(at, "properties"),
                        "must not be empty if x-kubernetes-embedded-resource is true");
}

static void check_level(struct causes *c, const struct path *at, const struct value *schema, enum level level)
{
    static const char *const names[] = {"kind", "apiVersion"};
    bool check = level == AT_ROOT || value_bool(field_of(schema, "x-kubernetes-embedded-resource"));
    const struct value *properties = field_of(schema, "properties"),
                       *more = field_of(schema, "additionalProperties");
    struct value items = custom_inner_schema(c->arena, field_of(schema, "items")),
                 rest = custom_inner_schema(c->arena, more);
    struct path properties_at = path_field(at, "properties");

    if (value_is(field_of(schema, "type"), "array") && !value_is_set(field_of(schema, "items")))
        causes_required(c, PATH(at, "items"), "must be specified");
    if (value_is_set(&items))
        check_level(c, PATH(at, "items"), &items, AT_ITEM);
    for (VALUE_EACH_ENTRY(entry, properties))
        check_level(c, PATH_K(&properties_at, entry->key), &entry->value, AT_FIELD);
    if (level == AT_ROOT && value_is_set(more))
        causes_forbidden(c, PATH(at, "additionalProperties"), "must not be used at the root");
    if (value_is_set(&rest))
        check_level(c, PATH(at, "additionalProperties"), &rest, AT_FIELD);
    check_values(c, at, schema);
    check_type(c, at, schema, level);
    for (size_t i = 0; check && i < sizeof names / sizeof *names; i++) {
        const struct value *property = field_of(properties, names[i]);
        if (value_is_set(property) && !value_is(field_of(property, "type"), "string"))
            causes_invalid_text(c, PATH(PATH_K(&properties_at, slice_str(names[i])), "type"),
                                text_at(property, "type"), "must be string");
    }
    if (value_is_set(field_of(properties, "metadata")))
        check_metadata(c, PATH_K(&properties_at, SLICE("metadata")), field_of(properties, "metadata"), check,
                       level);
}

/* By the text "field: message", as upstream sorts them. */
static int compare_causes(const void *a, const void *b)
{
    const struct cause *x = a, *y = b;
    size_t i = 0;
    char cx, cy;

    while (x->field[i] && x->field[i] == y->field[i])
        i++;
    if (!x->field[i] && !y->field[i])
        return strcmp(x->message, y->message);
    cx = x->field[i] ? x->field[i] : ':';
    cy = y->field[i] ? y->field[i] : ':';
    return (unsigned char)cx - (unsigned char)cy;
}

bool check_structural(struct causes *c, const struct path *at, const struct value *schema)
{
    size_t before = c->count;

    check_level(c, at, schema, AT_ROOT);
    if (c->count > before)
        qsort(c->items + before, c->count - before, sizeof *c->items, compare_causes);
    return c->count == before;
}
