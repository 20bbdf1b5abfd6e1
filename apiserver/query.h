/*
 * query: a URL's query as Go's url.ParseQuery reads it: pairs in order, percent and plus decoded, pairs with
 * a bad escape or a semicolon dropped. Pure; views into the arena or the raw query.
 */
#ifndef APISERVER_QUERY_H
#define APISERVER_QUERY_H

#include "base/arena.h"

struct query_pair {
    struct slice key, value;
};

struct query {
    struct query_pair *pairs;
    size_t count;
};

void query_parse(struct arena *arena, struct slice raw, struct query *ret);
/* The first value of the key; ptr NULL if there is none. */
struct slice query_get(const struct query *query, const char *key);
/* Percent-decodes one path segment or query part into the arena; false on a bad escape. */
bool query_unescape(struct arena *arena, struct slice text, bool plus_is_space, struct slice *ret);

#endif
