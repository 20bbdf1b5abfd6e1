/* get: one object, now or not older than a revision. Runs on the loop unless it has to wait for a revision.
 */
#include "apiserver/output.h"
#include "apiserver/status.h"
#include "base/clock.h"

enum { WAIT_SECONDS = 3 };

static void answer(struct request *req)
{
    struct store_record record;
    cleanup_store_read struct store_read *read = store_read_begin(req->server->store, 0, &req->err);
    if (!read) {
        request_fail(req);
        return;
    }
    struct slice key = object_key(req->arena, req->storage, req->info.namespace, req->info.name);
    if (!store_get(read, key, &record)) {
        status_not_found(&req->err, slice_str(req->resource->group), slice_str(req->resource->name),
                         req->info.name);
        request_fail(req);
        return;
    }
    if (output_check_form(req, false))
        output_record(req, 200, &record);
    else
        request_fail(req);
}

static void wait_and_answer(struct request *req)
{
    uint64_t version;
    options_version_parse(&req->query, &version, &req->err);
    if (!store_wait(req->server->store, version, clock_mono_nanos() + WAIT_SECONDS * 1000000000LL)) {
        status_version_too_large(&req->err, version, store_revision(req->server->store));
        request_fail(req);
        return;
    }
    answer(req);
}

void verb_get(struct request *req)
{
    uint64_t version;
    if (!options_version_parse(&req->query, &version, &req->err)) {
        request_fail(req);
        return;
    }
    if (version > store_revision(req->server->store))
        request_to_worker(req, wait_and_answer);
    else
        answer(req);
}
