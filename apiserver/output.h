/*
 * output: how objects, lists and events look in the form the client asked for: as they are, as a Table row or
 * as partial metadata. One place knows what AS_TABLE and AS_PARTIAL mean; the verbs only say which object.
 * Pure but for the clock (ages).
 */
#ifndef APISERVER_OUTPUT_H
#define APISERVER_OUTPUT_H

#include "apiserver/object.h"
#include "apiserver/request.h"
#include "apiserver/write.h"

/* Answers with a tree of `type` as it is: of kinds that are not stored (Scale, reviews). */
void output_object(struct request *req, int code, const struct schema_type *type, const struct value *object);
/* The same for what a write left; uses the stored bytes when they are the answer. */
void output_written(struct request *req, int code, const struct written *written);
/* The same for a record as read: a copy when it can be one. */
void output_record(struct request *req, int code, const struct store_record *record);

/* Appends one item of a list in the asked form, and before it what parts it from others unless it is the
 * first. False: the record cannot be read; nothing was appended. */
bool output_list_item(struct request *req, const struct list_options *options,
                      const struct store_record *record, bool first, struct buf *out);
/* The same for a tree that is not stored. */
bool output_list_object(struct request *req, const struct list_options *options, struct value *object,
                        bool first, struct buf *out);

struct list_head {
    uint64_t revision; /* 0: not told */
    struct slice continue_token;
    int64_t remaining; /* < 0: not told */
    size_t items_len;  /* of all items; a protobuf message begins with its length */
};

/* What stands before and after the items: {"kind":"PodList",...,"items":[ ... ]}. */
void output_list_head(struct request *req, const struct list_head *head, struct buf *out);
void output_list_tail(struct request *req, struct buf *out);
/* Answers with head, items and tail; items_len need not be set. Takes the items over. */
void output_list(struct request *req, struct list_head head, struct buf *items);

/* Are the stored bytes the answer, or must the object be read and written anew? */
bool output_is_as_stored(const struct request *req, struct slice header);
/* One watch event. type "ADDED", ...; header and value: as stored, the JSON. `headers`: the table's column
 * definitions are wanted (the first event). What cannot be read is left out. */
void output_event(struct request *req, const struct list_options *options, const char *type,
                  struct slice header, struct slice value, bool headers, struct buf *out);
/* BOOKMARK of the revision; with the annotation that ends the initial events. */
void output_bookmark(struct request *req, uint64_t revision, bool initial_end, bool headers, struct buf *out);
/* ERROR with a Status. */
void output_event_error(struct request *req, const struct error *err, struct buf *out);

/* Both forms must be possible: asking a list for one object's form is 406. */
bool output_check_form(struct request *req, bool is_list);

#endif
