/* address_port_owner: from the kernel's socket tables to the process that has the socket open. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>

#include "base/arena.h"
#include "launcher/addresses.h"

enum { TCP_LISTENING = 0x0A };

DEFINE_CLEANUP(cleanup_dir_fn, DIR *, closedir)
#define cleanup_dir CLEANUP(cleanup_dir_fn)

/* The inode of a socket that listens on the port; 0 for none. */
static unsigned long listening_inode(const char *table, uint16_t port)
{
    char line[512];
    cleanup_file FILE *in = fopen(table, "re");
    if (!in)
        return 0;
    while (fgets(line, sizeof line, in)) {
        unsigned local_port, state;
        unsigned long inode;
        if (sscanf(line, "%*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &local_port,
                   &state, &inode) == 3 &&
            state == TCP_LISTENING && local_port == port)
            return inode;
    }
    return 0;
}

static bool has_socket(const char *pid, const char *link)
{
    char path[300], target[64];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    cleanup_dir DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (struct dirent *e; (e = readdir(dir));) {
        ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof target);
        if (n > 0 && slice_is(slice_make(target, (size_t)n), link))
            return true;
    }
    return false;
}

static char *describe(const char *pid, struct arena *arena)
{
    char path[300], exe[512];
    snprintf(path, sizeof path, "/proc/%s/exe", pid);
    ssize_t n = readlink(path, exe, sizeof exe - 1);
    if (n <= 0)
        return arena_printf(arena, "process %s", pid);
    exe[n] = '\0';
    const char *slash = strrchr(exe, '/');
    return arena_printf(arena, "%s (process %s)", slash ? slash + 1 : exe, pid);
}

char *address_port_owner(uint16_t port, struct arena *arena)
{
    char link[64];
    unsigned long inode = listening_inode("/proc/net/tcp", port);
    if (!inode)
        inode = listening_inode("/proc/net/tcp6", port);
    cleanup_dir DIR *dir = inode ? opendir("/proc") : NULL;
    if (!dir)
        return NULL;
    snprintf(link, sizeof link, "socket:[%lu]", inode);
    for (struct dirent *e; (e = readdir(dir));) {
        if (isdigit((unsigned char)e->d_name[0]) && has_socket(e->d_name, link))
            return describe(e->d_name, arena);
    }
    return NULL;
}
