#include "openapi/protobuf_encode.h"

#include <stdlib.h>

#include "openapi/protobuf.h"
/*
 * One pass over the JSON text, guided by the schema, which writes each value as it comes. What is stored is
 * canonical: members stand in the order of the type's fields, keys of maps are sorted. Where the type's order
 * is that of the wire, that is all; else the record is written as it comes and its fields are put in order
 * after. Text that turns out not to be canonical (schemas inside of custom resource definitions are kept as
 * they came) takes a second pass, in which everything is put in order after.
 */

enum { MAX_FIELDS = 128 };

static bool put_node(struct encoder *e, const struct schema *schema, uint32_t number);

/* ---- what is written for what is absent ---- */

static void put_absent_record(struct buf *out, const struct schema_type *type);

static void put_zero(struct buf *out, const struct schema *schema, uint32_t number)
{
    size_t start;
    double zero = 0;
    switch (schema->kind) {
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_BOOL:
        wire_put_uint(out, number, 0);
        break;
    case SCHEMA_FLOAT64:
        wire_put_tag(out, number, WIRE_FIXED64);
        buf_put(out, &zero, sizeof zero);
        break;
    case SCHEMA_DURATION:
        wire_put_bytes(out, number, slice_make("\x08\0", 2));
        break;
    case SCHEMA_QUANTITY:
        wire_put_bytes(out, number,
                       SLICE("\x0a\x01"
                             "0"));
        break;
    case SCHEMA_INT_OR_STRING:
        wire_put_bytes(out, number, slice_make("\x08\0\x10\0\x1a\0", 6));
        break;
    case SCHEMA_RECORD:
        start = wire_open(out, number);
        put_absent_record(out, schema->type);
        wire_close(out, start);
        break;
    default: /* texts, times and what is kept as it came */
        wire_put_bytes(out, number, SLICE(""));
    }
}

/* The steps of a record on the wire; embedded messages stand at most two deep. */
struct steps {
    const struct schema_type *type;
    const struct schema_step *at;
    size_t open[2];
    unsigned depth;
};

/* A step that is no field: an embedded message begins or ends. */
static void embed(struct steps *s, struct buf *out)
{
    if (s->at->step == WIRE_END_INLINED)
        wire_close(out, s->open[--s->depth]);
    else
        s->open[s->depth++] = wire_open(out, (uint32_t)(-s->at->step));
}

/* The present step's field is absent. Go's marshalers leave out nil: pointers, lists, maps, bytes. All else
 * is always written. */
static inline void put_absent(struct steps *s, struct buf *out)
{
    const struct schema_step *step = s->at;
    if (step->absent == ABSENT_LONG) {
        const struct schema_field *field = &s->type->fields[step->step - 1];
        put_zero(out, &field->schema, field->proto);
    } else if (step->absent == ABSENT_SHORT) {
        char *to = buf_reserve(out, 3);
        if (!to)
            return;
        to[0] = step->tag[0];
        to[1] = step->tag_len == 2 ? step->tag[1] : 0;
        to[2] = 0;
        out->len += step->tag_len + 1u;
    }
}

/* Writes what stands before the step of that field (0: before the end) with all its fields absent. False: the
 * field has been passed. */
static bool pass_to(struct steps *s, struct buf *out, int step)
{
    for (; s->at->step != step; s->at++) {
        if (s->at->step == 0)
            return false;
        if (s->at->step < 0)
            embed(s, out);
        else
            put_absent(s, out);
    }
    return true;
}

static void put_absent_record(struct buf *out, const struct schema_type *type)
{
    struct steps s = {.type = type, .at = type->wire};
    pass_to(&s, out, 0);
}

/* ---- kept as it came ---- */

/* One of several shapes: the JSON tells which field it is. A bool beside a schema says that there is one. */
static bool put_shape(struct encoder *e, const struct schema_type *type)
{
    int c = json_peek(&e->scan);
    for (const struct schema_step *at = type->wire; at->step; at++) {
        const struct schema_field *f = &type->fields[at->step - 1];
        bool fits = c == '{' ? f->schema.kind == SCHEMA_RECORD : c == '[' && f->schema.kind == SCHEMA_LIST;
        if (f->schema.kind == SCHEMA_BOOL && c == '{')
            wire_put_uint(e->out, f->proto, 1);
        else if (f->schema.kind == SCHEMA_BOOL)
            return encoder_put_bool(e, f->proto);
        else if (fits)
            return put_node(e, &f->schema, f->proto);
    }
    return false;
}

/* Text that is kept as it came has been read as JSON before: only its end is looked for. */
static bool skip_kept(struct encoder *e)
{
    struct json_scan *s = &e->scan;
    struct json_string string;
    unsigned open = 0;
    int c = json_peek(s);
    if (c != '{' && c != '[')
        return json_skip(s, e->depth, DECODE_MAX_DEPTH);
    while (s->at < s->end) {
        if (*s->at == '"') {
            if (!json_scan_string(s, &string))
                return false;
            continue;
        }
        c = *s->at++ | 0x20; /* '[' and ']' become '{' and '}' */
        open += c == '{';
        if (c == '}' && --open == 0)
            return true;
    }
    return false;
}

static bool put_raw(struct encoder *e, const struct schema *schema, uint32_t number)
{
    size_t start = wire_open(e->out, number);
    if (schema->type && schema->type->opaque) {
        if (!put_shape(e, schema->type))
            return false;
    } else {
        const char *begin = e->scan.at;
        if (!skip_kept(e))
            return false;
        wire_put_bytes(e->out, 1, slice_make(begin, (size_t)(e->scan.at - begin)));
    }
    wire_close(e->out, start);
    return true;
}

/* ---- containers ---- */

static bool disorder(struct encoder *e)
{
    e->disorder = true;
    return false;
}

static bool skip(struct encoder *e)
{
    return json_skip(&e->scan, e->depth, DECODE_MAX_DEPTH);
}

static bool enter(struct encoder *e)
{
    e->scan.at++;
    return e->depth++ < DECODE_MAX_DEPTH;
}

/* Before each member or element: 1 there is one, 0 the end, which is passed over, -1 a fault. */
static int more(struct encoder *e, bool first, char close)
{
    int c = json_peek(&e->scan);
    if (c != close && first)
        return 1;
    e->scan.at++;
    e->depth -= c == close;
    return c == close ? 0 : c == ',' ? 1 : -1;
}

static bool scan_key(struct encoder *e, struct slice *ret)
{
    if (!encoder_scan_text(e, ret) || json_peek(&e->scan) != ':')
        return false;
    e->scan.at++;
    return true;
}

static bool put_list(struct encoder *e, const struct schema *elem, uint32_t number)
{
    int got;
    if (!enter(e))
        return false;
    for (bool first = true; (got = more(e, first, ']')) > 0; first = false)
        if (!put_node(e, elem, number))
            return false;
    return got == 0;
}

/* An entry's value: field 2 of its message. A list is a message of its own there. */
static bool put_entry_value(struct encoder *e, const struct schema *elem)
{
    bool is_null = json_peek(&e->scan) == 'n';
    if (elem->kind == SCHEMA_BYTES && is_null)
        return skip(e);
    if (elem->kind != SCHEMA_LIST)
        return put_node(e, elem, 2);
    size_t start = wire_open(e->out, 2);
    if (is_null ? !skip(e) : !put_list(e, elem->elem, 1))
        return false;
    wire_close(e->out, start);
    return true;
}

static bool put_entry(struct encoder *e, const struct schema *elem, uint32_t number, struct slice *ret_key)
{
    if (!scan_key(e, ret_key))
        return false;
    size_t start = wire_open(e->out, number);
    wire_put_bytes(e->out, 1, *ret_key);
    if (!put_entry_value(e, elem))
        return false;
    wire_close(e->out, start);
    return true;
}

static bool put_sorted_map(struct encoder *e, const struct schema *elem, uint32_t number)
{
    struct slice key, last = {NULL, 0};
    int got;
    for (bool first = true; (got = more(e, first, '}')) > 0; first = false) {
        if (!put_entry(e, elem, number, &key))
            return false;
        if (!first && slice_cmp(last, key) >= 0)
            return disorder(e);
        last = key;
    }
    return got == 0;
}

/* Where an entry of a map was written. */
struct entry {
    struct slice key;
    size_t start, len;
};

static int by_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = slice_cmp(x->key, y->key);
    return c ? c : x->start < y->start ? -1 : 1;
}

/* The entries stand from `base` as they came: sorts them. Of two with one key the later stays. */
static void sort_map(struct encoder *e, size_t base, struct entry *entries, size_t count)
{
    size_t at = e->scratch.len;
    buf_put(&e->scratch, e->out->data + base, e->out->len - base);
    e->out->len = base;
    qsort(entries, count, sizeof *entries, by_key);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || !slice_eq(entries[i].key, entries[i + 1].key))
            buf_put(e->out, e->scratch.data + at + entries[i].start - base, entries[i].len);
    e->scratch.len = at;
}

static bool put_unsorted_map(struct encoder *e, const struct schema *elem, uint32_t number)
{
    struct entry *entries = NULL, *entry;
    size_t count = 0, capacity = 0, base = e->out->len;
    struct slice key;
    int got;
    for (bool first = true; (got = more(e, first, '}')) > 0; first = false) {
        size_t start = e->out->len;
        if (!put_entry(e, elem, number, &key))
            return false;
        entry = arena_push(e->arena, &entries, &count, &capacity, sizeof *entry);
        *entry = (struct entry){key, start, e->out->len - start};
    }
    if (got == 0 && count)
        sort_map(e, base, entries, count);
    return got == 0;
}

static bool put_map(struct encoder *e, const struct schema *elem, uint32_t number)
{
    if (!enter(e))
        return false;
    return e->any_order ? put_unsorted_map(e, elem, number) : put_sorted_map(e, elem, number);
}

/* Whether the field's name is the key that begins here, as an encoder writes it; passes over it and the
 * colon. */
static inline bool is_key(struct json_scan *s, const struct schema_field *f)
{
    size_t n = f->name_len;
    if ((size_t)(s->end - s->at) < n + 3 || s->at[n + 1] != '"' || s->at[1] != *f->name ||
        memcmp(s->at + 1, f->name, n) != 0 || s->at[n + 2] != ':')
        return false;
    s->at += n + 3;
    return true;
}

/* Encoders write fields in the order of the schema: the next one is likely near the last. -1: unknown; -2: a
 * fault. */
static int scan_field(struct encoder *e, const struct schema_type *type, unsigned near)
{
    enum { LOOK_AHEAD = 8 };
    struct slice key;
    if (json_peek(&e->scan) == '"')
        for (unsigned i = near; i < type->field_count && i < near + LOOK_AHEAD; i++)
            if (is_key(&e->scan, &type->fields[i]))
                return (int)i;
    return scan_key(e, &key) ? schema_find_field(type, key.ptr, key.len) : -2;
}

/* The next member of a record that is on the wire, up to its value: its index, -1 at the end, -2 for a fault.
 * Passes over others and over null. *near: where to look for it. */
static int next_field(struct encoder *e, const struct schema_type *type, bool *first, unsigned *near)
{
    int got;
    for (; (got = more(e, *first, '}')) > 0; *first = false) {
        int i = scan_field(e, type, *near);
        if (i >= 0)
            *near = (unsigned)i + 1;
        if (i >= 0 && type->fields[i].proto && json_peek(&e->scan) != 'n') {
            *first = false;
            return i;
        }
        if (i == -2 || !skip(e))
            return -2;
    }
    return got < 0 ? -2 : -1;
}

static bool put_field(struct encoder *e, const struct schema_field *field)
{
    if (!(field->flags & FIELD_WRAPPED))
        return put_node(e, &field->schema, field->proto);
    size_t start = wire_open(e->out, field->proto);
    if (json_peek(&e->scan) != '[' || !put_list(e, field->schema.elem, 1))
        return false;
    wire_close(e->out, start);
    return true;
}

static bool put_in_order(struct encoder *e, const struct schema_type *type)
{
    struct steps s = {.type = type, .at = type->wire};
    bool first = true;
    unsigned near = 0;
    int i;
    while ((i = next_field(e, type, &first, &near)) >= 0) {
        if (!pass_to(&s, e->out, i + 1))
            return disorder(e);
        if (!put_field(e, &type->fields[i]))
            return false;
        s.at++;
    }
    return i == -1 && pass_to(&s, e->out, 0);
}

/* Where a field was written, from the record's start; length 0: it was not. */
struct piece {
    uint32_t start, len;
};

/* The pieces stand from `base` in the order of JSON: puts them in that of the wire, with what is absent
 * between them. */
static void reorder(struct encoder *e, const struct schema_type *type, size_t base,
                    const struct piece *pieces)
{
    struct buf *out = e->out;
    size_t at = e->scratch.len;
    buf_put(&e->scratch, out->data + base, out->len - base);
    out->len = base;
    struct steps s = {.type = type, .at = type->wire};
    for (; s.at->step; s.at++) {
        const struct piece *piece = &pieces[s.at->step > 0 ? s.at->step - 1 : 0];
        if (s.at->step < 0)
            embed(&s, out);
        else if (piece->len)
            buf_put(out, e->scratch.data + at + piece->start, piece->len);
        else
            put_absent(&s, out);
    }
    e->scratch.len = at;
}

static bool put_reordered(struct encoder *e, const struct schema_type *type)
{
    struct piece pieces[MAX_FIELDS];
    size_t base = e->out->len;
    bool first = true;
    unsigned near = 0;
    int i;
    if (type->field_count > MAX_FIELDS)
        return false;
    memset(pieces, 0, type->field_count * sizeof *pieces);
    while ((i = next_field(e, type, &first, &near)) >= 0) {
        size_t start = e->out->len;
        if (!put_field(e, &type->fields[i]))
            return false;
        pieces[i] = (struct piece){(uint32_t)(start - base), (uint32_t)(e->out->len - start)};
    }
    if (i == -1)
        reorder(e, type, base, pieces);
    return i == -1;
}

static bool put_record(struct encoder *e, const struct schema_type *type)
{
    if (json_peek(&e->scan) != '{' || !type->wire || !enter(e))
        return false;
    return type->wire_in_order && !e->any_order ? put_in_order(e, type) : put_reordered(e, type);
}

static bool put_node(struct encoder *e, const struct schema *schema, uint32_t number)
{
    size_t start;
    if (json_peek(&e->scan) == 'n') { /* in a list or a map */
        put_zero(e->out, schema, number);
        return skip(e);
    }
    switch (schema->kind) {
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_FLOAT64:
        return encoder_put_number(e, schema->kind, number);
    case SCHEMA_BOOL:
        return encoder_put_bool(e, number);
    case SCHEMA_INT_OR_STRING:
        return encoder_put_int_or_string(e, number);
    case SCHEMA_RAW:
        return put_raw(e, schema, number);
    case SCHEMA_ANY:
        return false;
    case SCHEMA_LIST:
        return json_peek(&e->scan) == '[' && put_list(e, schema->elem, number);
    case SCHEMA_MAP:
        return json_peek(&e->scan) == '{' && put_map(e, schema->elem, number);
    case SCHEMA_RECORD:
        start = wire_open(e->out, number);
        if (!put_record(e, schema->type))
            return false;
        wire_close(e->out, start);
        return true;
    default:
        return encoder_put_text(e, schema, number);
    }
}

/* ---- entry points ---- */

static bool encode(struct buf *out, struct arena *arena, const struct schema_type *type, struct slice json,
                   bool any_order, bool *ret_disorder)
{
    struct encoder e = {
        .arena = arena, .out = out, .scratch = BUF_INIT(BUF_UNLIMITED), .any_order = any_order};
    size_t base = out->len;
    json_scan_init(&e.scan, json);
    bool ok = put_record(&e, type) && json_scan_end(&e.scan);
    buf_release(&e.scratch);
    *ret_disorder = e.disorder;
    if (!ok)
        out->len = base;
    return ok;
}

bool protobuf_has_form(const struct schema_type *type)
{
    return type->wire && (type->wire->step || !type->field_count);
}

bool encode_protobuf(struct buf *out, struct arena *arena, const struct schema_type *type, struct slice json,
                     struct error *err)
{
    bool disorder;
    return encode(out, arena, type, json, false, &disorder) ||
           (disorder && encode(out, arena, type, json, true, &disorder)) ||
           error_set(err, REASON_INTERNAL, "the object cannot be written as a protobuf message of %s",
                     type->name);
}

static void put_type_meta(struct buf *out, struct slice api_version, struct slice kind)
{
    buf_put(out, protobuf_mark, sizeof protobuf_mark);
    size_t meta = wire_open(out, 1);
    wire_put_bytes(out, 1, api_version);
    wire_put_bytes(out, 2, kind);
    wire_close(out, meta);
}

void protobuf_put_head(struct buf *out, struct slice api_version, struct slice kind, size_t message_len)
{
    put_type_meta(out, api_version, kind);
    wire_put_tag(out, 2, WIRE_BYTES);
    wire_put_varint(out, message_len);
}

void protobuf_put_tail(struct buf *out)
{
    wire_put_bytes(out, 3, SLICE("")); /* encoding and type of the content: none but the usual */
    wire_put_bytes(out, 4, SLICE(""));
}

bool encode_protobuf_object(struct buf *out, struct arena *arena, const struct schema_type *type,
                            struct slice api_version, struct slice kind, struct slice json, struct error *err)
{
    size_t base = out->len;
    put_type_meta(out, api_version, kind);
    size_t message = wire_open(out, 2);
    if (!encode_protobuf(out, arena, type, json, err)) {
        out->len = base;
        return false;
    }
    wire_close(out, message);
    protobuf_put_tail(out);
    return true;
}
