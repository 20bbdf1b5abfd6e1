/*
 * allocate: what a service is given by the server (cluster IP, node ports) and gives back. Reserved before
 * the write, kept if it is committed, returned if not, so that two writers never get the same. In memory,
 * rebuilt from the stored services at start. Any thread. Objects of other kinds pass through.
 */
#ifndef APISERVER_ALLOCATE_H
#define APISERVER_ALLOCATE_H

#include "apiserver/kinds/service_alloc.h"
#include "apiserver/server.h"

struct allocation {
    bool active;
    struct service_claims claims;
};

/* NULL with err: the range is no IPv4 CIDR between /8 and /28. */
struct service_allocator *allocator_new(struct server *server, struct error *err);
void allocator_free(struct service_allocator *allocator);

/* The first address of the range: of the service "kubernetes". */
struct slice allocator_first_ip(struct arena *arena, const char *range);

/* Whether objects of the resource are given anything at all. */
bool allocate_concerns(const struct schema_resource *resource);
/* Changes the object. old NULL: a creation; object NULL: a deletion. allocation must be zero before;
 * allocate_end must follow, also after a failure. */
bool allocate_begin(struct service_allocator *allocator, struct arena *arena,
                    const struct schema_resource *resource, struct value *object, const struct value *old,
                    bool dry_run, struct allocation *allocation, struct error *err);
void allocate_end(struct service_allocator *allocator, struct allocation *allocation, bool committed);

enum { ALLOCATE_MAX_OPS = 2 };
/* What else goes into the transaction of the service: its IPAddress objects. */
bool allocate_ops(struct service_allocator *allocator, struct arena *arena,
                  const struct allocation *allocation, const struct value *service,
                  struct store_op ops[ALLOCATE_MAX_OPS], size_t *ret_count, struct error *err);

#endif
