/*
 * charge: what a write costs beside its own object (quotas): the states of those objects become conditions
 * and parts of the write's own transaction, so that a limit holds however many write at once. Writers of a
 * namespace that has quotas take turns from the count to the commit; without quotas nothing is locked or
 * read. Worker threads.
 */
#ifndef APISERVER_CHARGE_H
#define APISERVER_CHARGE_H

#include <pthread.h>
#include "admission/admission.h"
#include "apiserver/request.h"

struct charge_locks *charge_locks_new(void);
void charge_locks_free(struct charge_locks *locks); /* NULL: nothing */

struct charge {
    pthread_mutex_t *held; /* or NULL */
    struct store_op *ops;  /* to go before the write's own */
    size_t count;
};

/* False: req->err is set (over quota), nothing is held. */
bool charge_begin(struct request *req, struct admission_request *admission, struct charge *ret);
void charge_end(struct charge *charge);

#endif
