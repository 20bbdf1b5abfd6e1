#include "cel/eval.h"
#include "cel/libraries.h"

/* Values that may not be there. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

FN(of)
{
    return cel_optional(e->arena, &args[0]);
}

FN(of_non_zero)
{
    return cel_optional(e->arena, cel_is_zero(&args[0]) ? NULL : &args[0]);
}

FN(none)
{
    return cel_optional(e->arena, NULL);
}

FN(value)
{
    return args[0].some ? *args[0].some : cel_fail(e, "optional.none() dereference");
}

FN(has_value)
{
    return cel_bool(args[0].some != NULL);
}

FN(first)
{
    struct cel_value v = args[0].len ? cel_list_get(e->arena, &args[0], 0) : cel_null();
    return cel_optional(e->arena, args[0].len ? &v : NULL);
}

FN(last)
{
    struct cel_value v = args[0].len ? cel_list_get(e->arena, &args[0], args[0].len - 1) : cel_null();
    return cel_optional(e->arena, args[0].len ? &v : NULL);
}

FN(unwrap)
{
    struct cel_value list = cel_list_new(e->arena, args[0].len);
    for (uint32_t i = 0; i < args[0].len; i++) {
        struct cel_value v = cel_list_get(e->arena, &args[0], i);
        if (v.kind != CEL_OPTIONAL)
            return cel_fail(e, "value %.*s is not optional", SLICE_ARG(cel_print(e->arena, &v)));
        if (v.some)
            list = cel_list_append(e->arena, list, *v.some);
    }
    return list;
}

static const struct cel_row rows[] = {
    {"optional.of", "optional_of", "(A): optional(A)", of, CEL_COST_ONE},
    {"optional.ofNonZeroValue", "optional_ofNonZeroValue", "(A): optional(A)", of_non_zero, CEL_COST_ONE},
    {"optional.none", "optional_none", "(): optional(A)", none, CEL_COST_ONE},
    {"value", "optional_value", "optional(A).(): A", value, CEL_COST_ONE},
    {"hasValue", "optional_hasValue", "optional(A).(): bool", has_value, CEL_COST_ONE},
    {"or", "optional_or_optional", "optional(A).(optional(A)): optional(A)", NULL, CEL_COST_ONE},
    {"orValue", "optional_orValue_value", "optional(A).(A): A", NULL, CEL_COST_ONE},
    {"last", "list_last", "list(A).(): optional(A)", last, CEL_COST_ONE},
    {"first", "list_first", "list(A).(): optional(A)", first, CEL_COST_ONE},
    {"optional.unwrap", "optional_unwrap", "(list(optional(A))): list(A)", unwrap, CEL_COST_ONE},
    {"unwrapOpt", "optional_unwrapOpt", "list(optional(A)).(): list(A)", unwrap, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_optional, rows);
