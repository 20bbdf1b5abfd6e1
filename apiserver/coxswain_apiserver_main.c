/* coxswain-apiserver: the Kubernetes API on an embedded store. Started by `coxswain up`, or by hand. */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "apiserver/auth_config.h"
#include "apiserver/server.h"
#include "base/flags.h"
#include "base/log.h"

static struct {
    const char *data_dir, *listen, *cert, *key, *client_ca, *service_range, *node_ports, *log_level,
        *proxy_cert, *proxy_key;
    int64_t ready_fd, loops, workers, history, shutdown, end_with;
    bool no_sync, help;
} o = {
    .data_dir = "data",
    .listen = "127.0.0.1:6443",
    .service_range = "10.96.0.0/16",
    .node_ports = "30000-32767",
    .log_level = "info",
    .ready_fd = -1,
    .workers = 64,
    .history = 300,
    .shutdown = 10,
};

static const struct flag own_flags[] = {
    {"data-dir", FLAG_STRING, &o.data_dir, "DIR", "folder of the store"},
    {"listen", FLAG_STRING, &o.listen, "HOST:PORT", "address to serve on; port 0 takes any"},
    {"tls-cert-file", FLAG_STRING, &o.cert, "FILE", "server certificate chain (PEM)"},
    {"tls-private-key-file", FLAG_STRING, &o.key, "FILE", "its key (PEM)"},
    {"client-ca-file", FLAG_STRING, &o.client_ca, "FILE",
     "CA of the client certificates that are believed (PEM)"},
    {"service-cluster-ip-range", FLAG_STRING, &o.service_range, "CIDR", "addresses for services"},
    {"service-node-port-range", FLAG_STRING, &o.node_ports, "LOW-HIGH",
     "ports for services of type NodePort"},
    {"proxy-client-cert-file", FLAG_STRING, &o.proxy_cert, "FILE",
     "certificate that is shown to extension API servers (PEM)"},
    {"proxy-client-key-file", FLAG_STRING, &o.proxy_key, "FILE", "its key (PEM)"},
    {"history-seconds", FLAG_INT, &o.history, "N", "how long past revisions can be read", .min = 1,
     .max = 31536000},
    {"loops", FLAG_INT, &o.loops, "N", "event loops, 0 for one per core", .min = 0, .max = 256},
    {"workers", FLAG_INT, &o.workers, "N", "threads for writes and large reads at most", .min = 1,
     .max = 4096},
    {"shutdown-seconds", FLAG_INT, &o.shutdown, "N", "how long running requests may take to end", .min = 0,
     .max = 3600},
    {"no-sync", FLAG_BOOL, &o.no_sync, NULL,
     "do not wait for the disk: data survive a crash of the server, not of the machine"},
    {"log-level", FLAG_STRING, &o.log_level, "LEVEL", "debug, info (a line per request), warn, error or off"},
    {"ready-fd", FLAG_INT, &o.ready_fd, "N",
     "write \"READY port\" to this file descriptor when requests are served", .min = -1, .max = 1 << 20},
    {"end-with", FLAG_INT, &o.end_with, "PID", "end as by SIGTERM when that process has ended", .min = 0,
     .max = 1 << 22},
    {0},
};

/* This program's own and those of identity and rights, as one table. */
static const struct flag *all_flags(void)
{
    static struct flag all[96];
    size_t n = 0;
    for (const struct flag *f = own_flags; f->name; f++)
        all[n++] = *f;
    for (const struct flag *f = auth_flags; f->name; f++)
        all[n++] = *f;
    return all;
}

static int fail(const char *message)
{
    fprintf(stderr, "coxswain-apiserver: %s\n", message);
    return 1;
}

static void tell_ready(unsigned port, void *arg)
{
    (void)arg;
    log_info("serving", LOG_S("listen", o.listen), LOG_N("port", port));
    if (o.ready_fd < 0)
        return;
    dprintf((int)o.ready_fd, "READY %u\n", port);
    close((int)o.ready_fd);
}

static bool parse_ports(const char *text, struct server_config *config)
{
    unsigned low, high;
    char rest;
    if (sscanf(text, "%u-%u%c", &low, &high, &rest) != 2 || low < 1 || high > 65535 || low > high)
        return false;
    config->node_port_low = low;
    config->node_port_high = high;
    return true;
}

/* Keys must not end in a core file, and as many connections as the system lets us have. */
static void prepare_process(void)
{
    /* One heap per core is enough for threads that mostly wait; the default of eight keeps what each of them
     * once held. */
    mallopt(M_ARENA_MAX, 2);
    /* Lists pass through buffers of up to a megabyte: fresh pages for each would cost more than filling them.
     * What is kept goes back to the system when the workers have idled. */
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
    struct rlimit files;
    prctl(PR_SET_DUMPABLE, 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* server_run waits for them; all threads inherit the mask */
    signal(SIGPIPE, SIG_IGN);
}

static void *wait_for_other(void *arg)
{
    struct pollfd other = {(int)(intptr_t)arg, POLLIN, 0};
    while (poll(&other, 1, -1) < 0 && errno == EINTR)
        ;
    kill(getpid(), SIGTERM);
    return NULL;
}

/* After the signals are blocked: the thread must not take them. */
static void end_with_other_process(void)
{
    pthread_t thread;
    if (o.end_with <= 0)
        return;
    int other = (int)syscall(SYS_pidfd_open, (pid_t)o.end_with, 0);
    if (other < 0 || pthread_create(&thread, NULL, wait_for_other, (void *)(intptr_t)other) != 0)
        kill(getpid(), SIGTERM); /* gone already */
    else
        pthread_detach(thread);
}

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    const struct flag_set set = {"coxswain-apiserver", "[flags]",
                                 "Serves the Kubernetes API from an embedded store.", all_flags()};
    switch (flags_parse(&set, argc, argv, NULL, &err)) {
    case FLAGS_HELP:
        return 0;
    case FLAGS_ERROR:
        return fail(err.message);
    case FLAGS_OK:
        break;
    }
    struct server_config config = {
        .data_dir = o.data_dir,
        .listen = o.listen,
        .cert_file = o.cert,
        .key_file = o.key,
        .client_ca_file = o.client_ca,
        .service_range = o.service_range,
        .proxy_client_cert_file = o.proxy_cert,
        .proxy_client_key_file = o.proxy_key,
        .loops = (unsigned)o.loops,
        .workers = (unsigned)o.workers,
        .auth = &auth_config,
        .no_sync = o.no_sync,
        .history_seconds = (uint64_t)o.history,
        .shutdown_seconds = o.shutdown,
        .on_ready = tell_ready,
    };
    enum log_level level;
    if (!log_level_parse(o.log_level, &level))
        return fail("--log-level: one of debug, info, warn, error, off is wanted");
    if (!parse_ports(o.node_ports, &config))
        return fail(
            "--service-node-port-range: two port numbers joined by '-' are wanted, as in 30000-32767");
    log_set_level(level);
    log_set_part("apiserver");
    prepare_process();
    end_with_other_process();
    struct server *server = server_new(&config, &err);
    if (!server)
        return fail(err.message);
    server_run(server);
    server_free(server);
    error_release(&err);
    return 0;
}
