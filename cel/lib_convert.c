#include <math.h>

#include "base/buf.h"
#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/number.h"
#include "cel/time.h"
#include "cel/types.h"
#include "cel/utf8.h"

/* int(), string(), timestamp() and so on, and type(). */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

FN(same)
{
    return args[0];
}

FN(type_of)
{
    return cel_type_value(cel_type_of_value(&args[0]));
}

FN(string_to_bool)
{
    struct slice text = cel_text(&args[0]);
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"}, *const no[] = {
                                                                                  "0",     "f",     "F",
                                                                                  "false", "FALSE", "False"};
    for (size_t i = 0; i < 6; i++)
        if (slice_is(text, yes[i]) || slice_is(text, no[i]))
            return cel_bool(slice_is(text, yes[i]));
    return cel_fail(e, "type conversion error from 'string' to 'bool'");
}

FN(string_to_bytes)
{
    return cel_bytes(cel_text(&args[0]));
}

FN(bytes_to_string)
{
    struct slice bytes = cel_text(&args[0]);
    return utf8_valid(bytes) ? cel_string(bytes)
                             : cel_fail(e, "invalid UTF-8 in bytes, cannot convert to string");
}

FN(int_to_double)
{
    return cel_double((double)args[0].i);
}

FN(uint_to_double)
{
    return cel_double((double)args[0].u);
}

FN(string_to_double)
{
    double d;
    return cel_parse_double(cel_text(&args[0]), &d)
               ? cel_double(d)
               : cel_fail(e, "type conversion error from 'string' to 'double'");
}

FN(string_to_duration)
{
    struct cel_value v;
    return cel_parse_duration(cel_text(&args[0]), &v)
               ? v
               : cel_fail(e, "type conversion error from 'string' to 'duration'");
}

FN(string_to_timestamp)
{
    struct cel_value v;
    return cel_parse_time(cel_text(&args[0]), &v)
               ? v
               : cel_fail(e, "type conversion error from 'string' to 'timestamp'");
}

FN(int_to_timestamp)
{
    if (args[0].i < CEL_TIME_MIN || args[0].i > CEL_TIME_MAX)
        return cel_fail(e, "timestamp overflow");
    return cel_timestamp(args[0].i, 0);
}

FN(double_to_int)
{
    double d = args[0].d;
    if (isnan(d) || d >= 9223372036854775808.0 || d <= -9223372036854775808.0)
        return cel_fail(e, "integer overflow");
    return cel_int((int64_t)d);
}

FN(duration_to_int)
{
    return cel_int(args[0].i);
}

FN(timestamp_to_int)
{
    return cel_int(args[0].i);
}

FN(string_to_int)
{
    int64_t n;
    return cel_parse_int(cel_text(&args[0]), &n)
               ? cel_int(n)
               : cel_fail(e, "type conversion error from 'string' to 'int'");
}

FN(uint_to_int)
{
    return args[0].u > INT64_MAX ? cel_fail(e, "integer overflow") : cel_int((int64_t)args[0].u);
}

FN(double_to_uint)
{
    double d = args[0].d;
    if (isnan(d) || d >= 18446744073709551616.0 || d <= -1)
        return cel_fail(e, "unsigned integer overflow");
    if (d < 0)
        return cel_fail(e, "unsigned integer overflow");
    return cel_uint((uint64_t)d);
}

FN(int_to_uint)
{
    return args[0].i < 0 ? cel_fail(e, "unsigned integer overflow") : cel_uint((uint64_t)args[0].i);
}

FN(string_to_uint)
{
    uint64_t n;
    return cel_parse_uint(cel_text(&args[0]), &n)
               ? cel_uint(n)
               : cel_fail(e, "type conversion error from 'string' to 'uint'");
}

FN(bool_to_string)
{
    return cel_string(args[0].b ? SLICE("true") : SLICE("false"));
}

FN(double_to_string)
{
    return cel_string(cel_format_double(e->arena, args[0].d));
}

FN(duration_to_string)
{
    return cel_string(cel_format_duration(e->arena, &args[0]));
}

FN(timestamp_to_string)
{
    return cel_string(cel_format_time(e->arena, &args[0]));
}

FN(int_to_string)
{
    return cel_string(arena_slicef(e->arena, "%lld", (long long)args[0].i));
}

FN(uint_to_string)
{
    return cel_string(arena_slicef(e->arena, "%llu", (unsigned long long)args[0].u));
}

static const struct cel_row rows[] = {
    {"type", "type", "(A): type(A)", type_of, CEL_COST_ONE},
    {"bool", "bool_to_bool", "(bool): bool", same, CEL_COST_ONE},
    {"bool", "string_to_bool", "(string): bool", string_to_bool, CEL_COST_ONE},
    {"bytes", "bytes_to_bytes", "(bytes): bytes", same, CEL_COST_ONE},
    {"bytes", "string_to_bytes", "(string): bytes", string_to_bytes, CEL_COST_TO_BYTES},
    {"double", "double_to_double", "(double): double", same, CEL_COST_ONE},
    {"double", "int64_to_double", "(int): double", int_to_double, CEL_COST_ONE},
    {"double", "string_to_double", "(string): double", string_to_double, CEL_COST_ONE},
    {"double", "uint64_to_double", "(uint): double", uint_to_double, CEL_COST_ONE},
    {"duration", "duration_to_duration", "(duration): duration", same, CEL_COST_ONE},
    {"duration", "string_to_duration", "(string): duration", string_to_duration, CEL_COST_ONE},
    {"dyn", "to_dyn", "(A): dyn", same, CEL_COST_ONE},
    {"int", "int64_to_int64", "(int): int", same, CEL_COST_ONE},
    {"int", "double_to_int64", "(double): int", double_to_int, CEL_COST_ONE},
    {"int", "duration_to_int64", "(duration): int", duration_to_int, CEL_COST_ONE},
    {"int", "string_to_int64", "(string): int", string_to_int, CEL_COST_ONE},
    {"int", "timestamp_to_int64", "(timestamp): int", timestamp_to_int, CEL_COST_ONE},
    {"int", "uint64_to_int64", "(uint): int", uint_to_int, CEL_COST_ONE},
    {"string", "string_to_string", "(string): string", same, CEL_COST_ONE},
    {"string", "bool_to_string", "(bool): string", bool_to_string, CEL_COST_ONE},
    {"string", "bytes_to_string", "(bytes): string", bytes_to_string, CEL_COST_TO_STRING},
    {"string", "double_to_string", "(double): string", double_to_string, CEL_COST_ONE},
    {"string", "duration_to_string", "(duration): string", duration_to_string, CEL_COST_ONE},
    {"string", "int64_to_string", "(int): string", int_to_string, CEL_COST_ONE},
    {"string", "timestamp_to_string", "(timestamp): string", timestamp_to_string, CEL_COST_ONE},
    {"string", "uint64_to_string", "(uint): string", uint_to_string, CEL_COST_ONE},
    {"timestamp", "timestamp_to_timestamp", "(timestamp): timestamp", same, CEL_COST_ONE},
    {"timestamp", "int64_to_timestamp", "(int): timestamp", int_to_timestamp, CEL_COST_ONE},
    {"timestamp", "string_to_timestamp", "(string): timestamp", string_to_timestamp, CEL_COST_ONE},
    {"uint", "uint64_to_uint64", "(uint): uint", same, CEL_COST_ONE},
    {"uint", "double_to_uint64", "(double): uint", double_to_uint, CEL_COST_ONE},
    {"uint", "int64_to_uint64", "(int): uint", int_to_uint, CEL_COST_ONE},
    {"uint", "string_to_uint64", "(string): uint", string_to_uint, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_convert, rows);
