#include "cel/check.h"
#include "cel/estimate.h"
#include "cel/parser.h"
#include "cel/value.h"

/* The stages, in their order: parse (macros included), check, look at literal arguments, estimate, fold
 * constants. */

static bool fail_with(struct cel_issues *issues, struct error *err)
{
    return error_set(err, REASON_INVALID, "%.*s", SLICE_ARG(cel_issues_print(issues)));
}

/* The program's own copy of what the caller declared. */
static void copy_variables(struct arena *arena, const struct cel_source *source, struct cel_program *program)
{
    struct cel_variable *copy = arena_alloc(arena, (source->variable_count + 1) * sizeof *copy);
    for (size_t i = 0; i < source->variable_count; i++)
        copy[i] = source->variables[i];
    program->variables = copy;
    program->variable_count = source->variable_count;
}

static bool wanted(const struct cel_source *source, const struct cel_type *type)
{
    return !source->wants || source->wants->kind == CEL_DYN || cel_type_same(source->wants, type);
}

static bool compile(struct cel_program *program, struct arena *arena, struct arena *scratch,
                    const struct cel_env *env, const struct cel_source *source, struct error *err)
{
    struct cel_issues issues = {.arena = scratch, .text = program->text};
    program->root = cel_parse(arena, program->text, env, &issues, &program->node_count);
    if (!program->root)
        return fail_with(&issues, err);
    struct cel_checker checker = {
        .arena = arena, .scratch = scratch, .env = env, .source = source, .issues = &issues};
    checker.unify.arena = scratch;
    checker.types = arena_zalloc(scratch, program->node_count * sizeof *checker.types);
    cel_check(&checker, program->root);
    if (issues.count)
        return fail_with(&issues, err);
    for (uint32_t i = 0; i < program->node_count; i++)
        if (checker.types[i])
            checker.types[i] = cel_unify_resolve(&checker.unify, checker.types[i], true);
    program->type = cel_type_copy(arena, checker.types[program->root->id]);
    program->used = checker.used;
    program->local_count = checker.local_count;
    if (!wanted(source, program->type))
        return error_set(err, REASON_INVALID, "%s",
                         source->wants_message ? source->wants_message : "unexpected result type");
    if (!(source->flags & CEL_UNCHECKED)) {
        cel_check_literals(program, &issues);
        if (issues.count)
            return fail_with(&issues, err);
        program->max_cost = cel_estimate(program, checker.types, scratch);
    }
    cel_fold_constants(arena, program);
    return true;
}

const struct cel_program *cel_compile(struct arena *arena, const struct cel_env *env,
                                      const struct cel_source *source, struct error *err)
{
    struct cel_program *program = arena_zalloc(arena, sizeof *program);
    program->text = arena_dup(arena, source->text);
    program->max_cost = UINT64_MAX;
    copy_variables(arena, source, program);
    struct arena *scratch = arena_new();
    bool good = compile(program, arena, scratch, env, source, err);
    arena_free(scratch);
    return good ? program : NULL;
}

const struct cel_type *cel_program_type(const struct cel_program *program)
{
    return program->type;
}

bool cel_program_uses(const struct cel_program *program, size_t variable)
{
    return program->used >> (variable < 63 ? variable : 63) & 1;
}

uint64_t cel_program_cost(const struct cel_program *program)
{
    return program->max_cost;
}
