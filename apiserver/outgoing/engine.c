#include "apiserver/outgoing/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum { MAX_IDLE_CONNECTIONS = 64, POLL_MILLIS = 1000 };

/* ---- references ---- */

static void transfer_unref(struct outgoing_transfer *t)
{
    if (atomic_fetch_sub(&t->refs, 1) == 1)
        transfer_destroy(t);
}

void outgoing_release(struct outgoing_transfer *t)
{
    if (t)
        transfer_unref(t);
}

/* ---- telling the handler ---- */

enum telling { TELL_HEAD, TELL_DATA, TELL_DRAINED, TELL_END };

struct told {
    struct outgoing_transfer *transfer;
    enum telling what;
    struct blob *bytes;
    struct error err;
    bool failed;
};

static void run_told(void *arg)
{
    struct told *told = arg;
    struct outgoing_transfer *t = told->transfer;
    const struct outgoing_handler *h = &t->handler;
    switch (told->what) {
    case TELL_HEAD:
        h->on_head(h->arg, &t->head);
        break;
    case TELL_DATA:
        h->on_data(h->arg, told->bytes);
        break;
    case TELL_DRAINED:
        if (h->on_drain)
            h->on_drain(h->arg);
        break;
    case TELL_END:
        h->on_end(h->arg, told->failed ? &told->err : NULL);
        error_release(&told->err);
        break;
    }
    free(told);
    transfer_unref(t);
}

static void tell(struct outgoing_transfer *t, enum telling what, struct blob *bytes, const struct error *err)
{
    struct told *told = xcalloc(1, sizeof *told);
    *told = (struct told){.transfer = t, .what = what, .bytes = bytes, .failed = err != NULL};
    if (err)
        error_set(&told->err, err->reason, "%s", err->message);
    atomic_fetch_add(&t->refs, 1);
    if (t->handler.post)
        t->handler.post(t->handler.post_arg, run_told, told);
    else
        run_told(told);
}

void engine_tell_head(struct outgoing_transfer *t)
{
    if (t->head_told)
        return;
    t->head_told = true;
    tell(t, TELL_HEAD, NULL, NULL);
}

size_t engine_tell_data(struct outgoing_transfer *t, struct slice bytes)
{
    pthread_mutex_lock(&t->engine->lock);
    size_t unconsumed = t->shared.unconsumed += bytes.len;
    pthread_mutex_unlock(&t->engine->lock);
    tell(t, TELL_DATA, blob_copy(bytes), NULL);
    return unconsumed;
}

void engine_tell_drained(struct outgoing_transfer *t)
{
    tell(t, TELL_DRAINED, NULL, NULL);
}

bool engine_has_room(struct outgoing_transfer *t)
{
    pthread_mutex_lock(&t->engine->lock);
    bool room = t->shared.unconsumed < OUTGOING_WINDOW;
    pthread_mutex_unlock(&t->engine->lock);
    return room;
}

void engine_end(struct outgoing_transfer *t, const struct error *err)
{
    if (t->ended)
        return;
    t->ended = true;
    lib.curl_multi_remove_handle(t->engine->multi, t->easy);
    lib.curl_easy_cleanup(t->easy); /* a pipe's connection closes with it */
    t->easy = NULL;
    *t->prev_running = t->next_running;
    if (t->next_running)
        t->next_running->prev_running = t->prev_running;
    t->engine->running_count--;
    if (!err)
        engine_tell_head(t);
    tell(t, TELL_END, NULL, err);
    t->next_ended = t->engine->ended;
    t->engine->ended = t;
}

static void reap(struct outgoing *engine)
{
    while (engine->ended) {
        struct outgoing_transfer *t = engine->ended;
        engine->ended = t->next_ended;
        transfer_unref(t);
    }
}

/* ---- wishes from other threads ---- */

/* With the lock held. A transfer that waits in the queue is held by it. */
static void enqueue(struct outgoing_transfer *t)
{
    if (t->shared.queued)
        return;
    t->shared.queued = true;
    t->shared.next = NULL;
    *t->engine->wishes_end = t;
    t->engine->wishes_end = &t->shared.next;
    atomic_fetch_add(&t->refs, 1);
    lib.curl_multi_wakeup(t->engine->multi);
}

void outgoing_consumed(struct outgoing_transfer *t, size_t bytes)
{
    pthread_mutex_lock(&t->engine->lock);
    bool was_full = t->shared.unconsumed >= OUTGOING_WINDOW;
    t->shared.unconsumed -= bytes;
    if (was_full && t->shared.unconsumed < OUTGOING_WINDOW) {
        t->shared.resume = true;
        enqueue(t);
    }
    pthread_mutex_unlock(&t->engine->lock);
}

size_t outgoing_write(struct outgoing_transfer *t, struct blob *bytes)
{
    struct chunk *chunk = xcalloc(1, sizeof *chunk);
    chunk->bytes = bytes;
    pthread_mutex_lock(&t->engine->lock);
    *t->shared.writes_end = chunk;
    t->shared.writes_end = &chunk->next;
    size_t unsent = t->shared.unsent += bytes->len;
    t->shared.full |= unsent >= OUTGOING_WINDOW;
    enqueue(t);
    pthread_mutex_unlock(&t->engine->lock);
    return unsent;
}

void outgoing_cancel(struct outgoing_transfer *t)
{
    pthread_mutex_lock(&t->engine->lock);
    t->shared.cancel = true;
    enqueue(t);
    pthread_mutex_unlock(&t->engine->lock);
}

/* ---- the thread ---- */

static void begin(struct outgoing_transfer *t)
{
    struct outgoing *engine = t->engine;
    t->started = true;
    t->next_running = engine->running;
    t->prev_running = &engine->running;
    if (engine->running)
        engine->running->prev_running = &t->next_running;
    engine->running = t;
    engine->running_count++;
    lib.curl_multi_add_handle(engine->multi, t->easy);
}

static void end_with(struct outgoing_transfer *t, enum reason reason, const char *why)
{
    cleanup_error struct error err = ERROR_INIT;
    error_set(&err, reason, "%s", why);
    engine_end(t, &err);
}

static void grant(struct outgoing_transfer *t)
{
    struct outgoing *engine = t->engine;
    pthread_mutex_lock(&engine->lock);
    bool start = t->shared.start, resume = t->shared.resume, cancel = t->shared.cancel;
    t->shared.start = t->shared.resume = t->shared.queued = false;
    if (t->shared.writes) {
        *t->out_end = t->shared.writes;
        t->out_end = t->shared.writes_end;
        t->shared.writes = NULL;
        t->shared.writes_end = &t->shared.writes;
    }
    pthread_mutex_unlock(&engine->lock);
    if (start)
        begin(t);
    if (t->ended)
        return;
    if (cancel) {
        end_with(t, REASON_UNKNOWN, "the request was given up");
    } else if (t->pipe >= PIPE_SENDING) {
        pipe_run(t);
    } else if (resume && t->paused) {
        t->paused = false;
        lib.curl_easy_pause(t->easy, CURLPAUSE_CONT);
    }
}

/* False when the engine is to end. */
static bool grant_all(struct outgoing *engine)
{
    pthread_mutex_lock(&engine->lock);
    struct outgoing_transfer *t = engine->wishes;
    engine->wishes = NULL;
    engine->wishes_end = &engine->wishes;
    bool stopping = engine->stopping;
    pthread_mutex_unlock(&engine->lock);
    while (t) {
        /* read before it may be queued again */
        struct outgoing_transfer *next = t->shared.next;
        grant(t);
        transfer_unref(t);
        t = next;
    }
    return !stopping;
}

static void collect(struct outgoing *engine)
{
    CURLMsg *message;
    int left;
    while ((message = lib.curl_multi_info_read(engine->multi, &left))) {
        struct outgoing_transfer *t;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        lib.curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        if (code == CURLE_OK && t->pipe == PIPE_CONNECTING)
            pipe_connected(t);
        else
            transfer_finished(t, code);
    }
}

static void check_deadlines(struct outgoing *engine)
{
    int64_t now = clock_mono_nanos();
    for (struct outgoing_transfer *t = engine->running, *next; t; t = next) {
        next = t->next_running;
        if (t->head_deadline && !t->head_told && now > t->head_deadline)
            end_with(t, REASON_TIMEOUT, "the server did not answer in time");
    }
}

/* Pipes beside what libcurl waits for itself. */
static struct curl_waitfd *pipe_fds(struct outgoing *engine, unsigned *ret_count, struct arena *arena)
{
    struct curl_waitfd *fds = arena_alloc(arena, (engine->running_count + 1) * sizeof *fds);
    unsigned n = 0;
    for (struct outgoing_transfer *t = engine->running; t; t = t->next_running) {
        short events = pipe_events(t);
        if (events)
            fds[n++] = (struct curl_waitfd){t->socket, events, 0};
    }
    *ret_count = n;
    return fds;
}

static void run_pipes(struct outgoing *engine)
{
    for (struct outgoing_transfer *t = engine->running, *next; t; t = next) {
        next = t->next_running;
        if (t->pipe >= PIPE_SENDING)
            pipe_run(t);
    }
}

static void end_all(struct outgoing *engine)
{
    while (engine->running)
        end_with(engine->running, REASON_SERVICE_UNAVAILABLE, "the server is stopping");
    reap(engine);
}

static void *run(void *arg)
{
    struct outgoing *engine = arg;
    struct arena *arena = arena_new();
    pthread_setname_np(pthread_self(), "outgoing");
    while (grant_all(engine)) {
        int running;
        unsigned count;
        lib.curl_multi_perform(engine->multi, &running);
        collect(engine);
        run_pipes(engine);
        check_deadlines(engine);
        reap(engine);
        struct curl_waitfd *fds = pipe_fds(engine, &count, arena);
        /* nothing to do, nothing to wake up for */
        lib.curl_multi_poll(engine->multi, fds, count, engine->running ? POLL_MILLIS : INT32_MAX, NULL);
        arena_reset(arena);
    }
    end_all(engine);
    arena_free(arena);
    return NULL;
}

/* ---- life ---- */

struct outgoing *outgoing_new(void)
{
    struct outgoing *engine = xcalloc(1, sizeof *engine);
    pthread_mutex_init(&engine->lock, NULL);
    engine->wishes_end = &engine->wishes;
    return engine;
}

/* With the lock held. Only servers that ask somebody something pay for a thread. */
static void ensure_begun(struct outgoing *engine)
{
    if (engine->begun || engine->stopping)
        return;
    engine->multi = lib.curl_multi_init();
    lib.curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
    pthread_create(&engine->thread, NULL, run, engine);
    engine->begun = true;
}

void outgoing_stop(struct outgoing *engine)
{
    pthread_mutex_lock(&engine->lock);
    bool first = !engine->stopping;
    engine->stopping = true;
    if (engine->begun)
        lib.curl_multi_wakeup(engine->multi);
    pthread_mutex_unlock(&engine->lock);
    if (!first || !engine->begun)
        return;
    pthread_join(engine->thread, NULL);
    grant_all(engine); /* what was wished for meanwhile */
    end_all(engine);
}

void outgoing_free(struct outgoing *engine)
{
    if (!engine)
        return;
    outgoing_stop(engine);
    grant_all(engine);
    reap(engine);
    if (engine->multi)
        lib.curl_multi_cleanup(engine->multi);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

struct outgoing_transfer *outgoing_start(struct outgoing *engine, const struct outgoing_request *request,
                                         const struct outgoing_handler *handler, struct error *err)
{
    if (!library_load(err))
        return NULL;
    struct outgoing_transfer *t = xcalloc(1, sizeof *t);
    atomic_init(&t->refs, 1);
    t->engine = engine;
    t->handler = *handler;
    t->arena = arena_new();
    t->out_end = &t->out;
    t->shared.writes_end = &t->shared.writes;
    t->head.content_length = -1;
    t->input = BUF_INIT(OUTGOING_MAX_HEAD);
    pthread_mutex_lock(&engine->lock);
    ensure_begun(engine);
    pthread_mutex_unlock(&engine->lock);
    bool ok = transfer_prepare(t, request, err);
    pthread_mutex_lock(&engine->lock);
    if (ok && engine->stopping)
        ok = error_set(err, REASON_SERVICE_UNAVAILABLE, "the server is stopping");
    if (ok) {
        atomic_fetch_add(&t->refs, 1); /* the running transfer's own, until it is reaped */
        t->shared.start = true;
        enqueue(t);
    }
    pthread_mutex_unlock(&engine->lock);
    if (!ok)
        transfer_unref(t);
    return ok ? t : NULL;
}
