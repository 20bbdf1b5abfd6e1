#include "apiserver/kinds/pod_parts.h"

/* What an object that is there already may keep although a new one with it is refused. */

static bool any_pages_in(const struct value *list)
{
    for (VALUE_EACH_ENTRY(entry, list)) {
        if (resource_is_hugepages(entry->key) && !hugepages_are_whole(entry->key, &entry->value))
            return true;
    }
    return false;
}

static void look_at_container(void *arg, const struct value *container, const struct path *at)
{
    struct pod_check *p = arg;
    const struct value *resources = AT(container, Container, resources);
    const struct value *security = AT(container, Container, securityContext);
    if (any_pages_in(AT(resources, ResourceRequirements, requests)) ||
        any_pages_in(AT(resources, ResourceRequirements, limits)))
        p->any_hugepages = true;
    if (value_count(AT(container, Container, volumeDevices)) && !p->host_users)
        p->any_volume_devices = true;
    if (!set_to(AT(security, SecurityContext, allowPrivilegeEscalation), true)) {
        for (VALUE_EACH(capability, AT(AT(security, SecurityContext, capabilities), Capabilities, add)))
            p->any_sys_admin |= value_is(capability, "CAP_SYS_ADMIN");
    }
}

static bool selector_is_odd(const struct value *selector)
{
    for (VALUE_EACH(expression, value_at(selector, meta_v1_LabelSelector_matchExpressions))) {
        for (VALUE_EACH(text, value_at(expression, meta_v1_LabelSelectorRequirement_values))) {
            if (name_check_label_value(value_text(text)))
                return true;
        }
    }
    return false;
}

static bool term_is_odd(const struct value *term)
{
    return selector_is_odd(AT(term, PodAffinityTerm, labelSelector)) ||
           selector_is_odd(AT(term, PodAffinityTerm, namespaceSelector));
}

static bool terms_are_odd(const struct value *required, const struct value *preferred)
{
    for (VALUE_EACH(term, required)) {
        if (term_is_odd(term))
            return true;
    }
    for (VALUE_EACH(weighted, preferred)) {
        if (term_is_odd(AT(weighted, WeightedPodAffinityTerm, podAffinityTerm)))
            return true;
    }
    return false;
}

static bool node_values_are_odd(const struct value *selector)
{
    for (VALUE_EACH(term, AT(selector, NodeSelector, nodeSelectorTerms))) {
        for (VALUE_EACH(expression, AT(term, NodeSelectorTerm, matchExpressions))) {
            for (VALUE_EACH(text, AT(expression, NodeSelectorRequirement, values))) {
                if (name_check_label_value(value_text(text)))
                    return true;
            }
        }
    }
    return false;
}

static void look_at_affinity(struct pod_check *p, const struct value *spec)
{
    const struct value *affinity = AT(spec, PodSpec, affinity), *node = AT(affinity, Affinity, nodeAffinity);
    const struct value *with = AT(affinity, Affinity, podAffinity),
                       *against = AT(affinity, Affinity, podAntiAffinity);
    p->any_selector_value =
        terms_are_odd(AT(with, PodAffinity, requiredDuringSchedulingIgnoredDuringExecution),
                      AT(with, PodAffinity, preferredDuringSchedulingIgnoredDuringExecution)) ||
        terms_are_odd(AT(against, PodAntiAffinity, requiredDuringSchedulingIgnoredDuringExecution),
                      AT(against, PodAntiAffinity, preferredDuringSchedulingIgnoredDuringExecution));
    p->any_node_value =
        node_values_are_odd(AT(node, NodeAffinity, requiredDuringSchedulingIgnoredDuringExecution));
    p->old_spread_keys = spread_keys_are_bad(p->arena, spec);
    struct causes found = {.arena = p->arena};
    for (VALUE_EACH(constraint, AT(spec, PodSpec, topologySpreadConstraints)))
        check_label_selector(&found, NULL, AT(constraint, TopologySpreadConstraint, labelSelector));
    p->any_spread_selector = found.count > 0;
    for (VALUE_EACH(toleration, AT(spec, PodSpec, tolerations))) {
        const struct value *op = AT(toleration, Toleration, operator);
        p->taint_comparison |= value_is(op, "Lt") || value_is(op, "Gt");
    }
}

static void look_at_volumes(struct pod_check *p, const struct value *spec)
{
    struct causes found = {.arena = p->arena};
    for (VALUE_EACH(volume, AT(spec, PodSpec, volumes))) {
        const struct value *image = AT(volume, Volume, image);
        p->empty_image_reference |= value_is_set(image) && !TEXT(image, ImageVolumeSource, reference).len;
        for (VALUE_EACH(source, AT(AT(volume, Volume, projected), ProjectedVolumeSource, sources))) {
            const struct value *token = AT(source, VolumeProjection, serviceAccountToken);
            check_local_path(&found, NULL, TEXT(token, ServiceAccountTokenProjection, path));
        }
    }
    p->any_token_path = found.count > 0;
}

static void look_at_old(struct pod_check *p, const struct value *old)
{
    bool host_users = p->host_users;
    p->host_users = !set_to(AT(old, PodSpec, hostUsers), false);
    each_container(old, NULL, look_at_container, p);
    p->host_network_with_users = !p->host_users && value_bool(AT(old, PodSpec, hostNetwork));
    p->host_users = host_users;
    look_at_affinity(p, old);
    look_at_volumes(p, old);
    for (VALUE_EACH(sysctl, AT(AT(old, PodSpec, securityContext), PodSecurityContext, sysctls)))
        p->any_host_sysctl |= sysctl_is_of_host(TEXT(sysctl, Sysctl, name), old);
    for (VALUE_EACH(init, AT(old, PodSpec, initContainers))) {
        for (VALUE_EACH(policy, AT(init, Container, resizePolicy)))
            p->restart_container_in_init |=
                !is_sidecar(init) &&
                value_is(AT(policy, ContainerResizePolicy, restartPolicy), "RestartContainer");
    }
}

void pod_check_init(struct pod_check *p, struct kind_request *req, const struct value *spec,
                    const struct value *meta, const struct value *old_spec, const struct value *old_meta,
                    bool is_template)
{
    *p = (struct pod_check){.req = req,
                            .c = req->causes,
                            .arena = req->arena,
                            .spec = spec,
                            .meta = meta ? meta : &value_absent,
                            .is_template = is_template,
                            .host_users = !set_to(AT(spec, PodSpec, hostUsers), false)};
    if (old_spec)
        look_at_old(p, old_spec);
    if (old_meta)
        p->any_deletion_cost = !deletion_cost_is_good(old_meta);
}
