#include "openapi/document_writer.h"

#include "openapi/gen/meta_v1.h"
#include "base/alloc.h"

#include <openssl/sha.h>

const struct schema_type document_patch_type = {
    .name = "Patch",
    .package = "meta_v1",
    .openapi = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch",
    .doc = "The body of a patch; what it may hold depends on its media type."};

/* Scalars that have a definition of their own, as upstream's Go types do. */
static const struct schema_type time_type = {.openapi = "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
                                             .doc = "A point in time, RFC 3339, in seconds."};
static const struct schema_type micro_time_type = {.openapi =
                                                       "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
                                                   .doc = "A point in time, RFC 3339, in microseconds."};
static const struct schema_type duration_type = {.openapi = "io.k8s.apimachinery.pkg.apis.meta.v1.Duration",
                                                 .doc = "A span of time such as \"1h30m\"."};
static const struct schema_type quantity_type = {
    .openapi = "io.k8s.apimachinery.pkg.api.resource.Quantity",
    .doc = "A number with an optional unit: \"500m\", \"1.5\", \"2Gi\", \"100k\"."};
static const struct schema_type int_or_string_type = {
    .openapi = "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    .doc = "A whole number, or a text such as a name or a percentage."};

void document_hash(struct slice document, char ret_hash[DOCUMENT_HASH_SIZE])
{
    char etag[DISCOVERY_ETAG_SIZE];
    discovery_etag(document, etag);
    memcpy(ret_hash, etag + 1, DOCUMENT_HASH_SIZE - 1);
    ret_hash[DOCUMENT_HASH_SIZE - 1] = '\0';
}

void document_writer_init(struct document_writer *w, enum document_form form, struct discovery_list list)
{
    *w = (struct document_writer){
        .form = form, .list = list, .arena = arena_new(), .out = BUF_INIT(1 << 28), .slot_count = 4096};
    w->slots = arena_zalloc(w->arena, w->slot_count * sizeof *w->slots);
}

void document_writer_release(struct document_writer *w)
{
    buf_release(&w->out);
    arena_free(w->arena);
}

static size_t find_slot(const struct schema_type **slots, size_t count, const struct schema_type *type)
{
    size_t i = (size_t)((uintptr_t)type >> 4) * 2654435761u & (count - 1);
    while (slots[i] && slots[i] != type)
        i = (i + 1) & (count - 1);
    return i;
}

static void grow_slots(struct document_writer *w)
{
    size_t count = w->slot_count * 2;
    const struct schema_type **slots = arena_zalloc(w->arena, count * sizeof *slots);
    for (size_t i = 0; i < w->type_count; i++)
        slots[find_slot(slots, count, w->types[i])] = w->types[i];
    w->slots = slots;
    w->slot_count = count;
}

void document_need(struct document_writer *w, const struct schema_type *type)
{
    size_t i = find_slot(w->slots, w->slot_count, type);
    if (w->slots[i])
        return;
    w->slots[i] = type;
    const struct schema_type **slot =
        arena_push(w->arena, &w->types, &w->type_count, &w->type_capacity, sizeof *slot);
    *slot = type;
    if (w->type_count * 2 > w->slot_count)
        grow_slots(w);
}

void document_put_ref(struct document_writer *w, const struct schema_type *type)
{
    document_need(w, type);
    buf_printf(&w->out, "\"$ref\":\"#/%s/%s\"", w->form == DOCUMENT_V3 ? "components/schemas" : "definitions",
               type->openapi);
}

void document_put_member(struct document_writer *w, const char *key, const char *text)
{
    buf_printf(&w->out, "\"%s\":", key);
    buf_put_json_string(&w->out, slice_str(text));
}

/* ---- schemas ---- */

/* The definition that a value refers to, or NULL if it is written in place. */
static const struct schema_type *reference(const struct schema *s)
{
    switch (s->kind) {
    case SCHEMA_RECORD:
    case SCHEMA_RAW:
        return s->type;
    case SCHEMA_TIME:
        return &time_type;
    case SCHEMA_MICRO_TIME:
        return &micro_time_type;
    case SCHEMA_DURATION:
        return &duration_type;
    case SCHEMA_QUANTITY:
        return &quantity_type;
    case SCHEMA_INT_OR_STRING:
        return &int_or_string_type;
    default:
        return NULL;
    }
}

static void put_enums(struct document_writer *w, const struct schema_rules *rules)
{
    if (!rules || !rules->enums || w->form == DOCUMENT_V2)
        return;
    buf_puts(&w->out, "\"enum\":[");
    for (size_t i = 0; rules->enums[i]; i++) {
        if (i)
            buf_putc(&w->out, ',');
        buf_put_json_string(&w->out, slice_str(rules->enums[i]));
    }
    buf_puts(&w->out, "],");
}

/* `"type":...` and what belongs to it, of a value that is no reference. rules: of the field, whose enums are
 * those of the elements. */
static void put_inline(struct document_writer *w, const struct schema *s, const struct schema_rules *rules)
{
    static const struct {
        const char *type, *format;
    } scalars[] = {
        [SCHEMA_STRING] = {"string", NULL},    [SCHEMA_INT32] = {"integer", "int32"},
        [SCHEMA_INT64] = {"integer", "int64"}, [SCHEMA_FLOAT64] = {"number", "double"},
        [SCHEMA_BOOL] = {"boolean", NULL},     [SCHEMA_BYTES] = {"string", "byte"},
        [SCHEMA_ANY] = {"object", NULL},
    };
    const struct schema_type *ref = reference(s);
    if (ref) {
        document_put_ref(w, ref);
    } else if (s->kind == SCHEMA_LIST || s->kind == SCHEMA_MAP) {
        bool list = s->kind == SCHEMA_LIST;
        buf_puts(&w->out,
                 list ? "\"type\":\"array\",\"items\":{" : "\"type\":\"object\",\"additionalProperties\":{");
        put_inline(w, s->elem, rules);
        buf_putc(&w->out, '}');
    } else {
        if (s->kind == SCHEMA_STRING)
            put_enums(w, rules);
        buf_printf(&w->out, "\"type\":\"%s\"", scalars[s->kind].type);
        const char *format = scalars[s->kind].format ? scalars[s->kind].format : rules ? rules->format : NULL;
        if (format) {
            buf_putc(&w->out, ',');
            document_put_member(w, "format", format);
        }
    }
}

static void put_extensions(struct document_writer *w, const struct schema_field *f)
{
    static const char *const list_types[] = {NULL, "atomic", "set", "map"};
    if (f->schema.list_type)
        buf_printf(&w->out, ",\"x-kubernetes-list-type\":\"%s\"", list_types[f->schema.list_type]);
    if (f->schema.list_keys) {
        buf_puts(&w->out, ",\"x-kubernetes-list-map-keys\":[");
        for (size_t i = 0; f->schema.list_keys[i]; i++)
            buf_printf(&w->out, "%s\"%s\"", i ? "," : "", f->schema.list_keys[i]);
        buf_putc(&w->out, ']');
    }
    if (f->schema.kind == SCHEMA_MAP &&
        (f->schema.map_type == MAP_TYPE_ATOMIC || f->flags & FIELD_SHOW_GRANULAR))
        buf_printf(&w->out, ",\"x-kubernetes-map-type\":\"%s\"",
                   f->schema.map_type == MAP_TYPE_ATOMIC ? "atomic" : "granular");
    if (f->patch_key)
        buf_printf(&w->out, ",\"x-kubernetes-patch-merge-key\":\"%s\"", f->patch_key);
    const char *strategy = f->patch == (PATCH_MERGE | PATCH_RETAIN_KEYS) ? "merge,retainKeys"
                           : f->patch == PATCH_MERGE                     ? "merge"
                           : f->patch == PATCH_RETAIN_KEYS               ? "retainKeys"
                           : f->flags & FIELD_SHOW_REPLACE               ? "replace"
                                                                         : NULL;
    if (strategy)
        buf_printf(&w->out, ",\"x-kubernetes-patch-strategy\":\"%s\"", strategy);
}

static void put_property(struct document_writer *w, const struct schema_field *f)
{
    const struct schema_type *ref = reference(&f->schema);
    document_put_member(w, f->name, "");
    w->out.len -= 2;
    buf_putc(&w->out, '{');
    if (f->doc && *f->doc) {
        document_put_member(w, "description", f->doc);
        buf_putc(&w->out, ',');
    }
    const char *shown = schema_shown_default(f);
    if (shown && w->form == DOCUMENT_V3)
        buf_printf(&w->out, "\"default\":%s,", shown);
    if (ref && w->form == DOCUMENT_V3) { /* v3 allows nothing beside a $ref */
        buf_puts(&w->out, "\"allOf\":[{");
        document_put_ref(w, ref);
        buf_puts(&w->out, "}]");
    } else {
        put_inline(w, &f->schema, f->schema.rules);
    }
    put_extensions(w, f);
    buf_putc(&w->out, '}');
}

/* ---- definitions ---- */

static void put_gvk(struct document_writer *w, const char *group, const char *version, const char *kind,
                    const char *separator)
{
    buf_printf(&w->out, "%s{\"group\":\"%s\",\"kind\":\"%s\",\"version\":\"%s\"}", separator, group, kind,
               version);
}

static const struct schema_group_version *group_version_of(struct document_writer *w,
                                                           const struct schema_type *type)
{
    for (size_t i = 0; i < w->list.count; i++)
        if (w->list.items[i]->package && strcmp(w->list.items[i]->package, type->package) == 0)
            return w->list.items[i];
    return NULL;
}

/* Options and watch events belong to every group-version there is. */
static void put_shared_gvks(struct document_writer *w, const struct schema_type *type)
{
    if (w->group_version) {
        put_gvk(w, w->group_version->group, w->group_version->version, type->name, "");
        return;
    }
    for (const struct document_group_version *gv = document_known_group_versions; gv->version; gv++)
        put_gvk(w, gv->group, gv->version, type->name, gv == document_known_group_versions ? "" : ",");
}

static bool is_kind(const struct schema_type *type)
{
    const struct schema_field *f =
        type->fields; /* without numbers: a reference's kind and apiVersion have some */
    return type->field_count > 1 && strcmp(f[0].name, "kind") == 0 && strcmp(f[1].name, "apiVersion") == 0 &&
           !f[0].proto && !f[1].proto;
}

static void put_kinds(struct document_writer *w, const struct schema_type *type)
{
    bool shared = type == &meta_v1_DeleteOptions || type == &meta_v1_WatchEvent;
    const struct schema_group_version *gv = shared || !type->package ? NULL : group_version_of(w, type);
    bool meta = type->package && strcmp(type->package, "meta_v1") == 0;
    if (!shared && (!is_kind(type) || (!gv && !meta)))
        return;
    buf_puts(&w->out, ",\"x-kubernetes-group-version-kind\":[");
    if (shared)
        put_shared_gvks(w, type);
    else
        put_gvk(w, gv ? gv->group : "", gv ? gv->version : "v1", type->name, "");
    buf_putc(&w->out, ']');
}

static void put_union(struct document_writer *w, const struct schema_type *type)
{
    const char *separator = "";
    bool is_union = false;
    for (unsigned i = 0; i < type->field_count; i++)
        is_union |= (type->fields[i].flags & FIELD_UNION) != 0;
    if (!is_union)
        return;
    buf_puts(&w->out, ",\"x-kubernetes-unions\":[{");
    if (type->union_member)
        buf_printf(&w->out, "\"discriminator\":\"%s\",", type->union_member);
    buf_puts(&w->out, "\"fields-to-discriminateBy\":{");
    for (unsigned i = 0; i < type->field_count; i++) {
        const char *name = type->fields[i].name;
        if (!(type->fields[i].flags & FIELD_UNION))
            continue;
        buf_printf(&w->out, "%s\"%s\":\"%c%s\"", separator, name,
                   name[0] >= 'a' && name[0] <= 'z' ? name[0] - 32 : name[0], name + 1);
        separator = ",";
    }
    buf_puts(&w->out, "}}]");
}

static void put_required(struct document_writer *w, const struct schema_type *type)
{
    const char *separator = "\"required\":[";
    for (unsigned i = 0; i < type->field_count; i++) {
        if (!(type->fields[i].flags & FIELD_REQUIRED))
            continue;
        buf_puts(&w->out, separator);
        buf_put_json_string(&w->out, slice_str(type->fields[i].name));
        separator = ",";
    }
    if (*separator == ',')
        buf_puts(&w->out, "],");
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct schema_field *const *)a)->name,
                  (*(const struct schema_field *const *)b)->name);
}

static void put_properties(struct document_writer *w, const struct schema_type *type)
{
    const struct schema_field **sorted = arena_alloc(w->arena, (type->field_count + 1u) * sizeof *sorted);
    for (unsigned i = 0; i < type->field_count; i++)
        sorted[i] = &type->fields[i];
    if (type->field_count)
        qsort(sorted, type->field_count, sizeof *sorted, by_name);
    for (unsigned i = 0; i < type->field_count; i++) {
        buf_puts(&w->out, i ? "," : "\"properties\":{");
        put_property(w, sorted[i]);
    }
    if (type->field_count)
        buf_puts(&w->out, "},");
}

/* The types that are no records. false: it is one. */
static bool put_special(struct document_writer *w, const struct schema_type *type)
{
    bool v3 = w->form == DOCUMENT_V3;
    if (type == &time_type || type == &micro_time_type)
        buf_puts(&w->out, "\"type\":\"string\",\"format\":\"date-time\"");
    else if (type == &duration_type)
        buf_puts(&w->out, "\"type\":\"string\"");
    else if (type == &quantity_type)
        buf_puts(&w->out,
                 v3 ? "\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]" : "\"type\":\"string\"");
    else if (type == &int_or_string_type)
        buf_puts(&w->out,
                 v3 ? "\"format\":\"int-or-string\",\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]"
                    : "\"type\":\"string\",\"format\":\"int-or-string\"");
    else if (type == &schema_raw_extension || type == &schema_raw_fields_v1 || type == &document_patch_type)
        buf_puts(&w->out, "\"type\":\"object\"");
    else
        return false;
    return true;
}

/* JSON or one of several shapes: nothing can be said of it here. */
static bool is_opaque(const struct schema_type *type)
{
    return type == &schema_raw_json || type->opaque;
}

static void put_definition(struct document_writer *w, const struct schema_type *type)
{
    buf_put_json_string(&w->out, slice_str(type->openapi));
    buf_puts(&w->out, ":{");
    document_put_member(w, "description", type->doc ? type->doc : "");
    buf_putc(&w->out, ',');
    if (is_opaque(type)) {
        w->out.len--;
    } else if (!put_special(w, type)) {
        put_required(w, type);
        put_properties(w, type);
        buf_puts(&w->out, "\"type\":\"object\"");
        put_kinds(w, type);
        if (type->atomic)
            buf_puts(&w->out, ",\"x-kubernetes-map-type\":\"atomic\"");
        put_union(w, type);
    }
    buf_putc(&w->out, '}');
}

static void need_fields(struct document_writer *w, const struct schema_type *type)
{
    for (unsigned i = 0; !is_opaque(type) && i < type->field_count; i++) {
        const struct schema *s = &type->fields[i].schema;
        while (s->kind == SCHEMA_LIST || s->kind == SCHEMA_MAP)
            s = s->elem;
        if (reference(s))
            document_need(w, reference(s));
    }
}

static int by_openapi(const void *a, const void *b)
{
    return strcmp((*(const struct schema_type *const *)a)->openapi,
                  (*(const struct schema_type *const *)b)->openapi);
}

void document_put_definitions(struct document_writer *w)
{
    for (size_t i = 0; i < w->type_count; i++) /* grows as it goes */
        need_fields(w, w->types[i]);
    size_t count = w->type_count;
    const struct schema_type **sorted = arena_alloc(w->arena, (count + 1) * sizeof *sorted);
    if (count) {
        memcpy(sorted, w->types, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, by_openapi);
    }
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_putc(&w->out, ',');
        put_definition(w, sorted[i]);
    }
}
