/* The OpenAPI schema of a custom resource. Rules: apiextensions-apiserver/pkg/apis/apiextensions/validation.
 */
#include "apiserver/kinds/crd.h"
#include "apiserver/kinds/admission_parts.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/text_set.h"
#include "openapi/decode.h"
#include "openapi/gen/apiextensions_v1.h"

#define KEYS "x-kubernetes-list-map-keys"
#define LIST "x-kubernetes-list-type"
#define MAP  "x-kubernetes-map-type"

/* What a schema inherits from those around it. */
struct context {
    struct causes *c;
    const char *no_defaults; /* why there may be none, or NULL */
    bool in_metadata;
};

static void check_schema(struct context x, const struct path *at, const struct value *schema, bool root);

/* ---- the tree ---- */

struct value crd_schema_at(struct arena *arena, const struct value *schema, struct slice path)
{
    struct slice rest = path, name;
    const struct value *at = schema;

    if (!path.len || path.ptr[0] != '.')
        return value_absent;
    rest = slice_from(path, 1);
    while (slice_split(&rest, '.', &name))
        at = value_get(field_of(at, "properties"), name);
    return *at;
}

void crd_walk(struct arena *arena, const struct value *schema,
              void (*each)(void *arg, const struct value *schema), void *arg)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    struct value items, rest;

    if (!value_is_set(schema))
        return;
    items = custom_inner_schema(arena, field_of(schema, "items"));
    rest = custom_inner_schema(arena, field_of(schema, "additionalProperties"));
    each(arg, schema);
    crd_walk(arena, &items, each, arg);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (VALUE_EACH(item, field_of(schema, lists[i])))
            crd_walk(arena, item, each, arg);
    crd_walk(arena, field_of(schema, "not"), each, arg);
    for (VALUE_EACH_ENTRY(entry, field_of(schema, "properties")))
        crd_walk(arena, &entry->value, each, arg);
    crd_walk(arena, &rest, each, arg);
}

/* ---- defaults ---- */

static const char *json_type(struct slice json)
{
    switch (json.len ? json.ptr[0] : 'n') {
    case '{':
        return "object";
    case '[':
        return "array";
    case '"':
        return "string";
    case 't':
    case 'f':
        return "boolean";
    case 'n':
        return "null";
    default:
        for (size_t i = 0; i < json.len; i++)
            if (strchr(".eE", json.ptr[i]))
                return "number";
        return "integer";
    }
}

static bool type_fits(const struct value *schema, const char *type)
{
    struct slice wanted = text_at(schema, "type");

    if (strcmp(type, "null") == 0)
        return value_bool(field_of(schema, "nullable"));
    if (value_bool(field_of(schema, "x-kubernetes-int-or-string")))
        return strcmp(type, "integer") == 0 || strcmp(type, "string") == 0;
    return !wanted.len || slice_is(wanted, type) ||
           (slice_is(wanted, "number") && strcmp(type, "integer") == 0);
}

static void check_defaults(struct causes *c, const struct path *at, const struct value *schema)
{
    const struct value *given = field_of(schema, "default"), *properties = field_of(schema, "properties");
    struct value items = custom_inner_schema(c->arena, field_of(schema, "items"));
    struct value rest = custom_inner_schema(c->arena, field_of(schema, "additionalProperties"));
    struct path properties_at = path_field(at, "properties");
    const char *type = json_type(value_text(given));

    if (value_is_set(given) && !type_fits(schema, type))
        causes_type_invalid(c, PATH(at, "default"), arena_printf(c->arena, "\"%s\"", type),
                            " in body must be of type %.*s: \"%s\"", SLICE_ARG(text_at(schema, "type")),
                            type);
    if (value_is_set(&items))
        check_defaults(c, PATH(at, "items"), &items);
    for (VALUE_EACH_ENTRY(entry, properties))
        check_defaults(c, PATH_K(&properties_at, entry->key), &entry->value);
    if (value_is_set(&rest))
        check_defaults(c, PATH(at, "additionalProperties"), &rest);
}

/* ---- keywords ---- */

static void check_unsupported(struct context x, const struct path *at, const struct value *schema)
{
    static const char *const types[] = {"array", "boolean", "integer", "number", "object", "string", NULL};
    static const char *const unsupported[] = {"id",          "additionalItems", "patternProperties",
                                              "definitions", "dependencies",    "$ref"};
    const struct value *items = field_of(schema, "items");

    check_if_set(x.c, PATH(at, "type"), field_of(schema, "type"), types);
    if (value_is_set(field_of(schema, "default")) && x.no_defaults)
        causes_forbidden(x.c, PATH(at, "default"), "must not be set %s", x.no_defaults);
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (value_is_set(field_of(schema, unsupported[i])))
            causes_forbidden(x.c, PATH(at, unsupported[i]), "%s is not supported", unsupported[i]);
    if (value_is(field_of(schema, "type"), "null"))
        causes_forbidden(x.c, PATH(at, "type"), "type cannot be set to null, use nullable as an alternative");
    if (items->kind == VALUE_RAW && items->len && items->s[0] == '[')
        causes_forbidden(x.c, PATH(at, "items"), "items must be a schema object and not an array");
    if (x.in_metadata && value_bool(field_of(schema, "x-kubernetes-embedded-resource")))
        causes_forbidden(x.c, PATH(at, "x-kubernetes-embedded-resource"),
                         "must not be used inside of resource meta");
    if (value_bool(field_of(schema, "uniqueItems")))
        causes_forbidden(x.c, PATH(at, "uniqueItems"), "comparing all items with each other takes too long");
}

/* x-kubernetes-map-type and x-kubernetes-list-type go with a type. */
static void check_collection(struct causes *c, const struct path *at, const struct value *schema,
                             const char *keyword, const char *type, const char *const *known)
{
    const struct value *given = field_of(schema, keyword);
    struct slice have = text_at(schema, "type");

    if (!value_is_set(given))
        return;
    if (!have.len)
        causes_required(c, PATH(at, "type"), "must be %s if %s is specified", type, keyword);
    else if (!slice_is(have, type))
        causes_invalid_text(c, PATH(at, "type"), have, "must be %s if %s is specified", type, keyword);
    if (!text_is_one_of(value_text(given), known))
        causes_not_supported(c, PATH(at, keyword), value_text(given), known);
}

static void check_set(struct causes *c, const struct path *at, const struct value *schema,
                      const struct value *items)
{
    const struct value *list = field_of(items, LIST), *map = field_of(items, MAP);
    struct path items_at = path_field(at, "items");

    if (!value_is(field_of(schema, LIST), "set") || !value_is(field_of(schema, "type"), "array"))
        return;
    if (value_is(field_of(items, "type"), "array") && value_is_set(list) && !value_is(list, "atomic"))
        causes_invalid_text(c, PATH(&items_at, LIST), value_text(list), "must be atomic as item of a set");
    if (value_is(field_of(items, "type"), "object") && !value_is(map, "atomic")) {
        if (value_is_set(list))
            causes_invalid_text(c, PATH(&items_at, MAP), value_text(list), "must be atomic as item of a set");
        else
            causes_invalid_shown(c, PATH(&items_at, MAP), "null", "must be atomic as item of a set");
    }
}

static void check_map_keys(struct causes *c, const struct path *at, const struct value *schema,
                           const struct value *items)
{
    const struct value *keys = field_of(schema, KEYS), *properties = field_of(items, "properties");
    struct path keys_at = path_field(at, KEYS), properties_at = path_field(PATH(at, "items"), "properties");
    struct text_set seen = TEXT_SET(c->arena);

    for (VALUE_EACH(key, keys)) {
        const struct value *property = value_get(properties, value_text(key));
        if (!value_is_set(property))
            causes_invalid_shown(c, &keys_at, shown_list(c->arena, keys),
                                 "entries must all be names of item properties");
        else if (value_is(field_of(property, "type"), "array") ||
                 value_is(field_of(property, "type"), "object"))
            causes_invalid_text(c, PATH(PATH_K(&properties_at, value_text(key)), "type"),
                                text_at(items, "type"),
                                "must be a scalar type if parent array's " LIST " is map");
        if (!text_set_add(&seen, value_text(key)))
            causes_invalid_shown(c, &keys_at, shown_list(c->arena, keys),
                                 "must not contain duplicate entries");
    }
}

static void check_list_map(struct causes *c, const struct path *at, const struct value *schema,
                           const struct value *items)
{
    const struct value *keys = field_of(schema, KEYS), *list = field_of(schema, LIST),
                       *raw = field_of(schema, "items");
    struct path items_at = path_field(at, "items");
    bool is_map = value_is(list, "map");

    if (value_count(keys) && !value_is_set(list))
        causes_required(c, PATH(at, LIST), "must be map if " KEYS " is non-empty");
    else if (value_count(keys) && !is_map)
        causes_invalid_text(c, PATH(at, LIST), value_text(list), "must be map if " KEYS " is non-empty");
    if (!is_map)
        return;
    if (!value_count(keys))
        causes_required(c, PATH(at, KEYS), "must not be empty if " LIST " is map");
    if (!value_is_set(raw))
        causes_required(c, &items_at, "must have a schema if " LIST " is map");
    else if (!value_is_set(items))
        causes_invalid_shown(c, &items_at, arena_strdup(c->arena, value_text(raw)),
                             "must be one schema if " LIST " is map");
    else if (!value_is(field_of(items, "type"), "object"))
        causes_invalid_text(c, PATH(&items_at, "type"), text_at(items, "type"),
                            "must be object if parent's " LIST " is map");
    else
        check_map_keys(c, at, schema, items);
}

/* Keys must be there to be compared. */
static void check_keyed_items(struct causes *c, const struct path *at, const struct value *schema,
                              const struct value *items)
{
    struct slice list = text_at(schema, LIST);
    struct path items_at = path_field(at, "items"), properties_at = path_field(&items_at, "properties");

    if (!value_is_set(items) || (!slice_is(list, "set") && !slice_is(list, "map")))
        return;
    if (value_bool(field_of(items, "nullable")))
        causes_forbidden(c, PATH(&items_at, "nullable"), "cannot be nullable when " LIST " is %.*s",
                         SLICE_ARG(list));
    for (VALUE_EACH(key, slice_is(list, "map") ? field_of(schema, KEYS) : &value_absent)) {
        struct slice name = value_text(key);
        const struct value *property = value_get(field_of(items, "properties"), name);
        struct path at_key = path_key(&properties_at, name);
        if (!value_is_set(property))
            continue;
        if (!list_has_text(field_of(items, "required"), arena_strdup(c->arena, name)) &&
            !value_is_set(field_of(property, "default")))
            causes_required(c, PATH(&at_key, "default"),
                            "a key of the list must be required or have a default");
        if (value_bool(field_of(property, "nullable")))
            causes_forbidden(c, PATH(&at_key, "nullable"), "a key of the list cannot be nullable");
    }
}

static bool has_line_break(struct slice text)
{
    while (text.len && is_blank(slice_make(text.ptr, 1)))
        text = slice_from(text, 1);
    while (text.len && is_blank(slice_from(text, text.len - 1)))
        text.len--;
    return slice_find(text, '\n') >= 0 || slice_find(text, '\r') >= 0;
}

static void check_cel_rule(struct causes *c, const struct path *at, const struct value *rule)
{
    static const char *const reasons[] = {"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid",
                                          "FieldValueRequired", NULL};
    struct slice text = text_at(rule, "rule"), message = text_at(rule, "message"),
                 field = text_at(rule, "fieldPath"), expression = text_at(rule, "messageExpression");

    if (is_blank(text))
        causes_required(c, PATH(at, "rule"), "rule is not specified");
    else if (message.len && is_blank(message))
        causes_invalid_text(c, PATH(at, "message"), message, "must be non-empty if specified");
    else if (has_line_break(message))
        causes_invalid_text(c, PATH(at, "message"), message, "must not contain line breaks");
    else if (has_line_break(text) && !message.len)
        causes_required(c, PATH(at, "message"), "must be specified if rule contains line breaks");
    if (expression.len && is_blank(expression))
        causes_required(c, PATH(at, "messageExpression"), "must be non-empty if specified");
    check_if_set(c, PATH(at, "reason"), field_of(rule, "reason"), reasons);
    if (field.len && is_blank(field))
        causes_invalid_text(c, PATH(at, "fieldPath"), field, "must be non-empty if specified");
    if (slice_find(field, '\n') >= 0 || slice_find(field, '\r') >= 0)
        causes_invalid_text(c, PATH(at, "fieldPath"), field, "must not contain line breaks");
}

/* ---- the walk ---- */

static void check_properties(struct context x, const struct path *at, const struct value *schema, bool root)
{
    static const char *const meta[] = {"metadata", "kind", "apiVersion", NULL};
    bool embedded = value_bool(field_of(schema, "x-kubernetes-embedded-resource"));
    struct path properties_at = path_field(at, "properties");

    for (VALUE_EACH_ENTRY(entry, field_of(schema, "properties"))) {
        struct context inner = x;
        if ((root || embedded) && text_is_one_of(entry->key, meta)) {
            inner.in_metadata = true;
            if (root)
                inner.no_defaults = arena_printf(x.c->arena, "in top-level %.*s", SLICE_ARG(entry->key));
        }
        check_schema(inner, PATH_K(&properties_at, entry->key), &entry->value, false);
    }
}

static void check_additional(struct context x, const struct path *at, const struct value *schema)
{
    const struct value *raw = field_of(schema, "additionalProperties");
    struct value inner = custom_inner_schema(x.c->arena, raw);
    struct path additional_at = path_field(at, "additionalProperties");

    if (!value_is_set(raw))
        return;
    if (value_count(field_of(schema, "properties")) && !slice_is(value_text(raw), "true"))
        causes_forbidden(x.c, &additional_at, "additionalProperties and properties are mutual exclusive");
    if (x.in_metadata)
        x.no_defaults = "inside additionalProperties applying to object metadata";
    if (value_is_set(&inner))
        check_schema(x, &additional_at, &inner, false);
}

static void check_logic(struct context x, const struct path *at, const struct value *schema)
{
    static const char *const lists[] = {"allOf", "oneOf", "anyOf"};

    if (value_is_set(field_of(schema, "not")))
        check_schema(x, PATH(at, "not"), field_of(schema, "not"), false);
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        const struct value *list = field_of(schema, lists[k]);
        struct path list_at = path_field(at, lists[k]);
        for (size_t i = 0; i < value_count(list); i++)
            check_schema(x, PATH_I(&list_at, i), value_item(list, i), false);
    }
}

static void check_schema(struct context x, const struct path *at, const struct value *schema, bool root)
{
    static const char *const maps[] = {"atomic", "granular", NULL}, *const lists[] = {"atomic", "set", "map",
                                                                                      NULL};
    const struct value *rules = field_of(schema, "x-kubernetes-validations");
    const struct value *keeps = field_of(schema, "x-kubernetes-preserve-unknown-fields");
    struct value items = custom_inner_schema(x.c->arena, field_of(schema, "items"));
    struct path rules_at = path_field(at, "x-kubernetes-validations");

    check_unsupported(x, at, schema);
    check_additional(x, at, schema);
    check_properties(x, at, schema, root);
    check_logic(x, at, schema);
    if (value_is_set(&items))
        check_schema(x, PATH(at, "items"), &items, false);
    if (value_is_set(keeps) && !value_bool(keeps))
        causes_invalid_shown(x.c, PATH(at, "x-kubernetes-preserve-unknown-fields"), "false",
                             "must be true or undefined");
    check_collection(x.c, at, schema, MAP, "object", maps);
    check_set(x.c, at, schema, &items);
    check_collection(x.c, at, schema, LIST, "array", lists);
    check_list_map(x.c, at, schema, &items);
    check_keyed_items(x.c, at, schema, &items);
    for (size_t i = 0; i < value_count(rules); i++)
        check_cel_rule(x.c, PATH_I(&rules_at, i), value_item(rules, i));
}

/* With the status subresource the root is an object that is cut in two. */
static void check_root(struct causes *c, const struct path *at, const struct value *schema)
{
    static const char *const allowed[] = {"description",
                                          "type",
                                          "format",
                                          "title",
                                          "maximum",
                                          "exclusiveMaximum",
                                          "minimum",
                                          "exclusiveMinimum",
                                          "maxLength",
                                          "minLength",
                                          "pattern",
                                          "maxItems",
                                          "minItems",
                                          "uniqueItems",
                                          "multipleOf",
                                          "required",
                                          "items",
                                          "properties",
                                          "externalDocs",
                                          "example",
                                          "x-kubernetes-preserve-unknown-fields",
                                          "x-kubernetes-validations",
                                          NULL};

    for (unsigned i = 0; schema->kind == VALUE_RECORD && i < schema->record->type->field_count; i++) {
        const char *name = schema->record->type->fields[i].name;
        if (!value_is_set(value_at(schema, i)))
            continue;
        if (strcmp(name, "type") == 0 && !value_is(value_at(schema, i), "object")) {
            causes_invalid_text(c, PATH(at, "type"), value_text(value_at(schema, i)),
                                "must be \"object\" if the status subresource is enabled");
            return;
        }
        if (!text_is_one_of(slice_str(name), allowed)) {
            causes_invalid_shown(c, at, shown_record(c->arena, schema),
                                 "%s is not allowed at the root if the status subresource is enabled", name);
            return;
        }
    }
}

void check_crd_schema(struct causes *c, const struct path *at, const struct value *validation,
                      bool has_status)
{
    const struct value *schema = field_of(validation, "openAPIV3Schema");
    struct path schema_at = path_field(at, "openAPIV3Schema");

    if (!value_is_set(schema))
        return;
    if (has_status)
        check_root(c, &schema_at, schema);
    if (value_bool(field_of(schema, "nullable")))
        causes_forbidden(c, PATH(&schema_at, "nullable"), "nullable cannot be true at the root");
    if (check_structural(c, &schema_at, schema))
        check_defaults(c, &schema_at, schema);
    size_t before = c->count;
    bool structural = check_structural(&(struct causes){.arena = c->arena}, &schema_at, schema);
    check_schema((struct context){.c = c}, &schema_at, schema, true);
    if (structural && c->count == before)
        check_crd_rules(c, &schema_at, schema);
}
