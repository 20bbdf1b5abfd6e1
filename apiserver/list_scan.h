/*
 * list_scan: a collection read in slices at one revision, with selectors and limits; what list, watch (its
 * initial state) and deletecollection share. Between slices no read transaction is held. Any thread, one at a
 * time.
 *
 * The continue token names the next key and the revision, so that all pages are of one moment:
 * base64url of {"v":"meta.k8s.io/v1","rv":N,"start":"name","left":M}, where left is how many there were to
 * come (absent if not known).
 */
#ifndef APISERVER_LIST_SCAN_H
#define APISERVER_LIST_SCAN_H

#include "apiserver/object.h"
#include "apiserver/request.h"
#include "openapi/selector.h"

struct list_scan {
    struct request *req;
    struct list_options options;
    struct selector selector;
    struct slice prefix;
    struct slice next; /* the key to go on from; empty: from the prefix's start */
    uint64_t revision; /* of all that is read; 0 until the first slice when the newest will do */
    uint64_t matched;  /* given out so far, over all slices */
    bool done;         /* the end of the collection was reached */
    int64_t left;      /* matches from where this scan began; -1: not known */
};

/* Parses options and selectors, finds the revision. False: req->err is set. May wait for a revision to come:
 * not on a loop, unless list_scan_waits() said no. */
bool list_scan_begin(struct request *req, bool watch, struct list_scan *ret);
bool list_scan_waits(struct request *req);

/* Gives records that match to each(), until it returns false (the rest comes with the next call), `max`
 * matches were given, or the collection ends. False: req->err is set (compacted meanwhile). */
bool list_scan_slice(struct list_scan *scan, size_t max,
                     bool (*each)(void *arg, const struct store_record *record), void *arg);
/* The same without giving them out, nor reading more of them than their keys: where `max` further matches
 * end. */
bool list_scan_skip(struct list_scan *scan, size_t max);
/* The token for what has not been read; empty when done. */
struct slice list_scan_token(const struct list_scan *scan);
/* How many match beyond what was given; -1 when that is not known (a selector is set). */
int64_t list_scan_remaining(const struct list_scan *scan);

bool list_scan_matches_header(const struct selector *selector, const struct schema_resource *resource,
                              struct slice key, struct slice header);

#endif
