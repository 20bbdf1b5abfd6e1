/* Cron schedules as github.com/robfig/cron v3 reads them (standard parser): its texts are part of what a 422
 * says. */
#include <strings.h>
#include <unistd.h>
#include "apiserver/kinds/batch.h"

struct bounds {
    unsigned min, max;
    const char *const *names; /* by three letters, from min on; or NULL */
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
static const struct bounds fields[5] = {
    {0, 59, NULL}, {0, 23, NULL}, {1, 31, NULL}, {1, 12, month_names}, {0, 6, day_names}};

static const char *parse_number(struct arena *arena, struct slice s, unsigned *ret)
{
    bool negative = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+');
    struct slice digits = slice_from(s, negative);
    uint64_t n = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9' || n > UINT32_MAX)
            digits.len = 0;
        else
            n = n * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    if (digits.len == 0)
        return arena_printf(arena,
                            "failed to parse int from %.*s: strconv.Atoi: parsing \"%.*s\": invalid syntax",
                            SLICE_ARG(s), SLICE_ARG(s));
    if (n && s.ptr[0] == '-')
        return arena_printf(arena, "negative number (-%llu) not allowed: %.*s", (unsigned long long)n,
                            SLICE_ARG(s));
    *ret = n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
    return NULL;
}

static const char *parse_number_or_name(struct arena *arena, struct slice s, const struct bounds *b,
                                        unsigned *ret)
{
    for (unsigned i = 0; b->names && b->names[i]; i++)
        if (s.len == 3 && strncasecmp(s.ptr, b->names[i], 3) == 0) {
            *ret = b->min + i;
            return NULL;
        }
    return parse_number(arena, s, ret);
}

struct range {
    unsigned start, end, step;
    bool single; /* no hyphen */
};

static const char *parse_ends(struct arena *arena, struct slice expr, struct slice ends,
                              const struct bounds *b, struct range *r)
{
    struct slice rest = ends, low, high, more;
    const char *why;
    slice_split(&rest, '-', &low);
    r->single = rest.ptr == NULL;
    if (slice_is(low, "*") || slice_is(low, "?")) {
        r->start = b->min;
        r->end = b->max;
        return NULL;
    }
    if ((why = parse_number_or_name(arena, low, b, &r->start)))
        return why;
    r->end = r->start;
    if (r->single)
        return NULL;
    slice_split(&rest, '-', &high);
    if ((why = parse_number_or_name(arena, high, b, &r->end)) && rest.ptr == NULL)
        return why;
    return slice_split(&rest, '-', &more) ? arena_printf(arena, "too many hyphens: %.*s", SLICE_ARG(expr))
                                          : NULL;
}

/* "a", "a-b", "*", each with "/step". */
static const char *check_range(struct arena *arena, struct slice expr, const struct bounds *b)
{
    struct slice rest = expr, ends, step, more;
    struct range r = {.step = 1};
    const char *why;
    slice_split(&rest, '/', &ends);
    if ((why = parse_ends(arena, expr, ends, b, &r)))
        return why;
    if (slice_split(&rest, '/', &step)) {
        if (slice_split(&rest, '/', &more))
            return arena_printf(arena, "too many slashes: %.*s", SLICE_ARG(expr));
        if ((why = parse_number(arena, step, &r.step)))
            return why;
        if (r.single)
            r.end = b->max;
    }
    if (r.start < b->min)
        return arena_printf(arena, "beginning of range (%u) below minimum (%u): %.*s", r.start, b->min,
                            SLICE_ARG(expr));
    if (r.end > b->max)
        return arena_printf(arena, "end of range (%u) above maximum (%u): %.*s", r.end, b->max,
                            SLICE_ARG(expr));
    if (r.start > r.end)
        return arena_printf(arena, "beginning of range (%u) beyond end of range (%u): %.*s", r.start, r.end,
                            SLICE_ARG(expr));
    if (r.step == 0)
        return arena_printf(arena, "step of range should be a positive number: %.*s", SLICE_ARG(expr));
    return NULL;
}

static const char *check_field(struct arena *arena, struct slice field, const struct bounds *b)
{
    struct slice rest = field, expr;
    while (slice_split(&rest, ',', &expr)) {
        const char *why = expr.len ? check_range(arena, expr, b) : NULL;
        if (why)
            return why;
    }
    return NULL;
}

/* Go's time.ParseDuration: a sign, then numbers with units. */
static bool is_duration(struct slice s)
{
    static const char *const units[] = {"ns", "us", "\xc2\xb5s", "\xce\xbcs", "ms", "s", "m", "h"};
    size_t i = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+');
    if (s.len - i == 1 && s.ptr[i] == '0')
        return true;
    if (i == s.len)
        return false;
    while (i < s.len) {
        size_t digits = 0, best = 0;
        for (; i < s.len && ((s.ptr[i] >= '0' && s.ptr[i] <= '9') || s.ptr[i] == '.'); i++)
            digits += s.ptr[i] != '.';
        for (size_t u = 0; u < sizeof units / sizeof *units; u++)
            if (slice_starts(slice_from(s, i), slice_str(units[u])) && strlen(units[u]) > best)
                best = strlen(units[u]);
        if (!digits || !best)
            return false;
        i += best;
    }
    return true;
}

static const char *check_descriptor(struct arena *arena, struct slice s)
{
    static const char *const known[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                        "@daily",  "@midnight", "@hourly"};
    static const struct slice every = SLICE("@every ");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_is(s, known[i]))
            return NULL;
    if (slice_starts(s, every))
        return is_duration(slice_from(s, every.len))
                   ? NULL
                   : arena_printf(arena, "failed to parse duration %.*s: not a duration", SLICE_ARG(s));
    return arena_printf(arena, "unrecognized descriptor: %.*s", SLICE_ARG(s));
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t split_fields(struct slice s, struct slice *ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len;) {
        size_t start = i;
        while (i < s.len && !is_space(s.ptr[i]))
            i++;
        if (i > start) {
            if (n < max)
                ret[n] = slice_make(s.ptr + start, i - start);
            n++;
        }
        while (i < s.len && is_space(s.ptr[i]))
            i++;
    }
    return n;
}

static struct slice trim(struct slice s)
{
    while (s.len && is_space(s.ptr[0]))
        s = slice_from(s, 1);
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

const char *cron_check(struct arena *arena, struct slice schedule)
{
    struct slice found[5], s = schedule;
    if (slice_starts(s, SLICE("TZ=")) || slice_starts(s, SLICE("CRON_TZ="))) {
        long space = slice_find(s, ' '), eq = slice_find(s, '=');
        if (space < 0)
            return "invalid schedule format: a time zone and nothing else";
        struct slice zone = slice_make(s.ptr + eq + 1, (size_t)(space - eq - 1));
        const char *why = zone.len ? cron_check_time_zone(arena, zone) : NULL;
        if (why)
            return arena_printf(arena, "provided bad location %.*s: %s", SLICE_ARG(zone), why);
        s = trim(slice_from(s, (size_t)space));
    }
    if (s.len && s.ptr[0] == '@')
        return check_descriptor(arena, s);
    size_t n = split_fields(s, found, 5);
    if (n != 5)
        return arena_printf(arena, "expected exactly 5 fields, found %zu: [%.*s]", n, SLICE_ARG(trim(s)));
    for (size_t i = 0; i < 5; i++) {
        const char *why = check_field(arena, found[i], &fields[i]);
        if (why)
            return why;
    }
    return NULL;
}

static bool is_zone_part(struct slice part)
{
    if (part.len == 0 || part.len > 14 || part.ptr[0] == '-' || slice_is(part, ".") || slice_is(part, ".."))
        return false;
    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];
        bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '-' || c == '_' || c == '+';
        if (!good)
            return false;
    }
    return true;
}

/* Where no zone files are installed a name of good form is taken as it is. */
static bool zone_exists(struct arena *arena, struct slice name)
{
    static const char folder[] = "/usr/share/zoneinfo";
    if (slice_is(name, "UTC") || access(folder, R_OK) != 0)
        return true;
    return access(arena_printf(arena, "%s/%.*s", folder, SLICE_ARG(name)), R_OK) == 0;
}

const char *cron_check_time_zone(struct arena *arena, struct slice name)
{
    struct slice rest = name, part;
    while (slice_split(&rest, '/', &part))
        if (!is_zone_part(part))
            return arena_printf(arena, "unknown time zone %.*s", SLICE_ARG(name));
    if (name.len == 5 && strncasecmp(name.ptr, "local", 5) == 0)
        return "must be an explicit time zone as defined in https://www.iana.org/time-zones";
    return zone_exists(arena, name) ? NULL : arena_printf(arena, "unknown time zone %.*s", SLICE_ARG(name));
}
