/*
 * detach: puts the rest of the program into the background. The command that was typed waits for one report
 * (the exit code) and ends with it, so that `coxswain up --detach` returns when the cluster is ready, or says
 * why it is not.
 */
#ifndef LAUNCHER_DETACH_H
#define LAUNCHER_DETACH_H

#include "base/error.h"

/* Returns in the child, in a session of its own, with the descriptor to report to; the parent waits and
 * exits. A Ctrl-C in the parent is passed on as SIGTERM. -1 with an error when it could not fork. */
int detach_fork(struct error *err);
/* Lets the waiting command end with this code; closes the descriptor. */
void detach_report(int fd, int exit_code);
/* stdin from nothing, stdout and stderr to the log (moved to <log>.1 when it has grown past 1 MiB); the root
 * as current folder. */
bool detach_from_terminal(const char *log_path, struct error *err);

#endif
