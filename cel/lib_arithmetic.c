#include <math.h>

#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/time.h"

/* + - * / % and the unary minus. Integers overflow into errors. */

#define TWO(name)                                                                                            \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

static struct cel_value int_overflow(struct cel_eval *e)
{
    return cel_fail(e, "integer overflow");
}

static struct cel_value uint_overflow(struct cel_eval *e)
{
    return cel_fail(e, "unsigned integer overflow");
}

TWO(add_int)
{
    int64_t n;
    return __builtin_add_overflow(args[0].i, args[1].i, &n) ? int_overflow(e) : cel_int(n);
}

TWO(add_uint)
{
    uint64_t n;
    return __builtin_add_overflow(args[0].u, args[1].u, &n) ? uint_overflow(e) : cel_uint(n);
}

TWO(add_double)
{
    return cel_double(args[0].d + args[1].d);
}

TWO(add_text)
{
    struct slice a = cel_text(&args[0]), b = cel_text(&args[1]);
    if (a.len + b.len > INT32_MAX || !cel_eval_room(e, a.len + b.len))
        return cel_fail(e, "string too long");
    char *to = arena_bytes(e->arena, a.len + b.len + 1);
    memcpy(to, a.ptr, a.len);
    memcpy(to + a.len, b.ptr, b.len);
    struct cel_value v = args[0];
    v.s = to;
    v.len = (uint32_t)(a.len + b.len);
    return v;
}

TWO(add_lists)
{
    if (!cel_eval_room(e, args[1].len * sizeof(struct cel_value)))
        return cel_fail(e, "list too long");
    return cel_eval_add_lists(e, &args[0], &args[1]);
}

TWO(add_durations)
{
    int64_t n;
    return __builtin_add_overflow(args[0].i, args[1].i, &n) ? cel_fail(e, "integer overflow")
                                                            : cel_duration(n);
}

TWO(add_timestamp_duration)
{
    return cel_time_add(e->arena, &args[0], args[1].i);
}

TWO(add_duration_timestamp)
{
    return cel_time_add(e->arena, &args[1], args[0].i);
}

TWO(subtract_int)
{
    int64_t n;
    return __builtin_sub_overflow(args[0].i, args[1].i, &n) ? int_overflow(e) : cel_int(n);
}

TWO(subtract_uint)
{
    uint64_t n;
    return __builtin_sub_overflow(args[0].u, args[1].u, &n) ? uint_overflow(e) : cel_uint(n);
}

TWO(subtract_double)
{
    return cel_double(args[0].d - args[1].d);
}

TWO(subtract_durations)
{
    int64_t n;
    return __builtin_sub_overflow(args[0].i, args[1].i, &n) ? int_overflow(e) : cel_duration(n);
}

TWO(subtract_timestamp_duration)
{
    if (args[1].i == INT64_MIN)
        return int_overflow(e);
    return cel_time_add(e->arena, &args[0], -args[1].i);
}

TWO(subtract_timestamps)
{
    int64_t n = args[0].i - args[1].i; /* years 1 to 9999: no overflow */
    if (__builtin_mul_overflow(n, 1000000000, &n) ||
        __builtin_add_overflow(n, (int64_t)args[0].len - (int64_t)args[1].len, &n))
        return int_overflow(e);
    return cel_duration(n);
}

TWO(multiply_int)
{
    int64_t n;
    return __builtin_mul_overflow(args[0].i, args[1].i, &n) ? int_overflow(e) : cel_int(n);
}

TWO(multiply_uint)
{
    uint64_t n;
    return __builtin_mul_overflow(args[0].u, args[1].u, &n) ? uint_overflow(e) : cel_uint(n);
}

TWO(multiply_double)
{
    return cel_double(args[0].d * args[1].d);
}

TWO(divide_int)
{
    if (args[1].i == 0)
        return cel_fail(e, "division by zero");
    return args[0].i == INT64_MIN && args[1].i == -1 ? int_overflow(e) : cel_int(args[0].i / args[1].i);
}

TWO(divide_uint)
{
    return args[1].u == 0 ? cel_fail(e, "division by zero") : cel_uint(args[0].u / args[1].u);
}

TWO(divide_double)
{
    return cel_double(args[0].d / args[1].d);
}

TWO(modulo_int)
{
    if (args[1].i == 0)
        return cel_fail(e, "modulus by zero");
    return args[0].i == INT64_MIN && args[1].i == -1 ? int_overflow(e) : cel_int(args[0].i % args[1].i);
}

TWO(modulo_uint)
{
    return args[1].u == 0 ? cel_fail(e, "modulus by zero") : cel_uint(args[0].u % args[1].u);
}

TWO(negate_int)
{
    return args[0].i == INT64_MIN ? int_overflow(e) : cel_int(-args[0].i);
}

TWO(negate_double)
{
    return cel_double(-args[0].d);
}

static const struct cel_row rows[] = {
    {"_+_", "add_bytes", "(bytes, bytes): bytes", add_text, CEL_COST_ADD_TEXT},
    {"_+_", "add_double", "(double, double): double", add_double, CEL_COST_ONE},
    {"_+_", "add_duration_duration", "(duration, duration): duration", add_durations, CEL_COST_ONE},
    {"_+_", "add_duration_timestamp", "(duration, timestamp): timestamp", add_duration_timestamp,
     CEL_COST_ONE},
    {"_+_", "add_timestamp_duration", "(timestamp, duration): timestamp", add_timestamp_duration,
     CEL_COST_ONE},
    {"_+_", "add_int64", "(int, int): int", add_int, CEL_COST_ONE},
    {"_+_", "add_list", "(list(A), list(A)): list(A)", add_lists, CEL_COST_ADD_LIST},
    {"_+_", "add_string", "(string, string): string", add_text, CEL_COST_ADD_TEXT},
    {"_+_", "add_uint64", "(uint, uint): uint", add_uint, CEL_COST_ONE},
    {"_-_", "subtract_double", "(double, double): double", subtract_double, CEL_COST_ONE},
    {"_-_", "subtract_duration_duration", "(duration, duration): duration", subtract_durations, CEL_COST_ONE},
    {"_-_", "subtract_int64", "(int, int): int", subtract_int, CEL_COST_ONE},
    {"_-_", "subtract_timestamp_duration", "(timestamp, duration): timestamp", subtract_timestamp_duration,
     CEL_COST_ONE},
    {"_-_", "subtract_timestamp_timestamp", "(timestamp, timestamp): duration", subtract_timestamps,
     CEL_COST_ONE},
    {"_-_", "subtract_uint64", "(uint, uint): uint", subtract_uint, CEL_COST_ONE},
    {"_*_", "multiply_double", "(double, double): double", multiply_double, CEL_COST_ONE},
    {"_*_", "multiply_int64", "(int, int): int", multiply_int, CEL_COST_ONE},
    {"_*_", "multiply_uint64", "(uint, uint): uint", multiply_uint, CEL_COST_ONE},
    {"_/_", "divide_double", "(double, double): double", divide_double, CEL_COST_ONE},
    {"_/_", "divide_int64", "(int, int): int", divide_int, CEL_COST_ONE},
    {"_/_", "divide_uint64", "(uint, uint): uint", divide_uint, CEL_COST_ONE},
    {"_%_", "modulo_int64", "(int, int): int", modulo_int, CEL_COST_ONE},
    {"_%_", "modulo_uint64", "(uint, uint): uint", modulo_uint, CEL_COST_ONE},
    {"-_", "negate_double", "(double): double", negate_double, CEL_COST_ONE},
    {"-_", "negate_int64", "(int): int", negate_int, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_arithmetic, rows);
