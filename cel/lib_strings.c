#include "base/buf.h"
#include "base/regex.h"
#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/utf8.h"

/* The string functions of cel-go's extension (version 2, as Kubernetes has it) and Kubernetes' find and
 * findAll. Places count characters. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

static struct cel_value out_of_range(struct cel_eval *e, int64_t i)
{
    return cel_fail(e, "index out of range: %lld", (long long)i);
}

/* The byte of a character, which may be the one behind the last; -1: further on. */
static long byte_of(struct slice text, int64_t i)
{
    return i < 0 ? -1 : utf8_offset(text, (size_t)i);
}

FN(char_at)
{
    struct slice text = cel_text(&args[0]);
    long at = byte_of(text, args[1].i);
    if (at < 0)
        return out_of_range(e, args[1].i);
    size_t size = (size_t)at < text.len ? utf8_size(text, (size_t)at) : 0;
    return cel_string(slice_make(text.ptr + at, size));
}

FN(index_of)
{
    struct slice text = cel_text(&args[0]), part = cel_text(&args[1]);
    int64_t from = count > 2 ? args[2].i : 0;
    if (from < 0)
        return out_of_range(e, from);
    long at = byte_of(text, from);
    if (part.len == 0)
        return cel_int(at < 0 ? (int64_t)utf8_count(text) : from);
    if (at < 0)
        return cel_int(-1);
    const char *found = memmem(text.ptr + at, text.len - (size_t)at, part.ptr, part.len);
    return cel_int(
        found ? from + (int64_t)utf8_count(slice_make(text.ptr + at, (size_t)(found - text.ptr - at))) : -1);
}

FN(last_index_of)
{
    struct slice text = cel_text(&args[0]), part = cel_text(&args[1]);
    int64_t characters = (int64_t)utf8_count(text), last = count > 2 ? args[2].i : characters;
    if (last < 0)
        return out_of_range(e, last);
    if (part.len == 0)
        return cel_int(last < characters ? last : characters);
    if ((count > 2 && last >= characters) || part.len > text.len)
        return cel_int(-1);
    long at = byte_of(text, last < characters ? last : characters);
    size_t start = (size_t)at < text.len - part.len ? (size_t)at : text.len - part.len;
    for (size_t i = start + 1; i > 0; i--)
        if (memcmp(text.ptr + i - 1, part.ptr, part.len) == 0)
            return cel_int((int64_t)utf8_count(slice_make(text.ptr, i - 1)));
    return cel_int(-1);
}

static struct cel_value map_ascii(struct cel_eval *e, struct slice text, char from, char to)
{
    char *copy = arena_bytes(e->arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        copy[i] = c >= from && c <= from + 25 ? (char)(c - from + to) : c;
    }
    return cel_string(slice_make(copy, text.len));
}

FN(lower_ascii)
{
    return map_ascii(e, cel_text(&args[0]), 'A', 'a');
}

FN(upper_ascii)
{
    return map_ascii(e, cel_text(&args[0]), 'a', 'A');
}

static struct cel_value finish(struct cel_eval *e, struct buf *out)
{
    if (out->failed || !cel_eval_room(e, out->len))
        return cel_fail(e, "string too long");
    return cel_string(arena_dup(e->arena, buf_slice(out)));
}

/* Nothing stands before every character and behind the last. */
static void replace_nothing(struct buf *out, struct slice text, struct slice with, int64_t most)
{
    size_t at = 0;
    for (int64_t done = 0; done != most; done++) {
        buf_put_slice(out, with);
        if (at >= text.len)
            break;
        size_t size = utf8_size(text, at);
        buf_put(out, text.ptr + at, size);
        at += size;
    }
    buf_put_slice(out, slice_from(text, at));
}

FN(replace)
{
    struct slice text = cel_text(&args[0]), old = cel_text(&args[1]), with = cel_text(&args[2]);
    int64_t most = count > 3 ? args[3].i : -1;
    cleanup_buf struct buf out = BUF_INIT(CEL_MEMORY_MAX / 4);
    if (old.len == 0) {
        replace_nothing(&out, text, with, most);
        return finish(e, &out);
    }
    for (int64_t done = 0; done != most; done++) {
        const char *found = memmem(text.ptr, text.len, old.ptr, old.len);
        if (!found || out.failed)
            break;
        size_t before = (size_t)(found - text.ptr);
        buf_put(&out, text.ptr, before);
        buf_put_slice(&out, with);
        text = slice_from(text, before + old.len);
    }
    buf_put_slice(&out, text);
    return finish(e, &out);
}

FN(split)
{
    struct slice text = cel_text(&args[0]), by = cel_text(&args[1]);
    int64_t most = count > 2 ? args[2].i : -1;
    struct cel_value list = cel_list_new(e->arena, 4);
    if (most == 0)
        return list;
    while (cel_eval_tick(e) && (int64_t)list.len != most - 1) {
        const char *found = by.len ? memmem(text.ptr, text.len, by.ptr, by.len) : NULL;
        size_t size = by.len == 0 && text.len ? utf8_size(text, 0) : 0;
        if (by.len ? !found : size == text.len)
            break;
        size = found ? (size_t)(found - text.ptr) : size;
        list = cel_list_append(e->arena, list, cel_string(slice_make(text.ptr, size)));
        text = slice_from(text, size + by.len);
    }
    if (by.len || text.len)
        list = cel_list_append(e->arena, list, cel_string(text));
    return list;
}

FN(substring)
{
    struct slice text = cel_text(&args[0]);
    if (count > 2 && args[1].i > args[2].i)
        return cel_fail(e, "invalid substring range. start: %lld, end: %lld", (long long)args[1].i,
                        (long long)args[2].i);
    long from = byte_of(text, args[1].i), to = count > 2 ? byte_of(text, args[2].i) : (long)text.len;
    if (from < 0 || to < 0)
        return out_of_range(e, args[from < 0 ? 1 : 2].i);
    return cel_string(slice_make(text.ptr + from, (size_t)(to - from)));
}

/* White space as Unicode has it. */
static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

FN(trim)
{
    struct slice text = cel_text(&args[0]);
    size_t first = text.len, end = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t c;
        size_t size = utf8_decode(text, at, &c);
        if (!is_space(c)) {
            first = first < at ? first : at;
            end = at + size;
        }
        at += size;
    }
    return cel_string(first < end ? slice_make(text.ptr + first, end - first) : SLICE(""));
}

FN(join)
{
    struct slice by = count > 1 ? cel_text(&args[1]) : SLICE("");
    cleanup_buf struct buf out = BUF_INIT(CEL_MEMORY_MAX / 4);
    for (uint32_t i = 0; i < args[0].len && cel_eval_tick(e); i++) {
        struct cel_value v = cel_list_get(e->arena, &args[0], i);
        if (v.kind != CEL_STRING)
            return cel_fail(e, "join: invalid input: %.*s", SLICE_ARG(cel_print(e->arena, &v)));
        if (i)
            buf_put_slice(&out, by);
        buf_put_slice(&out, cel_text(&v));
    }
    return finish(e, &out);
}

FN(quote)
{
    struct slice text = cel_text(&args[0]);
    cleanup_buf struct buf out = BUF_INIT(CEL_MEMORY_MAX / 4);
    buf_putc(&out, '"');
    for (size_t at = 0; at < text.len;) {
        static const char plain[] = "\a\b\f\n\r\t\v\\\"", names[] = "abfnrtv\\\"";
        char encoded[4];
        uint32_t c;
        at += utf8_decode(text, at, &c);
        const char *escape = c && c < 0x80 ? strchr(plain, (int)c) : NULL;
        if (escape)
            buf_printf(&out, "\\%c", names[escape - plain]);
        else
            buf_put(&out, encoded, utf8_put(encoded, c));
    }
    buf_putc(&out, '"');
    return finish(e, &out);
}

/* ---- patterns ---- */

FN(find)
{
    char fault[REGEX_FAULT];
    cleanup_regex struct regex *regex = regex_get(cel_text(&args[1]), fault);
    size_t start, end;
    if (!regex)
        return cel_fail(e, "Illegal regex: %s", fault);
    if (!regex_find(regex, cel_text(&args[0]), 0, &start, &end))
        return cel_string(SLICE(""));
    return cel_string(slice_make(args[0].s + start, end - start));
}

FN(find_all)
{
    char fault[REGEX_FAULT];
    cleanup_regex struct regex *regex = regex_get(cel_text(&args[1]), fault);
    struct slice text = cel_text(&args[0]);
    int64_t most = count > 2 ? args[2].i : -1;
    if (!regex)
        return cel_fail(e, "Illegal regex: %s", fault);
    struct cel_value list = cel_list_new(e->arena, 4);
    size_t at = 0, start, end, last_end = SIZE_MAX;
    while ((int64_t)list.len != most && cel_eval_tick(e) && at <= text.len &&
           regex_find(regex, text, at, &start, &end)) {
        bool repeated = start == end && start == last_end; /* nothing, right behind the match before */
        if (!repeated)
            list = cel_list_append(e->arena, list, cel_string(slice_make(text.ptr + start, end - start)));
        last_end = end;
        at = end > start ? end : end < text.len ? end + utf8_size(text, end) : text.len + 1;
    }
    return list;
}

static const struct cel_row rows[] = {
    {"charAt", "string_char_at_int", "string.(int): string", char_at, CEL_COST_ONE},
    {"indexOf", "string_index_of_string", "string.(string): int", index_of, CEL_COST_TRAVERSE},
    {"indexOf", "string_index_of_string_int", "string.(string, int): int", index_of, CEL_COST_TRAVERSE},
    {"lastIndexOf", "string_last_index_of_string", "string.(string): int", last_index_of, CEL_COST_TRAVERSE},
    {"lastIndexOf", "string_last_index_of_string_int", "string.(string, int): int", last_index_of,
     CEL_COST_TRAVERSE},
    {"lowerAscii", "string_lower_ascii", "string.(): string", lower_ascii, CEL_COST_TEXT},
    {"upperAscii", "string_upper_ascii", "string.(): string", upper_ascii, CEL_COST_TEXT},
    {"replace", "string_replace_string_string", "string.(string, string): string", replace, CEL_COST_REPLACE},
    {"replace", "string_replace_string_string_int", "string.(string, string, int): string", replace,
     CEL_COST_REPLACE},
    {"split", "string_split_string", "string.(string): list(string)", split, CEL_COST_SPLIT},
    {"split", "string_split_string_int", "string.(string, int): list(string)", split, CEL_COST_SPLIT},
    {"substring", "string_substring_int", "string.(int): string", substring, CEL_COST_TEXT},
    {"substring", "string_substring_int_int", "string.(int, int): string", substring, CEL_COST_TEXT},
    {"trim", "string_trim", "string.(): string", trim, CEL_COST_TEXT},
    {"join", "list_join", "list(string).(): string", join, CEL_COST_JOIN},
    {"join", "list_join_string", "list(string).(string): string", join, CEL_COST_JOIN},
    {"strings.quote", "strings_quote", "(string): string", quote, CEL_COST_QUOTE},
    {"find", "string_find_string", "string.(string): string", find, CEL_COST_FIND},
    {"findAll", "string_find_all_string", "string.(string): list(string)", find_all, CEL_COST_FIND},
    {"findAll", "string_find_all_string_int", "string.(string, int): list(string)", find_all, CEL_COST_FIND},
};
CEL_LIBRARY(cel_lib_strings, rows);
