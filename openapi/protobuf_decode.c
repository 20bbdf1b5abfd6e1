#include "openapi/protobuf.h"

#include "base/clock.h"
#include "openapi/json_scan.h"
#include "openapi/quantity.h"
#include "openapi/scalar.h"

enum { MAX_DEPTH = 100, VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct reader {
    struct arena *arena;
    struct error *err;
};

/* One field on the wire. */
struct wire {
    uint32_t number;
    unsigned type;
    uint64_t n;         /* VARINT, FIXED64, FIXED32 */
    struct slice bytes; /* BYTES */
};

static bool bad(struct reader *r, const char *why)
{
    return error_is_set(r->err) ? false : error_set(r->err, REASON_BAD_REQUEST, "proto: %s", why);
}

static bool read_varint(struct slice *in, uint64_t *ret)
{
    *ret = 0;
    for (unsigned shift = 0; shift < 64 && in->len; shift += 7) {
        unsigned char c = (unsigned char)*in->ptr;
        *in = slice_from(*in, 1);
        *ret |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return true;
    }
    return false;
}

static bool read_fixed(struct slice *in, size_t size, uint64_t *ret)
{
    if (in->len < size)
        return false;
    *ret = 0;
    for (size_t i = 0; i < size; i++)
        *ret |= (uint64_t)(unsigned char)in->ptr[i] << 8 * i;
    *in = slice_from(*in, size);
    return true;
}

static bool read_field(struct reader *r, struct slice *in, struct wire *ret)
{
    uint64_t tag, len;
    if (!read_varint(in, &tag) || tag >> 3 == 0 || tag >> 32)
        return bad(r, "illegal tag");
    *ret = (struct wire){.number = (uint32_t)(tag >> 3), .type = (unsigned)(tag & 7)};
    switch (ret->type) {
    case VARINT:
        return read_varint(in, &ret->n) || bad(r, "unexpected EOF");
    case FIXED64:
        return read_fixed(in, 8, &ret->n) || bad(r, "unexpected EOF");
    case FIXED32:
        return read_fixed(in, 4, &ret->n) || bad(r, "unexpected EOF");
    case BYTES:
        if (!read_varint(in, &len) || len > in->len)
            return bad(r, "unexpected EOF");
        ret->bytes = slice_make(in->ptr, (size_t)len);
        *in = slice_from(*in, (size_t)len);
        return true;
    default:
        return bad(r, "illegal wireType");
    }
}

/* The value of a field of a small message of scalars; the last one counts. */
static bool read_scalar_field(struct reader *r, struct slice message, uint32_t number, struct wire *ret)
{
    struct wire w;
    *ret = (struct wire){0};
    while (message.len) {
        if (!read_field(r, &message, &w))
            return false;
        if (w.number == number)
            *ret = w;
    }
    return true;
}

/* ---- envelope ---- */

const char protobuf_mark[4] = "k8s";

bool protobuf_is_envelope(struct slice bytes)
{
    return bytes.len >= sizeof protobuf_mark && memcmp(bytes.ptr, protobuf_mark, sizeof protobuf_mark) == 0;
}

bool protobuf_open_envelope(struct slice bytes, struct slice *ret_api_version, struct slice *ret_kind,
                            struct slice *ret_message, struct error *err)
{
    struct reader r = {NULL, err};
    struct wire meta, message, version, kind;
    if (!protobuf_is_envelope(bytes))
        return error_set(
            err, REASON_BAD_REQUEST,
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
    bytes = slice_from(bytes, sizeof protobuf_mark);
    if (!read_scalar_field(&r, bytes, 1, &meta) || !read_scalar_field(&r, bytes, 2, &message) ||
        !read_scalar_field(&r, meta.bytes, 1, &version) || !read_scalar_field(&r, meta.bytes, 2, &kind))
        return false;
    *ret_api_version = version.bytes.ptr ? version.bytes : SLICE("");
    *ret_kind = kind.bytes.ptr ? kind.bytes : SLICE("");
    *ret_message = message.bytes.ptr ? message.bytes : SLICE("");
    return true;
}

/* ---- values ---- */

static bool read_value(struct reader *r, const struct schema *schema, const struct wire *w, struct value *v,
                       int depth);

static struct value text_value(struct slice s)
{
    return s.len ? value_of_string(s) : value_absent;
}

static bool valid_utf8(struct slice s)
{
    const char *p = s.ptr, *end = s.ptr + s.len;
    for (unsigned n; p < end; p += n)
        if (!(n = utf8_length(p, end)))
            return false;
    return true;
}

/* Time and MicroTime: {1: seconds, 2: nanos}; an empty message is Go's zero time, and so is the first second
 * of the year 1. */
static bool read_time(struct reader *r, struct slice message, bool micro, struct value *v)
{
    struct wire seconds, nanos;
    char text[CLOCK_TEXT];
    if (!read_scalar_field(r, message, 1, &seconds) || !read_scalar_field(r, message, 2, &nanos))
        return false;
    int64_t s = (int64_t)seconds.n, n = (int64_t)nanos.n;
    *v = value_absent;
    if (message.len == 0 || (s == -62135596800LL && n < 1000))
        return true;
    if (s < -62135596800LL || s > 253402300799LL || n < 0 || n > 999999999)
        return bad(r, "time out of range");
    struct slice out =
        micro ? clock_format_micros(s * 1000000 + n / 1000, text) : clock_format_seconds(s, text);
    *v = value_of_string(arena_dup(r->arena, out));
    return true;
}

static bool read_quantity(struct reader *r, struct slice message, struct value *v)
{
    struct wire text;
    struct slice canonical;
    const char *fault;
    if (!read_scalar_field(r, message, 1, &text))
        return false;
    struct slice s = text.bytes.len ? text.bytes : SLICE("0");
    if (!quantity_canonical(r->arena, s, &canonical, &fault))
        return bad(r, fault);
    *v = value_of_string(arena_dup(r->arena, canonical));
    return true;
}

/* {1: type (0 int, 1 string), 2: int, 3: string} */
static bool read_int_or_string(struct reader *r, struct slice message, struct value *v)
{
    struct wire type, n, text;
    if (!read_scalar_field(r, message, 1, &type) || !read_scalar_field(r, message, 2, &n) ||
        !read_scalar_field(r, message, 3, &text))
        return false;
    if (text.bytes.len && !valid_utf8(text.bytes))
        return bad(r, "string field contains invalid UTF-8");
    *v = type.n == 1 ? value_of_string(arena_dup(r->arena, text.bytes.ptr ? text.bytes : SLICE("")))
                     : value_of_int((int32_t)n.n);
    return true;
}

static bool read_record(struct reader *r, const struct schema_type *type, struct slice message,
                        uint32_t inlined, struct value *record, int depth);

/* One of several shapes becomes the JSON of the one that is there: a list, else a record, else a bool. */
static bool read_shape(struct reader *r, const struct schema_type *type, struct slice message,
                       struct value *v, int depth)
{
    struct value shapes = value_new_record(r->arena, type);
    const struct schema_field *chosen = NULL;
    if (!read_record(r, type, message, 0, &shapes, depth + 1))
        return false;
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct schema_field *f = &type->fields[i];
        if (value_is_set(value_at(&shapes, i)) && (!chosen || f->schema.kind != SCHEMA_BOOL))
            chosen = f;
    }
    *v = value_absent;
    if (!chosen)
        return true;
    cleanup_buf struct buf json = BUF_INIT(BUF_UNLIMITED);
    struct value *shape = value_mut(&shapes, (unsigned)(chosen - type->fields));
    value_canonical(shape, &chosen->schema);
    encode_json(&json, &chosen->schema, shape);
    struct slice text = arena_dup(r->arena, buf_slice(&json));
    *v = (struct value){.kind = VALUE_RAW, .len = (uint32_t)text.len, .s = text.ptr};
    return true;
}

/* RawExtension, JSON and FieldsV1: {1: raw}, where raw is JSON text. */
static bool read_raw(struct reader *r, struct slice message, struct value *v)
{
    static const struct schema raw_schema = {.kind = SCHEMA_RAW};
    struct wire raw;
    if (!read_scalar_field(r, message, 1, &raw))
        return false;
    *v = value_absent;
    return !raw.bytes.len ||
           decode_json_node(r->arena, &raw_schema, arena_dup(r->arena, raw.bytes), v, NULL, r->err);
}

static bool read_duration(struct reader *r, struct slice message, struct value *v)
{
    struct wire nanos;
    if (!read_scalar_field(r, message, 1, &nanos))
        return false;
    *v = value_of_string(scalar_format_duration(r->arena, (int64_t)nanos.n));
    return true;
}

static bool read_text(struct reader *r, const struct schema *schema, struct slice s, struct value *v,
                      int depth)
{
    switch (schema->kind) {
    case SCHEMA_BYTES:
        *v = text_value(scalar_base64_encode(r->arena, s));
        return true;
    case SCHEMA_TIME:
    case SCHEMA_MICRO_TIME:
        return read_time(r, s, schema->kind == SCHEMA_MICRO_TIME, v);
    case SCHEMA_DURATION:
        return read_duration(r, s, v);
    case SCHEMA_QUANTITY:
        return read_quantity(r, s, v);
    case SCHEMA_INT_OR_STRING:
        return read_int_or_string(r, s, v);
    case SCHEMA_RAW:
    case SCHEMA_ANY:
        return schema->type && schema->type->opaque ? read_shape(r, schema->type, s, v, depth)
                                                    : read_raw(r, s, v);
    default:
        if (!valid_utf8(s))
            return bad(r, "string field contains invalid UTF-8");
        *v = value_of_string(arena_dup(r->arena, s));
        return true;
    }
}

static bool read_number(struct reader *r, const struct schema *schema, const struct wire *w, struct value *v)
{
    double f;
    switch (schema->kind) {
    case SCHEMA_BOOL:
        *v = value_of_bool(w->n != 0);
        return true;
    case SCHEMA_INT32:
        *v = value_of_int((int32_t)w->n);
        return true;
    case SCHEMA_INT64:
        *v = value_of_int((int64_t)w->n);
        return true;
    case SCHEMA_FLOAT64:
        memcpy(&f, &w->n, sizeof f);
        *v = (struct value){.kind = VALUE_FLOAT, .f = f};
        return f == f && f - f == 0 ? true : bad(r, "a number is not finite");
    default:
        return bad(r, "wrong wireType");
    }
}

/* The numbers of a packed list. */
static bool read_packed(struct reader *r, const struct schema *elem, struct slice bytes, struct value *list)
{
    while (bytes.len) {
        struct wire w = {0};
        bool ok = elem->kind == SCHEMA_FLOAT64 ? read_fixed(&bytes, 8, &w.n) : read_varint(&bytes, &w.n);
        if (!ok)
            return bad(r, "unexpected EOF");
        if (!read_number(r, elem, &w, value_append(r->arena, list)))
            return false;
    }
    return true;
}

static bool is_number(const struct schema *schema)
{
    return schema->kind == SCHEMA_BOOL || schema->kind == SCHEMA_INT32 || schema->kind == SCHEMA_INT64 ||
           schema->kind == SCHEMA_FLOAT64;
}

/* A list that is a message: {1: item, ...}. */
static bool read_wrapped(struct reader *r, const struct schema *schema, struct slice message,
                         struct value *list, int depth)
{
    struct wire item;
    while (message.len) {
        if (!read_field(r, &message, &item))
            return false;
        if (item.number == 1 && !read_value(r, schema, &item, list, depth))
            return false;
    }
    return true;
}

/* An entry of a map: {1: key, 2: value}. Lists as values are wrapped: {1: item, ...}. */
static bool read_entry(struct reader *r, const struct schema *elem, struct slice message, struct value *map,
                       int depth)
{
    struct slice key = SLICE("");
    struct value value = value_absent;
    struct wire w;
    bool has_value = false;
    while (message.len) {
        if (!read_field(r, &message, &w))
            return false;
        if (w.number == 1 && w.type == BYTES) {
            if (!valid_utf8(w.bytes))
                return bad(r, "string field contains invalid UTF-8");
            key = w.bytes;
        } else if (w.number == 2 && elem->kind == SCHEMA_LIST) {
            if (!read_wrapped(r, elem, w.bytes, &value, depth + 1))
                return false;
        } else if (w.number == 2) {
            has_value = true;
            if (!read_value(r, elem, &w, &value, depth + 1))
                return false;
        }
    }
    if (!has_value && !value_is_set(&value) && elem->kind == SCHEMA_STRING)
        value = value_of_cstr("");
    *value_put(r->arena, map, arena_dup(r->arena, key)) = value;
    return true;
}

static bool read_value(struct reader *r, const struct schema *schema, const struct wire *w, struct value *v,
                       int depth)
{
    if (depth > MAX_DEPTH)
        return bad(r, "nested too deeply");
    if (arena_exceeded(r->arena))
        return error_set(r->err, REASON_TOO_LARGE, "the object is too large");
    if (schema->kind == SCHEMA_LIST && is_number(schema->elem) && w->type == BYTES)
        return read_packed(r, schema->elem, w->bytes, v);
    if (schema->kind == SCHEMA_LIST)
        return read_value(r, schema->elem, w, value_append(r->arena, v), depth);
    if (is_number(schema))
        return read_number(r, schema, w, v);
    if (w->type != BYTES)
        return bad(r, "wrong wireType");
    if (schema->kind == SCHEMA_MAP)
        return read_entry(r, schema->elem, w->bytes, v, depth);
    if (schema->kind != SCHEMA_RECORD)
        return read_text(r, schema, w->bytes, v, depth);
    if (v->kind != VALUE_RECORD) /* a message that comes twice merges */
        *v = value_new_record(r->arena, schema->type);
    return read_record(r, schema->type, w->bytes, 0, v, depth + 1);
}

/* The field of that number; *hint is where to look first, as fields mostly come in order. */
static int find_field(const struct schema_type *type, uint32_t number, uint32_t inlined, unsigned *hint)
{
    for (unsigned i = 0; i < type->field_count; i++) {
        unsigned at = (*hint + i) % type->field_count;
        if (type->fields[at].proto == number && type->fields[at].inlined == inlined) {
            *hint = at + 1;
            return (int)at;
        }
    }
    return -1;
}

/* The value of `inlined` of the fields in the embedded message of that number: the number itself, above it
 * (<< 16) the number inside another embedded message. 0: no such message. */
static uint32_t inlined_at(const struct schema_type *type, uint32_t number, uint32_t outer)
{
    uint32_t wanted = outer ? outer | number << 16 : number;
    uint32_t mask = outer ? UINT32_MAX : 0xffff;
    for (unsigned i = 0; number < 0x10000 && i < type->field_count; i++)
        if (type->fields[i].inlined && (type->fields[i].inlined & mask) == wanted)
            return wanted;
    return 0;
}

static bool read_field_value(struct reader *r, const struct schema_field *field, const struct wire *w,
                             struct value *v, int depth)
{
    if (!(field->flags & FIELD_WRAPPED))
        return read_value(r, &field->schema, w, v, depth);
    return w->type == BYTES ? read_wrapped(r, &field->schema, w->bytes, v, depth + 1)
                            : bad(r, "wrong wireType");
}

static bool read_record(struct reader *r, const struct schema_type *type, struct slice message,
                        uint32_t inlined, struct value *record, int depth)
{
    unsigned hint = 0;
    struct wire w;
    if (depth > MAX_DEPTH)
        return bad(r, "nested too deeply");
    while (message.len) {
        if (!read_field(r, &message, &w))
            return false;
        int field = find_field(type, w.number, inlined, &hint);
        if (field >= 0) {
            if (!read_field_value(r, &type->fields[field], &w, value_mut(record, (unsigned)field), depth)) {
                return bad(r, "bad value");
            }
        } else if (w.type == BYTES && inlined_at(type, w.number, inlined)) {
            if (!read_record(r, type, w.bytes, inlined_at(type, w.number, inlined), record, depth + 1))
                return false;
        }
    }
    return true;
}

bool decode_protobuf(struct arena *arena, const struct schema_type *type, struct slice message,
                     struct value *ret_value, struct error *err)
{
    struct reader r = {arena, err};
    const struct schema schema = {.kind = SCHEMA_RECORD, .type = type};
    *ret_value = value_new_record(arena, type);
    if (!read_record(&r, type, message, 0, ret_value, 0))
        return false;
    value_canonical(ret_value, &schema);
    if (ret_value->kind != VALUE_RECORD) /* an empty object is still one */
        *ret_value = value_new_record(arena, type);
    return true;
}
