/*
 * negotiate: what form the answer takes (Accept) and the body has (Content-Type). Pure.
 * Source: RFC 9110 §12,
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
 */
#ifndef APISERVER_NEGOTIATE_H
#define APISERVER_NEGOTIATE_H

#include "base/error.h"

enum media { MEDIA_JSON, MEDIA_YAML, MEDIA_PROTOBUF };

enum media_as {
    AS_ITSELF,
    AS_TABLE,
    AS_PARTIAL,
    AS_PARTIAL_LIST,
    AS_DISCOVERY /* aggregated discovery v2 */
};

struct accept {
    enum media media;
    enum media_as as;
    bool pretty;
    bool v1beta1; /* the asked version of Table or PartialObjectMetadata */
};

/* What an endpoint can give, besides plain objects in JSON, YAML and protobuf. */
enum {
    OFFER_TABLE = 1,
    OFFER_PARTIAL = 2,
    OFFER_DISCOVERY = 4,
    OFFER_STREAM = 8,      /* a watch: no YAML */
    OFFER_COLLECTION = 16, /* the endpoint can watch too, which refusals tell */
    OFFER_TEXT = 32,       /* plain text as well */
    OFFER_ANYTHING = 64,   /* the form of the answer is not ours to say */
    OFFER_JSON = 128,      /* JSON alone */
    OFFER_UNROUTED = 256,  /* without the first step below */
    OFFER_CUSTOM = 512,    /* custom objects: so too; and in protobuf only as partial metadata */
};

/*
 * As upstream does it, in two steps: one of the media ranges must be an endpoint's own type or everything
 * (partial wildcards do not count there, nor do quality values); then the ranges, by falling quality, the
 * more specific first, are tried with their parameters; a quality of 0 is merely the lowest. header.ptr NULL:
 * everything is accepted. False: REASON_NOT_ACCEPTABLE.
 */
bool negotiate_accept(struct slice header, unsigned offers, struct accept *ret, struct error *err);
/* Which of the types (of "application/") the client likes best; -1: none of them. */
int negotiate_among(struct slice header, const char *const *subtypes, int count);
/* The form of a Status that tells of a failure: what the client takes, else JSON for people. */
void negotiate_status(struct slice header, struct accept *ret);
const char *media_type(enum media media);
/* The same with what discovery documents add to it. */
const char *accept_content_type(const struct accept *accept);

/* Content-Type of a body that is an object: JSON (also when empty), YAML or protobuf; false: 415. */
bool negotiate_content_type(struct slice header, enum media *ret, struct error *err);
/* The media type without parameters, lower case not applied: views. */
struct slice media_type_of(struct slice header);
/* Whether Accept-Encoding has gzip with a q that is not 0. */
bool accepts_gzip(struct slice header);

#endif
