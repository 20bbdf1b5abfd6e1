/*
 * list: a collection at one revision. A page (limit) is gathered whole, for its head holds the continue
 * token; a list without a limit is streamed in slices of about SLICE_BYTES, made on workers and never more
 * than three ahead of the client: memory stays bounded, no loop is held up, and no read transaction outlives
 * its slice.
 */
#include "apiserver/list_scan.h"
#include "apiserver/output.h"
#include "apiserver/status.h"
#include "apiserver/zip.h"

enum { SLICE_BYTES = 512 << 10, ROOM = SLICE_BYTES + (32 << 10), ALL = SIZE_MAX >> 1 };

struct list_job {
    struct request *req;
    struct list_scan scan;
    struct buf out; /* of the slice being made */
    bool head_written, any, failed;
    bool closed;     /* the client has gone; loop only */
    bool busy;       /* a slice is being made; loop only */
    struct zip *zip; /* NULL: not compressed */
    size_t bytes;
    struct blob *ready; /* from the worker to the loop */
};

static bool add_item(void *arg, const struct store_record *record)
{
    struct list_job *job = arg;
    if (job->any)
        buf_putc(&job->out, ',');
    if (output_list_item(job->req, &job->scan.options, record, &job->out))
        job->any = true;
    else if (job->any)
        job->out.len--; /* a record that cannot be read is left out; reading it by name tells why */
    return job->out.len < SLICE_BYTES;
}

/* ---- a page, or a small collection: one buffer, one answer ---- */

static void send_whole(struct list_job *job)
{
    struct request *req = job->req;
    struct buf all = BUF_INIT(BUF_UNLIMITED);
    bool paged = job->scan.options.limit > 0 || job->scan.options.continue_token.len;
    int64_t remaining = paged ? list_scan_remaining(&job->scan) : -1;
    output_list_head(req, job->scan.revision, list_scan_token(&job->scan), remaining, &all);
    buf_put_slice(&all, buf_slice(&job->out));
    output_list_tail(req, &all);
    buf_release(&job->out);
    request_send_json(req, 200, blob_from_buf(&all));
}

static bool add_page_item(void *arg, const struct store_record *record)
{
    add_item(arg, record);
    return true;
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
    buf_reserve(&job->out, ROOM);
    if (job->head_written && !list_scan_slice(&job->scan, ALL, add_item, job))
        job->failed = true;
    if (job->head_written && job->scan.done && !job->failed)
        output_list_tail(req, &job->out);
    if (job->zip)
        zip_add(job->zip, &job->out, job->scan.done);
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
    bool last = job->scan.done;
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
        else if (unsent < ROOM + SLICE_BYTES)
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

static void next_slice(void *arg)
{
    struct list_job *job = arg;
    if (job->busy || job->scan.done || job->closed || job->failed)
        return;
    job->busy = true;
    http_ref(job->req->exchange);
    if (!pool_submit(job->req->server->workers, make_slice, job)) {
        http_unref(job->req->exchange);
        http_stream_abort(job->req->exchange);
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
                                     .content_type = slice_str("application/json"),
                                     .headers = headers,
                                     .header_count = count};
    struct http_stream_handler handler = {.on_drain = next_slice, .on_close = stream_closed, .arg = job};
    http_ref(req->exchange); /* the stream's own, given back by stream_closed */
    http_stream_start(req->exchange, &response, &handler);
    send_slice(job);
}

/* On a worker: the first slice tells whether streaming is needed at all. */
static void first_slice(struct request *req)
{
    struct list_job *job = arena_zalloc(req->arena, sizeof *job);
    job->req = req;
    job->out = BUF_INIT(BUF_UNLIMITED);
    arena_on_free(req->arena, job_free, job);
    bool json = req->accept.media == MEDIA_JSON && !query_get(&req->query, "pretty").ptr;
    if (!output_check_form(req, true) || !list_scan_begin(req, false, &job->scan)) {
        request_fail(req);
        return;
    }
    int64_t limit = job->scan.options.limit;
    bool whole = limit > 0 || !json;
    if (!list_scan_slice(&job->scan, limit > 0 ? (size_t)limit : ALL, whole ? add_page_item : add_item,
                         job)) {
        request_fail(req);
        return;
    }
    if (whole || job->scan.done) {
        send_whole(job);
        return;
    }
    struct buf all = BUF_INIT(BUF_UNLIMITED);
    output_list_head(req, job->scan.revision, slice_make("", 0), -1, &all);
    buf_put_slice(&all, buf_slice(&job->out));
    buf_release(&job->out);
    job->head_written = true;
    if (accepts_gzip(http_header_get(req->http, "accept-encoding"))) {
        job->zip = zip_new();
        zip_add(job->zip, &all, false);
    }
    job->bytes = all.len;
    job->ready = blob_from_buf(&all);
    http_ref(req->exchange);
    http_post(req->server->http, req->http->loop, start_stream, job);
}

void verb_list(struct request *req)
{
    /* A small collection is read at once on the loop; a large one, or one that waits for a revision, is a
     * worker's. */
    enum { SMALL = 64 };
    struct slice prefix = object_prefix(req->arena, req->storage, slice_make("", 0));
    if (store_count(req->server->store, prefix) <= SMALL && !list_scan_waits(req))
        first_slice(req);
    else
        request_to_worker(req, first_slice);
}
