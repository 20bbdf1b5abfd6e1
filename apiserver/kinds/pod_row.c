#include "apiserver/kinds/pod_parts.h"

#include "base/clock.h"
#include "openapi/table.h"

/* How a pod stands, in the words of kubectl get. */

struct pod_state {
    struct arena *arena;
    struct slice reason;
    int64_t ready, restarts, last; /* last restart: seconds, 0 for none */
};

static int64_t finished_at(const struct value *status)
{
    const struct value *last = AT(AT(status, ContainerStatus, lastState), ContainerState, terminated);
    int64_t micros = 0;
    return clock_parse(TEXT(last, ContainerStateTerminated, finishedAt), &micros) ? micros / 1000000 : 0;
}

static void count_restarts(const struct value *status, int64_t *restarts, int64_t *last)
{
    int64_t finished = finished_at(status);
    *restarts += value_int(AT(status, ContainerStatus, restartCount), 0);
    if (finished > *last)
        *last = finished;
}

/* Why it ended: the reason given, else the signal, else the exit code. */
static struct slice end_of(struct arena *arena, const char *prefix, const struct value *terminated)
{
    struct slice reason = TEXT(terminated, ContainerStateTerminated, reason);
    int64_t signal = value_int(AT(terminated, ContainerStateTerminated, signal), 0);
    if (reason.len)
        return arena_slicef(arena, "%s%.*s", prefix, SLICE_ARG(reason));
    return signal ? arena_slicef(arena, "%sSignal:%lld", prefix, (long long)signal)
                  : arena_slicef(arena, "%sExitCode:%lld", prefix,
                                 (long long)value_int(AT(terminated, ContainerStateTerminated, exitCode), 0));
}

static bool condition_is(const struct value *pod, const char *type, const char *status)
{
    for (VALUE_EACH(condition, AT(AT(pod, Pod, status), PodStatus, conditions))) {
        if (value_is(AT(condition, PodCondition, type), type) &&
            value_is(AT(condition, PodCondition, status), status))
            return true;
    }
    return false;
}

/* The sidecars' own restarts, which count on when initialization is over. */
struct sidecar_restarts {
    int64_t restarts, last;
};

/* True when initialization goes on, with the reason. */
static bool look_at_init(struct pod_state *s, const struct value *pod, const struct text_set *sidecars,
                         struct sidecar_restarts *side)
{
    const struct value *statuses = AT(AT(pod, Pod, status), PodStatus, initContainerStatuses);
    for (size_t i = 0; i < value_count(statuses); i++) {
        const struct value *status = value_item(statuses, i), *state = AT(status, ContainerStatus, state);
        const struct value *ended = AT(state, ContainerState, terminated),
                           *waits = AT(state, ContainerState, waiting);
        struct slice why = TEXT(waits, ContainerStateWaiting, reason);
        bool sidecar = text_set_has(sidecars, TEXT(status, ContainerStatus, name));
        count_restarts(status, &s->restarts, &s->last);
        if (sidecar)
            count_restarts(status, &side->restarts, &side->last);
        if (value_is_set(ended) && value_int(AT(ended, ContainerStateTerminated, exitCode), 0) == 0)
            continue;
        if (sidecar && set_to(AT(status, ContainerStatus, started), true)) {
            s->ready += value_bool(AT(status, ContainerStatus, ready));
            continue;
        }
        if (value_is_set(ended))
            s->reason = end_of(s->arena, "Init:", ended);
        else if (why.len && !slice_is(why, "PodInitializing"))
            s->reason = arena_slicef(s->arena, "Init:%.*s", SLICE_ARG(why));
        else
            s->reason = arena_slicef(s->arena, "Init:%zu/%zu", i,
                                     value_count(AT(AT(pod, Pod, spec), PodSpec, initContainers)));
        return true;
    }
    return false;
}

static void look_at_containers(struct pod_state *s, const struct value *pod)
{
    const struct value *statuses = AT(AT(pod, Pod, status), PodStatus, containerStatuses);
    struct slice error = {"", 0};
    bool running = false;
    for (size_t i = value_count(statuses); i-- > 0;) {
        const struct value *status = value_item(statuses, i), *state = AT(status, ContainerStatus, state);
        const struct value *ended = AT(state, ContainerState, terminated);
        struct slice why = TEXT(AT(state, ContainerState, waiting), ContainerStateWaiting, reason);
        count_restarts(status, &s->restarts, &s->last);
        if (why.len) {
            s->reason = why;
        } else if (value_is_set(ended)) {
            s->reason = end_of(s->arena, "", ended);
            if (value_int(AT(ended, ContainerStateTerminated, exitCode), 0) != 0)
                error = s->reason;
        } else if (value_bool(AT(status, ContainerStatus, ready)) &&
                   value_is_set(AT(state, ContainerState, running))) {
            running = true;
            s->ready++;
        }
    }
    if (!slice_is(s->reason, "Completed"))
        return;
    if (running && condition_is(pod, "Ready", "True"))
        s->reason = SLICE("Running");
    else if (error.len)
        s->reason = error;
    else if (running)
        s->reason = SLICE("NotReady");
}

static void look(struct pod_state *s, const struct value *pod, const struct text_set *sidecars)
{
    const struct value *status = AT(pod, Pod, status), *meta = AT(pod, Pod, metadata);
    struct slice why = TEXT(status, PodStatus, reason);
    struct sidecar_restarts side = {0, 0};
    s->reason = why.len ? why : TEXT(status, PodStatus, phase);
    for (VALUE_EACH(condition, AT(status, PodStatus, conditions))) {
        if (value_is(AT(condition, PodCondition, type), "PodScheduled") &&
            value_is(AT(condition, PodCondition, reason), "SchedulingGated"))
            s->reason = SLICE("SchedulingGated");
    }
    if (!look_at_init(s, pod, sidecars, &side) || condition_is(pod, "Initialized", "True")) {
        s->restarts = side.restarts;
        s->last = side.last;
        look_at_containers(s, pod);
    }
    if (!value_is_set(value_at(meta, meta_v1_ObjectMeta_deletionTimestamp)))
        return;
    if (slice_is(why, "NodeLost"))
        s->reason = SLICE("Unknown");
    else if (!pod_is_finished(pod))
        s->reason = SLICE("Terminating");
}

static struct value or_none(struct slice text)
{
    return value_of_string(text.len ? text : SLICE("<none>"));
}

static struct value gates_cell(struct arena *arena, const struct value *pod)
{
    const struct value *gates = AT(AT(pod, Pod, spec), PodSpec, readinessGates);
    size_t open = 0;
    for (VALUE_EACH(gate, gates)) {
        for (VALUE_EACH(condition, AT(AT(pod, Pod, status), PodStatus, conditions))) {
            if (slice_eq(TEXT(condition, PodCondition, type), TEXT(gate, PodReadinessGate, conditionType))) {
                open += value_is(AT(condition, PodCondition, status), "True");
                break;
            }
        }
    }
    if (!value_count(gates))
        return value_of_cstr("<none>");
    return value_of_string(arena_slicef(arena, "%zu/%zu", open, value_count(gates)));
}

void pod_row(struct arena *arena, const struct value *pod, int64_t now, struct value *cells)
{
    enum { READY = 1, STATUS, RESTARTS, IP = 5, NODE, NOMINATED, GATES };
    const struct value *spec = AT(pod, Pod, spec), *status = AT(pod, Pod, status);
    const struct value *ips = AT(status, PodStatus, podIPs);
    size_t total = value_count(AT(spec, PodSpec, containers));
    struct text_set sidecars = TEXT_SET(arena);
    struct pod_state s = {.arena = arena};
    for (VALUE_EACH(container, AT(spec, PodSpec, initContainers))) {
        if (is_sidecar(container)) {
            text_set_add(&sidecars, TEXT(container, Container, name));
            total++;
        }
    }
    look(&s, pod, &sidecars);
    cells[READY] = value_of_string(arena_slicef(arena, "%lld/%zu", (long long)s.ready, total));
    cells[STATUS] = value_of_string(s.reason);
    if (s.restarts && s.last)
        cells[RESTARTS] = value_of_string(arena_slicef(arena, "%lld (%.*s ago)", (long long)s.restarts,
                                                       SLICE_ARG(table_duration(arena, now - s.last))));
    else
        cells[RESTARTS] = value_of_string(arena_slicef(arena, "%lld", (long long)s.restarts));
    cells[IP] = or_none(value_count(ips) ? TEXT(value_item(ips, 0), PodIP, ip) : slice_make("", 0));
    cells[NODE] = or_none(TEXT(spec, PodSpec, nodeName));
    cells[NOMINATED] = or_none(TEXT(status, PodStatus, nominatedNodeName));
    cells[GATES] = gates_cell(arena, pod);
}
