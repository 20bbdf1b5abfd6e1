/*
 * metrics: counters in Prometheus' text form under the names that upstream's dashboards use. Any thread; counting a request is
 * one lookup under a short lock.
 * Source: https://kubernetes.io/docs/reference/instrumentation/metrics/
 */
#ifndef APISERVER_METRICS_H
#define APISERVER_METRICS_H

#include "base/buf.h"

struct metrics;
struct request;
struct server;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);
void metrics_count_request(struct metrics *metrics, const struct request *req, int code, int64_t nanos, size_t bytes);
/* A watch has begun (+1) or ended (-1). */
void metrics_watch(struct metrics *metrics, const struct request *req, int change);
void metrics_count_watch_events(struct metrics *metrics, const struct request *req, uint64_t events, uint64_t bytes);
void metrics_write(struct metrics *metrics, struct server *server, struct buf *out);

#endif
