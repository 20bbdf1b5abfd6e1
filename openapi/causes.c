#include "openapi/causes.h"

#include <inttypes.h>
#include <stdarg.h>

#include "openapi/decode.h"

void path_print(struct buf *out, const struct path *path)
{
    if (!path)
        return;
    path_print(out, path->parent);
    switch (path->type) {
    case PATH_FIELD:
        if (path->parent)
            buf_putc(out, '.');
        buf_puts(out, *path->name ? path->name : "[]"); /* as upstream prints a path to nowhere */
        break;
    case PATH_INDEX:
        buf_printf(out, "[%zu]", path->index);
        break;
    case PATH_KEY:
        buf_putc(out, '[');
        buf_put_slice(out, path->key);
        buf_putc(out, ']');
        break;
    }
}

/* What a cause says: "<label>: <shown>: <detail>", the parts that are not NULL or "". */
static void add(struct causes *c, const struct path *at, const char *reason, const char *label,
                const char *shown, const char *detail, va_list args)
{
    cleanup_buf struct buf field = BUF_INIT(BUF_UNLIMITED), text = BUF_INIT(BUF_UNLIMITED);
    path_print(&field, at);
    buf_puts(&text, label);
    if (shown) {
        buf_puts(&text, ": ");
        buf_puts(&text, shown);
    }
    const char *explanation = detail && *detail ? arena_vprintf(c->arena, detail, args) : "";
    if (*explanation) {
        buf_puts(&text, ": ");
        buf_puts(&text, explanation);
    }
    struct cause *cause = arena_push(c->arena, &c->items, &c->count, &c->capacity, sizeof *cause);
    *cause = (struct cause){reason, arena_strdup(c->arena, buf_slice(&text)),
                            arena_strdup(c->arena, buf_slice(&field))};
}

static void __attribute__((format(printf, 6, 7)))
addf(struct causes *c, const struct path *at, const char *reason, const char *label, const char *shown,
     const char *detail, ...)
{
    va_list args;
    va_start(args, detail);
    add(c, at, reason, label, shown, detail, args);
    va_end(args);
}

#define ADD(c, at, reason, label, shown, detail)                                                             \
    do {                                                                                                     \
        va_list args;                                                                                        \
        va_start(args, detail);                                                                              \
        add(c, at, reason, label, shown, detail, args);                                                      \
        va_end(args);                                                                                        \
    } while (0)

static const char *show_text(struct causes *c, struct slice text)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    buf_put_quoted(&b, text);
    return arena_strdup(c->arena, buf_slice(&b));
}

static const char *show_value(struct causes *c, const struct value *v)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    if (v->kind == VALUE_STRING)
        return show_text(c, value_text(v));
    if (v->kind == VALUE_ABSENT)
        return "null";
    struct schema record = {.kind = SCHEMA_RECORD, .type = v->kind == VALUE_RECORD ? v->record->type : NULL};
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    encode_json(&b, v->kind == VALUE_RECORD ? &record : &any, v);
    return arena_strdup(c->arena, buf_slice(&b));
}

void causes_required(struct causes *c, const struct path *at, const char *detail, ...)
{
    ADD(c, at, "FieldValueRequired", "Required value", NULL, detail);
}

void causes_invalid(struct causes *c, const struct path *at, const struct value *bad, const char *detail, ...)
{
    ADD(c, at, "FieldValueInvalid", "Invalid value", show_value(c, bad), detail);
}

void causes_invalid_text(struct causes *c, const struct path *at, struct slice bad, const char *detail, ...)
{
    ADD(c, at, "FieldValueInvalid", "Invalid value", show_text(c, bad), detail);
}

void causes_invalid_int(struct causes *c, const struct path *at, int64_t bad, const char *detail, ...)
{
    ADD(c, at, "FieldValueInvalid", "Invalid value", arena_printf(c->arena, "%" PRId64, bad), detail);
}

void causes_invalid_shown(struct causes *c, const struct path *at, const char *shown, const char *detail, ...)
{
    ADD(c, at, "FieldValueInvalid", "Invalid value", shown, detail);
}

void causes_type_invalid(struct causes *c, const struct path *at, const char *shown, const char *detail, ...)
{
    ADD(c, at, "FieldValueTypeInvalid", "Invalid value", shown, detail);
}

void causes_forbidden(struct causes *c, const struct path *at, const char *detail, ...)
{
    ADD(c, at, "FieldValueForbidden", "Forbidden", NULL, detail);
}

void causes_not_supported(struct causes *c, const struct path *at, struct slice bad,
                          const char *const *supported)
{
    causes_not_supported_shown(c, at, show_text(c, bad), supported);
}

void causes_not_supported_shown(struct causes *c, const struct path *at, const char *shown,
                                const char *const *supported)
{
    cleanup_buf struct buf list = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; supported && supported[i]; i++) {
        buf_puts(&list, i ? ", " : "supported values: ");
        buf_put_quoted(&list, slice_str(supported[i]));
    }
    addf(c, at, "FieldValueNotSupported", "Unsupported value", shown, "%s", buf_cstr(&list));
}

void causes_duplicate(struct causes *c, const struct path *at, struct slice bad)
{
    causes_duplicate_shown(c, at, show_text(c, bad));
}

void causes_duplicate_shown(struct causes *c, const struct path *at, const char *shown)
{
    addf(c, at, "FieldValueDuplicate", "Duplicate value", shown, "%s", "");
}

void causes_not_found(struct causes *c, const struct path *at, struct slice bad)
{
    addf(c, at, "FieldValueNotFound", "Not found", show_text(c, bad), "%s", "");
}

void causes_too_long(struct causes *c, const struct path *at, int64_t max_bytes)
{
    addf(c, at, "FieldValueTooLong", "Too long", NULL, "may not be more than %" PRId64 " byte%s", max_bytes,
         max_bytes == 1 ? "" : "s");
}

void causes_too_many(struct causes *c, const struct path *at, int64_t actual, int64_t max)
{
    addf(c, at, "FieldValueTooMany", "Too many", arena_printf(c->arena, "%" PRId64, actual),
         "must have at most %" PRId64 " item%s", max, max == 1 ? "" : "s");
}

/* The findings whose text was put into the message: each text is said once. */
struct said {
    const struct cause **slots;
    size_t mask;
};

static bool say_once(struct said *said, const struct cause *cause)
{
    size_t i =
        schema_hash(cause->field, strlen(cause->field)) ^ schema_hash(cause->message, strlen(cause->message));
    for (;; i++) {
        const struct cause **slot = &said->slots[i & said->mask];
        if (!*slot) {
            *slot = cause;
            return true;
        }
        if (strcmp((*slot)->field, cause->field) == 0 && strcmp((*slot)->message, cause->message) == 0)
            return false;
    }
}

bool causes_to_error(const struct causes *c, const char *group, const char *kind, struct slice name,
                     struct error *err)
{
    if (c->count == 0)
        return true;
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED), quoted = BUF_INIT(BUF_UNLIMITED);
    struct said seen = {.mask = 3};
    while (seen.mask < c->count * 2)
        seen.mask = seen.mask * 2 + 1;
    seen.slots = arena_zalloc(c->arena, (seen.mask + 1) * sizeof *seen.slots);
    size_t said = 0;
    for (size_t i = 0; i < c->count; i++)
        if (say_once(&seen, &c->items[i]))
            buf_printf(&text, "%s%s: %s", said++ ? ", " : "", c->items[i].field, c->items[i].message);
    buf_put_quoted(&quoted, name);
    error_set(err, REASON_INVALID, "%s%s%s %s is invalid: %s%s%s", kind, *group ? "." : "", group,
              buf_cstr(&quoted), said > 1 ? "[" : "", buf_cstr(&text), said > 1 ? "]" : "");
    error_about(err, slice_str(group), slice_str(kind), name);
    for (size_t i = 0; i < c->count; i++)
        error_add_cause(err, c->items[i].reason, c->items[i].field, c->items[i].message);
    return false;
}
