/* persistentvolumes. Rules: pkg/apis/core/validation, pkg/registry/core/persistentvolume,
 * pkg/volume/validation. */
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/storage.h"
#include "apiserver/kinds/workload.h"
#include "base/clock.h"
#include "openapi/gen/core_v1.h"
#include "openapi/quantity.h"
#include "openapi/table.h"

/* In the order in which they are looked at; `supports` mount options by the annotation of old. */
static const struct {
    const char *name;
    bool mount_options;
} sources[] = {
    {"hostPath", false},
    {"gcePersistentDisk", true},
    {"awsElasticBlockStore", true},
    {"glusterfs", true},
    {"flocker", false},
    {"nfs", true},
    {"rbd", true},
    {"quobyte", true},
    {"cephfs", true},
    {"iscsi", true},
    {"cinder", true},
    {"fc", false},
    {"flexVolume", false},
    {"azureFile", true},
    {"vsphereVolume", true},
    {"photonPersistentDisk", true},
    {"portworxVolume", false},
    {"azureDisk", true},
    {"scaleIO", false},
    {"local", false},
    {"storageos", false},
    {"csi", false},
};

enum { SOURCES = sizeof sources / sizeof *sources };

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, core_v1_PersistentVolume_spec);
}

/* ---- prepare ---- */

static void set_transition_time(struct kind_request *req, struct value *status)
{
    char text[CLOCK_TEXT];

    *value_mut(status, core_v1_PersistentVolumeStatus_lastPhaseTransitionTime) =
        value_of_string(arena_dup(req->arena, clock_format_seconds(req->now, text)));
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    struct value *status = value_ensure_record(req->arena, object, core_v1_PersistentVolume_status);

    *value_mut(status, core_v1_PersistentVolumeStatus_phase) = value_of_cstr("Pending");
    set_transition_time(req, status);
}

/* A change of phase stamps the time, unless the client did. */
static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    const struct value *before = value_at(old, core_v1_PersistentVolume_status);
    const struct value *was = value_at(before, core_v1_PersistentVolumeStatus_lastPhaseTransitionTime);
    struct value *status;

    if (!slice_is(req->subresource, "status"))
        return;
    status = value_ensure_record(req->arena, object, core_v1_PersistentVolume_status);
    struct value *time = value_mut(status, core_v1_PersistentVolumeStatus_lastPhaseTransitionTime);
    bool same = value_equal(value_at(status, core_v1_PersistentVolumeStatus_phase),
                            value_at(before, core_v1_PersistentVolumeStatus_phase));
    if (same && !value_is_set(time))
        *time = *was;
    else if (!same && (!value_is_set(time) || value_equal(time, was)))
        set_transition_time(req, status);
}

/* ---- validate ---- */

static void check_capacity(struct causes *c, const struct path *at, const struct value *capacity)
{
    static const char *const supported[] = {"storage", NULL};
    cleanup_buf struct buf shown = BUF_INIT(BUF_UNLIMITED);
    const char *comma = "";

    if (!value_count(capacity))
        causes_required(c, at, "");
    if (value_count(capacity) != 1 || !value_is_set(field_of(capacity, "storage"))) {
        buf_puts(&shown, value_count(capacity) ? "{" : "null");
        for (VALUE_EACH_ENTRY(entry, capacity)) {
            buf_puts(&shown, comma);
            buf_put_json_string(&shown, entry->key);
            buf_putc(&shown, ':');
            buf_put_json_string(&shown, value_text(&entry->value));
            comma = ",";
        }
        buf_puts(&shown, value_count(capacity) ? "}" : "");
        causes_not_supported_shown(c, at, arena_strdup(c->arena, buf_slice(&shown)), supported);
    }
    for (VALUE_EACH_ENTRY(entry, capacity)) {
        struct quantity q = quantity_of(value_text(&entry->value));
        if (quantity_sign(&q) < 0)
            causes_invalid_int(c, PATH_K(at, entry->key), quantity_int(&q),
                               "must be a valid resource quantity");
        if (quantity_sign(&q) <= 0)
            causes_invalid_text(c, PATH_K(at, entry->key), value_text(&entry->value),
                                "must be greater than zero");
    }
}

static void check_sources(struct causes *c, const struct path *at, const struct value *spec,
                          struct slice name)
{
    bool affinity = value_is_set(field_of(spec, "nodeAffinity"));
    int count = 0;

    for (int i = 0; i < SOURCES; i++) {
        const struct value *source = field_of(spec, sources[i].name);
        if (!value_is_set(source))
            continue;
        if (count && strcmp(sources[i].name, "flexVolume") != 0) {
            causes_forbidden(c, PATH(at, strcmp(sources[i].name, "cephfs") == 0 ? "cephFS" : sources[i].name),
                             "may not specify more than 1 volume type");
            continue;
        }
        count++;
        check_volume_source(c, at, sources[i].name, source, name);
        if (strcmp(sources[i].name, "local") == 0 && !affinity)
            causes_required(c, PATH(at, "nodeAffinity"), "Local volume requires node affinity");
    }
    if (!count)
        causes_required(c, at, "must specify a volume type");
}

static bool is_root(struct slice path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] != '/' && path.ptr[i] != '.')
            return false;
    return path.len && path.ptr[0] == '/';
}

static void check_affinity(struct causes *c, const struct path *at, const struct value *affinity,
                           bool inlined)
{
    if (!value_is_set(affinity))
        return;
    if (inlined)
        causes_forbidden(c, at, "may not be specified in the context of inline volumes");
    else if (!value_is_set(field_of(affinity, "required")))
        causes_required(c, PATH(at, "required"), "must specify required node constraints");
    else
        check_node_selector(c, PATH(at, "required"), field_of(affinity, "required"));
}

static void check_policy(struct causes *c, const struct path *at, const struct value *policy, bool inlined)
{
    static const char *const policies[] = {"Delete", "Recycle", "Retain", NULL};

    if (!value_text(policy).len)
        return;
    if (!inlined)
        check_enum(c, at, policy, policies, false);
    else if (!value_is(policy, "Retain"))
        causes_forbidden(c, at, "may only be Retain in the context of inline volumes");
}

static void check_classes(struct causes *c, const struct path *at, const struct value *spec, bool inlined)
{
    const struct value *class = field_of(spec, "storageClassName"), *mode = field_of(spec, "volumeMode");
    const struct value *attributes = field_of(spec, "volumeAttributesClassName");

    if (value_text(class).len && inlined)
        causes_forbidden(c, PATH(at, "storageClassName"),
                         "may not be specified in the context of inline volumes");
    else if (value_text(class).len)
        check_name(c, PATH(at, "storageClassName"), value_text(class), name_check_subdomain);
    if (value_is_set(mode) && !inlined)
        check_enum(c, PATH(at, "volumeMode"), mode, volume_modes, false);
    else if (value_is_set(mode) && !value_is(mode, "Filesystem"))
        causes_forbidden(c, PATH(at, "volumeMode"),
                         "may not specify volumeMode other than Filesystem in the context of inline volumes");
    if (!value_is_set(attributes))
        return;
    if (!value_text(attributes).len)
        causes_required(c, PATH(at, "volumeAttributesClassName"), "an empty string is disallowed");
    else
        check_name(c, PATH(at, "volumeAttributesClassName"), value_text(attributes), name_check_subdomain);
    if (!value_is_set(field_of(spec, "csi")))
        causes_required(c, PATH(at, "csi"), "has to be specified when using volumeAttributesClassName");
}

static void check_inlined(struct causes *c, const struct path *at, const struct value *spec)
{
    if (value_is_set(field_of(spec, "claimRef")))
        causes_forbidden(c, PATH(at, "claimRef"), "may not be specified in the context of inline volumes");
    if (value_count(field_of(spec, "capacity")))
        causes_forbidden(c, PATH(at, "capacity"), "may not be specified in the context of inline volumes");
    if (!value_is_set(field_of(spec, "csi")))
        causes_required(c, PATH(at, "csi"), "has to be specified in the context of inline volumes");
}

void check_volume_spec(struct causes *c, const struct path *at, const struct value *spec, struct slice name,
                       bool inlined)
{
    const struct value *modes = field_of(spec, "accessModes"),
                       *policy = field_of(spec, "persistentVolumeReclaimPolicy");
    struct slice host_path = value_text(field_of(field_of(spec, "hostPath"), "path"));

    if (inlined)
        check_inlined(c, at, spec);
    if (!value_count(modes))
        causes_required(c, PATH(at, "accessModes"), "");
    check_access_modes(c, PATH(at, "accessModes"), modes);
    if (!inlined)
        check_capacity(c, PATH(at, "capacity"), field_of(spec, "capacity"));
    check_policy(c, PATH(at, "persistentVolumeReclaimPolicy"), policy, inlined);
    check_affinity(c, PATH(at, "nodeAffinity"), field_of(spec, "nodeAffinity"), inlined);
    check_sources(c, at, spec, name);
    if (is_root(host_path) && value_is(policy, "Recycle"))
        causes_forbidden(c, PATH(at, "persistentVolumeReclaimPolicy"),
                         "may not be 'recycle' for a hostPath mount of '/'");
    check_classes(c, at, spec, inlined);
}

static void check_mount_annotation(struct causes *c, const struct value *object)
{
    const char *key = "volume.beta.kubernetes.io/mount-options";
    struct path metadata = path_field(NULL, "metadata"), annotations = path_field(&metadata, "annotations");

    if (!value_is_set(field_of(value_path(object, "metadata.annotations"), key)))
        return;
    for (int i = 0; i < SOURCES; i++)
        if (sources[i].mount_options && value_is_set(field_of(spec_of(object), sources[i].name)))
            return;
    causes_forbidden(c, PATH(&annotations, key), "may not specify mount options for this volume type");
}

static bool same_sources(struct arena *arena, const struct value *now, const struct value *old)
{
    for (int i = 0; i < SOURCES; i++) {
        const struct value *b = field_of(old, sources[i].name);
        struct value a = value_copy(arena, field_of(now, sources[i].name), false);
        struct value *expand =
            a.kind == VALUE_RECORD ? value_get_mut(&a, SLICE("controllerExpandSecretRef")) : NULL;
        /* a secret for expansion may be added once */
        if (expand && value_is_set(b) && strcmp(sources[i].name, "csi") == 0 &&
            !value_is_set(field_of(b, "controllerExpandSecretRef")))
            *expand = value_absent;
        if (!value_equal(&a, b))
            return false;
    }
    return true;
}

static void check_update(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *now = spec_of(object), *was = spec_of(old);
    struct path spec = path_field(NULL, "spec"), mode = path_field(NULL, "volumeMode"),
                affinity = path_field(NULL, "nodeAffinity");

    if (!same_sources(req->arena, now, was))
        causes_forbidden_diff(req->causes, PATH(&spec, "persistentvolumesource"),
                              "spec.persistentvolumesource is immutable after creation", now, was);
    check_immutable(req->causes, &mode, field_of(now, "volumeMode"), field_of(was, "volumeMode"));
    if (value_is_set(field_of(was, "nodeAffinity")))
        check_immutable(req->causes, &affinity, field_of(now, "nodeAffinity"), field_of(was, "nodeAffinity"));
    if (value_is_set(field_of(was, "volumeAttributesClassName")) &&
        !value_is_set(field_of(now, "volumeAttributesClassName")))
        causes_forbidden(req->causes, PATH(&spec, "volumeAttributesClassName"),
                         "update from non-nil value to nil is forbidden");
}

static void warn(struct kind_request *req, const struct value *object)
{
    static const struct {
        const char *name, *text;
    } gone[] = {
        {"cephfs", "spec.cephfs: deprecated in v1.28, non-functional in v1.31+"},
        {"photonPersistentDisk", "spec.photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+"},
        {"scaleIO", "spec.scaleIO: deprecated in v1.16, non-functional in v1.22+"},
        {"storageos", "spec.storageOS: deprecated in v1.22, non-functional in v1.25+"},
        {"glusterfs", "spec.glusterfs: deprecated in v1.25, non-functional in v1.26+"},
        {"rbd", "spec.rbd: deprecated in v1.28, non-functional in v1.31+"},
    };
    const struct value *annotations = value_path(object, "metadata.annotations");

    if (value_is_set(field_of(annotations, "volume.beta.kubernetes.io/storage-class")))
        kind_warn(req, "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since "
                       "v1.8; use \"storageClassName\" attribute instead");
    if (value_is_set(field_of(annotations, "volume.beta.kubernetes.io/mount-options")))
        kind_warn(req, "metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since "
                       "v1.31; use \"mountOptions\" attribute instead");
    if (value_is(field_of(spec_of(object), "persistentVolumeReclaimPolicy"), "Recycle"))
        kind_warn(req, "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Use "
                       "dynamic provisioning instead.");
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        if (value_is_set(field_of(spec_of(object), gone[i].name)))
            kind_warn(req, "%s", gone[i].text);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path spec = path_field(NULL, "spec");

    if (slice_is(req->subresource, "status"))
        return;
    check_volume_spec(req->causes, &spec, spec_of(object), object_name(object), false);
    check_mount_annotation(req->causes, object);
    if (old)
        check_update(req, object, old);
    warn(req, object);
}

/* ---- row ---- */

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { CAPACITY = 1, MODES, POLICY, STATUS, CLAIM, CLASS, ATTRIBUTES, REASON, AGE, VOLUME_MODE };
    const struct value *spec = spec_of(object), *status = value_at(object, core_v1_PersistentVolume_status);
    const struct value *claim = field_of(spec, "claimRef");

    cells[CAPACITY] = cell_or(field_of(field_of(spec, "capacity"), "storage"), "0");
    cells[MODES] = cell_text(access_modes_text(arena, field_of(spec, "accessModes")));
    cells[POLICY] = cell_or(field_of(spec, "persistentVolumeReclaimPolicy"), "");
    cells[STATUS] = value_is_set(value_path(object, "metadata.deletionTimestamp"))
                        ? cell_cstr("Terminating")
                        : cell_or(field_of(status, "phase"), "");
    cells[CLAIM] = cell_cstr("");
    if (value_is_set(claim))
        cells[CLAIM] = cell_format(arena, "%.*s/%.*s", SLICE_ARG(value_text(field_of(claim, "namespace"))),
                                   SLICE_ARG(value_text(field_of(claim, "name"))));
    cells[CLASS] = cell_text(storage_class_of(object));
    cells[ATTRIBUTES] = cell_or(field_of(spec, "volumeAttributesClassName"), "<unset>");
    cells[REASON] = cell_or(field_of(status, "reason"), "");
    cells[VOLUME_MODE] = cell_or(field_of(spec, "volumeMode"), "<unset>");
}

const struct kind kind_persistentvolumes = {
    .group = "",
    .resource = "persistentvolumes",
    .returns_deleted = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
