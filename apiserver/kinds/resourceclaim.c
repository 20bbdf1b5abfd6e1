/* resourceclaims, resourceclaimtemplates: what a pod asks of devices, and what it got. Rules:
 * pkg/apis/resource/validation. */
#include "apiserver/kinds/ip.h"
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/resource.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/storage.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/resource_v1.h"

enum {
    MAX_REQUESTS = 32,
    MAX_CONSTRAINTS = 32,
    MAX_CONFIGS = 32,
    MAX_ALTERNATIVES = 8,
    MAX_RESERVED = 256,
    MAX_CONDITIONS = 8,
    MAX_DATA = 10 * 1024,
    MAX_IPS = 16,
    MAX_INTERFACE = 256,
    MAX_HARDWARE = 128,
    UUID_LENGTH = 36
};

/* ---- requests ---- */

static void check_duplicate_names(struct causes *c, const struct path *at, const struct value *list)
{
    struct text_set seen = TEXT_SET(c->arena);

    for (size_t i = 0; i < value_count(list); i++) {
        struct slice name = text_at(value_item(list, i), "name");
        if (!text_set_add(&seen, name))
            causes_duplicate(c, PATH_I(at, i), name);
    }
}

/* One kind of device and how many of it: the part that `exactly` and each alternative have in common. */
static void check_wanted(struct causes *c, const struct path *at, const struct value *wanted)
{
    static const char *const modes[] = {"All", "ExactCount", NULL};
    struct slice class = text_at(wanted, "deviceClassName"), mode = text_at(wanted, "allocationMode");
    int64_t count = value_int(field_of(wanted, "count"), 0);

    if (class.len)
        check_name(c, PATH(at, "deviceClassName"), class, name_check_subdomain);
    else
        causes_required(c, PATH(at, "deviceClassName"), "");
    check_device_selectors(c, PATH(at, "selectors"), field_of(wanted, "selectors"), false);
    if (slice_is(mode, "All") && count != 0)
        causes_invalid_int(c, PATH(at, "count"), count, "must not be specified when allocationMode is 'All'");
    else if (slice_is(mode, "ExactCount") && count <= 0)
        causes_invalid_int(c, PATH(at, "count"), count, "must be greater than zero");
    else if (!text_is_one_of(mode, modes))
        causes_not_supported(c, PATH(at, "allocationMode"), mode, modes);
    check_device_tolerations(c, PATH(at, "tolerations"), field_of(wanted, "tolerations"));
}

static void check_alternatives(struct causes *c, const struct path *at, const struct value *list)
{
    if (!check_count_limit(c, at, list, MAX_ALTERNATIVES))
        return;
    for (size_t i = 0; i < value_count(list); i++) {
        struct path item_at = path_index(at, i);
        check_name(c, PATH(&item_at, "name"), text_at(value_item(list, i), "name"), name_check_label);
        check_wanted(c, &item_at, value_item(list, i));
    }
    check_duplicate_names(c, at, list);
}

static void check_request(struct causes *c, const struct path *at, const struct value *request)
{
    const struct value *exactly = field_of(request, "exactly"),
                       *alternatives = field_of(request, "firstAvailable");

    check_name(c, PATH(at, "name"), text_at(request, "name"), name_check_label);
    if (!value_is_set(exactly) && !value_count(alternatives))
        causes_required(c, at, "exactly one of `exactly` or `firstAvailable` is required");
    else if (value_is_set(exactly) && value_count(alternatives))
        causes_invalid_shown(c, at, "null",
                             "exactly one of `exactly` or `firstAvailable` is required, but both are set");
    else if (value_is_set(exactly))
        check_wanted(c, PATH(at, "exactly"), exactly);
    else
        check_alternatives(c, PATH(at, "firstAvailable"), alternatives);
}

/* ---- references to requests ---- */

/* "request" or "request/alternative". */
static bool names_a_request(const struct value *requests, struct slice name)
{
    struct slice rest = name, first;

    slice_split(&rest, '/', &first);
    for (VALUE_EACH(request, requests)) {
        if (!slice_eq(text_at(request, "name"), first))
            continue;
        if (!rest.ptr)
            return true;
        for (VALUE_EACH(alternative, field_of(request, "firstAvailable")))
            if (slice_eq(text_at(alternative, "name"), rest))
                return true;
    }
    return false;
}

static void check_request_name(struct causes *c, const struct path *at, struct slice name,
                               const struct value *requests)
{
    static const char wanted[] = "must be the name of a request of the claim, or of a request and one of its "
                                 "alternatives separated by '/'";
    struct slice rest = name, first;
    long slash = slice_find(name, '/');

    if (slash >= 0 && slice_find(slice_from(name, (size_t)slash + 1), '/') >= 0) {
        causes_invalid_text(c, at, name, wanted);
        return;
    }
    while (slice_split(&rest, '/', &first))
        check_name(c, at, first, name_check_label);
    if (!names_a_request(requests, name))
        causes_invalid_text(c, at, name, wanted);
}

static void check_request_names(struct causes *c, const struct path *at, const struct value *names,
                                const struct value *requests)
{
    if (!check_count_limit(c, at, names, MAX_REQUESTS))
        return;
    for (size_t i = 0; i < value_count(names); i++)
        check_request_name(c, PATH_I(at, i), value_text(value_item(names, i)), requests);
    check_unique_texts(c, at, names);
}

static void check_constraint(struct causes *c, const struct path *at, const struct value *constraint,
                             const struct value *requests)
{
    const struct value *same = field_of(constraint, "matchAttribute"),
                       *other = field_of(constraint, "distinctAttribute");

    check_request_names(c, PATH(at, "requests"), field_of(constraint, "requests"), requests);
    if (value_is_set(same))
        check_attribute_name(c, PATH(at, "matchAttribute"), value_text(same), true);
    else if (value_is_set(other))
        check_attribute_name(c, PATH(at, "distinctAttribute"), value_text(other), true);
    else
        causes_required(c, at, "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required");
}

void check_device_claim(struct causes *c, const struct path *at, const struct value *claim)
{
    const struct value *requests = field_of(claim, "requests"), *constraints = field_of(claim, "constraints"),
                       *configs = field_of(claim, "config");
    struct path requests_at = path_field(at, "requests"), constraints_at = path_field(at, "constraints"),
                configs_at = path_field(at, "config");

    if (check_count_limit(c, &requests_at, requests, MAX_REQUESTS)) {
        for (size_t i = 0; i < value_count(requests); i++)
            check_request(c, PATH_I(&requests_at, i), value_item(requests, i));
        check_duplicate_names(c, &requests_at, requests);
    }
    if (check_count_limit(c, &constraints_at, constraints, MAX_CONSTRAINTS))
        for (size_t i = 0; i < value_count(constraints); i++)
            check_constraint(c, PATH_I(&constraints_at, i), value_item(constraints, i), requests);
    if (!check_count_limit(c, &configs_at, configs, MAX_CONFIGS))
        return;
    for (size_t i = 0; i < value_count(configs); i++) {
        struct path item_at = path_index(&configs_at, i);
        check_request_names(c, PATH(&item_at, "requests"), field_of(value_item(configs, i), "requests"),
                            requests);
        check_device_configuration(c, &item_at, value_item(configs, i), false);
    }
}

/* ---- what was allocated ---- */

static void check_share_id(struct causes *c, const struct path *at, const struct value *id)
{
    struct slice text = value_text(id);
    bool good = text.len == UUID_LENGTH;

    if (!value_is_set(id))
        return;
    for (size_t i = 0; good && i < text.len; i++)
        good = i == 8 || i == 13 || i == 18 || i == 23
                   ? text.ptr[i] == '-'
                   : strchr("0123456789abcdef", text.ptr[i]) && text.ptr[i];
    if (!good)
        causes_invalid_text(c, at, text, "must be a UUID in lower case, as in RFC 4122");
}

static void check_result(struct causes *c, const struct path *at, const struct value *result,
                         const struct value *requests)
{
    check_request_name(c, PATH(at, "request"), text_at(result, "request"), requests);
    check_driver_name(c, PATH(at, "driver"), text_at(result, "driver"));
    check_pool_name(c, PATH(at, "pool"), text_at(result, "pool"));
    check_name(c, PATH(at, "device"), text_at(result, "device"), name_check_label);
    check_binding_conditions(c, at, result);
    check_device_tolerations(c, PATH(at, "tolerations"), field_of(result, "tolerations"));
    check_share_id(c, PATH(at, "shareID"), field_of(result, "shareID"));
    check_skipped_operations(c, PATH(at, "skipNodeOperations"), field_of(result, "skipNodeOperations"));
}

static void check_allocation(struct causes *c, const struct path *at, const struct value *allocation,
                             const struct value *requests)
{
    static const char *const sources[] = {"FromClaim", "FromClass", NULL};
    const struct value *devices = field_of(allocation, "devices"),
                       *selector = field_of(allocation, "nodeSelector");
    const struct value *results = field_of(devices, "results"), *configs = field_of(devices, "config");
    struct path devices_at = path_field(at, "devices"), results_at = path_field(&devices_at, "results"),
                configs_at = path_field(&devices_at, "config");

    if (check_count_limit(c, &results_at, results, MAX_REQUESTS))
        for (size_t i = 0; i < value_count(results); i++)
            check_result(c, PATH_I(&results_at, i), value_item(results, i), requests);
    if (check_count_limit(c, &configs_at, configs, (size_t)2 * MAX_CONFIGS))
        for (size_t i = 0; i < value_count(configs); i++) {
            struct path item_at = path_index(&configs_at, i);
            check_enum(c, PATH(&item_at, "source"), field_of(value_item(configs, i), "source"), sources,
                       true);
            check_request_names(c, PATH(&item_at, "requests"), field_of(value_item(configs, i), "requests"),
                                requests);
            check_device_configuration(c, &item_at, value_item(configs, i), false);
        }
    if (value_is_set(selector))
        check_node_selector(c, PATH(at, "nodeSelector"), selector);
}

/* Driver, pool, device and share, as one text. */
static struct slice device_id(struct arena *arena, const struct value *device)
{
    struct slice share = text_at(device, "shareID");

    return arena_slicef(arena, "%.*s/%.*s/%.*s%s%.*s", SLICE_ARG(text_at(device, "driver")),
                        SLICE_ARG(text_at(device, "pool")), SLICE_ARG(text_at(device, "device")),
                        share.len ? "/" : "", SLICE_ARG(share));
}

static void check_network_data(struct causes *c, const struct path *at, const struct value *data)
{
    const struct value *ips = field_of(data, "ips");
    struct path ips_at = path_field(at, "ips");
    struct cidr cidr;

    if (text_at(data, "interfaceName").len > MAX_INTERFACE)
        causes_too_long(c, PATH(at, "interfaceName"), MAX_INTERFACE);
    if (text_at(data, "hardwareAddress").len > MAX_HARDWARE)
        causes_too_long(c, PATH(at, "hardwareAddress"), MAX_HARDWARE);
    if (!check_count_limit(c, &ips_at, ips, MAX_IPS))
        return;
    for (size_t i = 0; i < value_count(ips); i++) {
        struct slice text = value_text(value_item(ips, i)), canonical;
        if (!cidr_parse(text, &cidr)) {
            causes_invalid_text(c, PATH_I(&ips_at, i), text,
                                "must be an address with its prefix, as in 10.9.8.7/24");
            continue;
        }
        canonical =
            arena_slicef(c->arena, "%.*s/%u", SLICE_ARG(ip_print(c->arena, &cidr.address)), cidr.prefix);
        if (!slice_eq(text, canonical))
            causes_invalid_text(c, PATH_I(&ips_at, i), text, "must be in canonical form (\"%.*s\")",
                                SLICE_ARG(canonical));
    }
    check_unique_texts(c, &ips_at, ips);
}

static void check_device_status(struct causes *c, const struct path *at, const struct value *device,
                                const struct text_set *allocated)
{
    struct slice data = text_at(device, "data");

    check_driver_name(c, PATH(at, "driver"), text_at(device, "driver"));
    check_pool_name(c, PATH(at, "pool"), text_at(device, "pool"));
    check_name(c, PATH(at, "device"), text_at(device, "device"), name_check_label);
    check_share_id(c, PATH(at, "shareID"), field_of(device, "shareID"));
    if (!text_set_has(allocated, device_id(c->arena, device)))
        causes_invalid_text(c, at, device_id(c->arena, device), "must be an allocated device in the claim");
    check_count_limit(c, PATH(at, "conditions"), field_of(device, "conditions"), MAX_CONDITIONS);
    if (data.len > MAX_DATA)
        causes_too_long(c, PATH(at, "data"), MAX_DATA);
    else if (data.len && data.ptr[0] != '{')
        causes_invalid_shown(c, PATH(at, "data"), "\"<value omitted>\"", "must be a valid JSON object");
    check_network_data(c, PATH(at, "networkData"), field_of(device, "networkData"));
}

static void check_device_statuses(struct causes *c, const struct path *at, const struct value *status)
{
    const struct value *devices = field_of(status, "devices");
    const struct value *results = field_of(field_of(field_of(status, "allocation"), "devices"), "results");
    struct text_set allocated = TEXT_SET(c->arena), seen = TEXT_SET(c->arena);

    for (VALUE_EACH(result, results))
        text_set_add(&allocated, device_id(c->arena, result));
    for (size_t i = 0; i < value_count(devices); i++)
        check_device_status(c, PATH_I(at, i), value_item(devices, i), &allocated);
    for (size_t i = 0; i < value_count(devices); i++) {
        struct slice id = device_id(c->arena, value_item(devices, i));
        if (!text_set_add(&seen, id))
            causes_duplicate(c, PATH_I(at, i), id);
    }
}

static void check_consumers(struct causes *c, const struct path *at, const struct value *list)
{
    static const char *const fields[] = {"resource", "name", "uid"};
    struct text_set seen = TEXT_SET(c->arena);

    if (!check_count_limit(c, at, list, MAX_RESERVED))
        return;
    for (size_t i = 0; i < value_count(list); i++) {
        struct path item_at = path_index(at, i);
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
            if (!text_at(value_item(list, i), fields[k]).len)
                causes_required(c, PATH(&item_at, fields[k]), "");
    }
    for (size_t i = 0; i < value_count(list); i++)
        if (!text_set_add(&seen, text_at(value_item(list, i), "uid")))
            causes_duplicate(c, PATH_I(at, i), text_at(value_item(list, i), "uid"));
}

static bool has_new_items(const struct value *list, const struct value *old_list)
{
    for (VALUE_EACH(item, list)) {
        bool found = false;
        for (VALUE_EACH(was, old_list))
            found |= value_equal(item, was);
        if (!found)
            return true;
    }
    return false;
}

static void check_claim_status(struct causes *c, const struct value *object, const struct value *old)
{
    const struct value *status = field_of(object, "status"), *old_status = field_of(old, "status");
    const struct value *allocation = field_of(status, "allocation"),
                       *was = field_of(old_status, "allocation");
    const struct value *reserved = field_of(status, "reservedFor");
    struct path at = path_field(NULL, "status"), reserved_at = path_field(&at, "reservedFor");

    check_consumers(c, &reserved_at, reserved);
    check_device_statuses(c, PATH(&at, "devices"), status);
    if (value_count(reserved) && !value_is_set(allocation))
        causes_forbidden(c, &reserved_at, "may not be specified when `allocated` is not set");
    else if (value_is_set(field_of(object_metadata(object), "deletionTimestamp")) &&
             has_new_items(reserved, field_of(old_status, "reservedFor")))
        causes_forbidden(c, &reserved_at, "new entries may not be added while `deletionTimestamp` is set");
    if (value_is_set(was) && value_is_set(allocation) && !value_equal(allocation, was))
        causes_invalid_shown(c, PATH(&at, "allocation"), "null", "field cannot be modified once set");
    else if (value_is_set(allocation) && !value_is_set(was))
        check_allocation(c, PATH(&at, "allocation"), allocation,
                         field_of(field_of(field_of(object, "spec"), "devices"), "requests"));
}

/* ---- the kinds ---- */

static void validate_claim(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *spec = field_of(object, "spec");
    struct path at = path_field(NULL, "spec");

    if (slice_is(req->subresource, "status"))
        check_claim_status(req->causes, object, old);
    else if (!old)
        check_device_claim(req->causes, PATH(&at, "devices"), field_of(spec, "devices"));
    else
        check_immutable_bare(req->causes, &at, spec, field_of(old, "spec"));
}

static void validate_template(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *spec = field_of(object, "spec"), *meta = field_of(spec, "metadata");
    struct path at = path_field(NULL, "spec"), meta_at = path_field(&at, "metadata"),
                claim_at = path_field(&at, "spec");

    if (old && !value_equal(spec, field_of(old, "spec")))
        causes_invalid_shown(req->causes, &at, shown_record(req->arena, spec), "field is immutable");
    if (old)
        return;
    check_annotations(req->causes, PATH(&meta_at, "annotations"), field_of(meta, "annotations"));
    check_labels(req->causes, PATH(&meta_at, "labels"), field_of(meta, "labels"));
    check_device_claim(req->causes, PATH(&claim_at, "devices"), field_of(field_of(spec, "spec"), "devices"));
}

/* The status of a device that is allocated no more goes. */
static void update_claim(struct kind_request *req, struct value *object, const struct value *old)
{
    struct value *status = value_mut(object, resource_v1_ResourceClaim_status), *devices;
    const struct value *results = value_path(object, "status.allocation.devices.results");
    struct text_set before = TEXT_SET(req->arena), now = TEXT_SET(req->arena);

    if (!slice_is(req->subresource, "status") || status->kind != VALUE_RECORD)
        return;
    for (VALUE_EACH(result, value_path(old, "status.allocation.devices.results")))
        text_set_add(&before, device_id(req->arena, result));
    for (VALUE_EACH(result, results))
        text_set_add(&now, device_id(req->arena, result));
    devices = value_mut(status, resource_v1_ResourceClaimStatus_devices);
    for (size_t i = value_count(devices); i-- > 0;) {
        struct slice id = device_id(req->arena, value_item(devices, i));
        if (text_set_has(&before, id) && !text_set_has(&now, id))
            value_remove_item(devices, i);
    }
    if (!value_count(devices))
        *devices = value_absent;
}

static void row_claim(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    bool deleted = value_is_set(field_of(object_metadata(object), "deletionTimestamp"));
    const struct value *status = field_of(object, "status");
    const char *state = "";

    if (value_is_set(field_of(status, "allocation")))
        state = value_count(field_of(status, "reservedFor")) ? "allocated,reserved" : "allocated";
    else if (!deleted)
        state = "pending";
    cells[1] = cell_format(arena, "%s%s%s", deleted ? "deleted" : "", deleted && *state ? "," : "", state);
}

const struct kind kind_resourceclaims = {.group = "resource.k8s.io",
                                         .resource = "resourceclaims",
                                         .returns_deleted = true,
                                         .prepare_update = update_claim,
                                         .validate = validate_claim,
                                         .row = row_claim};
const struct kind kind_resourceclaimtemplates = {.group = "resource.k8s.io",
                                                 .resource = "resourceclaimtemplates",
                                                 .returns_deleted = true,
                                                 .validate = validate_template};
