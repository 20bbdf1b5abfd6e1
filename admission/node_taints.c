/* TaintNodesByCondition: a new node takes no pods until it is known to be ready. */
#include "admission/admission.h"
#include "openapi/gen/core_v1.h"

static const char not_ready[] = "node.kubernetes.io/not-ready";

static bool mutate(struct admission_request *req, struct error *err)
{
    (void)err;
    if (req->subresource.len)
        return true;
    struct value *spec = value_ensure_record(req->arena, req->object, core_v1_Node_spec);
    struct value *taints = value_mut(spec, core_v1_NodeSpec_taints);
    for (VALUE_EACH(taint, taints))
        if (value_is(value_at(taint, core_v1_Taint_key), not_ready) &&
            value_is(value_at(taint, core_v1_Taint_effect), "NoSchedule"))
            return true;
    struct value *taint = value_append(req->arena, taints);
    *taint = value_new_record(req->arena, &core_v1_Taint);
    *value_mut(taint, core_v1_Taint_key) = value_of_cstr(not_ready);
    *value_mut(taint, core_v1_Taint_effect) = value_of_cstr("NoSchedule");
    return true;
}

const struct admission_plugin admission_node_taints = {
    .name = "TaintNodesByCondition",
    .operations = ADMISSION_CREATE,
    .group = "",
    .resource = "nodes",
    .mutate = mutate,
    .quick = true,
};
