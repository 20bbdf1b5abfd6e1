/* resource: devices that drivers offer and claims ask for: what the kinds of resource.k8s.io share. Upstream:
 * pkg/apis/resource/validation. Pure; one thread at a time per request. CEL expressions are looked at for
 * their length only. */
#ifndef APISERVER_KINDS_RESOURCE_H
#define APISERVER_KINDS_RESOURCE_H

#include "apiserver/kinds/access.h"

/* Names of drivers, pools and attributes. */
void check_driver_name(struct causes *c, const struct path *at, struct slice name);
void check_pool_name(struct causes *c, const struct path *at, struct slice name);
void check_attribute_name(struct causes *c, const struct path *at, struct slice name, bool qualified);
void check_device_taint(struct causes *c, const struct path *at, const struct value *taint,
                        const struct value *old);
void check_device_tolerations(struct causes *c, const struct path *at, const struct value *list);
/* bindingConditions and bindingFailureConditions of `owner`. */
void check_binding_conditions(struct causes *c, const struct path *at, const struct value *owner);
void check_skipped_operations(struct causes *c, const struct path *at, const struct value *list);
void check_device_selectors(struct causes *c, const struct path *at, const struct value *list, bool stored);
/* `owner`.opaque. */
void check_device_configuration(struct causes *c, const struct path *at, const struct value *owner,
                                bool stored);
/* False, with the finding, when there are more. */
bool check_count_limit(struct causes *c, const struct path *at, const struct value *list, size_t max);
/* spec.devices of a claim (resourceclaim.c). */
void check_device_claim(struct causes *c, const struct path *at, const struct value *claim);

extern const struct kind kind_deviceclasses, kind_devicetaintrules, kind_resourceclaims,
    kind_resourceclaimtemplates, kind_resourceslices;

#endif
