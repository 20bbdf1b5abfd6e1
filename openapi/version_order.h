/*
 * version_order: the order of API versions, newest and most stable first: GA (v2, v1) before beta (v1beta2,
 * v1beta1) before alpha; of one kind the higher number first; names that are no such version come last, by
 * text. Pure. Source:
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
 */
#ifndef OPENAPI_VERSION_ORDER_H
#define OPENAPI_VERSION_ORDER_H

/* As strcmp: negative when a comes first. */
int version_order(const char *a, const char *b);

#endif
