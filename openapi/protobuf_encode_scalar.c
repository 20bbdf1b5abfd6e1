/* Single values from JSON text to the wire. See protobuf_encode.h. */
#include "openapi/protobuf_encode.h"

#include "base/clock.h"
#include "openapi/scalar.h"

bool encoder_scan_text(struct encoder *e, struct slice *ret)
{
    struct json_string string;
    if (json_peek(&e->scan) != '"' || !json_scan_string(&e->scan, &string))
        return false;
    *ret = json_string_text(e->arena, &string);
    return true;
}

bool encoder_put_number(struct encoder *e, enum schema_kind kind, uint32_t number)
{
    struct slice digits;
    bool integer;
    int64_t n;
    double f;
    int c = json_peek(&e->scan);
    if ((c != '-' && (c < '0' || c > '9')) || !json_scan_number(&e->scan, &digits, &integer))
        return false;
    if (kind == SCHEMA_FLOAT64) {
        wire_put_tag(e->out, number, WIRE_FIXED64);
        buf_put(e->out, &f, scalar_parse_float(digits, &f) ? sizeof f : 0);
        return true;
    }
    if (!scalar_parse_int(digits, &n))
        return false;
    wire_put_uint(e->out, number, (uint64_t)n);
    return true;
}

bool encoder_put_bool(struct encoder *e, uint32_t number)
{
    bool yes = json_peek(&e->scan) == 't';
    wire_put_uint(e->out, number, yes);
    return json_scan_word(&e->scan, yes ? "true" : "false");
}

/* {1: seconds, 2: nanos}; the zero time, which JSON writes as null, is an empty message. */
static bool put_time(struct buf *out, struct slice text, uint32_t number)
{
    int64_t micros;
    if (!clock_parse(text, &micros))
        return false;
    int64_t nanos = (micros % 1000000 + 1000000) % 1000000 * 1000;
    size_t start = wire_open(out, number);
    wire_put_uint(out, 1, (uint64_t)((micros - nanos / 1000) / 1000000));
    wire_put_uint(out, 2, (uint64_t)nanos);
    wire_close(out, start);
    return true;
}

static bool put_duration(struct encoder *e, struct slice text, uint32_t number)
{
    const char *fault;
    int64_t nanos;
    if (!scalar_parse_duration(e->arena, text, &nanos, &fault))
        return false;
    size_t start = wire_open(e->out, number);
    wire_put_uint(e->out, 1, (uint64_t)nanos);
    wire_close(e->out, start);
    return true;
}

bool encoder_put_text(struct encoder *e, const struct schema *schema, uint32_t number)
{
    struct slice text;
    const char *fault;
    size_t start;
    if (!encoder_scan_text(e, &text))
        return false;
    switch (schema->kind) {
    case SCHEMA_BYTES:
        if (!scalar_base64_decode(e->arena, text, &text, &fault))
            return false;
        wire_put_bytes(e->out, number, text);
        return true;
    case SCHEMA_TIME:
    case SCHEMA_MICRO_TIME:
        return put_time(e->out, text, number);
    case SCHEMA_DURATION:
        return put_duration(e, text, number);
    case SCHEMA_QUANTITY:
        start = wire_open(e->out, number);
        wire_put_bytes(e->out, 1, text);
        wire_close(e->out, start);
        return true;
    default:
        wire_put_bytes(e->out, number, text);
        return true;
    }
}

/* {1: whether a string, 2: the number, 3: the string}, all of them always */
bool encoder_put_int_or_string(struct encoder *e, uint32_t number)
{
    struct slice text = SLICE("");
    bool is_text = json_peek(&e->scan) == '"';
    size_t start = wire_open(e->out, number);
    wire_put_uint(e->out, 1, is_text);
    if (is_text ? !encoder_scan_text(e, &text) : !encoder_put_number(e, SCHEMA_INT32, 2))
        return false;
    if (is_text)
        wire_put_uint(e->out, 2, 0);
    wire_put_bytes(e->out, 3, text);
    wire_close(e->out, start);
    return true;
}
