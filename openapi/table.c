#include "openapi/table.h"
#include "base/clock.h"
#include "openapi/decode.h"
#include "openapi/jsonpath.h"

/* ---- cells ---- */

struct slice table_duration(struct arena *arena, int64_t seconds)
{
    long long s = seconds, m = s / 60, h = s / 3600, d = h / 24, y = d / 365;

    if (s < -1)
        return SLICE("<invalid>");
    if (s < 0)
        return SLICE("0s");
    if (s < 120)
        return arena_slicef(arena, "%llds", s);
    if (m < 10)
        return s % 60 ? arena_slicef(arena, "%lldm%llds", m, s % 60) : arena_slicef(arena, "%lldm", m);
    if (m < 180)
        return arena_slicef(arena, "%lldm", m);
    if (h < 8)
        return m % 60 ? arena_slicef(arena, "%lldh%lldm", h, m % 60) : arena_slicef(arena, "%lldh", h);
    if (h < 48)
        return arena_slicef(arena, "%lldh", h);
    if (d < 8)
        return h % 24 ? arena_slicef(arena, "%lldd%lldh", d, h % 24) : arena_slicef(arena, "%lldd", d);
    if (y < 2)
        return arena_slicef(arena, "%lldd", d);
    if (y < 8 && d % 365)
        return arena_slicef(arena, "%lldy%lldd", y, d % 365);
    return arena_slicef(arena, "%lldy", y);
}

struct value table_age(struct arena *arena, const struct value *time, int64_t now)
{
    int64_t micros;

    if (time->kind != VALUE_STRING || !clock_parse(value_text(time), &micros))
        return value_of_cstr("<unknown>");
    return value_of_string(table_duration(arena, now - micros / 1000000));
}

struct value table_labels(struct arena *arena, const struct value *map)
{
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);

    for (VALUE_EACH_ENTRY(entry, map)) {
        if (text.len)
            buf_putc(&text, ',');
        buf_put_slice(&text, entry->key);
        buf_putc(&text, '=');
        buf_put_slice(&text, value_text(&entry->value));
    }
    return text.len ? value_of_string(arena_dup(arena, buf_slice(&text))) : value_of_cstr("<none>");
}

static struct value joined(struct arena *arena, const struct value *list)
{
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);

    for (VALUE_EACH(item, list)) {
        if (text.len)
            buf_putc(&text, ',');
        if (item->kind == VALUE_INT)
            buf_put_int(&text, item->i);
        else
            buf_put_slice(&text, value_text(item));
    }
    return value_of_string(arena_dup(arena, buf_slice(&text)));
}

/* What an absent value looks like in a column of the type. */
static struct value empty_cell(const struct schema_column *column)
{
    if (strcmp(column->type, "integer") == 0 || strcmp(column->type, "number") == 0)
        return value_of_int(0);
    if (strcmp(column->type, "boolean") == 0)
        return value_of_bool(false);
    return value_of_cstr("");
}

/* A value as a cell of a custom resource's column; null when it is of another type. */
static struct value custom_cell(struct arena *arena, const struct schema_column *column,
                                const struct value *v, int64_t now)
{
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    bool number = v->kind == VALUE_INT || v->kind == VALUE_FLOAT;
    if (strcmp(column->type, "string") == 0) {
        jsonpath_print(&text, v);
        return value_of_string(arena_dup(arena, buf_slice(&text)));
    }
    if (strcmp(column->type, "integer") == 0 && number)
        return v->kind == VALUE_INT ? *v : value_of_int((int64_t)v->f);
    if ((strcmp(column->type, "number") == 0 && number) ||
        (strcmp(column->type, "boolean") == 0 && v->kind == VALUE_BOOL))
        return *v;
    if (strcmp(column->type, "date") == 0 && v->kind == VALUE_STRING) {
        int64_t micros;
        return clock_parse(value_text(v), &micros) ? table_age(arena, v, now) : value_of_cstr("<invalid>");
    }
    return value_absent;
}

static struct value jsonpath_cell(struct arena *arena, const struct schema_column *column,
                                  const struct value *object, int64_t now)
{
    struct jsonpath_results found = {0};
    bool good = jsonpath_find(arena, column->jsonpath, object, &found) && found.count;
    return good ? custom_cell(arena, column, &found.items[0], now) : value_absent;
}

static struct value path_cell(struct arena *arena, const struct schema_column *column,
                              const struct value *object, int64_t now)
{
    const struct value *v = value_path(object, column->path);

    if (slice_ends(slice_str(column->path), SLICE("imestamp")) && strcmp(column->type, "date") != 0)
        return table_age(arena, v, now);
    switch ((enum value_kind)v->kind) {
    case VALUE_MAP:
        return table_labels(arena, v);
    case VALUE_LIST:
        return joined(arena, v);
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_FLOAT:
    case VALUE_STRING:
        return *v;
    default:
        return empty_cell(column);
    }
}

/* ---- printing ---- */

/* For a resource that names no columns. */
static const struct schema_column plain_columns[] = {
    {.name = "Name",
     .type = "string",
     .format = "name",
     .doc = "The object's name, unique among those of its kind in a namespace.",
     .path = "metadata.name"},
    {.name = "Created At",
     .type = "date",
     .format = "",
     .doc = "When the object was created.",
     .path = "metadata.creationTimestamp"},
};

static const struct schema_column *columns_of(const struct schema_resource *resource, unsigned *ret_count)
{
    *ret_count =
        resource->column_count ? resource->column_count : sizeof plain_columns / sizeof *plain_columns;
    return resource->column_count ? resource->columns : plain_columns;
}

static void put_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\":", name);
    buf_put_json_string(out, slice_str(text));
    buf_putc(out, ',');
}

bool table_object_parse(struct slice text, enum table_object *ret)
{
    if (!text.len || slice_is(text, "Metadata"))
        *ret = TABLE_OBJECT_METADATA;
    else if (slice_is(text, "None"))
        *ret = TABLE_OBJECT_NONE;
    else if (slice_is(text, "Object"))
        *ret = TABLE_OBJECT_FULL;
    else
        return false;
    return true;
}

void table_put_columns(struct buf *out, const struct schema_resource *resource)
{
    unsigned count;
    const struct schema_column *columns = columns_of(resource, &count);

    for (unsigned i = 0; i < count; i++) {
        buf_puts(out, i ? ",{" : "[{");
        put_member(out, "name", columns[i].name);
        put_member(out, "type", columns[i].type);
        put_member(out, "format", columns[i].format);
        put_member(out, "description", columns[i].doc);
        buf_printf(out, "\"priority\":%d}", columns[i].priority);
    }
    buf_putc(out, ']');
}

void table_put_partial(struct buf *out, const char *meta_version, const struct value *object)
{
    const struct schema_type *type = object->kind == VALUE_RECORD ? object->record->type : NULL;
    int field = type ? schema_find_field(type, "metadata", strlen("metadata")) : -1;

    buf_printf(out, "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/%s\",\"metadata\":",
               meta_version);
    if (field < 0)
        buf_puts(out, "{}");
    else
        encode_json(out, &type->fields[field].schema, value_at(object, (unsigned)field));
    buf_putc(out, '}');
}

static void put_cells(struct buf *out, struct arena *arena, const struct table *table,
                      const struct value *object)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    unsigned count;
    const struct schema_column *columns = columns_of(table->resource, &count);
    struct value *cells = arena_zalloc(arena, count * sizeof *cells);

    for (unsigned i = 0; i < count; i++)
        cells[i] = columns[i].jsonpath ? jsonpath_cell(arena, &columns[i], object, table->now)
                   : columns[i].path   ? path_cell(arena, &columns[i], object, table->now)
                                       : empty_cell(&columns[i]);
    if (table->row)
        table->row(arena, object, table->now, cells);
    for (unsigned i = 0; i < count; i++) {
        buf_putc(out, i ? ',' : '[');
        if (value_is_set(&cells[i]))
            encode_json(out, &any, &cells[i]);
        else
            buf_puts(out, "null");
    }
    buf_putc(out, ']');
}

void table_put_row(struct buf *out, struct arena *arena, const struct table *table,
                   const struct value *object, struct slice json)
{
    buf_puts(out, "{\"cells\":");
    put_cells(out, arena, table, object);
    const char *reason, *message;
    if (table->completed && table->completed(object, &reason, &message))
        buf_printf(out,
                   ",\"conditions\":[{\"type\":\"Completed\",\"status\":\"True\",\"reason\":\"%s\","
                   "\"message\":\"%s\"}]",
                   reason, message);
    buf_puts(out, ",\"object\":");
    if (table->include == TABLE_OBJECT_NONE)
        buf_puts(out, "null");
    else if (table->include == TABLE_OBJECT_FULL)
        buf_put_slice(out, json);
    else
        table_put_partial(out, table->meta_version, object);
    buf_putc(out, '}');
}
