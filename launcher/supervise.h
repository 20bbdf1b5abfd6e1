/*
 * supervise: starts programs, knows when they are ready, keeps their logs, starts them again when they die,
 * and ends them.
 *
 * Contract with a part: it gets `--ready-fd 3` among its arguments, writes "READY <port>\n" there once it
 * serves, says on stderr in its last line why it could not, and ends cleanly on SIGTERM. It has its own
 * process group (Ctrl-C reaches the supervisor alone) and gets SIGTERM by itself if the supervisor is killed.
 *
 * Parts are started in the order they were added, each ready before the next, and stopped in the opposite
 * order. A part that dies comes back after 0.1 s, doubled with each death up to 10 s, and 0.1 s again once it
 * ran for a minute.
 *
 * supervisor_new blocks SIGTERM, SIGINT and SIGHUP and takes them as the wish to stop. Single thread; the
 * thread that starts parts must live as long as they do.
 */
#ifndef LAUNCHER_SUPERVISE_H
#define LAUNCHER_SUPERVISE_H

#include <stdint.h>
#include <sys/types.h>
#include "base/error.h"
#include "launcher/logfile.h"

enum { SUPERVISE_READY_FD = 3 };

enum part_state {
    PART_DOWN,     /* not started, or ended because it was told to */
    PART_STARTING, /* runs, not ready */
    PART_READY,
    PART_WAITING,  /* died; comes back at retry_at */
    PART_STOPPING, /* told to end */
};

/* Callers read name, state, pid, port, restarts, started_at; the rest is the supervisor's. */
struct part {
    const char *name;
    char *const *argv; /* the caller's; may be changed between two starts */
    enum part_state state;
    pid_t pid; /* 0 when it does not run */
    uint16_t port;
    unsigned restarts;
    int64_t started_at; /* seconds since the epoch */
    int pidfd, log_fd, ready_fd;
    char ready_text[32];
    size_t ready_len;
    unsigned deaths; /* since it last ran for a minute */
    int64_t started_mono, retry_at;
    struct logfile log;
};

/* Called after each change of state; detail says why a part died (PART_WAITING, PART_DOWN), else NULL. */
typedef void (*part_changed_fn)(void *arg, const struct part *part, const char *detail);

struct supervisor;

struct supervisor *supervisor_new(part_changed_fn changed, void *arg, struct error *err);
/* Every part has been stopped before. */
void supervisor_free(struct supervisor *sup);
/* name and argv live as long as the supervisor. */
bool supervisor_add(struct supervisor *sup, const char *name, char *const *argv, const char *log_path,
                    struct error *err);
size_t supervisor_count(const struct supervisor *sup);
struct part *supervisor_part(struct supervisor *sup, size_t i);

/* Returns when all parts are ready. False when one ended, took longer than the timeout, or a signal came:
 * then all that were started are stopped again. The message of a part that ended is its own last line. */
bool supervisor_start(struct supervisor *sup, int timeout_seconds, struct error *err);
/* Keeps the parts running until a signal asks to stop. */
void supervisor_run(struct supervisor *sup);
/* Ends all parts. False when one had to be killed: after 30 s, or at once when a second signal comes. */
bool supervisor_stop(struct supervisor *sup);

int64_t supervise_backoff_nanos(unsigned deaths);

#endif
