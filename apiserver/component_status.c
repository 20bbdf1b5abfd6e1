/*
 * component_status: componentstatuses are no stored objects but a look at the parts the server depends on:
 * here its store. Deprecated upstream, still asked for by `kubectl get cs`.
 */
#include "apiserver/health.h"
#include "apiserver/output.h"
#include "apiserver/status.h"
#include "apiserver/subresource.h"
#include "openapi/gen/core_v1.h"

static const char store_name[] = "etcd-0"; /* by this name monitoring looks for the store */

static struct value store_status(struct request *req)
{
    struct value object = value_new_record(req->arena, &core_v1_ComponentStatus);
    bool ok = health_store_answers(req->server);
    object_set_text(req->arena, &object, meta_v1_ObjectMeta_name, slice_str(store_name));
    struct value *condition =
        value_append(req->arena, value_mut(&object, core_v1_ComponentStatus_conditions));
    *condition = value_new_record(req->arena, &core_v1_ComponentCondition);
    *value_mut(condition, core_v1_ComponentCondition_type) = value_of_cstr("Healthy");
    *value_mut(condition, core_v1_ComponentCondition_status) = value_of_cstr(ok ? "True" : "False");
    *value_mut(condition, core_v1_ComponentCondition_message) =
        value_of_cstr(ok ? "ok" : "the store does not answer");
    return object;
}

static void serve_list(struct request *req)
{
    struct buf items = BUF_INIT(BUF_UNLIMITED);
    struct list_options options;
    struct value object = store_status(req);
    if (!output_check_form(req, true) ||
        !list_options_parse(req->arena, &req->query, false, &options, &req->err)) {
        request_fail(req);
        return;
    }
    output_list_object(req, &options, &object, true, &items);
    output_list(req, (struct list_head){.continue_token = SLICE(""), .remaining = -1}, &items);
}

bool component_status_serve(struct request *req)
{
    if (strcmp(req->resource->name, "componentstatuses") != 0)
        return false;
    if (req->verb == VERB_LIST) {
        serve_list(req);
    } else if (!slice_is(req->info.name, store_name)) {
        status_not_found(&req->err, SLICE(""), SLICE("componentstatuses"), req->info.name);
        request_fail(req);
    } else {
        struct written written = {.object = store_status(req)};
        output_written(req, 200, &written);
    }
    return true;
}
