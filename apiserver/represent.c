#include "apiserver/represent.h"

#include "openapi/protobuf.h"
#include "openapi/protobuf_wire.h"

/* The text up to the next quote, if `before` stands here; both are passed over. */
static bool take_text(struct slice *in, const char *before, struct slice *ret)
{
    if (!slice_starts(*in, slice_str(before)))
        return false;
    *in = slice_from(*in, strlen(before));
    long end = slice_find(*in, '"');
    if (end < 0)
        return false;
    *ret = slice_make(in->ptr, (size_t)end);
    *in = slice_from(*in, (size_t)end + 1);
    return slice_find(*ret, '\\') < 0;
}

/* Almost always they come first, as the encoder writes them. */
static bool read_type_meta(struct arena *arena, struct slice json, struct slice *ret_version,
                           struct slice *ret_kind, struct error *err)
{
    struct slice rest = json;
    return (take_text(&rest, "{\"kind\":\"", ret_kind) &&
            take_text(&rest, ",\"apiVersion\":\"", ret_version)) ||
           decode_type_meta(arena, json, ret_version, ret_kind, err);
}

bool represent_protobuf(struct buf *out, struct arena *arena, struct slice json, struct error *err)
{
    struct slice version, kind;
    if (!read_type_meta(arena, json, &version, &kind, err))
        return false;
    const struct schema_type *type = schema_find_object_type(version, kind);
    buf_reserve(out, json.len); /* mostly enough */
    if (!type || !protobuf_has_form(type))
        return error_set(
            err, REASON_NOT_ACCEPTABLE,
            "object %.*s does not implement the protobuf marshalling interface and cannot be encoded to a "
            "protobuf message",
            SLICE_ARG(kind));
    return encode_protobuf_object(out, arena, type, version, kind, json, err);
}

bool represent_event(struct buf *out, enum media media, const char *type, struct slice json)
{
    if (media != MEDIA_PROTOBUF) {
        buf_puts(out, "{\"type\":\"");
        buf_puts(out, type);
        buf_puts(out, "\",\"object\":");
        buf_put_slice(out, json);
        buf_puts(out, "}\n");
        return true;
    }
    cleanup_arena struct arena *arena = arena_new();
    size_t base = out->len;
    char *frame = buf_reserve(out, json.len + 64);
    if (!frame)
        return false;
    out->len += 4;
    wire_put_bytes(out, 1, slice_str(type));
    size_t object = wire_open(out, 2), raw = wire_open(out, 1);
    if (!represent_protobuf(out, arena, json, NULL)) {
        out->len = base;
        return false;
    }
    wire_close(out, raw);
    wire_close(out, object);
    size_t len = out->len - base - 4;
    for (int i = 0; i < 4; i++)
        out->data[base + (size_t)i] = (char)(len >> (24 - 8 * i));
    return true;
}
