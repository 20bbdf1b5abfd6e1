#include "apiserver/object.h"

#include "apiserver/custom_object.h"
#include "apiserver/kinds/convert.h"
#include "openapi/default.h"
#include "base/clock.h"
#include "storage/header.h"

enum { MAX_OBJECT = 16 << 20 };

/* /registry/<resource>.<group>/<namespace>/<name>; joined by hand, for every request needs one or more. */
static struct slice join_key(struct arena *arena, const struct schema_resource *resource,
                             struct slice namespace, struct slice name)
{
    const struct slice parts[] = {
        SLICE("/registry/"),
        slice_str(resource->name),
        slice_str(*resource->group ? "." : ""),
        slice_str(resource->group),
        SLICE("/"),
        namespace,
        slice_str(namespace.len ? "/" : ""),
        name,
    };
    size_t len = 0, count = sizeof parts / sizeof *parts;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *key = arena_bytes(arena, len + 1), *at = key;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    *at = 0;
    return slice_make(key, len);
}

struct slice object_prefix(struct arena *arena, const struct schema_resource *resource,
                           struct slice namespace)
{
    return join_key(arena, resource, namespace, slice_make("", 0));
}

struct slice object_key(struct arena *arena, const struct schema_resource *resource, struct slice namespace,
                        struct slice name)
{
    struct slice ns = resource->namespaced ? namespace : slice_make("", 0);
    return join_key(arena, resource, ns, name);
}

struct slice object_key_name(struct slice key)
{
    size_t at = key.len;
    while (at > 0 && key.ptr[at - 1] != '/')
        at--;
    return slice_from(key, at);
}

struct slice object_key_namespace(const struct schema_resource *resource, struct slice key)
{
    struct slice rest = key, part = {0};
    if (!resource->namespaced)
        return slice_make("", 0);
    for (int i = 0; i < 4; i++)
        slice_split(&rest, '/', &part); /* "", "registry", "pods", namespace */
    return part;
}

bool object_decode(struct arena *arena, const struct schema_resource *resource, struct slice value, bool copy,
                   struct value *ret, struct error *err)
{
    const struct schema_resource *storage = resource->storage ? resource->storage : resource;
    struct value stored;
    if (copy)
        value = arena_dup(arena, value);
    if (resource->custom)
        return custom_object_decode(arena, resource, value, ret, err);
    if (!decode_json(arena, storage->type, value, &stored, NULL, err))
        return error_wrap(err, "the stored object cannot be read");
    if (storage == resource) {
        *ret = stored;
        return true;
    }
    return convert(arena, storage, resource, &stored, ret, err);
}

struct slice object_field_text(struct arena *arena, const struct value *object, const char *path)
{
    const struct value *v = value_path(object, path);
    switch (v->kind) {
    case VALUE_STRING:
        return value_text(v);
    case VALUE_INT:
        return arena_slicef(arena, "%lld", (long long)v->i);
    case VALUE_BOOL:
        return v->b ? SLICE("true") : SLICE("false");
    default:
        return slice_make("", 0);
    }
}

/* An absent bool or number selects as its zero value. */
static struct slice field_or_zero(struct arena *arena, const struct schema_resource *resource,
                                  const struct value *object, const char *path)
{
    struct slice text = object_field_text(arena, object, path);
    if (text.len)
        return text;
    const struct schema_type *type = resource->type;
    struct slice rest = slice_str(path), part;
    const struct schema *schema = NULL;
    while (type && slice_split(&rest, '.', &part)) {
        int i = schema_find_field(type, part.ptr, part.len);
        schema = i < 0 ? NULL : &type->fields[i].schema;
        type = schema && schema->kind == SCHEMA_RECORD ? schema->type : NULL;
    }
    if (schema && schema->kind == SCHEMA_BOOL)
        return SLICE("false");
    if (schema && (schema->kind == SCHEMA_INT32 || schema->kind == SCHEMA_INT64))
        return SLICE("0");
    return text;
}

static void encode_header(struct arena *arena, const struct schema_resource *storage,
                          const struct value *object, uint16_t body, struct slice *ret)
{
    const struct value *meta = object_meta(object), *labels = value_at(meta, meta_v1_ObjectMeta_labels);
    struct slice fields[32];
    uint8_t field_count = 0;
    for (const char *const *path = storage->selectable; path && *path && field_count < 31; path++)
        fields[field_count++] = storage->custom ? object_field_text(arena, object, *path)
                                                : field_or_zero(arena, storage, object, *path);
    if (storage->custom)
        fields[field_count++] = custom_object_stamp(storage);
    size_t count = value_count(labels);
    struct header_label *pairs = arena_alloc(arena, (count + 1) * sizeof *pairs);
    for (size_t i = 0; i < count; i++)
        pairs[i] =
            (struct header_label){value_entry(labels, i)->key, value_text(&value_entry(labels, i)->value)};
    bool deleting = value_is_set(value_at(meta, meta_v1_ObjectMeta_deletionTimestamp));
    cleanup_buf struct buf out = BUF_INIT(1 << 20);
    header_put(&out, &(struct header){.flags = deleting ? HEADER_DELETING : 0,
                                      .body = body,
                                      .fields = fields,
                                      .field_count = field_count,
                                      .labels = pairs,
                                      .label_count = (uint16_t)count});
    *ret = arena_dup(arena, buf_slice(&out));
}

/* The digits' place: the first "resourceVersion" is the object's own, as only names and the uid, which are
 * quoted strings, stand before it. */
static size_t find_version(struct slice json)
{
    static const char mark[] = "\"resourceVersion\":\"";
    const char *at = memmem(json.ptr, json.len, mark, sizeof mark - 1);
    return at ? (size_t)(at - json.ptr) + sizeof mark - 1 : SIZE_MAX;
}

bool object_encode(struct arena *arena, const struct schema_resource *resource, struct value *object,
                   struct stored *ret, struct error *err)
{
    const struct schema_resource *storage = resource->storage ? resource->storage : resource;
    object_set_type(object, resource);
    object_set_text(arena, object, meta_v1_ObjectMeta_resourceVersion, SLICE("0"));
    struct value converted = *object;
    if (storage != resource &&
        !(storage->custom ? custom_object_convert(arena, resource, storage, object, &converted, err)
                          : convert(arena, resource, storage, object, &converted, err)))
        return false;
    if (storage != resource &&
        storage->custom) /* what is stored reads as it is: with the defaults of its version */
        default_object(arena, &converted);
    object_set_type(&converted, storage);
    cleanup_buf struct buf out = BUF_INIT(MAX_OBJECT);
    encode_json_type(&out, storage->type, &converted);
    if (out.failed)
        return error_set(err, REASON_TOO_LARGE, "the object is too large to be stored");
    size_t splice = find_version(buf_slice(&out)), body = 0;
    if (splice == SIZE_MAX)
        return error_set(err, REASON_INTERNAL, "the object has no metadata");
    memmove(out.data + splice, out.data + splice + 1, out.len - splice - 1); /* takes the placeholder out */
    out.len--;
    const char *after = memmem(out.data, out.len, "\"metadata\":", 11);
    if (storage->custom)
        body = 1; /* items of their lists say what they are */
    else if (after)
        body = (size_t)(after - out.data);
    ret->value = arena_dup(arena, buf_slice(&out));
    ret->splice = splice;
    encode_header(arena, storage, &converted, (uint16_t)body, &ret->header);
    return true;
}

struct blob *stored_blob(const struct stored *stored, uint64_t revision)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_reserve(&out, stored->value.len + 20);
    buf_put(&out, stored->value.ptr, stored->splice);
    buf_put_uint(&out, revision);
    buf_put_slice(&out, slice_from(stored->value, stored->splice));
    return blob_from_buf(&out);
}

const struct value *object_meta(const struct value *object)
{
    return value_get(object, SLICE("metadata"));
}

struct value *object_meta_mut(struct arena *arena, struct value *object)
{
    int field = schema_find_field(object->record->type, "metadata", 8);
    return value_ensure_record(arena, object, (unsigned)field);
}

void object_set_text(struct arena *arena, struct value *object, unsigned meta_field, struct slice text)
{
    *value_mut(object_meta_mut(arena, object), meta_field) = text.len ? value_of_string(text) : value_absent;
}

void object_set_version(struct arena *arena, struct value *object, uint64_t revision)
{
    struct slice text =
        revision ? arena_slicef(arena, "%llu", (unsigned long long)revision) : slice_make("", 0);
    object_set_text(arena, object, meta_v1_ObjectMeta_resourceVersion, text);
}

uint64_t object_version(const struct value *object)
{
    struct slice s = object_text(object, meta_v1_ObjectMeta_resourceVersion);
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return 0;
        n = n * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    return n;
}

static long finalizer_index(const struct value *object, const char *name)
{
    const struct value *list = value_at(object_meta(object), meta_v1_ObjectMeta_finalizers);
    for (size_t i = 0; i < value_count(list); i++)
        if (value_is(value_item(list, i), name))
            return (long)i;
    return -1;
}

bool object_has_finalizer(const struct value *object, const char *name)
{
    return finalizer_index(object, name) >= 0;
}

void object_set_finalizer(struct arena *arena, struct value *object, const char *name, bool present)
{
    long at = finalizer_index(object, name);
    if ((at >= 0) == present)
        return;
    struct value *list = value_mut(object_meta_mut(arena, object), meta_v1_ObjectMeta_finalizers);
    if (present)
        *value_append(arena, list) = value_of_cstr(name);
    else
        value_remove_item(list, (size_t)at);
    if (value_count(list) == 0)
        *list = value_absent;
}

void object_set_type(struct value *object, const struct schema_resource *resource)
{
    struct value *kind = value_get_mut(object, SLICE("kind")),
                 *version = value_get_mut(object, SLICE("apiVersion"));
    *kind = value_of_cstr(resource->kind);
    *version = value_of_string(slice_str(resource->api_version));
}

/* The text of the first field of that name. Inside a JSON text every quote has a backslash before it, so that
 * a name with its quotes and colon is found only where it is a name; metadata comes first, and in it uid and
 * deletionTimestamp before what clients name. */
static struct slice first_text(struct slice value, struct slice name)
{
    const char *at = memmem(value.ptr, value.len, name.ptr, name.len);
    if (!at)
        return SLICE("");
    struct slice rest = slice_from(value, (size_t)(at - value.ptr) + name.len);
    long end = slice_find(rest, '"');
    return slice_make(rest.ptr, end < 0 ? 0 : (size_t)end);
}

struct slice object_stored_uid(struct slice value)
{
    return first_text(value, SLICE("\"uid\":\""));
}

int64_t object_stored_deletion(struct slice value)
{
    int64_t micros;
    return clock_parse(first_text(value, SLICE("\"deletionTimestamp\":\"")), &micros) ? micros / 1000000 : 0;
}
