/* <package>.h and <package>.c: field indexes and the tables of the types. */
#include "model.h"

#include <stdlib.h>
#include <ctype.h>

struct emitter {
    struct model *model;
    struct package *package;
    struct buf head, body; /* shared pieces (elements, keys, rules); then types */
    const char **pieces;   /* texts of shared pieces, so that equal ones are one */
    size_t piece_count, piece_capacity;
};

static const char *const kind_names[] = {
    [SCHEMA_STRING] = "SCHEMA_STRING",
    [SCHEMA_INT32] = "SCHEMA_INT32",
    [SCHEMA_INT64] = "SCHEMA_INT64",
    [SCHEMA_FLOAT64] = "SCHEMA_FLOAT64",
    [SCHEMA_BOOL] = "SCHEMA_BOOL",
    [SCHEMA_BYTES] = "SCHEMA_BYTES",
    [SCHEMA_TIME] = "SCHEMA_TIME",
    [SCHEMA_MICRO_TIME] = "SCHEMA_MICRO_TIME",
    [SCHEMA_DURATION] = "SCHEMA_DURATION",
    [SCHEMA_QUANTITY] = "SCHEMA_QUANTITY",
    [SCHEMA_INT_OR_STRING] = "SCHEMA_INT_OR_STRING",
    [SCHEMA_RAW] = "SCHEMA_RAW",
    [SCHEMA_ANY] = "SCHEMA_ANY",
    [SCHEMA_LIST] = "SCHEMA_LIST",
    [SCHEMA_MAP] = "SCHEMA_MAP",
    [SCHEMA_RECORD] = "SCHEMA_RECORD",
};

/* The name of a shared static object `static const <type> <prefix>N<suffix> = <init>`. */
static const char *piece(struct emitter *e, const char *type, const char *suffix, const char *init)
{
    const char *text = arena_printf(e->model->arena, "%s %s %s", type, suffix, init);
    size_t i = 0;
    while (i < e->piece_count && strcmp(e->pieces[i], text) != 0)
        i++;
    if (i == e->piece_count) {
        const char **slot =
            arena_push(e->model->arena, &e->pieces, &e->piece_count, &e->piece_capacity, sizeof *slot);
        *slot = text;
        buf_printf(&e->head, "static const %s piece_%zu%s = %s;\n", type, i, suffix, init);
    }
    return arena_printf(e->model->arena, "piece_%zu", i);
}

static const char *text_list(struct emitter *e, const char **texts)
{
    if (!texts || !texts[0])
        return "NULL";
    cleanup_buf struct buf init = BUF_INIT(1 << 16);
    buf_putc(&init, '{');
    for (const char **t = texts; *t; t++) {
        emit_c_string(&init, *t);
        buf_puts(&init, ", ");
    }
    buf_puts(&init, "NULL}");
    return piece(e, "char *const", "[]", buf_cstr(&init));
}

static const char *element(struct emitter *e, const struct type_expr *t)
{
    cleanup_buf struct buf init = BUF_INIT(1 << 16);
    buf_printf(&init, "{.kind = %s", kind_names[t->kind]);
    if (t->elem)
        buf_printf(&init, ", .elem = &%s", element(e, t->elem));
    if (t->type || t->raw)
        buf_printf(&init, ", .type = &%s", t->type ? t->type->c_name : t->raw);
    buf_putc(&init, '}');
    return piece(e, "struct schema", "", buf_cstr(&init));
}

static const char *rules(struct emitter *e, const struct field *f)
{
    bool limited = f->has_min || f->has_max || f->min_length >= 0 || f->max_length >= 0;
    if (!f->enums && !f->format && !f->pattern && !limited)
        return NULL;
    cleanup_buf struct buf init = BUF_INIT(1 << 16);
    buf_printf(&init, "{.enums = %s, .format = ", text_list(e, f->enums));
    emit_c_string(&init, f->format);
    buf_puts(&init, ", .pattern = ");
    emit_c_string(&init, f->pattern);
    if (f->has_min)
        buf_printf(&init, ", .has_min = true, .min = %.17g", f->min);
    if (f->has_max)
        buf_printf(&init, ", .has_max = true, .max = %.17g", f->max);
    buf_printf(&init, ", .min_length = %lld, .max_length = %lld}", (long long)f->min_length,
               (long long)f->max_length);
    return piece(e, "struct schema_rules", "", buf_cstr(&init));
}

static void put_schema(struct emitter *e, const struct field *f)
{
    static const char *const list_types[] = {"LIST_TYPE_NONE", "LIST_TYPE_ATOMIC", "LIST_TYPE_SET",
                                             "LIST_TYPE_MAP"};
    const struct type_expr *t = f->type;
    buf_printf(&e->body, ".schema = {.kind = %s", kind_names[t->kind]);
    if (f->list_type)
        buf_printf(&e->body, ", .list_type = %s", list_types[f->list_type]);
    if (f->map_type == MAP_TYPE_ATOMIC)
        buf_puts(&e->body, ", .map_type = MAP_TYPE_ATOMIC");
    if (t->elem)
        buf_printf(&e->body, ", .elem = &%s", element(e, t->elem));
    if (t->type || t->raw)
        buf_printf(&e->body, ", .type = &%s", t->type ? t->type->c_name : t->raw);
    if (f->list_keys)
        buf_printf(&e->body, ", .list_keys = %s", text_list(e, f->list_keys));
    const char *r = rules(e, f);
    if (r)
        buf_printf(&e->body, ", .rules = &%s", r);
    buf_putc(&e->body, '}');
}

static void put_field(struct emitter *e, const struct field *f)
{
    buf_puts(&e->body, "    {.name = ");
    emit_c_string(&e->body, f->name);
    buf_printf(&e->body, ", .name_len = %zu, .flags = %u", strlen(f->name), f->flags);
    if (f->proto)
        buf_printf(&e->body, ", .proto = %u", f->proto);
    if (f->inlined)
        buf_printf(&e->body, ", .inlined = %u", f->inlined);
    if (f->patch)
        buf_printf(&e->body, ", .patch = %u", f->patch);
    if (f->patch_key) {
        buf_puts(&e->body, ", .patch_key = ");
        emit_c_string(&e->body, f->patch_key);
    }
    buf_puts(&e->body, ",\n     ");
    put_schema(e, f);
    if (f->default_json) {
        buf_puts(&e->body, ", .default_json = ");
        emit_c_string(&e->body, f->default_json);
    }
    if (f->when_equals) {
        buf_printf(&e->body, ", .when_field = %u, .when_equals = ", f->when_field);
        emit_c_string(&e->body, f->when_equals);
    }
    buf_puts(&e->body, ",\n     .doc = ");
    emit_c_string(&e->body, f->doc);
    buf_puts(&e->body, "},\n");
}

static unsigned put_slots(struct emitter *e, const struct type *t)
{
    uint32_t *hashes = arena_alloc(e->model->arena, (t->flat_count + 1) * sizeof *hashes);
    for (size_t i = 0; i < t->flat_count; i++)
        hashes[i] = schema_hash(t->flat[i].name, strlen(t->flat[i].name));
    unsigned mask, *slots = emit_slots(e->model->arena, hashes, t->flat_count, &mask);
    buf_printf(&e->body, "static const uint16_t slots_%s[] = {", t->name);
    for (unsigned i = 0; i <= mask; i++)
        buf_printf(&e->body, "%s%u", i ? ", " : "", slots[i]);
    buf_puts(&e->body, "};\n");
    return mask;
}

static int by_field_name(const void *a, const void *b)
{
    return strcmp((*(const struct field *const *)a)->name, (*(const struct field *const *)b)->name);
}

/* The fields' indexes in the order of their names. */
static void put_by_name(struct emitter *e, const struct type *t)
{
    const struct field **sorted = arena_alloc(e->model->arena, (t->flat_count + 1) * sizeof *sorted);
    for (size_t i = 0; i < t->flat_count; i++)
        sorted[i] = &t->flat[i];
    qsort(sorted, t->flat_count, sizeof *sorted, by_field_name);
    buf_printf(&e->body, "static const uint16_t by_name_%s[] = {", t->name);
    for (size_t i = 0; i < t->flat_count; i++)
        buf_printf(&e->body, "%s%zu", i ? ", " : "", (size_t)(sorted[i] - t->flat));
    buf_puts(&e->body, "};\n");
}

static enum schema_absent absent_form(const struct field *f)
{
    enum schema_kind kind = f->type->kind;
    if ((f->flags & FIELD_POINTER) || kind == SCHEMA_LIST || kind == SCHEMA_MAP || kind == SCHEMA_BYTES)
        return ABSENT_NOTHING;
    bool is_long = kind == SCHEMA_FLOAT64 || kind == SCHEMA_DURATION || kind == SCHEMA_QUANTITY ||
                   kind == SCHEMA_INT_OR_STRING || kind == SCHEMA_RECORD;
    return is_long || f->proto >= 1 << 11 ? ABSENT_LONG
                                          : ABSENT_SHORT; /* tags of more than two bytes are rare */
}

static void put_step(struct emitter *e, const struct type *t, int step)
{
    enum { VARINT = 0, BYTES = 2 };
    const struct field *f = step > 0 ? &t->flat[step - 1] : NULL;
    enum schema_absent absent = f ? absent_form(f) : ABSENT_NOTHING;
    buf_printf(&e->body, "{%d, %d", step, absent);
    if (absent == ABSENT_SHORT) {
        enum schema_kind kind = f->type->kind;
        bool is_number = kind == SCHEMA_INT32 || kind == SCHEMA_INT64 || kind == SCHEMA_BOOL;
        unsigned tag = f->proto << 3 | (is_number ? VARINT : BYTES);
        if (tag < 0x80)
            buf_printf(&e->body, ", 1, \"\\x%02x\"", tag);
        else
            buf_printf(&e->body, ", 2, {(char)0x%02x, 0x%02x}", (tag & 0x7f) | 0x80, tag >> 7);
    }
    buf_puts(&e->body, "}, ");
}

static void put_wire(struct emitter *e, const struct type *t)
{
    buf_printf(&e->body, "static const struct schema_step wire_%s[] = {", t->name);
    for (size_t i = 0; i < t->wire_count; i++)
        put_step(e, t, t->wire[i]);
    buf_puts(&e->body, "{0}};\n");
}

static void put_type(struct emitter *e, const struct type *t)
{
    unsigned mask = put_slots(e, t);
    put_wire(e, t);
    if (t->flat_count)
        put_by_name(e, t);
    if (t->flat_count)
        buf_printf(&e->body, "static const struct schema_field fields_%s[] = {\n", t->name);
    for (size_t i = 0; i < t->flat_count; i++)
        put_field(e, &t->flat[i]);
    if (t->flat_count)
        buf_puts(&e->body, "};\n");
    buf_printf(&e->body,
               "const struct schema_type %s = {.name = \"%s\", .package = \"%s\", .openapi = \"%s\", .doc = ",
               t->c_name, t->name, t->package->name, t->openapi);
    emit_c_string(&e->body, t->doc);
    buf_printf(&e->body, ",\n    .field_count = %zu, .slots = slots_%s, .slot_mask = %u, .wire = wire_%s",
               t->flat_count, t->name, mask, t->name);
    if (t->wire_in_order)
        buf_puts(&e->body, ", .wire_in_order = true");
    if (t->flat_count)
        buf_printf(&e->body, ", .fields = fields_%s, .by_name = by_name_%s", t->name, t->name);
    if (t->atomic)
        buf_puts(&e->body, ", .atomic = true");
    if (t->opaque)
        buf_puts(&e->body, ", .opaque = true");
    if (t->discriminator)
        buf_printf(&e->body, ", .union_member = \"%s\"", t->discriminator);
    if (t->hook)
        buf_printf(&e->body, ", .default_hook = default_hook_%s", t->c_name);
    buf_puts(&e->body, "};\n\n");
}

/* A field's name as the end of a C name. */
static void put_c_name(struct buf *out, const char *name)
{
    while (*name && !isalnum((unsigned char)*name))
        name++;
    for (; *name; name++)
        buf_putc(out, isalnum((unsigned char)*name) ? *name : '_');
}

static bool emit_header(struct package *p, const char *folder)
{
    cleanup_buf struct buf out = BUF_INIT(1 << 24);
    buf_printf(&out,
               "/* Generated by openapi-compile from openapi/api/%s.yaml: its types and the indexes of their "
               "fields. */\n",
               p->name);
    buf_printf(&out,
               "#ifndef OPENAPI_GEN_%s_H\n#define OPENAPI_GEN_%s_H\n\n#include \"openapi/schema.h\"\n\n",
               p->name, p->name);
    for (size_t i = 0; i < p->type_count; i++) {
        const struct type *t = &p->types[i];
        buf_printf(&out, "extern const struct schema_type %s;\n", t->c_name);
        if (!t->flat_count)
            continue;
        buf_puts(&out, "enum {\n");
        for (size_t k = 0; k < t->flat_count; k++) {
            buf_printf(&out, "    %s_", t->c_name);
            put_c_name(&out, t->flat[k].name);
            buf_puts(&out, ",\n");
        }
        buf_puts(&out, "};\n");
    }
    buf_puts(&out, "\n#endif\n");
    cleanup_buf struct buf name = BUF_INIT(256);
    buf_printf(&name, "%s.h", p->name);
    return emit_file(folder, buf_cstr(&name), buf_slice(&out));
}

bool emit_package(struct model *model, struct package *package, const char *folder)
{
    struct emitter e = {
        .model = model, .package = package, .head = BUF_INIT(1 << 26), .body = BUF_INIT(1 << 26)};
    buf_printf(
        &e.head,
        "/* Generated by openapi-compile from openapi/api/%s.yaml. */\n#include \"openapi/gen/hooks.h\"\n",
        package->name);
    for (size_t i = 0; i < model->package_count; i++)
        buf_printf(&e.head, "#include \"openapi/gen/%s.h\"\n", model->packages[i]->name);
    buf_putc(&e.head, '\n');
    for (size_t i = 0; i < package->type_count; i++)
        put_type(&e, &package->types[i]);
    buf_putc(&e.head, '\n');
    buf_put_slice(&e.head, buf_slice(&e.body));
    cleanup_buf struct buf name = BUF_INIT(256);
    buf_printf(&name, "%s.c", package->name);
    bool ok = emit_header(package, folder) && emit_file(folder, buf_cstr(&name), buf_slice(&e.head));
    buf_release(&e.head);
    buf_release(&e.body);
    return ok;
}
