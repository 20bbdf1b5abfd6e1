#include "apiserver/kinds/pod_parts.h"

#include "apiserver/kinds/ip.h"
#include "apiserver/kinds/shown.h"

/* What is asked of a pod's status, which node agents and schedulers write. */

struct status_check {
    struct kind_request *req;
    struct causes *c;
    const struct value *spec, *now, *old; /* the pod's spec; its status */
    const struct path *at;                /* status */
};

/* ---- containers do not come back to life ---- */

static bool rule_matches(const struct value *rule, int64_t code)
{
    const struct value *codes = AT(rule, ContainerRestartRule, exitCodes);
    bool in = false;
    for (VALUE_EACH(value, AT(codes, ContainerRestartRuleOnExitCodes, values)))
        in = in || value_int(value, -1) == code;
    return value_is(AT(codes, ContainerRestartRuleOnExitCodes, operator), "In")
               ? in
               : value_is(AT(codes, ContainerRestartRuleOnExitCodes, operator), "NotIn") && !in;
}

static bool may_restart(const struct value *container, const struct value *spec, int64_t code)
{
    const struct value *own = AT(container, Container, restartPolicy);
    const struct value *policy = value_is_set(own) ? own : AT(spec, PodSpec, restartPolicy);
    for (VALUE_EACH(rule, AT(container, Container, restartPolicyRules))) {
        if (rule_matches(rule, code))
            return true;
    }
    return value_is(policy, "Always") || (value_is(policy, "OnFailure") && code != 0);
}

static bool may_restart_all(const struct value *containers)
{
    for (VALUE_EACH(container, containers)) {
        for (VALUE_EACH(rule, AT(container, Container, restartPolicyRules))) {
            if (value_is(AT(rule, ContainerRestartRule, action), "RestartAllContainers"))
                return true;
        }
    }
    return false;
}

static const struct value *by_name(const struct value *list, struct slice name)
{
    for (VALUE_EACH(container, list)) {
        if (slice_eq(TEXT(container, Container, name), name))
            return container;
    }
    return &value_absent;
}

static const struct value *ended(const struct value *status)
{
    return AT(AT(status, ContainerStatus, state), ContainerState, terminated);
}

/* containers: those that may restart by their policy, or absent. */
static void check_ends(struct status_check *s, const char *name, unsigned field,
                       const struct value *containers)
{
    const struct value *now = value_at(s->now, field), *old = value_at(s->old, field);
    if (may_restart_all(AT(s->spec, PodSpec, containers)) ||
        may_restart_all(AT(s->spec, PodSpec, initContainers))) {
        if (value_is_set(containers))
            return;
    }
    for (size_t i = 0; i < value_count(old); i++) {
        const struct value *was = value_item(old, i), *end = ended(was);
        struct slice who = TEXT(was, ContainerStatus, name);
        if (!value_is_set(end))
            continue;
        for (VALUE_EACH(is, now)) {
            if (!slice_eq(TEXT(is, ContainerStatus, name), who) || value_is_set(ended(is)))
                continue;
            const struct value *container = by_name(containers, who);
            if (!value_is_set(container) ||
                !may_restart(container, s->spec, value_int(AT(end, ContainerStateTerminated, exitCode), 0)))
                causes_forbidden(s->c, PATH(PATH_I(PATH(s->at, name), i), "state"),
                                 "may not be transitioned to non-terminated state");
            break;
        }
    }
}

/* ---- addresses ---- */

/* The texts of a list of records with an "ip". */
static struct value ip_texts(struct arena *arena, const struct value *list)
{
    struct value texts = value_absent;
    for (VALUE_EACH(item, list))
        *value_append(arena, &texts) = *value_get(item, SLICE("ip"));
    return texts;
}

static void check_ip_list(struct status_check *s, const char *name, unsigned field)
{
    const struct value *list = value_at(s->now, field);
    struct value existing = ip_texts(s->req->arena, value_at(s->old, field));
    size_t v4 = 0, v6 = 0;
    for (size_t i = 0; i < value_count(list); i++) {
        struct slice text = value_text(value_get(value_item(list, i), SLICE("ip")));
        struct ip ip;
        check_ip_legacy(s->c, PATH_I(PATH(s->at, name), i), text, &existing);
        if (ip_parse(text, &ip)) {
            v4 += !ip.v6;
            v6 += ip.v6;
        }
        warn_ip(s->req, PATH(PATH_I(PATH(s->at, name), i), "ip"), text);
    }
    if (value_count(list) > 1 && (v4 != 1 || v6 != 1 || value_count(list) > 2))
        causes_invalid_shown(s->c, PATH(s->at, name), shown_list(s->req->arena, list),
                             "may specify no more than one IP for each IP family");
}

static void check_ips(struct status_check *s)
{
    const struct value *pods = AT(s->now, PodStatus, podIPs), *hosts = AT(s->now, PodStatus, hostIPs);
    struct slice pod = TEXT(s->now, PodStatus, podIP), host = TEXT(s->now, PodStatus, hostIP);
    struct slice first_pod = value_count(pods) ? TEXT(value_item(pods, 0), PodIP, ip) : slice_make("", 0);
    struct slice first_host = value_count(hosts) ? TEXT(value_item(hosts, 0), HostIP, ip) : slice_make("", 0);
    check_ip_list(s, "podIPs", core_v1_PodStatus_podIPs);
    if ((pod.len > 0) != (value_count(pods) > 0))
        causes_invalid_shown(s->c, PATH(s->at, "podIPs"), shown_list(s->req->arena, pods),
                             "podIP and podIPs must either both be set or both be unset");
    else if (value_count(pods) && !slice_eq(pod, first_pod))
        causes_invalid_text(s->c, PATH(PATH_I(PATH(s->at, "podIPs"), 0), "ip"), first_pod,
                            "must be equal to `podIP`");
    if (!value_count(hosts))
        return;
    if (!slice_eq(host, first_host))
        causes_invalid_text(s->c, PATH(PATH_I(PATH(s->at, "hostIPs"), 0), "ip"), first_host,
                            "must be equal to `hostIP`");
    check_ip_list(s, "hostIPs", core_v1_PodStatus_hostIPs);
}

/* ---- conditions, claims, users ---- */

static void check_conditions(struct status_check *s)
{
    const struct value *list = AT(s->now, PodStatus, conditions);
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *condition = value_item(list, i), *type = AT(condition, PodCondition, type);
        const struct path *at = PATH_I(PATH(s->at, "conditions"), i);
        int64_t generation = value_int(AT(condition, PodCondition, observedGeneration), 0);
        if (generation < 0)
            causes_invalid_int(s->c, PATH(at, "observedGeneration"), generation,
                               "must be a non-negative integer");
        if (!value_is(type, "PodScheduled") && !value_is(type, "Ready") && !value_is(type, "Initialized"))
            check_name(s->c, PATH(at, "Type"), value_text(type), name_check_qualified);
    }
}

static void check_claims(struct status_check *s)
{
    const struct value *list = AT(s->now, PodStatus, resourceClaimStatuses);
    struct text_set claims = TEXT_SET(s->req->arena), seen = TEXT_SET(s->req->arena);
    for (VALUE_EACH(claim, AT(s->spec, PodSpec, resourceClaims)))
        text_set_add(&claims, TEXT(claim, PodResourceClaim, name));
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *status = value_item(list, i),
                           *claim = AT(status, PodResourceClaimStatus, resourceClaimName);
        const struct path *at = PATH_I(PATH(s->at, "resourceClaimStatuses"), i);
        struct slice name = TEXT(status, PodResourceClaimStatus, name);
        if (!text_set_has(&claims, name))
            causes_invalid_text(s->c, PATH(at, "name"), name,
                                "must match the name of an entry in `spec.resourceClaims`");
        if (!text_set_add(&seen, name))
            causes_duplicate(s->c, PATH(at, "name"), name);
        if (value_is_set(claim))
            check_name(s->c, PATH(at, "resourceClaimName"), value_text(claim), name_check_subdomain);
    }
}

static void check_user(struct status_check *s, const struct path *at, const struct value *user, bool windows)
{
    const struct value *linux_user = AT(user, ContainerUser, linux),
                       *groups = AT(linux_user, LinuxContainerUser, supplementalGroups);
    if (!value_is_set(linux_user))
        return;
    if (windows) {
        causes_forbidden(s->c, at, "cannot be set for a windows pod");
        return;
    }
    check_range(s->c, PATH(at, "uid"), value_int(AT(linux_user, LinuxContainerUser, uid), 0), 0, UINT32_MAX);
    check_range(s->c, PATH(at, "gid"), value_int(AT(linux_user, LinuxContainerUser, gid), 0), 0, INT32_MAX);
    for (size_t i = 0; i < value_count(groups); i++)
        check_range(s->c, PATH_I(PATH(at, "supplementalGroups"), i), value_int(value_item(groups, i), 0), 0,
                    INT32_MAX);
}

static void check_users(struct status_check *s, const char *name, unsigned field)
{
    const struct value *list = value_at(s->now, field);
    bool windows = value_is(AT(AT(s->spec, PodSpec, os), PodOS, name), "windows");
    for (size_t i = 0; i < value_count(list); i++)
        check_user(s, PATH(PATH(PATH_I(PATH(s->at, name), i), "user"), "linux"),
                   AT(value_item(list, i), ContainerStatus, user), windows);
}

/* ---- the health of devices ---- */

static bool is_of_claim(const struct value *container, struct slice name)
{
    for (VALUE_EACH(claim, AT(AT(container, Container, resources), ResourceRequirements, claims))) {
        struct slice own = TEXT(claim, ResourceClaim, name), request = TEXT(claim, ResourceClaim, request);
        struct slice rest = slice_from(name, strlen("claim:"));
        if (!slice_starts(rest, own))
            continue;
        rest = slice_from(rest, own.len);
        if (request.len ? rest.len && rest.ptr[0] == '/' && slice_eq(slice_from(rest, 1), request)
                        : rest.len == 0)
            return true;
    }
    return false;
}

/* Claims that were made for an extended resource are named as "claim:<claim>/<request>" too. */
static bool is_of_extended(struct status_check *s, const struct value *container, struct slice name)
{
    const struct value *extended = AT(s->now, PodStatus, extendedResourceClaimStatus);
    struct slice claim = TEXT(extended, PodExtendedResourceClaimStatus, resourceClaimName);
    struct slice rest = slice_from(name, strlen("claim:"));
    if (!claim.len || !slice_starts(rest, claim) || rest.len <= claim.len + 1 || rest.ptr[claim.len] != '/')
        return false;
    rest = slice_from(rest, claim.len + 1);
    for (VALUE_EACH(mapping, AT(extended, PodExtendedResourceClaimStatus, requestMappings))) {
        const struct value *asked =
            value_get(AT(AT(container, Container, resources), ResourceRequirements, requests),
                      TEXT(mapping, ContainerExtendedResourceRequest, resourceName));
        struct quantity q = quantity_of(value_text(asked));
        if (slice_eq(TEXT(mapping, ContainerExtendedResourceRequest, containerName),
                     TEXT(container, Container, name)) &&
            slice_eq(TEXT(mapping, ContainerExtendedResourceRequest, requestName), rest) &&
            quantity_sign(&q) != 0)
            return true;
    }
    return false;
}

static void check_devices(struct status_check *s, const struct path *at, const struct value *resources)
{
    static const char *const health[] = {"Healthy", "Unhealthy", "Unknown", NULL};
    struct text_set ids = TEXT_SET(s->req->arena);
    for (size_t i = 0; i < value_count(resources); i++) {
        const struct value *device = value_item(resources, i), *message = value_get(device, SLICE("message"));
        const struct path *item = PATH_I(at, i);
        struct slice state = TEXT(device, ResourceHealth, health),
                     id = TEXT(device, ResourceHealth, resourceID);
        if (!slice_is(state, "Healthy") && !slice_is(state, "Unhealthy") && !slice_is(state, "Unknown"))
            causes_not_supported(s->c, PATH(item, "health"), state, health);
        if (value_is_set(message) && !value_text(message).len)
            causes_required(s->c, PATH(item, "message"), "must be non-empty if specified");
        if (!text_set_add(&ids, id))
            causes_duplicate(s->c, PATH(item, "resourceID"), id);
    }
}

static void check_allocated(struct status_check *s, const char *name, unsigned field,
                            const struct value *containers)
{
    const struct value *list = value_at(s->now, field);
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *status = value_item(list, i),
                           *all = AT(status, ContainerStatus, allocatedResourcesStatus);
        const struct value *container = by_name(containers, TEXT(status, ContainerStatus, name));
        for (size_t j = 0; j < value_count(all); j++) {
            struct slice resource = TEXT(value_item(all, j), ResourceStatus, name);
            const struct path *at = PATH_I(PATH(PATH_I(PATH(s->at, name), i), "allocatedResourcesStatus"), j);
            bool claim = slice_starts(resource, SLICE("claim:"));
            const struct value *asked =
                AT(AT(container, Container, resources), ResourceRequirements, requests);
            bool found = claim ? is_of_claim(container, resource) || is_of_extended(s, container, resource)
                               : value_is_set(value_get(asked, resource));
            if (value_is_set(container) && !found)
                causes_invalid_text(s->c, PATH(at, "name"), resource, "must match one of the container's %s",
                                    claim ? "resource claims" : "resource requests");
            check_devices(s, PATH(at, "resources"), AT(value_item(all, j), ResourceStatus, resources));
        }
    }
}

static void check_extended_claim(struct status_check *s, const struct path *at)
{
    const struct value *extended = AT(s->now, PodStatus, extendedResourceClaimStatus);
    const struct value *mappings = AT(extended, PodExtendedResourceClaimStatus, requestMappings);
    struct text_set seen = TEXT_SET(s->req->arena);
    if (!value_is_set(extended))
        return;
    if (!value_count(mappings))
        causes_required(s->c, PATH(at, "requestMappings"), "at least one request mapping is required");
    for (size_t i = 0; i < value_count(mappings); i++) {
        const struct value *mapping = value_item(mappings, i);
        const struct path *item = PATH_I(PATH(at, "requestMappings"), i);
        struct slice who = TEXT(mapping, ContainerExtendedResourceRequest, containerName);
        struct slice what = TEXT(mapping, ContainerExtendedResourceRequest, resourceName);
        struct slice request = TEXT(mapping, ContainerExtendedResourceRequest, requestName);
        const struct value *container = by_name(AT(s->spec, PodSpec, containers), who);
        if (!value_is_set(container))
            container = by_name(AT(s->spec, PodSpec, initContainers), who);
        if (!value_is_set(container))
            causes_invalid_text(s->c, PATH(item, "containerName"), who, "must match the name of a container");
        else if (!value_is_set(value_get(
                     AT(AT(container, Container, resources), ResourceRequirements, requests), what)))
            causes_invalid_text(s->c, PATH(item, "resourceName"), what,
                                "must match a resource that the container requests");
        check_name(s->c, PATH(at, "requestName"), request, name_check_label);
        if (!text_set_add(&seen, arena_slicef(s->req->arena, "%.*s\n%.*s\n%.*s", SLICE_ARG(who),
                                              SLICE_ARG(what), SLICE_ARG(request)))) {
            causes_duplicate(s->c, PATH(item, "containerName"), who);
            causes_duplicate(s->c, PATH(item, "resourceName"), what);
            causes_duplicate(s->c, PATH(item, "requestName"), request);
        }
    }
    const struct value *claim = AT(extended, PodExtendedResourceClaimStatus, resourceClaimName);
    if (need(s->c, at, "resourceClaimName", claim))
        check_name(s->c, PATH(at, "resourceClaimName"), value_text(claim), name_check_subdomain);
}

static void check_nominated(struct status_check *s)
{
    struct slice now = TEXT(s->now, PodStatus, nominatedNodeName),
                 old = TEXT(s->old, PodStatus, nominatedNodeName);
    const struct path *at = PATH(s->at, "nominatedNodeName");
    int64_t generation = value_int(AT(s->now, PodStatus, observedGeneration), 0);
    if (now.len && !slice_eq(now, old)) {
        check_name(s->c, at, now, name_check_subdomain);
        if (TEXT(s->spec, PodSpec, nodeName).len)
            causes_forbidden(s->c, at, "may not be set on pods that are already bound to a node");
    }
    if (generation < 0)
        causes_invalid_int(s->c, PATH(s->at, "observedGeneration"), generation,
                           "must be a non-negative integer");
}

static void check_no_allocated(struct status_check *s)
{
    const struct value *list = AT(s->now, PodStatus, ephemeralContainerStatuses);
    for (size_t i = 0; i < value_count(list); i++) {
        if (value_count(AT(value_item(list, i), ContainerStatus, allocatedResourcesStatus)))
            causes_forbidden(
                s->c, PATH(PATH_I(PATH(s->at, "ephemeralContainerStatuses"), i), "allocatedResourcesStatus"),
                "must not be specified in container status");
    }
}

void check_pod_status(struct kind_request *req, const struct value *pod, const struct value *old)
{
    const struct value *spec = AT(pod, Pod, spec);
    struct status_check s = {
        req, req->causes, spec, AT(pod, Pod, status), AT(old, Pod, status), PATH(NULL, "status")};
    struct pod_check p;
    pod_check_init(&p, req, spec, AT(pod, Pod, metadata), AT(old, Pod, spec), AT(old, Pod, metadata), false);
    check_annotation_update(&p, AT(old, Pod, metadata));
    check_conditions(&s);
    check_nominated(&s);
    check_immutable(s.c, PATH(s.at, "qosClass"), AT(s.now, PodStatus, qosClass),
                    AT(s.old, PodStatus, qosClass));
    check_ends(&s, "containerStatuses", core_v1_PodStatus_containerStatuses, AT(spec, PodSpec, containers));
    check_ends(&s, "initContainerStatuses", core_v1_PodStatus_initContainerStatuses,
               AT(spec, PodSpec, initContainers));
    check_ends(&s, "ephemeralContainerStatuses", core_v1_PodStatus_ephemeralContainerStatuses, &value_absent);
    check_claims(&s);
    check_extended_claim(&s, PATH(s.at, "extendedResourceClaimStatus"));
    check_ips(&s);
    check_users(&s, "containerStatuses", core_v1_PodStatus_containerStatuses);
    check_users(&s, "initContainerStatuses", core_v1_PodStatus_initContainerStatuses);
    check_users(&s, "ephemeralContainerStatuses", core_v1_PodStatus_ephemeralContainerStatuses);
    check_allocated(&s, "containerStatuses", core_v1_PodStatus_containerStatuses,
                    AT(spec, PodSpec, containers));
    check_allocated(&s, "initContainerStatuses", core_v1_PodStatus_initContainerStatuses,
                    AT(spec, PodSpec, initContainers));
    check_no_allocated(&s);
}
