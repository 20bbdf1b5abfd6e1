/* body: from the bytes of a request to an object of the expected type. See write.h. */
#include "apiserver/kinds/convert.h"
#include "apiserver/status.h"
#include "apiserver/write.h"
#include "openapi/default.h"
#include "openapi/protobuf.h"

enum { SHOWN_BYTES = 30, MAX_TREE = 64 << 20 };

/* The start of a body that could not be read, as upstream shows it: text when it looks like JSON, else hex.
 */
static const char *summary(struct arena *arena, struct slice body)
{
    if (!body.len)
        return "<empty>";
    bool cut = body.len > SHOWN_BYTES;
    size_t n = cut ? SHOWN_BYTES : body.len;
    if (*body.ptr == '{')
        return arena_printf(arena, "%.*s%s", (int)n, body.ptr, cut ? " ..." : "");
    char *hex = arena_bytes(arena, 2 * SHOWN_BYTES + 8);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(hex + at, 3, "%02x", (unsigned char)body.ptr[i]);
    snprintf(hex + at, 8, "%s", cut ? " ..." : "");
    return hex;
}

static bool unrecognized(struct request *req, const char *kind, const char *what, struct slice body)
{
    const char *why = req->err.message;
    enum reason reason = req->err.reason;
    error_clear(&req->err);
    if (reason == REASON_TOO_LARGE)
        return error_set(&req->err, reason, "%s", why);
    return error_set(&req->err, REASON_BAD_REQUEST,
                     "the object provided is unrecognized (must be of type %s): %s%s (%s)", kind, what, why,
                     summary(req->arena, body));
}

static bool cannot_be_handled(struct request *req, struct slice data_kind, struct slice data_version,
                              const char *kind, const char *why)
{
    return error_set(&req->err, REASON_BAD_REQUEST, "%.*s in version \"%.*s\" cannot be handled as a %s: %s",
                     SLICE_ARG(data_kind), SLICE_ARG(data_version), kind, why);
}

/* The body names its own kind: it must be the one that belongs here. */
static bool check_type(struct request *req, struct slice api_version, struct slice data_kind,
                       const char *kind, const char *expected_version)
{
    if ((!api_version.len || slice_is(api_version, expected_version)) &&
        (!data_kind.len || slice_is(data_kind, kind)))
        return true;
    if (!api_version.len || !data_kind.len) {
        api_version = api_version.len ? api_version : slice_str(expected_version);
        data_kind = data_kind.len ? data_kind : slice_str(kind);
    }
    long slash = slice_find(api_version, '/');
    struct slice group = slash < 0 ? SLICE("") : slice_make(api_version.ptr, (size_t)slash);
    struct slice version = slash < 0 ? api_version : slice_from(api_version, (size_t)slash + 1);
    struct slice expected = slice_str(expected_version);
    long expected_slash = slice_find(expected, '/');
    struct slice expected_group =
        expected_slash < 0 ? SLICE("") : slice_make(expected.ptr, (size_t)expected_slash);
    if (group.len && slice_eq(group, expected_group) && slice_is(data_kind, kind))
        return error_set(&req->err, REASON_BAD_REQUEST,
                         "the API version in the data (%.*s) does not match the expected API version (%s)",
                         SLICE_ARG(api_version), expected_version);
    const char *package = arena_printf(req->arena, "%.*s", SLICE_ARG(group.len ? group : SLICE("core")));
    if (schema_find_kind_type(group, version, data_kind))
        return cannot_be_handled(
            req, data_kind, version, kind,
            arena_printf(req->arena, "converting (%s.%.*s) to (%s.%s): unknown conversion",
                         slice_is(version, "v1") ? "v1" : package, SLICE_ARG(data_kind),
                         expected_group.len ? arena_strdup(req->arena, expected_group) : "core", kind));
    return cannot_be_handled(req, data_kind, version, kind,
                             arena_printf(req->arena, "no kind \"%.*s\" is registered for version \"%.*s\"",
                                          SLICE_ARG(data_kind), SLICE_ARG(api_version)));
}

bool write_report_findings(struct request *req, const struct decode_findings *findings, const char *prefix)
{
    if (!findings->count || req->write.validation == FIELDS_IGNORE)
        return true;
    if (req->write.validation == FIELDS_WARN) {
        for (size_t i = 0; i < findings->count; i++)
            request_warn(req, "%s", findings->items[i]);
        return true;
    }
    struct buf all = BUF_INIT(64 << 10);
    for (size_t i = 0; i < findings->count; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", findings->items[i]);
    error_set(&req->err, REASON_BAD_REQUEST, "%sstrict decoding error: %s", prefix, buf_cstr(&all));
    buf_release(&all);
    return false;
}

/* JSON and YAML: strict decoding may find fields to complain of. */
static bool decode_text(struct request *req, const struct schema_type *type, const char *kind,
                        const char *api_version, struct slice text, const char *prefix, struct value *ret)
{
    struct decode_findings findings = {.arena = req->arena};
    struct slice data_version, data_kind;
    if (!decode_type_meta(req->arena, text, &data_version, &data_kind, &req->err))
        return unrecognized(req, kind, "couldn't get version/kind; json parse error: ", text);
    if (!check_type(req, data_version, data_kind, kind, api_version))
        return false;
    if (decode_json(req->arena, type, text, ret, &findings, &req->err))
        return write_report_findings(req, &findings, prefix);
    const char *why = req->err.message;
    enum reason reason = req->err.reason;
    error_clear(&req->err);
    return error_set(&req->err, reason, "%s%s", reason == REASON_TOO_LARGE ? "" : prefix, why);
}

static bool decode_message(struct request *req, const struct schema_type *type, const char *kind,
                           const char *api_version, struct value *ret)
{
    struct slice data_version, data_kind, message;
    if (!protobuf_open_envelope(req->http->body, &data_version, &data_kind, &message, &req->err))
        return unrecognized(req, kind, "", req->http->body);
    return check_type(req, data_version, data_kind, kind, api_version) &&
           decode_protobuf(req->arena, type, message, ret, &req->err);
}

bool write_decode_body(struct request *req, const struct schema_type *type, const char *kind,
                       const char *api_version, struct value *ret)
{
    struct slice text = req->http->body;
    enum media media;
    if (!negotiate_content_type(http_header_get(req->http, "content-type"), &media, &req->err))
        return false;
    arena_set_limit(req->arena, MAX_TREE);
    if (media == MEDIA_YAML && !decode_yaml_to_json(req->arena, text, &text, &req->err))
        return unrecognized(req, kind, "", req->http->body);
    const char *version = strchr(api_version, '/') ? strchr(api_version, '/') + 1 : api_version;
    const char *prefix =
        arena_printf(req->arena, "%s in version \"%s\" cannot be handled as a %s: ", kind, version, kind);
    bool ok = media == MEDIA_PROTOBUF ? decode_message(req, type, kind, api_version, ret)
                                      : decode_text(req, type, kind, api_version, text, prefix, ret);
    if (!ok)
        return false;
    if (ret->kind != VALUE_RECORD) /* "null" is an empty object */
        *ret = value_new_record(req->arena, type);
    default_object(req->arena, ret);
    return true;
}

bool write_to_stored(struct request *req, struct value *object)
{
    struct value converted;
    if (req->storage == req->resource)
        return true;
    if (!convert(req->arena, req->resource, req->storage, object, &converted, &req->err))
        return false;
    default_object(req->arena, &converted);
    *object = converted;
    return true;
}

bool write_from_stored(struct request *req, const struct value *stored, struct value *ret)
{
    if (req->storage != req->resource)
        return convert(req->arena, req->storage, req->resource, stored, ret, &req->err);
    *ret = *stored;
    return true;
}

bool write_decode_object(struct request *req, struct value *ret)
{
    return write_decode_body(req, req->resource->type, req->resource->kind, req->resource->api_version,
                             ret) &&
           write_to_stored(req, ret);
}
