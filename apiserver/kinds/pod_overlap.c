#include "apiserver/kinds/pod_parts.h"

/* Files of one volume that stand in each other's way: two of one path, or one where another has a folder. */

enum { PATHS_MAX = 1000 }; /* of one volume; with more than that nothing is said */

struct mapped {
    struct slice path;
    const char *source; /* "" when the volume has one source only */
};

struct overlap {
    struct kind_request *req;
    struct slice volume;
    const char *description;
    struct mapped *paths;
    size_t count, capacity;
};

static bool is_under(struct slice path, struct slice folder)
{
    return slice_starts(path, folder) && (path.len == folder.len || path.ptr[folder.len] == '/');
}

static const char *shown(struct arena *arena, const struct mapped *m)
{
    return *m->source ? arena_printf(arena, "\"%.*s\" (%s)", SLICE_ARG(m->path), m->source)
                      : arena_printf(arena, "\"%.*s\"", SLICE_ARG(m->path));
}

static void add_path(struct overlap *o, struct slice path, const char *source)
{
    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    struct mapped m = {path, source};
    if (o->count >= PATHS_MAX)
        return;
    for (size_t i = 0; path.len && i < o->count; i++) {
        const struct mapped *other = &o->paths[i];
        if (other->path.len && (is_under(other->path, path) || is_under(path, other->path)))
            kind_warn(o->req, "volume \"%.*s\" (%s): overlapping paths: %s with %s", SLICE_ARG(o->volume),
                      o->description, shown(o->req->arena, &m), shown(o->req->arena, other));
    }
    *(struct mapped *)arena_push(o->req->arena, &o->paths, &o->count, &o->capacity, sizeof m) = m;
}

/* Items of secrets, config maps and the downward API all have a "path". */
static void add_items(struct overlap *o, const struct value *items, const char *source)
{
    for (VALUE_EACH(item, items))
        add_path(o, value_text(value_get(item, SLICE("path"))), source);
}

static const char *named(struct kind_request *req, const char *kind, struct slice name)
{
    return arena_printf(req->arena, "%s \"%.*s\"", kind, SLICE_ARG(name));
}

static void add_certificate(struct overlap *o, const struct value *certificate)
{
    struct slice chain = TEXT(certificate, PodCertificateProjection, certificateChainPath);
    struct slice key = TEXT(certificate, PodCertificateProjection, keyPath);
    struct slice bundle = TEXT(certificate, PodCertificateProjection, credentialBundlePath);
    if (chain.len)
        add_path(o, chain, "PodCertificate chain");
    if (key.len)
        add_path(o, key, "PodCertificate key");
    if (bundle.len)
        add_path(o, bundle, "PodCertificate credential bundle");
}

static void add_source(struct overlap *o, const struct value *source)
{
    const struct value *config = AT(source, VolumeProjection, configMap),
                       *secret = AT(source, VolumeProjection, secret);
    const struct value *downward = AT(source, VolumeProjection, downwardAPI);
    const struct value *token = AT(source, VolumeProjection, serviceAccountToken);
    const struct value *bundle = AT(source, VolumeProjection, clusterTrustBundle);
    const struct value *certificate = AT(source, VolumeProjection, podCertificate);
    if (value_count(AT(config, ConfigMapProjection, items))) {
        add_items(o, AT(config, ConfigMapProjection, items),
                  named(o->req, "ConfigMap", TEXT(config, ConfigMapProjection, name)));
    } else if (value_count(AT(secret, SecretProjection, items))) {
        add_items(o, AT(secret, SecretProjection, items),
                  named(o->req, "Secret", TEXT(secret, SecretProjection, name)));
    } else if (value_count(AT(downward, DownwardAPIProjection, items))) {
        add_items(o, AT(downward, DownwardAPIProjection, items), "DownwardAPI");
    } else if (value_is_set(token)) {
        add_path(o, TEXT(token, ServiceAccountTokenProjection, path), "ServiceAccountToken");
    } else if (value_is_set(bundle)) {
        struct slice name = TEXT(bundle, ClusterTrustBundleProjection, name);
        if (!value_is_set(AT(bundle, ClusterTrustBundleProjection, name)))
            name = TEXT(bundle, ClusterTrustBundleProjection, signerName);
        add_path(o, TEXT(bundle, ClusterTrustBundleProjection, path),
                 named(o->req, "ClusterTrustBundle", name));
    } else if (value_is_set(certificate)) {
        add_certificate(o, certificate);
    } else if (!value_is_set(config) && !value_is_set(secret) && !value_is_set(downward)) {
        kind_warn(o->req, "volume \"%.*s\" (Projected) has no sources provided", SLICE_ARG(o->volume));
    }
}

void warn_overlaps(struct kind_request *req, const struct value *volumes)
{
    for (VALUE_EACH(volume, volumes)) {
        struct slice name = TEXT(volume, Volume, name);
        const struct value *config = AT(volume, Volume, configMap), *secret = AT(volume, Volume, secret);
        struct overlap o = {.req = req, .volume = name};
        o.description = named(req, "ConfigMap", TEXT(config, ConfigMapVolumeSource, name));
        add_items(&o, AT(config, ConfigMapVolumeSource, items), "");
        o = (struct overlap){.req = req, .volume = name};
        o.description = named(req, "Secret", TEXT(secret, SecretVolumeSource, secretName));
        add_items(&o, AT(secret, SecretVolumeSource, items), "");
        o = (struct overlap){.req = req, .volume = name, .description = "DownwardAPI"};
        add_items(&o, AT(AT(volume, Volume, downwardAPI), DownwardAPIVolumeSource, items), "");
        o = (struct overlap){.req = req, .volume = name, .description = "Projected"};
        for (VALUE_EACH(source, AT(AT(volume, Volume, projected), ProjectedVolumeSource, sources)))
            add_source(&o, source);
    }
}
