/* coxswain status: what the supervisor published, what the kernel says of each process, and whether the API
 * answers. */
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/flags.h"
#include "launcher/cluster.h"
#include "launcher/commands.h"
#include "launcher/files.h"
#include "launcher/health.h"
#include "launcher/progress.h"

struct memory {
    double pss, rss; /* MiB; negative when unknown */
};

static struct memory memory_of(pid_t pid)
{
    struct memory m = {-1, -1};
    char path[64], line[256];
    unsigned long kib;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    cleanup_file FILE *in = pid > 0 ? fopen(path, "re") : NULL;
    while (in && fgets(line, sizeof line, in)) {
        if (sscanf(line, "Pss: %lu kB", &kib) == 1)
            m.pss = (double)kib / 1024;
        else if (sscanf(line, "Rss: %lu kB", &kib) == 1)
            m.rss = (double)kib / 1024;
    }
    return m;
}

static const char *mebibytes(double mib, struct arena *arena)
{
    return mib < 0 ? "-" : arena_printf(arena, "%.1f MiB", mib);
}

static const char *duration(int64_t seconds, struct arena *arena)
{
    if (seconds < 120)
        return arena_printf(arena, "%" PRId64 "s", seconds < 0 ? 0 : seconds);
    if (seconds < 7200)
        return arena_printf(arena, "%" PRId64 "m", seconds / 60);
    if (seconds < 172800)
        return arena_printf(arena, "%" PRId64 "h", seconds / 3600);
    return arena_printf(arena, "%" PRId64 "d", seconds / 86400);
}

static void print_row(const char *name, const char *state, pid_t pid, int64_t started_at, unsigned restarts,
                      struct arena *arena)
{
    struct memory m = memory_of(pid);
    printf("%-12s %-9s %8s %10s %10s %7s %9u\n", name, state,
           pid > 0 ? arena_printf(arena, "%d", (int)pid) : "-", mebibytes(m.pss, arena),
           mebibytes(m.rss, arena), pid > 0 ? duration(clock_now_seconds() - started_at, arena) : "-",
           restarts);
}

static bool print_parts(const struct cluster_status *status, pid_t supervisor, struct arena *arena)
{
    bool all = true;
    printf("%-12s %-9s %8s %10s %10s %7s %9s\n", "PART", "STATE", "PID", "PSS", "RSS", "UPTIME", "RESTARTS");
    for (size_t i = 0; i < status->part_count; i++) {
        const struct part_status *p = &status->parts[i];
        print_row(p->name, p->state, p->pid, p->started_at, p->restarts, arena);
        all &= !strcmp(p->state, "ready");
    }
    print_row("supervisor", "running", supervisor, status->started_at, 0, arena);
    for (size_t i = 0; i < status->part_count; i++) {
        if (status->parts[i].last_error)
            printf("earlier: %s %s\n", status->parts[i].name, status->parts[i].last_error);
    }
    return all;
}

static bool show(const struct cluster *cluster, struct error *err)
{
    struct cluster_status status;
    pid_t supervisor = files_lock_holder(cluster->lock);
    if (supervisor == 0)
        return error_set(err, REASON_NOT_FOUND, "nothing runs in %s, start it with `coxswain up`",
                         cluster->data_dir);
    if (!cluster_status_read(cluster, &status) || !status.server)
        return error_set(err, REASON_SERVICE_UNAVAILABLE, "the cluster in %s is just starting",
                         cluster->data_dir);
    printf("cluster     %s\naddress     %s\nkubeconfig  %s (context %s)\n", cluster->data_dir, status.server,
           status.kubeconfig ? status.kubeconfig : "-", status.context ? status.context : "-");
    bool ready = health_ready(cluster, status.server, err);
    printf("API         %s\n\n", ready ? "ready" : "not ready");
    bool all = print_parts(&status, supervisor, cluster->arena);
    if (ready && !all)
        error_set(err, REASON_SERVICE_UNAVAILABLE, "not every part is ready");
    return ready && all;
}

int command_status(int argc, char **argv)
{
    cleanup_error struct error err = ERROR_INIT;
    const char *data_dir = NULL;
    struct cluster cluster;
    const struct flag flags[] = {
        {"data-dir", FLAG_STRING, &data_dir, "DIR",
         "folder of the cluster (default ${XDG_DATA_HOME:-~/.local/share}/coxswain)"},
        {0}};
    const struct flag_set set = {
        "coxswain status", "[flags]",
        "Shows the parts of a cluster. The exit code is 0 only if all run and the API is ready.", flags};
    switch (flags_parse(&set, argc, argv, NULL, &err)) {
    case FLAGS_HELP:
        return 0;
    case FLAGS_ERROR:
        return progress_problem(&err), 2;
    case FLAGS_OK:
        break;
    }
    cleanup_arena struct arena *arena = arena_new();
    if (cluster_init(&cluster, data_dir, arena, &err) && show(&cluster, &err))
        return 0;
    return progress_problem(&err);
}
