#include "apiserver/custom/rules.h"

#include "cel/rule.h"
#include "openapi/custom_items.h"

struct custom_program {
    struct cel_rule rule, message; /* message.program NULL: none */
};

/* ---- compiling ---- */

static bool compile_node(struct arena *arena, const struct schema *schema, bool root)
{
    bool any = false;
    struct custom_rule *rules = (struct custom_rule *)(uintptr_t)schema->custom->rules;
    for (unsigned i = 0; i < schema->custom->rule_count; i++) {
        struct custom_program *program = arena_zalloc(arena, sizeof *program);
        struct cel_rule_source source = {.text = slice_str(rules[i].rule),
                                         .schema = schema,
                                         .root = root,
                                         .optional_old_self = rules[i].optional_old_self};
        struct error err;
        error_init(&err, arena);
        if (!cel_rule_compile(arena, &source, &program->rule, &err) || !program->rule.program)
            continue;
        source.text = slice_str(rules[i].message_expression);
        source.use = CEL_RULE_MESSAGE;
        if (!source.text.len || !cel_rule_compile(arena, &source, &program->message, &err))
            program->message.program = NULL;
        rules[i].program = program;
        any = true;
    }
    if (schema->elem && schema->elem->custom)
        any |= compile_node(arena, schema->elem, schema->elem->embedded);
    for (unsigned i = 0; schema->kind == SCHEMA_RECORD && i < schema->type->field_count; i++) {
        const struct schema *child = &schema->type->fields[i].schema;
        if (child->custom)
            any |= compile_node(arena, child, child->embedded);
    }
    return any;
}

bool custom_rules_compile(struct arena *arena, const struct schema *root)
{
    return root->custom && compile_node(arena, root, true);
}

/* ---- evaluating ---- */

struct run {
    struct causes *c;
    uint64_t left; /* of the budget */
    bool stopped;
};

static void fail(struct run *run, const struct path *at, const struct value *v,
                 const struct custom_rule *rule, const char *why)
{
    struct path end = {0};
    if (*rule->field_path == '.') /* ".a.b": names below the value */
        end = path_field(at, rule->field_path + 1);
    const struct path *place = *rule->field_path == '.' ? &end : at ? at : PATH(NULL, "<nil>");
    bool holds = v->kind == VALUE_RECORD || v->kind == VALUE_MAP || v->kind == VALUE_LIST;
    if (strcmp(rule->reason, "FieldValueForbidden") == 0)
        causes_forbidden(run->c, place, "%s", why);
    else if (strcmp(rule->reason, "FieldValueRequired") == 0)
        causes_required(run->c, place, "%s", why);
    else if (strcmp(rule->reason, "FieldValueDuplicate") == 0)
        causes_duplicate(run->c, place, value_text(v));
    else if (holds)
        causes_invalid_shown(run->c, place, why, "");
    else
        causes_invalid(run->c, place, v, "%s", why);
}

static const char *message_of(struct run *run, const struct custom_rule *rule, const struct value *v,
                              const struct value *old)
{
    uint64_t cost = 0;
    if (rule->program->message.program) {
        struct cel_value text =
            cel_rule_evaluate(&rule->program->message, run->c->arena, v, old, run->left, &cost);
        run->left -= cost < run->left ? cost : run->left;
        if (text.kind == CEL_STRING && cel_text(&text).len && slice_find(cel_text(&text), '\n') < 0)
            return arena_strdup(run->c->arena, cel_text(&text));
    }
    if (*rule->message)
        return rule->message;
    return arena_printf(run->c->arena, "failed rule: %s", rule->rule);
}

static void evaluate(struct run *run, const struct path *at, const struct custom_rule *rule,
                     const struct value *v, const struct value *old)
{
    const struct cel_rule *program = &rule->program->rule;
    uint64_t cost = 0, limit = run->left < CEL_PER_CALL_LIMIT ? run->left : CEL_PER_CALL_LIMIT;
    if (program->uses_old_self && !old && !rule->optional_old_self)
        return;
    struct cel_value result = cel_rule_evaluate(program, run->c->arena, v, old, limit, &cost);
    run->left -= cost < run->left ? cost : run->left;
    if (result.kind == CEL_BOOL && result.b)
        return;
    if (!program->uses_old_self && old && value_equal(v, old))
        return; /* what has not changed is forgiven */
    if (result.kind != CEL_ERROR) {
        fail(run, at, v, rule, message_of(run, rule, v, old));
        return;
    }
    run->stopped = run->left == 0;
    fail(run, at, v, &(struct custom_rule){.reason = "", .field_path = ""},
         arena_printf(run->c->arena, "rule evaluation error: %.*s: %s", SLICE_ARG(cel_text(&result)),
                      rule->rule));
}

static const struct value *old_child(const struct value *old, struct slice key)
{
    const struct value *v = old ? value_get(old, key) : NULL;
    return v && value_is_set(v) ? v : NULL;
}

static void walk(struct run *run, const struct path *at, const struct schema *schema, const struct value *v,
                 const struct value *old)
{
    for (unsigned i = 0; !run->stopped && i < schema->custom->rule_count; i++)
        if (schema->custom->rules[i].program)
            evaluate(run, at, &schema->custom->rules[i], v, old);
    if (v->kind == VALUE_LIST && schema->kind == SCHEMA_LIST && schema->elem->custom) {
        bool told = old && old->kind == VALUE_LIST && schema->list_type == LIST_TYPE_MAP && schema->list_keys;
        struct custom_items before =
            told ? custom_items_of(run->c->arena, old, schema->list_keys) : (struct custom_items){0};
        for (size_t i = 0; i < value_count(v); i++) {
            const struct value *item = value_item(v, i);
            walk(run, PATH_I(at, i), schema->elem, item,
                 told ? custom_items_find(run->c->arena, &before, old, schema->list_keys, item) : NULL);
        }
    } else if (v->kind == VALUE_MAP && schema->kind == SCHEMA_MAP && schema->elem->custom) {
        for (VALUE_EACH_ENTRY(entry, v))
            walk(run, PATH_K(at, entry->key), schema->elem, &entry->value, old_child(old, entry->key));
    } else if (v->kind == VALUE_RECORD && schema->kind == SCHEMA_RECORD && v->record->type == schema->type) {
        for (unsigned i = 0; i < schema->type->field_count; i++) {
            const struct schema_field *field = &schema->type->fields[i];
            if (field->schema.custom && value_is_set(value_at(v, i)))
                walk(run, PATH(at, field->name), &field->schema, value_at(v, i),
                     old_child(old, slice_str(field->name)));
        }
    }
}

void custom_rules_validate(struct causes *c, const struct schema *root, const struct value *object,
                           const struct value *old)
{
    /* After these the values are not what the rules were checked for. */
    static const char *const blocking[] = {"FieldValueNotSupported", "FieldValueRequired",
                                           "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"};
    struct run run = {.c = c, .left = CEL_RUNTIME_BUDGET};
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < sizeof blocking / sizeof *blocking; k++)
            if (strcmp(c->items[i].reason, blocking[k]) == 0) {
                causes_invalid_shown(
                    c, PATH(NULL, "<nil>"), "null",
                    "some validation rules were not checked because the object was invalid; correct "
                    "the existing errors to complete validation");
                return;
            }
    walk(&run, NULL, root, object, old);
}
