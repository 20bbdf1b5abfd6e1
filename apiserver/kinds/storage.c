/* storage.k8s.io: classes of volumes, drivers, what they can hold and where they are attached. Rules:
 * pkg/apis/storage/validation, pkg/registry/storage. What upstream's generated rules say comes last, in the
 * order of the fields. */
#include "apiserver/kinds/storage.h"
#include <ctype.h>
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/storage_v1.h"

enum { PARAMETERS_MAX = 512, PARAMETERS_MAX_BYTES = 256 << 10, NODE_ID_MAX = 256, MESSAGE_MAX = 1024 };

/* ---- parts ---- */

static void check_driver(struct causes *c, const struct path *at, struct slice name)
{
    struct slice lower = arena_dup(c->arena, name);

    for (size_t i = 0; i < lower.len; i++)
        ((char *)lower.ptr)[i] = (char)tolower((unsigned char)lower.ptr[i]);
    if (name.len)
        check_name(c, at, lower, name_check_qualified);
}

static size_t map_bytes(const struct value *map)
{
    size_t size = 0;

    for (VALUE_EACH_ENTRY(entry, map))
        size += entry->key.len + value_text(&entry->value).len;
    return size;
}

static void check_parameters(struct causes *c, const struct path *at, const struct value *map, bool required)
{
    if (value_count(map) > PARAMETERS_MAX) {
        causes_too_long(c, at, PARAMETERS_MAX);
        return;
    }
    for (VALUE_EACH_ENTRY(entry, map))
        if (!entry->key.len)
            causes_invalid_text(c, at, entry->key, "field can not be empty.");
    if (map_bytes(map) > PARAMETERS_MAX_BYTES)
        causes_too_long(c, at, PARAMETERS_MAX_BYTES);
    if (required && !value_count(map))
        causes_required(c, at, "must contain at least one key/value pair");
}

/* ---- storageclasses ---- */

static void check_topology_term(struct causes *c, const struct path *at, const struct value *term)
{
    const struct value *list = field_of(term, "matchLabelExpressions");
    struct path list_at = path_field(at, "matchLabelExpressions");

    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *values = field_of(value_item(list, i), "values"),
                           *key = field_of(value_item(list, i), "key");
        struct path item_at = path_index(&list_at, i), values_at = path_field(&item_at, "values");
        if (!value_count(values))
            causes_required(c, &values_at, "");
        for (size_t k = 0; k < value_count(values); k++)
            for (size_t j = 0; j < k; j++)
                if (value_equal(value_item(values, j), value_item(values, k))) {
                    causes_duplicate(c, PATH_I(&values_at, k), value_text(value_item(values, k)));
                    break;
                }
        check_name(c, PATH(&item_at, "key"), value_text(key), name_check_qualified);
        for (size_t j = 0; j < i; j++)
            if (value_equal(field_of(value_item(list, j), "key"), key)) {
                causes_duplicate(c, PATH(&item_at, "key"), value_text(key));
                break;
            }
    }
}

static void check_topologies(struct causes *c, const struct path *at, const struct value *list)
{
    for (size_t i = 0; i < value_count(list); i++) {
        struct path item_at = path_index(at, i);
        check_topology_term(c, &item_at, value_item(list, i));
        for (size_t j = 0; j < i; j++)
            if (value_equal(value_item(list, i), value_item(list, j)))
                causes_duplicate(c, PATH(&item_at, "matchLabelExpressions"), SLICE(""));
    }
}

static void validate_class(struct kind_request *req, const struct value *object, const struct value *old)
{
    static const char *const policies[] = {"Delete", "Retain", NULL};
    static const char *const modes[] = {"Immediate", "WaitForFirstConsumer", NULL};
    static const char *const fixed[] = {"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"};
    struct causes *c = req->causes;
    const struct value *provisioner = field_of(object, "provisioner"),
                       *policy = field_of(object, "reclaimPolicy");
    struct path at;

    check_driver(c, PATH(NULL, "provisioner"), value_text(provisioner));
    check_parameters(c, PATH(NULL, "parameters"), field_of(object, "parameters"), false);
    if (value_text(policy).len)
        check_enum(c, PATH(NULL, "reclaimPolicy"), policy, policies, false);
    check_enum(c, PATH(NULL, "volumeBindingMode"), field_of(object, "volumeBindingMode"), modes, true);
    check_topologies(c, PATH(NULL, "allowedTopologies"), field_of(object, "allowedTopologies"));
    if (!value_text(provisioner).len)
        causes_required(c, PATH(NULL, "provisioner"), "");
    for (size_t i = 0; old && i < sizeof fixed / sizeof *fixed; i++) {
        at = path_field(NULL, fixed[i]);
        check_immutable_bare(c, &at, field_of(object, fixed[i]), field_of(old, fixed[i]));
    }
}

static void row_class(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { PROVISIONER = 1, POLICY, MODE, EXPANSION };

    cells[PROVISIONER] = cell_or(field_of(object, "provisioner"), "");
    cells[POLICY] = cell_or(field_of(object, "reclaimPolicy"), "Delete");
    cells[MODE] = cell_or(field_of(object, "volumeBindingMode"), "Immediate");
    cells[EXPANSION] = value_of_bool(value_bool(field_of(object, "allowVolumeExpansion")));
}

/* ---- volumeattributesclasses ---- */

static void validate_attributes_class(struct kind_request *req, const struct value *object,
                                      const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *driver = field_of(object, "driverName"), *parameters = field_of(object, "parameters");

    if (old && !value_equal(driver, field_of(old, "driverName")))
        causes_forbidden(c, PATH(NULL, "driverName"), "updates to driverName are forbidden.");
    if (old && !value_equal(parameters, field_of(old, "parameters")))
        causes_forbidden(c, PATH(NULL, "parameters"), "updates to parameters are forbidden.");
    if (!value_text(driver).len)
        causes_required(c, PATH(NULL, "driverName"), "");
    check_driver(c, PATH(NULL, "driverName"), value_text(driver));
    check_parameters(c, PATH(NULL, "parameters"), parameters, true);
}

static void row_attributes_class(struct arena *arena, const struct value *object, int64_t now,
                                 struct value *cells)
{
    cells[1] = cell_or(field_of(object, "driverName"), "");
}

/* ---- volumeattachments ---- */

static void check_volume_error(struct causes *c, const struct path *at, const struct value *error)
{
    if (value_text(field_of(error, "message")).len > MESSAGE_MAX)
        causes_too_long(c, PATH(at, "message"), MESSAGE_MAX);
    if (value_int(field_of(error, "errorCode"), 0) < 0)
        causes_invalid_int(c, PATH(at, "errorCode"), value_int(field_of(error, "errorCode"), 0),
                           "must be between 0 and 2147483647, inclusive");
}

static void check_attached(struct causes *c, const struct path *at, const struct value *source)
{
    const struct value *name = field_of(source, "persistentVolumeName"),
                       *spec = field_of(source, "inlineVolumeSpec");

    if (!value_is_set(name) && !value_is_set(spec))
        causes_required(c, at, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
    else if (value_is_set(name) && value_is_set(spec))
        causes_forbidden(c, at, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
    else if (value_is_set(spec))
        check_volume_spec(c, PATH(at, "inlineVolumeSpec"), spec, SLICE(""), true);
    else if (!value_text(name).len)
        causes_required(c, PATH(at, "persistentVolumeName"), "must specify non empty persistentVolumeName");
}

static void validate_attachment(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec"), *status = field_of(object, "status");
    const struct value *volume = field_of(field_of(spec, "source"), "persistentVolumeName");
    struct path spec_at = path_field(NULL, "spec"), status_at = path_field(NULL, "status"),
                source_at = path_field(&spec_at, "source");

    check_attached(c, &source_at, field_of(spec, "source"));
    check_name(c, PATH(&spec_at, "nodeName"), value_text(field_of(spec, "nodeName")), name_check_subdomain);
    if (map_bytes(field_of(status, "attachmentMetadata")) > PARAMETERS_MAX_BYTES)
        causes_too_long(c, PATH(&status_at, "attachmentMetadata"), PARAMETERS_MAX_BYTES);
    check_volume_error(c, PATH(&status_at, "attachError"), field_of(status, "attachError"));
    check_volume_error(c, PATH(&status_at, "detachError"), field_of(status, "detachError"));
    if (value_is_set(volume))
        check_name(c, PATH(&source_at, "persistentVolumeName"), value_text(volume), name_check_subdomain);
    if (old && !value_equal(spec, field_of(old, "spec")))
        check_immutable_bare(c, &spec_at, spec, field_of(old, "spec"));
    else if (!old)
        check_csi_driver_name(c, PATH(&spec_at, "attacher"), value_text(field_of(spec, "attacher")));
}

static void row_attachment(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = field_of(object, "spec");

    cells[1] = cell_or(field_of(spec, "attacher"), "");
    cells[2] = cell_or(field_of(field_of(spec, "source"), "persistentVolumeName"), "");
    cells[3] = cell_or(field_of(spec, "nodeName"), "");
    cells[4] = value_of_bool(value_bool(value_path(object, "status.attached")));
}

/* ---- csidrivers ---- */

static void warn_token_secrets(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *requests = value_path(object, "spec.tokenRequests");

    if (!value_count(requests) || value_is_set(value_path(object, "spec.serviceAccountTokenInSecrets")))
        return;
    if (!old || !value_equal(requests, value_path(old, "spec.tokenRequests")))
        kind_warn(req, "spec.serviceAccountTokenInSecrets is unset; a driver that supports it should set it, "
                       "so that no token is logged with the volume attributes");
}

static void check_token_requests(struct causes *c, const struct path *at, const struct value *list)
{
    for (size_t i = 0; i < value_count(list); i++) {
        struct path item_at = path_index(at, i);
        const struct value *audience = field_of(value_item(list, i), "audience");
        int64_t seconds = value_int(field_of(value_item(list, i), "expirationSeconds"), 600);
        bool repeated = false;
        for (size_t j = 0; j < i; j++)
            repeated |= slice_eq(value_text(field_of(value_item(list, j), "audience")), value_text(audience));
        if (repeated) {
            causes_duplicate(c, PATH(&item_at, "audience"), value_text(audience));
            continue;
        }
        if (seconds < 600)
            causes_invalid_int(c, PATH(&item_at, "expirationSeconds"), seconds,
                               "may not specify a duration less than 10 minutes");
        if (seconds > INT64_C(1) << 32)
            causes_invalid_int(c, PATH(&item_at, "expirationSeconds"), seconds,
                               "may not specify a duration larger than 2^32 seconds");
    }
}

static void check_lifecycle_modes(struct causes *c, const struct path *at, const struct value *list)
{
    static const char *const modes[] = {"Persistent", "Ephemeral", NULL};

    for (VALUE_EACH(mode, list))
        if (!value_is(mode, modes[0]) && !value_is(mode, modes[1]))
            causes_not_supported(c, at, value_text(mode), modes);
}

static void check_driver_spec(struct causes *c, const struct path *at, const struct value *spec)
{
    static const char *const groups[] = {"File", "None", "ReadWriteOnceWithFSType", NULL};
    const struct value *period = field_of(spec, "nodeAllocatableUpdatePeriodSeconds");
    const struct value *secrets = field_of(spec, "serviceAccountTokenInSecrets");

    if (!value_is_set(field_of(spec, "attachRequired")))
        causes_required(c, PATH(at, "attachedRequired"), "");
    if (!value_is_set(field_of(spec, "podInfoOnMount")))
        causes_required(c, PATH(at, "podInfoOnMount"), "");
    if (!value_is_set(field_of(spec, "storageCapacity")))
        causes_required(c, PATH(at, "storageCapacity"), "");
    check_enum(c, PATH(at, "fsGroupPolicy"), field_of(spec, "fsGroupPolicy"), groups, false);
    check_token_requests(c, PATH(at, "tokenRequests"), field_of(spec, "tokenRequests"));
    check_lifecycle_modes(c, PATH(at, "volumeLifecycleModes"), field_of(spec, "volumeLifecycleModes"));
    if (!value_is_set(field_of(spec, "seLinuxMount")))
        causes_required(c, PATH(at, "seLinuxMount"), "");
    if (value_int(period, 10) < 10)
        causes_invalid_int(c, PATH(at, "nodeAllocatableUpdatePeriodSeconds"), value_int(period, 10),
                           "must be greater than or equal to 10 seconds");
    if (value_is_set(secrets) && !value_count(field_of(spec, "tokenRequests")))
        causes_invalid(c, PATH(at, "serviceAccountTokenInSecrets"), secrets,
                       "set, but there are no tokenRequests");
    if (!value_is_set(field_of(spec, "preventPodSchedulingIfMissing")))
        causes_required(c, PATH(at, "preventPodSchedulingIfMissing"), "");
}

static void validate_driver(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *spec = field_of(object, "spec"), *was = old ? field_of(old, "spec") : &value_absent;
    struct path at = path_field(NULL, "spec");

    check_driver_spec(req->causes, &at, spec);
    if (old) {
        check_immutable(req->causes, PATH(&at, "attachedRequired"), field_of(spec, "attachRequired"),
                        field_of(was, "attachRequired"));
        check_immutable(req->causes, PATH(&at, "volumeLifecycleModes"),
                        field_of(spec, "volumeLifecycleModes"), field_of(was, "volumeLifecycleModes"));
    }
    warn_token_secrets(req, object, old);
}

static void update_driver(struct kind_request *req, struct value *object, const struct value *old)
{
    set_generation(object, old, !value_equal(field_of(object, "spec"), field_of(old, "spec")));
}

static void row_driver(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = field_of(object, "spec"), *attach = field_of(spec, "attachRequired");
    const struct value *requests = field_of(spec, "tokenRequests");
    struct slice modes = join_strings(arena, field_of(spec, "volumeLifecycleModes"));
    const char *audiences = "";

    for (VALUE_EACH(request, requests))
        audiences = arena_printf(arena, "%s%s%.*s", audiences, request == requests->list->items ? "" : ",",
                                 SLICE_ARG(value_text(field_of(request, "audience"))));
    cells[1] = value_of_bool(!value_is_set(attach) || value_bool(attach));
    cells[2] = value_of_bool(value_bool(field_of(spec, "podInfoOnMount")));
    cells[3] = value_of_bool(value_bool(field_of(spec, "storageCapacity")));
    cells[4] = cell_cstr(value_is_set(requests) ? audiences : "<unset>");
    cells[5] = value_of_bool(value_bool(field_of(spec, "requiresRepublish")));
    cells[6] = modes.len ? cell_text(modes) : cell_cstr("<none>");
}

/* ---- csinodes ---- */

static void drop_health(struct value *object)
{
    struct value *status = value_get_mut(object, SLICE("status"));
    struct value *health =
        status && status->kind == VALUE_RECORD ? value_get_mut(status, SLICE("storageHealth")) : NULL;

    if (health)
        *health = value_absent;
}

/* status.storageHealth is behind a feature that is off. */
static void create_node(struct kind_request *req, struct value *object)
{
    drop_health(object);
}

static void update_node(struct kind_request *req, struct value *object, const struct value *old)
{
    if (!value_count(value_path(old, "status.storageHealth")))
        drop_health(object);
}

static void check_topology_keys(struct causes *c, const struct path *at, const struct value *keys)
{
    for (size_t i = 0; i < value_count(keys); i++) {
        struct slice key = value_text(value_item(keys, i));
        if (!key.len)
            causes_required(c, at, "");
        for (size_t j = 0; j < i; j++)
            if (slice_eq(value_text(value_item(keys, j)), key)) {
                causes_duplicate(c, at, key);
                break;
            }
        check_name(c, at, key, name_check_qualified);
    }
}

static void check_node_driver(struct causes *c, const struct path *list_at, const struct value *list,
                              size_t i)
{
    const struct value *driver = value_item(list, i);
    struct path at = path_index(list_at, i), allocatable = path_field(&at, "allocatable");
    struct slice id = value_text(field_of(driver, "nodeID")), name = value_text(field_of(driver, "name"));

    check_csi_driver_name(c, PATH(&at, "name"), name);
    if (!id.len)
        causes_required(c, PATH(&at, "nodeID"), "");
    if (id.len > NODE_ID_MAX)
        causes_invalid_text(c, PATH(&at, "nodeID"), id, "must be %d characters or less", NODE_ID_MAX);
    if (value_is_set(field_of(field_of(driver, "allocatable"), "count")))
        check_non_negative(c, PATH(&allocatable, "count"),
                           value_int(field_of(field_of(driver, "allocatable"), "count"), 0));
    for (size_t j = 0; j < i; j++)
        if (slice_eq(value_text(field_of(value_item(list, j), "name")), name)) {
            causes_duplicate(c, PATH(&at, "name"), name);
            break;
        }
    check_topology_keys(c, &at, field_of(driver, "topologyKeys"));
}

static struct value without_allocatable(struct arena *arena, const struct value *driver)
{
    struct value copy = value_copy(arena, driver, false);
    struct value *allocatable = value_get_mut(&copy, SLICE("allocatable"));

    if (allocatable)
        *allocatable = value_absent;
    return copy;
}

/* A driver stays as it was registered; only what can be allocated may change. */
static void check_drivers_kept(struct kind_request *req, const struct path *at, const struct value *list,
                               const struct value *old)
{
    for (VALUE_EACH(was, old)) {
        for (VALUE_EACH(is, list)) {
            if (!value_equal(field_of(was, "name"), field_of(is, "name")))
                continue;
            struct value a = without_allocatable(req->arena, is), b = without_allocatable(req->arena, was);
            if (!value_equal(&a, &b))
                causes_invalid_shown(req->causes, at, shown_record(req->arena, &a), "field is immutable");
        }
    }
}

static void validate_node(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *drivers = value_path(object, "spec.drivers");
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "drivers");

    if (slice_is(req->subresource, "status"))
        return;
    for (size_t i = 0; i < value_count(drivers); i++)
        check_node_driver(req->causes, &at, drivers, i);
    if (old)
        check_drivers_kept(req, &at, drivers, value_path(old, "spec.drivers"));
}

static void row_node(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = value_of_int((int64_t)value_count(value_path(object, "spec.drivers")));
}

/* ---- csistoragecapacities ---- */

static void validate_capacity(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *topology = field_of(object, "nodeTopology"),
                       *class = field_of(object, "storageClassName");

    if (value_is_set(topology))
        check_label_selector(c, PATH(NULL, "nodeTopology"), topology);
    check_name(c, PATH(NULL, "storageClassName"), value_text(class), name_check_subdomain);
    if (value_is_set(field_of(object, "capacity")))
        check_quantity_non_negative(c, PATH(NULL, "capacity"), field_of(object, "capacity"));
    if (old && !value_equal(topology, field_of(old, "nodeTopology")))
        causes_invalid_shown(c, PATH(NULL, "nodeTopology"), shown_record(req->arena, topology),
                             "field is immutable");
    if (old && !value_equal(class, field_of(old, "storageClassName")))
        causes_invalid_text(c, PATH(NULL, "storageClassName"), value_text(class), "field is immutable");
}

/* ---- the kinds ---- */

static const struct kind kind_storageclasses = {.group = "storage.k8s.io",
                                                .resource = "storageclasses",
                                                .returns_deleted = true,
                                                .validate = validate_class,
                                                .row = row_class};
static const struct kind kind_volumeattributesclasses = {.group = "storage.k8s.io",
                                                         .resource = "volumeattributesclasses",
                                                         .returns_deleted = true,
                                                         .validate = validate_attributes_class,
                                                         .row = row_attributes_class};
static const struct kind kind_volumeattachments = {.group = "storage.k8s.io",
                                                   .resource = "volumeattachments",
                                                   .returns_deleted = true,
                                                   .requires_version_on_update = true,
                                                   .validate = validate_attachment,
                                                   .row = row_attachment};
static const struct kind kind_csidrivers = {.group = "storage.k8s.io",
                                            .resource = "csidrivers",
                                            .returns_deleted = true,
                                            .requires_version_on_update = true,
                                            .prepare_update = update_driver,
                                            .validate = validate_driver,
                                            .row = row_driver};
static const struct kind kind_csinodes = {.group = "storage.k8s.io",
                                          .resource = "csinodes",
                                          .returns_deleted = true,
                                          .requires_version_on_update = true,
                                          .prepare_create = create_node,
                                          .prepare_update = update_node,
                                          .validate = validate_node,
                                          .row = row_node};
static const struct kind kind_csistoragecapacities = {.group = "storage.k8s.io",
                                                      .resource = "csistoragecapacities",
                                                      .requires_version_on_update = true,
                                                      .validate = validate_capacity};

const struct kind *const kinds_storage[] = {&kind_persistentvolumes,
                                            &kind_persistentvolumeclaims,
                                            &kind_nodes,
                                            &kind_storageclasses,
                                            &kind_volumeattributesclasses,
                                            &kind_volumeattachments,
                                            &kind_csidrivers,
                                            &kind_csinodes,
                                            &kind_csistoragecapacities,
                                            &kind_priorityclasses,
                                            &kind_runtimeclasses,
                                            &kind_storageversionmigrations,
                                            NULL};
