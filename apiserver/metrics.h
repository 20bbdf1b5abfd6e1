/*
 * metrics: counters in Prometheus' text form under the names that upstream's dashboards use. Any thread;
 * counting a request is one lookup under a short lock. Source:
 * https://kubernetes.io/docs/reference/instrumentation/metrics/
 */
#ifndef APISERVER_METRICS_H
#define APISERVER_METRICS_H

#include "base/buf.h"

enum request_kind { REQUEST_NOT_COUNTED, REQUEST_READ_ONLY, REQUEST_MUTATING, REQUEST_KINDS };

struct metrics;
struct series;
struct request;
struct server;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);
/* The request is in flight until it is counted or has become a watch. */
void metrics_begin(struct metrics *metrics, struct request *req);
void metrics_count_request(struct metrics *metrics, struct request *req, int code, int64_t nanos,
                           size_t bytes);
/* One open watch; what is returned lives as long as the metrics. */
struct series *metrics_watch_begin(struct metrics *metrics, struct request *req);
void metrics_watch_events(struct series *series, uint64_t events); /* sent since the last call */
void metrics_watch_end(struct series *series);
void metrics_write(struct metrics *metrics, struct server *server, struct buf *out);

#endif
