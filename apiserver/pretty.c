#include "apiserver/pretty.h"

static void new_line(struct buf *out, int depth)
{
    buf_putc(out, '\n');
    for (int i = 0; i < depth; i++)
        buf_puts(out, "  ");
}

/* Copies the string that starts at json[i]; returns the index of its closing quote. */
static size_t put_string(struct buf *out, struct slice json, size_t i)
{
    size_t from = i++;
    while (i < json.len && json.ptr[i] != '"')
        i += json.ptr[i] == '\\' ? 2 : 1;
    buf_put(out, json.ptr + from, (i < json.len ? i + 1 : json.len) - from);
    return i;
}

void pretty_json(struct buf *out, struct slice json)
{
    int depth = 0;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        switch (c) {
        case '"':
            i = put_string(out, json, i);
            break;
        case '{':
        case '[':
            buf_putc(out, c);
            if (i + 1 < json.len && (json.ptr[i + 1] == '}' || json.ptr[i + 1] == ']'))
                buf_putc(out, json.ptr[++i]);
            else
                new_line(out, ++depth);
            break;
        case '}':
        case ']':
            new_line(out, --depth);
            buf_putc(out, c);
            break;
        case ',':
            buf_putc(out, c);
            new_line(out, depth);
            break;
        case ':':
            buf_puts(out, ": ");
            break;
        case '\n':
        case ' ':
        case '\t':
        case '\r':
            break;
        default:
            buf_putc(out, c);
        }
    }
    buf_putc(out, '\n');
}
