/*
 * aggregate: other API servers behind this one. An APIService names a Service for one group-version; requests
 * for it are handed to that server (forward.h), its discovery and OpenAPI join ours, and the APIService's
 * condition Available says whether it can be reached. APIServices of custom resources are registered here
 * too.
 *
 *     aggregator.c    the thread (storage/observer.h): looks at APIServices, Services, EndpointSlices;
 * decides what is next availability.c  pure: does the Service lead anywhere probe.c         asks a server for
 * its discovery, on a worker, in bounded time and memory condition.c     writes APIService.status register.c
 * APIServices of group-versions that custom resources bring publish.c       the catalogue's part
 * (catalogue.h): what requests see serve.c         a request for such a group-version
 *
 * A server that hangs costs its own probes only; what it says of other groups than its own is not looked at;
 * while it cannot be reached its last discovery stays, marked Stale, and requests get 503.
 *
 * Source: https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
 */
#ifndef APISERVER_AGGREGATE_AGGREGATE_H
#define APISERVER_AGGREGATE_AGGREGATE_H

#include "apiserver/request.h"

struct aggregator;

/* Starts. The certificate that we show to extension servers is read from the server's configuration; without
 * one they see no identity of ours. */
struct aggregator *aggregator_new(struct server *server, struct error *err);
/* Before hub_free, and before the outgoing engine is freed. NULL is allowed. */
void aggregator_stop(struct aggregator *aggregator);
/* After the workers have ended and after hub_free. NULL is allowed. */
void aggregator_free(struct aggregator *aggregator);

/* True: the group-version is another server's, and the request has been answered or handed on. Loop thread.
 */
bool aggregate_serve(struct request *req, struct slice group, struct slice version);

/* The ConfigMap in kube-system that tells extension servers which certificates we believe and how we speak of
 * users (extension_authentication.c). At start, after bootstrap. */
bool aggregate_write_authentication(struct server *server, struct error *err);

#endif
