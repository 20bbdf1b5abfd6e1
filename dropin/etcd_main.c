/*
 * etcd: stands where test frameworks start etcd. It answers the questions they ask of a starting etcd
 * (/health, /version) and tells the kube-apiserver of this folder where to keep its store (store_place.h); it
 * holds no data and speaks no etcd API. Ends on SIGTERM or SIGINT, and with the framework that started it.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/log.h"
#include "dropin/guardian.h"
#include "dropin/small_http.h"
#include "dropin/store_place.h"
#include "dropin/upstream_flags.h"
#include "launcher/files.h"

static struct {
    const char *data_dir, *listen, *log_level, *initial_cluster;
    bool no_sync;
} o = {.data_dir = "default.etcd", .listen = "http://localhost:2379", .log_level = "info"};

static const struct flag own[] = {
    {"data-dir", FLAG_STRING, &o.data_dir, "DIR", "folder below which the API server keeps its store"},
    {"listen-client-urls", FLAG_STRING, &o.listen, "URLS", "where to listen, http:// only, with commas"},
    {"unsafe-no-fsync", FLAG_BOOL, &o.no_sync, NULL, "the store does not wait for the disk"},
    {"log-level", FLAG_STRING, &o.log_level, "LEVEL", "debug, info, warn, error, panic or fatal"},
    {"initial-cluster", FLAG_STRING, &o.initial_cluster, "NAME=URL", "one member only"},
    {0}};

static const struct flag_group groups[] = {
    {FLAG_REFUSED, false,
     "cert-file key-file trusted-ca-file client-cert-file client-key-file client-crl-file "
     "client-cert-allowed-hostname",
     "the etcd of this folder speaks plain HTTP only"},
    {FLAG_REFUSED, true, "client-cert-auth auto-tls", "the etcd of this folder speaks plain HTTP only"},
    {FLAG_REFUSED, false, "config-file discovery discovery-srv discovery-endpoints",
     "only flags are read here"},
    {FLAG_QUIET, false,
     "name wal-dir advertise-client-urls listen-peer-urls initial-advertise-peer-urls initial-cluster-state "
     "initial-cluster-token listen-client-http-urls peer-cert-file peer-key-file peer-trusted-ca-file "
     "peer-client-cert-file peer-client-key-file peer-crl-file peer-cert-allowed-cn "
     "peer-cert-allowed-hostname "
     "cipher-suites tls-min-version tls-max-version cors host-whitelist self-signed-cert-validity "
     "discovery-fallback "
     "discovery-proxy discovery-srv-name discovery-token",
     "there is one member and no peer"},
    {FLAG_QUIET, true,
     "peer-auto-tls peer-client-cert-auth peer-skip-client-san-verification strict-reconfig-check pre-vote "
     "force-new-cluster socket-reuse-port socket-reuse-address initial-election-tick-advance",
     "there is one member and no peer"},
    {FLAG_QUIET, false,
     "snapshot-count heartbeat-interval election-timeout max-snapshots max-wals quota-backend-bytes "
     "backend-bbolt-freelist-type backend-batch-interval backend-batch-limit max-txn-ops max-request-bytes "
     "max-concurrent-streams grpc-keepalive-min-time grpc-keepalive-interval grpc-keepalive-timeout "
     "auto-compaction-retention auto-compaction-mode compaction-batch-limit compaction-sleep-interval "
     "watch-progress-notify-interval warning-apply-duration warning-unary-request-duration "
     "downgrade-check-time "
     "snapshot-catchup-entries corrupt-check-time compact-hash-check-time bcrypt-cost auth-token "
     "auth-token-ttl "
     "metrics listen-metrics-urls logger log-outputs log-format log-rotation-config-json "
     "experimental-feature-gate "
     "feature-gates distributed-tracing-address distributed-tracing-service-name "
     "distributed-tracing-instance-id "
     "distributed-tracing-sampling-rate v2-deprecation proxy",
     "the store has its own"},
    {FLAG_QUIET, true,
     "enable-pprof enable-v2 enable-grpc-gateway enable-log-rotation memory-mlock initial-corrupt-check "
     "compact-hash-check-enabled enable-distributed-tracing",
     "the store has its own"},
    {0}};

static int fail(const char *message)
{
    fprintf(stderr, "etcd: %s\n", message);
    return 1;
}

/* etcd's levels are ours and two more. */
static enum log_level level_of(const char *name)
{
    enum log_level level;
    return log_level_parse(name, &level) ? level : LOG_ERROR;
}

static bool make_answers(struct arena *arena, struct small_answer *answers, struct error *err)
{
    char absolute[PATH_MAX];
    if (!files_make_dir(o.data_dir, err))
        return false;
    if (!realpath(o.data_dir, absolute))
        return error_errno(err, "cannot find %s", o.data_dir);
    const struct store_place place = {absolute, o.no_sync};
    *answers++ = (struct small_answer){"/health", SLICE("{\"health\":\"true\",\"reason\":\"\"}")};
    *answers++ = (struct small_answer){"/livez", SLICE("ok\n")};
    *answers++ = (struct small_answer){"/readyz", SLICE("ok\n")};
    *answers++ =
        (struct small_answer){"/version", SLICE("{\"etcdserver\":\"3.6.0\",\"etcdcluster\":\"3.6.0\"}")};
    *answers++ = (struct small_answer){STORE_PLACE_PATH, store_place_format(&place, arena)};
    *answers = (struct small_answer){0};
    return true;
}

static int signals_as_fd(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

static bool run(struct arena *arena, struct error *err)
{
    struct small_answer answers[8];
    if (o.initial_cluster && strchr(o.initial_cluster, ','))
        return error_set(err, REASON_BAD_REQUEST, "--initial-cluster: there is one member here, not several");
    if (!make_answers(arena, answers, err))
        return false;
    cleanup_fd int signals = signals_as_fd();
    cleanup_fd int guardian = guardian_open();
    const int ends[] = {signals, guardian};
    return small_http_serve(o.listen, answers, ends, guardian < 0 ? 1 : 2, err);
}

int main(int argc, char **argv)
{
    cleanup_error struct error err = ERROR_INIT;
    cleanup_arena struct arena *arena = arena_new();
    struct word_list passed = {.arena = arena};
    const struct upstream_program program = {"etcd",
                                             "Takes etcd's place for the kube-apiserver of this folder, "
                                             "whose store is built in. No etcd API is served.",
                                             own, groups};
    log_set_part("etcd");
    switch (upstream_flags_parse(&program, argc, argv, &passed, &err)) {
    case FLAGS_HELP:
        return 0;
    case FLAGS_ERROR:
        return fail(err.message);
    case FLAGS_OK:
        break;
    }
    log_set_level(level_of(o.log_level));
    return run(arena, &err) ? 0 : fail(err.message);
}
