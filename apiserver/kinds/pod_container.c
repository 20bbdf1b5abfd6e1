#include "apiserver/kinds/pod_parts.h"

#include "apiserver/kinds/shown.h"

/* Containers of the three kinds: what they share, and what each may have. */

static void check_ports(struct pod_check *p, const struct path *at, const struct value *ports)
{
    static const char *const protocols[] = {"SCTP", "TCP", "UDP", NULL};
    struct text_set names = TEXT_SET(p->arena);
    for (size_t i = 0; i < value_count(ports); i++) {
        const struct value *port = value_item(ports, i);
        const struct path *item = PATH_I(at, i);
        struct slice name = TEXT(port, ContainerPort, name);
        int64_t number = value_int(AT(port, ContainerPort, containerPort), 0);
        int64_t host = value_int(AT(port, ContainerPort, hostPort), 0);
        size_t before = p->c->count;
        if (name.len) {
            check_name(p->c, PATH(item, "name"), name, name_check_port_name);
            if (p->c->count == before && !text_set_add(&names, name))
                causes_duplicate(p->c, PATH(item, "name"), name);
        }
        if (number == 0)
            causes_required(p->c, PATH(item, "containerPort"), "");
        else
            check_port(p->c, PATH(item, "containerPort"), number);
        if (host != 0)
            check_port(p->c, PATH(item, "hostPort"), host);
        check_enum(p->c, PATH(item, "protocol"), AT(port, ContainerPort, protocol), protocols, true);
    }
}

struct claim_names {
    struct pod_check *p;
    struct text_set pod, claims,
        requests; /* of the pod; named whole or with a request: "claim", "claim/request", "claim/" */
};

/* A claim may be named once as a whole, or once per request. */
static void check_claim_once(struct claim_names *n, const struct path *at, struct slice name,
                             struct slice request)
{
    struct causes *c = n->p->c;
    struct slice any = arena_slicef(n->p->arena, "%.*s/", SLICE_ARG(name)); /* some request of it is named */
    if (text_set_has(&n->claims, name)) {
        causes_duplicate(c, at, name);
        return;
    }
    struct slice key = name;
    if (request.len) {
        check_name(c, PATH(at, "request"), request, name_check_label);
        key = arena_slicef(n->p->arena, "%.*s/%.*s", SLICE_ARG(name), SLICE_ARG(request));
        text_set_add(&n->requests, any);
    } else if (text_set_has(&n->requests, any)) {
        causes_duplicate(c, at, name);
    }
    if (!text_set_add(&n->claims, key))
        causes_duplicate(c, at, key);
}

static void check_claims(struct pod_check *p, const struct path *at, const struct value *claims)
{
    struct claim_names n = {p, TEXT_SET(p->arena), TEXT_SET(p->arena), TEXT_SET(p->arena)};
    if (!value_count(claims))
        return;
    for (VALUE_EACH(claim, AT(p->spec, PodSpec, resourceClaims)))
        text_set_add(&n.pod, TEXT(claim, PodResourceClaim, name));
    for (size_t i = 0; i < value_count(claims); i++) {
        struct slice name = TEXT(value_item(claims, i), ResourceClaim, name);
        const struct path *item = PATH_I(at, i);
        if (!name.len) {
            causes_required(p->c, item, "");
            continue;
        }
        check_claim_once(&n, item, name, TEXT(value_item(claims, i), ResourceClaim, request));
        if (!text_set_has(&n.pod, name))
            causes_not_found(p->c, item, name);
    }
}

void check_resources(struct pod_check *p, const struct path *at, const struct value *resources)
{
    struct resource_rules rules = {check_container_resource_name, p->any_hugepages};
    check_requests_and_limits(p->c, at, AT(resources, ResourceRequirements, requests),
                              AT(resources, ResourceRequirements, limits), &rules);
    check_claims(p, PATH(at, "claims"), AT(resources, ResourceRequirements, claims));
}

static void check_resize_policy(struct pod_check *p, const struct path *at, const struct value *list)
{
    static const char *const resources[] = {"cpu", "memory", NULL};
    static const char *const policies[] = {"NotRequired", "RestartContainer", NULL};
    struct text_set seen = TEXT_SET(p->arena);
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *item = value_item(list, i);
        const struct value *restart = AT(item, ContainerResizePolicy, restartPolicy);
        struct slice name = TEXT(item, ContainerResizePolicy, resourceName);
        if (!text_set_add(&seen, name))
            causes_duplicate(p->c, PATH_I(at, i), name);
        check_enum(p->c, at, AT(item, ContainerResizePolicy, resourceName), resources, true);
        check_enum(p->c, at, restart, policies, true);
        if (value_is(AT(p->spec, PodSpec, restartPolicy), "Never") && !value_is(restart, "NotRequired"))
            causes_invalid_text(p->c, at, value_text(restart),
                                "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
    }
}

static void check_common(struct pod_check *p, const struct path *at, const struct value *container)
{
    static const char *const messages[] = {"File", "FallbackToLogsOnError", NULL};
    if (need(p->c, at, "name", AT(container, Container, name)))
        check_name(p->c, PATH(at, "name"), TEXT(container, Container, name), name_check_label);
    need(p->c, at, "image", AT(container, Container, image));
    check_enum(p->c, PATH(at, "terminationMessagePolicy"), AT(container, Container, terminationMessagePolicy),
               messages, true);
    check_ports(p, PATH(at, "ports"), AT(container, Container, ports));
    check_env(p, at, container);
    check_mounts(p, at, container);
    check_pull_policy(p->c, PATH(at, "imagePullPolicy"), AT(container, Container, imagePullPolicy));
    check_resources(p, PATH(at, "resources"), AT(container, Container, resources));
    check_resize_policy(p, PATH(at, "resizePolicy"), AT(container, Container, resizePolicy));
    check_security(p, PATH(at, "securityContext"), AT(container, Container, securityContext));
}

static void check_restart_rule(struct causes *c, const struct path *at, const struct value *rule)
{
    static const char *const actions[] = {"Restart", "RestartAllContainers", NULL};
    static const char *const operators[] = {"In", "NotIn", NULL};
    const struct value *codes = AT(rule, ContainerRestartRule, exitCodes);
    struct slice action = TEXT(rule, ContainerRestartRule, action);
    struct slice operator= TEXT(codes, ContainerRestartRuleOnExitCodes, operator);
    const struct value *values = AT(codes, ContainerRestartRuleOnExitCodes, values);
    if (!slice_is(action, "Restart") && !slice_is(action, "RestartAllContainers"))
        causes_not_supported(c, PATH(at, "action"), action, actions);
    if (!value_is_set(codes)) {
        causes_required(c, PATH(at, "exitCodes"), "must be specified");
        return;
    }
    if (!slice_is(operator, "In") && !slice_is(operator, "NotIn"))
        causes_not_supported(c, PATH(PATH(at, "exitCodes"), "operator"), operator, operators);
    if (value_count(values) > 255)
        causes_too_many(c, PATH(PATH(at, "exitCodes"), "values"), (int64_t)value_count(values), 255);
}

static void check_restart_policy(struct causes *c, const struct path *at, const struct value *container)
{
    static const char *const policies[] = {"Always", "Never", "OnFailure", NULL};
    const struct value *policy = AT(container, Container, restartPolicy);
    const struct value *rules = AT(container, Container, restartPolicyRules);
    if (!value_is_set(policy)) {
        if (!value_count(rules))
            return;
        causes_required(c, PATH(at, "restartPolicy"), "restart rules need a restartPolicy");
    } else if (!value_is(policy, "Always") && !value_is(policy, "Never") && !value_is(policy, "OnFailure")) {
        causes_not_supported(c, PATH(at, "restartPolicy"), value_text(policy), policies);
    }
    if (value_count(rules) > 20)
        causes_too_many(c, PATH(at, "restartPolicyRules"), (int64_t)value_count(rules), 20);
    for (size_t i = 0; i < value_count(rules); i++)
        check_restart_rule(c, PATH_I(PATH(at, "restartPolicyRules"), i), value_item(rules, i));
}

/* Of several containers whose ports live together; `list_at` is the path of the list whose first item is
 * *first. */
static void check_host_port_conflicts(struct pod_check *p, const struct path *list_at,
                                      const struct value *first, size_t count)
{
    struct text_set seen = TEXT_SET(p->arena);
    for (size_t i = 0; i < count; i++) {
        const struct value *ports = AT(&first[i], Container, ports);
        for (size_t j = 0; j < value_count(ports); j++) {
            const struct value *port = value_item(ports, j);
            int64_t host = value_int(AT(port, ContainerPort, hostPort), 0);
            if (host == 0)
                continue;
            struct slice key =
                arena_slicef(p->arena, "%.*s/%.*s/%lld", SLICE_ARG(TEXT(port, ContainerPort, protocol)),
                             SLICE_ARG(TEXT(port, ContainerPort, hostIP)), (long long)host);
            if (!text_set_add(&seen, key))
                causes_duplicate(p->c, PATH(PATH_I(PATH(PATH_I(list_at, i), "ports"), j), "hostPort"), key);
        }
    }
}

static void check_regular(struct pod_check *p, const struct path *at, struct text_set *names)
{
    const struct value *list = AT(p->spec, PodSpec, containers);
    if (!value_count(list)) {
        causes_required(p->c, at, "");
        return;
    }
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *container = value_item(list, i), *lifecycle = AT(container, Container, lifecycle);
        const struct path *item = PATH_I(at, i);
        check_common(p, item, container);
        if (!text_set_add(names, TEXT(container, Container, name)))
            causes_duplicate(p->c, PATH(item, "name"), TEXT(container, Container, name));
        if (value_is_set(lifecycle))
            check_lifecycle(p, PATH(item, "lifecycle"), lifecycle);
        check_probes(p, item, container);
        check_restart_policy(p->c, item, container);
    }
    check_host_port_conflicts(p, at, list->list->items, value_count(list));
}

static void forbid_field(struct pod_check *p, const struct path *at, const char *name, const struct value *v)
{
    if (value_is_set(v))
        causes_forbidden(p->c, PATH(at, name), "an init container needs restartPolicy=Always for it");
}

static void check_init_extras(struct pod_check *p, const struct path *at, const struct value *container)
{
    const struct value *policies = AT(container, Container, resizePolicy);
    const struct value *lifecycle = AT(container, Container, lifecycle);
    if (is_sidecar(container)) {
        if (value_is_set(lifecycle))
            check_lifecycle(p, PATH(at, "lifecycle"), lifecycle);
        check_probes(p, at, container);
        return;
    }
    forbid_field(p, at, "lifecycle", lifecycle);
    forbid_field(p, at, "livenessProbe", AT(container, Container, livenessProbe));
    forbid_field(p, at, "readinessProbe", AT(container, Container, readinessProbe));
    forbid_field(p, at, "startupProbe", AT(container, Container, startupProbe));
    for (size_t i = 0; i < value_count(policies) && !p->restart_container_in_init; i++) {
        const struct value *restart = AT(value_item(policies, i), ContainerResizePolicy, restartPolicy);
        if (value_is(restart, "RestartContainer"))
            causes_invalid_text(p->c, PATH(PATH_I(PATH(at, "resizePolicy"), i), "restartPolicy"),
                                value_text(restart), "an init container needs restartPolicy=Always for it");
    }
}

static void check_init(struct pod_check *p, const struct path *at, struct text_set *names)
{
    const struct value *list = AT(p->spec, PodSpec, initContainers);
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *container = value_item(list, i);
        const struct path *item = PATH_I(at, i);
        struct slice name = TEXT(container, Container, name);
        check_common(p, item, container);
        check_restart_policy(p->c, item, container);
        if (text_set_has(names, name))
            causes_duplicate(p->c, PATH(item, "name"), name);
        else if (name.len)
            text_set_add(names, name);
        /* They run one by one, so that each is alone with its ports; the path is that of the list, as
         * upstream has it. */
        check_host_port_conflicts(p, at, container, 1);
        check_init_extras(p, item, container);
    }
}

void check_trimmed_images(struct causes *c, const struct path *at, const struct value *containers)
{
    for (size_t i = 0; i < value_count(containers); i++) {
        struct slice image = TEXT(value_item(containers, i), Container, image);
        if (image.len &&
            (strchr(" \t\n\v\f\r", image.ptr[0]) || strchr(" \t\n\v\f\r", image.ptr[image.len - 1])))
            causes_invalid_text(c, PATH(PATH_I(at, i), "image"), image,
                                "must not have leading or trailing whitespace");
    }
}

/* Fields in upstream's order of the Go struct; what may be set in an ephemeral container is not among them.
 */
static void check_ephemeral_fields(struct pod_check *p, const struct path *at, const struct value *container)
{
    static const struct {
        const char *name;
        unsigned field;
    } banned[] = {{"ports", core_v1_Container_ports},
                  {"resources", core_v1_Container_resources},
                  {"resizePolicy", core_v1_Container_resizePolicy},
                  {"restartPolicy", core_v1_Container_restartPolicy},
                  {"restartPolicyRules", core_v1_Container_restartPolicyRules},
                  {"livenessProbe", core_v1_Container_livenessProbe},
                  {"readinessProbe", core_v1_Container_readinessProbe},
                  {"startupProbe", core_v1_Container_startupProbe},
                  {"lifecycle", core_v1_Container_lifecycle}};
    for (size_t i = 0; i < sizeof banned / sizeof *banned; i++) {
        if (value_is_set(value_at(container, banned[i].field)))
            causes_forbidden(p->c, PATH(at, banned[i].name), "cannot be set for an Ephemeral Container");
    }
    const struct value *mounts = AT(container, Container, volumeMounts);
    for (size_t i = 0; i < value_count(mounts); i++) {
        const struct path *mount = PATH_I(PATH(at, "volumeMounts"), i);
        if (TEXT(value_item(mounts, i), VolumeMount, subPath).len)
            causes_forbidden(p->c, PATH(mount, "subPath"), "cannot be set for an Ephemeral Container");
        if (TEXT(value_item(mounts, i), VolumeMount, subPathExpr).len)
            causes_forbidden(p->c, PATH(mount, "subPathExpr"), "cannot be set for an Ephemeral Container");
    }
}

static void check_trimmed(struct causes *c, const struct path *at, struct slice image)
{
    if (image.len && (strchr(" \t\n\v\f\r", image.ptr[0]) || strchr(" \t\n\v\f\r", image.ptr[image.len - 1])))
        causes_invalid_text(c, PATH(at, "image"), image, "must not have leading or trailing whitespace");
}

static void check_ephemeral(struct pod_check *p, const struct path *at)
{
    const struct value *list = AT(p->spec, PodSpec, ephemeralContainers);
    struct text_set others = TEXT_SET(p->arena), all = TEXT_SET(p->arena);
    if (!value_count(list))
        return;
    for (VALUE_EACH(container, AT(p->spec, PodSpec, containers)))
        text_set_add(&others, TEXT(container, Container, name)),
            text_set_add(&all, TEXT(container, Container, name));
    for (VALUE_EACH(init, AT(p->spec, PodSpec, initContainers)))
        text_set_add(&others, TEXT(init, Container, name)), text_set_add(&all, TEXT(init, Container, name));
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *container = value_item(list, i);
        const struct path *item = PATH_I(at, i);
        struct slice target = TEXT(container, EphemeralContainer, targetContainerName);
        check_common(p, item, container);
        check_trimmed(p->c, item, TEXT(container, Container, image));
        if (!text_set_add(&all, TEXT(container, Container, name)))
            causes_duplicate(p->c, PATH(item, "name"), TEXT(container, Container, name));
        if (target.len && !text_set_has(&others, target))
            causes_not_found(p->c, PATH(item, "targetContainerName"), target);
        check_ephemeral_fields(p, item, container);
    }
}

void check_containers(struct pod_check *p, const struct path *spec_at)
{
    struct text_set names = TEXT_SET(p->arena);
    check_regular(p, PATH(spec_at, "containers"), &names);
    check_init(p, PATH(spec_at, "initContainers"), &names);
    check_ephemeral(p, PATH(spec_at, "ephemeralContainers"));
}
