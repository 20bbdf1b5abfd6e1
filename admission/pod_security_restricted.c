/* What the restricted level asks for beyond baseline: current hardening practice. */
#include "admission/pod_security_parts.h"

#include "openapi/gen/core_v1.h"

struct finding ps_check_escalation(struct pod *pod)
{
    struct setters setters = {0};
    for (EACH_CONTAINER(c, pod))
        if (!ps_is_false(ps_field(ps_security_of(pod->containers[c_i]), "allowPrivilegeEscalation")))
            ps_blame(pod, &setters, pod->containers[c_i]);
    if (ps_is_windows(pod) || !ps_any(&setters))
        return ALLOWED;
    return FORBID("allowPrivilegeEscalation != false",
                  "%.*s must set securityContext.allowPrivilegeEscalation=false",
                  SLICE_ARG(ps_setters_text(pod, &setters)));
}

static bool drops_all(const struct value *container)
{
    for (VALUE_EACH(capability, ps_field(ps_field(ps_security_of(container), "capabilities"), "drop")))
        if (value_is(capability, "ALL"))
            return true;
    return false;
}

struct finding ps_check_capabilities_restricted(struct pod *pod)
{
    static const char *const allowed[] = {"NET_BIND_SERVICE", NULL};
    struct texts added = {0}, details = {0};
    struct setters keeping = {0}, adding = {0};
    if (ps_is_windows(pod))
        return ALLOWED;
    for (EACH_CONTAINER(c, pod)) {
        if (!drops_all(pod->containers[c_i]))
            ps_blame(pod, &keeping, pod->containers[c_i]);
        if (ps_adds_forbidden(pod, pod->containers[c_i], allowed, &added))
            ps_blame(pod, &adding, pod->containers[c_i]);
    }
    if (ps_any(&keeping))
        texts_add(pod->arena, &details,
                  arena_slicef(pod->arena, "%.*s must set securityContext.capabilities.drop=[\"ALL\"]",
                               SLICE_ARG(ps_setters_text(pod, &keeping))));
    if (ps_any(&adding))
        texts_add(pod->arena, &details,
                  arena_slicef(pod->arena, "%.*s must not include %.*s in securityContext.capabilities.add",
                               SLICE_ARG(ps_setters_text(pod, &adding)),
                               SLICE_ARG(texts_quote(pod->arena, &added))));
    return details.count
               ? (struct finding){"unrestricted capabilities", texts_join(pod->arena, &details, "; ")}
               : ALLOWED;
}

/* Any of the allowed sources will do; ret_type is another one. */
static bool has_allowed_type(const struct value *volume, struct slice *ret_type)
{
    static const char *const allowed[] = {"configMap", "csi",   "downwardAPI",           "emptyDir",
                                          "ephemeral", "image", "persistentVolumeClaim", "projected",
                                          "secret",    NULL};
    const struct value_record *record = volume->kind == VALUE_RECORD ? volume->record : NULL;
    for (unsigned i = 0; record && i < record->type->field_count; i++) {
        struct slice name = slice_make(record->type->fields[i].name, record->type->fields[i].name_len);
        if (!value_is_set(&record->fields[i]) || i == core_v1_Volume_name)
            continue;
        if (ps_is_one_of(name, allowed))
            return true;
        *ret_type = name;
    }
    return false;
}

struct finding ps_check_volumes(struct pod *pod)
{
    struct texts volumes = {0}, types = {0};
    for (VALUE_EACH(volume, value_at(pod->spec, core_v1_PodSpec_volumes))) {
        struct slice type = SLICE("unknown");
        if (!has_allowed_type(volume, &type)) {
            texts_add(pod->arena, &volumes, ps_name_of(volume));
            texts_insert(pod->arena, &types, type);
        }
    }
    if (!volumes.count)
        return ALLOWED;
    return FORBID("restricted volume types", "%s %.*s %s %s %.*s",
                  ps_plural(volumes.count, "volume", "volumes"), SLICE_ARG(texts_quote(pod->arena, &volumes)),
                  ps_plural(volumes.count, "uses", "use"),
                  ps_plural(types.count, "restricted volume type", "restricted volume types"),
                  SLICE_ARG(texts_quote(pod->arena, &types)));
}

struct finding ps_check_non_root(struct pod *pod)
{
    const struct value *of_pod = value_at(pod->security, core_v1_PodSecurityContext_runAsNonRoot);
    struct setters bad = {.pod = ps_is_false(of_pod)}, without = {0};
    if (ps_has_user_namespace(pod))
        return ALLOWED;
    for (EACH_CONTAINER(c, pod)) {
        const struct value *own = ps_field(ps_security_of(pod->containers[c_i]), "runAsNonRoot");
        if (ps_is_false(own))
            ps_blame(pod, &bad, pod->containers[c_i]);
        else if (!value_is_set(own) && !ps_is_true(of_pod))
            ps_blame(pod, &without, pod->containers[c_i]);
    }
    if (ps_any(&bad))
        return FORBID("runAsNonRoot != true", "%.*s must not set securityContext.runAsNonRoot=false",
                      SLICE_ARG(ps_setters_text(pod, &bad)));
    if (ps_any(&without))
        return FORBID("runAsNonRoot != true", "pod or %.*s must set securityContext.runAsNonRoot=true",
                      SLICE_ARG(ps_setters_text(pod, &without)));
    return ALLOWED;
}

static bool runs_as_root(const struct value *security)
{
    const struct value *user = ps_field(security, "runAsUser");
    return value_is_set(user) && value_int(user, 1) == 0;
}

struct finding ps_check_user(struct pod *pod)
{
    struct setters setters = {.pod = runs_as_root(pod->security)};
    if (ps_has_user_namespace(pod))
        return ALLOWED;
    for (EACH_CONTAINER(c, pod))
        if (runs_as_root(ps_security_of(pod->containers[c_i])))
            ps_blame(pod, &setters, pod->containers[c_i]);
    if (!ps_any(&setters))
        return ALLOWED;
    return FORBID("runAsUser=0", "%.*s must not set runAsUser=0", SLICE_ARG(ps_setters_text(pod, &setters)));
}

struct finding ps_check_seccomp_restricted(struct pod *pod)
{
    return ps_is_windows(pod) ? ALLOWED : ps_check_seccomp_fields(pod, true);
}
