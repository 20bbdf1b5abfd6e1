/*
 * kube-apiserver: takes the command line that test frameworks give to upstream's program of that name and
 * becomes coxswain-apiserver (exec: the process keeps its id, signals and output). What each flag turns into
 * is the tables below; the store is where the etcd of this folder says (store_place.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "dropin/guardian.h"
#include "dropin/store_place.h"
#include "dropin/upstream_flags.h"
#include "launcher/addresses.h"
#include "launcher/certs.h"
#include "launcher/files.h"

/* How long upstream waits for an etcd that is not there yet. */
enum { ETCD_WAIT_SECONDS = 20, MAX_VERBOSITY = 99 };

static struct {
    const char *bind_address, *cert_dir, *cert, *key, *etcd_servers, *etcd_prefix, *service_range,
        *authorization;
    int64_t port, verbosity;
    bool anonymous, version;
} o = {
    .bind_address = "0.0.0.0",
    .cert_dir = "/var/run/kubernetes",
    .etcd_prefix = "/registry",
    .service_range = "10.0.0.0/24",
    .authorization = "AlwaysAllow",
    .port = 6443,
    .anonymous = true,
};

static const struct flag own[] = {
    {"bind-address", FLAG_STRING, &o.bind_address, "IP", "address to serve on"},
    {"secure-port", FLAG_INT, &o.port, "PORT", "port to serve on", .min = 1, .max = 65535},
    {"cert-dir", FLAG_STRING, &o.cert_dir, "DIR",
     "where apiserver.crt and apiserver.key are; made there when they are not"},
    {"tls-cert-file", FLAG_STRING, &o.cert, "FILE", "server certificate chain (PEM)"},
    {"tls-private-key-file", FLAG_STRING, &o.key, "FILE", "its key (PEM)"},
    {"etcd-servers", FLAG_STRING, &o.etcd_servers, "URLS", "the etcd of this folder"},
    {"etcd-prefix", FLAG_STRING, &o.etcd_prefix, "PATH", "objects of other prefixes are not seen"},
    {"service-cluster-ip-range", FLAG_STRING, &o.service_range, "CIDR", "addresses for services"},
    {"authorization-mode", FLAG_STRING, &o.authorization, "MODES", "RBAC, AlwaysAllow, AlwaysDeny, Node"},
    {"anonymous-auth", FLAG_BOOL, &o.anonymous, NULL, "requests without a credential are system:anonymous"},
    {"v", FLAG_INT, &o.verbosity, "N", "1 warnings and what flags became of, 3 a line per request, 6 all",
     .min = 0, .max = MAX_VERBOSITY},
    {"version", FLAG_BOOL, &o.version, NULL, "show the version"},
    {0}};

static const struct flag_group groups[] = {
    {FLAG_PASSED, false,
     "client-ca-file service-node-port-range proxy-client-cert-file "
     "proxy-client-key-file requestheader-client-ca-file requestheader-allowed-names "
     "requestheader-extra-headers-prefix requestheader-group-headers requestheader-uid-headers "
     "requestheader-username-headers api-audiences service-account-issuer service-account-jwks-uri "
     "service-account-key-file service-account-signing-key-file service-account-max-token-expiration "
     "token-auth-file",
     "as upstream"},

    {FLAG_PASSED, false,
     "disable-admission-plugins oidc-issuer-url oidc-client-id oidc-ca-file oidc-groups-claim "
     "oidc-groups-prefix oidc-required-claim oidc-username-claim oidc-username-prefix",
     "as upstream"},

    /* What would be trusted or kept secret must not be silently left out. */
    {FLAG_REFUSED, false, "authentication-config authentication-token-webhook-config-file oidc-signing-algs",
     "users are known by certificates, tokens and one OpenID issuer only"},
    {FLAG_REFUSED, false, "authorization-config authorization-webhook-config-file authorization-policy-file",
     "permissions come from the built-in authorizer only"},
    {FLAG_REFUSED, false, "encryption-provider-config", "objects are not encrypted in the store"},
    {FLAG_REFUSED, false, "audit-policy-file audit-log-path audit-webhook-config-file",
     "no audit log is written"},
    {FLAG_REFUSED, false, "admission-control-config-file", "admission plugins take no configuration"},
    {FLAG_REFUSED, false, "egress-selector-config-file", "connections go out directly"},
    {FLAG_REFUSED, false, "tls-sni-cert-key", "there is one server certificate"},
    {FLAG_REFUSED, false, "etcd-cafile etcd-certfile etcd-keyfile",
     "the etcd of this folder speaks plain HTTP only"},
    {FLAG_REFUSED, false, "cors-allowed-origins", "browsers of other origins are not let in"},
    {FLAG_REFUSED, false, "service-account-signing-endpoint", "tokens are signed with a key in a file"},

    {FLAG_PASSED, true, "service-account-extend-token-expiration enable-bootstrap-token-auth", "as upstream"},
    {FLAG_QUIET, true, "service-account-lookup", "tokens of accounts that are gone are never believed"},
    {FLAG_QUIET, false,
     "admission-control enable-admission-plugins "
     "default-not-ready-toleration-seconds "
     "default-unreachable-toleration-seconds",
     "the plugins that there are always run"},
    {FLAG_QUIET, false,
     "advertise-address apiserver-count endpoint-reconciler-type external-hostname "
     "kubernetes-service-node-port "
     "peer-advertise-ip peer-advertise-port peer-ca-file master-service-namespace",
     "there is one server, known by the address it serves on"},
    {FLAG_QUIET, true, "permit-address-sharing permit-port-sharing", "one process listens at an address"},
    {FLAG_QUIET, false, "feature-gates runtime-config emulated-version min-compatibility-version",
     "what is generally available is served, always"},
    {FLAG_QUIET, true, "emulation-forward-compatible runtime-config-emulation-forward-compatible",
     "what is generally available is served, always"},
    {FLAG_QUIET, false,
     "audit-log-batch-buffer-size audit-log-batch-max-size audit-log-batch-max-wait "
     "audit-log-batch-throttle-burst "
     "audit-log-batch-throttle-qps audit-log-format audit-log-maxage audit-log-maxbackup audit-log-maxsize "
     "audit-log-mode audit-log-truncate-max-batch-size audit-log-truncate-max-event-size audit-log-version "
     "audit-webhook-batch-buffer-size audit-webhook-batch-initial-backoff audit-webhook-batch-max-size "
     "audit-webhook-batch-max-wait audit-webhook-batch-throttle-burst audit-webhook-batch-throttle-qps "
     "audit-webhook-initial-backoff audit-webhook-mode audit-webhook-truncate-max-batch-size "
     "audit-webhook-truncate-max-event-size audit-webhook-version",
     "no audit log is written"},
    {FLAG_QUIET, true,
     "audit-log-batch-throttle-enable audit-log-compress audit-log-truncate-enabled "
     "audit-webhook-batch-throttle-enable audit-webhook-truncate-enabled",
     "no audit log is written"},
    {FLAG_QUIET, false,
     "authentication-token-webhook-cache-ttl authentication-token-webhook-version "
     "authorization-webhook-cache-authorized-ttl authorization-webhook-cache-unauthorized-ttl "
     "authorization-webhook-version",
     "there is no webhook to ask"},
    {FLAG_QUIET, false,
     "default-watch-cache-size watch-cache-sizes delete-collection-workers etcd-compaction-interval "
     "etcd-count-metric-poll-period etcd-db-metric-poll-interval etcd-healthcheck-timeout "
     "etcd-readycheck-timeout "
     "etcd-servers-overrides event-ttl lease-reuse-duration-seconds storage-backend "
     "storage-initialization-timeout "
     "storage-media-type",
     "the store has its own"},
    {FLAG_QUIET, true, "watch-cache enable-garbage-collector encryption-provider-config-automatic-reload",
     "the store has its own"},
    {FLAG_QUIET, false,
     "goaway-chance http2-max-streams-per-connection livez-grace-period max-connection-bytes-per-sec "
     "max-mutating-requests-inflight max-requests-inflight min-request-timeout request-timeout "
     "shutdown-delay-duration shutdown-watch-termination-grace-period strict-transport-security-directives "
     "tls-cipher-suites tls-curve-preferences tls-min-version",
     "the server has limits of its own"},
    {FLAG_QUIET, true, "disable-http2-serving enable-priority-and-fairness shutdown-send-retry-after",
     "the server has limits of its own"},
    {FLAG_QUIET, false,
     "kubelet-certificate-authority kubelet-client-certificate kubelet-client-key kubelet-port "
     "kubelet-preferred-address-types kubelet-read-only-port kubelet-timeout",
     "no connections are made to nodes"},
    {FLAG_QUIET, true, "allow-privileged", "privileged containers are always allowed"},
    {FLAG_QUIET, true, "aggregator-reject-forwarding-redirect enable-aggregator-routing",
     "extension servers are reached at their endpoints, and their redirects are refused"},
    {FLAG_QUIET, false,
     "allow-metric-labels allow-metric-labels-manifest debug-socket-path disabled-metrics "
     "log-flush-frequency "
     "log-json-info-buffer-size log-text-info-buffer-size logging-format show-hidden-metrics-for-version "
     "tracing-config-file vmodule coordinated-leadership-lease-duration "
     "coordinated-leadership-renew-deadline "
     "coordinated-leadership-retry-period",
     "logs and metrics have their own form"},
    {FLAG_QUIET, true,
     "contention-profiling enable-logs-handler log-json-split-stream log-text-split-stream profiling",
     "logs and metrics have their own form"},
    {0}};

static int fail(const char *message)
{
    fprintf(stderr, "kube-apiserver: %s\n", message);
    return 1;
}

static const char *listen_text(struct arena *arena)
{
    bool v6 = strchr(o.bind_address, ':') != NULL;
    return arena_printf(arena, "%s%s%s:%d", v6 ? "[" : "", o.bind_address, v6 ? "]" : "", (int)o.port);
}

/* What is in --cert-dir is used as it is, whoever signed it; only where nothing is, a certificate is made. */
static bool ensure_certificate(const char *listen, struct arena *arena, struct error *err)
{
    char host[HOST_NAME_MAX + 1] = "";
    struct address address;
    struct certs_request request = {.dir = o.cert_dir, .now = clock_now_seconds()};
    if (o.cert || o.key)
        return true;
    o.cert = arena_printf(arena, "%s/apiserver.crt", o.cert_dir);
    o.key = arena_printf(arena, "%s/apiserver.key", o.cert_dir);
    if (access(o.cert, F_OK) == 0 && access(o.key, F_OK) == 0)
        return true;
    gethostname(host, sizeof host - 1);
    return address_parse(listen, &address, err) &&
           address_server_names(&address, host, o.service_range, arena, &request.names, err) &&
           certs_ensure_self_signed(&request, err);
}

static const char *log_level(void)
{
    return o.verbosity >= 6 ? "debug" : o.verbosity >= 3 ? "info" : "warn";
}

/* There are no nodes whose requests would need the Node authorizer: it is as if it had no opinion. */
static const char *authorization_modes(struct arena *arena)
{
    const char *modes = "";
    struct slice rest = slice_str(o.authorization), mode;
    while (slice_split(&rest, ',', &mode)) {
        if (!slice_is(mode, "Node"))
            modes = arena_printf(arena, "%s%s%.*s", modes, *modes ? "," : "", SLICE_ARG(mode));
    }
    return *modes ? modes : "AlwaysDeny";
}

static void add(struct word_list *words, const char *name, const char *value)
{
    word_list_add(words, arena_printf(words->arena, "--%s=%s", name, value));
}

/* The arguments of coxswain-apiserver after those that were passed on. */
static bool plan(struct word_list *words, struct error *err)
{
    struct arena *arena = words->arena;
    struct store_place place;
    const char *listen = listen_text(arena);
    if (!o.etcd_servers)
        return error_set(err, REASON_BAD_REQUEST, "--etcd-servers must be specified");
    if (!ensure_certificate(listen, arena, err) ||
        !store_place_ask(o.etcd_servers, ETCD_WAIT_SECONDS, arena, &place, err))
        return false;
    add(words, "data-dir", store_place_folder(&place, o.etcd_prefix, arena));
    add(words, "listen", listen);
    add(words, "tls-cert-file", o.cert);
    add(words, "tls-private-key-file", o.key);
    add(words, "service-cluster-ip-range", o.service_range);
    add(words, "authorization-mode", authorization_modes(arena));
    add(words, "log-level", log_level());
    add(words, "anonymous-auth", o.anonymous ? "true" : "false");
    add(words, "no-sync", place.no_sync ? "true" : "false");
    if (guardian_pid() > 0)
        add(words, "end-with", arena_printf(arena, "%d", (int)guardian_pid()));
    word_list_add(words, NULL);
    return true;
}

/* Beside us, or where the build puts it. */
static bool find_server(struct arena *arena, const char **ret_path, struct error *err)
{
    const char *dir = files_program_dir(arena);
    const char *const places[] = {"coxswain-apiserver", "../bin/coxswain-apiserver"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        *ret_path = arena_printf(arena, "%s/%s", dir, places[i]);
        if (access(*ret_path, X_OK) == 0)
            return true;
    }
    return error_set(err, REASON_NOT_FOUND, "coxswain-apiserver is missing: put it into %s", dir);
}

static bool become(struct word_list *words, struct error *err)
{
    const char *path = NULL;
    if (!find_server(words->arena, &path, err) || !plan(words, err))
        return false;
    words->items[0] = (char *)path;
    execv(path, words->items);
    return error_errno(err, "cannot run %s", path);
}

int main(int argc, char **argv)
{
    cleanup_error struct error err = ERROR_INIT;
    cleanup_arena struct arena *arena = arena_new();
    struct word_list words = {.arena = arena};
    const struct upstream_program program = {
        "kube-apiserver",
        "Starts coxswain-apiserver from a command line written for upstream's kube-apiserver.", own, groups};
    log_set_part("kube-apiserver");
    log_set_level(LOG_WARN);
    for (int i = 1; i < argc; i++) { /* how much to say about flags must be known before the first of them */
        if (!strncmp(argv[i], "-v=", 3) || !strncmp(argv[i], "--v=", 4))
            log_set_level(atoi(strchr(argv[i], '=') + 1) > 0 ? LOG_INFO : LOG_WARN);
    }
    word_list_add(&words, ""); /* the program's own name */
    switch (upstream_flags_parse(&program, argc, argv, &words, &err)) {
    case FLAGS_HELP:
        return 0;
    case FLAGS_ERROR:
        return fail(err.message);
    case FLAGS_OK:
        break;
    }
    if (o.version) {
        puts("Kubernetes v1.37.2");
        return 0;
    }
    become(&words, &err);
    return fail(err.message);
}
