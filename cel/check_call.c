#include "base/buf.h"
#include "cel/check.h"

static const struct cel_type error_type = {.kind = CEL_ERROR};

enum { ARGS_MAX = 16, OVERLOADS_MAX = 64 };

static const struct cel_function *find_function(struct cel_checker *c, struct slice name, bool absolute)
{
    struct slice candidate;
    for (size_t state = 0; cel_check_candidate(c, name, absolute, &state, &candidate);) {
        const struct cel_function *function = cel_env_function(c->env, candidate);
        if (function)
            return function;
    }
    return NULL;
}

static const struct cel_type *undeclared(struct cel_checker *c, const struct cel_expr *e)
{
    if (cel_check_lenient(c))
        return &cel_type_dyn;
    cel_issue_add(c->issues, e->pos, "undeclared reference to '%.*s' (in container '%s')",
                  SLICE_ARG(e->call.name), c->source->container ? c->source->container : "");
    return &error_type;
}

static const char *print_call(struct cel_checker *c, const struct cel_type *const *types, unsigned count,
                              bool member)
{
    cleanup_buf struct buf out = BUF_INIT(64 * 1024);
    if (member) {
        buf_put_slice(&out, cel_type_print(c->scratch, types[0]));
        buf_putc(&out, '.');
    }
    buf_putc(&out, '(');
    for (unsigned i = member; i < count; i++) {
        buf_puts(&out, i > member ? ", " : "");
        buf_put_slice(&out, cel_type_print(c->scratch, types[i]));
    }
    buf_putc(&out, ')');
    return arena_dup(c->scratch, buf_slice(&out)).ptr;
}

/* && and || take any number of arguments here, each a bool. */
static const struct cel_type *check_logic(struct cel_checker *c, const struct cel_expr *e,
                                          const struct cel_type *const *types)
{
    bool good = true;
    for (unsigned i = 0; i < e->count; i++) {
        if (cel_check_lenient(c) || cel_unify_assignable(&c->unify, types[i], &cel_type_bool))
            continue;
        const struct cel_type *have = cel_unify_resolve(&c->unify, types[i], true);
        cel_issue_add(c->issues, e->call.args[i]->pos, "expected type 'bool' but found '%s'",
                      cel_type_print(c->scratch, have).ptr);
        good = false;
    }
    return good ? &cel_type_bool : &error_type;
}

/* Does the overload take these? Then *result is joined with what it gives. */
static bool try_overload(struct cel_checker *c, const struct cel_overload *overload,
                         const struct cel_type *const *types, const struct cel_type **result)
{
    unsigned base = (unsigned)c->unify.count;
    const struct cel_type *wanted[CEL_ARGS_MAX], *gives = overload->result;
    for (unsigned i = 0; i < overload->param_count; i++)
        cel_unify_new_var(&c->unify);
    for (unsigned i = 0; i < overload->arg_count; i++)
        wanted[i] = cel_unify_instance(&c->unify, overload->args[i], base);
    if (!cel_unify_assignable_list(&c->unify, types, wanted, overload->arg_count))
        return false;
    gives = cel_unify_resolve(&c->unify, cel_unify_instance(&c->unify, gives, base), false);
    if (!*result)
        *result = gives;
    else if ((*result)->kind != CEL_DYN && !cel_type_same(*result, gives))
        *result = &cel_type_dyn;
    return true;
}

static const struct cel_type *resolve(struct cel_checker *c, struct cel_expr *e,
                                      const struct cel_function *function)
{
    const struct cel_type *types[ARGS_MAX], *result = NULL;
    const struct cel_overload *fits[OVERLOADS_MAX];
    bool member = e->call.target != NULL;
    unsigned count = e->count + member;
    if (function->op == OP_AND || function->op == OP_OR) {
        const struct cel_type **all = arena_alloc(c->scratch, count * sizeof *all);
        for (unsigned i = 0; i < count; i++)
            all[i] = c->types[e->call.args[i]->id];
        return check_logic(c, e, all);
    }
    for (unsigned i = 0; i < count && i < ARGS_MAX; i++)
        types[i] = c->types[(member && i == 0 ? e->call.target : e->call.args[i - member])->id];
    for (size_t i = 0; i < function->count && e->overload_count < OVERLOADS_MAX; i++) {
        const struct cel_overload *overload = &function->overloads[i];
        if (overload->member != member || overload->arg_count != count)
            continue;
        if (cel_check_lenient(c) || try_overload(c, overload, types, &result))
            fits[e->overload_count++] = overload;
    }
    e->call.overloads = arena_alloc(c->arena, (e->overload_count + 1u) * sizeof *fits);
    memcpy(e->call.overloads, fits, e->overload_count * sizeof *fits);
    if (cel_check_lenient(c))
        return &cel_type_dyn;
    if (result)
        return result;
    for (unsigned i = 0; i < count && i < ARGS_MAX; i++)
        types[i] = cel_unify_resolve(&c->unify, types[i], true);
    cel_issue_add(c->issues, e->pos, "found no matching overload for '%.*s' applied to '%s'",
                  SLICE_ARG(function->name),
                  print_call(c, types, count < ARGS_MAX ? count : ARGS_MAX, member));
    return &error_type;
}

static const struct cel_type *check_opt_select(struct cel_checker *c, struct cel_expr *e)
{
    struct cel_expr *field = e->call.args[1];
    struct slice name = cel_text(&field->literal);
    const struct cel_type *type = cel_check_field(c, e, e->call.args[0], &name, true);
    field->literal = cel_string(name);
    c->types[field->id] = &cel_type_string;
    e->op = OP_OPT_SELECT;
    return cel_unify_resolve(&c->unify, type, false);
}

static const struct cel_type *finish(struct cel_checker *c, struct cel_expr *e,
                                     const struct cel_function *function)
{
    e->op = (uint8_t)function->op;
    if (!e->call.target && (function->op == OP_OPTIONAL_OR || function->op == OP_OPTIONAL_OR_VALUE))
        e->op = OP_CALL;
    e->call.name = function->name;
    return resolve(c, e, function);
}

const struct cel_type *cel_check_call(struct cel_checker *c, struct cel_expr *e)
{
    if (slice_is(e->call.name, "_?._") && !e->call.target)
        return check_opt_select(c, e);
    bool format = e->call.target && slice_is(e->call.name, "format");
    c->mixed_allowed += format;
    for (unsigned i = 0; i < e->count; i++)
        cel_check_node(c, e->call.args[i]);
    c->mixed_allowed -= format;
    const struct cel_function *function;
    if (!e->call.target) {
        function = find_function(c, e->call.name, e->absolute);
        return function ? finish(c, e, function) : undeclared(c, e);
    }
    struct slice prefix;
    bool absolute;
    if (cel_check_dotted(c, e->call.target, &prefix, &absolute)) { /* a.b.f() may be the function a.b.f */
        struct slice name = arena_slicef(c->scratch, "%.*s.%.*s", SLICE_ARG(prefix), SLICE_ARG(e->call.name));
        function = find_function(c, name, absolute);
        if (function) {
            e->call.target = NULL;
            return finish(c, e, function);
        }
    }
    cel_check_node(c, e->call.target);
    function = find_function(c, e->call.name, false);
    return function ? finish(c, e, function) : undeclared(c, e);
}
