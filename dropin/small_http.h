/*
 * small_http: answers GET and HEAD of a few fixed paths over plain HTTP, one request per connection: enough
 * for health questions, in a process that should weigh nothing. One thread; a bounded number of connections,
 * each with a few KiB and a few seconds: what is slow, large or odd is closed.
 */
#ifndef DROPIN_SMALL_HTTP_H
#define DROPIN_SMALL_HTTP_H

#include "base/buf.h"
#include "base/error.h"

struct small_answer {
    const char *path;
    struct slice body;
};

/* The whole answer to the bytes received so far into *ret_answer; false: the head is not complete yet. */
bool small_http_answer(struct slice received, const struct small_answer *answers, struct buf *ret_answer);

/* Listens at the comma-separated http:// URLs and serves until one of the `ends` descriptors is readable.
 * answers ends with one without a path. Errors: an address that cannot be listened at. */
bool small_http_serve(const char *urls, const struct small_answer *answers, const int *ends, size_t end_count,
                      struct error *err);

#endif
