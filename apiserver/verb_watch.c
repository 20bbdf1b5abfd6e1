/*
 * watch: a stream of changes. Two parts: the initial state, if asked for, read in slices on workers like a
 * list, then changes from the hub, on the loop. What is written to the client is bounded: events are taken
 * from the hub only while little is queued, and the hub closes a watch whose own queue runs over.
 *
 *   resourceVersion   sendInitialEvents   what comes
 *   not given, 0      no                  the present state as ADDED, then changes
 *   N                 no                  changes after N
 *   any               yes                 state not older than N as ADDED, a BOOKMARK that says so, then
 * changes
 */
#include "apiserver/list_scan.h"
#include "apiserver/metrics.h"
#include "apiserver/output.h"
#include "apiserver/represent.h"
#include "apiserver/status.h"
#include "base/clock.h"
#include "base/random.h"
#include "storage/header.h"

enum {
    SLICE_BYTES = 512 << 10,
    MAX_UNSENT = 256 << 10, /* events are formatted only while less than this waits for the client */
    MAX_QUEUE = 10000,
    BOOKMARK_MILLIS = 60 * 1000,
    LAST_BOOKMARK_MILLIS = 2 * 1000, /* before the time is over: where a client goes on from */
    DEFAULT_SECONDS = 1800,
};

struct watch {
    struct request *req;
    struct list_scan scan;
    struct hub_watch *hub;
    struct http_timer *timeout, *bookmark;
    int64_t deadline;    /* monotonic milliseconds */
    uint64_t bookmarked; /* the last revision told */
    size_t unsent;
    bool closed, ending, initial, busy, headers_sent;
    struct buf out;
    struct blob *ready;
    bool failed;
    struct series *series; /* where events are counted */
    uint64_t events, counted, bytes;
};

/* ---- ending (loop) ---- */

static void stop_parts(struct watch *w)
{
    http_timer_cancel(w->timeout);
    http_timer_cancel(w->bookmark);
    w->timeout = w->bookmark = NULL;
    if (w->hub)
        hub_stop(w->hub);
    w->hub = NULL;
}

static void stream_closed(void *arg)
{
    struct watch *w = arg;
    w->closed = true;
    stop_parts(w);
    metrics_watch_end(w->series);
    request_done(w->req, 200, w->bytes);
    http_unref(w->req->exchange);
}

static void end(struct watch *w)
{
    if (w->closed || w->ending)
        return;
    w->ending = true;
    stop_parts(w);
    http_stream_end(w->req->exchange);
}

static void send(struct watch *w, struct blob *lines)
{
    w->bytes += lines->len;
    w->unsent = http_stream_write(w->req->exchange, lines);
}

/* Once for all events of a turn. */
static void count_events(struct watch *w)
{
    if (w->events > w->counted)
        metrics_watch_events(w->series, w->events - w->counted);
    w->counted = w->events;
}

static void write_out(struct watch *w, struct buf *out)
{
    count_events(w);
    if (out->len)
        send(w, blob_from_buf(out));
    buf_release(out);
}

static void timed_out(void *arg)
{
    struct watch *w = arg;
    w->timeout = NULL;
    end(w);
}

static void end_with_error(struct watch *w, enum reason reason, const char *why)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    if (w->closed || w->ending)
        return;
    if (!error_is_set(&w->req->err))
        error_set(&w->req->err, reason, "%s", why);
    output_event_error(w->req, &w->req->err, &out);
    write_out(w, &out);
    end(w);
}

static void hub_ended(void *arg, enum hub_end why)
{
    struct watch *w = arg;
    if (why == HUB_EXPIRED)
        end_with_error(w, REASON_EXPIRED,
                       arena_printf(w->req->arena, "too old resource version: %llu (%llu)",
                                    (unsigned long long)w->scan.options.version,
                                    (unsigned long long)store_compacted(w->req->server->store)));
    else
        end(w); /* a client that is too slow, or a server that stops: it resumes from what it has seen */
}

/* ---- changes (loop) ---- */

/* The wire forms that an event keeps: these four in JSON, then in protobuf. */
enum { SLOT_ADDED, SLOT_MODIFIED, SLOT_DELETED, SLOT_LEFT, SLOT_COUNT };

static const char *const event_types[] = {"ADDED", "MODIFIED", "DELETED", "DELETED"};

/* The bytes of one event in the plainest form are the same for all watchers: made once, kept with the event.
 */
static struct blob *shared_line(struct store_event *event, enum media media, int kind, struct slice value)
{
    int slot = media == MEDIA_PROTOBUF ? SLOT_COUNT + kind : kind;
    struct blob *line = atomic_load(&event->cache[slot]);
    if (line)
        return blob_ref(line);
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    represent_event(&out, media, event_types[kind], value);
    line = blob_from_buf(&out);
    struct blob *other = NULL;
    if (atomic_compare_exchange_strong(&event->cache[slot], &other, blob_ref(line)))
        return line;
    blob_unref(line); /* another loop was first: both references of ours go */
    blob_unref(line);
    return blob_ref(other);
}

/* What left the selection is shown as it was, at the revision at which it left. */
static struct slice with_revision(struct arena *arena, struct slice value, uint64_t revision)
{
    static const char mark[] = "\"resourceVersion\":\"";
    const char *at = memmem(value.ptr, value.len, mark, sizeof mark - 1);
    if (!at)
        return value;
    size_t before = (size_t)(at - value.ptr) + sizeof mark - 1, after = before;
    while (after < value.len && value.ptr[after] != '"')
        after++;
    return arena_slicef(arena, "%.*s%llu%.*s", (int)before, value.ptr, (unsigned long long)revision,
                        (int)(value.len - after), value.ptr + after);
}

/* What the change means to this watcher's selection; false: nothing. */
static bool classify(struct watch *w, const struct store_event *event, int *ret_slot)
{
    const struct selector *s = &w->scan.selector;
    const struct schema_resource *r = w->req->storage;
    bool is = event->change != STORE_DELETED && list_scan_matches_header(s, r, event->key, event->header);
    bool was =
        event->change != STORE_CREATED && list_scan_matches_header(s, r, event->key, event->prev_header);
    if (!is && !was)
        return false;
    if (is)
        *ret_slot = was ? SLOT_MODIFIED : SLOT_ADDED;
    else
        *ret_slot = event->change == STORE_DELETED ? SLOT_DELETED : SLOT_LEFT;
    return true;
}

static void put_event(struct watch *w, struct store_event *event, struct buf *out)
{
    struct request *req = w->req;
    int slot;
    if (!classify(w, event, &slot))
        return;
    w->events++;
    bool left = slot == SLOT_LEFT;
    cleanup_arena struct arena *arena = left ? arena_new() : NULL;
    struct slice value = left ? with_revision(arena, event->prev_value, event->revision) : event->value;
    struct slice header = left || slot == SLOT_DELETED ? event->prev_header : event->header;
    if (output_is_as_stored(req, header)) {
        struct blob *line = shared_line(event, req->accept.media, slot, value);
        send(w, line); /* by reference: a thousand watchers share one copy */
        return;
    }
    output_event(req, &w->scan.options, event_types[slot], header, value, !w->headers_sent, out);
    w->headers_sent = true;
}

static void pump(void *arg)
{
    struct watch *w = arg;
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct store_event *event;
    while (w->hub && !w->ending && w->unsent + out.len < MAX_UNSENT && (event = hub_next(w->hub))) {
        put_event(w, event, &out);
        store_event_unref(event);
    }
    write_out(w, &out);
}

static void start_bookmarks(struct watch *w);

static void send_bookmark(void *arg)
{
    struct watch *w = arg;
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    uint64_t progress = hub_progress(w->hub);
    if (progress > w->bookmarked && w->unsent == 0) {
        output_bookmark(w->req, progress, false, !w->headers_sent, &out);
        w->bookmarked = progress;
    }
    write_out(w, &out);
    start_bookmarks(w);
}

static void start_bookmarks(struct watch *w)
{
    int64_t wait = w->deadline - LAST_BOOKMARK_MILLIS - clock_mono_nanos() / 1000000;
    if (wait <= 0 || wait > BOOKMARK_MILLIS)
        wait = BOOKMARK_MILLIS;
    w->bookmark = http_timer_start(w->req->server->http, w->req->http->loop, wait, send_bookmark, w);
}

static void follow(struct watch *w, uint64_t after)
{
    struct slice name;
    struct request *req = w->req;
    bool one = selector_requires(&w->scan.selector, SELECTOR_FIELD_NAME, &name) && name.len &&
               (req->info.namespace.len || !req->storage->namespaced);
    struct hub_watcher watcher = {
        .prefix = one ? object_key(req->arena, req->storage, req->info.namespace, name) : w->scan.prefix,
        .exact = one,
        .on_ready = pump,
        .on_end = hub_ended,
        .arg = w,
        .max_queue = MAX_QUEUE,
    };
    if (w->scan.options.bookmarks)
        start_bookmarks(w);
    w->hub = hub_start(req->server->hub_loops[req->http->loop], &watcher, after);
    if (w->hub)
        pump(w);
}

/* ---- the initial state (worker, then loop) ---- */

static bool add_initial(void *arg, const struct store_record *record)
{
    struct watch *w = arg;
    w->events++;
    output_event(w->req, &w->scan.options, "ADDED", record->header, record->value, !w->headers_sent, &w->out);
    w->headers_sent = true;
    return w->out.len < SLICE_BYTES;
}

static void send_initial(void *arg)
{
    struct watch *w = arg;
    struct http_exchange *exchange = w->req->exchange;
    struct blob *ready = w->ready;
    w->ready = NULL;
    w->busy = false;
    if (w->closed || w->ending) {
        blob_unref(ready);
    } else {
        count_events(w);
        send(w, ready);
        if (w->failed)
            end_with_error(w, REASON_INTERNAL, "the initial state cannot be read");
        else if (w->scan.done) {
            w->initial = false;
            follow(w, w->scan.revision);
        }
    }
    http_unref(exchange);
}

static void make_initial(struct watch *w)
{
    w->out = BUF_INIT(BUF_UNLIMITED);
    if (!list_scan_slice(&w->scan, SIZE_MAX >> 1, add_initial, w))
        w->failed = true;
    else if (w->scan.done && w->scan.options.send_initial_events && w->scan.options.bookmarks)
        output_bookmark(w->req, w->scan.revision, true, !w->headers_sent, &w->out);
    w->ready = blob_from_buf(&w->out);
}

static void make_more(void *arg)
{
    struct watch *w = arg;
    make_initial(w);
    http_post(w->req->server->http, w->req->http->loop, send_initial, w);
}

static void drained(void *arg)
{
    struct watch *w = arg;
    w->unsent = 0;
    if (!w->initial) {
        pump(w);
        return;
    }
    if (w->busy || w->scan.done || w->failed || w->closed)
        return;
    w->busy = true;
    http_ref(w->req->exchange);
    if (!pool_submit(w->req->server->workers, make_more, w)) {
        http_unref(w->req->exchange);
        end(w);
    }
}

/* ---- the beginning ---- */

static void start_stream(void *arg)
{
    struct watch *w = arg;
    struct request *req = w->req;
    bool protobuf = req->accept.media == MEDIA_PROTOBUF;
    size_t count;
    const struct http_header *headers = request_headers(req, &count);
    struct http_response response = {.status = 200,
                                     .content_type =
                                         protobuf ? SLICE("application/vnd.kubernetes.protobuf;stream=watch")
                                                  : SLICE("application/json"),
                                     .headers = headers,
                                     .header_count = count};
    struct http_stream_handler handler = {.on_drain = drained, .on_close = stream_closed, .arg = w};
    int64_t seconds = w->scan.options.timeout_seconds;
    if (seconds <= 0) /* spread, so that a thousand clients do not come back in the same second */
        seconds = DEFAULT_SECONDS + random_below(DEFAULT_SECONDS);
    req->answered_stream = true;
    w->series = metrics_watch_begin(req->server->metrics, req);
    /* The reference that came along is the stream's now; stream_closed gives it back. */
    http_stream_start(req->exchange, &response, &handler);
    w->timeout = http_timer_start(req->server->http, req->http->loop, seconds * 1000, timed_out, w);
    w->deadline = clock_mono_nanos() / 1000000 + seconds * 1000;
    if (w->initial)
        send_initial(w);
    else if (!w->closed)
        follow(w, w->scan.options.version);
}

static void release(void *arg)
{
    struct watch *w = arg;
    blob_unref(w->ready);
    buf_release(&w->out);
}

/* On a worker: the first slice of the state is made before the head leaves, so that a failure is a Status. */
static void begin(struct request *req)
{
    struct watch *w = arena_zalloc(req->arena, sizeof *w);
    w->req = req;
    arena_on_free(req->arena, release, w);
    if (!output_check_form(req, true) || !list_scan_begin(req, true, &w->scan)) {
        request_fail(req);
        return;
    }
    const struct list_options *o = &w->scan.options;
    w->initial = o->send_initial_events || (!o->version && !o->send_initial_events_set);
    uint64_t newest = store_revision(req->server->store);
    if (o->version > newest &&
        !store_wait(req->server->store, o->version, clock_mono_nanos() + 3000000000LL)) {
        status_version_too_large(&req->err, o->version, newest);
        request_fail(req);
        return;
    }
    if (w->initial) {
        make_initial(w);
        if (w->failed) {
            request_fail(req);
            return;
        }
    }
    if (w->initial)
        http_ref(req->exchange); /* send_initial gives it back */
    http_ref(req->exchange);
    http_post(req->server->http, req->http->loop, start_stream, w);
}

void verb_watch(struct request *req)
{
    request_to_worker(req, begin);
}
