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

/* One media range of an Accept header. */
struct clause {
    struct slice type;
    struct slice as, version, group, stream;
    int q; /* thousandths */
};

static int parse_q(struct slice s)
{
    char text[8] = {0};
    memcpy(text, s.ptr, s.len < 7 ? s.len : 7);
    double q = atof(text);
    return q < 0 ? 0 : q > 1 ? 1000 : (int)(q * 1000);
}

static void parse_clause(struct slice text, struct clause *c)
{
    struct slice rest = text, part;
    *c = (struct clause){.q = 1000};
    for (bool first = true; slice_split(&rest, ';', &part); first = false) {
        part = trim(part);
        if (first) {
            c->type = part;
            continue;
        }
        long eq = slice_find(part, '=');
        if (eq < 0)
            continue;
        struct slice key = trim(slice_make(part.ptr, (size_t)eq)), value = trim(slice_from(part, (size_t)eq + 1));
        if (value.len >= 2 && *value.ptr == '"' && value.ptr[value.len - 1] == '"')
            value = slice_make(value.ptr + 1, value.len - 2);
        if (same(key, "q"))
            c->q = parse_q(value);
        else if (same(key, "as"))
            c->as = value;
        else if (same(key, "v"))
            c->version = value;
        else if (same(key, "g"))
            c->group = value;
        else if (same(key, "stream"))
            c->stream = value;
    }
}

static bool clause_media(const struct clause *c, unsigned offers, enum media *ret)
{
    if (same(c->type, "application/json") || same(c->type, "*/*") || same(c->type, "application/*")) {
        *ret = MEDIA_JSON;
        return true;
    }
    if (same(c->type, "application/yaml") && !(offers & OFFER_STREAM)) {
        *ret = MEDIA_YAML;
        return true;
    }
    return false;
}

static bool clause_as(const struct clause *c, unsigned offers, struct accept *a)
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
    a->as = AS_ITSELF;
    if (!c->as.len)
        return true;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!slice_is(c->as, forms[i].name) || !slice_is(c->group, forms[i].group) || !(offers & forms[i].offer))
            continue;
        a->as = forms[i].as;
        a->v1beta1 = slice_is(c->version, "v1beta1");
        bool known = slice_is(c->version, "v1") || (a->v1beta1 && a->as != AS_DISCOVERY) ||
                     (slice_is(c->version, "v2") && a->as == AS_DISCOVERY);
        return known;
    }
    return false;
}

/* Whether the client named a type that we speak at all, if not for this. */
static bool knows_any(struct slice header)
{
    static const char *const known[] = {"application/json", "application/yaml", "application/vnd.kubernetes.protobuf"};
    struct slice rest = header, part;
    while (slice_split(&rest, ',', &part)) {
        struct clause c;
        parse_clause(trim(part), &c);
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (same(c.type, known[i]))
                return true;
    }
    return false;
}

bool negotiate_accept(struct slice header, unsigned offers, struct accept *ret, struct error *err)
{
    struct accept best = {0};
    int best_q = -1;
    struct slice rest = header, part;
    if (!header.ptr || !trim(header).len) {
        *ret = best;
        return true;
    }
    while (slice_split(&rest, ',', &part)) {
        struct clause c;
        struct accept a = {0};
        parse_clause(trim(part), &c);
        if (c.q > best_q && c.q > 0 && clause_media(&c, offers, &a.media) && clause_as(&c, offers, &a)) {
            best = a;
            best_q = c.q;
        }
    }
    if (best_q >= 0) {
        *ret = best;
        return true;
    }
    if (knows_any(header))
        return error_set(err, REASON_NOT_ACCEPTABLE, "only the following media types are accepted: %s",
                         offers & OFFER_STREAM
                             ? "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
                             : "application/json, application/yaml, application/vnd.kubernetes.protobuf");
    if (err)
        err->has_details = true;
    return error_set(err, REASON_NOT_ACCEPTABLE,
                     "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
                     "application/vnd.kubernetes.protobuf, application/json;stream=watch, "
                     "application/vnd.kubernetes.protobuf;stream=watch");
}

const char *media_type(enum media media)
{
    return media == MEDIA_YAML ? "application/yaml" : "application/json";
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
    struct slice type = parameters_parse(header) ? media_type_of(header.ptr ? header : SLICE("")) : SLICE("?");
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
    struct slice rest = header, part;
    while (header.ptr && slice_split(&rest, ',', &part)) {
        struct clause c;
        parse_clause(trim(part), &c);
        if (same(c.type, "gzip") && c.q > 0)
            return true;
    }
    return false;
}
