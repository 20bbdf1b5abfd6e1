#include "openapi/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "openapi/gen/meta_v1.h"
#include "openapi/quantity.h"

/* A grammar can be broken in several ways at once, each of which is a finding of its own: `faults` collects
 * them. */
struct faults {
    const char **items;
    size_t count;
};

static void fault(struct faults *f, const char *text)
{
    if (f->count < NAME_MAX_FAULTS)
        f->items[f->count++] = text;
}

#define LABEL_FORMULA     "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define SUBDOMAIN_FORMULA LABEL_FORMULA "(\\." LABEL_FORMULA ")*"
#define KEY_FORMULA       "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define FORMULA(text)     " (regex used for validation is '" text "')"

/* ---- character classes ---- */

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* Nonempty, every byte good or in `inside`, first and last good. */
static bool is_framed(struct slice s, bool (*good)(char), const char *inside)
{
    if (s.len == 0 || !good(s.ptr[0]) || !good(s.ptr[s.len - 1]))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!good(s.ptr[i]) && (s.ptr[i] == '\0' || !strchr(inside, s.ptr[i])))
            return false;
    }
    return true;
}

static bool is_label(struct slice s)
{
    return is_framed(s, is_lower_alnum, "-");
}

/* RFC 1123, but a leading '_' and '_' inside, as names of DNS search lists have it. */
static bool is_label_with_underscore(struct slice s)
{
    if (s.len && s.ptr[0] == '_')
        s = slice_from(s, 1);
    return is_framed(s, is_lower_alnum, "-_");
}

static bool each_part(struct slice s, bool (*good)(struct slice))
{
    struct slice part;
    while (slice_split(&s, '.', &part)) {
        if (!good(part))
            return false;
    }
    return true;
}

static bool is_subdomain(struct slice s)
{
    return s.len && each_part(s, is_label);
}

/* ---- the grammars ---- */

static void label(struct slice s, struct faults *f)
{
    if (s.len > 63)
        fault(f, "must be no more than 63 bytes");
    if (is_label(s))
        return;
    fault(f, is_subdomain(s)
                 ? "must not contain dots"
                 : "an RFC 1123 label holds only a-z, 0-9 and '-', with a letter or digit at both "
                   "ends" FORMULA(LABEL_FORMULA));
}

static void label_1035(struct slice s, struct faults *f)
{
    if (s.len > 63)
        fault(f, "must be no more than 63 bytes");
    if (!is_label(s) || s.ptr[0] < 'a')
        fault(f,
              "an RFC 1035 label holds only a-z, 0-9 and '-', begins with a letter and ends with a letter or "
              "digit" FORMULA("[a-z]([-a-z0-9]*[a-z0-9])?"));
}

static void subdomain(struct slice s, struct faults *f)
{
    if (s.len > 253)
        fault(f, "must be no more than 253 bytes");
    if (!is_subdomain(s))
        fault(f, "an RFC 1123 subdomain is labels of a-z, 0-9 and '-', with dots between "
                 "them" FORMULA(SUBDOMAIN_FORMULA));
}

static void subdomain_with_underscore(struct slice s, struct faults *f)
{
    if (s.len > 253)
        fault(f, "must be no more than 253 bytes");
    if (!s.len || !each_part(s, is_label_with_underscore))
        fault(f, "must be labels of a-z, 0-9, '_' and '-', with dots between them");
}

static void wildcard_subdomain(struct slice s, struct faults *f)
{
    if (s.len > 253)
        fault(f, "must be no more than 253 bytes");
    if (!slice_starts(s, SLICE("*.")) || !is_subdomain(slice_from(s, 2)))
        fault(f, "must be '*.' and an RFC 1123 subdomain" FORMULA("\\*\\." SUBDOMAIN_FORMULA));
}

static void path_segment(struct slice s, struct faults *f)
{
    if (slice_is(s, ".")) {
        fault(f, "may not be '.'");
    } else if (slice_is(s, "..")) {
        fault(f, "may not be '..'");
    } else {
        if (slice_find(s, '/') >= 0)
            fault(f, "may not contain '/'");
        if (slice_find(s, '%') >= 0)
            fault(f, "may not contain '%'");
    }
}

static void key_prefix(struct slice prefix, struct faults *f)
{
    if (!prefix.len) {
        fault(f, "prefix part must be non-empty");
        return;
    }
    if (prefix.len > 253)
        fault(f, "prefix part must be no more than 253 bytes");
    if (!is_subdomain(prefix))
        fault(f, "prefix part is no RFC 1123 subdomain" FORMULA(SUBDOMAIN_FORMULA));
}

static void qualified(struct slice s, struct faults *f)
{
    struct slice name = s;
    long slash = slice_find(s, '/');
    if (slash >= 0) {
        name = slice_from(s, (size_t)slash + 1);
        if (slice_find(name, '/') >= 0) {
            fault(f,
                  "must be a name with at most one prefix, as in 'example.com/MyName'" FORMULA(KEY_FORMULA));
            return;
        }
        key_prefix(slice_make(s.ptr, (size_t)slash), f);
    }
    if (!name.len)
        fault(f, "name part must be non-empty");
    else if (name.len > 63)
        fault(f, "name part must be no more than 63 bytes");
    if (!is_framed(name, is_alnum, "-_."))
        fault(f, "name part holds only letters, digits, '-', '_' and '.', with a letter or digit at both "
                 "ends" FORMULA(KEY_FORMULA));
}

static void label_value(struct slice s, struct faults *f)
{
    if (s.len > 63)
        fault(f, "must be no more than 63 bytes");
    if (s.len && !is_framed(s, is_alnum, "-_."))
        fault(f,
              "a label's value is empty or letters, digits, '-', '_' and '.', with a letter or digit at both "
              "ends" FORMULA("(" KEY_FORMULA ")?"));
}

static void config_key(struct slice s, struct faults *f)
{
    if (s.len > 253)
        fault(f, "must be no more than 253 bytes");
    bool good = s.len > 0;
    for (size_t i = 0; i < s.len; i++)
        good = good && (is_alnum(s.ptr[i]) || s.ptr[i] == '-' || s.ptr[i] == '_' || s.ptr[i] == '.');
    if (!good)
        fault(f, "a key holds only letters, digits, '-', '_' and '.'" FORMULA("[-._a-zA-Z0-9]+"));
    if (slice_is(s, "."))
        fault(f, "must not be '.'");
    else if (slice_is(s, ".."))
        fault(f, "must not be '..'");
    else if (slice_starts(s, SLICE("..")))
        fault(f, "must not start with '..'");
}

static void env_var(struct slice s, struct faults *f)
{
    if (!s.len)
        fault(f, "environment variable name must be non-empty");
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < ' ' || s.ptr[i] > '~' || s.ptr[i] == '=') {
            fault(f, "a name of an environment variable holds only printable ASCII other than '='");
            return;
        }
    }
}

static void c_identifier(struct slice s, struct faults *f)
{
    bool good = s.len && !isdigit((unsigned char)s.ptr[0]);
    for (size_t i = 0; i < s.len; i++)
        good = good && (is_alnum(s.ptr[i]) || s.ptr[i] == '_');
    if (!good)
        fault(f, "a C identifier holds only letters, digits and '_' and does not begin with a "
                 "digit" FORMULA("[A-Za-z_][A-Za-z0-9_]*"));
}

static void port_name(struct slice s, struct faults *f)
{
    bool charset = s.len > 0, letter = false, twice = false;
    for (size_t i = 0; i < s.len; i++) {
        charset = charset && (is_lower_alnum(s.ptr[i]) || s.ptr[i] == '-');
        letter = letter || (s.ptr[i] >= 'a' && s.ptr[i] <= 'z');
        twice = twice || (i > 0 && s.ptr[i] == '-' && s.ptr[i - 1] == '-');
    }
    if (s.len > 15)
        fault(f, "must be no more than 15 characters");
    if (!charset)
        fault(f, "must hold only a-z, 0-9 and '-'");
    if (!letter)
        fault(f, "must hold at least one letter (a-z)");
    if (twice)
        fault(f, "must not hold two hyphens in a row");
    if (s.len && (s.ptr[0] == '-' || s.ptr[s.len - 1] == '-'))
        fault(f, "must not begin or end with a hyphen");
}

static void http_header(struct slice s, struct faults *f)
{
    bool good = s.len > 0;
    for (size_t i = 0; i < s.len; i++)
        good = good && (is_alnum(s.ptr[i]) || s.ptr[i] == '-');
    if (!good)
        fault(f, "a header's name holds only letters, digits and '-'" FORMULA("[-A-Za-z0-9]+"));
}

/* The family, or 0. inet_pton takes no leading zeros and no zones, which is the strict rule. */
static int strict_ip(struct slice s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (s.len >= sizeof text || memchr(s.ptr, 0, s.len))
        return 0;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1)
        return AF_INET;
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return 0;
    return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)bytes) ? -1 : AF_INET6;
}

static void ip(struct slice s, struct faults *f)
{
    int family = strict_ip(s);
    if (family == 0)
        fault(f, "must be a valid IP address, as 10.9.8.7 or 2001:db8::ffff");
    else if (family < 0)
        fault(f, "must not be an IPv4-mapped IPv6 address");
}

static void cidr(struct slice s, struct faults *f)
{
    long slash = slice_find(s, '/');
    struct slice bits = slash < 0 ? slice_make("", 0) : slice_from(s, (size_t)slash + 1);
    int family = slash < 0 ? 0 : strict_ip(slice_make(s.ptr, (size_t)slash));
    unsigned n = 0;
    bool good = family > 0 && bits.len && bits.len <= 3 && (bits.len == 1 || bits.ptr[0] != '0');
    for (size_t i = 0; good && i < bits.len; i++) {
        good = isdigit((unsigned char)bits.ptr[i]);
        n = n * 10 + (unsigned)(bits.ptr[i] - '0');
    }
    if (!good || n > (family == AF_INET ? 32U : 128U))
        fault(f, "must be a valid CIDR value, as 10.9.8.0/24 or 2001:db8::/64");
}

static void dns1123_prefix(struct slice s, struct faults *f)
{
    if (s.len > 1 && s.ptr[s.len - 1] == '-') { /* what follows the hyphen is to come */
        cleanup_free char *text = malloc(s.len);
        if (!text)
            abort();
        memcpy(text, s.ptr, s.len);
        text[s.len - 1] = 'a';
        subdomain(slice_make(text, s.len), f);
    } else {
        subdomain(s, f);
    }
}

/* ---- by function ---- */

typedef void (*grammar)(struct slice s, struct faults *f);

static const char *first_fault(struct slice s, grammar rule)
{
    const char *items[NAME_MAX_FAULTS] = {NULL};
    struct faults f = {items, 0};
    rule(s, &f);
    return items[0];
}

#define CHECK(name)                                                                                          \
    const char *name_check_##name(struct slice s)                                                            \
    {                                                                                                        \
        return first_fault(s, name);                                                                         \
    }
CHECK(label)
CHECK(label_1035)
CHECK(subdomain)
CHECK(subdomain_with_underscore)
CHECK(wildcard_subdomain)
CHECK(path_segment)
CHECK(qualified)
CHECK(label_value)
CHECK(config_key)
CHECK(env_var)
CHECK(c_identifier)
CHECK(port_name)
CHECK(http_header)
CHECK(ip)
CHECK(cidr)
CHECK(dns1123_prefix)

static const struct {
    const char *(*check)(struct slice s);
    grammar rule;
} grammars[] = {
    {name_check_label, label},
    {name_check_label_1035, label_1035},
    {name_check_subdomain, subdomain},
    {name_check_subdomain_with_underscore, subdomain_with_underscore},
    {name_check_wildcard_subdomain, wildcard_subdomain},
    {name_check_path_segment, path_segment},
    {name_check_qualified, qualified},
    {name_check_label_value, label_value},
    {name_check_config_key, config_key},
    {name_check_env_var, env_var},
    {name_check_port_name, port_name},
    {name_check_dns1123_prefix, dns1123_prefix},
};

size_t name_faults(struct slice s, const char *(*check)(struct slice),
                   const char *ret_faults[NAME_MAX_FAULTS])
{
    struct faults f = {ret_faults, 0};
    for (size_t i = 0; i < sizeof grammars / sizeof *grammars; i++) {
        if (grammars[i].check == check) {
            grammars[i].rule(s, &f);
            return f.count;
        }
    }
    const char *only = check(s); /* the others can be broken in one way only */
    if (only)
        fault(&f, only);
    return f.count;
}

/* ---- shared parts of validations ---- */

void check_name(struct causes *c, const struct path *at, struct slice name, const char *(*rule)(struct slice))
{
    const char *faults[NAME_MAX_FAULTS];
    size_t count = name_faults(name, rule, faults);
    for (size_t i = 0; i < count; i++)
        causes_invalid_text(c, at, name, "%s", faults[i]);
}

void check_labels(struct causes *c, const struct path *at, const struct value *map)
{
    for (VALUE_EACH_ENTRY(entry, map)) {
        check_name(c, at, entry->key, name_check_qualified);
        check_name(c, at, value_text(&entry->value), name_check_label_value);
    }
}

void check_annotations(struct causes *c, const struct path *at, const struct value *map)
{
    enum { LIMIT = 256 * 1024 };
    size_t total = 0;
    for (VALUE_EACH_ENTRY(entry, map)) {
        /* Capitals are allowed in the prefix too. */
        struct slice key = entry->key;
        cleanup_free char *lower = malloc(key.len + 1);
        if (!lower)
            abort();
        for (size_t i = 0; i < key.len; i++)
            lower[i] = (char)tolower((unsigned char)key.ptr[i]);
        const char *faults[NAME_MAX_FAULTS];
        size_t count = name_faults(slice_make(lower, key.len), name_check_qualified, faults);
        for (size_t i = 0; i < count; i++)
            causes_invalid_text(c, at, key, "%s", faults[i]);
        total += key.len + value_text(&entry->value).len;
    }
    if (total > LIMIT)
        causes_too_long(c, at, LIMIT);
}

static void check_selector_requirement(struct causes *c, const struct path *at,
                                       const struct value *requirement, bool any_value)
{
    const struct value *op = value_at(requirement, meta_v1_LabelSelectorRequirement_operator);
    const struct value *values = value_at(requirement, meta_v1_LabelSelectorRequirement_values);
    if (value_is(op, "In") || value_is(op, "NotIn")) {
        if (!value_count(values))
            causes_required(c, PATH(at, "values"), "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (value_is(op, "Exists") || value_is(op, "DoesNotExist")) {
        if (value_count(values))
            causes_forbidden(c, PATH(at, "values"),
                             "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
        causes_invalid_text(c, PATH(at, "operator"), value_text(op), "not a valid selector operator");
    }
    check_name(c, PATH(at, "key"), value_text(value_at(requirement, meta_v1_LabelSelectorRequirement_key)),
               name_check_qualified);
    for (size_t i = 0; i < value_count(values) && !any_value; i++)
        check_name(c, PATH_I(PATH(at, "values"), i), value_text(value_item(values, i)),
                   name_check_label_value);
}

void check_label_selector_values(struct causes *c, const struct path *at, const struct value *selector,
                                 bool any_value)
{
    check_labels(c, PATH(at, "matchLabels"), value_at(selector, meta_v1_LabelSelector_matchLabels));
    const struct value *expressions = value_at(selector, meta_v1_LabelSelector_matchExpressions);
    for (size_t i = 0; i < value_count(expressions); i++)
        check_selector_requirement(c, PATH_I(PATH(at, "matchExpressions"), i), value_item(expressions, i),
                                   any_value);
}

void check_label_selector(struct causes *c, const struct path *at, const struct value *selector)
{
    check_label_selector_values(c, at, selector, false);
}

void check_port(struct causes *c, const struct path *at, int64_t port)
{
    check_range(c, at, port, 1, 65535);
}

void check_range(struct causes *c, const struct path *at, int64_t n, int64_t min, int64_t max)
{
    if (n < min || n > max)
        causes_invalid_int(c, at, n, "must be between %lld and %lld, inclusive", (long long)min,
                           (long long)max);
}

void check_port_or_name(struct causes *c, const struct path *at, const struct value *v)
{
    if (v->kind == VALUE_STRING)
        check_name(c, at, value_text(v), name_check_port_name);
    else
        check_port(c, at, value_int(v, 0));
}

void check_non_negative(struct causes *c, const struct path *at, int64_t n)
{
    if (n < 0)
        causes_invalid_int(c, at, n, "must be greater than or equal to 0");
}

void check_positive(struct causes *c, const struct path *at, int64_t n)
{
    if (n <= 0)
        causes_invalid_int(c, at, n, "must be greater than zero");
}

void check_immutable(struct causes *c, const struct path *at, const struct value *now,
                     const struct value *old)
{
    if (!value_equal(now, old))
        causes_invalid(c, at, now, "field is immutable");
}

void check_enum(struct causes *c, const struct path *at, const struct value *v, const char *const *allowed,
                bool required)
{
    struct slice text = value_text(v);
    if (!text.len && required) {
        causes_required(c, at, "");
        return;
    }
    if (!text.len && !value_is_set(v))
        return;
    for (const char *const *p = allowed; *p; p++) {
        if (slice_is(text, *p))
            return;
    }
    causes_not_supported(c, at, text, allowed);
}

void check_quantity_non_negative(struct causes *c, const struct path *at, const struct value *v)
{
    struct quantity q = quantity_of(value_text(v));
    if (quantity_sign(&q) < 0)
        causes_invalid_text(c, at, value_text(v), "must be greater than or equal to 0");
}

void check_cert_chain_pem(struct causes *c, const struct path *at, struct slice pem)
{
    size_t count = 0;
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long der_len = 0;
    bool good = bio != NULL;
    while (good && PEM_read_bio(bio, &name, &header, &der, &der_len)) {
        const unsigned char *p = der;
        if (strcmp(name, "CERTIFICATE") == 0 && !*header) {
            X509 *cert = d2i_X509(NULL, &p, der_len);
            good = cert != NULL;
            count += good;
            X509_free(cert);
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(bio);
    if (!good || !count)
        causes_invalid_shown(c, at, "\"...\"",
                             "must be PEM with at least one certificate, and no broken one");
}
