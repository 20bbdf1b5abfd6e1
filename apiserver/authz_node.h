/*
 * authz_node: what a node (system:node:NAME of the group system:nodes) may do: what the role system:node
 * allows, but of pods, and of what pods name, only those that run on it, and of leases, CSI nodes and nodes
 * only its own. The admission plugin NodeRestriction looks at what it writes.
 *
 * There is no graph to keep: a question about a secret looks at the pods of its namespace whose header says
 * that they are on the node, and reads only those. Its cost follows the number of pods in the namespace
 * (about a tenth of a microsecond each). Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/node/
 */
#ifndef APISERVER_AUTHZ_NODE_H
#define APISERVER_AUTHZ_NODE_H

#include "apiserver/authz.h"

struct node_authorizer;

struct node_authorizer *node_authorizer_new(struct server *server, struct error *err);
void node_authorizer_free(struct node_authorizer *node);
struct authz_answer node_authorizer_decide(struct node_authorizer *node,
                                           const struct authz_attributes *attributes, struct arena *why);
/* The node's name, if the user is one; false: no node. */
bool node_name_of(const struct user *user, struct slice *ret_name);

#endif
