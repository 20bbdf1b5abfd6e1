#include "base/buf.h"
#include "cel/time.h"
#include "cel/types.h"
#include "cel/value.h"
#include "openapi/decode.h"
#include "openapi/scalar.h"

/* Views of API objects. What is read is made a value when it is read, never before. */

static struct cel_value text_value(struct arena *arena, const struct value *tree, const struct schema *schema)
{
    struct slice text = value_text(tree);
    const struct cel_type *type = schema ? cel_type_of_schema(arena, schema, "", 0) : &cel_type_string;
    struct cel_value v;
    if (type == &cel_type_string || !type)
        return cel_string(text);
    if (type == &cel_type_timestamp)
        return cel_parse_schema_time(text, &v) ? v
                                               : cel_error(arena, "invalid date-time: %.*s", SLICE_ARG(text));
    if (type == &cel_type_duration)
        return cel_parse_duration(text, &v) ? v : cel_error(arena, "invalid duration: %.*s", SLICE_ARG(text));
    if (type == &cel_type_bytes) {
        struct slice bytes;
        const char *fault;
        return scalar_base64_decode(arena, text, &bytes, &fault)
                   ? cel_bytes(bytes)
                   : cel_error(arena, "invalid base64: %s", fault);
    }
    return cel_string(text);
}

/* Text of JSON that no schema describes. */
static struct cel_value raw_value(struct arena *arena, const struct value *tree)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    struct value *decoded = arena_alloc(arena, sizeof *decoded);
    cleanup_error struct error err = ERROR_INIT;
    if (!decode_json_node(arena, &any, value_text(tree), decoded, NULL, &err))
        return cel_error(arena, "invalid JSON: %s", err.message);
    return cel_of_tree(arena, decoded, NULL);
}

struct cel_value cel_of_tree(struct arena *arena, const struct value *tree, const struct schema *schema)
{
    struct cel_value v = {.kind = CEL_NULL, .flags = CEL_TREE, .tree = tree, .schema = schema};
    switch ((enum value_kind)tree->kind) {
    case VALUE_ABSENT:
    case VALUE_NULL:
        return cel_null();
    case VALUE_BOOL:
        return cel_bool(tree->b);
    case VALUE_INT:
        return schema && schema->kind == SCHEMA_FLOAT64 ? cel_double((double)tree->i) : cel_int(tree->i);
    case VALUE_FLOAT:
        return cel_double(tree->f);
    case VALUE_STRING:
        return text_value(arena, tree, schema);
    case VALUE_RAW:
        return raw_value(arena, tree);
    case VALUE_LIST:
        v.kind = CEL_LIST;
        v.len = tree->list->count;
        return v;
    case VALUE_MAP:
        v.kind = schema && schema->kind == SCHEMA_RECORD ? CEL_OBJECT : CEL_MAP;
        v.len = tree->map->count;
        return v;
    case VALUE_RECORD:
        v.kind = CEL_OBJECT;
        return v;
    }
    return cel_null();
}

/* The value that encoding would write for a field which is absent from a tree, if it would. */
static bool always_written(const struct schema_field *field, struct cel_value *ret)
{
    if (field->flags & (FIELD_POINTER | FIELD_OMIT_EMPTY | FIELD_OMIT_ZERO))
        return false;
    switch (field->schema.kind) {
    case SCHEMA_STRING:
        *ret = cel_string(SLICE(""));
        return true;
    case SCHEMA_INT32:
    case SCHEMA_INT64:
        *ret = cel_int(0);
        return true;
    case SCHEMA_BOOL:
        *ret = cel_bool(false);
        return true;
    default:
        return false;
    }
}

static bool record_field(struct arena *arena, const struct cel_value *object, struct slice name,
                         struct cel_value *ret)
{
    const struct value_record *record = object->tree->record;
    int index = schema_find_field(record->type, name.ptr, name.len);
    const struct value *v = index >= 0 ? &record->fields[index] : value_get(object->tree, name);
    if (v->kind == VALUE_ABSENT)
        return index >= 0 && !object->schema && always_written(&record->type->fields[index], ret);
    *ret = cel_of_tree(arena, v, index >= 0 && object->schema ? &record->type->fields[index].schema : NULL);
    return true;
}

bool cel_field(struct arena *arena, const struct cel_value *object, struct slice name, struct cel_value *ret)
{
    if (object->kind == CEL_MAP && !(object->flags & CEL_TREE)) {
        struct cel_value key = cel_string(name);
        return cel_map_find(arena, object, &key, ret);
    }
    if (!(object->flags & CEL_TREE)) {
        for (uint32_t i = 0; i < object->fields->count; i++)
            if (slice_eq(object->fields->fields[i].name, name)) {
                *ret = object->fields->fields[i].value;
                return true;
            }
        return false;
    }
    if (object->tree->kind == VALUE_RECORD)
        return record_field(arena, object, name, ret);
    const struct value *v = value_get(object->tree, name);
    if (v->kind == VALUE_ABSENT)
        return false;
    const struct schema *elem = object->schema ? object->schema->elem : NULL;
    if (object->schema && object->schema->kind == SCHEMA_RECORD) {
        int index = schema_find_field(object->schema->type, name.ptr, name.len);
        elem = index >= 0 ? &object->schema->type->fields[index].schema : NULL;
    }
    *ret = cel_of_tree(arena, v, elem);
    return true;
}

/* Through the fields in schema order, then what the type does not name. */
bool cel_object_at(struct arena *arena, const struct cel_value *object, size_t *state, struct slice *ret_name,
                   struct cel_value *ret)
{
    if (!(object->flags & CEL_TREE)) {
        if (*state >= object->fields->count)
            return false;
        *ret_name = object->fields->fields[*state].name;
        *ret = object->fields->fields[(*state)++].value;
        return true;
    }
    if (object->tree->kind != VALUE_RECORD) {
        if (*state >= value_count(object->tree))
            return false;
        *ret_name = value_entry(object->tree, (*state)++)->key;
        return cel_field(arena, object, *ret_name, ret);
    }
    const struct value_record *record = object->tree->record;
    while (*state < record->type->field_count) {
        const struct schema_field *field = &record->type->fields[(*state)++];
        *ret_name = slice_make(field->name, field->name_len);
        if (record_field(arena, object, *ret_name, ret))
            return true;
    }
    size_t extra = *state - record->type->field_count;
    if (!record->extra || extra >= record->extra->count)
        return false;
    (*state)++;
    *ret_name = record->extra->entries[extra].key;
    *ret = cel_of_tree(arena, &record->extra->entries[extra].value, NULL);
    return true;
}

size_t cel_object_count(const struct cel_value *object)
{
    if (!(object->flags & CEL_TREE))
        return object->fields->count;
    if (object->tree->kind != VALUE_RECORD)
        return value_count(object->tree);
    const struct value_record *record = object->tree->record;
    size_t count = record->extra ? record->extra->count : 0;
    struct cel_value ignored;
    for (unsigned i = 0; i < record->type->field_count; i++)
        count += record->fields[i].kind != VALUE_ABSENT ||
                 (!object->schema && always_written(&record->type->fields[i], &ignored));
    return count;
}

/* ---- and back ---- */

static bool list_to_tree(struct arena *arena, const struct cel_value *v, struct value *ret)
{
    *ret = value_new_list(arena, v->len ? v->len : 1);
    for (uint32_t i = 0; i < v->len; i++) {
        struct cel_value item = cel_list_get(arena, v, i);
        struct value *to = value_append(arena, ret), tree;
        if (!cel_to_tree(arena, &item, &tree))
            return false;
        *to = tree;
    }
    return true;
}

static bool map_to_tree(struct arena *arena, const struct cel_value *v, struct value *ret)
{
    *ret = value_new_map(arena, v->len ? v->len : 1);
    for (uint32_t i = 0; i < v->len; i++) {
        struct cel_value key, value;
        struct value tree;
        cel_map_at(arena, v, i, &key, &value);
        if (key.kind != CEL_STRING || !cel_to_tree(arena, &value, &tree))
            return false;
        *value_put(arena, ret, cel_text(&key)) = tree;
    }
    return true;
}

static bool object_to_tree(struct arena *arena, const struct cel_value *v, struct value *ret)
{
    *ret = value_new_map(arena, v->fields->count ? v->fields->count : 1);
    for (uint32_t i = 0; i < v->fields->count; i++) {
        struct value tree;
        if (!cel_to_tree(arena, &v->fields->fields[i].value, &tree))
            return false;
        *value_put(arena, ret, v->fields->fields[i].name) = tree;
    }
    return true;
}

bool cel_to_tree(struct arena *arena, const struct cel_value *v, struct value *ret)
{
    if (v->flags & CEL_TREE && (v->kind == CEL_LIST || v->kind == CEL_MAP || v->kind == CEL_OBJECT)) {
        *ret = value_copy(arena, v->tree, false);
        return true;
    }
    switch ((enum cel_kind)v->kind) {
    case CEL_NULL:
        *ret = (struct value){.kind = VALUE_NULL};
        return true;
    case CEL_BOOL:
        *ret = value_of_bool(v->b);
        return true;
    case CEL_INT:
        *ret = value_of_int(v->i);
        return true;
    case CEL_UINT:
        *ret = value_of_int((int64_t)v->u);
        return v->u <= INT64_MAX;
    case CEL_DOUBLE:
        *ret = (struct value){.kind = VALUE_FLOAT, .f = v->d};
        return true;
    case CEL_STRING:
        *ret = value_of_string(cel_text(v));
        return true;
    case CEL_BYTES:
        *ret = value_of_string(scalar_base64_encode(arena, cel_text(v)));
        return true;
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        *ret = value_of_string(v->kind == CEL_TIMESTAMP ? cel_format_time(arena, v)
                                                        : cel_format_duration(arena, v));
        return true;
    case CEL_LIST:
        return list_to_tree(arena, v, ret);
    case CEL_MAP:
        return map_to_tree(arena, v, ret);
    case CEL_OBJECT:
        return object_to_tree(arena, v, ret);
    default:
        return false;
    }
}
