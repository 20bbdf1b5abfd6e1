#include "base/buf.h"
#include "cel/eval.h"
#include "cel/libraries.h"
#include "cel/types.h"
#include "cel/url.h"

/* URLs and their parts. */

#define FN(name)                                                                                             \
    static struct cel_value name(struct cel_eval *e, const struct cel_value *args, unsigned count)

struct url_value {
    struct cel_opaque head;
    struct url url;
    struct slice text;
};

static const struct url *of(const struct cel_value *v)
{
    return &((const struct url_value *)v->opaque)->url;
}

static bool equal(const struct cel_opaque *a, const struct cel_opaque *b)
{
    return slice_eq(((const struct url_value *)a)->text, ((const struct url_value *)b)->text);
}

static struct slice print(struct arena *arena, const struct cel_opaque *v)
{
    return ((const struct url_value *)v)->text;
}

static const struct cel_opaque_type type = {&cel_type_url, equal, print, NULL};

FN(to_url)
{
    struct slice text = cel_text(&args[0]);
    struct url_value *v = arena_alloc(e->arena, sizeof *v);
    const char *fault = url_parse(e->arena, text, &v->url);
    if (fault)
        return cel_fail(e, "URL parse error during conversion from string: parse \"%.*s\": %s",
                        SLICE_ARG(text), fault);
    v->head.type = &type;
    v->text = text;
    return cel_opaque_value(&v->head);
}

FN(is_url)
{
    struct url url;
    return cel_bool(!url_parse(e->arena, cel_text(&args[0]), &url));
}

FN(scheme)
{
    return cel_string(of(&args[0])->scheme);
}

FN(host)
{
    return cel_string(of(&args[0])->host);
}

FN(hostname)
{
    return cel_string(url_hostname(of(&args[0])));
}

FN(port)
{
    return cel_string(url_port(of(&args[0])));
}

FN(escaped_path)
{
    return cel_string(url_escaped_path(e->arena, of(&args[0])));
}

static void add_parameter(struct cel_eval *e, struct cel_value *map, struct slice name, struct slice value)
{
    struct cel_value key = cel_string(name), item = cel_string(value);
    for (uint32_t i = 0; i < map->len; i++)
        if (cel_equal(&map->map->entries[i].key, &key)) {
            map->map->entries[i].value = cel_list_append(e->arena, map->map->entries[i].value, item);
            return;
        }
    cel_map_put(e->arena, map, key, cel_list_append(e->arena, cel_list_new(e->arena, 1), item));
}

FN(query)
{
    struct cel_value map = cel_map_new(e->arena, 4);
    struct slice rest = of(&args[0])->query, part;
    while (rest.ptr && cel_eval_tick(e) && slice_split(&rest, '&', &part)) {
        struct slice name = part, value = {"", 0}, plain_name, plain_value;
        long equals = slice_find(part, '=');
        if (part.len == 0 || slice_find(part, ';') >= 0)
            continue;
        if (equals >= 0) {
            name.len = (size_t)equals;
            value = slice_from(part, (size_t)equals + 1);
        }
        if (url_unescape(e->arena, name, true, &plain_name) &&
            url_unescape(e->arena, value, true, &plain_value))
            add_parameter(e, &map, plain_name, plain_value);
    }
    return map;
}

#define U "kubernetes.URL"
static const struct cel_row rows[] = {
    {"url", "string_to_url", "(string): " U, to_url, CEL_COST_TEXT},
    {"getScheme", "url_get_scheme", U ".(): string", scheme, CEL_COST_ONE},
    {"getHost", "url_get_host", U ".(): string", host, CEL_COST_ONE},
    {"getHostname", "url_get_hostname", U ".(): string", hostname, CEL_COST_ONE},
    {"getPort", "url_get_port", U ".(): string", port, CEL_COST_ONE},
    {"getEscapedPath", "url_get_escaped_path", U ".(): string", escaped_path, CEL_COST_ONE},
    {"getQuery", "url_get_query", U ".(): map(string, list(string))", query, CEL_COST_ONE},
    {"isURL", "is_url_string", "(string): bool", is_url, CEL_COST_ONE},
};
CEL_LIBRARY(cel_lib_url, rows);
