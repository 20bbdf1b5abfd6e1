#include <pthread.h>

#include "apiserver/outgoing/outgoing.h"

/* What the waiting thread and the engine's share; the callbacks run on the latter. */
struct call {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct arena *arena;
    struct outgoing_transfer *transfer;
    struct outgoing_answer *answer;
    struct buf body;
    size_t max_body;
    struct error *err;
    bool over;
};

static void on_head(void *arg, const struct outgoing_head *head)
{
    struct call *call = arg;
    struct http_header *headers = arena_alloc(call->arena, (head->header_count + 1) * sizeof *headers);
    for (size_t i = 0; i < head->header_count; i++)
        headers[i] = (struct http_header){arena_dup(call->arena, head->headers[i].name),
                                          arena_dup(call->arena, head->headers[i].value)};
    *call->answer = (struct outgoing_answer){
        .status = head->status, .headers = headers, .header_count = head->header_count};
}

static void on_data(void *arg, struct blob *bytes)
{
    struct call *call = arg;
    pthread_mutex_lock(&call->lock); /* the transfer is known to us only after outgoing_start has returned */
    buf_put_slice(&call->body, blob_slice(bytes));
    if (call->body.failed)
        outgoing_cancel(call->transfer);
    outgoing_consumed(call->transfer, bytes->len);
    pthread_mutex_unlock(&call->lock);
    blob_unref(bytes);
}

static void on_end(void *arg, const struct error *err)
{
    struct call *call = arg;
    pthread_mutex_lock(&call->lock);
    if (call->body.failed)
        error_set(call->err, REASON_SERVICE_UNAVAILABLE, "the answer is longer than %zu bytes",
                  call->max_body);
    else if (err)
        error_set(call->err, err->reason, "%s", err->message);
    else
        call->answer->body = arena_dup(call->arena, buf_slice(&call->body));
    call->over = true;
    pthread_cond_signal(&call->ended);
    pthread_mutex_unlock(&call->lock);
}

bool outgoing_call(struct outgoing *outgoing, const struct outgoing_request *request, size_t max_body,
                   struct arena *arena, struct outgoing_answer *ret, struct error *err)
{
    cleanup_error struct error problem = ERROR_INIT;
    struct call call = {
        .arena = arena, .answer = ret, .body = BUF_INIT(max_body), .max_body = max_body, .err = &problem};
    const struct outgoing_handler handler = {
        .on_head = on_head, .on_data = on_data, .on_end = on_end, .arg = &call};
    pthread_mutex_init(&call.lock, NULL);
    pthread_cond_init(&call.ended, NULL);
    pthread_mutex_lock(&call.lock);
    call.transfer = outgoing_start(outgoing, request, &handler, &problem);
    while (call.transfer && !call.over)
        pthread_cond_wait(&call.ended, &call.lock);
    pthread_mutex_unlock(&call.lock);
    outgoing_release(call.transfer);
    pthread_cond_destroy(&call.ended);
    pthread_mutex_destroy(&call.lock);
    buf_release(&call.body);
    if (error_is_set(&problem))
        error_set(err, problem.reason, "%s", problem.message);
    return !error_is_set(&problem);
}
