/* pod_secrets: which secrets a pod names, and where. Pure. */
#ifndef ADMISSION_POD_SECRETS_H
#define ADMISSION_POD_SECRETS_H

#include "openapi/value.h"

struct pod_secret_reference {
    struct slice name;
    const char *where; /* "volume", "container", ... */
    bool pull;         /* to pull images with */
};

/* Calls each() for every reference of a PodSpec until it returns false. False if there was none (each may be
 * NULL: asks that). */
bool pod_secret_references(const struct value *spec,
                           bool (*each)(void *arg, const struct pod_secret_reference *ref), void *arg);

#endif
