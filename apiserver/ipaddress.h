/*
 * ipaddress: the IPAddress objects that say which addresses services have (networking.k8s.io/v1). They come
 * and go in the transaction of their service, so that the two never disagree; what an older store lacks is
 * added at start. Worker threads and loops. Source: KEP-1880
 * (https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/1880-multiple-service-cidrs)
 */
#ifndef APISERVER_IPADDRESS_H
#define APISERVER_IPADDRESS_H

#include "apiserver/server.h"
#include "storage/store.h"

struct value;

/* The op that makes the address an object, which must not exist yet. */
bool ipaddress_take(struct arena *arena, uint32_t ip, const struct value *service, struct store_op *ret,
                    struct error *err);
/* The op that removes it. False, without an error: there is none. */
bool ipaddress_release(struct store *store, struct arena *arena, uint32_t ip, struct store_op *ret);
/* Whether somebody has made it an object. */
bool ipaddress_exists(struct store *store, uint32_t ip);
/* Adds those that services have without an object. */
bool ipaddress_repair(struct server *server, struct error *err);

#endif
