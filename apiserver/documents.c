#include "apiserver/documents.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/log.h"
#include "openapi/discovery.h"
#include "openapi/document.h"

enum { MAX_GROUP_VERSIONS = 64, MAX_KEYS = 128 };

struct v3_document {
    char *key; /* "apis/apps/v1" */
    struct blob *document;
};

struct api_documents {
    pthread_mutex_t lock;
    struct blob *fixed[DOCUMENT_COUNT];
    struct v3_document v3[MAX_KEYS];
    size_t v3_count;
};

struct api_documents *documents_new(void)
{
    struct api_documents *d = xcalloc(1, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

void documents_free(struct api_documents *d)
{
    if (!d)
        return;
    for (int i = 0; i < DOCUMENT_COUNT; i++)
        blob_unref(d->fixed[i]);
    for (size_t i = 0; i < d->v3_count; i++) {
        free(d->v3[i].key);
        blob_unref(d->v3[i].document);
    }
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static struct discovery_list all_group_versions(const struct schema_group_version **items)
{
    for (unsigned i = 0; i < schema_group_version_count; i++)
        items[i] = &schema_group_versions[i];
    return (struct discovery_list){items, schema_group_version_count};
}

/* Both v2 forms are large and rarely asked for: the JSON is only a step here. */
static struct blob *make_v2_protobuf(struct discovery_list list)
{
    cleanup_blob struct blob *json = document_v2(list);
    struct error err = ERROR_INIT;
    struct blob *message = document_v2_protobuf(blob_slice(json), &err);
    if (!message)
        log_error("OpenAPI v2 has no protobuf form", LOG_S("error", err.message));
    error_release(&err);
    return message ? message : blob_static(SLICE(""));
}

static struct blob *make(struct server *server, enum document which)
{
    const struct schema_group_version *items[MAX_GROUP_VERSIONS];
    struct discovery_list list = all_group_versions(items);
    switch (which) {
    case DOCUMENT_API:
        return discovery_core_versions(slice_str(server->config.listen));
    case DOCUMENT_APIS:
        return discovery_groups(list);
    case DOCUMENT_API_AGGREGATED:
        return discovery_aggregated(list, true);
    case DOCUMENT_APIS_AGGREGATED:
        return discovery_aggregated(list, false);
    case DOCUMENT_OPENAPI_INDEX:
        return document_v3_index(list);
    case DOCUMENT_OPENAPI_V2:
        return document_v2(list);
    case DOCUMENT_OPENAPI_V2_PROTOBUF:
        return make_v2_protobuf(list);
    case DOCUMENT_COUNT:
        break;
    }
    return NULL;
}

struct blob *documents_get(struct server *server, enum document which)
{
    struct api_documents *d = server->documents;
    pthread_mutex_lock(&d->lock);
    if (!d->fixed[which])
        d->fixed[which] = make(server, which);
    struct blob *document = blob_ref(d->fixed[which]);
    pthread_mutex_unlock(&d->lock);
    return document;
}

bool documents_has_group(struct slice group)
{
    for (unsigned i = 0; i < schema_group_version_count; i++)
        if (group.len && slice_is(group, schema_group_versions[i].group))
            return true;
    return false;
}

struct blob *documents_group(struct server *server, struct slice group)
{
    (void)server;
    const struct schema_group_version *items[MAX_GROUP_VERSIONS];
    return discovery_group(all_group_versions(items), group);
}

struct blob *documents_group_version(struct server *server, struct slice group, struct slice version)
{
    (void)server;
    for (unsigned i = 0; i < schema_group_version_count; i++) {
        const struct schema_group_version *gv = &schema_group_versions[i];
        if (slice_is(group, gv->group) && slice_is(version, gv->version))
            return discovery_resources(gv);
    }
    return NULL;
}

struct slice documents_etag(struct arena *arena, const struct blob *document)
{
    char *text = arena_bytes(arena, DISCOVERY_ETAG_SIZE);
    discovery_etag(blob_slice(document), text);
    return slice_str(text);
}

/* With the lock held. */
static struct blob *make_v3(struct api_documents *d, struct slice key)
{
    const struct schema_group_version *items[MAX_GROUP_VERSIONS];
    for (size_t i = 0; i < d->v3_count; i++)
        if (slice_is(key, d->v3[i].key))
            return d->v3[i].document;
    struct blob *document = document_v3(all_group_versions(items), key);
    if (document && d->v3_count < MAX_KEYS)
        d->v3[d->v3_count++] = (struct v3_document){slice_strdup(key), document};
    return document;
}

struct blob *documents_openapi_v3(struct server *server, struct slice path)
{
    struct api_documents *d = server->documents;
    pthread_mutex_lock(&d->lock);
    struct blob *document = make_v3(d, path);
    if (document)
        blob_ref(document);
    pthread_mutex_unlock(&d->lock);
    return document;
}
