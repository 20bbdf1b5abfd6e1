#include "apiserver/kinds/pod_parts.h"

#include "apiserver/kinds/ip.h"
#include "apiserver/kinds/shown.h"

/* ---- small shapes ---- */

bool set_to(const struct value *v, bool wanted)
{
    return v->kind == VALUE_BOOL && v->b == wanted;
}

bool is_sidecar(const struct value *container)
{
    return value_is(AT(container, Container, restartPolicy), "Always");
}

const struct value *annotation_of(const struct value *meta, const char *key)
{
    return value_get(value_at(meta, meta_v1_ObjectMeta_annotations), slice_str(key));
}

const struct value *annotation_with_suffix(struct arena *arena, const struct value *meta, const char *prefix,
                                           struct slice suffix)
{
    struct slice key = arena_slicef(arena, "%s%.*s", prefix, SLICE_ARG(suffix));
    return value_get(value_at(meta, meta_v1_ObjectMeta_annotations), key);
}

void each_container(const struct value *spec, const struct path *at, container_visit visit, void *arg)
{
    static const struct {
        const char *name;
        unsigned field;
    } lists[] = {{"initContainers", core_v1_PodSpec_initContainers},
                 {"containers", core_v1_PodSpec_containers},
                 {"ephemeralContainers", core_v1_PodSpec_ephemeralContainers}};
    for (size_t l = 0; l < 3; l++) {
        const struct value *list = value_at(spec, lists[l].field);
        for (size_t i = 0; i < value_count(list); i++)
            visit(arg, value_item(list, i), PATH_I(PATH(at, lists[l].name), i));
    }
}

bool need(struct causes *c, const struct path *at, const char *name, const struct value *v)
{
    if (value_text(v).len)
        return true;
    causes_required(c, PATH(at, name), "");
    return false;
}

void check_no_backsteps(struct causes *c, const struct path *at, struct slice path)
{
    struct slice rest = path, part;
    while (slice_split(&rest, '/', &part)) {
        if (slice_is(part, "..")) {
            causes_invalid_text(c, at, path, "must not contain '..'");
            return;
        }
    }
}

void check_descending_path(struct causes *c, const struct path *at, struct slice path)
{
    if (path.len && path.ptr[0] == '/')
        causes_invalid_text(c, at, path, "must be a relative path");
    check_no_backsteps(c, at, path);
}

void check_local_path(struct causes *c, const struct path *at, struct slice path)
{
    check_descending_path(c, at, path);
    if (slice_starts(path, SLICE("..")) && !slice_starts(path, SLICE("../")))
        causes_invalid_text(c, at, path, "must not start with '..'");
}

void check_file_mode(struct causes *c, const struct path *at, const struct value *mode, int64_t max)
{
    int64_t n = value_int(mode, 0);
    if (n < 0 || n > max)
        causes_invalid_int(c, at, n, "must be between 0 and 0%llo (octal)", (unsigned long long)max);
}

void check_user_id(struct causes *c, const struct path *at, const struct value *id)
{
    if (value_is_set(id))
        check_range(c, at, value_int(id, 0), 0, INT32_MAX);
}

void check_pull_policy(struct causes *c, const struct path *at, const struct value *policy)
{
    static const char *const policies[] = {"Always", "IfNotPresent", "Never", NULL};
    check_enum(c, at, policy, policies, true);
}

/* ---- parts of the spec that are small ---- */

static void check_resource_claims(struct pod_check *p, const struct path *at)
{
    const struct value *claims = AT(p->spec, PodSpec, resourceClaims);
    struct text_set names = TEXT_SET(p->arena);
    for (size_t i = 0; i < value_count(claims); i++) {
        const struct value *claim = value_item(claims, i);
        const struct path *item = PATH_I(at, i);
        struct slice name = TEXT(claim, PodResourceClaim, name);
        const struct value *by_name = AT(claim, PodResourceClaim, resourceClaimName);
        const struct value *by_template = AT(claim, PodResourceClaim, resourceClaimTemplateName);
        if (value_is_set(annotation_of(p->meta, "kubernetes.io/config.mirror"))) {
            causes_forbidden(p->c, WHOLE, "static pods cannot have resource claims");
            continue;
        }
        if (!name.len)
            causes_required(p->c, PATH(item, "name"), "");
        else if (!text_set_add(&names, name))
            causes_duplicate(p->c, PATH(item, "name"), name);
        else
            check_name(p->c, PATH(item, "name"), name, name_check_label);
        if (value_is_set(by_name) == value_is_set(by_template))
            causes_invalid_shown(
                p->c, item, shown_record(p->arena, claim),
                value_is_set(by_name)
                    ? "`resourceClaimName` and `resourceClaimTemplateName` exclude each other"
                    : "must have `resourceClaimName` or `resourceClaimTemplateName`");
        if (value_is_set(by_name))
            check_name(p->c, PATH(item, "resourceClaimName"), value_text(by_name), name_check_subdomain);
        if (value_is_set(by_template))
            check_name(p->c, PATH(item, "resourceClaimTemplateName"), value_text(by_template),
                       name_check_subdomain);
    }
}

static void check_host_ports(struct pod_check *p, const struct path *spec_at)
{
    if (!value_bool(AT(p->spec, PodSpec, hostNetwork)))
        return;
    const struct value *containers = AT(p->spec, PodSpec, containers);
    for (size_t i = 0; i < value_count(containers); i++) {
        const struct value *ports = AT(value_item(containers, i), Container, ports);
        for (size_t j = 0; j < value_count(ports); j++) {
            int64_t host = value_int(AT(value_item(ports, j), ContainerPort, hostPort), 0);
            int64_t port = value_int(AT(value_item(ports, j), ContainerPort, containerPort), 0);
            /* A template may leave it out: it is filled in when the pod is made. */
            if (host != port && (host != 0 || !p->is_template)) {
                const struct path *at = PATH_I(PATH(PATH_I(PATH(spec_at, "containers"), i), "ports"), j);
                causes_invalid_int(p->c, PATH(at, "hostPort"), host,
                                   "must match `containerPort` when `hostNetwork` is true");
            }
        }
    }
}

static void check_dns_searches(struct pod_check *p, const struct path *at, const struct value *searches)
{
    size_t total = 0;
    for (VALUE_EACH(search, searches))
        total += value_text(search).len + 1;
    if (value_count(searches) > 32)
        causes_invalid(p->c, at, searches, "must not have more than 32 search paths");
    if (total > 2048 + 1)
        causes_invalid(p->c, at, searches, "must not have more than 2048 characters, spaces counted");
    for (size_t i = 0; i < value_count(searches); i++) {
        struct slice search = value_text(value_item(searches, i));
        if (slice_is(search, "."))
            continue;
        if (slice_ends(search, SLICE(".")))
            search.len--;
        check_name(p->c, PATH_I(at, i), search, name_check_subdomain_with_underscore);
    }
}

static void check_dns_config(struct pod_check *p, const struct path *at)
{
    const struct value *config = AT(p->spec, PodSpec, dnsConfig);
    const struct value *servers = AT(config, PodDNSConfig, nameservers);
    if (value_is(AT(p->spec, PodSpec, dnsPolicy), "None")) {
        if (!value_is_set(config)) {
            causes_required(p->c, at, "must provide `dnsConfig` when `dnsPolicy` is None");
            return;
        }
        if (!value_count(servers)) {
            causes_required(p->c, PATH(at, "nameservers"), "must have a nameserver when `dnsPolicy` is None");
            return;
        }
    }
    if (value_count(servers) > 3)
        causes_invalid(p->c, PATH(at, "nameservers"), servers, "must not have more than 3 nameservers");
    for (size_t i = 0; i < value_count(servers); i++)
        check_ip_legacy(p->c, PATH_I(PATH(at, "nameservers"), i), value_text(value_item(servers, i)), NULL);
    check_dns_searches(p, PATH(at, "searches"), AT(config, PodDNSConfig, searches));
    const struct value *options = AT(config, PodDNSConfig, options);
    for (size_t i = 0; i < value_count(options); i++) {
        if (!TEXT(value_item(options, i), PodDNSConfigOption, name).len)
            causes_required(p->c, PATH_I(PATH(at, "options"), i), "must not be empty");
    }
}

static void check_gates(struct pod_check *p, const struct path *spec_at)
{
    const struct value *ready = AT(p->spec, PodSpec, readinessGates),
                       *gates = AT(p->spec, PodSpec, schedulingGates);
    for (size_t i = 0; i < value_count(ready); i++)
        check_name(p->c, PATH(PATH_I(PATH(spec_at, "readinessGates"), i), "conditionType"),
                   TEXT(value_item(ready, i), PodReadinessGate, conditionType), name_check_qualified);
    struct text_set seen = TEXT_SET(p->arena);
    for (size_t i = 0; i < value_count(gates); i++) {
        struct slice name = TEXT(value_item(gates, i), PodSchedulingGate, name);
        const struct path *at = PATH_I(PATH(spec_at, "schedulingGates"), i);
        check_name(p->c, at, name, name_check_qualified);
        if (!text_set_add(&seen, name))
            causes_duplicate(p->c, at, name);
    }
}

static void forbid_volume_devices(void *arg, const struct value *container, const struct path *at)
{
    struct pod_check *p = arg;
    if (value_count(AT(container, Container, volumeDevices)))
        causes_forbidden(p->c, PATH(at, "volumeDevices"), "when `hostUsers` is false");
}

static void check_host_users(struct pod_check *p, const struct path *at)
{
    if (p->host_users)
        return;
    if (!p->host_network_with_users && value_bool(AT(p->spec, PodSpec, hostNetwork)))
        causes_forbidden(p->c, PATH(at, "hostNetwork"), "when `hostUsers` is false");
    if (value_bool(AT(p->spec, PodSpec, hostPID)))
        causes_forbidden(p->c, PATH(at, "HostPID"), "when `hostUsers` is false");
    if (value_bool(AT(p->spec, PodSpec, hostIPC)))
        causes_forbidden(p->c, PATH(at, "HostIPC"), "when `hostUsers` is false");
    if (!p->any_volume_devices)
        each_container(p->spec, at, forbid_volume_devices, p);
}

static void check_hostname_override(struct pod_check *p, const struct path *spec_at)
{
    const struct value *override = AT(p->spec, PodSpec, hostnameOverride);
    const struct path *at = PATH(spec_at, "hostnameOverride");
    if (!value_is_set(override))
        return;
    if (set_to(AT(p->spec, PodSpec, setHostnameAsFQDN), true))
        causes_forbidden(p->c, at, "excludes setHostnameAsFQDN");
    if (value_bool(AT(p->spec, PodSpec, hostNetwork)))
        causes_forbidden(p->c, at, "excludes hostNetwork");
    if (value_text(override).len > 64)
        causes_too_long(p->c, at, 64);
    check_name(p->c, at, value_text(override), name_check_subdomain);
}

static void check_names(struct pod_check *p, const struct path *at)
{
    struct slice account = TEXT(p->spec, PodSpec, serviceAccountName),
                 old = TEXT(p->spec, PodSpec, serviceAccount);
    if (account.len)
        check_name(p->c, PATH(at, "serviceAccountName"), account, name_check_subdomain);
    if (!slice_eq(account, old))
        causes_invalid_text(p->c, PATH(at, "deprecatedServiceAccount"), old,
                            "must be the same as serviceAccountName");
    if (TEXT(p->spec, PodSpec, nodeName).len)
        check_name(p->c, PATH(at, "nodeName"), TEXT(p->spec, PodSpec, nodeName), name_check_subdomain);
    const struct value *deadline = AT(p->spec, PodSpec, activeDeadlineSeconds);
    if (value_is_set(deadline))
        check_range(p->c, PATH(at, "activeDeadlineSeconds"), value_int(deadline, 0), 1, INT32_MAX);
    if (TEXT(p->spec, PodSpec, hostname).len)
        check_name(p->c, PATH(at, "hostname"), TEXT(p->spec, PodSpec, hostname), name_check_label);
    if (TEXT(p->spec, PodSpec, subdomain).len)
        check_name(p->c, PATH(at, "subdomain"), TEXT(p->spec, PodSpec, subdomain), name_check_label);
}

static void check_host_aliases(struct pod_check *p, const struct path *at)
{
    const struct value *aliases = AT(p->spec, PodSpec, hostAliases);
    for (size_t i = 0; i < value_count(aliases); i++) {
        const struct value *alias = value_item(aliases, i), *names = AT(alias, HostAlias, hostnames);
        check_ip_legacy(p->c, PATH(PATH_I(at, i), "ip"), TEXT(alias, HostAlias, ip), NULL);
        for (size_t j = 0; j < value_count(names); j++)
            check_name(p->c, PATH_I(PATH(PATH_I(at, i), "hostnames"), j), value_text(value_item(names, j)),
                       name_check_subdomain);
    }
}

void check_resource_list_overhead(struct kind_request *req, const struct path *at,
                                  const struct value *resources)
{
    struct resource_rules rules = {check_container_resource_name, false};
    check_requests_and_limits(req->causes, at, &value_absent, resources, &rules);
}

static void check_classes(struct pod_check *p, const struct path *at)
{
    static const char *const preemption[] = {"PreemptLowerPriority", "Never", NULL};
    if (TEXT(p->spec, PodSpec, priorityClassName).len)
        check_name(p->c, PATH(at, "priorityClassName"), TEXT(p->spec, PodSpec, priorityClassName),
                   name_check_subdomain);
    const struct value *runtime = AT(p->spec, PodSpec, runtimeClassName);
    if (value_is_set(runtime))
        check_name(p->c, PATH(at, "runtimeClassName"), value_text(runtime), name_check_subdomain);
    const struct value *policy = AT(p->spec, PodSpec, preemptionPolicy);
    if (value_is_set(policy))
        check_enum(p->c, PATH(at, "preemptionPolicy"), policy, preemption, true);
    struct resource_rules rules = {check_container_resource_name, p->any_hugepages};
    check_requests_and_limits(p->c, PATH(at, "overhead"), &value_absent, AT(p->spec, PodSpec, overhead),
                              &rules);
}

static void check_scheduling_group(struct pod_check *p, const struct path *at)
{
    const struct value *group = AT(p->spec, PodSpec, schedulingGroup);
    const struct value *name = AT(group, PodSchedulingGroup, podGroupName);
    if (!value_is_set(group))
        return;
    if (!value_is_set(name))
        causes_invalid_shown(p->c, PATH(at, "podGroupName"), "null", "must specify one of: `podGroupName`");
    else
        check_name(p->c, PATH(at, "podGroupName"), value_text(name), name_check_subdomain);
}

void check_spec(struct pod_check *p, const struct path *at)
{
    static const char *const restart[] = {"Always", "OnFailure", "Never", NULL};
    static const char *const dns[] = {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None", NULL};
    const struct value *spec = p->spec;
    if (!value_is_set(AT(spec, PodSpec, terminationGracePeriodSeconds)))
        causes_required(p->c, PATH(at, "terminationGracePeriodSeconds"), "");
    check_volumes(p, PATH(at, "volumes"));
    check_resource_claims(p, PATH(at, "resourceClaims"));
    check_containers(p, at);
    check_pod_level_resources(p, at);
    check_host_ports(p, at);
    check_enum(p->c, PATH(at, "restartPolicy"), AT(spec, PodSpec, restartPolicy), restart, true);
    check_enum(p->c, PATH(at, "dnsPolicy"), AT(spec, PodSpec, dnsPolicy), dns, true);
    check_labels(p->c, PATH(at, "nodeSelector"), AT(spec, PodSpec, nodeSelector));
    check_pod_security(p, PATH(at, "securityContext"));
    const struct value *share = AT(spec, PodSpec, shareProcessNamespace);
    if (set_to(share, true) && value_bool(AT(spec, PodSpec, hostPID)))
        causes_invalid(p->c, PATH(at, "shareProcessNamespace"), share, "excludes hostPID");
    check_affinity(p, PATH(at, "affinity"));
    check_dns_config(p, PATH(at, "dnsConfig"));
    check_gates(p, at);
    check_spread(p, PATH(at, "topologySpreadConstraints"));
    check_host_process(p, at);
    check_host_users(p, at);
    check_hostname_override(p, at);
    check_names(p, at);
    check_tolerations_of(p->c, PATH(at, "tolerations"), AT(spec, PodSpec, tolerations), p->taint_comparison);
    check_host_aliases(p, PATH(at, "hostAliases"));
    check_classes(p, at);
    check_os(p, at);
    check_scheduling_group(p, PATH(at, "schedulingGroup"));
    check_env_files(p, at);
}

/* ---- for others ---- */

void check_pod_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                    const struct value *meta, const struct value *old_spec, bool is_template)
{
    struct pod_check p;
    pod_check_init(&p, req, spec, meta, old_spec, NULL, is_template);
    check_spec(&p, at);
}

void check_pod_template_spec(struct kind_request *req, const struct path *at, const struct value *template,
                             const struct value *old)
{
    const struct value *meta = AT(template, PodTemplateSpec, metadata),
                       *spec = AT(template, PodTemplateSpec, spec);
    bool updates = old && value_is_set(old);
    struct pod_check p;
    pod_check_init(&p, req, spec, meta, updates ? AT(old, PodTemplateSpec, spec) : NULL,
                   updates ? AT(old, PodTemplateSpec, metadata) : NULL, true);
    const struct value *annotations = value_at(meta, meta_v1_ObjectMeta_annotations);
    check_labels(p.c, PATH(at, "labels"), value_at(meta, meta_v1_ObjectMeta_labels));
    check_annotations(p.c, PATH(at, "annotations"), annotations);
    check_pod_annotations(&p, PATH(at, "annotations"));
    p.meta =
        &value_absent; /* the pod's name is not known yet, and rules of static pods are not for templates */
    check_spec(&p, PATH(at, "spec"));
    p.meta = meta;
    check_seccomp_against_annotations(&p, PATH(at, "spec"));
    check_app_armor_against_annotations(&p, PATH(at, "spec"));
    if (value_count(AT(spec, PodSpec, ephemeralContainers)))
        causes_forbidden(p.c, PATH(PATH(at, "spec"), "ephemeralContainers"),
                         "a pod template has no ephemeral containers");
}

void pod_template_drop_disabled(struct value *template, const struct value *old)
{
    struct value *spec =
        template->kind == VALUE_RECORD ? value_mut(template, core_v1_PodTemplateSpec_spec) : NULL;
    if (spec)
        pod_drop_disabled(spec, old ? AT(old, PodTemplateSpec, spec) : &value_absent);
}

void pod_template_warn(struct kind_request *req, const struct path *at, const struct value *template,
                       const struct value *old)
{
    pod_spec_warn(req, at, AT(template, PodTemplateSpec, spec), AT(template, PodTemplateSpec, metadata),
                  true);
}

bool pod_is_finished(const struct value *pod)
{
    const struct value *phase = AT(AT(pod, Pod, status), PodStatus, phase);
    return value_is(phase, "Succeeded") || value_is(phase, "Failed");
}
