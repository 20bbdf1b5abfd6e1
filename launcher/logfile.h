/*
 * logfile: a part's log, rotated by size at line ends: NAME.log, NAME.log.1 (the one before) ...
 * NAME.log.<keep>. Remembers the last line, which is where a part says why it ended. Writing never fails for
 * the caller: what the disk does not take is dropped. Single thread.
 */
#ifndef LAUNCHER_LOGFILE_H
#define LAUNCHER_LOGFILE_H

#include "base/error.h"

enum { LOGFILE_LINE = 1024 };

struct logfile {
    char *path;
    int fd;
    size_t size, max_size;
    int keep;
    bool at_line_start;
    char line[LOGFILE_LINE]; /* the line being written, cut at this length */
    size_t line_len;
    char last[LOGFILE_LINE]; /* the last whole line that was not empty, NUL-terminated */
};

bool logfile_init(struct logfile *log, const char *path, size_t max_size, int keep, struct error *err);
void logfile_release(struct logfile *log);
void logfile_write(struct logfile *log, struct slice bytes);
/* The last line, whole or not; "" when nothing was written since the last logfile_forget. */
const char *logfile_last_line(struct logfile *log);
void logfile_forget(struct logfile *log);

#endif
