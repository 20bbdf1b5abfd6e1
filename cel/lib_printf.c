#include <math.h>

#include "base/buf.h"
#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/number.h"
#include "cel/time.h"
#include "cel/types.h"

/* string.format(): %s %d %f %e %b %o %x %X, with a precision for %f. Numbers look as Go's English printer
 * makes them, which is what this version of upstream's library does: 12,345.678000 and 1.234568×10⁰⁴. */

enum { PRECISION = 6, PRECISION_MAX = 1000, DEPTH_MAX = 100 };

struct writer {
    struct cel_eval *e;
    struct buf *out;
    const char *fault;
    unsigned depth;
};

static void put_value(struct writer *w, const struct cel_value *v, bool nested);

static void fault(struct writer *w, const char *text)
{
    if (!w->fault)
        w->fault = text;
}

/* ---- inside of lists and maps ---- */

static void put_number(struct writer *w, double d)
{
    if (isfinite(d))
        buf_printf(w->out, "%.*f", PRECISION, d);
    else
        buf_printf(w->out, "\"%s\"", isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf");
}

static void put_list(struct writer *w, const struct cel_value *v)
{
    buf_putc(w->out, '[');
    for (uint32_t i = 0; i < v->len && !w->fault && cel_eval_tick(w->e); i++) {
        struct cel_value item = cel_list_get(w->e->arena, v, i);
        buf_puts(w->out, i ? ", " : "");
        put_value(w, &item, true);
    }
    buf_putc(w->out, ']');
}

/* The entry with the smallest text of a key above the last one: entries are sorted by their keys' texts. */
static struct slice key_text(struct writer *w, const struct cel_value *key)
{
    cleanup_buf struct buf text = BUF_INIT(1 << 20);
    struct writer inner = {.e = w->e, .out = &text, .depth = w->depth};
    put_value(&inner, key, true);
    return arena_dup(w->e->arena, buf_slice(&text));
}

struct pair {
    struct slice key;
    struct cel_value value;
};

static int by_key(const void *a, const void *b)
{
    return slice_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static void put_pairs(struct writer *w, struct pair *pairs, size_t count)
{
    qsort(pairs, count, sizeof *pairs, by_key);
    buf_putc(w->out, '{');
    for (size_t i = 0; i < count && !w->fault && cel_eval_tick(w->e); i++) {
        buf_puts(w->out, i ? ", " : "");
        buf_put_slice(w->out, pairs[i].key);
        buf_putc(w->out, ':');
        put_value(w, &pairs[i].value, true);
    }
    buf_putc(w->out, '}');
}

static void put_map(struct writer *w, const struct cel_value *v)
{
    size_t count = 0, size = cel_size(v);
    struct pair *pairs = arena_alloc(w->e->arena, (size + 1) * sizeof *pairs);
    struct slice name;
    struct cel_value value, key;
    if (v->kind == CEL_OBJECT)
        for (size_t state = 0; count < size && cel_object_at(w->e->arena, v, &state, &name, &value);) {
            key = cel_string(name);
            pairs[count++] = (struct pair){key_text(w, &key), value};
        }
    else
        for (; count < size; count++) {
            cel_map_at(w->e->arena, v, count, &key, &value);
            pairs[count] = (struct pair){key_text(w, &key), value};
        }
    put_pairs(w, pairs, count);
}

static void put_text(struct writer *w, const struct cel_value *v, bool nested)
{
    if (!nested) {
        buf_put_slice(w->out, cel_text(v));
        return;
    }
    buf_puts(w->out, v->kind == CEL_BYTES ? "b" : "");
    buf_put_quoted(w->out, cel_text(v));
}

static void put_time(struct writer *w, const struct cel_value *v, bool nested)
{
    struct slice text =
        v->kind == CEL_TIMESTAMP ? cel_format_time(w->e->arena, v) : cel_format_duration(w->e->arena, v);
    buf_printf(w->out, nested ? "%s(\"%.*s\")" : "%.0s%.*s",
               v->kind == CEL_TIMESTAMP ? "timestamp" : "duration", SLICE_ARG(text));
}

/* %s; nested: as an expression would write it. */
static void put_value(struct writer *w, const struct cel_value *v, bool nested)
{
    if (++w->depth > DEPTH_MAX)
        fault(w, "value too deep");
    switch (w->fault ? CEL_NULL : (enum cel_kind)v->kind) {
    case CEL_NULL:
        buf_puts(w->out, "null");
        break;
    case CEL_BOOL:
        buf_puts(w->out, v->b ? "true" : "false");
        break;
    case CEL_INT:
        buf_put_int(w->out, v->i);
        break;
    case CEL_UINT:
        buf_put_uint(w->out, v->u);
        break;
    case CEL_DOUBLE:
        if (nested)
            put_number(w, v->d);
        else
            buf_put_slice(w->out, cel_format_double(w->e->arena, v->d));
        break;
    case CEL_STRING:
    case CEL_BYTES:
        put_text(w, v, nested);
        break;
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        put_time(w, v, nested);
        break;
    case CEL_TYPE:
        buf_puts(w->out, cel_type_name(v->type));
        break;
    case CEL_LIST:
        put_list(w, v);
        break;
    case CEL_MAP:
    case CEL_OBJECT:
        put_map(w, v);
        break;
    default:
        fault(w, arena_printf(w->e->arena,
                              "error during formatting: string clause can only be used on strings, bools, "
                              "bytes, ints, doubles, maps, lists, "
                              "types, durations, and timestamps, was given %s",
                              cel_type_name(cel_type_of_value(v))));
    }
    w->depth--;
}

/* ---- the other clauses ---- */

static void wrong_type(struct writer *w, const char *clause, const char *wants, const struct cel_value *v)
{
    fault(w, arena_printf(w->e->arena, "error during formatting: %s%s, was given %s", clause, wants,
                          cel_type_name(cel_type_of_value(v))));
}

static void put_grouped(struct writer *w, double d, int precision)
{
    char text[400 + PRECISION_MAX];
    snprintf(text, sizeof text, "%.*f", precision, fabs(d));
    size_t whole = strcspn(text, ".");
    buf_puts(w->out, signbit(d) ? "-" : "");
    for (size_t i = 0; i < whole; i++) {
        buf_puts(w->out, i && (whole - i) % 3 == 0 ? "," : "");
        buf_putc(w->out, text[i]);
    }
    buf_puts(w->out, text + whole);
}

static void put_scientific(struct writer *w, double d)
{
    static const char *const raised[] = {"\xe2\x81\xb0", "\xc2\xb9",     "\xc2\xb2",     "\xc2\xb3",
                                         "\xe2\x81\xb4", "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7",
                                         "\xe2\x81\xb8", "\xe2\x81\xb9"};
    char text[64];
    snprintf(text, sizeof text, "%.*e", PRECISION, d);
    char *exponent = strchr(text, 'e');
    buf_put(w->out, text, (size_t)(exponent - text));
    buf_puts(w->out, "\xc3\x97"
                     "10");
    buf_puts(w->out, exponent[1] == '-' ? "\xe2\x81\xbb" : "");
    for (const char *p = exponent + 2; *p; p++)
        buf_puts(w->out, raised[*p - '0']);
}

static bool to_double(const struct cel_value *v, double *ret)
{
    if (v->kind == CEL_DOUBLE) {
        *ret = v->d;
        return true;
    }
    struct slice text = cel_text(v);
    if (v->kind != CEL_STRING ||
        !(slice_is(text, "NaN") || slice_is(text, "Infinity") || slice_is(text, "-Infinity")))
        return false;
    return cel_parse_double(text, ret);
}

static void put_float(struct writer *w, const struct cel_value *v, char clause, int precision)
{
    double d;
    if (!to_double(v, &d))
        wrong_type(w, clause == 'f' ? "fixed-point" : "scientific", " clause can only be used on doubles", v);
    else if (!isfinite(d))
        buf_puts(w->out, isnan(d) ? "NaN" : d > 0 ? "\xe2\x88\x9e" : "-\xe2\x88\x9e");
    else if (clause == 'f')
        put_grouped(w, d, precision);
    else
        put_scientific(w, d);
}

static void put_radix(struct writer *w, uint64_t n, unsigned bits, bool upper)
{
    char text[65];
    size_t at = sizeof text;
    do {
        text[--at] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[n & ((1u << bits) - 1)];
        n >>= bits;
    } while (n);
    buf_put(w->out, text + at, sizeof text - at);
}

static void put_bits(struct writer *w, const struct cel_value *v, char clause)
{
    unsigned bits = clause == 'b' ? 1 : clause == 'o' ? 3 : 4;
    if (v->kind == CEL_INT) {
        buf_puts(w->out, v->i < 0 ? "-" : "");
        put_radix(w, v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i, bits, clause == 'X');
    } else if (v->kind == CEL_UINT) {
        put_radix(w, v->u, bits, clause == 'X');
    } else if (v->kind == CEL_BOOL && bits == 1) {
        buf_putc(w->out, v->b ? '1' : '0');
    } else if ((v->kind == CEL_STRING || v->kind == CEL_BYTES) && bits == 4) {
        for (uint32_t i = 0; i < v->len; i++)
            buf_printf(w->out, clause == 'X' ? "%02X" : "%02x", (unsigned char)v->s[i]);
    } else {
        wrong_type(w,
                   bits == 1   ? "only integers and bools can be formatted as binary"
                   : bits == 3 ? "octal clause can only be used on integers"
                               : "only integers, byte buffers, and strings can be formatted as hex",
                   "", v);
    }
}

static void put_clause(struct writer *w, char clause, int precision, const struct cel_value *v)
{
    switch (clause) {
    case 's':
        put_value(w, v, false);
        break;
    case 'd':
        if (v->kind == CEL_INT || v->kind == CEL_UINT)
            put_value(w, v, false);
        else
            wrong_type(w, "decimal", " clause can only be used on integers", v);
        break;
    case 'f':
    case 'e':
        put_float(w, v, clause, precision);
        break;
    case 'b':
    case 'o':
    case 'x':
    case 'X':
        put_bits(w, v, clause);
        break;
    default:
        fault(w, arena_printf(w->e->arena,
                              "could not parse formatting clause: unrecognized formatting clause \"%c\"",
                              clause));
    }
}

/* A precision behind the %: ".3". */
static size_t read_precision(struct writer *w, struct slice text, size_t at, int *ret)
{
    *ret = PRECISION;
    if (at >= text.len || text.ptr[at] != '.')
        return at;
    int n = 0;
    for (at++; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' && n <= PRECISION_MAX; at++)
        n = n * 10 + text.ptr[at] - '0';
    if (n > PRECISION_MAX)
        fault(w, "could not parse formatting clause: precision is too large");
    *ret = n;
    return at;
}

static struct cel_value format(struct cel_eval *e, const struct cel_value *args, unsigned count)
{
    struct slice text = cel_text(&args[0]);
    cleanup_buf struct buf out = BUF_INIT(CEL_MEMORY_MAX / 4);
    struct writer w = {.e = e, .out = &out};
    uint32_t used = 0;
    for (size_t i = 0; i < text.len && !w.fault && !out.failed; i++) {
        int precision;
        if (text.ptr[i] != '%') {
            buf_putc(&out, text.ptr[i]);
            continue;
        }
        if (++i >= text.len)
            return cel_fail(e, "unexpected end of string");
        if (text.ptr[i] == '%') {
            buf_putc(&out, '%');
            continue;
        }
        if (used >= args[1].len)
            return cel_fail(e, "index %u out of range", used);
        struct cel_value v = cel_list_get(e->arena, &args[1], used++);
        i = read_precision(&w, text, i, &precision);
        put_clause(&w, i < text.len ? text.ptr[i] : ' ', precision, &v);
    }
    if (w.fault)
        return cel_fail(e, "%s", w.fault);
    if (used < args[1].len)
        return cel_fail(e, "too many arguments supplied to string.format (expected %u, got %u)", used,
                        args[1].len);
    if (out.failed || !cel_eval_room(e, out.len))
        return cel_fail(e, "string too long");
    return cel_string(arena_dup(e->arena, buf_slice(&out)));
}

static const struct cel_row rows[] = {
    {"format", "string_format", "string.(list(dyn)): string", format, CEL_COST_TEXT_ONLY},
};
CEL_LIBRARY(cel_lib_printf, rows);
