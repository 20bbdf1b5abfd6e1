/*
 * The checks of the Pod Security Standards, one row each, in the order in which findings are told: the
 * baseline ones by name, then the restricted ones. Reasons and details are protocol: tools and people match
 * on them.
 */
#include "admission/pod_security.h"

#include "admission/pod_security_parts.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

enum { NEWEST_MINOR = 37 };

struct check {
    const char *id;
    enum pod_security_level level;
    int since; /* minor version */
    struct finding (*look)(struct pod *pod);
    const char *overrides; /* the weaker baseline check that this one stands for */
};

static const struct check checks[] = {
    {"appArmorProfile", POD_SECURITY_BASELINE, 0, ps_check_apparmor, NULL},
    {"capabilities_baseline", POD_SECURITY_BASELINE, 0, ps_check_capabilities_baseline, NULL},
    {"hostNamespaces", POD_SECURITY_BASELINE, 0, ps_check_host_namespaces, NULL},
    {"hostPathVolumes", POD_SECURITY_BASELINE, 0, ps_check_host_path, NULL},
    {"hostPorts", POD_SECURITY_BASELINE, 0, ps_check_host_ports, NULL},
    {"hostProbesAndHostLifecycle", POD_SECURITY_BASELINE, 34, ps_check_probe_hosts, NULL},
    {"privileged", POD_SECURITY_BASELINE, 0, ps_check_privileged, NULL},
    {"procMount", POD_SECURITY_BASELINE, 0, ps_check_proc_mount_baseline, NULL},
    {"seLinuxOptions", POD_SECURITY_BASELINE, 0, ps_check_selinux, NULL},
    {"seccompProfile_baseline", POD_SECURITY_BASELINE, 0, ps_check_seccomp_baseline, NULL},
    {"sysctls", POD_SECURITY_BASELINE, 0, ps_check_sysctls, NULL},
    {"windowsHostProcess", POD_SECURITY_BASELINE, 0, ps_check_host_process, NULL},
    {"allowPrivilegeEscalation", POD_SECURITY_RESTRICTED, 8, ps_check_escalation, NULL},
    {"capabilities_restricted", POD_SECURITY_RESTRICTED, 22, ps_check_capabilities_restricted,
     "capabilities_baseline"},
    {"procMount_restricted", POD_SECURITY_RESTRICTED, 35, ps_check_proc_mount, "procMount"},
    {"restrictedVolumes", POD_SECURITY_RESTRICTED, 0, ps_check_volumes, "hostPathVolumes"},
    {"runAsNonRoot", POD_SECURITY_RESTRICTED, 0, ps_check_non_root, NULL},
    {"runAsUser", POD_SECURITY_RESTRICTED, 23, ps_check_user, NULL},
    {"seccompProfile_restricted", POD_SECURITY_RESTRICTED, 19, ps_check_seccomp_restricted,
     "seccompProfile_baseline"},
};
enum { CHECKS = sizeof checks / sizeof *checks };

static bool is_overridden(const struct check *check, enum pod_security_level level, int minor)
{
    for (size_t i = 0; level == POD_SECURITY_RESTRICTED && i < CHECKS; i++)
        if (checks[i].overrides && minor >= checks[i].since && strcmp(checks[i].overrides, check->id) == 0)
            return true;
    return false;
}

static void add_containers(struct pod *pod, const struct value *list)
{
    for (VALUE_EACH(container, list))
        pod->containers[pod->container_count++] = container;
}

static struct pod pod_of(struct arena *arena, int minor, const struct value *metadata,
                         const struct value *spec)
{
    const struct value *init = value_at(spec, core_v1_PodSpec_initContainers);
    const struct value *ordinary = value_at(spec, core_v1_PodSpec_containers);
    const struct value *ephemeral = value_at(spec, core_v1_PodSpec_ephemeralContainers);
    size_t count = value_count(init) + value_count(ordinary) + value_count(ephemeral);
    struct pod pod = {
        .arena = arena,
        .minor = minor,
        .annotations = value_at(metadata, meta_v1_ObjectMeta_annotations),
        .spec = spec,
        .security = value_at(spec, core_v1_PodSpec_securityContext),
        .containers = arena_alloc(arena, (count + 1) * sizeof *pod.containers),
    };
    add_containers(&pod, init);
    add_containers(&pod, ordinary);
    add_containers(&pod, ephemeral);
    return pod;
}

struct pod_security_verdict pod_security_evaluate(struct arena *arena, struct pod_security_policy policy,
                                                  const struct value *metadata, const struct value *spec)
{
    struct texts reasons = {0}, details = {0};
    int minor = policy.minor < NEWEST_MINOR ? policy.minor : NEWEST_MINOR;
    struct pod pod = pod_of(arena, minor, metadata, spec);
    for (size_t i = 0; i < CHECKS; i++) {
        const struct check *check = &checks[i];
        if (check->level > policy.level || minor < check->since || is_overridden(check, policy.level, minor))
            continue;
        struct finding finding = check->look(&pod);
        if (!finding.reason)
            continue;
        texts_add(arena, &reasons, slice_str(finding.reason));
        texts_add(arena, &details,
                  finding.detail.len
                      ? arena_slicef(arena, "%s (%.*s)", finding.reason, SLICE_ARG(finding.detail))
                      : slice_str(finding.reason));
    }
    return (struct pod_security_verdict){
        .allowed = reasons.count == 0,
        .reasons = texts_join(arena, &reasons, ", "),
        .details = texts_join(arena, &details, ", "),
    };
}
