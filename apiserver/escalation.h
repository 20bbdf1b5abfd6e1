/*
 * escalation: nobody gives away what they do not have. A role may be written only by who holds all of its
 * rules (or may "escalate" it), a binding only by who holds the rules of its role (or may "bind" it), an
 * aggregation rule only by who may do everything. Members of system:masters may. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
#ifndef APISERVER_ESCALATION_H
#define APISERVER_ESCALATION_H

#include "apiserver/request.h"

/* Are writes of the resource looked at? That may take milliseconds: not on an event loop. */
bool escalation_concerns(const struct schema_resource *resource);
/* For every write, before validation; old is NULL for a creation. False: req->err is set. */
bool escalation_check(struct request *req, const struct value *object, const struct value *old);

#endif
