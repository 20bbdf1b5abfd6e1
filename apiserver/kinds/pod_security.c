#include "apiserver/kinds/pod_parts.h"

#include <ctype.h>

#include "apiserver/kinds/shown.h"

/* Security contexts of pods and containers, with the annotations that came before the fields. */

#define SECCOMP_POD       "seccomp.security.alpha.kubernetes.io/pod"
#define SECCOMP_CONTAINER "container.seccomp.security.alpha.kubernetes.io/"
#define APP_ARMOR         "container.apparmor.security.beta.kubernetes.io/"

static const char *const profile_types[] = {"Localhost", "RuntimeDefault", "Unconfined", NULL};

static void check_seccomp(struct pod_check *p, const struct path *at, const struct value *profile)
{
    const struct value *type = AT(profile, SeccompProfile, type),
                       *local = AT(profile, SeccompProfile, localhostProfile);
    if (!value_is_set(profile))
        return;
    check_enum(p->c, PATH(at, "type"), type, profile_types, true);
    if (value_is(type, "Localhost")) {
        if (!value_is_set(local))
            causes_required(p->c, PATH(at, "localhostProfile"), "must be set when seccomp type is Localhost");
        else
            check_descending_path(p->c, PATH(at, "localhostProfile"), value_text(local));
    } else if (value_is_set(local)) {
        causes_invalid_shown(p->c, PATH(at, "localhostProfile"), shown_record(p->arena, profile),
                             "can only be set when seccomp type is Localhost");
    }
}

static bool is_padded(struct slice s)
{
    return s.len && (isspace((unsigned char)s.ptr[0]) || isspace((unsigned char)s.ptr[s.len - 1]));
}

void check_app_armor(struct causes *c, const struct path *at, const struct value *profile)
{
    const struct value *type = AT(profile, AppArmorProfile, type),
                       *local = AT(profile, AppArmorProfile, localhostProfile);
    const struct path *local_at = PATH(at, "localhostProfile");
    if (!value_is_set(profile))
        return;
    if (value_is(type, "Localhost")) {
        if (is_padded(value_text(local)))
            causes_invalid_text(c, local_at, value_text(local), "must not be padded with whitespace");
        else if (!value_text(local).len)
            causes_required(c, local_at, "must be set when AppArmor type is Localhost");
        if (value_text(local).len > 4095)
            causes_too_long(c, local_at, 4095);
    } else if (value_is(type, "RuntimeDefault") || value_is(type, "Unconfined")) {
        if (value_is_set(local))
            causes_invalid(c, local_at, local, "can only be set when AppArmor type is Localhost");
    } else {
        check_enum(c, PATH(at, "type"), type, profile_types, true);
    }
}

/* ---- fields against annotations ---- */

/* One profile in both its forms; localhost_prefix is what the annotation has before the profile's name. */
struct profile_words {
    const char *unconfined, *runtime, *runtime_old, *localhost_prefix;
};

static void check_match(struct causes *c, const struct path *at, const struct value *annotation,
                        struct slice type, const struct value *local, const struct profile_words *words)
{
    struct slice text = value_text(annotation), prefix = slice_str(words->localhost_prefix);
    bool good = true;
    if (slice_is(type, "Unconfined"))
        good = slice_is(text, words->unconfined);
    else if (slice_is(type, "RuntimeDefault"))
        good = slice_is(text, words->runtime) || (words->runtime_old && slice_is(text, words->runtime_old));
    else if (slice_is(type, "Localhost"))
        good = slice_starts(text, prefix);
    if (!good)
        causes_forbidden(c, PATH(at, "type"), "the annotation has another type");
    else if (slice_is(type, "Localhost") &&
             (!value_is_set(local) || !slice_eq(slice_from(text, prefix.len), value_text(local))))
        causes_forbidden(c, PATH(at, "localhostProfile"), "the annotation has another profile");
}

static const struct profile_words seccomp_words = {"unconfined", "runtime/default", "docker/default",
                                                   "localhost/"};
static const struct profile_words app_armor_words = {"unconfined", "runtime/default", NULL, "localhost/"};

static void match_seccomp(struct pod_check *p, const struct path *at, const struct value *annotation,
                          const struct value *profile)
{
    if (value_is_set(profile) && value_is_set(annotation))
        check_match(p->c, at, annotation, TEXT(profile, SeccompProfile, type),
                    AT(profile, SeccompProfile, localhostProfile), &seccomp_words);
}

static void match_container_seccomp(void *arg, const struct value *container, const struct path *at)
{
    struct pod_check *p = arg;
    match_seccomp(
        p, PATH(PATH(at, "securityContext"), "seccompProfile"),
        annotation_with_suffix(p->arena, p->meta, SECCOMP_CONTAINER, TEXT(container, Container, name)),
        AT(AT(container, Container, securityContext), SecurityContext, seccompProfile));
}

void check_seccomp_against_annotations(struct pod_check *p, const struct path *spec_at)
{
    if (!value_count(value_at(p->meta, meta_v1_ObjectMeta_annotations)))
        return;
    match_seccomp(p, PATH(PATH(spec_at, "securityContext"), "seccompProfile"),
                  annotation_of(p->meta, SECCOMP_POD),
                  AT(AT(p->spec, PodSpec, securityContext), PodSecurityContext, seccompProfile));
    each_container(p->spec, spec_at, match_container_seccomp, p);
}

static void match_app_armor(void *arg, const struct value *container, const struct path *at)
{
    struct pod_check *p = arg;
    const struct value *annotation =
        annotation_with_suffix(p->arena, p->meta, APP_ARMOR, TEXT(container, Container, name));
    const struct value *profile =
        AT(AT(container, Container, securityContext), SecurityContext, appArmorProfile);
    if (!value_is_set(profile))
        profile = AT(AT(p->spec, PodSpec, securityContext), PodSecurityContext, appArmorProfile);
    if (value_is_set(profile) && value_is_set(annotation))
        check_match(p->c, PATH(PATH(at, "securityContext"), "appArmorProfile"), annotation,
                    TEXT(profile, AppArmorProfile, type), AT(profile, AppArmorProfile, localhostProfile),
                    &app_armor_words);
}

void check_app_armor_against_annotations(struct pod_check *p, const struct path *spec_at)
{
    if (value_is(AT(AT(p->spec, PodSpec, os), PodOS, name), "windows") ||
        !value_count(value_at(p->meta, meta_v1_ObjectMeta_annotations)))
        return;
    each_container(p->spec, spec_at, match_app_armor, p);
}

struct value app_armor_of_annotation(struct arena *arena, struct slice text)
{
    struct value profile = value_new_record(arena, &core_v1_AppArmorProfile);
    struct value *type = value_mut(&profile, core_v1_AppArmorProfile_type);
    if (slice_is(text, "unconfined")) {
        *type = value_of_cstr("Unconfined");
    } else if (slice_is(text, "runtime/default")) {
        *type = value_of_cstr("RuntimeDefault");
    } else if (slice_starts(text, SLICE("localhost/")) && text.len > strlen("localhost/")) {
        *type = value_of_cstr("Localhost");
        *value_mut(&profile, core_v1_AppArmorProfile_localhostProfile) =
            value_of_string(slice_from(text, strlen("localhost/")));
    } else {
        return value_absent;
    }
    return profile;
}

/* ---- of a container ---- */

static void check_privileges(struct pod_check *p, const struct path *at, const struct value *security)
{
    const struct value *added = AT(AT(security, SecurityContext, capabilities), Capabilities, add);
    if (!set_to(AT(security, SecurityContext, allowPrivilegeEscalation), false))
        return;
    if (set_to(AT(security, SecurityContext, privileged), true))
        causes_invalid_shown(p->c, at, shown_record(p->arena, security),
                             "`allowPrivilegeEscalation` false excludes `privileged` true");
    for (VALUE_EACH(capability, added)) {
        if (!p->any_sys_admin && value_is(capability, "CAP_SYS_ADMIN"))
            causes_invalid_shown(p->c, at, shown_record(p->arena, security),
                                 "`allowPrivilegeEscalation` false excludes the capability CAP_SYS_ADMIN");
    }
}

void check_security(struct pod_check *p, const struct path *at, const struct value *security)
{
    static const char *const mounts[] = {"Default", "Unmasked", NULL};
    const struct value *mount = AT(security, SecurityContext, procMount);
    if (!value_is_set(security))
        return;
    check_user_id(p->c, PATH(at, "runAsUser"), AT(security, SecurityContext, runAsUser));
    check_user_id(p->c, PATH(at, "runAsGroup"), AT(security, SecurityContext, runAsGroup));
    if (value_is_set(mount)) {
        if (!value_is(mount, "Default") && !value_is(mount, "Unmasked"))
            causes_not_supported(p->c, PATH(at, "procMount"), value_text(mount), mounts);
        if (p->host_users && value_is(mount, "Unmasked"))
            causes_invalid(p->c, PATH(at, "procMount"), mount, "`Unmasked` needs `hostUsers` to be false");
    }
    check_seccomp(p, PATH(at, "seccompProfile"), AT(security, SecurityContext, seccompProfile));
    check_privileges(p, at, security);
    check_windows_options(p->c, PATH(at, "windowsOptions"), AT(security, SecurityContext, windowsOptions));
    check_app_armor(p->c, PATH(at, "appArmorProfile"), AT(security, SecurityContext, appArmorProfile));
}

/* ---- of a pod ---- */

static bool is_sysctl_part(struct slice s)
{
    bool good = s.len && (islower((unsigned char)s.ptr[0]) || isdigit((unsigned char)s.ptr[0])) &&
                (islower((unsigned char)s.ptr[s.len - 1]) || isdigit((unsigned char)s.ptr[s.len - 1]));
    for (size_t i = 0; good && i < s.len; i++)
        good = islower((unsigned char)s.ptr[i]) || isdigit((unsigned char)s.ptr[i]) || s.ptr[i] == '-' ||
               s.ptr[i] == '_';
    return good;
}

static bool is_sysctl(struct slice name)
{
    size_t start = 0;
    for (size_t i = 0; i <= name.len; i++) {
        if (i < name.len && name.ptr[i] != '.' && name.ptr[i] != '/')
            continue;
        if (!is_sysctl_part(slice_make(name.ptr + start, i - start)))
            return false;
        start = i + 1;
    }
    return name.len <= 253;
}

/* The kernel's namespace that a sysctl belongs to: 'n'et, 'i'pc, or 0. A name may have '/' where others have
 * '.'. */
static char sysctl_namespace(struct slice given)
{
    static const char *const ipc[] = {
        "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
        "kernel.shm", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.msg"};
    char text[256];
    size_t len = given.len < sizeof text ? given.len : sizeof text - 1;
    bool slashes = false;
    for (size_t i = 0; i < len && given.ptr[i] != '.' && !slashes; i++)
        slashes = given.ptr[i] == '/'; /* the first separator tells which of the two forms it is */
    for (size_t i = 0; i < len; i++)
        text[i] = !slashes              ? given.ptr[i]
                  : given.ptr[i] == '/' ? '.'
                  : given.ptr[i] == '.' ? '/'
                                        : given.ptr[i];
    struct slice name = slice_make(text, len);
    long star = slice_find(name, '*');
    if (star >= 0)
        name.len = (size_t)star;
    for (size_t i = 0; i < sizeof ipc / sizeof *ipc; i++) {
        if (slice_is(name, ipc[i]))
            return 'i';
    }
    if (slice_starts(name, SLICE("fs.mqueue.")))
        return 'i';
    return slice_starts(name, SLICE("net.")) ? 'n' : 0;
}

bool sysctl_is_of_host(struct slice name, const struct value *spec)
{
    char namespace = sysctl_namespace(name);
    return (namespace == 'n' && value_bool(AT(spec, PodSpec, hostNetwork))) ||
           (namespace == 'i' && value_bool(AT(spec, PodSpec, hostIPC)));
}

static void check_sysctls(struct pod_check *p, const struct path *at, const struct value *sysctls)
{
    struct text_set names = TEXT_SET(p->arena);
    for (size_t i = 0; i < value_count(sysctls); i++) {
        struct slice name = TEXT(value_item(sysctls, i), Sysctl, name);
        const struct path *name_at = PATH(PATH_I(at, i), "name");
        if (!name.len)
            causes_required(p->c, name_at, "");
        else if (!is_sysctl(name))
            causes_invalid_text(p->c, name_at, name,
                                "must have at most 253 characters and match regex "
                                "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
        else if (text_set_has(&names, name))
            causes_duplicate(p->c, name_at, name);
        if (!p->any_host_sysctl && sysctl_is_of_host(name, p->spec))
            causes_invalid_text(p->c, name_at, name,
                                "belongs to a namespace that the pod shares with the host");
        text_set_add(&names, name);
    }
}

static void check_choice(struct pod_check *p, const struct path *at, const char *name, const struct value *v,
                         const char *const *supported)
{
    if (!value_is_set(v))
        return;
    if (!value_text(v).len)
        causes_not_supported(p->c, PATH(at, name), SLICE(""), supported);
    else
        check_enum(p->c, PATH(at, name), v, supported, false);
}

void check_pod_security(struct pod_check *p, const struct path *at)
{
    static const char *const changes[] = {"Always", "OnRootMismatch", NULL};
    static const char *const groups[] = {"Merge", "Strict", NULL};
    static const char *const selinux[] = {"MountOption", "Recursive", NULL};
    const struct value *security = AT(p->spec, PodSpec, securityContext);
    const struct value *supplemental = AT(security, PodSecurityContext, supplementalGroups);
    if (!value_is_set(security))
        return;
    check_user_id(p->c, PATH(at, "fsGroup"), AT(security, PodSecurityContext, fsGroup));
    check_user_id(p->c, PATH(at, "runAsUser"), AT(security, PodSecurityContext, runAsUser));
    check_user_id(p->c, PATH(at, "runAsGroup"), AT(security, PodSecurityContext, runAsGroup));
    for (size_t i = 0; i < value_count(supplemental); i++)
        check_range(p->c, PATH_I(PATH(at, "supplementalGroups"), i),
                    value_int(value_item(supplemental, i), 0), 0, INT32_MAX);
    check_sysctls(p, PATH(at, "sysctls"), AT(security, PodSecurityContext, sysctls));
    check_choice(p, at, "fsGroupChangePolicy", AT(security, PodSecurityContext, fsGroupChangePolicy),
                 changes);
    check_seccomp(p, PATH(at, "seccompProfile"), AT(security, PodSecurityContext, seccompProfile));
    check_windows_options(p->c, PATH(at, "windowsOptions"), AT(security, PodSecurityContext, windowsOptions));
    check_app_armor(p->c, PATH(at, "appArmorProfile"), AT(security, PodSecurityContext, appArmorProfile));
    check_choice(p, at, "supplementalGroupsPolicy",
                 AT(security, PodSecurityContext, supplementalGroupsPolicy), groups);
    check_choice(p, at, "seLinuxChangePolicy", AT(security, PodSecurityContext, seLinuxChangePolicy),
                 selinux);
}
