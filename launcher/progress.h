/*
 * progress: what the command does, as it does it. On a terminal one line per step that turns from "…" to "✓"
 * with the time it took; plain lines elsewhere. Problems go to stderr as "coxswain: sentence". Single thread.
 */
#ifndef LAUNCHER_PROGRESS_H
#define LAUNCHER_PROGRESS_H

#include <stdint.h>
#include "base/error.h"

struct progress {
    bool terminal;
    bool open; /* a step is under way */
    int64_t started, step_started;
};

void progress_init(struct progress *progress);
/* A step begins. The text of the step that it ends with is given to progress_done. */
void progress_step(struct progress *progress, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void progress_done(struct progress *progress, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A step that did not work out: the line ends with "✗"; the caller says why. */
void progress_failed(struct progress *progress);
/* A line of its own. */
void progress_note(struct progress *progress, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
double progress_total_millis(const struct progress *progress);

/* Prints "coxswain: <message>" on stderr. Returns 1, the exit code that goes with it. */
int progress_problem(const struct error *err);

#endif
