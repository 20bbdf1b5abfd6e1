/*
 * health: asks an API server over TLS, with the administrator's certificate and trusting the cluster's
 * authority alone. Errors: one sentence (what the server said, or why it could not be asked). Single thread.
 */
#ifndef LAUNCHER_HEALTH_H
#define LAUNCHER_HEALTH_H

#include "base/error.h"
#include "launcher/cluster.h"

/* True when GET /readyz answers 200 within two seconds. */
bool health_ready(const struct cluster *cluster, const char *server_url, struct error *err);

#endif
