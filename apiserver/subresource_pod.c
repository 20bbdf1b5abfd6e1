/* subresource_pod: binding, log and the connecting subresources of pods. */
#include "apiserver/output.h"
#include "apiserver/status.h"
#include "apiserver/subresource.h"
#include "base/clock.h"
#include "openapi/causes.h"
#include "openapi/gen/core_v1.h"

/* ---- binding ---- */

struct binding {
    struct value body;
};

static void set_scheduled(struct arena *arena, struct value *pod)
{
    struct value *status = value_ensure_record(arena, pod, core_v1_Pod_status);
    struct value *conditions = value_mut(status, core_v1_PodStatus_conditions), *condition = NULL;
    for (size_t i = 0; i < value_count(conditions); i++)
        if (value_is(value_at(value_item(conditions, i), core_v1_PodCondition_type), "PodScheduled"))
            condition = &conditions->list->items[i];
    if (condition && value_is(value_at(condition, core_v1_PodCondition_status), "True"))
        return;
    if (!condition) {
        condition = value_append(arena, conditions);
        *condition = value_new_record(arena, &core_v1_PodCondition);
        *value_mut(condition, core_v1_PodCondition_type) = value_of_cstr("PodScheduled");
    }
    char *now = arena_bytes(arena, CLOCK_TEXT);
    *value_mut(condition, core_v1_PodCondition_status) = value_of_cstr("True");
    *value_mut(condition, core_v1_PodCondition_reason) = value_absent;
    *value_mut(condition, core_v1_PodCondition_message) = value_absent;
    *value_mut(condition, core_v1_PodCondition_lastTransitionTime) =
        value_of_string(clock_format_seconds(clock_now_seconds(), now));
}

static bool refuse(struct request *req, const char *why)
{
    return status_conflict(&req->err, SLICE(""), SLICE("pods/binding"), req->info.name, why);
}

static bool bind(struct request *req, const struct value *current, struct value *ret_new, void *arg)
{
    const struct value *body = &((struct binding *)arg)->body, *spec = value_at(current, core_v1_Pod_spec);
    struct slice node =
        value_text(value_at(value_at(body, core_v1_Binding_target), core_v1_ObjectReference_name));
    struct slice bound = value_text(value_at(spec, core_v1_PodSpec_nodeName));
    struct slice uid = object_text(body, meta_v1_ObjectMeta_uid);
    if (uid.len && !slice_eq(uid, object_text(current, meta_v1_ObjectMeta_uid)))
        return refuse(req,
                      arena_printf(req->arena,
                                   "Precondition failed: UID in precondition: %.*s, UID in object meta: %.*s",
                                   SLICE_ARG(uid), SLICE_ARG(object_text(current, meta_v1_ObjectMeta_uid))));
    if (value_is_set(value_at(object_meta(current), meta_v1_ObjectMeta_deletionTimestamp)))
        return refuse(req, arena_printf(req->arena, "pod %.*s is being deleted, cannot be assigned to a host",
                                        SLICE_ARG(req->info.name)));
    if (bound.len)
        return refuse(req, arena_printf(req->arena, "pod %.*s is already assigned to node \"%.*s\"",
                                        SLICE_ARG(req->info.name), SLICE_ARG(bound)));
    if (value_count(value_at(spec, core_v1_PodSpec_schedulingGates)) > 0)
        return refuse(req, arena_printf(req->arena, "pod %.*s has non-empty .spec.schedulingGates",
                                        SLICE_ARG(req->info.name)));
    *ret_new = value_copy(req->arena, current, false);
    struct value *new_spec = value_ensure_record(req->arena, ret_new, core_v1_Pod_spec);
    *value_mut(new_spec, core_v1_PodSpec_nodeName) = value_of_string(node);
    for (VALUE_EACH_ENTRY(entry, value_at(object_meta(body), meta_v1_ObjectMeta_annotations)))
        *value_put(req->arena,
                   value_mut(object_meta_mut(req->arena, ret_new), meta_v1_ObjectMeta_annotations),
                   entry->key) = entry->value;
    for (VALUE_EACH_ENTRY(entry, value_at(object_meta(body), meta_v1_ObjectMeta_labels)))
        *value_put(req->arena, value_mut(object_meta_mut(req->arena, ret_new), meta_v1_ObjectMeta_labels),
                   entry->key) = entry->value;
    set_scheduled(req->arena, ret_new);
    *value_mut(value_mut(ret_new, core_v1_Pod_status), core_v1_PodStatus_nominatedNodeName) = value_absent;
    return true;
}

static bool check_binding(struct request *req, const struct value *body)
{
    struct causes causes = {.arena = req->arena};
    struct path target_at = path_field(NULL, "target");
    const struct value *target = value_at(body, core_v1_Binding_target);
    static const char *const kinds[] = {"Node", "<empty>", NULL};
    struct slice kind = value_text(value_at(target, core_v1_ObjectReference_kind));
    if (kind.len && !slice_is(kind, "Node"))
        causes_not_supported(&causes, PATH(&target_at, "kind"), kind, kinds);
    if (!value_text(value_at(target, core_v1_ObjectReference_name)).len)
        causes_required(&causes, PATH(&target_at, "name"), "");
    return causes_to_error(&causes, "", "Binding", object_text(body, meta_v1_ObjectMeta_name), &req->err);
}

static void run_binding(struct request *req)
{
    struct binding binding;
    struct written written;
    const struct schema_resource *pods = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("pods"));
    bool ok = write_options_parse(req->arena, &req->query, "CreateOptions", &req->write, &req->err) &&
              write_decode_body(req, &core_v1_Binding, "Binding", "v1", &binding.body) &&
              check_binding(req, &binding.body);
    if (ok && !req->info.name.len) /* POST to bindings: the body names the pod */
        req->info.name = object_text(&binding.body, meta_v1_ObjectMeta_name);
    req->write.untracked = true; /* whose the node is does not show */
    req->resource = req->storage = pods;
    req->kind = kind_of(pods);
    if (!req->info.subresource.len)
        req->info.subresource = SLICE("binding");
    if (!ok || !write_update(req, bind, &binding, &written)) {
        request_fail(req);
        return;
    }
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    status_encode_success(&out, 201);
    request_send_json(req, 201, blob_from_buf(&out));
}

bool subresource_binding(struct request *req)
{
    request_to_worker(req, run_binding);
    return true;
}

/* ---- log ---- */

static bool has_container(const struct value *pod, struct slice name)
{
    static const unsigned lists[] = {core_v1_PodSpec_containers, core_v1_PodSpec_initContainers,
                                     core_v1_PodSpec_ephemeralContainers};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (VALUE_EACH(container, value_at(value_at(pod, core_v1_Pod_spec), lists[i])))
            if (slice_eq(value_text(value_get(container, SLICE("name"))), name))
                return true;
    return false;
}

static bool log_number(struct request *req, struct causes *causes, const char *name, int64_t least)
{
    struct slice text = query_get(&req->query, name);
    char *end, *copy = arena_strdup(req->arena, text.ptr ? text : SLICE(""));
    if (!text.len)
        return true;
    int64_t n = strtoll(copy, &end, 10);
    if (*end)
        return error_set(&req->err, REASON_BAD_REQUEST, "strconv.ParseInt: parsing \"%s\": invalid syntax",
                         copy);
    if (n < least)
        causes_invalid_int(causes, PATH(NULL, name), n, "must be greater than or equal to %lld",
                           (long long)least);
    return true;
}

static bool check_log_options(struct request *req)
{
    struct causes causes = {.arena = req->arena};
    if (!log_number(req, &causes, "tailLines", 0) || !log_number(req, &causes, "limitBytes", 1))
        return false;
    if (query_get(&req->query, "sinceSeconds").len && query_get(&req->query, "sinceTime").len)
        causes_forbidden(&causes, PATH(NULL, "[]"),
                         "at most one of `sinceTime` or `sinceSeconds` may be specified");
    else if (!log_number(req, &causes, "sinceSeconds", 1))
        return false;
    return causes_to_error(&causes, "", "PodLogOptions", req->info.name, &req->err);
}

bool subresource_log(struct request *req)
{
    struct value pod;
    uint64_t revision;
    struct slice container = query_get(&req->query, "container");
    if (!check_log_options(req) || !write_load(req, &pod, &revision)) {
        request_fail(req);
        return true;
    }
    const struct value *spec = value_at(&pod, core_v1_Pod_spec);
    if (container.len && !has_container(&pod, container))
        error_set(&req->err, REASON_BAD_REQUEST, "container %.*s is not valid for pod %.*s",
                  SLICE_ARG(container), SLICE_ARG(req->info.name));
    else if (!container.len && value_count(value_at(spec, core_v1_PodSpec_containers)) > 1)
        error_set(&req->err, REASON_BAD_REQUEST, "a container name must be specified for pod %.*s",
                  SLICE_ARG(req->info.name));
    else if (value_text(value_at(spec, core_v1_PodSpec_nodeName)).len)
        error_set(&req->err, REASON_SERVICE_UNAVAILABLE, "no node agent serves the logs of node %.*s yet",
                  SLICE_ARG(value_text(value_at(spec, core_v1_PodSpec_nodeName))));
    if (error_is_set(&req->err))
        request_fail(req);
    else
        request_send_text(req, 204, "", NULL); /* not scheduled: no node, no log */
    return true;
}

/* ---- exec, attach, port-forward ---- */

bool subresource_connect(struct request *req)
{
    struct value pod;
    uint64_t revision;
    if (write_load(req, &pod, &revision)) {
        struct slice node = value_text(value_at(value_at(&pod, core_v1_Pod_spec), core_v1_PodSpec_nodeName));
        if (!node.len)
            error_set(&req->err, REASON_BAD_REQUEST, "pod %.*s does not have a host assigned",
                      SLICE_ARG(req->info.name));
        else
            error_set(&req->err, REASON_SERVICE_UNAVAILABLE, "no node agent serves node %.*s yet",
                      SLICE_ARG(node));
    }
    request_fail(req);
    return true;
}
