/* subresource_scale: reads and writes of a workload's size as an autoscaling/v1 Scale. */
#include "apiserver/kinds/scale.h"

#include "apiserver/apply.h"
#include "apiserver/output.h"
#include "apiserver/patching.h"
#include "apiserver/subresource.h"
#include "openapi/gen/autoscaling_v1.h"

static void send(struct request *req, const struct value *object)
{
    struct value scale;
    if (scale_from(req->arena, req->resource, object, &scale, &req->err))
        output_object(req, 200, &autoscaling_v1_Scale, &scale);
    else
        request_fail(req);
}

static void read_scale(struct request *req)
{
    struct value object;
    uint64_t revision;
    if (write_load(req, &object, &revision))
        send(req, &object);
    else
        request_fail(req);
}

/* The new Scale: from a body, or the present one patched, or the body laid over it. */
struct scale_change {
    enum { SCALE_REPLACE, SCALE_PATCH, SCALE_APPLY } how;
    enum patch_type type;
    struct value body;
    struct apply_config config;
};

/* Who owns what is asked of the Scale, in which the owners of the object's replicas are shown. */
static struct managed_request managed_request_of(struct request *req)
{
    struct managed_request managed_req = managed_fields_request(req);
    managed_req.type = &autoscaling_v1_Scale;
    managed_req.api_version = SLICE("autoscaling/v1");
    managed_req.reset = NULL;
    return managed_req;
}

static struct value *list_of(struct request *req, struct value *scale)
{
    return value_mut(object_meta_mut(req->arena, scale), meta_v1_ObjectMeta_managedFields);
}

static void track(struct request *req, const struct value *before, struct value *scale)
{
    struct managed_request managed_req = managed_request_of(req);
    struct managed managed = {0};
    const struct value *list = value_at(object_meta(before), meta_v1_ObjectMeta_managedFields);
    if (managed_decode(req->arena, list, &managed, NULL) &&
        managed_update(&managed_req, before, scale, &managed))
        *list_of(req, scale) = managed_encode(req->arena, &managed);
    else
        *list_of(req, scale) = *list;
}

static bool new_scale(struct request *req, const struct scale_change *c, const struct value *present,
                      struct value *ret)
{
    if (c->how == SCALE_APPLY) {
        struct managed_request managed_req = managed_request_of(req);
        return apply_to(req, &managed_req, &c->config, present, ret);
    }
    if (c->how == SCALE_REPLACE)
        *ret = value_copy(req->arena, &c->body, false);
    else if (!patch_object(req, &autoscaling_v1_Scale, c->type, present, ret))
        return false;
    track(req, present, ret);
    return true;
}

static bool change(struct request *req, const struct value *current, struct value *ret_new, void *arg)
{
    struct value scale, present;
    if (!scale_from(req->arena, req->resource, current, &present, &req->err))
        return false;
    *list_of(req, &present) = managed_fields_to_scale(req, current);
    if (!new_scale(req, arg, &present, &scale))
        return false;
    *ret_new = value_copy(req->arena, current, false);
    /* A Scale that names no version changes whatever is there; one that does is held to it. */
    object_set_text(req->arena, ret_new, meta_v1_ObjectMeta_resourceVersion, SLICE(""));
    managed_fields_from_scale(req, value_at(object_meta(&scale), meta_v1_ObjectMeta_managedFields), ret_new);
    return scale_apply(req->arena, req->resource, &scale, ret_new, &req->err);
}

static bool read_change(struct request *req, struct scale_change *c)
{
    if (req->verb != VERB_PATCH)
        return write_options_parse(req->arena, &req->query, "UpdateOptions", &req->write, &req->err) &&
               write_decode_body(req, &autoscaling_v1_Scale, "Scale", "autoscaling/v1", &c->body) &&
               write_check_identity(req, &c->body);
    c->how = apply_is_asked(req) ? SCALE_APPLY : SCALE_PATCH;
    if (c->how == SCALE_PATCH && !patch_type_of(req, &c->type))
        return false;
    return patch_options_parse(req->arena, &req->query, c->how == SCALE_APPLY, &req->write, &req->err) &&
           (c->how == SCALE_PATCH || apply_read_body(req, "autoscaling/v1", "Scale", &c->config));
}

static void write_scale(struct request *req)
{
    struct scale_change c = {.how = SCALE_REPLACE};
    struct written written;
    bool ok = read_change(req, &c);
    req->write.untracked = true;
    if (ok && write_update(req, change, &c, &written))
        send(req, &written.object);
    else
        request_fail(req);
}

bool subresource_scale(struct request *req)
{
    if (req->verb == VERB_GET)
        read_scale(req);
    else
        request_to_worker(req, write_scale);
    return true;
}
