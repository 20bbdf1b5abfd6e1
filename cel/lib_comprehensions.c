#include "cel/eval.h"
#include "cel/libraries.h"

/* What the macros with two variables build maps with. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

static bool insert(struct cel_eval *e, struct cel_value *map, struct cel_value key, struct cel_value value,
                   struct cel_value *ret_error)
{
    if (key.kind != CEL_STRING && key.kind != CEL_BOOL && key.kind != CEL_INT && key.kind != CEL_UINT) {
        *ret_error = cel_fail(e, "unsupported key type");
        return false;
    }
    if (cel_map_put(e->arena, map, key, value))
        return true;
    *ret_error = cel_fail(e, "insert failed: key %.*s already exists", SLICE_ARG(cel_print(e->arena, &key)));
    return false;
}

FN(insert_value)
{
    struct cel_value map = args[0], error;
    return insert(e, &map, args[1], args[2], &error) ? map : error;
}

FN(insert_map)
{
    struct cel_value map = args[0], error;
    for (uint32_t i = 0; i < args[1].len; i++) {
        struct cel_value key, value;
        cel_map_at(e->arena, &args[1], i, &key, &value);
        if (!insert(e, &map, key, value, &error))
            return error;
    }
    return map;
}

static const struct cel_row rows[] = {
    {"cel.@mapInsert", "@mapInsert_map_key_value", "(map(A, B), A, B): map(A, B)", insert_value,
     CEL_COST_ONE},
    {"cel.@mapInsert", "@mapInsert_map_map", "(map(A, B), map(A, B)): map(A, B)", insert_map, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_comprehensions, rows);
