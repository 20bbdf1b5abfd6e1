/*
 * coxswain up: the steps in their order are run_cluster(). Before them nothing is written; a step that fails
 * leaves the data of the steps before it, which the next run uses.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/flags.h"
#include "base/log.h"
#include "launcher/certs.h"
#include "launcher/cluster.h"
#include "launcher/commands.h"
#include "launcher/detach.h"
#include "launcher/files.h"
#include "launcher/kubeconfig.h"
#include "launcher/parts.h"
#include "launcher/progress.h"
#include "launcher/supervise.h"

enum { PEM_LIMIT = 1 << 20, ORPHAN_WAIT_MILLIS = 35000, ENDING_WAIT_MILLIS = 1000 };

struct up {
    const char *data_dir, *listen, *kubeconfig, *context, *part_list;
    int64_t timeout;
    bool detach, listen_given;
    struct part_options options;

    struct arena *arena;
    struct progress progress;
    struct cluster cluster;
    const char *program_dir;
    const struct part_spec *specs[PARTS_KNOWN_MAX];
    size_t part_count;
    struct supervisor *sup;
    struct cluster_status status;
    struct part_status part_status[PARTS_KNOWN_MAX];
    int report_fd;   /* to the waiting command; -1 when there is none (any more) */
    bool running;    /* every part was ready once */
    bool background; /* nobody looks: events go to the log */
};

/* ---- what others can read about us ---- */

static const char *state_name(enum part_state state)
{
    static const char *const names[] = {[PART_DOWN] = "down",
                                        [PART_STARTING] = "starting",
                                        [PART_READY] = "ready",
                                        [PART_WAITING] = "waiting",
                                        [PART_STOPPING] = "stopping"};
    return names[state];
}

static void publish(struct up *up, const char *phase)
{
    cleanup_error struct error err = ERROR_INIT;
    up->status.phase = phase;
    up->status.parts = up->part_status;
    up->status.part_count = supervisor_count(up->sup);
    for (size_t i = 0; i < up->status.part_count; i++) {
        const struct part *p = supervisor_part(up->sup, i);
        struct part_status *s = &up->part_status[i];
        s->name = p->name;
        s->state = state_name(p->state);
        s->pid = p->pid;
        s->restarts = p->restarts;
        s->started_at = p->started_at;
    }
    if (!cluster_status_write(&up->cluster, &up->status, &err))
        log_warn("cannot publish the state", LOG_S("error", err.message));
}

static void remember_death(struct up *up, const struct part *part, const char *detail)
{
    struct part_status *s = &up->part_status[part - supervisor_part(up->sup, 0)];
    /* a part that dies often must not fill the arena: its text has a heap of its own */
    free((char *)s->last_error);
    s->last_error = xstrdup(detail);
}

static void tell(struct up *up, const struct part *part, const char *detail)
{
    if (up->background) {
        log_info("part is", LOG_S("part", part->name), LOG_S("state", state_name(part->state)),
                 LOG_N("pid", part->pid), LOG_S("why", detail));
        return;
    }
    if (part->state == PART_WAITING)
        progress_note(&up->progress, "%s %s; starting it again", part->name, detail);
    else if (part->state == PART_READY && part->restarts)
        progress_note(&up->progress, "%s is ready again", part->name);
    else if (part->state == PART_STOPPING)
        progress_step(&up->progress, "stopping %s", part->name);
    else if (part->state == PART_DOWN && detail)
        progress_done(&up->progress, "%s stopped", part->name);
}

static void on_changed(void *arg, const struct part *part, const char *detail)
{
    struct up *up = arg;
    if (part->state == PART_WAITING)
        remember_death(up, part, detail);
    if (!up->running)
        return;
    tell(up, part, detail);
    publish(up, part->state == PART_STOPPING || part->state == PART_DOWN ? "stopping" : "running");
}

/* ---- the steps ---- */

static bool plan(struct up *up, struct error *err)
{
    return address_parse(up->listen, &up->options.listen, err) &&
           cluster_init(&up->cluster, up->data_dir, up->arena, err) &&
           parts_choose(up->part_list, up->program_dir, up->arena, up->specs, &up->part_count, err);
}

static bool make_folders(struct up *up, struct error *err)
{
    const char *const dirs[] = {up->cluster.data_dir, up->cluster.store_dir, up->cluster.log_dir,
                                up->cluster.run_dir};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        if (!files_make_dir(dirs[i], err))
            return false;
    }
    return true;
}

enum owner { OWNER_OTHER, OWNER_ENDING, OWNER_OURS };

/* Whether the process is a part that works on our store. One that is just ending has no command line any
 * more, but may still hold its socket. */
static enum owner owner_of(struct up *up, pid_t pid)
{
    char path[64];
    cleanup_buf struct buf cmdline = BUF_INIT(PEM_LIMIT);
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    if (!files_read(path, PEM_LIMIT, &cmdline, &found, NULL) || !found)
        return OWNER_OTHER;
    if (cmdline.len == 0)
        return OWNER_ENDING;
    bool ours =
        memmem(cmdline.data, cmdline.len, up->cluster.store_dir, strlen(up->cluster.store_dir)) != NULL;
    return ours ? OWNER_OURS : OWNER_OTHER;
}

/* A part whose supervisor was killed ends by itself; until then it holds the port and the store. */
static bool wait_for_orphan(struct up *up, const struct part_status *part, struct error *err)
{
    if (part->pid <= 0)
        return true;
    cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, part->pid, 0);
    enum owner owner = pidfd >= 0 ? owner_of(up, part->pid) : OWNER_OTHER;
    struct pollfd ended = {pidfd, POLLIN, 0};
    if (owner == OWNER_OTHER)
        return true;
    progress_step(&up->progress, "waiting for the %s of an earlier run to end (process %d)", part->name,
                  (int)part->pid);
    if (poll(&ended, 1, owner == OWNER_OURS ? ORPHAN_WAIT_MILLIS : ENDING_WAIT_MILLIS) <= 0 &&
        owner == OWNER_OURS)
        return error_set(err, REASON_CONFLICT,
                         "%s of an earlier run still uses %s: end process %d and try again", part->name,
                         up->cluster.data_dir, (int)part->pid);
    progress_done(&up->progress, "the %s of an earlier run has ended", part->name);
    return true;
}

static bool wait_for_orphans(struct up *up, struct error *err)
{
    struct cluster_status old;
    if (!cluster_status_read(&up->cluster, &old))
        return true;
    for (size_t i = 0; i < old.part_count; i++) {
        if (!wait_for_orphan(up, &old.parts[i], err))
            return false;
    }
    return true;
}

static bool check_port(struct up *up, struct error *err)
{
    if (address_check_free(&up->options.listen, err))
        return true;
    if (err->reason != REASON_CONFLICT)
        return false;
    const char *owner = address_port_owner(up->options.listen.port, up->arena);
    error_clear(err);
    return error_set(err, REASON_CONFLICT,
                     "port %u is in use%s%s: stop what uses it, or choose another with --listen HOST:PORT",
                     up->options.listen.port, owner ? " by " : "", owner ? owner : "");
}

static bool make_certificates(struct up *up, struct error *err)
{
    char host[HOST_NAME_MAX + 1] = "";
    struct certs_request request = {.dir = up->cluster.pki_dir, .now = clock_now_seconds()};
    unsigned made;
    gethostname(host, sizeof host - 1);
    progress_step(&up->progress, "certificates");
    if (!address_server_names(&up->options.listen, host, up->options.service_range, up->arena, &request.names,
                              err) ||
        !certs_ensure(&request, &made, err))
        return false;
    if (made & CERTS_CA)
        progress_done(&up->progress, "made a certificate authority and certificates");
    else if (made)
        progress_done(&up->progress, "renewed%s%s%s", made & CERTS_SERVER ? " the server certificate" : "",
                      made & CERTS_ADMIN ? " the administrator's certificate" : "",
                      made & CERTS_SERVICE_ACCOUNT ? " the service account key" : "");
    else
        progress_done(&up->progress, "certificates are good");
    return true;
}

static void set_commands(struct up *up)
{
    for (size_t i = 0; i < up->part_count; i++)
        supervisor_part(up->sup, i)->argv =
            parts_command(up->specs[i], up->program_dir, &up->cluster, &up->options, up->arena);
}

static bool start_parts(struct up *up, struct error *err)
{
    const char *names = "";
    for (size_t i = 0; i < up->part_count; i++) {
        const char *name = up->specs[i]->name;
        names = arena_printf(up->arena, "%s%s%s", names, i ? ", " : "", name);
        if (!supervisor_add(up->sup, name, NULL, cluster_log(&up->cluster, name), err))
            return false;
    }
    set_commands(up);
    up->status.started_at = clock_now_seconds();
    publish(up, "starting");
    progress_step(&up->progress, "starting %s", names);
    if (!supervisor_start(up->sup, (int)up->timeout, err))
        return false;
    /* A port that was left to the system is kept when the part starts again: kubeconfigs hold it. */
    up->options.listen.port = supervisor_part(up->sup, 0)->port;
    set_commands(up);
    up->status.server = address_url(&up->options.listen, up->arena);
    up->status.listen = arena_printf(up->arena, "%s:%u", up->options.listen.host, up->options.listen.port);
    progress_done(&up->progress, "%s is ready", names);
    return true;
}

static bool read_pki(struct up *up, const char *file, struct buf *ret_bytes, struct error *err)
{
    bool found;
    if (!files_read(cluster_pki(&up->cluster, file), PEM_LIMIT, ret_bytes, &found, err))
        return false;
    return found || error_set(err, REASON_NOT_FOUND, "%s is gone", cluster_pki(&up->cluster, file));
}

static bool write_kubeconfig(struct up *up, const char *server, struct error *err)
{
    cleanup_buf struct buf ca = BUF_INIT(PEM_LIMIT);
    cleanup_buf struct buf cert = BUF_INIT(PEM_LIMIT);
    cleanup_buf struct buf key = BUF_INIT(PEM_LIMIT);
    const char *path = up->kubeconfig ? up->kubeconfig : up->cluster.kubeconfig;
    if (!read_pki(up, "ca.crt", &ca, err) || !read_pki(up, "admin.crt", &cert, err) ||
        !read_pki(up, "admin.key", &key, err))
        return false;
    const struct kubeconfig_entry entry = {up->context, server, buf_slice(&ca), buf_slice(&cert),
                                           buf_slice(&key)};
    progress_step(&up->progress, "kubeconfig");
    bool ok = kubeconfig_update_file(path, &entry, err);
    memset(key.data, 0, key.len);
    if (!ok)
        return false;
    cleanup_free char *real = realpath(path, NULL);
    up->kubeconfig = arena_strdup(up->arena, slice_str(real ? real : path));
    progress_done(&up->progress, "context \"%s\" is in %s", up->context, up->kubeconfig);
    return true;
}

/* As a shell reads it back. */
static const char *shell_quoted(const char *text, struct arena *arena)
{
    if (!text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%")])
        return text;
    const char *quoted = "'";
    for (; *text; text++)
        quoted = *text == '\'' ? arena_printf(arena, "%s'\\''", quoted)
                               : arena_printf(arena, "%s%c", quoted, *text);
    return arena_printf(arena, "%s'", quoted);
}

static void say_how_to_use(struct up *up, const char *server, const char *how)
{
    progress_done(&up->progress, "Coxswain %s at %s", how, server);
    printf("export KUBECONFIG=%s\n", shell_quoted(up->kubeconfig, up->arena));
    fflush(stdout);
}

/* ---- a cluster that runs already ---- */

/* Waits while another `coxswain up` is still starting it. */
static bool wait_until_running(struct up *up, struct cluster_status *ret_status, struct error *err)
{
    int64_t deadline = clock_mono_nanos() + up->timeout * INT64_C(1000000000);
    do {
        if (cluster_status_read(&up->cluster, ret_status) && !strcmp(ret_status->phase, "running"))
            return true;
        if (files_lock_holder(up->cluster.lock) == 0)
            return error_set(err, REASON_CONFLICT,
                             "another `coxswain` that used %s has just ended: try again",
                             up->cluster.data_dir);
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    } while (clock_mono_nanos() < deadline);
    return error_set(err, REASON_TIMEOUT,
                     "another `coxswain` is using %s and is not ready: see `coxswain status`",
                     up->cluster.data_dir);
}

static bool use_running(struct up *up, struct error *err)
{
    struct cluster_status status;
    if (!wait_until_running(up, &status, err))
        return false;
    struct address running;
    if (up->listen_given && up->options.listen.port != 0 && address_parse(status.listen, &running, err) &&
        (running.port != up->options.listen.port || strcmp(running.host, up->options.listen.host) != 0))
        return error_set(err, REASON_CONFLICT,
                         "the cluster in %s runs already, at %s: stop it with `coxswain down` to move it, or "
                         "choose another "
                         "--data-dir for a second one",
                         up->cluster.data_dir, status.listen);
    if (error_is_set(err) || !write_kubeconfig(up, status.server, err))
        return false;
    say_how_to_use(up, status.server, "runs already");
    return true;
}

/* ---- the whole ---- */

static void report(struct up *up, int code)
{
    if (up->report_fd >= 0)
        detach_report(up->report_fd, code);
    up->report_fd = -1;
}

static bool start(struct up *up, struct error *err)
{
    up->sup = supervisor_new(on_changed, up, err);
    if (!up->sup || !start_parts(up, err))
        return false;
    if (!write_kubeconfig(up, up->status.server, err)) {
        supervisor_stop(up->sup);
        return false;
    }
    up->status.context = up->context;
    up->status.kubeconfig = up->kubeconfig;
    up->running = true;
    publish(up, "running");
    say_how_to_use(up, up->status.server, "is up");
    return true;
}

static bool keep_running(struct up *up, struct error *err)
{
    if (up->detach) {
        report(up, 0);
        if (!detach_from_terminal(cluster_log(&up->cluster, "coxswain"), err)) {
            supervisor_stop(up->sup);
            return false;
        }
        up->background = true;
    } else {
        progress_note(&up->progress, "press Ctrl-C to stop");
    }
    malloc_trim(0);
    supervisor_run(up->sup);
    if (!up->background)
        progress_note(&up->progress, "stopping");
    if (!supervisor_stop(up->sup))
        return error_set(err, REASON_INTERNAL,
                         "a part did not end by itself and was killed; nothing acknowledged is lost");
    return true;
}

/* The order is a contract: the lock before anything another run could be doing; orphans before the port they
 * may hold; the port before certificates, so that a refusal leaves nothing behind; kubeconfig last, for it
 * holds the real port. */
static bool run_cluster(struct up *up, struct error *err)
{
    cleanup_fd int lock = -1;
    if (!plan(up, err) || !make_folders(up, err))
        return false;
    enum lock_result locked = files_lock(up->cluster.lock, &lock, err);
    if (locked == LOCK_ERROR)
        return false;
    if (locked == LOCK_HELD)
        return use_running(up, err);
    if (!wait_for_orphans(up, err) || !check_port(up, err) || !make_certificates(up, err))
        return false;
    bool ok = start(up, err) && keep_running(up, err);
    unlink(up->cluster.state);
    return ok;
}

static void release(struct up *up)
{
    if (up->sup)
        supervisor_free(up->sup);
    for (size_t i = 0; i < PARTS_KNOWN_MAX; i++)
        free((char *)up->part_status[i].last_error);
    arena_free(up->arena);
}

static int run(struct up *up)
{
    cleanup_error struct error err = ERROR_INIT;
    up->arena = arena_new();
    up->program_dir = files_program_dir(up->arena);
    up->report_fd = up->detach ? detach_fork(&err) : -1;
    umask(077);
    signal(SIGPIPE, SIG_IGN); /* whoever reads our output may go: the cluster stays */
    log_set_part("coxswain");
    progress_init(&up->progress);
    bool ok = !error_is_set(&err) && run_cluster(up, &err);
    if (!ok) {
        progress_failed(&up->progress);
        progress_problem(&err);
    }
    report(up, ok ? 0 : 1);
    release(up);
    return ok ? 0 : 1;
}

int command_up(int argc, char **argv)
{
    cleanup_error struct error err = ERROR_INIT;
    struct up up = {.listen = "127.0.0.1:6443",
                    .context = "coxswain",
                    .timeout = 60,
                    .options = {.service_range = "10.96.0.0/16"}};
    const struct flag flags[] = {
        {"data-dir", FLAG_STRING, &up.data_dir, "DIR",
         "folder of the cluster (default ${XDG_DATA_HOME:-~/.local/share}/coxswain)"},
        {"listen", FLAG_STRING, &up.listen, "HOST:PORT", "address of the API; port 0 for any free one",
         .given = &up.listen_given},
        {"detach", FLAG_BOOL, &up.detach, NULL, "return when the API is ready; the cluster runs on"},
        {"parts", FLAG_STRING, &up.part_list, "LIST",
         "which parts to run, with commas (default all there are)"},
        {"kubeconfig", FLAG_STRING, &up.kubeconfig, "FILE",
         "kubeconfig to put the context into (default DIR/kubeconfig)"},
        {"name", FLAG_STRING, &up.context, "NAME", "name of the context, cluster and user in the kubeconfig"},
        {"timeout", FLAG_INT, &up.timeout, "SECONDS", "how long to wait until everything is ready", 1, 86400},
        {"service-cluster-ip-range", FLAG_STRING, &up.options.service_range, "CIDR", "addresses of Services"},
        {"service-node-port-range", FLAG_STRING, &up.options.node_ports, "A-B",
         "node ports of Services (default 30000-32767)"},
        {"log-level", FLAG_STRING, &up.options.log_level, "LEVEL",
         "debug, info, warn, error or off (default info)"},
        {"loops", FLAG_INT, &up.options.loops, "N", "event loops of the API server, 0 for one per core", 0,
         1024},
        {"no-sync", FLAG_BOOL, &up.options.no_sync, NULL,
         "do not wait for the disk: a power cut loses the last writes"},
        {0}};
    const struct flag_set set = {"coxswain up", "[flags]", "Starts a cluster, or says that it runs already.",
                                 flags};
    switch (flags_parse(&set, argc, argv, NULL, &err)) {
    case FLAGS_HELP:
        return 0;
    case FLAGS_ERROR:
        return progress_problem(&err), 2;
    case FLAGS_OK:
        break;
    }
    return run(&up);
}
