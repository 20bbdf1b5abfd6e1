#include "base/buf.h"
#include "cel/number.h"
#include "cel/time.h"
#include "cel/types.h"
#include "cel/utf8.h"
#include "cel/value.h"

/* Values as an expression would write them. */

enum { PRINT_MAX = 64 * 1024 };

struct printer {
    struct arena *arena;
    struct buf out;
};

static void put(struct printer *p, const struct cel_value *v);

static void put_text(struct printer *p, struct slice text, bool bytes)
{
    buf_puts(&p->out, bytes ? "b\"" : "\"");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        static const char plain[] = "\a\b\f\n\r\t\v\"\\", names[] = "abfnrtv\"\\";
        const char *at = c ? strchr(plain, c) : NULL;
        if (at)
            buf_printf(&p->out, "\\%c", names[at - plain]);
        else if (c < 0x20 || c == 0x7f || (bytes && c > 0x7f))
            buf_printf(&p->out, "\\x%02x", c);
        else
            buf_putc(&p->out, (char)c);
    }
    buf_putc(&p->out, '"');
}

static void put_double(struct printer *p, double d)
{
    struct slice text = cel_format_double(p->arena, d);
    buf_put_slice(&p->out, text);
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("-0123456789", text.ptr[i]))
            return;
    buf_puts(&p->out, ".0");
}

static void put_list(struct printer *p, const struct cel_value *v)
{
    buf_putc(&p->out, '[');
    for (uint32_t i = 0; i < v->len && !p->out.failed; i++) {
        struct cel_value item = cel_list_get(p->arena, v, i);
        buf_puts(&p->out, i ? ", " : "");
        put(p, &item);
    }
    buf_putc(&p->out, ']');
}

static void put_map(struct printer *p, const struct cel_value *v)
{
    buf_putc(&p->out, '{');
    for (uint32_t i = 0; i < v->len && !p->out.failed; i++) {
        struct cel_value key, value;
        cel_map_at(p->arena, v, i, &key, &value);
        buf_puts(&p->out, i ? ", " : "");
        put(p, &key);
        buf_puts(&p->out, ": ");
        put(p, &value);
    }
    buf_putc(&p->out, '}');
}

static void put_object(struct printer *p, const struct cel_value *v)
{
    struct slice name;
    struct cel_value value;
    bool first = true;
    buf_puts(&p->out, v->flags & CEL_TREE ? "" : cel_type_name(v->fields->type));
    buf_putc(&p->out, '{');
    for (size_t state = 0; cel_object_at(p->arena, v, &state, &name, &value) && !p->out.failed;
         first = false) {
        buf_puts(&p->out, first ? "" : ", ");
        buf_put_slice(&p->out, name);
        buf_puts(&p->out, ": ");
        put(p, &value);
    }
    buf_putc(&p->out, '}');
}

static void put_call(struct printer *p, const char *function, struct slice text)
{
    buf_printf(&p->out, "%s(\"%.*s\")", function, SLICE_ARG(text));
}

static void put_optional(struct printer *p, const struct cel_value *v)
{
    buf_puts(&p->out, v->some ? "optional.of(" : "optional.none(");
    if (v->some)
        put(p, v->some);
    buf_putc(&p->out, ')');
}

static void put(struct printer *p, const struct cel_value *v)
{
    switch ((enum cel_kind)v->kind) {
    case CEL_NULL:
        buf_puts(&p->out, "null");
        break;
    case CEL_BOOL:
        buf_puts(&p->out, v->b ? "true" : "false");
        break;
    case CEL_INT:
        buf_put_int(&p->out, v->i);
        break;
    case CEL_UINT:
        buf_put_uint(&p->out, v->u);
        buf_putc(&p->out, 'u');
        break;
    case CEL_DOUBLE:
        put_double(p, v->d);
        break;
    case CEL_STRING:
    case CEL_BYTES:
        put_text(p, cel_text(v), v->kind == CEL_BYTES);
        break;
    case CEL_TIMESTAMP:
        put_call(p, "timestamp", cel_format_time(p->arena, v));
        break;
    case CEL_DURATION:
        put_call(p, "duration", cel_format_duration(p->arena, v));
        break;
    case CEL_TYPE:
        buf_puts(&p->out, cel_type_name(v->type));
        break;
    case CEL_LIST:
        put_list(p, v);
        break;
    case CEL_MAP:
        put_map(p, v);
        break;
    case CEL_OBJECT:
        put_object(p, v);
        break;
    case CEL_OPTIONAL:
        put_optional(p, v);
        break;
    case CEL_OPAQUE:
        if (v->opaque->type->print)
            buf_put_slice(&p->out, v->opaque->type->print(p->arena, v->opaque));
        break;
    default:
        buf_printf(&p->out, "error(%.*s)", SLICE_ARG(cel_text(v)));
    }
}

struct slice cel_print(struct arena *arena, const struct cel_value *v)
{
    struct printer p = {arena, BUF_INIT(PRINT_MAX)};
    put(&p, v);
    struct slice text = arena_dup(arena, buf_slice(&p.out));
    buf_release(&p.out);
    return text;
}
