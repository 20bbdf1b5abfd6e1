#include "cel/env.h"

#include <pthread.h>

#include "base/alloc.h"
#include "cel/libraries.h"
#include "cel/types.h"

struct cel_env {
    struct arena *arena;
    struct cel_function *functions;
    size_t function_count;
    uint16_t *slots; /* open-addressed hash of names: index + 1 */
    uint32_t slot_mask;
};

/* ---- signatures ---- */

static unsigned count_params(const struct cel_type *type)
{
    unsigned most = type->kind == CEL_PARAM ? type->index + 1u : 0;
    for (unsigned i = 0; i < type->param_count; i++) {
        unsigned n = count_params(type->params[i]);
        most = n > most ? n : most;
    }
    return most;
}

static void parse_signature(struct arena *arena, struct cel_overload *overload)
{
    const char *p = overload->row->signature;
    if (*p != '(') {
        overload->member = true;
        overload->args[overload->arg_count++] = cel_type_parse(arena, &p);
        p++; /* . */
    }
    for (p++; *p != ')';) {
        overload->args[overload->arg_count++] = cel_type_parse(arena, &p);
        if (*p == ',')
            p += 2;
    }
    p += 3; /* "): " */
    overload->result = cel_type_parse(arena, &p);
    for (unsigned i = 0; i < overload->arg_count; i++) {
        unsigned n = count_params(overload->args[i]);
        overload->param_count = n > overload->param_count ? (uint8_t)n : overload->param_count;
    }
    unsigned n = count_params(overload->result);
    overload->param_count = n > overload->param_count ? (uint8_t)n : overload->param_count;
}

/* ---- functions ---- */

static enum cel_op op_of(struct slice name)
{
    static const struct {
        const char *name;
        enum cel_op op;
    } ops[] = {{"_&&_", OP_AND},
               {"_||_", OP_OR},
               {"!_", OP_NOT},
               {"_?_:_", OP_CONDITIONAL},
               {"_==_", OP_EQUAL},
               {"_!=_", OP_NOT_EQUAL},
               {"_<_", OP_LESS},
               {"_<=_", OP_LESS_EQUAL},
               {"_>_", OP_GREATER},
               {"_>=_", OP_GREATER_EQUAL},
               {"_[_]", OP_INDEX},
               {"_[?_]", OP_OPT_INDEX},
               {"_?._", OP_OPT_SELECT},
               {"@in", OP_IN},
               {"or", OP_OPTIONAL_OR},
               {"orValue", OP_OPTIONAL_OR_VALUE},
               {"@not_strictly_false", OP_NOT_STRICTLY_FALSE}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (slice_is(name, ops[i].name))
            return ops[i].op;
    return OP_CALL;
}

const struct cel_function *cel_env_function(const struct cel_env *env, struct slice name)
{
    for (uint32_t i = schema_hash(name.ptr, name.len) & env->slot_mask; env->slots[i];
         i = (i + 1) & env->slot_mask)
        if (slice_eq(env->functions[env->slots[i] - 1].name, name))
            return &env->functions[env->slots[i] - 1];
    return NULL;
}

const struct cel_type *cel_env_type(const struct cel_env *env, struct slice name)
{
    return slice_is(name, "dyn") ? NULL : cel_type_by_name(name); /* dyn is no value */
}

static void add_function(struct cel_env *env, struct slice name)
{
    if (cel_env_function(env, name))
        return;
    env->functions[env->function_count] = (struct cel_function){.name = name, .op = op_of(name)};
    uint32_t i = schema_hash(name.ptr, name.len) & env->slot_mask;
    while (env->slots[i])
        i = (i + 1) & env->slot_mask;
    env->slots[i] = (uint16_t)++env->function_count;
}

static void add_overloads(struct cel_env *env, struct cel_function *function,
                          const struct cel_library *const *libraries, size_t count, size_t most)
{
    struct cel_overload *overloads = arena_zalloc(env->arena, most * sizeof *overloads);
    for (size_t l = 0; l < count; l++)
        for (size_t r = 0; r < libraries[l]->count; r++) {
            const struct cel_row *row = &libraries[l]->rows[r];
            if (!slice_is(function->name, row->name))
                continue;
            overloads[function->count].row = row;
            parse_signature(env->arena, &overloads[function->count++]);
        }
    function->overloads = overloads;
}

static size_t rows_named(const struct cel_library *const *libraries, size_t count, struct slice name)
{
    size_t n = 0;
    for (size_t l = 0; l < count; l++)
        for (size_t r = 0; r < libraries[l]->count; r++)
            n += slice_is(name, libraries[l]->rows[r].name);
    return n;
}

const struct cel_env *cel_env_new(const struct cel_library *const *libraries, size_t count)
{
    size_t rows = 0;
    for (size_t l = 0; l < count; l++)
        rows += libraries[l]->count;
    struct arena *arena = arena_new();
    struct cel_env *env = arena_zalloc(arena, sizeof *env);
    env->arena = arena;
    env->slot_mask = 63;
    while (env->slot_mask < rows * 2)
        env->slot_mask = env->slot_mask * 2 + 1;
    env->slots = arena_zalloc(arena, (env->slot_mask + 1) * sizeof *env->slots);
    env->functions = arena_zalloc(arena, rows * sizeof *env->functions);
    for (size_t l = 0; l < count; l++)
        for (size_t r = 0; r < libraries[l]->count; r++)
            add_function(env, slice_str(libraries[l]->rows[r].name));
    for (size_t i = 0; i < env->function_count; i++)
        add_overloads(env, &env->functions[i], libraries, count,
                      rows_named(libraries, count, env->functions[i].name));
    return env;
}

static const struct cel_env *kubernetes, *mutation;

static void make_kubernetes(void)
{
    kubernetes = cel_env_new(cel_libraries_kubernetes, cel_libraries_kubernetes_count);
}

static void make_mutation(void)
{
    mutation = cel_env_new(cel_libraries_mutation, cel_libraries_mutation_count);
}

const struct cel_env *cel_env_kubernetes(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_kubernetes);
    return kubernetes;
}

const struct cel_env *cel_env_mutation(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_mutation);
    return mutation;
}
