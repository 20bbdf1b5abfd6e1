/* The first pass: one YAML file into a package. */
#include "model.h"
#include "yaml_node.h"

#include <ctype.h>
#include <stdarg.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { MAX_PROTO = 536870911 };

void model_fault(struct source *source, const yaml_node_t *node, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s:%zu: ", source->path, node ? node->start_mark.line + 1 : 1);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    source->model->faults++;
}

void model_init(struct model *model)
{
    *model = (struct model){.arena = arena_new()};
}

void model_release(struct model *model)
{
    for (size_t i = 0; i < model->package_count; i++)
        yaml_document_delete(&model->packages[i]->source->document);
    arena_free(model->arena);
}

/* ---- type expressions ---- */

static const struct {
    const char *name;
    enum schema_kind kind;
    const char *raw;
} scalars[] = {
    {"string", SCHEMA_STRING, NULL},
    {"int32", SCHEMA_INT32, NULL},
    {"int64", SCHEMA_INT64, NULL},
    {"float64", SCHEMA_FLOAT64, NULL},
    {"bool", SCHEMA_BOOL, NULL},
    {"bytes", SCHEMA_BYTES, NULL},
    {"Time", SCHEMA_TIME, NULL},
    {"MicroTime", SCHEMA_MICRO_TIME, NULL},
    {"Duration", SCHEMA_DURATION, NULL},
    {"Quantity", SCHEMA_QUANTITY, NULL},
    {"IntOrString", SCHEMA_INT_OR_STRING, NULL},
    {"RawExtension", SCHEMA_RAW, "schema_raw_extension"},
    {"FieldsV1", SCHEMA_RAW, "schema_raw_fields_v1"},
    {"JSON", SCHEMA_RAW, "schema_raw_json"},
    {"any", SCHEMA_ANY, NULL},
};

static struct type_expr *parse_type(struct source *source, yaml_node_t *node, struct slice text)
{
    struct type_expr *expr = arena_zalloc(source->model->arena, sizeof *expr);
    bool list = slice_starts(text, SLICE("list<")), map = slice_starts(text, SLICE("map<"));
    if ((list || map) && slice_ends(text, SLICE(">"))) {
        size_t head = list ? 5 : 4;
        expr->kind = list ? SCHEMA_LIST : SCHEMA_MAP;
        expr->elem = parse_type(source, node, slice_make(text.ptr + head, text.len - head - 1));
        return expr;
    }
    for (size_t i = 0; i < COUNT(scalars); i++)
        if (slice_is(text, scalars[i].name)) {
            expr->kind = scalars[i].kind;
            expr->raw = scalars[i].raw;
            return expr;
        }
    expr->kind = SCHEMA_RECORD; /* or RAW, when the name turns out to be of an opaque type */
    expr->ref = arena_strdup(source->model->arena, text);
    return expr;
}

/* ---- fields ---- */

static void set_flag(struct source *source, yaml_node_t *v, struct field *f, unsigned flag)
{
    f->flags = node_bool(source, v) ? f->flags | flag : f->flags & ~flag;
}

enum { OMIT_EMPTY_GIVEN = 1u << 31 }; /* in field.flags while a field is read */

#define READER(name) static void name(struct source *source, yaml_node_t *v, void *into)

READER(field_type)
{
    ((struct field *)into)->type = parse_type(source, v, slice_str(node_text(source, v)));
}

READER(field_inline)
{
    field_type(source, v, into);
    ((struct field *)into)->is_inline = true;
}

READER(field_proto)
{
    ((struct field *)into)->proto = (uint32_t)node_int(source, v, 1, MAX_PROTO);
}

READER(field_required)
{
    set_flag(source, v, into, FIELD_REQUIRED);
}

READER(field_pointer)
{
    set_flag(source, v, into, FIELD_POINTER);
}

READER(field_omit_empty)
{
    set_flag(source, v, into, FIELD_OMIT_EMPTY);
    ((struct field *)into)->flags |= OMIT_EMPTY_GIVEN;
}

READER(field_omit_zero)
{
    set_flag(source, v, into, FIELD_OMIT_ZERO);
}

READER(field_immutable)
{
    set_flag(source, v, into, FIELD_IMMUTABLE);
}

READER(field_show_default)
{
    set_flag(source, v, into, FIELD_SHOW_DEFAULT);
}
READER(field_wrapped)
{
    set_flag(source, v, into, FIELD_WRAPPED);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

READER(field_enum)
{
    struct field *f = into;
    f->enums = node_texts(source, v);
    size_t n = 0;
    while (f->enums && f->enums[n])
        n++;
    if (n)
        qsort(f->enums, n, sizeof *f->enums, by_text);
}

READER(field_format)
{
    ((struct field *)into)->format = node_text(source, v);
}

READER(field_pattern)
{
    ((struct field *)into)->pattern = node_text(source, v);
}

READER(field_min)
{
    struct field *f = into;
    f->has_min = true;
    f->min = node_number(source, v);
}

READER(field_max)
{
    struct field *f = into;
    f->has_max = true;
    f->max = node_number(source, v);
}

READER(field_min_length)
{
    ((struct field *)into)->min_length = node_int(source, v, 0, INT32_MAX);
}

READER(field_max_length)
{
    ((struct field *)into)->max_length = node_int(source, v, 0, INT32_MAX);
}

READER(field_list_type)
{
    struct field *f = into;
    const char *s = node_text(source, v);
    f->list_type = strcmp(s, "atomic") == 0 ? LIST_TYPE_ATOMIC
                   : strcmp(s, "set") == 0  ? LIST_TYPE_SET
                   : strcmp(s, "map") == 0  ? LIST_TYPE_MAP
                                            : LIST_TYPE_NONE;
    if (f->list_type == LIST_TYPE_NONE)
        model_fault(source, v, "listType is atomic, set or map, not \"%s\"", s);
}

READER(field_list_keys)
{
    ((struct field *)into)->list_keys = node_texts(source, v);
}

READER(field_map_type)
{
    const char *s = node_text(source, v);
    if (strcmp(s, "atomic") != 0 && strcmp(s, "granular") != 0)
        model_fault(source, v, "mapType is atomic or granular, not \"%s\"", s);
    struct field *f = into;
    f->map_type = strcmp(s, "atomic") == 0 ? MAP_TYPE_ATOMIC : MAP_TYPE_GRANULAR;
    if (f->map_type == MAP_TYPE_GRANULAR)
        f->flags |= FIELD_SHOW_GRANULAR;
}

READER(field_patch)
{
    struct field *f = into;
    struct slice rest = slice_str(node_text(source, v)), part;
    while (slice_split(&rest, ',', &part)) {
        if (slice_is(part, "merge"))
            f->patch |= PATCH_MERGE;
        else if (slice_is(part, "retainKeys"))
            f->patch |= PATCH_RETAIN_KEYS;
        else if (slice_is(part, "replace"))
            f->flags |= FIELD_SHOW_REPLACE;
        else
            model_fault(source, v, "patchStrategy is made of merge, retainKeys and replace, not \"%.*s\"",
                        SLICE_ARG(part));
    }
}

READER(field_patch_key)
{
    ((struct field *)into)->patch_key = node_text(source, v);
}

READER(field_default)
{
    ((struct field *)into)->default_node = v;
}

READER(field_doc)
{
    ((struct field *)into)->doc = node_text(source, v);
}

static const struct node_key field_keys[] = {
    {"type", field_type},
    {"inline", field_inline},
    {"proto", field_proto},
    {"pointer", field_pointer},
    {"required", field_required},
    {"omitEmpty", field_omit_empty},
    {"omitZero", field_omit_zero},
    {"immutable", field_immutable},
    {"default", field_default},
    {"showDefault", field_show_default},
    {"wrapped", field_wrapped},
    {"enum", field_enum},
    {"format", field_format},
    {"pattern", field_pattern},
    {"min", field_min},
    {"max", field_max},
    {"minLength", field_min_length},
    {"maxLength", field_max_length},
    {"listType", field_list_type},
    {"listMapKeys", field_list_keys},
    {"mapType", field_map_type},
    {"patchStrategy", field_patch},
    {"patchMergeKey", field_patch_key},
    {"doc", field_doc},
};

static void read_field(struct source *source, struct type *type, const char *name, yaml_node_t *node)
{
    struct field *f =
        arena_push(source->model->arena, &type->fields, &type->field_count, &type->field_capacity, sizeof *f);
    *f = (struct field){
        .source = source, .node = node, .name = name, .doc = "", .min_length = -1, .max_length = -1};
    node_keys(source, node, "a field", field_keys, COUNT(field_keys), f);
    if (!f->type) {
        model_fault(source, node, "field \"%s\" has no type", name);
        f->type = parse_type(source, node, SLICE("any"));
    }
    if (!(f->flags & OMIT_EMPTY_GIVEN) && !(f->flags & FIELD_REQUIRED))
        f->flags |= FIELD_OMIT_EMPTY;
    f->flags &= ~OMIT_EMPTY_GIVEN;
}

static void add_field(struct source *source, struct type *type, const char *name, const char *text,
                      unsigned proto, unsigned flags)
{
    struct field *f =
        arena_push(source->model->arena, &type->fields, &type->field_count, &type->field_capacity, sizeof *f);
    *f = (struct field){.source = source,
                        .node = type->node,
                        .name = name,
                        .doc = "",
                        .min_length = -1,
                        .max_length = -1,
                        .proto = proto,
                        .flags = flags,
                        .type = parse_type(source, type->node, slice_str(text))};
}

/* ---- types ---- */

READER(type_doc)
{
    ((struct type *)into)->doc = node_text(source, v);
}

READER(type_kind)
{
    ((struct type *)into)->is_kind = node_bool(source, v);
}

READER(type_opaque)
{
    ((struct type *)into)->opaque = node_bool(source, v);
}

READER(type_hook)
{
    ((struct type *)into)->hook = node_bool(source, v);
}

READER(type_map_type)
{
    struct field f = {0};
    field_map_type(source, v, &f);
    ((struct type *)into)->atomic = f.map_type == MAP_TYPE_ATOMIC;
}

READER(union_discriminator)
{
    ((struct type *)into)->discriminator = node_text(source, v);
}

READER(union_members)
{
    ((struct type *)into)->members = node_texts(source, v);
}

READER(type_union)
{
    static const struct node_key keys[] = {{"discriminator", union_discriminator},
                                           {"members", union_members}};
    node_keys(source, v, "a union", keys, COUNT(keys), into);
}

READER(type_fields)
{
    const char *name;
    yaml_node_t *value;
    for (size_t i = 0; node_pair(source, v, i, &name, &value); i++)
        read_field(source, into, name, value);
}

READER(type_list)
{
    struct type *type = into;
    const char *item = arena_printf(source->model->arena, "list<%s>", node_text(source, v));
    type->is_kind = true;
    if (!*type->doc)
        type->doc = arena_printf(source->model->arena, "A list of %s objects.", node_text(source, v));
    add_field(source, type, "metadata",
              strcmp(type->package->name, "meta_v1") ? "meta_v1.ListMeta" : "ListMeta", 1, FIELD_OMIT_EMPTY);
    add_field(source, type, "items", item, 2, FIELD_REQUIRED);
}

static const struct node_key type_keys[] = {
    {"doc", type_doc},   {"kind", type_kind},        {"list", type_list},   {"opaque", type_opaque},
    {"hook", type_hook}, {"mapType", type_map_type}, {"union", type_union}, {"fields", type_fields},
};

/* A name in C: what is no letter or digit becomes '_', leading ones are dropped ("$ref" is "ref"). */
static const char *c_name(struct arena *arena, const char *name)
{
    while (*name && !isalnum((unsigned char)*name))
        name++;
    char *copy = arena_strdup(arena, slice_str(name));
    for (char *p = copy; *p; p++)
        if (!isalnum((unsigned char)*p))
            *p = '_';
    return copy;
}

READER(package_types)
{
    struct package *package = into;
    const char *name;
    yaml_node_t *value;
    for (size_t i = 0; node_pair(source, v, i, &name, &value); i++) {
        struct type *t = arena_push(source->model->arena, &package->types, &package->type_count,
                                    &package->type_capacity, sizeof *t);
        *t = (struct type){.package = package, .node = value, .name = name, .doc = ""};
        node_keys(source, value, "a type", type_keys, COUNT(type_keys), t);
    }
}

/* ---- packages ---- */

READER(package_name)
{
    ((struct package *)into)->name = node_text(source, v);
}

READER(package_group)
{
    ((struct package *)into)->group = node_text(source, v);
}

READER(package_version)
{
    ((struct package *)into)->version = node_text(source, v);
}

READER(package_openapi)
{
    ((struct package *)into)->openapi = node_text(source, v);
}

READER(priority_group)
{
    ((struct package *)into)->group_priority = (int)node_int(source, v, 1, 20000);
}

READER(priority_version)
{
    ((struct package *)into)->version_priority = (int)node_int(source, v, 1, 1000);
}

READER(package_priority)
{
    static const struct node_key keys[] = {{"group", priority_group}, {"version", priority_version}};
    node_keys(source, v, "priority", keys, COUNT(keys), into);
}

static const struct node_key package_keys[] = {
    {"package", package_name},    {"group", package_group},       {"version", package_version},
    {"openapi", package_openapi}, {"priority", package_priority}, {"resources", load_resources},
    {"types", package_types},
};

static bool parse_document(struct source *source)
{
    cleanup_file FILE *file = fopen(source->path, "r");
    if (!file) {
        model_fault(source, NULL, "cannot be opened: %m");
        return false;
    }
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_file(&parser, file);
    bool ok = yaml_parser_load(&parser, &source->document);
    if (!ok) {
        fprintf(stderr, "%s:%zu: %s\n", source->path, parser.problem_mark.line + 1,
                parser.problem ? parser.problem : "no YAML");
        source->model->faults++;
    }
    yaml_parser_delete(&parser);
    return ok;
}

void model_load(struct model *model, const char *path)
{
    struct source *source = arena_zalloc(model->arena, sizeof *source);
    *source = (struct source){.model = model, .path = path};
    if (!parse_document(source))
        return;
    struct package *package = arena_zalloc(model->arena, sizeof *package);
    package->source = source;
    struct package **slot = arena_push(model->arena, &model->packages, &model->package_count,
                                       &model->package_capacity, sizeof *slot);
    *slot = package;
    yaml_node_t *root = yaml_document_get_root_node(&source->document);
    if (!root) {
        model_fault(source, NULL, "is empty");
        return;
    }
    node_keys(source, root, "a package", package_keys, COUNT(package_keys), package);
    if (!package->name || !package->openapi) {
        model_fault(source, root, "package and openapi must be given");
        package->name = package->name ? package->name : "";
        return;
    }
    for (size_t i = 0; i < package->type_count; i++) {
        struct type *t = &package->types[i];
        t->c_name = arena_printf(model->arena, "%s_%s", package->name, c_name(model->arena, t->name));
        t->openapi = arena_printf(model->arena, "%s.%s", package->openapi, t->name);
    }
}
