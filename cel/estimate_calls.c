#include "cel/estimate_parts.h"

/* What calls cost, by the rules of their rows. */

static struct range arg_size(const struct estimator *s, const struct call *c, unsigned i)
{
    return cel_estimate_size_or_unknown(s, c->args[i]);
}

static struct range items_size(const struct estimator *s, const struct cel_expr *list)
{
    struct origin origin = cel_estimate_origin(s, list);
    struct size size = origin.kind == ORIGIN_NONE
                           ? (struct size){0}
                           : cel_estimate_origin_size(cel_estimate_step(s, origin, STEP_ITEMS, SLICE("")));
    return size.known ? size.range : UNKNOWN_RANGE;
}

static struct range traverse_cost(const struct estimator *s, const struct call *c)
{
    const struct cel_type *type = cel_estimate_type(s, c->args[0]);
    struct range size = arg_size(s, c, 0), item = fixed(1);
    if (type->param_count == 0)
        return type->kind == CEL_DYN ? times(size, item) : scale(size, 0.1);
    if (type->params[0]->kind == CEL_STRING || type->params[0]->kind == CEL_BYTES)
        item = add(item, scale(items_size(s, c->args[0]), 0.1));
    return times(size, item);
}

static struct range pattern_cost(struct range text, struct range pattern)
{
    return times(scale(add(text, fixed(1)), 0.1), scale(pattern, 0.25));
}

static struct range replace_size(struct range text, struct range old, struct range new)
{
    struct range count = {0, 0}, kept = {0, 0};
    if (old.min == 0) {
        count.max = text.max < UINT64_MAX ? text.max + 1 : text.max;
        kept.max = text.max;
    } else if (new.max <= old.min) {
        kept.max = text.max;
    } else {
        count.max = (uint64_t)ceil((double)text.max / (double)old.min);
    }
    if (old.max == 0) {
        count.min = text.min < UINT64_MAX ? text.min + 1 : text.min;
        kept.min = text.min;
    } else if (old.max <= new.min) {
        kept.min = text.min;
    } else {
        count.min = (uint64_t)ceil((double)text.min / (double)old.max);
    }
    return add(times(count, new), kept);
}

static struct range join_cost(const struct estimator *s, struct call *c)
{
    struct range count = arg_size(s, c, 0), size = times(count, items_size(s, c->args[0]));
    if (c->count > 1) {
        struct range gaps = {count.min ? count.min - 1 : 0, count.max ? count.max - 1 : 0};
        size = add(size, times(arg_size(s, c, 1), gaps));
    }
    c->result = (struct size){true, size};
    return scale(size, 0.1);
}

static struct range split_cost(const struct estimator *s, struct call *c)
{
    struct range size = arg_size(s, c, 0);
    uint64_t most = size.max;
    if (c->count > 2 && c->args[2]->kind == EXPR_LITERAL && c->args[2]->literal.kind == CEL_INT)
        most = (uint64_t)c->args[2]->literal.i;
    c->result = (struct size){true, {0, most}};
    return scale(size, 0.2);
}

static struct range address_cost(const struct estimator *s, const struct call *c, enum cel_cost rule)
{
    struct range size = {4, 16}, cost = scale(add(size, size), 0.1);
    if (rule == CEL_COST_CONTAINS_CIDR || rule == CEL_COST_CONTAINS_CIDR_TEXT)
        cost = add(add(cost, scale(size, 0.1)), fixed(1));
    if (rule == CEL_COST_CONTAINS_IP_TEXT || rule == CEL_COST_CONTAINS_CIDR_TEXT)
        cost = add(cost, scale(arg_size(s, c, 1), 0.1));
    return cost;
}

static struct range text_cost(const struct estimator *s, struct call *c, enum cel_cost rule)
{
    struct range size = arg_size(s, c, 0), result = size;
    if (rule == CEL_COST_TO_BYTES)
        result.max = size.max * 4; /* wraps, as upstream's does */
    if (rule == CEL_COST_TO_STRING)
        result.min = size.min / 4;
    if (rule == CEL_COST_QUOTE)
        result = (struct range){size.min + 2, size.max * 2 + 2};
    c->result = (struct size){rule != CEL_COST_TEXT_ONLY, result};
    return scale(size, 0.1);
}

static struct range add_cost(const struct estimator *s, struct call *c, enum cel_cost rule)
{
    struct range size = add(arg_size(s, c, 0), arg_size(s, c, 1));
    cel_estimate_set_entries(
        s, c->e,
        cel_estimate_join_entries(cel_estimate_entries(s, c->args[0]), cel_estimate_entries(s, c->args[1])));
    c->result = (struct size){true, size};
    return rule == CEL_COST_ADD_LIST ? fixed(1) : scale(size, 0.1);
}

static struct range equality_cost(const struct estimator *s, const struct call *c)
{
    const struct cel_type *type = cel_estimate_type(s, c->args[0]);
    if (type->kind == CEL_OPAQUE && strcmp(type->name, "kubernetes.URL") != 0 &&
        strcmp(type->name, "kubernetes.NamedFormat") != 0)
        return fixed(1);
    if (type->kind == CEL_OPAQUE && strcmp(type->name, "kubernetes.NamedFormat") == 0)
        return scale((struct range){1, 64}, 0.1);
    struct range a = arg_size(s, c, 0), b = arg_size(s, c, 1);
    uint64_t most = a.max < b.max ? a.max : b.max;
    return scale((struct range){most > 0, most}, 0.1);
}

static struct range selector_cost(struct range size)
{
    return add(add(fixed(10), scale(size, 0.1)), scale(scale(size, 0.5), 50));
}

static struct range index_cost(struct estimator *s, struct call *c, enum cel_cost rule)
{
    struct entry_size entries = cel_estimate_entries(s, c->args[0]);
    c->result = (struct size){entries.known, entries.value};
    about(s, c->e)->origin =
        cel_estimate_step(s, cel_estimate_origin(s, c->args[0]),
                          rule == CEL_COST_INDEX_LIST ? STEP_ITEMS : STEP_VALUES, SLICE(""));
    return fixed(1);
}

static uint64_t literal_or(const struct call *c, unsigned i, uint64_t otherwise)
{
    if (i >= c->count || c->args[i]->kind != EXPR_LITERAL || c->args[i]->literal.kind != CEL_INT)
        return otherwise;
    return c->args[i]->literal.i < 0 ? 0 : (uint64_t)c->args[i]->literal.i;
}

static struct range sort_size(const struct estimator *s, struct call *c, enum cel_cost rule, double *factor)
{
    const struct cel_expr *list = c->args[rule == CEL_COST_SORT_BY ? 1 : 0];
    const struct cel_type *type = cel_estimate_type(s, list);
    bool text =
        type->param_count && (type->params[0]->kind == CEL_STRING || type->params[0]->kind == CEL_BYTES);
    struct range size = cel_estimate_size_or_unknown(s, list);
    *factor = text && !slice_is(c->e->call.name, "distinct") ? 2.1 : 2;
    return times(size, size);
}

/* Calls that make a list. */
static struct range list_cost(const struct estimator *s, struct call *c, enum cel_cost rule)
{
    struct range size = arg_size(s, c, 0);
    double factor = 1;
    if (rule == CEL_COST_SLICE)
        size = fixed(literal_or(c, 2, size.max) - literal_or(c, 1, 0));
    if (rule == CEL_COST_RANGE)
        size = fixed(literal_or(c, 0, UINT64_MAX));
    if (rule == CEL_COST_FLATTEN)
        factor = c->count > 1 ? (double)literal_or(c, 1, UINT64_MAX) : 1;
    if (rule == CEL_COST_SORT || rule == CEL_COST_SORT_BY)
        size = sort_size(s, c, rule, &factor);
    c->result = (struct size){true, size};
    return add(scale(size, factor), fixed(11));
}

/* Looking for one text in another. */
static struct range search_cost(const struct estimator *s, struct call *c, enum cel_cost rule)
{
    struct range text = arg_size(s, c, 0), wanted = arg_size(s, c, 1);
    if (rule == CEL_COST_VALIDATE)
        return scale(scale(wanted, 0.1), CEL_FORMAT_PATTERN_MAX * 0.25);
    if (rule == CEL_COST_CONTAINS)
        return times(scale(text, 0.1), scale(wanted, 0.1));
    if (rule == CEL_COST_FIND)
        c->result = (struct size){true, {0, text.max}};
    return pattern_cost(text, wanted);
}

struct range cel_estimate_overload(struct estimator *s, struct call *c, enum cel_cost rule)
{
    struct range size;
    switch (rule) {
    case CEL_COST_TEXT:
    case CEL_COST_TEXT_ONLY:
    case CEL_COST_TO_BYTES:
    case CEL_COST_TO_STRING:
    case CEL_COST_QUOTE:
        return text_cost(s, c, rule);
    case CEL_COST_TWICE:
        return scale(arg_size(s, c, 0), 0.2);
    case CEL_COST_REPLACE:
        c->result =
            (struct size){true, replace_size(arg_size(s, c, 0), arg_size(s, c, 1), arg_size(s, c, 2))};
        return scale(arg_size(s, c, 0), 0.2);
    case CEL_COST_SPLIT:
        return split_cost(s, c);
    case CEL_COST_JOIN:
        return join_cost(s, c);
    case CEL_COST_PREFIX:
        return scale(arg_size(s, c, 1), 0.1);
    case CEL_COST_FIND:
    case CEL_COST_MATCHES:
    case CEL_COST_VALIDATE:
    case CEL_COST_CONTAINS:
        return search_cost(s, c, rule);
    case CEL_COST_ADD_TEXT:
    case CEL_COST_ADD_LIST:
        return add_cost(s, c, rule);
    case CEL_COST_TRAVERSE:
        return traverse_cost(s, c);
    case CEL_COST_IN_LIST:
        return scale(arg_size(s, c, 1), 1);
    case CEL_COST_COMPARE_TEXT:
    case CEL_COST_EQUAL:
        return equality_cost(s, c);
    case CEL_COST_INDEX_LIST:
    case CEL_COST_INDEX_MAP:
        return index_cost(s, c, rule);
    case CEL_COST_SELECTOR:
        return selector_cost(arg_size(s, c, 1));
    case CEL_COST_NEW_LIST:
    case CEL_COST_SLICE:
    case CEL_COST_RANGE:
    case CEL_COST_FLATTEN:
    case CEL_COST_SORT:
    case CEL_COST_SORT_BY:
        return list_cost(s, c, rule);
    case CEL_COST_SETS:
    case CEL_COST_SETS_TWICE:
        size = times(arg_size(s, c, 0), arg_size(s, c, 1));
        return add(scale(size, rule == CEL_COST_SETS ? 1 : 2), fixed(1));
    case CEL_COST_CONTAINS_IP:
    case CEL_COST_CONTAINS_IP_TEXT:
    case CEL_COST_CONTAINS_CIDR:
    case CEL_COST_CONTAINS_CIDR_TEXT:
        return address_cost(s, c, rule);
    default:
        return fixed(rule == CEL_COST_CHECK ? 350000 : 1);
    }
}
