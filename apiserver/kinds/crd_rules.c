/* Rules in CEL of a definition's schema: each must compile, and none, nor all together, may be too costly. */
#include "apiserver/kinds/crd.h"

#include "cel/rule.h"

enum { MAX_BLAMED = 4 };

struct check {
    struct causes *c;
    uint64_t total;
    struct blamed { /* the costliest, costliest first */
        uint64_t cost;
        const char *place;
    } blamed[MAX_BLAMED];
};

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static const char *shown_rule(struct arena *arena, const struct custom_rule *rule)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    const char *const texts[] = {"Rule",        rule->rule,          "Message",
                                 rule->message, "MessageExpression", rule->message_expression};
    for (size_t i = 0; i < 6; i += 2) {
        buf_printf(&out, "%s\"%s\":", i ? "," : "{", texts[i]);
        buf_put_json_string(&out, slice_str(texts[i + 1]));
    }
    buf_puts(&out, ",\"Reason\":");
    if (*rule->reason)
        buf_put_json_string(&out, slice_str(rule->reason));
    else
        buf_puts(&out, "null");
    buf_puts(&out, ",\"FieldPath\":");
    buf_put_json_string(&out, slice_str(rule->field_path));
    buf_printf(&out, ",\"OptionalOldSelf\":%s}", rule->optional_old_self ? "true" : "null");
    return arena_strdup(arena, buf_slice(&out));
}

static void blame(struct check *x, const struct path *at, uint64_t cost)
{
    cleanup_buf struct buf place = BUF_INIT(BUF_UNLIMITED);
    size_t i = MAX_BLAMED;
    x->total = __builtin_add_overflow(x->total, cost, &x->total) ? UINT64_MAX : x->total;
    while (i > 0 && x->blamed[i - 1].cost < cost)
        i--;
    if (i == MAX_BLAMED)
        return;
    memmove(&x->blamed[i + 1], &x->blamed[i], (MAX_BLAMED - 1 - i) * sizeof *x->blamed);
    path_print(&place, at);
    x->blamed[i] = (struct blamed){cost, arena_strdup(x->c->arena, buf_slice(&place))};
}

static void check_rule(struct check *x, const struct path *at, const struct cel_rule_source *source,
                       const char *name, const struct custom_rule *rule, uint64_t often)
{
    struct cel_rule compiled = {0};
    struct error err;
    error_init(&err, x->c->arena);
    if (!cel_rule_compile(x->c->arena, source, &compiled, &err)) {
        causes_invalid_shown(x->c, at, shown_rule(x->c->arena, rule), "%s", err.message);
        return;
    }
    if (!compiled.program)
        return;
    uint64_t cost = times(compiled.max_cost, often ? often : compiled.max_cardinality);
    if (cost > CEL_RULE_ESTIMATE_LIMIT)
        causes_forbidden(x->c, at, "%.*s",
                         SLICE_ARG(cel_cost_message(x->c->arena, name, cost, CEL_RULE_ESTIMATE_LIMIT)));
    blame(x, at, cost);
}

/* often: how many such values there can be; 0: nobody says. */
static void check_node(struct check *x, const struct path *at, const struct schema *schema, bool root,
                       uint64_t often)
{
    const struct schema_custom *custom = schema->custom;
    struct path rules_at = path_field(at, "x-kubernetes-validations");
    for (unsigned i = 0; i < custom->rule_count; i++) {
        const struct custom_rule *rule = &custom->rules[i];
        struct path rule_at = path_index(&rules_at, i);
        struct cel_rule_source source = {.text = slice_str(rule->rule),
                                         .schema = schema,
                                         .root = root || schema->embedded,
                                         .optional_old_self = rule->optional_old_self};
        check_rule(x, PATH(&rule_at, "rule"), &source, "estimated rule cost", rule, often);
        source.text = slice_str(rule->message_expression);
        source.use = CEL_RULE_MESSAGE;
        if (source.text.len)
            check_rule(x, PATH(&rule_at, "messageExpression"), &source, "estimated messageExpression cost",
                       rule, often);
    }
    bool list = schema->kind == SCHEMA_LIST;
    int64_t most = list ? custom->max_items : custom->max_properties;
    if (schema->elem && schema->elem->custom)
        check_node(x, PATH(at, list ? "items" : "additionalProperties"), schema->elem, false,
                   most >= 0 && often ? times(often, (uint64_t)(most ? most : 1)) : 0);
    for (unsigned i = 0; schema->kind == SCHEMA_RECORD && i < schema->type->field_count; i++) {
        const struct schema_field *field = &schema->type->fields[i];
        struct path properties = path_field(at, "properties");
        if (field->schema.custom)
            check_node(x, PATH_K(&properties, slice_str(field->name)), &field->schema, false, often);
    }
}

void check_crd_rules(struct causes *c, const struct path *at, const struct value *schema)
{
    struct check x = {.c = c};
    check_node(&x, at, custom_compile(c->arena, schema, "object"), true, 1);
    if (x.total <= CEL_SCHEMA_ESTIMATE_LIMIT)
        return;
    for (int i = 0; i < MAX_BLAMED && x.blamed[i].place; i++)
        causes_forbidden(
            c, PATH(NULL, x.blamed[i].place),
            "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
    causes_forbidden(
        c, at, "%.*s",
        SLICE_ARG(cel_cost_message(
            c->arena, "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema",
            x.total, CEL_SCHEMA_ESTIMATE_LIMIT)));
}
