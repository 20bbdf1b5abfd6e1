/*
 * store_place: how the two drop-in programs find each other. Upstream's kube-apiserver keeps its objects in
 * etcd; here the API server has its store built in, and the program named etcd only says where that store is
 * to lie and whether writes wait for the disk, so that what people know stays true: the data go with etcd's
 * --data-dir, and an API server that is started again with the same --etcd-servers has its objects back.
 *
 *     GET http://127.0.0.1:2379/coxswain/v1/store
 *     {"dataDir":"/tmp/k8s_test_framework_1/","noSync":true}
 *
 * Errors: one sentence. Start-up only.
 */
#ifndef DROPIN_STORE_PLACE_H
#define DROPIN_STORE_PLACE_H

#include "base/arena.h"
#include "base/error.h"

#define STORE_PLACE_PATH "/coxswain/v1/store"

struct store_place {
    const char *data_dir; /* absolute */
    bool no_sync;
};

/* The answer's body. */
struct slice store_place_format(const struct store_place *place, struct arena *arena);
/* The other way round; false: it is none. */
bool store_place_parse(struct slice body, struct arena *arena, struct store_place *ret_place);
/* Asks the first of the comma-separated URLs. One that nobody listens at yet is asked again for that many
 * seconds. */
bool store_place_ask(const char *etcd_servers, int wait_seconds, struct arena *arena,
                     struct store_place *ret_place, struct error *err);
/* The folder of the store under the data folder for upstream's --etcd-prefix: different prefixes do not see
 * each other's objects. */
char *store_place_folder(const struct store_place *place, const char *prefix, struct arena *arena);

#endif
