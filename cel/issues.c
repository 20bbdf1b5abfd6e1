#include "cel/issues.h"

#include <stdlib.h>

#include "base/buf.h"
#include "cel/utf8.h"

enum { SNIPPET_MAX = 16384, TEXT_MAX = 256 * 1024 };

void cel_issue_add(struct cel_issues *issues, uint32_t pos, const char *fmt, ...)
{
    if (issues->count >= CEL_ISSUES_MAX)
        return;
    va_list args;
    va_start(args, fmt);
    const char *message = arena_vprintf(issues->arena, fmt, args);
    va_end(args);
    struct cel_issue *issue =
        arena_push(issues->arena, &issues->items, &issues->count, &issues->capacity, sizeof *issue);
    *issue = (struct cel_issue){pos, message};
}

static void put_mark(struct buf *out, struct slice line, size_t column)
{
    size_t at = 0;
    for (size_t i = 0; i < column && at < line.len; i++) {
        size_t size = utf8_size(line, at);
        buf_puts(out, size > 1 ? "\xef\xbc\x8e" : "."); /* the wide full stop below a wide character */
        at += size;
    }
    buf_puts(out, at < line.len && utf8_size(line, at) > 1 ? "\xef\xbc\xbe" : "^");
}

static void put_issue(struct buf *out, struct slice text, const struct cel_issue *issue)
{
    if (text.len == 0) {
        buf_printf(out, "ERROR: <input>:1:0: %s", issue->message);
        return;
    }
    size_t start = 0, line_number = 1, pos = issue->pos < text.len ? issue->pos : text.len;
    for (size_t i = 0; i < pos; i++)
        if (text.ptr[i] == '\n') {
            start = i + 1;
            line_number++;
        }
    struct slice line = slice_from(text, start);
    long end = slice_find(line, '\n');
    if (end >= 0)
        line.len = (size_t)end;
    size_t column = utf8_count(slice_make(line.ptr, pos - start));
    buf_printf(out, "ERROR: <input>:%zu:%zu: %s", line_number, column + 1, issue->message);
    if (utf8_count(line) > SNIPPET_MAX)
        return;
    buf_puts(out, "\n | ");
    for (size_t i = 0; i < line.len; i++)
        buf_putc(out, line.ptr[i] == '\t' ? ' ' : line.ptr[i]);
    buf_puts(out, "\n | ");
    put_mark(out, line, column);
}

static int by_place(const void *a, const void *b)
{
    const struct cel_issue *x = a, *y = b;
    return (x->pos > y->pos) - (x->pos < y->pos);
}

struct slice cel_issues_print(struct cel_issues *issues)
{
    cleanup_buf struct buf out = BUF_INIT(TEXT_MAX);
    qsort(issues->items, issues->count, sizeof *issues->items,
          by_place); /* glibc's is a merge sort: stable */
    for (size_t i = 0; i < issues->count; i++) {
        if (i)
            buf_putc(&out, '\n');
        put_issue(&out, issues->text, &issues->items[i]);
    }
    return arena_dup(issues->arena, buf_slice(&out));
}
