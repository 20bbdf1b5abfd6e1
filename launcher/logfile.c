#include "launcher/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"

static bool open_log(struct logfile *log)
{
    struct stat st;
    log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log->size = log->fd >= 0 && fstat(log->fd, &st) == 0 ? (size_t)st.st_size : 0;
    log->at_line_start = true;
    return log->fd >= 0;
}

bool logfile_init(struct logfile *log, const char *path, size_t max_size, int keep, struct error *err)
{
    *log = (struct logfile){.path = xstrdup(path), .max_size = max_size, .keep = keep};
    if (open_log(log))
        return true;
    error_errno(err, "cannot write the log %s", path);
    logfile_release(log);
    return false;
}

void logfile_release(struct logfile *log)
{
    if (log->fd >= 0 && log->path)
        close(log->fd);
    free(log->path);
    *log = (struct logfile){.fd = -1};
}

static void rotate(struct logfile *log)
{
    for (int i = log->keep; i > 0; i--) {
        cleanup_free char *from = i == 1 ? xstrdup(log->path) : xasprintf("%s.%d", log->path, i - 1);
        cleanup_free char *to = xasprintf("%s.%d", log->path, i);
        if (rename(from, to) != 0 && errno != ENOENT)
            return; /* go on in the file there is rather than lose lines */
    }
    if (log->fd >= 0)
        close(log->fd);
    open_log(log);
}

static void remember(struct logfile *log, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != '\n') {
            if (log->line_len < sizeof log->line - 1)
                log->line[log->line_len++] = bytes.ptr[i];
            continue;
        }
        if (log->line_len) {
            memcpy(log->last, log->line, log->line_len);
            log->last[log->line_len] = '\0';
        }
        log->line_len = 0;
    }
}

static void append(struct logfile *log, struct slice bytes)
{
    while (bytes.len && log->fd >= 0) {
        ssize_t n = write(log->fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        log->size += (size_t)n;
        log->at_line_start = bytes.ptr[n - 1] == '\n';
        bytes = slice_from(bytes, (size_t)n);
    }
}

void logfile_write(struct logfile *log, struct slice bytes)
{
    remember(log, bytes);
    if (log->size + bytes.len > log->max_size) {
        /* the rest of a line that has begun still belongs to the old file */
        long end = log->at_line_start ? -1 : slice_find(bytes, '\n');
        if (end >= 0) {
            append(log, slice_make(bytes.ptr, (size_t)end + 1));
            bytes = slice_from(bytes, (size_t)end + 1);
        }
        if (log->at_line_start && log->size > 0)
            rotate(log);
    }
    append(log, bytes);
}

const char *logfile_last_line(struct logfile *log)
{
    if (log->line_len) {
        memcpy(log->last, log->line, log->line_len);
        log->last[log->line_len] = '\0';
    }
    return log->last;
}

void logfile_forget(struct logfile *log)
{
    log->line_len = 0;
    log->last[0] = '\0';
}
