#include "cel/types.h"

#include "base/buf.h"

#define SIMPLE(constant, of, text) const struct cel_type cel_type_##constant = {.kind = of, .name = text}
SIMPLE(dyn, CEL_DYN, "dyn");
SIMPLE(null, CEL_NULL, "null_type");
SIMPLE(bool, CEL_BOOL, "bool");
SIMPLE(int, CEL_INT, "int");
SIMPLE(uint, CEL_UINT, "uint");
SIMPLE(double, CEL_DOUBLE, "double");
SIMPLE(string, CEL_STRING, "string");
SIMPLE(bytes, CEL_BYTES, "bytes");
SIMPLE(timestamp, CEL_TIMESTAMP, "google.protobuf.Timestamp");
SIMPLE(duration, CEL_DURATION, "google.protobuf.Duration");
SIMPLE(authorizer, CEL_OPAQUE, "kubernetes.authorization.Authorizer");
SIMPLE(path_check, CEL_OPAQUE, "kubernetes.authorization.PathCheck");
SIMPLE(group_check, CEL_OPAQUE, "kubernetes.authorization.GroupCheck");
SIMPLE(resource_check, CEL_OPAQUE, "kubernetes.authorization.ResourceCheck");
SIMPLE(decision, CEL_OPAQUE, "kubernetes.authorization.Decision");
SIMPLE(ip, CEL_OPAQUE, "net.IP");
SIMPLE(cidr, CEL_OPAQUE, "net.CIDR");
SIMPLE(url, CEL_OPAQUE, "kubernetes.URL");
SIMPLE(quantity, CEL_OPAQUE, "kubernetes.Quantity");
SIMPLE(semver, CEL_OPAQUE, "kubernetes.Semver");
SIMPLE(format, CEL_OPAQUE, "kubernetes.NamedFormat");
const struct cel_type cel_type_list_dyn = {
    .kind = CEL_LIST, .name = "list", .param_count = 1, .params = {&cel_type_dyn}};
const struct cel_type cel_type_map_dyn = {
    .kind = CEL_MAP, .name = "map", .param_count = 2, .params = {&cel_type_dyn, &cel_type_dyn}};
static const struct cel_type type_of_dyn = {
    .kind = CEL_TYPE, .name = "type", .param_count = 1, .params = {&cel_type_dyn}};
static const struct cel_type optional_of_dyn = {
    .kind = CEL_OPTIONAL, .name = "optional_type", .param_count = 1, .params = {&cel_type_dyn}};

static const struct {
    const char *name;
    const struct cel_type *type;
} named[] = {
    {"dyn", &cel_type_dyn},
    {"null_type", &cel_type_null},
    {"bool", &cel_type_bool},
    {"int", &cel_type_int},
    {"uint", &cel_type_uint},
    {"double", &cel_type_double},
    {"string", &cel_type_string},
    {"bytes", &cel_type_bytes},
    {"google.protobuf.Timestamp", &cel_type_timestamp},
    {"google.protobuf.Duration", &cel_type_duration},
    {"list", &cel_type_list_dyn},
    {"map", &cel_type_map_dyn},
    {"type", &type_of_dyn},
    {"optional_type", &optional_of_dyn},
    {"net.IP", &cel_type_ip},
    {"net.CIDR", &cel_type_cidr},
    {"kubernetes.URL", &cel_type_url},
    {"kubernetes.Quantity", &cel_type_quantity},
    {"kubernetes.Semver", &cel_type_semver},
    {"kubernetes.NamedFormat", &cel_type_format},
    {"kubernetes.authorization.Authorizer", &cel_type_authorizer},
    {"kubernetes.authorization.PathCheck", &cel_type_path_check},
    {"kubernetes.authorization.GroupCheck", &cel_type_group_check},
    {"kubernetes.authorization.ResourceCheck", &cel_type_resource_check},
    {"kubernetes.authorization.Decision", &cel_type_decision},
};

static const struct cel_type *parameterised(struct arena *arena, enum cel_kind kind, const char *name,
                                            const struct cel_type *first, const struct cel_type *second)
{
    struct cel_type *t = arena_zalloc(arena, sizeof *t);
    *t = (struct cel_type){
        .kind = (uint8_t)kind, .name = name, .params = {first, second}, .param_count = second ? 2 : 1};
    t->generic = first->generic || (second && second->generic);
    return t;
}

const struct cel_type *cel_type_list(struct arena *arena, const struct cel_type *elem)
{
    return parameterised(arena, CEL_LIST, "list", elem, NULL);
}

const struct cel_type *cel_type_map(struct arena *arena, const struct cel_type *key,
                                    const struct cel_type *elem)
{
    return parameterised(arena, CEL_MAP, "map", key, elem);
}

const struct cel_type *cel_type_optional(struct arena *arena, const struct cel_type *elem)
{
    return parameterised(arena, CEL_OPTIONAL, "optional_type", elem, NULL);
}

const struct cel_type *cel_type_of_type(struct arena *arena, const struct cel_type *of)
{
    return parameterised(arena, CEL_TYPE, "type", of, NULL);
}

const struct cel_type *cel_type_param(struct arena *arena, unsigned index)
{
    struct cel_type *t = arena_zalloc(arena, sizeof *t);
    *t = (struct cel_type){.kind = CEL_PARAM, .generic = true, .index = (uint16_t)index};
    return t;
}

const struct cel_type *cel_type_of_record(struct arena *arena, const struct cel_record *record)
{
    struct cel_type *t = arena_zalloc(arena, sizeof *t);
    *t = (struct cel_type){.kind = CEL_OBJECT, .name = record->name, .record = record};
    return t;
}

const struct cel_type *cel_type_by_name(struct slice name)
{
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (slice_is(name, named[i].name))
            return named[i].type;
    return NULL;
}

const struct cel_type *cel_type_named(struct arena *arena, struct slice name,
                                      const struct cel_type *const *params, unsigned count)
{
    if (name.len == 1 && name.ptr[0] >= 'A' && name.ptr[0] <= 'Z')
        return cel_type_param(arena, (unsigned)(name.ptr[0] - 'A'));
    if (slice_is(name, "timestamp"))
        return &cel_type_timestamp;
    if (slice_is(name, "duration"))
        return &cel_type_duration;
    if (slice_is(name, "list") && count)
        return cel_type_list(arena, params[0]);
    if (slice_is(name, "map") && count)
        return cel_type_map(arena, params[0], params[1]);
    if (slice_is(name, "optional") && count)
        return cel_type_optional(arena, params[0]);
    if (slice_is(name, "type") && count)
        return cel_type_of_type(arena, params[0]);
    return cel_type_by_name(name);
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

const struct cel_type *cel_type_parse(struct arena *arena, const char **at)
{
    const char *start = *at, *p = start;
    while (name_char(*p) || (*p == '.' && p[1] != '('))
        p++;
    struct slice name = slice_make(start, (size_t)(p - start));
    const struct cel_type *params[2];
    unsigned count = 0;
    if (*p == '(' && p[-1] != '.') {
        do {
            p += p[0] == ',' ? 2 : 1;
            *at = p;
            params[count++] = cel_type_parse(arena, at);
            p = *at;
        } while (*p == ',');
        p++; /* ) */
    }
    *at = p;
    return cel_type_named(arena, name, params, count);
}

const char *cel_type_name(const struct cel_type *type)
{
    return type->name ? type->name : "";
}

bool cel_type_same(const struct cel_type *a, const struct cel_type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->nullable != b->nullable || a->param_count != b->param_count)
        return false;
    if (a->kind == CEL_PARAM)
        return a->index == b->index;
    if ((a->kind == CEL_OBJECT || a->kind == CEL_OPAQUE) && strcmp(cel_type_name(a), cel_type_name(b)) != 0)
        return false;
    for (unsigned i = 0; i < a->param_count; i++)
        if (!cel_type_same(a->params[i], b->params[i]))
            return false;
    return true;
}

bool cel_type_is_dyn(const struct cel_type *type)
{
    return type->kind == CEL_DYN || type->kind == CEL_ERROR;
}

bool cel_type_is_optional(const struct cel_type *type)
{
    return type->kind == CEL_OPTIONAL;
}

const struct cel_type *cel_type_copy(struct arena *arena, const struct cel_type *type)
{
    struct cel_type *copy = arena_alloc(arena, sizeof *copy);
    *copy = *type;
    if (type->name)
        copy->name = arena_strdup(arena, slice_str(type->name));
    for (unsigned i = 0; i < type->param_count; i++)
        copy->params[i] = cel_type_copy(arena, type->params[i]);
    return copy;
}

/* ---- printing ---- */

static void put_type(struct buf *out, const struct cel_type *type)
{
    switch (type->kind) {
    case CEL_NULL:
        buf_puts(out, "null");
        return;
    case CEL_TIMESTAMP:
        buf_puts(out, "timestamp");
        return;
    case CEL_DURATION:
        buf_puts(out, "duration");
        return;
    case CEL_ERROR:
        buf_puts(out, "!error!");
        return;
    case CEL_PARAM:
        buf_printf(out, "_var%u", type->index);
        return;
    default:
        break;
    }
    buf_puts(out, type->nullable ? "wrapper(" : "");
    buf_puts(out, cel_type_name(type));
    for (unsigned i = 0; i < type->param_count; i++) {
        buf_puts(out, i ? ", " : "(");
        put_type(out, type->params[i]);
    }
    buf_puts(out, type->param_count ? ")" : "");
    buf_puts(out, type->nullable ? ")" : "");
}

struct slice cel_type_print(struct arena *arena, const struct cel_type *type)
{
    cleanup_buf struct buf out = BUF_INIT(64 * 1024);
    put_type(&out, type);
    return arena_dup(arena, buf_slice(&out));
}
