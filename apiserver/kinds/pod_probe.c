#include "apiserver/kinds/pod_parts.h"

/* Probes, lifecycle handlers and the actions that they share. */

static void check_exec(struct pod_check *p, const struct path *at, const struct value *exec)
{
    if (!value_count(AT(exec, ExecAction, command)))
        causes_required(p->c, PATH(at, "command"), "");
}

static void check_http(struct pod_check *p, const struct path *at, const struct value *http)
{
    static const char *const schemes[] = {"HTTP", "HTTPS", NULL};
    static const char *const protocols[] = {"HTTP1", "HTTP2", NULL};
    struct slice scheme = TEXT(http, HTTPGetAction, scheme);
    const struct value *protocol = value_get(http, SLICE("protocol"));
    need(p->c, at, "path", AT(http, HTTPGetAction, path));
    check_port_or_name(p->c, PATH(at, "port"), AT(http, HTTPGetAction, port));
    if (!slice_is(scheme, "HTTP") && !slice_is(scheme, "HTTPS"))
        causes_not_supported(p->c, PATH(at, "scheme"), scheme, schemes);
    for (VALUE_EACH(header, AT(http, HTTPGetAction, httpHeaders)))
        check_name(p->c, PATH(at, "httpHeaders"), TEXT(header, HTTPHeader, name), name_check_http_header);
    if (!value_is_set(protocol))
        return;
    check_enum(p->c, PATH(at, "protocol"), protocol, protocols, false);
    if (value_is(protocol, "HTTP2") && !slice_is(scheme, "HTTP"))
        causes_invalid_text(p->c, PATH(at, "protocol"), value_text(protocol), "needs scheme HTTP");
    else if (value_is(protocol, "HTTP2") && TEXT(http, HTTPGetAction, host).len)
        causes_invalid_text(p->c, PATH(at, "host"), TEXT(http, HTTPGetAction, host),
                            "must be empty with HTTP2");
}

static void check_tcp(struct pod_check *p, const struct path *at, const struct value *tcp)
{
    check_port_or_name(p->c, PATH(at, "port"), AT(tcp, TCPSocketAction, port));
}

static void check_grpc(struct pod_check *p, const struct path *at, const struct value *grpc)
{
    static const char *const modes[] = {"Plaintext", "TLS", NULL};
    check_port(p->c, PATH(at, "port"), value_int(AT(grpc, GRPCAction, port), 0));
    check_enum(p->c, PATH(at, "mode"), value_get(grpc, SLICE("mode")), modes, false);
}

static void check_sleep(struct pod_check *p, const struct path *at, const struct value *sleep)
{
    const struct value *grace = AT(p->spec, PodSpec, terminationGracePeriodSeconds);
    int64_t seconds = value_int(AT(sleep, SleepAction, seconds), 0), most = value_int(grace, 0);
    if (value_is_set(grace) && (seconds < 0 || seconds > most))
        causes_invalid_int(p->c, at, seconds,
                           "must be non-negative and no more than terminationGracePeriodSeconds (%lld)",
                           (long long)most);
}

/* Probes and lifecycle handlers name their actions alike, but are different types: the fields are found by
 * name. */
static void check_handler(struct pod_check *p, const struct path *at, const struct value *handler)
{
    static const struct {
        const char *name;
        void (*check)(struct pod_check *p, const struct path *at, const struct value *action);
    } actions[] = {{"exec", check_exec},
                   {"httpGet", check_http},
                   {"tcpSocket", check_tcp},
                   {"grpc", check_grpc},
                   {"sleep", check_sleep}};
    bool found = false;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        const struct value *action = value_get(handler, slice_str(actions[i].name));
        if (!value_is_set(action))
            continue;
        if (found)
            causes_forbidden(p->c, PATH(at, actions[i].name), "may not specify more than 1 handler type");
        else
            actions[i].check(p, PATH(at, actions[i].name), action);
        found = true;
    }
    if (!found)
        causes_required(p->c, at, "must specify a handler type");
}

static void check_probe(struct pod_check *p, const struct path *at, const struct value *probe)
{
    static const struct {
        const char *name;
        unsigned field;
    } counts[] = {{"initialDelaySeconds", core_v1_Probe_initialDelaySeconds},
                  {"timeoutSeconds", core_v1_Probe_timeoutSeconds},
                  {"periodSeconds", core_v1_Probe_periodSeconds},
                  {"successThreshold", core_v1_Probe_successThreshold},
                  {"failureThreshold", core_v1_Probe_failureThreshold}};
    const struct value *grace = AT(probe, Probe, terminationGracePeriodSeconds);
    check_handler(p, at, probe);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_non_negative(p->c, PATH(at, counts[i].name), value_int(value_at(probe, counts[i].field), 0));
    if (value_is_set(grace) && value_int(grace, 0) <= 0)
        causes_invalid_int(p->c, PATH(at, "terminationGracePeriodSeconds"), value_int(grace, 0),
                           "must be greater than 0");
}

/* A liveness or startup probe has succeeded when it did once. */
static void check_once_probe(struct pod_check *p, const struct path *at, const struct value *probe)
{
    if (!value_is_set(probe))
        return;
    int64_t threshold = value_int(AT(probe, Probe, successThreshold), 0);
    check_probe(p, at, probe);
    if (threshold != 1)
        causes_invalid_int(p->c, PATH(at, "successThreshold"), threshold, "must be 1");
}

void check_probes(struct pod_check *p, const struct path *at, const struct value *container)
{
    const struct value *ready = AT(container, Container, readinessProbe);
    check_once_probe(p, PATH(at, "livenessProbe"), AT(container, Container, livenessProbe));
    if (value_is_set(ready)) {
        const struct value *grace = AT(ready, Probe, terminationGracePeriodSeconds);
        const struct path *ready_at = PATH(at, "readinessProbe");
        check_probe(p, ready_at, ready);
        if (value_is_set(grace))
            causes_invalid(p->c, PATH(ready_at, "terminationGracePeriodSeconds"), grace,
                           "a readiness probe has none");
    }
    check_once_probe(p, PATH(at, "startupProbe"), AT(container, Container, startupProbe));
}

static const char *const linux_signals[] = {
    "SIGABRT",     "SIGALRM",     "SIGBUS",      "SIGCHLD",     "SIGCLD",      "SIGCONT",     "SIGFPE",
    "SIGHUP",      "SIGILL",      "SIGINT",      "SIGIO",       "SIGIOT",      "SIGKILL",     "SIGPIPE",
    "SIGPOLL",     "SIGPROF",     "SIGPWR",      "SIGQUIT",     "SIGRTMAX",    "SIGRTMAX-1",  "SIGRTMAX-10",
    "SIGRTMAX-11", "SIGRTMAX-12", "SIGRTMAX-13", "SIGRTMAX-14", "SIGRTMAX-2",  "SIGRTMAX-3",  "SIGRTMAX-4",
    "SIGRTMAX-5",  "SIGRTMAX-6",  "SIGRTMAX-7",  "SIGRTMAX-8",  "SIGRTMAX-9",  "SIGRTMIN",    "SIGRTMIN+1",
    "SIGRTMIN+10", "SIGRTMIN+11", "SIGRTMIN+12", "SIGRTMIN+13", "SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMIN+2",
    "SIGRTMIN+3",  "SIGRTMIN+4",  "SIGRTMIN+5",  "SIGRTMIN+6",  "SIGRTMIN+7",  "SIGRTMIN+8",  "SIGRTMIN+9",
    "SIGSEGV",     "SIGSTKFLT",   "SIGSTOP",     "SIGSYS",      "SIGTERM",     "SIGTRAP",     "SIGTSTP",
    "SIGTTIN",     "SIGTTOU",     "SIGURG",      "SIGUSR1",     "SIGUSR2",     "SIGVTALRM",   "SIGWINCH",
    "SIGXCPU",     "SIGXFSZ",     NULL};

static void check_stop_signal(struct pod_check *p, const struct path *at, const struct value *signal)
{
    static const char *const windows[] = {"SIGKILL", "SIGTERM", NULL};
    const struct value *os = AT(p->spec, PodSpec, os);
    struct slice name = TEXT(os, PodOS, name);
    if (!value_is_set(os))
        causes_forbidden(p->c, at, "needs `spec.os.name`");
    else if (slice_is(name, "windows"))
        check_enum(p->c, at, signal, windows, false);
    else if (slice_is(name, "linux"))
        check_enum(p->c, at, signal, linux_signals, false);
}

void check_lifecycle(struct pod_check *p, const struct path *at, const struct value *lifecycle)
{
    const struct value *start = AT(lifecycle, Lifecycle, postStart),
                       *stop = AT(lifecycle, Lifecycle, preStop);
    const struct value *signal = AT(lifecycle, Lifecycle, stopSignal);
    if (value_is_set(start))
        check_handler(p, PATH(at, "postStart"), start);
    if (value_is_set(stop))
        check_handler(p, PATH(at, "preStop"), stop);
    if (value_is_set(signal))
        check_stop_signal(p, PATH(at, "stopSignal"), signal);
}
