/* The paths of OpenAPI documents: one operation per verb that a resource or subresource has. */
#include "openapi/document_writer.h"

#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/document_operation.h"

#include <ctype.h>

const char *document_group_id(struct arena *arena, const char *group, bool capital)
{
    struct slice rest = slice_str(*group ? group : "core"), part;
    if (slice_ends(rest, SLICE(".k8s.io")))
        rest.len -= 7;
    cleanup_buf struct buf id = BUF_INIT(1024);
    for (bool first = true; slice_split(&rest, '.', &part); first = false) {
        size_t at = id.len;
        buf_put_slice(&id, part);
        if (part.len && (capital || !first))
            id.data[at] = (char)toupper((unsigned char)id.data[at]);
    }
    return arena_strdup(arena, buf_slice(&id));
}

static const char *capitalized(struct arena *arena, const char *s)
{
    char *copy = arena_strdup(arena, slice_str(s));
    copy[0] = (char)toupper((unsigned char)copy[0]);
    return copy;
}

/* ---- what all operations of a group-version have in common ---- */

struct path_maker {
    struct document_writer *w;
    const struct schema_group_version *gv;
    const char *prefix; /* "/api/v1" */
    const char *id;     /* "CoreV1" */
    const char *tag;    /* "core_v1" */
    bool custom;
};

static struct operation operation_of(const struct path_maker *m, const struct schema_resource *r)
{
    return (struct operation){
        .tag = m->tag, .custom = m->custom, .group = r->group, .version = r->version, .kind = r->kind};
}

static const char *operation_id(const struct path_maker *m, const char *verb, const struct schema_resource *r,
                                const char *middle, const char *end)
{
    return arena_printf(m->w->arena, "%s%s%s%s%s%s", verb, m->id, middle, r->namespaced ? "Namespaced" : "",
                        r->kind, end);
}

/* ---- a resource ---- */

static const struct schema_type *list_type(const struct path_maker *m, const struct schema_resource *r)
{
    const char *name = arena_printf(m->w->arena, "%sList", r->type->openapi);
    const struct schema_type *type = schema_find_type(name);
    return type ? type : r->type;
}

static struct operation list_operation(const struct path_maker *m, const struct schema_resource *r)
{
    struct operation op = operation_of(m, r);
    op.method = "get";
    op.action = "list";
    op.description = arena_printf(m->w->arena, "list or watch objects of kind %s", r->kind);
    op.answer = list_type(m, r);
    op.streams = !m->custom;
    op.parameters = PARAMETERS_LIST;
    return op;
}

static void put_collection(const struct path_maker *m, const struct schema_resource *r)
{
    struct arena *a = m->w->arena;
    document_open_path(
        m->w, arena_printf(a, r->namespaced ? "%s/namespaces/{namespace}/%s" : "%s/%s", m->prefix, r->name));
    struct operation op = operation_of(m, r);
    if (r->verbs & VERB_DELETECOLLECTION) {
        op.method = "delete";
        op.action = "deletecollection";
        op.description = arena_printf(a, "delete collection of %s", r->kind);
        op.id = operation_id(m, "delete", r, "Collection", "");
        op.parameters = m->custom ? PARAMETERS_LIST : PARAMETERS_DELETE_COLLECTION;
        op.body = m->custom ? NULL : &meta_v1_DeleteOptions;
        op.answer = &meta_v1_Status;
        document_put_operation(m->w, &op);
    }
    if (r->verbs & VERB_LIST) {
        op = list_operation(m, r);
        op.id = operation_id(m, "list", r, "", "");
        document_put_operation(m->w, &op);
    }
    if (r->verbs & VERB_CREATE) {
        op = operation_of(m, r);
        op.method = op.action = "post";
        op.description = arena_printf(a, "create %s %s", strchr("AEIOU", r->kind[0]) ? "an" : "a", r->kind);
        op.id = operation_id(m, "create", r, "", "");
        op.parameters = PARAMETERS_WRITE;
        op.body = op.answer = r->type;
        op.body_required = op.creates = op.accepts = true;
        document_put_operation(m->w, &op);
    }
    document_close_path(m->w, (r->namespaced ? PATH_NAMESPACE : 0) | PATH_PRETTY, NULL, NULL);
}

/* get, put, patch of an object or of its subresource. */
static void put_object_operations(const struct path_maker *m, struct operation op, unsigned verbs,
                                  const struct schema_resource *r, const char *what, const char *end)
{
    struct arena *a = m->w->arena;
    const struct schema_type *type = op.answer;
    if (verbs & VERB_GET) {
        op.method = op.action = "get";
        op.description = arena_printf(a, "read %sthe specified %s", what, r->kind);
        op.id = operation_id(m, "read", r, "", end);
        op.parameters = m->custom ? PARAMETERS_GET : PARAMETERS_NONE;
        document_put_operation(m->w, &op);
    }
    op.creates_maybe = op.body_required = true;
    if (verbs & VERB_PATCH) {
        op.method = op.action = "patch";
        op.description = arena_printf(a, "partially update %sthe specified %s", what, r->kind);
        op.id = operation_id(m, "patch", r, "", end);
        op.parameters = PARAMETERS_PATCH;
        op.body = &document_patch_type;
        op.creates_maybe = !m->custom;
        document_put_operation(m->w, &op);
    }
    if (verbs & VERB_UPDATE) {
        op.method = op.action = "put";
        op.description = arena_printf(a, "replace %sthe specified %s", what, r->kind);
        op.id = operation_id(m, "replace", r, "", end);
        op.parameters = PARAMETERS_WRITE;
        op.body = type;
        op.creates_maybe = true;
        document_put_operation(m->w, &op);
    }
}

static const char *object_path(const struct path_maker *m, const struct schema_resource *r)
{
    return arena_printf(m->w->arena, r->namespaced ? "%s/namespaces/{namespace}/%s/{name}" : "%s/%s/{name}",
                        m->prefix, r->name);
}

static void put_object(const struct path_maker *m, const struct schema_resource *r)
{
    document_open_path(m->w, object_path(m, r));
    struct operation op = operation_of(m, r);
    if (r->verbs & VERB_DELETE) {
        op.method = op.action = "delete";
        op.description =
            arena_printf(m->w->arena, "delete %s %s", strchr("AEIOU", r->kind[0]) ? "an" : "a", r->kind);
        op.id = operation_id(m, "delete", r, "", "");
        op.parameters = PARAMETERS_DELETE;
        op.body = &meta_v1_DeleteOptions;
        op.answer = &meta_v1_Status;
        op.accepts = true;
        document_put_operation(m->w, &op);
    }
    op = operation_of(m, r);
    op.answer = r->type;
    put_object_operations(m, op, r->verbs, r, "", "");
    document_close_path(m->w, (r->namespaced ? PATH_NAMESPACE : 0) | PATH_NAME | PATH_PRETTY, r->kind, NULL);
}

/* ---- subresources ---- */

static void put_connect(const struct path_maker *m, const struct schema_resource *r,
                        const struct schema_subresource *s, const char *end)
{
    static const struct {
        unsigned verb;
        const char *method, *id;
    } methods[] = {{VERB_DELETE, "delete", "Delete"}, {VERB_GET, "get", "Get"},
                   {VERB_UPDATE, "head", "Head"},     {VERB_UPDATE, "options", "Options"},
                   {VERB_PATCH, "patch", "Patch"},    {VERB_CREATE, "post", "Post"},
                   {VERB_UPDATE, "put", "Put"}}; /* what takes PUT is a proxy and takes all methods */
    struct operation op = operation_of(m, r);
    op.kind = s->kind;
    op.action = "connect";
    op.connects = true;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (!(s->verbs & methods[i].verb))
            continue;
        op.method = methods[i].method;
        char *upper = arena_strdup(m->w->arena, slice_str(op.method));
        for (char *p = upper; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        op.description =
            arena_printf(m->w->arena, "connect %s requests to %s of %s", upper, s->name, r->kind);
        op.id = operation_id(m, "connect", r, methods[i].id, end);
        document_put_operation(m->w, &op);
    }
}

static bool is_connect(const struct schema_subresource *s)
{
    return slice_ends(slice_str(s->kind), SLICE("Options"));
}

static void put_connect_paths(const struct path_maker *m, const struct schema_resource *r,
                              const struct schema_subresource *s, const char *path, const char *end,
                              unsigned common)
{
    document_open_path(m->w, path);
    put_connect(m, r, s, end);
    document_close_path(m->w, common, s->kind, s->type);
    if (!(s->verbs & VERB_UPDATE))
        return;
    document_open_path(m->w, arena_printf(m->w->arena, "%s/{path}", path));
    put_connect(m, r, s, arena_printf(m->w->arena, "%sWithPath", end));
    document_close_path(m->w, common | PATH_PATH, s->kind, s->type);
}

static void put_subresource(const struct path_maker *m, const struct schema_resource *r,
                            const struct schema_subresource *s)
{
    struct arena *a = m->w->arena;
    const char *path = arena_printf(a, "%s/%s", object_path(m, r), s->name), *end = capitalized(a, s->name);
    unsigned common = (r->namespaced ? PATH_NAMESPACE : 0) | PATH_NAME;
    if (is_connect(s)) {
        put_connect_paths(m, r, s, path, end, common);
        return;
    }
    document_open_path(m->w, path);
    struct operation op = operation_of(m, r);
    op.group = s->kind_group;
    op.version = s->kind_version;
    op.kind = s->kind;
    op.answer = s->type;
    bool log = r->type == &core_v1_Pod && strcmp(s->name, "log") == 0;
    op.text = log;
    if (s->verbs & VERB_CREATE) {
        op.method = op.action = "post";
        op.description =
            arena_printf(a, "create %s of %s %s", s->name, strchr("AEIOU", r->kind[0]) ? "an" : "a", r->kind);
        op.id = operation_id(m, "create", r, "", end);
        op.parameters = PARAMETERS_WRITE;
        op.body = s->type;
        op.body_required = op.creates = op.accepts = true;
        document_put_operation(m->w, &op);
    } else {
        put_object_operations(m, op, s->verbs, r, arena_printf(a, "%s of ", s->name), end);
    }
    document_close_path(m->w, common | PATH_PRETTY, s->verbs & VERB_CREATE ? s->kind : op.kind,
                        log ? &core_v1_PodLogOptions : NULL);
}

/* ---- lists over all namespaces, and the old watch paths ---- */

static void put_list_everywhere(const struct path_maker *m, const struct schema_resource *r)
{
    document_open_path(m->w, arena_printf(m->w->arena, "%s/%s", m->prefix, r->name));
    struct operation op = list_operation(m, r);
    op.id = arena_printf(m->w->arena, "list%s%sForAllNamespaces", m->id, r->kind);
    document_put_operation(m->w, &op);
    document_close_path(m->w, PATH_PRETTY, NULL, NULL);
}

static void put_watch(const struct path_maker *m, const struct schema_resource *r, bool everywhere, bool one)
{
    struct arena *a = m->w->arena;
    const char *middle = r->namespaced && !everywhere ? "namespaces/{namespace}/" : "";
    document_open_path(m->w,
                       arena_printf(a, "%s/watch/%s%s%s", m->prefix, middle, r->name, one ? "/{name}" : ""));
    struct operation op = operation_of(m, r);
    op.method = "get";
    op.action = one ? "watch" : "watchlist";
    op.description = arena_printf(
        a,
        "watch changes of %s of kind %s. deprecated: use the 'watch' parameter with a list operation instead",
        one ? "an object" : "objects", r->kind);
    op.id = everywhere ? arena_printf(a, "watch%s%sListForAllNamespaces", m->id, r->kind)
                       : operation_id(m, "watch", r, "", one ? "" : "List");
    op.parameters = PARAMETERS_LIST;
    op.answer = &meta_v1_WatchEvent;
    op.streams = true;
    document_put_operation(m->w, &op);
    document_close_path(m->w, (*middle ? PATH_NAMESPACE : 0) | (one ? PATH_NAME : 0) | PATH_PRETTY, r->kind,
                        NULL);
}

static void put_watches(const struct path_maker *m, const struct schema_resource *r)
{
    if (!(r->verbs & VERB_WATCH) || m->custom)
        return;
    if (r->namespaced)
        put_watch(m, r, true, false);
    put_watch(m, r, false, false);
    put_watch(m, r, false, true);
}

static void put_resource(const struct path_maker *m, const struct schema_resource *r)
{
    if (r->namespaced && r->verbs & VERB_LIST)
        put_list_everywhere(m, r);
    if (r->verbs & (VERB_LIST | VERB_CREATE | VERB_DELETECOLLECTION))
        put_collection(m, r);
    if (r->verbs & (VERB_GET | VERB_DELETE | VERB_PATCH | VERB_UPDATE))
        put_object(m, r);
    for (unsigned i = 0; i < r->subresource_count; i++)
        put_subresource(m, r, &r->subresources[i]);
    put_watches(m, r);
}

void document_put_group_version_paths(struct document_writer *w, const struct schema_group_version *gv)
{
    struct arena *a = w->arena;
    struct path_maker m = {.w = w, .gv = gv, .custom = !gv->package};
    m.prefix = *gv->group ? arena_printf(a, "/apis/%s/%s", gv->group, gv->version)
                          : arena_printf(a, "/api/%s", gv->version);
    m.id = arena_printf(a, "%s%s", document_group_id(a, gv->group, true), capitalized(a, gv->version));
    m.tag = arena_printf(a, "%s_%s", document_group_id(a, gv->group, false), gv->version);
    if (!m.custom) {
        document_open_path(w, arena_printf(a, "%s/", m.prefix));
        struct operation op = {.method = "get",
                               .description = "get available resources",
                               .tag = m.tag,
                               .answer = &meta_v1_APIResourceList};
        op.id = arena_printf(a, "get%sAPIResources", m.id);
        document_put_operation(w, &op);
        document_close_path(w, 0, NULL, NULL);
    }
    for (unsigned i = 0; i < gv->resource_count; i++)
        put_resource(&m, gv->resources[i]);
}
