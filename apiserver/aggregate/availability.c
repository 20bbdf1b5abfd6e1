#include "apiserver/aggregate/availability.h"

#include <string.h>

#include "openapi/gen/core_v1.h"
#include "openapi/gen/discovery_v1.h"

/* A name or IPv4 address as it is, an IPv6 address in brackets. */
static const char *place(struct arena *arena, struct slice host, int64_t port)
{
    bool v6 = slice_find(host, ':') >= 0;
    return arena_printf(arena, "%s%.*s%s:%lld", v6 ? "[" : "", SLICE_ARG(host), v6 ? "]" : "",
                        (long long)port);
}

static bool is_ready(const struct value *endpoint)
{
    const struct value *conditions = value_at(endpoint, discovery_v1_Endpoint_conditions);
    const struct value *ready = value_at(conditions, discovery_v1_EndpointConditions_ready);
    return !value_is_set(ready) || value_bool(ready);
}

static void add_places(struct arena *arena, const struct value *slice, struct slice port_name,
                       struct availability_verdict *ret)
{
    for (VALUE_EACH(port, value_at(slice, discovery_v1_EndpointSlice_ports))) {
        int64_t number = value_int(value_at(port, discovery_v1_EndpointPort_port), 0);
        if (number <= 0 || !slice_eq(value_text(value_at(port, discovery_v1_EndpointPort_name)), port_name))
            continue;
        for (VALUE_EACH(endpoint, value_at(slice, discovery_v1_EndpointSlice_endpoints))) {
            const struct value *addresses = value_at(endpoint, discovery_v1_Endpoint_addresses);
            if (ret->place_count < AVAILABILITY_PLACES_MAX && is_ready(endpoint) &&
                value_count(addresses) > 0)
                ret->places[ret->place_count++] = place(arena, value_text(value_item(addresses, 0)), number);
        }
    }
}

/* The Service's first family first; others only when it has no endpoint. */
static void find_places(struct arena *arena, const struct availability_question *q, struct slice port_name,
                        struct availability_verdict *ret)
{
    const struct value *families = value_path(q->service, "spec.ipFamilies");
    struct slice preferred = value_count(families) ? value_text(value_item(families, 0)) : SLICE("");
    for (int round = 0; round < 2 && ret->place_count == 0; round++) {
        for (size_t i = 0; i < q->slice_count; i++) {
            bool is_preferred = slice_eq(
                value_text(value_at(&q->slices[i], discovery_v1_EndpointSlice_addressType)), preferred);
            if (is_preferred == (round == 0))
                add_places(arena, &q->slices[i], port_name, ret);
        }
    }
}

static const struct value *find_port(const struct value *service, int64_t number)
{
    for (VALUE_EACH(port, value_path(service, "spec.ports")))
        if (value_int(value_at(port, core_v1_ServicePort_port), 0) == number)
            return port;
    return NULL;
}

#define SERVICE_ARGS(q) SLICE_ARG((q)->name), SLICE_ARG((q)->namespace)

void availability_judge(struct arena *arena, const struct availability_question *q,
                        struct availability_verdict *ret)
{
    *ret = (struct availability_verdict){0};
    if (!q->service) {
        ret->reason = "ServiceNotFound";
        ret->message = arena_printf(arena, "service/%.*s in \"%.*s\" is not present", SERVICE_ARGS(q));
        return;
    }
    if (slice_is(value_text(value_path(q->service, "spec.type")), "ExternalName")) {
        ret->places[ret->place_count++] =
            place(arena, value_text(value_path(q->service, "spec.externalName")), q->port);
        return;
    }
    const struct value *port = find_port(q->service, q->port);
    if (!port) {
        ret->reason = "ServicePortError";
        ret->message = arena_printf(arena, "service/%.*s in \"%.*s\" is not listening on port %lld",
                                    SERVICE_ARGS(q), (long long)q->port);
        return;
    }
    if (q->slice_count == 0) {
        ret->reason = "EndpointsNotFound";
        ret->message =
            arena_printf(arena, "cannot find endpointslices for service/%.*s in \"%.*s\"", SERVICE_ARGS(q));
        return;
    }
    struct slice port_name = value_text(value_at(port, core_v1_ServicePort_name));
    find_places(arena, q, port_name, ret);
    if (ret->place_count)
        return;
    ret->reason = "MissingEndpoints";
    ret->message = arena_printf(
        arena, "endpointslices for service/%.*s in \"%.*s\" have no addresses with port name \"%.*s\"",
        SERVICE_ARGS(q), SLICE_ARG(port_name));
}
