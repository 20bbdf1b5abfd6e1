#include "launcher/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/alloc.h"
#include "base/arena.h"

static bool make_one(const char *path, struct error *err)
{
    struct stat st;
    if (mkdir(path, 0700) == 0)
        return true;
    int why = errno;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return true;
        return error_set(err, REASON_INTERNAL,
                         "%s is in the way: it is not a folder; choose another with --data-dir", path);
    }
    return error_set(err, REASON_INTERNAL, "cannot make the folder %s: %s; choose another with --data-dir",
                     path, strerror(why));
}

bool files_make_dir(const char *path, struct error *err)
{
    cleanup_free char *partial = xstrdup(path);
    for (char *p = partial + 1; *p; p++) {
        if (*p != '/' || p[-1] == '/')
            continue;
        *p = '\0';
        bool ok = make_one(partial, err);
        *p = '/';
        if (!ok)
            return false;
    }
    if (!make_one(partial, err))
        return false;
    if (access(path, W_OK | X_OK) != 0)
        return error_set(err, REASON_INTERNAL,
                         "cannot write to the folder %s: %s; choose another with --data-dir", path,
                         strerror(errno));
    return true;
}

char *files_program_dir(struct arena *arena)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return arena_strdup(arena, SLICE("."));
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    return arena_strdup(arena, slice_str(path));
}

bool files_read(const char *path, size_t limit, struct buf *ret_bytes, bool *ret_found, struct error *err)
{
    *ret_found = false;
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0)
        return error_errno(err, "cannot read %s", path);
    *ret_found = true;
    ret_bytes->max = limit;
    for (;;) {
        size_t room = limit - ret_bytes->len;
        char beyond, *to = room ? buf_reserve(ret_bytes, room < 4096 ? room : 4096) : &beyond;
        ssize_t n = read(fd, to, room ? (room < 4096 ? room : 4096) : 1);
        if (n < 0)
            return error_errno(err, "cannot read %s", path);
        if (n == 0)
            return true;
        if (!room)
            return error_set(err, REASON_INTERNAL, "%s is larger than %zu bytes", path, limit);
        ret_bytes->len += (size_t)n;
    }
}

static bool write_all(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes = slice_from(bytes, (size_t)n);
    }
    return true;
}

static bool replace(const char *path, struct slice bytes, mode_t mode, bool durable, struct error *err)
{
    /* A link is followed to the file it names: people keep ~/.kube/config as one. */
    cleanup_free char *real = realpath(path, NULL);
    const char *target = real ? real : path;
    cleanup_free char *temporary = xasprintf("%s.XXXXXX", target);
    cleanup_fd int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "cannot write %s", path);
    if (fchmod(fd, mode) != 0 || !write_all(fd, bytes) || (durable && fsync(fd) != 0) ||
        rename(temporary, target) != 0) {
        int why = errno;
        unlink(temporary);
        errno = why;
        return error_errno(err, "cannot write %s", path);
    }
    return true;
}

bool files_replace(const char *path, struct slice bytes, mode_t mode, struct error *err)
{
    return replace(path, bytes, mode, true, err);
}

bool files_replace_volatile(const char *path, struct slice bytes, mode_t mode, struct error *err)
{
    return replace(path, bytes, mode, false, err);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

bool files_remove_tree(const char *path, struct error *err)
{
    if (nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT)
        return error_errno(err, "cannot remove %s", path);
    return true;
}

enum lock_result files_lock(const char *path, int *ret_fd, struct error *err)
{
    cleanup_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_errno(err, "cannot write %s", path);
        return LOCK_ERROR;
    }
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &whole) == 0) {
        *ret_fd = fd;
        fd = -1;
        return LOCK_TAKEN;
    }
    if (errno == EAGAIN || errno == EACCES)
        return LOCK_HELD;
    error_errno(err, "cannot lock %s", path);
    return LOCK_ERROR;
}

pid_t files_lock_holder(const char *path)
{
    cleanup_fd int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return 0;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &whole) != 0 || whole.l_type == F_UNLCK)
        return 0;
    return whole.l_pid > 0 ? whole.l_pid : -1;
}

int files_lock_holder_pidfd(const char *path, pid_t *ret_pid)
{
    pid_t pid = files_lock_holder(path);
    if (pid <= 0)
        return -1;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return -1;
    if (files_lock_holder(path) != pid) {
        close(fd);
        return -1;
    }
    *ret_pid = pid;
    return fd;
}
