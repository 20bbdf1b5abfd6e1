#include "admission/pod_references.h"

#include "openapi/gen/core_v1.h"

struct walk {
    struct arena *arena;
    bool (*each)(void *arg, const struct pod_reference *ref);
    void *arg;
    bool stopped;
};

static void tell(struct walk *w, enum pod_reference_kind kind, struct slice name, const char *where)
{
    struct pod_reference ref = {.kind = kind, .name = name, .where = where};
    ref.pull = kind == POD_SECRET && strcmp(where, "image pull") == 0;
    if (name.len && !w->stopped)
        w->stopped = !w->each(w->arg, &ref);
}

static struct slice name_in(const struct value *v, const char *field)
{
    return value_text(value_get(v, slice_str(field)));
}

static void walk_container(struct walk *w, const struct value *container, const char *where)
{
    for (VALUE_EACH(env, value_get(container, SLICE("env")))) {
        tell(w, POD_SECRET, name_in(value_path(env, "valueFrom.secretKeyRef"), "name"), where);
        tell(w, POD_CONFIG_MAP, name_in(value_path(env, "valueFrom.configMapKeyRef"), "name"), where);
    }
    for (VALUE_EACH(from, value_get(container, SLICE("envFrom")))) {
        tell(w, POD_SECRET, name_in(value_get(from, SLICE("secretRef")), "name"), where);
        tell(w, POD_CONFIG_MAP, name_in(value_get(from, SLICE("configMapRef")), "name"), where);
    }
}

static const struct {
    const char *path;
    enum pod_reference_kind kind;
    const char *where;
} in_volumes[] = {
    {"azureFile.secretName", POD_SECRET, "volume"},
    {"cephfs.secretRef.name", POD_SECRET, "volume"},
    {"cinder.secretRef.name", POD_SECRET, "volume"},
    {"configMap.name", POD_CONFIG_MAP, "volume"},
    {"csi.driver", POD_OTHER, "csidrivers (via CSI volumes)"},
    {"csi.nodePublishSecretRef.name", POD_SECRET, "volume"},
    {"flexVolume.secretRef.name", POD_SECRET, "volume"},
    {"glusterfs.endpoints", POD_OTHER, "endpoints (via glusterFS volumes)"},
    {"iscsi.secretRef.name", POD_SECRET, "volume"},
    {"persistentVolumeClaim.claimName", POD_CLAIM, "volume"},
    {"rbd.secretRef.name", POD_SECRET, "volume"},
    {"scaleIO.secretRef.name", POD_SECRET, "volume"},
    {"secret.secretName", POD_SECRET, "volume"},
    {"storageos.secretRef.name", POD_SECRET, "volume"},
};

static void walk_projection(struct walk *w, const struct value *source)
{
    tell(w, POD_SECRET, name_in(value_get(source, SLICE("secret")), "name"), "volume");
    tell(w, POD_CONFIG_MAP, name_in(value_get(source, SLICE("configMap")), "name"), "volume");
    if (value_is_set(value_get(source, SLICE("serviceAccountToken"))))
        tell(w, POD_OTHER, SLICE("token"), "serviceaccounts (via projected volumes)");
    if (value_is_set(value_get(source, SLICE("clusterTrustBundle"))))
        tell(w, POD_OTHER, SLICE("bundle"), "clustertrustbundles");
    if (value_is_set(value_get(source, SLICE("podCertificate"))))
        tell(w, POD_OTHER, SLICE("certificate"), "podcertificates");
}

static void walk_volume(struct walk *w, struct slice pod, const struct value *volume)
{
    for (size_t i = 0; i < sizeof in_volumes / sizeof *in_volumes; i++)
        tell(w, in_volumes[i].kind, value_text(value_path(volume, in_volumes[i].path)), in_volumes[i].where);
    if (value_is_set(value_get(volume, SLICE("ephemeral"))))
        tell(w, POD_CLAIM,
             arena_slicef(w->arena, "%.*s-%.*s", SLICE_ARG(pod), SLICE_ARG(name_in(volume, "name"))),
             "volume");
    for (VALUE_EACH(source, value_path(volume, "projected.sources")))
        walk_projection(w, source);
}

static void walk_spec(struct walk *w, struct slice pod, const struct value *spec)
{
    static const struct {
        unsigned field;
        const char *where;
    } lists[] = {
        {core_v1_PodSpec_initContainers, "init container"},
        {core_v1_PodSpec_containers, "container"},
        {core_v1_PodSpec_ephemeralContainers, "ephemeral container"},
    };
    tell(w, POD_ACCOUNT, value_text(value_at(spec, core_v1_PodSpec_serviceAccountName)), "pod");
    for (VALUE_EACH(secret, value_at(spec, core_v1_PodSpec_imagePullSecrets)))
        tell(w, POD_SECRET, name_in(secret, "name"), "image pull");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (VALUE_EACH(container, value_at(spec, lists[i].field)))
            walk_container(w, container, lists[i].where);
    for (VALUE_EACH(volume, value_at(spec, core_v1_PodSpec_volumes)))
        walk_volume(w, pod, volume);
    for (VALUE_EACH(claim, value_at(spec, core_v1_PodSpec_resourceClaims)))
        tell(w, POD_RESOURCE_CLAIM, name_in(claim, "resourceClaimName"), "pod");
}

bool pod_references(struct arena *arena, const struct value *pod,
                    bool (*each)(void *arg, const struct pod_reference *ref), void *arg)
{
    struct walk w = {arena, each, arg, false};
    walk_spec(&w, value_text(value_path(pod, "metadata.name")), value_at(pod, core_v1_Pod_spec));
    for (VALUE_EACH(status, value_path(pod, "status.resourceClaimStatuses"))) /* made of a template */
        tell(&w, POD_RESOURCE_CLAIM, name_in(status, "resourceClaimName"), "pod");
    tell(&w, POD_RESOURCE_CLAIM,
         value_text(value_path(pod, "status.extendedResourceClaimStatus.resourceClaimName")), "pod");
    return w.stopped;
}
