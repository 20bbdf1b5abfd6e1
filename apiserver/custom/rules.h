/*
 * rules: x-kubernetes-validations of custom resources: compiled once per schema, evaluated on each object
 * within a budget. A rule that does not compile (its definition was stored before it could be refused) is
 * passed over. Pure. Source:
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
 */
#ifndef APISERVER_CUSTOM_RULES_H
#define APISERVER_CUSTOM_RULES_H

#include "openapi/custom.h"

/* Compiles the rules of the whole schema, before anybody else sees it. True: there are any. */
bool custom_rules_compile(struct arena *arena, const struct schema *root);
/* Adds the rules that fail. old: the object before, or NULL. */
void custom_rules_validate(struct causes *c, const struct schema *root, const struct value *object,
                           const struct value *old);

#endif
