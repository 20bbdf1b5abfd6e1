#include "apiserver/commit.h"

#include "admission/admission.h"
#include "apiserver/allocate.h"
#include "apiserver/charge.h"
#include "apiserver/custom_object.h"
#include "apiserver/dynamic_admission.h"
#include "apiserver/escalation.h"

/* More than this is decoded, merged and checked on a worker: some tens of microseconds on the loop at most.
 */
enum { LOOP_BODY = 8 * 1024, LOOP_PATCH = 4 * 1024, LOOP_APPLY = 2 * 1024 };

struct commit {
    struct store_write write;
    struct request *req;
    struct store_author author;
    struct value object;
    struct written *written;
    void (*answer)(struct request *req, void *arg);
    void *arg;
};

/* ---- where a write runs ---- */

static bool is_quick_patch(const struct request *req)
{
    struct slice type = media_type_of(http_header_get(req->http, "content-type"));
    struct slice body = req->http->body;
    if (slice_is(type, "application/apply-patch+yaml")) /* JSON is read in a moment, other YAML is not */
        return body.len <= LOOP_APPLY && body.len && *body.ptr == '{';
    return body.len <= LOOP_PATCH && (slice_is(type, "application/merge-patch+json") ||
                                      slice_is(type, "application/strategic-merge-patch+json"));
}

bool commit_starts_on_loop(const struct request *req)
{
    if (custom_object_blocks(req->resource))
        return false;
    static const unsigned operations[] = {[VERB_CREATE] = ADMISSION_CREATE,
                                          [VERB_UPDATE] = ADMISSION_UPDATE,
                                          [VERB_PATCH] = ADMISSION_UPDATE | ADMISSION_CREATE,
                                          [VERB_DELETE] = ADMISSION_DELETE};
    return !req->custom && req->http->body.len <= LOOP_BODY &&
           (req->verb != VERB_PATCH || is_quick_patch(req)) && !allocate_concerns(req->storage) &&
           !escalation_concerns(req->storage) && admission_is_quick(req->storage, operations[req->verb]) &&
           !dynamic_admission_any(req->server->dynamic_admission);
}

void commit_run(struct request *req, void (*verb)(struct request *req))
{
    if (!commit_starts_on_loop(req)) {
        request_to_worker(req, verb);
        return;
    }
    req->run = verb;
    req->on_loop = true;
    req->warnings_before = req->warnings.count;
    verb(req);
}

bool commit_leave_loop(struct request *req)
{
    req->leaves_loop = req->on_loop;
    return !req->on_loop;
}

static void again_on_worker(struct request *req)
{
    req->on_loop = req->leaves_loop = false;
    req->commit = NULL;
    req->warnings.count = req->warnings_before;
    error_clear(&req->err);
    request_to_worker(req, req->run);
}

/* ---- the answer of the store ---- */

static void succeed(struct request *req, struct value *object, uint64_t revision, struct written *written)
{
    object_set_version(req->arena, object, revision);
    written->object = *object;
    written->revision = revision;
    written->has_stored = true;
}

/* On the loop: all writes of a commit that belong to it. */
static void finish_all(void *arg)
{
    struct store_write *next;
    for (struct store_write *write = arg; write; write = next) {
        struct commit *commit = (struct commit *)write;
        struct request *req = commit->req;
        struct http_exchange *exchange = req->exchange;
        next = write->next;
        if (write->outcome == STORE_OK) {
            succeed(req, &commit->object, write->result.revision, commit->written);
            commit->answer(req, commit->arg);
        } else {
            again_on_worker(req);
        }
        http_unref(exchange);
    }
}

static unsigned loop_of(const struct store_write *write)
{
    return ((const struct commit *)write)->req->http->loop;
}

/* Takes those of the first one's loop off the list, in order. */
static struct store_write *take_loop(struct store_write **list)
{
    struct store_write *first = NULL, **tail = &first;
    unsigned loop = loop_of(*list);
    for (struct store_write **at = list; *at;) {
        struct store_write *write = *at;
        if (loop_of(write) != loop) {
            at = &write->next;
            continue;
        }
        *at = write->next;
        *tail = write;
        tail = &write->next;
    }
    *tail = NULL;
    return first;
}

/* On the store's thread: one message for each loop. */
static void on_durable(struct store_write *list)
{
    while (list) {
        struct store_write *own = take_loop(&list);
        struct request *req = ((struct commit *)own)->req;
        http_post(req->server->http, req->http->loop, finish_all, own);
    }
}

/* ---- writing ---- */

static struct store_author author_of(struct request *req)
{
    return (struct store_author){
        .user = req->user.name,
        .agent = http_header_get(req->http, "user-agent"),
        .manager = req->write.manager,
    };
}

static enum store_outcome submit(struct request *req, const struct value *object, const struct store_op *ops,
                                 size_t count, struct written *written)
{
    struct commit *commit = arena_zalloc(req->arena, sizeof *commit);
    struct store_op *copy = arena_alloc(req->arena, count * sizeof *copy);
    memcpy(copy, ops, count * sizeof *copy);
    *commit = (struct commit){.req = req, .author = author_of(req), .object = *object, .written = written};
    commit->write = (struct store_write){
        .ops = copy, .count = count, .author = &commit->author, .done = on_durable, .outcome = STORE_PENDING};
    http_ref(req->exchange);
    if (store_submit(req->server->store, &commit->write)) {
        req->commit = commit;
        return STORE_PENDING;
    }
    http_unref(req->exchange);
    commit_leave_loop(req);
    return STORE_FAILED;
}

const struct store_op *commit_ops(struct request *req, const struct value *object, const struct store_op *ops,
                                  size_t *count)
{
    struct store_op allocated[ALLOCATE_MAX_OPS];
    size_t charged = req->charge ? req->charge->count : 0, given;
    if (!allocate_ops(req->server->allocator, req->arena, req->allocation, object, allocated, &given,
                      &req->err))
        return NULL;
    if (!charged && !given)
        return ops;
    struct store_op *all = arena_alloc(req->arena, (*count + charged + given) * sizeof *all),
                    *at = all + *count - 1;
    memcpy(all, ops, (*count - 1) * sizeof *all);
    if (charged)
        memcpy(at, req->charge->ops, charged * sizeof *all);
    memcpy(at + charged, allocated, given * sizeof *all);
    at[charged + given] = ops[*count - 1];
    *count += charged + given;
    return all;
}

enum store_outcome commit_write(struct request *req, struct value *object, const struct store_op *ops,
                                size_t count, struct written *ret, struct store_txn_result *ret_result)
{
    if (req->leaves_loop) /* on what has been seen so far nothing can be decided */
        return STORE_FAILED;
    if (req->on_loop)
        return submit(req, object, ops, count, ret);
    struct store_author author = author_of(req);
    enum store_outcome outcome = store_txn(req->server->store, ops, count, &author, ret_result, &req->err);
    if (outcome == STORE_OK)
        succeed(req, object, ret_result->revision, ret);
    return outcome;
}

void commit_answer(struct request *req, bool ok, void (*answer)(struct request *req, void *arg), void *arg)
{
    if (req->commit) { /* finish_all runs on this thread: not before this has returned */
        req->commit->answer = answer;
        req->commit->arg = arg;
    } else if (req->leaves_loop) {
        again_on_worker(req);
    } else if (ok) {
        answer(req, arg);
    } else {
        request_fail(req);
    }
}
