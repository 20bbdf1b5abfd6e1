#include "apiserver/kinds/pod_parts.h"

#include "apiserver/kinds/ip.h"

/* Warning headers: what is deprecated, has no effect, or is probably not what was meant. */

struct pod_warn {
    struct kind_request *req;
    const struct path *at; /* of what has metadata and spec; NULL for a pod */
    const struct path *spec_at;
    const struct value *spec, *meta;
    bool is_template;
    struct text_set ports, names; /* "8080/TCP" and port names, with their index in `seen` */
    struct seen_port {
        const char *where;
        struct slice ip;
        int64_t host;
        long earlier; /* of the same port and protocol, or -1 */
    } * seen;
    size_t seen_count, seen_capacity;
};

static const char *text_of(struct kind_request *req, const struct path *at)
{
    cleanup_buf struct buf b = BUF_INIT(BUF_UNLIMITED);
    path_print(&b, at);
    return arena_strdup(req->arena, buf_slice(&b));
}

#define WARN(w, at, fmt, ...)                                                                                \
    kind_warn((w)->req, "%s: " fmt, text_of((w)->req, at) __VA_OPT__(, ) __VA_ARGS__)

static const char *deprecated_label(struct slice key)
{
    static const struct {
        const char *key, *why;
    } labels[] = {
        {"beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"},
        {"beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"},
        {"failure-domain.beta.kubernetes.io/region",
         "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"},
        {"failure-domain.beta.kubernetes.io/zone",
         "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"},
        {"beta.kubernetes.io/instance-type",
         "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"},
        {"app.kubernetes.io/created-by", "deprecated since v1.9"},
        {"scheduler.alpha.kubernetes.io/preferAvoidPods",
         "deprecated since v1.22; use Taints and Tolerations instead"},
        {"node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"}};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (slice_is(key, labels[i].key))
            return labels[i].why;
    }
    return NULL;
}

/* ---- where it may run ---- */

static void warn_term(struct pod_warn *w, const struct path *at, const struct value *term, bool check_values)
{
    const struct value *expressions = AT(term, NodeSelectorTerm, matchExpressions);
    for (size_t i = 0; i < value_count(expressions); i++) {
        const struct value *expression = value_item(expressions, i),
                           *values = AT(expression, NodeSelectorRequirement, values);
        const struct path *item = PATH_I(PATH(at, "matchExpressions"), i);
        struct slice key = TEXT(expression, NodeSelectorRequirement, key);
        const char *why = deprecated_label(key);
        if (why)
            WARN(w, PATH(item, "key"), "%.*s is %s", SLICE_ARG(key), why);
        for (size_t j = 0; check_values && j < value_count(values); j++) {
            struct slice text = value_text(value_item(values, j));
            const char *fault = name_check_label_value(text);
            if (fault)
                WARN(w, PATH_I(PATH(item, "values"), j), "%.*s is invalid, %s", SLICE_ARG(text), fault);
        }
    }
}

static void warn_labels(struct pod_warn *w)
{
    const struct value *node = AT(AT(w->spec, PodSpec, affinity), Affinity, nodeAffinity);
    const struct value *terms = AT(AT(node, NodeAffinity, requiredDuringSchedulingIgnoredDuringExecution),
                                   NodeSelector, nodeSelectorTerms);
    const struct value *preferred = AT(node, NodeAffinity, preferredDuringSchedulingIgnoredDuringExecution);
    const struct value *spread = AT(w->spec, PodSpec, topologySpreadConstraints);
    const struct path *at = PATH(PATH(w->spec_at, "affinity"), "nodeAffinity");
    for (VALUE_EACH_ENTRY(entry, AT(w->spec, PodSpec, nodeSelector))) {
        const char *why = deprecated_label(entry->key);
        if (why)
            WARN(w, PATH_K(PATH(w->spec_at, "nodeSelector"), entry->key), "%s", why);
    }
    for (size_t i = 0; i < value_count(terms); i++)
        warn_term(
            w,
            PATH_I(PATH(PATH(at, "requiredDuringSchedulingIgnoredDuringExecution"), "nodeSelectorTerms"), i),
            value_item(terms, i), false);
    for (size_t i = 0; i < value_count(preferred); i++)
        warn_term(w,
                  PATH(PATH_I(PATH(at, "preferredDuringSchedulingIgnoredDuringExecution"), i), "preference"),
                  AT(value_item(preferred, i), PreferredSchedulingTerm, preference), true);
    for (size_t i = 0; i < value_count(spread); i++) {
        const struct path *item = PATH_I(PATH(w->spec_at, "topologySpreadConstraints"), i);
        struct slice key = TEXT(value_item(spread, i), TopologySpreadConstraint, topologyKey);
        const char *why = deprecated_label(key);
        if (why)
            WARN(w, PATH(item, "topologyKey"), "%.*s is %s", SLICE_ARG(key), why);
        if (!value_is_set(AT(value_item(spread, i), TopologySpreadConstraint, labelSelector)))
            WARN(w, PATH(item, "labelSelector"), "a null labelSelector results in matching no pod");
    }
}

static void warn_null_selectors(struct pod_warn *w, const char *name, const struct value *affinity)
{
    const struct value *required = AT(affinity, PodAffinity, requiredDuringSchedulingIgnoredDuringExecution);
    const struct value *preferred =
        AT(affinity, PodAffinity, preferredDuringSchedulingIgnoredDuringExecution);
    const struct path *at = PATH(PATH(w->spec_at, "affinity"), name);
    for (size_t i = 0; i < value_count(required); i++) {
        if (!value_is_set(AT(value_item(required, i), PodAffinityTerm, labelSelector)))
            WARN(w,
                 PATH(PATH_I(PATH(at, "requiredDuringSchedulingIgnoredDuringExecution"), i), "labelSelector"),
                 "a null labelSelector results in matching no pod");
    }
    for (size_t i = 0; i < value_count(preferred); i++) {
        const struct value *term = AT(value_item(preferred, i), WeightedPodAffinityTerm, podAffinityTerm);
        const struct path *item = PATH_I(PATH(at, "preferredDuringSchedulingIgnoredDuringExecution"), i);
        if (!value_is_set(AT(term, PodAffinityTerm, labelSelector)))
            WARN(w, PATH(PATH(item, "podAffinityTerm"), "labelSelector"),
                 "a null labelSelector results in matching no pod");
    }
}

/* ---- annotations and volumes ---- */

static void warn_annotations(struct pod_warn *w)
{
    static const struct {
        const char *key, *why;
    } old[] = {{"scheduler.alpha.kubernetes.io/critical-pod",
                "non-functional in v1.16+; use the \"priorityClassName\" field instead"},
               {"security.alpha.kubernetes.io/sysctls",
                "non-functional in v1.11+; use the \"sysctls\" field instead"},
               {"security.alpha.kubernetes.io/unsafe-sysctls",
                "non-functional in v1.11+; use the \"sysctls\" field instead"}};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        if (value_is_set(annotation_of(w->meta, old[i].key)))
            WARN(w, PATH_K(PATH(PATH(w->at, "metadata"), "annotations"), slice_str(old[i].key)), "%s",
                 old[i].why);
    }
}

static void warn_volumes(struct pod_warn *w)
{
    static const struct {
        unsigned field;
        const char *name, *why;
    } old[] = {{core_v1_Volume_photonPersistentDisk, "photonPersistentDisk",
                "deprecated in v1.11, non-functional in v1.16+"},
               {core_v1_Volume_gitRepo, "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"},
               {core_v1_Volume_scaleIO, "scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
               {core_v1_Volume_flocker, "flocker", "deprecated in v1.22, non-functional in v1.25+"},
               {core_v1_Volume_storageos, "storageOS", "deprecated in v1.22, non-functional in v1.25+"},
               {core_v1_Volume_quobyte, "quobyte", "deprecated in v1.22, non-functional in v1.25+"},
               {core_v1_Volume_glusterfs, "glusterfs", "deprecated in v1.25, non-functional in v1.26+"},
               {core_v1_Volume_cephfs, "cephfs", "deprecated in v1.28, non-functional in v1.31+"},
               {core_v1_Volume_rbd, "rbd", "deprecated in v1.28, non-functional in v1.31+"}};
    const struct value *volumes = AT(w->spec, PodSpec, volumes);
    for (size_t i = 0; i < value_count(volumes); i++) {
        for (size_t j = 0; j < sizeof old / sizeof *old; j++) {
            if (value_is_set(value_at(value_item(volumes, i), old[j].field)))
                WARN(w, PATH(PATH_I(PATH(w->spec_at, "volumes"), i), old[j].name), "%s", old[j].why);
        }
    }
}

/* ---- lists with something twice ---- */

static void warn_twice(struct pod_warn *w)
{
    const struct value *aliases = AT(w->spec, PodSpec, hostAliases),
                       *secrets = AT(w->spec, PodSpec, imagePullSecrets);
    struct text_set ips = TEXT_SET(w->req->arena), names = TEXT_SET(w->req->arena);
    for (size_t i = 0; i < value_count(aliases); i++) {
        struct slice ip = TEXT(value_item(aliases, i), HostAlias, ip);
        if (!text_set_add(&ips, ip))
            WARN(w, PATH(PATH_I(PATH(w->spec_at, "hostAliases"), i), "ip"), "duplicate ip \"%.*s\"",
                 SLICE_ARG(ip));
    }
    for (size_t i = 0; i < value_count(secrets); i++) {
        struct slice name = TEXT(value_item(secrets, i), LocalObjectReference, name);
        if (!text_set_add(&names, name))
            WARN(w, PATH(PATH_I(PATH(w->spec_at, "imagePullSecrets"), i), "name"), "duplicate name \"%.*s\"",
                 SLICE_ARG(name));
    }
    for (size_t i = 0; i < value_count(secrets); i++) {
        if (!TEXT(value_item(secrets, i), LocalObjectReference, name).len)
            WARN(w, PATH(PATH_I(PATH(w->spec_at, "imagePullSecrets"), i), "name"), "invalid empty name \"\"");
    }
}

static void warn_fraction(struct pod_warn *w, const struct path *at, const struct value *map)
{
    static const char *const names[] = {"memory", "ephemeral-storage"};
    for (size_t i = 0; i < 2; i++) {
        const struct value *v = value_get(map, slice_str(names[i]));
        struct quantity q = quantity_of(value_text(v));
        if (value_is_set(v) && quantity_scaled(&q, -3) % 1000 != 0)
            WARN(w, PATH_K(at, slice_str(names[i])),
                 "fractional byte value \"%.*s\" is invalid, must be an integer", SLICE_ARG(value_text(v)));
    }
}

static bool contains(struct slice s, struct slice part)
{
    return part.len && memmem(s.ptr, s.len, part.ptr, part.len);
}

static void warn_env(struct pod_warn *w, const struct path *at, const struct value *env)
{
    struct text_set names = TEXT_SET(w->req->arena);
    for (size_t i = 0; i < value_count(env); i++) {
        struct slice name = TEXT(value_item(env, i), EnvVar, name),
                     text = TEXT(value_item(env, i), EnvVar, value);
        if (text_set_add(&names, name))
            continue;
        struct slice ref = arena_slicef(w->req->arena, "$(%.*s)", SLICE_ARG(name));
        /* X="$(X)y" builds on the first one. */
        if (value_is_set(AT(value_item(env, i), EnvVar, valueFrom)) || slice_eq(text, ref) ||
            !contains(text, ref))
            WARN(w, PATH_I(PATH(at, "env"), i),
                 "hides previous definition of \"%.*s\", which may be dropped when using apply",
                 SLICE_ARG(name));
    }
}

static void warn_container(void *arg, const struct value *container, const struct path *at)
{
    static const char seccomp_key[] = "container.seccomp.security.alpha.kubernetes.io/";
    static const char armor_key[] = "container.apparmor.security.beta.kubernetes.io/";
    struct pod_warn *w = arg;
    const struct value *security = AT(container, Container, securityContext),
                       *resources = AT(container, Container, resources);
    struct slice name = TEXT(container, Container, name);
    const struct value *seccomp = annotation_with_suffix(w->req->arena, w->meta, seccomp_key, name);
    const struct value *armor = annotation_with_suffix(w->req->arena, w->meta, armor_key, name);
    const struct value *whole =
        AT(AT(w->spec, PodSpec, securityContext), PodSecurityContext, appArmorProfile);
    const struct path *annotations = PATH(PATH(w->at, "metadata"), "annotations");
    if (value_is_set(seccomp) && !value_is_set(AT(security, SecurityContext, seccompProfile)))
        WARN(w, PATH_K(annotations, arena_slicef(w->req->arena, "%s%.*s", seccomp_key, SLICE_ARG(name))),
             "non-functional in v1.27+; use the \"seccompProfile\" field instead");
    if (w->is_template && value_is_set(armor) &&
        !value_is_set(AT(security, SecurityContext, appArmorProfile))) {
        struct value profile = app_armor_of_annotation(w->req->arena, value_text(armor));
        if (!value_is_set(whole) || !value_equal(whole, &profile))
            WARN(w, PATH_K(annotations, arena_slicef(w->req->arena, "%s%.*s", armor_key, SLICE_ARG(name))),
                 "deprecated since v1.30; use the \"appArmorProfile\" field instead");
    }
    /* By resource, limits before requests. */
    warn_fraction(w, PATH(PATH(at, "resources"), "limits"), AT(resources, ResourceRequirements, limits));
    warn_fraction(w, PATH(PATH(at, "resources"), "requests"), AT(resources, ResourceRequirements, requests));
    warn_env(w, at, AT(container, Container, env));
}

/* ---- ports ---- */

static void warn_port_pair(struct pod_warn *w, const struct path *at, const struct seen_port *port,
                           const struct seen_port *other)
{
    if (slice_eq(port->ip, other->ip) && port->host == other->host)
        WARN(w, at, "duplicate port definition with %s", other->where);
    else if (port->host == 0 || other->host == 0)
        WARN(w, at, "overlapping port definition with %s", other->where);
    else if (port->host == other->host && (port->ip.len == 0) != (other->ip.len == 0))
        WARN(w, at, "dangerously ambiguous port definition with %s", other->where);
}

static void warn_ports(void *arg, const struct value *container, const struct path *at)
{
    enum { CHAIN_MAX = 100 }; /* one port defined very often: enough is said */
    struct pod_warn *w = arg;
    const struct value *ports = AT(container, Container, ports);
    for (size_t i = 0; i < value_count(ports); i++) {
        const struct value *v = value_item(ports, i);
        const struct path *item = PATH_I(PATH(at, "ports"), i);
        struct slice key = arena_slicef(w->req->arena, "%lld/%.*s",
                                        (long long)value_int(AT(v, ContainerPort, containerPort), 0),
                                        SLICE_ARG(TEXT(v, ContainerPort, protocol)));
        struct seen_port port = {text_of(w->req, item), TEXT(v, ContainerPort, hostIP),
                                 value_int(AT(v, ContainerPort, hostPort), 0),
                                 text_set_index(&w->ports, key)};
        long chain[CHAIN_MAX];
        size_t count = 0;
        if (port.ip.len && port.host == 0)
            WARN(w, item, "hostIP set without hostPort: %.*s", SLICE_ARG(key));
        for (long j = port.earlier; j >= 0 && count < CHAIN_MAX; j = w->seen[j].earlier)
            chain[count++] = j;
        while (count > 0)
            warn_port_pair(w, item, &port, &w->seen[chain[--count]]);
        text_set_put(&w->ports, key, w->seen_count);
        *(struct seen_port *)arena_push(w->req->arena, &w->seen, &w->seen_count, &w->seen_capacity,
                                        sizeof port) = port;
    }
}

static void warn_port_names(void *arg, const struct value *container, const struct path *at)
{
    struct pod_warn *w = arg;
    const struct value *ports = AT(container, Container, ports);
    for (size_t i = 0; i < value_count(ports); i++) {
        struct slice name = TEXT(value_item(ports, i), ContainerPort, name);
        const struct path *item = PATH_I(PATH(at, "ports"), i);
        long other = text_set_index(&w->names, name);
        if (!name.len)
            continue;
        if (other >= 0) {
            WARN(w, item,
                 "duplicate port name \"%.*s\" with %s, services and probes that select ports by name will "
                 "use %s",
                 SLICE_ARG(name), w->seen[other].where, w->seen[other].where);
            continue;
        }
        text_set_put(&w->names, name, w->seen_count);
        *(struct seen_port *)arena_push(w->req->arena, &w->seen, &w->seen_count, &w->seen_capacity,
                                        sizeof *w->seen) =
            (struct seen_port){.where = text_of(w->req, item), .earlier = -1};
    }
}

static void warn_ips(struct pod_warn *w)
{
    const struct value *servers = AT(AT(w->spec, PodSpec, dnsConfig), PodDNSConfig, nameservers);
    const struct value *aliases = AT(w->spec, PodSpec, hostAliases);
    for (size_t i = 0; i < value_count(servers); i++)
        warn_ip(w->req, PATH_I(PATH(PATH(w->spec_at, "dnsConfig"), "nameservers"), i),
                value_text(value_item(servers, i)));
    for (size_t i = 0; i < value_count(aliases); i++)
        warn_ip(w->req, PATH(PATH_I(PATH(w->spec_at, "hostAliases"), i), "ip"),
                TEXT(value_item(aliases, i), HostAlias, ip));
}

void pod_spec_warn(struct kind_request *req, const struct path *at, const struct value *spec,
                   const struct value *meta, bool is_template)
{
    static const char seccomp[] = "seccomp.security.alpha.kubernetes.io/pod";
    const struct value *affinity = AT(spec, PodSpec, affinity),
                       *grace = AT(spec, PodSpec, terminationGracePeriodSeconds);
    struct pod_warn w = {.req = req,
                         .at = at,
                         .spec_at = PATH(at, "spec"),
                         .spec = spec,
                         .meta = meta,
                         .is_template = is_template,
                         .ports = TEXT_SET(req->arena),
                         .names = TEXT_SET(req->arena)};
    if (!req->warnings || req->causes->count) /* what is refused gets no warnings */
        return;
    warn_labels(&w);
    warn_annotations(&w);
    warn_volumes(&w);
    warn_overlaps(req, AT(spec, PodSpec, volumes));
    warn_twice(&w);
    warn_fraction(&w, PATH(w.spec_at, "overhead"), AT(spec, PodSpec, overhead));
    if (value_is_set(annotation_of(meta, seccomp)) &&
        !value_is_set(AT(AT(spec, PodSpec, securityContext), PodSecurityContext, seccompProfile)))
        WARN(&w, PATH_K(PATH(PATH(at, "metadata"), "annotations"), slice_str(seccomp)),
             "non-functional in v1.27+; use the \"seccompProfile\" field instead");
    each_container(spec, w.spec_at, warn_container, &w);
    each_container(spec, w.spec_at, warn_ports, &w);
    each_container(spec, w.spec_at, warn_port_names, &w);
    if (value_int(grace, 0) < 0)
        WARN(&w, PATH(w.spec_at, "terminationGracePeriodSeconds"),
             "must be >= 0; negative values are invalid and will be treated as 1");
    warn_null_selectors(&w, "podAffinity", AT(affinity, Affinity, podAffinity));
    warn_null_selectors(&w, "podAntiAffinity", AT(affinity, Affinity, podAntiAffinity));
    warn_ips(&w);
}
