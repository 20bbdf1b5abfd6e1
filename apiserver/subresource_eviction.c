/* subresource_eviction: delete a pod if its disruption budgets allow. The decision is pure
 * (kinds/eviction.h); here it is carried out. */
#include "apiserver/kinds/eviction.h"

#include "admission/admission.h"
#include "apiserver/deletion.h"
#include "apiserver/output.h"
#include "apiserver/status.h"
#include "apiserver/subresource.h"
#include "base/clock.h"
#include "openapi/gen/policy_v1.h"

struct budgets {
    struct request *req;
    struct value *items;
    size_t count, capacity;
};

static bool collect(void *arg, const struct value *budget)
{
    struct budgets *b = arg;
    *(struct value *)arena_push(b->req->arena, &b->items, &b->count, &b->capacity, sizeof *b->items) =
        *budget;
    return true;
}

struct spend {
    struct slice pod;
};

static bool spend_one(struct request *req, const struct value *current, struct value *ret_new, void *arg)
{
    struct spend *spend = arg;
    *ret_new = value_copy(req->arena, current, false);
    object_set_text(req->arena, ret_new, meta_v1_ObjectMeta_resourceVersion, SLICE(""));
    return budget_spend(req->arena, ret_new, spend->pod, clock_now_seconds(), &req->err);
}

/* The budget's status is written by the server itself, with the right of nobody but it. */
static bool spend_budget(struct request *req, const struct value *budget)
{
    struct request inner = *req;
    struct spend spend = {req->info.name};
    struct written written;
    inner.resource = inner.storage =
        schema_find_resource(SLICE("policy"), SLICE("v1"), SLICE("poddisruptionbudgets"));
    inner.kind = kind_of(inner.resource);
    inner.info.subresource = SLICE("status");
    inner.write.manager = SLICE("kube-apiserver");
    inner.info.name = object_text(budget, meta_v1_ObjectMeta_name);
    bool ok = write_update(&inner, spend_one, &spend, &written);
    req->err = inner.err;
    return ok;
}

static bool mark(struct request *req, const struct value *current, struct value *ret_new, void *arg)
{
    (void)arg;
    *ret_new = value_copy(req->arena, current, false);
    object_set_text(req->arena, ret_new, meta_v1_ObjectMeta_resourceVersion, SLICE(""));
    eviction_mark_pod(req->arena, ret_new, clock_now_seconds());
    return true;
}

static bool mark_pod(struct request *req)
{
    struct request inner = *req;
    struct written written;
    inner.info.subresource = SLICE("status");
    inner.write.untracked = true;
    bool ok = req->write.dry_run || write_update(&inner, mark, NULL, &written);
    req->err = inner.err;
    return ok;
}

static bool allowed(struct request *req, const struct value *pod)
{
    struct budgets budgets = {.req = req};
    struct value budget;
    const struct schema_resource *resource =
        schema_find_resource(SLICE("policy"), SLICE("v1"), SLICE("poddisruptionbudgets"));
    const struct admission_lookup *lookup = write_lookup(req);
    if (!eviction_needs_budget(pod))
        return true;
    lookup->list(lookup->arg, req->arena, resource, req->info.namespace, collect, &budgets);
    switch (eviction_decide(req->arena, pod, budgets.items, budgets.count, clock_now_seconds(), &budget,
                            &req->err)) {
    case EVICTION_SPEND:
        return spend_budget(req, &budget);
    case EVICTION_REFUSED:
        return false;
    case EVICTION_FREE:
    case EVICTION_UNHEALTHY:
        break;
    }
    return true;
}

/* Clients before 1.22 send the beta version, which has the same fields. */
static const char *body_version(struct request *req)
{
    struct slice version, kind;
    bool beta = decode_type_meta(req->arena, req->http->body, &version, &kind, NULL) &&
                slice_is(version, "policy/v1beta1");
    return beta ? "policy/v1beta1" : "policy/v1";
}

static bool evict(struct request *req)
{
    struct value body, pod;
    struct delete_options options;
    struct written written;
    uint64_t revision;
    bool gone;
    if (!write_options_parse(req->arena, &req->query, "CreateOptions", &req->write, &req->err) ||
        !write_decode_body(req, &policy_v1_Eviction, "Eviction", body_version(req), &body) ||
        !eviction_check_body(req->arena, &body, req->info.name, &req->err))
        return false;
    const struct value *given = value_at(&body, policy_v1_Eviction_deleteOptions);
    if (!delete_options_parse(req->arena, &req->query, value_is_set(given) ? given : NULL, &options,
                              &req->err))
        return false;
    req->write.dry_run |= options.dry_run;
    if (!write_load(req, &pod, &revision) || !allowed(req, &pod) || !mark_pod(req))
        return false;
    req->info.subresource = SLICE("");
    return deletion_run(req, &options, &written, &gone);
}

static void run(struct request *req)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    if (!evict(req)) {
        request_fail(req);
        return;
    }
    status_encode_success(&out, 201);
    request_send_json(req, 201, blob_from_buf(&out));
}

bool subresource_eviction(struct request *req)
{
    request_to_worker(req, run);
    return true;
}
