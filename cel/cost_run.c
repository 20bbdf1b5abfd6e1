#include <math.h>

#include "cel/cost.h"
#include "cel/value.h"

static uint64_t part(double size, double factor)
{
    return (uint64_t)ceil(size * factor);
}

/* A tenth of each character. */
static uint64_t text_cost(const struct cel_value *v)
{
    return part((double)cel_size(v), 0.1);
}

static uint64_t pattern_cost(const struct cel_value *text, double pattern_size)
{
    return part(1.0 + (double)cel_size(text), 0.1) * part(pattern_size, 0.25);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t cel_cost_of_comparison(const struct cel_value *a, const struct cel_value *b)
{
    return part((double)smaller(cel_size(a), cel_size(b)), 0.1);
}

uint64_t cel_cost_of_equality(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind == CEL_INT || a->kind == CEL_BOOL || a->kind == CEL_OPAQUE)
        return 1;
    return cel_cost_of_comparison(a, b);
}

/* Every value below: a tenth of each byte of a text, one for anything else. */
static uint64_t traverse(struct arena *arena, const struct cel_value *v)
{
    uint64_t cost = 0;
    struct cel_value key, value;
    struct slice name;
    switch (v->kind) {
    case CEL_STRING:
    case CEL_BYTES:
        return (uint64_t)(v->len * 0.1);
    case CEL_LIST:
        for (uint32_t i = 0; i < v->len; i++) {
            value = cel_list_get(arena, v, i);
            cost += traverse(arena, &value);
        }
        return cost;
    case CEL_MAP:
        for (uint32_t i = 0; i < v->len; i++) {
            cel_map_at(arena, v, i, &key, &value);
            cost += traverse(arena, &key) + traverse(arena, &value);
        }
        return cost;
    case CEL_OBJECT:
        for (size_t state = 0; cel_object_at(arena, v, &state, &name, &value);)
            cost += (uint64_t)(name.len * 0.1) + traverse(arena, &value);
        return cost;
    default:
        return 1;
    }
}

static uint64_t selector_cost(const struct cel_value *text)
{
    uint64_t size = cel_size(text);
    return 10 + part((double)size, 0.1) + part((double)part((double)size, 0.5), 50);
}

static uint64_t address_cost(enum cel_cost rule, const struct cel_value *args)
{
    uint64_t cidr = cel_size(&args[0]), cost = part((double)(cidr + cidr), 0.1);
    if (rule == CEL_COST_CONTAINS_CIDR || rule == CEL_COST_CONTAINS_CIDR_TEXT)
        cost += part((double)cidr, 0.1) + 1;
    if (rule == CEL_COST_CONTAINS_IP_TEXT || rule == CEL_COST_CONTAINS_CIDR_TEXT)
        cost += text_cost(&args[1]);
    return cost;
}

/* Every item with every other. */
static uint64_t self_compare_cost(struct arena *arena, const struct cel_value *list)
{
    struct cel_value first = list->len ? cel_list_get(arena, list, 0) : cel_null();
    double factor = first.kind == CEL_STRING || first.kind == CEL_BYTES ? 2.1 : 2;
    return 11 + (uint64_t)((double)((uint64_t)list->len * list->len) * factor);
}

uint64_t cel_cost_of_call(struct arena *arena, enum cel_cost rule, const struct cel_value *args,
                          unsigned count, const struct cel_value *result)
{
    switch (rule) {
    case CEL_COST_TEXT:
    case CEL_COST_TEXT_ONLY:
    case CEL_COST_TO_BYTES:
    case CEL_COST_TO_STRING:
    case CEL_COST_QUOTE:
        return text_cost(&args[0]);
    case CEL_COST_TWICE:
    case CEL_COST_REPLACE:
    case CEL_COST_SPLIT:
        return part((double)cel_size(&args[0]), 0.2);
    case CEL_COST_JOIN:
        return part((double)cel_size(result), 0.2);
    case CEL_COST_PREFIX:
        return text_cost(&args[1]);
    case CEL_COST_MATCHES:
    case CEL_COST_FIND:
        return pattern_cost(&args[0], (double)cel_size(&args[1]));
    case CEL_COST_VALIDATE:
        return pattern_cost(&args[1], (double)cel_size(&args[0]));
    case CEL_COST_CONTAINS:
        return text_cost(&args[0]) * text_cost(&args[1]);
    case CEL_COST_ADD_TEXT:
        return part((double)(cel_size(&args[0]) + cel_size(&args[1])), 0.1);
    case CEL_COST_TRAVERSE:
        return traverse(arena, &args[0]);
    case CEL_COST_CONTAINS_IP:
    case CEL_COST_CONTAINS_IP_TEXT:
    case CEL_COST_CONTAINS_CIDR:
    case CEL_COST_CONTAINS_CIDR_TEXT:
        return address_cost(rule, args);
    case CEL_COST_CHECK:
        return 350000;
    case CEL_COST_SELECTOR:
        return selector_cost(&args[1]);
    case CEL_COST_NEW_LIST:
    case CEL_COST_SLICE:
    case CEL_COST_RANGE:
        return 11 + cel_size(result);
    case CEL_COST_FLATTEN:
        return 11 + part((double)cel_size(&args[0]), count > 1 && args[1].i > 0 ? (double)args[1].i : 1);
    case CEL_COST_SORT:
        return self_compare_cost(arena, &args[0]);
    case CEL_COST_SORT_BY:
        return self_compare_cost(arena, &args[1]);
    case CEL_COST_SETS:
    case CEL_COST_SETS_TWICE:
        return 1 + cel_size(&args[0]) * cel_size(&args[1]) * (rule == CEL_COST_SETS ? 1 : 2);
    default:
        return 1;
    }
}
