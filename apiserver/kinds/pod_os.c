#include "apiserver/kinds/pod_parts.h"

#include <ctype.h>

/* What a pod may ask for depends on the operating system that it says it is for. */

/* ---- Windows' user names ---- */

static bool is_netbios(struct slice s)
{
    bool good = s.len > 0 && s.len <= 15 && s.ptr[0] != '.';
    for (size_t i = 0; good && i < s.len; i++)
        good = s.ptr[i] && !strchr("\\/:*?\"<>|", s.ptr[i]);
    return good;
}

static bool is_dns_domain(struct slice s)
{
    struct slice part;
    if (!s.len)
        return false;
    while (slice_split(&s, '.', &part)) {
        bool good = part.len > 0 && part.len <= 63 && isalnum((unsigned char)part.ptr[0]) &&
                    isalnum((unsigned char)part.ptr[part.len - 1]);
        for (size_t i = 0; good && i < part.len; i++)
            good = isalnum((unsigned char)part.ptr[i]) || part.ptr[i] == '-';
        if (!good)
            return false;
    }
    return true;
}

static void check_windows_user(struct causes *c, const struct path *at, const struct value *name,
                               struct slice domain, struct slice user, bool has_domain)
{
    bool blank = user.len > 0, odd = false;
    for (size_t i = 0; i < user.len; i++) {
        blank = blank && (user.ptr[i] == '.' || user.ptr[i] == ' ');
        odd = odd || strchr("\"/\\:;|=,+*?<>@[]", user.ptr[i]);
    }
    if (domain.len >= 256)
        causes_invalid(c, at, name, "the domain must be under 256 characters");
    if (has_domain && !is_netbios(domain) && !is_dns_domain(domain))
        causes_invalid(c, at, name, "the domain is neither in NetBios nor in DNS format");
    if (!user.len)
        causes_invalid(c, at, name, "the user cannot be empty");
    else if (user.len > 104)
        causes_invalid(c, at, name, "the user must not be longer than 104 characters");
    if (blank)
        causes_invalid(c, at, name, "the user cannot be only periods and spaces");
    if (odd)
        causes_invalid(c, at, name, "the user cannot have any of \"/\\:;|=,+*?<>@[]");
}

static void check_run_as(struct causes *c, const struct path *at, const struct value *name)
{
    struct slice text = value_text(name), rest = text, part;
    size_t parts = 0;
    bool control = false;
    while (slice_split(&rest, '\\', &part))
        parts++;
    for (size_t i = 0; i < text.len; i++)
        control = control || iscntrl((unsigned char)text.ptr[i]);
    if (!text.len) {
        causes_invalid(c, at, name, "cannot be an empty string");
    } else if (control) {
        causes_invalid(c, at, name, "cannot have control characters");
    } else if (parts > 2) {
        causes_invalid(c, at, name, "cannot have more than one backslash");
    } else {
        long slash = slice_find(text, '\\');
        check_windows_user(c, at, name, slash < 0 ? slice_make("", 0) : slice_make(text.ptr, (size_t)slash),
                           slash < 0 ? text : slice_from(text, (size_t)slash + 1), slash >= 0);
    }
}

void check_windows_options(struct causes *c, const struct path *at, const struct value *options)
{
    const struct value *name = AT(options, WindowsSecurityContextOptions, gmsaCredentialSpecName);
    const struct value *spec = AT(options, WindowsSecurityContextOptions, gmsaCredentialSpec);
    const struct value *user = AT(options, WindowsSecurityContextOptions, runAsUserName);
    if (value_is_set(name))
        check_name(c, PATH(at, "gmsaCredentialSpecName"), value_text(name), name_check_subdomain);
    if (value_is_set(spec) && !value_text(spec).len)
        causes_invalid(c, PATH(at, "gmsaCredentialSpec"), spec, "cannot be an empty string");
    else if (value_text(spec).len > 64 * 1024)
        causes_invalid(c, PATH(at, "gmsaCredentialSpec"), spec, "must be under 64 KiB");
    if (value_is_set(user))
        check_run_as(c, PATH(at, "runAsUserName"), user);
}

/* ---- host processes ---- */

struct host_processes {
    struct pod_check *p;
    const struct value *pod; /* what the pod says, or absent */
    size_t containers, host;
};

static void count_host_process(void *arg, const struct value *container, const struct path *at)
{
    struct host_processes *h = arg;
    const struct value *options =
        AT(AT(container, Container, securityContext), SecurityContext, windowsOptions);
    const struct value *own = AT(options, WindowsSecurityContextOptions, hostProcess);
    h->containers++;
    if (value_is_set(h->pod) && value_is_set(own) && h->pod->b != own->b)
        causes_invalid(h->p->c, PATH(PATH(PATH(at, "securityContext"), "windowsOptions"), "hostProcess"), own,
                       "the pod says %s", h->pod->b ? "true" : "false");
    h->host += set_to(value_is_set(own) ? own : h->pod, true);
}

void check_host_process(struct pod_check *p, const struct path *spec_at)
{
    const struct value *options =
        AT(AT(p->spec, PodSpec, securityContext), PodSecurityContext, windowsOptions);
    struct host_processes h = {p, AT(options, WindowsSecurityContextOptions, hostProcess), 0, 0};
    each_container(p->spec, spec_at, count_host_process, &h);
    if (!h.host)
        return;
    if (h.host != h.containers)
        causes_invalid_text(p->c, spec_at, SLICE(""), "all containers or none must be host processes");
    if (!value_bool(AT(p->spec, PodSpec, hostNetwork)))
        causes_invalid_shown(p->c, PATH(spec_at, "hostNetwork"), "false",
                             "must be true with hostProcess containers");
}

/* ---- fields of the other system ---- */

struct field_name {
    const char *name;
    unsigned field;
};

static void forbid_fields(struct causes *c, const struct path *at, const struct value *v,
                          const struct field_name *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (value_is_set(value_at(v, fields[i].field)))
            causes_forbidden(c, PATH(at, fields[i].name), "cannot be set for a windows pod");
    }
}

static void check_container_for_windows(void *arg, const struct value *container, const struct path *at)
{
    static const struct field_name fields[] = {
        {"appArmorProfile", core_v1_SecurityContext_appArmorProfile},
        {"seLinuxOptions", core_v1_SecurityContext_seLinuxOptions},
        {"seccompProfile", core_v1_SecurityContext_seccompProfile},
        {"capabilities", core_v1_SecurityContext_capabilities},
        {"readOnlyRootFilesystem", core_v1_SecurityContext_readOnlyRootFilesystem},
        {"privileged", core_v1_SecurityContext_privileged},
        {"allowPrivilegeEscalation", core_v1_SecurityContext_allowPrivilegeEscalation},
        {"procMount", core_v1_SecurityContext_procMount},
        {"runAsUser", core_v1_SecurityContext_runAsUser},
        {"runAsGroup", core_v1_SecurityContext_runAsGroup}};
    struct pod_check *p = arg;
    forbid_fields(p->c, PATH(at, "securityContext"), AT(container, Container, securityContext), fields,
                  sizeof fields / sizeof *fields);
}

static void check_windows(struct pod_check *p, const struct path *spec_at)
{
    static const struct field_name security[] = {
        {"appArmorProfile", core_v1_PodSecurityContext_appArmorProfile},
        {"seLinuxOptions", core_v1_PodSecurityContext_seLinuxOptions},
        {"seccompProfile", core_v1_PodSecurityContext_seccompProfile},
        {"fsGroup", core_v1_PodSecurityContext_fsGroup},
        {"fsGroupChangePolicy", core_v1_PodSecurityContext_fsGroupChangePolicy},
        {"sysctls", core_v1_PodSecurityContext_sysctls},
        {"runAsUser", core_v1_PodSecurityContext_runAsUser},
        {"runAsGroup", core_v1_PodSecurityContext_runAsGroup},
        {"supplementalGroups", core_v1_PodSecurityContext_supplementalGroups},
        {"supplementalGroupsPolicy", core_v1_PodSecurityContext_supplementalGroupsPolicy},
        {"seLinuxChangePolicy", core_v1_PodSecurityContext_seLinuxChangePolicy}};
    static const struct field_name fields[] = {
        {"hostUsers", core_v1_PodSpec_hostUsers},
        {"hostPID", core_v1_PodSpec_hostPID},
        {"hostIPC", core_v1_PodSpec_hostIPC},
        {"shareProcessNamespace", core_v1_PodSpec_shareProcessNamespace}};
    forbid_fields(p->c, PATH(spec_at, "securityContext"), AT(p->spec, PodSpec, securityContext), security,
                  sizeof security / sizeof *security);
    forbid_fields(p->c, spec_at, p->spec, fields, sizeof fields / sizeof *fields);
    each_container(p->spec, spec_at, check_container_for_windows, p);
}

static void check_container_for_linux(void *arg, const struct value *container, const struct path *at)
{
    struct pod_check *p = arg;
    if (value_is_set(AT(AT(container, Container, securityContext), SecurityContext, windowsOptions)))
        causes_forbidden(p->c, PATH(PATH(at, "securityContext"), "windowsOptions"),
                         "cannot be set for a linux pod");
}

static void check_linux(struct pod_check *p, const struct path *spec_at)
{
    if (value_is_set(AT(AT(p->spec, PodSpec, securityContext), PodSecurityContext, windowsOptions)))
        causes_forbidden(p->c, PATH(PATH(spec_at, "securityContext"), "windowsOptions"),
                         "cannot be set for a linux pod");
    each_container(p->spec, spec_at, check_container_for_linux, p);
}

void check_os(struct pod_check *p, const struct path *spec_at)
{
    static const char *const systems[] = {"linux", "windows", NULL};
    const struct value *os = AT(p->spec, PodSpec, os);
    struct slice name = TEXT(os, PodOS, name);
    const struct path *at = PATH(spec_at, "os");
    if (!value_is_set(os))
        return;
    if (!name.len)
        causes_required(p->c, PATH(at, "name"), "");
    else if (slice_is(name, "linux"))
        check_linux(p, spec_at);
    else if (slice_is(name, "windows"))
        check_windows(p, spec_at);
    else
        causes_not_supported(p->c, at, name, systems);
}
