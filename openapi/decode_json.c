#include "openapi/decode_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "openapi/custom.h"
#include "openapi/decode_faults.h"
#include "openapi/scalar.h"

/*
 * One pass over the text, guided by the schema. Faults come in three weights, as in Go: a fault of syntax
 * anywhere outweighs all else; then the first value that its type could not read at all (a time, a quantity);
 * then the first value of a wrong kind. So the pass goes on after the lighter ones, and decides at the end.
 */

static bool decode_node(struct decoder *d, const struct schema *schema, const struct place *at,
                        struct value *ret);

static bool begin_nested(struct decoder *d)
{
    if (d->depth >= DECODE_MAX_DEPTH)
        return json_fail(&d->scan, "exceeded max depth");
    d->depth++;
    d->scan.at++;
    return true;
}

static bool skip(struct decoder *d)
{
    return json_skip(&d->scan, d->depth, DECODE_MAX_DEPTH);
}

/* ---- the stack that lists and maps gather on before they know their size ---- */

static struct value_entry *push(struct decoder *d)
{
    if (d->stack_count == d->stack_capacity) {
        d->stack_capacity *= 2;
        if (d->stack == d->stack_first) {
            d->stack = xmalloc(d->stack_capacity * sizeof *d->stack);
            memcpy(d->stack, d->stack_first, sizeof d->stack_first);
        } else {
            d->stack = xrealloc(d->stack, d->stack_capacity * sizeof *d->stack);
        }
    }
    struct value_entry *entry = &d->stack[d->stack_count++];
    *entry = (struct value_entry){.key = {NULL, 0}};
    return entry;
}

static void sort_entries(struct value_entry *entries, struct value_entry *scratch, size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t from = 0; from < n; from += 2 * width) {
            size_t a = from, a_end = from + width < n ? from + width : n;
            size_t b = a_end, b_end = from + 2 * width < n ? from + 2 * width : n;
            for (size_t to = from; to < b_end; to++) {
                bool first = b >= b_end || (a < a_end && slice_cmp(entries[a].key, entries[b].key) <= 0);
                scratch[to] = entries[first ? a++ : b++];
            }
        }
        memcpy(entries, scratch, n * sizeof *entries);
    }
}

static bool is_sorted(const struct value_entry *entries, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (slice_cmp(entries[i - 1].key, entries[i].key) >= 0)
            return false;
    return true;
}

/* The map of the entries above `base`, sorted; of two with one key the later stays. */
static struct value pop_map(struct decoder *d, size_t base, const struct place *at)
{
    size_t n = d->stack_count - base, kept = 0;
    struct value map = value_new_map(d->arena, n);
    if (n)
        memcpy(map.map->entries, d->stack + base, n * sizeof *d->stack);
    if (!is_sorted(map.map->entries, n)) {
        sort_entries(map.map->entries, d->stack + base, n);
        for (size_t i = 0; i < n; i++) {
            bool same = kept && slice_eq(map.map->entries[kept - 1].key, map.map->entries[i].key);
            if (same)
                decoder_find(d, "duplicate", at, map.map->entries[i].key);
            map.map->entries[kept - same] = map.map->entries[i];
            kept += !same;
        }
        n = kept;
    }
    map.map->count = (uint32_t)n;
    d->stack_count = base;
    return map;
}

static struct value pop_list(struct decoder *d, size_t base)
{
    size_t n = d->stack_count - base;
    struct value list = value_new_list(d->arena, n);
    for (size_t i = 0; i < n; i++)
        list.list->items[i] = d->stack[base + i].value;
    list.list->count = (uint32_t)n;
    d->stack_count = base;
    return list;
}

/* ---- containers ---- */

/* An object's next key: 1, or 0 at its end, or -1 for a fault. `first`: nothing was read yet. */
static int next_key(struct decoder *d, bool first, struct slice *ret_key)
{
    struct json_scan *s = &d->scan;
    struct json_string key;
    int c = json_peek(s);
    if (c == '}' && first) {
        s->at++;
        d->depth--;
        return 0;
    }
    if (c != '"') {
        json_fail(s, "looking for beginning of object key string");
        return -1;
    }
    if (!json_scan_string(s, &key))
        return -1;
    if (json_peek(s) != ':') {
        json_fail(s, "after object key");
        return -1;
    }
    s->at++;
    *ret_key = json_string_text(d->arena, &key);
    return 1;
}

/* What follows a value in a container: 1 another, 0 the end, -1 a fault. */
static int next_member(struct decoder *d, char close, const char *context)
{
    int c = json_peek(&d->scan);
    if (c != ',' && c != close) {
        json_fail(&d->scan, context);
        return -1;
    }
    d->scan.at++;
    d->depth -= c == close;
    return c == ',';
}

static bool within_limit(struct decoder *d)
{
    return !arena_exceeded(d->arena) || (d->too_large = true, false);
}

static bool decode_list(struct decoder *d, const struct schema *elem, const struct place *at,
                        struct value *ret)
{
    size_t base = d->stack_count;
    int more = 1;
    if (!begin_nested(d))
        return false;
    if (json_peek(&d->scan) == ']') {
        d->scan.at++;
        d->depth--;
        more = 0;
    }
    while (more > 0) {
        struct place place = {.parent = at, .type = PLACE_INDEX, .index = d->stack_count - base};
        struct value item = value_absent;
        if (!decode_node(d, elem, &place, &item))
            return false;
        if (item.kind == VALUE_ABSENT)
            item = decoder_zero(d, elem);
        push(d)->value = item;
        more = next_member(d, ']', "after array element");
    }
    *ret = pop_list(d, base);
    return more == 0 && within_limit(d);
}

/* A null that a custom resource's schema neither allows nor replaces by a default is as good as not there. */
static bool is_dropped_null(const struct schema *schema, const struct value *v)
{
    return v->kind == VALUE_NULL && schema->custom && !schema->nullable && !schema->custom->default_json;
}

static bool decode_map(struct decoder *d, const struct schema *elem, const struct place *at,
                       struct value *ret)
{
    size_t base = d->stack_count;
    int more = 1;
    if (!begin_nested(d))
        return false;
    for (bool first = true; more > 0; first = false) {
        struct place place = {.parent = at, .type = PLACE_KEY};
        struct value item = value_absent;
        int got = next_key(d, first, &place.key);
        if (got <= 0) {
            more = got;
            break;
        }
        if (!decode_node(d, elem, &place, &item))
            return false;
        if (item.kind == VALUE_ABSENT)
            item = decoder_zero(d, elem);
        if (!is_dropped_null(elem, &item))
            *push(d) = (struct value_entry){place.key, item};
        more = next_member(d, '}', "after object key:value pair");
    }
    *ret = pop_map(d, base, at);
    return more == 0 && within_limit(d);
}

static bool decode_unknown(struct decoder *d, const struct schema_type *type, const struct place *at,
                           struct slice key)
{
    if (!type->preserve_unknown) {
        decoder_find(d, "unknown", at, key);
        return skip(d);
    }
    struct place place = {.parent = at, .type = PLACE_KEY, .key = key};
    struct value item = value_absent;
    if (!decode_node(d, &schema_any, &place, &item))
        return false;
    *push(d) = (struct value_entry){key, item};
    return true;
}

/* Go reads null into a field that is neither pointer, list nor map as nothing at all: what a first mention
 * set stays. */
static bool null_is_ignored(const struct schema_field *field)
{
    enum schema_kind kind = field->schema.kind;
    return !(field->flags & FIELD_POINTER) && kind != SCHEMA_LIST && kind != SCHEMA_MAP &&
           kind != SCHEMA_BYTES && kind != SCHEMA_RAW;
}

static bool decode_field(struct decoder *d, struct value *record, unsigned i, const struct place *at,
                         bool again)
{
    const struct schema_type *type = record->record->type;
    const struct schema_field *field = &type->fields[i];
    struct place place = {
        .parent = at, .type = PLACE_FIELD, .key = {field->name, field->name_len}, .record = type};
    struct value *v = &record->record->fields[i], item = value_absent;
    bool is_null = false;
    if (again) {
        decoder_find(d, "duplicate", at, place.key);
        is_null = json_peek(&d->scan) == 'n';
    }
    if (!decode_node(d, &field->schema, &place, &item))
        return false;
    if (!(field->flags & FIELD_POINTER) && value_is_zero(&item, &field->schema))
        item = value_absent;
    if (item.kind == VALUE_NULL && field->schema.custom && !field->schema.nullable)
        item = value_absent; /* the default, if there is one, comes later */
    if (!is_null || !null_is_ignored(field))
        *v = item;
    return true;
}

/* Encoders write fields in the order of the schema: the next one is likely near the last. */
static int find_field(const struct schema_type *type, unsigned near, struct slice key)
{
    enum { LOOK_AHEAD = 3 };
    for (unsigned i = near; i < type->field_count && i < near + LOOK_AHEAD; i++) {
        const struct schema_field *field = &type->fields[i];
        if (field->name_len == key.len && memcmp(field->name, key.ptr, key.len) == 0)
            return (int)i;
    }
    return schema_find_field(type, key.ptr, key.len);
}

static bool decode_record(struct decoder *d, const struct schema_type *type, const struct place *at,
                          struct value *ret)
{
    enum { SEEN_WORDS = 4 };
    uint64_t few[SEEN_WORDS] = {0}, *seen = few;
    size_t base = d->stack_count;
    unsigned near = 0;
    int more = 1;
    if (!begin_nested(d))
        return false;
    if (type->field_count > SEEN_WORDS * 64)
        seen = arena_zalloc(d->arena, (type->field_count / 64u + 1) * sizeof *seen);
    *ret = value_new_record(d->arena, type);
    for (bool first = true; more > 0; first = false) {
        struct slice key;
        int got = next_key(d, first, &key);
        if (got <= 0) {
            more = got;
            break;
        }
        int i = find_field(type, near, key);
        if (i < 0 ? !decode_unknown(d, type, at, key)
                  : !decode_field(d, ret, (unsigned)i, at, seen[i / 64] >> i % 64 & 1))
            return false;
        if (i >= 0) {
            seen[i / 64] |= UINT64_C(1) << i % 64;
            near = (unsigned)i + 1;
        }
        more = next_member(d, '}', "after object key:value pair");
    }
    if (d->stack_count > base)
        ret->record->extra = pop_map(d, base, at).map;
    return more == 0 && within_limit(d);
}

/* ---- single values ---- */

static bool decode_raw(struct decoder *d, struct value *ret)
{
    const char *begin = d->scan.at;
    if (!skip(d))
        return false;
    struct slice text = json_compact(d->arena, slice_make(begin, (size_t)(d->scan.at - begin)));
    *ret = (struct value){.kind = VALUE_RAW, .len = (uint32_t)text.len, .s = text.ptr};
    return true;
}

static bool decode_number(struct decoder *d, const struct schema *schema, const struct place *at,
                          struct value *ret)
{
    struct slice number;
    bool integer;
    if (!json_scan_number(&d->scan, &number, &integer))
        return false;
    decoder_number(d, schema->custom ? &schema_any : schema, at, number, integer, ret);
    return true;
}

static bool decode_string(struct decoder *d, const struct schema *schema, const struct place *at,
                          struct value *ret)
{
    struct json_string string;
    if (!json_scan_string(&d->scan, &string))
        return false;
    struct slice text = json_string_text(d->arena, &string);
    if (schema->kind == SCHEMA_STRING || schema->kind == SCHEMA_ANY || schema->custom)
        *ret = (struct value){
            .kind = VALUE_STRING, .plain = string.plain, .len = (uint32_t)text.len, .s = text.ptr};
    else
        decoder_string(d, schema, at, text, ret);
    return true;
}

static bool decode_bool(struct decoder *d, const struct schema *schema, const struct place *at, bool b,
                        struct value *ret)
{
    if (!json_scan_word(&d->scan, b ? "true" : "false"))
        return false;
    if (schema->kind == SCHEMA_BOOL || schema->kind == SCHEMA_ANY || schema->custom)
        *ret = value_of_bool(b);
    else
        decoder_mismatch(d, schema, at, b ? SLICE("true") : SLICE("false"), "bool");
    return true;
}

static bool decode_object(struct decoder *d, const struct schema *schema, const struct place *at,
                          struct value *ret)
{
    if (schema->kind == SCHEMA_RECORD)
        return decode_record(d, schema->type, at, ret);
    if (schema->kind == SCHEMA_MAP)
        return decode_map(d, schema->elem, at, ret);
    if (schema->kind == SCHEMA_ANY || schema->custom)
        return decode_map(d, &schema_any, at, ret);
    decoder_mismatch(d, schema, at, SLICE("{"), "object");
    return skip(d);
}

static bool decode_array(struct decoder *d, const struct schema *schema, const struct place *at,
                         struct value *ret)
{
    if (schema->kind == SCHEMA_LIST)
        return decode_list(d, schema->elem, at, ret);
    if (schema->kind == SCHEMA_ANY || schema->custom)
        return decode_list(d, &schema_any, at, ret);
    decoder_mismatch(d, schema, at, SLICE("["), "array");
    return skip(d);
}

static bool decode_node(struct decoder *d, const struct schema *schema, const struct place *at,
                        struct value *ret)
{
    int c = json_peek(&d->scan);
    if (c == 'n') {
        if (schema->nullable || schema->kind == SCHEMA_ANY || schema->custom)
            ret->kind = VALUE_NULL;
        return json_scan_word(&d->scan, "null");
    }
    if (schema->kind == SCHEMA_RAW)
        return decode_raw(d, ret);
    switch (c) {
    case '"':
        return decode_string(d, schema, at, ret);
    case '{':
        return decode_object(d, schema, at, ret);
    case '[':
        return decode_array(d, schema, at, ret);
    case 't':
    case 'f':
        return decode_bool(d, schema, at, c == 't', ret);
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return decode_number(d, schema, at, ret);
        return json_fail(&d->scan, "looking for beginning of value");
    }
}

/* ---- entry points ---- */

static bool report(struct decoder *d, bool syntax_ok, struct error *err)
{
    if (d->too_large)
        return error_set(err, REASON_TOO_LARGE, "the object takes more memory than one request may use");
    if (!syntax_ok) {
        cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
        json_scan_fault(&d->scan, &text);
        return error_set(err, REASON_BAD_REQUEST, "%s", buf_cstr(&text));
    }
    const char *fault = d->unreadable ? d->unreadable : d->mismatch;
    return fault ? error_set(err, REASON_BAD_REQUEST, "%s", fault) : true;
}

bool decode_json_node(struct arena *arena, const struct schema *schema, struct slice text,
                      struct value *ret_value, struct decode_findings *findings, struct error *err)
{
    struct decoder d = {.arena = arena, .findings = findings, .stack_capacity = DECODER_STACK};
    struct value value = value_absent;
    d.stack = d.stack_first;
    json_scan_init(&d.scan, text);
    bool ok = decode_node(&d, schema, NULL, &value) && json_scan_end(&d.scan);
    if (d.stack != d.stack_first)
        free(d.stack);
    if (!report(&d, ok, err))
        return false;
    *ret_value = value;
    return true;
}

bool decode_json(struct arena *arena, const struct schema_type *type, struct slice text,
                 struct value *ret_value, struct decode_findings *findings, struct error *err)
{
    struct schema schema = {.kind = SCHEMA_RECORD, .type = type};
    if (!decode_json_node(arena, &schema, text, ret_value, findings, err))
        return false;
    if (ret_value->kind == VALUE_ABSENT) /* null is an object with nothing in it */
        *ret_value = value_new_record(arena, type);
    return true;
}
