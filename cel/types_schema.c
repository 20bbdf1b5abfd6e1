#include "cel/types.h"

#include "base/buf.h"

/* Types of schemas, as upstream derives them for rules (k8s.io/apiserver/pkg/cel/common). They are made on
 * demand: a rule that looks at two fields of a schema of thousands makes two types. */

static bool is_reserved(struct slice name)
{
    static const char *const names[] = {"true",   "false",    "null", "in",      "as",        "break",
                                        "const",  "continue", "else", "for",     "function",  "if",
                                        "import", "let",      "loop", "package", "namespace", "return",
                                        "var",    "void",     "while"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(name, names[i]))
            return true;
    return false;
}

static const struct {
    struct slice raw, escaped;
} escapes[] = {
    {SLICE("__"), SLICE("__underscores__")},
    {SLICE("."), SLICE("__dot__")},
    {SLICE("-"), SLICE("__dash__")},
    {SLICE("/"), SLICE("__slash__")},
};

static bool plain_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!plain_char(name.ptr[i]) || (name.ptr[i] == '_' && i + 1 < name.len && name.ptr[i + 1] == '_'))
            return false;
    return name.len > 0 && !(name.ptr[0] >= '0' && name.ptr[0] <= '9');
}

bool cel_escape(struct arena *arena, struct slice name, struct slice *ret)
{
    if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
        return false;
    if (is_reserved(name)) {
        *ret = arena_slicef(arena, "__%.*s__", SLICE_ARG(name));
        return true;
    }
    *ret = name;
    if (is_plain(name))
        return true;
    cleanup_buf struct buf out = BUF_INIT(64 * 1024);
    for (size_t i = 0; i < name.len;) {
        size_t e = 0, count = sizeof escapes / sizeof *escapes;
        while (e < count && !slice_starts(slice_from(name, i), escapes[e].raw))
            e++;
        if (e == count && !plain_char(name.ptr[i]))
            return false;
        if (e < count)
            buf_put_slice(&out, escapes[e].escaped);
        else
            buf_putc(&out, name.ptr[i]);
        i += e < count ? escapes[e].raw.len : 1;
    }
    *ret = arena_dup(arena, buf_slice(&out));
    return !out.failed;
}

bool cel_unescape(struct arena *arena, struct slice name, struct slice *ret)
{
    *ret = name;
    if (is_plain(name))
        return true;
    if (name.len > 4 && slice_starts(name, SLICE("__")) && slice_ends(name, SLICE("__")) &&
        is_reserved(slice_make(name.ptr + 2, name.len - 4))) {
        *ret = slice_make(name.ptr + 2, name.len - 4);
        return true;
    }
    cleanup_buf struct buf out = BUF_INIT(64 * 1024);
    for (size_t i = 0; i < name.len;) {
        size_t e = 0, count = sizeof escapes / sizeof *escapes;
        while (e < count && !slice_starts(slice_from(name, i), escapes[e].escaped))
            e++;
        if (e == count && slice_starts(slice_from(name, i), SLICE("__")))
            return false;
        if (e < count)
            buf_put_slice(&out, escapes[e].raw);
        else
            buf_putc(&out, name.ptr[i]);
        i += e < count ? escapes[e].escaped.len : 1;
    }
    *ret = arena_dup(arena, buf_slice(&out));
    return !out.failed;
}

/* ---- types ---- */

static const struct cel_type *type_of_text(const struct schema *schema)
{
    const char *format = schema->rules && schema->rules->format ? schema->rules->format : "";
    if (strcmp(format, "byte") == 0)
        return &cel_type_bytes;
    if (strcmp(format, "duration") == 0)
        return &cel_type_duration;
    if (strcmp(format, "date") == 0 || strcmp(format, "date-time") == 0)
        return &cel_type_timestamp;
    return &cel_type_string;
}

static const struct cel_type *object_type(struct arena *arena, const struct schema *schema, const char *name,
                                          bool root)
{
    struct cel_type *t = arena_zalloc(arena, sizeof *t);
    *t = (struct cel_type){.kind = CEL_OBJECT, .name = name, .schema = schema, .root = root};
    return t;
}

static const struct cel_type *container_type(struct arena *arena, const struct schema *schema,
                                             const char *name)
{
    bool list = schema->kind == SCHEMA_LIST;
    if (!schema->elem)
        return NULL;
    const char *elem_name = arena_printf(arena, "%s.%s", name, list ? "@idx" : "@elem");
    const struct cel_type *elem =
        cel_type_of_schema(arena, schema->elem, elem_name, schema->elem->embedded ? CEL_SCHEMA_ROOT : 0);
    if (!elem)
        return NULL;
    struct cel_type *t =
        (struct cel_type *)(list ? cel_type_list(arena, elem) : cel_type_map(arena, &cel_type_string, elem));
    t->schema = schema;
    return t;
}

const struct cel_type *cel_type_of_schema(struct arena *arena, const struct schema *schema, const char *name,
                                          unsigned flags)
{
    switch (schema->kind) {
    case SCHEMA_STRING:
        return type_of_text(schema);
    case SCHEMA_DURATION:
    case SCHEMA_QUANTITY:
        return &cel_type_string;
    case SCHEMA_INT32:
    case SCHEMA_INT64:
        return &cel_type_int;
    case SCHEMA_FLOAT64:
        return &cel_type_double;
    case SCHEMA_BOOL:
        return &cel_type_bool;
    case SCHEMA_BYTES:
        return &cel_type_bytes;
    case SCHEMA_TIME:
    case SCHEMA_MICRO_TIME:
        return &cel_type_timestamp;
    case SCHEMA_INT_OR_STRING:
        return &cel_type_dyn;
    case SCHEMA_LIST:
    case SCHEMA_MAP:
        return container_type(arena, schema, name);
    case SCHEMA_RECORD:
        return object_type(arena, schema, name, flags & CEL_SCHEMA_ROOT);
    case SCHEMA_RAW:
        return schema->type == &schema_raw_json ? NULL
                                                : object_type(arena, schema, name, flags & CEL_SCHEMA_ROOT);
    case SCHEMA_ANY:
        break;
    }
    return NULL;
}

/* ---- fields ---- */

static const struct cel_type *record_field(const struct cel_record *record, struct slice name)
{
    for (size_t i = 0; i < record->count; i++)
        if (slice_is(name, record->fields[i].name))
            return record->fields[i].type;
    return NULL;
}

/* apiVersion, kind and metadata are there whatever the schema says. */
static const struct cel_type *root_field(struct arena *arena, const struct cel_type *object,
                                         struct slice name)
{
    if (object->meta)
        return slice_is(name, "name") || slice_is(name, "generateName") ? &cel_type_string : NULL;
    if (slice_is(name, "apiVersion") || slice_is(name, "kind"))
        return &cel_type_string;
    if (!slice_is(name, "metadata"))
        return NULL;
    const struct schema_type *type = object->schema->kind == SCHEMA_RECORD ? object->schema->type : NULL;
    int field = type ? schema_find_field(type, name.ptr, name.len) : -1;
    static const struct schema no_schema = {.kind = SCHEMA_ANY};
    struct cel_type *t =
        (struct cel_type *)object_type(arena, field >= 0 ? &type->fields[field].schema : &no_schema,
                                       arena_printf(arena, "%s.metadata", object->name), false);
    t->meta = true;
    return t;
}

static const struct cel_type *schema_field(struct arena *arena, const struct cel_type *object,
                                           struct slice name, struct slice written)
{
    const struct schema_type *type =
        object->schema && object->schema->kind == SCHEMA_RECORD ? object->schema->type : NULL;
    int field = type ? schema_find_field(type, name.ptr, name.len) : -1;
    if (field < 0)
        return NULL;
    const struct schema *schema = &type->fields[field].schema;
    return cel_type_of_schema(arena, schema, arena_printf(arena, "%s.%.*s", object->name, SLICE_ARG(written)),
                              schema->embedded ? CEL_SCHEMA_ROOT : 0);
}

const struct cel_type *cel_type_field(struct arena *arena, const struct cel_type *object, struct slice name,
                                      struct slice *ret_field)
{
    struct slice escaped;
    *ret_field = name;
    if (object->record)
        return record_field(object->record, name);
    if (!is_reserved(name) && (!cel_unescape(arena, name, ret_field) ||
                               !cel_escape(arena, *ret_field, &escaped) || !slice_eq(escaped, name)))
        return NULL;
    if (object->root || object->meta) {
        const struct cel_type *type = root_field(arena, object, *ret_field);
        if (type || object->meta)
            return type;
    }
    return schema_field(arena, object, *ret_field, name);
}
