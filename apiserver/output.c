#include "apiserver/output.h"

#include "apiserver/custom/definition.h"
#include "apiserver/custom_object.h"
#include "apiserver/kinds/kind.h"
#include "apiserver/represent.h"
#include "apiserver/status.h"
#include "base/clock.h"
#include "openapi/protobuf.h"
#include "openapi/protobuf_wire.h"
#include "openapi/table.h"
#include "storage/header.h"

/* ---- one object in the asked form ---- */

bool output_is_as_stored(const struct request *req, struct slice header)
{
    return req->accept.as == AS_ITSELF && req->storage == req->resource &&
           (!req->resource->custom || custom_object_is_current(req->resource, header));
}

static struct table table_of(const struct request *req, const struct list_options *options)
{
    return (struct table){
        .resource = req->storage,
        .row = kind_of(req->storage)->row,
        .completed = kind_of(req->storage)->completed,
        .meta_version = req->accept.v1beta1 ? "v1beta1" : "v1",
        .include = options && options->include_object_none   ? TABLE_OBJECT_NONE
                   : options && options->include_object_full ? TABLE_OBJECT_FULL
                                                             : TABLE_OBJECT_METADATA,
        .now = clock_now_seconds(),
    };
}

static const char *meta_version(const struct request *req)
{
    return req->accept.v1beta1 ? "v1beta1" : "v1";
}

/* {"kind":"Table",...,"rows":[ ; columns: with the definitions, which watches send once. */
static void put_table_head(struct request *req, struct slice version, struct slice token, int64_t remaining,
                           bool columns, struct buf *out)
{
    buf_printf(
        out,
        "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/%s\",\"metadata\":{\"resourceVersion\":\"%.*s\"",
        meta_version(req), SLICE_ARG(version));
    if (token.len) {
        buf_puts(out, ",\"continue\":");
        buf_put_json_string(out, token);
    }
    if (remaining >= 0)
        buf_printf(out, ",\"remainingItemCount\":%lld", (long long)remaining);
    buf_puts(out, "},\"columnDefinitions\":");
    if (columns)
        table_put_columns(out, req->storage);
    else
        buf_puts(out, "null");
    buf_puts(out, ",\"rows\":[");
}

static void put_row(struct request *req, struct arena *arena, const struct list_options *options,
                    const struct value *object, struct buf *out)
{
    struct table table = table_of(req, options);
    struct buf json = BUF_INIT(BUF_UNLIMITED);
    if (table.include == TABLE_OBJECT_FULL)
        encode_json_type(&json, object->record->type, object);
    table_put_row(out, arena, &table, object, buf_slice(&json));
    buf_release(&json);
}

/* A tree of the stored version (of the one asked for, when it is shown as it is) in whatever form was asked
 * for. */
static void put_object(struct request *req, struct arena *arena, const struct list_options *options,
                       const struct value *object, bool columns, struct buf *out)
{
    switch (req->accept.as) {
    case AS_TABLE:
        put_table_head(req, object_text(object, meta_v1_ObjectMeta_resourceVersion), SLICE(""), -1, columns,
                       out);
        put_row(req, arena, options, object, out);
        buf_puts(out, "]}");
        break;
    case AS_PARTIAL:
    case AS_PARTIAL_LIST:
        table_put_partial(out, meta_version(req), object);
        break;
    default:
        encode_json_type(out, object->record->type, object);
    }
}

void output_object(struct request *req, int code, const struct schema_type *type, const struct value *object)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    encode_json_type(&out, type, object);
    buf_putc(&out, '\n');
    request_send_json(req, code, blob_from_buf(&out));
}

/* A tree of the stored version, in the form and version asked for. */
static void send_stored(struct request *req, int code, const struct value *stored)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct list_options options = {0};
    struct value object = *stored;
    if (req->accept.as == AS_ITSELF && !write_from_stored(req, stored, &object)) {
        request_fail(req);
        return;
    }
    object_set_type(&object, req->accept.as == AS_ITSELF ? req->resource : req->storage);
    options_include_parse(&req->query, &options);
    put_object(req, req->arena, &options, &object, true, &out);
    buf_putc(&out, '\n');
    request_send_json(req, code, blob_from_buf(&out));
}

void output_written(struct request *req, int code, const struct written *written)
{
    if (written->has_stored && written->revision && output_is_as_stored(req, written->stored.header))
        request_send_json(req, code, stored_blob(&written->stored, written->revision));
    else
        send_stored(req, code, &written->object);
}

void output_record(struct request *req, int code, const struct store_record *record)
{
    struct value object;
    if (output_is_as_stored(req, record->header))
        request_send_object(req, code, record->value);
    else if (object_decode(req->arena, req->storage, record->value, true, &object, &req->err))
        send_stored(req, code, &object);
    else
        request_fail(req);
}

/* ---- lists ---- */

enum { LIST_METADATA = 1, LIST_ITEMS = 2 }; /* the numbers in every list's message */

/* Items of typed lists leave out kind and apiVersion: they begin at the metadata. */
static void put_item_bytes(struct buf *out, struct slice value, size_t body)
{
    buf_putc(out, '{');
    buf_put_slice(out, slice_from(value, body));
}

static void put_item(struct request *req, struct arena *arena, const struct list_options *options,
                     struct value *object, struct buf *out)
{
    switch (req->accept.as) {
    case AS_TABLE:
        put_row(req, arena, options, object, out);
        return;
    case AS_PARTIAL:
    case AS_PARTIAL_LIST:
        table_put_partial(out, meta_version(req), object);
        return;
    default:
        if (!req->resource->custom) { /* items of typed lists leave out what the list says */
            *value_get_mut(object, SLICE("kind")) = value_absent;
            *value_get_mut(object, SLICE("apiVersion")) = value_absent;
        }
        encode_json_type(out, req->resource->type, object);
    }
}

static bool put_protobuf_item(struct request *req, struct arena *arena, struct slice json, struct buf *out)
{
    const struct schema_type *type =
        req->accept.as == AS_ITSELF ? req->resource->type : &meta_v1_PartialObjectMetadata;
    size_t base = out->len, item = wire_open(out, LIST_ITEMS);
    if (encode_protobuf(out, arena, type, json, NULL)) {
        wire_close(out, item);
        return true;
    }
    out->len = base;
    return false;
}

static bool put_list_object(struct request *req, struct arena *arena, const struct list_options *options,
                            struct value *object, struct buf *out)
{
    if (req->accept.media != MEDIA_PROTOBUF) {
        put_item(req, arena, options, object, out);
        return true;
    }
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED);
    put_item(req, arena, options, object, &json);
    return put_protobuf_item(req, arena, buf_slice(&json), out);
}

static void put_separator(const struct request *req, bool first, struct buf *out)
{
    if (!first && req->accept.media != MEDIA_PROTOBUF)
        buf_putc(out, ',');
}

bool output_list_object(struct request *req, const struct list_options *options, struct value *object,
                        bool first, struct buf *out)
{
    put_separator(req, first, out);
    return put_list_object(req, req->arena, options, object, out);
}

static bool put_converted_item(struct request *req, struct arena *arena, const struct list_options *options,
                               struct slice value, struct buf *out)
{
    struct value object;
    const struct schema_resource *shown = req->accept.as == AS_ITSELF ? req->resource : req->storage;
    if (!object_decode(arena, shown, value, false, &object, NULL))
        return false;
    return put_list_object(req, arena, options, &object, out);
}

bool output_list_item(struct request *req, const struct list_options *options,
                      const struct store_record *record, bool first, struct buf *out)
{
    size_t base = out->len;
    bool as_stored = output_is_as_stored(req, record->header);
    put_separator(req, first, out);
    if (as_stored && req->accept.media != MEDIA_PROTOBUF) {
        put_item_bytes(out, record->value, header_body(record->header));
        return true;
    }
    cleanup_arena struct arena *arena = arena_new();
    bool ok = as_stored ? put_protobuf_item(req, arena, record->value, out)
                        : put_converted_item(req, arena, options, record->value, out);
    if (!ok)
        out->len = base;
    return ok;
}

/* custom: lists of custom objects name an empty token too. */
static void put_list_meta(struct buf *out, const struct list_head *head, bool custom)
{
    buf_putc(out, '{');
    if (head->revision) /* lists of what is not stored have none */
        buf_printf(out, "\"resourceVersion\":\"%llu\"", (unsigned long long)head->revision);
    if (head->continue_token.len || custom) {
        buf_puts(out, ",\"continue\":");
        buf_put_json_string(out, head->continue_token);
    }
    if (head->remaining >= 0)
        buf_printf(out, ",\"remainingItemCount\":%lld", (long long)head->remaining);
    buf_putc(out, '}');
}

static void put_protobuf_head(struct request *req, const struct list_head *head, struct slice version,
                              struct slice kind, struct buf *out)
{
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED), meta = BUF_INIT(BUF_UNLIMITED);
    put_list_meta(&json, head, false);
    size_t start = wire_open(&meta, LIST_METADATA);
    encode_protobuf(&meta, req->arena, &meta_v1_ListMeta, buf_slice(&json), NULL);
    wire_close(&meta, start);
    protobuf_put_head(out, version, kind, meta.len + head->items_len);
    buf_put_slice(out, buf_slice(&meta));
}

void output_list_head(struct request *req, const struct list_head *head, struct buf *out)
{
    if (req->accept.as == AS_TABLE) {
        put_table_head(req, arena_slicef(req->arena, "%llu", (unsigned long long)head->revision),
                       head->continue_token, head->remaining, true, out);
        return;
    }
    bool whole = req->accept.as == AS_ITSELF;
    struct slice kind =
        whole && req->resource->custom
            ? slice_str(req->resource->custom->list_kind)
            : arena_slicef(req->arena, "%sList", whole ? req->resource->kind : "PartialObjectMetadata");
    struct slice version = whole ? slice_str(req->resource->api_version)
                                 : arena_slicef(req->arena, "meta.k8s.io/%s", meta_version(req));
    if (req->accept.media == MEDIA_PROTOBUF) {
        put_protobuf_head(req, head, version, kind, out);
        return;
    }
    buf_printf(out, "{\"kind\":\"%.*s\",\"apiVersion\":\"%.*s\",\"metadata\":", SLICE_ARG(kind),
               SLICE_ARG(version));
    put_list_meta(out, head, whole && req->resource->custom);
    buf_puts(out, ",\"items\":[");
}

void output_list_tail(struct request *req, struct buf *out)
{
    if (req->accept.media == MEDIA_PROTOBUF)
        protobuf_put_tail(out);
    else
        buf_puts(out, "]}\n");
}

void output_list(struct request *req, struct list_head head, struct buf *items)
{
    struct buf all = BUF_INIT(BUF_UNLIMITED);
    head.items_len = items->len;
    output_list_head(req, &head, &all);
    buf_put_slice(&all, buf_slice(items));
    output_list_tail(req, &all);
    buf_release(items);
    if (req->accept.media == MEDIA_PROTOBUF)
        request_send_text(req, 200, media_type(MEDIA_PROTOBUF), blob_from_buf(&all));
    else
        request_send_json(req, 200, blob_from_buf(&all));
}

/* ---- watch events ---- */

void output_event(struct request *req, const struct list_options *options, const char *type,
                  struct slice header, struct slice value, bool headers, struct buf *out)
{
    struct value object;
    if (output_is_as_stored(req, header)) {
        represent_event(out, req->accept.media, type, value);
        return;
    }
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED);
    const struct schema_resource *shown = req->accept.as == AS_ITSELF ? req->resource : req->storage;
    if (!object_decode(arena, shown, value, false, &object, NULL))
        return;
    put_object(req, arena, options, &object, headers, &json);
    represent_event(out, req->accept.media, type, buf_slice(&json));
}

/* An object with nothing but a revision (and the annotation that ends the initial events). */
static struct value bookmark_object(struct request *req, struct arena *arena, uint64_t revision,
                                    bool initial_end)
{
    struct value object = value_new_record(arena, req->resource->type);
    object_set_type(&object, req->resource);
    object_set_version(arena, &object, revision);
    if (initial_end) {
        struct value *annotations =
            value_mut(object_meta_mut(arena, &object), meta_v1_ObjectMeta_annotations);
        *value_put(arena, annotations, SLICE("k8s.io/initial-events-end")) = value_of_cstr("true");
    }
    return object;
}

void output_bookmark(struct request *req, uint64_t revision, bool initial_end, bool headers, struct buf *out)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED);
    struct value object = bookmark_object(req, arena, revision, initial_end);
    put_object(req, arena, NULL, &object, headers, &json);
    represent_event(out, req->accept.media, "BOOKMARK", buf_slice(&json));
}

void output_event_error(struct request *req, const struct error *err, struct buf *out)
{
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED);
    status_encode(&json, err);
    while (json.len && json.data[json.len - 1] == '\n')
        json.len--;
    represent_event(out, req->accept.media, "ERROR", buf_slice(&json));
}

/* As upstream names its internal types: "core.ConfigMap", "rbac.Role". */
static const char *internal_type(const struct request *req)
{
    struct slice rest = slice_str(*req->resource->group ? req->resource->group : "core"), first;
    slice_split(&rest, '.', &first);
    return arena_printf(req->arena, "%.*s.%s", SLICE_ARG(first), req->resource->kind);
}

bool output_check_form(struct request *req, bool is_list)
{
    bool watch = req->verb == VERB_WATCH;
    if (is_list && !watch && req->accept.as == AS_PARTIAL)
        return error_set(&req->err, REASON_NOT_ACCEPTABLE,
                         "you requested PartialObjectMetadata, but the requested object is a list (*%sList)",
                         internal_type(req));
    if (!is_list && req->accept.as == AS_PARTIAL_LIST)
        return error_set(
            &req->err, REASON_NOT_ACCEPTABLE,
            "you requested PartialObjectMetadataList, but the requested object is not a list (*%s)",
            internal_type(req));
    enum table_object include;
    struct slice asked = query_get(&req->query, "includeObject");
    if (req->accept.as == AS_TABLE && asked.len && !table_object_parse(asked, &include))
        return error_set(
            &req->err, REASON_BAD_REQUEST,
            "Unable to convert to Table as requested: includeObject: Invalid value: \"%.*s\": must be "
            "'Metadata', 'Object', 'None', or empty",
            SLICE_ARG(asked));
    return true;
}
