#include "openapi/document.h"

#include "openapi/document_operation.h"
#include "openapi/document_writer.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/gen/version.h"

/* ---- paths that belong to no group-version ---- */

static const struct fixed_path {
    const char *key, *path, *id, *tag, *description;
    const struct schema_type *answer;
    const char *json; /* the only media type, or NULL: those of API objects */
} fixed_paths[] = {
    {".well-known/openid-configuration", "/.well-known/openid-configuration/",
     "getServiceAccountIssuerOpenIDConfiguration", "WellKnown",
     "get the OpenID configuration of the issuer of service account tokens", NULL, "application/json"},
    {"api", "/api/", "getCoreAPIVersions", "core", "get available API versions", &meta_v1_APIVersions, NULL},
    {"apis", "/apis/", "getAPIVersions", "apis", "get available API versions", &meta_v1_APIGroupList, NULL},
    {"openid/v1/jwks", "/openid/v1/jwks/", "getServiceAccountIssuerOpenIDKeyset", "openid",
     "get the keys of the issuer of service account tokens", NULL, "application/jwk-set+json"},
    {"version", "/version/", "getCodeVersion", "version", "get the version of this server", &version_Info,
     "application/json"},
};
enum { FIXED_COUNT = sizeof fixed_paths / sizeof *fixed_paths };

static void put_fixed_path(struct document_writer *w, const struct fixed_path *f)
{
    struct operation op = {.method = "get",
                           .id = f->id,
                           .tag = f->tag,
                           .description = f->description,
                           .answer = f->answer,
                           .json = f->json};
    document_open_path(w, f->path);
    document_put_operation(w, &op);
    document_close_path(w, 0, NULL, NULL);
}

static void put_group_path(struct document_writer *w, const char *group)
{
    struct operation op = {
        .method = "get", .description = "get information of a group", .answer = &meta_v1_APIGroup};
    op.tag = document_group_id(w->arena, group, false);
    op.id = arena_printf(w->arena, "get%sAPIGroup", document_group_id(w->arena, group, true));
    document_open_path(w, arena_printf(w->arena, "/apis/%s/", group));
    document_put_operation(w, &op);
    document_close_path(w, 0, NULL, NULL);
}

/* ---- v3 ---- */

static const char security[] =
    "{\"BearerToken\":{\"type\":\"apiKey\",\"description\":\"Bearer Token authentication\","
    "\"name\":\"authorization\",\"in\":\"header\"}}";

static struct blob *finish_v3(struct document_writer *w)
{
    buf_puts(&w->out, "},\"components\":{");
    size_t at = w->out.len;
    buf_puts(&w->out, "\"schemas\":{");
    document_put_definitions(w);
    if (w->type_count)
        buf_puts(&w->out, "},");
    else
        w->out.len = at;
    buf_printf(&w->out, "\"securitySchemes\":%s}}", security);
    struct blob *blob = blob_from_buf(&w->out);
    document_writer_release(w);
    return blob;
}

/* "apis/apps/v1" -> its group-version; "apis/apps" -> *ret_group. */
static const struct schema_group_version *find_key(struct discovery_list list, struct slice key,
                                                   const char **ret_group)
{
    bool core = slice_starts(key, SLICE("api/"));
    struct slice rest = slice_from(key, core ? 4 : 5);
    if (!core && !slice_starts(key, SLICE("apis/")))
        return NULL;
    for (size_t i = 0; i < list.count; i++) {
        const struct schema_group_version *gv = list.items[i];
        size_t n = strlen(gv->group);
        if (core ? !n && slice_is(rest, gv->version)
                 : n && rest.len > n && rest.ptr[n] == '/' && memcmp(rest.ptr, gv->group, n) == 0 &&
                       slice_is(slice_from(rest, n + 1), gv->version))
            return gv;
        if (!core && n && slice_is(rest, gv->group))
            *ret_group = gv->group;
    }
    return NULL;
}

struct blob *document_v3(struct discovery_list list, struct slice key)
{
    const char *group = NULL;
    const struct schema_group_version *gv = find_key(list, key, &group);
    const struct fixed_path *fixed = NULL;
    for (size_t i = 0; i < FIXED_COUNT; i++)
        if (slice_is(key, fixed_paths[i].key))
            fixed = &fixed_paths[i];
    if (!gv && !group && !fixed)
        return NULL;
    struct document_writer w;
    document_writer_init(&w, DOCUMENT_V3, list);
    w.group_version = gv;
    buf_puts(&w.out,
             "{\"openapi\":\"3.0.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":\"v" DOCUMENT_API_VERSION
             "\"},\"paths\":{");
    if (gv)
        document_put_group_version_paths(&w, gv);
    else if (fixed)
        put_fixed_path(&w, fixed);
    else
        put_group_path(&w, group);
    return finish_v3(&w);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool begins_group(struct discovery_list list, size_t i)
{
    return i == 0 || strcmp(list.items[i - 1]->group, list.items[i]->group) != 0;
}

/* The keys of all v3 documents, sorted. Custom groups have none for the group itself. */
static size_t all_keys(struct arena *arena, struct discovery_list list, const char ***ret_keys)
{
    const char **keys = arena_alloc(arena, (list.count * 2 + FIXED_COUNT) * sizeof *keys);
    size_t count = 0;
    for (size_t i = 0; i < FIXED_COUNT; i++)
        keys[count++] = fixed_paths[i].key;
    for (size_t i = 0; i < list.count; i++) {
        const struct schema_group_version *gv = list.items[i];
        if (gv->remote && !gv->remote_openapi_hash)
            continue;
        keys[count++] = *gv->group ? arena_printf(arena, "apis/%s/%s", gv->group, gv->version)
                                   : arena_printf(arena, "api/%s", gv->version);
        if (*gv->group && gv->package && begins_group(list, i))
            keys[count++] = arena_printf(arena, "apis/%s", gv->group);
    }
    qsort(keys, count, sizeof *keys, by_text);
    *ret_keys = keys;
    return count;
}

struct blob *
document_v3_index(struct discovery_list list,
                  void (*hash_of)(void *arg, struct slice key, char ret_hash[DOCUMENT_HASH_SIZE]), void *arg)
{
    cleanup_arena struct arena *arena = arena_new();
    struct buf out = BUF_INIT(1 << 24);
    const char **keys;
    size_t count = all_keys(arena, list, &keys);
    buf_puts(&out, "{\"paths\":{");
    for (size_t i = 0; i < count; i++) {
        char hash[DOCUMENT_HASH_SIZE];
        hash_of(arg, slice_str(keys[i]), hash);
        buf_printf(&out, "%s\"%s\":{\"serverRelativeURL\":\"/openapi/v3/%s?hash=%s\"}", i ? "," : "", keys[i],
                   keys[i], hash);
    }
    buf_puts(&out, "}}\n");
    return blob_from_buf(&out);
}

/* ---- v2 ---- */

struct blob *document_v2(struct discovery_list list)
{
    struct document_writer w;
    document_writer_init(&w, DOCUMENT_V2, list);
    buf_puts(&w.out,
             "{\"swagger\":\"2.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":\"v" DOCUMENT_API_VERSION
             "\"},\"paths\":{");
    for (size_t i = 0; i < FIXED_COUNT; i++)
        put_fixed_path(&w, &fixed_paths[i]);
    for (size_t i = 0; i < list.count; i++) {
        if (*list.items[i]->group && list.items[i]->package && begins_group(list, i))
            put_group_path(&w, list.items[i]->group);
        document_put_group_version_paths(&w, list.items[i]);
    }
    buf_puts(&w.out, "},\"definitions\":{");
    document_put_definitions(&w);
    buf_printf(&w.out, "},\"securityDefinitions\":%s,\"security\":[{\"BearerToken\":[]}]}\n", security);
    struct blob *blob = blob_from_buf(&w.out);
    document_writer_release(&w);
    return blob;
}
