/*
 * url: URLs as Go's net/url reads them (RFC 3986 with its leniences), for requests: absolute, or a path from
 * the root. Private to cel/.
 */
#ifndef CEL_URL_H
#define CEL_URL_H

#include "base/arena.h"

struct url {
    struct slice scheme; /* lower case */
    struct slice host;   /* with the port, percent escapes resolved */
    struct slice raw_path, query, fragment, user;
    bool opaque; /* "mailto:x": no path */
};

/* NULL, or Go's reason. */
const char *url_parse(struct arena *arena, struct slice text, struct url *ret);
struct slice url_hostname(const struct url *url); /* without brackets and port */
struct slice url_port(const struct url *url);
/* The path, with what must be escaped escaped. */
struct slice url_escaped_path(struct arena *arena, const struct url *url);
/* Percent escapes (and + as a space) resolved; false: a broken escape. */
bool url_unescape(struct arena *arena, struct slice text, bool plus, struct slice *ret);

#endif
