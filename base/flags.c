#include "base/flags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { NAME_MAX_LEN = 48 };

static const struct flag *find_flag(const struct flag_set *set, struct slice name)
{
    for (const struct flag *f = set->flags; f->name; f++) {
        if (slice_is(name, f->name))
            return f;
    }
    return NULL;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edits that turn a into b. Only for short names: one row of the table is kept. */
static size_t edit_distance(struct slice a, struct slice b)
{
    size_t row[NAME_MAX_LEN + 1];
    if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            row[j] = min3(row[j - 1] + 1, above + 1, diagonal + (a.ptr[i - 1] != b.ptr[j - 1]));
            diagonal = above;
        }
    }
    return row[b.len];
}

static bool unknown_flag(const struct flag_set *set, struct slice name, struct error *err)
{
    const char *nearest = NULL;
    size_t best = 3;
    for (const struct flag *f = set->flags; f->name; f++) {
        size_t d = edit_distance(name, slice_str(f->name));
        if (d < best) {
            best = d;
            nearest = f->name;
        }
    }
    if (nearest)
        return error_set(err, REASON_BAD_REQUEST, "unknown flag --%.*s, did you mean --%s?", SLICE_ARG(name),
                         nearest);
    return error_set(err, REASON_BAD_REQUEST, "unknown flag --%.*s, see `%s --help`", SLICE_ARG(name),
                     set->program);
}

static bool set_bool(const struct flag *f, const char *text, struct error *err)
{
    bool yes = !text || !strcmp(text, "true") || !strcmp(text, "1");
    if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return error_set(err, REASON_BAD_REQUEST, "--%s is true or false, not \"%s\"", f->name, text);
    *(bool *)f->value = yes;
    return true;
}

static bool set_int(const struct flag *f, const char *text, struct error *err)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        return error_set(err, REASON_BAD_REQUEST, "--%s is a whole number, not \"%s\"", f->name, text);
    if ((f->min || f->max) && (n < f->min || n > f->max))
        return error_set(err, REASON_BAD_REQUEST,
                         "--%s is a number from %" PRId64 " to %" PRId64 ", not %lld", f->name, f->min,
                         f->max, n);
    *(int64_t *)f->value = n;
    return true;
}

static bool set_value(const struct flag *f, const char *text, struct error *err)
{
    if (f->given)
        *f->given = true;
    if (f->set)
        return f->set(f, text ? text : "true", err);
    switch (f->type) {
    case FLAG_BOOL:
        return set_bool(f, text, err);
    case FLAG_INT:
        return set_int(f, text, err);
    case FLAG_STRING:
        *(const char **)f->value = text;
        return true;
    }
    return true;
}

/* One argument that starts with a dash; *i moves on when the value is the argument after it. */
static bool parse_one(const struct flag_set *set, int argc, char **argv, int *i, struct error *err)
{
    const char *text = argv[*i] + (argv[*i][1] == '-' ? 2 : 1);
    const char *equals = strchr(text, '=');
    struct slice name = equals ? slice_make(text, (size_t)(equals - text)) : slice_str(text);
    const struct flag *f = find_flag(set, name);
    if (!f)
        return unknown_flag(set, name, err);
    if (equals)
        return set_value(f, equals + 1, err);
    if (f->type == FLAG_BOOL)
        return set_value(f, NULL, err);
    if (*i + 1 >= argc)
        return error_set(err, REASON_BAD_REQUEST, "--%s needs a value (%s)", f->name,
                         f->arg ? f->arg : "VALUE");
    return set_value(f, argv[++*i], err);
}

enum flags_result flags_parse(const struct flag_set *set, int argc, char **argv, int *ret_rest,
                              struct error *err)
{
    int i = 1;
    for (int j = 1; j < argc && strcmp(argv[j], "--") != 0; j++) {
        if (!strcmp(argv[j], "--help") || !strcmp(argv[j], "-h")) {
            flags_print_help(set, stdout);
            return FLAGS_HELP;
        }
    }
    for (; i < argc; i++) {
        if (!strcmp(argv[i], "--")) {
            i++;
            break;
        }
        if (argv[i][0] != '-' || !argv[i][1])
            break;
        bool one_letter = argv[i][1] != '-' && (!argv[i][2] || argv[i][2] == '=');
        if (argv[i][1] != '-' && (!one_letter || !find_flag(set, slice_make(argv[i] + 1, 1)))) {
            error_set(err, REASON_BAD_REQUEST, "unknown flag %s, see `%s --help`", argv[i], set->program);
            return FLAGS_ERROR;
        }
        if (!parse_one(set, argc, argv, &i, err))
            return FLAGS_ERROR;
    }
    if (ret_rest) {
        *ret_rest = i;
    } else if (i < argc) {
        error_set(err, REASON_BAD_REQUEST, "unexpected argument \"%s\", see `%s --help`", argv[i],
                  set->program);
        return FLAGS_ERROR;
    }
    return FLAGS_OK;
}

static int left_width(const struct flag *f)
{
    return (int)(strlen(f->name) + (f->arg ? 1 + strlen(f->arg) : 0));
}

static void print_default(const struct flag *f, FILE *out)
{
    if (f->set)
        return;
    if (f->type == FLAG_STRING && *(const char **)f->value)
        fprintf(out, " (default %s)", *(const char **)f->value);
    else if (f->type == FLAG_INT)
        fprintf(out, " (default %" PRId64 ")", *(int64_t *)f->value);
    else if (f->type == FLAG_BOOL && *(bool *)f->value)
        fputs(" (default true)", out);
}

void flags_print_help(const struct flag_set *set, FILE *out)
{
    int width = (int)strlen("help");
    for (const struct flag *f = set->flags; f->name; f++)
        width = left_width(f) > width ? left_width(f) : width;
    fprintf(out, "%s\n\nUsage:\n  %s %s\n\nFlags:\n", set->description, set->program, set->synopsis);
    for (const struct flag *f = set->flags; f->name; f++) {
        fprintf(out, "  --%s%s%s%*s  %s", f->name, f->arg ? " " : "", f->arg ? f->arg : "",
                width - left_width(f), "", f->help);
        print_default(f, out);
        fputc('\n', out);
    }
    fprintf(out, "  --%-*s  show this text\n", width, "help");
}
