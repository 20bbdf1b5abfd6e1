/*
 * crd_status: what the server says of a CustomResourceDefinition: accepted names and conditions. Pure: one
 * definition and the names that others of its group hold in, the changed definition out; false when there is
 * nothing to change. The tree is changed in place and lives in the arena; texts of other definitions are
 * copied.
 *
 * The steps come in upstream's order, each seen by watchers: names accepted (Established=False, Installing),
 * then Established=True; for one that is being deleted: InstanceDeletionInProgress, then the end of the
 * finalizer. Source:
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
 */
#ifndef APISERVER_KINDS_CRD_STATUS_H
#define APISERVER_KINDS_CRD_STATUS_H

#include "openapi/value.h"

#define CRD_FINALIZER "customresourcecleanup.apiextensions.k8s.io"

/* Names that the other definitions of the group hold. */
struct crd_taken {
    struct arena *arena;
    struct slice *resources, *kinds;
    size_t resource_count, resource_capacity, kind_count, kind_capacity;
};
/* Adds what another definition holds. */
void crd_taken_add(struct crd_taken *taken, const struct value *definition);

/* The next step towards being served, or none. */
bool crd_status_advance(struct arena *arena, struct value *definition, const struct crd_taken *taken,
                        int64_t now);
bool crd_status_is(const struct value *definition, const char *condition);
/* Sets a condition; its time of transition changes with its status only. False: it was so already. */
bool crd_status_set(struct arena *arena, struct value *definition, const char *type, const char *status,
                    const char *reason, const char *message, int64_t now);

#endif
