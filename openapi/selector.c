#include "openapi/selector.h"
#include <errno.h>
#include <stdlib.h>
#include "base/buf.h"

/* ---- matching ---- */

static bool has_value(const struct selector_label *label, struct slice value)
{
    size_t low = 0, high = label->value_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = slice_cmp(label->values[middle], value);
        if (!order)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool selector_number(struct slice s, int64_t *ret)
{
    char text[32], *end;

    if (!s.len || s.len >= sizeof text)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && end != text &&
           (text[0] == '+' || text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
}

static bool label_matches(const struct selector_label *label, bool found, struct slice value)
{
    int64_t number;

    switch (label->op) {
    case SELECTOR_IN:
        return found && has_value(label, value);
    case SELECTOR_NOT_IN:
        return !found || !has_value(label, value);
    case SELECTOR_EXISTS:
        return found;
    case SELECTOR_NOT_EXISTS:
        return !found;
    case SELECTOR_GREATER:
        return found && selector_number(value, &number) && number > label->number;
    case SELECTOR_LESS:
        return found && selector_number(value, &number) && number < label->number;
    }
    return false;
}

bool selector_matches(const struct selector *selector, const struct selector_source *source, const void *arg)
{
    for (size_t i = 0; i < selector->field_count; i++) {
        const struct selector_field *field = &selector->fields[i];
        if (slice_eq(source->field(arg, field->index), field->value) != field->equals)
            return false;
    }
    for (size_t i = 0; i < selector->label_count; i++) {
        struct slice value = SLICE("");
        bool found = source->label(arg, selector->labels[i].key, &value);
        if (!label_matches(&selector->labels[i], found, value))
            return false;
    }
    return true;
}

bool selector_requires(const struct selector *selector, int field_index, struct slice *ret_value)
{
    for (size_t i = 0; i < selector->field_count; i++) {
        if (selector->fields[i].index == field_index && selector->fields[i].equals) {
            *ret_value = selector->fields[i].value;
            return true;
        }
    }
    return false;
}

/* ---- an object's fields ---- */

struct object_source {
    struct arena *arena;
    const struct schema_resource *resource;
    const struct value *object;
};

static bool object_label(const void *arg, struct slice key, struct slice *ret_value)
{
    const struct object_source *source = arg;
    const struct value *v = value_get(value_path(source->object, "metadata.labels"), key);

    *ret_value = value_text(v);
    return value_is_set(v);
}

static struct slice object_field(const void *arg, int index)
{
    const struct object_source *source = arg;

    return selector_field_text(source->arena, source->resource, index, source->object);
}

bool selector_matches_value(const struct selector *selector, const struct schema_resource *resource,
                            const struct value *object)
{
    static const struct selector_source functions = {object_label, object_field};
    cleanup_arena struct arena *arena = arena_new();
    struct object_source source = {arena, resource, object};

    return selector_matches(selector, &functions, &source);
}

/* The kind of value that a path ends at, for what an absent one reads as. */
static enum schema_kind path_kind(const struct schema_type *type, struct slice path)
{
    struct slice part;
    enum schema_kind kind = SCHEMA_STRING;

    while (type && slice_split(&path, '.', &part)) {
        int i = schema_find_field(type, part.ptr, part.len);
        if (i < 0)
            return SCHEMA_STRING;
        kind = type->fields[i].schema.kind;
        type = kind == SCHEMA_RECORD ? type->fields[i].schema.type : NULL;
    }
    return kind;
}

static struct slice scalar_text(struct arena *arena, const struct value *v, enum schema_kind kind)
{
    if (v->kind == VALUE_BOOL || (v->kind == VALUE_ABSENT && kind == SCHEMA_BOOL))
        return value_bool(v) ? SLICE("true") : SLICE("false");
    if (v->kind == VALUE_INT || (v->kind == VALUE_ABSENT && (kind == SCHEMA_INT32 || kind == SCHEMA_INT64)))
        return arena_slicef(arena, "%lld", (long long)value_int(v, 0));
    return value_text(v);
}

/* Selectable names that are not the field's path: what upstream made of them. */
static struct slice derived_text(struct arena *arena, const struct schema_resource *resource,
                                 const char *name, const struct value *object)
{
    const struct value *v;

    if (strcmp(name, "status.successful") == 0)
        return scalar_text(arena, value_path(object, "status.succeeded"), SCHEMA_INT32);
    if (strcmp(name, "source") == 0) {
        v = value_path(object, "source.component");
        return value_text(value_is_set(v) ? v : value_path(object, "reportingComponent"));
    }
    return scalar_text(arena, value_path(object, name), path_kind(resource->type, slice_str(name)));
}

struct slice selector_field_text(struct arena *arena, const struct schema_resource *resource, int index,
                                 const struct value *object)
{
    if (index == SELECTOR_FIELD_NAME)
        return value_text(value_path(object, "metadata.name"));
    if (index == SELECTOR_FIELD_NAMESPACE)
        return value_text(value_path(object, "metadata.namespace"));
    return derived_text(arena, resource, resource->selectable[index], object);
}

/* ---- field selectors: text to requirements ---- */

/* Takes the next term off *rest, up to a comma that no backslash stands before. */
static bool next_term(struct slice *rest, struct slice *ret_term)
{
    bool escaped = false;

    if (!rest->ptr)
        return false;
    *ret_term = *rest;
    for (size_t i = 0; i < rest->len; i++) {
        if (escaped) {
            escaped = false;
        } else if (rest->ptr[i] == '\\') {
            escaped = true;
        } else if (rest->ptr[i] == ',') {
            ret_term->len = i;
            *rest = slice_from(*rest, i + 1);
            return true;
        }
    }
    *rest = slice_make(NULL, 0);
    return true;
}

/* Splits at the first operator. */
static bool split_term(struct slice term, struct slice *ret_name, bool *ret_equals, struct slice *ret_value)
{
    static const char *const ops[] = {"!=", "==", "="};

    for (size_t i = 0; i < term.len; i++) {
        for (int k = 0; k < 3; k++) {
            if (!slice_starts(slice_from(term, i), slice_str(ops[k])))
                continue;
            *ret_name = slice_make(term.ptr, i);
            *ret_equals = k > 0;
            *ret_value = slice_from(term, i + strlen(ops[k]));
            return true;
        }
    }
    return false;
}

static bool unescape(struct arena *arena, struct slice value, struct slice *ret, struct error *err)
{
    char *out = arena_bytes(arena, value.len);
    size_t n = 0;

    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == ',' || c == '=')
            return error_set(err, REASON_BAD_REQUEST,
                             "invalid field selector: unescaped character in value: %d", c);
        if (c == '\\') {
            struct slice escape = slice_make(value.ptr + i, i + 1 < value.len ? 2 : 1);
            c = ++i < value.len ? value.ptr[i] : '\0';
            if (c != '\\' && c != ',' && c != '=')
                return error_set(err, REASON_BAD_REQUEST,
                                 "invalid field selector: invalid escape sequence: %.*s", SLICE_ARG(escape));
        }
        out[n++] = c;
    }
    *ret = slice_make(out, n);
    return true;
}

static int find_selectable(const struct schema_resource *resource, struct slice name)
{
    for (int i = 0; resource->selectable && resource->selectable[i]; i++)
        if (slice_is(name, resource->selectable[i]))
            return i;
    return -1;
}

static bool fail_unsupported(const struct schema_resource *resource, struct slice name, struct error *err)
{
    cleanup_buf struct buf shown = BUF_INIT(BUF_UNLIMITED);

    buf_put_quoted(&shown, name);
    if (!resource->selectable)
        return error_set(err, REASON_BAD_REQUEST,
                         "%s is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
                         buf_cstr(&shown));
    if (strcmp(resource->group, "batch") == 0)
        return error_set(err, REASON_BAD_REQUEST, "field label %s not supported for %s", buf_cstr(&shown),
                         resource->kind);
    if (strcmp(resource->group, "resource.k8s.io") == 0)
        return error_set(err, REASON_BAD_REQUEST, "field label not supported for %s/%s, Kind=%s: %.*s",
                         resource->group, resource->version, resource->kind, SLICE_ARG(name));
    return error_set(err, REASON_BAD_REQUEST, "field label not supported: %.*s", SLICE_ARG(name));
}

/* The name under which the stored resource knows the field. */
static struct slice stored_name(struct arena *arena, const struct schema_resource *resource,
                                struct slice name)
{
    static const struct slice regarding = {"regarding.", 10};

    if (strcmp(resource->name, "events") != 0 || resource->storage == resource)
        return name;
    if (slice_starts(name, regarding))
        name = slice_from(name, regarding.len);
    else
        return slice_is(name, "reportingController") ? SLICE("reportingComponent") : name;
    return arena_slicef(arena, "involvedObject.%.*s", SLICE_ARG(name));
}

static bool resolve_field(struct arena *arena, const struct schema_resource *resource, struct slice name,
                          int *ret_index, struct error *err)
{
    const struct schema_resource *stored = resource->storage ? resource->storage : resource;

    if (slice_is(name, "metadata.name")) {
        *ret_index = SELECTOR_FIELD_NAME;
        return true;
    }
    /* cluster-scoped kinds with a table of their own do not list the namespace in it */
    if (slice_is(name, "metadata.namespace") && (resource->namespaced || !resource->selectable)) {
        *ret_index = SELECTOR_FIELD_NAMESPACE;
        return true;
    }
    if (slice_is(name, "spec.host") && strcmp(resource->name, "pods") == 0) /* clients of old */
        name = SLICE("spec.nodeName");
    if (find_selectable(resource, name) < 0)
        return fail_unsupported(resource, name, err);
    *ret_index = find_selectable(stored, stored_name(arena, resource, name));
    return *ret_index >= 0 || fail_unsupported(resource, name, err);
}

static int compare_terms(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* All terms in byte order, as upstream looks at them: it decides which fault is told. */
static struct slice *sorted_terms(struct arena *arena, struct slice text, size_t *ret_count)
{
    struct slice *terms = NULL, part;
    size_t count = 0, capacity = 0;

    while (next_term(&text, &part)) {
        if (!part.len)
            continue;
        *(struct slice *)arena_push(arena, &terms, &count, &capacity, sizeof part) = part;
    }
    if (count)
        qsort(terms, count, sizeof *terms, compare_terms);
    *ret_count = count;
    return terms;
}

bool selector_parse_fields(struct arena *arena, const struct schema_resource *resource, struct slice text,
                           struct selector *ret, struct error *err)
{
    size_t count;
    struct slice *terms = sorted_terms(arena, text, &count);
    struct selector_field *fields = arena_alloc(arena, (count + 1) * sizeof *fields);
    struct slice *names = arena_alloc(arena, (count + 1) * sizeof *names);

    for (size_t i = 0; i < count; i++) {
        struct slice value;
        if (!split_term(terms[i], &names[i], &fields[i].equals, &value))
            return error_set(err, REASON_BAD_REQUEST, "invalid selector: '%.*s'; can't understand '%.*s'",
                             SLICE_ARG(text), SLICE_ARG(terms[i]));
        if (!unescape(arena, value, &fields[i].value, err))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!resolve_field(arena, resource, names[i], &fields[i].index, err))
            return false;
    ret->fields = fields;
    ret->field_count = count;
    return true;
}
