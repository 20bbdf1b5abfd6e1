#include <math.h>

#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/types.h"
#include "openapi/quantity.h"

/* Amounts of resources. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

struct amount {
    struct cel_opaque head;
    struct quantity q;
};

static const struct quantity *of(const struct cel_value *v)
{
    return &((const struct amount *)v->opaque)->q;
}

static bool equal(const struct cel_opaque *a, const struct cel_opaque *b)
{
    return quantity_cmp(&((const struct amount *)a)->q, &((const struct amount *)b)->q) == 0;
}

static struct slice print(struct arena *arena, const struct cel_opaque *v)
{
    char text[QUANTITY_TEXT];
    return arena_dup(arena, quantity_print(&((const struct amount *)v)->q, text));
}

static const struct cel_opaque_type type = {&cel_type_quantity, equal, print, NULL};

static struct cel_value new_amount(struct cel_eval *e, const struct quantity *q)
{
    struct amount *a = arena_alloc(e->arena, sizeof *a);
    a->head.type = &type;
    a->q = *q;
    return cel_opaque_value(&a->head);
}

FN(to_quantity)
{
    struct quantity q;
    const char *fault;
    return quantity_parse(cel_text(&args[0]), &q, &fault) ? new_amount(e, &q) : cel_fail(e, "%s", fault);
}

FN(is_quantity)
{
    struct quantity q;
    const char *fault;
    return cel_bool(quantity_parse(cel_text(&args[0]), &q, &fault));
}

FN(sign)
{
    return cel_int(quantity_sign(of(&args[0])));
}

FN(is_greater)
{
    return cel_bool(quantity_cmp(of(&args[0]), of(&args[1])) > 0);
}

FN(is_less)
{
    return cel_bool(quantity_cmp(of(&args[0]), of(&args[1])) < 0);
}

FN(compare)
{
    return cel_int(quantity_cmp(of(&args[0]), of(&args[1])));
}

FN(as_float)
{
    const struct quantity *q = of(&args[0]);
    return cel_double((double)q->value * pow(10, q->scale));
}

FN(as_integer)
{
    int64_t n;
    return quantity_as_int(of(&args[0]), &n) ? cel_int(n) : cel_fail(e, "cannot convert value to integer");
}

FN(is_integer)
{
    int64_t n;
    return cel_bool(quantity_as_int(of(&args[0]), &n));
}

FN(add)
{
    struct quantity q = *of(&args[0]);
    quantity_add(&q, of(&args[1]));
    return new_amount(e, &q);
}

FN(add_int)
{
    struct quantity q = *of(&args[0]), n = quantity_of_int(args[1].i, QUANTITY_DECIMAL_EXPONENT);
    quantity_add(&q, &n);
    return new_amount(e, &q);
}

FN(subtract)
{
    struct quantity q = *of(&args[0]);
    quantity_sub(&q, of(&args[1]));
    return new_amount(e, &q);
}

FN(subtract_int)
{
    struct quantity q = *of(&args[0]), n = quantity_of_int(args[1].i, QUANTITY_DECIMAL_EXPONENT);
    quantity_sub(&q, &n);
    return new_amount(e, &q);
}

#define Q "kubernetes.Quantity"
static const struct cel_row rows[] = {
    {"quantity", "string_to_quantity", "(string): " Q, to_quantity, CEL_COST_TEXT_ONLY},
    {"isQuantity", "is_quantity_string", "(string): bool", is_quantity, CEL_COST_TEXT_ONLY},
    {"sign", "quantity_sign", "(" Q "): int", sign, CEL_COST_ONE},
    {"isGreaterThan", "quantity_is_greater_than", Q ".(" Q "): bool", is_greater, CEL_COST_ONE},
    {"isLessThan", "quantity_is_less_than", Q ".(" Q "): bool", is_less, CEL_COST_ONE},
    {"compareTo", "quantity_compare_to", Q ".(" Q "): int", compare, CEL_COST_ONE},
    {"asApproximateFloat", "quantity_get_float", Q ".(): double", as_float, CEL_COST_ONE},
    {"asInteger", "quantity_get_int", Q ".(): int", as_integer, CEL_COST_ONE},
    {"isInteger", "quantity_is_integer", Q ".(): bool", is_integer, CEL_COST_ONE},
    {"add", "quantity_add", Q ".(" Q "): " Q, add, CEL_COST_ONE},
    {"add", "quantity_add_int", Q ".(int): " Q, add_int, CEL_COST_ONE},
    {"sub", "quantity_sub", Q ".(" Q "): " Q, subtract, CEL_COST_ONE},
    {"sub", "quantity_sub_int", Q ".(int): " Q, subtract_int, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_quantity, rows);
