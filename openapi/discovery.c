#include "openapi/discovery.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

static bool is_core(const struct schema_group_version *gv)
{
    return !*gv->group;
}

static void put_text(struct buf *out, const char *s)
{
    buf_put_json_string(out, slice_str(s));
}

static void put_member(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "\"%s\":", key);
    put_text(out, text);
}

static void put_texts(struct buf *out, const char *key, const char *const *texts)
{
    if (!texts || !texts[0])
        return;
    buf_printf(out, ",\"%s\":[", key);
    for (size_t i = 0; texts[i]; i++) {
        if (i)
            buf_putc(out, ',');
        put_text(out, texts[i]);
    }
    buf_putc(out, ']');
}

static void put_verbs(struct buf *out, unsigned verbs, bool custom)
{
    static const struct {
        unsigned bit;
        const char *name;
    } sorted[] =
        {{VERB_CREATE, "create"}, {VERB_DELETE, "delete"}, {VERB_DELETECOLLECTION, "deletecollection"},
         {VERB_GET, "get"},       {VERB_LIST, "list"},     {VERB_PATCH, "patch"},
         {VERB_UPDATE, "update"}, {VERB_WATCH, "watch"}},
      /* Custom resources list theirs in this order, since ever. */
        custom_order[] = {{VERB_DELETE, "delete"}, {VERB_DELETECOLLECTION, "deletecollection"},
                          {VERB_GET, "get"},       {VERB_LIST, "list"},
                          {VERB_PATCH, "patch"},   {VERB_CREATE, "create"},
                          {VERB_UPDATE, "update"}, {VERB_WATCH, "watch"}};
    const char *separator = "";
    buf_puts(out, "\"verbs\":[");
    for (size_t i = 0; i < 8; i++) {
        unsigned bit = custom ? custom_order[i].bit : sorted[i].bit;
        if (!(verbs & bit))
            continue;
        buf_printf(out, "%s\"%s\"", separator, custom ? custom_order[i].name : sorted[i].name);
        separator = ",";
    }
    buf_putc(out, ']');
}

/* Stored objects have a storage version; reviews, bindings and the like do not. */
static bool is_stored(const struct schema_resource *r)
{
    return (r->verbs & VERB_GET) && (r->verbs & VERB_CREATE);
}

void discovery_storage_hash(const struct schema_resource *resource, char ret_hash[13])
{
    const struct schema_resource *stored = resource->storage ? resource->storage : resource;
    cleanup_buf struct buf text = BUF_INIT(4096);
    buf_printf(&text, "%s/%s/%s", stored->group,
               stored->storage_version ? stored->storage_version : stored->version, stored->kind);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text.data, text.len, digest);
    EVP_EncodeBlock((unsigned char *)ret_hash, digest, 8);
}

void discovery_etag(struct slice document, char ret_etag[DISCOVERY_ETAG_SIZE])
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char digest[SHA512_DIGEST_LENGTH];
    SHA512((const unsigned char *)document.ptr, document.len, digest);
    char *p = ret_etag;
    *p++ = '"';
    for (size_t i = 0; i < sizeof digest; i++) {
        *p++ = hex[digest[i] >> 4];
        *p++ = hex[digest[i] & 15];
    }
    *p++ = '"';
    *p = '\0';
}

struct blob *discovery_core_versions(struct slice server_address)
{
    struct buf out = BUF_INIT(1 << 16);
    buf_puts(&out, "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":"
                   "[{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":");
    buf_put_json_string(&out, server_address);
    buf_puts(&out, "}]}\n");
    return blob_from_buf(&out);
}

/* ---- groups ---- */

static void put_version(struct buf *out, const struct schema_group_version *gv)
{
    buf_printf(out, "{\"groupVersion\":\"%s/%s\",\"version\":\"%s\"}", gv->group, gv->version, gv->version);
}

/* The members of an APIGroup after kind and apiVersion. `first` is where the group's versions begin. */
static void put_group(struct buf *out, struct discovery_list list, size_t first)
{
    const struct schema_group_version *preferred = list.items[first];
    put_member(out, "name", preferred->group);
    buf_puts(out, ",\"versions\":[");
    for (size_t i = first; i < list.count && strcmp(list.items[i]->group, preferred->group) == 0; i++) {
        if (i > first)
            buf_putc(out, ',');
        put_version(out, list.items[i]);
    }
    for (size_t i = first; i < list.count && strcmp(list.items[i]->group, list.items[first]->group) == 0;
         i++) {
        if (!list.items[i]->preferred)
            continue;
        preferred = list.items[i];
        break;
    }
    buf_puts(out, "],\"preferredVersion\":");
    put_version(out, preferred);
}

static bool begins_group(struct discovery_list list, size_t i)
{
    return i == 0 || strcmp(list.items[i - 1]->group, list.items[i]->group) != 0;
}

struct blob *discovery_groups(struct discovery_list list)
{
    struct buf out = BUF_INIT(1 << 24);
    const char *separator = "";
    buf_puts(&out, "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[");
    for (size_t i = 0; i < list.count; i++) {
        if (is_core(list.items[i]) || !begins_group(list, i))
            continue;
        buf_printf(&out, "%s{", separator);
        put_group(&out, list, i);
        buf_putc(&out, '}');
        separator = ",";
    }
    buf_puts(&out, "]}\n");
    return blob_from_buf(&out);
}

struct blob *discovery_group(struct discovery_list list, struct slice group)
{
    for (size_t i = 0; group.len && i < list.count; i++) {
        if (!slice_is(group, list.items[i]->group))
            continue;
        struct buf out = BUF_INIT(1 << 20);
        buf_puts(&out, "{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",");
        put_group(&out, list, i);
        buf_puts(&out, "}\n");
        return blob_from_buf(&out);
    }
    return NULL;
}

/* ---- resources of a group-version ---- */

static void put_resource(struct buf *out, const struct schema_resource *r, bool custom)
{
    char hash[13];
    buf_putc(out, '{');
    put_member(out, "name", r->name);
    buf_putc(out, ',');
    put_member(out, "singularName", r->singular);
    buf_printf(out, ",\"namespaced\":%s,", r->namespaced ? "true" : "false");
    put_member(out, "kind", r->kind);
    buf_putc(out, ',');
    put_verbs(out, r->verbs, custom);
    put_texts(out, "shortNames", r->short_names);
    put_texts(out, "categories", r->categories);
    if (is_stored(r)) {
        discovery_storage_hash(r, hash);
        buf_printf(out, ",\"storageVersionHash\":\"%s\"", hash);
    }
    buf_putc(out, '}');
}

/* A subresource names the group-version of its kind only when that is not the resource's. */
static bool is_foreign(const struct schema_resource *r, const struct schema_subresource *s)
{
    return strcmp(r->group, s->kind_group) != 0 || strcmp(r->version, s->kind_version) != 0;
}

static void put_subresource(struct buf *out, const struct schema_resource *r,
                            const struct schema_subresource *s)
{
    buf_printf(out, ",{\"name\":\"%s/%s\",\"singularName\":\"\",\"namespaced\":%s,", r->name, s->name,
               r->namespaced ? "true" : "false");
    if (is_foreign(r, s))
        buf_printf(out, "\"group\":\"%s\",\"version\":\"%s\",", s->kind_group, s->kind_version);
    put_member(out, "kind", s->kind);
    buf_putc(out, ',');
    put_verbs(out, s->verbs, false);
    buf_putc(out, '}');
}

struct blob *discovery_resources(const struct schema_group_version *gv)
{
    struct buf out = BUF_INIT(1 << 24);
    buf_puts(&out, "{\"kind\":\"APIResourceList\",");
    if (is_core(gv)) /* the oldest document of all says no apiVersion */
        buf_printf(&out, "\"groupVersion\":\"%s\",\"resources\":[", gv->version);
    else
        buf_printf(&out, "\"apiVersion\":\"v1\",\"groupVersion\":\"%s/%s\",\"resources\":[", gv->group,
                   gv->version);
    for (unsigned i = 0; i < gv->resource_count; i++) {
        const struct schema_resource *r = gv->resources[i];
        if (i)
            buf_putc(&out, ',');
        put_resource(&out, r, !gv->package);
        for (unsigned k = 0; k < r->subresource_count; k++)
            put_subresource(&out, r, &r->subresources[k]);
    }
    buf_puts(&out, "]}\n");
    return blob_from_buf(&out);
}

/* ---- aggregated ---- */

static void put_response_kind(struct buf *out, const char *group, const char *version, const char *kind)
{
    buf_puts(out, "\"responseKind\":{");
    put_member(out, "group", group);
    buf_putc(out, ',');
    put_member(out, "version", version);
    buf_putc(out, ',');
    put_member(out, "kind", kind);
    buf_puts(out, "},");
}

static void put_aggregated_subresource(struct buf *out, const struct schema_resource *r,
                                       const struct schema_subresource *s, bool custom)
{
    bool full = custom || is_foreign(r, s);
    buf_putc(out, '{');
    put_member(out, "subresource", s->name);
    buf_putc(out, ',');
    put_response_kind(out, full ? s->kind_group : "", full ? s->kind_version : "", s->kind);
    put_verbs(out, s->verbs, false);
    buf_putc(out, '}');
}

static void put_aggregated_resource(struct buf *out, const struct schema_resource *r, bool custom)
{
    buf_putc(out, '{');
    put_member(out, "resource", r->name);
    buf_putc(out, ',');
    /* Built-in resources leave out what the list around them says. */
    put_response_kind(out, custom ? r->group : "", custom ? r->version : "", r->kind);
    buf_printf(out, "\"scope\":\"%s\",", r->namespaced ? "Namespaced" : "Cluster");
    put_member(out, "singularResource", r->singular);
    buf_putc(out, ',');
    put_verbs(out, r->verbs, custom);
    put_texts(out, "shortNames", r->short_names);
    put_texts(out, "categories", r->categories);
    for (unsigned i = 0; i < r->subresource_count; i++) {
        buf_puts(out, i ? "," : ",\"subresources\":[");
        put_aggregated_subresource(out, r, &r->subresources[i], custom);
    }
    buf_puts(out, r->subresource_count ? "]}" : "}");
}

static void put_aggregated_version(struct buf *out, const struct schema_group_version *gv)
{
    if (gv->remote_discovery) {
        buf_puts(out, gv->remote_discovery);
        return;
    }
    if (gv->remote) {
        buf_printf(out, "{\"version\":\"%s\",\"freshness\":\"Stale\"}", gv->version);
        return;
    }
    buf_printf(out, "{\"version\":\"%s\",\"resources\":[", gv->version);
    for (unsigned i = 0; i < gv->resource_count; i++) {
        if (i)
            buf_putc(out, ',');
        put_aggregated_resource(out, gv->resources[i], !gv->package);
    }
    buf_puts(out, "],\"freshness\":\"Current\"}");
}

static void put_aggregated_group(struct buf *out, struct discovery_list list, size_t first)
{
    const char *group = list.items[first]->group;
    buf_puts(out, "{\"metadata\":{");
    if (*group)
        put_member(out, "name", group);
    buf_puts(out, "},\"versions\":[");
    for (size_t i = first; i < list.count && strcmp(list.items[i]->group, group) == 0; i++) {
        if (i > first)
            buf_putc(out, ',');
        put_aggregated_version(out, list.items[i]);
    }
    buf_puts(out, "]}");
}

struct blob *discovery_aggregated(struct discovery_list list, bool core)
{
    struct buf out = BUF_INIT(1 << 26);
    const char *separator = "";
    buf_puts(&out, "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/"
                   "v2\",\"metadata\":{},\"items\":[");
    for (size_t i = 0; i < list.count; i++) {
        if (is_core(list.items[i]) != core || !begins_group(list, i))
            continue;
        buf_puts(&out, separator);
        put_aggregated_group(&out, list, i);
        separator = ",";
    }
    buf_puts(&out, "]}\n");
    return blob_from_buf(&out);
}
