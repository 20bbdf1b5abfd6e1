/*
 * pod_security_parts: what the checks of the Pod Security Standards share: the pod as they see it, and the
 * phrases of their findings. Internal to pod_security_*.c.
 */
#ifndef ADMISSION_POD_SECURITY_PARTS_H
#define ADMISSION_POD_SECURITY_PARTS_H

#include "admission/texts.h"
#include "openapi/value.h"

struct pod {
    struct arena *arena;
    int minor; /* of the policy's version */
    const struct value *annotations, *spec, *security;
    const struct value **containers; /* init, ordinary, ephemeral */
    size_t container_count;
};

/* Who sets something forbidden. */
struct setters {
    bool pod;
    struct texts containers;
};

struct finding {
    const char *reason; /* NULL: allowed */
    struct slice detail;
};

#define EACH_CONTAINER(c, pod)                                                                               \
    size_t c##_i = 0;                                                                                        \
    c##_i < (pod)->container_count;                                                                          \
    c##_i++

/* In a function with a `pod`. */
#define FORBID(reason_, ...) ((struct finding){(reason_), arena_slicef(pod->arena, __VA_ARGS__)})
#define ALLOWED              ((struct finding){0})

const struct value *ps_field(const struct value *v, const char *name);
const struct value *ps_security_of(const struct value *container);
struct slice ps_name_of(const struct value *named);
const char *ps_plural(size_t count, const char *one, const char *many);
bool ps_is_one_of(struct slice text, const char *const *allowed); /* NULL-terminated */
bool ps_is_true(const struct value *v);                           /* set, and true */
bool ps_is_false(const struct value *v);                          /* set, and false */
void ps_blame(struct pod *pod, struct setters *setters, const struct value *container);
/* container "a"; containers "a", "b" */
struct slice ps_containers_text(struct pod *pod, const struct texts *names);
/* pod and container "a" */
struct texts ps_setter_list(struct pod *pod, const struct setters *setters);
struct slice ps_setters_text(struct pod *pod, const struct setters *setters);
bool ps_any(const struct setters *setters);
bool ps_is_windows(const struct pod *pod);
bool ps_has_user_namespace(const struct pod *pod);
/* key="text", quoted as Go's %q */
struct slice ps_assignment(struct pod *pod, struct slice key, struct slice text);
/* Capabilities beyond the allowed ones, collected in `added`. */
bool ps_adds_forbidden(struct pod *pod, const struct value *container, const char *const *allowed,
                       struct texts *added);

/* ---- the checks that others build on ---- */
struct finding ps_check_proc_mount(struct pod *pod);
struct finding ps_check_seccomp_fields(struct pod *pod, bool required);

/* ---- the checks ---- */
struct finding ps_check_apparmor(struct pod *pod);
struct finding ps_check_capabilities_baseline(struct pod *pod);
struct finding ps_check_host_namespaces(struct pod *pod);
struct finding ps_check_host_path(struct pod *pod);
struct finding ps_check_host_ports(struct pod *pod);
struct finding ps_check_probe_hosts(struct pod *pod);
struct finding ps_check_privileged(struct pod *pod);
struct finding ps_check_proc_mount_baseline(struct pod *pod);
struct finding ps_check_selinux(struct pod *pod);
struct finding ps_check_seccomp_baseline(struct pod *pod);
struct finding ps_check_sysctls(struct pod *pod);
struct finding ps_check_host_process(struct pod *pod);
struct finding ps_check_escalation(struct pod *pod);
struct finding ps_check_capabilities_restricted(struct pod *pod);
struct finding ps_check_volumes(struct pod *pod);
struct finding ps_check_non_root(struct pod *pod);
struct finding ps_check_user(struct pod *pod);
struct finding ps_check_seccomp_restricted(struct pod *pod);

#endif
