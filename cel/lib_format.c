#include "base/regex.h"
#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/time.h"
#include "cel/types.h"
#include "cel/url.h"
#include "openapi/names.h"
#include "openapi/scalar.h"

/* Formats with names: format.dns1123Label().validate(text) is none, or what is wrong with the text. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

struct format {
    struct cel_opaque head;
    const char *name;
    const char *(*check)(struct slice text); /* by openapi/names.h; or */
    bool prefix;                             /* a dash at the end is one that a name will follow */
    const char *(*other)(struct arena *arena, struct slice text);
    uint32_t pattern_size; /* what upstream takes the format's pattern to be: for the cost */
};

static bool equal(const struct cel_opaque *a, const struct cel_opaque *b)
{
    return a == b;
}

static struct slice print(struct arena *arena, const struct cel_opaque *v)
{
    return slice_str(((const struct format *)v)->name);
}

static uint32_t pattern_size(const struct cel_opaque *v)
{
    return ((const struct format *)v)->pattern_size;
}

static const struct cel_opaque_type type = {&cel_type_format, equal, print, pattern_size};

static const char *check_uri(struct arena *arena, struct slice text)
{
    struct url url;
    const char *fault = url_parse(arena, text, &url);
    return fault ? arena_printf(arena, "parse \"%.*s\": %s", SLICE_ARG(text), fault) : NULL;
}

static const char *check_uuid(struct arena *arena, struct slice text)
{
    cleanup_regex struct regex *regex =
        regex_get(SLICE("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"), NULL);
    return regex && regex_matches(regex, text) ? NULL : "does not match the UUID format";
}

static const char *check_byte(struct arena *arena, struct slice text)
{
    struct slice bytes;
    const char *fault;
    return scalar_base64_decode(arena, text, &bytes, &fault) ? NULL : "invalid base64";
}

static const char *check_date(struct arena *arena, struct slice text)
{
    struct cel_value v;
    return text.len == 10 && cel_parse_schema_time(text, &v) ? NULL : "invalid date";
}

static const char *check_time(struct arena *arena, struct slice text)
{
    struct cel_value v;
    return cel_parse_time(text, &v) ? NULL : "invalid datetime";
}

static const struct format formats[] = {
    {{&type}, "dns1123Label", name_check_label, false, NULL, 30},
    {{&type}, "dns1123Subdomain", name_check_subdomain, false, NULL, 60},
    {{&type}, "dns1035Label", name_check_label_1035, false, NULL, 30},
    {{&type}, "qualifiedName", name_check_qualified, false, NULL, 60},
    {{&type}, "dns1123LabelPrefix", name_check_label, true, NULL, 30},
    {{&type}, "dns1123SubdomainPrefix", name_check_subdomain, true, NULL, 60},
    {{&type}, "dns1035LabelPrefix", name_check_label_1035, true, NULL, 30},
    {{&type}, "labelValue", name_check_label_value, false, NULL, 40},
    {{&type}, "uri", NULL, false, check_uri, 1103},
    {{&type}, "uuid", NULL, false, check_uuid, 70},
    {{&type}, "byte", NULL, false, check_byte, 84},
    {{&type}, "date", NULL, false, check_date, 71},
    {{&type}, "datetime", NULL, false, check_time, 71},
};

static const struct format *find_format(struct slice name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (slice_is(name, formats[i].name))
            return &formats[i];
    return NULL;
}

/* A prefix ending in a dash is as good as one that ends in a letter. */
static struct slice masked(struct arena *arena, struct slice text)
{
    if (text.len < 2 || text.ptr[text.len - 1] != '-')
        return text;
    return arena_slicef(arena, "%.*sa", (int)text.len - 1, text.ptr);
}

FN(validate)
{
    const struct format *format = (const struct format *)args[0].opaque;
    struct slice text = cel_text(&args[1]);
    const char *faults[NAME_MAX_FAULTS];
    size_t found = 0;
    if (format->check)
        found = name_faults(format->prefix ? masked(e->arena, text) : text, format->check, faults);
    else if ((faults[0] = format->other(e->arena, text)))
        found = 1;
    if (found == 0)
        return cel_optional(e->arena, NULL);
    struct cel_value list = cel_list_new(e->arena, found);
    for (size_t i = 0; i < found; i++)
        list = cel_list_append(e->arena, list, cel_string(arena_dup(e->arena, slice_str(faults[i]))));
    return cel_optional(e->arena, &list);
}

FN(named)
{
    const struct format *format = find_format(cel_text(&args[0]));
    struct cel_value v = format ? cel_opaque_value(&format->head) : cel_null();
    return cel_optional(e->arena, format ? &v : NULL);
}

#define NAMED(name, place)                                                                                   \
    FN(get_##name)                                                                                           \
    {                                                                                                        \
        return cel_opaque_value(&formats[place].head);                                                       \
    }
NAMED(dns1123Label, 0)
NAMED(dns1123Subdomain, 1)
NAMED(dns1035Label, 2)
NAMED(qualifiedName, 3)
NAMED(dns1123LabelPrefix, 4)
NAMED(dns1123SubdomainPrefix, 5)
NAMED(dns1035LabelPrefix, 6)
NAMED(labelValue, 7)
NAMED(uri, 8)
NAMED(uuid, 9)
NAMED(byte, 10)
NAMED(date, 11)
NAMED(datetime, 12)

#define ROW(name)                                                                                            \
    {                                                                                                        \
        "format." #name, "format." #name, "(): kubernetes.NamedFormat", get_##name, CEL_COST_ONE             \
    }
static const struct cel_row rows[] = {
    {"validate", "format-validate", "kubernetes.NamedFormat.(string): optional(list(string))", validate,
     CEL_COST_VALIDATE},
    {"format.named", "format-named", "(string): optional(kubernetes.NamedFormat)", named, CEL_COST_ONE},
    ROW(dns1123Label),
    ROW(dns1123Subdomain),
    ROW(dns1035Label),
    ROW(qualifiedName),
    ROW(dns1123LabelPrefix),
    ROW(dns1123SubdomainPrefix),
    ROW(dns1035LabelPrefix),
    ROW(labelValue),
    ROW(uri),
    ROW(uuid),
    ROW(byte),
    ROW(date),
    ROW(datetime),
};
CEL_LIBRARY(cel_lib_format, rows);
