#include "base/alloc.h"
#include "cel/parser.h"

/* Any text: a tree within its bounds, or issues that can be printed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *arena = arena_new();
    struct slice text = slice_make((const char *)data, size);
    struct cel_issues issues = {.arena = arena, .text = text};
    uint32_t count = 0;
    struct cel_expr *e = cel_parse(arena, text, cel_env_kubernetes(), &issues, &count);
    if ((e == NULL) != (issues.count > 0))
        abort();
    if (e && (e->depth > CEL_DEPTH_MAX || count > CEL_NODES_MAX))
        abort();
    struct cel_program program = {.root = e, .node_count = count};
    struct slice printed = e ? cel_program_print(arena, &program) : cel_issues_print(&issues);
    if (!e && printed.len == 0)
        abort();
    return 0;
}
