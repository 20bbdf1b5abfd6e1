#include "apiserver/custom/definition.h"

#include <isa-l/igzip_lib.h>
#include <pthread.h>

#include "apiserver/custom/rules.h"
#include "apiserver/custom/strategy.h"
#include "base/alloc.h"
#include "openapi/decode.h"
#include "openapi/gen/apiextensions_v1.h"
#include "openapi/gen/autoscaling_v1.h"
#include "openapi/jsonpath.h"

#define VERSION(name) apiextensions_v1_CustomResourceDefinitionVersion_##name
#define NAMES(name)   apiextensions_v1_CustomResourceDefinitionNames_##name

static pthread_mutex_t compiling = PTHREAD_MUTEX_INITIALIZER;

static const char *text_in(struct arena *arena, const struct value *record, const char *field)
{
    return arena_strdup(arena, value_text(value_get(record, slice_str(field))));
}

static const char *const *texts_in(struct arena *arena, const struct value *list)
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

/* ---- the schema, packed ---- */

static void pack(struct arena *arena, struct slice json, struct custom_resource *ret)
{
    struct isal_zstream z;
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    size_t room = json.len + json.len / 8 + 1024;
    char *to = buf_reserve(&out, room);
    isal_deflate_stateless_init(&z);
    z.next_in = (uint8_t *)(uintptr_t)json.ptr;
    z.avail_in = (uint32_t)json.len;
    z.next_out = (uint8_t *)to;
    z.avail_out = (uint32_t)room;
    z.end_of_stream = 1;
    if (json.len && isal_deflate_stateless(&z) == COMP_OK) {
        ret->packed = arena_dup(arena, slice_make(to, z.total_out));
        ret->unpacked_size = json.len;
    }
}

struct slice custom_schema_json(struct arena *arena, const struct custom_resource *custom)
{
    if (!custom->packed.len)
        return slice_make("", 0);
    struct inflate_state state;
    char *to = arena_bytes(arena, custom->unpacked_size);
    isal_inflate_init(&state);
    state.next_in = (uint8_t *)(uintptr_t)custom->packed.ptr;
    state.avail_in = (uint32_t)custom->packed.len;
    state.next_out = (uint8_t *)to;
    state.avail_out = (uint32_t)custom->unpacked_size;
    bool whole = isal_inflate_stateless(&state) == ISAL_DECOMP_OK;
    return whole ? slice_make(to, custom->unpacked_size) : slice_make("", 0);
}

static const struct schema *compile(const struct custom_resource *custom)
{
    cleanup_arena struct arena *scratch = arena_new();
    struct value schema = value_absent;
    struct slice json = custom_schema_json(scratch, custom);
    if (json.len)
        decode_json(scratch, &apiextensions_v1_JSONSchemaProps, json, &schema, NULL, NULL);
    const struct schema *root = custom_compile(custom->definition->arena, &schema, custom->definition->kind);
    ((struct custom_resource *)(uintptr_t)custom)->has_rules =
        custom_rules_compile(custom->definition->arena, root);
    return root;
}

const struct schema *custom_schema(const struct custom_resource *custom)
{
    struct custom_resource *mutable = (struct custom_resource *)(uintptr_t)custom;
    const struct schema *schema = atomic_load_explicit(&mutable->schema, memory_order_acquire);
    if (schema)
        return schema;
    pthread_mutex_lock(&compiling);
    schema = atomic_load_explicit(&mutable->schema, memory_order_acquire);
    if (!schema) {
        schema = compile(custom);
        mutable->resource->type = schema->type;
        for (unsigned i = 0; i < mutable->resource->subresource_count; i++) {
            struct schema_subresource *s =
                (struct schema_subresource *)(uintptr_t) & mutable->resource->subresources[i];
            s->type = s->type ? s->type : schema->type;
        }
        atomic_store_explicit(&mutable->schema, schema, memory_order_release);
    }
    pthread_mutex_unlock(&compiling);
    return schema;
}

/* ---- a version ---- */

enum { STATUS_VERBS = VERB_GET | VERB_PATCH | VERB_UPDATE };

static void set_subresources(struct custom_definition *d, struct custom_resource *custom,
                             const struct value *subresources)
{
    struct schema_resource *r = custom->resource;
    const struct value *scale = value_get(subresources, SLICE("scale"));
    struct schema_subresource *list = arena_zalloc(d->arena, 2 * sizeof *list);
    unsigned count = 0;
    custom->has_status = value_is_set(value_get(subresources, SLICE("status")));
    custom->has_scale = value_is_set(scale);
    if (custom->has_status)
        list[count++] =
            (struct schema_subresource){"status", STATUS_VERBS, r->group, r->version, r->kind, NULL};
    if (custom->has_scale)
        list[count++] = (struct schema_subresource){"scale", STATUS_VERBS, "autoscaling",
                                                    "v1",    "Scale",      &autoscaling_v1_Scale};
    const char *paths[] = {text_in(d->arena, scale, "specReplicasPath"),
                           text_in(d->arena, scale, "statusReplicasPath"),
                           text_in(d->arena, scale, "labelSelectorPath")};
    custom->spec_replicas = paths[0] + (*paths[0] == '.');
    custom->status_replicas = paths[1] + (*paths[1] == '.');
    custom->label_selector = paths[2] + (*paths[2] == '.');
    r->subresources = list;
    r->subresource_count = (uint16_t)count;
}

static const char *const meta_docs[] = {"Name must be unique within a namespace.",
                                        "When the object was created."};

static void set_columns(struct arena *arena, struct custom_resource *custom, const struct value *list)
{
    size_t count = value_count(list) ? value_count(list) : 1;
    struct schema_column *columns = arena_zalloc(arena, (count + 1) * sizeof *columns);
    columns[0] = (struct schema_column){
        .name = "Name", .type = "string", .format = "name", .doc = meta_docs[0], .path = "metadata.name"};
    if (!value_count(list)) {
        columns[1] = (struct schema_column){.name = "Age", .type = "date", .format = "", .doc = meta_docs[1]};
        columns[1].jsonpath = jsonpath_parse(arena, SLICE(".metadata.creationTimestamp"), NULL);
    }
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *column = value_item(list, i);
        struct slice path = value_text(value_get(column, SLICE("jsonPath")));
        const char *doc = text_in(arena, column, "description");
        columns[i + 1] = (struct schema_column){
            .name = text_in(arena, column, "name"),
            .type = text_in(arena, column, "type"),
            .format = text_in(arena, column, "format"),
            .doc = *doc ? doc
                        : arena_printf(arena, "Custom resource definition column (in JSONPath format): %.*s",
                                       SLICE_ARG(path)),
            .priority = (int)value_int(value_get(column, SLICE("priority")), 0),
        };
        columns[i + 1].jsonpath = jsonpath_parse(arena, path, NULL);
    }
    custom->resource->columns = columns;
    custom->resource->column_count = (uint16_t)(count + 1);
}

static void set_selectable(struct arena *arena, struct custom_resource *custom, const struct value *list)
{
    size_t count = value_count(list);
    const char **paths = arena_alloc(arena, (count + 1) * sizeof *paths);
    for (size_t i = 0; i < count; i++) {
        const char *path = text_in(arena, value_item(list, i), "jsonPath");
        paths[i] = path + (*path == '.');
    }
    paths[count] = NULL;
    custom->resource->selectable = count ? paths : NULL;
}

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t h, struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 1099511628211u;
    return (h ^ 0xff) * 1099511628211u;
}

static void set_schema(struct custom_definition *d, struct custom_resource *custom,
                       const struct value *version)
{
    const struct value *schema = value_path(version, "schema.openAPIV3Schema");
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED);
    if (schema->kind == VALUE_RECORD)
        encode_json_type(&json, schema->record->type, schema);
    pack(d->arena, buf_slice(&json), custom);
    uint64_t h = hash(14695981039346656037u, slice_str(custom->resource->version));
    h = hash(h, buf_slice(&json));
    for (const char *const *path = custom->resource->selectable; path && *path; path++)
        h = hash(h, slice_str(*path));
    memcpy(custom->stamp, &h, sizeof custom->stamp);
}

static void set_names(struct custom_definition *d, struct custom_resource *custom, const struct value *names)
{
    struct schema_resource *r = custom->resource;
    r->group = d->group;
    r->api_version = arena_printf(d->arena, "%s/%s", d->group, r->version);
    r->name = text_in(d->arena, names, "plural");
    r->singular = text_in(d->arena, names, "singular");
    r->kind = d->kind;
    r->short_names = texts_in(d->arena, value_at(names, NAMES(shortNames)));
    r->categories = texts_in(d->arena, value_at(names, NAMES(categories)));
    custom->list_kind = text_in(d->arena, names, "listKind");
    if (!*custom->list_kind)
        custom->list_kind = arena_printf(d->arena, "%sList", d->kind);
}

static void set_warning(struct custom_definition *d, struct custom_resource *custom,
                        const struct value *version)
{
    struct slice own = value_text(value_at(version, VERSION(deprecationWarning)));
    if (!value_bool(value_at(version, VERSION(deprecated))))
        return;
    custom->warning =
        own.len ? arena_strdup(d->arena, own)
                : arena_printf(d->arena, "%s %s is deprecated", custom->resource->api_version, d->kind);
}

static void add_version(struct custom_definition *d, const struct value *names, const struct value *version)
{
    unsigned i = d->version_count++;
    struct custom_resource *custom = &d->versions[i];
    struct schema_resource *r = custom->resource = &d->resources[i];
    custom->definition = d;
    custom->kind = &custom_kind;
    custom->served = value_bool(value_at(version, VERSION(served)));
    r->version = text_in(d->arena, version, "name");
    r->type = &custom_shallow;
    r->namespaced = d->namespaced;
    r->verbs = VERB_CREATE | VERB_DELETE | VERB_DELETECOLLECTION | VERB_GET | VERB_LIST | VERB_PATCH |
               VERB_UPDATE | VERB_WATCH;
    r->custom = custom;
    r->doc = "";
    set_names(d, custom, names);
    set_warning(d, custom, version);
    set_subresources(d, custom, value_at(version, VERSION(subresources)));
    set_columns(d->arena, custom, value_at(version, VERSION(additionalPrinterColumns)));
    set_selectable(d->arena, custom, value_at(version, VERSION(selectableFields)));
    set_schema(d, custom, version);
    if (value_bool(value_at(version, VERSION(storage))))
        d->storage = custom;
}

/* ---- the definition ---- */

static bool has_condition(const struct value *definition, const char *type)
{
    const struct value *conditions = value_path(definition, "status.conditions");
    for (VALUE_EACH(condition, conditions))
        if (value_is(value_get(condition, SLICE("type")), type))
            return value_is(value_get(condition, SLICE("status")), "True");
    return false;
}

static void set_conversion(struct custom_definition *d, const struct value *conversion)
{
    if (!value_is(value_get(conversion, SLICE("strategy")), "Webhook"))
        return;
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED);
    encode_json_type(&json, conversion->record->type, conversion);
    d->conversion = arena_dup(d->arena, buf_slice(&json));
}

static void set_fingerprint(struct custom_definition *d, const struct value *spec,
                            const struct value *accepted)
{
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED);
    if (spec->kind == VALUE_RECORD)
        encode_json_type(&json, spec->record->type, spec);
    if (accepted->kind == VALUE_RECORD)
        encode_json_type(&json, accepted->record->type, accepted);
    d->fingerprint = hash(14695981039346656037u, buf_slice(&json));
}

struct custom_definition *custom_definition_new(const struct value *definition, uint64_t revision)
{
    const struct value *spec = value_get(definition, SLICE("spec")),
                       *versions = value_get(spec, SLICE("versions"));
    const struct value *accepted = value_path(definition, "status.acceptedNames");
    struct arena *arena = arena_new();
    struct custom_definition *d = arena_zalloc(arena, sizeof *d);
    size_t count = value_count(versions);
    atomic_init(&d->refs, 1);
    d->arena = arena;
    d->revision = revision;
    d->name = text_in(arena, value_get(definition, SLICE("metadata")), "name");
    d->uid = text_in(arena, value_get(definition, SLICE("metadata")), "uid");
    d->group = text_in(arena, spec, "group");
    d->established = has_condition(definition, "Established");
    d->terminating = has_condition(definition, "Terminating");
    d->namespaced = value_is(value_get(spec, SLICE("scope")), "Namespaced");
    d->kind = text_in(arena, accepted, "kind");
    set_fingerprint(d, spec, accepted);
    set_conversion(d, value_get(spec, SLICE("conversion")));
    d->versions = arena_zalloc(arena, count * sizeof *d->versions);
    d->resources = arena_zalloc(arena, count * sizeof *d->resources);
    for (size_t i = 0; i < count; i++)
        add_version(d, accepted, value_item(versions, i));
    for (size_t i = 0; d->storage && i < count; i++)
        d->resources[i].storage = d->storage->resource;
    if (d->storage)
        return d;
    arena_free(arena);
    return NULL;
}

struct custom_definition *custom_definition_ref(struct custom_definition *d)
{
    atomic_fetch_add(&d->refs, 1);
    return d;
}

void custom_definition_unref(struct custom_definition *d)
{
    if (d && atomic_fetch_sub(&d->refs, 1) == 1)
        arena_free(d->arena);
}

const struct custom_resource *custom_find_version(const struct custom_definition *d, struct slice version)
{
    for (unsigned i = 0; i < d->version_count; i++)
        if (slice_is(version, d->resources[i].version))
            return &d->versions[i];
    return NULL;
}
