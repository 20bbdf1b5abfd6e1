/* The formats of strings that are checked. Dashes in their names do not count. */
#include "openapi/custom.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>

#include "base/clock.h"
#include "openapi/scalar.h"

static bool each(struct slice s, int (*is)(int c))
{
    for (size_t i = 0; i < s.len; i++)
        if (!is((unsigned char)s.ptr[i]))
            return false;
    return true;
}

static bool copy(struct slice s, char *to, size_t size)
{
    if (s.len >= size || memchr(s.ptr, 0, s.len))
        return false;
    memcpy(to, s.ptr, s.len);
    to[s.len] = 0;
    return true;
}

/* ---- addresses ---- */

static bool is_address(struct slice s, int family)
{
    char text[64], address[16];
    return copy(s, text, sizeof text) && inet_pton(family, text, address) == 1;
}

static bool is_ipv4(struct slice s)
{
    return is_address(s, AF_INET) || (is_address(s, AF_INET6) && slice_find(s, '.') >= 0);
}

static bool is_ipv6(struct slice s)
{
    return is_address(s, AF_INET6);
}

static bool is_cidr(struct slice s)
{
    long slash = slice_find(s, '/');
    char length[4];
    if (slash < 0 || !copy(slice_from(s, (size_t)slash + 1), length, sizeof length) || !*length ||
        !each(slice_str(length), isdigit))
        return false;
    struct slice ip = slice_make(s.ptr, (size_t)slash);
    bool v4 = is_address(ip, AF_INET);
    return (v4 || is_address(ip, AF_INET6)) && atoi(length) <= (v4 ? 32 : 128);
}

/* aa:bb:cc:dd:ee:ff, with dashes, or aabb.ccdd.eeff; 6, 8 or 20 bytes. */
static bool is_mac(struct slice s)
{
    size_t group = s.len > 4 && s.ptr[4] == '.' ? 4 : 2, digits = 0;
    char separator = s.len > group ? s.ptr[group] : 0;
    if (separator != ':' && separator != '-' && separator != '.')
        return false;
    if ((separator == '.') != (group == 4))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool at_separator = i % (group + 1) == group;
        if (at_separator ? s.ptr[i] != separator : !isxdigit((unsigned char)s.ptr[i]))
            return false;
        digits += !at_separator;
    }
    return s.len % (group + 1) == group && (digits == 12 || digits == 16 || digits == 40);
}

static bool is_label(struct slice label)
{
    if (!label.len || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!isalnum((unsigned char)label.ptr[i]) && label.ptr[i] != '-' &&
            !((unsigned char)label.ptr[i] & 0x80))
            return false;
    return true;
}

static bool is_hostname(struct slice s)
{
    struct slice rest = s, label = {0};
    size_t labels = 0;
    if (!s.len || s.len > 255)
        return false;
    while (slice_split(&rest, '.', &label)) {
        if (!is_label(label))
            return false;
        labels++;
    }
    for (size_t i = 0; labels > 1 && i < label.len; i++) /* the top-level domain has no digits */
        if (isdigit((unsigned char)label.ptr[i]) || label.ptr[i] == '-')
            return false;
    return labels == 1 || label.len >= 2;
}

static bool is_email(struct slice s)
{
    long at = -1;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '@')
            at = (long)i;
    if (at >= 0 && s.ptr[s.len - 1] == '>') { /* Name <a@b> */
        long open = slice_find(s, '<');
        return open >= 0 && open < at && is_email(slice_make(s.ptr + open + 1, s.len - (size_t)open - 2));
    }
    if (at <= 0 || (size_t)at + 1 >= s.len || s.ptr[0] == '.' || s.ptr[at - 1] == '.')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((long)i != at &&
            (strchr(" \t()<>[]:;@\\,\"", s.ptr[i]) || (i && s.ptr[i] == '.' && s.ptr[i - 1] == '.')))
            return false;
    return true;
}

/* What can be a request's target: an absolute address, or a path. */
static bool is_uri(struct slice s)
{
    if (!s.len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c == 0x7f)
            return false;
        if (c == '%' && (i + 2 >= s.len || !isxdigit((unsigned char)s.ptr[i + 1]) ||
                         !isxdigit((unsigned char)s.ptr[i + 2])))
            return false;
    }
    if (s.ptr[0] == '/')
        return true;
    long colon = slice_find(s, ':');
    if (colon <= 0 || !isalpha((unsigned char)s.ptr[0]))
        return false;
    for (long i = 0; i < colon; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && !strchr("+-.", s.ptr[i]))
            return false;
    return true;
}

/* ---- numbers of things ---- */

/* x: a hexadecimal digit; 3, 4, 5: that digit; v: the variant. Dashes may be left out. */
static bool is_uuid_like(struct slice s, const char *form)
{
    size_t at = 0;
    for (; *form; form++) {
        if (*form == '-') {
            at += at < s.len && s.ptr[at] == '-';
            continue;
        }
        if (at >= s.len || !isxdigit((unsigned char)s.ptr[at]))
            return false;
        if (*form == 'v' ? !strchr("89abAB", s.ptr[at]) : *form != 'x' && s.ptr[at] != *form)
            return false;
        at++;
    }
    return at == s.len;
}

static bool is_uuid(struct slice s)
{
    return is_uuid_like(s, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}

static bool is_uuid3(struct slice s)
{
    return is_uuid_like(s, "xxxxxxxx-xxxx-3xxx-xxxx-xxxxxxxxxxxx");
}

static bool is_uuid4(struct slice s)
{
    return is_uuid_like(s, "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx");
}

static bool is_uuid5(struct slice s)
{
    return is_uuid_like(s, "xxxxxxxx-xxxx-5xxx-vxxx-xxxxxxxxxxxx");
}

/* The digits without spaces and dashes; false when others are in between. x: a last X counts as ten. */
static bool digits_of(struct slice s, char *to, size_t want, bool x)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool ten = x && n == want - 1 && (s.ptr[i] == 'X' || s.ptr[i] == 'x');
        if (s.ptr[i] == '-' || s.ptr[i] == ' ')
            continue;
        if (n >= want || (!isdigit((unsigned char)s.ptr[i]) && !ten))
            return false;
        to[n++] = ten ? 10 : (char)(s.ptr[i] - '0');
    }
    return n == want;
}

static bool is_isbn10(struct slice s)
{
    char d[10];
    int sum = 0;
    if (!digits_of(s, d, 10, true))
        return false;
    for (int i = 0; i < 10; i++)
        sum += (10 - i) * d[i];
    return sum % 11 == 0;
}

static bool is_isbn13(struct slice s)
{
    char d[13];
    int sum = 0;
    if (!digits_of(s, d, 13, false))
        return false;
    for (int i = 0; i < 13; i++)
        sum += (i % 2 ? 3 : 1) * d[i];
    return sum % 10 == 0;
}

static bool is_isbn(struct slice s)
{
    return is_isbn10(s) || is_isbn13(s);
}

static bool is_creditcard(struct slice s)
{
    char digits[20];
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        if (isdigit((unsigned char)s.ptr[i]) && n < sizeof digits)
            digits[n++] = (char)(s.ptr[i] - '0');
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int d = digits[n - 1 - i];
        if (i % 2)
            d = d * 2 > 9 ? d * 2 - 9 : d * 2;
        sum += d;
    }
    return n >= 13 && n <= 16 && sum % 10 == 0;
}

static bool is_ssn(struct slice s)
{
    char d[9];
    return s.len <= 11 && digits_of(s, d, 9, false);
}

static bool is_bson_id(struct slice s)
{
    return s.len == 24 && each(s, isxdigit);
}

/* ---- colours, bytes ---- */

static bool is_hexcolor(struct slice s)
{
    if (s.len && s.ptr[0] == '#')
        s = slice_from(s, 1);
    return (s.len == 3 || s.len == 6) && each(s, isxdigit);
}

static bool is_rgbcolor(struct slice s)
{
    struct slice rest, part;
    int parts = 0;
    if (!slice_starts(s, SLICE("rgb(")) || !slice_ends(s, SLICE(")")))
        return false;
    rest = slice_make(s.ptr + 4, s.len - 5);
    while (slice_split(&rest, ',', &part)) {
        char text[4];
        while (part.len && part.ptr[0] == ' ')
            part = slice_from(part, 1);
        while (part.len && part.ptr[part.len - 1] == ' ')
            part.len--;
        if (!copy(part, text, sizeof text) || !*text || !each(part, isdigit) || atoi(text) > 255)
            return false;
        parts++;
    }
    return parts == 3;
}

static bool is_base64(struct slice s)
{
    size_t n = s.len;
    if (n == 0 || n % 4)
        return false;
    for (int i = 0; i < 2 && n && s.ptr[n - 1] == '='; i++)
        n--;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && s.ptr[i] != '+' && s.ptr[i] != '/')
            return false;
    return true;
}

static bool is_password(struct slice s)
{
    (void)s;
    return true;
}

/* ---- times ---- */

static bool is_datetime(struct slice s)
{
    int64_t micros;
    return clock_parse(s, &micros);
}

static bool is_date(struct slice s)
{
    char text[32];
    if (s.len != 10 || !copy(s, text, sizeof text))
        return false;
    strcpy(text + 10, "T00:00:00Z");
    return is_datetime(slice_str(text));
}

static bool is_duration(struct slice s)
{
    static const char *const units[] = {"ns",     "us",   "ms",    "s",     "m",   "h",      "d",
                                        "w",      "nano", "micro", "milli", "sec", "second", "min",
                                        "minute", "hr",   "hour",  "day",   "wk",  "week"};
    cleanup_arena struct arena *arena = arena_new();
    int64_t nanos;
    const char *fault;
    if (scalar_parse_duration(arena, s, &nanos, &fault))
        return true;
    size_t at = 0; /* as Scala writes them: "22 ns", "3 days" */
    while (at < s.len && (isdigit((unsigned char)s.ptr[at]) || (at && s.ptr[at] == '.')))
        at++;
    struct slice unit = slice_from(s, at);
    while (unit.len && unit.ptr[0] == ' ')
        unit = slice_from(unit, 1);
    if (unit.len > 2 && unit.ptr[unit.len - 1] == 's')
        unit.len--;
    for (size_t i = 0; at && i < sizeof units / sizeof *units; i++)
        if (slice_is(unit, units[i]))
            return true;
    return false;
}

/* ---- names ---- */

static bool is_name_part(struct slice s)
{
    if (!s.len || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!islower((unsigned char)s.ptr[i]) && !isdigit((unsigned char)s.ptr[i]) && s.ptr[i] != '-')
            return false;
    return true;
}

static bool is_short_name(struct slice s)
{
    return s.len <= 63 && is_name_part(s);
}

static bool is_long_name(struct slice s)
{
    struct slice rest = s, part;
    bool good = s.len <= 253;
    while (good && slice_split(&rest, '.', &part))
        good = is_name_part(part);
    return good;
}

static const struct {
    const char *name;
    bool (*matches)(struct slice text);
} formats[] = {
    {"bsonobjectid", is_bson_id},
    {"uri", is_uri},
    {"email", is_email},
    {"hostname", is_hostname},
    {"ipv4", is_ipv4},
    {"ipv6", is_ipv6},
    {"cidr", is_cidr},
    {"mac", is_mac},
    {"uuid", is_uuid},
    {"uuid3", is_uuid3},
    {"uuid4", is_uuid4},
    {"uuid5", is_uuid5},
    {"isbn", is_isbn},
    {"isbn10", is_isbn10},
    {"isbn13", is_isbn13},
    {"creditcard", is_creditcard},
    {"ssn", is_ssn},
    {"hexcolor", is_hexcolor},
    {"rgbcolor", is_rgbcolor},
    {"byte", is_base64},
    {"password", is_password},
    {"date", is_date},
    {"duration", is_duration},
    {"datetime", is_datetime},
    {"k8sshortname", is_short_name},
    {"k8slongname", is_long_name},
};

static int find(struct slice format)
{
    char name[32];
    size_t n = 0;
    for (size_t i = 0; i < format.len && n < sizeof name - 1; i++)
        if (format.ptr[i] != '-')
            name[n++] = format.ptr[i];
    name[n] = 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(name, formats[i].name) == 0)
            return (int)i;
    return -1;
}

bool custom_format_is_known(struct slice format)
{
    return find(format) >= 0;
}

bool custom_format_matches(struct slice format, struct slice text)
{
    int i = find(format);
    return i < 0 || formats[i].matches(text);
}
