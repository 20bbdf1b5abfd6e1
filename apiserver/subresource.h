/* subresource: the subresources with behaviour of their own, each in subresource_<name>.c. Each answers or
 * takes the request over. */
#ifndef APISERVER_SUBRESOURCE_H
#define APISERVER_SUBRESOURCE_H

#include "apiserver/request.h"

bool subresource_scale(struct request *req);      /* get, update, patch of autoscaling/v1 Scale */
bool subresource_binding(struct request *req);    /* a pod gets its node */
bool subresource_eviction(struct request *req);   /* delete a pod if its disruption budgets allow */
bool subresource_log(struct request *req);        /* of a pod's container */
bool subresource_token(struct request *req);      /* a token for a service account */
bool component_status_serve(struct request *req); /* reads of componentstatuses; false: another resource */
bool subresource_connect(struct request *req);    /* exec, attach, port-forward */

#endif
