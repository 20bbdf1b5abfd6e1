#include "apiserver/request_info.h"

#include <ctype.h>

static const struct {
    const char *method, *verb;
} method_verbs[] = {
    {"POST", "create"}, {"GET", "get"},     {"HEAD", "get"},
    {"PUT", "update"},  {"PATCH", "patch"}, {"DELETE", "delete"},
};

static const struct {
    const char *name;
    unsigned bit;
} verb_bits[] = {
    {"create", VERB_CREATE}, {"delete", VERB_DELETE}, {"deletecollection", VERB_DELETECOLLECTION},
    {"get", VERB_GET},       {"list", VERB_LIST},     {"patch", VERB_PATCH},
    {"update", VERB_UPDATE}, {"watch", VERB_WATCH},
};

unsigned request_verb_bit(const char *verb)
{
    for (size_t i = 0; i < sizeof verb_bits / sizeof *verb_bits; i++)
        if (strcmp(verb_bits[i].name, verb) == 0)
            return verb_bits[i].bit;
    return 0;
}

static const char *verb_of_method(struct slice method)
{
    for (size_t i = 0; i < sizeof method_verbs / sizeof *method_verbs; i++)
        if (slice_is(method, method_verbs[i].method))
            return method_verbs[i].verb;
    return "";
}

static const char *lower_case(struct arena *arena, struct slice s)
{
    char *copy = arena_strdup(arena, s);
    for (char *p = copy; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

/* Upstream reads any spelling of a Go bool as true and also an empty value ("?watch"). */
static bool asks_to_watch(const struct query *query)
{
    struct slice v = query_get(query, "watch");
    return v.ptr && !slice_is(v, "false") && !slice_is(v, "0") && !slice_is(v, "False") &&
           !slice_is(v, "FALSE") && !slice_is(v, "f") && !slice_is(v, "F");
}

/* fieldSelector=metadata.name=x narrows a collection to one object, for authorization by name. */
static struct slice selected_name(const struct query *query)
{
    struct slice rest = query_get(query, "fieldSelector"), part;
    while (slice_split(&rest, ',', &part)) {
        if (!slice_starts(part, SLICE("metadata.name=")))
            continue;
        struct slice name = slice_from(part, strlen("metadata.name="));
        if (slice_starts(name, SLICE("=")))
            name = slice_from(name, 1);
        return name;
    }
    return slice_make("", 0);
}

static bool is_namespace_subresource(struct slice s)
{
    return slice_is(s, "status") || slice_is(s, "finalize");
}

/* The part after /api/v1 or /apis/g/v. */
static void parse_resource(const struct slice *part, size_t count, struct request_info *info)
{
    if (slice_is(part[0], "namespaces")) {
        if (count > 1) {
            info->namespace = part[1];
            if (count > 2 && !is_namespace_subresource(part[2])) {
                part += 2;
                count -= 2;
            }
        }
    }
    info->resource = part[0];
    if (count > 1)
        info->name = part[1];
    if (count > 2)
        info->subresource = part[2];
    if (count > 3) {
        info->rest = part + 3;
        info->rest_count = count - 3;
    }
}

void request_info_parse(struct arena *arena, struct slice method, struct slice path,
                        const struct slice *segments, size_t count, const struct query *query,
                        struct request_info *ret)
{
    *ret = (struct request_info){.path = path};
    while (count > 0 && segments[count - 1].len == 0) /* a trailing slash says nothing */
        count--;
    bool core = count > 0 && slice_is(segments[0], "api");
    bool group = count > 0 && slice_is(segments[0], "apis");
    size_t at = core ? 2 : 3;
    if ((!core && !group) || count <= at) {
        ret->verb = lower_case(arena, method);
        return;
    }
    ret->is_resource = true;
    ret->api_prefix = segments[0];
    ret->group = core ? slice_make("", 0) : segments[1];
    ret->version = segments[at - 1];
    ret->verb = verb_of_method(method);
    bool watch_path = slice_is(segments[at], "watch") && count > at + 1;
    if (watch_path)
        at++;
    if (slice_is(segments[at], "proxy") && count > at + 1) { /* the old /api/v1/proxy/... form */
        ret->verb = "proxy";
        at++;
    }
    parse_resource(segments + at, count - at, ret);
    if (watch_path) {
        ret->verb = "watch";
    } else if (ret->name.len == 0 && strcmp(ret->verb, "get") == 0) {
        ret->verb = asks_to_watch(query) ? "watch" : "list";
    } else if (ret->name.len == 0 && strcmp(ret->verb, "delete") == 0) {
        ret->verb = "deletecollection";
    }
    if (ret->name.len == 0 && strcmp(ret->verb, "create") != 0)
        ret->name = selected_name(query);
}
