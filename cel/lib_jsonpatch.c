#include "base/buf.h"
#include "cel/eval.h"
#include "cel/libraries.h"

/* For expressions that make JSON patches (mutating policies). */

static struct cel_value escape_key(struct cel_eval *e, const struct cel_value *args, unsigned count)
{
    cleanup_buf struct buf out = BUF_INIT(CEL_MEMORY_MAX / 4);
    for (uint32_t i = 0; i < args[0].len; i++) {
        char c = args[0].s[i];
        if (c == '~' || c == '/')
            buf_puts(&out, c == '~' ? "~0" : "~1");
        else
            buf_putc(&out, c);
    }
    return cel_string(arena_dup(e->arena, buf_slice(&out)));
}

static const struct cel_row rows[] = {
    {"jsonpatch.escapeKey", "string_jsonpatch_escapeKey_string", "(string): string", escape_key,
     CEL_COST_TEXT},
};
CEL_LIBRARY(cel_lib_jsonpatch, rows);
