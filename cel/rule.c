#include "cel/rule.h"

#include "cel/estimate.h"

enum { SELF, OLD_SELF };

static bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\n\v\f\r", text.ptr[i]) || text.ptr[i] == 0)
            return false;
    return true;
}

bool cel_rule_compile(struct arena *arena, const struct cel_rule_source *source, struct cel_rule *ret,
                      struct error *err)
{
    bool message = source->use == CEL_RULE_MESSAGE;
    *ret = (struct cel_rule){.schema = source->schema, .optional_old_self = source->optional_old_self};
    if (is_blank(source->text))
        return true;
    const struct cel_type *self =
        cel_type_of_schema(arena, source->schema, "selfType", source->root ? CEL_SCHEMA_ROOT : 0);
    if (!self)
        return error_set(err, REASON_INTERNAL, "failed to convert to declType for CEL validation rules");
    struct cel_variable variables[] = {
        [SELF] = {"self", self, source->schema},
        [OLD_SELF] = {"oldSelf", source->optional_old_self ? cel_type_optional(arena, self) : self,
                      source->schema}};
    struct cel_source expression = {.text = source->text,
                                    .variables = variables,
                                    .variable_count = 2,
                                    .wants = message ? &cel_type_string : &cel_type_bool,
                                    .wants_message = message ? "messageExpression must evaluate to a string"
                                                             : "cel expression must evaluate to a bool"};
    ret->program = cel_compile(arena, cel_env_kubernetes(), &expression, err);
    if (!ret->program) {
        if (err && strncmp(err->message, "ERROR:", 6) == 0) /* NULL: nobody wants to know */
            error_wrap(err, "%s", message ? "messageExpression compilation failed" : "compilation failed");
        return false;
    }
    ret->uses_old_self = cel_program_uses(ret->program, OLD_SELF);
    ret->max_cost = cel_program_cost(ret->program);
    ret->max_cardinality =
        3 * 1024 * 1024 / (uint64_t)(cel_schema_min_size(source->schema, source->root) + 1);
    return true;
}

struct cel_value cel_rule_evaluate(const struct cel_rule *rule, struct arena *scratch,
                                   const struct value *self, const struct value *old, uint64_t limit,
                                   uint64_t *ret_cost)
{
    struct cel_value variables[] = {
        [SELF] = cel_of_tree(scratch, self, rule->schema), [OLD_SELF] = cel_null()};
    if (old && rule->uses_old_self)
        variables[OLD_SELF] = cel_of_tree(scratch, old, rule->schema);
    if (rule->optional_old_self)
        variables[OLD_SELF] = cel_optional(scratch, old ? &variables[OLD_SELF] : NULL);
    struct cel_run run = {.arena = scratch,
                          .variables = variables,
                          .cost_limit = limit && limit < CEL_PER_CALL_LIMIT ? limit : CEL_PER_CALL_LIMIT};
    struct cel_value v = cel_evaluate(rule->program, &run);
    if (ret_cost)
        *ret_cost = run.cost;
    return v;
}

struct slice cel_cost_message(struct arena *arena, const char *name, uint64_t cost, uint64_t limit)
{
    double factor = (double)cost / (double)limit;
    struct slice by = factor > 100   ? SLICE("more than 100x")
                      : factor < 1.5 ? arena_slicef(arena, "%fx", factor)
                                     : arena_slicef(arena, "%.1fx", factor);
    return arena_slicef(arena,
                        "%s exceeds budget by factor of %.*s (try simplifying the rule, or adding maxItems, "
                        "maxProperties, and "
                        "maxLength where arrays, maps, and strings are declared)",
                        name, SLICE_ARG(by));
}
