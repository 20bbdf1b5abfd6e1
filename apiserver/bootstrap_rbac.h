/*
 * bootstrap_rbac: the roles and bindings that come with the server, brought up to what this version says at
 * every start, as upstream does: what is missing from a rule list or from the subjects is added, nothing is
 * taken away; a binding of another role is made anew. An object annotated
 * rbac.authorization.kubernetes.io/autoupdate: "false" stays as it is. Pure.
 */
#ifndef APISERVER_BOOTSTRAP_RBAC_H
#define APISERVER_BOOTSTRAP_RBAC_H

#include "openapi/value.h"

/* Changes `present` to what it should be; false: nothing is to be changed. Both are of `resource`. */
bool bootstrap_reconcile(struct arena *arena, const struct schema_resource *resource,
                         const struct value *expected, struct value *present);

#endif
