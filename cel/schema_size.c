#include "cel/estimate.h"

/* How large values of a schema can be, as upstream reckons from the largest request (3 MiB). */

enum { REQUEST_MAX = 3 * 1024 * 1024, TIME_TEXT = 32, DATE_TEXT = 12, NESTING_MAX = 64 };

static int64_t max_length(const struct schema *schema)
{
    return schema->rules && schema->rules->max_length >= 0 ? schema->rules->max_length : -1;
}

static const char *format_of(const struct schema *schema)
{
    if (schema->kind == SCHEMA_TIME || schema->kind == SCHEMA_MICRO_TIME)
        return "date-time";
    if (schema->kind == SCHEMA_BYTES)
        return "byte";
    return schema->rules && schema->rules->format ? schema->rules->format : "";
}

static int64_t enum_length(const struct schema *schema)
{
    size_t longest = 0;
    for (const char *const *value = schema->rules->enums; *value; value++)
        longest = strlen(*value) > longest ? strlen(*value) : longest;
    return (int64_t)longest;
}

static int64_t text_max(const struct schema *schema)
{
    const char *format = format_of(schema);
    int64_t most = max_length(schema);
    if (strcmp(format, "byte") == 0)
        return most >= 0 ? most : REQUEST_MAX - 2;
    if (strcmp(format, "date-time") == 0 || strcmp(format, "duration") == 0)
        return TIME_TEXT;
    if (strcmp(format, "date") == 0)
        return DATE_TEXT;
    if (most >= 0)
        return most > INT64_MAX / 4
                   ? INT64_MAX
                   : most * 4; /* the limit counts characters, a character has up to 4 bytes */
    return schema->kind == SCHEMA_STRING && schema->rules && schema->rules->enums ? enum_length(schema)
                                                                                  : REQUEST_MAX - 2;
}

static int64_t min_size(const struct schema *schema, bool root, unsigned depth);

static int64_t record_min_size(const struct schema_type *type, unsigned depth)
{
    int64_t size = 2;
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct schema_field *field = &type->fields[i];
        if (!(field->flags & FIELD_REQUIRED) || field->default_json || field->schema.kind == SCHEMA_ANY)
            continue;
        size += field->name_len + min_size(&field->schema, field->schema.embedded, depth + 1) + 4;
    }
    return size;
}

static int64_t min_size(const struct schema *schema, bool root, unsigned depth)
{
    const char *format = format_of(schema);
    if (depth > NESTING_MAX)
        return 2;
    switch (schema->kind) {
    case SCHEMA_BOOL:
        return 4;
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_FLOAT64:
    case SCHEMA_INT_OR_STRING:
    case SCHEMA_ANY:
        return 1;
    case SCHEMA_RECORD:
        return record_min_size(schema->type, depth);
    case SCHEMA_LIST:
    case SCHEMA_MAP:
    case SCHEMA_RAW:
        return 2;
    default:
        return strcmp(format, "duration") == 0    ? 3
               : strcmp(format, "date") == 0      ? DATE_TEXT
               : strcmp(format, "date-time") == 0 ? 21
                                                  : 2;
    }
}

int64_t cel_schema_min_size(const struct schema *schema, bool root)
{
    return min_size(schema, root, 0);
}

uint64_t cel_schema_max(const struct schema *schema)
{
    int64_t most = max_length(schema);
    switch (schema->kind) {
    case SCHEMA_LIST:
        if (most < 0 && schema->elem)
            most = (REQUEST_MAX - 2) / (min_size(schema->elem, schema->elem->embedded, 0) + 1);
        return most < 0 ? 0 : (uint64_t)most;
    case SCHEMA_MAP:
        if (most < 0 && schema->elem)
            most = (REQUEST_MAX - 2) / (min_size(schema->elem, schema->elem->embedded, 0) + 6);
        return most < 0 ? 0 : (uint64_t)most;
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
    case SCHEMA_TIME:
    case SCHEMA_MICRO_TIME:
    case SCHEMA_DURATION:
    case SCHEMA_QUANTITY:
    case SCHEMA_INT_OR_STRING:
        return (uint64_t)text_max(schema);
    default:
        return 0;
    }
}
