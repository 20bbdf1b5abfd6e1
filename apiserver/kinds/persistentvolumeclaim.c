/* persistentvolumeclaims. Rules: pkg/apis/core/validation, pkg/registry/core/persistentvolumeclaim,
 * pkg/api/persistentvolumeclaim. */
#include "openapi/names.h"
#include "apiserver/kinds/resource_name.h"
#include "apiserver/kinds/storage.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/core_v1.h"
#include "openapi/quantity.h"

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, core_v1_PersistentVolumeClaim_spec);
}

static const struct value *requested(const struct value *spec)
{
    return field_of(field_of(field_of(spec, "resources"), "requests"), "storage");
}

/* ---- prepare: the two ways to name a source of data are kept in step ---- */

static bool is_claim_or_snapshot(const struct value *source)
{
    struct slice group = value_text(field_of(source, "apiGroup"));

    return (value_is(field_of(source, "kind"), "PersistentVolumeClaim") && !group.len) ||
           (value_is(field_of(source, "kind"), "VolumeSnapshot") &&
            slice_is(group, "snapshot.storage.k8s.io"));
}

static void copy_reference(struct kind_request *req, struct value *spec, unsigned to,
                           const struct value *from)
{
    static const char *const names[] = {"apiGroup", "kind", "name"};
    struct value *target = value_ensure_record(req->arena, spec, to);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        *value_get_mut(target, slice_str(names[i])) = *field_of(from, names[i]);
}

static void normalize_sources(struct kind_request *req, struct value *object, const struct value *old)
{
    struct value *spec = value_mut(object, core_v1_PersistentVolumeClaim_spec);
    const struct value *was = old ? spec_of(old) : &value_absent;
    bool in_use = value_is_set(field_of(was, "dataSource")) || value_is_set(field_of(was, "dataSourceRef"));

    if (spec->kind != VALUE_RECORD)
        return;
    struct value *source = value_mut(spec, core_v1_PersistentVolumeClaimSpec_dataSource);
    struct value *ref = value_mut(spec, core_v1_PersistentVolumeClaimSpec_dataSourceRef);
    /* sources in other namespaces are behind a feature that is off */
    if (value_text(field_of(ref, "namespace")).len && !value_is_set(field_of(was, "dataSourceRef")))
        *ref = value_absent;
    if (!in_use && !value_is_set(ref) && value_is_set(source) && !is_claim_or_snapshot(source))
        *source = value_absent;
    if (value_is_set(source) && !value_is_set(ref))
        copy_reference(req, spec, core_v1_PersistentVolumeClaimSpec_dataSourceRef, source);
    else if (value_is_set(ref) && !value_is_set(source) && !value_text(field_of(ref, "namespace")).len)
        copy_reference(req, spec, core_v1_PersistentVolumeClaimSpec_dataSource, ref);
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    struct value *status = value_ensure_record(req->arena, object, core_v1_PersistentVolumeClaim_status);

    *value_mut(status, core_v1_PersistentVolumeClaimStatus_phase) = value_of_cstr("Pending");
    normalize_sources(req, object, NULL);
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    if (!req->subresource.len)
        normalize_sources(req, object, old);
}

/* ---- validate ---- */

static void check_source(struct causes *c, const struct path *at, const struct value *source, bool any_group)
{
    const struct value *kind = field_of(source, "kind"), *group = field_of(source, "apiGroup");

    if (!value_text(field_of(source, "name")).len)
        causes_required(c, PATH(at, "name"), "");
    if (!value_text(kind).len)
        causes_required(c, PATH(at, "kind"), "");
    if (!value_text(group).len && !value_is(kind, "PersistentVolumeClaim"))
        causes_invalid_text(c, at, value_text(kind),
                            "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
    if (value_text(group).len && !any_group)
        check_name(c, PATH(at, "apiGroup"), value_text(group), name_check_subdomain);
    if (value_text(field_of(source, "namespace")).len)
        check_name(c, PATH(at, "namespace"), value_text(field_of(source, "namespace")), name_check_label);
}

static bool same_source(const struct value *a, const struct value *b)
{
    return value_equal(field_of(a, "apiGroup"), field_of(b, "apiGroup")) &&
           value_equal(field_of(a, "kind"), field_of(b, "kind")) &&
           value_equal(field_of(a, "name"), field_of(b, "name"));
}

static void check_sources(struct causes *c, const struct path *at, const struct value *spec,
                          const struct value *was)
{
    const struct value *source = field_of(spec, "dataSource"), *ref = field_of(spec, "dataSourceRef");
    bool any_group = value_is_set(field_of(field_of(was, "dataSource"), "apiGroup")) ||
                     value_is_set(field_of(field_of(was, "dataSourceRef"), "apiGroup"));

    if (value_is_set(source))
        check_source(c, PATH(at, "dataSource"), source, any_group);
    if (value_is_set(ref))
        check_source(c, PATH(at, "dataSourceRef"), ref, any_group);
    if (!value_is_set(source) || !value_is_set(ref))
        return;
    if (value_text(field_of(ref, "namespace")).len)
        causes_invalid_text(c, at, SLICE("spec.dataSource"),
                            "may not be specified when dataSourceRef.namespace is specified");
    else if (!same_source(source, ref))
        causes_invalid_text(c, at, SLICE("spec.dataSource"), "must match dataSourceRef");
}

static void check_size(struct causes *c, const struct path *at, const struct value *size)
{
    struct quantity q;

    if (!value_is_set(size)) {
        causes_required(c, at, "");
        return;
    }
    q = quantity_of(value_text(size));
    if (quantity_sign(&q) <= 0)
        causes_invalid_text(c, at, value_text(size), "must be greater than zero");
}

void check_claim_spec(struct causes *c, const struct path *at, const struct value *spec,
                      const struct value *was)
{
    const struct value *modes = field_of(spec, "accessModes"), *class = field_of(spec, "storageClassName");
    const struct value *attributes = field_of(spec, "volumeAttributesClassName");
    struct path resources = path_field(at, "resources");

    if (!value_count(modes))
        causes_required(c, PATH(at, "accessModes"), "at least 1 access mode is required");
    if (value_is_set(field_of(spec, "selector")))
        check_label_selector(c, PATH(at, "selector"), field_of(spec, "selector"));
    check_access_modes(c, PATH(at, "accessModes"), modes);
    check_size(c, PATH_K(&resources, SLICE("storage")), requested(spec));
    if (value_text(class).len)
        check_name(c, PATH(at, "storageClassName"), value_text(class), name_check_subdomain);
    check_enum(c, PATH(at, "volumeMode"), field_of(spec, "volumeMode"), volume_modes, false);
    check_sources(c, at, spec, was ? was : &value_absent);
    if (value_text(attributes).len)
        check_name(c, PATH(at, "volumeAttributesClassName"), value_text(attributes), name_check_subdomain);
}

static const struct value *class_annotation(const struct value *object)
{
    return field_of(value_path(object, "metadata.annotations"), "volume.beta.kubernetes.io/storage-class");
}

/* The class may be given once, and must be the annotation's if there is one. */
static bool class_may_be_set(const struct value *object, const struct value *old)
{
    const struct value *now = field_of(spec_of(object), "storageClassName"),
                       *annotation = class_annotation(old);

    return value_is_set(now) && !value_is_set(field_of(spec_of(old), "storageClassName")) &&
           (!value_is_set(annotation) || slice_eq(value_text(annotation), value_text(now)));
}

/* The old spec with all the changes that are allowed: what the new one must be equal to. */
static struct value allowed_spec(struct kind_request *req, const struct value *object,
                                 const struct value *old)
{
    struct value spec = value_copy(req->arena, spec_of(old), false);
    const struct value *now = spec_of(object);

    if (spec.kind != VALUE_RECORD)
        return spec;
    if (!value_text(field_of(&spec, "volumeName")).len)
        *value_mut(&spec, core_v1_PersistentVolumeClaimSpec_volumeName) = *field_of(now, "volumeName");
    if (class_may_be_set(object, old))
        *value_mut(&spec, core_v1_PersistentVolumeClaimSpec_storageClassName) =
            *field_of(now, "storageClassName");
    if (!value_is(value_path(object, "status.phase"), "Bound"))
        return spec;
    *value_mut(&spec, core_v1_PersistentVolumeClaimSpec_volumeAttributesClassName) =
        *field_of(now, "volumeAttributesClassName");
    if (value_is_set(requested(now)) && value_is_set(requested(&spec))) {
        struct value *resources = value_get_mut(&spec, SLICE("resources"));
        struct value *requests = value_get_mut(resources, SLICE("requests"));
        *value_put(req->arena, requests, SLICE("storage")) = *requested(now);
    }
    return spec;
}

static void check_shrink(struct causes *c, const struct value *object, const struct value *old)
{
    struct path spec = path_field(NULL, "spec"), resources = path_field(&spec, "resources"),
                requests = path_field(&resources, "requests");
    struct quantity now = quantity_of(value_text(requested(spec_of(object)))),
                    was = quantity_of(value_text(requested(spec_of(old))));
    const struct value *capacity = field_of(value_path(old, "status.capacity"), "storage");
    struct quantity has =
        value_is_set(capacity) ? quantity_of(value_text(capacity)) : quantity_of_int(0, now.format);

    if (quantity_cmp(&now, &was) < 0 && quantity_cmp(&now, &has) <= 0)
        causes_forbidden(c, PATH(&requests, "storage"), "field can not be less than status.capacity");
}

static void check_update(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    struct path spec = path_field(NULL, "spec"), metadata = path_field(NULL, "metadata"),
                annotations = path_field(&metadata, "annotations"), mode = path_field(NULL, "volumeMode"),
                class = path_field(&spec, "volumeAttributesClassName");
    const struct value *now = field_of(spec_of(object), "volumeAttributesClassName");
    struct value allowed = allowed_spec(req, object, old);

    if (!slice_eq(value_text(class_annotation(object)), value_text(class_annotation(old))) &&
        !class_may_be_set(object, old))
        causes_invalid_text(c, PATH(&annotations, "volume.beta.kubernetes.io/storage-class"),
                            value_text(class_annotation(object)), "field is immutable");
    if (!value_equal(spec_of(object), &allowed))
        causes_forbidden_diff(c, &spec,
                              "spec is immutable after creation except resources.requests and "
                              "volumeAttributesClassName for bound claims",
                              spec_of(object), spec_of(old));
    if (value_is_set(requested(spec_of(object))) && value_is_set(requested(spec_of(old))))
        check_shrink(c, object, old);
    check_immutable(c, &mode, field_of(spec_of(object), "volumeMode"), field_of(spec_of(old), "volumeMode"));
    if (!value_is_set(value_path(old, "status.currentVolumeAttributesClassName")))
        return;
    if (!value_is_set(now))
        causes_forbidden(
            c, &class, "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil");
    else if (!value_text(now).len)
        causes_forbidden(
            c, &class,
            "update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil");
}

/* Names of resources in status: only storage among Kubernetes' own. */
static bool check_resource_key(struct causes *c, const struct path *at, struct slice name)
{
    static const char *const supported[] = {"storage", NULL};
    size_t before = c->count;

    check_name(c, at, name, name_check_qualified);
    if (c->count == before && resource_is_native(name) && !slice_is(name, "storage"))
        causes_not_supported(c, at, name, supported);
    return c->count == before;
}

static void check_status_resources(struct causes *c, const struct path *status, const struct value *v)
{
    static const char *const states[] = {"ControllerResizeInProgress", "ControllerResizeInfeasible",
                                         "NodeResizeInProgress",       "NodeResizeInfeasible",
                                         "NodeResizePending",          NULL};
    struct path statuses = path_field(status, "allocatedResourceStatuses"),
                allocated = path_field(status, "allocatedResources");

    for (VALUE_EACH_ENTRY(entry, field_of(v, "allocatedResourceStatuses"))) {
        bool known = false;
        check_resource_key(c, &statuses, entry->key);
        for (int i = 0; states[i]; i++)
            known |= value_is(&entry->value, states[i]);
        if (!known)
            causes_not_supported(c, &statuses, entry->key, states);
    }
    for (VALUE_EACH_ENTRY(entry, field_of(v, "allocatedResources"))) {
        struct quantity q = quantity_of(value_text(&entry->value));
        if (check_resource_key(c, &allocated, entry->key) && quantity_sign(&q) < 0)
            causes_invalid_int(c, PATH_K(&allocated, entry->key), quantity_int(&q),
                               "must be a valid resource quantity");
    }
}

static void check_status(struct causes *c, const struct value *object)
{
    const struct value *status = value_at(object, core_v1_PersistentVolumeClaim_status);
    struct path spec = path_field(NULL, "Spec"), at = path_field(NULL, "status"),
                capacity = path_field(&at, "capacity");

    if (!value_count(field_of(spec_of(object), "accessModes")))
        causes_required(c, PATH(&spec, "accessModes"), "");
    for (VALUE_EACH_ENTRY(entry, field_of(status, "capacity"))) {
        struct quantity q = quantity_of(value_text(&entry->value));
        if (quantity_sign(&q) < 0)
            causes_invalid_int(c, PATH_K(&capacity, entry->key), quantity_int(&q),
                               "must be a valid resource quantity");
    }
    check_status_resources(c, &at, status);
}

static void warn_fraction(struct kind_request *req, const char *list, const struct value *size)
{
    struct quantity q;
    int64_t whole;

    if (!value_is_set(size))
        return;
    q = quantity_of(value_text(size));
    if (!quantity_as_int(&q, &whole) && quantity_scaled(&q, -3) % 1000 != 0)
        kind_warn(req,
                  "spec.resources.%s[storage]: fractional byte value \"%.*s\" is invalid, must be an integer",
                  list, SLICE_ARG(value_text(size)));
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *spec = spec_of(object), *resources = field_of(spec, "resources");
    struct path at = path_field(NULL, "spec");

    if (slice_is(req->subresource, "status")) {
        check_status(req->causes, object);
        return;
    }
    check_claim_spec(req->causes, &at, spec, old ? spec_of(old) : NULL);
    if (old)
        check_update(req, object, old);
    if (value_is_set(class_annotation(object)))
        kind_warn(req, "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since "
                       "v1.8; use \"storageClassName\" attribute instead");
    warn_fraction(req, "requests", field_of(field_of(resources, "requests"), "storage"));
    warn_fraction(req, "limits", field_of(field_of(resources, "limits"), "storage"));
}

/* ---- row ---- */

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { STATUS = 1, VOLUME, CAPACITY, MODES, CLASS, ATTRIBUTES, AGE, VOLUME_MODE };
    const struct value *spec = spec_of(object),
                       *status = value_at(object, core_v1_PersistentVolumeClaim_status);
    bool bound = value_text(field_of(spec, "volumeName")).len > 0;

    cells[STATUS] = value_is_set(value_path(object, "metadata.deletionTimestamp"))
                        ? cell_cstr("Terminating")
                        : cell_or(field_of(status, "phase"), "");
    cells[VOLUME] = cell_or(field_of(spec, "volumeName"), "");
    cells[CAPACITY] = bound ? cell_or(field_of(field_of(status, "capacity"), "storage"), "0") : cell_cstr("");
    cells[MODES] =
        bound ? cell_text(access_modes_text(arena, field_of(status, "accessModes"))) : cell_cstr("");
    cells[CLASS] = cell_text(storage_class_of(object));
    cells[ATTRIBUTES] = cell_or(field_of(spec, "volumeAttributesClassName"), "<unset>");
    cells[VOLUME_MODE] = cell_or(field_of(spec, "volumeMode"), "<unset>");
}

const struct kind kind_persistentvolumeclaims = {
    .group = "",
    .resource = "persistentvolumeclaims",
    .returns_deleted = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
