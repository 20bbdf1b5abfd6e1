/*
 * bootstrap: the objects of a fresh cluster (namespaces, RBAC roles and bindings, priority classes, flow
 * schemas, API services, the kubernetes service), put there at start when they are missing. Their texts stand
 * in apiserver/bootstrap.json and are compiled in.
 */
#ifndef APISERVER_BOOTSTRAP_H
#define APISERVER_BOOTSTRAP_H

#include "apiserver/server.h"

/* Before the server listens. */
bool bootstrap_run(struct server *server, struct error *err);
bool bootstrap_is_done(struct server *server);

#endif
