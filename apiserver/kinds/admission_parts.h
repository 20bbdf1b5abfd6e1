/*
 * admission_parts: what the kinds of admissionregistration.k8s.io share: which requests a hook or policy is
 * asked about. Upstream: pkg/apis/admissionregistration/validation. Pure; one thread at a time per request.
 * CEL expressions are looked at for being there and for their length; compiling them is the admission chain's
 * business.
 */
#ifndef APISERVER_KINDS_ADMISSION_PARTS_H
#define APISERVER_KINDS_ADMISSION_PARTS_H

#include "apiserver/kinds/access.h"

extern const char *const failure_policies[], *const match_policies[], *const reinvocation_policies[];

/* Operations, groups, versions, resources, scope of a rule. */
void check_operation_rule(struct causes *c, const struct path *at, const struct value *rule);
void check_match_conditions(struct causes *c, const struct path *at, const struct value *list);
/* Names that are kept for configuration files. `at` is metadata.name's. */
void check_static_suffix(struct kind_request *req, const struct value *object, const struct value *old);
/* An optional text; only looked at when set. */
void check_if_set(struct causes *c, const struct path *at, const struct value *text,
                  const char *const *known);
/* Is there anything but white space? */
bool is_blank(struct slice text);
/* `parent`.url and `parent`.service of a client configuration; exactly one (webhookconfiguration.c). */
void check_webhook_client(struct causes *c, const struct path *at, const struct value *client);

extern const struct kind kind_mutatingwebhookconfigurations, kind_validatingwebhookconfigurations;
extern const struct kind kind_validatingadmissionpolicies, kind_validatingadmissionpolicybindings;
extern const struct kind kind_mutatingadmissionpolicies, kind_mutatingadmissionpolicybindings;

#endif
