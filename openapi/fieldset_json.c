/* fieldset_json: sets of fields as FieldsV1 and back. See fieldset.h. */
#include "openapi/fieldset.h"

#include <errno.h>

#include "openapi/decode.h"
#include "openapi/json_scan.h"

enum { ELEMENT_TEXT = 1 << 20 };

static const struct schema any = {.kind = SCHEMA_ANY};

/* ---- encoding ---- */

/* Text that JSON shows as it is: true of all names of fields and of most keys. */
static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&')
            return false;
    }
    return true;
}

static void put_keys(struct buf *out, const struct path_element *element)
{
    for (uint32_t i = 0; i < element->count; i++) {
        buf_putc(out, i ? ',' : '{');
        buf_put_json_string(out, element->keys[i].name);
        buf_putc(out, ':');
        encode_json(out, &any, &element->keys[i].value);
    }
    buf_puts(out, element->count ? "}" : "{}");
}

/* `\"text\"` : a string inside of one. */
static void put_quoted_plain(struct buf *out, struct slice text)
{
    buf_put(out, "\\\"", 2);
    buf_put_slice(out, text);
    buf_put(out, "\\\"", 2);
}

/* What nearly all keys are: integers, and strings that need no escapes. */
static bool are_plain_keys(const struct path_element *element)
{
    for (uint32_t i = 0; i < element->count; i++) {
        const struct value *v = &element->keys[i].value;
        if ((v->kind != VALUE_STRING && v->kind != VALUE_INT) || !is_plain(element->keys[i].name) ||
            !is_plain(value_text(v)))
            return false;
    }
    return true;
}

static void put_plain_keys(struct buf *out, const struct path_element *element)
{
    buf_put(out, "\"k:", 3);
    for (uint32_t i = 0; i < element->count; i++) {
        const struct value *v = &element->keys[i].value;
        buf_putc(out, i ? ',' : '{');
        put_quoted_plain(out, element->keys[i].name);
        buf_putc(out, ':');
        if (v->kind == VALUE_INT)
            buf_put_int(out, v->i);
        else
            put_quoted_plain(out, value_text(v));
    }
    buf_puts(out, element->count ? "}\"" : "{}\"");
}

static void put_any_element(struct buf *out, const struct path_element *element)
{
    cleanup_buf struct buf text = BUF_INIT(ELEMENT_TEXT);
    switch ((enum element_kind)element->kind) {
    case ELEMENT_FIELD:
        buf_puts(&text, "f:");
        buf_put_slice(&text, element->field);
        break;
    case ELEMENT_KEY:
        buf_puts(&text, "k:");
        put_keys(&text, element);
        break;
    case ELEMENT_VALUE:
        buf_puts(&text, "v:");
        encode_json(&text, &any, element->value);
        break;
    case ELEMENT_INDEX:
        buf_puts(&text, "i:");
        buf_put_int(&text, element->index);
        break;
    }
    out->failed |= text.failed;
    buf_put_json_string(out, buf_slice(&text));
}

/* The element as the name of a member: "f:spec", "k:{\"name\":\"one\"}". */
static void put_element(struct buf *out, const struct path_element *element)
{
    if (element->kind == ELEMENT_FIELD && (element->plain || is_plain(element->field))) {
        char *to = buf_reserve(out, element->field.len + 4);
        if (!to)
            return;
        memcpy(to, "\"f:", 3);
        memcpy(to + 3, element->field.ptr, element->field.len);
        to[element->field.len + 3] = '"';
        out->len += element->field.len + 4;
    } else if (element->kind == ELEMENT_KEY && are_plain_keys(element)) {
        put_plain_keys(out, element);
    } else {
        put_any_element(out, element);
    }
}

static void put_set(struct buf *out, const struct fieldset *set, bool self)
{
    buf_putc(out, '{');
    if (self)
        buf_put(out, "\".\":{}", 6);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct fieldset_node *node = &set->nodes[i];
        if (i || self)
            buf_putc(out, ',');
        put_element(out, &node->element);
        buf_putc(out, ':');
        if (node->children.count)
            put_set(out, &node->children, node->member);
        else
            buf_put(out, "{}", 2);
    }
    buf_putc(out, '}');
}

void fieldset_encode(struct buf *out, const struct fieldset *set)
{
    put_set(out, set, false);
}

/* ---- decoding ---- */

struct decoder {
    struct arena *arena;
    struct json_scan scan;
    const char *fault; /* or NULL: the scan's own */
    unsigned depth;
};

static bool fail(struct decoder *d, const char *fault)
{
    if (!d->fault)
        d->fault = fault;
    return false;
}

static bool decode_keys(struct decoder *d, struct slice text, struct path_element *ret)
{
    struct value map;
    if (!decode_json_node(d->arena, &any, text, &map, NULL, NULL) || map.kind != VALUE_MAP)
        return fail(d, "the keys of a list's item are no object");
    struct element_key *keys = arena_alloc(d->arena, (map.map->count + 1) * sizeof *keys);
    for (uint32_t i = 0; i < map.map->count; i++)
        keys[i] = (struct element_key){map.map->entries[i].key, map.map->entries[i].value};
    *ret = (struct path_element){.kind = ELEMENT_KEY, .count = map.map->count, .keys = keys};
    return true;
}

/* ---- keys as nearly all are, still in their escapes: {\"name\":\"one\",\"port\":80} ---- */

/* `\"text\"` without escapes of its own. */
static bool take_text(struct slice *rest, struct slice *ret)
{
    if (!slice_starts(*rest, SLICE("\\\"")))
        return false;
    struct slice text = slice_from(*rest, 2);
    const char *end = memchr(text.ptr, '\\', text.len);
    if (!end || (size_t)(end - text.ptr) + 1 >= text.len || end[1] != '"')
        return false;
    *ret = slice_make(text.ptr, (size_t)(end - text.ptr));
    *rest = slice_from(text, ret->len + 2);
    return is_plain(*ret);
}

static bool take_number(struct slice *rest, int64_t *ret)
{
    enum { MOST = 15 };
    size_t n = 0;
    *ret = 0;
    while (n < rest->len && n < MOST && rest->ptr[n] >= '0' && rest->ptr[n] <= '9')
        *ret = *ret * 10 + (rest->ptr[n++] - '0');
    bool leading_zero = n > 1 && rest->ptr[0] == '0';
    *rest = slice_from(*rest, n);
    return n > 0 && !leading_zero;
}

static bool take_key(struct slice *rest, struct element_key *ret)
{
    struct slice text;
    if (!take_text(rest, &ret->name) || !rest->len || *rest->ptr != ':')
        return false;
    *rest = slice_from(*rest, 1);
    if (rest->len && *rest->ptr == '\\') {
        if (!take_text(rest, &text))
            return false;
        ret->value = value_of_string(text);
        return true;
    }
    ret->value = (struct value){.kind = VALUE_INT};
    return take_number(rest, &ret->value.i);
}

/* False: it is not of that form, or nothing that the general way would take. */
static bool decode_plain_keys(struct decoder *d, struct slice raw, struct path_element *ret)
{
    enum { MOST = 4 };
    struct element_key keys[MOST];
    uint32_t count = 0;
    struct slice rest = raw;
    if (!rest.len || *rest.ptr != '{')
        return false;
    do {
        rest = slice_from(rest, 1);
        if (count == MOST || !take_key(&rest, &keys[count]) || !rest.len ||
            (count && slice_cmp(keys[count - 1].name, keys[count].name) >= 0))
            return false;
        count++;
    } while (*rest.ptr == ',');
    if (!slice_is(rest, "}"))
        return false;
    struct element_key *kept = arena_alloc(d->arena, count * sizeof *kept);
    memcpy(kept, keys, count * sizeof *kept);
    *ret = (struct path_element){.kind = ELEMENT_KEY, .count = count, .keys = kept};
    return true;
}

static bool decode_index(struct decoder *d, struct slice text, struct path_element *ret)
{
    char digits[24] = {0}, *end;
    if (!text.len || text.len >= sizeof digits)
        return fail(d, "the index of a list's item is no number");
    memcpy(digits, text.ptr, text.len);
    errno = 0;
    long long n = strtoll(digits, &end, 10);
    if (*end || errno || digits[0] == ' ')
        return fail(d, "the index of a list's item is no number");
    *ret = (struct path_element){.kind = ELEMENT_INDEX, .index = n};
    return true;
}

/* *ret_known false: a kind of element from the future. */
static bool decode_element(struct decoder *d, struct slice text, struct path_element *ret, bool *ret_known)
{
    *ret_known = true;
    if (text.len < 2 || text.ptr[1] != ':')
        return fail(d, "the name of a member is not of the form \"f:name\"");
    struct slice rest = slice_from(text, 2);
    switch (text.ptr[0]) {
    case 'f':
        *ret = element_field(rest);
        return true;
    case 'k':
        return decode_keys(d, rest, ret);
    case 'i':
        return decode_index(d, rest, ret);
    case 'v': {
        struct value *value = arena_alloc(d->arena, sizeof *value);
        *ret = (struct path_element){.kind = ELEMENT_VALUE, .value = value};
        return decode_json_node(d->arena, &any, rest, value, NULL, NULL) ||
               fail(d, "the value of a set's item is no JSON");
    }
    default:
        *ret_known = false;
        return true;
    }
}

static bool decode_set(struct decoder *d, struct fieldset *set, bool *ret_member);

static bool decode_member(struct decoder *d, struct fieldset *set, bool *ret_self)
{
    struct json_string name;
    if (json_peek(&d->scan) != '"')
        return json_fail(&d->scan, "looking for beginning of object key string");
    if (!json_scan_string(&d->scan, &name))
        return false;
    if (json_peek(&d->scan) != ':')
        return json_fail(&d->scan, "after object key");
    d->scan.at++;
    struct fieldset_node node = {0};
    bool known =
        slice_starts(name.raw, SLICE("k:")) && decode_plain_keys(d, slice_from(name.raw, 2), &node.element);
    if (!known) {
        struct slice text = json_string_text(d->arena, &name);
        bool self = slice_is(text, ".");
        *ret_self |= self;
        if (!self && !decode_element(d, text, &node.element, &known))
            return false;
    }
    if (!known)
        return json_skip(&d->scan, d->depth, DECODE_MAX_DEPTH);
    if (!decode_set(d, &node.children, &node.member))
        return false;
    *fieldset_add(d->arena, set) = node;
    return true;
}

static bool decode_members(struct decoder *d, struct fieldset *set, bool *ret_self)
{
    d->scan.at++;
    if (json_peek(&d->scan) == '}') {
        d->scan.at++;
        return true;
    }
    for (;;) {
        if (!decode_member(d, set, ret_self))
            return false;
        int c = json_peek(&d->scan);
        if (c != ',' && c != '}')
            return json_fail(&d->scan, "after object key:value pair");
        d->scan.at++;
        if (c == '}')
            return true;
    }
}

/* What has nothing below it is a member; else "." says so. */
static bool decode_set(struct decoder *d, struct fieldset *set, bool *ret_member)
{
    bool self = false, ok;
    int c = json_peek(&d->scan);
    if (++d->depth > DECODE_MAX_DEPTH)
        return fail(d, "the set is nested too deeply");
    if (c == '{')
        ok = decode_members(d, set, &self);
    else if (c == 'n')
        ok = json_scan_word(&d->scan, "null");
    else
        ok = fail(d, "a member is no object");
    d->depth--;
    fieldset_finish(d->arena, set);
    *ret_member = self || !set->count;
    return ok;
}

bool fieldset_decode(struct arena *arena, struct slice text, struct fieldset *ret, struct error *err)
{
    struct decoder d = {.arena = arena};
    struct fieldset set = {0};
    bool member;
    json_scan_init(&d.scan, text);
    if (decode_set(&d, &set, &member) && json_scan_end(&d.scan)) {
        *ret = set;
        return true;
    }
    cleanup_buf struct buf fault = BUF_INIT(1 << 10);
    if (d.fault)
        buf_puts(&fault, d.fault);
    else
        json_scan_fault(&d.scan, &fault);
    return error_set(err, REASON_BAD_REQUEST, "%s", buf_cstr(&fault));
}
