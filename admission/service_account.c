/*
 * ServiceAccount: a pod that names no service account runs as "default", takes over that account's image pull
 * secrets, and sees a token of the account, the cluster's CA and its namespace in a projected volume, unless
 * it or the account says otherwise. A pod whose account does not exist is refused. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
 */
#include "admission/admission.h"
#include "admission/pod_references.h"
#include "base/random.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

enum {
    TOKEN_SECONDS = 3607,
    MODE = 0644
}; /* an hour and the seven seconds by which kubelets know it is the default */

static const char mount_path[] = "/var/run/secrets/kubernetes.io/serviceaccount";

static bool wants_token(const struct value *spec, const struct value *account)
{
    const struct value *of_pod = value_at(spec, core_v1_PodSpec_automountServiceAccountToken);
    const struct value *of_account = value_at(account, core_v1_ServiceAccount_automountServiceAccountToken);
    if (value_is_set(of_pod))
        return value_bool(of_pod);
    return !value_is_set(of_account) || value_bool(of_account);
}

static bool mounts(const struct value *container, const char *path)
{
    for (VALUE_EACH(mount, value_at(container, core_v1_Container_volumeMounts)))
        if (value_is(value_at(mount, core_v1_VolumeMount_mountPath), path))
            return true;
    return false;
}

static struct value *add_source(struct arena *arena, struct value *sources, unsigned field)
{
    struct value *source = value_append(arena, sources);
    *source = value_new_record(arena, &core_v1_VolumeProjection);
    return value_ensure_record(arena, source, field);
}

static void fill_projection(struct arena *arena, struct value *projected)
{
    struct value *sources = value_mut(projected, core_v1_ProjectedVolumeSource_sources), *item;
    *value_mut(projected, core_v1_ProjectedVolumeSource_defaultMode) = value_of_int(MODE);
    struct value *token = add_source(arena, sources, core_v1_VolumeProjection_serviceAccountToken);
    *value_mut(token, core_v1_ServiceAccountTokenProjection_expirationSeconds) = value_of_int(TOKEN_SECONDS);
    *value_mut(token, core_v1_ServiceAccountTokenProjection_path) = value_of_cstr("token");
    struct value *ca = add_source(arena, sources, core_v1_VolumeProjection_configMap);
    *value_mut(ca, core_v1_ConfigMapProjection_name) = value_of_cstr("kube-root-ca.crt");
    item = value_append(arena, value_mut(ca, core_v1_ConfigMapProjection_items));
    *item = value_new_record(arena, &core_v1_KeyToPath);
    *value_mut(item, core_v1_KeyToPath_key) = value_of_cstr("ca.crt");
    *value_mut(item, core_v1_KeyToPath_path) = value_of_cstr("ca.crt");
    struct value *fields = add_source(arena, sources, core_v1_VolumeProjection_downwardAPI);
    item = value_append(arena, value_mut(fields, core_v1_DownwardAPIProjection_items));
    *item = value_new_record(arena, &core_v1_DownwardAPIVolumeFile);
    *value_mut(item, core_v1_DownwardAPIVolumeFile_path) = value_of_cstr("namespace");
    struct value *ref = value_ensure_record(arena, item, core_v1_DownwardAPIVolumeFile_fieldRef);
    *value_mut(ref, core_v1_ObjectFieldSelector_apiVersion) = value_of_cstr("v1");
    *value_mut(ref, core_v1_ObjectFieldSelector_fieldPath) = value_of_cstr("metadata.namespace");
}

static struct slice volume_name(struct arena *arena)
{
    char suffix[6] = {0};
    random_name_letters(suffix, sizeof suffix - 1);
    return arena_slicef(arena, "kube-api-access-%s", suffix);
}

static bool add_mount(struct arena *arena, struct value *container, struct slice volume)
{
    if (mounts(container, mount_path))
        return false;
    struct value *mount = value_append(arena, value_mut(container, core_v1_Container_volumeMounts));
    *mount = value_new_record(arena, &core_v1_VolumeMount);
    *value_mut(mount, core_v1_VolumeMount_name) = value_of_string(volume);
    *value_mut(mount, core_v1_VolumeMount_readOnly) = value_of_bool(true);
    *value_mut(mount, core_v1_VolumeMount_mountPath) = value_of_cstr(mount_path);
    return true;
}

static void mount_token(struct arena *arena, struct value *spec)
{
    static const unsigned lists[] = {core_v1_PodSpec_initContainers, core_v1_PodSpec_containers};
    struct slice name = volume_name(arena);
    bool needed = false;
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        struct value *list = value_mut(spec, lists[l]);
        for (size_t i = 0; i < value_count(list); i++)
            needed |= add_mount(arena, &list->list->items[i], name);
    }
    if (!needed)
        return;
    struct value *volume = value_append(arena, value_mut(spec, core_v1_PodSpec_volumes));
    *volume = value_new_record(arena, &core_v1_Volume);
    *value_mut(volume, core_v1_Volume_name) = value_of_string(name);
    fill_projection(arena, value_ensure_record(arena, volume, core_v1_Volume_projected));
}

/* ---- checks ---- */

static bool is_mirror(const struct admission_request *req)
{
    const struct value *meta = value_get(req->object, SLICE("metadata"));
    return value_is_set(
        value_get(value_at(meta, meta_v1_ObjectMeta_annotations), SLICE("kubernetes.io/config.mirror")));
}

static bool note_secret(void *arg, const struct pod_reference *ref)
{
    *(bool *)arg |= ref->kind == POD_SECRET;
    return true;
}

/* Only shows what a node runs by itself: it may not reach into the cluster. */
static bool check_mirror(struct admission_request *req, struct error *err)
{
    const struct value *spec = value_at(req->object, core_v1_Pod_spec);
    bool secrets = false;
    if (value_text(value_at(spec, core_v1_PodSpec_serviceAccountName)).len)
        return admission_forbid(req, err, "a mirror pod may not reference service accounts");
    pod_references(req->arena, req->object, note_secret, &secrets);
    if (secrets)
        return admission_forbid(req, err, "a mirror pod may not reference secrets");
    for (VALUE_EACH(volume, value_at(spec, core_v1_PodSpec_volumes)))
        for (VALUE_EACH(source, value_at(value_at(volume, core_v1_Volume_projected),
                                         core_v1_ProjectedVolumeSource_sources)))
            if (value_is_set(value_at(source, core_v1_VolumeProjection_serviceAccountToken)))
                return admission_forbid(req, err,
                                        "a mirror pod may not use ServiceAccountToken volume projections");
    return true;
}

/* The account of the pod. Until a controller makes them, a namespace may be without its "default". */
static bool find_account(struct admission_request *req, struct slice name, struct value *ret,
                         struct error *err)
{
    const struct schema_resource *accounts =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("serviceaccounts"));
    *ret = value_absent;
    return req->lookup->get(req->lookup->arg, req->arena, accounts, req->namespace, name, ret) ||
           slice_is(name, "default") ||
           admission_forbid(req, err,
                            "error looking up service account %.*s/%.*s: serviceaccount \"%.*s\" not found",
                            SLICE_ARG(req->namespace), SLICE_ARG(name), SLICE_ARG(name));
}

static bool names_item(const struct value *list, struct slice name)
{
    for (VALUE_EACH(item, list))
        if (slice_eq(value_text(value_get(item, SLICE("name"))), name))
            return true;
    return false;
}

struct mountable {
    struct admission_request *req;
    struct error *err;
    const struct value *account;
};

static bool check_secret(void *arg, const struct pod_reference *ref)
{
    struct mountable *m = arg;
    if (ref->kind != POD_SECRET)
        return true;
    struct slice account =
        value_text(value_at(value_at(m->account, core_v1_ServiceAccount_metadata), meta_v1_ObjectMeta_name));
    const struct value *allowed = value_at(m->account, ref->pull ? core_v1_ServiceAccount_imagePullSecrets
                                                                 : core_v1_ServiceAccount_secrets);
    return names_item(allowed, ref->name) ||
           admission_forbid(m->req, m->err,
                            "%s referencing secret \"%.*s\" is not allowed because service account %.*s does "
                            "not reference that secret",
                            ref->where, SLICE_ARG(ref->name), SLICE_ARG(account));
}

/* An account may say that its pods see no other secrets than those it lists. */
static bool check_secrets(struct admission_request *req, const struct value *account, struct error *err)
{
    struct mountable m = {req, err, account};
    const struct value *annotations =
        value_at(value_at(account, core_v1_ServiceAccount_metadata), meta_v1_ObjectMeta_annotations);
    if (!value_is(value_get(annotations, SLICE("kubernetes.io/enforce-mountable-secrets")), "true"))
        return true;
    return !pod_references(req->arena, req->object, check_secret, &m);
}

/* ---- the plugin ---- */

static bool create(struct admission_request *req, struct error *err)
{
    struct value *spec = value_ensure_record(req->arena, req->object, core_v1_Pod_spec);
    struct value *name = value_mut(spec, core_v1_PodSpec_serviceAccountName);
    struct value *secrets = value_mut(spec, core_v1_PodSpec_imagePullSecrets), account;
    if (is_mirror(req))
        return check_mirror(req, err);
    if (!value_text(name).len)
        *name = value_of_cstr("default");
    *value_mut(spec, core_v1_PodSpec_serviceAccount) = *name; /* the old name of the same field */
    if (!find_account(req, value_text(name), &account, err))
        return false;
    if (!value_is_set(&account))
        return true;
    if (wants_token(spec, &account))
        mount_token(req->arena, spec);
    if (value_count(secrets) == 0)
        *secrets = *value_at(&account, core_v1_ServiceAccount_imagePullSecrets);
    return check_secrets(req, &account, err);
}

static bool mutate(struct admission_request *req, struct error *err)
{
    return req->subresource.len || req->operation != ADMISSION_CREATE || create(req, err);
}

/* What admission after this plugin changed, and containers that come later. */
static bool validate(struct admission_request *req, struct error *err)
{
    const struct value *spec = value_at(req->object, core_v1_Pod_spec);
    struct value account;
    bool later = req->operation == ADMISSION_UPDATE && slice_is(req->subresource, "ephemeralcontainers");
    if (!later && (req->subresource.len || req->operation != ADMISSION_CREATE))
        return true;
    if (is_mirror(req))
        return later || check_mirror(req, err);
    return find_account(req, value_text(value_at(spec, core_v1_PodSpec_serviceAccountName)), &account, err) &&
           check_secrets(req, &account, err);
}

const struct admission_plugin admission_service_account = {
    .name = "ServiceAccount",
    .operations = ADMISSION_CREATE | ADMISSION_UPDATE,
    .group = "",
    .resource = "pods",
    .mutate = mutate,
    .validate = validate,
    .quick = true,
};
