/* zip: gzip in pieces, for answers that are streamed. One thread at a time. Source: RFC 1952. */
#ifndef APISERVER_ZIP_H
#define APISERVER_ZIP_H

#include "base/buf.h"

struct zip;
struct zip *zip_new(void);
/* Replaces the buffer's bytes by their compressed form; last: ends the stream. */
void zip_add(struct zip *zip, struct buf *bytes, bool last);
void zip_free(struct zip *zip); /* NULL is allowed */

#endif
