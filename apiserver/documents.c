#include "apiserver/documents.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/log.h"
#include "openapi/discovery.h"
#include "openapi/document.h"

/* The v3 documents that were asked for. */
struct shelf {
    struct v3_document {
        char *key; /* "apis/apps/v1" */
        struct blob *document;
    } * items;
    size_t count, capacity;
};

struct api_documents {
    pthread_mutex_t lock;
    struct shelf built_in; /* for good */
    /* Of the snapshot of this number. */
    uint64_t number;
    struct blob *fixed[DOCUMENT_COUNT];
    struct shelf others;
};

struct api_documents *documents_new(void)
{
    struct api_documents *d = xcalloc(1, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

static void clear_shelf(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        free(shelf->items[i].key);
        blob_unref(shelf->items[i].document);
    }
    free(shelf->items);
    *shelf = (struct shelf){0};
}

static void clear_snapshot(struct api_documents *d)
{
    for (int i = 0; i < DOCUMENT_COUNT; i++) {
        blob_unref(d->fixed[i]);
        d->fixed[i] = NULL;
    }
    clear_shelf(&d->others);
}

void documents_free(struct api_documents *d)
{
    if (!d)
        return;
    clear_snapshot(d);
    clear_shelf(&d->built_in);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* ---- v3; with the lock held ---- */

static struct blob *find(const struct shelf *shelf, struct slice key)
{
    for (size_t i = 0; i < shelf->count; i++)
        if (slice_is(key, shelf->items[i].key))
            return shelf->items[i].document;
    return NULL;
}

static struct blob *keep(struct shelf *shelf, struct slice key, struct blob *document)
{
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity ? shelf->capacity * 2 : 16;
        shelf->items = xrealloc(shelf->items, shelf->capacity * sizeof *shelf->items);
    }
    shelf->items[shelf->count++] = (struct v3_document){slice_strdup(key), document};
    return document;
}

/* "apis/apps/v1" is built in; keys without a group-version are too, but for those of groups that are not. */
static bool is_built_in(struct discovery_list list, struct slice key)
{
    struct slice rest = key, prefix, group, version = {0};
    slice_split(&rest, '/', &prefix);
    if (!slice_is(prefix, "apis") || !slice_split(&rest, '/', &group))
        return true;
    bool names_version = slice_split(&rest, '/', &version);
    for (size_t i = 0; i < list.count; i++)
        if (slice_is(group, list.items[i]->group) &&
            (!names_version || slice_is(version, list.items[i]->version)))
            return list.items[i]->package != NULL;
    return false;
}

/* What is held, not a reference; NULL: there is none. */
static struct blob *v3_document(struct api_documents *d, struct discovery_list list, struct slice key)
{
    struct shelf *shelf = is_built_in(list, key) ? &d->built_in : &d->others;
    struct blob *document = find(shelf, key);
    if (document || !(document = document_v3(list, key)))
        return document;
    return keep(shelf, key, document);
}

struct index_maker {
    struct api_documents *documents;
    struct discovery_list list;
};

/* "apis/<group>/<version>" */
static bool is_document_of(const struct schema_group_version *gv, struct slice key)
{
    struct slice rest = key, prefix, group = {0}, version = {0};
    return slice_split(&rest, '/', &prefix) && slice_is(prefix, "apis") && slice_split(&rest, '/', &group) &&
           slice_is(group, gv->group) && slice_split(&rest, '/', &version) && slice_is(version, gv->version);
}

static void hash_of(void *arg, struct slice key, char ret_hash[DOCUMENT_HASH_SIZE])
{
    struct index_maker *maker = arg;
    for (size_t i = 0; i < maker->list.count; i++) { /* the documents of other servers are theirs */
        const struct schema_group_version *gv = maker->list.items[i];
        if (gv->remote && gv->remote_openapi_hash && is_document_of(gv, key)) {
            snprintf(ret_hash, DOCUMENT_HASH_SIZE, "%s", gv->remote_openapi_hash);
            return;
        }
    }
    document_hash(blob_slice(v3_document(maker->documents, maker->list, key)), ret_hash);
}

/* ---- all ---- */

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

static struct blob *make(struct server *server, struct discovery_list list, enum document which)
{
    struct index_maker maker = {server->documents, list};
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
        return document_v3_index(list, hash_of, &maker);
    case DOCUMENT_OPENAPI_V2:
        return document_v2(list);
    case DOCUMENT_OPENAPI_V2_PROTOBUF:
        return make_v2_protobuf(list);
    case DOCUMENT_COUNT:
        break;
    }
    return NULL;
}

/* With the lock held. What is kept is of the newest snapshot asked about; false: this one is older. */
static bool turn_to(struct api_documents *d, const struct catalogue *catalogue)
{
    uint64_t number = catalogue_number(catalogue);
    if (number > d->number) {
        clear_snapshot(d);
        d->number = number;
    }
    return number == d->number;
}

struct blob *documents_get(struct server *server, const struct catalogue *catalogue, enum document which)
{
    struct api_documents *d = server->documents;
    pthread_mutex_lock(&d->lock);
    struct discovery_list list = catalogue_list(catalogue);
    struct blob *document;
    if (!turn_to(d, catalogue)) {
        document = make(server, list, which);
    } else {
        if (!d->fixed[which])
            d->fixed[which] = make(server, list, which);
        document = blob_ref(d->fixed[which]);
    }
    pthread_mutex_unlock(&d->lock);
    return document;
}

struct blob *documents_openapi_v3(struct server *server, const struct catalogue *catalogue, struct slice path)
{
    struct api_documents *d = server->documents;
    pthread_mutex_lock(&d->lock);
    struct discovery_list list = catalogue_list(catalogue);
    struct blob *document;
    if (turn_to(d, catalogue) || is_built_in(list, path))
        document = v3_document(d, list, path) ? blob_ref(v3_document(d, list, path)) : NULL;
    else
        document = document_v3(list, path);
    pthread_mutex_unlock(&d->lock);
    return document;
}

struct slice documents_etag(struct arena *arena, const struct blob *document)
{
    char *text = arena_bytes(arena, DISCOVERY_ETAG_SIZE);
    discovery_etag(blob_slice(document), text);
    return slice_str(text);
}
