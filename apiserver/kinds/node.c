/* nodes. Rules: pkg/apis/core/validation (ValidateNode), pkg/registry/core/node. */
#include "apiserver/kinds/ip.h"
#include "openapi/names.h"
#include "apiserver/kinds/resource_name.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/storage.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/core_v1.h"

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, core_v1_Node_spec);
}

static const struct value *status_of(const struct value *object)
{
    return value_at(object, core_v1_Node_status);
}

/* ---- prepare: fields of features that are off or gone ---- */

static void drop(struct value *record, const char *field)
{
    struct value *v = record->kind == VALUE_RECORD ? value_get_mut(record, slice_str(field)) : NULL;

    if (v)
        *v = value_absent;
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    drop(value_mut(object, core_v1_Node_spec), "configSource");
    drop(value_mut(object, core_v1_Node_spec), "podPreemptionPolicy");
    drop(value_mut(object, core_v1_Node_status), "config");
}

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    if (!value_is_set(field_of(spec_of(old), "configSource")))
        drop(value_mut(object, core_v1_Node_spec), "configSource");
    if (!value_is_set(field_of(spec_of(old), "podPreemptionPolicy")))
        drop(value_mut(object, core_v1_Node_spec), "podPreemptionPolicy");
    if (slice_is(req->subresource, "status") && !value_is_set(field_of(status_of(old), "config")))
        drop(value_mut(object, core_v1_Node_status), "config");
}

/* ---- validate ---- */

static bool same_taint(const struct value *a, const struct value *b)
{
    return value_equal(field_of(a, "key"), field_of(b, "key")) &&
           value_equal(field_of(a, "effect"), field_of(b, "effect"));
}

/* A field that is not there reads as empty. */
static void check_taints(struct causes *c, const struct path *at, const struct value *taints)
{
    static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", NULL};

    for (size_t i = 0; i < value_count(taints); i++) {
        const struct value *taint = value_item(taints, i);
        struct path item = path_index(at, i);
        const char *why = name_check_label_value(value_text(field_of(taint, "value")));
        bool repeated = false;
        check_name(c, PATH(&item, "key"), value_text(field_of(taint, "key")), name_check_qualified);
        if (why)
            causes_invalid_text(c, PATH(&item, "value"), value_text(field_of(taint, "value")), "%s", why);
        check_enum(c, PATH(&item, "effect"), field_of(taint, "effect"), effects, true);
        for (size_t j = 0; j < i; j++)
            repeated |= same_taint(taint, value_item(taints, j));
        if (repeated)
            causes_duplicate_shown(c, &item,
                                   arena_printf(c->arena, "%s: taints must be unique by key and effect pair",
                                                shown_record(c->arena, taint)));
    }
}

static void check_resources(struct causes *c, const struct value *status, const char *list)
{
    struct path at = path_field(NULL, "status"), list_at = path_field(&at, list);

    for (VALUE_EACH_ENTRY(entry, field_of(status, list)))
        check_resource_quantity(c, PATH(&list_at, arena_strdup(c->arena, entry->key)), entry->key,
                                &entry->value);
}

/* "MyFeature" or "MyFeature/mySubFeature". */
static bool is_feature(struct slice s)
{
    struct slice rest = s, part;

    if (!s.len || s.len > 253 || s.ptr[0] < 'A' || s.ptr[0] > 'Z')
        return false;
    while (slice_split(&rest, '/', &part)) {
        if (!part.len)
            return false;
        for (size_t i = 0; i < part.len; i++)
            if (!((part.ptr[i] >= 'a' && part.ptr[i] <= 'z') || (part.ptr[i] >= 'A' && part.ptr[i] <= 'Z') ||
                  (part.ptr[i] >= '0' && part.ptr[i] <= '9')))
                return false;
    }
    return true;
}

static void check_features(struct causes *c, const struct value *list)
{
    struct path status = path_field(NULL, "status"), at = path_field(&status, "declaredFeatures");

    for (size_t i = 0; i < value_count(list); i++) {
        struct slice name = value_text(value_item(list, i)),
                     before = i ? value_text(value_item(list, i - 1)) : SLICE("");
        int order = i ? slice_cmp(before, name) : -1;
        if (!order)
            causes_duplicate(c, PATH_I(&at, i), name);
        else if (order > 0)
            causes_invalid_text(c, PATH_I(&at, i), name, "list must be sorted alphabetically");
        if (!is_feature(name))
            causes_invalid_text(c, PATH_I(&at, i), name,
                                "must be a name in UpperCamelCase, parts behind '/' of letters and digits");
    }
}

static void check_pod_cidrs(struct causes *c, const struct value *list)
{
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "podCIDRs");
    cleanup_buf struct buf shown = BUF_INIT(BUF_UNLIMITED);
    int v4 = 0, v6 = 0;

    for (size_t i = 0; i < value_count(list); i++) {
        struct slice text = value_text(value_item(list, i));
        buf_putc(&shown, i ? ',' : '[');
        buf_put_json_string(&shown, text);
        struct cidr cidr;
        if (!check_cidr_legacy(c, PATH_I(&at, i), text, NULL) || !cidr_parse(text, &cidr))
            continue;
        v4 += !cidr.address.v6;
        v6 += cidr.address.v6;
    }
    buf_putc(&shown, ']');
    if (value_count(list) > 1 && (v4 != 1 || v6 != 1 || value_count(list) > 2))
        causes_invalid_shown(c, &at, buf_cstr(&shown),
                             "may specify no more than one CIDR for each IP family");
}

static void check_addresses(struct causes *c, const struct value *list)
{
    struct path status = path_field(NULL, "status"), at = path_field(&status, "addresses");

    for (size_t i = 0; i < value_count(list); i++)
        for (size_t j = 0; j < i; j++)
            if (value_equal(value_item(list, i), value_item(list, j))) {
                causes_duplicate_shown(c, PATH_I(&at, i), shown_record(c->arena, value_item(list, i)));
                break;
            }
}

static void check_pod_cidrs_kept(struct causes *c, const struct value *now, const struct value *old)
{
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "podCIDRs");
    const char *text = "node updates may not change podCIDR except from \"\" to valid";

    if (value_count(old) && value_count(old) != value_count(now)) {
        causes_forbidden(c, &at, "%s", text);
        return;
    }
    for (size_t i = 0; i < value_count(old); i++)
        if (!value_equal(value_item(now, i), value_item(old, i)))
            causes_forbidden(c, &at, "%s", text);
}

static void check_update(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = spec_of(object), *was = spec_of(old), *status = status_of(object);
    struct slice id = value_text(field_of(spec, "providerID")),
                 old_id = value_text(field_of(was, "providerID"));
    struct path at = path_field(NULL, "spec"), metadata = path_field(NULL, "metadata");

    check_resources(c, status, "capacity");
    check_resources(c, status, "allocatable");
    check_features(c, field_of(status, "declaredFeatures"));
    check_addresses(c, field_of(status, "addresses"));
    check_pod_cidrs_kept(c, field_of(spec, "podCIDRs"), field_of(was, "podCIDRs"));
    if (old_id.len && !slice_eq(id, old_id))
        causes_invalid_shown(c, PATH(&at, "providerID"), "null",
                             id.len ? "field cannot be modified once set"
                                    : "field cannot be cleared once set");
    check_taints(c, PATH(&metadata, "taints"), field_of(spec, "taints"));
    if (!value_equal(field_of(spec, "externalID"), field_of(was, "externalID")))
        causes_forbidden(c, PATH(&at, "externalID"), "may not be updated");
}

static void warn(struct kind_request *req, const struct value *spec)
{
    const struct value *cidrs = field_of(spec, "podCIDRs");
    struct path spec_at = path_field(NULL, "spec"), at = path_field(&spec_at, "podCIDRs");

    if (value_is_set(field_of(spec, "configSource")))
        kind_warn(req, "spec.configSource: the feature is removed");
    if (value_text(field_of(spec, "externalID")).len)
        kind_warn(req, "spec.externalID: this field is deprecated, and is unused by Kubernetes");
    for (size_t i = 0; i < value_count(cidrs); i++)
        warn_cidr(req, PATH_I(&at, i), value_text(value_item(cidrs, i)));
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = spec_of(object), *status = status_of(object);
    const struct value *swap = field_of(field_of(field_of(status, "nodeInfo"), "swap"), "capacity");
    struct path metadata = path_field(NULL, "metadata"), swap_at = path_field(&metadata, "nodeSwapStatus");

    if (!slice_is(req->subresource, "status")) {
        check_taints(c, PATH(&metadata, "taints"), field_of(spec, "taints"));
        check_resources(c, status, "capacity");
        check_resources(c, status, "allocatable");
        if (value_is_set(swap))
            check_positive(c, PATH(&swap_at, "capacity"), value_int(swap, 0));
        check_features(c, field_of(status, "declaredFeatures"));
        check_pod_cidrs(c, field_of(spec, "podCIDRs"));
        warn(req, spec);
    }
    if (old)
        check_update(req, object, old);
}

/* ---- row ---- */

static struct value status_cell(struct arena *arena, const struct value *object)
{
    const char *ready = "Unknown";

    for (VALUE_EACH(condition, field_of(status_of(object), "conditions")))
        if (value_is(field_of(condition, "type"), "Ready"))
            ready = value_is(field_of(condition, "status"), "True") ? "Ready" : "NotReady";
    return cell_format(arena, "%s%s", ready,
                       value_bool(field_of(spec_of(object), "unschedulable")) ? ",SchedulingDisabled" : "");
}

/* Roles are labels; labels are sorted, so the roles named by keys are too. The older way adds one by value.
 */
static struct value roles_cell(struct arena *arena, const struct value *object)
{
    static const struct slice prefix = {"node-role.kubernetes.io/", 24};
    struct value roles = value_new_list(arena, 4);
    const struct value *labels = value_path(object, "metadata.labels"),
                       *role = field_of(labels, "kubernetes.io/role");
    size_t at = 0;
    bool known = !value_text(role).len;

    for (VALUE_EACH_ENTRY(entry, labels)) {
        struct slice name = slice_from(entry->key, prefix.len);
        if (!slice_starts(entry->key, prefix) || !name.len)
            continue;
        *value_append(arena, &roles) = value_of_string(name);
        known |= slice_eq(name, value_text(role));
    }
    if (!known) {
        value_append(arena, &roles);
        while (at + 1 < roles.list->count &&
               slice_cmp(value_text(value_item(&roles, at)), value_text(role)) < 0)
            at++;
        memmove(&roles.list->items[at + 1], &roles.list->items[at],
                (roles.list->count - at - 1) * sizeof roles);
        roles.list->items[at] = *role;
    }
    return value_count(&roles) ? cell_text(join_strings(arena, &roles)) : cell_cstr("<none>");
}

static struct value address_cell(const struct value *object, const char *type)
{
    for (VALUE_EACH(address, field_of(status_of(object), "addresses")))
        if (value_is(field_of(address, "type"), type))
            return cell_or(field_of(address, "address"), "");
    return cell_cstr("<none>");
}

static struct value known_cell(const struct value *info, const char *field)
{
    return cell_or(field_of(info, field), "<unknown>");
}

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { STATUS = 1, ROLES, AGE, VERSION, INTERNAL, EXTERNAL, OS, KERNEL, RUNTIME };
    const struct value *info = field_of(status_of(object), "nodeInfo"),
                       *machine = field_of(info, "architecture");

    cells[STATUS] = status_cell(arena, object);
    cells[ROLES] = roles_cell(arena, object);
    cells[VERSION] = cell_or(field_of(info, "kubeletVersion"), "");
    cells[INTERNAL] = address_cell(object, "InternalIP");
    cells[EXTERNAL] = address_cell(object, "ExternalIP");
    cells[OS] = known_cell(info, "osImage");
    cells[KERNEL] = known_cell(info, "kernelVersion");
    if (value_text(machine).len)
        cells[KERNEL] = cell_format(arena, "%.*s (%.*s)", SLICE_ARG(value_text(&cells[KERNEL])),
                                    SLICE_ARG(value_text(machine)));
    cells[RUNTIME] = known_cell(info, "containerRuntimeVersion");
}

const struct kind kind_nodes = {
    .group = "",
    .resource = "nodes",
    .keeps_status_on_create = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
