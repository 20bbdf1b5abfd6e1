/*
 * list: a collection at one revision. What is small is one buffer and one answer. The rest is streamed in
 * slices, made on workers and never more than three ahead of the client: memory stays bounded, no loop is
 * held up, no read transaction outlives its slice, and the client unpacks the first while the next is made.
 * So that a page's head, which holds the continue token, can go first, its end is looked for by keys alone.
 */
#include "apiserver/list_scan.h"
#include "apiserver/output.h"
#include "apiserver/status.h"
#include "apiserver/zip.h"

/* Slices double from the first to the largest. */
enum { FIRST_BYTES = 128 << 10, SLICE_BYTES = 512 << 10, ALL = SIZE_MAX >> 1 };

struct list_job {
    struct request *req;
    struct list_scan scan;
    struct buf out;     /* of the slice being made */
    size_t slice_bytes; /* it should have */
    size_t limit;       /* of objects, or ALL */
    bool any, failed;
    bool closed;     /* the client has gone; loop only */
    bool busy;       /* a slice is being made; loop only */
    struct zip *zip; /* NULL: not compressed */
    size_t bytes;
    struct blob *ready; /* from the worker to the loop */
};

static bool add_item(void *arg, const struct store_record *record)
{
    struct list_job *job = arg;
    /* A record that cannot be read is left out; reading it by name tells why. */
    if (output_list_item(job->req, &job->scan.options, record, !job->any, &job->out))
        job->any = true;
    return job->out.len < job->slice_bytes;
}

static bool is_end(const struct list_job *job, const struct list_scan *scan)
{
    return scan->done || scan->matched >= job->limit;
}

static bool is_complete(const struct list_job *job)
{
    return is_end(job, &job->scan);
}

/* ---- a page, or a small collection: one buffer, one answer ---- */

static void send_whole(struct list_job *job)
{
    struct request *req = job->req;
    bool paged = job->scan.options.limit > 0 || job->scan.options.continue_token.len;
    int64_t remaining = paged ? list_scan_remaining(&job->scan) : -1;
    output_list(req, (struct list_head){job->scan.revision, list_scan_token(&job->scan), remaining, 0},
                &job->out);
}

/* ---- streaming ---- */

static void make_slice(void *arg);

static void job_free(void *arg)
{
    struct list_job *job = arg;
    buf_release(&job->out);
    blob_unref(job->ready);
    zip_free(job->zip);
}

/* On a worker: the next slice into job->ready. */
static void fill(struct list_job *job)
{
    struct request *req = job->req;
    buf_clear(&job->out);
    if (job->slice_bytes < SLICE_BYTES && !req->on_loop)
        job->slice_bytes *= 2;
    buf_reserve(&job->out, job->slice_bytes + (32 << 10));
    if (!list_scan_slice(&job->scan, job->limit - job->scan.matched, add_item, job))
        job->failed = true;
    if (is_complete(job) && !job->failed)
        output_list_tail(req, &job->out);
    if (job->zip)
        zip_add(job->zip, &job->out, is_complete(job));
    job->bytes += job->out.len;
    job->ready = blob_from_buf(&job->out);
    job->out = BUF_INIT(BUF_UNLIMITED);
}

static void next_slice(void *arg);

/* On the loop: sends what the worker made. The next slice is made while this one leaves, the one after it
 * when it has left. */
static void send_slice(void *arg)
{
    struct list_job *job = arg;
    struct http_exchange *exchange = job->req->exchange;
    struct blob *ready = job->ready;
    bool last = is_complete(job);
    job->ready = NULL;
    job->busy = false;
    if (job->closed) {
        blob_unref(ready);
    } else if (job->failed) { /* half an answer cannot be taken back: cut it off so that nobody takes it for
                                 whole */
        blob_unref(ready);
        http_stream_abort(exchange);
    } else {
        size_t unsent = http_stream_write(exchange, ready);
        if (last)
            http_stream_end(exchange);
        else if (unsent < 2 * SLICE_BYTES)
            next_slice(job);
    }
    http_unref(exchange);
}

static void make_slice(void *arg)
{
    struct list_job *job = arg;
    struct request *req = job->req;
    fill(job);
    http_post(req->server->http, req->http->loop, send_slice, job); /* the reference goes along */
}

/* On the loop, but a turn later: what there is goes out first. */
static void make_slice_here(void *arg)
{
    fill(arg);
    send_slice(arg);
}

static void next_slice(void *arg)
{
    struct list_job *job = arg;
    struct request *req = job->req;
    if (job->busy || is_complete(job) || job->closed || job->failed)
        return;
    job->busy = true;
    http_ref(req->exchange);
    if (req->on_loop) {
        http_post(req->server->http, req->http->loop, make_slice_here, job);
    } else if (!pool_submit(req->server->workers, make_slice, job)) {
        http_unref(req->exchange);
        http_stream_abort(req->exchange);
    }
}

static void stream_closed(void *arg)
{
    struct list_job *job = arg;
    job->closed = true;
    request_done(job->req, 200, job->bytes);
    http_unref(job->req->exchange);
}

/* On the loop: begins the stream with what the first slice gave. */
static void start_stream(void *arg)
{
    struct list_job *job = arg;
    struct request *req = job->req;
    size_t count;
    struct http_header *headers = (struct http_header *)request_headers(req, &count);
    if (job->zip) {
        headers[count++] = (struct http_header){SLICE("content-encoding"), SLICE("gzip")};
        headers[count++] = (struct http_header){SLICE("vary"), SLICE("Accept-Encoding")};
    }
    struct http_response response = {.status = 200,
                                     .content_type = slice_str(media_type(req->accept.media)),
                                     .headers = headers,
                                     .header_count = count};
    struct http_stream_handler handler = {.on_drain = next_slice, .on_close = stream_closed, .arg = job};
    http_ref(req->exchange); /* the stream's own, given back by stream_closed */
    http_stream_start(req->exchange, &response, &handler);
    send_slice(job);
}

/* The length of all items, for a protobuf message begins with it: those after the first slice are made twice.
 * All of it is read at one revision, so that the second time gives the same. */
static bool measure(struct list_job *job, struct list_scan *end, size_t *ret_len)
{
    struct buf first = job->out;
    bool ok = true;
    *ret_len = first.len;
    job->out = BUF_INIT(BUF_UNLIMITED);
    while (ok && !is_end(job, end)) {
        buf_clear(&job->out);
        ok = list_scan_slice(end, job->limit - end->matched, add_item, job);
        *ret_len += job->out.len;
    }
    buf_release(&job->out);
    job->out = first;
    return ok;
}

/* The head of a list of which some is made: only the end of a page tells how it goes on. */
static bool put_stream_head(struct list_job *job, struct buf *out)
{
    struct list_scan end = job->scan;
    struct list_head head = {.revision = end.revision, .continue_token = SLICE(""), .remaining = -1};
    bool paged = job->limit != ALL;
    if (job->req->accept.media == MEDIA_PROTOBUF) {
        if (!measure(job, &end, &head.items_len))
            return false;
    } else if (paged && !list_scan_skip(&end, job->limit - end.matched)) {
        return false;
    }
    if (paged) {
        head.continue_token = list_scan_token(&end);
        head.remaining = list_scan_remaining(&end);
    }
    output_list_head(job->req, &head, out);
    return true;
}

/* On a worker: what the first slice gave, as the beginning of a stream. */
static void begin_stream(struct list_job *job)
{
    struct request *req = job->req;
    struct buf all = BUF_INIT(BUF_UNLIMITED);
    if (!put_stream_head(job, &all)) {
        buf_release(&all);
        request_fail(req);
        return;
    }
    buf_put_slice(&all, buf_slice(&job->out));
    buf_release(&job->out);
    if (accepts_gzip(http_header_get(req->http, "accept-encoding"))) {
        job->zip = zip_new();
        zip_add(job->zip, &all, false);
    }
    job->bytes = all.len;
    job->ready = blob_from_buf(&all);
    http_ref(req->exchange);
    if (req->on_loop)
        start_stream(job);
    else
        http_post(req->server->http, req->http->loop, start_stream, job);
}

static void first_slice(struct request *req);

static void run_on_worker(struct request *req)
{
    req->on_loop = false;
    request_to_worker(req, first_slice);
}

/* On a worker (or on the loop, where the collection is small): the first slice tells whether streaming is
 * needed. */
static void first_slice(struct request *req)
{
    struct list_job *job = arena_zalloc(req->arena, sizeof *job);
    job->req = req;
    job->out = BUF_INIT(BUF_UNLIMITED);
    arena_on_free(req->arena, job_free, job);
    if (!list_scan_begin(req, false, &job->scan) || !output_check_form(req, true)) {
        request_fail(req);
        return;
    }
    int64_t limit = job->scan.options.limit;
    bool protobuf = req->accept.media == MEDIA_PROTOBUF;
    bool json =
        req->accept.media == MEDIA_JSON && !req->accept.pretty && !query_get(&req->query, "pretty").ptr;
    /* With a selector, looking for a page's end would be all the work over again. */
    bool whole = !(json || protobuf) || (limit > 0 && !selector_is_empty(&job->scan.selector));
    job->limit = limit > 0 ? (size_t)limit : ALL;
    job->slice_bytes = whole ? SIZE_MAX : FIRST_BYTES;
    if (!list_scan_slice(&job->scan, job->limit, add_item, job))
        request_fail(req);
    else if (is_complete(job))
        send_whole(job);
    else if (req->on_loop && protobuf) /* it has to be measured: from the start, where that holds nobody up */
        run_on_worker(req);
    else
        begin_stream(job);
}

/* Of some hundred objects as they are stored: some tenths of a millisecond, in slices. */
static bool is_quick_page(const struct request *req)
{
    struct slice limit = query_get(&req->query, "limit");
    return limit.len > 0 && limit.len <= 3 && req->accept.media == MEDIA_JSON &&
           req->accept.as == AS_ITSELF && req->storage == req->resource &&
           !query_get(&req->query, "labelSelector").len && !query_get(&req->query, "fieldSelector").len &&
           !query_get(&req->query, "pretty").ptr;
}

void verb_list(struct request *req)
{
    /* A small collection or page is read on the loop; what is large, or waits for a revision, is a worker's.
     */
    enum { SMALL = 64 };
    struct slice prefix = object_prefix(req->arena, req->storage, slice_make("", 0));
    bool quick = is_quick_page(req) || store_count(req->server->store, prefix) <= SMALL;
    req->on_loop = quick && !list_scan_waits(req);
    if (req->on_loop)
        first_slice(req);
    else
        request_to_worker(req, first_slice);
}
