#include "base/regex.h"
#include "cel/eval.h"
#include "cel/libraries.h"

/* What the language itself has for texts, and size(). */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

FN(size)
{
    return cel_int((int64_t)cel_size(&args[0]));
}

FN(contains)
{
    struct slice text = cel_text(&args[0]), part = cel_text(&args[1]);
    return cel_bool(part.len == 0 || memmem(text.ptr, text.len, part.ptr, part.len) != NULL);
}

FN(starts_with)
{
    return cel_bool(slice_starts(cel_text(&args[0]), cel_text(&args[1])));
}

FN(ends_with)
{
    return cel_bool(slice_ends(cel_text(&args[0]), cel_text(&args[1])));
}

FN(matches)
{
    char fault[REGEX_FAULT];
    cleanup_regex struct regex *regex = regex_get(cel_text(&args[1]), fault);
    return regex ? cel_bool(regex_matches(regex, cel_text(&args[0]))) : cel_fail(e, "%s", fault);
}

static const struct cel_row rows[] = {
    {"size", "size_bytes", "(bytes): int", size, CEL_COST_ONE},
    {"size", "bytes_size", "bytes.(): int", size, CEL_COST_ONE},
    {"size", "size_list", "(list(A)): int", size, CEL_COST_ONE},
    {"size", "list_size", "list(A).(): int", size, CEL_COST_ONE},
    {"size", "size_map", "(map(A, B)): int", size, CEL_COST_ONE},
    {"size", "map_size", "map(A, B).(): int", size, CEL_COST_ONE},
    {"size", "size_string", "(string): int", size, CEL_COST_ONE},
    {"size", "string_size", "string.(): int", size, CEL_COST_ONE},
    {"contains", "contains_string", "string.(string): bool", contains, CEL_COST_CONTAINS},
    {"endsWith", "ends_with_string", "string.(string): bool", ends_with, CEL_COST_PREFIX},
    {"startsWith", "starts_with_string", "string.(string): bool", starts_with, CEL_COST_PREFIX},
    {"matches", "matches", "(string, string): bool", matches, CEL_COST_MATCHES},
    {"matches", "matches_string", "string.(string): bool", matches, CEL_COST_MATCHES},
};
CEL_LIBRARY(cel_lib_text, rows);
