/* create: POST to a collection. Runs as commit.h says. */
#include "apiserver/commit.h"
#include "apiserver/output.h"
#include "apiserver/status.h"

static bool create(struct request *req, struct written *written)
{
    struct value object;
    if (!output_check_form(req, false) ||
        !write_options_parse(req->arena, &req->query, "CreateOptions", &req->write, &req->err) ||
        !write_decode_object(req, &object))
        return false;
    struct slice ns = object_text(&object, meta_v1_ObjectMeta_namespace);
    if (req->resource->namespaced && ns.len && !slice_eq(ns, req->info.namespace))
        return error_set(
            &req->err, REASON_BAD_REQUEST,
            "the namespace of the provided object does not match the namespace sent on the request");
    req->write.names_version = object_text(&object, meta_v1_ObjectMeta_resourceVersion).len > 0;
    return write_create(req, &object, written);
}

static void answer(struct request *req, void *arg)
{
    output_written(req, 201, arg);
}

void verb_create(struct request *req)
{
    struct written *written = arena_zalloc(req->arena, sizeof *written);
    commit_answer(req, create(req, written), answer, written);
}
