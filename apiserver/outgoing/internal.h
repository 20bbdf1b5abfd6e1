/*
 * The inside of outgoing: a transfer and the engine that drives it. engine.c: the thread, its queue of
 * transfers that need something done, the hand-over of callbacks. transfer.c: one request in libcurl's terms.
 * pipe.c: an upgraded one.
 *
 * A transfer is driven by the engine's thread alone; others only leave wishes in `shared` under the engine's
 * lock.
 */
#ifndef APISERVER_OUTGOING_INTERNAL_H
#define APISERVER_OUTGOING_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "apiserver/outgoing/library.h"
#include "apiserver/outgoing/outgoing.h"

enum pipe_state { PIPE_NONE, PIPE_CONNECTING, PIPE_SENDING, PIPE_HEAD, PIPE_BODY, PIPE_OPEN };

/* Blobs that wait, in order. */
struct chunk {
    struct chunk *next;
    struct blob *bytes;
    size_t sent;
};

struct outgoing_transfer {
    struct outgoing *engine;
    atomic_int refs;
    struct outgoing_handler handler;
    struct arena *arena; /* of the request, then of the answer's head */
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    char problem[CURL_ERROR_SIZE];

    /* the engine's thread */
    struct outgoing_transfer *next_running, **prev_running, *next_ended;
    int64_t head_deadline; /* clock_mono_nanos; 0: none */
    struct outgoing_head head;
    size_t header_capacity, head_bytes;
    bool started, head_told, ended, paused, head_timed_out, bad_head;

    /* pipes */
    enum pipe_state pipe;
    curl_socket_t socket;
    struct buf input; /* the head, as far as it has come */
    struct chunk *out, **out_end;
    int64_t body_left; /* of an answer that is no upgrade; -1: until the other side closes */

    struct { /* the engine's lock */
        struct outgoing_transfer *next;
        bool queued, start, resume, cancel, full;
        size_t unconsumed, unsent;
        struct chunk *writes, **writes_end;
    } shared;
};

struct outgoing {
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock;
    struct outgoing_transfer *wishes, **wishes_end; /* transfers with something in `shared` */
    bool begun, stopping;                           /* begun: the thread runs; the first transfer starts it */
    struct outgoing_transfer *running,
        *ended; /* the engine's thread; those that ended in this turn stay until it is over */
    size_t running_count;
};

/* ---- engine.c: the engine's thread ---- */
/* Ends the transfer; err may be NULL (complete). */
void engine_end(struct outgoing_transfer *t, const struct error *err);
void engine_tell_head(struct outgoing_transfer *t);
/* Returns the bytes that are now on their way to the reader. */
size_t engine_tell_data(struct outgoing_transfer *t, struct slice bytes);
void engine_tell_drained(struct outgoing_transfer *t);
bool engine_has_room(struct outgoing_transfer *t);

/* ---- transfer.c ---- */
/* Whether the headers can be sent as they are: no name or value ends its line. */
bool transfer_check_headers(const struct outgoing_request *request, struct error *err);
bool transfer_prepare(struct outgoing_transfer *t, const struct outgoing_request *request, struct error *err);
void transfer_destroy(struct outgoing_transfer *t);
/* One line of a head, without its end; the status line begins it anew. False: too much, or none that can be
 * understood. */
bool transfer_head_line(struct outgoing_transfer *t, struct slice line);
/* What libcurl says about its end. */
void transfer_finished(struct outgoing_transfer *t, CURLcode code);

/* ---- pipe.c ---- */
bool pipe_prepare(struct outgoing_transfer *t, const struct outgoing_request *request, struct error *err);
void pipe_connected(struct outgoing_transfer *t);
/* The events (CURL_WAIT_POLLIN, ...) to wait for; 0: none now. */
short pipe_events(const struct outgoing_transfer *t);
/* Moves what can be moved. */
void pipe_run(struct outgoing_transfer *t);

#endif
