/* What the baseline level forbids: known ways out of a container. */
#include "admission/pod_security_parts.h"

#include "openapi/gen/core_v1.h"

static bool forbidden_apparmor(struct pod *pod, const struct value *security, struct texts *types)
{
    static const char *const allowed[] = {"RuntimeDefault", "Localhost", NULL};
    const struct value *profile = ps_field(security, "appArmorProfile");
    struct slice type = value_text(ps_field(profile, "type"));
    if (!value_is_set(profile) || ps_is_one_of(type, allowed))
        return false;
    texts_insert(pod->arena, types, type);
    return true;
}

struct finding ps_check_apparmor(struct pod *pod)
{
    struct texts types = {0}, annotations = {0};
    struct setters setters = {.pod = forbidden_apparmor(pod, pod->security, &types)};
    for (EACH_CONTAINER(c, pod))
        if (forbidden_apparmor(pod, ps_security_of(pod->containers[c_i]), &types))
            ps_blame(pod, &setters, pod->containers[c_i]);
    for (VALUE_EACH_ENTRY(entry, pod->annotations)) {
        struct slice profile = value_text(&entry->value);
        if (slice_starts(entry->key, SLICE("container.apparmor.security.beta.kubernetes.io/")) &&
            profile.len && !slice_is(profile, "runtime/default") &&
            !slice_starts(profile, SLICE("localhost/")))
            texts_insert(pod->arena, &annotations, ps_assignment(pod, entry->key, profile));
    }
    struct texts list = ps_setter_list(pod, &setters);
    if (annotations.count)
        texts_add(pod->arena, &list, slice_str(ps_plural(annotations.count, "annotation", "annotations")));
    for (size_t i = 0; i < annotations.count; i++)
        texts_add(pod->arena, &types, annotations.items[i]);
    if (!list.count)
        return ALLOWED;
    return FORBID(ps_plural(types.count, "forbidden AppArmor profile", "forbidden AppArmor profiles"),
                  "%.*s must not set AppArmor profile type to %.*s",
                  SLICE_ARG(texts_join(pod->arena, &list, " and ")),
                  SLICE_ARG(texts_quote(pod->arena, &types)));
}

struct finding ps_check_capabilities_baseline(struct pod *pod)
{
    static const char *const allowed[] = {"AUDIT_WRITE", "CHOWN",  "DAC_OVERRIDE",     "FOWNER",  "FSETID",
                                          "KILL",        "MKNOD",  "NET_BIND_SERVICE", "SETFCAP", "SETGID",
                                          "SETPCAP",     "SETUID", "SYS_CHROOT",       NULL};
    struct texts added = {0};
    struct setters setters = {0};
    for (EACH_CONTAINER(c, pod))
        if (ps_adds_forbidden(pod, pod->containers[c_i], allowed, &added))
            ps_blame(pod, &setters, pod->containers[c_i]);
    if (!ps_any(&setters))
        return ALLOWED;
    return FORBID("non-default capabilities",
                  "%.*s must not include %.*s in securityContext.capabilities.add",
                  SLICE_ARG(ps_setters_text(pod, &setters)), SLICE_ARG(texts_quote(pod->arena, &added)));
}

struct finding ps_check_host_namespaces(struct pod *pod)
{
    struct texts set = {0};
    if (value_bool(value_at(pod->spec, core_v1_PodSpec_hostNetwork)))
        texts_add(pod->arena, &set, SLICE("hostNetwork=true"));
    if (value_bool(value_at(pod->spec, core_v1_PodSpec_hostPID)))
        texts_add(pod->arena, &set, SLICE("hostPID=true"));
    if (value_bool(value_at(pod->spec, core_v1_PodSpec_hostIPC)))
        texts_add(pod->arena, &set, SLICE("hostIPC=true"));
    return set.count ? (struct finding){"host namespaces", texts_join(pod->arena, &set, ", ")} : ALLOWED;
}

struct finding ps_check_host_path(struct pod *pod)
{
    struct texts volumes = {0};
    for (VALUE_EACH(volume, value_at(pod->spec, core_v1_PodSpec_volumes)))
        if (value_is_set(ps_field(volume, "hostPath")))
            texts_add(pod->arena, &volumes, ps_name_of(volume));
    if (!volumes.count)
        return ALLOWED;
    return FORBID("hostPath volumes", "%s %.*s", ps_plural(volumes.count, "volume", "volumes"),
                  SLICE_ARG(texts_quote(pod->arena, &volumes)));
}

struct finding ps_check_host_ports(struct pod *pod)
{
    struct texts ports = {0};
    struct setters setters = {0};
    for (EACH_CONTAINER(c, pod)) {
        bool bad = false;
        for (VALUE_EACH(port, ps_field(pod->containers[c_i], "ports"))) {
            int64_t number = value_int(ps_field(port, "hostPort"), 0);
            if (number) {
                bad = true;
                texts_insert(pod->arena, &ports, arena_slicef(pod->arena, "%lld", (long long)number));
            }
        }
        if (bad)
            ps_blame(pod, &setters, pod->containers[c_i]);
    }
    if (!ps_any(&setters))
        return ALLOWED;
    return FORBID("hostPort", "%.*s %s %s %.*s", SLICE_ARG(ps_setters_text(pod, &setters)),
                  ps_plural(setters.containers.count, "uses", "use"),
                  ps_plural(ports.count, "hostPort", "hostPorts"),
                  SLICE_ARG(texts_join(pod->arena, &ports, ", ")));
}

static bool names_host(struct pod *pod, const struct value *handler, struct texts *hosts)
{
    static const char *const ways[] = {"httpGet", "tcpSocket"};
    bool bad = false;
    for (size_t i = 0; i < 2; i++) {
        struct slice host = value_text(ps_field(ps_field(handler, ways[i]), "host"));
        if (host.len) {
            bad = true;
            texts_insert(pod->arena, hosts, host);
        }
    }
    return bad;
}

struct finding ps_check_probe_hosts(struct pod *pod)
{
    struct texts names = {0}, hosts = {0};
    for (EACH_CONTAINER(c, pod)) {
        const struct value *container = pod->containers[c_i], *lifecycle = ps_field(container, "lifecycle");
        const struct value *handlers[] = {ps_field(container, "livenessProbe"),
                                          ps_field(container, "readinessProbe"),
                                          ps_field(container, "startupProbe"),
                                          ps_field(lifecycle, "postStart"), ps_field(lifecycle, "preStop")};
        for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
            if (names_host(pod, handlers[i], &hosts))
                texts_insert(pod->arena, &names, ps_name_of(container));
    }
    if (!names.count)
        return ALLOWED;
    return FORBID("probe or lifecycle host", "%.*s %s %s %.*s", SLICE_ARG(ps_containers_text(pod, &names)),
                  ps_plural(names.count, "uses", "use"),
                  ps_plural(hosts.count, "probe or lifecycle host", "probe or lifecycle hosts"),
                  SLICE_ARG(texts_quote(pod->arena, &hosts)));
}

struct finding ps_check_privileged(struct pod *pod)
{
    struct setters setters = {0};
    for (EACH_CONTAINER(c, pod))
        if (ps_is_true(ps_field(ps_security_of(pod->containers[c_i]), "privileged")))
            ps_blame(pod, &setters, pod->containers[c_i]);
    if (!ps_any(&setters))
        return ALLOWED;
    return FORBID("privileged", "%.*s must not set securityContext.privileged=true",
                  SLICE_ARG(ps_setters_text(pod, &setters)));
}

struct finding ps_check_proc_mount(struct pod *pod)
{
    struct texts types = {0};
    struct setters setters = {0};
    for (EACH_CONTAINER(c, pod)) {
        const struct value *type = ps_field(ps_security_of(pod->containers[c_i]), "procMount");
        if (value_is_set(type) && !value_is(type, "Default")) {
            ps_blame(pod, &setters, pod->containers[c_i]);
            texts_insert(pod->arena, &types, value_text(type));
        }
    }
    if (!ps_any(&setters))
        return ALLOWED;
    return FORBID("procMount", "%.*s must not set securityContext.procMount to %.*s",
                  SLICE_ARG(ps_setters_text(pod, &setters)), SLICE_ARG(texts_quote(pod->arena, &types)));
}

struct finding ps_check_proc_mount_baseline(struct pod *pod)
{
    return ps_has_user_namespace(pod) ? ALLOWED : ps_check_proc_mount(pod);
}

struct selinux_faults {
    struct texts types;
    bool user, role;
};

static bool forbidden_selinux(struct pod *pod, const struct value *security, struct selinux_faults *faults)
{
    static const char *const allowed[] = {"", "container_t", "container_init_t", "container_kvm_t", NULL};
    const struct value *options = ps_field(security, "seLinuxOptions");
    if (!value_is_set(options))
        return false;
    struct slice type = value_text(ps_field(options, "type"));
    bool user = value_text(ps_field(options, "user")).len > 0,
         role = value_text(ps_field(options, "role")).len > 0;
    bool type_ok = ps_is_one_of(type, allowed) || (pod->minor >= 31 && slice_is(type, "container_engine_t"));
    if (!type_ok)
        texts_insert(pod->arena, &faults->types, type);
    faults->user |= user;
    faults->role |= role;
    return !type_ok || user || role;
}

struct finding ps_check_selinux(struct pod *pod)
{
    struct selinux_faults faults = {0};
    struct setters setters = {.pod = forbidden_selinux(pod, pod->security, &faults)};
    for (EACH_CONTAINER(c, pod))
        if (forbidden_selinux(pod, ps_security_of(pod->containers[c_i]), &faults))
            ps_blame(pod, &setters, pod->containers[c_i]);
    if (!ps_any(&setters))
        return ALLOWED;
    struct texts what = {0};
    if (faults.types.count)
        texts_add(pod->arena, &what,
                  arena_slicef(pod->arena, "%s %.*s", ps_plural(faults.types.count, "type", "types"),
                               SLICE_ARG(texts_quote(pod->arena, &faults.types))));
    if (faults.user)
        texts_add(pod->arena, &what, SLICE("user may not be set"));
    if (faults.role)
        texts_add(pod->arena, &what, SLICE("role may not be set"));
    return FORBID("seLinuxOptions", "%.*s set forbidden securityContext.seLinuxOptions: %.*s",
                  SLICE_ARG(ps_setters_text(pod, &setters)), SLICE_ARG(texts_join(pod->arena, &what, "; ")));
}

/* ---- seccomp: annotations before v1.19, fields since ---- */

static void look_at_seccomp_annotation(struct pod *pod, struct slice key, struct texts *forbidden)
{
    const struct value *profile = value_get(pod->annotations, key);
    if (value_is_set(profile) && !value_is(profile, "runtime/default") &&
        !value_is(profile, "docker/default") && !slice_starts(value_text(profile), SLICE("localhost/")))
        texts_insert(pod->arena, forbidden, ps_assignment(pod, key, value_text(profile)));
}

static struct finding check_seccomp_annotations(struct pod *pod)
{
    struct texts forbidden = {0};
    look_at_seccomp_annotation(pod, SLICE("seccomp.security.alpha.kubernetes.io/pod"), &forbidden);
    for (EACH_CONTAINER(c, pod))
        look_at_seccomp_annotation(pod,
                                   arena_slicef(pod->arena,
                                                "container.seccomp.security.alpha.kubernetes.io/%.*s",
                                                SLICE_ARG(ps_name_of(pod->containers[c_i]))),
                                   &forbidden);
    if (!forbidden.count)
        return ALLOWED;
    return FORBID("seccompProfile", "forbidden %s %.*s",
                  ps_plural(forbidden.count, "annotation", "annotations"),
                  SLICE_ARG(texts_join(pod->arena, &forbidden, ", ")));
}

enum profile { PROFILE_UNSET, PROFILE_GOOD, PROFILE_BAD };

static enum profile seccomp_of(struct pod *pod, const struct value *security, struct texts *types)
{
    static const char *const allowed[] = {"Localhost", "RuntimeDefault", NULL};
    const struct value *profile = ps_field(security, "seccompProfile");
    struct slice type = value_text(ps_field(profile, "type"));
    if (!value_is_set(profile))
        return PROFILE_UNSET;
    if (ps_is_one_of(type, allowed))
        return PROFILE_GOOD;
    texts_insert(pod->arena, types, type);
    return PROFILE_BAD;
}

struct finding ps_check_seccomp_fields(struct pod *pod, bool required)
{
    struct texts types = {0};
    enum profile of_pod = seccomp_of(pod, pod->security, &types);
    struct setters bad = {.pod = of_pod == PROFILE_BAD}, without = {0};
    for (EACH_CONTAINER(c, pod)) {
        enum profile own = seccomp_of(pod, ps_security_of(pod->containers[c_i]), &types);
        if (own == PROFILE_BAD)
            ps_blame(pod, &bad, pod->containers[c_i]);
        else if (own == PROFILE_UNSET && of_pod != PROFILE_GOOD)
            ps_blame(pod, &without, pod->containers[c_i]);
    }
    if (ps_any(&bad))
        return FORBID("seccompProfile", "%.*s must not set securityContext.seccompProfile.type to %.*s",
                      SLICE_ARG(ps_setters_text(pod, &bad)), SLICE_ARG(texts_quote(pod->arena, &types)));
    if (required && ps_any(&without))
        return FORBID(
            "seccompProfile",
            "pod or %.*s must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            SLICE_ARG(ps_setters_text(pod, &without)));
    return ALLOWED;
}

struct finding ps_check_seccomp_baseline(struct pod *pod)
{
    return pod->minor < 19 ? check_seccomp_annotations(pod) : ps_check_seccomp_fields(pod, false);
}

struct finding ps_check_sysctls(struct pod *pod)
{
    static const struct {
        const char *name;
        int since;
    } allowed[] = {
        {"kernel.shm_rmid_forced", 0},
        {"net.ipv4.ip_local_port_range", 0},
        {"net.ipv4.tcp_syncookies", 0},
        {"net.ipv4.ping_group_range", 0},
        {"net.ipv4.ip_unprivileged_port_start", 0},
        {"net.ipv4.ip_local_reserved_ports", 27},
        {"net.ipv4.tcp_keepalive_time", 29},
        {"net.ipv4.tcp_fin_timeout", 29},
        {"net.ipv4.tcp_keepalive_intvl", 29},
        {"net.ipv4.tcp_keepalive_probes", 29},
        {"net.ipv4.tcp_rmem", 32},
        {"net.ipv4.tcp_wmem", 32},
        {"net.ipv4.tcp_slow_start_after_idle", 37},
        {"net.ipv4.tcp_notsent_lowat", 37},
    };
    struct texts forbidden = {0};
    for (VALUE_EACH(sysctl, value_at(pod->security, core_v1_PodSecurityContext_sysctls))) {
        bool found = false;
        for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
            found |= pod->minor >= allowed[i].since && slice_is(ps_name_of(sysctl), allowed[i].name);
        if (!found)
            texts_add(pod->arena, &forbidden, ps_name_of(sysctl));
    }
    return forbidden.count ? (struct finding){"forbidden sysctls", texts_join(pod->arena, &forbidden, ", ")}
                           : ALLOWED;
}

static bool is_host_process(const struct value *security)
{
    return ps_is_true(ps_field(ps_field(security, "windowsOptions"), "hostProcess"));
}

struct finding ps_check_host_process(struct pod *pod)
{
    struct setters setters = {.pod = is_host_process(pod->security)};
    for (EACH_CONTAINER(c, pod))
        if (is_host_process(ps_security_of(pod->containers[c_i])))
            ps_blame(pod, &setters, pod->containers[c_i]);
    if (!ps_any(&setters))
        return ALLOWED;
    return FORBID("hostProcess", "%.*s must not set securityContext.windowsOptions.hostProcess=true",
                  SLICE_ARG(ps_setters_text(pod, &setters)));
}
