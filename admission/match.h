/*
 * match: which requests a webhook or a policy looks at: rules (groups, versions, resources, operations,
 * scope), matchPolicy, selectors of namespaces and objects. The trees are those of
 * admissionregistration.k8s.io/v1. Pure but for the look-up of a namespace. Any thread. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules
 */
#ifndef ADMISSION_MATCH_H
#define ADMISSION_MATCH_H

#include "admission/admission.h"

/* What the one who matched is to see the request as: the resource that was asked for, or with matchPolicy
 * Equivalent another version of it. NULL: no rule matches. rules: a list of RuleWithOperations or
 * NamedRuleWithOperations; names in the latter count. */
const struct schema_resource *match_rules(const struct admission_request *req, const struct value *rules,
                                          bool equivalent);

/* Both selectors. A namespaced request whose namespace is not there is an error (REASON_NOT_FOUND), which
 * counts only if all else matches: ret_error tells. */
bool match_selectors(struct admission_request *req, const struct value *namespace_selector,
                     const struct value *object_selector, struct error *ret_error);

/* The kinds that configure admission are looked at by no webhook and no policy: a bad one could not be taken
 * away. */
bool match_is_exempt(const struct admission_request *req);

#endif
