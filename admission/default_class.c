#include "admission/default_class.h"

#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/gen/networking_v1.h"

struct best {
    const char *annotation;
    struct slice name, created;
};

static bool look(void *arg, const struct value *class)
{
    struct best *best = arg;
    const struct value *meta = value_get(class, SLICE("metadata"));
    const struct value *annotations = value_at(meta, meta_v1_ObjectMeta_annotations);
    if (!value_is(value_get(annotations, slice_str(best->annotation)), "true"))
        return true;
    struct slice created = value_text(value_at(meta, meta_v1_ObjectMeta_creationTimestamp));
    if (!best->name.len || slice_cmp(created, best->created) > 0) /* RFC 3339 in UTC sorts as text */
        *best = (struct best){best->annotation, value_text(value_at(meta, meta_v1_ObjectMeta_name)), created};
    return true;
}

struct slice default_class_name(struct admission_request *req, const struct schema_resource *classes,
                                const char *annotation)
{
    struct best best = {.annotation = annotation};
    req->lookup->list(req->lookup->arg, req->arena, classes, SLICE(""), look, &best);
    return best.name;
}

/* ---- DefaultStorageClass ---- */

static bool set_storage_class(struct admission_request *req, struct error *err)
{
    (void)err;
    if (req->subresource.len)
        return true;
    struct value *spec = value_ensure_record(req->arena, req->object, core_v1_PersistentVolumeClaim_spec);
    struct value *name = value_mut(spec, core_v1_PersistentVolumeClaimSpec_storageClassName);
    const struct value *annotations =
        value_at(value_get(req->object, SLICE("metadata")), meta_v1_ObjectMeta_annotations);
    if (value_is_set(name) ||
        value_is_set(value_get(annotations, SLICE("volume.beta.kubernetes.io/storage-class"))))
        return true;
    struct slice found = default_class_name(
        req, schema_find_resource(SLICE("storage.k8s.io"), SLICE("v1"), SLICE("storageclasses")),
        "storageclass.kubernetes.io/is-default-class");
    if (found.len)
        *name = value_of_string(found);
    return true;
}

const struct admission_plugin admission_default_storage_class = {
    .name = "DefaultStorageClass",
    .operations = ADMISSION_CREATE,
    .group = "",
    .resource = "persistentvolumeclaims",
    .mutate = set_storage_class,
    .quick = true,
};

/* ---- DefaultIngressClass ---- */

static bool set_ingress_class(struct admission_request *req, struct error *err)
{
    (void)err;
    if (req->subresource.len)
        return true;
    struct value *spec = value_ensure_record(req->arena, req->object, networking_v1_Ingress_spec);
    struct value *name = value_mut(spec, networking_v1_IngressSpec_ingressClassName);
    const struct value *annotations =
        value_at(value_get(req->object, SLICE("metadata")), meta_v1_ObjectMeta_annotations);
    if (value_is_set(name) || value_is_set(value_get(annotations, SLICE("kubernetes.io/ingress.class"))))
        return true;
    struct slice found = default_class_name(
        req, schema_find_resource(SLICE("networking.k8s.io"), SLICE("v1"), SLICE("ingressclasses")),
        "ingressclass.kubernetes.io/is-default-class");
    if (found.len)
        *name = value_of_string(found);
    return true;
}

const struct admission_plugin admission_default_ingress_class = {
    .name = "DefaultIngressClass",
    .operations = ADMISSION_CREATE,
    .group = "networking.k8s.io",
    .resource = "ingresses",
    .mutate = set_ingress_class,
    .quick = true,
};
