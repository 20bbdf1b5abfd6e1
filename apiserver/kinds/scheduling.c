/* priorityclasses, runtimeclasses and storageversionmigrations: small cluster-scoped kinds. Rules:
 * pkg/apis/{scheduling,node, storagemigration}/validation and their registries. */
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/storage.h"
#include "apiserver/kinds/workload.h"

/* ---- priorityclasses ---- */

enum { HIGHEST_USER_PRIORITY = 1000000000, SYSTEM_PRIORITY = 2 * HIGHEST_USER_PRIORITY };

static const struct {
    const char *name;
    int64_t value;
} system_classes[] = {{"system-node-critical", SYSTEM_PRIORITY + 1000},
                      {"system-cluster-critical", SYSTEM_PRIORITY}};

static const char *why_not_system_class(struct arena *arena, struct slice name, const struct value *object)
{
    for (size_t i = 0; i < sizeof system_classes / sizeof *system_classes; i++) {
        if (!slice_is(name, system_classes[i].name))
            continue;
        if (value_int(field_of(object, "value"), 0) != system_classes[i].value)
            return arena_printf(arena, "value of %s PriorityClass must be %lld", system_classes[i].name,
                                (long long)system_classes[i].value);
        if (value_bool(field_of(object, "globalDefault")))
            return arena_printf(arena, "globalDefault of %s PriorityClass must be false",
                                system_classes[i].name);
        return NULL;
    }
    return arena_printf(arena, "%.*s is not a known system priority class", SLICE_ARG(name));
}

static void create_priority(struct kind_request *req, struct value *object)
{
    set_generation(object, NULL, true);
}

static void check_priority_update(struct causes *c, const struct value *object, const struct value *old)
{
    if (!value_equal(field_of(object, "value"), field_of(old, "value")))
        causes_forbidden(c, PATH(NULL, "value"), "may not be changed in an update.");
    check_immutable(c, PATH(NULL, "preemptionPolicy"), field_of(object, "preemptionPolicy"),
                    field_of(old, "preemptionPolicy"));
}

static void validate_priority(struct kind_request *req, const struct value *object, const struct value *old)
{
    static const char *const policies[] = {"PreemptLowerPriority", "Never", NULL};
    struct slice name = object_name(object);
    struct path metadata = path_field(NULL, "metadata");
    const char *why;

    if (old) {
        check_priority_update(req->causes, object, old);
        return;
    }
    why = slice_starts(name, SLICE("system-")) ? why_not_system_class(req->arena, name, object) : NULL;
    if (why)
        causes_forbidden(
            req->causes, PATH(&metadata, "name"),
            "priority class names with 'system-' prefix are reserved for system use only. error: %s", why);
    else if (!slice_starts(name, SLICE("system-")) &&
             value_int(field_of(object, "value"), 0) > HIGHEST_USER_PRIORITY)
        causes_forbidden(req->causes, PATH(NULL, "value"),
                         "maximum allowed value of a user defined priority is %d", HIGHEST_USER_PRIORITY);
    if (value_is_set(field_of(object, "preemptionPolicy")))
        check_enum(req->causes, PATH(NULL, "preemptionPolicy"), field_of(object, "preemptionPolicy"),
                   policies, true);
}

static void row_priority(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = value_of_int(value_int(field_of(object, "value"), 0));
    cells[2] = value_of_bool(value_bool(field_of(object, "globalDefault")));
    cells[4] = cell_or(field_of(object, "preemptionPolicy"), "");
}

const struct kind kind_priorityclasses = {.group = "scheduling.k8s.io",
                                          .resource = "priorityclasses",
                                          .prepare_create = create_priority,
                                          .validate = validate_priority,
                                          .row = row_priority};

/* ---- runtimeclasses ---- */

static bool same_toleration(const struct value *a, const struct value *b)
{
    static const char *const keys[] = {"key", "operator", "value", "effect"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!value_equal(field_of(a, keys[i]), field_of(b, keys[i])))
            return false;
    return true;
}

static void check_scheduling(struct causes *c, const struct path *at, const struct value *scheduling)
{
    const struct value *list = field_of(scheduling, "tolerations");
    struct path list_at = path_field(at, "tolerations");

    if (!value_is_set(scheduling))
        return;
    check_labels(c, PATH(at, "nodeSelector"), field_of(scheduling, "nodeSelector"));
    check_tolerations(c, &list_at, list);
    for (size_t i = 0; i < value_count(list); i++)
        for (size_t j = 0; j < i; j++)
            if (same_toleration(value_item(list, i), value_item(list, j))) {
                causes_duplicate_shown(c, PATH_I(&list_at, i), shown_record(c->arena, value_item(list, i)));
                break;
            }
}

static void validate_runtime(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *handler = field_of(object, "handler"), *overhead = field_of(object, "overhead");
    struct path at = path_field(NULL, "handler");

    if (value_is_set(overhead))
        check_resource_list_overhead(req, PATH(NULL, "overhead"), field_of(overhead, "podFixed"));
    check_scheduling(req->causes, PATH(NULL, "scheduling"), field_of(object, "scheduling"));
    if (old && !value_equal(handler, field_of(old, "handler")))
        check_immutable_bare(req->causes, &at, handler, field_of(old, "handler"));
    else if (!old && !value_text(handler).len)
        causes_required(req->causes, &at, "");
    else if (!old)
        check_name(req->causes, &at, value_text(handler), name_check_label);
}

static void row_runtime(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = cell_or(field_of(object, "handler"), "");
}

const struct kind kind_runtimeclasses = {.group = "node.k8s.io",
                                         .resource = "runtimeclasses",
                                         .creates_on_update = true,
                                         .requires_version_on_update = true,
                                         .validate = validate_runtime,
                                         .row = row_runtime};

/* ---- storageversionmigrations ---- */

static bool has_condition(const struct value *object, const char *type)
{
    for (VALUE_EACH(condition, value_path(object, "status.conditions")))
        if (value_is(field_of(condition, "type"), type))
            return value_is(field_of(condition, "status"), "True");
    return false;
}

static void check_migration_status(struct kind_request *req, const struct value *object,
                                   const struct value *old)
{
    struct path status = path_field(NULL, "status"), conditions = path_field(&status, "conditions"),
                version = path_field(&status, "resourceVersion");
    const struct value *now = value_path(object, "status.resourceVersion"),
                       *was = value_path(old, "status.resourceVersion");
    const char *list = shown_list(req->arena, value_path(object, "status.conditions"));
    struct slice digits = value_text(now);

    for (size_t i = 0; i < digits.len; i++)
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9' || digits.ptr[0] == '0') {
            causes_invalid_text(req->causes, &version, digits,
                                "must be a decimal number without leading zeros");
            break;
        }
    if (value_text(was).len && !slice_eq(value_text(was), digits))
        causes_invalid_text(req->causes, &version, digits, "field is immutable");
    if (has_condition(object, "Succeeded") && has_condition(object, "Failed"))
        causes_invalid_shown(req->causes, &conditions, list,
                             "Both success and failed conditions cannot be true at the same time");
    if (has_condition(old, "Succeeded") && !has_condition(object, "Succeeded"))
        causes_invalid_shown(req->causes, &conditions, list,
                             "Success condition cannot be set to false once it is true");
    if (has_condition(old, "Failed") && !has_condition(object, "Failed"))
        causes_invalid_shown(req->causes, &conditions, list,
                             "Failed condition cannot be set to false once it is true");
}

static void validate_migration(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *resource = value_path(object, "spec.resource");
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "resource");

    if (slice_is(req->subresource, "status") && old) {
        check_migration_status(req, object, old);
        return;
    }
    if (!value_text(field_of(resource, "resource")).len)
        causes_required(req->causes, PATH(&at, "resource"), "resource is required to be set");
    else
        check_name(req->causes, PATH(&at, "resource"), value_text(field_of(resource, "resource")),
                   name_check_label_1035);
    if (value_text(field_of(resource, "group")).len)
        check_name(req->causes, PATH(&at, "group"), value_text(field_of(resource, "group")),
                   name_check_subdomain);
    if (old && !value_equal(field_of(object, "spec"), field_of(old, "spec")))
        causes_invalid_shown(req->causes, &spec, shown_record(req->arena, field_of(object, "spec")),
                             "field is immutable");
}

static void row_migration(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    static const char *const states[] = {"Running", "Succeeded", "Failed"};
    const struct value *resource = value_path(object, "spec.resource");
    struct slice group = value_text(field_of(resource, "group")),
                 name = value_text(field_of(resource, "resource"));

    cells[1] =
        group.len ? cell_format(arena, "%.*s.%.*s", SLICE_ARG(name), SLICE_ARG(group)) : cell_text(name);
    cells[2] = cell_cstr("Unknown");
    for (VALUE_EACH(condition, value_path(object, "status.conditions")))
        for (size_t i = 0; i < sizeof states / sizeof *states; i++)
            if (value_is(field_of(condition, "type"), states[i]) &&
                value_is(field_of(condition, "status"), "True"))
                cells[2] = cell_cstr(states[i]);
}

const struct kind kind_storageversionmigrations = {.group = "storagemigration.k8s.io",
                                                   .resource = "storageversionmigrations",
                                                   .requires_version_on_update = true,
                                                   .validate = validate_migration,
                                                   .row = row_migration};
