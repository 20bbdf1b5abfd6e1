#include "openapi/document_operation.h"

struct parameter {
    const char *name, *type, *doc;
};

/* In the order of names. The sets below are masks over these. */
static const struct parameter parameters[] = {
    {"allowWatchBookmarks", "boolean",
     "Whether a watch may send bookmarks: events that only carry a resource version to resume from."},
    {"continue", "string", "The token of the previous page of a list, to get the next."},
    {"dryRun", "string", "All: do everything but store the result."},
    {"fieldManager", "string",
     "The name under which the change is noted in managedFields; at most 128 characters."},
    {"fieldSelector", "string", "Only objects with these field values."},
    {"fieldValidation", "string",
     "What to do about unknown and duplicate fields: Ignore, Warn (the default) or Strict."},
    {"force", "boolean", "Apply only: take over fields that other managers have set to other values."},
    {"gracePeriodSeconds", "integer",
     "Seconds until the object is gone; 0 is at once. Missing: the kind's default."},
    {"ignoreStoreReadErrorWithClusterBreakingPotential", "boolean",
     "Delete the object even if what is stored cannot be read; skips finalizers and preconditions."},
    {"labelSelector", "string", "Only objects with these labels."},
    {"limit", "integer", "At most this many objects; the answer holds a continue token if there are more."},
    {"orphanDependents", "boolean", "Old form of propagationPolicy Orphan."},
    {"propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."},
    {"resourceVersion", "string",
     "The state to answer from, or the point after which a watch begins; see resourceVersionMatch."},
    {"resourceVersionMatch", "string", "How resourceVersion limits a list: Exact or NotOlderThan."},
    {"sendInitialEvents", "boolean",
     "A watch sends the present objects first, then a bookmark, then changes."},
    {"shardSelector", "string", "Only objects of one shard of the key space."},
    {"timeoutSeconds", "integer", "The call ends after this many seconds whatever happens."},
    {"watch", "boolean", "Stream changes instead of a list."},
};

enum {
    P_BOOKMARKS,
    P_CONTINUE,
    P_DRY_RUN,
    P_MANAGER,
    P_FIELDS,
    P_VALIDATION,
    P_FORCE,
    P_GRACE,
    P_IGNORE,
    P_LABELS,
    P_LIMIT,
    P_ORPHAN,
    P_PROPAGATION,
    P_VERSION,
    P_MATCH,
    P_INITIAL,
    P_SHARD,
    P_TIMEOUT,
    P_WATCH,
    P_COUNT
};
_Static_assert(sizeof parameters / sizeof *parameters == P_COUNT, "one name per parameter");

#define BIT(n) (1u << (n))
#define SELECT                                                                                               \
    (BIT(P_CONTINUE) | BIT(P_FIELDS) | BIT(P_LABELS) | BIT(P_LIMIT) | BIT(P_VERSION) | BIT(P_MATCH) |        \
     BIT(P_INITIAL) | BIT(P_SHARD) | BIT(P_TIMEOUT))
#define WRITE  (BIT(P_DRY_RUN) | BIT(P_MANAGER) | BIT(P_VALIDATION))
#define REMOVE (BIT(P_DRY_RUN) | BIT(P_GRACE) | BIT(P_IGNORE) | BIT(P_ORPHAN) | BIT(P_PROPAGATION))

static const unsigned sets[] = {
    [PARAMETERS_NONE] = 0,
    [PARAMETERS_GET] = BIT(P_VERSION),
    [PARAMETERS_LIST] = SELECT | BIT(P_BOOKMARKS) | BIT(P_WATCH),
    [PARAMETERS_WRITE] = WRITE,
    [PARAMETERS_PATCH] = WRITE | BIT(P_FORCE),
    [PARAMETERS_DELETE] = REMOVE,
    [PARAMETERS_DELETE_COLLECTION] = SELECT | REMOVE,
};

static void put_parameter(struct document_writer *w, const char *name, const char *in, const char *type,
                          const char *doc, const char **separator)
{
    buf_printf(&w->out, "%s{\"name\":\"%s\",\"in\":\"%s\",", *separator, name, in);
    document_put_member(w, "description", doc);
    if (*in == 'p')
        buf_puts(&w->out, ",\"required\":true");
    if (w->form == DOCUMENT_V3)
        buf_printf(&w->out, ",\"schema\":{\"type\":\"%s\",\"uniqueItems\":true}}", type);
    else
        buf_printf(&w->out, ",\"type\":\"%s\",\"uniqueItems\":true}", type);
    *separator = ",";
}

static void put_body_v2(struct document_writer *w, const struct operation *op, const char **separator)
{
    buf_printf(&w->out, "%s{\"name\":\"body\",\"in\":\"body\",%s\"schema\":{", *separator,
               op->body_required ? "\"required\":true," : "");
    document_put_ref(w, op->body);
    buf_puts(&w->out, "}}");
    *separator = ",";
}

static void put_parameters(struct document_writer *w, const struct operation *op)
{
    const char *separator = "";
    bool body = op->body && w->form == DOCUMENT_V2;
    if (!sets[op->parameters] && !body)
        return;
    buf_puts(&w->out, "\"parameters\":[");
    if (body)
        put_body_v2(w, op, &separator);
    for (unsigned i = 0; i < P_COUNT; i++)
        if (sets[op->parameters] & BIT(i))
            put_parameter(w, parameters[i].name, "query", parameters[i].type, parameters[i].doc, &separator);
    buf_puts(&w->out, "],");
}

/* ---- media types ---- */

static const char *const patch_media[] = {"application/json-patch+json", "application/merge-patch+json",
                                          "application/strategic-merge-patch+json",
                                          "application/apply-patch+yaml", NULL};
static const char *const custom_patch_media[] = {
    "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml", NULL};
static const char *const any_media[] = {"*/*", NULL};
static const char *const custom_media[] = {"application/json", "application/yaml", NULL};
static const char *const media[] = {"application/json", "application/yaml",
                                    "application/vnd.kubernetes.protobuf", NULL};
static const char *const stream_media[] = {"application/json",
                                           "application/yaml",
                                           "application/vnd.kubernetes.protobuf",
                                           "application/json;stream=watch",
                                           "application/vnd.kubernetes.protobuf;stream=watch",
                                           NULL};
static const char *const text_media[] = {"text/plain", "application/json", "application/yaml",
                                         "application/vnd.kubernetes.protobuf", NULL};

static const char *const *consumes(const struct operation *op)
{
    if (op->body == &document_patch_type)
        return op->custom ? custom_patch_media : patch_media;
    return op->custom ? custom_media : any_media;
}

static const char *const *produces(const struct operation *op)
{
    return op->connects  ? any_media
           : op->custom  ? custom_media
           : op->text    ? text_media
           : op->streams ? stream_media
                         : media;
}

static void put_media_list(struct document_writer *w, const char *key, const char *const *types,
                           const char *only)
{
    buf_printf(&w->out, "\"%s\":[", key);
    if (only)
        buf_printf(&w->out, "\"%s\"", only);
    for (size_t i = 0; !only && types[i]; i++)
        buf_printf(&w->out, "%s\"%s\"", i ? "," : "", types[i]);
    buf_puts(&w->out, "],");
}

static void put_schema(struct document_writer *w, const struct schema_type *type)
{
    buf_puts(&w->out, "\"schema\":{");
    if (type)
        document_put_ref(w, type);
    else
        buf_puts(&w->out, "\"type\":\"string\"");
    buf_putc(&w->out, '}');
}

static void put_content(struct document_writer *w, const char *const *types, const char *only,
                        const struct schema_type *type)
{
    const char *const single[] = {only, NULL};
    buf_puts(&w->out, "\"content\":{");
    types = only ? single : types;
    for (size_t i = 0; types[i]; i++) {
        buf_printf(&w->out, "%s\"%s\":{", i ? "," : "", types[i]);
        put_schema(w, type);
        buf_putc(&w->out, '}');
    }
    buf_putc(&w->out, '}');
}

/* ---- operations ---- */

static void put_answer(struct document_writer *w, const struct operation *op, const char *code,
                       const char *meaning)
{
    const struct schema_type *type = op->text || op->connects ? NULL : op->answer;
    buf_printf(&w->out, "\"%s\":{\"description\":\"%s\",", code, meaning);
    if (w->form == DOCUMENT_V3)
        put_content(w, produces(op), op->json, type);
    else
        put_schema(w, type);
    buf_puts(&w->out, "},");
}

static void put_answers(struct document_writer *w, const struct operation *op)
{
    buf_puts(&w->out, "\"responses\":{");
    put_answer(w, op, "200", "OK");
    if (op->creates || op->creates_maybe)
        if (op->body)
            put_answer(w, op, "201", "Created");
    if (op->accepts)
        put_answer(w, op, "202", "Accepted");
    buf_puts(&w->out, "\"401\":{\"description\":\"Unauthorized\"}}");
}

void document_put_operation(struct document_writer *w, const struct operation *op)
{
    bool v3 = w->form == DOCUMENT_V3;
    if (w->out.data[w->out.len - 1] != '{')
        buf_putc(&w->out, ',');
    buf_printf(&w->out, "\"%s\":{\"tags\":[\"%s\"],", op->method, op->tag);
    document_put_member(w, "description", op->description);
    buf_printf(&w->out, ",\"operationId\":\"%s\",", op->id);
    if (!v3) {
        put_media_list(w, "consumes", op->body || op->connects ? consumes(op) : media, op->json);
        put_media_list(w, "produces", produces(op), op->json);
        buf_puts(&w->out, "\"schemes\":[\"https\"],");
    }
    put_parameters(w, op);
    if (v3 && op->body) {
        buf_puts(&w->out, "\"requestBody\":{");
        put_content(w, consumes(op), NULL, op->body);
        buf_puts(&w->out, op->body_required ? ",\"required\":true}," : "},");
    }
    put_answers(w, op);
    if (op->kind) {
        buf_printf(&w->out, ",\"x-kubernetes-action\":\"%s\"", op->action);
        buf_printf(
            &w->out,
            ",\"x-kubernetes-group-version-kind\":{\"group\":\"%s\",\"version\":\"%s\",\"kind\":\"%s\"}",
            op->group, op->version, op->kind);
    }
    buf_putc(&w->out, '}');
}

/* ---- paths ---- */

void document_open_path(struct document_writer *w, const char *path)
{
    if (w->out.data[w->out.len - 1] != '{')
        buf_putc(&w->out, ',');
    buf_printf(&w->out, "\"%s\":{", path);
}

static const char *query_type(const struct schema *s)
{
    if (s->kind == SCHEMA_LIST)
        s = s->elem;
    return s->kind == SCHEMA_STRING                             ? "string"
           : s->kind == SCHEMA_BOOL                             ? "boolean"
           : s->kind == SCHEMA_INT32 || s->kind == SCHEMA_INT64 ? "integer"
                                                                : NULL;
}

void document_close_path(struct document_writer *w, unsigned flags, const char *name_kind,
                         const struct schema_type *options)
{
    const char *separator = "";
    if (flags || options) {
        buf_puts(&w->out, ",\"parameters\":[");
        if (flags & PATH_NAME)
            put_parameter(w, "name", "path", "string", arena_printf(w->arena, "name of the %s", name_kind),
                          &separator);
        if (flags & PATH_NAMESPACE)
            put_parameter(w, "namespace", "path", "string", "The namespace of the object.", &separator);
        if (flags & PATH_PATH)
            put_parameter(w, "path", "path", "string", "path to the resource", &separator);
        if (flags & PATH_PRETTY)
            put_parameter(w, "pretty", "query", "string",
                          "Whether to print the answer with line breaks and indentation.", &separator);
        for (unsigned i = 2; options && i < options->field_count; i++) /* after kind and apiVersion */
            if (query_type(&options->fields[i].schema))
                put_parameter(w, options->fields[i].name, "query", query_type(&options->fields[i].schema),
                              options->fields[i].doc, &separator);
        buf_putc(&w->out, ']');
    }
    buf_putc(&w->out, '}');
}
