/*
 * framing: which bytes belong to an HTTP/1.1 request, decided strictly. Pure; fuzzed with the HTTP/1.1
 * engine.
 *
 * A request that two parsers could cut differently is how one client smuggles a request into another's
 * connection; so whatever RFC 9112 leaves to the recipient's kindness is refused here: two lengths, a length
 * beside a transfer coding, any coding but one "chunked", folded lines, bare line feeds, no Host or two. Any
 * thread.
 */
#ifndef APISERVER_HTTP_FRAMING_H
#define APISERVER_HTTP_FRAMING_H

#include <stdint.h>
#include "apiserver/http/http.h"
#include "base/buf.h"

struct framing {
    bool chunked;
    bool has_length;
    uint64_t length;
    bool keep_alive;
    bool expect_continue;
    bool upgrade; /* Connection: upgrade was there */
    struct slice upgrade_token;
    struct slice host;
};

/* head: all bytes of the request's head with its empty line; headers: lower-case names, as parsed from it
 * (name.ptr NULL is a folded line). Returns 0, or the status of the refusal with the reason in *ret_why. */
int framing_check(struct slice head, int minor_version, const struct http_header *headers, size_t count,
                  struct framing *ret, const char **ret_why);

/* Takes a chunked body apart. Bytes arrive in any portions. */
struct chunked {
    enum chunked_state {
        CHUNKED_SIZE,
        CHUNKED_EXTENSION,
        CHUNKED_SIZE_LF,
        CHUNKED_DATA,
        CHUNKED_DATA_CR,
        CHUNKED_DATA_LF,
        CHUNKED_TRAILER_START,
        CHUNKED_TRAILER,
        CHUNKED_TRAILER_LF,
        CHUNKED_END_LF,
        CHUNKED_DONE,
    } state;
    uint64_t left;
    unsigned digits;
    size_t overhead, data; /* bytes of framing and of content so far */
};

enum chunked_result { CHUNKED_MORE, CHUNKED_COMPLETE, CHUNKED_BAD, CHUNKED_TOO_LARGE };

/* Moves content from *bytes to body (whose max is the limit); *bytes keeps what was not used. */
enum chunked_result chunked_feed(struct chunked *chunked, struct slice *bytes, struct buf *body);

/* True if value, a comma-separated list, has that token (lower case); cases do not matter. */
bool framing_has_token(struct slice value, const char *token);

#endif
