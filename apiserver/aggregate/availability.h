/*
 * availability: whether the Service that an APIService names leads to a server, and where. Objects in,
 * verdict out: pure.
 *
 * The rules, reasons and messages are those that clients of APIService.status know (conditions of type
 * Available): ServiceNotFound, ServicePortError, EndpointsNotFound, MissingEndpoints. When none applies the
 * server is asked for its discovery document, which ends in FailedDiscoveryCheck or Passed (aggregator.c).
 *
 * Where to connect: at the ready endpoints of the Service's slices, for the addresses of Services lead
 * nowhere on a machine without a service proxy; at the name itself for Services of type ExternalName.
 *
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/api-service-v1/
 */
#ifndef APISERVER_AGGREGATE_AVAILABILITY_H
#define APISERVER_AGGREGATE_AVAILABILITY_H

#include "openapi/value.h"

enum { AVAILABILITY_PLACES_MAX = 64 };

struct availability_question {
    struct slice namespace, name; /* of the Service */
    int64_t port;
    const struct value *service; /* NULL: there is none */
    const struct value *slices;  /* EndpointSlices of the Service, in any order */
    size_t slice_count;
};

struct availability_verdict {
    const char *reason, *message;                /* of a condition that is False; NULL: ask the server */
    const char *places[AVAILABILITY_PLACES_MAX]; /* "10.0.0.1:8443"; in the arena */
    size_t place_count;
};

void availability_judge(struct arena *arena, const struct availability_question *question,
                        struct availability_verdict *ret);

#endif
