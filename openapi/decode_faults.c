#include "openapi/decode_faults.h"

#include "openapi/quantity.h"
#include "openapi/scalar.h"

enum { MAX_FINDINGS = 100 };

const struct schema schema_any = {.kind = SCHEMA_ANY};

/* ---- names ---- */

/* "core_v1" -> "v1" */
static const char *go_package(const struct schema_type *type)
{
    const char *last = type->package ? strrchr(type->package, '_') : NULL;
    return last ? last + 1 : type->package;
}

static void put_go_type(struct buf *out, const struct schema *schema)
{
    static const char *const names[] = {
        [SCHEMA_STRING] = "string",
        [SCHEMA_INT32] = "int32",
        [SCHEMA_INT64] = "int64",
        [SCHEMA_FLOAT64] = "float64",
        [SCHEMA_BOOL] = "bool",
        [SCHEMA_BYTES] = "[]uint8",
        [SCHEMA_TIME] = "v1.Time",
        [SCHEMA_MICRO_TIME] = "v1.MicroTime",
        [SCHEMA_DURATION] = "v1.Duration",
        [SCHEMA_QUANTITY] = "resource.Quantity",
        [SCHEMA_RAW] = "runtime.RawExtension",
        [SCHEMA_INT_OR_STRING] = "intstr.IntOrString",
        [SCHEMA_ANY] = "interface {}",
    };
    if (schema->kind == SCHEMA_LIST) {
        buf_puts(out, "[]");
        put_go_type(out, schema->elem);
    } else if (schema->kind == SCHEMA_MAP && schema->elem->kind == SCHEMA_QUANTITY) {
        buf_puts(out, "v1.ResourceList");
    } else if (schema->kind == SCHEMA_MAP) {
        buf_puts(out, "map[string]");
        put_go_type(out, schema->elem);
    } else if (schema->kind == SCHEMA_RECORD) {
        const char *package = go_package(schema->type);
        buf_printf(out, "%s%s%s", package ? package : "", package ? "." : "", schema->type->name);
    } else {
        buf_puts(out, names[schema->kind]);
    }
}

/* Is this kind or apiVersion of an object? References have fields of these names too, but with numbers. */
static bool is_type_meta(const struct place *at)
{
    int i = schema_find_field(at->record, at->key.ptr, at->key.len);
    return (slice_is(at->key, "kind") || slice_is(at->key, "apiVersion")) && i >= 0 &&
           at->record->fields[i].proto == 0 &&
           schema_find_field(at->record, "metadata", strlen("metadata")) >= 0;
}

/* The JSON names of the fields on the way, without indexes and keys. */
static bool put_fields(struct buf *out, const struct place *at)
{
    if (!at)
        return false;
    bool before = put_fields(out, at->parent);
    if (at->type != PLACE_FIELD)
        return before;
    if (before)
        buf_putc(out, '.');
    /* Every kind embeds its two names, which are not in its message: Go names the struct they are in. */
    if (is_type_meta(at))
        buf_puts(out, "TypeMeta.");
    buf_put_slice(out, at->key);
    return true;
}

/* "metadata.labels.a", "spec.containers[0].name" */
static bool put_place(struct buf *out, const struct place *at)
{
    if (!at)
        return false;
    bool before = put_place(out, at->parent);
    if (at->type == PLACE_INDEX) {
        buf_printf(out, "[%zu]", at->index);
        return true;
    }
    if (before)
        buf_putc(out, '.');
    buf_put_slice(out, at->key);
    return true;
}

/* "json: cannot unmarshal <what> into Go struct field Pod.spec.hostNetwork of type bool"; go_type NULL: the
 * schema's. */
static const char *cannot_unmarshal(struct decoder *d, const struct place *at, const char *what,
                                    const char *go_type, const struct schema *schema)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    const struct place *field = at;
    while (field && field->type != PLACE_FIELD)
        field = field->parent;
    buf_printf(&b, "json: cannot unmarshal %s into Go ", what);
    if (field) {
        buf_printf(&b, "struct field %s.", field->record->name);
        put_fields(&b, field);
    } else {
        buf_puts(&b, "value");
    }
    buf_puts(&b, " of type ");
    if (go_type)
        buf_puts(&b, go_type);
    else
        put_go_type(&b, schema);
    return arena_strdup(d->arena, buf_slice(&b));
}

/* ---- faults ---- */

static void unreadable(struct decoder *d, const char *fault)
{
    if (!d->unreadable)
        d->unreadable = fault;
}

static void set_text(struct value *ret, struct slice text)
{
    if (text.len)
        *ret = (struct value){.kind = VALUE_STRING, .len = (uint32_t)text.len, .s = text.ptr};
}

static void set_quantity(struct decoder *d, struct slice text, struct value *ret)
{
    const char *fault;
    struct slice canonical;
    while (text.len && strchr(" \t\n\r\v\f", text.ptr[0]) && text.ptr[0])
        text = slice_from(text, 1);
    while (text.len && strchr(" \t\n\r\v\f", text.ptr[text.len - 1]) && text.ptr[text.len - 1])
        text.len--;
    if (!quantity_canonical(d->arena, text, &canonical, &fault)) {
        unreadable(d, fault);
        return;
    }
    set_text(ret, canonical);
    ret->plain = 1;
}

void decoder_mismatch(struct decoder *d, const struct schema *schema, const struct place *at,
                      struct slice literal, const char *what)
{
    switch (schema->kind) {
    case SCHEMA_TIME:
    case SCHEMA_MICRO_TIME:
    case SCHEMA_DURATION: /* their readers want a string first */
        unreadable(d, cannot_unmarshal(d, at, what, "string", NULL));
        break;
    case SCHEMA_INT_OR_STRING:
        unreadable(d, cannot_unmarshal(d, at, what, "int32", NULL));
        break;
    case SCHEMA_QUANTITY: {
        struct value none = value_absent;
        set_quantity(d, literal, &none);
        break;
    }
    default:
        if (!d->mismatch)
            d->mismatch = cannot_unmarshal(d, at, what, NULL, schema);
    }
}

static void set_int(struct decoder *d, const struct schema *schema, const struct place *at,
                    struct slice number, bool integer, struct value *ret)
{
    int64_t n;
    bool wide = schema->kind == SCHEMA_INT64;
    if (integer && scalar_parse_int(number, &n) && (wide || (n >= INT32_MIN && n <= INT32_MAX)))
        *ret = value_of_int(n);
    else
        decoder_mismatch(d, schema, at, number, arena_printf(d->arena, "number %.*s", SLICE_ARG(number)));
}

static void set_float(struct decoder *d, const struct schema *schema, const struct place *at,
                      struct slice number, struct value *ret)
{
    double f;
    if (scalar_parse_float(number, &f))
        *ret = (struct value){.kind = VALUE_FLOAT, .f = f};
    else
        decoder_mismatch(d, &(struct schema){.kind = SCHEMA_FLOAT64}, at, number,
                         arena_printf(d->arena, "number %.*s", SLICE_ARG(number)));
}

void decoder_number(struct decoder *d, const struct schema *schema, const struct place *at,
                    struct slice number, bool integer, struct value *ret)
{
    int64_t n;
    switch (schema->kind) {
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_INT_OR_STRING:
        set_int(d, schema, at, number, integer, ret);
        break;
    case SCHEMA_FLOAT64:
        set_float(d, schema, at, number, ret);
        break;
    case SCHEMA_ANY:
        if (integer && scalar_parse_int(number, &n))
            *ret = value_of_int(n);
        else
            set_float(d, schema, at, number, ret);
        break;
    case SCHEMA_QUANTITY:
        set_quantity(d, number, ret);
        break;
    default:
        decoder_mismatch(d, schema, at, number, "number");
    }
}

static void set_duration(struct decoder *d, struct slice text, struct value *ret)
{
    const char *fault;
    int64_t nanos;
    if (scalar_parse_duration(d->arena, text, &nanos, &fault))
        set_text(ret, scalar_format_duration(d->arena, nanos));
    else
        unreadable(d, fault);
}

void decoder_string(struct decoder *d, const struct schema *schema, const struct place *at, struct slice text,
                    struct value *ret)
{
    const char *fault;
    struct slice canonical;
    switch (schema->kind) {
    case SCHEMA_BYTES:
        if (scalar_base64(d->arena, text, &canonical, &fault)) {
            *ret = (struct value){
                .kind = VALUE_STRING, .plain = 1, .len = (uint32_t)canonical.len, .s = canonical.ptr};
        } else if (!d->mismatch) {
            d->mismatch = fault;
        }
        break;
    case SCHEMA_TIME:
    case SCHEMA_MICRO_TIME:
        if ((schema->kind == SCHEMA_TIME ? scalar_time : scalar_micro_time)(d->arena, text, &canonical,
                                                                            &fault)) {
            set_text(ret, canonical);
            ret->plain = 1;
        } else {
            unreadable(d, fault);
        }
        break;
    case SCHEMA_DURATION:
        set_duration(d, text, ret);
        break;
    case SCHEMA_QUANTITY:
        set_quantity(d, text, ret);
        break;
    case SCHEMA_INT_OR_STRING:
        *ret = value_of_string(text);
        break;
    default:
        decoder_mismatch(d, schema, at, text, "string");
    }
}

struct value decoder_zero(struct decoder *d, const struct schema *schema)
{
    switch (schema->kind) {
    case SCHEMA_STRING:
        return value_of_cstr("");
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_INT_OR_STRING:
        return value_of_int(0);
    case SCHEMA_FLOAT64:
        return (struct value){.kind = VALUE_FLOAT};
    case SCHEMA_BOOL:
        return value_of_bool(false);
    case SCHEMA_QUANTITY:
        return value_of_cstr("0");
    case SCHEMA_RECORD:
        return value_new_record(d->arena, schema->type);
    default:
        return value_absent;
    }
}

/* ---- findings ---- */

void decoder_find(struct decoder *d, const char *what, const struct place *at, struct slice key)
{
    struct decode_findings *f = d->findings;
    if (!f || f->count >= MAX_FINDINGS)
        return;
    cleanup_buf struct buf path = BUF_INIT(BUF_UNLIMITED), text = BUF_INIT(BUF_UNLIMITED);
    if (put_place(&path, at))
        buf_putc(&path, '.');
    buf_put_slice(&path, key);
    buf_printf(&text, "%s field ", what);
    buf_put_quoted(&text, buf_slice(&path));
    for (size_t i = 0; i < f->count; i++)
        if (slice_is(buf_slice(&text), f->items[i]))
            return;
    struct arena *arena = f->arena ? f->arena : d->arena;
    const char **item = arena_push(arena, &f->items, &f->count, &f->capacity, sizeof *f->items);
    *item = arena_strdup(arena, buf_slice(&text));
}
