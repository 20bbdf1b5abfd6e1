/*
 * health: /healthz, /livez and /readyz: named checks, each a question to a part of the server, run when
 * asked. Source: https://kubernetes.io/docs/reference/using-api/health-checks/
 */
#ifndef APISERVER_HEALTH_H
#define APISERVER_HEALTH_H

#include "apiserver/request.h"

bool health_store_answers(struct server *server);
enum { HEALTH_MAX_PATHS = 160 };
/* The paths of all checks, each below its endpoint. */
size_t health_paths(const char *paths[HEALTH_MAX_PATHS], struct arena *arena);
/* Answers a path at or below one of the three; false: no such check (404). */
bool health_serve(struct request *req);

#endif
