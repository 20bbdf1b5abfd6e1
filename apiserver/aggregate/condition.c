#include "apiserver/aggregate/internal.h"
#include "apiserver/object.h"
#include "base/clock.h"
#include "base/log.h"
#include "openapi/gen/apiregistration_v1.h"
#include "openapi/managed.h"

static struct value *find_condition(const struct value *object)
{
    const struct value *conditions = value_path(object, "status.conditions");
    for (size_t i = 0; i < value_count(conditions); i++)
        if (value_is(value_at(value_item(conditions, i), apiregistration_v1_APIServiceCondition_type),
                     "Available"))
            return &conditions->list->items[i];
    return NULL;
}

bool condition_is_true(const struct value *object)
{
    const struct value *condition = find_condition(object);
    return condition && value_is(value_at(condition, apiregistration_v1_APIServiceCondition_status), "True");
}

static bool says(const struct value *condition, const char *status, const char *reason, const char *message)
{
    return value_is(value_at(condition, apiregistration_v1_APIServiceCondition_status), status) &&
           value_is(value_at(condition, apiregistration_v1_APIServiceCondition_reason), reason) &&
           value_is(value_at(condition, apiregistration_v1_APIServiceCondition_message), message);
}

/* The time stays while the status does. */
static void fill(struct arena *arena, struct value *condition, const char *status, const char *reason,
                 const char *message)
{
    struct value *at = value_mut(condition, apiregistration_v1_APIServiceCondition_status);
    if (!value_is(at, status)) {
        char text[CLOCK_TEXT];
        *value_mut(condition, apiregistration_v1_APIServiceCondition_lastTransitionTime) =
            value_of_string(arena_dup(arena, clock_format_seconds(clock_now_seconds(), text)));
    }
    *at = value_of_cstr(status);
    *value_mut(condition, apiregistration_v1_APIServiceCondition_reason) = value_of_cstr(reason);
    *value_mut(condition, apiregistration_v1_APIServiceCondition_message) = value_of_cstr(message);
}

void condition_own(struct arena *arena, const struct schema_resource *resource, const struct value *before,
                   struct value *object, const char *subresource)
{
    static const char *const all_but_status[] = {"metadata", "spec", NULL}, *const status[] = {"status",
                                                                                               NULL};
    struct managed managed = {0};
    char text[CLOCK_TEXT];
    const struct managed_request req = {
        .arena = arena,
        .manager = SLICE("kube-apiserver"),
        .subresource = slice_str(subresource),
        .api_version = slice_str(resource->api_version),
        .type = resource->type,
        .reset = *subresource ? all_but_status : status,
        .now = arena_dup(arena, clock_format_seconds(clock_now_seconds(), text))};
    struct value *list = value_mut(object_meta_mut(arena, object), meta_v1_ObjectMeta_managedFields);
    if (managed_decode(arena, list, &managed, NULL) && managed_update(&req, before, object, &managed))
        *list = managed_encode(arena, &managed);
}

void condition_write(struct aggregator *a, struct arena *arena, struct value *object, uint64_t revision,
                     const char *status, const char *reason, const char *message)
{
    cleanup_error struct error err = ERROR_INIT;
    const struct schema_resource *resource =
        schema_find_resource(SLICE("apiregistration.k8s.io"), SLICE("v1"), SLICE("apiservices"));
    struct value *condition = find_condition(object);
    if (condition && says(condition, status, reason, message))
        return;
    struct value before = value_copy(arena, object, false);
    if (!condition) {
        struct value *in = value_ensure_record(arena, object, apiregistration_v1_APIService_status);
        condition = value_append(arena, value_mut(in, apiregistration_v1_APIServiceStatus_conditions));
        *condition = value_new_record(arena, &apiregistration_v1_APIServiceCondition);
        *value_mut(condition, apiregistration_v1_APIServiceCondition_type) = value_of_cstr("Available");
    }
    fill(arena, condition, status, reason, message);
    condition_own(arena, resource, &before, object, "status");
    struct stored stored;
    struct store_txn_result result;
    const struct store_author author = {.user = SLICE("system:apiserver"),
                                        .manager = SLICE("kube-apiserver")};
    struct slice name = object_text(object, meta_v1_ObjectMeta_name);
    if (!object_encode(arena, resource, object, &stored, &err)) {
        log_error("status of an APIService not written", LOG_V("name", name), LOG_S("error", err.message));
        return;
    }
    const struct store_op op = {.type = STORE_PUT,
                                .key = object_key(arena, resource, SLICE(""), name),
                                .expect = revision,
                                .header = stored.header,
                                .value = stored.value,
                                .splice = stored.splice};
    /* on a conflict somebody else wrote, which makes the next run */
    if (store_txn(a->server->store, &op, 1, &author, &result, &err) == STORE_FAILED)
        log_error("status of an APIService not written", LOG_V("name", name), LOG_S("error", err.message));
    else
        log_info("availability of an APIService", LOG_V("name", name), LOG_S("status", status),
                 LOG_S("reason", reason));
}
