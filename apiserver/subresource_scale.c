/* subresource_scale: reads and writes of a workload's size as an autoscaling/v1 Scale. */
#include "apiserver/kinds/scale.h"

#include "apiserver/output.h"
#include "apiserver/patching.h"
#include "apiserver/subresource.h"
#include "openapi/gen/autoscaling_v1.h"

static void send(struct request *req, const struct value *object)
{
    struct value scale;
    if (scale_from(req->arena, object, &scale, &req->err))
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

/* The new Scale: from a body, or the present one patched. */
struct scale_change {
    bool patched;
    enum patch_type type;
    struct value body;
};

static bool change(struct request *req, const struct value *current, struct value *ret_new, void *arg)
{
    struct scale_change *c = arg;
    struct value scale = c->body, present;
    if (c->patched && (!scale_from(req->arena, current, &present, &req->err) ||
                       !patch_object(req, &autoscaling_v1_Scale, c->type, &present, &scale)))
        return false;
    *ret_new = value_copy(req->arena, current, false);
    /* A Scale that names no version changes whatever is there; one that does is held to it. */
    object_set_text(req->arena, ret_new, meta_v1_ObjectMeta_resourceVersion, SLICE(""));
    return scale_apply(req->arena, req->resource, &scale, ret_new, &req->err);
}

static void write_scale(struct request *req)
{
    struct scale_change c = {.patched = req->verb == VERB_PATCH};
    struct written written;
    bool ok = write_options_parse(req->arena, &req->query, c.patched ? "PatchOptions" : "UpdateOptions", &req->write,
                                  &req->err);
    if (ok && c.patched)
        ok = patch_type_of(req, &c.type);
    else if (ok)
        ok = write_decode_body(req, &autoscaling_v1_Scale, "Scale", "autoscaling/v1", &c.body) &&
             write_check_identity(req, &c.body);
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
