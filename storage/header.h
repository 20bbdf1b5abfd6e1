/*
 * header: what a selector needs to know of an object, in few bytes, kept beside its value. Layout (version
 * 1):
 *
 *     u8 version, u8 flags, u16 body (offset in value of what follows `"kind":...,"apiVersion":...,`: list
 * items start there) u8 field count, then per selectable field: u16 length, bytes           -- in the order
 * of the resource's table u16 label count, then per label sorted by key: u8 key length (255: the length
 * follows as u16), u16 value length, key, value
 *
 * Pure; any thread. header_put takes already validated labels. A header that does not parse reads as one
 * without labels.
 */
#ifndef STORAGE_HEADER_H
#define STORAGE_HEADER_H

#include "base/buf.h"

struct header_label {
    struct slice key, value;
};

enum { HEADER_DELETING = 1 /* deletionTimestamp is set */ };

struct header {
    uint8_t flags;
    uint16_t body;
    const struct slice *fields;
    uint8_t field_count;
    const struct header_label *labels;
    uint16_t label_count;
};

void header_put(struct buf *out, const struct header *header);
uint8_t header_flags(struct slice header);
uint16_t header_body(struct slice header);
/* Empty when there is no such field. */
struct slice header_field(struct slice header, unsigned index);
bool header_label(struct slice header, struct slice key, struct slice *ret_value);

#endif
