#include "apiserver/negotiate.h"

#include <stdlib.h>
#include <strings.h>

static struct slice trim(struct slice s)
{
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\t'))
        s.ptr++, s.len--;
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool same(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.ptr, text, s.len) == 0;
}

static const char *const media_types[] = {
    [MEDIA_JSON] = "application/json",
    [MEDIA_YAML] = "application/yaml",
    [MEDIA_PROTOBUF] = "application/vnd.kubernetes.protobuf",
};

enum { MEDIA_COUNT = sizeof media_types / sizeof *media_types, MAX_CLAUSES = 64 };

/* One media range of an Accept header. */
struct clause {
    struct slice type, subtype;
    struct slice as, version, group, stream;
    bool converts; /* any of as, version, group was given */
    bool pretty;
    double q;
};

/* As Go's ParseFloat: what is no number at all is 0. */
static double parse_q(struct slice s)
{
    char text[24] = {0}, *end;
    if (!s.len || s.len >= sizeof text || *s.ptr == ' ')
        return 0;
    memcpy(text, s.ptr, s.len);
    double q = strtod(text, &end);
    return *end ? 0 : q;
}

static void parse_parameter(struct slice part, struct clause *c)
{
    long eq = slice_find(part, '=');
    if (eq < 0)
        return;
    struct slice key = trim(slice_make(part.ptr, (size_t)eq)), value = slice_from(part, (size_t)eq + 1);
    if (!value.len || slice_find(value, '=') >= 0)
        return;
    if (slice_is(key, "q"))
        c->q = parse_q(value);
    value = trim(value);
    if (slice_is(key, "as"))
        c->as = value;
    else if (slice_is(key, "v"))
        c->version = value;
    else if (slice_is(key, "g"))
        c->group = value;
    else if (slice_is(key, "stream"))
        c->stream = value;
    else if (slice_is(key, "pretty"))
        c->pretty = slice_is(value, "1");
    c->converts |= slice_is(key, "as") || slice_is(key, "v") || slice_is(key, "g");
}

static bool parse_clause(struct slice text, struct clause *c)
{
    struct slice rest = trim(text), type, part;
    *c = (struct clause){.q = 1};
    if (!slice_split(&rest, ';', &type))
        return false;
    long slash = slice_find(type, '/');
    c->type = trim(slash < 0 ? type : slice_make(type.ptr, (size_t)slash));
    c->subtype = slash < 0 ? SLICE("") : trim(slice_from(type, (size_t)slash + 1));
    if (!c->subtype.len && slice_is(c->type, "*"))
        c->subtype = SLICE("*");
    if (!c->subtype.len || slice_find(c->subtype, '/') >= 0)
        return false;
    while (slice_split(&rest, ';', &part))
        parse_parameter(part, c);
    return true;
}

/* By quality, then what is more specific; else as it came. */
static bool goes_before(const struct clause *a, const struct clause *b)
{
    return a->q > b->q || (!slice_is(a->type, "*") && slice_is(b->type, "*")) ||
           (!slice_is(a->subtype, "*") && slice_is(b->subtype, "*"));
}

static size_t parse_clauses(struct slice header, struct clause clauses[MAX_CLAUSES])
{
    size_t count = 0;
    struct slice rest = header, part;
    while (count < MAX_CLAUSES && slice_split(&rest, ',', &part)) {
        struct clause c;
        if (!parse_clause(part, &c))
            continue;
        size_t at = count++;
        for (; at > 0 && goes_before(&c, &clauses[at - 1]); at--)
            clauses[at] = clauses[at - 1];
        clauses[at] = c;
    }
    return count;
}

/* The form that a clause asks for; false: there is no such one here. */
static bool clause_as(const struct clause *c, enum media media, unsigned offers, struct accept *a)
{
    static const struct {
        const char *name, *group;
        enum media_as as;
        unsigned offer;
    } forms[] = {
        {"Table", "meta.k8s.io", AS_TABLE, OFFER_TABLE},
        {"PartialObjectMetadata", "meta.k8s.io", AS_PARTIAL, OFFER_PARTIAL},
        {"PartialObjectMetadataList", "meta.k8s.io", AS_PARTIAL_LIST, OFFER_PARTIAL},
        {"APIGroupDiscoveryList", "apidiscovery.k8s.io", AS_DISCOVERY, OFFER_DISCOVERY},
    };
    *a = (struct accept){.media = media, .pretty = c->pretty};
    if (!c->converts)
        return media != MEDIA_PROTOBUF || !(offers & OFFER_CUSTOM);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!slice_is(c->as, forms[i].name) || !slice_is(c->group, forms[i].group) ||
            !(offers & forms[i].offer))
            continue;
        a->as = forms[i].as;
        if (a->as == AS_DISCOVERY)
            return slice_is(c->version, "v2");
        a->v1beta1 = slice_is(c->version, "v1beta1");
        return (a->v1beta1 || slice_is(c->version, "v1")) && (a->as != AS_TABLE || media != MEDIA_PROTOBUF);
    }
    return false;
}

static bool clause_matches(const struct clause *c, const char *subtype)
{
    bool any = slice_is(c->subtype, "*");
    return (any && slice_is(c->type, "*")) ||
           (slice_is(c->type, "application") && (any || slice_is(c->subtype, subtype)));
}

static bool clause_accepts(const struct clause *c, enum media media, unsigned offers, struct accept *ret)
{
    if (!clause_matches(c, media_types[media] + strlen("application/")))
        return false;
    bool streams = slice_is(c->stream, "watch") && media != MEDIA_YAML;
    return (!c->stream.len || streams) && clause_as(c, media, offers, ret);
}

static bool choose(const struct clause *clauses, size_t count, unsigned offers, struct accept *ret)
{
    for (size_t i = 0; i < count; i++)
        for (unsigned media = 0; media < MEDIA_COUNT; media++)
            if (clause_accepts(&clauses[i], media, offers, ret))
                return true;
    return false;
}

/* The first step: one range is everything, or a type of the endpoint to the letter. */
static bool names_own_type(struct slice header, unsigned offers)
{
    struct slice rest = header, part;
    if (offers & (OFFER_UNROUTED | OFFER_CUSTOM))
        return true;
    while (slice_split(&rest, ',', &part)) {
        struct slice type = media_type_of(part);
        if (slice_is(type, "*/*") || ((offers & OFFER_TEXT) && slice_is(type, "text/plain")))
            return true;
        for (unsigned media = 0; media < (offers & OFFER_JSON ? 1u : MEDIA_COUNT); media++)
            if (slice_is(type, media_types[media]))
                return true;
    }
    return false;
}

static bool no_representation(unsigned offers, struct error *err)
{
    if (err)
        err->has_details = true;
    return error_set(err, REASON_NOT_ACCEPTABLE, "406: Not Acceptable\n\nAvailable representations: %s%s%s%s",
                     offers & OFFER_TEXT ? "text/plain, " : "", "application/json",
                     offers & OFFER_JSON ? "" : ", application/yaml, application/vnd.kubernetes.protobuf",
                     offers & OFFER_COLLECTION
                         ? ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
                         : "");
}

bool negotiate_accept(struct slice header, unsigned offers, struct accept *ret, struct error *err)
{
    struct clause clauses[MAX_CLAUSES];
    struct accept accept = {0};
    if (header.ptr && header.len && !(offers & OFFER_ANYTHING)) {
        if (!names_own_type(header, offers))
            return no_representation(offers, err);
        if (!(offers & OFFER_JSON) && !choose(clauses, parse_clauses(header, clauses), offers, &accept))
            return error_set(err, REASON_NOT_ACCEPTABLE,
                             "only the following media types are accepted: application/json, "
                             "application/yaml, application/vnd.kubernetes.protobuf");
        if ((offers & OFFER_STREAM) && accept.media == MEDIA_YAML)
            return error_set(err, REASON_NOT_ACCEPTABLE,
                             "only the following media types are accepted: application/json;stream=watch, "
                             "application/vnd.kubernetes.protobuf;stream=watch");
    }
    *ret = accept;
    return true;
}

int negotiate_among(struct slice header, const char *const *subtypes, int count)
{
    struct clause clauses[MAX_CLAUSES];
    size_t clause_count = header.ptr ? parse_clauses(header, clauses) : 0;
    for (size_t i = 0; i < clause_count; i++)
        for (int type = 0; type < count; type++)
            if (clause_matches(&clauses[i], subtypes[type]))
                return type;
    return header.ptr && header.len ? -1 : 0;
}

void negotiate_status(struct slice header, struct accept *ret)
{
    struct clause clauses[MAX_CLAUSES];
    *ret = (struct accept){0};
    if (header.ptr && header.len && !choose(clauses, parse_clauses(header, clauses), 0, ret))
        *ret = (struct accept){.pretty = true};
}

const char *media_type(enum media media)
{
    return media_types[media];
}

const char *accept_content_type(const struct accept *accept)
{
    static const char *const discovery[] = {
        [MEDIA_JSON] = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        [MEDIA_YAML] = "application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        [MEDIA_PROTOBUF] =
            "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    };
    return accept->as == AS_DISCOVERY ? discovery[accept->media] : media_types[accept->media];
}

struct slice media_type_of(struct slice header)
{
    long at = slice_find(header, ';');
    return trim(at < 0 ? header : slice_make(header.ptr, (size_t)at));
}

/* What follows the type is name=value, each time. */
static bool parameters_parse(struct slice header)
{
    struct slice rest = header, part;
    for (bool first = true; header.ptr && slice_split(&rest, ';', &part); first = false)
        if (!first && trim(part).len && slice_find(part, '=') < 0)
            return false;
    return true;
}

bool negotiate_content_type(struct slice header, enum media *ret, struct error *err)
{
    struct slice type =
        parameters_parse(header) ? media_type_of(header.ptr ? header : SLICE("")) : SLICE("?");
    *ret = MEDIA_JSON;
    if (type.len == 0 || same(type, "application/json"))
        return true;
    if (same(type, "application/yaml")) {
        *ret = MEDIA_YAML;
        return true;
    }
    if (same(type, "application/vnd.kubernetes.protobuf")) {
        *ret = MEDIA_PROTOBUF;
        return true;
    }
    return error_set(err, REASON_UNSUPPORTED_MEDIA_TYPE,
                     "the body of the request was in an unknown format - accepted media types include: "
                     "application/json, application/yaml, application/vnd.kubernetes.protobuf");
}

bool accepts_gzip(struct slice header)
{
    struct slice rest = header, part, parameter;
    while (header.ptr && slice_split(&rest, ',', &part)) {
        struct clause c = {.q = 1};
        bool is_gzip = same(media_type_of(part), "gzip");
        for (bool first = true; slice_split(&part, ';', &parameter); first = false)
            if (!first)
                parse_parameter(parameter, &c);
        if (is_gzip && c.q > 0)
            return true;
    }
    return false;
}
