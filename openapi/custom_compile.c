#include "openapi/custom.h"

#include "openapi/decode.h"
#include "openapi/gen/apiextensions_v1.h"
#include "openapi/gen/meta_v1.h"

#define PROPS(name) apiextensions_v1_JSONSchemaProps_##name

enum { META_FIELDS = 3, MAX_FIELDS = 60000 };

/* A node of which nothing is said, by type. */
#define PLAIN(text)                                                                                          \
    {                                                                                                        \
        .type = text, .min_length = -1, .max_length = -1, .min_items = -1, .max_items = -1,                  \
        .min_properties = -1, .max_properties = -1                                                           \
    }
static const struct schema_custom plain[] = {PLAIN(""),       PLAIN("object"),  PLAIN("array"),
                                             PLAIN("string"), PLAIN("integer"), PLAIN("number"),
                                             PLAIN("boolean")};
enum { PLAIN_COUNT = sizeof plain / sizeof *plain };

static const struct schema anything = {.kind = SCHEMA_ANY, .nullable = true, .custom = &plain[0]};

/* What `additionalProperties: true` keeps: scalars and lists as they are, objects without their keys. */
static const uint16_t no_slots[] = {0};
static const struct schema_type nothing_type = {.name = "object", .slots = no_slots};
static const struct schema nothing = {
    .kind = SCHEMA_RECORD, .type = &nothing_type, .nullable = true, .custom = &plain[0]};

#define META_FLAGS (FIELD_POINTER | FIELD_OMIT_EMPTY | FIELD_FIRST)
#define META_FIELD(n, k, ...)                                                                                \
    {                                                                                                        \
        .name = n, .name_len = sizeof n - 1, .flags = META_FLAGS, .doc = "", .schema = {                     \
            .kind = k,                                                                                       \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }
static const struct schema_field meta_fields[META_FIELDS] = {
    META_FIELD("apiVersion", SCHEMA_STRING, .custom = &plain[3]),
    META_FIELD("kind", SCHEMA_STRING, .custom = &plain[3]),
    META_FIELD("metadata", SCHEMA_RECORD, .type = &meta_v1_ObjectMeta),
};

static void fill_slots(uint16_t *slots, uint16_t mask, const struct schema_field *fields, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t at = schema_hash(fields[i].name, fields[i].name_len) & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = (uint16_t)(i + 1);
    }
}

static void compile_node(struct arena *arena, struct arena *scratch, const struct value *schema, bool root,
                         struct schema *ret);

struct value custom_inner_schema(struct arena *arena, const struct value *raw)
{
    struct value schema = value_absent;

    if (raw->kind == VALUE_RAW && raw->len && raw->s[0] == '{')
        decode_json(arena, &apiextensions_v1_JSONSchemaProps, value_text(raw), &schema, NULL, NULL);
    return schema;
}

/* ---- what is said of a node beyond its shape ---- */

static const char *text_of(struct arena *arena, const struct value *schema, unsigned field)
{
    struct slice text = value_text(value_at(schema, field));
    return text.len ? arena_strdup(arena, text) : NULL;
}

static const char *const *texts_of(struct arena *arena, const struct value *list)
{
    size_t count = value_count(list);
    if (!count)
        return NULL;
    const char **texts = arena_alloc(arena, (count + 1) * sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = arena_strdup(arena, value_text(value_item(list, i)));
    texts[count] = NULL;
    return texts;
}

static const struct schema *nodes_of(struct arena *arena, struct arena *scratch, const struct value *list,
                                     uint16_t *ret_count)
{
    size_t count = value_count(list);
    *ret_count = (uint16_t)(count < MAX_FIELDS ? count : MAX_FIELDS);
    if (!count)
        return NULL;
    struct schema *nodes = arena_zalloc(arena, *ret_count * sizeof *nodes);
    for (uint16_t i = 0; i < *ret_count; i++)
        compile_node(arena, scratch, value_item(list, i), false, &nodes[i]);
    return nodes;
}

static double number_of(const struct value *v)
{
    return v->kind == VALUE_INT ? (double)v->i : v->kind == VALUE_FLOAT ? v->f : 0;
}

static void set_limits(const struct value *schema, struct schema_custom *c)
{
    static const struct {
        unsigned field;
        uint8_t bit;
    } limits[] = {{PROPS(minimum), CUSTOM_MINIMUM},
                  {PROPS(maximum), CUSTOM_MAXIMUM},
                  {PROPS(multipleOf), CUSTOM_MULTIPLE}};
    double *const numbers[] = {&c->minimum, &c->maximum, &c->multiple_of};
    const unsigned counts[] = {PROPS(minLength), PROPS(maxLength),     PROPS(minItems),
                               PROPS(maxItems),  PROPS(minProperties), PROPS(maxProperties)};
    int64_t *const sizes[] = {&c->min_length, &c->max_length,     &c->min_items,
                              &c->max_items,  &c->min_properties, &c->max_properties};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const struct value *v = value_at(schema, limits[i].field);
        *numbers[i] = number_of(v);
        c->limits |= value_is_set(v) ? limits[i].bit : 0;
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *sizes[i] = value_int(value_at(schema, counts[i]), -1);
    c->exclusive_minimum = value_bool(value_at(schema, PROPS(exclusiveMinimum)));
    c->exclusive_maximum = value_bool(value_at(schema, PROPS(exclusiveMaximum)));
    c->unique_items = value_bool(value_at(schema, PROPS(uniqueItems)));
}

static void set_enums(struct arena *arena, const struct value *schema, struct schema_custom *c)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    const struct value *list = value_at(schema, PROPS(enum));
    size_t count = value_count(list), kept = 0;
    if (!count)
        return;
    struct value *enums = arena_alloc(arena, count * sizeof *enums);
    for (size_t i = 0; i < count; i++) {
        struct slice text = arena_dup(arena, value_text(value_item(list, i)));
        if (decode_json_node(arena, &any, text, &enums[kept], NULL, NULL))
            kept++;
    }
    c->enums = enums;
    c->enum_count = (uint32_t)kept;
}

static const char *rule_text(struct arena *arena, const struct value *rule, const char *field)
{
    return arena_strdup(arena, value_text(value_get(rule, slice_str(field))));
}

static void set_rules(struct arena *arena, const struct value *schema, struct schema_custom *c)
{
    const struct value *list = value_at(schema, PROPS(x_kubernetes_validations));
    size_t count = value_count(list);
    if (!count)
        return;
    struct custom_rule *rules = arena_alloc(arena, count * sizeof *rules);
    for (size_t i = 0; i < count; i++) {
        const struct value *rule = value_item(list, i);
        rules[i] = (struct custom_rule){
            .rule = rule_text(arena, rule, "rule"),
            .message = rule_text(arena, rule, "message"),
            .message_expression = rule_text(arena, rule, "messageExpression"),
            .reason = rule_text(arena, rule, "reason"),
            .field_path = rule_text(arena, rule, "fieldPath"),
            .optional_old_self = value_bool(value_get(rule, SLICE("optionalOldSelf"))),
        };
    }
    c->rules = rules;
    c->rule_count = (uint16_t)count;
}

/* What estimates of costs read: the size of a text, list or map, and how a text is read. */
static const struct schema_rules *size_rules(struct arena *arena, const struct schema_custom *c)
{
    int64_t most = strcmp(c->type, "string") == 0  ? c->max_length
                   : strcmp(c->type, "array") == 0 ? c->max_items
                                                   : c->max_properties;
    if (most < 0 && !c->format)
        return NULL;
    struct schema_rules *rules = arena_zalloc(arena, sizeof *rules);
    *rules = (struct schema_rules){.format = c->format, .min_length = -1, .max_length = most};
    return rules;
}

/* Most nodes say nothing but a type: they share. */
static const struct schema_custom *shared(struct arena *arena, const struct schema_custom *c)
{
    for (int i = 0; i < PLAIN_COUNT; i++) {
        struct schema_custom like = plain[i];
        like.type = c->type;
        if (strcmp(plain[i].type, c->type) == 0 && memcmp(&like, c, sizeof like) == 0)
            return &plain[i];
    }
    struct schema_custom *own = arena_alloc(arena, sizeof *own);
    *own = *c;
    return own;
}

static const struct schema_custom *compile_custom(struct arena *arena, struct arena *scratch,
                                                  const struct value *schema)
{
    struct schema_custom c;
    memset(&c, 0, sizeof c); /* padding too: compared as bytes */
    const char *type = text_of(arena, schema, PROPS(type));
    c.type = type ? type : "";
    c.format = text_of(arena, schema, PROPS(format));
    c.pattern = text_of(arena, schema, PROPS(pattern));
    c.default_json = text_of(arena, schema, PROPS(default));
    if (c.default_json && strcmp(c.default_json, "null") == 0)
        c.default_json = NULL;
    c.int_or_string = value_bool(value_at(schema, PROPS(x_kubernetes_int_or_string)));
    c.required = texts_of(arena, value_at(schema, PROPS(required)));
    set_limits(schema, &c);
    set_enums(arena, schema, &c);
    set_rules(arena, schema, &c);
    c.all_of = nodes_of(arena, scratch, value_at(schema, PROPS(allOf)), &c.all_count);
    c.any_of = nodes_of(arena, scratch, value_at(schema, PROPS(anyOf)), &c.any_count);
    c.one_of = nodes_of(arena, scratch, value_at(schema, PROPS(oneOf)), &c.one_count);
    if (value_is_set(value_at(schema, PROPS(not )))) {
        struct schema *not = arena_zalloc(arena, sizeof *not );
        compile_node(arena, scratch, value_at(schema, PROPS(not )), false, not );
        c.not = not ;
    }
    return shared(arena, &c);
}

/* ---- shapes ---- */

/* metadata keeps its shape; what the schema says of it is checked besides. */
static void set_meta_field(struct arena *arena, struct schema_field *field, struct schema *said)
{
    if (field->schema.kind != SCHEMA_RECORD) {
        field->schema.custom = said->custom;
        return;
    }
    struct schema_custom *custom = arena_alloc(arena, sizeof *custom);
    struct schema *also = arena_alloc(arena, sizeof *also);
    *custom = plain[1];
    *also = *said;
    custom->also = also;
    field->schema.custom = custom;
}

static struct schema_field property_field(struct arena *arena, struct slice name)
{
    return (struct schema_field){
        .name = arena_strdup(arena, name),
        .name_len = (uint16_t)name.len,
        .flags = FIELD_POINTER | FIELD_OMIT_EMPTY,
        .doc = "",
    };
}

static int meta_index(struct slice name)
{
    for (int i = 0; i < META_FIELDS; i++)
        if (slice_is(name, meta_fields[i].name))
            return i;
    return -1;
}

/* resource: a root or an embedded one. */
static const struct schema_type *compile_record(struct arena *arena, struct arena *scratch,
                                                const struct value *properties, const char *name,
                                                bool resource, bool preserve)
{
    struct schema_type *type = arena_zalloc(arena, sizeof *type);
    size_t most = value_count(properties) + META_FIELDS, size = 4;
    struct schema_field *fields = arena_zalloc(arena, most * sizeof *fields);
    unsigned count = 0;
    if (resource) {
        memcpy(fields, meta_fields, sizeof meta_fields);
        count = META_FIELDS;
    }
    for (VALUE_EACH_ENTRY(entry, properties)) {
        int meta = resource ? meta_index(entry->key) : -1;
        struct schema node = {0};
        if (count >= MAX_FIELDS || entry->key.len > UINT16_MAX)
            break;
        compile_node(arena, scratch, &entry->value, false, &node);
        if (meta >= 0) {
            set_meta_field(arena, &fields[meta], &node);
            continue;
        }
        fields[count] = property_field(arena, entry->key);
        fields[count].default_json = node.custom->default_json;
        fields[count++].schema = node;
    }
    while (size < count * 2 + 1)
        size *= 2;
    uint16_t *slots = arena_zalloc(arena, size * sizeof *slots);
    fill_slots(slots, (uint16_t)(size - 1), fields, count);
    *type = (struct schema_type){.name = name,
                                 .openapi = name,
                                 .doc = "",
                                 .fields = fields,
                                 .field_count = (uint16_t)count,
                                 .preserve_unknown = preserve,
                                 .slots = slots,
                                 .slot_mask = (uint16_t)(size - 1)};
    return type;
}

static enum schema_kind scalar_kind(const char *type)
{
    static const struct {
        const char *type;
        enum schema_kind kind;
    } known[] = {{"string", SCHEMA_STRING},
                 {"integer", SCHEMA_INT64},
                 {"number", SCHEMA_FLOAT64},
                 {"boolean", SCHEMA_BOOL}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type, known[i].type) == 0)
            return known[i].kind;
    return SCHEMA_ANY;
}

static const struct schema *inner_node(struct arena *arena, struct arena *scratch, const struct value *raw)
{
    struct value schema = custom_inner_schema(scratch, raw);
    if (!value_is_set(&schema))
        return NULL;
    struct schema *node = arena_zalloc(arena, sizeof *node);
    compile_node(arena, scratch, &schema, false, node);
    return node;
}

static void set_collection_types(struct arena *arena, const struct value *schema, struct schema *ret)
{
    const struct value *list = value_at(schema, PROPS(x_kubernetes_list_type));
    ret->list_type = value_is(list, "set")   ? LIST_TYPE_SET
                     : value_is(list, "map") ? LIST_TYPE_MAP
                                             : LIST_TYPE_ATOMIC; /* a list that says nothing is one value */
    ret->list_keys = texts_of(arena, value_at(schema, PROPS(x_kubernetes_list_map_keys)));
    bool atomic = value_is(value_at(schema, PROPS(x_kubernetes_map_type)), "atomic");
    ret->map_type = atomic ? MAP_TYPE_ATOMIC : MAP_TYPE_GRANULAR;
}

static void set_object_shape(struct arena *arena, struct arena *scratch, const struct value *schema,
                             bool root, struct schema *ret)
{
    const struct value *properties = value_at(schema, PROPS(properties)),
                       *more = value_at(schema, PROPS(additionalProperties));
    bool shapeless = ret->preserve_unknown && !value_count(properties) && !ret->embedded && !root;
    bool logic = !*ret->custom->type && !ret->preserve_unknown; /* inside of anyOf and the like */
    const struct schema *elem = inner_node(arena, scratch, more);
    if (elem || value_is(more, "true")) {
        ret->kind = SCHEMA_MAP;
        ret->elem = elem ? elem : ret->preserve_unknown ? &anything : &nothing;
    } else if (shapeless || (logic && !value_count(properties) && !root)) {
        ret->kind = SCHEMA_ANY;
    } else {
        ret->kind = SCHEMA_RECORD;
        ret->type = compile_record(arena, scratch, properties, "object", root || ret->embedded,
                                   ret->preserve_unknown || logic);
    }
}

static void compile_node(struct arena *arena, struct arena *scratch, const struct value *schema, bool root,
                         struct schema *ret)
{
    const struct schema_custom *custom = compile_custom(arena, scratch, schema);
    *ret = (struct schema){
        .nullable = value_bool(value_at(schema, PROPS(nullable))),
        .preserve_unknown = value_bool(value_at(schema, PROPS(x_kubernetes_preserve_unknown_fields))),
        .embedded = value_bool(value_at(schema, PROPS(x_kubernetes_embedded_resource))),
        .custom = custom,
        .rules = size_rules(arena, custom),
    };
    const struct schema *items = inner_node(arena, scratch, value_at(schema, PROPS(items)));
    set_collection_types(arena, schema, ret);
    if (custom->int_or_string) {
        ret->kind = SCHEMA_INT_OR_STRING;
    } else if (strcmp(custom->type, "array") == 0) {
        ret->kind = SCHEMA_LIST;
        ret->elem = items ? items : &anything;
    } else if (strcmp(custom->type, "object") == 0 || (!*custom->type && !items)) {
        set_object_shape(arena, scratch, schema, root, ret);
    } else {
        ret->kind = items ? SCHEMA_LIST : scalar_kind(custom->type);
        ret->elem = items;
    }
}

/* ---- whole types ---- */

static const uint16_t shallow_slots[8] = {3, 1, 0, 2, 0, 0, 0, 0}; /* tested */
const struct schema_type custom_shallow = {
    .name = "object",
    .openapi = "object",
    .doc = "",
    .fields = meta_fields,
    .field_count = META_FIELDS,
    .preserve_unknown = true,
    .slots = shallow_slots,
    .slot_mask = 7,
};

const struct schema *custom_compile(struct arena *arena, const struct value *schema, const char *kind)
{
    cleanup_arena struct arena *scratch = arena_new();
    struct schema *node = arena_alloc(arena, sizeof *node);
    *node = (struct schema){.kind = SCHEMA_ANY, .preserve_unknown = true, .custom = &plain[0]};
    if (value_is_set(schema))
        compile_node(arena, scratch, schema, true, node);
    struct schema_type *type = arena_alloc(arena, sizeof *type);
    *type = node->kind == SCHEMA_RECORD ? *node->type
                                        : *compile_record(arena, scratch, &value_absent, kind, true, true);
    type->name = type->openapi = arena_strdup(arena, slice_str(kind));
    node->kind = SCHEMA_RECORD;
    node->type = type;
    return node;
}
