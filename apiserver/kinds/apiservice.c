/* apiservices: apiregistration.k8s.io/v1. Rules: kube-aggregator/pkg/apis/apiregistration/validation. */
#include "apiserver/kinds/access.h"
#include "openapi/names.h"
#include "apiserver/kinds/workload.h"
#include "base/clock.h"
#include "openapi/gen/apiregistration_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/scalar.h"

enum { MAX_GROUP_PRIORITY = 20000, MAX_VERSION_PRIORITY = 1000 };

static void check_own_name(struct causes *c, const struct value *object, struct slice group,
                           struct slice version)
{
    struct slice name = object_name(object),
                 wanted = arena_slicef(c->arena, "%.*s.%.*s", SLICE_ARG(version), SLICE_ARG(group));
    struct path at = path_field(PATH(NULL, "metadata"), "name");

    if (name_check_path_segment(name))
        check_name(c, &at, name, name_check_path_segment);
    else if (!slice_eq(name, wanted))
        causes_invalid_text(c, &at, name, "must be `spec.version+\".\"+spec.group`: \"%.*s\"",
                            SLICE_ARG(wanted));
}

static void check_local(struct causes *c, const struct path *at, const struct value *spec)
{
    struct slice bundle = SLICE("");
    const char *fault = NULL;

    if (scalar_base64_decode(c->arena, text_at(spec, "caBundle"), &bundle, &fault) && bundle.len)
        causes_invalid_text(c, PATH(at, "caBundle"), arena_slicef(c->arena, "%zu bytes", bundle.len),
                            "local APIServices may not have a caBundle");
    if (value_bool(field_of(spec, "insecureSkipTLSVerify")))
        causes_invalid_shown(c, PATH(at, "insecureSkipTLSVerify"), "true",
                             "local APIServices may not have insecureSkipTLSVerify");
}

static void check_remote(struct causes *c, const struct path *at, const struct value *spec)
{
    const struct value *service = field_of(spec, "service");
    struct path service_at = path_field(at, "service");

    if (!text_at(service, "namespace").len)
        causes_required(c, PATH(&service_at, "namespace"), "");
    if (!text_at(service, "name").len)
        causes_required(c, PATH(&service_at, "name"), "");
    check_port(c, PATH(&service_at, "port"), value_int(field_of(service, "port"), 0));
    if (value_bool(field_of(spec, "insecureSkipTLSVerify")) && text_at(spec, "caBundle").len)
        causes_invalid_shown(c, PATH(at, "insecureSkipTLSVerify"), "true",
                             "may not be true if caBundle is present");
}

static void check_status(struct causes *c, const struct value *status)
{
    static const char *const known[] = {"True", "False", "Unknown", NULL};
    const struct value *conditions = field_of(status, "conditions");
    struct path at = path_field(PATH(NULL, "status"), "conditions");

    for (size_t i = 0; i < value_count(conditions); i++) {
        struct slice text = text_at(value_item(conditions, i), "status");
        if (!text_is_one_of(text, known))
            causes_not_supported(c, PATH(PATH_I(&at, i), "status"), text, known);
    }
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec");
    struct slice group = text_at(spec, "group"), version = text_at(spec, "version");
    int64_t group_priority = value_int(field_of(spec, "groupPriorityMinimum"), 0),
            version_priority = value_int(field_of(spec, "versionPriority"), 0);
    struct path at = path_field(NULL, "spec");

    if (slice_is(req->subresource, "status")) {
        check_status(c, field_of(object, "status"));
        return;
    }
    check_own_name(c, object, group, version);
    if (!group.len && !slice_is(version, "v1"))
        causes_required(c, PATH(&at, "group"), "only v1 may have an empty group");
    if (group.len)
        check_name(c, PATH(&at, "group"), group, name_check_subdomain);
    check_name(c, PATH(&at, "version"), version, name_check_label_1035);
    if (group_priority <= 0 || group_priority > MAX_GROUP_PRIORITY)
        causes_invalid_int(c, PATH(&at, "groupPriorityMinimum"), group_priority,
                           "must be positive and at most %d", MAX_GROUP_PRIORITY);
    if (version_priority <= 0 || version_priority > MAX_VERSION_PRIORITY)
        causes_invalid_int(c, PATH(&at, "versionPriority"), version_priority,
                           "must be positive and at most %d", MAX_VERSION_PRIORITY);
    if (value_is_set(field_of(spec, "service")))
        check_remote(c, &at, spec);
    else
        check_local(c, &at, spec);
}

/* What this server serves itself is always there. */
static void create(struct kind_request *req, struct value *object)
{
    char text[CLOCK_TEXT];
    struct value condition = value_new_record(req->arena, &apiregistration_v1_APIServiceCondition), *status;

    *value_mut(object, apiregistration_v1_APIService_status) = value_absent;
    if (value_is_set(value_path(object, "spec.service")))
        return;
    *value_mut(&condition, apiregistration_v1_APIServiceCondition_type) = value_of_cstr("Available");
    *value_mut(&condition, apiregistration_v1_APIServiceCondition_status) = value_of_cstr("True");
    *value_mut(&condition, apiregistration_v1_APIServiceCondition_reason) = value_of_cstr("Local");
    *value_mut(&condition, apiregistration_v1_APIServiceCondition_message) =
        value_of_cstr("Local APIServices are always available");
    *value_mut(&condition, apiregistration_v1_APIServiceCondition_lastTransitionTime) =
        value_of_string(arena_dup(req->arena, clock_format_seconds(req->now, text)));
    status = value_ensure_record(req->arena, object, apiregistration_v1_APIService_status);
    *value_append(req->arena, value_mut(status, apiregistration_v1_APIServiceStatus_conditions)) = condition;
}

/* Whoever writes the status writes nothing else. */
static void update(struct kind_request *req, struct value *object, const struct value *old)
{
    static const unsigned kept[] = {meta_v1_ObjectMeta_labels, meta_v1_ObjectMeta_annotations,
                                    meta_v1_ObjectMeta_finalizers, meta_v1_ObjectMeta_ownerReferences};
    struct value *meta = value_mut(object, apiregistration_v1_APIService_metadata);

    for (size_t i = 0; slice_is(req->subresource, "status") && i < sizeof kept / sizeof *kept; i++)
        *value_mut(meta, kept[i]) = *value_at(object_metadata(old), kept[i]);
}

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { SERVICE = 1, AVAILABLE };
    const struct value *service = value_path(object, "spec.service");

    cells[SERVICE] = value_is_set(service)
                         ? cell_format(arena, "%.*s/%.*s", SLICE_ARG(text_at(service, "namespace")),
                                       SLICE_ARG(text_at(service, "name")))
                         : cell_cstr("Local");
    cells[AVAILABLE] = cell_cstr("Unknown");
    for (VALUE_EACH(condition, value_path(object, "status.conditions"))) {
        struct slice status = text_at(condition, "status"), reason = text_at(condition, "reason");
        if (!value_is(field_of(condition, "type"), "Available"))
            continue;
        cells[AVAILABLE] = slice_is(status, "True") || !reason.len
                               ? cell_text(status)
                               : cell_format(arena, "%.*s (%.*s)", SLICE_ARG(status), SLICE_ARG(reason));
        return;
    }
}

const struct kind kind_apiservices = {.group = "apiregistration.k8s.io",
                                      .resource = "apiservices",
                                      .name_rule = NAME_ANY,
                                      .requires_version_on_update = true,
                                      .prepare_create = create,
                                      .prepare_update = update,
                                      .validate = validate,
                                      .row = row};
