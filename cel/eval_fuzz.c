#include "base/alloc.h"
#include "cel/cel.h"
#include "openapi/decode.h"

/*
 * Any expression over a tree, checked or not: ends within its budget, costs the same twice, and gives a value
 * that can be printed and compared. The first byte chooses the flags.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema any = {.kind = SCHEMA_ANY};
static const char tree_text[] = "{\"a\": 1, \"b\": [1, 2.5, \"x\", null, true, {\"c\": \"\xc3\xa4\"}], "
                                "\"m\": {\"k\": \"v\", \"n\": {}}, \"s\": \"text\", "
                                "\"t\": \"2026-01-01T00:00:00Z\", \"e\": [], \"f\": -0.0}";

static void run(const struct cel_env *env, struct slice text, unsigned flags)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    struct cel_variable variables[] = {{"self", &cel_type_dyn, NULL},
                                       {"authorizer", &cel_type_authorizer, NULL}};
    struct cel_source source = {.text = text, .variables = variables, .variable_count = 2, .flags = flags};
    const struct cel_program *program = cel_compile(arena, env, &source, &err);
    if (!program) {
        if (!err.message || !*err.message)
            abort();
        return;
    }
    struct value tree;
    if (!decode_json_node(arena, &any, slice_str(tree_text), &tree, NULL, &err))
        abort();
    struct cel_value values[] = {cel_of_tree(arena, &tree, NULL), cel_authorizer_value()};
    struct cel_run first = {.arena = arena, .variables = values, .cost_limit = 50000}, second = first;
    struct cel_value v = cel_evaluate(program, &first), w = cel_evaluate(program, &second);
    if (first.cost != second.cost || v.kind != w.kind)
        abort();
    cel_print(arena, &v);
    struct value back;
    if (cel_to_tree(arena, &v, &back) && v.kind != CEL_ERROR)
        cel_of_tree(arena, &back, NULL);
    cel_equal(&v, &w);
    cel_program_print(arena, program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice text = slice_make((const char *)data + 1, size - 1);
    run(data[0] & 4 ? cel_env_mutation() : cel_env_kubernetes(), text,
        (data[0] & 1 ? CEL_UNCHECKED : 0) | (data[0] & 2 ? CEL_MIXED_LISTS : 0));
    return 0;
}
