#include <inttypes.h>
#include <math.h>
#include <yaml.h>

#include "openapi/decode.h"
#include "openapi/json_scan.h"
#include "openapi/scalar.h"
#include "openapi/yaml_scalar.h"

/*
 * Events in, JSON text out. An anchor is a range of the text written so far, an alias writes that range
 * again, a merge key ("<<") writes the members of a range. Keys that are said twice stay so in the JSON,
 * where the decoder finds them. What aliases may add is limited, or a few lines would stand for gigabytes.
 */
enum { MAX_ALIASED_BYTES = 4 << 20, MAX_DEPTH = 10000 };

struct anchor {
    struct slice name;
    size_t begin, end; /* in the text; end 0: still open */
};

struct level {
    bool map, key_next, merging;
    size_t count; /* members or elements so far */
    size_t begin; /* in the text */
    size_t value; /* where the value being written began */
    struct slice anchor;
};

struct conversion {
    struct arena *arena;
    yaml_parser_t parser;
    struct buf out;
    struct level *levels;
    size_t depth, level_capacity;
    struct anchor **slots; /* open-addressed by name */
    size_t slot_mask, anchor_count;
    size_t aliased;
    struct error *err;
};

static bool fail(struct conversion *c, const char *what)
{
    return error_set(c->err, REASON_BAD_REQUEST, "yaml: %s", what);
}

/* The parser's complaint with the line that go-yaml would name. */
static bool fail_parse(struct conversion *c)
{
    const yaml_parser_t *p = &c->parser;
    bool scanner = p->error == YAML_SCANNER_ERROR;
    size_t line = p->context_mark.line ? p->context_mark.line : p->problem_mark.line;
    const char *problem = p->problem ? p->problem : "unknown problem parsing YAML content";
    if (line)
        return error_set(c->err, REASON_BAD_REQUEST, "yaml: line %zu: %s", line + scanner, problem);
    return fail(c, problem);
}

/* ---- anchors ---- */

static struct anchor **find_slot(const struct conversion *c, struct slice name)
{
    uint32_t i = 2166136261u;
    for (size_t k = 0; k < name.len; k++)
        i = (i ^ (unsigned char)name.ptr[k]) * 16777619u;
    while (c->slots[i & c->slot_mask] && !slice_eq(c->slots[i & c->slot_mask]->name, name))
        i++;
    return &c->slots[i & c->slot_mask];
}

static void grow_slots(struct conversion *c)
{
    struct anchor **old = c->slots;
    size_t n = old ? c->slot_mask + 1 : 0;
    c->slot_mask = n ? n * 2 - 1 : 15;
    c->slots = arena_zalloc(c->arena, (c->slot_mask + 1) * sizeof *c->slots);
    for (size_t i = 0; i < n; i++)
        if (old[i])
            *find_slot(c, old[i]->name) = old[i];
}

static void set_anchor(struct conversion *c, struct slice name, size_t begin, size_t end)
{
    if (!name.ptr)
        return;
    if (!c->slots || c->anchor_count * 2 > c->slot_mask)
        grow_slots(c);
    struct anchor **slot = find_slot(c, name);
    if (!*slot) {
        *slot = arena_zalloc(c->arena, sizeof **slot);
        c->anchor_count++;
    }
    **slot = (struct anchor){name, begin, end};
}

/* What lay past `begin` is about to be written anew: anchors into it are gone. */
static void forget_anchors(struct conversion *c, size_t begin)
{
    for (size_t i = 0; c->slots && i <= c->slot_mask; i++)
        if (c->slots[i] && c->slots[i]->begin >= begin)
            c->slots[i]->end = SIZE_MAX;
}

static struct slice anchor_of(struct conversion *c, const yaml_char_t *name)
{
    return name ? arena_dup(c->arena, slice_str((const char *)name)) : (struct slice){NULL, 0};
}

/* ---- merge keys ---- */

static bool merge_object(struct conversion *c, struct level *level, struct slice object)
{
    if (object.len < 2 || object.ptr[0] != '{')
        return fail(c, "map merge requires map or sequence of maps as the value");
    if (object.len == 2)
        return true;
    if (level->count++)
        buf_putc(&c->out, ',');
    buf_put(&c->out, object.ptr + 1, object.len - 2);
    return true;
}

/* The value of "<<" was written: its text makes room for its members. Of a list the first has the last word.
 */
static bool merge_value(struct conversion *c, struct level *level)
{
    struct slice text =
        arena_dup(c->arena, slice_make(c->out.data + level->value, c->out.len - level->value));
    struct slice *items = NULL;
    size_t count = 0, capacity = 0;
    c->out.len = level->value;
    forget_anchors(c, level->value);
    level->merging = false;
    if (text.ptr[0] != '[')
        return merge_object(c, level, text);
    struct json_scan s;
    json_scan_init(&s, slice_from(text, 1));
    while (json_peek(&s) != ']') {
        const char *begin = s.at;
        json_skip(&s, 0, MAX_DEPTH);
        struct slice *item = arena_push(c->arena, &items, &count, &capacity, sizeof *items);
        *item = slice_make(begin, (size_t)(s.at - begin));
        if (json_peek(&s) == ',')
            s.at++;
    }
    while (count--)
        if (!merge_object(c, level, items[count]))
            return false;
    return true;
}

/* ---- nodes ---- */

static struct level *top(struct conversion *c)
{
    return c->depth ? &c->levels[c->depth - 1] : NULL;
}

/* Before a value is written: the comma of a list. (A key writes its own.) */
static void begin_value(struct conversion *c)
{
    struct level *level = top(c);
    if (level && !level->map && level->count++)
        buf_putc(&c->out, ',');
    if (level)
        level->value = c->out.len;
}

static bool end_value(struct conversion *c)
{
    struct level *level = top(c);
    if (!level || !level->map)
        return true;
    level->key_next = true;
    return !level->merging || merge_value(c, level);
}

static void put_float(struct conversion *c, double f)
{
    char text[SCALAR_FLOAT_TEXT];
    buf_put_slice(&c->out, scalar_format_float(f, text));
}

static bool put_resolved(struct conversion *c, struct slice text, struct yaml_resolved r)
{
    switch (r.meaning) {
    case YAML_IS_NULL:
        buf_puts(&c->out, "null");
        break;
    case YAML_IS_BOOL:
        buf_puts(&c->out, r.b ? "true" : "false");
        break;
    case YAML_IS_INT:
        buf_put_int(&c->out, r.i);
        break;
    case YAML_IS_UINT:
        buf_put_uint(&c->out, r.u);
        break;
    case YAML_IS_FLOAT:
        if (!isfinite(r.f))
            return error_set(c->err, REASON_BAD_REQUEST, "json: unsupported value: %s",
                             isnan(r.f) ? "NaN"
                             : r.f > 0  ? "+Inf"
                                        : "-Inf");
        put_float(c, r.f);
        break;
    case YAML_IS_STRING:
    case YAML_IS_TIME:
        buf_put_json_string(&c->out, text);
    }
    return true;
}

static const char *const standard = "tag:yaml.org,2002:";

/* What an explicit tag makes of the scalar. */
static bool apply_tag(struct conversion *c, const char *tag, struct slice text, struct yaml_resolved *r)
{
    static const char *const names[] = {
        [YAML_IS_STRING] = "str",    [YAML_IS_NULL] = "null", [YAML_IS_BOOL] = "bool",
        [YAML_IS_INT] = "int",       [YAML_IS_UINT] = "int",  [YAML_IS_FLOAT] = "float",
        [YAML_IS_TIME] = "timestamp"};
    if (strncmp(tag, standard, strlen(standard)) != 0) {
        r->meaning = YAML_IS_STRING;
        return true;
    }
    tag += strlen(standard);
    if (strcmp(tag, "str") == 0) {
        r->meaning = YAML_IS_STRING;
        return true;
    }
    *r = yaml_resolve(text);
    if (strcmp(tag, "float") == 0 && r->meaning == YAML_IS_INT)
        *r = (struct yaml_resolved){YAML_IS_FLOAT, {.f = (double)r->i}};
    if (strcmp(tag, names[r->meaning]) == 0)
        return true;
    return error_set(c->err, REASON_BAD_REQUEST, "yaml: cannot decode !!%s `%.*s` as a !!%s",
                     names[r->meaning], SLICE_ARG(text), tag);
}

static bool put_scalar(struct conversion *c, const yaml_event_t *e)
{
    struct slice text = slice_make((const char *)e->data.scalar.value, e->data.scalar.length);
    const char *tag = (const char *)e->data.scalar.tag, *fault;
    struct yaml_resolved r = {.meaning = YAML_IS_STRING};
    if (tag && strcmp(tag, "tag:yaml.org,2002:binary") == 0) {
        if (!scalar_base64_decode(c->arena, text, &text, &fault))
            return fail(c, "!!binary value contains invalid base64 data");
    } else if (tag) {
        if (!apply_tag(c, tag, text, &r))
            return false;
    } else if (e->data.scalar.plain_implicit) {
        r = yaml_resolve(text);
    }
    return put_resolved(c, text, r);
}

/* A key: always a string in JSON, whatever it is in YAML. */
static bool put_key(struct conversion *c, struct level *level, const yaml_event_t *e)
{
    struct slice text = slice_make((const char *)e->data.scalar.value, e->data.scalar.length);
    bool plain = e->data.scalar.plain_implicit;
    level->key_next = false;
    if (plain && slice_is(text, "<<")) {
        level->merging = true;
        return true;
    }
    if (level->count++)
        buf_putc(&c->out, ',');
    size_t begin = c->out.len;
    if (!put_scalar(c, e))
        return false;
    struct slice written = slice_make(c->out.data + begin, c->out.len - begin);
    if (slice_is(written, "null"))
        return fail(c, "unsupported map key of type: null");
    if (written.ptr[0] != '"') {
        struct slice bare = arena_dup(c->arena, written);
        c->out.len = begin;
        buf_put_json_string(&c->out, bare);
    }
    buf_putc(&c->out, ':');
    return true;
}

static bool on_scalar(struct conversion *c, const yaml_event_t *e)
{
    struct level *level = top(c);
    if (level && level->map && level->key_next)
        return put_key(c, level, e);
    begin_value(c);
    size_t begin = c->out.len;
    if (!put_scalar(c, e))
        return false;
    set_anchor(c, anchor_of(c, e->data.scalar.anchor), begin, c->out.len);
    return end_value(c);
}

static bool on_alias(struct conversion *c, const yaml_event_t *e)
{
    struct level *level = top(c);
    struct slice name = slice_str((const char *)e->data.alias.anchor);
    struct anchor *anchor = c->slots ? *find_slot(c, name) : NULL;
    if (!anchor || anchor->end == SIZE_MAX)
        return error_set(c->err, REASON_BAD_REQUEST, "yaml: unknown anchor '%.*s' referenced",
                         SLICE_ARG(name));
    if (!anchor->end)
        return error_set(c->err, REASON_BAD_REQUEST, "yaml: anchor '%.*s' value contains itself",
                         SLICE_ARG(name));
    size_t n = anchor->end - anchor->begin;
    c->aliased += n;
    if (c->aliased > MAX_ALIASED_BYTES)
        return fail(c, "document contains excessive aliasing");
    bool key = level && level->map && level->key_next;
    if (key && c->out.data[anchor->begin] != '"')
        return fail(c, "invalid map key");
    if (key && level->count++)
        buf_putc(&c->out, ',');
    if (!key)
        begin_value(c);
    if (!buf_reserve(&c->out, n))
        return false;
    buf_put(&c->out, c->out.data + anchor->begin, n);
    if (!key)
        return end_value(c);
    level->key_next = false;
    buf_putc(&c->out, ':');
    return true;
}

static bool on_start(struct conversion *c, bool map, const yaml_char_t *anchor)
{
    struct level *level = top(c);
    if (level && level->map && level->key_next)
        return fail(c, "invalid map key");
    if (c->depth >= MAX_DEPTH)
        return fail(c, "exceeded max depth of 10000");
    begin_value(c);
    level = arena_push(c->arena, &c->levels, &c->depth, &c->level_capacity, sizeof *c->levels);
    *level = (struct level){.map = map, .key_next = map, .begin = c->out.len, .anchor = anchor_of(c, anchor)};
    set_anchor(c, level->anchor, level->begin, 0);
    buf_putc(&c->out, map ? '{' : '[');
    return true;
}

static bool on_end(struct conversion *c)
{
    struct level *level = top(c);
    buf_putc(&c->out, level->map ? '}' : ']');
    set_anchor(c, level->anchor, level->begin, c->out.len);
    c->depth--;
    return end_value(c);
}

static bool on_event(struct conversion *c, const yaml_event_t *e, bool *done)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(c, e);
    case YAML_ALIAS_EVENT:
        return on_alias(c, e);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(c, false, e->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return on_start(c, true, e->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(c);
    case YAML_DOCUMENT_START_EVENT:
        return c->out.len == 0 || fail(c, "one document was expected, there is another");
    case YAML_STREAM_END_EVENT:
        *done = true;
        return true;
    default:
        return true;
    }
}

static bool convert(struct conversion *c)
{
    for (bool done = false; !done;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&c->parser, &event))
            return fail_parse(c);
        bool ok = on_event(c, &event, &done);
        yaml_event_delete(&event);
        if (!ok)
            return false;
        if (c->out.failed || arena_exceeded(c->arena))
            return error_set(c->err, REASON_TOO_LARGE,
                             "the document takes more memory than one request may use");
    }
    return true;
}

bool decode_yaml_to_json(struct arena *arena, struct slice yaml, struct slice *ret_json, struct error *err)
{
    struct conversion c = {.arena = arena, .err = err};
    /* A byte becomes six at most (\u0000), beside what aliases add. */
    c.out = BUF_INIT(yaml.len * 6 + 2 * MAX_ALIASED_BYTES + 64);
    if (!yaml_parser_initialize(&c.parser))
        return error_set(err, REASON_INTERNAL, "no memory for the YAML parser");
    /* libyaml aborts where there is no text at all. */
    yaml_parser_set_input_string(&c.parser, (const unsigned char *)(yaml.ptr ? yaml.ptr : ""), yaml.len);
    bool ok = convert(&c);
    yaml_parser_delete(&c.parser);
    if (ok)
        *ret_json = c.out.len ? arena_dup(arena, buf_slice(&c.out)) : SLICE("null");
    buf_release(&c.out);
    return ok;
}
