/* coxswain down: asks the supervisor to end and waits until it has. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/alloc.h"
#include "base/flags.h"
#include "launcher/cluster.h"
#include "launcher/commands.h"
#include "launcher/files.h"
#include "launcher/kubeconfig.h"
#include "launcher/progress.h"

enum { WAIT_MILLIS = 60000 };

struct down {
    const char *data_dir, *kubeconfig, *context;
    bool delete_data;
    struct arena *arena;
    struct progress progress;
    struct cluster cluster;
};

static bool stop(struct down *down, struct error *err)
{
    pid_t pid;
    if (files_lock_holder(down->cluster.lock) < 0)
        return error_set(err, REASON_CONFLICT, "the cluster in %s runs in another container: stop it there",
                         down->cluster.data_dir);
    cleanup_fd int pidfd = files_lock_holder_pidfd(down->cluster.lock, &pid);
    if (pidfd < 0) {
        progress_note(&down->progress, "nothing runs in %s", down->cluster.data_dir);
        return true;
    }
    progress_step(&down->progress, "stopping the cluster in %s", down->cluster.data_dir);
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) != 0)
        return error_errno(err, "cannot stop the cluster in %s (process %d)", down->cluster.data_dir,
                           (int)pid);
    struct pollfd ended = {pidfd, POLLIN, 0};
    if (poll(&ended, 1, WAIT_MILLIS) <= 0)
        return error_set(err, REASON_TIMEOUT, "the cluster in %s (process %d) is still stopping: see %s",
                         down->cluster.data_dir, (int)pid, down->cluster.log_dir);
    progress_done(&down->progress, "the cluster in %s is down", down->cluster.data_dir);
    return true;
}

/* Only what `up` made: a folder that holds other things keeps them. */
static bool delete_data(struct down *down, struct error *err)
{
    const struct cluster *c = &down->cluster;
    const char *const ours[] = {c->store_dir, c->pki_dir, c->log_dir, c->kubeconfig, c->run_dir};
    if (access(c->data_dir, F_OK) != 0)
        return true;
    cleanup_fd int lock = -1;
    if (access(c->lock, F_OK) == 0 && files_lock(c->lock, &lock, err) != LOCK_TAKEN)
        return error_is_set(err)
                   ? false
                   : error_set(err, REASON_CONFLICT, "the cluster in %s runs again", c->data_dir);
    if (down->kubeconfig && !kubeconfig_remove_from_file(down->kubeconfig, down->context, err))
        return false;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (!files_remove_tree(ours[i], err))
            return false;
    }
    rmdir(c->data_dir);
    progress_note(&down->progress, "the data in %s is deleted", c->data_dir);
    return true;
}

static bool run(struct down *down, struct error *err)
{
    return cluster_init(&down->cluster, down->data_dir, down->arena, err) && stop(down, err) &&
           (!down->delete_data || delete_data(down, err));
}

int command_down(int argc, char **argv)
{
    cleanup_error struct error err = ERROR_INIT;
    struct down down = {.context = "coxswain"};
    const struct flag flags[] = {
        {"data-dir", FLAG_STRING, &down.data_dir, "DIR",
         "folder of the cluster (default ${XDG_DATA_HOME:-~/.local/share}/coxswain)"},
        {"delete-data", FLAG_BOOL, &down.delete_data, NULL,
         "also delete the cluster: its objects, certificates and logs"},
        {"kubeconfig", FLAG_STRING, &down.kubeconfig, "FILE",
         "with --delete-data: also take the context out of this file"},
        {"name", FLAG_STRING, &down.context, "NAME", "name of that context"},
        {0}};
    const struct flag_set set = {"coxswain down", "[flags]", "Stops a cluster; its data stays.", flags};
    switch (flags_parse(&set, argc, argv, NULL, &err)) {
    case FLAGS_HELP:
        return 0;
    case FLAGS_ERROR:
        return progress_problem(&err), 2;
    case FLAGS_OK:
        break;
    }
    cleanup_arena struct arena *arena = arena_new();
    down.arena = arena;
    progress_init(&down.progress);
    if (run(&down, &err))
        return 0;
    progress_failed(&down.progress);
    return progress_problem(&err);
}
