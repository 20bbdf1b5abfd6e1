/*
 * pod_security: the Pod Security Standards as pure checks: a level and a version, a pod's metadata and spec
 * in, what they forbid out. The plugin around it (namespace labels, modes) is pod_security.c; the checks are
 * the table in pod_security_checks.c.
 *
 * A policy of an unknown future version counts as the newest known. Any thread; texts live in the arena.
 * Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/, KEP-2579.
 */
#ifndef ADMISSION_POD_SECURITY_H
#define ADMISSION_POD_SECURITY_H

#include "openapi/value.h"

enum pod_security_level { POD_SECURITY_PRIVILEGED, POD_SECURITY_BASELINE, POD_SECURITY_RESTRICTED };
enum { POD_SECURITY_LATEST = 1 << 30 };

struct pod_security_policy {
    enum pod_security_level level;
    int minor; /* of version v1.<minor>, or POD_SECURITY_LATEST */
};

struct pod_security_verdict {
    bool allowed;
    struct slice reasons; /* "host namespaces, privileged" */
    struct slice details; /* "host namespaces (hostNetwork=true), privileged (container "c" must not ...)" */
};

struct pod_security_verdict pod_security_evaluate(struct arena *arena, struct pod_security_policy policy,
                                                  const struct value *metadata, const struct value *spec);

#endif
