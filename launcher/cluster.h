/*
 * cluster: where the things of a cluster lie in its data folder, and what is known about a running one.
 *
 *     pki/            certificates and keys
 *     store/          the API server's data
 *     logs/           <part>.log, coxswain.log (the supervisor)
 *     run/lock        held by the supervisor as long as the cluster runs
 *     run/state.json  what the supervisor says about its parts; has no meaning when nobody holds the lock
 *     kubeconfig
 *
 * Ownership: all strings live in the arena given. Single thread.
 */
#ifndef LAUNCHER_CLUSTER_H
#define LAUNCHER_CLUSTER_H

#include <stdint.h>
#include <sys/types.h>
#include "base/error.h"
#include "launcher/addresses.h"

struct cluster {
    struct arena *arena;
    const char *data_dir, *pki_dir, *store_dir, *log_dir, *run_dir;
    const char *lock, *state, *kubeconfig;
};

struct part_status {
    const char *name, *state; /* "ready", "starting", "waiting", "stopping", "down" */
    pid_t pid;
    unsigned restarts;
    int64_t started_at;
    const char *last_error; /* why it last died, or NULL */
};

struct cluster_status {
    const char *phase; /* "starting", "running", "stopping" */
    const char *server, *listen, *context, *kubeconfig;
    int64_t started_at;
    struct part_status *parts;
    size_t part_count;
};

/* dir: the value of --data-dir, or NULL for ${XDG_DATA_HOME:-~/.local/share}/coxswain. Touches nothing. */
bool cluster_init(struct cluster *cluster, const char *dir, struct arena *arena, struct error *err);
/* The path of a file in pki/, on the cluster's arena. */
const char *cluster_pki(const struct cluster *cluster, const char *file);
/* The log of a part. */
const char *cluster_log(const struct cluster *cluster, const char *part);

bool cluster_status_write(const struct cluster *cluster, const struct cluster_status *status,
                          struct error *err);
/* False without an error when there is none (or none that can be read). */
bool cluster_status_read(const struct cluster *cluster, struct cluster_status *ret_status);

#endif
