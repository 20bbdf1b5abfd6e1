#include "openapi/decode.h"
#include "openapi/json_scan.h"

/* Go's name for the type that upstream reads the two fields into. */
static const char meta_type[] = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; "
                                "Kind string \"json:\\\"kind,omitempty\\\"\" }";

struct meta_reading {
    struct arena *arena;
    struct json_scan scan;
    struct slice api_version, kind;
    const char *fault; /* a field that is no string; a fault of syntax outweighs it */
};

static const char *kind_of(int c)
{
    switch (c) {
    case '{':
        return "object";
    case '[':
        return "array";
    case '"':
        return "string";
    case 't':
    case 'f':
        return "bool";
    default:
        return "number";
    }
}

/* The value of one of the two fields. */
static bool read_text(struct meta_reading *r, const char *name, struct slice *ret)
{
    struct json_string string;
    int c = json_peek(&r->scan);
    if (c == '"') {
        if (!json_scan_string(&r->scan, &string))
            return false;
        *ret = json_string_text(r->arena, &string);
        return true;
    }
    if (!json_skip(&r->scan, 1, DECODE_MAX_DEPTH))
        return false;
    if (c != 'n' && !r->fault)
        r->fault = arena_printf(r->arena, "json: cannot unmarshal %s into Go struct field .%s of type string",
                                kind_of(c), name);
    return true;
}

static bool read_member(struct meta_reading *r)
{
    struct json_scan *s = &r->scan;
    struct json_string key;
    if (json_peek(s) != '"')
        return json_fail(s, "looking for beginning of object key string");
    if (!json_scan_string(s, &key))
        return false;
    if (json_peek(s) != ':')
        return json_fail(s, "after object key");
    s->at++;
    struct slice name = json_string_text(r->arena, &key);
    if (slice_is(name, "apiVersion"))
        return read_text(r, "apiVersion", &r->api_version);
    if (slice_is(name, "kind"))
        return read_text(r, "kind", &r->kind);
    return json_skip(s, 1, DECODE_MAX_DEPTH);
}

static bool read_object(struct meta_reading *r)
{
    struct json_scan *s = &r->scan;
    s->at++;
    if (json_peek(s) == '}') {
        s->at++;
        return true;
    }
    for (;;) {
        if (!read_member(r))
            return false;
        int c = json_peek(s);
        if (c != ',' && c != '}')
            return json_fail(s, "after object key:value pair");
        s->at++;
        if (c == '}')
            return true;
    }
}

static bool read_document(struct meta_reading *r)
{
    int c = json_peek(&r->scan);
    if (c == '{')
        return read_object(r) && json_scan_end(&r->scan);
    if (!json_skip(&r->scan, 0, DECODE_MAX_DEPTH) || !json_scan_end(&r->scan))
        return false;
    if (c != 'n')
        r->fault = arena_printf(r->arena, "json: cannot unmarshal %s into Go value of type %s", kind_of(c),
                                meta_type);
    return true;
}

bool decode_type_meta(struct arena *arena, struct slice json, struct slice *ret_api_version,
                      struct slice *ret_kind, struct error *err)
{
    struct meta_reading r = {.arena = arena, .api_version = SLICE(""), .kind = SLICE("")};
    json_scan_init(&r.scan, json);
    if (!read_document(&r)) {
        cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
        json_scan_fault(&r.scan, &text);
        r.fault = arena_strdup(arena, buf_slice(&text));
    }
    if (r.fault)
        return error_set(err, REASON_BAD_REQUEST, "couldn't get version/kind; json parse error: %s", r.fault);
    *ret_api_version = r.api_version;
    *ret_kind = r.kind;
    return true;
}
