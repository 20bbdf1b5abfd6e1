/* pod_references: which other objects a pod names, and where: what its node may read, and what a mirror pod
 * may not have. Pure. */
#ifndef ADMISSION_POD_REFERENCES_H
#define ADMISSION_POD_REFERENCES_H

#include "openapi/value.h"

enum pod_reference_kind {
    POD_SECRET,
    POD_CONFIG_MAP,
    POD_CLAIM, /* of a volume */
    POD_ACCOUNT,
    POD_RESOURCE_CLAIM,
    POD_OTHER, /* named here by kind only: trust bundles, drivers, endpoints, certificates */
};

struct pod_reference {
    enum pod_reference_kind kind;
    struct slice name;
    const char *where; /* "volume", "container", ...; of POD_OTHER the resource */
    bool pull;         /* a secret to pull images with */
};

/* Calls each() for every reference of a Pod until it returns false: then true. */
bool pod_references(struct arena *arena, const struct value *pod,
                    bool (*each)(void *arg, const struct pod_reference *ref), void *arg);

#endif
