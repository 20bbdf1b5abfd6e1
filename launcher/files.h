/*
 * files: the few things the launcher does to the file system: folders, whole files, atomic replacement, the
 * lock that says who runs the cluster of a data folder.
 *
 * Errors: one sentence that names the path and, where there is one, what to do. Single thread.
 */
#ifndef LAUNCHER_FILES_H
#define LAUNCHER_FILES_H

#include <sys/types.h>
#include "base/buf.h"
#include "base/error.h"

/* Makes the folder and those above it, 0700. True when it is there and can be written to. */
bool files_make_dir(const char *path, struct error *err);
/* The folder of the running program, on the arena. */
char *files_program_dir(struct arena *arena);
/* Reads the whole file. *ret_found is false (and the buffer empty) when there is none. */
bool files_read(const char *path, size_t limit, struct buf *ret_bytes, bool *ret_found, struct error *err);
/* Replaces the file in one step: readers see the old or the new bytes, also after a power cut. */
bool files_replace(const char *path, struct slice bytes, mode_t mode, struct error *err);
/* The same without waiting for the disk: for what has no meaning after a reboot. */
bool files_replace_volatile(const char *path, struct slice bytes, mode_t mode, struct error *err);
/* Removes the file or folder with all in it; symbolic links are removed, not followed. None there: true. */
bool files_remove_tree(const char *path, struct error *err);

/*
 * The lock is a POSIX record lock on <path>: the kernel drops it when its holder dies however that happens,
 * and it tells who the holder is, so that no process id is ever read from a file. It is not inherited by
 * fork.
 */
enum lock_result { LOCK_TAKEN, LOCK_HELD, LOCK_ERROR };
/* LOCK_TAKEN: *ret_fd keeps it until it is closed. LOCK_HELD: somebody else has it. */
enum lock_result files_lock(const char *path, int *ret_fd, struct error *err);
/* The process that holds the lock: 0 nobody, -1 a process that cannot be seen from here (another container).
 */
pid_t files_lock_holder(const char *path);
/* A pidfd of the holder: proven to be it, for the lock is asked again after the pidfd is open. -1: nobody or
 * not visible. */
int files_lock_holder_pidfd(const char *path, pid_t *ret_pid);

#endif
