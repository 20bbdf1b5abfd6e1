/*
 * rule_cases: table-driven tests of a kind's rules. A case is a body (and the object it replaces) as JSON;
 * what is expected are the causes in order, each as "field: start of the message". For tests only.
 */
#ifndef APISERVER_KINDS_RULE_CASES_H
#define APISERVER_KINDS_RULE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "apiserver/kinds/kind.h"
#include "openapi/decode.h"
#include "openapi/default.h"

struct rule_case {
    const char *title;
    const char *resource; /* "apps/v1/deployments", "v1/services" */
    const char *subresource;
    const char *object, *old; /* JSON; old NULL on create */
    const char *causes[8];
    /* Runs before the kind's own code, or NULL. False: it added causes, and that is all that is looked at. */
    bool (*before)(struct kind_request *req, struct value *object, const struct value *old);
};

static inline const struct schema_resource *rule_resource(const char *path)
{
    struct slice parts[3], rest = slice_str(path);
    size_t n = 0;
    while (n < 3 && slice_split(&rest, '/', &parts[n]))
        n++;
    const struct schema_resource *r = n == 3 ? schema_find_resource(parts[0], parts[1], parts[2])
                                             : schema_find_resource(SLICE(""), parts[0], parts[1]);
    if (!r)
        fail_msg("no resource %s", path);
    return r;
}

static inline struct value rule_decode(struct arena *arena, const struct schema_resource *resource,
                                       const char *json)
{
    struct value v = value_absent;
    struct error err;
    error_init(&err, arena);
    if (!decode_json(arena, resource->type, slice_str(json), &v, NULL, &err))
        fail_msg("%s: %s", json, err.message);
    default_object(arena, &v);
    return v;
}

static inline const struct kind *rule_kind(const struct kind *const *group,
                                           const struct schema_resource *resource)
{
    for (; *group; group++)
        if (strcmp((*group)->resource, resource->name) == 0 && strcmp((*group)->group, resource->group) == 0)
            return *group;
    fail_msg("no kind for %s", resource->name);
    return NULL;
}

/* Decodes, defaults, prepares and validates. The object as it would be stored is in *ret_object. */
static inline struct causes rule_run(struct arena *arena, const struct kind *const *group,
                                     const struct rule_case *c, struct value *ret_object,
                                     struct decode_findings *warnings)
{
    const struct schema_resource *resource = rule_resource(c->resource);
    const struct kind *kind = rule_kind(group, resource);
    struct causes causes = {.arena = arena};
    struct kind_request req = {
        .arena = arena, .resource = resource, .causes = &causes, .warnings = warnings, .now = 1700000000};
    struct value old = value_absent;
    req.subresource = slice_str(c->subresource);
    *ret_object = rule_decode(arena, resource, c->object);
    if (c->old)
        old = rule_decode(arena, resource, c->old);
    if (c->before && !c->before(&req, ret_object, c->old ? &old : NULL))
        return causes;
    if (c->old && kind->prepare_update)
        kind->prepare_update(&req, ret_object, &old);
    if (!c->old && kind->prepare_create)
        kind->prepare_create(&req, ret_object);
    if (kind->validate)
        kind->validate(&req, ret_object, c->old ? &old : NULL);
    return causes;
}

static inline void rule_check(const struct kind *const *group, const struct rule_case *c)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value object;
    struct causes found = rule_run(arena, group, c, &object, NULL);
    size_t wanted = 0;
    while (wanted < 8 && c->causes[wanted])
        wanted++;
    for (size_t i = 0; i < found.count || i < wanted; i++) {
        const char *want = i < wanted ? c->causes[i] : "nothing more";
        const char *have = "nothing more";
        if (i < found.count)
            have = arena_printf(arena, "%s: %s", found.items[i].field, found.items[i].message);
        if (strncmp(have, want, strlen(want)) != 0)
            fail_msg("%s, cause %zu\n  want: %s\n  have: %s", c->title, i, want, have);
    }
}

#endif
