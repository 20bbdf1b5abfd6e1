/* What is suspicious in the schemas of a custom resource. Upstream: pkg/registry/customresourcedefinition. */
#include "apiserver/kinds/crd.h"
#include "apiserver/kinds/text_set.h"

struct warnings {
    struct arena *arena;
    struct text_set seen;
    const char **texts;
    size_t count, capacity;
};

static bool is_known_format(struct slice type, struct slice format)
{
    static const char *const texts[] = {
        "bsonobjectid", "uri",        "email",    "hostname",     "ipv4",        "ipv6", "cidr",
        "mac",          "uuid",       "uuid3",    "uuid4",        "uuid5",       "isbn", "isbn10",
        "isbn13",       "creditcard", "ssn",      "hexcolor",     "rgbcolor",    "byte", "password",
        "date",         "duration",   "datetime", "k8sshortname", "k8slongname", NULL};
    static const char *const integers[] = {"int32", "int64", NULL}, *const numbers[] = {"float", "double",
                                                                                        NULL};
    char normal[32];
    size_t n = 0;

    if (slice_is(type, "integer"))
        return text_is_one_of(format, integers);
    if (slice_is(type, "number"))
        return text_is_one_of(format, numbers);
    for (size_t i = 0; i < format.len && n < sizeof normal; i++)
        if (format.ptr[i] != '-')
            normal[n++] = format.ptr[i];
    return (!type.len || slice_is(type, "string")) && text_is_one_of(slice_make(normal, n), texts);
}

static void note_warnings(void *arg, const struct value *schema)
{
    struct warnings *w = arg;
    struct slice format = text_at(schema, "format"), type = text_at(schema, "type"), inner;
    struct value items = custom_inner_schema(w->arena, field_of(schema, "items"));
    const char **text;

    inner = text_at(&items, "type");
    if (format.len && !is_known_format(type, format)) {
        text = arena_push(w->arena, &w->texts, &w->count, &w->capacity, sizeof *text);
        *text = arena_printf(w->arena, "unrecognized format \"%.*s\"", SLICE_ARG(format));
    }
    if (value_is(field_of(schema, "x-kubernetes-list-type"), "set") &&
        (slice_is(inner, "object") || slice_is(inner, "array"))) {
        const char *set = arena_printf(
            w->arena,
            "x-kubernetes-list-type: set for items of type \"%.*s\" is not supported by server-side "
            "apply or CEL validation rules",
            SLICE_ARG(inner));
        if (!text_set_add(&w->seen, slice_str(set)))
            return;
        text = arena_push(w->arena, &w->texts, &w->count, &w->capacity, sizeof *text);
        *text = set;
    }
}

static void collect_warnings(struct warnings *w, const struct value *object)
{
    const struct value *versions = value_path(object, "spec.versions");
    size_t count = crd_common(versions, "schema") ? value_count(versions) > 0 : value_count(versions);

    for (size_t i = 0; i < count; i++)
        crd_walk(w->arena, field_of(field_of(value_item(versions, i), "schema"), "openAPIV3Schema"),
                 note_warnings, w);
}

void warn_crd(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct warnings now = {req->arena, TEXT_SET(req->arena), NULL, 0, 0},
                    was = {req->arena, TEXT_SET(req->arena), NULL, 0, 0};
    struct text_set known = TEXT_SET(req->arena);

    collect_warnings(&now, object);
    if (old)
        collect_warnings(&was, old);
    for (size_t i = 0; i < was.count; i++)
        text_set_add(&known, slice_str(was.texts[i]));
    for (size_t i = 0; i < now.count; i++)
        if (!text_set_has(&known, slice_str(now.texts[i])))
            kind_warn(req, "%s", now.texts[i]);
}
