#include "base/buf.h"
#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/number.h"
#include "cel/types.h"

/* Semantic versions (https://semver.org, 2.0.0). */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

struct version {
    struct cel_opaque head;
    uint64_t parts[3];
    struct slice pre, build; /* without - and + */
};

static const struct version *of(const struct cel_value *v)
{
    return (const struct version *)v->opaque;
}

static bool only(struct slice text, const char *chars)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text.ptr[i] || !strchr(chars, text.ptr[i]))
            return false;
    return text.len > 0;
}

#define DIGITS     "0123456789"
#define IDENTIFIER DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"

static const char *read_identifiers(struct slice text, bool pre)
{
    struct slice part;
    while (slice_split(&text, '.', &part)) {
        if (!only(part, IDENTIFIER))
            return part.len ? "Invalid character(s) found in identifier" : "Identifier is empty";
        if (pre && only(part, DIGITS) && part.len > 1 && part.ptr[0] == '0')
            return "Numeric PreRelease version must not contain leading zeroes";
    }
    return NULL;
}

static const char *read_number(struct slice text, uint64_t *ret)
{
    if (!only(text, DIGITS))
        return "Invalid character(s) found in version number";
    if (text.len > 1 && text.ptr[0] == '0')
        return "Version number must not contain leading zeroes";
    return cel_parse_uint(text, ret) ? NULL : "value out of range";
}

static bool cut(struct slice *text, char at, struct slice *ret_rest)
{
    long i = slice_find(*text, at);
    *ret_rest = i < 0 ? SLICE("") : slice_from(*text, (size_t)i + 1);
    text->len = i < 0 ? text->len : (size_t)i;
    return i >= 0;
}

/* NULL or why it is none. */
static const char *read_version(struct slice text, struct version *v)
{
    struct slice rest = text, part;
    *v = (struct version){0};
    if (text.len == 0)
        return "Version string empty";
    for (int i = 0; i < 2; i++) {
        if (slice_find(rest, '.') < 0)
            return "No Major.Minor.Patch elements found";
        slice_split(&rest, '.', &part);
        const char *fault = read_number(part, &v->parts[i]);
        if (fault)
            return fault;
    }
    bool has_build = cut(&rest, '+', &v->build), has_pre = cut(&rest, '-', &v->pre);
    const char *fault = read_number(rest, &v->parts[2]);
    if (!fault && has_pre)
        fault = read_identifiers(v->pre, true);
    if (!fault && has_build)
        fault = read_identifiers(v->build, false);
    return fault;
}

/* Takes a leading v and leading zeros off, fills up with zeros. */
static const char *normalize(struct arena *arena, struct slice *text)
{
    struct slice rest = *text, parts[3] = {{"0", 1}, {"0", 1}, {"0", 1}};
    unsigned count = 0;
    if (rest.len && rest.ptr[0] == 'v')
        rest = slice_from(rest, 1);
    while (count < 3 && rest.ptr) {
        if (count == 2)
            parts[count] = rest;
        else
            slice_split(&rest, '.', &parts[count]);
        struct slice *part = &parts[count];
        while (part->len > 1 && part->ptr[0] == '0' && part->ptr[1] >= '0' && part->ptr[1] <= '9')
            *part = slice_from(*part, 1);
        if (count++ == 2)
            break;
    }
    if (count < 3 && (slice_find(parts[count - 1], '+') >= 0 || slice_find(parts[count - 1], '-') >= 0))
        return "short version cannot contain PreRelease/Build meta data";
    *text =
        arena_slicef(arena, "%.*s.%.*s.%.*s", SLICE_ARG(parts[0]), SLICE_ARG(parts[1]), SLICE_ARG(parts[2]));
    return NULL;
}

static int compare_identifiers(struct slice a, struct slice b)
{
    bool a_number = only(a, DIGITS), b_number = only(b, DIGITS);
    if (a_number != b_number)
        return a_number ? -1 : 1;
    int order = a_number && a.len != b.len ? (a.len > b.len ? 1 : -1) : slice_cmp(a, b);
    return (order > 0) - (order < 0);
}

static int compare_versions(const struct version *a, const struct version *b)
{
    for (int i = 0; i < 3; i++)
        if (a->parts[i] != b->parts[i])
            return a->parts[i] > b->parts[i] ? 1 : -1;
    if (!a->pre.len || !b->pre.len)
        return (a->pre.len == 0) - (b->pre.len == 0);
    struct slice x = a->pre, y = b->pre, p, q;
    for (;;) {
        bool more_x = slice_split(&x, '.', &p), more_y = slice_split(&y, '.', &q);
        if (!more_x || !more_y)
            return more_x - more_y;
        int order = compare_identifiers(p, q);
        if (order)
            return order;
    }
}

static bool equal(const struct cel_opaque *a, const struct cel_opaque *b)
{
    return compare_versions((const struct version *)a, (const struct version *)b) == 0;
}

static struct slice print(struct arena *arena, const struct cel_opaque *o)
{
    const struct version *v = (const struct version *)o;
    return arena_slicef(arena, "%llu.%llu.%llu%s%.*s%s%.*s", (unsigned long long)v->parts[0],
                        (unsigned long long)v->parts[1], (unsigned long long)v->parts[2],
                        v->pre.len ? "-" : "", SLICE_ARG(v->pre), v->build.len ? "+" : "",
                        SLICE_ARG(v->build));
}

static const struct cel_opaque_type type = {&cel_type_semver, equal, print, NULL};

static const char *parse(struct cel_eval *e, const struct cel_value *args, unsigned count, struct version *v)
{
    struct slice text = cel_text(&args[0]);
    const char *fault = count > 1 && args[1].b ? normalize(e->arena, &text) : NULL;
    return fault ? fault : read_version(text, v);
}

FN(to_semver)
{
    struct version *v = arena_alloc(e->arena, sizeof *v);
    const char *fault = parse(e, args, count, v);
    v->head.type = &type;
    return fault ? cel_fail(e, "%s", fault) : cel_opaque_value(&v->head);
}

FN(is_semver)
{
    struct version v;
    return cel_bool(!parse(e, args, count, &v));
}

FN(is_greater)
{
    return cel_bool(compare_versions(of(&args[0]), of(&args[1])) > 0);
}

FN(is_less)
{
    return cel_bool(compare_versions(of(&args[0]), of(&args[1])) < 0);
}

FN(compare)
{
    return cel_int(compare_versions(of(&args[0]), of(&args[1])));
}

FN(major_of)
{
    return cel_int((int64_t)of(&args[0])->parts[0]);
}

FN(minor_of)
{
    return cel_int((int64_t)of(&args[0])->parts[1]);
}

FN(patch_of)
{
    return cel_int((int64_t)of(&args[0])->parts[2]);
}

#define V "kubernetes.Semver"
static const struct cel_row rows[] = {
    {"semver", "string_to_semver", "(string): " V, to_semver, CEL_COST_TEXT_ONLY},
    {"semver", "string_bool_to_semver", "(string, bool): " V, to_semver, CEL_COST_TEXT_ONLY},
    {"isSemver", "is_semver_string", "(string): bool", is_semver, CEL_COST_TEXT_ONLY},
    {"isSemver", "is_semver_string_bool", "(string, bool): bool", is_semver, CEL_COST_TEXT_ONLY},
    {"isGreaterThan", "semver_is_greater_than", V ".(" V "): bool", is_greater, CEL_COST_ONE},
    {"isLessThan", "semver_is_less_than", V ".(" V "): bool", is_less, CEL_COST_ONE},
    {"compareTo", "semver_compare_to", V ".(" V "): int", compare, CEL_COST_ONE},
    {"major", "semver_major", V ".(): int", major_of, CEL_COST_ONE},
    {"minor", "semver_minor", V ".(): int", minor_of, CEL_COST_ONE},
    {"patch", "semver_patch", V ".(): int", patch_of, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_semver, rows);
