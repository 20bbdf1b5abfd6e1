#include "admission/pod_secrets.h"

#include "openapi/gen/core_v1.h"

struct walk {
    bool (*each)(void *arg, const struct pod_secret_reference *ref);
    void *arg;
    bool any, stopped;
};

static void tell(struct walk *w, struct slice name, const char *where, bool pull)
{
    struct pod_secret_reference ref = {name, where, pull};
    if (!name.len || w->stopped)
        return;
    w->any = true;
    w->stopped = !w->each || !w->each(w->arg, &ref);
}

static struct slice name_in(const struct value *v, const char *field)
{
    return value_text(value_get(v, slice_str(field)));
}

static void walk_container(struct walk *w, const struct value *container, const char *where)
{
    for (VALUE_EACH(env, value_get(container, SLICE("env"))))
        tell(w, name_in(value_path(env, "valueFrom.secretKeyRef"), "name"), where, false);
    for (VALUE_EACH(from, value_get(container, SLICE("envFrom"))))
        tell(w, name_in(value_get(from, SLICE("secretRef")), "name"), where, false);
}

static void walk_volume(struct walk *w, const struct value *volume)
{
    /* Drivers that take a secret by reference, each under its own name. */
    static const char *const references[] = {
        "azureFile.secretName",      "cephfs.secretRef.name", "csi.nodePublishSecretRef.name",
        "flexVolume.secretRef.name", "iscsi.secretRef.name",  "rbd.secretRef.name",
        "scaleIO.secretRef.name",    "secret.secretName",     "storageos.secretRef.name"};
    for (size_t i = 0; i < sizeof references / sizeof *references; i++)
        tell(w, value_text(value_path(volume, references[i])), "volume", false);
    for (VALUE_EACH(source, value_path(volume, "projected.sources")))
        tell(w, name_in(value_get(source, SLICE("secret")), "name"), "volume", false);
}

bool pod_secret_references(const struct value *spec,
                           bool (*each)(void *arg, const struct pod_secret_reference *ref), void *arg)
{
    static const struct {
        unsigned field;
        const char *where;
    } lists[] = {
        {core_v1_PodSpec_initContainers, "init container"},
        {core_v1_PodSpec_containers, "container"},
        {core_v1_PodSpec_ephemeralContainers, "ephemeral container"},
    };
    struct walk w = {.each = each, .arg = arg};
    for (VALUE_EACH(secret, value_at(spec, core_v1_PodSpec_imagePullSecrets)))
        tell(&w, name_in(secret, "name"), "image pull", true);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (VALUE_EACH(container, value_at(spec, lists[i].field)))
            walk_container(&w, container, lists[i].where);
    for (VALUE_EACH(volume, value_at(spec, core_v1_PodSpec_volumes)))
        walk_volume(&w, volume);
    return w.any;
}
