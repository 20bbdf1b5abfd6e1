/*
 * negotiate: what form the answer takes (Accept) and the body has (Content-Type). Pure.
 * Source: RFC 9110 §12, https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
 */
#ifndef APISERVER_NEGOTIATE_H
#define APISERVER_NEGOTIATE_H

#include "base/error.h"

enum media { MEDIA_JSON, MEDIA_YAML, MEDIA_PROTOBUF };

enum media_as { AS_ITSELF, AS_TABLE, AS_PARTIAL, AS_PARTIAL_LIST, AS_DISCOVERY /* aggregated discovery v2 */ };

struct accept {
    enum media media;
    enum media_as as;
    bool pretty;
    bool v1beta1; /* the asked version of Table or PartialObjectMetadata */
};

/* What a handler can give. */
enum { OFFER_TABLE = 1, OFFER_PARTIAL = 2, OFFER_DISCOVERY = 4, OFFER_STREAM = 8 /* no YAML */ };

/* header.ptr NULL: everything is accepted. False: REASON_NOT_ACCEPTABLE. */
bool negotiate_accept(struct slice header, unsigned offers, struct accept *ret, struct error *err);
const char *media_type(enum media media);

/* Content-Type of a body that is an object: JSON (also when empty), YAML or protobuf; false: 415. */
bool negotiate_content_type(struct slice header, enum media *ret, struct error *err);
/* The media type without parameters, lower case not applied: views. */
struct slice media_type_of(struct slice header);
/* Whether Accept-Encoding has gzip with a q that is not 0. */
bool accepts_gzip(struct slice header);

#endif
