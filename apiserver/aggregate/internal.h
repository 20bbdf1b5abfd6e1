/* The inside of aggregate: what is remembered of each extension server, and what requests see of it. */
#ifndef APISERVER_AGGREGATE_INTERNAL_H
#define APISERVER_AGGREGATE_INTERNAL_H

#include <pthread.h>

#include "apiserver/aggregate/aggregate.h"
#include "apiserver/aggregate/availability.h"
#include "apiserver/outgoing/outgoing.h"
#include "storage/observer.h"

/* What requests see, in a part of the catalogue: immutable. */
struct remote_api {
    const char *origin; /* "https://name.namespace.svc:443" */
    const char *const *places;
    size_t place_count;
    struct outgoing_tls tls;
    bool available;
};

/* What a server said when it was asked; on the heap. */
struct probe_answer {
    bool passed;
    char *message;   /* why not */
    char *discovery; /* its entry of an aggregated discovery document, without freshness; NULL: none that can
                        be used */
    char *openapi_hash; /* of its OpenAPI v3 document; NULL: it has none */
};

/* One APIService with a Service. The aggregator's thread; only its probe's answer comes from elsewhere, in
 * `probes`. */
struct member {
    struct member *next;
    char *name;                /* "v1alpha1.wardle.example.com" */
    uint64_t target;           /* hash of what the probe depends on */
    bool seen, probing, asked; /* asked: `answer` is of the present target */
    struct probe_answer answer;
    int failures;
    int64_t next_probe; /* clock_mono_nanos */
    /* of this run, in its arena */
    struct value object;
    uint64_t revision;
    struct availability_verdict verdict;
    const char *group, *version, *origin;
    struct outgoing_tls tls;
    bool available;
};

struct probe {
    struct probe *next;
    struct aggregator *aggregator;
    struct arena *arena;
    const char *name, *group, *version, *origin, *place;
    struct outgoing_tls tls;
    uint64_t target;
    struct probe_answer answer;
};

struct aggregator {
    struct server *server;
    struct observer *observer;
    struct buf cert, key; /* PEM, what we show; set at the start */
    struct member *members;
    struct slice *interest; /* "namespace/name" of the Services that matter, sorted; owned */
    size_t interest_count;
    struct buf published; /* what the catalogue's part was made from */
    pthread_mutex_t lock;
    struct probe *probes; /* that have ended */
};

/* ---- probe.c ---- */
/* Hands the member's probe to a worker; false: none is free. */
bool probe_start(struct aggregator *a, struct member *m);
/* Takes in what has ended. */
void probe_collect(struct aggregator *a);
void probe_answer_release(struct probe_answer *answer);
/* The entry of group and version in an APIGroupDiscoveryList, made ours; NULL: there is none. Pure. */
char *probe_find_discovery(struct slice document, const char *group, const char *version);
/* The hash in the index of /openapi/v3; NULL: none. Pure. */
char *probe_find_openapi(struct slice index, const char *group, const char *version);

/* ---- condition.c ---- */
/* Makes what differs from `before` (NULL: all) ours in the object's managedFields. subresource: "status" or
 * "". */
void condition_own(struct arena *arena, const struct schema_resource *resource, const struct value *before,
                   struct value *object, const char *subresource);
/* Makes the condition Available of the stored object say this, unless it does. */
void condition_write(struct aggregator *a, struct arena *arena, struct value *object, uint64_t revision,
                     const char *status, const char *reason, const char *message);
bool condition_is_true(const struct value *object);

/* ---- register.c ---- */
/* Brings the APIServices of custom group-versions in step with the catalogue. all: every APIService there is.
 */
void register_custom(struct aggregator *a, struct arena *arena, const struct value *all, size_t count);

/* ---- publish.c ---- */
void publish_members(struct aggregator *a);

#endif
